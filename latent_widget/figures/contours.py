"""Isolines of the density: the values at which they are drawn (1, 2, 5, 10, …), and the density at the corners."""

import numpy as np

from latent_widget._arrays import Floats
from latent_widget.figures.palette import LOG_ABOVE

EVEN = 10
"""Even steps of a density that spans less than a decade."""


def contour_levels(low: float, high: float) -> Floats:
    """Return the values between `low` and `high` at which contours are drawn.

    1, 2, 5, 10, … over few decades, powers of ten over many, and even steps where `high` is at most 10 times `low`.
    """
    if high <= LOG_ABOVE * low:
        return np.linspace(low, high, EVEN)[1:-1]
    decades = np.log10(high / low)
    steps = [1] if decades > 5 else [1, 3] if decades > 3 else [1, 2, 5]
    powers = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    levels: Floats = np.multiply.outer(powers, steps).ravel()
    return levels[(levels > low) & (levels < high)]


def average_onto_corners(cells: Floats) -> Floats:
    """Average values of cells `(H, W)` onto the corners `(H + 1, W + 1)`; on the border fewer cells enter."""
    padded = np.pad(cells, 1, mode="edge")
    return np.asarray((padded[1:, 1:] + padded[1:, :-1] + padded[:-1, 1:] + padded[:-1, :-1]) / 4)
