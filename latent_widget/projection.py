"""Projection of a fold-free map to exact cell areas: Newton in the lattice, preconditioned by one DCT pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import fft

from latent_widget.mesh import lift, measure, pull

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]

# No corner triangle may get smaller than this share of its cell.
SHAPE = 1e-3
# Below this error further Newton steps only stir round-off.
GOAL = 1e-10


@dataclass(frozen=True)
class Projection:
    """Corners x, y (H+1, W+1), the largest relative area error reached, and the number of accepted steps."""

    x: Array
    y: Array
    error: float
    iterations: int


def symbols(shape: tuple[int, int], dx: float, dy: float) -> tuple[Array, Array]:
    """Eigenvalues (H, W) of the nine-point and the five-point Neumann Laplacian that B M Bᵀ resembles."""
    h, w = shape
    a, b = np.pi * np.arange(w) / (2 * w), np.pi * np.arange(h) / (2 * h)
    sx, sy = dy * dy * np.sin(a) ** 2, dx * dx * np.sin(b) ** 2
    nine = 4.0 * (np.cos(b)[:, None] ** 2 * sx + sy[:, None] * np.cos(a) ** 2)
    five = 4.0 * (sx + sy[:, None])
    return nine, five


def project(
    x: Array,
    y: Array,
    target: Array,
    dx: float,
    dy: float,
    tolerance: float = 1e-3,
    limit: int = 60,
    workers: int = 1,
) -> Projection:
    """Move the corners until every cell has its target area (H, W), and never through a fold.

    Solves ``(B M Bᵀ) p = T - A`` for a potential p by preconditioned conjugate gradients whose direction is
    carried from one Newton step to the next, and moves the corners by M Bᵀ p; a line search keeps all corner
    triangles positive. Needs ``dx · dy = 1`` and a fold-free start. Goes on below ``tolerance`` while a step
    still gains, and returns the best map it saw.
    """
    h, w = target.shape
    nine, five = symbols(target.shape, dx, dy)
    along, across = 0.25 / (dx * dx), 0.25 / (dy * dy)
    area, trial, change = np.empty((h, w)), np.empty((h, w)), np.empty((h, w))
    u, v = np.empty((h + 1, w + 1)), np.empty((h + 1, w + 1))
    shape = min(SHAPE, 0.5 * measure(x, y, area, 0, h))
    logs = np.log(target)

    def distance(cells: Array) -> float:
        return float(np.square(np.log(cells) - logs).sum())

    error = float(np.abs(area / target - 1.0).max())
    best = Projection(x, y, error, 0)
    merit = distance(area)
    direction: Array | None = None
    previous = np.empty((h, w))
    power = 0.0
    share = 1.0
    steps = 0
    slow = False
    for _ in range(limit):
        if error <= GOAL:
            break
        # Approach in the logarithm while far away: areas stay positive and thin cells count as much as fat ones.
        residual = target - area if share >= 1.0 else area * np.expm1(share * (logs - np.log(area)))
        # Cells have checkerboard modes, which the nine-point symbol does not see; the five-point one does.
        mix = min(0.5, max(0.1 if slow else 0.0, error))
        inverse = 1.0 / np.maximum((1.0 - mix) * nine + mix * five, 1e-300)
        inverse[0, 0] = 0.0
        z = fft.idctn(fft.dctn(residual, workers=workers) * inverse, workers=workers)
        new_power = float(np.vdot(residual, z))
        if direction is None:
            direction = z
        else:
            direction = z + max(0.0, (new_power - float(np.vdot(previous, z))) / power) * direction
        power, previous = new_power, residual
        lift(x, y, area, direction, u, v, along, across, 0, h + 1)
        pull(x, y, u, v, change, 0, h)
        curvature = float(np.vdot(direction, change))
        length = float(np.vdot(residual, direction)) / curvature if curvature > 0.0 else 0.0
        accepted = False
        halvings = 0
        while length > 0.0 and halvings < 7:
            new_x, new_y = x + length * u, y + length * v
            if measure(new_x, new_y, trial, 0, h) >= shape:
                new_merit = distance(trial)
                if new_merit < merit:
                    accepted = True
                    break
            length *= 0.5
            halvings += 1
        if not accepted:
            if direction is not z:
                direction = None
                continue
            if share < 0.1:
                break
            share, direction = 0.35 * share, None
            continue
        if halvings:
            direction = None
        share = min(1.0, 2.0 * share) if halvings == 0 else max(0.1, 0.5 * share)
        x, y, merit, steps = new_x, new_y, new_merit, steps + 1
        area, trial = trial, area
        new_error = float(np.abs(area / target - 1.0).max())
        slow = new_error > 0.3 * error
        error = new_error
        if error < best.error:
            best = Projection(x, y, error, steps)
        if slow and error <= tolerance and best.error <= tolerance:
            break
    return best
