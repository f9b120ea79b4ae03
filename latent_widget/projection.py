"""Projection of a map to exact cell areas: global Newton steps through a DCT, local repair where held back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import fft

from latent_widget.mesh import guard, lift, measure, pull
from latent_widget.relaxation import around, relax

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]

# No corner triangle may get smaller than this share of its cell, unless it was smaller already.
SHAPE = 1e-3
# A thinner map than this is not kept: round-off could fold it.
THINNEST = 1e-7
# Below this error further Newton steps only stir round-off.
GOAL = 1e-8
# The most conjugate-gradient iterations in one Newton step; one is enough while the map is smooth.
INNER = 8
# Local repair: the barrier that keeps triangles open starts here and falls by this factor a step. A slower
# descent settles nearer to the exact areas of a step or a spike, a faster one stops in a worse place.
BARRIER, DESCENT = 0.1, 0.7
# Steps without a gain of 3 % after which the projection stops.
PATIENCE = 8


@dataclass(frozen=True)
class Projection:
    """What was reached: corners x, y (H+1, W+1), the largest and the root-mean-square relative area error.

    ``iterations`` counts the steps to it; ``held`` tells whether a triangle ever held the map back.
    """

    x: Array
    y: Array
    error: float
    rms: float
    iterations: int
    held: bool


def symbols(shape: tuple[int, int], dx: float, dy: float) -> tuple[Array, Array]:
    """Eigenvalues (H, W) of the nine-point and the five-point Neumann Laplacian that B M Bᵀ resembles."""
    h, w = shape
    a, b = np.pi * np.arange(w) / (2 * w), np.pi * np.arange(h) / (2 * h)
    sx, sy = dy * dy * np.sin(a) ** 2, dx * dx * np.sin(b) ** 2
    nine = 4.0 * (np.cos(b)[:, None] ** 2 * sx + sy[:, None] * np.cos(a) ** 2)
    five = 4.0 * (sx + sy[:, None])
    return nine, five


class Newton:
    """The linear system ``(B M Bᵀ) p = r`` of one lattice, with its preconditioner and its work arrays."""

    def __init__(self, shape: tuple[int, int], dx: float, dy: float, workers: int) -> None:
        h, w = shape
        self.nine, self.five = symbols(shape, dx, dy)
        self.along, self.across = 0.25 / (dx * dx), 0.25 / (dy * dy)
        self.workers = workers
        self.change = np.empty(shape)
        self.u, self.v = np.empty((h + 1, w + 1)), np.empty((h + 1, w + 1))

    def solve(self, x: Array, y: Array, area: Array, residual: Array, mix: float, iterations: int) -> float:
        """Leave in u, v the displacement that changes the areas by about ``residual``; return its length.

        ``mix`` is the share of the five-point symbol, which sees the checkerboard modes that the nine-point
        one does not. Preconditioned conjugate gradients, up to a tenth of the residual's square.
        """
        h = len(area)
        inverse = 1.0 / np.maximum((1.0 - mix) * self.nine + mix * self.five, 1e-300)
        inverse[0, 0] = 0.0
        rest, direction, power = residual, residual, 1.0
        potential: Array | None = None
        goal = 0.1 * float(np.vdot(residual, residual))
        for k in range(iterations):
            z = fft.dctn(rest, workers=self.workers)
            z *= inverse
            z = fft.idctn(z, workers=self.workers, overwrite_x=True)
            new_power = float(np.vdot(rest, z))
            direction = z if k == 0 else z + (new_power / power) * direction
            power = new_power
            lift(x, y, area, direction, self.u, self.v, self.along, self.across, 0, h + 1)
            pull(x, y, self.u, self.v, self.change, 0, h)
            curvature = float(np.vdot(direction, self.change))
            if not curvature > 0.0:
                break
            length = power / curvature
            if iterations == 1:
                return length
            potential = length * direction if potential is None else potential + length * direction
            rest = rest - length * self.change
            if np.vdot(rest, rest) < goal:
                break
        if potential is None:
            return 0.0
        lift(x, y, area, potential, self.u, self.v, self.along, self.across, 0, h + 1)
        return 1.0


def project(
    x: Array,
    y: Array,
    target: Array,
    dx: float,
    dy: float,
    tolerance: float = 1e-3,
    limit: int = 60,
    workers: int = 1,
    give_up: bool = False,
) -> Projection:
    """Move the corners until every cell has its target area (H, W), and never through a fold.

    Each step solves ``(B M Bᵀ) p = T - A`` for a potential p on the cells, B the derivative of the areas by
    the corners, and moves the corners by M Bᵀ p. Where a corner triangle would close, its neighbourhood is held
    back and then repaired corner by corner. Needs ``dx · dy = 1`` and a fold-free start. Goes on below
    ``tolerance`` while a step still gains, and returns the best map it saw; with ``give_up`` it returns as
    soon as it is held back.
    """
    h, w = target.shape
    newton = Newton((h, w), dx, dy, workers)
    area = np.empty((h, w))
    new_x, new_y = np.empty((h + 1, w + 1)), np.empty((h + 1, w + 1))
    x, y = x.copy(), y.copy()
    found = np.empty(4)
    worst = measure(x, y, target, area, 0, h, found)
    merit, error = found[1], found[2]
    best = (x.copy(), y.copy(), error, merit, 0)
    inner, steps, since, slow, held = 1, 0, 0, False, False
    while steps < limit and error > GOAL and since < PATIENCE:
        mix = min(0.5, max(0.1 if slow else 0.0, error))
        length = newton.solve(x, y, area, target - area, mix, inner)
        np.multiply(newton.u, length, out=new_x)
        np.multiply(newton.v, length, out=new_y)
        new_x += x
        new_y += y
        free = measure(new_x, new_y, target, area, 0, h, found) >= min(SHAPE, 0.2 * worst)
        if not free:
            held = True
            if give_up:
                break
            # a shorter step holds fewer cells back
            length = min(length, 1.0)
            while guard(x, y, newton.u, newton.v, new_x, new_y, length, 12) < 0.0 and length > 0.02:
                length *= 0.5
            measure(new_x, new_y, target, area, 0, h, found)
        if not found[0] > 0.0 or (free and found[1] > 1.5 * merit):
            new_x[:], new_y[:] = x, y
            measure(new_x, new_y, target, area, 0, h, found)
        x, y, new_x, new_y = new_x, new_y, x, y
        steps += 1
        before, slow = slow, found[2] > 0.3 * error
        inner = min(2 * inner, INNER) if slow else 1
        worst = found[0]
        if not free or (slow and before):
            # Repair where the error is more than ordinary. The barrier matters while triangles are in the
            # way; later it would only spoil the areas.
            errors = np.abs(area / target - 1.0)
            rms = (found[1] / errors.size) ** 0.5
            active = around(errors > max(0.5 * rms, min(0.02, 0.2 * found[2])))
            barrier = 1e-3 * found[2] if free else max(1e-5, min(BARRIER * DESCENT**steps, found[2]))
            sweeps = int(np.clip(0.4 / max(active.mean(), 1e-9), 2, 20))
            relax(x, y, target, active, barrier, 0.0, sweeps)
            worst = measure(x, y, target, area, 0, h, found)
        since = 0 if found[1] < 0.97 * best[3] else since + 1
        merit, error = found[1], found[2]
        if merit < best[3] and worst > min(THINNEST, 0.5):
            best = (x.copy(), y.copy(), error, merit, steps)
        if slow and best[2] <= tolerance:
            break
    return Projection(best[0], best[1], best[2], (best[3] / target.size) ** 0.5, best[4], held)
