"""The page on which a map is drawn: maps with a free boundary are scaled to the area of the latent plane."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from latent_widget._arrays import Floats
from latent_widget._lattice import Extent
from latent_widget.maps._map import Map, fills_extent
from latent_widget.maps.cartograms.solver import choose_cells
from latent_widget.maps.isometry.outline import trace_outline

ASPECT = (0.4, 1.6)
"""Least and most height over width of a page."""
ON_MAP = 1e-9
"""A point that misses its own image by less than this part of the page lies on the map."""


def fit_to_page(found: Map) -> Map:
    """Scale a map about the centre of its extent such that its area is that of the extent.

    With s = sqrt(area of the extent / area of the map) and the centre c: corners c + s (corners − c), and unit / s, so
    that distances in the measure stay what they are. A cartogram has that area already and is returned as it is.

    Parameters
    ----------
    found : Map
        A map of a plane.

    Returns
    -------
    Map
        The same map in units of the page.

    Raises
    ------
    ValueError
        For a map whose outline encloses no area.

    """
    if fills_extent(found.corners, found.extent):
        return found
    x0, x1, y0, y1 = found.extent
    area = measure_area(trace_outline(found.corners))
    if not area > 0:
        raise ValueError(f"the map of method {found.method!r} encloses the area {area:g}; it must be positive")
    scale = float(np.sqrt((x1 - x0) * (y1 - y0) / area))
    centre = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    corners = centre + scale * (found.corners - centre)
    corners.flags.writeable = False
    return replace(found, corners=corners, unit=found.unit / scale)


def measure_area(polygon: Floats) -> float:
    """Return the signed area of a closed polygon `(n, 2)`, positive counter-clockwise (the shoelace formula)."""
    # around its own middle, so that a polygon far from the origin loses no digits
    x, y = (polygon - polygon.mean(axis=0)).T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def choose_aspect(extent: Extent) -> float:
    """Return the height over the width of a page: those of the extent, but for strips, which would be too thin."""
    x0, x1, y0, y1 = extent
    return min(ASPECT[1], max(ASPECT[0], (y1 - y0) / (x1 - x0)))


def frame_corners(corners: Floats, aspect: float) -> Extent:
    """Return the least rectangle (x0, x1, y0, y1) around moved corners `(..., 2)`, `aspect` times as high as wide."""
    low, high = corners.reshape(-1, 2).min(axis=0), corners.reshape(-1, 2).max(axis=0)
    size = np.array([1.0, aspect])
    half = size * ((high - low) / size).max() / 2
    (left, bottom), (right, top) = (low + high) / 2 - half, (low + high) / 2 + half
    return float(left), float(right), float(bottom), float(top)


def count_folds(corners: Floats) -> int:
    """Count the cells of moved corners `(H + 1, W + 1, 2)` of which any corner triangle is not positive."""
    _, folded = choose_cells(2).find_folds(np.ascontiguousarray(np.moveaxis(corners, -1, 0)))
    return int(folded.sum())


def lie_on_map(page_map: Map, points: Floats) -> tuple[Floats, Floats]:
    """Return those of the page's points `(n, 2)` that lie on the map, as plane points `(m, 2)`, and which, `(n,)`."""
    plane = page_map.inverse(points, outside="clamp")
    missed = np.abs(page_map.transform(plane) - points).max(axis=-1)
    within = missed <= ON_MAP * float(np.ptp(page_map.corners.reshape(-1, 2), axis=0).max())
    return plane[within], within
