"""The exponential and logarithmic maps: a geodesic from its initial velocity, and the velocity that leads to a target.

exp by Runge-Kutta integration of the geodesic equation, log by the shortest path and multiple shooting (do Carmo 1992,
chapter 3; Keller 1968).
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike

from latent_widget._arrays import Floats, as_floats
from latent_widget._field import Field
from latent_widget.geodesics.kernels.energy import measure, resample
from latent_widget.geodesics.kernels.spline import jet, tensor
from latent_widget.geodesics.path import Geodesic
from latent_widget.geodesics.solver.candidates import Candidate, draw_line
from latent_widget.geodesics.solver.chart import Chart
from latent_widget.geodesics.solver.eikonal import EikonalProblem
from latent_widget.geodesics.solver.shooting import aim, follow, shoot
from latent_widget.geodesics.validation import inner_point, need_count, need_field, pose_problem, show

HIT = 1e-3
"""`log_map` warns where the geodesic with its velocity misses the target by more than this, in cells."""


def exp_map(field: Field, point: ArrayLike, velocity: ArrayLike, n: int = 129) -> Geodesic:
    """Follow the geodesic that leaves a point with a velocity for unit time, exp_x(v).

    Its length is sqrt(v^T G(x) v).

    Parameters
    ----------
    field : Field
        The metric, without impassable cells.
    point : array_like (2,)
        Plane point x.
    velocity : array_like (2,)
        Plane vector v.
    n : int
        Points of the result, evenly spaced by length.

    Returns
    -------
    Geodesic
        Where the path runs out of the extent it ends at the edge, and where it is too long to be followed it ends
        before, with `converged` False and a warning.

    Raises
    ------
    ValueError
        For a point outside the extent, a velocity that is not (2,) and finite, n < 2 or no int, and a field with
        impassable cells.

    """
    need_field(field)
    start, along = inner_point(field.lattice, point, "point"), _check_vector(velocity)
    n = need_count(n)
    problem = pose_smooth_problem(field)
    points, time, left = follow(problem.chart, problem.chart.to_index(start), along / field.lattice.spacing, n)
    points = np.clip(points, -0.5, np.array(problem.chart.shape[::-1]) - 0.5)
    cumulative = measure(problem.chart.coefficients, points)
    straight = draw_line(problem.chart, points[0], points[-1]).length
    message = "integrated from its start"
    if left:
        message = f"left the extent {field.lattice.extent} after length {cumulative[-1]:.4g} and ends at its edge"
        warnings.warn(f"the geodesic {message}; survey a larger extent or shorten the velocity", stacklevel=2)
    elif time < 1.0:
        message = f"could be followed only to length {cumulative[-1]:.4g}, {time:.2g} of its time"
        warnings.warn(f"the geodesic {message}; shorten the velocity", stacklevel=2)
    path = problem.chart.to_plane(points)
    path[0] = start
    return Geodesic(path, float(cumulative[-1]), straight, time == 1.0 and not left, "geodesic", message, cumulative)


def log_map(field: Field, point: ArrayLike, target: ArrayLike) -> Floats:
    """Find the velocity with which the shortest path leaves a point for a target, log_x(y): exp_x of it is the target.

    Its length sqrt(v^T G(x) v) is the distance. It is found by `geodesic` and made exact by multiple shooting. A path
    that runs along the edge of the extent is no free geodesic: then the velocity is that of the path, to about 1e-3,
    and a warning says where its `exp_map` ends.

    Parameters
    ----------
    field : Field
        The metric, without impassable cells.
    point, target : array_like (2,)
        Plane points x and y.

    Returns
    -------
    ndarray (2,)
        Plane vector v.

    Raises
    ------
    ValueError
        For points that are not (2,), not finite or outside the extent, and a field with impassable cells.

    """
    need_field(field)
    a, b = inner_point(field.lattice, point, "point"), inner_point(field.lattice, target, "target")
    if (a == b).all():
        return np.zeros(2)
    problem = pose_smooth_problem(field)
    source, goal = problem.chart.to_index(a), problem.chart.to_index(b)
    there, back = problem.march_both(source, goal)
    best = min(problem.find_candidates(source, goal, there, back), key=lambda path: path.length)
    even = best.points if best.converged else resample(best.points, best.cumulative, len(best.points))
    velocity, miss, joined = aim(problem.chart, even, goal)
    if not miss < HIT:
        why = "geodesics part so quickly there that exp_map of its velocity does not come back"
        if not joined:
            velocity, why = find_leaving_velocity(problem.chart, best), "it may run along the edge of the extent"
        end = problem.chart.to_plane(shoot(problem.chart, source, velocity, 2)[0][-1])
        warnings.warn(
            f"the shortest path from {show(a)} to {show(b)} is no geodesic that shooting can follow, {why}: exp_map of "
            f"this velocity ends at {show(end)}",
            stacklevel=2,
        )
    return np.asarray(velocity * field.lattice.spacing)


def pose_smooth_problem(field: Field) -> EikonalProblem:
    """Pose the problem of a field without impassable cells; raise `ValueError` for one that has some."""
    need_field(field)
    if field.walls.any():
        raise ValueError(
            f"the field has {field.walls.sum()} impassable cells, round which a geodesic does not depend smoothly on "
            "its velocity; use geodesic, distances and k_medoids there"
        )
    return pose_problem(field)


def find_leaving_velocity(chart: Chart, path: Candidate) -> Floats:
    """Velocity at the start of a relaxed path, whose nodes are even in time: by the momentum of its first segment.

    With d the segment and m its middle, G(x) v = N (G(m) d - grad(d^T G(m) d) / 4), N segments in unit time.
    """
    x, last = path.points, len(path.points) - 1
    d = x[1] - x[0]
    if not path.converged:
        return np.asarray(d * path.length / path.cumulative[1])
    at = np.empty((6, 3))
    middle = 0.5 * (x[0] + x[1])
    jet(chart.coefficients, middle[0], middle[1], at)
    e, f, g = at.T
    energy = e * d[0] ** 2 + 2.0 * f * d[0] * d[1] + g * d[1] ** 2
    momentum = last * (np.array([e[0] * d[0] + f[0] * d[1], f[0] * d[0] + g[0] * d[1]]) - 0.25 * energy[1:3])
    e0, f0, g0 = tensor(chart.coefficients, x[0, 0], x[0, 1])
    return np.linalg.solve(np.array([[e0, f0], [f0, g0]]), momentum)


def _check_vector(velocity: ArrayLike) -> Floats:
    value = as_floats(velocity, "velocity")
    if value.shape != (2,) or not np.isfinite(value).all():
        raise ValueError(f"velocity must be one finite plane vector (2,), got {velocity!r}")
    return value
