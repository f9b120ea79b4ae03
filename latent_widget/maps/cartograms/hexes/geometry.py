"""Volumes of trilinear hexahedra, a certificate that none folds, and the derivative of the volumes, compiled.

Corners are one array ``X`` (3, D+1, H+1, W+1), components x, y and z first, values of cells are (D, H, W). In a cell
the map is trilinear; its faces are bilinear patches, which neighbours share, so the volumes add up to the box. Every
loop takes a range of layers, so that several threads can share one mesh.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from latent_widget.maps.cartograms.compilation import compile_helper, compile_loop
from latent_widget.maps.cartograms.hexes.vectors import (
    add,
    add_twice,
    average,
    compute_one_norm,
    cross,
    dot,
    get_corner,
    get_corners,
    get_face_x,
    get_face_y,
    get_face_z,
    subtract,
)

if TYPE_CHECKING:
    import numpy as np

    from latent_widget.maps.cartograms.hexes.vectors import Corners, Face, Vector

    Array = np.ndarray[Any, np.dtype[np.float64]]


# A cell whose determinant is bounded by more than this share of its volume needs no closer look.
CLEAR = 0.2


@compile_helper
def _multiply_layer(
    x00: Vector, x01: Vector, x10: Vector, x11: Vector, q00: Vector, q01: Vector, q10: Vector, q11: Vector
) -> tuple[float, float]:
    """Nine Bernstein coefficients of one layer, ``x[t, u] · q[t, u]`` multiplied out: their minimum and their sum."""
    c00, c20, c02, c22 = dot(x00, q00), dot(x10, q10), dot(x01, q01), dot(x11, q11)
    c10 = 0.5 * (dot(x00, q10) + dot(x10, q00))
    c12 = 0.5 * (dot(x01, q11) + dot(x11, q01))
    c01 = 0.5 * (dot(x00, q01) + dot(x01, q00))
    c21 = 0.5 * (dot(x10, q11) + dot(x11, q10))
    c11 = 0.25 * (dot(x00, q11) + dot(x11, q00) + dot(x01, q10) + dot(x10, q01))
    low = min(min(min(c00, c20), min(c02, c22)), min(min(min(c10, c12), min(c01, c21)), c11))
    return low, c00 + c20 + c02 + c22 + c10 + c12 + c01 + c21 + c11


@compile_helper
def measure_hexahedron(p: Corners) -> tuple[float, float]:
    """Volume of one cell, and the smallest of the 27 Bernstein coefficients of its Jacobian determinant.

    The determinant is quadratic in each of the cell's coordinates s, t, u (along x, y, z). It lies above its smallest
    coefficient everywhere in the cell, and the volume, its integral, is the mean of the coefficients.
    """
    # edges along s, by (t, u); along t, by (s, u); along u, by (s, t)
    s00, s10, s01, s11 = subtract(p[1], p[0]), subtract(p[3], p[2]), subtract(p[5], p[4]), subtract(p[7], p[6])
    t00, t10, t01, t11 = subtract(p[2], p[0]), subtract(p[3], p[1]), subtract(p[6], p[4]), subtract(p[7], p[5])
    u00, u10, u01, u11 = subtract(p[4], p[0]), subtract(p[5], p[1]), subtract(p[6], p[2]), subtract(p[7], p[3])
    # t × u by (t, u), at s = 0, mixed, and s = 1
    low0, sum0 = _multiply_layer(s00, s01, s10, s11, cross(t00, u00), cross(t01, u00), cross(t00, u01), cross(t01, u01))
    low2, sum2 = _multiply_layer(s00, s01, s10, s11, cross(t10, u10), cross(t11, u10), cross(t10, u11), cross(t11, u11))
    low1, sum1 = _multiply_layer(
        s00,
        s01,
        s10,
        s11,
        average(cross(t00, u10), cross(t10, u00)),
        average(cross(t01, u10), cross(t11, u00)),
        average(cross(t00, u11), cross(t10, u01)),
        average(cross(t01, u11), cross(t11, u01)),
    )
    return (sum0 + sum1 + sum2) / 27.0, min(low0, min(low1, low2))


@compile_helper
def bound_hexahedron(p: Corners) -> tuple[float, float]:
    """Volume of one cell, and a bound below its Jacobian determinant, close where the cell is nearly a box.

    With e the map's derivatives at the centre and r what they change by, the determinant stays within
    ``Π(|e| + r) - Π|e|`` of det(e), since a determinant is at most the product of its columns' lengths. Costs a
    third of `measure_hexahedron`.
    """
    s0, s1, s2, s3 = subtract(p[1], p[0]), subtract(p[3], p[2]), subtract(p[5], p[4]), subtract(p[7], p[6])
    m0, m1, m2, m3 = add(p[1], p[0]), add(p[3], p[2]), add(p[5], p[4]), add(p[7], p[6])
    low_s, high_s, low_t, high_t = add(s0, s1), add(s2, s3), subtract(m1, m0), subtract(m3, m2)
    low_st, high_st = subtract(s1, s0), subtract(s3, s2)
    # eight times the derivatives along s, t, u, and along two and three of them
    s, t, u = add(low_s, high_s), add(low_t, high_t), subtract(add(m2, m3), add(m0, m1))
    st, su, tu, stu = add(low_st, high_st), subtract(high_s, low_s), subtract(high_t, low_t), subtract(high_st, low_st)
    normal, normal_u = cross(s, t), cross(su, tu)
    whole = dot(u, normal)
    twist = dot(su, cross(s, st)) + dot(tu, cross(st, t)) + dot(u, normal_u)
    n_s, n_t, n_u = compute_one_norm(s), compute_one_norm(t), compute_one_norm(u)
    n_st, n_su, n_tu = compute_one_norm(st), compute_one_norm(su), compute_one_norm(tu)
    n_stu = compute_one_norm(stu)
    most = (n_s + n_st + n_su + n_stu) * (n_t + n_st + n_tu + n_stu) * (n_u + n_su + n_tu + n_stu)
    return (whole + twist / 3.0) / 64.0, (whole - most + n_s * n_t * n_u) / 64.0


@compile_loop("void(f8[:,:,:,::1],f8[:,:,::1],f8[:,:,::1],f8[:,:,::1],i8,i8,f8[::1])")
def measure(X: Array, target: Array, volume: Array, bound: Array, first: int, last: int, found: Array) -> None:
    """Write the volume of the cells in some layers, a bound below their determinants, and the extremes to ``found``.

    The bound is the smallest Bernstein coefficient, or a cheaper one where that is above ``CLEAR`` of the volume.
    The extremes are the smallest bound relative to its cell's volume, the sum of the squared relative errors of the
    volumes, the largest error, and the smallest bound relative to the target.
    """
    worst, total, largest, deepest = 1.0, 0.0, 0.0, 1e300
    for k in range(first, last):
        for i in range(volume.shape[1]):
            for j in range(volume.shape[2]):
                p = get_corners(X, k, i, j)
                whole, small = bound_hexahedron(p)
                if not small > CLEAR * whole:
                    whole, small = measure_hexahedron(p)
                volume[k, i, j], bound[k, i, j] = whole, small
                error = whole / target[k, i, j] - 1.0
                total += error * error
                largest = max(largest, abs(error))
                deepest = min(deepest, small / target[k, i, j])
                ratio = small / whole if whole > 0.0 else -1.0
                # written so that a NaN counts as a fold
                if not ratio >= worst:
                    worst = ratio
    found[0], found[1], found[2], found[3] = worst, total, largest, deepest


@compile_helper
def _weigh_face(face: Face) -> Face:
    """Thirty-six times the area vectors of a patch (s, t) with corners 00, 10, 01, 11, each weighted by its corner."""
    a, b, c, d = face
    s0, s1, t0, t1 = subtract(b, a), subtract(d, c), subtract(c, a), subtract(d, b)
    near_s, far_s, near_t, far_t = add_twice(s0, s1), add_twice(s1, s0), add_twice(t0, t1), add_twice(t1, t0)
    return cross(near_s, near_t), cross(near_s, far_t), cross(far_s, near_t), cross(far_s, far_t)


@compile_helper
def _add_to_corner(G: Array, k: int, i: int, j: int, n: Vector, q: float) -> None:
    """Add q · n to one corner."""
    G[0, k, i, j] += q * n[0]
    G[1, k, i, j] += q * n[1]
    G[2, k, i, j] += q * n[2]


@compile_loop("void(f8[:,:,:,::1],f8[:,:,::1],f8[:,:,:,::1],i8,i8)")
def apply_transposed_jacobian(X: Array, p: Array, G: Array, first: int, last: int) -> None:
    """Write ``Bᵀ p`` to some layers of corners, B the derivative of the volumes by the corners.

    A corner moves the faces that it belongs to, and a face gives to one cell what it takes from the other. Faces on
    a wall are left out: they push along its normal only.
    """
    d, h, w = p.shape
    G[:, first:last] = 0.0
    for k in range(max(first - 1, 0), min(last, d)):
        below, above = k >= first, k + 1 < last
        for i in range(h):
            for j in range(1, w):
                q = (p[k, i, j - 1] - p[k, i, j]) / 36.0
                n = _weigh_face(get_face_x(X, k, i, j))
                if below:
                    _add_to_corner(G, k, i, j, n[0], q)
                    _add_to_corner(G, k, i + 1, j, n[1], q)
                if above:
                    _add_to_corner(G, k + 1, i, j, n[2], q)
                    _add_to_corner(G, k + 1, i + 1, j, n[3], q)
        for i in range(1, h):
            for j in range(w):
                q = (p[k, i - 1, j] - p[k, i, j]) / 36.0
                n = _weigh_face(get_face_y(X, k, i, j))
                if below:
                    _add_to_corner(G, k, i, j, n[0], q)
                    _add_to_corner(G, k, i, j + 1, n[2], q)
                if above:
                    _add_to_corner(G, k + 1, i, j, n[1], q)
                    _add_to_corner(G, k + 1, i, j + 1, n[3], q)
    for k in range(max(first, 1), min(last, d)):
        for i in range(h):
            for j in range(w):
                q = (p[k - 1, i, j] - p[k, i, j]) / 36.0
                n = _weigh_face(get_face_z(X, k, i, j))
                _add_to_corner(G, k, i, j, n[0], q)
                _add_to_corner(G, k, i, j + 1, n[1], q)
                _add_to_corner(G, k, i + 1, j, n[2], q)
                _add_to_corner(G, k, i + 1, j + 1, n[3], q)


@compile_loop("void(f8[:,:,:,::1],f8[:,:,::1],f8[:,:,:,::1],UniTuple(f8,3),i8,i8)")
def apply_mobility(
    X: Array, volume: Array, G: Array, weights: tuple[float, float, float], first: int, last: int
) -> None:
    """Turn ``G = Bᵀ p`` into the displacement ``M G``, in place, on some layers of corners.

    ``M = DX DXᵀ / ρ²``, DX the derivative of the map by the lattice and ρ the mean volume of the cells around;
    ``weights`` are ``1/(2 dx)²`` and so on. On a wall the missing side is the mirror image: M doubles with every
    wall, and nothing moves off it.
    """
    d, h, w = volume.shape
    along, across, upwards = weights
    for k in range(first, last):
        k0, k1 = max(k - 1, 0), min(k, d - 1)
        for i in range(h + 1):
            i0, i1 = max(i - 1, 0), min(i, h - 1)
            for j in range(w + 1):
                j0, j1 = max(j - 1, 0), min(j, w - 1)
                rho = volume[k0, i0, j0] + volume[k0, i0, j1] + volume[k0, i1, j0] + volume[k0, i1, j1]
                rho += volume[k1, i0, j0] + volume[k1, i0, j1] + volume[k1, i1, j0] + volume[k1, i1, j1]
                scale = 64.0 / (rho * rho)
                free_x, free_y, free_z = 0 < j < w, 0 < i < h, 0 < k < d
                if not free_x:
                    G[0, k, i, j] = 0.0
                    scale *= 2.0
                if not free_y:
                    G[1, k, i, j] = 0.0
                    scale *= 2.0
                if not free_z:
                    G[2, k, i, j] = 0.0
                    scale *= 2.0
                g = get_corner(G, k, i, j)
                ux, uy, uz = 0.0, 0.0, 0.0
                if free_x:
                    e = subtract(get_corner(X, k, i, j + 1), get_corner(X, k, i, j - 1))
                    c = dot(e, g) * along * scale
                    ux, uy, uz = ux + c * e[0], uy + c * e[1], uz + c * e[2]
                if free_y:
                    e = subtract(get_corner(X, k, i + 1, j), get_corner(X, k, i - 1, j))
                    c = dot(e, g) * across * scale
                    ux, uy, uz = ux + c * e[0], uy + c * e[1], uz + c * e[2]
                if free_z:
                    e = subtract(get_corner(X, k + 1, i, j), get_corner(X, k - 1, i, j))
                    c = dot(e, g) * upwards * scale
                    ux, uy, uz = ux + c * e[0], uy + c * e[1], uz + c * e[2]
                G[0, k, i, j], G[1, k, i, j], G[2, k, i, j] = ux, uy, uz


@compile_helper
def _compute_flux(normals: Face, motion: Face) -> float:
    """Return the volume that a face passes over, to first order, when its corners move."""
    n, u = normals, motion
    return (dot(n[0], u[0]) + dot(n[1], u[1]) + dot(n[2], u[2]) + dot(n[3], u[3])) / 36.0


@compile_loop("void(f8[:,:,:,::1],f8[:,:,:,::1],f8[:,:,::1],i8,i8)")
def apply_area_jacobian(X: Array, U: Array, change: Array, first: int, last: int) -> None:
    """Write ``B U``: the first-order change of the volumes in some layers when the corners move by U.

    It is the flux of the motion through the faces; through a wall there is none.
    """
    d, h, w = change.shape
    change[first:last] = 0.0
    for k in range(first, last):
        for i in range(h):
            for j in range(1, w):
                n = _weigh_face(get_face_x(X, k, i, j))
                f = _compute_flux(n, get_face_x(U, k, i, j))
                change[k, i, j - 1] += f
                change[k, i, j] -= f
        for i in range(1, h):
            for j in range(w):
                n = _weigh_face(get_face_y(X, k, i, j))
                f = _compute_flux(n, get_face_y(U, k, i, j))
                change[k, i - 1, j] += f
                change[k, i, j] -= f
    for k in range(max(first, 1), min(last + 1, d)):
        for i in range(h):
            for j in range(w):
                n = _weigh_face(get_face_z(X, k, i, j))
                f = _compute_flux(n, get_face_z(U, k, i, j))
                if k > first:
                    change[k - 1, i, j] += f
                if k < last:
                    change[k, i, j] -= f
