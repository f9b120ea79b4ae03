"""The exact inverse of a bilinear quadrilateral: a quadratic equation and one step of Newton's method."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from numba import boolean, float64, int64, types

from latent_widget.maps.cartograms.compilation import compile_loop

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

# the corners of a finished map are read-only
_CORNERS = types.Array(float64, 3, "C", readonly=True)
# How far outside of the unit square a point may come out and still count as inside: round-off.
SLACK = 1e-9


@compile_loop(boolean(_CORNERS, int64, int64, float64, float64, float64[::1]))
def invert_cell(corners: Array, i: int, j: int, px: float, py: float, st: Array) -> bool:
    """Write the local coordinates (s, t) of a point in one cell; return whether it lies in the cell up to round-off."""
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
    inside: bool = -SLACK <= s <= 1.0 + SLACK and -SLACK <= t <= 1.0 + SLACK
    return inside
