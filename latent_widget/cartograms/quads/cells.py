"""Quadrilaterals for the projection: how to measure, move, hold back and repair them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from latent_widget._threads import split_rows
from latent_widget.cartograms.area_correction import Cells
from latent_widget.cartograms.quads import geometry as mesh
from latent_widget.cartograms.quads import untangling as relaxation

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Mask = np.ndarray[Any, np.dtype[np.bool_]]


def _assess(points: Array, target: Array, area: Array, workers: int = 1) -> tuple[float, float, float, float]:
    return mesh.assess(points[0], points[1], target, area, workers)


def _lift(
    points: Array, area: Array, potential: Array, motion: Array, spacing: tuple[float, ...], workers: int
) -> None:
    (x, y), (u, v) = points, motion
    along, across = (0.25 / (step * step) for step in spacing)
    rows = len(area) + 1
    split_rows(workers, rows, lambda a, b: mesh.lift(x, y, area, potential, u, v, along, across, a, b))


def _pull(points: Array, motion: Array, change: Array, workers: int) -> None:
    (x, y), (u, v) = points, motion
    split_rows(workers, len(change), lambda a, b: mesh.pull(x, y, u, v, change, a, b))


def _guard(points: Array, motion: Array, new: Array, length: float) -> bool:
    return relaxation.guard(points[0], points[1], motion[0], motion[1], new[0], new[1], length)


def _relax(points: Array, target: Array, active: Mask, barrier: float, sweeps: int, workers: int) -> None:
    relaxation.relax(points[0], points[1], target, active, barrier, 0.0, sweeps, workers)


QUADRILATERALS = Cells(_assess, _lift, _pull, _guard, _relax, relaxation.around)
