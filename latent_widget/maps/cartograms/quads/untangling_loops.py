"""Compiled loops of the local repair of quadrilaterals, apart: only a map with thin triangles waits for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from latent_widget.maps.cartograms.compilation import compile_helper, compile_inline, compile_loop

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Pair = tuple[Array, Array]
    Mask = np.ndarray[Any, np.dtype[np.bool_]]

# the eight neighbours of a corner, counter-clockwise, the first one again at the end
_ROWS = (0, 1, 1, 1, 0, -1, -1, -1, 0)
_COLUMNS = (1, 1, 0, -1, -1, -1, 0, 1, 1)
# No step of one corner shrinks a triangle below a tenth: it goes at most nine tenths of the way to the nearest fold.
KEPT, WAY = 0.1, 0.9
# No step of the whole map shrinks a triangle below a fifth.
KEPT_BY_ALL = 0.2
# A Hessian whose determinant is a smaller share of its diagonal's product is singular but for round-off.
SINGULAR = 1e-14


@compile_inline
def _get_cell(q: int, i: int, j: int) -> tuple[int, int]:
    """Row and column of the cell in one of the four quadrants around a corner."""
    return (i if q < 2 else i - 1), (j if q == 0 or q == 3 else j - 1)


@compile_inline
def _differentiate(
    rx: Array, ry: Array, px: float, py: float, i: int, j: int, target: Array, barrier: float, shift: float
) -> tuple[float, float, float, float, float]:
    """Gradient (x, y) and Hessian (xx, xy, yy) of what `relax_colour` minimises, by the position of one corner."""
    h, w = target.shape
    gx, gy, hxx, hxy, hyy = 0.0, 0.0, 0.0, 0.0, 0.0
    for q in range(4):
        row, column = _get_cell(q, i, j)
        if row < 0 or row >= h or column < 0 or column >= w:
            continue
        per = 1.0 / target[row, column]
        whole, wx, wy = 0.0, 0.0, 0.0
        # the three triangles of the cell that this corner belongs to
        for m in range(3):
            a, b = 2 * q + (m == 2), 2 * q + 1 + (m != 0)
            t = 0.5 * per * ((rx[a] - px) * (ry[b] - py) - (ry[a] - py) * (rx[b] - px))
            tx, ty = 0.5 * per * (ry[a] - ry[b]), 0.5 * per * (rx[b] - rx[a])
            if m != 1:
                whole, wx, wy = whole + t, wx + tx, wy + ty
            force = 1.0 / (t + shift)
            gx -= barrier * tx * force
            gy -= barrier * ty * force
            force *= barrier * force
            hxx += tx * tx * force
            hxy += tx * ty * force
            hyy += ty * ty * force
        slope, bend = 1.0 - 1.0 / whole, 1.0 / (whole * whole)
        gx += slope * wx
        gy += slope * wy
        hxx += bend * wx * wx
        hxy += bend * wx * wy
        hyy += bend * wy * wy
    return gx, gy, hxx, hxy, hyy


@compile_inline
def _limit_length(
    rx: Array, ry: Array, px: float, py: float, dx: float, dy: float, i: int, j: int, target: Array, shift: float
) -> float:
    """Share of a corner's step (dx, dy) that leaves every triangle around it a tenth of its area."""
    h, w = target.shape
    length = 1.0
    for q in range(4):
        row, column = _get_cell(q, i, j)
        if row < 0 or row >= h or column < 0 or column >= w:
            continue
        room = 2.0 * shift * target[row, column]
        for m in range(3):
            a, b = 2 * q + (m == 2), 2 * q + 1 + (m != 0)
            t = (rx[a] - px) * (ry[b] - py) - (ry[a] - py) * (rx[b] - px) + room
            change = (ry[a] - ry[b]) * dx + (rx[b] - rx[a]) * dy
            if t + length * change < KEPT * t:
                length = -WAY * t / change
    return length


@compile_loop("i8(UniTuple(f8[:,::1],2),f8[:,::1],b1[:,::1],f8,f8,i8,i8,i8,UniTuple(f8[::1],2))")
def relax_colour(
    points: Pair,
    target: Array,
    active: Mask,
    barrier: float,
    shift: float,
    colour: int,
    first: int,
    last: int,
    ring: Pair,
) -> int:
    """Move the active corners (H+1, W+1) of one of four colours; return how many moved.

    Each goes one Newton step down ``Σ (a - 1 - log a) - barrier Σ log(t + shift)`` over the cells and corner
    triangles around it, a and t their areas relative to the cell's target, and at most nine tenths of the
    way to the nearest fold. ``shift`` above the worst negative triangle lets a folded start be opened.
    Corners of one colour share no cell, so that rows may be split among threads. ``ring`` (9,), (9,) is room
    for the corners around.
    """
    h, w = target.shape
    (x, y), (rx, ry) = points, ring
    moved = 0
    for i in range(first + (first + colour // 2) % 2, last, 2):
        for j in range(colour % 2, w + 1, 2):
            on_side, on_end = j == 0 or j == w, i == 0 or i == h
            if not active[i, j] or (on_side and on_end):
                continue
            px, py = x[i, j], y[i, j]
            for k in range(9):
                ii, jj = min(max(i + _ROWS[k], 0), h), min(max(j + _COLUMNS[k], 0), w)
                rx[k], ry[k] = x[ii, jj], y[ii, jj]
            gx, gy, hxx, hxy, hyy = _differentiate(rx, ry, px, py, i, j, target, barrier, shift)
            determinant = hxx * hyy - hxy * hxy
            if on_side:
                dx, dy = 0.0, -gy / hyy
            elif on_end:
                dx, dy = -gx / hxx, 0.0
            elif determinant > SINGULAR * hxx * hyy:
                dx, dy = (hxy * gy - hyy * gx) / determinant, (hxy * gx - hxx * gy) / determinant
            else:
                dx, dy = -gx / (hxx + hyy), -gy / (hxx + hyy)
            length = _limit_length(rx, ry, px, py, dx, dy, i, j, target, shift)
            x[i, j], y[i, j] = px + length * dx, py + length * dy
            moved += 1
    return moved


@compile_helper
def _measure_triangles(x: Array, y: Array, i: int, j: int) -> tuple[float, float, float, float]:
    """Twice the areas of the four corner triangles of one cell."""
    ax, ay, bx, by = x[i, j], y[i, j], x[i, j + 1], y[i, j + 1]
    cx, cy, dx, dy = x[i + 1, j], y[i + 1, j], x[i + 1, j + 1], y[i + 1, j + 1]
    whole = (dx - ax) * (cy - by) - (dy - ay) * (cx - bx)
    at_a = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    at_b = (dx - bx) * (ay - by) - (dy - by) * (ax - bx)
    # the other two triangles are what is left of the cell
    return at_a, whole - at_a, at_b, whole - at_b


@compile_loop("i8(UniTuple(f8[:,::1],2),UniTuple(f8[:,::1],2),f8[:,::1],f8)")
def cut_shares(points: Pair, new: Pair, share: Array, factor: float) -> int:
    """Multiply the share (H+1, W+1) of the motion around every cell whose triangles shrink to less than a fifth.

    Returns the number of these cells.
    """
    (x, y), (new_x, new_y) = points, new
    bad = 0
    for i in range(x.shape[0] - 1):
        for j in range(x.shape[1] - 1):
            a, d, b, c = _measure_triangles(x, y, i, j)
            new_a, new_d, new_b, new_c = _measure_triangles(new_x, new_y, i, j)
            left = min(new_a - KEPT_BY_ALL * a, new_d - KEPT_BY_ALL * d)
            # written so that a NaN counts as a fault
            if not min(left, min(new_b - KEPT_BY_ALL * b, new_c - KEPT_BY_ALL * c)) >= 0.0:
                bad += 1
                share[i, j] *= factor
                share[i, j + 1] *= factor
                share[i + 1, j] *= factor
                share[i + 1, j + 1] *= factor
    return bad
