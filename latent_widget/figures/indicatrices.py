"""Tissot's indicatrices of a metric: ellipses {v : vᵀ G v = r²}, by the Cholesky factor of G (Tissot 1881)."""

import numpy as np
from scipy.ndimage import map_coordinates

from latent_widget._arrays import Floats
from latent_widget._field import Field
from latent_widget.figures.palette import REACH, SIDES
from latent_widget.maps._map import Cartogram


def indicatrices(field: Field, cartogram: Cartogram, columns: int = 13) -> Floats:
    """Return ellipses {v : vᵀ G v = r²} of one radius r as polygons `(n, 28, 2)` in plane coordinates.

    Their centres lie evenly on the cartogram, so that each stands for the same share of the measure: on the stretched
    map all have one area, and show by their shape what no stretching of areas can remove.
    """
    lattice = field.lattice
    x0, x1, y0, y1 = lattice.extent
    rows = max(2, round(columns * (y1 - y0) / (x1 - x0)))
    x = x0 + (np.arange(columns) + 0.5) / columns * (x1 - x0)
    y = y0 + (np.arange(rows) + 0.5) / rows * (y1 - y0)
    centres = cartogram.inverse(np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2))
    height, width = lattice.shape
    where = [(centres[:, 1] - y0) / (y1 - y0) * height - 0.5, (centres[:, 0] - x0) / (x1 - x0) * width - 0.5]
    # G = (E F; F G) at each centre
    e, f, g = (
        map_coordinates(field.metric[..., i, j], where, order=1, mode="nearest") for i, j in ((0, 0), (0, 1), (1, 1))
    )
    total = field.density.sum() * (x1 - x0) * (y1 - y0) / (height * width)
    radius = REACH * np.sqrt(total / (rows * columns))
    # G = L Lᵀ with L = (a 0; b c), and v = r L⁻ᵀ u for u on the unit circle
    a = np.sqrt(e)
    b = f / a
    c = np.sqrt(np.maximum(g - b * b, np.finfo(float).tiny))
    turn = 2 * np.pi * np.arange(SIDES) / SIDES
    v = radius * np.sin(turn) / c[:, None]
    u = (radius * np.cos(turn) - b[:, None] * v) / a[:, None]
    return np.asarray(centres[:, None] + np.stack([u, v], axis=-1))
