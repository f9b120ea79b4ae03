"""What the local repairs of quadrilaterals and of hexahedra share: coloured sweeps, and steps cut where cells fold."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_widget._threads import split_rows

if TYPE_CHECKING:
    Mask = np.ndarray[Any, np.dtype[np.bool_]]

# Rounds in which the motion around cells at fault is cut: so often halved, and then so often stopped altogether.
HALVINGS, STOPS = 6, 6
# From this round on more cells at fault than in the round before are a wave running through the map.
SETTLED = 3


def cut_until_sound(cut_motion: Callable[[float], int]) -> bool:
    """Call ``cut_motion(factor)``, which returns how many cells are at fault, until none is; tell whether that came.

    One thin cell so holds back its neighbours and not the whole map. Where the crowd grows, a shorter step of the
    whole map is the better remedy, and the answer is no.
    """
    before = 0
    for turn in range(HALVINGS + STOPS):
        bad = cut_motion(0.5 if turn < HALVINGS else 0.0)
        if bad == 0:
            return True
        if turn >= SETTLED and bad > before:
            return False
        before = bad
    return False


def sweep_colours(
    relax_rows: Callable[[int, int, int], Any], colours: int, rows: int, sweeps: int, workers: int
) -> None:
    """Call ``relax_rows(colour, first, last)`` on all rows, colour by colour, and then in the opposite order.

    Corners of one colour share no cell, so that rows may be split among threads.
    """
    for sweep in range(sweeps):
        order = range(colours) if sweep % 2 == 0 else range(colours - 1, -1, -1)
        for colour in order:
            split_rows(workers, rows, partial(relax_rows, colour))


def mark_corners(cells: Mask) -> Mask:
    """Mark the corners, one more a side, of the marked cells and of the cells around each, diagonal ones as well."""
    wide = np.zeros([n + 3 for n in cells.shape], dtype=bool)
    for start in product(range(4), repeat=cells.ndim):
        wide[tuple(slice(k, k + n) for k, n in zip(start, cells.shape, strict=True))] |= cells
    return np.ascontiguousarray(wide[(slice(1, -1),) * cells.ndim])
