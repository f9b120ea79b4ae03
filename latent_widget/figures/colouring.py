"""What a map is coloured by and overlaid with, computed for figures as the browser computes it for the screen."""

from collections.abc import Mapping

import numpy as np
from scipy.ndimage import map_coordinates
from scipy.spatial import cKDTree

from latent_widget._arrays import Floats
from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.cartograms._cartogram import Cartogram

VOTERS = 7
"""So many of the nearest points vote for the label of a cell."""
FAINT = 0.12
"""At this part of the map's diagonal from the nearest point a label's colour is half as strong."""
SIDES = 28
REACH = 0.3
"""Corners of an ellipse, and its radius as a part of the distance to the next."""


def relative_error(measured: Field) -> Floats | None:
    """How far off a measure may be in each cell, as a part of what it says, `(H, W)`; None where it does not tell."""
    for name, unit in (("residual", 1.0), ("standard_error", measured.density)):
        told = measured.info.get(name)
        if isinstance(told, np.ndarray) and told.shape == measured.lattice.shape:
            return np.nan_to_num(told / unit, posinf=0.0)
    return None


def relative_errors(fields: Mapping[str, Field], weights: Mapping[str, float]) -> Floats | None:
    """Errors of the measures that are on and tell theirs, each in the part that it has in the trace, `(H, W)`."""
    total, parts = 0.0, 0.0
    for name, weight in weights.items():
        error = relative_error(fields[name]) if weight > 0 else None
        if error is not None:
            part = weight * np.trace(fields[name].metric, axis1=-2, axis2=-1)
            total, parts = total + part * error, parts + part
    return None if isinstance(parts, float) else np.divide(total, parts, out=np.zeros_like(parts), where=parts > 0)


def area_errors(corners: Floats, density: Floats) -> Floats:
    """Return log₂ of each cell's area on the page over its part in the integral of the density, `(H, W)`.

    0 is true, 1 twice too large; a cell that is folded over gives −∞.
    """
    across, back = corners[1:, 1:] - corners[:-1, :-1], corners[1:, :-1] - corners[:-1, 1:]
    area = (across[..., 0] * back[..., 1] - across[..., 1] * back[..., 0]) / 2
    target = density * area.sum() / density.sum()
    with np.errstate(divide="ignore"):
        return np.log2(np.maximum(area, 0) / target)


def regions(points: Floats, index: np.ndarray, lattice: Lattice) -> tuple[np.ndarray, Floats]:
    """Return the label that most of the 7 points `(n, 2)` nearest to each cell have, `(H, W)`, and how strongly it is
    to be coloured, 0 to 1: fainter where fewer agree and far from any point.
    """
    voters = min(VOTERS, len(points))
    far, near = cKDTree(points).query(lattice.cells.reshape(-1, 2), voters)
    votes = index[near.reshape(-1, voters)]
    # of equals the label with the nearest point: a vote counts by so little more as its point is nearer
    ballots = np.zeros((len(votes), index.max() + 1))
    for k in range(voters):
        ballots[np.arange(len(votes)), votes[:, k]] += 1 + 1e-3 * 2.0**-k
    winner = ballots.argmax(1)
    share = (votes == winner[:, None]).mean(1)
    x0, x1, y0, y1 = lattice.extent
    gap = far.reshape(-1, voters)[:, 0] / np.hypot(x1 - x0, y1 - y0)
    strength = 0.55 * share**2 / (1 + (gap / FAINT) ** 2)
    return winner.reshape(lattice.shape), strength.reshape(lattice.shape)


def on_corners(cells: Floats) -> Floats:
    """Average values of cells `(H, W)` onto the corners `(H + 1, W + 1)`."""
    padded = np.pad(cells, 1, mode="edge")
    return (padded[1:, 1:] + padded[1:, :-1] + padded[:-1, 1:] + padded[:-1, :-1]) / 4


def levels(low: float, high: float) -> Floats:
    """Values at which contours are drawn: 1, 2, 5, 10, … over few decades, powers of ten over many, or even steps."""
    if high <= 10 * low:
        return np.linspace(low, high, 10)[1:-1]
    decades = np.log10(high / low)
    steps = [1] if decades > 5 else [1, 3] if decades > 3 else [1, 2, 5]
    powers = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    found = np.multiply.outer(powers, steps).ravel()
    return found[(found > low) & (found < high)]


def indicatrices(field: Field, cart: Cartogram, columns: int = 13) -> Floats:
    """Return ellipses {v : vᵀ G v = r²} of one radius as polygons `(n, 28, 2)` in plane coordinates.

    Their centres lie evenly on the cartogram, so that each stands for the same share of the measure: on the stretched
    map all have one area, and show by their shape what no stretching of areas can remove.
    """
    lattice = field.lattice
    x0, x1, y0, y1 = lattice.extent
    rows = max(2, round(columns * (y1 - y0) / (x1 - x0)))
    x = x0 + (np.arange(columns) + 0.5) / columns * (x1 - x0)
    y = y0 + (np.arange(rows) + 0.5) / rows * (y1 - y0)
    centres = cart.inverse(np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2))
    height, width = lattice.shape
    where = [(centres[:, 1] - y0) / (y1 - y0) * height - 0.5, (centres[:, 0] - x0) / (x1 - x0) * width - 0.5]
    e, f, g = (
        map_coordinates(field.metric[..., i, j], where, order=1, mode="nearest") for i, j in ((0, 0), (0, 1), (1, 1))
    )
    total = field.density.sum() * (x1 - x0) * (y1 - y0) / (height * width)
    radius = REACH * np.sqrt(total / (rows * columns))
    # G = L Lᵀ, and v = r L⁻ᵀ u for u on the unit circle
    a = np.sqrt(e)
    b = f / a
    c = np.sqrt(np.maximum(g - b * b, np.finfo(float).tiny))
    turn = 2 * np.pi * np.arange(SIDES) / SIDES
    v = radius * np.sin(turn) / c[:, None]
    u = (radius * np.cos(turn) - b[:, None] * v) / a[:, None]
    return centres[:, None] + np.stack([u, v], axis=-1)
