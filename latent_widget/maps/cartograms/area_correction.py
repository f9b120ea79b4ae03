"""Newton's method for exact cell areas or volumes, each step a Poisson-like solve, with local repair where cells fold.

Each step solves ``(B M Bᵀ) p = T - A`` for a potential p on the cells, T the target areas, A the present ones and B
their derivative by the corners, and moves the corners by ``M Bᵀ p``. Where a cell would fold, the motion is cut around
it, and its neighbourhood is then repaired corner by corner. So the map goes from one that is one-to-one to another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_widget._threads import limit_workers
from latent_widget.maps.cartograms.cells import Cells, Quality
from latent_widget.maps.cartograms.poisson import compute_symbols, solve_by_conjugate_gradients
from latent_widget.maps.cartograms.problem import Problem
from latent_widget.maps.cartograms.untangling import mark_corners

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]

# No cell's shape (see `Quality`) may get smaller than this, unless it was already: a thin cell may then lose at most
# four fifths of what it has.
SHAPE, KEPT = 1e-3, 0.2
# A thinner map than this is not the result: round-off could fold it.
THINNEST = 1e-7

# Below this largest error further steps only stir round-off.
ROUND_OFF = 3e-7
# A step that leaves more than this share of the largest error is slow: the next may take twice the conjugate-gradient
# iterations, up to the most. One is enough while the map is smooth.
SLOW, MOST_ITERATIONS = 0.3, 8
# Steps in which the squared error has to fall by a fifth, or the correction stops.
PATIENCE, PROGRESS = 8, 0.8
# A free step that makes the squared error so much larger is taken back: the map was too far for a linear step.
WORSE = 1.5

# The share of the sparse symbol in the preconditioner: the largest error, for far from the solution the map is rough,
# and within these bounds, the lower one after a slow step. The dense symbol does not see waves that alternate from cell
# to cell, the sparse one is a worse inverse of all others.
SLOW_SHARE, MOST_SHARE = 0.1, 0.5
# Smaller eigenvalues, those of constant and of alternating waves, are not divided by.
SMALLEST_EIGENVALUE = 1e-300

# A map with a larger error is far from its target. Towards it, a step changes the logarithm of an area by at most so
# much, and so many steps may be spent on coming near; a map that needs more is better begun by the flow.
FAR, FAR_STRIDE, FAR_STEPS = 0.5, 2.0, 6

# A step that has to be cut in too many places is halved, unless it is as short as this already.
SHORTEST = 0.02

# Local repair works where the error is more than ordinary: above this share of the root mean square, and above this
# share of the largest error or, where less, this error.
ABOVE_RMS, ABOVE_LARGEST, ABOVE = 0.5, 0.2, 0.02
# The barrier that keeps cells open starts here and falls by this factor a step. A slower descent settles nearer to the
# exact areas of a step or a spike in the density, a faster one stops in a worse place.
BARRIER, DESCENT = 0.1, 0.7
# It is at most this share of the root mean square of the error, lest it spoil the areas, and at least so much.
BARRIER_BY_RMS, LEAST_BARRIER = 0.3, 1e-5
# Where no cell is in the way, the barrier is only this share of the largest error.
FREE_BARRIER = 1e-3
# Sweeps over the corners to be repaired: so many over all corners of the map, the more the fewer they are.
SWEEPS, LEAST_SWEEPS, MOST_SWEEPS = 0.4, 2, 20


@dataclass(frozen=True)
class Correction:
    """What was reached: corners (d, ...), the largest and the root-mean-square relative error of the areas.

    ``iterations`` counts the steps to it; ``is_limited`` tells whether a cell ever stood in the way of a step.
    """

    points: Array
    error: float
    rms: float
    iterations: int
    is_limited: bool


@dataclass(frozen=True, eq=False)
class _Work:
    """What every step needs: the cells, the problem, the symbols of the preconditioner, and arrays to write to.

    ``area`` holds the areas of the map that was measured last; ``workers`` are the threads that pay on this lattice.
    """

    cells: Cells
    problem: Problem
    dense: Array
    sparse: Array
    motion: Array
    change: Array
    area: Array
    workers: int


@dataclass(frozen=True, eq=False)
class _Map:
    """A map on the way: its corners, its quality, and the number of steps to it."""

    points: Array
    quality: Quality
    step: int


@dataclass(frozen=True, eq=False)
class _State:
    """Where the correction stands: the present map and the best one, and what the next step depends on.

    ``iterations`` are the conjugate-gradient iterations that the next step may take, ``reach`` the length to which the
    last one that was in the way had to be shortened. The squared error has to fall below ``PROGRESS`` times ``mark``,
    and has not for ``idle`` steps.
    """

    now: _Map
    best: _Map
    mark: float
    idle: int = 0
    iterations: int = 1
    reach: float = 1.0
    is_slow: bool = False
    is_limited: bool = False


def correct_areas(cells: Cells, points: Array, problem: Problem, give_up: bool = False) -> Correction:
    """Move the corners (d, ...) until every cell has its target area or volume, and never through a fold.

    Needs a start that has no fold, which it uses up. Goes on below the tolerance while a step still gains, and returns
    the best map it saw; with ``give_up`` it returns as soon as a cell stands in the way or the map proves to be far.
    """
    dense, sparse = compute_symbols(problem.target.shape, problem.spacing)
    motion, change, area = np.empty_like(points), np.empty_like(problem.target), np.empty_like(problem.target)
    workers = limit_workers(problem.workers, problem.target.size)
    work = _Work(cells, problem, dense, sparse, motion, change, area, workers)
    start = _Map(points, _measure(work, points), 0)
    state = _State(start, start, start.quality.squared_error)
    # three maps: the present one, the best one, and room for the next one
    maps = (points, np.empty_like(points), np.empty_like(points))
    while not _is_finished(state, problem) and not (give_up and state.is_limited):
        room = next(m for m in maps if m is not state.now.points and m is not state.best.points)
        state = _take_step(work, state, room, give_up)
    best = state.best.quality
    rms = (best.squared_error / problem.target.size) ** 0.5
    return Correction(state.best.points, best.largest_error, rms, state.best.step, state.is_limited)


def _is_finished(state: _State, problem: Problem) -> bool:
    """Tell whether another step is not allowed, or not worth while."""
    return (
        state.now.step >= problem.max_steps
        or not state.now.quality.largest_error > ROUND_OFF
        or state.idle >= PATIENCE
        or (state.is_slow and state.best.quality.largest_error <= problem.tolerance)
    )


def _measure(work: _Work, points: Array) -> Quality:
    """Write the areas of a map to ``work.area``; return its quality."""
    return work.cells.measure(points, work.problem.target, work.area, work.workers)


def _take_step(work: _Work, state: _State, room: Array, give_up: bool) -> _State:
    """Take one step to a new map, whose corners are written to ``room``."""
    now, before = state.now, state.now.quality
    is_far = give_up and before.largest_error > FAR
    if is_far and now.step == FAR_STEPS:
        return replace(state, is_limited=True)
    iterations = 1 if is_far else state.iterations
    residual = _approach_target(work) if is_far else work.problem.target - work.area
    length = _solve_newton(work, state, residual, iterations)
    np.multiply(work.motion, length, out=room)
    np.add(room, now.points, out=room)
    quality = _measure(work, room)
    is_free = quality.shape >= min(SHAPE, KEPT * before.shape)
    reach = state.reach
    if not is_free:
        if give_up:
            return replace(state, is_limited=True)
        # a shorter step is cut around fewer cells
        reach = _limit_step(work, now.points, room, min(1.0, length, 2.0 * reach))
        quality = _measure(work, room)
    if not quality.shape > 0.0 or (is_free and quality.squared_error > WORSE * before.squared_error):
        room[:] = now.points
        quality = _measure(work, room)
    is_slow = quality.largest_error > SLOW * before.largest_error
    if not is_free or (is_slow and state.is_slow):
        _repair(work, room, quality, now.step + 1, is_free)
        quality = _measure(work, room)
    new = _Map(room, quality, now.step + 1)
    is_best = quality.squared_error < state.best.quality.squared_error and quality.shape > THINNEST
    gains = quality.squared_error < PROGRESS * state.mark
    return _State(
        now=new,
        best=new if is_best else state.best,
        mark=quality.squared_error if gains else state.mark,
        idle=0 if gains else state.idle + 1,
        iterations=min(2 * iterations, MOST_ITERATIONS) if is_slow else 1,
        reach=reach,
        is_slow=is_slow,
        is_limited=state.is_limited or not is_free,
    )


def _approach_target(work: _Work) -> Array:
    """Return the change of the areas that goes part of the way to a far target.

    The way is straight in the logarithm of the areas, in which they stay positive.
    """
    ratio = np.log(work.problem.target / work.area)
    residual: Array = work.area * np.expm1(min(1.0, FAR_STRIDE / np.abs(ratio).max()) * ratio)
    residual -= residual.mean()
    return residual


def _solve_newton(work: _Work, state: _State, residual: Array, iterations: int) -> float:
    """Write a displacement that changes the areas by about the residual; return the length to go along it."""
    points = state.now.points
    share = min(MOST_SHARE, max(SLOW_SHARE if state.is_slow else 0.0, state.now.quality.largest_error))
    inverse = 1.0 / np.maximum((1.0 - share) * work.dense + share * work.sparse, SMALLEST_EIGENVALUE)
    # the total area is given, so a constant potential moves nothing
    inverse.flat[0] = 0.0

    def displace(potential: Array) -> None:
        spacing, workers = work.problem.spacing, work.workers
        work.cells.compute_displacement(points, work.area, potential, work.motion, spacing, workers)

    def measure_change() -> Array:
        work.cells.apply_area_jacobian(points, work.motion, work.change, work.workers)
        return work.change

    return solve_by_conjugate_gradients(residual, inverse, displace, measure_change, iterations, work.workers)


def _limit_step(work: _Work, points: Array, room: Array, reach: float) -> float:
    """Write corners moved by a length that few cells stand in the way of, and less around those; return the length."""
    while not work.cells.limit_motion(points, work.motion, room, reach) and reach > SHORTEST:
        reach *= 0.5
    return reach


def _repair(work: _Work, points: Array, quality: Quality, step: int, is_free: bool) -> None:
    """Move corners one by one, in place, around cells whose error is more than ordinary.

    The barrier matters while cells are in the way; later it would only spoil the areas.
    """
    errors = np.abs(work.area / work.problem.target - 1.0)
    rms = (quality.squared_error / errors.size) ** 0.5
    active = mark_corners(errors > max(ABOVE_RMS * rms, min(ABOVE, ABOVE_LARGEST * quality.largest_error)))
    if is_free:
        barrier = FREE_BARRIER * quality.largest_error
    else:
        barrier = max(LEAST_BARRIER, min(BARRIER * DESCENT**step, BARRIER_BY_RMS * rms))
    sweeps = int(np.clip(SWEEPS / max(active.mean(), 1e-9), LEAST_SWEEPS, MOST_SWEEPS))
    work.cells.relax(points, work.problem.target, active, barrier, sweeps, work.problem.workers)
