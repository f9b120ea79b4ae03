"""The outline of a map: the polygon of its border corners, its crossings, and the nearest point of it.

A map of which every corner triangle is positive and the outline is simple is one-to-one: a page point has as many
originals, each of them counted positively, as the outline winds round it, which is once or not at all (Lipman 2014,
[16]).
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Indices = np.ndarray[Any, np.dtype[np.int64]]


def trace_outline(corners: Array) -> Array:
    """Return the border corners of a map with corners (H+1, W+1, 2), counter-clockwise from the first, (2H + 2W, 2)."""
    parts = (corners[0, :-1], corners[:-1, -1], corners[-1, :0:-1], corners[:0:-1, 0])
    return np.ascontiguousarray(np.concatenate(parts))


def find_crossings(outline: ArrayLike) -> Indices:
    """Find the pairs of sides of a closed polygon that cross, touch or overlap, other than where neighbours meet.

    Side k leads from corner k to the next, the last one to the first. Signs that rounding leaves open are settled in
    exact arithmetic, so that the answer is that of the given floats.

    Parameters
    ----------
    outline : array_like (N, 2)
        Corners of the polygon, N at least 3, in either direction.

    Returns
    -------
    ndarray of int (n, 2)
        The numbers of the two sides of every such pair, the smaller first, in order; empty for a simple polygon.

    Raises
    ------
    ValueError
        For an outline of another shape, or one that is not finite.

    """
    ring = np.array(outline, dtype=np.float64, order="C")
    if ring.ndim != 2 or ring.shape[1] != 2 or len(ring) < 3:
        raise ValueError(f"outline has shape {ring.shape}: give the corners of a polygon, (N, 2) with N at least 3")
    if not np.isfinite(ring).all():
        raise ValueError(f"outline has {int((~np.isfinite(ring)).any(1).sum())} corners that are not finite")
    from latent_widget.maps.isometry.outline_loops import sweep

    order = np.argsort(np.minimum(ring[:, 0], np.roll(ring[:, 0], -1)), kind="stable")
    found = np.empty((len(ring), 3), dtype=np.int64)
    count = sweep(ring, order, found)
    if count > len(found):
        found = np.empty((count, 3), dtype=np.int64)
        sweep(ring, order, found)
    pairs = [(int(k), int(m)) for k, m, sure in found[:count] if sure or _touch(ring, int(k), int(m))]
    return np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)


def overlaps(points: Array) -> bool:
    """Whether the outline of a map (2, H + 1, W + 1) crosses itself."""
    return len(find_crossings(trace_outline(np.moveaxis(points, 0, -1)))) > 0


def _touch(ring: Array, k: int, m: int) -> bool:
    """Tell, in exact arithmetic, whether two sides with overlapping bounding boxes share a point.

    Of neighbours: whether they overlap, given that one leads back in the direction of the other.
    """
    n = len(ring)
    exact = [[Fraction(float(v)) for v in ring[index % n]] for index in (k, k + 1, m, m + 1)]
    a, b, c, d = exact

    def orient(p: list[Fraction], q: list[Fraction], r: list[Fraction]) -> int:
        twice = (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])
        return (twice > 0) - (twice < 0)

    if m == k + 1:
        return orient(a, b, d) == 0
    if k == (m + 1) % n:
        return orient(c, d, b) == 0
    # on one line, sides with overlapping bounding boxes share a point
    return orient(a, b, c) * orient(a, b, d) <= 0 and orient(c, d, a) * orient(c, d, b) <= 0


def project_onto_outline(points: Array, corners: Array) -> tuple[Array, Array]:
    """Return the lattice coordinates (n, 2) of the nearest points of the outline, and the distances (n,) from it."""
    from latent_widget.maps.isometry.outline_loops import find_nearest

    height, width = corners.shape[0], corners.shape[1]
    places = trace_outline(np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(np.float64))
    side, share, distance = np.empty(len(points), dtype=np.int64), np.empty(len(points)), np.empty(len(points))
    find_nearest(np.ascontiguousarray(points), trace_outline(corners), side, share, distance)
    start, end = places[side], places[(side + 1) % len(places)]
    return start + share[:, None] * (end - start), distance
