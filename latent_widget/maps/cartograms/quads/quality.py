"""Quality of a mesh of bilinear quadrilaterals: areas and their errors, the thinnest corner triangles, and folds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from latent_widget.maps.cartograms.cells import Quality, measure_blocks
from latent_widget.maps.cartograms.quads import geometry

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]
    Mask = np.ndarray[Any, np.dtype[np.bool_]]

# Where the smallest triangle is above this share of its cell, round-off cannot make it negative.
CLEAR = 1e-6


def measure(points: Array, target: Array, area: Array, workers: int = 1) -> Quality:
    """Write the area of every cell (H, W); return the quality of the map."""
    pair = (points[0], points[1])
    return measure_blocks(lambda a, b, found: geometry.measure(pair, target, area, a, b, found), area, workers)


def find_folds(points: Array) -> tuple[Array, Mask]:
    """Return the areas (H, W) of the cells, and the cells of which a corner triangle is not positive."""
    shape = (points.shape[1] - 1, points.shape[2] - 1)
    area = np.empty(shape)
    if measure(points, np.ones(shape), area).shape > CLEAR:
        return area, np.zeros(shape, dtype=bool)
    # written so that a NaN counts as a fold
    return area, ~(measure_smallest_triangles(points) > 0.0)


def measure_smallest_triangles(points: Array) -> Array:
    """Return the area of the smallest of the four corner triangles of every cell, (H, W)."""
    ring = ((0, 0), (0, 1), (1, 1), (1, 0))
    h, w = points.shape[1] - 1, points.shape[2] - 1
    px, py = ([z[r : r + h, c : c + w] for r, c in ring] for z in points)
    smallest = np.full((h, w), np.inf)
    for k in range(4):
        after, before = (k + 1) % 4, k - 1
        twice = (px[after] - px[k]) * (py[before] - py[k]) - (py[after] - py[k]) * (px[before] - px[k])
        np.minimum(smallest, 0.5 * twice, out=smallest)
    return smallest
