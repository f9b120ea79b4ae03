"""The energy density of one triangle, a function of the singular values of its map, with gradient and Hessian.

With the logarithms s and d of the product and of the ratio of the singular values σ₁ ≥ σ₂ > 0::

    ψ = 4 (cosh d)ᵖ (cosh s)^q,    p = 2 − 2 a,    q = 2 a

the first factor grows with what happens to angles, the second with what happens to areas; a = ½ is the symmetric
Dirichlet energy (1 + det⁻²) ‖F‖² (Smith and Schaefer 2015, [12]), 4 for an isometry and infinite for a fold. The
Hessian is diagonal but for a block of two in the four modes of a 2 × 2 matrix (Smith, De Goes and Kim 2019, [14]): a
rotation R and a reflection S, which scale, a twist and a flip. Negative eigenvalues are left out, so that every step of
Newton's method descends.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from latent_widget.maps.cartograms.compilation import compile_helper

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

# Below this ratio of the reflection to the rotation both singular values count as equal: round-off.
ROUND = 1e-7


@compile_helper
def compute_density(square: float, det: float, p: float, q: float) -> float:
    """Density of a map of squared Frobenius norm `square` and determinant `det` > 0."""
    if p == 1.0 and q == 1.0:
        return square * (1.0 + 1.0 / (det * det))
    density: float = 4.0 * (0.5 * square / det) ** p * (0.5 * (det + 1.0 / det)) ** q
    return density


@compile_helper
def differentiate(s1: float, s2: float, p: float, q: float) -> tuple[float, float, float, float, float, float]:
    """Density, its first derivatives by σ₁ and σ₂, and its second ones: 11, 12, 22."""
    ratio, det = s1 / s2, s1 * s2
    cosh_d, cosh_s = 0.5 * (ratio + 1.0 / ratio), 0.5 * (det + 1.0 / det)
    psi = 4.0 * cosh_d * cosh_s if p == 1.0 and q == 1.0 else 4.0 * cosh_d**p * cosh_s**q
    tanh_d, tanh_s = 0.5 * (ratio - 1.0 / ratio) / cosh_d, 0.5 * (det - 1.0 / det) / cosh_s
    by_d, by_s = psi * p * tanh_d, psi * q * tanh_s
    by_dd = psi * p * (1.0 + (p - 1.0) * tanh_d * tanh_d)
    by_ss = psi * q * (1.0 + (q - 1.0) * tanh_s * tanh_s)
    by_sd = psi * p * q * tanh_d * tanh_s
    # from the logarithms of σ₁ and σ₂, whose sum is s and whose difference is d, to σ₁ and σ₂
    by_1, by_2 = by_s + by_d, by_s - by_d
    second_11 = (by_ss + 2.0 * by_sd + by_dd - by_1) / (s1 * s1)
    second_22 = (by_ss - 2.0 * by_sd + by_dd - by_2) / (s2 * s2)
    return psi, by_1 / s1, by_2 / s2, second_11, (by_ss - by_dd) / (s1 * s2), second_22


@compile_helper
def linearise(f11: float, f21: float, f12: float, f22: float, p: float, q: float, terms: Array) -> float:
    """Write the gradient and the four modes of the Hessian, each times the root of its eigenvalue; return the density.

    `terms` is (5, 4), each row a matrix in the order 11, 21, 12, 22: the Hessian is the sum of the squares of rows 1 to
    4.
    """
    # F is a rotation times `whole` and a reflection times `half`, the singular values their sum and difference
    e, f, g, h = 0.5 * (f11 + f22), 0.5 * (f11 - f22), 0.5 * (f21 + f12), 0.5 * (f21 - f12)
    whole, half = math.sqrt(e * e + h * h), math.sqrt(f * f + g * g)
    s1 = whole + half
    s2 = (f11 * f22 - f12 * f21) / s1
    cr, sr = e / whole, h / whole
    cs, ss = 1.0, 0.0
    if half > 0.0:
        cs, ss = f / half, g / half
    psi, d1, d2, h11, h12, h22 = differentiate(s1, s2, p, q)
    mean, difference = 0.5 * (d1 + d2), 0.5 * (d1 - d2)
    terms[0, 0], terms[0, 1] = mean * cr + difference * cs, mean * sr + difference * ss
    terms[0, 2], terms[0, 3] = -mean * sr + difference * ss, mean * cr - difference * cs
    twist = 2.0 * mean / (s1 + s2)
    flip = h11 - h12 if half <= ROUND * whole else 2.0 * difference / (s1 - s2)
    _write_scale(h11, h12, h22, cr, sr, cs, ss, terms)
    t, u = math.sqrt(0.5 * max(twist, 0.0)), math.sqrt(0.5 * max(flip, 0.0))
    terms[3, 0], terms[3, 1], terms[3, 2], terms[3, 3] = -t * sr, t * cr, -t * cr, -t * sr
    terms[4, 0], terms[4, 1], terms[4, 2], terms[4, 3] = -u * ss, u * cs, u * cs, u * ss
    return psi


@compile_helper
def _write_scale(h11: float, h12: float, h22: float, cr: float, sr: float, cs: float, ss: float, terms: Array) -> None:
    """Write the two modes of the block of σ₁ and σ₂ into rows 1 and 2, in the basis of rotation and reflection."""
    rr, rs = 0.5 * (h11 + 2.0 * h12 + h22), 0.5 * (h11 - h22)
    reflection = 0.5 * (h11 - 2.0 * h12 + h22)
    centre, half = 0.5 * (rr + reflection), 0.5 * (rr - reflection)
    radius = math.sqrt(half * half + rs * rs)
    # half the angle of the first eigenvector
    c = math.sqrt(0.5 * (1.0 + half / radius)) if radius > 0.0 else 1.0
    s = math.sqrt(max(1.0 - c * c, 0.0))
    if rs < 0.0:
        s = -s
    a, b = math.sqrt(0.5 * max(centre + radius, 0.0)), math.sqrt(0.5 * max(centre - radius, 0.0))
    ac, as_, bc, bs = a * c, a * s, b * c, b * s
    terms[1, 0], terms[1, 1] = ac * cr + as_ * cs, ac * sr + as_ * ss
    terms[1, 2], terms[1, 3] = -ac * sr + as_ * ss, ac * cr - as_ * cs
    terms[2, 0], terms[2, 1] = -bs * cr + bc * cs, -bs * sr + bc * ss
    terms[2, 2], terms[2, 3] = bs * sr + bc * ss, -bs * cr - bc * cs
