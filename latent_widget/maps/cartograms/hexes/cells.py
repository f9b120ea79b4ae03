"""Trilinear hexahedra as the cells of a map: what the solver asks of them, answered by their compiled loops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from latent_widget._threads import split_rows
from latent_widget.maps.cartograms.cells import Cells, weigh_spacing
from latent_widget.maps.cartograms.hexes import geometry
from latent_widget.maps.cartograms.hexes.quality import find_folds, measure
from latent_widget.maps.cartograms.hexes.untangling import limit_motion, relax, untangle

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]


def compute_displacement(
    points: Array, volume: Array, potential: Array, motion: Array, spacing: tuple[float, ...], workers: int
) -> None:
    """Write the displacement ``M Bᵀ p`` (3, D+1, H+1, W+1) of a potential p (D, H, W) on the cells."""
    along, across, upwards = weigh_spacing(spacing)

    def weigh_layers(first: int, last: int) -> None:
        geometry.apply_mobility(points, volume, motion, (along, across, upwards), first, last)

    layers = len(volume) + 1
    split_rows(workers, layers, lambda a, b: geometry.apply_transposed_jacobian(points, potential, motion, a, b))
    split_rows(workers, layers, weigh_layers)


def apply_area_jacobian(points: Array, motion: Array, change: Array, workers: int) -> None:
    """Write the first-order change ``B u`` (D, H, W) of the volumes by a displacement u (3, D+1, H+1, W+1)."""
    split_rows(workers, len(change), lambda a, b: geometry.apply_area_jacobian(points, motion, change, a, b))


HEXAHEDRA = Cells(measure, compute_displacement, apply_area_jacobian, limit_motion, relax, untangle, find_folds)
