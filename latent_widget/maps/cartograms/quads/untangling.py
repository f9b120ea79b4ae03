"""Local repair of quadrilaterals: corners move one at a time, each to the minimum of a convex function.

The global steps of the area correction cannot see past a single thin triangle; here every corner solves its own small
problem, in which the area of a cell and of a triangle are linear in the position of the corner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from latent_widget._threads import limit_workers
from latent_widget.maps.cartograms.quads.quality import measure, measure_smallest_triangles
from latent_widget.maps.cartograms.untangling import cut_until_sound, mark_corners, sweep_colours

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]
    Mask = np.ndarray[Any, np.dtype[np.bool_]]

COLOURS = 4
# A corner is repaired at the cost of some twenty cells elsewhere.
EFFORT = 20
# Sweeps after which a map that still has a fold is given up.
ROUNDS = 40
# Untangling moves the corners of all cells with a triangle below this many times the share that is wanted.
NEARLY_THIN = 20.0
# How far the barrier's logarithm is shifted beyond the worst negative triangle: by a factor, and by a share of the
# target, so that it is finite at the start.
BEYOND, MARGIN = 1.2, 1e-2


def relax(
    points: Array, target: Array, active: Mask, barrier: float, sweeps: int, workers: int, shift: float = 0.0
) -> None:
    """Relax the active corners in place, all four colours in turn and then in the opposite order."""
    from latent_widget.maps.cartograms.quads.untangling_loops import relax_colour

    def relax_rows(colour: int, first: int, last: int) -> None:
        ring = (np.empty(9), np.empty(9))
        relax_colour(pair, target, active, barrier, shift, colour, first, last, ring)

    pair = (points[0], points[1])
    workers = limit_workers(workers, EFFORT * int(np.count_nonzero(active)))
    sweep_colours(relax_rows, COLOURS, len(target) + 1, sweeps, workers)


def untangle(points: Array, target: Array, share: float) -> bool:
    """Make convex, in place, the cells of a map that are not; return whether all now are.

    Works while areas are positive: the barrier first allows the worst triangle there is, then tightens.
    ``share`` is the smallest triangle wanted, relative to its cell.
    """
    area = np.empty_like(target)
    shift = np.inf
    for _ in range(ROUNDS):
        quality = measure(points, target, area)
        if quality.shape >= share:
            return True
        if not area.min() > 0.0:
            return False
        shift = min(shift, max(0.0, -BEYOND * quality.shape_by_target) + MARGIN)
        thin = measure_smallest_triangles(points) < NEARLY_THIN * share * area
        relax(points, target, mark_corners(thin), 1.0, 1, 1, shift)
    return False


def limit_motion(points: Array, motion: Array, new: Array, length: float) -> bool:
    """Write ``points + length · motion``, less wherever a triangle would lose most of its area.

    The share of the displacement is halved around every offending cell until none is left. Returns whether that came
    to an end.
    """
    from latent_widget.maps.cartograms.quads.untangling_loops import cut_shares

    share = np.full(points.shape[1:], length)

    def cut_motion(factor: float) -> int:
        np.multiply(share, motion, out=new)
        np.add(new, points, out=new)
        return cut_shares((points[0], points[1]), (new[0], new[1]), share, factor)

    return cut_until_sound(cut_motion)
