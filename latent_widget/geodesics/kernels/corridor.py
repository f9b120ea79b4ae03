"""Corridors: for every node of a polyline a rectangle of allowed cells around it, in which it may be moved.

Every segment gets a rectangle of allowed cells, and every node the common part of two: a convex room for Newton's
method on the energy. Points are in index coordinates; ``area`` (H + 1, W + 1) is the summed-area table of forbidden
cells (see `visibility.sum_areas`).
"""

from __future__ import annotations

import math

import numpy as np

from latent_widget._arrays import Floats
from latent_widget.geodesics.kernels.compilation import Ints, kernel, leaf
from latent_widget.geodesics.kernels.visibility import NEAR, is_empty


@leaf
def _find_rectangle(area: Ints, x0: float, y0: float, x1: float, y1: float) -> tuple[int, int, int, int]:
    """Rows and columns of a rectangle of allowed cells around a segment; -1 where there is none."""
    height, width = area.shape[0] - 1, area.shape[1] - 1
    ja, jb = math.floor(min(x0, x1) + 0.5 + NEAR), math.ceil(max(x0, x1) - 0.5 - NEAR)
    ia, ib = math.floor(min(y0, y1) + 0.5 + NEAR), math.ceil(max(y0, y1) - 0.5 - NEAR)
    # a segment along the border between two columns or rows may belong to either
    for row in range(2 if ib < ia else 1):
        for column in range(2 if jb < ja else 1):
            i0, i1 = (ia, ib) if ib >= ia else ((ia, ia) if row == 0 else (ib, ib))
            j0, j1 = (ja, jb) if jb >= ja else ((ja, ja) if column == 0 else (jb, jb))
            i0, i1, j0, j1 = max(i0, 0), min(i1, height - 1), max(j0, 0), min(j1, width - 1)
            if is_empty(area, i0, i1, j0, j1):
                return i0, i1, j0, j1
    return -1, -1, -1, -1


@kernel
def split_at_borders(area: Ints, points: Floats) -> Floats:
    """Return a polyline (N, 2), cut at the borders of cells where its segments have no free rectangle."""
    room = len(points)
    for k in range(len(points) - 1):
        room += 2 + int(abs(points[k + 1, 0] - points[k, 0]) + abs(points[k + 1, 1] - points[k, 1])) * 2 + 4
    out = np.empty((room, 2))
    out[0] = points[0]
    used = 1
    cuts = np.empty(room + 4)
    for k in range(len(points) - 1):
        x, y = points[k, 0], points[k, 1]
        dx, dy = points[k + 1, 0] - x, points[k + 1, 1] - y
        if _find_rectangle(area, x, y, x + dx, y + dy)[0] < 0:
            count = 0
            for c in range(2):
                low = min(points[k, c], points[k + 1, c])
                high = max(points[k, c], points[k + 1, c])
                border = math.ceil(low - 0.5 + NEAR) + 0.5
                while border < high - NEAR:
                    cuts[count] = (border - points[k, c]) / (points[k + 1, c] - points[k, c])
                    count += 1
                    border += 1.0
            for t in np.sort(cuts[:count]):
                u, v = x + t * dx, y + t * dy
                # a cut lies on the border to the last bit, so that it belongs to the cells on both sides
                if abs(u - (math.floor(u) + 0.5)) < NEAR:
                    u = math.floor(u) + 0.5
                if abs(v - (math.floor(v) + 0.5)) < NEAR:
                    v = math.floor(v) + 0.5
                if max(abs(u - out[used - 1, 0]), abs(v - out[used - 1, 1])) > NEAR:
                    out[used, 0], out[used, 1] = u, v
                    used += 1
        out[used] = points[k + 1]
        used += 1
    return out[:used].copy()


@leaf
def _grow(area: Ints, i0: int, i1: int, j0: int, j1: int, rows: bool, columns: bool) -> tuple[int, int, int, int]:
    """Return a rectangle of allowed cells, grown row by row, column by column, or both in turn, as far as it can."""
    growing = True
    while growing:
        growing = False
        if columns:
            if is_empty(area, i0, i1, j0 - 1, j0 - 1):
                j0, growing = j0 - 1, True
            if is_empty(area, i0, i1, j1 + 1, j1 + 1):
                j1, growing = j1 + 1, True
        if rows:
            if is_empty(area, i0 - 1, i0 - 1, j0, j1):
                i0, growing = i0 - 1, True
            if is_empty(area, i1 + 1, i1 + 1, j0, j1):
                i1, growing = i1 + 1, True
    return i0, i1, j0, j1


@leaf
def fill_corridor(area: Ints, points: Floats, order: int, low: Floats, high: Floats) -> bool:
    """Fill in the room of every node of a polyline, ``low`` and ``high`` (N, 2): what its segments' rectangles share.

    Rectangles grow as far as they can: along rows first, along columns first, or to all sides in turn (order 0, 1, 2).
    False where a segment has none.
    """
    height, width = area.shape[0] - 1, area.shape[1] - 1
    for n in range(len(points)):
        low[n, 0] = low[n, 1] = -0.5
        high[n, 0], high[n, 1] = width - 0.5, height - 0.5
    for k in range(len(points) - 1):
        i0, i1, j0, j1 = _find_rectangle(area, points[k, 0], points[k, 1], points[k + 1, 0], points[k + 1, 1])
        if i0 < 0:
            return False
        for turn in range(2):
            i0, i1, j0, j1 = _grow(area, i0, i1, j0, j1, order == 2 or turn != order, order == 2 or turn == order)
        for n in range(k, k + 2):
            low[n, 0], high[n, 0] = max(low[n, 0], j0 - 0.5), min(high[n, 0], j1 + 0.5)
            low[n, 1], high[n, 1] = max(low[n, 1], i0 - 0.5), min(high[n, 1], i1 + 0.5)
    for n in range(len(points)):
        for c in range(2):
            # what round-off left outside
            low[n, c], high[n, c] = min(low[n, c], points[n, c]), max(high[n, c], points[n, c])
    return True
