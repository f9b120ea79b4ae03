"""Projection of a map to exact cell areas: global Newton steps through a DCT, local repair where needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import fft

from latent_widget.mesh import assess, lift, pull
from latent_widget.relaxation import around, guard, relax
from latent_widget.threads import split, useful

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]

# No corner triangle may get smaller than this share of its cell, unless it was smaller already.
SHAPE = 1e-3
# A thinner map than this is not kept: round-off could fold it.
THINNEST = 1e-7
# Below this error further Newton steps only stir round-off.
GOAL = 3e-7
# The most conjugate-gradient iterations in one Newton step; one is enough while the map is smooth.
INNER = 8
# Local repair: the barrier that keeps triangles open starts here and falls by this factor a step. A slower
# descent settles nearer to the exact areas of a step or a spike, a faster one stops in a worse place.
BARRIER, DESCENT = 0.1, 0.7
# The most that a step towards a distant target changes the logarithm of an area.
STRIDE = 2.0
# Steps that may be spent on coming near; a map that needs more is better begun by the flow.
STRIDES = 6
# Steps in which the squared error has to fall by a fifth, or the projection stops.
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
            self._move(x, y, area, direction)
            split(self.workers, h, lambda a, b: pull(x, y, self.u, self.v, self.change, a, b))
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
        self._move(x, y, area, potential)
        return 1.0

    def _move(self, x: Array, y: Array, area: Array, potential: Array) -> None:
        split(
            self.workers,
            len(area) + 1,
            lambda a, b: lift(x, y, area, potential, self.u, self.v, self.along, self.across, a, b),
        )


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
    the corners, and moves the corners by M Bᵀ p. Where a corner triangle would close, its neighbourhood is
    held back and then repaired corner by corner. Needs ``dx · dy = 1`` and a fold-free start, whose arrays it
    uses up. Goes on below ``tolerance`` while a step still gains, and returns the best map it saw; with
    ``give_up`` it returns as soon as it is held back or seen to be slow.
    """
    h, w = target.shape
    everyone, workers = workers, useful(workers, h * w)
    newton = Newton((h, w), dx, dy, workers)
    area = np.empty((h, w))
    worst, merit, error, _ = assess(x, y, target, area, workers)
    # three maps: the present one, the best one, and room for the next one
    maps = [(x, y), *((np.empty_like(x), np.empty_like(y)) for _ in range(2))]
    now = best = 0
    best_error, best_merit, best_step, mark = error, merit, 0, merit
    inner, steps, since, slow, held, reach = 1, 0, 0, False, False, 1.0
    while steps < limit and error > GOAL and since < PATIENCE:
        x, y = maps[now]
        new = next(k for k in range(3) if k not in (now, best))
        new_x, new_y = maps[new]
        mix = min(0.5, max(0.1 if slow else 0.0, error))
        residual = target - area
        if give_up and error > 0.5:
            if steps == STRIDES:
                held = True
                break
            inner = 1
            # far away, go part of the way in the logarithm, in which areas stay positive
            ratio = np.log(target / area)
            residual = area * np.expm1(min(1.0, STRIDE / np.abs(ratio).max()) * ratio)
            residual -= residual.mean()
        length = newton.solve(x, y, area, residual, mix, inner)
        np.multiply(newton.u, length, out=new_x)
        np.multiply(newton.v, length, out=new_y)
        new_x += x
        new_y += y
        reached, new_merit, new_error, _ = assess(new_x, new_y, target, area, workers)
        free = reached >= min(SHAPE, 0.2 * worst)
        if not free:
            held = True
            if give_up:
                break
            # a shorter step holds fewer cells back
            reach = min(1.0, length, 2.0 * reach)
            while not guard(x, y, newton.u, newton.v, new_x, new_y, reach) and reach > 0.02:
                reach *= 0.5
            reached, new_merit, new_error, _ = assess(new_x, new_y, target, area, workers)
        if not reached > 0.0 or (free and new_merit > 1.5 * merit):
            new_x[:], new_y[:] = x, y
            reached, new_merit, new_error, _ = assess(new_x, new_y, target, area, workers)
        now, steps = new, steps + 1
        before, slow = slow, new_error > 0.3 * error
        inner = min(2 * inner, INNER) if slow else 1
        if not free or (slow and before):
            # Repair where the error is more than ordinary. The barrier matters while triangles are in the
            # way; later it would only spoil the areas.
            errors = np.abs(area / target - 1.0)
            rms = (new_merit / errors.size) ** 0.5
            active = around(errors > max(0.5 * rms, min(0.02, 0.2 * new_error)))
            barrier = 1e-3 * new_error if free else max(1e-5, min(BARRIER * DESCENT**steps, 0.3 * rms))
            sweeps = int(np.clip(0.4 / max(active.mean(), 1e-9), 2, 20))
            relax(new_x, new_y, target, active, barrier, 0.0, sweeps, everyone)
            reached, new_merit, new_error, _ = assess(new_x, new_y, target, area, workers)
        since += 1
        if new_merit < 0.8 * mark:
            since, mark = 0, new_merit
        worst, merit, error = reached, new_merit, new_error
        if merit < best_merit and worst > THINNEST:
            best, best_error, best_merit, best_step = now, error, merit, steps
        if slow and best_error <= tolerance:
            break
    x, y = maps[best]
    return Projection(x, y, best_error, (best_merit / target.size) ** 0.5, best_step, held)
