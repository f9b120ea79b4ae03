"""Areas and corner triangles of bilinear quadrilaterals, and the derivative of the areas by the corners, compiled.

Corners are a pair of arrays x and y (H+1, W+1), and so are displacements; values of cells are (H, W). A
quadrilateral has four corner triangles; all of them are positive exactly where it is convex and not folded, and then
the bilinear map is one-to-one on it. Every loop takes a range of rows, so that several threads can share one mesh.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from latent_widget.maps.cartograms.compilation import compile_loop

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Pair = tuple[Array, Array]


@compile_loop("void(UniTuple(f8[:,::1],2),f8[:,::1],f8[:,::1],i8,i8,f8[::1])")
def measure(points: Pair, target: Array, area: Array, first: int, last: int, found: Array) -> None:
    """Write the areas of the cells in some rows, and to ``found`` (4,) their quality.

    That is the smallest corner triangle relative to its cell, negative if any cell folds, the sum of the squared
    relative errors of the areas, the largest error, and the smallest triangle relative to its cell's target.
    """
    x, y = points
    worst, total, largest, deepest = 1.0, 0.0, 0.0, 1e300
    for i in range(first, last):
        for j in range(area.shape[1]):
            ax, ay = x[i, j], y[i, j]
            bx, by = x[i, j + 1], y[i, j + 1]
            cx, cy = x[i + 1, j], y[i + 1, j]
            dx, dy = x[i + 1, j + 1], y[i + 1, j + 1]
            whole = 0.5 * ((dx - ax) * (cy - by) - (dy - ay) * (cx - bx))
            at_a = 0.5 * ((bx - ax) * (cy - ay) - (by - ay) * (cx - ax))
            at_b = 0.5 * ((dx - bx) * (ay - by) - (dy - by) * (ax - bx))
            area[i, j] = whole
            error = whole / target[i, j] - 1.0
            total += error * error
            largest = max(largest, abs(error))
            small = min(min(at_a, at_b), min(whole - at_a, whole - at_b))
            deepest = min(deepest, small / target[i, j])
            ratio = small / whole if whole > 0.0 else -1.0
            # written so that a NaN counts as a fold
            if not ratio >= worst:
                worst = ratio
    found[0], found[1], found[2], found[3] = worst, total, largest, deepest


@compile_loop("void(UniTuple(f8[:,::1],2),f8[:,::1],f8[:,::1],UniTuple(f8[:,::1],2),UniTuple(f8,2),i8,i8)")
def compute_displacement(
    points: Pair, area: Array, p: Array, motion: Pair, weights: tuple[float, float], first: int, last: int
) -> None:
    """Write the displacement ``M Bᵀ p`` of some rows of corners, p a potential on the cells.

    B is the derivative of the cell areas by the corners and ``M = DX DXᵀ / ρ²``, DX the derivative of the map
    by the lattice and ρ the mean area of the cells around. ``weights`` are ``1/(2 dx)²`` and ``1/(2 dy)²``. On a
    wall the missing side is the mirror image: M doubles, and nothing moves off the wall.
    """
    (x, y), (u, v) = points, motion
    along, across = weights
    h, w = p.shape
    for i in range(first, last):
        if i == 0 or i == h:
            k = 0 if i == 0 else h - 1
            inner = 1 if i == 0 else h - 1
            sign = 0.5 if i == 0 else -0.5
            for j in range(1, w):
                right, left = p[k, j], p[k, j - 1]
                gx = sign * (y[i, j + 1] * right - y[i, j - 1] * left + y[inner, j] * (left - right))
                step = x[i, j + 1] - x[i, j - 1]
                rho = 0.5 * (area[k, j] + area[k, j - 1])
                u[i, j] = 2.0 * step * step * along * gx / (rho * rho)
                v[i, j] = 0.0
            u[i, 0] = v[i, 0] = u[i, w] = v[i, w] = 0.0
            continue
        for side in range(2):
            j = 0 if side == 0 else w
            k = 0 if side == 0 else w - 1
            inner = 1 if side == 0 else w - 1
            sign = -0.5 if side == 0 else 0.5
            above, below = p[i, k], p[i - 1, k]
            gy = sign * (x[i - 1, j] * below - x[i + 1, j] * above + x[i, inner] * (above - below))
            step = y[i + 1, j] - y[i - 1, j]
            rho = 0.5 * (area[i, k] + area[i - 1, k])
            u[i, j] = 0.0
            v[i, j] = 2.0 * step * step * across * gy / (rho * rho)
        for j in range(1, w):
            east = p[i, j] - p[i - 1, j]
            north = p[i, j - 1] - p[i, j]
            west = p[i - 1, j - 1] - p[i, j - 1]
            south = p[i - 1, j] - p[i - 1, j - 1]
            gx = 0.5 * (y[i, j + 1] * east + y[i + 1, j] * north + y[i, j - 1] * west + y[i - 1, j] * south)
            gy = -0.5 * (x[i, j + 1] * east + x[i + 1, j] * north + x[i, j - 1] * west + x[i - 1, j] * south)
            ax, ay = x[i, j + 1] - x[i, j - 1], y[i, j + 1] - y[i, j - 1]
            bx, by = x[i + 1, j] - x[i - 1, j], y[i + 1, j] - y[i - 1, j]
            rho = 0.25 * (area[i, j] + area[i, j - 1] + area[i - 1, j] + area[i - 1, j - 1])
            scale = 1.0 / (rho * rho)
            da = (ax * gx + ay * gy) * along * scale
            db = (bx * gx + by * gy) * across * scale
            u[i, j] = ax * da + bx * db
            v[i, j] = ay * da + by * db


@compile_loop("void(UniTuple(f8[:,::1],2),UniTuple(f8[:,::1],2),f8[:,::1],i8,i8)")
def apply_area_jacobian(points: Pair, motion: Pair, change: Array, first: int, last: int) -> None:
    """Write ``B u``: the first-order change of the areas in some rows when the corners move by a displacement u."""
    (x, y), (u, v) = points, motion
    for i in range(first, last):
        for j in range(change.shape[1]):
            ax, ay = x[i + 1, j + 1] - x[i, j], y[i + 1, j + 1] - y[i, j]
            bx, by = x[i + 1, j] - x[i, j + 1], y[i + 1, j] - y[i, j + 1]
            au, av = u[i + 1, j + 1] - u[i, j], v[i + 1, j + 1] - v[i, j]
            bu, bv = u[i + 1, j] - u[i, j + 1], v[i + 1, j] - v[i, j + 1]
            change[i, j] = 0.5 * (au * by - av * bx + ax * bv - ay * bu)
