"""Equidistance contours: the lines of equal geodesic distance from a point, by marching squares on distances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from latent_widget._arrays import Floats, as_floats
from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.geodesics._distances import fill_distance_field
from latent_widget.geodesics.solver.eikonal import EikonalProblem
from latent_widget.geodesics.validation import inner_point, need_field, pose_problem

CLOSE = 2.0
"""Contours that are no wider than so many cells to either side of the source are drawn by straight distances."""

WIDEST = 24.0
"""They are drawn so where they reach no farther than so many cells to any side, besides."""

POINTS = 65
"""A side of the grid of points that are looked at there."""


@dataclass(frozen=True, eq=False, repr=False)
class Contour:
    """The points at one distance from a source.

    Attributes
    ----------
    level : float
        The distance.
    lines : tuple of ndarray (n, 2)
        Polylines in plane coordinates; closed ones end where they begin.

    """

    level: float
    lines: tuple[Floats, ...]

    def __repr__(self) -> str:
        """One line, without the arrays."""
        return f"Contour(level {self.level:.6g}, {len(self.lines)} lines of {sum(map(len, self.lines))} points)"


def equidistances(
    field: Field, source: ArrayLike, levels: ArrayLike = 8, *, mask: ArrayLike | None = None
) -> tuple[Contour, ...]:
    """Draw the lines of equal geodesic distance from a plane point, by linear interpolation of `distance_field`.

    Contours within two cells of the point one way, between which there is little to interpolate, are drawn by the
    lengths of straight lines, unless there are cells that paths may not enter.

    Parameters
    ----------
    field : Field
        The metric.
    source : array_like (2,)
        Plane point in the extent.
    levels : int or array_like (n,)
        Distances, or how many to space evenly between 0 and the farthest cell.
    mask : array_like of bool (H, W), optional
        True in the cells that paths may enter; contours end at the others.

    Returns
    -------
    tuple of Contour
        One for each level.

    Raises
    ------
    ValueError
        For a bad source or mask, as `distance_field`, and levels that are not positive and finite.

    """
    need_field(field)
    place = inner_point(field.lattice, source, "source")
    problem = pose_problem(field, mask, fine=True)
    values = fill_distance_field(problem, field, place)
    if np.ndim(levels) == 0:
        count = float(as_floats(levels, "levels"))
        if isinstance(levels, str) or not (np.isfinite(count) and count >= 1 and count == int(count)):
            raise ValueError(f"levels must be distances, or how many, at least 1; got {levels!r}")
        heights = np.linspace(0.0, values[np.isfinite(values)].max(), int(count) + 2)[1:-1]
    else:
        heights = as_floats(levels, "levels")
        if heights.ndim != 1 or not (np.isfinite(heights) & (heights > 0)).all():
            raise ValueError(f"levels must be positive finite distances (n,), got {levels!r}")
    wide = _extend(field.lattice, values)
    found = []
    for level in heights:
        close = _measure_close(problem, field, place, float(level))
        found.append(Contour(float(level), _draw(*(wide if close is None else close), level)))
    return tuple(found)


def _draw(x: Floats, y: Floats, values: Floats, level: float) -> tuple[Floats, ...]:
    """Contour lines of values at x (w,) and y (h,); infinite ones are left out."""
    # it comes with Matplotlib, and only drawing needs it
    from contourpy import contour_generator

    generator = contour_generator(x, y, np.ma.masked_invalid(values))
    return tuple(np.asarray(line) for line in generator.lines(float(level)))


def _extend(lattice: Lattice, values: Floats) -> tuple[Floats, Floats, Floats]:
    """Coordinates and values of the cells (H, W) and of the edges of the extent around them."""
    x0, x1, y0, y1 = lattice.extent
    x = np.concatenate([[x0], lattice.cells[0, :, 0], [x1]])
    y = np.concatenate([[y0], lattice.cells[:, 0, 1], [y1]])
    return x, y, _to_edges(_to_edges(values).T).T


def _measure_close(
    problem: EikonalProblem, field: Field, source: Floats, level: float
) -> tuple[Floats, Floats, Floats] | None:
    """Coordinates and straight distances of a grid of points around the source, tight around a level.

    None where that is not narrow, more than two cells to every side, or not short, or not all in sight.
    """
    low, step = np.array(field.lattice.extent[::2]), np.array(field.lattice.spacing)
    j, i = np.clip((source - low) // step, 0, np.array(field.lattice.shape[::-1]) - 1).astype(int)
    if field.walls[i, j]:
        return None
    # half the sides of the box around the ellipse that the level would be in the metric of the source's cell
    reach = 1.5 * level * np.sqrt(np.diag(np.linalg.inv(field.metric[i, j]))) / step
    # where the metric rises the level may be nearer than that
    reach *= min(1.0, CLOSE / reach.min())
    kept = None
    while kept is not None or (reach.min() <= CLOSE and reach.max() <= WIDEST):
        square = _measure_square(problem, field, source, reach)
        if square is not None and level < square[1]:
            kept, reach = square[0], 0.5 * reach
        elif square is None or kept is not None:
            break
        else:
            reach = 2.0 * reach
    return kept


def _measure_square(
    problem: EikonalProblem, field: Field, source: Floats, reach: Floats
) -> tuple[tuple[Floats, Floats, Floats], float] | None:
    """Coordinates and straight distances of points within some cells (2,) of the source, and the least where it ends.

    None where some are not in sight: round the corner of a forbidden cell distance is not straight.
    """
    low, high = np.array(field.lattice.extent[::2]), np.array(field.lattice.extent[1::2])
    first = np.maximum(source - reach * np.array(field.lattice.spacing), low)
    last = np.minimum(source + reach * np.array(field.lattice.spacing), high)
    x, y = np.linspace(first, last, POINTS).T
    points = np.stack(np.meshgrid(x, y), axis=-1)
    lengths = _measure_straight_lines(problem, source, points.reshape(-1, 2))
    if lengths is None:
        return None
    values = lengths.reshape(POINTS, POINTS)
    # at the edge of the extent nothing lies beyond
    sides = [(values[:, 0], first[0] > low[0]), (values[:, -1], last[0] < high[0])]
    sides += [(values[0], first[1] > low[1]), (values[-1], last[1] < high[1])]
    return (x, y, values), min((float(side.min()) for side, more in sides if more), default=np.inf)


def _measure_straight_lines(problem: EikonalProblem, source: Floats, points: Floats) -> Floats | None:
    """Measured lengths (n,) of the straight lines from a plane point to others `(n, 2)`; None where one may not be."""
    hub, ends = problem.chart.to_index(source), problem.chart.to_index(points)
    there_and_back = np.stack([np.broadcast_to(hub, ends.shape), ends], axis=1).reshape(-1, 2)
    if problem.count_visible(there_and_back) < len(there_and_back) - 1:
        return None
    return problem.chart.measure_spokes(hub, ends)


def _to_edges(values: Floats) -> Floats:
    """Values (H, W) with a row on either side, half a cell outside: (H + 2, W)."""
    with np.errstate(invalid="ignore"):
        rows = [1.5 * values[0] - 0.5 * values[1], *values, 1.5 * values[-1] - 0.5 * values[-2]]
    wide = np.stack(rows)
    for edge, inner in ((0, 0), (-1, -1)):
        wide[edge] = np.where(np.isfinite(wide[edge]), wide[edge], values[inner])
    return wide
