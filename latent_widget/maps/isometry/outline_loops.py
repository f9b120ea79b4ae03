"""Crossings of a closed polygon's sides by a sweep over their left ends, and the nearest point of a polygon, compiled.

Pairs of sides that may or may not touch, for the rounding error of an orientation (Shewchuk 1997), are marked as such.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from numba import float64, int64, void

from latent_widget.maps.cartograms.compilation import compile_inline, compile_loop

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Indices = np.ndarray[Any, np.dtype[np.int64]]

_POINTS, _NUMBERS, _VECTOR = float64[:, ::1], int64[::1], float64[::1]
# An orientation above this share of the sizes of its two products has the right sign (Shewchuk 1997, ccwerrboundA).
ROUND_OFF = 3.4e-16


@compile_inline
def _orient(ax: float, ay: float, bx: float, by: float, cx: float, cy: float) -> int:
    """Side of the line from a to b on which c lies: 1 left, -1 right, 0 where round-off leaves that open."""
    one, two = (ax - cx) * (by - cy), (ay - cy) * (bx - cx)
    bound = ROUND_OFF * (abs(one) + abs(two))
    if one - two > bound:
        return 1
    return -1 if two - one > bound else 0


@compile_loop(int64(_POINTS, _NUMBERS, int64[:, ::1]))
def sweep(ring: Array, order: Indices, found: Indices) -> int:
    """Write the pairs of sides that touch, (k, l, 1), or that may touch, (k, l, 0); return how many there are.

    Side k leads from corner k of the polygon (n, 2) to the next. ``order`` has the sides by their left ends. Where
    there are more pairs than rows of ``found``, the rest is only counted.
    """
    n = ring.shape[0]
    count = 0
    for first in range(n):
        k = order[first]
        ax, ay = ring[k, 0], ring[k, 1]
        bx, by = ring[(k + 1) % n, 0], ring[(k + 1) % n, 1]
        right, low, high = max(ax, bx), min(ay, by), max(ay, by)
        for second in range(first + 1, n):
            m = order[second]
            cx, cy = ring[m, 0], ring[m, 1]
            dx, dy = ring[(m + 1) % n, 0], ring[(m + 1) % n, 1]
            if min(cx, dx) > right:
                break
            if min(cy, dy) > high or max(cy, dy) < low:
                continue
            sure = 0
            if (k + 1) % n == m or (m + 1) % n == k:
                # neighbours share a corner; they overlap only where one turns back upon the other
                px, py, qx, qy, rx, ry = ax, ay, bx, by, dx, dy
                if (m + 1) % n == k:
                    px, py, qx, qy, rx, ry = cx, cy, ax, ay, bx, by
                if _orient(px, py, qx, qy, rx, ry) != 0 or (px - qx) * (rx - qx) + (py - qy) * (ry - qy) < 0.0:
                    continue
            else:
                one, two = _orient(ax, ay, bx, by, cx, cy), _orient(ax, ay, bx, by, dx, dy)
                three, four = _orient(cx, cy, dx, dy, ax, ay), _orient(cx, cy, dx, dy, bx, by)
                if one * two > 0 or three * four > 0:
                    continue
                sure = 1 if one * two * three * four != 0 else 0
            if count < found.shape[0]:
                found[count, 0], found[count, 1], found[count, 2] = min(k, m), max(k, m), sure
            count += 1
    return count


@compile_loop(void(_POINTS, _POINTS, _NUMBERS, _VECTOR, _VECTOR))
def find_nearest(points: Array, ring: Array, side: Indices, share: Array, distance: Array) -> None:
    """Write each point's nearest side of a polygon, the share of it before the nearest point, and the distance."""
    n = ring.shape[0]
    for k in range(points.shape[0]):
        px, py = points[k, 0], points[k, 1]
        best = math.inf
        for m in range(n):
            ax, ay = ring[m, 0], ring[m, 1]
            ux, uy = ring[(m + 1) % n, 0] - ax, ring[(m + 1) % n, 1] - ay
            square = ux * ux + uy * uy
            t = ((px - ax) * ux + (py - ay) * uy) / square if square > 0.0 else 0.0
            t = min(max(t, 0.0), 1.0)
            gx, gy = px - ax - t * ux, py - ay - t * uy
            gap = gx * gx + gy * gy
            if gap < best:
                best = gap
                side[k], share[k], distance[k] = m, t, math.sqrt(gap)
