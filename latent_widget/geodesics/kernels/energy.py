"""From a rough path to a geodesic: Newton's method on the discrete path energy.

For nodes ``x_0 .. x_N`` with ``d_k = x_(k+1) - x_k`` and midpoints ``m_k`` the energy is
``sum_k d_k^T G(m_k) d_k / 2``; its minimum is a geodesic walked at constant speed (do Carmo 1992, chapter 9). The
Hessian is block-tridiagonal with 2 x 2 blocks, so a Newton step costs as much as a handful of evaluations of the
metric. Coordinates are indices; nodes stay inside the extent, or rectangles within it, by an active set on the four
sides.
"""

from __future__ import annotations

import numpy as np

from latent_widget._arrays import Floats
from latent_widget.geodesics.kernels.compilation import Mask, kernel, leaf
from latent_widget.geodesics.kernels.spline import PAD, jet, segment_lengths, tensor

STEPS = 60
"""Steps of Newton's method, at most."""

COARSE_TOLERANCE = 1e-6
"""Newton's method stops at this promise on a few nodes, which are only a start."""

LEAST_NODES, MOST_NODES, MOST_REFINED_NODES = 96, 512, 1024
"""Steps of a path that is to have about one per cell it runs over; more where nodes would lie too far apart."""

COARSE = (9, 3)
"""Parts of the nodes with which a path is relaxed first."""

FEWEST_NODES = 20
"""A path is not relaxed on fewer nodes than these."""

WIDEST_GAP, WANTED_GAP = 3.0, 1.5
"""Nodes farther apart than so many cells do not see the cells between, and are then laid so far apart."""

LEAST_SHARE = 0.02
"""Below this share of a Newton step the step is damped instead of shortened."""


@kernel
def resample(points: Floats, cumulative: Floats, count: int) -> Floats:
    """``count`` points of a polyline (N, 2), evenly spaced in the given cumulative measure (N,)."""
    out = np.empty((count, 2))
    total = cumulative[-1]
    segment = 0
    for n in range(count):
        along = total * n / (count - 1)
        while segment < len(points) - 2 and cumulative[segment + 1] < along:
            segment += 1
        width = cumulative[segment + 1] - cumulative[segment]
        part = min(max((along - cumulative[segment]) / width, 0.0), 1.0) if width > 0.0 else 0.0
        for c in range(2):
            out[n, c] = points[segment, c] + part * (points[segment + 1, c] - points[segment, c])
    for c in range(2):
        out[0, c], out[count - 1, c] = points[0, c], points[len(points) - 1, c]
    return out


@leaf
def energy(coefficients: Floats, points: Floats, rate: Floats) -> float:
    """Discrete energy ``sum_k r_k d_k^T G(m_k) d_k / 2`` of a polyline (N, 2) in index coordinates, rates (N - 1,)."""
    total = 0.0
    for k in range(len(points) - 1):
        du, dv = points[k + 1, 0] - points[k, 0], points[k + 1, 1] - points[k, 1]
        u, v = 0.5 * (points[k, 0] + points[k + 1, 0]), 0.5 * (points[k, 1] + points[k + 1, 1])
        e, f, g = tensor(coefficients, u, v)
        total += 0.5 * rate[k] * (e * du * du + 2.0 * f * du * dv + g * dv * dv)
    return total


@leaf
def _expand(
    coefficients: Floats,
    x: Floats,
    rate: Floats,
    gradient: Floats,
    diagonal: Floats,
    upper: Floats,
    weight: Floats,
    at: Floats,
) -> float:
    """Energy with gradient (N, 2) and Hessian: diagonal blocks (N, 3), blocks (N, 2, 2) to the next node.

    ``weight`` (N, 3) takes the part of the diagonal that is positive-definite whatever the curvature.
    """
    count = len(x)
    for k in range(count):
        for c in range(3):
            diagonal[k, c] = weight[k, c] = 0.0
        gradient[k, 0] = gradient[k, 1] = 0.0
    value = 0.0
    for k in range(count - 1):
        du, dv = x[k + 1, 0] - x[k, 0], x[k + 1, 1] - x[k, 1]
        jet(coefficients, 0.5 * (x[k, 0] + x[k + 1, 0]), 0.5 * (x[k, 1] + x[k + 1, 1]), at)
        for row in range(6):
            for c in range(3):
                at[row, c] *= rate[k]
        e, f, g = at[0, 0], at[0, 1], at[0, 2]
        p0, p1 = e * du + f * dv, f * du + g * dv
        value += 0.5 * (p0 * du + p1 * dv)
        # w_ij = (G_j d)_i, s_j = d^T G_j d / 2, t_ij = d^T G_ij d / 8
        w00, w10 = at[1, 0] * du + at[1, 1] * dv, at[1, 1] * du + at[1, 2] * dv
        w01, w11 = at[2, 0] * du + at[2, 1] * dv, at[2, 1] * du + at[2, 2] * dv
        s0, s1 = 0.5 * (w00 * du + w10 * dv), 0.5 * (w01 * du + w11 * dv)
        uu, uv, vv = du * du, 2.0 * du * dv, dv * dv
        t00 = 0.125 * (at[3, 0] * uu + at[3, 1] * uv + at[3, 2] * vv)
        t01 = 0.125 * (at[4, 0] * uu + at[4, 1] * uv + at[4, 2] * vv)
        t11 = 0.125 * (at[5, 0] * uu + at[5, 1] * uv + at[5, 2] * vv)
        gradient[k, 0] += 0.5 * s0 - p0
        gradient[k, 1] += 0.5 * s1 - p1
        gradient[k + 1, 0] += 0.5 * s0 + p0
        gradient[k + 1, 1] += 0.5 * s1 + p1
        cross, skew = 0.5 * (w01 + w10), 0.5 * (w10 - w01)
        diagonal[k, 0] += e - w00 + t00
        diagonal[k, 1] += f - cross + t01
        diagonal[k, 2] += g - w11 + t11
        diagonal[k + 1, 0] += e + w00 + t00
        diagonal[k + 1, 1] += f + cross + t01
        diagonal[k + 1, 2] += g + w11 + t11
        upper[k, 0, 0], upper[k, 0, 1] = t00 - e, t01 - f + skew
        upper[k, 1, 0], upper[k, 1, 1] = t01 - f - skew, t11 - g
        for n in range(k, k + 2):
            weight[n, 0] += e
            weight[n, 1] += f
            weight[n, 2] += g
    return value


@leaf
def _solve(
    gradient: Floats,
    diagonal: Floats,
    upper: Floats,
    weight: Floats,
    damping: float,
    free: Mask,
    pivot: Floats,
    step: Floats,
) -> float:
    """Newton step with damping by block elimination; coordinates that are not free stay.

    Returns the decrease ``g^T H^-1 g`` that the step promises twice over; -1 where H is not positive-definite.
    """
    count = len(gradient)
    for k in range(1, count - 1):
        a = diagonal[k, 0] + damping * weight[k, 0]
        b = diagonal[k, 1] + damping * weight[k, 1]
        d = diagonal[k, 2] + damping * weight[k, 2]
        r0, r1 = -gradient[k, 0], -gradient[k, 1]
        if k > 1:
            # rows of coordinates that stay drop out because their pivots and steps are zero there
            u00, u01, u10, u11 = (
                upper[k - 1, 0, 0],
                upper[k - 1, 0, 1],
                upper[k - 1, 1, 0],
                upper[k - 1, 1, 1],
            )
            i0, i1, i2 = pivot[k - 1, 0], pivot[k - 1, 1], pivot[k - 1, 2]
            m00, m01 = i0 * u00 + i1 * u10, i0 * u01 + i1 * u11
            m10, m11 = i1 * u00 + i2 * u10, i1 * u01 + i2 * u11
            a -= u00 * m00 + u10 * m10
            b -= u00 * m01 + u10 * m11
            d -= u01 * m01 + u11 * m11
            r0 -= m00 * step[k - 1, 0] + m10 * step[k - 1, 1]
            r1 -= m01 * step[k - 1, 0] + m11 * step[k - 1, 1]
        if free[k, 0] and free[k, 1]:
            determinant = a * d - b * b
            if not (a > 0.0 and determinant > 1e-10 * a * d):
                return -1.0
            pivot[k, 0], pivot[k, 1], pivot[k, 2] = d / determinant, -b / determinant, a / determinant
        else:
            if (free[k, 0] and not a > 0.0) or (free[k, 1] and not d > 0.0):
                return -1.0
            pivot[k, 0] = 1.0 / a if free[k, 0] else 0.0
            pivot[k, 2] = 1.0 / d if free[k, 1] else 0.0
            pivot[k, 1] = 0.0
        step[k, 0], step[k, 1] = r0, r1
    decrease = 0.0
    for back in range(count - 2):
        k = count - 2 - back
        r0, r1 = step[k, 0], step[k, 1]
        decrease += pivot[k, 0] * r0 * r0 + 2.0 * pivot[k, 1] * r0 * r1 + pivot[k, 2] * r1 * r1
        if back > 0:
            r0 -= upper[k, 0, 0] * step[k + 1, 0] + upper[k, 0, 1] * step[k + 1, 1]
            r1 -= upper[k, 1, 0] * step[k + 1, 0] + upper[k, 1, 1] * step[k + 1, 1]
        step[k, 0] = pivot[k, 0] * r0 + pivot[k, 1] * r1
        step[k, 1] = pivot[k, 1] * r0 + pivot[k, 2] * r1
    return decrease


@kernel
def shorten(
    coefficients: Floats, points: Floats, tolerance: float, low: Floats, high: Floats, rate: Floats
) -> tuple[Floats, int, float]:
    """Newton's method on the energy of a polyline (N, 2) with fixed ends, with Levenberg damping and a line search.

    It stops when the next step promises to lower the energy by less than the fraction ``tolerance``. ``low`` and
    ``high`` (N, 2) are the rectangle in which each node stays; ``rate`` (N - 1,) is in steps of the path per unit of
    time, 1 for nodes that are to be even. Returns points (N, 2), steps taken, and the promised relative decrease of the
    energy at the end.
    """
    x, trial = points.copy(), points.copy()
    count = len(x)
    gradient, step = np.empty((count, 2)), np.empty((count, 2))
    diagonal, weight, pivot = np.empty((count, 3)), np.empty((count, 3)), np.empty((count, 3))
    upper = np.empty((count, 2, 2))
    free = np.empty((count, 2), np.bool_)
    at = np.empty((6, 3))
    damping = 0.0
    promised = np.inf
    taken = 0
    while True:
        value = _expand(coefficients, x, rate, gradient, diagonal, upper, weight, at)
        if value <= 0.0:
            return x, taken, 0.0
        for k in range(1, count - 1):
            for c in range(2):
                held_low = x[k, c] <= low[k, c] and gradient[k, c] > 0.0
                held_high = x[k, c] >= high[k, c] and gradient[k, c] < 0.0
                free[k, c] = not (held_low or held_high)
        improved = False
        while not improved:
            decrease = _solve(gradient, diagonal, upper, weight, damping, free, pivot, step)
            if decrease >= 0.0:
                promised = 0.5 * decrease / value
                if (promised < tolerance and damping < 1e-3) or taken == STEPS:
                    return x, taken, promised
                share = 1.0
                while share > LEAST_SHARE:
                    for k in range(1, count - 1):
                        for c in range(2):
                            trial[k, c] = min(max(x[k, c] + share * step[k, c], low[k, c]), high[k, c])
                    if energy(coefficients, trial, rate) < value - 1e-4 * share * decrease:
                        improved = True
                        break
                    share *= 0.4
                if improved:
                    for k in range(1, count - 1):
                        x[k, 0], x[k, 1] = trial[k, 0], trial[k, 1]
                    taken += 1
                    if share == 1.0:
                        damping = 0.2 * damping if damping > 1e-5 else 0.0
            if not improved:
                damping = max(4.0 * damping, 1e-4)
                if damping > 1e6:
                    return x, taken, promised


@kernel
def measure(coefficients: Floats, points: Floats) -> Floats:
    """Length from the first point to every point (N,) of a polyline (N, 2) in index coordinates."""
    lengths = segment_lengths(coefficients, points)
    out = np.empty(len(points))
    out[0] = 0.0
    for k in range(len(lengths)):
        out[k + 1] = out[k] + lengths[k]
    return out


@kernel
def relax(coefficients: Floats, guess: Floats, nodes: int, tolerance: float) -> tuple[Floats, Floats, float]:
    """Relax a rough path (N, 2) by Newton's method, on a few nodes first and then on about one per cell.

    ``nodes`` is how many points the result has; 0 for about one per cell it runs over (97 to 513). Returns points
    (M, 2), cumulative lengths (M,), and the promised relative decrease of the energy.
    """
    points, cumulative = guess, measure(coefficients, guess)
    count = nodes if nodes > 0 else int(min(max(_span(points)[0], LEAST_NODES), MOST_NODES)) + 1
    # few nodes find in some cheap steps how long the path runs along a wall of the extent
    level = 0
    while True:
        fine = level == len(COARSE)
        size = count if fine else count // COARSE[level]
        if not fine and size < FEWEST_NODES:
            level += 1
            continue
        low, high, rate = np.empty((size, 2)), np.empty((size, 2)), np.empty(size - 1)
        _free(coefficients, low, high, rate)
        even = resample(points, cumulative, size)
        relaxed, _, promised = shorten(coefficients, even, tolerance if fine else COARSE_TOLERANCE, low, high, rate)
        measured = measure(coefficients, relaxed)
        # on a rough field a few nodes may step over what they do not see
        if fine or measured[-1] <= cumulative[-1]:
            points, cumulative = relaxed, measured
        if fine:
            # nodes are even by the measure: where it is small they may lie too far apart to see the cells between
            gap = _span(points)[1]
            if nodes > 0 or count > MOST_NODES or gap < WIDEST_GAP:
                return points, cumulative, promised
            count = min(int(count * gap / WANTED_GAP), MOST_REFINED_NODES) + 1
        else:
            level += 1


@leaf
def _span(points: Floats) -> tuple[float, float]:
    """Return how many cells a polyline runs over, and the widest step along an axis."""
    reach = widest = 0.0
    for k in range(len(points) - 1):
        step = max(abs(points[k + 1, 0] - points[k, 0]), abs(points[k + 1, 1] - points[k, 1]))
        reach += step
        widest = max(widest, step)
    return reach, widest


@leaf
def _free(coefficients: Floats, low: Floats, high: Floats, rate: Floats) -> None:
    """Fill in the whole extent as the room of every node, and even rates."""
    for k in range(len(low)):
        low[k, 0] = low[k, 1] = -0.5
        high[k, 0] = coefficients.shape[1] - 2 * PAD - 0.5
        high[k, 1] = coefficients.shape[0] - 2 * PAD - 0.5
    for k in range(len(rate)):
        rate[k] = 1.0
