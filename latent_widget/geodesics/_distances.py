"""Geodesic distances: between pairs of points, and from one point to every cell, by fast marching (Mirebeau [7])."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import ArrayLike

from latent_widget._arrays import Floats
from latent_widget._field import Field
from latent_widget._threads import count_workers
from latent_widget.geodesics.kernels.fast_marching import March
from latent_widget.geodesics.solver.eikonal import EikonalProblem
from latent_widget.geodesics.validation import inner_point, inner_points, need_field, need_parts, pose_problem

KEPT = 300
"""`distances` keeps the marches of so many points (0.5 MB each), to compare routes from both ends."""


def distances(
    field: Field,
    sources: ArrayLike,
    targets: ArrayLike | None = None,
    *,
    refine: bool = True,
    workers: int | None = None,
    mask: ArrayLike | None = None,
) -> Floats:
    """Compute geodesic distances between plane points, one march per source.

    Parameters
    ----------
    field : Field
        The metric.
    sources : array_like (n, 2)
        Plane points.
    targets : array_like (m, 2), optional
        By default the sources themselves; then the result is symmetric.
    refine : bool
        Relax every path by Newton's method, so that distances are as good as those of `geodesic`; False reads them off
        the march, which is faster and has its error (see `distance_field`), relatively large between points a few cells
        apart.
    workers : int, optional
        Threads, at least 1; by default one per processor, at most 8. The time grows with n m: some 0.1 ms for each pair
        and 4 ms for each point.
    mask : array_like of bool (H, W), optional
        True in the cells that paths may enter; between points in separate parts of them the distance is infinite.

    Returns
    -------
    ndarray (n, m)

    Raises
    ------
    ValueError
        For points that are not (n, 2), not finite, outside the extent or in a cell that may not be entered, and a mask
        that is not (H, W) bool.

    """
    need_field(field)
    workers = count_workers(workers)
    a = inner_points(field.lattice, sources, "sources")
    b = None if targets is None else inner_points(field.lattice, targets, "targets")
    problem = pose_problem(field, mask, fine=not refine)
    for points, name in ((a, "sources"), (a if b is None else b, "sources" if b is None else "targets")):
        for row, point in enumerate(points):
            need_parts(problem, field, point, f"{name} (row {row})")
    starts = problem.chart.to_index(a)
    with ThreadPoolExecutor(workers) as pool:
        if b is not None:
            return _fill(problem, pool, starts, problem.chart.to_index(b), refine, False)
        upper = _fill(problem, pool, starts, starts, refine, True)
    return _close(upper + upper.T) if refine else upper + upper.T


def _fill(
    problem: EikonalProblem, pool: ThreadPoolExecutor, starts: Floats, ends: Floats, refine: bool, upper: bool
) -> Floats:
    """Distances (n, m) between points in index coordinates; of equal sets only above the diagonal."""
    out = np.zeros((len(starts), len(ends)))
    both = refine and len(starts) + (0 if upper else len(ends)) <= KEPT
    there: list[March] = list(pool.map(problem.march, starts)) if both else []
    back = there if upper or not both else list(pool.map(problem.march, ends))

    def fill(row: int) -> None:
        found = there[row] if both else problem.march(starts[row])
        for column in range(row + 1 if upper else 0, len(ends)):
            if (starts[row] == ends[column]).all():
                continue
            if refine:
                other = back[column] if both else None
                out[row, column] = problem.find_length(starts[row], ends[column], found, other)
            else:
                out[row, column] = problem.read(found, starts[row], ends[column])

    list(pool.map(fill, range(len(starts))))
    return out


def _close(lengths: Floats) -> Floats:
    """Distances (n, n) that are none longer than a way through a third point.

    Such a way is a path as well: where two routes are nearly as short it may be the better.
    """
    for via in range(len(lengths)):
        np.minimum(lengths, lengths[:, via, None] + lengths[None, via], out=lengths)
    return lengths


def distance_field(field: Field, source: ArrayLike, *, mask: ArrayLike | None = None) -> Floats:
    """Compute the geodesic distance from a plane point to every cell, by one march at the field's own resolution [7].

    It is what `equidistances` are drawn from. Its error is that of the march, 1e-4 to 1e-3 of the distance at 128 x 128
    on smooth fields (`python benchmarks/geodesics.py`), more within a few cells of the source, and some per cent behind
    corners of a mask; `distances` gives single distances more exactly.

    Parameters
    ----------
    field : Field
        The metric.
    source : array_like (2,)
        Plane point in the extent.
    mask : array_like of bool (H, W), optional
        True in the cells that paths may enter.

    Returns
    -------
    ndarray (H, W)
        Infinite in walls, outside the mask, and in parts of it that cannot be reached.

    Raises
    ------
    ValueError
        For a source that is not (2,), not finite, outside the extent or in a cell that may not be entered.

    """
    need_field(field)
    place = inner_point(field.lattice, source, "source")
    return fill_distance_field(pose_problem(field, mask, fine=True), field, place)


def fill_distance_field(problem: EikonalProblem, field: Field, source: Floats) -> Floats:
    """Distance (H, W) from a checked plane point to every cell, of a problem posed at the field's own resolution."""
    need_parts(problem, field, source, "source")
    found = problem.march(problem.chart.to_index(source)).distance
    height, width = field.lattice.shape
    if problem.marched_shape == (height, width):
        return found.reshape(height, width)
    # cells cut into parts for the march have the mean of the middle ones
    parts = problem.marched_shape[0] // height
    middle = slice((parts - 1) // 2, parts // 2 + 1)
    return np.asarray(found.reshape(height, parts, width, parts)[:, middle, :, middle].mean(axis=(1, 3)))
