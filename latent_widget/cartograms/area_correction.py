"""Projection of a map to exact areas or volumes: global Newton steps through a DCT, local repair where needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_widget._threads import limit_workers
from latent_widget.cartograms.poisson import conjugate, symbols

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]
    Mask = np.ndarray[Any, np.dtype[np.bool_]]

# No corner triangle, and no cell's certificate, may get smaller than this share of its cell, unless it was already.
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
class Cells:
    """What a projection asks of its cells, quadrilaterals or hexahedra; points are (d, ...), components first.

    ``assess`` writes their areas or volumes and returns the worst shape, the squared error, the largest error and the
    worst shape by target; ``lift`` and ``pull`` are M Bᵀ and B; ``guard`` takes a step and holds back what would fold;
    ``relax`` repairs the active corners; ``around`` gives the corners near marked cells.
    """

    assess: Callable[[Array, Array, Array, int], tuple[float, float, float, float]]
    lift: Callable[[Array, Array, Array, Array, tuple[float, ...], int], None]
    pull: Callable[[Array, Array, Array, int], None]
    guard: Callable[[Array, Array, Array, float], bool]
    relax: Callable[[Array, Array, Mask, float, int, int], None]
    around: Callable[[Mask], Mask]


@dataclass(frozen=True)
class Projection:
    """What was reached: corners (d, ...), the largest and the root-mean-square relative error of area or volume.

    ``iterations`` counts the steps to it; ``held`` tells whether a cell ever held the map back.
    """

    points: Array
    error: float
    rms: float
    iterations: int
    held: bool


def project(
    cells: Cells,
    points: Array,
    target: Array,
    spacing: tuple[float, ...],
    tolerance: float = 1e-3,
    limit: int = 60,
    workers: int = 1,
    give_up: bool = False,
) -> Projection:
    """Move the corners (d, ...) until every cell has its target area or volume, and never through a fold.

    Each step solves ``(B M Bᵀ) p = T - A`` for a potential p on the cells, B the derivative of the areas by
    the corners, and moves the corners by M Bᵀ p. Where a cell would fold, its neighbourhood is
    held back and then repaired corner by corner. Needs ``spacing`` (dx, dy[, dz]) of product 1 and a fold-free start,
    which it uses up. Goes on below ``tolerance`` while a step still gains, and returns the best map it saw; with
    ``give_up`` it returns as soon as it is held back or seen to be slow.
    """
    everyone, workers = workers, limit_workers(workers, target.size)
    dense, sparse = symbols(target.shape, spacing)
    motion, change, area = np.empty_like(points), np.empty_like(target), np.empty_like(target)
    worst, merit, error, _ = cells.assess(points, target, area, workers)
    # three maps: the present one, the best one, and room for the next one
    maps = [points, np.empty_like(points), np.empty_like(points)]
    now = best = 0
    best_error, best_merit, best_step, mark = error, merit, 0, merit
    inner, steps, since, slow, held, reach = 1, 0, 0, False, False, 1.0

    def lift(potential: Array) -> None:
        cells.lift(maps[now], area, potential, motion, spacing, workers)

    def pull() -> Array:
        cells.pull(maps[now], motion, change, workers)
        return change

    while steps < limit and error > GOAL and since < PATIENCE:
        new_place = next(k for k in range(3) if k not in (now, best))
        points, new = maps[now], maps[new_place]
        # the share of the sparse symbol, which sees the checkerboard modes that the dense one does not
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
        inverse = 1.0 / np.maximum((1.0 - mix) * dense + mix * sparse, 1e-300)
        inverse.flat[0] = 0.0
        length = conjugate(residual, inverse, lift, pull, inner, workers)
        np.multiply(motion, length, out=new)
        new += points
        reached, new_merit, new_error, _ = cells.assess(new, target, area, workers)
        free = reached >= min(SHAPE, 0.2 * worst)
        if not free:
            held = True
            if give_up:
                break
            # a shorter step holds fewer cells back
            reach = min(1.0, length, 2.0 * reach)
            while not cells.guard(points, motion, new, reach) and reach > 0.02:
                reach *= 0.5
            reached, new_merit, new_error, _ = cells.assess(new, target, area, workers)
        if not reached > 0.0 or (free and new_merit > 1.5 * merit):
            new[:] = points
            reached, new_merit, new_error, _ = cells.assess(new, target, area, workers)
        now, steps = new_place, steps + 1
        before, slow = slow, new_error > 0.3 * error
        inner = min(2 * inner, INNER) if slow else 1
        if not free or (slow and before):
            # Repair where the error is more than ordinary. The barrier matters while cells are in the
            # way; later it would only spoil the areas.
            errors = np.abs(area / target - 1.0)
            rms = (new_merit / errors.size) ** 0.5
            active = cells.around(errors > max(0.5 * rms, min(0.02, 0.2 * new_error)))
            barrier = 1e-3 * new_error if free else max(1e-5, min(BARRIER * DESCENT**steps, 0.3 * rms))
            sweeps = int(np.clip(0.4 / max(active.mean(), 1e-9), 2, 20))
            cells.relax(new, target, active, barrier, sweeps, everyone)
            reached, new_merit, new_error, _ = cells.assess(new, target, area, workers)
        since += 1
        if new_merit < 0.8 * mark:
            since, mark = 0, new_merit
        worst, merit, error = reached, new_merit, new_error
        if merit < best_merit and worst > THINNEST:
            best, best_error, best_merit, best_step = now, error, merit, steps
        if slow and best_error <= tolerance:
            break
    return Projection(maps[best], best_error, (best_merit / target.size) ** 0.5, best_step, held)
