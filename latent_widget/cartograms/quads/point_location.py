"""Points through a mesh of convex quadrilaterals, forwards and backwards, with no interpolated inverse."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import boolean, float64, int64, njit, types, void

from latent_widget.cartograms.compilation import OPTIONS

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]
    Indices = np.ndarray[Any, np.dtype[np.int64]]

# the corners of a finished map are read-only
_CORNERS = types.Array(float64, 3, "C", readonly=True)
_POINTS, _TABLE = float64[:, ::1], int64[:, ::1]


@njit(void(_POINTS, _CORNERS, _POINTS), **OPTIONS)
def forward(lattice: Array, corners: Array, out: Array) -> None:
    """Map lattice coordinates (n, 2), columns and rows, to positions (n, 2), bilinearly in each cell."""
    h, w = corners.shape[0] - 1, corners.shape[1] - 1
    for k in range(lattice.shape[0]):
        j = min(max(int(lattice[k, 0]), 0), w - 1)
        i = min(max(int(lattice[k, 1]), 0), h - 1)
        s, t = lattice[k, 0] - j, lattice[k, 1] - i
        for c in range(2):
            a, b = corners[i, j, c], corners[i, j + 1, c]
            d, e = corners[i + 1, j, c], corners[i + 1, j + 1, c]
            out[k, c] = (1 - t) * ((1 - s) * a + s * b) + t * ((1 - s) * d + s * e)


@njit(void(_CORNERS, float64, float64, float64, float64, _TABLE), **OPTIONS)
def hints(corners: Array, left: float, bottom: float, wide: float, high: float, table: Indices) -> None:
    """Fill a table of buckets over the rectangle with the number of a cell near each bucket."""
    rows, columns = table.shape
    h, w = corners.shape[0] - 1, corners.shape[1] - 1
    table[:, :] = -1
    for i in range(h):
        for j in range(w):
            cx = 0.5 * (corners[i, j, 0] + corners[i + 1, j + 1, 0])
            cy = 0.5 * (corners[i, j, 1] + corners[i + 1, j + 1, 1])
            a = min(max(int((cx - left) / wide * columns), 0), columns - 1)
            b = min(max(int((cy - bottom) / high * rows), 0), rows - 1)
            table[b, a] = i * w + j
    for b in range(rows):
        for a in range(1, columns):
            if table[b, a] < 0:
                table[b, a] = table[b, a - 1]
        for a in range(columns - 2, -1, -1):
            if table[b, a] < 0:
                table[b, a] = table[b, a + 1]
    for b in range(1, rows):
        for a in range(columns):
            if table[b, a] < 0:
                table[b, a] = table[b - 1, a]
    for b in range(rows - 2, -1, -1):
        for a in range(columns):
            if table[b, a] < 0:
                table[b, a] = table[b + 1, a]


@njit(boolean(_CORNERS, int64, int64, float64, float64, float64[::1]), **OPTIONS)
def _solve(corners: Array, i: int, j: int, px: float, py: float, st: Array) -> bool:
    """Invert one bilinear cell: write s, t; return whether the point lies in the cell up to round-off."""
    ax, ay = corners[i, j, 0], corners[i, j, 1]
    ex, ey = corners[i, j + 1, 0] - ax, corners[i, j + 1, 1] - ay
    fx, fy = corners[i + 1, j, 0] - ax, corners[i + 1, j, 1] - ay
    gx, gy = corners[i + 1, j + 1, 0] - ax - ex - fx, corners[i + 1, j + 1, 1] - ay - ey - fy
    qx, qy = px - ax, py - ay
    # (q - t f) x (e + t g) = 0 is quadratic in t; the root with positive Jacobian, in the stable form
    qa = gx * fy - gy * fx
    qb = (qx * gy - qy * gx) + (ex * fy - ey * fx)
    qc = qx * ey - qy * ex
    root = math.sqrt(max(qb * qb - 4.0 * qa * qc, 0.0))
    t = -2.0 * qc / (qb + root) if qb >= 0.0 else (root - qb) / (2.0 * qa)
    hx, hy = ex + t * gx, ey + t * gy
    s = ((qx - t * fx) * hx + (qy - t * fy) * hy) / (hx * hx + hy * hy)
    # one Newton step takes away what the cancellation in the quadratic left
    rx = qx - s * ex - t * fx - s * t * gx
    ry = qy - s * ey - t * fy - s * t * gy
    mx, my = fx + s * gx, fy + s * gy
    jacobian = hx * my - hy * mx
    if jacobian > 0.0:
        s += (rx * my - ry * mx) / jacobian
        t += (hx * ry - hy * rx) / jacobian
    st[0], st[1] = s, t
    slack = 1e-9
    return -slack <= s <= 1.0 + slack and -slack <= t <= 1.0 + slack


@njit(int64(_POINTS, _CORNERS, _TABLE, float64, float64, float64, float64, _POINTS), **OPTIONS)
def backward(
    points: Array,
    corners: Array,
    table: Indices,
    left: float,
    bottom: float,
    wide: float,
    high: float,
    out: Array,
) -> int:
    """Find lattice coordinates (n, 2) of points (n, 2); return how many points lie in no cell.

    Walks from a nearby cell across whichever edge separates it from the point (cells are convex), and
    searches all cells for the rare point at which the walk circles.
    """
    h, w = corners.shape[0] - 1, corners.shape[1] - 1
    rows, columns = table.shape
    st = np.empty(2)
    lost = 0
    for k in range(points.shape[0]):
        px, py = points[k, 0], points[k, 1]
        a = min(max(int((px - left) / wide * columns), 0), columns - 1)
        b = min(max(int((py - bottom) / high * rows), 0), rows - 1)
        i, j = table[b, a] // w, table[b, a] % w
        found = False
        for hop in range(4 * (h + w)):
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
            if di == 0 and dj == 0:
                found = _solve(corners, i, j, px, py, st)
                break
            i += di
            j += dj
            # round-off can bounce a point on an edge between two cells: either may claim it
            if hop > h + w and _solve(corners, i, j, px, py, st):
                found = True
                break
        if not found:
            for cell in range(h * w):
                i, j = cell // w, cell % w
                if _solve(corners, i, j, px, py, st):
                    found = True
                    break
        if not found:
            lost += 1
            out[k, 0] = out[k, 1] = math.nan
            continue
        out[k, 0] = j + min(max(st[0], 0.0), 1.0)
        out[k, 1] = i + min(max(st[1], 0.0), 1.0)
    return lost
