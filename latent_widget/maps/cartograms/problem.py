"""The problem of a density-equalising map: the target areas of a lattice's cells, and the even lattice to start from.

`Problem` holds the targets and how exactly they are to be met; `make_lattice` and `set_walls` place the corners.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, eq=False)
class Problem:
    """The areas that the cells of a lattice should get, and how far to go for them.

    ``target`` (H, W) or (D, H, W) has the mean 1, and ``spacing`` (dx, dy[, dz]) the product 1: the areas are shares
    of a cell of the lattice. ``tolerance`` is the largest relative error that counts as solved, ``max_steps`` the
    most Newton steps, ``workers`` the most threads.
    """

    target: Array
    spacing: tuple[float, ...]
    tolerance: float = 1e-3
    max_steps: int = 60
    workers: int = 1


def make_lattice(shape: tuple[int, ...], spacing: tuple[float, ...]) -> Array:
    """Return the corners (d, ...) of a lattice that nothing has moved."""
    axes = [step * np.arange(n + 1.0) for step, n in zip(reversed(spacing), shape, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij")[::-1])


def set_walls(points: Array, low: tuple[float, ...], high: tuple[float, ...]) -> None:
    """Put corners (d, ...), in place, exactly on the walls that they belong to; round-off moves them by a hair."""
    for axis, (start, end) in enumerate(zip(low, high, strict=True)):
        across = np.moveaxis(points[axis], -1 - axis, 0)
        across[0], across[-1] = start, end
