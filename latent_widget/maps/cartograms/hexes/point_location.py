"""Point location in a mesh of trilinear hexahedra by walks from cell to cell, and Newton's inverse of each cell.

A point goes through the map by trilinear interpolation of the corners, and back by finding the cell that holds it and
solving its equation there. Corners are (D+1, H+1, W+1, 3); lattice coordinates count columns, rows and layers.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import float64, int64, types, void

from latent_widget.maps.cartograms.compilation import compile_helper, compile_inline, compile_loop
from latent_widget.maps.cartograms.hexes.vectors import cross, dot, subtract
from latent_widget.maps.cartograms.loops import fill_gaps

if TYPE_CHECKING:
    from latent_widget.maps.cartograms.hexes.vectors import Vector

    Array = np.ndarray[Any, np.dtype[np.float64]]
    # local coordinates s, t, u, and how far the point that they map to is from the point sought
    Place = tuple[float, float, float, float]
    Indices = np.ndarray[Any, np.dtype[np.int64]]

# the corners of a finished map are read-only
_CORNERS = types.Array(float64, 4, "C", readonly=True)
_POINTS, _BUCKETS, _VECTOR = float64[:, ::1], int64[:, :, ::1], float64[::1]
# A point counts as found where its cell maps it back to within this share of the box's size and place, and Newton's
# method ends where nothing but the last digit is left.
EXACT, LAST_DIGIT = 1e-14, 2e-16
# How far outside of the unit cube a point may come out and still count as inside: round-off.
SLACK = 1e-9
# A walk leaves a cell for a neighbour only where the point lies further than this beyond the face.
BEYOND = 1e-12
# Newton steps within one cell, of which few points need more than five, and halvings of one step.
STEPS, HALVINGS = 40, 8
# Places along each axis of a cell from which Newton's method starts where it fails from the middle.
STARTS = 5
# Steps from cell to cell before a walk counts as circling.
HOPS = 40
# Cells on every side of where a walk ended that are searched before all others.
NEAR = 3
# How far outside of its cell a trilinear map is followed while looking for the neighbour that holds the point.
REACH = 2.0


@compile_helper
def _blend(a: Vector, b: Vector, t: float) -> Vector:
    """Return the point a share t of the way from a to b."""
    return (1 - t) * a[0] + t * b[0], (1 - t) * a[1] + t * b[1], (1 - t) * a[2] + t * b[2]


@compile_helper
def _get_corner(corners: Array, k: int, i: int, j: int) -> Vector:
    """Position of one corner."""
    return corners[k, i, j, 0], corners[k, i, j, 1], corners[k, i, j, 2]


@compile_helper
def _map_cell(corners: Array, k: int, i: int, j: int, p: Vector) -> tuple[Vector, Vector, Vector, Vector]:
    """Position of (s, t, u) in one cell, and its derivatives along s, t and u."""
    s, t, u = p
    a, b = _get_corner(corners, k, i, j), _get_corner(corners, k, i, j + 1)
    c, d = _get_corner(corners, k, i + 1, j), _get_corner(corners, k, i + 1, j + 1)
    e, f = _get_corner(corners, k + 1, i, j), _get_corner(corners, k + 1, i, j + 1)
    g, h = _get_corner(corners, k + 1, i + 1, j), _get_corner(corners, k + 1, i + 1, j + 1)
    ab, cd, ef, gh = _blend(a, b, s), _blend(c, d, s), _blend(e, f, s), _blend(g, h, s)
    low, high = _blend(ab, cd, t), _blend(ef, gh, t)
    along_s = _blend(_blend(subtract(b, a), subtract(d, c), t), _blend(subtract(f, e), subtract(h, g), t), u)
    along_t = _blend(subtract(cd, ab), subtract(gh, ef), u)
    return _blend(low, high, u), along_s, along_t, subtract(high, low)


@compile_loop(void(_POINTS, _CORNERS, _POINTS))
def interpolate(lattice: Array, corners: Array, out: Array) -> None:
    """Write the positions (n, 3) of lattice coordinates (n, 3), trilinear in each cell."""
    d, h, w = corners.shape[0] - 1, corners.shape[1] - 1, corners.shape[2] - 1
    for n in range(lattice.shape[0]):
        j = min(max(int(lattice[n, 0]), 0), w - 1)
        i = min(max(int(lattice[n, 1]), 0), h - 1)
        k = min(max(int(lattice[n, 2]), 0), d - 1)
        found = _map_cell(corners, k, i, j, (lattice[n, 0] - j, lattice[n, 1] - i, lattice[n, 2] - k))[0]
        out[n, 0], out[n, 1], out[n, 2] = found


@compile_loop(void(_CORNERS, _VECTOR, _VECTOR, _BUCKETS))
def fill_buckets(corners: Array, low: Array, size: Array, buckets: Indices) -> None:
    """Write the number of a cell near each bucket over a box, given by its lower corner (3,) and size (3,)."""
    layers, rows, columns = buckets.shape
    d, h, w = corners.shape[0] - 1, corners.shape[1] - 1, corners.shape[2] - 1
    left, front, bottom, wide, deep, high = low[0], low[1], low[2], size[0], size[1], size[2]
    buckets[:, :, :] = -1
    for k in range(d):
        for i in range(h):
            for j in range(w):
                p, q = _get_corner(corners, k, i, j), _get_corner(corners, k + 1, i + 1, j + 1)
                a = min(max(int((0.5 * (p[0] + q[0]) - left) / wide * columns), 0), columns - 1)
                b = min(max(int((0.5 * (p[1] + q[1]) - front) / deep * rows), 0), rows - 1)
                c = min(max(int((0.5 * (p[2] + q[2]) - bottom) / high * layers), 0), layers - 1)
                buckets[c, b, a] = (k * h + i) * w + j
    # an empty bucket takes the number of the nearest one in its row, then an empty row, then an empty layer
    for c in range(layers):
        for b in range(rows):
            fill_gaps(buckets[c, b])
    for c in range(layers):
        for a in range(columns):
            fill_gaps(buckets[c, :, a])
    for b in range(rows):
        for a in range(columns):
            fill_gaps(buckets[:, b, a])


@compile_helper
def _compute_max_norm(a: Vector) -> float:
    """Return the size of the largest component."""
    return max(abs(a[0]), max(abs(a[1]), abs(a[2])))


@compile_helper
def _clamp(s: float) -> float:
    """Keep a local coordinate within reach of its cell."""
    return min(max(s, -REACH), 1.0 + REACH)


@compile_helper
def _invert_cell(
    corners: Array, k: int, i: int, j: int, point: Vector, scale: float, start: Vector, walking: bool
) -> Place:
    """Invert one trilinear cell by Newton's method from ``start``; return s, t, u and what is left of the point.

    A step is halved until it comes nearer, and kept within reach of the cell, beyond which its map means nothing.
    While ``walking`` from cell to cell the first step to that limit ends it.
    """
    p = start
    place, along_s, along_t, along_u = _map_cell(corners, k, i, j, p)
    rest = subtract(point, place)
    left = _compute_max_norm(rest)
    for _ in range(STEPS):
        normal = cross(along_t, along_u)
        jacobian = dot(along_s, normal)
        if not jacobian > 0.0 or left <= LAST_DIGIT * scale:
            break
        ds = dot(rest, normal) / jacobian
        dt = dot(rest, cross(along_u, along_s)) / jacobian
        du = dot(rest, cross(along_s, along_t)) / jacobian
        length, nearer = 1.0, False
        for _ in range(HALVINGS):
            q = (_clamp(p[0] + length * ds), _clamp(p[1] + length * dt), _clamp(p[2] + length * du))
            place, next_s, next_t, next_u = _map_cell(corners, k, i, j, q)
            new_rest = subtract(point, place)
            # a step that changes nothing any more is round-off
            if _compute_max_norm(new_rest) < left:
                nearer = True
                break
            length *= 0.5
        if not nearer:
            break
        p, rest, left = q, new_rest, _compute_max_norm(new_rest)
        along_s, along_t, along_u = next_s, next_t, next_u
        if walking and max(abs(p[0] - 0.5), max(abs(p[1] - 0.5), abs(p[2] - 0.5))) >= 0.5 + REACH:
            break
    return p[0], p[1], p[2], left


@compile_helper
def _is_inside(p: Place, exact: float) -> bool:
    """Tell whether a point has been found, and in the cell itself."""
    low, high = min(p[0], min(p[1], p[2])), max(p[0], max(p[1], p[2]))
    return p[3] <= exact and low >= -SLACK and high <= 1.0 + SLACK


@compile_helper
def _is_in_bounding_box(corners: Array, k: int, i: int, j: int, point: Vector, slack: float) -> bool:
    """Tell whether the point lies in the bounding box of a cell, outside of which its map does not reach."""
    for axis in range(3):
        low, high = math.inf, -math.inf
        for n in range(8):
            value = corners[k + n // 4, i + (n // 2) % 2, j + n % 2, axis]
            low, high = min(low, value), max(high, value)
        if point[axis] < low - slack or point[axis] > high + slack:
            return False
    return True


@compile_helper
def _search_cells(
    corners: Array, k: int, i: int, j: int, reach: int, starts: int, point: Vector, scale: float, exact: float
) -> tuple[int, int, int, Place]:
    """Try every cell within reach of one, from some starts a side; return the cell that holds the point, if any."""
    d, h, w = corners.shape[0] - 1, corners.shape[1] - 1, corners.shape[2] - 1
    for kk in range(max(k - reach, 0), min(k + reach + 1, d)):
        for ii in range(max(i - reach, 0), min(i + reach + 1, h)):
            for jj in range(max(j - reach, 0), min(j + reach + 1, w)):
                if not _is_in_bounding_box(corners, kk, ii, jj, point, exact):
                    continue
                for m in range(starts**3):
                    s, t, u = m % starts, m // starts % starts, m // starts**2
                    start = ((s + 0.5) / starts, (t + 0.5) / starts, (u + 0.5) / starts)
                    p = _invert_cell(corners, kk, ii, jj, point, scale, start, False)
                    if _is_inside(p, exact):
                        return kk, ii, jj, p
    return k, i, j, (0.5, 0.5, 0.5, math.inf)


@compile_helper
def _choose_neighbour(p: Vector, k: int, i: int, j: int, shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """Layers, rows and columns to the neighbour across the face that is most in the way of p; 0, 0, 0 if none is.

    At a wall there is no neighbour.
    """
    d, h, w = shape
    up_s, up_t, up_u = (1 if p[0] > 0.5 else -1), (1 if p[1] > 0.5 else -1), (1 if p[2] > 0.5 else -1)
    beyond_s, beyond_t, beyond_u = max(-p[0], p[0] - 1.0), max(-p[1], p[1] - 1.0), max(-p[2], p[2] - 1.0)
    most, dk, di, dj = BEYOND, 0, 0, 0
    if beyond_s > most and 0 <= j + up_s < w:
        most, dj = beyond_s, up_s
    if beyond_t > most and 0 <= i + up_t < h:
        most, di, dj = beyond_t, up_t, 0
    if beyond_u > most and 0 <= k + up_u < d:
        dk, di, dj = up_u, 0, 0
    return dk, di, dj


@compile_inline
def _find_cell(
    corners: Array, k: int, i: int, j: int, point: Vector, scale: float, exact: float
) -> tuple[int, int, int, Place]:
    """Walk from a cell to the one that holds the point; return it and the local coordinates there."""
    d, h, w = corners.shape[0] - 1, corners.shape[1] - 1, corners.shape[2] - 1
    for _ in range(HOPS):
        p = _invert_cell(corners, k, i, j, point, scale, (0.5, 0.5, 0.5), True)
        if _is_inside(p, exact):
            return k, i, j, p
        dk, di, dj = _choose_neighbour((p[0], p[1], p[2]), k, i, j, (d, h, w))
        if dk == 0 and di == 0 and dj == 0:
            break
        k, i, j = k + dk, i + di, j + dj
    # from the middle of the cells around, then of all cells, and then from many places in all cells
    p = (0.5, 0.5, 0.5, math.inf)
    for tour in range(3):
        reach = NEAR if tour == 0 else max(d, max(h, w))
        k, i, j, p = _search_cells(corners, k, i, j, reach, STARTS if tour == 2 else 1, point, scale, exact)
        if _is_inside(p, exact):
            break
    return k, i, j, p


@compile_loop(int64(_POINTS, _CORNERS, _BUCKETS, _VECTOR, _VECTOR, _POINTS))
def locate(points: Array, corners: Array, buckets: Indices, low: Array, size: Array, out: Array) -> int:
    """Write the lattice coordinates (n, 3) of points (n, 3); return how many points lie in no cell.

    Walks from a nearby cell to the neighbour into which its own inverse points, until a cell holds the point and maps
    it back to within round-off; searches the cells around, and at last all, for the rare point at which it circles.
    """
    h, w = corners.shape[1] - 1, corners.shape[2] - 1
    layers, rows, columns = buckets.shape
    left, front, bottom, wide, deep, high = low[0], low[1], low[2], size[0], size[1], size[2]
    scale = max(wide, max(deep, high)) + max(abs(left), max(abs(front), abs(bottom)))
    exact = EXACT * scale
    lost = 0
    for n in range(points.shape[0]):
        point = (points[n, 0], points[n, 1], points[n, 2])
        a = min(max(int((point[0] - left) / wide * columns), 0), columns - 1)
        b = min(max(int((point[1] - front) / deep * rows), 0), rows - 1)
        c = min(max(int((point[2] - bottom) / high * layers), 0), layers - 1)
        cell = buckets[c, b, a]
        k, i, j, p = _find_cell(corners, cell // (h * w), (cell // w) % h, cell % w, point, scale, exact)
        if not _is_inside(p, exact):
            lost += 1
            out[n, 0] = out[n, 1] = out[n, 2] = math.nan
            continue
        out[n, 0] = j + min(max(p[0], 0.0), 1.0)
        out[n, 1] = i + min(max(p[1], 0.0), 1.0)
        out[n, 2] = k + min(max(p[2], 0.0), 1.0)
    return lost
