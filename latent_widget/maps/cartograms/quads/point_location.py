"""Point location in a mesh of convex quadrilaterals by walks from cell to cell, and the exact inverse of each cell.

A point goes through the map by bilinear interpolation of the corners, and back by finding the cell that holds it and
solving a quadratic equation there. Corners are (H+1, W+1, 2); lattice coordinates count columns and rows.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import float64, int64, types, void

from latent_widget.maps.cartograms.compilation import compile_inline, compile_loop
from latent_widget.maps.cartograms.loops import fill_gaps
from latent_widget.maps.cartograms.quads.cell_inverse import invert_cell

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]
    Indices = np.ndarray[Any, np.dtype[np.int64]]

# the corners of a finished map are read-only
_CORNERS = types.Array(float64, 3, "C", readonly=True)
_POINTS, _BUCKETS, _VECTOR = float64[:, ::1], int64[:, ::1], float64[::1]


@compile_loop(void(_POINTS, _CORNERS, _POINTS))
def interpolate(lattice: Array, corners: Array, out: Array) -> None:
    """Write the positions (n, 2) of lattice coordinates (n, 2), bilinear in each cell."""
    h, w = corners.shape[0] - 1, corners.shape[1] - 1
    for k in range(lattice.shape[0]):
        j = min(max(int(lattice[k, 0]), 0), w - 1)
        i = min(max(int(lattice[k, 1]), 0), h - 1)
        s, t = lattice[k, 0] - j, lattice[k, 1] - i
        for c in range(2):
            a, b = corners[i, j, c], corners[i, j + 1, c]
            d, e = corners[i + 1, j, c], corners[i + 1, j + 1, c]
            out[k, c] = (1 - t) * ((1 - s) * a + s * b) + t * ((1 - s) * d + s * e)


@compile_loop(void(_CORNERS, _VECTOR, _VECTOR, _BUCKETS))
def fill_buckets(corners: Array, low: Array, size: Array, buckets: Indices) -> None:
    """Write the number of a cell near each bucket over a rectangle, given by its lower corner (2,) and size (2,)."""
    rows, columns = buckets.shape
    h, w = corners.shape[0] - 1, corners.shape[1] - 1
    left, bottom, wide, high = low[0], low[1], size[0], size[1]
    buckets[:, :] = -1
    for i in range(h):
        for j in range(w):
            cx = 0.5 * (corners[i, j, 0] + corners[i + 1, j + 1, 0])
            cy = 0.5 * (corners[i, j, 1] + corners[i + 1, j + 1, 1])
            a = min(max(int((cx - left) / wide * columns), 0), columns - 1)
            b = min(max(int((cy - bottom) / high * rows), 0), rows - 1)
            buckets[b, a] = i * w + j
    # an empty bucket takes the number of the nearest one in its row, then an empty row that of the nearest row
    for b in range(rows):
        fill_gaps(buckets[b])
    for a in range(columns):
        fill_gaps(buckets[:, a])


@compile_inline
def _choose_neighbour(corners: Array, i: int, j: int, px: float, py: float, hop: int) -> tuple[int, int]:
    """Rows and columns from a cell to the neighbour across an edge that separates it from the point; 0, 0 if none."""
    h, w = corners.shape[0] - 1, corners.shape[1] - 1
    x0, y0 = corners[i, j, 0], corners[i, j, 1]
    x1, y1 = corners[i, j + 1, 0], corners[i, j + 1, 1]
    x2, y2 = corners[i + 1, j, 0], corners[i + 1, j, 1]
    x3, y3 = corners[i + 1, j + 1, 0], corners[i + 1, j + 1, 1]
    south = (x1 - x0) * (py - y0) - (y1 - y0) * (px - x0)
    east = (x3 - x1) * (py - y1) - (y3 - y1) * (px - x1)
    north = (x2 - x3) * (py - y3) - (y2 - y3) * (px - x3)
    west = (x0 - x2) * (py - y2) - (y0 - y2) * (px - x2)
    di, dj = 0, 0
    if south < 0.0 and i > 0:
        di = -1
    elif north < 0.0 and i < h - 1:
        di = 1
    if west < 0.0 and j > 0:
        dj = -1
    elif east < 0.0 and j < w - 1:
        dj = 1
    # alternate between the two directions: a diagonal step could jump past the cell
    if di != 0 and dj != 0:
        if hop % 2 == 0:
            di = 0
        else:
            dj = 0
    return di, dj


@compile_loop(int64(_POINTS, _CORNERS, _BUCKETS, _VECTOR, _VECTOR, _POINTS))
def _walk(points: Array, corners: Array, buckets: Indices, low: Array, size: Array, out: Array) -> int:
    """Write the lattice coordinates (n, 2) of the points (n, 2) that a walk finds, else NaN; return how many it misses.

    Walks from a nearby cell across whichever edge separates it from the point (cells are convex).
    """
    h, w = corners.shape[0] - 1, corners.shape[1] - 1
    rows, columns = buckets.shape
    left, bottom, wide, high = low[0], low[1], size[0], size[1]
    st = np.empty(2)
    missed = 0
    for k in range(points.shape[0]):
        px, py = points[k, 0], points[k, 1]
        a = min(max(int((px - left) / wide * columns), 0), columns - 1)
        b = min(max(int((py - bottom) / high * rows), 0), rows - 1)
        i, j = buckets[b, a] // w, buckets[b, a] % w
        found = False
        for hop in range(4 * (h + w)):
            di, dj = _choose_neighbour(corners, i, j, px, py, hop)
            if di == 0 and dj == 0:
                found = invert_cell(corners, i, j, px, py, st)
                break
            i += di
            j += dj
            # round-off can bounce a point on an edge between two cells: either may claim it
            if hop > h + w and invert_cell(corners, i, j, px, py, st):
                found = True
                break
        if not found:
            missed += 1
            out[k, 0] = out[k, 1] = math.nan
            continue
        out[k, 0] = j + min(max(st[0], 0.0), 1.0)
        out[k, 1] = i + min(max(st[1], 0.0), 1.0)
    return missed


def locate(points: Array, corners: Array, buckets: Indices, low: Array, size: Array, out: Array) -> int:
    """Write the lattice coordinates (n, 2) of points (n, 2), NaN in no cell; return how many points lie in none.

    The corners lie in the rectangle with the lower corner ``low`` (2,) and ``size`` (2,), over which the buckets are.
    """
    missed = int(_walk(points, corners, buckets, low, size, out))
    if missed:
        from latent_widget.maps.cartograms.quads.cell_search import search

        return search(points, corners, low, size, out)
    return 0
