"""Lines to compare geodesics with: straight, along a great circle, and straight on the stretched map."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from latent_widget._arrays import Floats
from latent_widget._field import Field
from latent_widget.geodesics._geodesic import MARCHED, Geodesic, straight_length, with_ends
from latent_widget.geodesics.validation import inner_point, need_field, show

STRAIGHT_NODES = 129
"""Points of the lines that are not relaxed."""


class Stretch(Protocol):
    """What `stretched` needs of a cartogram: its map of plane points (..., 2) and the inverse."""

    def transform(self, points: Any) -> Floats:
        """Plane points to points of the stretched map."""

    def inverse(self, points: Any) -> Floats:
        """Points of the stretched map to plane points."""


def straight(field: Field, start: Any, end: Any, n: int = STRAIGHT_NODES) -> Geodesic:
    """The straight line between two plane points, `n` points evenly spaced in the plane, with its measured
    length.

    Raises `ValueError` for bad end points, as `geodesic`, and n < 2.
    """
    a, b = inner_point(field.lattice, start, "start"), inner_point(field.lattice, end, "end")
    return _line(field, np.linspace(a, b, _count(n)), "straight", "straight line in the plane")


def slerp(field: Field, start: Any, end: Any, n: int = STRAIGHT_NODES) -> Geodesic:
    """Spherical linear interpolation between two plane points, as latents on a sphere around the latent
    origin.

    With the angle w between the latents a and b: sin((1 - t) w) / sin(w) a + sin(t w) / sin(w) b; where they
    are parallel it is the straight line. On a plane in a higher-dimensional latent space the path is
    projected back to the plane.

    Raises:
        ValueError: for bad end points, as `geodesic`; for a path that leaves the extent; for opposite
            directions, which no one great circle joins.

    """
    lattice = field.lattice
    a, b = inner_point(lattice, start, "start"), inner_point(lattice, end, "end")
    p, q = lattice.embed(a), lattice.embed(b)
    norms = float(np.linalg.norm(p)), float(np.linalg.norm(q))
    t = np.linspace(0.0, 1.0, _count(n))[:, None]
    angle = 0.0
    if min(norms) > 0.0:
        gap, span = np.linalg.norm(p / norms[0] - q / norms[1]), np.linalg.norm(p / norms[0] + q / norms[1])
        angle = 2.0 * float(np.arctan2(gap, span))
    if angle > np.pi - 1e-6:
        raise ValueError(
            f"start {show(a)} and end {show(b)} lie in opposite directions from the latent origin, where "
            "slerp is not defined; use straight, or go by a point between them"
        )
    if angle < 1e-9:
        points = a + t * (b - a)
    else:
        points = lattice.project((np.sin((1.0 - t) * angle) * p + np.sin(t * angle) * q) / np.sin(angle))
    points = with_ends(points, a, b)
    if not lattice.contains(points).all():
        raise ValueError(
            f"slerp from {show(a)} to {show(b)} leaves the extent {lattice.extent}, beyond which the "
            "field is not known; survey a larger extent"
        )
    return _line(field, points, "slerp", "great circle around the latent origin")


def stretched(field: Field, cart: Stretch, start: Any, end: Any, n: int = STRAIGHT_NODES) -> Geodesic:
    """The straight line of the stretched map, brought back to the plane:
    cart.inverse(straight(cart.transform(ends))).

    Raises `ValueError` for bad end points, as `geodesic`, and n < 2.
    """
    if not hasattr(cart, "inverse"):
        raise TypeError(f"cart must be a Cartogram, got {type(cart).__name__}; lw.cartogram(field) makes one")
    a, b = inner_point(field.lattice, start, "start"), inner_point(field.lattice, end, "end")
    p, q = np.asarray(cart.transform(np.stack([a, b])), float)
    points = with_ends(np.asarray(cart.inverse(np.linspace(p, q, _count(n))), float), a, b)
    if not np.isfinite(points).all():
        raise ValueError(
            f"cart does not invert along the line from {show(a)} to {show(b)}; was it made on this lattice?"
        )
    x0, x1, y0, y1 = field.lattice.extent
    return _line(field, np.clip(points, (x0, y0), (x1, y1)), "stretched", "straight line of the stretched map")


def _line(field: Field, points: Floats, kind: str, message: str) -> Geodesic:
    """A line as the field measures it; where it crosses impassable cells, infinitely long from there on."""
    from latent_widget.geodesics.eikonal import terrain
    from latent_widget.geodesics.kernels.energy import measure

    need_field(field)
    ground = terrain(field, MARCHED)
    places = ground.to_index(points)
    cumulative = measure(ground.coefficients, places)
    if ground.masked:
        from latent_widget.geodesics.kernels.corridor import all_visible

        seen = all_visible(ground.blocked, places)
        if seen < len(places) - 1:
            cumulative[seen + 1 :] = np.inf
            message += f", which crosses impassable cells after length {cumulative[seen]:.4g}"
    ends = straight_length(field, points[0], points[-1])
    return Geodesic(points, float(cumulative[-1]), ends, True, kind, message, cumulative)


def _count(n: int) -> int:
    if n < 2 or n != int(n):
        raise ValueError(f"n must be at least 2 to hold both ends, and whole, got {n}")
    return int(n)
