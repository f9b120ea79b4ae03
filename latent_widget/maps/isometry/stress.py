"""Stress of the distances between points carried by the mesh, with the positive part of its Hessian (De Leeuw 1977).

    stress² = Σ (|xᵢ − xⱼ| − dᵢⱼ)² / Σ dᵢⱼ²

over pairs of points xᵢ that lie in cells of the map, bilinear combinations B of its corners. The Hessian is majorised by
that of Σ |xᵢ − xⱼ|², a constant matrix, which is the step of multidimensional scaling (SMACOF).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, eq=False)
class Stress:
    """Distances between points of the lattice.

    Attributes
    ----------
    points : ndarray (n, 2)
        Where they lie, as fractions of the lattice's sides along x and y.
    distances : ndarray (n, n)
        What the map is to keep.

    """

    points: Array = field(repr=False)
    distances: Array = field(repr=False)

    def carry(self, shape: tuple[int, int]) -> csr_array:
        """Return the matrix (n, corners) of bilinear weights on a lattice of `shape` cells."""
        h, w = shape
        u, v = self.points[:, 0] * w, self.points[:, 1] * h
        j, i = np.clip(u.astype(int), 0, w - 1), np.clip(v.astype(int), 0, h - 1)
        s, t = u - j, v - i
        weights = np.concatenate([(1 - t) * (1 - s), (1 - t) * s, t * (1 - s), t * s])
        first = i * (w + 1) + j
        corners = np.concatenate([first, first + 1, first + w + 1, first + w + 2])
        rows = np.tile(np.arange(len(u)), 4)
        return csr_array((weights, (rows, corners)), shape=(len(u), (h + 1) * (w + 1)))

    def measure(self, positions: Array) -> tuple[float, Array]:
        """Return the squared stress of positions (2, n), and its gradient."""
        norm = 0.5 * np.square(self.distances).sum()
        apart = positions[:, :, None] - positions[:, None, :]
        length = np.sqrt(np.square(apart).sum(0))
        error = length - self.distances
        pull = np.divide(error, length, out=np.zeros_like(error), where=length > 0)
        return float(0.5 * np.square(error).sum() / norm), 2.0 * (pull * apart).sum(2) / norm

    def multiply(self, positions: Array) -> Array:
        """Return the product of the majorising Hessian with positions (2, n)."""
        norm = 0.5 * np.square(self.distances).sum()
        n = positions.shape[1]
        return np.asarray(2.0 * (n * positions - positions.sum(1, keepdims=True)) / norm)
