"""Compiled loops of the diffusion flow in two dimensions: velocities, a Runge-Kutta stage, and coarser lattices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from latent_widget.maps.cartograms.compilation import compile_loop
from latent_widget.maps.cartograms.loops import compute_cubic_weights

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Pair = tuple[Array, Array]


@compile_loop("void(f8[:,::1],f8,f8,UniTuple(f8,2),UniTuple(f8[:,::1],2),i8,i8)")
def compute_velocity(
    deviation: Array, amount: float, mean: float, scales: tuple[float, float], velocity: Pair, first: int, last: int
) -> None:
    """Write -∇ρ'/ρ at some rows of corners, with ρ = mean + amount · ρ' and ρ' (H, W) mirrored at the walls."""
    h, w = deviation.shape
    u, v = velocity
    along, across = scales
    for i in range(first, last):
        low, high = max(i - 1, 0), min(i, h - 1)
        for j in range(w + 1):
            left, right = max(j - 1, 0), min(j, w - 1)
            a, b = deviation[low, left], deviation[low, right]
            c, d = deviation[high, left], deviation[high, right]
            scale = -0.5 / (mean + amount * 0.25 * (a + b + c + d))
            u[i, j] = ((b - a) + (d - c)) * scale * along
            v[i, j] = ((c - a) + (d - b)) * scale * across


@compile_loop(
    "f8(UniTuple(f8[:,::1],2),UniTuple(f8[:,::1],2),f8[:,:,::1],f8[:,:,::1],f8[:,:,::1],"
    "UniTuple(f8,3),f8,UniTuple(f8[:,::1],2),f8[:,:,::1],i8,i8)"
)
def compute_stage(
    velocity: Pair,
    points: Pair,
    k1: Array,
    k2: Array,
    k3: Array,
    weights: tuple[float, float, float],
    step: float,
    new: Pair,
    out: Array,
    first: int,
    last: int,
) -> float:
    """Move points by step · Σ weight · k to ``new``, and write the bilinear value of the velocity there to ``out``.

    Returns the largest embedded error of the Bogacki-Shampine pair, which means something at the last stage.
    """
    (u, v), (x, y), (new_x, new_y) = velocity, points, new
    c1, c2, c3 = weights
    h, w = u.shape[0] - 1, u.shape[1] - 1
    worst = 0.0
    for i in range(first, last):
        for j in range(x.shape[1]):
            px = x[i, j] + step * (c1 * k1[0, i, j] + c2 * k2[0, i, j] + c3 * k3[0, i, j])
            py = y[i, j] + step * (c1 * k1[1, i, j] + c2 * k2[1, i, j] + c3 * k3[1, i, j])
            px, py = min(max(px, 0.0), float(w)), min(max(py, 0.0), float(h))
            a, b = min(int(px), w - 1), min(int(py), h - 1)
            s, t = px - a, py - b
            k00, k01, k10, k11 = (1 - s) * (1 - t), s * (1 - t), (1 - s) * t, s * t
            du = k00 * u[b, a] + k01 * u[b, a + 1] + k10 * u[b + 1, a] + k11 * u[b + 1, a + 1]
            dv = k00 * v[b, a] + k01 * v[b, a + 1] + k10 * v[b + 1, a] + k11 * v[b + 1, a + 1]
            new_x[i, j], new_y[i, j] = px, py
            out[0, i, j], out[1, i, j] = du, dv
            eu = -5.0 * k1[0, i, j] + 6.0 * k2[0, i, j] + 8.0 * k3[0, i, j] - 9.0 * du
            ev = -5.0 * k1[1, i, j] + 6.0 * k2[1, i, j] + 8.0 * k3[1, i, j] - 9.0 * dv
            worst = max(worst, max(abs(eu), abs(ev)))
    return worst * step / 72.0


@compile_loop("void(UniTuple(f8[:,::1],2),UniTuple(f8[:,::1],2),UniTuple(f8,2),i8,i8)")
def add_coarse_displacement(shift: Pair, points: Pair, scales: tuple[float, float], first: int, last: int) -> None:
    """Move some rows of points, in place, by a displacement given on a coarser lattice with one ghost row around.

    ``scales`` are the numbers of coarse cells per cell. The interpolation is cubic convolution (Catmull-Rom).
    """
    (shift_x, shift_y), (x, y) = shift, points
    scale_x, scale_y = scales
    h, w = shift_x.shape[0] - 3, shift_x.shape[1] - 3
    for i in range(first, last):
        for j in range(x.shape[1]):
            px, py = min(max(x[i, j] * scale_x, 0.0), float(w)), min(max(y[i, j] * scale_y, 0.0), float(h))
            a, b = min(int(px), w - 1), min(int(py), h - 1)
            s, t = px - a, py - b
            p0, p1, p2, p3 = compute_cubic_weights(s)
            q = compute_cubic_weights(t)
            du, dv = 0.0, 0.0
            for n in range(4):
                m = b + n
                ru = p0 * shift_x[m, a] + p1 * shift_x[m, a + 1] + p2 * shift_x[m, a + 2] + p3 * shift_x[m, a + 3]
                rv = p0 * shift_y[m, a] + p1 * shift_y[m, a + 1] + p2 * shift_y[m, a + 2] + p3 * shift_y[m, a + 3]
                du += q[n] * ru
                dv += q[n] * rv
            x[i, j] = (px + du) / scale_x
            y[i, j] = (py + dv) / scale_y
