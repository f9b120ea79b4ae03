"""Compiled loops of the diffusion flow in three dimensions, as `flow` has them for two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numba import njit

from latent_widget.cartograms.compilation import OPTIONS
from latent_widget.cartograms.hexes.geometry import INLINE

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

_A3 = "f8[:,:,::1]"
_A4 = "f8[:,:,:,::1]"


@njit(f"void({_A3},f8,f8,f8,f8,f8,{_A3},{_A3},{_A3},i8,i8)", **OPTIONS)
def velocity(
    deviation: Array,
    amount: float,
    mean: float,
    along: float,
    across: float,
    upwards: float,
    u: Array,
    v: Array,
    w: Array,
    first: int,
    last: int,
) -> None:
    """Write -∇ρ'/ρ at the corners, with ρ = mean + amount · ρ' and ρ' mirrored at the walls."""
    depth, height, width = deviation.shape
    for k in range(first, last):
        k0, k1 = max(k - 1, 0), min(k, depth - 1)
        for i in range(height + 1):
            i0, i1 = max(i - 1, 0), min(i, height - 1)
            for j in range(width + 1):
                j0, j1 = max(j - 1, 0), min(j, width - 1)
                a, b = deviation[k0, i0, j0], deviation[k0, i0, j1]
                c, d = deviation[k0, i1, j0], deviation[k0, i1, j1]
                e, f = deviation[k1, i0, j0], deviation[k1, i0, j1]
                g, h = deviation[k1, i1, j0], deviation[k1, i1, j1]
                # summed so that mirrored densities give mirrored velocities
                scale = -0.25 / (mean + amount * 0.125 * (((a + b) + (c + d)) + ((e + f) + (g + h))))
                u[k, i, j] = (((b - a) + (d - c)) + ((f - e) + (h - g))) * scale * along
                v[k, i, j] = (((c - a) + (d - b)) + ((g - e) + (h - f))) * scale * across
                w[k, i, j] = (((e - a) + (f - b)) + ((g - c) + (h - d))) * scale * upwards


@njit(**INLINE)
def _between(f: Array, c: int, b: int, a: int, r: float, q: float, p: float) -> float:
    """Trilinear value in one cell."""
    low = (1 - q) * ((1 - p) * f[c, b, a] + p * f[c, b, a + 1])
    low += q * ((1 - p) * f[c, b + 1, a] + p * f[c, b + 1, a + 1])
    high = (1 - q) * ((1 - p) * f[c + 1, b, a] + p * f[c + 1, b, a + 1])
    high += q * ((1 - p) * f[c + 1, b + 1, a] + p * f[c + 1, b + 1, a + 1])
    return (1 - r) * low + r * high


@njit(f"f8({_A3},{_A3},{_A3},{_A3},{_A3},{_A3},{_A4},{_A4},{_A4},f8,f8,f8,f8,{_A3},{_A3},{_A3},{_A4},i8,i8)", **OPTIONS)
def stage(
    u: Array,
    v: Array,
    w: Array,
    x: Array,
    y: Array,
    z: Array,
    k1: Array,
    k2: Array,
    k3: Array,
    c1: float,
    c2: float,
    c3: float,
    step: float,
    new_x: Array,
    new_y: Array,
    new_z: Array,
    out: Array,
    first: int,
    last: int,
) -> float:
    """Move (x, y, z) by step · (c1 k1 + c2 k2 + c3 k3) and write the trilinear value of (u, v, w) there.

    Returns the largest embedded error of the Bogacki–Shampine pair, which means something at the last stage.
    """
    depth, height, width = u.shape[0] - 1, u.shape[1] - 1, u.shape[2] - 1
    worst = 0.0
    for k in range(first, last):
        for i in range(height + 1):
            for j in range(width + 1):
                px = x[k, i, j] + step * (c1 * k1[0, k, i, j] + c2 * k2[0, k, i, j] + c3 * k3[0, k, i, j])
                py = y[k, i, j] + step * (c1 * k1[1, k, i, j] + c2 * k2[1, k, i, j] + c3 * k3[1, k, i, j])
                pz = z[k, i, j] + step * (c1 * k1[2, k, i, j] + c2 * k2[2, k, i, j] + c3 * k3[2, k, i, j])
                px, py = min(max(px, 0.0), float(width)), min(max(py, 0.0), float(height))
                pz = min(max(pz, 0.0), float(depth))
                a, b, c = min(int(px), width - 1), min(int(py), height - 1), min(int(pz), depth - 1)
                p, q, r = px - a, py - b, pz - c
                du, dv = _between(u, c, b, a, r, q, p), _between(v, c, b, a, r, q, p)
                dw = _between(w, c, b, a, r, q, p)
                new_x[k, i, j], new_y[k, i, j], new_z[k, i, j] = px, py, pz
                out[0, k, i, j], out[1, k, i, j], out[2, k, i, j] = du, dv, dw
                eu = -5.0 * k1[0, k, i, j] + 6.0 * k2[0, k, i, j] + 8.0 * k3[0, k, i, j] - 9.0 * du
                ev = -5.0 * k1[1, k, i, j] + 6.0 * k2[1, k, i, j] + 8.0 * k3[1, k, i, j] - 9.0 * dv
                ew = -5.0 * k1[2, k, i, j] + 6.0 * k2[2, k, i, j] + 8.0 * k3[2, k, i, j] - 9.0 * dw
                worst = max(worst, max(abs(eu), max(abs(ev), abs(ew))))
    return worst * step / 72.0


@njit(**INLINE)
def _weights(s: float) -> tuple[float, float, float, float]:
    """Weights of the cubic convolution (Catmull–Rom) at s between the second and the third of four points."""
    return (
        s * (s * (1.0 - 0.5 * s) - 0.5),
        1.0 + s * s * (1.5 * s - 2.5),
        s * (0.5 + s * (2.0 - 1.5 * s)),
        s * s * (0.5 * s - 0.5),
    )


@njit(f"void({_A3},{_A3},{_A3},{_A3},{_A3},{_A3},f8,f8,f8,i8,i8)", **OPTIONS)
def carry(
    shift_x: Array,
    shift_y: Array,
    shift_z: Array,
    x: Array,
    y: Array,
    z: Array,
    scale_x: float,
    scale_y: float,
    scale_z: float,
    first: int,
    last: int,
) -> None:
    """Move (x, y, z), in place, by a displacement given on a coarser lattice with one ghost layer around.

    The scales are the number of coarse cells per cell. The interpolation is cubic convolution.
    """
    depth, height, width = shift_x.shape[0] - 3, shift_x.shape[1] - 3, shift_x.shape[2] - 3
    for k in range(first, last):
        for i in range(x.shape[1]):
            for j in range(x.shape[2]):
                px = min(max(x[k, i, j] * scale_x, 0.0), float(width))
                py = min(max(y[k, i, j] * scale_y, 0.0), float(height))
                pz = min(max(z[k, i, j] * scale_z, 0.0), float(depth))
                a, b, c = min(int(px), width - 1), min(int(py), height - 1), min(int(pz), depth - 1)
                p, q, r = _weights(px - a), _weights(py - b), _weights(pz - c)
                dx, dy, dz = 0.0, 0.0, 0.0
                for n in range(4):
                    for m in range(4):
                        t = r[n] * q[m]
                        l0, l1, l2, l3 = t * p[0], t * p[1], t * p[2], t * p[3]
                        row_x, row_y, row_z = shift_x[c + n, b + m], shift_y[c + n, b + m], shift_z[c + n, b + m]
                        dx += l0 * row_x[a] + l1 * row_x[a + 1] + l2 * row_x[a + 2] + l3 * row_x[a + 3]
                        dy += l0 * row_y[a] + l1 * row_y[a + 1] + l2 * row_y[a + 2] + l3 * row_y[a + 3]
                        dz += l0 * row_z[a] + l1 * row_z[a + 1] + l2 * row_z[a + 2] + l3 * row_z[a + 3]
                x[k, i, j] = (px + dx) / scale_x
                y[k, i, j] = (py + dy) / scale_y
                z[k, i, j] = (pz + dz) / scale_z
