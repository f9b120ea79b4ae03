"""Vectors of three components, and the corners of hexahedra, as tuples: compiled into the loops that use them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from latent_widget.maps.cartograms.compilation import compile_helper, compile_inline

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Vector = tuple[float, float, float]
    Face = tuple[Vector, Vector, Vector, Vector]
    Corners = tuple[Vector, Vector, Vector, Vector, Vector, Vector, Vector, Vector]


@compile_helper
def get_corner(X: Array, k: int, i: int, j: int) -> Vector:
    """Position of one corner in an array (3, D+1, H+1, W+1)."""
    return X[0, k, i, j], X[1, k, i, j], X[2, k, i, j]


@compile_helper
def subtract(a: Vector, b: Vector) -> Vector:
    """Return a - b."""
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]


@compile_helper
def cross(a: Vector, b: Vector) -> Vector:
    """Return a × b."""
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


@compile_helper
def dot(a: Vector, b: Vector) -> float:
    """Return a · b."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@compile_helper
def add_twice(a: Vector, b: Vector) -> Vector:
    """Return 2 a + b."""
    return 2.0 * a[0] + b[0], 2.0 * a[1] + b[1], 2.0 * a[2] + b[2]


@compile_helper
def average(a: Vector, b: Vector) -> Vector:
    """Return (a + b) / 2."""
    return 0.5 * (a[0] + b[0]), 0.5 * (a[1] + b[1]), 0.5 * (a[2] + b[2])


@compile_helper
def add(a: Vector, b: Vector) -> Vector:
    """Return a + b."""
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]


@compile_helper
def compute_one_norm(a: Vector) -> float:
    """Return the 1-norm, which is never below the Euclidean length."""
    return abs(a[0]) + abs(a[1]) + abs(a[2])


@compile_helper
def get_corners(X: Array, k: int, i: int, j: int) -> Corners:
    """Corners (u, t, s) of one cell in the order 000, 001, 010, 011, 100, 101, 110, 111; s, t, u run along x, y, z."""
    return (
        get_corner(X, k, i, j),
        get_corner(X, k, i, j + 1),
        get_corner(X, k, i + 1, j),
        get_corner(X, k, i + 1, j + 1),
        get_corner(X, k + 1, i, j),
        get_corner(X, k + 1, i, j + 1),
        get_corner(X, k + 1, i + 1, j),
        get_corner(X, k + 1, i + 1, j + 1),
    )


@compile_inline
def get_face_x(X: Array, k: int, i: int, j: int) -> Face:
    """Corners of the face across x that a cell shares with the one before it, so ordered that its normal is along x."""
    return (
        get_corner(X, k, i, j),
        get_corner(X, k, i + 1, j),
        get_corner(X, k + 1, i, j),
        get_corner(X, k + 1, i + 1, j),
    )


@compile_inline
def get_face_y(X: Array, k: int, i: int, j: int) -> Face:
    """Corners of the face across y that a cell shares with the one before it, so ordered that its normal is along y."""
    return (
        get_corner(X, k, i, j),
        get_corner(X, k + 1, i, j),
        get_corner(X, k, i, j + 1),
        get_corner(X, k + 1, i, j + 1),
    )


@compile_inline
def get_face_z(X: Array, k: int, i: int, j: int) -> Face:
    """Corners of the face across z that a cell shares with the one before it, so ordered that its normal is along z."""
    return (
        get_corner(X, k, i, j),
        get_corner(X, k, i, j + 1),
        get_corner(X, k, i + 1, j),
        get_corner(X, k, i + 1, j + 1),
    )
