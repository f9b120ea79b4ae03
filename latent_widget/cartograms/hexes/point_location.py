"""Points through a mesh of trilinear hexahedra, forwards and backwards, with no interpolated inverse."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import float64, int64, njit, types, void

from latent_widget.cartograms.compilation import OPTIONS
from latent_widget.cartograms.hexes.geometry import INLINE, cross, dot, minus

if TYPE_CHECKING:
    from latent_widget.cartograms.hexes.geometry import Vector

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Indices = np.ndarray[Any, np.dtype[np.int64]]

# the corners of a finished map are read-only
_CORNERS = types.Array(float64, 4, "C", readonly=True)
_POINTS, _TABLE = float64[:, ::1], int64[:, :, ::1]
# Newton steps within one cell; few need more than five
STEPS = 40
# Places along each axis of a cell from which Newton's method starts where it fails from the middle.
STARTS = 5
# Steps from cell to cell before a walk counts as circling.
HOPS = 40
# Cells on every side of where a walk ended that are searched before all others.
NEAR = 3
# How far outside of its cell a trilinear map is followed while looking for the neighbour that holds the point.
REACH = 2.0


@njit(**INLINE)
def _blend(a: Vector, b: Vector, t: float) -> Vector:
    return (1 - t) * a[0] + t * b[0], (1 - t) * a[1] + t * b[1], (1 - t) * a[2] + t * b[2]


@njit(**INLINE)
def _at(corners: Array, k: int, i: int, j: int) -> Vector:
    return corners[k, i, j, 0], corners[k, i, j, 1], corners[k, i, j, 2]


@njit(**INLINE)
def _trilinear(corners: Array, k: int, i: int, j: int, p: Vector) -> tuple[Vector, Vector, Vector, Vector]:
    """Position of (s, t, u) in one cell, and its derivatives along s, t and u."""
    s, t, u = p
    a, b = _at(corners, k, i, j), _at(corners, k, i, j + 1)
    c, d = _at(corners, k, i + 1, j), _at(corners, k, i + 1, j + 1)
    e, f = _at(corners, k + 1, i, j), _at(corners, k + 1, i, j + 1)
    g, h = _at(corners, k + 1, i + 1, j), _at(corners, k + 1, i + 1, j + 1)
    ab, cd, ef, gh = _blend(a, b, s), _blend(c, d, s), _blend(e, f, s), _blend(g, h, s)
    low, high = _blend(ab, cd, t), _blend(ef, gh, t)
    along_s = _blend(_blend(minus(b, a), minus(d, c), t), _blend(minus(f, e), minus(h, g), t), u)
    along_t = _blend(minus(cd, ab), minus(gh, ef), u)
    return _blend(low, high, u), along_s, along_t, minus(high, low)


@njit(void(_POINTS, _CORNERS, _POINTS), **OPTIONS)
def forward(lattice: Array, corners: Array, out: Array) -> None:
    """Map lattice coordinates (n, 3), columns, rows and layers, to positions (n, 3), trilinearly in each cell."""
    d, h, w = corners.shape[0] - 1, corners.shape[1] - 1, corners.shape[2] - 1
    for n in range(lattice.shape[0]):
        j = min(max(int(lattice[n, 0]), 0), w - 1)
        i = min(max(int(lattice[n, 1]), 0), h - 1)
        k = min(max(int(lattice[n, 2]), 0), d - 1)
        found = _trilinear(corners, k, i, j, (lattice[n, 0] - j, lattice[n, 1] - i, lattice[n, 2] - k))[0]
        out[n, 0], out[n, 1], out[n, 2] = found


@njit(**INLINE)
def _fill(line: Indices) -> None:
    """Replace what is negative by the number before it or, at the beginning, after it."""
    for n in range(1, line.size):
        if line[n] < 0:
            line[n] = line[n - 1]
    for n in range(line.size - 2, -1, -1):
        if line[n] < 0:
            line[n] = line[n + 1]


@njit(void(_CORNERS, float64, float64, float64, float64, float64, float64, _TABLE), **OPTIONS)
def hints(
    corners: Array, left: float, front: float, bottom: float, wide: float, deep: float, high: float, table: Indices
) -> None:
    """Fill a table of buckets over the box with the number of a cell near each bucket."""
    layers, rows, columns = table.shape
    d, h, w = corners.shape[0] - 1, corners.shape[1] - 1, corners.shape[2] - 1
    table[:, :, :] = -1
    for k in range(d):
        for i in range(h):
            for j in range(w):
                p, q = _at(corners, k, i, j), _at(corners, k + 1, i + 1, j + 1)
                a = min(max(int((0.5 * (p[0] + q[0]) - left) / wide * columns), 0), columns - 1)
                b = min(max(int((0.5 * (p[1] + q[1]) - front) / deep * rows), 0), rows - 1)
                c = min(max(int((0.5 * (p[2] + q[2]) - bottom) / high * layers), 0), layers - 1)
                table[c, b, a] = (k * h + i) * w + j
    # an empty bucket takes the number of the nearest one in its row, then an empty row, then an empty layer
    for c in range(layers):
        for b in range(rows):
            _fill(table[c, b])
    for c in range(layers):
        for a in range(columns):
            _fill(table[c, :, a])
    for b in range(rows):
        for a in range(columns):
            _fill(table[:, b, a])


@njit(**INLINE)
def _size(a: Vector) -> float:
    return max(abs(a[0]), max(abs(a[1]), abs(a[2])))


@njit(**INLINE)
def _clamped(s: float) -> float:
    return min(max(s, -REACH), 1.0 + REACH)


@njit(**INLINE)
def _solve(
    corners: Array, k: int, i: int, j: int, point: Vector, scale: float, start: Vector, walking: bool
) -> tuple[float, float, float, float]:
    """Invert one trilinear cell by Newton's method from ``start``; return s, t, u and what is left of the point.

    A step is halved until it comes nearer, and kept within reach of the cell, beyond which its map means nothing.
    While ``walking`` from cell to cell the first step to that limit ends it.
    """
    p = start
    place, along_s, along_t, along_u = _trilinear(corners, k, i, j, p)
    rest = minus(point, place)
    left = _size(rest)
    for _ in range(STEPS):
        normal = cross(along_t, along_u)
        jacobian = dot(along_s, normal)
        if not jacobian > 0.0 or left <= 2e-16 * scale:
            break
        ds = dot(rest, normal) / jacobian
        dt = dot(rest, cross(along_u, along_s)) / jacobian
        du = dot(rest, cross(along_s, along_t)) / jacobian
        length, nearer = 1.0, False
        for _ in range(8):
            q = (_clamped(p[0] + length * ds), _clamped(p[1] + length * dt), _clamped(p[2] + length * du))
            place, next_s, next_t, next_u = _trilinear(corners, k, i, j, q)
            new_rest = minus(point, place)
            # a step that changes nothing any more is round-off
            if _size(new_rest) < left:
                nearer = True
                break
            length *= 0.5
        if not nearer:
            break
        p, rest, left = q, new_rest, _size(new_rest)
        along_s, along_t, along_u = next_s, next_t, next_u
        if walking and max(abs(p[0] - 0.5), max(abs(p[1] - 0.5), abs(p[2] - 0.5))) >= 0.5 + REACH:
            break
    return p[0], p[1], p[2], left


@njit(**INLINE)
def _inside(p: tuple[float, float, float, float], exact: float) -> bool:
    low, high = min(p[0], min(p[1], p[2])), max(p[0], max(p[1], p[2]))
    return p[3] <= exact and low >= -1e-9 and high <= 1.0 + 1e-9


@njit(**INLINE)
def _bounded(corners: Array, k: int, i: int, j: int, point: Vector, slack: float) -> bool:
    """Tell whether the point lies in the bounding box of a cell, outside of which its map does not reach."""
    for axis in range(3):
        low, high = math.inf, -math.inf
        for n in range(8):
            value = corners[k + n // 4, i + (n // 2) % 2, j + n % 2, axis]
            low, high = min(low, value), max(high, value)
        if point[axis] < low - slack or point[axis] > high + slack:
            return False
    return True


@njit(**INLINE)
def _search(
    corners: Array, k: int, i: int, j: int, reach: int, starts: int, point: Vector, scale: float, exact: float
) -> tuple[int, int, int, tuple[float, float, float, float]]:
    """Try every cell within reach of one, from some starts a side; return the cell that holds the point, if any."""
    d, h, w = corners.shape[0] - 1, corners.shape[1] - 1, corners.shape[2] - 1
    for kk in range(max(k - reach, 0), min(k + reach + 1, d)):
        for ii in range(max(i - reach, 0), min(i + reach + 1, h)):
            for jj in range(max(j - reach, 0), min(j + reach + 1, w)):
                if not _bounded(corners, kk, ii, jj, point, exact):
                    continue
                for m in range(starts**3):
                    s, t, u = m % starts, m // starts % starts, m // starts**2
                    start = ((s + 0.5) / starts, (t + 0.5) / starts, (u + 0.5) / starts)
                    p = _solve(corners, kk, ii, jj, point, scale, start, False)
                    if _inside(p, exact):
                        return kk, ii, jj, p
    return k, i, j, (0.5, 0.5, 0.5, math.inf)


@njit(
    int64(_POINTS, _CORNERS, _TABLE, float64, float64, float64, float64, float64, float64, _POINTS),
    **OPTIONS,
)
def backward(
    points: Array,
    corners: Array,
    table: Indices,
    left: float,
    front: float,
    bottom: float,
    wide: float,
    deep: float,
    high: float,
    out: Array,
) -> int:
    """Find lattice coordinates (n, 3) of points (n, 3); return how many points lie in no cell.

    Walks from a nearby cell to the neighbour into which its own inverse points, until a cell holds the point and maps
    it back to within round-off; searches the cells around, and at last all, for the rare point at which it circles.
    """
    d, h, w = corners.shape[0] - 1, corners.shape[1] - 1, corners.shape[2] - 1
    layers, rows, columns = table.shape
    scale = max(wide, max(deep, high)) + max(abs(left), max(abs(front), abs(bottom)))
    exact = 1e-14 * scale
    lost = 0
    for n in range(points.shape[0]):
        point = (points[n, 0], points[n, 1], points[n, 2])
        a = min(max(int((point[0] - left) / wide * columns), 0), columns - 1)
        b = min(max(int((point[1] - front) / deep * rows), 0), rows - 1)
        c = min(max(int((point[2] - bottom) / high * layers), 0), layers - 1)
        cell = table[c, b, a]
        k, i, j = cell // (h * w), (cell // w) % h, cell % w
        found = False
        p = (0.5, 0.5, 0.5, math.inf)
        for _ in range(HOPS):
            p = _solve(corners, k, i, j, point, scale, (0.5, 0.5, 0.5), True)
            if _inside(p, exact):
                found = True
                break
            # step across the face that is most in the way; at a wall there is none
            reach, axis = 1e-12, -1
            beyond_s, beyond_t, beyond_u = max(-p[0], p[0] - 1.0), max(-p[1], p[1] - 1.0), max(-p[2], p[2] - 1.0)
            if beyond_s > reach and 0 <= j + (1 if p[0] > 0.5 else -1) < w:
                reach, axis = beyond_s, 0
            if beyond_t > reach and 0 <= i + (1 if p[1] > 0.5 else -1) < h:
                reach, axis = beyond_t, 1
            if beyond_u > reach and 0 <= k + (1 if p[2] > 0.5 else -1) < d:
                reach, axis = beyond_u, 2
            if axis == 0:
                j += 1 if p[0] > 0.5 else -1
            elif axis == 1:
                i += 1 if p[1] > 0.5 else -1
            elif axis == 2:
                k += 1 if p[2] > 0.5 else -1
            else:
                break
        if not found:
            # from the middle of the cells around, then of all cells, and then from many places in all cells
            for tour in range(3):
                reach = NEAR if tour == 0 else max(d, max(h, w))
                starts = STARTS if tour == 2 else 1
                k, i, j, p = _search(corners, k, i, j, reach, starts, point, scale, exact)
                if _inside(p, exact):
                    found = True
                    break
        if not found:
            lost += 1
            out[n, 0] = out[n, 1] = out[n, 2] = math.nan
            continue
        out[n, 0] = j + min(max(p[0], 0.0), 1.0)
        out[n, 1] = i + min(max(p[1], 0.0), 1.0)
        out[n, 2] = k + min(max(p[2], 0.0), 1.0)
    return lost
