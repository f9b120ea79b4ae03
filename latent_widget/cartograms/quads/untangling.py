"""Local repair of a map: corners move one at a time, each to the minimum of a convex function.

The global projection cannot see past a single thin triangle; here every corner solves its own small problem, in
which the area of a cell and of a triangle are linear in the position of the corner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from latent_widget._threads import limit_workers, split_rows
from latent_widget.cartograms.quads.geometry import assess

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]
    Mask = np.ndarray[Any, np.dtype[np.bool_]]


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
    from latent_widget.cartograms.quads.untangling_loops import relax_colour

    # a corner costs as much as some twenty cells elsewhere
    workers = limit_workers(workers, 20 * int(np.count_nonzero(active)))
    for sweep in range(sweeps):
        for colour in range(4):
            turn = 3 - colour if sweep % 2 else colour

            def rows(first: int, last: int, turn: int = turn) -> int:
                ring = np.empty((2, 9))
                return int(relax_colour(x, y, target, active, barrier, shift, turn, first, last, ring))

            split_rows(workers, len(target) + 1, rows)


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


def guard(
    x: Array,
    y: Array,
    u: Array,
    v: Array,
    new_x: Array,
    new_y: Array,
    length: float,
    rounds: int = 12,
) -> bool:
    """Move the corners by ``length · (u, v)``, less wherever a triangle would lose most of its area.

    The share of the displacement is halved around every offending cell until none is left, so that one thin
    cell holds back its neighbours and not the whole map. Returns whether that came to an end.
    """
    from latent_widget.cartograms.quads.untangling_loops import hold

    share = np.full(x.shape, length)
    before = x.size
    for turn in range(rounds):
        np.multiply(share, u, out=new_x)
        np.multiply(share, v, out=new_y)
        new_x += x
        new_y += y
        # the later rounds stop the corners altogether
        bad = hold(x, y, new_x, new_y, share, 0.5 if turn < rounds // 2 else 0.0)
        if bad == 0:
            return True
        # a crowd that grows is a wave running through the map: better a shorter step
        if turn > 2 and bad > before:
            return False
        before = bad
    return False
