"""Sums over the triangles of a lattice: energy, gradient, stiffness, its product, and how far a step may go.

Points are (2, H + 1, W + 1). Triangle 2 r + c of a cell lies at row r and column c of its corners; `factors`
(H, W, 4, 3) holds the entries 11, 12, 22 of L⁻ᵀ where L Lᵀ is its metric, so that F = [a b] L⁻ᵀ for the sides a along x
and b along y.
The stiffness (5, H + 1, W + 1, 4) holds the 2 × 2 blocks of a corner with itself and with its neighbours to the east,
north, north-east and north-west, in the order xx, xy, yx, yy; the others follow by symmetry.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import float32, float64

from latent_widget.maps.cartograms.compilation import compile_helper, compile_loop
from latent_widget.maps.isometry.density import compute_density, linearise

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]
    Blocks = np.ndarray[Any, np.dtype[np.float32]]

_POINTS, _CELLS, _TRIANGLES = float64[:, :, ::1], float64[:, :, ::1], float64[:, :, :, ::1]
# Half the memory, whose speed limits the product; the Hessian only guides the steps, the gradient ends them.
_BLOCKS = float32[:, :, :, ::1]
_SELF, _EAST, _NORTH, _NORTH_EAST, _NORTH_WEST = range(5)


@compile_loop(float64(_POINTS, _TRIANGLES, _CELLS, float64, float64))
def sum_energy(points: Array, factors: Array, weights: Array, p: float, q: float) -> float:
    """Return the energy; infinite where a triangle is not positive."""
    x, y = points[0], points[1]
    total = 0.0
    for i in range(x.shape[0] - 1):
        for j in range(x.shape[1] - 1):
            for k in range(4):
                r, c = i + (k >> 1), j + (k & 1)
                ax, ay = x[r, j + 1] - x[r, j], y[r, j + 1] - y[r, j]
                bx, by = x[i + 1, c] - x[i, c], y[i + 1, c] - y[i, c]
                m11, m12, m22 = factors[i, j, k, 0], factors[i, j, k, 1], factors[i, j, k, 2]
                f11, f21, f12, f22 = m11 * ax, m11 * ay, m12 * ax + m22 * bx, m12 * ay + m22 * by
                det = f11 * f22 - f12 * f21
                # written so that a NaN counts as a fold
                if not det > 0.0:
                    return math.inf
                square = f11 * f11 + f21 * f21 + f12 * f12 + f22 * f22
                total += weights[i, j, k] * compute_density(square, det, p, q)
    return total


@compile_helper
def _add_block(blocks: Blocks, kind: int, i: int, j: int, xx: float, xy: float, yx: float, yy: float) -> None:
    blocks[kind, i, j, 0] += xx
    blocks[kind, i, j, 1] += xy
    blocks[kind, i, j, 2] += yx
    blocks[kind, i, j, 3] += yy


@compile_helper
def _square(m11: float, m12: float, m22: float, terms: Array) -> tuple[float, ...]:
    """Sum the squares of the modes as a quadratic form of the sides: its blocks aa, ab, bb as 3, 4, 3 numbers."""
    aa_xx = aa_xy = aa_yy = ab_xx = ab_xy = ab_yx = ab_yy = bb_xx = bb_xy = bb_yy = 0.0
    for n in range(1, 5):
        ux, uy = m11 * terms[n, 0] + m12 * terms[n, 2], m11 * terms[n, 1] + m12 * terms[n, 3]
        vx, vy = m22 * terms[n, 2], m22 * terms[n, 3]
        aa_xx += ux * ux
        aa_xy += ux * uy
        aa_yy += uy * uy
        ab_xx += ux * vx
        ab_xy += ux * vy
        ab_yx += uy * vx
        ab_yy += uy * vy
        bb_xx += vx * vx
        bb_xy += vx * vy
        bb_yy += vy * vy
    return aa_xx, aa_xy, aa_yy, ab_xx, ab_xy, ab_yx, ab_yy, bb_xx, bb_xy, bb_yy


@compile_helper
def _add_stiffness(blocks: Blocks, i: int, j: int, k: int, weight: float, form: tuple[float, ...]) -> None:
    """Add a quadratic form of the sides of triangle k of cell (i, j), as one of its corner o and its two neighbours."""
    axx, axy, ayy, bxx, bxy, byx, byy, cxx, cxy, cyy = form
    r, c = k >> 1, k & 1
    # sides run from o to a neighbour in triangle 0 alone; elsewhere one or both run towards o
    sign = weight if r == c else -weight
    axx, axy, ayy = weight * axx, weight * axy, weight * ayy
    cxx, cxy, cyy = weight * cxx, weight * cxy, weight * cyy
    bxx, bxy, byx, byy = sign * bxx, sign * bxy, sign * byx, sign * byy
    row, column, other_row, other_column = i + r, j + c, i + 1 - r, j + 1 - c
    _add_block(blocks, _SELF, row, other_column, axx, axy, axy, ayy)
    _add_block(blocks, _SELF, other_row, column, cxx, cxy, cxy, cyy)
    # the rows of the form belong to a neighbour along x, its columns to one along y
    mixed = bxy + byx
    sums = axy + cxy + mixed
    _add_block(blocks, _SELF, row, column, axx + cxx + 2.0 * bxx, sums, sums, ayy + cyy + 2.0 * byy)
    if c == 0:
        _add_block(blocks, _EAST, row, column, -axx - bxx, -axy - byx, -axy - bxy, -ayy - byy)
    else:
        _add_block(blocks, _EAST, row, other_column, -axx - bxx, -axy - bxy, -axy - byx, -ayy - byy)
    if r == 0:
        _add_block(blocks, _NORTH, row, column, -cxx - bxx, -cxy - bxy, -cxy - byx, -cyy - byy)
    else:
        _add_block(blocks, _NORTH, other_row, column, -cxx - bxx, -cxy - byx, -cxy - bxy, -cyy - byy)
    diagonal = _NORTH_WEST if r == c else _NORTH_EAST
    if r == 0:
        _add_block(blocks, diagonal, row, other_column, bxx, bxy, byx, byy)
    else:
        _add_block(blocks, diagonal, other_row, column, bxx, byx, bxy, byy)


@compile_loop(float64(_POINTS, _TRIANGLES, _CELLS, float64, float64, _POINTS, _BLOCKS))
def assemble(
    points: Array, factors: Array, weights: Array, p: float, q: float, gradient: Array, blocks: Blocks
) -> float:
    """Write the gradient and the stiffness of a map without folds; return the energy."""
    x, y = points[0], points[1]
    gradient[:] = 0.0
    blocks[:] = 0.0
    terms = np.empty((5, 4))
    total = 0.0
    for i in range(x.shape[0] - 1):
        for j in range(x.shape[1] - 1):
            for k in range(4):
                r, c, weight = i + (k >> 1), j + (k & 1), weights[i, j, k]
                ax, ay = x[r, j + 1] - x[r, j], y[r, j + 1] - y[r, j]
                bx, by = x[i + 1, c] - x[i, c], y[i + 1, c] - y[i, c]
                m11, m12, m22 = factors[i, j, k, 0], factors[i, j, k, 1], factors[i, j, k, 2]
                total += weight * linearise(m11 * ax, m11 * ay, m12 * ax + m22 * bx, m12 * ay + m22 * by, p, q, terms)
                _add_stiffness(blocks, i, j, k, weight, _square(m11, m12, m22, terms))
                ux, uy = m11 * terms[0, 0] + m12 * terms[0, 2], m11 * terms[0, 1] + m12 * terms[0, 3]
                vx, vy = m22 * terms[0, 2], m22 * terms[0, 3]
                gradient[0, r, j + 1] += weight * ux
                gradient[0, r, j] -= weight * ux
                gradient[1, r, j + 1] += weight * uy
                gradient[1, r, j] -= weight * uy
                gradient[0, i + 1, c] += weight * vx
                gradient[0, i, c] -= weight * vx
                gradient[1, i + 1, c] += weight * vy
                gradient[1, i, c] -= weight * vy
    return total


@compile_loop(float64(_BLOCKS, _POINTS, _POINTS))
def multiply(blocks: Blocks, vector: Array, out: Array) -> float:
    """Write the product of the stiffness with a vector (2, H + 1, W + 1); return the scalar product of both."""
    x, y, ox, oy = vector[0], vector[1], out[0], out[1]
    n, m = x.shape
    for i in range(n):
        for j in range(m):
            ox[i, j] = blocks[0, i, j, 0] * x[i, j] + blocks[0, i, j, 1] * y[i, j]
            oy[i, j] = blocks[0, i, j, 2] * x[i, j] + blocks[0, i, j, 3] * y[i, j]
    for kind in range(1, 5):
        di = 0 if kind == _EAST else 1
        dj = 0 if kind == _NORTH else (-1 if kind == _NORTH_WEST else 1)
        for i in range(n - di):
            for j in range(max(0, -dj), m - max(0, dj)):
                xx, xy, yx, yy = (
                    blocks[kind, i, j, 0],
                    blocks[kind, i, j, 1],
                    blocks[kind, i, j, 2],
                    blocks[kind, i, j, 3],
                )
                ox[i, j] += xx * x[i + di, j + dj] + xy * y[i + di, j + dj]
                oy[i, j] += yx * x[i + di, j + dj] + yy * y[i + di, j + dj]
                ox[i + di, j + dj] += xx * x[i, j] + yx * y[i, j]
                oy[i + di, j + dj] += xy * x[i, j] + yy * y[i, j]
    total = 0.0
    for i in range(n):
        for j in range(m):
            total += x[i, j] * ox[i, j] + y[i, j] * oy[i, j]
    return total


@compile_loop(float64(_POINTS, _POINTS))
def find_largest_step(points: Array, step: Array) -> float:
    """Return the smallest positive share of a step at which the area of a triangle vanishes; infinite where none does.

    Smith and Schaefer 2015 [12], section 3.3: the smallest positive root of a quadratic in each triangle.
    """
    x, y, u, v = points[0], points[1], step[0], step[1]
    smallest = math.inf
    for i in range(x.shape[0] - 1):
        for j in range(x.shape[1] - 1):
            for k in range(4):
                r, c = i + (k >> 1), j + (k & 1)
                ax, ay = x[r, j + 1] - x[r, j], y[r, j + 1] - y[r, j]
                bx, by = x[i + 1, c] - x[i, c], y[i + 1, c] - y[i, c]
                px, py = u[r, j + 1] - u[r, j], v[r, j + 1] - v[r, j]
                qx, qy = u[i + 1, c] - u[i, c], v[i + 1, c] - v[i, c]
                constant, square = ax * by - ay * bx, px * qy - py * qx
                linear = ax * qy - ay * qx + px * by - py * bx
                discriminant = linear * linear - 4.0 * square * constant
                if not (discriminant >= 0.0 and (linear < 0.0 or square < 0.0)):
                    continue
                root = math.sqrt(discriminant)
                # in the form without cancellation
                share = 2.0 * constant / (root - linear) if linear < 0.0 else -0.5 * (linear + root) / square
                if 0.0 < share < smallest:
                    smallest = share
    return smallest
