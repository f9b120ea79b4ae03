"""Bilinear quadrilaterals as the cells of a map: what the solver asks of them, answered by their compiled loops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from latent_widget._threads import split_rows
from latent_widget.maps.cartograms.cells import Cells, weigh_spacing
from latent_widget.maps.cartograms.quads import geometry
from latent_widget.maps.cartograms.quads.quality import find_folds, measure
from latent_widget.maps.cartograms.quads.untangling import limit_motion, relax, untangle

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]


def compute_displacement(
    points: Array, area: Array, potential: Array, motion: Array, spacing: tuple[float, ...], workers: int
) -> None:
    """Write the displacement ``M Bᵀ p`` (2, H+1, W+1) of a potential p (H, W) on the cells."""
    along, across = weigh_spacing(spacing)
    pair, moves = (points[0], points[1]), (motion[0], motion[1])

    def write_rows(first: int, last: int) -> None:
        geometry.compute_displacement(pair, area, potential, moves, (along, across), first, last)

    split_rows(workers, len(area) + 1, write_rows)


def apply_area_jacobian(points: Array, motion: Array, change: Array, workers: int) -> None:
    """Write the first-order change ``B u`` (H, W) of the areas by a displacement u (2, H+1, W+1)."""
    pair, moves = (points[0], points[1]), (motion[0], motion[1])
    split_rows(workers, len(change), lambda a, b: geometry.apply_area_jacobian(pair, moves, change, a, b))


QUADRILATERALS = Cells(measure, compute_displacement, apply_area_jacobian, limit_motion, relax, untangle, find_folds)
