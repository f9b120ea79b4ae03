"""Quality of a mesh of trilinear hexahedra: volumes and their errors, and a proof that no cell folds.

The Jacobian determinant of a cell's trilinear map is a polynomial, quadratic in each of the cell's coordinates. Where
its 27 Bernstein coefficients are positive, so is the determinant in the whole cell, and not only at its corners; the
area correction never leaves that state. Where they are not all positive, halving the cell tells which it is.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_widget.maps.cartograms.cells import Quality, measure_blocks
from latent_widget.maps.cartograms.hexes import geometry

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]
    Mask = np.ndarray[Any, np.dtype[np.bool_]]

# A smallest coefficient above this share of the volume is positive beyond round-off.
CLEAR = 1e-10
# How often a cell is halved before it counts as folded for want of a proof.
DEPTH = 8


def measure(points: Array, target: Array, volume: Array, workers: int = 1) -> Quality:
    """Write the volume of every cell (D, H, W); return the quality of the map."""
    bound = np.empty_like(volume)

    def measure_layers(first: int, last: int, found: Array) -> None:
        geometry.measure(points, target, volume, bound, first, last, found)

    return measure_blocks(measure_layers, volume, workers)


def bound_determinants(points: Array) -> tuple[Array, Array]:
    """Return the volumes (D, H, W), and a lower bound of every cell's Jacobian determinant (D, H, W)."""
    shape = (points.shape[1] - 1, points.shape[2] - 1, points.shape[3] - 1)
    volume, bound = np.empty(shape), np.empty(shape)
    geometry.measure(points, np.ones(shape), volume, bound, 0, shape[0], np.empty(4))
    return volume, bound


def find_folds(points: Array) -> tuple[Array, Mask]:
    """Return the volumes (D, H, W), and the cells of which the Jacobian determinant cannot be shown to be positive."""
    volume, bound = bound_determinants(points)
    # written so that a NaN counts as a fold
    doubtful = ~(bound > CLEAR * np.abs(volume))
    if doubtful.any():
        k, i, j = np.nonzero(doubtful)
        ends = [points[:, k + a, i + b, j + c].T for a in (0, 1) for b in (0, 1) for c in (0, 1)]
        corners = np.stack(ends, axis=1).reshape(-1, 2, 2, 2, 3)
        doubtful[k, i, j] = ~certify_positive(compute_bernstein_coefficients(corners))
    return volume, doubtful


def compute_bernstein_coefficients(corners: Array) -> Array:
    """Bernstein coefficients (n, 3, 3, 3), by u, t, s, of the Jacobian determinant of cells (n, 2, 2, 2, 3)."""
    along_s, along_t = corners[:, :, :, 1] - corners[:, :, :, 0], corners[:, :, 1] - corners[:, :, 0]
    along_u = corners[:, 1] - corners[:, 0]
    found = np.zeros((len(corners), 3, 3, 3))
    for a, b, c, d, e, f in product((0, 1), repeat=6):
        # s from b and d, t from a and e, u from c and f
        normal = np.cross(along_t[:, c, b], along_u[:, e, d])
        weight = 0.5 ** ((b != d) + (a != e) + (c != f))
        found[:, c + f, a + e, b + d] += weight * np.einsum("nc,nc->n", along_s[:, f, a], normal)
    return found


def certify_positive(coefficients: Array, depth: int = DEPTH) -> Mask:
    """Tell which polynomials with Bernstein coefficients (n, 3, 3, 3) are certainly positive on their cell.

    The smallest coefficient bounds a polynomial from below and the corner coefficients are its values, so that one of
    the two decides, or de Casteljau's halving along each axis brings both closer.
    """
    result = np.ones(len(coefficients), dtype=bool)
    owner = np.arange(len(coefficients))
    for level in range(depth + 1):
        values = coefficients[:, ::2, ::2, ::2].reshape(len(coefficients), -1)
        result[owner[~(values > 0.0).all(axis=1)]] = False
        undecided = ~(coefficients.reshape(len(coefficients), -1) > 0.0).all(axis=1) & result[owner]
        if not undecided.any():
            return result
        if level == depth:
            break
        coefficients, owner = _halve(coefficients[undecided]), np.repeat(owner[undecided], 8)
    result[owner[undecided]] = False
    return result


def _halve(coefficients: Array) -> Array:
    """Bernstein coefficients (8 n, 3, 3, 3) on the eight halves of every cell, those of one cell side by side."""
    for axis in (1, 2, 3):
        a, b, c = np.moveaxis(coefficients, axis, 0)
        left, right = 0.5 * (a + b), 0.5 * (b + c)
        middle = 0.5 * (left + right)
        halves = np.stack([np.stack([a, left, middle]), np.stack([middle, right, c])])
        # (half, coefficient, n, ...) with the halves of one polynomial side by side
        halves = np.moveaxis(halves, 2, 0)
        coefficients = np.moveaxis(halves.reshape(-1, *halves.shape[2:]), 1, axis)
    return coefficients
