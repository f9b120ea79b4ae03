"""Distortion of a map per cell: the singular values of its Jacobian from (lattice, G) to the page (Tissot 1881).

With G = L Lᵀ they are those of F = unit · DX · L⁻ᵀ, DX the mean Jacobian of the cell. F is a rotation exactly where the
map is isometric there.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]


def measure_distortion(corners: Array, metric: Array, spacing: tuple[float, ...], unit: float) -> Array:
    """Return the largest and the smallest singular value of every cell, (H, W, 2) or (D, H, W, 2).

    ``corners`` (H+1, W+1, 2), ``metric`` (H, W, 2, 2), ``spacing`` (dx, dy) of the lattice, ``unit`` the measured
    length of one unit of the page; an isometry has 1 and 1. The determinant of the mean Jacobian is the area of the
    quadrilateral over that of the cell, exactly, so that in a plane the product is the ratio of the areas.
    """
    columns = [unit * column for column in _average_jacobian(corners, spacing)]
    if len(columns) == 3:
        jacobian = np.stack(columns, axis=-1)
        # F Fᵀ = DX G⁻¹ DXᵀ, and F itself keeps the small singular values
        frames = np.linalg.solve(np.linalg.cholesky(metric), np.swapaxes(jacobian, -1, -2))
        values = np.linalg.svd(frames, compute_uv=False)
        return np.ascontiguousarray(values[..., [0, -1]])
    along = np.sqrt(metric[..., 0, 0])
    lean = metric[..., 0, 1] / along
    across = np.sqrt(metric[..., 1, 1] - lean * lean)
    # L⁻ᵀ is upper triangular: its columns take the first column of DX, then what is left of the second
    p = columns[0] / along[..., None]
    q = (columns[1] - lean[..., None] * p) / across[..., None]
    det = np.abs(p[..., 0] * q[..., 1] - p[..., 1] * q[..., 0])
    turn = np.hypot(p[..., 0] + q[..., 1], p[..., 1] - q[..., 0])
    flip = np.hypot(p[..., 0] - q[..., 1], p[..., 1] + q[..., 0])
    largest = 0.5 * (turn + flip)
    return np.stack([largest, det / np.where(largest > 0.0, largest, 1.0)], axis=-1)


def measure_on_triangles(corners: Array, triangles: Array) -> tuple[Array, Array]:
    """Return the distortion (H, W, 2) and the measured areas (H, W) of cells whose triangles have metrics of their own.

    ``triangles`` (H, W, 4, 3) are entries xx, xy, yy in units of cells, number 2 r + c at row r and column c of the
    corners. The squares of the singular values are the eigenvalues of the mean of the triangles' metrics on the page
    relative to the mean of those given.
    """
    x, y = np.diff(corners, axis=1), np.diff(corners, axis=0)
    page = np.zeros((*triangles.shape[:2], 3))
    h, w = page.shape[:2]
    for k in range(4):
        r, c = divmod(k, 2)
        along, across = x[r : r + h], y[:, c : c + w]
        products = (along * along, along * across, across * across)
        page += 0.25 * np.stack([product.sum(-1) for product in products], axis=-1)
    given = triangles.mean(2)
    det = given[..., 0] * given[..., 2] - given[..., 1] ** 2
    mixed = given[..., 2] * page[..., 0] + given[..., 0] * page[..., 2] - 2 * given[..., 1] * page[..., 1]
    mean = 0.5 * mixed / det
    square = (page[..., 0] * page[..., 2] - page[..., 1] ** 2) / det
    largest = mean + np.sqrt(np.maximum(mean * mean - square, 0.0))
    areas = np.sqrt(triangles[..., 0] * triangles[..., 2] - triangles[..., 1] ** 2).mean(2)
    return np.sqrt(np.stack([largest, square / largest], axis=-1)), areas


def _average_jacobian(corners: Array, spacing: tuple[float, ...]) -> list[Array]:
    """Columns (..., d) of the mean Jacobian of every cell: the mean of its edges along each axis, over their length.

    Of a quadrilateral it is the mean over its four corner triangles, and that of the bilinear map over the cell.
    """
    ndim = len(spacing)
    columns = []
    for axis in range(ndim):
        edges = np.diff(corners, axis=ndim - 1 - axis) / spacing[axis]
        others = [k for k in range(ndim) if k != ndim - 1 - axis]
        total: Any = 0.0
        for ends in product((slice(None, -1), slice(1, None)), repeat=ndim - 1):
            place: list[Any] = [slice(None)] * (ndim + 1)
            for k, end in zip(others, ends, strict=True):
                place[k] = end
            total = total + edges[tuple(place)]
        columns.append(total / 2 ** (ndim - 1))
    return columns
