"""The exponential map, its inverse, and the means along geodesics that they make possible."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from typing import Any

import numpy as np

from latent_widget._arrays import Floats, as_floats
from latent_widget._field import Field
from latent_widget.geodesics._geodesic import MARCHED, Geodesic
from latent_widget.geodesics.candidates import DOUBT, Route, line, routes
from latent_widget.geodesics.eikonal import Marched, Terrain, terrain
from latent_widget.geodesics.kernels.energy import measure, resample
from latent_widget.geodesics.kernels.spline import jet, tensor
from latent_widget.geodesics.shooting import aimed, shot, walked
from latent_widget.geodesics.validation import inner_point, inner_points, need_field, show

RESTING = 0.02
"""The mean of the log maps is known to this fraction of their size."""

HIT = 1e-3
"""`log` warns where the geodesic with its velocity misses the target by more than this, in cells."""


def exp(field: Field, point: Any, velocity: Any, n: int = 129) -> Geodesic:
    """Walk the geodesic that leaves a point with a velocity for unit time, exp_x(v); its length is sqrt(v^T
    G(x) v).

    Args:
        field: the metric.
        point: (2,) plane point x; velocity: (2,) plane vector v.
        n: points of the result, evenly spaced by length.

    Returns:
        The path. Where it runs out of the extent it ends at the edge, and where it is too long to be followed it ends
        before, with `converged` False and a warning.

    Raises:
        ValueError: for a point outside the extent, a velocity that is not (2,) and finite, n < 2 or no int, and a field
            with impassable cells (so do `log` and `frechet_mean`).

    """
    start, along = inner_point(field.lattice, point, "point"), _vector(velocity)
    if n < 2 or n != int(n):
        raise ValueError(f"n must be at least 2 to hold both ends, and whole, got {n}")
    ground = _ground(field)
    points, time, left = walked(ground, ground.to_index(start), along / field.lattice.spacing, n)
    points = np.clip(points, -0.5, np.array(ground.shape[::-1]) - 0.5)
    cumulative = measure(ground.coefficients, points)
    straight = line(ground, points[0], points[-1]).length
    message = "integrated from its start"
    if left:
        message = f"left the extent {field.lattice.extent} after length {cumulative[-1]:.4g} and ends at its edge"
        warnings.warn(f"the geodesic {message}; survey a larger extent or shorten the velocity", stacklevel=2)
    elif time < 1.0:
        message = f"could be followed only to length {cumulative[-1]:.4g}, {time:.2g} of its time"
        warnings.warn(f"the geodesic {message}; shorten the velocity", stacklevel=2)
    path = ground.to_plane(points)
    path[0] = start
    return Geodesic(path, float(cumulative[-1]), straight, time == 1.0 and not left, "geodesic", message, cumulative)


def log(field: Field, point: Any, target: Any) -> Floats:
    """The velocity (2,) with which the shortest path leaves a point for a target, log_x(y): exp_x of it is
    the target.

    Its length sqrt(v^T G(x) v) is the distance. It is found by `geodesic` and made exact by multiple shooting. A
    path that runs along the edge of the extent is no free geodesic: then the velocity is that of the path, to about
    1e-3, and a warning says where its `exp` ends.

    Raises:
        ValueError: for points that are not (2,), not finite or outside the extent.

    """
    a, b = inner_point(field.lattice, point, "point"), inner_point(field.lattice, target, "target")
    if (a == b).all():
        return np.zeros(2)
    ground = _ground(field)
    source, aim = ground.to_index(a), ground.to_index(b)
    best = min(routes(ground, source, aim, *ground.marches(source, aim, DOUBT)), key=lambda route: route.length)
    even = best.points if best.settled else resample(best.points, best.cumulative, len(best.points))
    velocity, miss, joined = aimed(ground, even, aim)
    if not miss < HIT:
        why = "geodesics part so quickly there that exp of its velocity does not come back"
        if not joined:
            velocity, why = _velocity(ground, best), "it may run along the edge of the extent"
        end = ground.to_plane(shot(ground, source, velocity, 2)[0][-1])
        warnings.warn(
            f"the shortest path from {show(a)} to {show(b)} is no geodesic that shooting can follow, {why}: exp of "
            f"this velocity ends at {show(end)}",
            stacklevel=2,
        )
    return np.asarray(velocity * field.lattice.spacing)


def frechet_mean(field: Field, points: Any, weights: Any = None, steps: int = 50, start: Any = None) -> Floats:
    """The plane point (2,) with the least weighted sum of squared geodesic distances to points (n, 2).

    It starts where the sum is least on the lattice, by one march from each point, or at `start`, and descends along the
    mean of the log maps, x <- exp_x(mean of log_x(p)), with the step halved where the sum does not fall. Warns where it
    does not settle, and where it rests though the log maps leave more than 2 % of their size.

    Args:
        field: the metric.
        points: (n, 2) plane points; weights: (n,) of them, by default all 1.
        steps: of the descent, at most.
        start: (2,) plane point to start from instead.

    Raises:
        ValueError: for points that are not (n, 2) or outside the extent, weights that are not (n,), negative
            or all zero, steps < 1.

    """
    inside = inner_points(field.lattice, points, "points")
    if len(inside) == 0:
        raise ValueError("points are empty; a mean needs at least one")
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    share = np.ones(len(inside)) if weights is None else as_floats(weights, "weights")
    if share.shape != (len(inside),) or not np.isfinite(share).all() or (share < 0).any() or not share.any():
        raise ValueError(f"weights must be {len(inside)} numbers >= 0, not all zero, got {weights!r}")
    share = share / share.max()
    share = share / share.sum()
    ground = _ground(field)
    goals = ground.to_index(inside)
    if start is None:
        here = _least(ground, goals, share)
    else:
        here = ground.to_index(inner_point(field.lattice, start, "start"))
    cost, pull, reach = _pull(ground, here, goals, share)
    step, resting = 1.0, False
    for _ in range(steps):
        there = shot(ground, here, step * pull, 2)[0][-1]
        resting = float(np.abs(there - here).max()) < 1e-6 or step < 1e-3
        if resting:
            break
        new_cost, new_pull, new_reach = _pull(ground, there, goals, share)
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
        warnings.warn(f"the mean still moves by {left:.2g} cells after {steps} steps; try more", stacklevel=2)
    return np.asarray(ground.to_plane(here))


def _least(ground: Terrain, goals: Floats, share: Floats) -> Floats:
    """The node of the march where the weighted sum of squared distances to the goals is least; a single goal itself."""
    used = np.flatnonzero(share > 0.0)
    if len(used) == 1:
        return np.asarray(goals[used[0]])
    height, width = ground.marched.shape[:2]
    total = np.zeros(height * width)
    with ThreadPoolExecutor(min(cpu_count() or 1, 8)) as pool:
        # a few at a time, since every march takes half a megabyte
        for some in np.array_split(used, -(-len(used) // 64)):
            for weight, marched in zip(share[some], pool.map(ground.march, goals[some]), strict=True):
                total += weight * marched[0] ** 2
    node = int(np.argmin(total))
    return ground.from_marched(np.array([node % width, node // width], float))


def _ground(field: Field) -> Terrain:
    need_field(field)
    if field.walls.any():
        raise ValueError(
            f"the field has {field.walls.sum()} impassable cells, round which a geodesic does not depend smoothly on "
            "its velocity; use geodesic, distances and k_medoids there"
        )
    return terrain(field, MARCHED)


def _vector(velocity: Any) -> Floats:
    value = as_floats(velocity, "velocity")
    if value.shape != (2,) or not np.isfinite(value).all():
        raise ValueError(f"velocity must be one finite plane vector (2,), got {velocity!r}")
    return value


def _velocity(ground: Terrain, route: Route) -> Floats:
    """Velocity at the start of a relaxed path, whose nodes are even in time: by the momentum of its first segment.

    With d the segment and m its middle, G(x) v = N (G(m) d - grad(d^T G(m) d) / 4), N segments in unit time.
    """
    x, last = route.points, len(route.points) - 1
    d = x[1] - x[0]
    if not route.settled:
        return np.asarray(d * route.length / route.cumulative[1])
    at = np.empty((6, 3))
    jet(ground.coefficients, *(0.5 * (x[0] + x[1])), at)
    e, f, g = at.T
    energy = e * d[0] ** 2 + 2.0 * f * d[0] * d[1] + g * d[1] ** 2
    momentum = last * (np.array([e[0] * d[0] + f[0] * d[1], f[0] * d[0] + g[0] * d[1]]) - 0.25 * energy[1:3])
    e0, f0, g0 = tensor(ground.coefficients, *x[0])
    return np.linalg.solve(np.array([[e0, f0], [f0, g0]]), momentum)


def _pull(ground: Terrain, here: Floats, goals: Floats, share: Floats) -> tuple[float, Floats, float]:
    """Half the weighted sum of squared distances from a point, the mean of the log maps, its descent direction, and the
    mean of their sizes, in cells.
    """
    marched: Marched = ground.march(here)
    cost, pull, reach = 0.0, np.zeros(2), 0.0
    for goal, weight in zip(goals, share, strict=True):
        if weight > 0.0 and (goal != here).any():
            best = min(routes(ground, here, goal, marched), key=lambda route: route.length)
            velocity = _velocity(ground, best)
            cost += 0.5 * weight * best.length**2
            pull += weight * velocity
            reach += weight * float(np.abs(velocity).max())
    return cost, pull, reach
