"""A smooth metric tensor between the cells: the cubic B-spline of the field's matrix logarithm.

Interpolating the logarithm keeps every interpolated tensor positive-definite, however rough the field is:
``G(u, v) = exp(L(u, v))`` with ``L`` the spline through ``log G`` of the cells. The kernels work in index
coordinates ``u = (x - x0) / dx - 1/2``, ``v = (y - y0) / dy - 1/2``, in which cell centres are integers and
the edges of the extent lie half a cell outside the outer centres; lengths do not depend on that choice.

The outer half cell is extrapolated with a spline whose third difference vanishes (a quadratic in the
logarithm).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.linalg import solve_banded

from latent_widget._arrays import Floats
from latent_widget._field import ROUND_OFF

Ints = NDArray[np.signedinteger[Any]]
Mask = NDArray[np.bool_]

KERNEL: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}
"""How every kernel of the geodesics is compiled; without the GIL, so that threads share the work."""

LEAF: dict[str, Any] = {**KERNEL, "_nrt": False}
"""The same for what is called in loops and neither allocates nor returns an array.

Numba's own option `_nrt` (it is undocumented) leaves out the counting of references to the arrays that are handed over,
which takes as long as the arithmetic (numba issue 2350).
"""

PAD = 2  # ghost coefficients on each side: enough to evaluate anywhere in the outer half cell
STEEPEST = 1.0  # largest change of log G per cell that extrapolation follows beyond the outer centres


def log_tensors(metric: Floats) -> Floats:
    """Matrix logarithm of symmetric positive-definite tensors.

    Args:
        metric: (H, W, 2, 2).

    Returns:
        (H, W, 3) with ``t, a, b``: ``log G = t I + [[a, b], [b, -a]]``.

    """
    e, f, g = metric[..., 0, 0], 0.5 * (metric[..., 0, 1] + metric[..., 1, 0]), metric[..., 1, 1]
    half, mean = 0.5 * (e - g), 0.5 * (e + g)
    radius = np.hypot(half, f)
    high = mean + radius
    # the determinant over the large eigenvalue avoids the cancellation of mean - radius
    low = np.maximum((e * g - f * f) / high, ROUND_OFF * high)
    log_high, log_low = np.log(high), np.log(low)
    spread = 0.5 * (log_high - log_low)
    safe = np.where(radius > 0.0, radius, 1.0)
    return np.stack([0.5 * (log_high + log_low), spread * half / safe, spread * f / safe], axis=-1)


def _prefilter(values: Floats) -> Floats:
    """B-spline coefficients along axis 0, with PAD ghost coefficients on each side.

    The end condition, a vanishing third difference of the coefficients, reduces the first equation to
    ``c0 - c1 = f0 - f1``, so that the system stays tridiagonal.
    """
    n = len(values)
    flat = values.reshape(n, -1)
    if n < 3:
        coefficients = flat
    else:
        bands = np.empty((3, n))
        bands[0], bands[1], bands[2] = 1.0 / 6.0, 4.0 / 6.0, 1.0 / 6.0
        bands[1, 0], bands[0, 1] = 1.0, -1.0
        bands[1, -1], bands[2, -2] = 1.0, -1.0
        right = flat.copy()
        right[0] = flat[0] - flat[1]
        right[-1] = flat[-1] - flat[-2]
        coefficients = solve_banded((1, 1), bands, right, overwrite_b=True, check_finite=False)
    padded = np.empty((n + 2 * PAD, flat.shape[1]))
    padded[PAD:-PAD] = coefficients
    for step in range(PAD):
        for ghost, inward in ((PAD - 1 - step, 1), (n + PAD + step, -1)):
            near = padded[ghost + inward]
            change = near - padded[ghost + 2 * inward] if n > 1 else np.zeros_like(near)
            if n > 2:
                change = 2.0 * change - (padded[ghost + 2 * inward] - padded[ghost + 3 * inward])
            padded[ghost] = near + np.clip(change, -STEEPEST, STEEPEST)
    return padded.reshape((n + 2 * PAD, *values.shape[1:]))


def spline(metric: Floats) -> Floats:
    """Coefficients of the cubic B-spline of ``log G`` for a metric (H, W, 2, 2) in index coordinates.

    Returns:
        (H + 4, W + 4, 3), contiguous; what the kernels below take.

    """
    rows = _prefilter(log_tensors(metric))
    return np.ascontiguousarray(_prefilter(rows.swapaxes(0, 1)).swapaxes(0, 1))


@njit(**LEAF)
def _locate(coefficients: Floats, u: float, v: float) -> tuple[int, int, float, float]:
    height, width = coefficients.shape[0] - 2 * PAD, coefficients.shape[1] - 2 * PAD
    u = min(max(u, -0.5), width - 0.5)
    v = min(max(v, -0.5), height - 0.5)
    j, i = math.floor(u), math.floor(v)
    j, i = min(max(j, -1), width - 1), min(max(i, -1), height - 1)
    return i, j, v - i, u - j


@njit(**LEAF)
def tensor(coefficients: Floats, u: float, v: float) -> tuple[float, float, float]:
    """Interpolated tensor ``(E, F, G)`` at index coordinates (u, v)."""
    i, j, q, p = _locate(coefficients, u, v)
    p1, q1 = 1.0 - p, 1.0 - q
    wx = (
        p1 * p1 * p1 / 6.0,
        2.0 / 3.0 - p * p * (2.0 - p) * 0.5,
        2.0 / 3.0 - p1 * p1 * (2.0 - p1) * 0.5,
        p * p * p / 6.0,
    )
    wy = (
        q1 * q1 * q1 / 6.0,
        2.0 / 3.0 - q * q * (2.0 - q) * 0.5,
        2.0 / 3.0 - q1 * q1 * (2.0 - q1) * 0.5,
        q * q * q / 6.0,
    )
    t = a = b = 0.0
    for m in range(4):
        for n in range(4):
            weight = wy[m] * wx[n]
            t += weight * coefficients[i + m + 1, j + n + 1, 0]
            a += weight * coefficients[i + m + 1, j + n + 1, 1]
            b += weight * coefficients[i + m + 1, j + n + 1, 2]
    r = math.sqrt(a * a + b * b)
    scale = math.exp(t)
    c = math.cosh(r)
    s = math.sinh(r) / r if r > 1e-4 else 1.0 + r * r / 6.0
    return scale * (c + a * s), scale * b * s, scale * (c - a * s)


@njit(**LEAF)
def jet(coefficients: Floats, u: float, v: float, out: Floats) -> None:
    """Tensor with first and second derivatives: ``out`` (6, 3), rows G, G_u, G_v, G_uu, G_uv, G_vv, columns
    E, F, G.
    """
    i, j, q, p = _locate(coefficients, u, v)
    p1, q1 = 1.0 - p, 1.0 - q
    wx = (
        p1 * p1 * p1 / 6.0,
        2.0 / 3.0 - p * p * (2.0 - p) * 0.5,
        2.0 / 3.0 - p1 * p1 * (2.0 - p1) * 0.5,
        p * p * p / 6.0,
    )
    wy = (
        q1 * q1 * q1 / 6.0,
        2.0 / 3.0 - q * q * (2.0 - q) * 0.5,
        2.0 / 3.0 - q1 * q1 * (2.0 - q1) * 0.5,
        q * q * q / 6.0,
    )
    dx = (-0.5 * p1 * p1, p * (1.5 * p - 2.0), p1 * (2.0 - 1.5 * p1), 0.5 * p * p)
    dy = (-0.5 * q1 * q1, q * (1.5 * q - 2.0), q1 * (2.0 - 1.5 * q1), 0.5 * q * q)
    hx = (p1, 3.0 * p - 2.0, 1.0 - 3.0 * p, p)
    hy = (q1, 3.0 * q - 2.0, 1.0 - 3.0 * q, q)
    for row in range(6):
        out[row, 0] = out[row, 1] = out[row, 2] = 0.0
    for m in range(4):
        for k in range(3):
            value = slope = bend = 0.0
            for n in range(4):
                c = coefficients[i + m + 1, j + n + 1, k]
                value += wx[n] * c
                slope += dx[n] * c
                bend += hx[n] * c
            out[0, k] += wy[m] * value
            out[1, k] += wy[m] * slope
            out[2, k] += dy[m] * value
            out[3, k] += wy[m] * bend
            out[4, k] += dy[m] * slope
            out[5, k] += hy[m] * value
    # exp(t I + S) = e^t (C I + s S) with S = [[a, b], [b, -a]], r^2 = a^2 + b^2, C = cosh r, s = sinh r / r;
    # dC = s (a da + b db), ds = k (a da + b db), dk = l (a da + b db)
    t, a, b = out[0, 0], out[0, 1], out[0, 2]
    rr = a * a + b * b
    if rr > 0.01:
        r = math.sqrt(rr)
        c = math.cosh(r)
        s = math.sinh(r) / r
        k = (c - s) / rr
        el = (s - 3.0 * k) / rr
    else:
        c = 1.0 + rr / 2.0 * (1.0 + rr / 12.0 * (1.0 + rr / 30.0))
        s = 1.0 + rr / 6.0 * (1.0 + rr / 20.0 * (1.0 + rr / 42.0))
        k = 1.0 / 3.0 * (1.0 + rr / 10.0 * (1.0 + rr / 28.0 * (1.0 + rr / 54.0)))
        el = 1.0 / 15.0 * (1.0 + rr / 14.0 * (1.0 + rr / 36.0))
    scale = math.exp(t)
    tu, au, bu, tv, av, bv = out[1, 0], out[1, 1], out[1, 2], out[2, 0], out[2, 1], out[2, 2]
    nu, nv = a * au + b * bu, a * av + b * bv
    e0, f0, g0 = c + a * s, b * s, c - a * s
    cu, cv, su, sv = s * nu, s * nv, k * nu, k * nv
    eu, fu, gu = cu + au * s + a * su, bu * s + b * su, cu - au * s - a * su
    ev, fv, gv = cv + av * s + a * sv, bv * s + b * sv, cv - av * s - a * sv
    for row in range(3, 6):
        if row == 3:
            t1, t2, a1, a2, b1, b2, n1, n2 = tu, tu, au, au, bu, bu, nu, nu
            e1, f1, g1, e2, f2, g2 = eu, fu, gu, eu, fu, gu
        elif row == 4:
            t1, t2, a1, a2, b1, b2, n1, n2 = tu, tv, au, av, bu, bv, nu, nv
            e1, f1, g1, e2, f2, g2 = eu, fu, gu, ev, fv, gv
        else:
            t1, t2, a1, a2, b1, b2, n1, n2 = tv, tv, av, av, bv, bv, nv, nv
            e1, f1, g1, e2, f2, g2 = ev, fv, gv, ev, fv, gv
        t12, a12, b12 = out[row, 0], out[row, 1], out[row, 2]
        n12 = a1 * a2 + b1 * b2 + a * a12 + b * b12
        c12 = k * n1 * n2 + s * n12
        s12 = el * n1 * n2 + k * n12
        skew = a12 * s + k * (a1 * n2 + a2 * n1) + a * s12
        cross = b12 * s + k * (b1 * n2 + b2 * n1) + b * s12
        tt = t12 + t1 * t2
        out[row, 0] = scale * (c12 + skew + t1 * e2 + t2 * e1 + tt * e0)
        out[row, 1] = scale * (cross + t1 * f2 + t2 * f1 + tt * f0)
        out[row, 2] = scale * (c12 - skew + t1 * g2 + t2 * g1 + tt * g0)
    out[0, 0], out[0, 1], out[0, 2] = scale * e0, scale * f0, scale * g0
    out[1, 0], out[1, 1], out[1, 2] = scale * (eu + tu * e0), scale * (fu + tu * f0), scale * (gu + tu * g0)
    out[2, 0], out[2, 1], out[2, 2] = scale * (ev + tv * e0), scale * (fv + tv * f0), scale * (gv + tv * g0)


@njit(**KERNEL)
def segment_lengths(coefficients: Floats, points: Floats) -> Floats:
    """Lengths (N - 1,) of the segments of a polyline (N, 2) in index coordinates.

    Three-point Gauss quadrature of ``sqrt(d^T G d)`` on pieces of at most one cell.
    """
    lengths = np.zeros(len(points) - 1)
    node = math.sqrt(0.6)
    for s in range(len(points) - 1):
        du, dv = points[s + 1, 0] - points[s, 0], points[s + 1, 1] - points[s, 1]
        pieces = math.ceil(max(abs(du), abs(dv))) + (1 if du != 0.0 or dv != 0.0 else 0)
        for piece in range(pieces):
            for g in range(3):
                along = (piece + 0.5 + 0.5 * (g - 1) * node) / pieces
                e, f, h = tensor(coefficients, points[s, 0] + along * du, points[s, 1] + along * dv)
                weight = (4.0 if g == 1 else 2.5) / (9.0 * pieces)
                lengths[s] += weight * math.sqrt(max(e * du * du + 2.0 * f * du * dv + h * dv * dv, 0.0))
    return lengths


@njit(**KERNEL)
def sample(coefficients: Floats, height: int, width: int) -> Floats:
    """Tensors (height, width, 3) with E, F, G at the cell centres of another lattice over the same extent."""
    out = np.empty((height, width, 3))
    rows, columns = coefficients.shape[0] - 2 * PAD, coefficients.shape[1] - 2 * PAD
    for i in range(height):
        for j in range(width):
            u, v = (j + 0.5) * columns / width - 0.5, (i + 0.5) * rows / height - 0.5
            out[i, j, 0], out[i, j, 1], out[i, j, 2] = tensor(coefficients, u, v)
    return out
