"""Compiled loops of the local repair of a mesh of hexahedra: only a map with thin cells waits for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numba import njit

from latent_widget.cartograms.compilation import OPTIONS
from latent_widget.cartograms.hexes.geometry import INLINE, at, corners_of, cross, dot, hexahedron, minus

if TYPE_CHECKING:
    import numpy as np

    from latent_widget.cartograms.hexes.geometry import Vector

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Mask = np.ndarray[Any, np.dtype[np.bool_]]


@njit(**INLINE)
def _sum(a: Vector, b: Vector, c: Vector) -> Vector:
    return a[0] + b[0] + c[0], a[1] + b[1] + c[1], a[2] + b[2] + c[2]


@njit(**INLINE)
def _gather(g: Array, H: Array, n: Vector, slope: float, bend: float) -> None:
    """Add ``slope · n`` to a gradient (3,) and ``bend · n nᵀ`` to a Hessian (3, 3)."""
    for a in range(3):
        g[a] += slope * n[a]
        for b in range(3):
            H[a, b] += bend * n[a] * n[b]


@njit(**INLINE)
def _downhill(g: Array, H: Array) -> Vector:
    """Return ``-H⁻¹ g`` of a symmetric positive-definite H, a little shifted against round-off."""
    shift = 1e-12 * (H[0, 0] + H[1, 1] + H[2, 2])
    r0 = (H[0, 0] + shift, H[0, 1], H[0, 2])
    r1 = (H[1, 0], H[1, 1] + shift, H[1, 2])
    r2 = (H[2, 0], H[2, 1], H[2, 2] + shift)
    c0, c1, c2 = cross(r1, r2), cross(r2, r0), cross(r0, r1)
    scale = -1.0 / dot(r0, c0)
    return (
        scale * (c0[0] * g[0] + c1[0] * g[1] + c2[0] * g[2]),
        scale * (c0[1] * g[0] + c1[1] * g[1] + c2[1] * g[2]),
        scale * (c0[2] * g[0] + c1[2] * g[1] + c2[2] * g[2]),
    )


@njit("i8(f8[:,:,:,::1],f8[:,:,::1],b1[:,:,::1],f8,i8,i8,i8,f8[:,::1])", **OPTIONS)
def relax_colour(
    X: Array, target: Array, active: Mask, barrier: float, colour: int, first: int, last: int, room: Array
) -> int:
    """Move the active corners (D+1, H+1, W+1) of one of eight colours; return how many moved.

    Each goes one Newton step down ``Σ (a - 1 - log a) - barrier Σ log t`` over the cells around it, a their volumes
    and t the Jacobian determinants at their corners, relative to the cell's target; both are linear in the position
    of the corner. A step that would take nine tenths of a cell's certificate is halved, and at last not taken.
    Corners of one colour share no cell. ``room`` (44, 4) is scratch.
    """
    d, h, w = target.shape
    g, H, old, tets = room[0], room[1:4, :3], room[4:12, 0], room[12:44]
    moved = 0
    for k in range(first + (first + colour // 4) % 2, last, 2):
        for i in range((colour // 2) % 2, h + 1, 2):
            for j in range(colour % 2, w + 1, 2):
                stays_x, stays_y, stays_z = j == 0 or j == w, i == 0 or i == h, k == 0 or k == d
                if not active[k, i, j] or (stays_x and stays_y and stays_z):
                    continue
                v = at(X, k, i, j)
                g[:], H[:, :] = 0.0, 0.0
                count = 0
                for octant in range(8):
                    dk, di, dj = 1 - 2 * (octant // 4), 1 - 2 * ((octant // 2) % 2), 1 - 2 * (octant % 2)
                    ck, ci, cj = min(k, k + dk), min(i, i + di), min(j, j + dj)
                    if not (0 <= ck < d and 0 <= ci < h and 0 <= cj < w):
                        continue
                    per = 1.0 / target[ck, ci, cj]
                    volume, old[octant] = hexahedron(corners_of(X, ck, ci, cj))
                    ratio, signed = volume * per, per * dk * di * dj
                    a, b, c = (
                        minus(at(X, k, i, j + dj), v),
                        minus(at(X, k, i + di, j), v),
                        minus(at(X, k + dk, i, j), v),
                    )
                    across_ab, across_ac = minus(at(X, k, i + di, j + dj), v), minus(at(X, k + dk, i, j + dj), v)
                    across_bc = minus(at(X, k + dk, i + di, j), v)
                    ab, bc, ca = cross(a, b), cross(b, c), cross(c, a)
                    n = _sum(
                        _sum(ab, cross(a, across_ab), cross(across_ab, b)),
                        _sum(bc, cross(b, across_bc), cross(across_bc, c)),
                        _sum(ca, cross(c, across_ac), cross(across_ac, a)),
                    )
                    fall = -signed / 12.0
                    slope, bend = 1.0 - 1.0 / ratio, 1.0 / (ratio * ratio)
                    _gather(g, H, n, slope * fall, bend * fall * fall)
                    # the determinants at this corner and at its three neighbours, and how they change with it
                    at_a = cross(minus(across_ab, a), minus(across_ac, a))
                    at_b = cross(minus(across_bc, b), minus(across_ab, b))
                    at_c = cross(minus(across_ac, c), minus(across_bc, c))
                    values = (dot(a, bc), dot(a, at_a), dot(b, at_b), dot(c, at_c))
                    normals = (_sum(ab, bc, ca), at_a, at_b, at_c)
                    for m in range(4):
                        t, normal = signed * values[m], normals[m]
                        _gather(g, H, normal, barrier * signed / t, barrier * (signed / t) ** 2)
                        tets[count, 0] = t
                        for axis in range(3):
                            tets[count, 1 + axis] = -signed * normal[axis]
                        count += 1
                for axis in range(3):
                    if (stays_x, stays_y, stays_z)[axis]:
                        g[axis], H[axis, :], H[:, axis] = 0.0, 0.0, 0.0
                        H[axis, axis] = 1.0
                step = _downhill(g, H)
                length = 1.0
                for m in range(count):
                    t = tets[m, 0]
                    change = tets[m, 1] * step[0] + tets[m, 2] * step[1] + tets[m, 3] * step[2]
                    if t + length * change < 0.1 * t:
                        length = -0.9 * t / change
                done = False
                for _ in range(5):
                    X[0, k, i, j] = v[0] if stays_x else v[0] + length * step[0]
                    X[1, k, i, j] = v[1] if stays_y else v[1] + length * step[1]
                    X[2, k, i, j] = v[2] if stays_z else v[2] + length * step[2]
                    done = True
                    for octant in range(8):
                        ck, ci, cj = k - octant // 4, i - (octant // 2) % 2, j - octant % 2
                        if done and 0 <= ck < d and 0 <= ci < h and 0 <= cj < w:
                            done = hexahedron(corners_of(X, ck, ci, cj))[1] >= 0.1 * old[octant]
                    if done:
                        moved += 1
                        break
                    length *= 0.5
                if not done:
                    X[0, k, i, j], X[1, k, i, j], X[2, k, i, j] = v
    return moved


@njit("i8(f8[:,:,:,::1],f8[:,:,::1],f8[:,:,:,::1],f8[:,:,:,::1],f8[:,:,::1],b1[:,:,::1],f8)", **OPTIONS)
def hold(X: Array, low: Array, motion: Array, new: Array, share: Array, stale: Mask, cut: float) -> int:
    """Cut the share (D+1, H+1, W+1) of the motion around every stale cell that keeps less than a fifth of its ``low``.

    Moves the corners concerned, marks the cells around as stale in their turn, and returns how many were at fault.
    """
    d, h, w = low.shape
    bad = 0
    faults = stale.copy()
    for k in range(d):
        for i in range(h):
            for j in range(w):
                if not stale[k, i, j]:
                    continue
                faults[k, i, j] = not hexahedron(corners_of(new, k, i, j))[1] >= 0.2 * low[k, i, j]
                if faults[k, i, j]:
                    bad += 1
                    share[k : k + 2, i : i + 2, j : j + 2] *= cut
    stale[:, :, :] = False
    for k in range(d):
        for i in range(h):
            for j in range(w):
                if not faults[k, i, j]:
                    continue
                stale[max(k - 1, 0) : k + 2, max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2] = True
                for axis in range(3):
                    for kk in range(k, k + 2):
                        for ii in range(i, i + 2):
                            for jj in range(j, j + 2):
                                moved = share[kk, ii, jj] * motion[axis, kk, ii, jj]
                                new[axis, kk, ii, jj] = X[axis, kk, ii, jj] + moved
    return bad
