"""Log-Euclidean interpolation of a metric (Arsigny et al. 2006) by a cubic B-spline, with its derivatives.

``G(u, v) = exp(L(u, v))`` with ``L`` the spline through ``log G`` of the cells, whose coefficients
`solver.interpolation.fit_spline` finds: interpolating the logarithm keeps every tensor positive-definite, however
rough the field is. In two dimensions ``L = t I + S`` with ``S = [[a, b], [b, -a]]``, and with ``r² = a² + b²``
``exp L = e^t (cosh r I + (sinh r / r) S)``. Coordinates are indices.
"""

from __future__ import annotations

import math

import numpy as np

from latent_widget._arrays import Floats
from latent_widget.geodesics.kernels.compilation import kernel, leaf

PAD = 2
"""Ghost coefficients on each side: enough to evaluate anywhere in the outer half cell."""


@leaf
def _locate(coefficients: Floats, u: float, v: float) -> tuple[int, int, float, float]:
    """Row and column before a point, kept to the extent, and the fractions (v, u) of a cell beyond them."""
    height, width = coefficients.shape[0] - 2 * PAD, coefficients.shape[1] - 2 * PAD
    u = min(max(u, -0.5), width - 0.5)
    v = min(max(v, -0.5), height - 0.5)
    j, i = math.floor(u), math.floor(v)
    j, i = min(max(j, -1), width - 1), min(max(i, -1), height - 1)
    return i, j, v - i, u - j


@leaf
def _weights(p: float) -> tuple[float, float, float, float]:
    """Return the four cubic B-splines that are not zero at a fraction p of a cell."""
    q = 1.0 - p
    return (
        q * q * q / 6.0,
        2.0 / 3.0 - p * p * (2.0 - p) * 0.5,
        2.0 / 3.0 - q * q * (2.0 - q) * 0.5,
        p * p * p / 6.0,
    )


@leaf
def _slopes(p: float) -> tuple[float, float, float, float]:
    """Return the first derivatives of the four cubic B-splines at a fraction p of a cell."""
    q = 1.0 - p
    return -0.5 * q * q, p * (1.5 * p - 2.0), q * (2.0 - 1.5 * q), 0.5 * p * p


@leaf
def _bends(p: float) -> tuple[float, float, float, float]:
    """Return the second derivatives of the four cubic B-splines at a fraction p of a cell."""
    q = 1.0 - p
    return q, 3.0 * p - 2.0, 1.0 - 3.0 * p, p


@leaf
def tensor(coefficients: Floats, u: float, v: float) -> tuple[float, float, float]:
    """Interpolated tensor ``(E, F, G)`` at index coordinates (u, v)."""
    i, j, q, p = _locate(coefficients, u, v)
    along_u, along_v = _weights(p), _weights(q)
    t = a = b = 0.0
    for m in range(4):
        for n in range(4):
            weight = along_v[m] * along_u[n]
            t += weight * coefficients[i + m + 1, j + n + 1, 0]
            a += weight * coefficients[i + m + 1, j + n + 1, 1]
            b += weight * coefficients[i + m + 1, j + n + 1, 2]
    r = math.sqrt(a * a + b * b)
    scale = math.exp(t)
    c = math.cosh(r)
    s = math.sinh(r) / r if r > 1e-4 else 1.0 + r * r / 6.0
    return scale * (c + a * s), scale * b * s, scale * (c - a * s)


@leaf
def jet(coefficients: Floats, u: float, v: float, out: Floats) -> None:
    """Tensor with first and second derivatives: ``out`` (6, 3), rows G, G_u, G_v, G_uu, G_uv, G_vv, columns E, F, G."""
    _log_jet(coefficients, u, v, out)
    _exponentiate_jet(out)


@leaf
def _log_jet(coefficients: Floats, u: float, v: float, out: Floats) -> None:
    """Return the spline L with first and second derivatives: ``out`` (6, 3), rows as for `jet`, columns t, a, b."""
    i, j, q, p = _locate(coefficients, u, v)
    values_u, slopes_u, bends_u = _weights(p), _slopes(p), _bends(p)
    values_v, slopes_v, bends_v = _weights(q), _slopes(q), _bends(q)
    for row in range(6):
        out[row, 0] = out[row, 1] = out[row, 2] = 0.0
    for m in range(4):
        for k in range(3):
            value = slope = bend = 0.0
            for n in range(4):
                c = coefficients[i + m + 1, j + n + 1, k]
                value += values_u[n] * c
                slope += slopes_u[n] * c
                bend += bends_u[n] * c
            out[0, k] += values_v[m] * value
            out[1, k] += values_v[m] * slope
            out[2, k] += slopes_v[m] * value
            out[3, k] += values_v[m] * bend
            out[4, k] += slopes_v[m] * slope
            out[5, k] += bends_v[m] * value


@leaf
def _radial_functions(rr: float) -> tuple[float, float, float, float]:
    """Of ``rr = r²``: C = cosh r, s = sinh r / r, k = s' / r = (C - s) / r² and l = k' / r = (s - 3 k) / r².

    With ``n = a da + b db``, half the derivative of r²: ``dC = s n``, ``ds = k n``, ``dk = l n``.
    """
    if rr > 0.01:
        r = math.sqrt(rr)
        c = math.cosh(r)
        s = math.sinh(r) / r
        k = (c - s) / rr
        return c, s, k, (s - 3.0 * k) / rr
    # the differences would cancel
    c = 1.0 + rr / 2.0 * (1.0 + rr / 12.0 * (1.0 + rr / 30.0))
    s = 1.0 + rr / 6.0 * (1.0 + rr / 20.0 * (1.0 + rr / 42.0))
    k = 1.0 / 3.0 * (1.0 + rr / 10.0 * (1.0 + rr / 28.0 * (1.0 + rr / 54.0)))
    return c, s, k, 1.0 / 15.0 * (1.0 + rr / 14.0 * (1.0 + rr / 36.0))


@leaf
def _exponentiate_jet(out: Floats) -> None:
    """Turn L with its derivatives into G = exp L with its own, in place, by the chain rule; (6, 3) as for `jet`.

    Written ``G = e^t M`` with ``M = C I + s S``: ``G_i = e^t (M_i + t_i M)`` and
    ``G_ij = e^t (M_ij + t_i M_j + t_j M_i + (t_ij + t_i t_j) M)``.
    """
    t, a, b = out[0, 0], out[0, 1], out[0, 2]
    c, s, k, el = _radial_functions(a * a + b * b)
    scale = math.exp(t)
    e0, f0, g0 = c + a * s, b * s, c - a * s
    tu, au, bu, tv, av, bv = out[1, 0], out[1, 1], out[1, 2], out[2, 0], out[2, 1], out[2, 2]
    nu, nv = a * au + b * bu, a * av + b * bv
    cu, cv, su, sv = s * nu, s * nv, k * nu, k * nv
    eu, fu, gu = cu + au * s + a * su, bu * s + b * su, cu - au * s - a * su
    ev, fv, gv = cv + av * s + a * sv, bv * s + b * sv, cv - av * s - a * sv
    for row in range(3, 6):
        # the two directions of this second derivative
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


@kernel
def jets(coefficients: Floats, points: Floats) -> Floats:
    """Tensors with their derivatives (n, 6, 3) at points (n, 2) in index coordinates (see `jet`)."""
    out = np.empty((len(points), 6, 3))
    for k in range(len(points)):
        jet(coefficients, points[k, 0], points[k, 1], out[k])
    return out


@leaf
def segment_length(coefficients: Floats, u0: float, v0: float, u1: float, v1: float) -> float:
    """Return the length of a segment in index coordinates.

    Three-point Gauss quadrature of ``sqrt(d^T G d)`` on pieces of at most one cell.
    """
    node = math.sqrt(0.6)
    du, dv = u1 - u0, v1 - v0
    pieces = math.ceil(max(abs(du), abs(dv))) + (1 if du != 0.0 or dv != 0.0 else 0)
    length = 0.0
    for piece in range(pieces):
        for g in range(3):
            along = (piece + 0.5 + 0.5 * (g - 1) * node) / pieces
            e, f, h = tensor(coefficients, u0 + along * du, v0 + along * dv)
            weight = (4.0 if g == 1 else 2.5) / (9.0 * pieces)
            length += weight * math.sqrt(max(e * du * du + 2.0 * f * du * dv + h * dv * dv, 0.0))
    return length


@kernel
def segment_lengths(coefficients: Floats, points: Floats) -> Floats:
    """Lengths (N - 1,) of the segments of a polyline (N, 2) in index coordinates (see `segment_length`)."""
    lengths = np.empty(len(points) - 1)
    for k in range(len(points) - 1):
        lengths[k] = segment_length(coefficients, points[k, 0], points[k, 1], points[k + 1, 0], points[k + 1, 1])
    return lengths


@kernel
def sample(coefficients: Floats, height: int, width: int) -> Floats:
    """Tensors (height, width, 3) with E, F, G at the cell centres of another lattice over the same extent."""
    out = np.empty((height, width, 3))
    rows, columns = coefficients.shape[0] - 2 * PAD, coefficients.shape[1] - 2 * PAD
    for i in range(height):
        for j in range(width):
            u, v = (j + 0.5) * columns / width - 0.5, (i + 0.5) * rows / height - 0.5
            out[i, j, 0], out[i, j, 1], out[i, j, 2] = tensor(coefficients, u, v)
    return out
