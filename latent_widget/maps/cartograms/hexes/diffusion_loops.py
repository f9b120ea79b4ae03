"""Compiled loops of the diffusion flow in three dimensions: velocities, a Runge-Kutta stage, and coarser lattices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from latent_widget.maps.cartograms.compilation import compile_helper, compile_loop
from latent_widget.maps.cartograms.loops import compute_cubic_weights

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Triple = tuple[Array, Array, Array]


@compile_loop("void(f8[:,:,::1],f8,f8,UniTuple(f8,3),UniTuple(f8[:,:,::1],3),i8,i8)")
def compute_velocity(
    deviation: Array,
    amount: float,
    mean: float,
    scales: tuple[float, float, float],
    velocity: Triple,
    first: int,
    last: int,
) -> None:
    """Write -∇ρ'/ρ at some layers of corners, with ρ = mean + amount · ρ' and ρ' (D, H, W) mirrored at the walls."""
    u, v, w = velocity
    along, across, upwards = scales
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


@compile_helper
def _interpolate(f: Array, c: int, b: int, a: int, r: float, q: float, p: float) -> float:
    """Trilinear value in one cell, at p, q, r along x, y, z."""
    low: float = (1 - q) * ((1 - p) * f[c, b, a] + p * f[c, b, a + 1])
    low += q * ((1 - p) * f[c, b + 1, a] + p * f[c, b + 1, a + 1])
    high: float = (1 - q) * ((1 - p) * f[c + 1, b, a] + p * f[c + 1, b, a + 1])
    high += q * ((1 - p) * f[c + 1, b + 1, a] + p * f[c + 1, b + 1, a + 1])
    return (1 - r) * low + r * high


@compile_loop(
    "f8(UniTuple(f8[:,:,::1],3),UniTuple(f8[:,:,::1],3),f8[:,:,:,::1],f8[:,:,:,::1],f8[:,:,:,::1],"
    "UniTuple(f8,3),f8,UniTuple(f8[:,:,::1],3),f8[:,:,:,::1],i8,i8)"
)
def compute_stage(
    velocity: Triple,
    points: Triple,
    k1: Array,
    k2: Array,
    k3: Array,
    weights: tuple[float, float, float],
    step: float,
    new: Triple,
    out: Array,
    first: int,
    last: int,
) -> float:
    """Move points by step · Σ weight · k to ``new``, and write the trilinear value of the velocity there to ``out``.

    Returns the largest embedded error of the Bogacki-Shampine pair, which means something at the last stage.
    """
    (u, v, w), (x, y, z), (new_x, new_y, new_z) = velocity, points, new
    c1, c2, c3 = weights
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
                du, dv = _interpolate(u, c, b, a, r, q, p), _interpolate(v, c, b, a, r, q, p)
                dw = _interpolate(w, c, b, a, r, q, p)
                new_x[k, i, j], new_y[k, i, j], new_z[k, i, j] = px, py, pz
                out[0, k, i, j], out[1, k, i, j], out[2, k, i, j] = du, dv, dw
                eu = -5.0 * k1[0, k, i, j] + 6.0 * k2[0, k, i, j] + 8.0 * k3[0, k, i, j] - 9.0 * du
                ev = -5.0 * k1[1, k, i, j] + 6.0 * k2[1, k, i, j] + 8.0 * k3[1, k, i, j] - 9.0 * dv
                ew = -5.0 * k1[2, k, i, j] + 6.0 * k2[2, k, i, j] + 8.0 * k3[2, k, i, j] - 9.0 * dw
                worst = max(worst, max(abs(eu), max(abs(ev), abs(ew))))
    return worst * step / 72.0


@compile_loop("void(UniTuple(f8[:,:,::1],3),UniTuple(f8[:,:,::1],3),UniTuple(f8,3),i8,i8)")
def add_coarse_displacement(
    shift: Triple, points: Triple, scales: tuple[float, float, float], first: int, last: int
) -> None:
    """Move some layers of points, in place, by a displacement given on a coarser lattice with one ghost layer around.

    ``scales`` are the numbers of coarse cells per cell. The interpolation is cubic convolution (Catmull-Rom).
    """
    (shift_x, shift_y, shift_z), (x, y, z) = shift, points
    scale_x, scale_y, scale_z = scales
    depth, height, width = shift_x.shape[0] - 3, shift_x.shape[1] - 3, shift_x.shape[2] - 3
    for k in range(first, last):
        for i in range(x.shape[1]):
            for j in range(x.shape[2]):
                px = min(max(x[k, i, j] * scale_x, 0.0), float(width))
                py = min(max(y[k, i, j] * scale_y, 0.0), float(height))
                pz = min(max(z[k, i, j] * scale_z, 0.0), float(depth))
                a, b, c = min(int(px), width - 1), min(int(py), height - 1), min(int(pz), depth - 1)
                p, q, r = compute_cubic_weights(px - a), compute_cubic_weights(py - b), compute_cubic_weights(pz - c)
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
