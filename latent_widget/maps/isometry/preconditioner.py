"""The inverse of a stiffness with constant coefficients, by one pair of cosine transforms.

A free boundary is a Neumann boundary of the lattice's corners, which the transform of type I diagonalises. The
stiffness depends on the metric by √det G G⁻¹, hence on its anisotropy but not on its density, and so it varies far less
from cell to cell than the density does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.fft import dctn, idctn

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]
    Blocks = np.ndarray[Any, np.dtype[np.float32]]

# The eigenvalues of the symbol are kept above this share of those of its sides alone: diagonals may have negative ones.
SHARE = 1e-2


def prepare(blocks: Blocks) -> Callable[[Array], Array]:
    """Return the function that applies the inverse of the stiffness's average to a vector (2, H + 1, W + 1)."""
    n, m = blocks.shape[1:3]
    sides = -0.5 * (blocks[1:, ..., 0].astype(np.float64) + blocks[1:, ..., 3])
    x, y = sides[0, :, :-1].mean(), sides[1, :-1].mean()
    diagonal = 0.5 * (sides[2, :-1, :-1].mean() + sides[3, :-1, 1:].mean())
    cos_x, cos_y = np.cos(np.pi * np.arange(m) / (m - 1)), np.cos(np.pi * np.arange(n) / (n - 1))[:, None]
    along = 2 * x * (1 - cos_x) + 2 * y * (1 - cos_y)
    symbol = np.maximum(along + 4 * diagonal * (1 - cos_x * cos_y), SHARE * along)
    # a translation costs no energy
    symbol[0, 0] = np.inf
    # corners on the border have half a neighbourhood
    halves = np.ones((n, m))
    halves[[0, -1]] *= 0.5
    halves[:, [0, -1]] *= 0.5
    # single precision is enough for what only guides the search
    inverse, spread = (1 / symbol).astype(np.float32), (1 / halves).astype(np.float32)

    def apply(vector: Array) -> Array:
        size = math.sqrt(float(np.vdot(vector, vector)))
        if size == 0.0:
            return np.zeros_like(vector)
        # of length 1, so that single precision holds it whatever the unit
        values = np.multiply(vector, 1.0 / size, out=np.empty(vector.shape, dtype=np.float32), casting="same_kind")
        values *= spread
        spectrum = dctn(values, 1, axes=(1, 2), overwrite_x=True)
        spectrum *= inverse
        return np.multiply(idctn(spectrum, 1, axes=(1, 2), overwrite_x=True), size, dtype=np.float64)

    return apply
