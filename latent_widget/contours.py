"""Equidistance contours: the lines of equal geodesic distance from a point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from latent_widget.arrays import Floats, as_floats
from latent_widget.field import Field
from latent_widget.geodesics import distance_field
from latent_widget.lattice import Lattice


@dataclass(frozen=True, eq=False)
class Contour:
    """The points at one distance, `level`, from a source: polylines `(n, 2)` in plane coordinates; closed ones end
    where they begin.
    """

    level: float
    lines: tuple[Floats, ...]


def equidistances(field: Field, source: Any, levels: Any = 8, *, mask: Any = None) -> tuple[Contour, ...]:
    """The lines of equal geodesic distance from a plane point, by linear interpolation of `distance_field`.

    Args:
        field: the metric.
        source: (2,) plane point.
        levels: distances, or how many to space evenly between 0 and the farthest cell.
        mask: (H, W) bool, True in the cells that paths may enter; contours end at the others.

    Raises:
        ValueError: for a bad source or mask, as `distance_field`, and levels that are not positive and finite.

    """
    values = distance_field(field, source, mask=mask)
    if np.ndim(levels) == 0:
        if int(levels) != levels or levels < 1:
            raise ValueError(f"levels must be distances, or how many, at least 1; got {levels!r}")
        heights = np.linspace(0.0, values[np.isfinite(values)].max(), int(levels) + 2)[1:-1]
    else:
        heights = as_floats(levels, "levels")
        if heights.ndim != 1 or not (np.isfinite(heights) & (heights > 0)).all():
            raise ValueError(f"levels must be positive finite distances (n,), got {levels!r}")
    found = _lines(field.lattice, values, heights)
    return tuple(Contour(float(level), lines) for level, lines in zip(heights, found, strict=True))


def _lines(lattice: Lattice, values: Floats, levels: Floats) -> list[tuple[Floats, ...]]:
    """Contour lines of cell values (H, W) up to the edges of the extent; infinite cells are left out."""
    # it comes with Matplotlib, and only drawing needs it
    from contourpy import contour_generator

    x0, x1, y0, y1 = lattice.extent
    x = np.concatenate([[x0], lattice.cells[0, :, 0], [x1]])
    y = np.concatenate([[y0], lattice.cells[:, 0, 1], [y1]])
    wide = _to_edges(_to_edges(values).T).T
    generator = contour_generator(x, y, np.ma.masked_invalid(wide))
    return [tuple(np.asarray(line) for line in generator.lines(float(level))) for level in levels]


def _to_edges(values: Floats) -> Floats:
    """Values (H, W) with a row on either side, half a cell outside: (H + 2, W)."""
    with np.errstate(invalid="ignore"):
        rows = [1.5 * values[0] - 0.5 * values[1], *values, 1.5 * values[-1] - 0.5 * values[-2]]
    wide = np.stack(rows)
    for edge, inner in ((0, 0), (-1, -1)):
        wide[edge] = np.where(np.isfinite(wide[edge]), wide[edge], values[inner])
    return wide
