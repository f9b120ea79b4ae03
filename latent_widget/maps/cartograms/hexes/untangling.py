"""Local repair of hexahedra: corners move one at a time, each to the minimum of a convex function.

The global steps of the area correction cannot see past a single thin cell; here every corner solves its own small
problem, in which the volume of a cell and its determinants at the corners are linear in the position of the corner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from latent_widget._threads import limit_workers
from latent_widget.maps.cartograms.hexes.quality import bound_determinants, measure
from latent_widget.maps.cartograms.untangling import cut_until_sound, sweep_colours

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]
    Mask = np.ndarray[Any, np.dtype[np.bool_]]

COLOURS = 8
# A corner is repaired at the cost of some hundred cells elsewhere.
EFFORT = 100


def relax(points: Array, target: Array, active: Mask, barrier: float, sweeps: int, workers: int) -> None:
    """Relax the active corners in place, all eight colours in turn and then in the opposite order."""
    from latent_widget.maps.cartograms.hexes.untangling_loops import relax_colour

    def relax_layers(colour: int, first: int, last: int) -> None:
        relax_colour(points, target, active, barrier, colour, first, last, np.empty((44, 4)))

    workers = limit_workers(workers, EFFORT * int(np.count_nonzero(active)))
    sweep_colours(relax_layers, COLOURS, len(target) + 1, sweeps, workers)


def untangle(points: Array, target: Array, share: float) -> bool:
    """Tell whether every determinant is above a share of its cell's volume; where not, nothing opens hexahedra."""
    return measure(points, target, np.empty_like(target)).shape >= share


def limit_motion(points: Array, motion: Array, new: Array, length: float) -> bool:
    """Write ``points + length · motion``, less around every cell whose determinant would lose most of its bound.

    The share of the displacement is halved around every offending cell until none is left. Returns whether that came
    to an end.
    """
    from latent_widget.maps.cartograms.hexes.untangling_loops import cut_shares

    _, bound = bound_determinants(points)
    share = np.full(points.shape[1:], length)
    np.multiply(motion, length, out=new)
    np.add(new, points, out=new)
    stale = np.ones(bound.shape, dtype=bool)
    return cut_until_sound(lambda factor: cut_shares(points, bound, motion, new, share, stale, factor))
