"""Point location in a mesh of convex quadrilaterals by a grid of buckets, each with the cells that reach into it.

It finds the points that a walk from cell to cell does not: a walk can circle, and on a map whose outline is not convex
it can run out at the border.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import float64, int64, types, void

from latent_widget.maps.cartograms.compilation import compile_inline, compile_loop
from latent_widget.maps.cartograms.quads.cell_inverse import invert_cell

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]
    Indices = np.ndarray[Any, np.dtype[np.int64]]

_CORNERS = types.Array(float64, 3, "C", readonly=True)
_POINTS, _NUMBERS, _VECTOR = float64[:, ::1], int64[::1], float64[::1]
# The table of buckets names each cell so many times on average at most: where cells are long and thin, buckets are
# larger than cells.
MOST_ENTRIES = 32
# A cell reaches this share of its size further than its corners, so that a point on an edge belongs to both sides.
PAD = 1e-8


@compile_inline
def _span(corners: Array, i: int, j: int, axis: int) -> tuple[float, float]:
    """Smallest and largest coordinate of a cell along an axis, widened by round-off."""
    a, b = corners[i, j, axis], corners[i, j + 1, axis]
    c, d = corners[i + 1, j, axis], corners[i + 1, j + 1, axis]
    low, high = min(min(a, b), min(c, d)), max(max(a, b), max(c, d))
    pad = PAD * (high - low)
    return low - pad, high + pad


@compile_inline
def _bucket(x: float, low: float, size: float, n: int) -> int:
    """Return which of n buckets along an axis holds a coordinate; beyond the ends, the nearest."""
    return min(max(int((x - low) / size * n), 0), n - 1)


@compile_loop(void(_CORNERS, _VECTOR, _VECTOR, int64, int64, _NUMBERS))
def count_cells(corners: Array, low: Array, size: Array, rows: int, columns: int, counts: Indices) -> None:
    """Write how many cells reach into each bucket, of rows by columns over a rectangle, (rows · columns,)."""
    counts[:] = 0
    for i in range(corners.shape[0] - 1):
        for j in range(corners.shape[1] - 1):
            x0, x1 = _span(corners, i, j, 0)
            y0, y1 = _span(corners, i, j, 1)
            for b in range(_bucket(y0, low[1], size[1], rows), _bucket(y1, low[1], size[1], rows) + 1):
                for a in range(_bucket(x0, low[0], size[0], columns), _bucket(x1, low[0], size[0], columns) + 1):
                    counts[b * columns + a] += 1


@compile_loop(void(_CORNERS, _VECTOR, _VECTOR, int64, int64, _NUMBERS, _NUMBERS))
def fill_table(corners: Array, low: Array, size: Array, rows: int, columns: int, ends: Indices, cells: Indices) -> None:
    """Write the numbers of the cells of each bucket one after the other, in order.

    On entry ``ends`` has where each bucket begins, and on return where it ends.
    """
    w = corners.shape[1] - 1
    for i in range(corners.shape[0] - 1):
        for j in range(w):
            x0, x1 = _span(corners, i, j, 0)
            y0, y1 = _span(corners, i, j, 1)
            for b in range(_bucket(y0, low[1], size[1], rows), _bucket(y1, low[1], size[1], rows) + 1):
                for a in range(_bucket(x0, low[0], size[0], columns), _bucket(x1, low[0], size[0], columns) + 1):
                    cells[ends[b * columns + a]] = i * w + j
                    ends[b * columns + a] += 1


@compile_loop(int64(_POINTS, _CORNERS, _VECTOR, _VECTOR, int64, int64, _NUMBERS, _NUMBERS, _POINTS))
def search_buckets(
    points: Array,
    corners: Array,
    low: Array,
    size: Array,
    rows: int,
    columns: int,
    ends: Indices,
    cells: Indices,
    out: Array,
) -> int:
    """Write the lattice coordinates (n, 2) of the points whose row of ``out`` is NaN; return how many are left."""
    w = corners.shape[1] - 1
    st = np.empty(2)
    lost = 0
    for k in range(points.shape[0]):
        if not math.isnan(out[k, 0]):
            continue
        px, py = points[k, 0], points[k, 1]
        bucket = _bucket(py, low[1], size[1], rows) * columns + _bucket(px, low[0], size[0], columns)
        found = False
        for n in range(ends[bucket - 1] if bucket > 0 else 0, ends[bucket]):
            i, j = cells[n] // w, cells[n] % w
            x0, x1 = _span(corners, i, j, 0)
            y0, y1 = _span(corners, i, j, 1)
            if x0 <= px <= x1 and y0 <= py <= y1 and invert_cell(corners, i, j, px, py, st):
                out[k, 0] = j + min(max(st[0], 0.0), 1.0)
                out[k, 1] = i + min(max(st[1], 0.0), 1.0)
                found = True
                break
        if not found:
            lost += 1
    return lost


def search(points: Array, corners: Array, low: Array, size: Array, out: Array) -> int:
    """Find the cells of the points (n, 2) whose row of ``out`` (n, 2) is NaN, and write their lattice coordinates.

    ``low`` (2,) and ``size`` (2,) are a rectangle that holds all corners. Returns how many points lie in no cell, of
    which the rows stay NaN.
    """
    rows, columns = corners.shape[0] - 1, corners.shape[1] - 1
    most = MOST_ENTRIES * rows * columns
    counts = np.empty(rows * columns, dtype=np.int64)
    count_cells(corners, low, size, rows, columns, counts)
    while counts.sum() > most:
        rows, columns = (rows + 1) // 2, (columns + 1) // 2
        counts = np.empty(rows * columns, dtype=np.int64)
        count_cells(corners, low, size, rows, columns, counts)
    cells = np.empty(int(counts.sum()), dtype=np.int64)
    ends = np.concatenate([[0], np.cumsum(counts)[:-1]])
    fill_table(corners, low, size, rows, columns, ends, cells)
    return int(search_buckets(points, corners, low, size, rows, columns, ends, cells, out))
