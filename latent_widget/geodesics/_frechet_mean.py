"""The Fréchet mean under the metric, by gradient descent along the mean of the log maps (Karcher 1977)."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import ArrayLike

from latent_widget._arrays import Floats, as_floats
from latent_widget._field import Field
from latent_widget._threads import count_workers
from latent_widget.geodesics.exp_log import find_leaving_velocity, pose_smooth_problem
from latent_widget.geodesics.solver.eikonal import EikonalProblem
from latent_widget.geodesics.solver.shooting import shoot
from latent_widget.geodesics.validation import inner_point, inner_points, need_field

RESTING = 0.02
"""The mean of the log maps is known to this fraction of their size."""

MARCHES = 64
"""So many marches are held at a time, of half a megabyte each."""


def frechet_mean(
    field: Field,
    points: ArrayLike,
    weights: ArrayLike | None = None,
    max_steps: int = 50,
    start: ArrayLike | None = None,
) -> Floats:
    """Find the plane point with the least weighted sum of squared geodesic distances to some points.

    It starts where the sum is least on the lattice, by one march from each point, or at `start`, and descends along the
    mean of the log maps, x <- exp_x(mean of log_x(p)), with the step halved where the sum does not fall. Warns where it
    does not settle, and where it rests though the log maps leave more than 2 % of their size.

    Parameters
    ----------
    field : Field
        The metric, without impassable cells.
    points : array_like (n, 2)
        Plane points.
    weights : array_like (n,), optional
        By default all 1.
    max_steps : int
        Steps of the descent, at most.
    start : array_like (2,), optional
        Plane point to start from instead.

    Returns
    -------
    ndarray (2,)
        The mean, a plane point.

    Raises
    ------
    ValueError
        For points that are not (n, 2) or outside the extent, weights that are not (n,), negative or all zero,
        max_steps < 1, and a field with impassable cells.

    """
    need_field(field)
    inside = inner_points(field.lattice, points, "points")
    if len(inside) == 0:
        raise ValueError("points are empty; a mean needs at least one")
    if max_steps < 1:
        raise ValueError(f"max_steps must be at least 1, got {max_steps}")
    share = _check_weights(weights, len(inside))
    problem = pose_smooth_problem(field)
    goals = problem.chart.to_index(inside)
    if start is None:
        here = _find_least_node(problem, goals, share)
    else:
        here = problem.chart.to_index(inner_point(field.lattice, start, "start"))
    cost, pull, reach = _measure_pull(problem, here, goals, share)
    step, resting = 1.0, False
    for _ in range(max_steps):
        there = shoot(problem.chart, here, step * pull, 2)[0][-1]
        resting = float(np.abs(there - here).max()) < 1e-6 or step < 1e-3
        if resting:
            break
        new_cost, new_pull, new_reach = _measure_pull(problem, there, goals, share)
        if new_cost <= cost * (1.0 + 1e-12):
            here, cost, pull, reach, step = there, new_cost, new_pull, new_reach, min(1.0, 1.5 * step)
        else:
            step *= 0.5
    left = float(np.abs(pull).max())
    if resting and left > max(RESTING * reach, 1e-2):
        warnings.warn(
            f"the mean has come to rest where the log maps do not cancel, but leave {left:.2g} cells: shortest paths "
            "change there, or run along the edge of the extent",
            stacklevel=2,
        )
    elif not resting and left > 1e-2:
        warnings.warn(f"the mean moves by {left:.2g} cells after {max_steps} steps; raise max_steps", stacklevel=2)
    return np.asarray(problem.chart.to_plane(here))


def _check_weights(weights: ArrayLike | None, count: int) -> Floats:
    """Weights (n,) that sum to 1."""
    share = np.ones(count) if weights is None else as_floats(weights, "weights")
    if share.shape != (count,) or not np.isfinite(share).all() or (share < 0).any() or not share.any():
        raise ValueError(f"weights must be {count} numbers >= 0, not all zero, got {weights!r}")
    share = share / share.max()
    return np.asarray(share / share.sum())


def _find_least_node(problem: EikonalProblem, goals: Floats, share: Floats) -> Floats:
    """Return the node where the weighted sum of squared distances to the goals is least; a single goal itself."""
    used = np.flatnonzero(share > 0.0)
    if len(used) == 1:
        return np.asarray(goals[used[0]])
    height, width = problem.marched_shape
    total = np.zeros(height * width)
    with ThreadPoolExecutor(count_workers(None)) as pool:
        for some in np.array_split(used, -(-len(used) // MARCHES)):
            for weight, found in zip(share[some], pool.map(problem.march, goals[some]), strict=True):
                total += weight * found.distance**2
    node = int(np.argmin(total))
    return problem.from_marched(np.array([node % width, node // width], float))


def _measure_pull(problem: EikonalProblem, here: Floats, goals: Floats, share: Floats) -> tuple[float, Floats, float]:
    """Measure what draws a point: the cost, the mean of the log maps and the mean of their sizes, in cells.

    The cost is half the weighted sum of squared distances, the mean of the log maps the direction of its descent.
    """
    found = problem.march(here)
    cost, pull, reach = 0.0, np.zeros(2), 0.0
    for goal, weight in zip(goals, share, strict=True):
        if weight > 0.0 and (goal != here).any():
            best = min(problem.find_candidates(here, goal, found), key=lambda path: path.length)
            velocity = find_leaving_velocity(problem.chart, best)
            cost += 0.5 * weight * best.length**2
            pull += weight * velocity
            reach += weight * float(np.abs(velocity).max())
    return cost, pull, reach
