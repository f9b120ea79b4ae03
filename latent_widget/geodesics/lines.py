"""Lines that are laid without a search: straight, along a great circle (slerp, Shoemake 1985), straight on the map."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from latent_widget._arrays import Floats
from latent_widget._field import Field
from latent_widget.geodesics._geodesic import measure_straight
from latent_widget.geodesics.path import Geodesic, PathKind, set_ends
from latent_widget.geodesics.solver.candidates import STRAIGHT_NODES
from latent_widget.geodesics.solver.eikonal import EikonalProblem
from latent_widget.geodesics.validation import inner_point, need_count, need_field, pose_problem, show

PARALLEL = 1e-9
"""Latents at a smaller angle, in radians, are joined by the straight line."""

OPPOSITE = 1e-6
"""Latents that are this near to opposite are joined by no one great circle."""


class Stretch(Protocol):
    """What `stretched` needs of a map: where plane points (..., 2) go, and the way back."""

    def transform(self, points: ArrayLike) -> Floats:
        """Plane points to points of the stretched map."""

    def inverse(self, points: ArrayLike) -> Floats:
        """Points of the stretched map to plane points."""


def straight(field: Field, start: ArrayLike, end: ArrayLike, n: int = STRAIGHT_NODES) -> Geodesic:
    """Lay the straight line between two plane points, evenly spaced in the plane, and measure it.

    Parameters
    ----------
    field : Field
        The metric.
    start, end : array_like (2,)
        Plane points in the extent.
    n : int
        How many points the line has, at least 2.

    Returns
    -------
    Geodesic
        With the kind "straight".

    Raises
    ------
    ValueError
        For bad end points, as `geodesic`, and n < 2.

    """
    need_field(field)
    a, b = inner_point(field.lattice, start, "start"), inner_point(field.lattice, end, "end")
    return _measure(field, np.linspace(a, b, need_count(n)), "straight", "straight line in the plane")


def slerp(field: Field, start: ArrayLike, end: ArrayLike, n: int = STRAIGHT_NODES) -> Geodesic:
    """Interpolate between two plane points as latents on a sphere around the latent origin.

    With the angle w between the latents a and b: sin((1 - t) w) / sin(w) a + sin(t w) / sin(w) b; where they are
    parallel it is the straight line. On a plane in a higher-dimensional latent space the path is projected back to the
    plane.

    Parameters
    ----------
    field : Field
        The metric.
    start, end : array_like (2,)
        Plane points in the extent.
    n : int
        How many points the line has, at least 2.

    Returns
    -------
    Geodesic
        With the kind "slerp".

    Raises
    ------
    ValueError
        For bad end points, as `geodesic`; for a path that leaves the extent; for opposite directions, which no one
        great circle joins.

    """
    need_field(field)
    lattice = field.lattice
    a, b = inner_point(lattice, start, "start"), inner_point(lattice, end, "end")
    p, q = lattice.embed(a), lattice.embed(b)
    norms = float(np.linalg.norm(p)), float(np.linalg.norm(q))
    t = np.linspace(0.0, 1.0, need_count(n))[:, None]
    angle = 0.0
    if min(norms) > 0.0:
        gap, span = np.linalg.norm(p / norms[0] - q / norms[1]), np.linalg.norm(p / norms[0] + q / norms[1])
        angle = 2.0 * float(np.arctan2(gap, span))
    if angle > np.pi - OPPOSITE:
        raise ValueError(
            f"start {show(a)} and end {show(b)} lie in opposite directions from the latent origin, where "
            "slerp is not defined; use straight, or go by a point between them"
        )
    if angle < PARALLEL:
        points = a + t * (b - a)
    else:
        points = lattice.project((np.sin((1.0 - t) * angle) * p + np.sin(t * angle) * q) / np.sin(angle))
    points = set_ends(points, a, b)
    if not lattice.contains(points).all():
        raise ValueError(
            f"slerp from {show(a)} to {show(b)} leaves the extent {lattice.extent}, beyond which the "
            "field is not known; survey a larger extent"
        )
    return _measure(field, points, "slerp", "great circle around the latent origin")


def stretched(field: Field, cartogram: Stretch, start: ArrayLike, end: ArrayLike, n: int = STRAIGHT_NODES) -> Geodesic:
    """Lay the straight line of the stretched map, and bring it back to the plane.

    It is cartogram.inverse(straight(cartogram.transform(ends))).

    Parameters
    ----------
    field : Field
        The metric.
    cartogram : Map
        The stretched map, of whatever method, or anything with its `transform` and `inverse`.
    start, end : array_like (2,)
        Plane points in the extent.
    n : int
        How many points the line has, at least 2.

    Returns
    -------
    Geodesic
        With the kind "stretched".

    Raises
    ------
    TypeError
        Where `cartogram` has no inverse.
    ValueError
        For bad end points, as `geodesic`, and n < 2; where the map does not invert along the line, as where the line
        leaves a map whose outline is not convex.

    """
    need_field(field)
    if not hasattr(cartogram, "inverse"):
        raise TypeError(f"cartogram must be a Cartogram, got {type(cartogram).__name__}; lw.cartogram(field) makes one")
    a, b = inner_point(field.lattice, start, "start"), inner_point(field.lattice, end, "end")
    p, q = np.asarray(cartogram.transform(np.stack([a, b])), float)
    try:
        points = set_ends(np.asarray(cartogram.inverse(np.linspace(p, q, need_count(n))), float), a, b)
    except ValueError as error:
        raise ValueError(
            f"the straight line from {show(a)} to {show(b)} leaves the stretched map, whose outline is not convex"
        ) from error
    if not np.isfinite(points).all():
        raise ValueError(
            f"cartogram does not invert along the line from {show(a)} to {show(b)}; was it made on this lattice?"
        )
    x0, x1, y0, y1 = field.lattice.extent
    return _measure(field, np.clip(points, (x0, y0), (x1, y1)), "stretched", "straight line of the stretched map")


def measure_polyline(problem: EikonalProblem, points: Floats) -> Floats:
    """Return the measured length from the first point to each of a polyline `(N, 2)` in plane coordinates, `(N,)`."""
    return problem.chart.measure(problem.chart.to_index(points))


def stays_allowed(problem: EikonalProblem, points: Floats) -> bool:
    """Tell whether a polyline `(N, 2)` keeps to the cells that paths may enter."""
    return problem.count_visible(problem.chart.to_index(points)) == len(points) - 1


def _measure(field: Field, points: Floats, kind: PathKind, message: str) -> Geodesic:
    """Return a line as the field measures it; where it crosses impassable cells, infinitely long from there on."""
    problem = pose_problem(field)
    places = problem.chart.to_index(points)
    cumulative = problem.chart.measure(places)
    seen = problem.count_visible(places)
    if seen < len(places) - 1:
        cumulative[seen + 1 :] = np.inf
        message += f", which crosses impassable cells after length {cumulative[seen]:.4g}"
    ends = measure_straight(problem, points[0], points[-1])
    return Geodesic(points, float(cumulative[-1]), ends, True, kind, message, cumulative)
