"""The exponential map, its inverse, and the means along geodesics that they make possible.

A geodesic with velocity ``w`` satisfies ``G w' = grad(w^T G w) / 2 - (w . grad) G w``; `exp` integrates it with the
classical Runge-Kutta method on the spline of the field, halving its step until the end stands still.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numba import njit

from latent_widget.arrays import Floats, as_floats
from latent_widget.field import Field
from latent_widget.geodesics import MARCHED, Geodesic, inner_point, inner_points
from latent_widget.interpolation import KERNEL, PAD, jet
from latent_widget.routes import DOUBT, Route, line, routes
from latent_widget.shortening import measure
from latent_widget.terrain import Marched, Terrain, terrain

STEADY = 1e-7
"""`exp` halves its step until the end moves by less than this, in cells."""

MOST_STEPS = 2**16


def exp(field: Field, point: Any, velocity: Any, n: int = 129) -> Geodesic:
    """Walk the geodesic that leaves a point with a velocity for unit time, exp_x(v); its length is sqrt(v^T
    G(x) v).

    Args:
        field: the metric.
        point: (2,) plane point x; velocity: (2,) plane vector v.
        n: points of the result, evenly spaced by length.

    Returns:
        The path. Where it runs out of the extent it ends at the edge, with `converged` False and a warning.

    Raises:
        ValueError: for a point outside the extent, a velocity that is not (2,) and finite, n < 2, and a field
            with impassable cells (so do `log` and `frechet_mean`).

    """
    start, along = inner_point(field.lattice, point, "point"), _vector(velocity)
    if n < 2:
        raise ValueError(f"n must be at least 2 to hold both ends, got {n}")
    ground = _ground(field)
    points, whole = _walk(ground, ground.to_index(start), along / field.lattice.spacing, n)
    cumulative = measure(ground.coefficients, points)
    straight = line(ground, points[0], points[-1]).length
    message = "integrated from its start"
    if not whole:
        message = f"left the extent {field.lattice.extent} after length {cumulative[-1]:.4g} and ends at its edge"
        warnings.warn(f"the geodesic {message}; survey a larger extent or shorten the velocity", stacklevel=2)
    path = ground.to_plane(points)
    path[0] = start
    return Geodesic(path, float(cumulative[-1]), straight, whole, "geodesic", message, cumulative)


def log(field: Field, point: Any, target: Any) -> Floats:
    """The velocity (2,) with which the shortest path leaves a point for a target, log_x(y): exp_x of it is
    the target.

    Its length sqrt(v^T G(x) v) is the distance. It is found by `geodesic` and made exact by shooting; a path
    that touches the edge of the extent is no free geodesic, and there the velocity is that of the path, to
    about 1e-3.

    Raises:
        ValueError: for points that are not (2,), not finite or outside the extent.

    """
    a, b = inner_point(field.lattice, point, "point"), inner_point(field.lattice, target, "target")
    if (a == b).all():
        return np.zeros(2)
    ground = _ground(field)
    source, aim = ground.to_index(a), ground.to_index(b)
    found = routes(ground, source, aim, *ground.marches(source, aim, DOUBT))
    velocity = _velocity(min(found, key=lambda route: route.length))
    for _ in range(12):
        miss = _end(ground, source, velocity) - aim
        if not np.isfinite(miss).all() or np.abs(miss).max() < 10 * STEADY:
            break
        h = 1e-5 * float(np.abs(velocity).max())
        columns = [(_end(ground, source, velocity + h * unit) - aim - miss) / h for unit in np.eye(2)]
        jacobian = np.stack(columns, axis=-1)
        if not np.isfinite(jacobian).all() or np.linalg.cond(jacobian) > 1e8:
            break
        step = np.linalg.solve(jacobian, miss)
        # shooting must not leave the path that was found for another one
        if np.abs(step).max() > 0.2 * np.abs(velocity).max():
            break
        velocity = velocity - step
    return np.asarray(velocity * field.lattice.spacing)


def frechet_mean(field: Field, points: Any, weights: Any = None, steps: int = 50) -> Floats:
    """The plane point (2,) with the least weighted sum of squared geodesic distances to points (n, 2).

    Gradient descent along the log maps, x <- exp_x(mean of log_x(p)), from the point that is best among the
    given ones, with the step halved where the sum does not fall. Warns where it has not settled after so many
    steps.

    Raises:
        ValueError: for points that are not (n, 2) or outside the extent, weights that are not (n,), negative
            or all zero.

    """
    inside = inner_points(field.lattice, points, "points")
    if len(inside) == 0:
        raise ValueError("points are empty; a mean needs at least one")
    share = np.ones(len(inside)) if weights is None else as_floats(weights, "weights")
    if share.shape != (len(inside),) or not np.isfinite(share).all() or (share < 0).any() or share.sum() == 0:
        raise ValueError(f"weights must be {len(inside)} numbers >= 0, not all zero, got shape {share.shape}")
    share = share / share.sum()
    ground = _ground(field)
    goals = ground.to_index(inside)
    here = ground.to_index(np.clip(share @ inside, inside.min(axis=0), inside.max(axis=0)))
    cost, pull = _pull(ground, here, goals, share)
    step = 1.0
    for _ in range(steps):
        if float(np.abs(pull).max()) < 1e-6:
            return np.asarray(ground.to_plane(here))
        there = _walk(ground, here, step * pull, 2)[0][-1]
        new_cost, new_pull = _pull(ground, there, goals, share)
        if new_cost <= cost * (1.0 + 1e-12):
            here, cost, pull, step = there, new_cost, new_pull, min(1.0, 1.5 * step)
        else:
            step *= 0.5
            if step < 1e-3:
                break
    if float(np.abs(pull).max()) > 1e-2:
        warnings.warn(f"the mean still moves by {np.abs(pull).max():.2g} cells; try more steps", stacklevel=2)
    return np.asarray(ground.to_plane(here))


def _ground(field: Field) -> Terrain:
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


def _velocity(route: Route) -> Floats:
    """Velocity at the start of a relaxed path, whose nodes are even in time."""
    x, last = route.points, len(route.points) - 1
    if len(x) < 3 or not route.settled:
        direction = x[1] - x[0]
        return np.asarray(direction * route.length / route.cumulative[1])
    return np.asarray((-1.5 * x[0] + 2.0 * x[1] - 0.5 * x[2]) * last)


def _pull(ground: Terrain, here: Floats, goals: Floats, share: Floats) -> tuple[float, Floats]:
    """Half the weighted sum of squared distances from a point, and its descent direction, the mean of the log
    maps.
    """
    marched: Marched = ground.march(here)
    cost, pull = 0.0, np.zeros(2)
    for goal, weight in zip(goals, share, strict=True):
        if weight > 0.0 and (goal != here).any():
            best = min(routes(ground, here, goal, marched), key=lambda route: route.length)
            cost += 0.5 * weight * best.length**2
            pull += weight * _velocity(best)
    return cost, pull


def _walk(ground: Terrain, start: Floats, velocity: Floats, n: int) -> tuple[Floats, bool]:
    """Points (n, 2) of the geodesic with a velocity, index coordinates, and whether it stayed inside."""
    steps = max(16, n - 1)
    before, _ = _shoot(ground.coefficients, start, velocity, steps, n)
    while steps < MOST_STEPS:
        steps *= 2
        points, whole = _shoot(ground.coefficients, start, velocity, steps, n)
        if np.abs(points - before).max() < STEADY:
            break
        before = points
    return points, whole


def _end(ground: Terrain, start: Floats, velocity: Floats) -> Floats:
    points, whole = _walk(ground, start, velocity, 2)
    return points[-1] if whole else np.full(2, np.nan)


@njit(**KERNEL)
def _shoot(coefficients: Floats, start: Floats, velocity: Floats, steps: int, n: int) -> tuple[Floats, bool]:
    """Runge-Kutta steps along a geodesic, kept at n even times; a walk that leaves the extent stays at its
    edge.
    """
    height, width = coefficients.shape[0] - 2 * PAD, coefficients.shape[1] - 2 * PAD
    out = np.empty((n, 2))
    at = np.empty((6, 3))
    state = np.array([start[0], start[1], velocity[0], velocity[1]])
    slope = np.zeros((4, 4))
    probe = np.empty(4)
    every = steps // (n - 1)
    h = 1.0 / (every * (n - 1))
    out[0, 0], out[0, 1] = start[0], start[1]
    for step in range(every * (n - 1)):
        for stage in range(4):
            reach = (0.0, 0.5, 0.5, 1.0)[stage]
            for c in range(4):
                probe[c] = state[c] + h * reach * (slope[stage - 1, c] if stage > 0 else 0.0)
            jet(coefficients, probe[0], probe[1], at)
            p, q = probe[2], probe[3]
            # G w' = grad(w^T G w) / 2 - (w . grad) G w
            gu, gv = p * at[1, 0] + q * at[2, 0], p * at[1, 1] + q * at[2, 1]
            gw = p * at[1, 2] + q * at[2, 2]
            r0 = 0.5 * (at[1, 0] * p * p + 2.0 * at[1, 1] * p * q + at[1, 2] * q * q) - (gu * p + gv * q)
            r1 = 0.5 * (at[2, 0] * p * p + 2.0 * at[2, 1] * p * q + at[2, 2] * q * q) - (gv * p + gw * q)
            determinant = at[0, 0] * at[0, 2] - at[0, 1] * at[0, 1]
            slope[stage, 0], slope[stage, 1] = p, q
            slope[stage, 2] = (at[0, 2] * r0 - at[0, 1] * r1) / determinant
            slope[stage, 3] = (at[0, 0] * r1 - at[0, 1] * r0) / determinant
        before_u, before_v = state[0], state[1]
        for c in range(4):
            state[c] += h / 6.0 * (slope[0, c] + 2.0 * slope[1, c] + 2.0 * slope[2, c] + slope[3, c])
        outside = not (-0.5 <= state[0] <= width - 0.5 and -0.5 <= state[1] <= height - 0.5)
        if outside:
            du, dv = state[0] - before_u, state[1] - before_v
            share = 1.0
            for c in range(2):
                move, place = (du, before_u) if c == 0 else (dv, before_v)
                top = (width if c == 0 else height) - 0.5
                if place + move > top:
                    share = min(share, (top - place) / move)
                elif place + move < -0.5:
                    share = min(share, (-0.5 - place) / move)
            for k in range(step // every + 1, n):
                out[k, 0], out[k, 1] = before_u + share * du, before_v + share * dv
            return out, False
        if (step + 1) % every == 0:
            out[(step + 1) // every, 0], out[(step + 1) // every, 1] = state[0], state[1]
    return out, True
