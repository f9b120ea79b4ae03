"""The diffusion flow of Gastner and Newman [2]: density evens out and carries the lattice along."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit
from scipy import fft

from latent_widget.mesh import OPTIONS

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]


@njit("void(f8[:,::1],f8,f8,f8,f8,f8[:,::1],f8[:,::1])", **OPTIONS)
def _velocity(
    deviation: Array, amount: float, mean: float, along: float, across: float, u: Array, v: Array
) -> None:
    """Write -∇ρ'/ρ at the corners, with ρ = mean + amount · ρ' and ρ' mirrored at the walls."""
    h, w = deviation.shape
    for i in range(h + 1):
        low, high = max(i - 1, 0), min(i, h - 1)
        for j in range(w + 1):
            left, right = max(j - 1, 0), min(j, w - 1)
            a, b = deviation[low, left], deviation[low, right]
            c, d = deviation[high, left], deviation[high, right]
            scale = -0.5 / (mean + amount * 0.25 * (a + b + c + d))
            u[i, j] = ((b - a) + (d - c)) * scale * along
            v[i, j] = ((c - a) + (d - b)) * scale * across


@njit("void(f8[:,::1],f8[:,::1],f8[:,::1],f8[:,::1],f8[:,::1],f8[:,::1],f8,f8[:,::1],f8[:,::1])", **OPTIONS)
def _follow(
    u: Array, v: Array, x: Array, y: Array, ku: Array, kv: Array, step: float, out_u: Array, out_v: Array
) -> None:
    """Write the bilinear value of (u, v) at the lattice coordinates (x, y) + step · (ku, kv)."""
    h, w = u.shape[0] - 1, u.shape[1] - 1
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            px = min(max(x[i, j] + step * ku[i, j], 0.0), float(w))
            py = min(max(y[i, j] + step * kv[i, j], 0.0), float(h))
            a, b = min(int(px), w - 1), min(int(py), h - 1)
            s, t = px - a, py - b
            k00, k01, k10, k11 = (1 - s) * (1 - t), s * (1 - t), (1 - s) * t, s * t
            out_u[i, j] = k00 * u[b, a] + k01 * u[b, a + 1] + k10 * u[b + 1, a] + k11 * u[b + 1, a + 1]
            out_v[i, j] = k00 * v[b, a] + k01 * v[b, a + 1] + k10 * v[b + 1, a] + k11 * v[b + 1, a + 1]


def rates(n: int, spacing: float) -> Array:
    """Decay rates ``4 sin²(πk/2n) / spacing²`` of the discrete heat equation on n closed cells, (n,).

    The discrete symbol keeps a blurred density positive; the continuous one rings.
    """
    return np.asarray((2.0 * np.sin(np.pi * np.arange(n) / (2 * n)) / spacing) ** 2)


def diffuse(
    density: Array, dx: float, dy: float, blur: float = 0.0, tolerance: float = 0.05, workers: int = 1
) -> tuple[Array, Array, int]:
    """Carry the corners of the lattice along ``dX/dt = -∇ρ/ρ`` while ρ (H, W) diffuses from t = blur to ∞.

    Time runs in ``s = 1 - exp(-λt)``, λ the slowest decay rate, so that the end is reached exactly at s = 1.
    Steps are the third-order pair of Bogacki and Shampine, ``tolerance`` their error in cells. Returns the
    corners x, y (H+1, W+1) in the units of dx and dy, and the number of steps. Source: [2].
    """
    h, w = density.shape
    rate_x, rate_y = rates(w, dx), rates(h, dy)
    slowest = min(rate_x[1], rate_y[1])
    spectrum = fft.dctn(density, workers=workers)
    mean = float(density.mean())
    if blur > 0.0:
        spectrum *= np.exp(-blur * rate_x) * np.exp(-blur * rate_y)[:, None]
    spectrum[0, 0] = 0.0
    power_x, power_y = rate_x / slowest, rate_y / slowest
    u, v = np.empty((h + 1, w + 1)), np.empty((h + 1, w + 1))

    def evaluate(s: float) -> None:
        left = 1.0 - s
        # one factor of (1 - s) cancels against ds = λ (1 - s) dt
        if left > 0.0:
            modes = spectrum * (left**power_y / left)[:, None]
            modes *= left**power_x
        else:
            modes = spectrum * (np.abs(power_y[:, None] + power_x - 1.0) < 1e-9)
        deviation = fft.idctn(modes, overwrite_x=True, workers=workers)
        _velocity(deviation, left, mean, 1.0 / (slowest * dx * dx), 1.0 / (slowest * dy * dy), u, v)

    y, x = np.mgrid[0 : h + 1, 0 : w + 1].astype(np.float64)
    evaluate(0.0)
    k1 = (u.copy(), v.copy())
    k2, k3, k4 = ((np.empty_like(u), np.empty_like(u)) for _ in range(3))
    fastest = float(np.sqrt((u * u + v * v).max()))
    step = min(0.5, max(0.5, blur) / max(fastest, 1e-300))
    s, steps = 0.0, 0
    while s < 1.0:
        step = min(step, 1.0 - s)
        end = 1.0 if step >= (1.0 - s) * (1.0 - 1e-9) else s + step
        evaluate(s + 0.5 * step)
        _follow(u, v, x, y, *k1, 0.5 * step, *k2)
        evaluate(s + 0.75 * step)
        _follow(u, v, x, y, *k2, 0.75 * step, *k3)
        new = [
            z + step / 9.0 * (2.0 * a + 3.0 * b + 4.0 * c)
            for z, a, b, c in zip((x, y), k1, k2, k3, strict=True)
        ]
        evaluate(end)
        _follow(u, v, new[0], new[1], *k1, 0.0, *k4)
        error = max(
            float(np.abs(-5.0 * a + 6.0 * b + 8.0 * c - 9.0 * d).max())
            for a, b, c, d in zip(k1, k2, k3, k4, strict=True)
        )
        error *= step / 72.0 / tolerance
        if error <= 1.0:
            x, y = new
            s, steps = end, steps + 1
            k1, k4 = k4, k1
        step *= min(5.0, max(0.2, 0.9 * max(error, 1e-9) ** (-1.0 / 3.0)))
    return x * dx, y * dy, steps
