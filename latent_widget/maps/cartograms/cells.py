"""What the solver asks of the cells of a map, be they quadrilaterals of a plane or hexahedra of a box.

Corners of the lattice are arrays (2, H+1, W+1) or (3, D+1, H+1, W+1), components x, y[, z] first; values of cells are
(H, W) or (D, H, W). "Area" stands for the area of a quadrilateral and for the volume of a hexahedron.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from latent_widget._threads import SHARED_CELLS, split_rows

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]
    Mask = np.ndarray[Any, np.dtype[np.bool_]]

# Squares are summed over so many blocks of rows on a lattice that threads may share: a sum that differs by round-off
# can turn a decision, and so the map.
BLOCKS = 16


class Quality(NamedTuple):
    """How good a map is.

    ``shape`` is the worst shape of a cell: of a quadrilateral the area of its smallest corner triangle, of a
    hexahedron a lower bound of its Jacobian determinant, as a share of the cell's own area; where it is positive,
    nothing folds. ``shape_by_target`` is the same as a share of the area that the cell should have.
    ``squared_error`` is the sum over the cells of ``(area / target - 1)²``, ``largest_error`` the largest
    ``|area / target - 1|``.
    """

    shape: float
    squared_error: float
    largest_error: float
    shape_by_target: float


@dataclass(frozen=True)
class Cells:
    """The operations on one kind of cell.

    With B the derivative of the areas by the corners, and M a positive mobility of every corner:

    - ``measure(points, target, area, workers)`` writes the areas, and returns the quality of the map;
    - ``compute_displacement(points, area, potential, motion, spacing, workers)`` writes ``M Bᵀ p`` of a potential p;
    - ``apply_area_jacobian(points, motion, change, workers)`` writes ``B u`` of a displacement u of the corners;
    - ``limit_motion(points, motion, new, length)`` writes ``points + length · motion``, less where a cell would lose
      most of its shape, and tells whether it came to an end;
    - ``relax(points, target, active, barrier, sweeps, workers)`` moves the active corners one by one;
    - ``untangle(points, target, share)`` opens, in place, cells whose shape is below a share, and tells whether all
      now are above it;
    - ``find_folds(points)`` returns the areas, and the cells that cannot be shown to be one-to-one.
    """

    measure: Callable[[Array, Array, Array, int], Quality]
    compute_displacement: Callable[[Array, Array, Array, Array, tuple[float, ...], int], None]
    apply_area_jacobian: Callable[[Array, Array, Array, int], None]
    limit_motion: Callable[[Array, Array, Array, float], bool]
    relax: Callable[[Array, Array, Mask, float, int, int], None]
    untangle: Callable[[Array, Array, float], bool]
    find_folds: Callable[[Array], tuple[Array, Mask]]


def measure_blocks(loop: Callable[[int, int, Array], Any], area: Array, workers: int) -> Quality:
    """Call ``loop(first, last, found)``, which writes the quality of some rows to ``found`` (4,), on all rows of areas.

    The quality does not depend, not even by round-off, on how many threads share the rows.
    """
    rows, blocks = len(area), BLOCKS if area.size > SHARED_CELLS else 1
    found = np.empty((blocks, 4))

    def measure_some(first: int, last: int) -> None:
        for k in range(first, last):
            loop(rows * k // blocks, rows * (k + 1) // blocks, found[k])

    split_rows(workers, blocks, measure_some)
    shape, squares, largest, by_target = found.T
    return Quality(float(shape.min()), float(squares.sum()), float(largest.max()), float(by_target.min()))


def weigh_spacing(spacing: tuple[float, ...]) -> tuple[float, ...]:
    """Return ``1 / (2 dx)²`` for every axis: what turns squared central differences into squared derivatives."""
    return tuple(0.25 / (step * step) for step in spacing)
