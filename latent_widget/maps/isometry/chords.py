"""Flat triangles of a curved metric: their sides are the geodesic lengths between neighbouring corners of the lattice.

Every cell has four triangles, one at each corner, of two sides and a diagonal. Where the metric is flat, the six
lengths are those of a plane quadrilateral and the corners of the lattice can be laid out exactly; tensors taken from
the middle of the cell would be wrong by the square of its size.

The squared geodesic length of a short segment v follows from the metric g at its middle and from its derivatives [15]::

    d² = g(v, v) + ∂ᵥ∂ᵥ g(v, v) / 24 − g⁻¹(Γ, Γ) / 12 + O(v⁶),    Γₐ = ∂ᵥ g(eₐ, v) − ∂ₐ g(v, v) / 2

This expands Synge's world function about the midpoint (Synge 1960, chapter II): the second term is what a straight
segment adds, the third what bending it takes away.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]

# Points of the interpolating polynomials: chords of a smooth metric are right to the fourth power of the cell's size.
STENCIL = 6
# Where a triangle's squared lengths leave those of the cell's own tensor by more than this factor, the metric is too
# rough to interpolate, and the tensor is taken.
LARGEST_CHANGE = 2.0


def measure_triangles(metric: Array) -> tuple[Array, int]:
    """Return the metrics of the four triangles of every cell, and how many took the tensor of the cell.

    Parameters
    ----------
    metric : ndarray (H, W, 2, 2)
        Tensors at the centres of the cells, in units of cells: the side of a cell is 1.

    Returns
    -------
    triangles : ndarray (H, W, 4, 3)
        Entries xx, xy, yy of the triangle at row r and column c of the cell's corners, numbered 2 r + c.
    rough : int
        Triangles in which the metric was too rough to interpolate.

    """
    # where interpolated tensors are not positive the bends are not finite, which counts as rough
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        lengths, diagonals = _measure_sides(metric), _measure_diagonals(metric)
    h, w = metric.shape[:2]
    triangles = np.empty((h, w, 4, 3))
    for k in range(4):
        r, c = divmod(k, 2)
        xx, yy = lengths[0][r : r + h], lengths[1][:, c : c + w]
        triangles[:, :, k, 0], triangles[:, :, k, 2] = xx, yy
        # the third side falls in the one direction at corners 0 and 3, rises in the other at 1 and 2
        triangles[:, :, k, 1] = 0.5 * (xx + yy - diagonals[1] if r == c else diagonals[0] - xx - yy)
    cell = np.stack([metric[..., 0, 0], metric[..., 0, 1], metric[..., 1, 1]], axis=-1)[:, :, None]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        rough = ~_is_close(triangles, cell)
    return np.where(rough[..., None], cell, triangles), int(rough.sum())


def _is_close(triangles: Array, cell: Array) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Whether the eigenvalues of a triangle's metric relative to the cell's lie within LARGEST_CHANGE of one."""
    det = cell[..., 0] * cell[..., 2] - cell[..., 1] ** 2
    product = (triangles[..., 0] * triangles[..., 2] - triangles[..., 1] ** 2) / det
    total = cell[..., 2] * triangles[..., 0] + cell[..., 0] * triangles[..., 2] - 2 * cell[..., 1] * triangles[..., 1]
    mean = 0.5 * total / det
    radius = np.sqrt(np.maximum(mean * mean - product, 0.0))
    # written so that a NaN counts as rough
    return (mean - radius > 1.0 / LARGEST_CHANGE) & (mean + radius < LARGEST_CHANGE)


def _measure_sides(metric: Array) -> tuple[Array, Array]:
    """Return the squared lengths of the sides along x, (H + 1, W), and along y, (H, W + 1)."""
    h, w = metric.shape[:2]
    rows, columns = _differentiate(h, True), _differentiate(w, True)
    within_rows, within_columns = _differentiate(h, False), _differentiate(w, False)
    on_rows = _along_y(rows[0], metric)
    along_x = _square_chord(
        on_rows,
        _along_x(within_columns[1], on_rows),
        _along_y(rows[1], metric),
        _along_x(within_columns[2], on_rows[..., 0, 0]),
        (1.0, 0.0),
    )
    on_columns = _along_x(columns[0], metric)
    along_y = _square_chord(
        on_columns,
        _along_x(columns[1], metric),
        _along_y(within_rows[1], on_columns),
        _along_y(within_rows[2], on_columns[..., 1, 1]),
        (0.0, 1.0),
    )
    return along_x, along_y


def _measure_diagonals(metric: Array) -> tuple[Array, Array]:
    """Return the squared lengths (H, W) of the diagonals along (1, 1) and along (1, −1)."""
    rows, columns = _differentiate(metric.shape[0], False), _differentiate(metric.shape[1], False)
    by_x, by_y = _along_x(columns[1], metric), _along_y(rows[1], metric)
    by_xx, by_yy, by_xy = _along_x(columns[2], metric), _along_y(rows[2], metric), _along_y(rows[1], by_x)

    def measure(sign: float) -> Array:
        second = by_xx + 2 * sign * by_xy + by_yy
        along = second[..., 0, 0] + 2 * sign * second[..., 0, 1] + second[..., 1, 1]
        return _square_chord(metric, by_x, by_y, along, (1.0, sign))

    return measure(1.0), measure(-1.0)


def _square_chord(g: Array, by_x: Array, by_y: Array, second: Array, v: tuple[float, float]) -> Array:
    """Squared geodesic length of the segment v about points with metric g, its derivatives, and ∂ᵥ∂ᵥ g(v, v)."""
    a, b = v
    square_by_x = a * a * by_x[..., 0, 0] + 2 * a * b * by_x[..., 0, 1] + b * b * by_x[..., 1, 1]
    square_by_y = a * a * by_y[..., 0, 0] + 2 * a * b * by_y[..., 0, 1] + b * b * by_y[..., 1, 1]
    by_v = a * by_x + b * by_y
    gamma_x = a * by_v[..., 0, 0] + b * by_v[..., 0, 1] - 0.5 * square_by_x
    gamma_y = a * by_v[..., 0, 1] + b * by_v[..., 1, 1] - 0.5 * square_by_y
    xx, xy, yy = g[..., 0, 0], g[..., 0, 1], g[..., 1, 1]
    bend = (yy * gamma_x**2 - 2 * xy * gamma_x * gamma_y + xx * gamma_y**2) / (xx * yy - xy * xy)
    return np.asarray(a * a * xx + 2 * a * b * xy + b * b * yy + second / 24 - bend / 12)


def _along_y(matrix: csr_array, values: Array) -> Array:
    """Apply a matrix to the rows of values (H, W, ...)."""
    return np.asarray(matrix @ values.reshape(len(values), -1)).reshape(-1, *values.shape[1:])


def _along_x(matrix: csr_array, values: Array) -> Array:
    """Apply a matrix to the columns of values (H, W, ...)."""
    return np.swapaxes(_along_y(matrix, np.ascontiguousarray(np.swapaxes(values, 0, 1))), 0, 1)


# two for the rows and two for the columns of each lattice from coarse to fine
@lru_cache(maxsize=32)
def _differentiate(n: int, borders: bool) -> tuple[csr_array, csr_array, csr_array]:
    """Return matrices from n centres to the value, first and second derivative at the n + 1 borders, or the centres."""
    positions = np.arange(n + 1.0) if borders else np.arange(n) + 0.5
    size = min(STENCIL, n)
    first = np.clip(np.round(positions - size / 2), 0, n - size).astype(int)
    columns = first[:, None] + np.arange(size)
    offsets = columns + 0.5 - positions[:, None]
    # the weights that are exact for the powers of the offsets
    powers = offsets[:, None, :] ** np.arange(size)[:, None]
    wanted = np.zeros((size, 3))
    for order, factorial in enumerate((1.0, 1.0, 2.0)[:size]):
        wanted[order, order] = factorial
    weights = np.linalg.solve(powers, np.broadcast_to(wanted, (len(positions), size, 3)))
    rows = np.repeat(np.arange(len(positions)), size)
    shape = (len(positions), n)
    value, first_order, second_order = (
        csr_array((weights[..., order].ravel(), (rows, columns.ravel())), shape=shape) for order in range(3)
    )
    return value, first_order, second_order
