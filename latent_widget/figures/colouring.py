"""Values that colours stand for: errors of measures, errors of areas, and the labels of the nearest points.

The front end computes the errors by the same formulas (js/src/map/colouring.ts, js/src/field/area_error.ts).
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from latent_widget._arrays import Floats
from latent_widget._field import Field, normalise_weights
from latent_widget._lattice import Lattice

ColourBy = Literal["density", "label", "area_error", "standard_error"]
"""What the colours of a map stand for."""
VOTERS = 7
"""So many of the nearest points vote for the label of a cell."""
STRONGEST = 0.55
"""The share of its own colour in a cell where all voters agree and a point lies in the middle of it."""
HALF_DISTANCE = 0.12
"""At this part of the map's diagonal from the nearest point a label's colour is half as strong."""


def relative_error(measured: Field) -> Floats | None:
    """Return how far off a measure may be in each cell, as a part of its value, `(H, W)`.

    That is `info["residual"]`, or `info["standard_error"]` over the density; None where the field holds neither.
    """
    for name, unit in (("residual", 1.0), ("standard_error", measured.density)):
        error = measured.info.get(name)
        if isinstance(error, np.ndarray) and error.shape == measured.lattice.shape:
            return np.nan_to_num(error / unit, posinf=0.0)
    return None


def relative_errors(fields: Mapping[str, Field], weights: Mapping[str, float]) -> Floats | None:
    """Return the errors of the weighted measures, each by its share in the trace of their mixture, `(H, W)`.

    Measures without an error are left out; None where no measure of a weight above 0 has one.
    """
    total, parts = 0.0, 0.0
    for name, weight in normalise_weights(fields, weights).items():
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
        return np.asarray(np.log2(np.maximum(area, 0) / target))


def regions(points: Floats, index: NDArray[np.integer], lattice: Lattice) -> tuple[NDArray[np.intp], Floats]:
    """Return the label that most of the 7 points nearest to each cell have, and how strongly it is to be coloured.

    Of `points (n, 2)` with labels `index (n,)`: the label `(H, W)`, and a strength `(H, W)` in 0 to 1,
    0.55 s² / (1 + (d / 0.12)²), where s is the share of the voters that agree and d the distance of the nearest point
    as a part of the map's diagonal.
    """
    voters = min(VOTERS, len(points))
    distances, nearest = cKDTree(points).query(lattice.cells.reshape(-1, 2), voters)
    votes = index[nearest.reshape(-1, voters)]
    # of equals the label with the nearest point: a vote counts by so little more as its point is nearer
    ballots = np.zeros((len(votes), index.max() + 1))
    for k in range(voters):
        ballots[np.arange(len(votes)), votes[:, k]] += 1 + 1e-3 * 2.0**-k
    winner = ballots.argmax(1)
    share = (votes == winner[:, None]).mean(1)
    x0, x1, y0, y1 = lattice.extent
    gap = distances.reshape(-1, voters)[:, 0] / np.hypot(x1 - x0, y1 - y0)
    strength = STRONGEST * share**2 / (1 + (gap / HALF_DISTANCE) ** 2)
    return winner.reshape(lattice.shape), strength.reshape(lattice.shape)
