"""Stress of distances between points carried by the mesh, with a majorising Hessian (De Leeuw 1977, [17]).

    stress² = Σ (|xᵢ − xⱼ| − dᵢⱼ)² / Σ dᵢⱼ²

over pairs of points xᵢ that lie in cells of the map, bilinear combinations of its corners. The Hessian is majorised by
that of Σ |xᵢ − xⱼ|², a constant matrix, which is the step of multidimensional scaling (SMACOF).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

from latent_widget.maps.isometry.terms import Model

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, eq=False)
class Stress:
    """The stress of a map of `shape` cells.

    Attributes
    ----------
    positions : ndarray (n, 2)
        Where the points lie, as fractions of the lattice's sides along x and y.
    distances : ndarray (n, n)
        What the map is to keep.
    shape : (int, int)
        Cells (H, W).

    """

    positions: Array = field(repr=False)
    distances: Array = field(repr=False)
    shape: tuple[int, int]

    @cached_property
    def carry(self) -> csr_array:
        """The matrix (n, corners) of bilinear weights."""
        h, w = self.shape
        u, v = self.positions[:, 0] * w, self.positions[:, 1] * h
        j, i = np.clip(u.astype(int), 0, w - 1), np.clip(v.astype(int), 0, h - 1)
        s, t = u - j, v - i
        weights = np.concatenate([(1 - t) * (1 - s), (1 - t) * s, t * (1 - s), t * s])
        first = i * (w + 1) + j
        corners = np.concatenate([first, first + 1, first + w + 1, first + w + 2])
        rows = np.tile(np.arange(len(u)), 4)
        return csr_array((weights, (rows, corners)), shape=(len(u), (h + 1) * (w + 1)))

    def measure(self, points: Array) -> float:
        """Return the squared stress."""
        return self._compare(points)[0]

    def linearise(self, points: Array) -> Model:
        """Return the squared stress, its gradient and its majorising Hessian."""
        value, pull = self._compare(points)
        back, norm = self.carry.T, 0.5 * np.square(self.distances).sum()

        def bring(forces: Array) -> Array:
            return np.stack([(back @ force).reshape(points.shape[1:]) for force in forces])

        def multiply(vector: Array) -> Array:
            moved = self._send(vector)
            return bring((2.0 / norm) * (moved.shape[1] * moved - moved.sum(1, keepdims=True)))

        return Model(value, bring(pull), multiply)

    def _send(self, points: Array) -> Array:
        """Return where the points lie on the page, (2, n)."""
        return np.stack([self.carry @ part.ravel() for part in points])

    def _compare(self, points: Array) -> tuple[float, Array]:
        """Return the squared stress, and its gradient by the positions on the page."""
        page, norm = self._send(points), 0.5 * np.square(self.distances).sum()
        apart = page[:, :, None] - page[:, None, :]
        length = np.sqrt(np.square(apart).sum(0))
        error = length - self.distances
        pull = np.divide(error, length, out=np.zeros_like(error), where=length > 0)
        return float(0.5 * np.square(error).sum() / norm), 2.0 * (pull * apart).sum(2) / norm
