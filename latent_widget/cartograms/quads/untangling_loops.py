"""Compiled loops of the local repair, apart from the others: only a map with thin triangles waits for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numba import njit

from latent_widget.cartograms.compilation import OPTIONS

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Mask = np.ndarray[Any, np.dtype[np.bool_]]

# the eight neighbours of a corner, counter-clockwise, the first one again at the end
_ROWS = (0, 1, 1, 1, 0, -1, -1, -1, 0)
_COLUMNS = (1, 1, 0, -1, -1, -1, 0, 1, 1)


@njit("i8(f8[:,::1],f8[:,::1],f8[:,::1],b1[:,::1],f8,f8,i8,i8,i8,f8[:,::1])", **OPTIONS)
def relax_colour(
    x: Array,
    y: Array,
    target: Array,
    active: Mask,
    barrier: float,
    shift: float,
    colour: int,
    first: int,
    last: int,
    ring: Array,
) -> int:
    """Move the active corners (H+1, W+1) of one of four colours; return how many moved.

    Each goes one Newton step down ``Σ (a - 1 - log a) - barrier Σ log(t + shift)`` over the cells and corner
    triangles around it, a and t their areas relative to the cell's target, and at most nine tenths of the
    way to the nearest fold. ``shift`` above the worst negative triangle lets a folded start be unfolded.
    Corners of one colour share no cell, so that rows may be split among threads. ``ring`` (2, 9) is room
    for the corners around.
    """
    h, w = target.shape
    rx, ry = ring[0], ring[1]
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
            gx, gy, hxx, hxy, hyy = 0.0, 0.0, 0.0, 0.0, 0.0
            for q in range(4):
                row, column = (i if q < 2 else i - 1), (j if q == 0 or q == 3 else j - 1)
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
                    pull = 1.0 / (t + shift)
                    gx -= barrier * tx * pull
                    gy -= barrier * ty * pull
                    pull *= barrier * pull
                    hxx += tx * tx * pull
                    hxy += tx * ty * pull
                    hyy += ty * ty * pull
                slope, bend = 1.0 - 1.0 / whole, 1.0 / (whole * whole)
                gx += slope * wx
                gy += slope * wy
                hxx += bend * wx * wx
                hxy += bend * wx * wy
                hyy += bend * wy * wy
            determinant = hxx * hyy - hxy * hxy
            if on_side:
                dx, dy = 0.0, -gy / hyy
            elif on_end:
                dx, dy = -gx / hxx, 0.0
            elif determinant > 1e-14 * hxx * hyy:
                dx, dy = (hxy * gy - hyy * gx) / determinant, (hxy * gx - hxx * gy) / determinant
            else:
                dx, dy = -gx / (hxx + hyy), -gy / (hxx + hyy)
            step = 1.0
            for q in range(4):
                row, column = (i if q < 2 else i - 1), (j if q == 0 or q == 3 else j - 1)
                if row < 0 or row >= h or column < 0 or column >= w:
                    continue
                room = 2.0 * shift * target[row, column]
                for m in range(3):
                    a, b = 2 * q + (m == 2), 2 * q + 1 + (m != 0)
                    t = (rx[a] - px) * (ry[b] - py) - (ry[a] - py) * (rx[b] - px) + room
                    change = (ry[a] - ry[b]) * dx + (rx[b] - rx[a]) * dy
                    if t + step * change < 0.1 * t:
                        step = -0.9 * t / change
            x[i, j], y[i, j] = px + step * dx, py + step * dy
            moved += 1
    return moved


@njit("i8(f8[:,::1],f8[:,::1],f8[:,::1],f8[:,::1],f8[:,::1],f8)", **OPTIONS)
def hold(x: Array, y: Array, new_x: Array, new_y: Array, share: Array, cut: float) -> int:
    """Cut the share (H+1, W+1) around every cell whose triangles shrink to less than a fifth; count the cells."""
    bad = 0
    for i in range(x.shape[0] - 1):
        for j in range(x.shape[1] - 1):
            ax, ay, bx, by = x[i, j], y[i, j], x[i, j + 1], y[i, j + 1]
            cx, cy, dx, dy = x[i + 1, j], y[i + 1, j], x[i + 1, j + 1], y[i + 1, j + 1]
            whole = (dx - ax) * (cy - by) - (dy - ay) * (cx - bx)
            at_a = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
            at_b = (dx - bx) * (ay - by) - (dy - by) * (ax - bx)
            ax, ay, bx, by = new_x[i, j], new_y[i, j], new_x[i, j + 1], new_y[i, j + 1]
            cx, cy, dx, dy = new_x[i + 1, j], new_y[i + 1, j], new_x[i + 1, j + 1], new_y[i + 1, j + 1]
            new = (dx - ax) * (cy - by) - (dy - ay) * (cx - bx)
            new_a = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
            new_b = (dx - bx) * (ay - by) - (dy - by) * (ax - bx)
            # the other two triangles are what is left of the cell
            left = min(new_a - 0.2 * at_a, (new - new_a) - 0.2 * (whole - at_a))
            if not min(left, min(new_b - 0.2 * at_b, (new - new_b) - 0.2 * (whole - at_b))) >= 0.0:
                bad += 1
                share[i, j] *= cut
                share[i, j + 1] *= cut
                share[i + 1, j] *= cut
                share[i + 1, j + 1] *= cut
    return bad
