"""Compiled loops of the local repair of hexahedra, apart: only a map with thin cells waits for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from latent_widget.maps.cartograms.compilation import compile_helper, compile_inline, compile_loop
from latent_widget.maps.cartograms.hexes.geometry import measure_hexahedron
from latent_widget.maps.cartograms.hexes.vectors import cross, dot, get_corner, get_corners, subtract

if TYPE_CHECKING:
    import numpy as np

    from latent_widget.maps.cartograms.hexes.vectors import Vector

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Mask = np.ndarray[Any, np.dtype[np.bool_]]

# No step of one corner shrinks a determinant below a tenth: it goes at most nine tenths of the way to the nearest
# fold, and is halved so often where the bound of a whole cell would shrink more than that.
KEPT, WAY, TRIES = 0.1, 0.9, 5
# No step of the whole map shrinks a cell's bound below a fifth.
KEPT_BY_ALL = 0.2
# Added to the diagonal of a Hessian, relative to its trace, against round-off.
RIDGE = 1e-12


@compile_helper
def _add_three(a: Vector, b: Vector, c: Vector) -> Vector:
    """Return a + b + c."""
    return a[0] + b[0] + c[0], a[1] + b[1] + c[1], a[2] + b[2] + c[2]


@compile_helper
def _add_derivatives(g: Array, H: Array, n: Vector, slope: float, bend: float) -> None:
    """Add ``slope · n`` to a gradient (3,) and ``bend · n nᵀ`` to a Hessian (3, 3)."""
    for a in range(3):
        g[a] += slope * n[a]
        for b in range(3):
            H[a, b] += bend * n[a] * n[b]


@compile_helper
def _solve_newton(g: Array, H: Array) -> Vector:
    """Return ``-H⁻¹ g`` of a symmetric positive-definite H, a little shifted against round-off."""
    shift = RIDGE * (H[0, 0] + H[1, 1] + H[2, 2])
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


@compile_inline
def _differentiate_octant(
    X: Array,
    v: Vector,
    place: tuple[int, int, int],
    towards: tuple[int, int, int],
    ratio: float,
    per: float,
    barrier: float,
    g: Array,
    H: Array,
    tets: Array,
) -> None:
    """Add what one of the eight cells around a corner v gives to the gradient and the Hessian of `relax_colour`.

    ``towards`` are the signs of the way from the corner, at ``place`` (k, i, j), into the cell; ``ratio`` is the cell's
    volume relative to its target, and ``per`` one over the target. Writes the determinants at the corner and at its
    three neighbours, and how they change with the corner, to ``tets`` (4, 4).
    """
    k, i, j = place
    dk, di, dj = towards
    signed = per * dk * di * dj
    a, b, c = (
        subtract(get_corner(X, k, i, j + dj), v),
        subtract(get_corner(X, k, i + di, j), v),
        subtract(get_corner(X, k + dk, i, j), v),
    )
    across_ab = subtract(get_corner(X, k, i + di, j + dj), v)
    across_ac = subtract(get_corner(X, k + dk, i, j + dj), v)
    across_bc = subtract(get_corner(X, k + dk, i + di, j), v)
    ab, bc, ca = cross(a, b), cross(b, c), cross(c, a)
    n = _add_three(
        _add_three(ab, cross(a, across_ab), cross(across_ab, b)),
        _add_three(bc, cross(b, across_bc), cross(across_bc, c)),
        _add_three(ca, cross(c, across_ac), cross(across_ac, a)),
    )
    fall = -signed / 12.0
    slope, bend = 1.0 - 1.0 / ratio, 1.0 / (ratio * ratio)
    _add_derivatives(g, H, n, slope * fall, bend * fall * fall)
    at_a = cross(subtract(across_ab, a), subtract(across_ac, a))
    at_b = cross(subtract(across_bc, b), subtract(across_ab, b))
    at_c = cross(subtract(across_ac, c), subtract(across_bc, c))
    values = (dot(a, bc), dot(a, at_a), dot(b, at_b), dot(c, at_c))
    normals = (_add_three(ab, bc, ca), at_a, at_b, at_c)
    for m in range(4):
        t, normal = signed * values[m], normals[m]
        _add_derivatives(g, H, normal, barrier * signed / t, barrier * (signed / t) ** 2)
        tets[m, 0] = t
        for axis in range(3):
            tets[m, 1 + axis] = -signed * normal[axis]


@compile_inline
def _limit_length(tets: Array, step: Vector) -> float:
    """Share of a corner's step that leaves every determinant around it a tenth of its value."""
    length = 1.0
    for m in range(len(tets)):
        t = tets[m, 0]
        change = tets[m, 1] * step[0] + tets[m, 2] * step[1] + tets[m, 3] * step[2]
        if t + length * change < KEPT * t:
            length = -WAY * t / change
    return length


@compile_inline
def _are_sound(X: Array, k: int, i: int, j: int, shape: tuple[int, int, int], old: Array) -> bool:
    """Tell whether the cells around a corner keep a tenth of the bounds (8,) that they had."""
    d, h, w = shape
    for octant in range(8):
        ck, ci, cj = k - octant // 4, i - (octant // 2) % 2, j - octant % 2
        if not (0 <= ck < d and 0 <= ci < h and 0 <= cj < w):
            continue
        # written so that a NaN is not sound
        if not measure_hexahedron(get_corners(X, ck, ci, cj))[1] >= KEPT * old[octant]:
            return False
    return True


@compile_loop("i8(f8[:,:,:,::1],f8[:,:,::1],b1[:,:,::1],f8,i8,i8,i8,f8[:,::1])")
def relax_colour(
    X: Array, target: Array, active: Mask, barrier: float, colour: int, first: int, last: int, room: Array
) -> int:
    """Move the active corners (D+1, H+1, W+1) of one of eight colours; return how many moved.

    Each goes one Newton step down ``Σ (a - 1 - log a) - barrier Σ log t`` over the cells around it, a their volumes
    and t the Jacobian determinants at their corners, relative to the cell's target; both are linear in the position
    of the corner. A step that would take nine tenths of a cell's bound is halved, and at last not taken.
    Corners of one colour share no cell. ``room`` (44, 4) is scratch.
    """
    d, h, w = target.shape
    g, H, old, tets = room[0], room[1:4, :3], room[4:12, 0], room[12:44]
    moved = 0
    for k in range(first + (first + colour // 4) % 2, last, 2):
        for i in range((colour // 2) % 2, h + 1, 2):
            for j in range(colour % 2, w + 1, 2):
                stays = (j == 0 or j == w, i == 0 or i == h, k == 0 or k == d)
                if not active[k, i, j] or (stays[0] and stays[1] and stays[2]):
                    continue
                v = get_corner(X, k, i, j)
                g[:], H[:, :] = 0.0, 0.0
                count = 0
                for octant in range(8):
                    dk, di, dj = 1 - 2 * (octant // 4), 1 - 2 * ((octant // 2) % 2), 1 - 2 * (octant % 2)
                    ck, ci, cj = min(k, k + dk), min(i, i + di), min(j, j + dj)
                    if not (0 <= ck < d and 0 <= ci < h and 0 <= cj < w):
                        continue
                    per = 1.0 / target[ck, ci, cj]
                    volume, old[octant] = measure_hexahedron(get_corners(X, ck, ci, cj))
                    some = tets[count : count + 4]
                    _differentiate_octant(X, v, (k, i, j), (dk, di, dj), volume * per, per, barrier, g, H, some)
                    count += 4
                for axis in range(3):
                    if stays[axis]:
                        g[axis], H[axis, :], H[:, axis] = 0.0, 0.0, 0.0
                        H[axis, axis] = 1.0
                step = _solve_newton(g, H)
                length = _limit_length(tets[:count], step)
                done = False
                for _ in range(TRIES):
                    X[0, k, i, j] = v[0] if stays[0] else v[0] + length * step[0]
                    X[1, k, i, j] = v[1] if stays[1] else v[1] + length * step[1]
                    X[2, k, i, j] = v[2] if stays[2] else v[2] + length * step[2]
                    done = _are_sound(X, k, i, j, (d, h, w), old)
                    if done:
                        moved += 1
                        break
                    length *= 0.5
                if not done:
                    X[0, k, i, j], X[1, k, i, j], X[2, k, i, j] = v
    return moved


@compile_loop("i8(f8[:,:,:,::1],f8[:,:,::1],f8[:,:,:,::1],f8[:,:,:,::1],f8[:,:,::1],b1[:,:,::1],f8)")
def cut_shares(X: Array, bound: Array, motion: Array, new: Array, share: Array, stale: Mask, factor: float) -> int:
    """Multiply the share (D+1, H+1, W+1) of the motion around every stale cell that keeps too little of its bound.

    Moves the corners concerned, marks the cells around as stale in their turn, and returns how many were at fault.
    """
    d, h, w = bound.shape
    bad = 0
    faults = stale.copy()
    for k in range(d):
        for i in range(h):
            for j in range(w):
                if not stale[k, i, j]:
                    continue
                # written so that a NaN counts as a fault
                faults[k, i, j] = not measure_hexahedron(get_corners(new, k, i, j))[1] >= KEPT_BY_ALL * bound[k, i, j]
                if faults[k, i, j]:
                    bad += 1
                    share[k : k + 2, i : i + 2, j : j + 2] *= factor
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
