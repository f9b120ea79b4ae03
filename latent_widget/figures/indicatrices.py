"""Tissot's indicatrices of a metric: ellipses {v : vᵀ G v = r²}, by the Cholesky factor of G (Tissot 1881)."""

import numpy as np
from scipy.ndimage import map_coordinates

from latent_widget._arrays import Floats
from latent_widget._field import Field
from latent_widget.figures.page import lie_on_map
from latent_widget.figures.palette import REACH, SIDES
from latent_widget.maps._map import Map, fills_extent


def indicatrices(field: Field, page_map: Map, columns: int = 13) -> Floats:
    """Return ellipses {v : vᵀ G v = r²} of one radius r as polygons `(n, 28, 2)` in plane coordinates.

    Their centres lie evenly on the page, as far as the map reaches, so that each stands for the same share of the
    measure: on a cartogram all have one area, and show by their shape what no stretching of areas can remove; on an
    isometric map they are circles of one size as far as it is isometric. `columns` is how many lie beside each other on
    a cartogram, or on a square page of a free map, and `page_map` a map that `fit_to_page` has scaled.
    """
    lattice = field.lattice
    x0, x1, y0, y1 = lattice.extent
    if fills_extent(page_map.corners, page_map.extent):
        low, high, apart = np.array([x0, y0]), np.array([x1, y1]), (x1 - x0) / columns
    else:
        low, high = page_map.outline.min(axis=0), page_map.outline.max(axis=0)
        apart = np.sqrt((x1 - x0) * (y1 - y0)) / columns
    counts = [max(2, round(side / apart)) for side in high - low]
    x, y = (a + (np.arange(n) + 0.5) / n * (b - a) for a, b, n in zip(low, high, counts, strict=True))
    centres, _ = lie_on_map(page_map, np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2))
    height, width = lattice.shape
    where = [(centres[:, 1] - y0) / (y1 - y0) * height - 0.5, (centres[:, 0] - x0) / (x1 - x0) * width - 0.5]
    # G = (E F; F G) at each centre
    e, f, g = (
        map_coordinates(field.metric[..., i, j], where, order=1, mode="nearest") for i, j in ((0, 0), (0, 1), (1, 1))
    )
    # the page has the extent's area, so each part of it stands for its share of the measure
    radius = REACH * np.sqrt(field.density.mean() * np.prod((high - low) / counts))
    # G = L Lᵀ with L = (a 0; b c), and v = r L⁻ᵀ u for u on the unit circle
    a = np.sqrt(e)
    b = f / a
    c = np.sqrt(np.maximum(g - b * b, np.finfo(float).tiny))
    turn = 2 * np.pi * np.arange(SIDES) / SIDES
    v = radius * np.sin(turn) / c[:, None]
    u = (radius * np.cos(turn) - b[:, None] * v) / a[:, None]
    return np.asarray(centres[:, None] + np.stack([u, v], axis=-1))
