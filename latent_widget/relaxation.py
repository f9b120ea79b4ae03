"""Local repair of a map: corners move one at a time, each to the minimum of a convex function.

The global projection cannot see past a single thin triangle; here every corner solves its own small problem,
in which the area of a cell and of a triangle are linear in the position of the corner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from latent_widget.mesh import OPTIONS, assess
from latent_widget.threads import split, useful

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]
    Mask = np.ndarray[Any, np.dtype[np.bool_]]

# the eight neighbours of a corner, counter-clockwise, the first one again at the end
_ROWS = (0, 1, 1, 1, 0, -1, -1, -1, 0)
_COLUMNS = (1, 1, 0, -1, -1, -1, 0, 1, 1)


@njit("i8(f8[:,::1],f8[:,::1],f8[:,::1],b1[:,::1],f8,f8,i8,i8,i8)", **OPTIONS)
def _relax_colour(
    x: Array,
    y: Array,
    target: Array,
    active: Mask,
    barrier: float,
    shift: float,
    colour: int,
    first: int,
    last: int,
) -> int:
    """Move the active corners (H+1, W+1) of one of four colours; return how many moved.

    Each goes one Newton step down ``Σ (a - 1 - log a) - barrier Σ log(t + shift)`` over the cells and corner
    triangles around it, a and t their areas relative to the cell's target, and at most nine tenths of the
    way to the nearest fold. ``shift`` above the worst negative triangle lets a folded start be unfolded.
    Corners of one colour share no cell, so that rows may be split among threads.
    """
    h, w = target.shape
    rx, ry = np.empty(9), np.empty(9)
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


def relax(
    x: Array,
    y: Array,
    target: Array,
    active: Mask,
    barrier: float,
    shift: float = 0.0,
    sweeps: int = 2,
    workers: int = 1,
) -> None:
    """Relax the active corners in place, all four colours in turn and then in the opposite order."""
    # a corner costs as much as some twenty cells elsewhere
    workers = useful(workers, 20 * int(np.count_nonzero(active)))
    for sweep in range(sweeps):
        for colour in range(4):
            turn = 3 - colour if sweep % 2 else colour

            def rows(first: int, last: int, turn: int = turn) -> int:
                return int(_relax_colour(x, y, target, active, barrier, shift, turn, first, last))

            split(workers, len(target) + 1, rows)


def around(cells: Mask) -> Mask:
    """Corners (H+1, W+1) of the marked cells (H, W) and of the eight cells around each."""
    h, w = cells.shape
    wide = np.zeros((h + 3, w + 3), dtype=bool)
    for i in range(4):
        for j in range(4):
            wide[i : i + h, j : j + w] |= cells
    return np.ascontiguousarray(wide[1:-1, 1:-1])


def thinnest(x: Array, y: Array) -> Array:
    """Area of the smallest of the four corner triangles of every cell, (H, W)."""
    ring = ((0, 0), (0, 1), (1, 1), (1, 0))
    h, w = x.shape[0] - 1, x.shape[1] - 1
    px, py = ([z[r : r + h, c : c + w] for r, c in ring] for z in (x, y))
    smallest = np.full((h, w), np.inf)
    for k in range(4):
        after, before = (k + 1) % 4, k - 1
        twice = (px[after] - px[k]) * (py[before] - py[k]) - (py[after] - py[k]) * (px[before] - px[k])
        np.minimum(smallest, 0.5 * twice, out=smallest)
    return smallest


def unfold(x: Array, y: Array, target: Array, share: float, rounds: int = 40) -> bool:
    """Make convex, in place, the cells of a flow that are not; return whether all now are.

    Works while areas are positive: the barrier first allows the worst triangle there is, then tightens.
    ``share`` is the smallest triangle wanted, relative to its cell.
    """
    area = np.empty_like(target)
    shift = np.inf
    for _ in range(rounds):
        worst, _, _, deepest = assess(x, y, target, area)
        if worst >= share:
            return True
        if not area.min() > 0.0:
            return False
        shift = min(shift, max(0.0, -1.2 * deepest) + 1e-2)
        relax(x, y, target, around(thinnest(x, y) < 20.0 * share * area), 1.0, shift, 1)
    return False
