"""The geodesic equation as an initial value problem, by the classical Runge-Kutta method.

A geodesic with velocity ``w`` satisfies ``G w' = grad(w^T G w) / 2 - (w . grad) G w`` (do Carmo 1992, chapter 3).
States are place and velocity (4,) in index coordinates.
"""

from __future__ import annotations

import numpy as np

from latent_widget._arrays import Floats
from latent_widget.geodesics.kernels.compilation import kernel, leaf
from latent_widget.geodesics.kernels.spline import PAD, jet


@leaf
def _advance(coefficients: Floats, state: Floats, h: float, at: Floats, slope: Floats, probe: Floats) -> None:
    """One Runge-Kutta step of place and velocity (4,), in place; at (6, 3), slope (4, 4) and probe (4,) are scratch."""
    for stage in range(4):
        reach = (0.0, 0.5, 0.5, 1.0)[stage]
        for c in range(4):
            probe[c] = state[c] + h * reach * (slope[stage - 1, c] if stage > 0 else 0.0)
        jet(coefficients, probe[0], probe[1], at)
        p, q = probe[2], probe[3]
        # G w' = grad(w^T G w) / 2 - (w . grad) G w
        gu, gv = p * at[1, 0] + q * at[2, 0], p * at[1, 1] + q * at[2, 1]
        gw = p * at[1, 2] + q * at[2, 2]
        r0 = 0.5 * (at[1, 0] * p * p + 2.0 * at[1, 1] * p * q + at[1, 2] * q * q) - (gu * p + gv * q)
        r1 = 0.5 * (at[2, 0] * p * p + 2.0 * at[2, 1] * p * q + at[2, 2] * q * q) - (gv * p + gw * q)
        determinant = at[0, 0] * at[0, 2] - at[0, 1] * at[0, 1]
        slope[stage, 0], slope[stage, 1] = p, q
        slope[stage, 2] = (at[0, 2] * r0 - at[0, 1] * r1) / determinant
        slope[stage, 3] = (at[0, 0] * r1 - at[0, 1] * r0) / determinant
    for c in range(4):
        state[c] += h / 6.0 * (slope[0, c] + 2.0 * slope[1, c] + 2.0 * slope[2, c] + slope[3, c])


@kernel
def integrate_nudged(coefficients: Floats, states: Floats, times: Floats, steps: int, nudge: float) -> Floats:
    """Where states (m, 4) are after their times (m,), and where they would be had one number been greater by a nudge.

    Returns (m, 5, 4): as they are, and with a nudge to each number, in cells (velocities by nudge / time).
    """
    out = np.empty((len(states), 5, 4))
    at, slope, probe, state = np.empty((6, 3)), np.zeros((4, 4)), np.empty(4), np.empty(4)
    for k in range(len(states)):
        for case in range(5):
            for c in range(4):
                state[c] = states[k, c]
            if case > 0:
                state[case - 1] += nudge if case < 3 else nudge / times[k]
            for _ in range(steps):
                _advance(coefficients, state, times[k] / steps, at, slope, probe)
            for c in range(4):
                out[k, case, c] = state[c]
    return out


@kernel
def integrate(
    coefficients: Floats, start: Floats, velocity: Floats, steps: int, n: int, margin: float
) -> tuple[Floats, float]:
    """Runge-Kutta steps along a geodesic, kept at n even times; a walk that leaves the extent by a margin stays there.

    Returns points (n, 2), and when it left; 1 where it did not.
    """
    height, width = coefficients.shape[0] - 2 * PAD, coefficients.shape[1] - 2 * PAD
    out = np.empty((n, 2))
    at, slope, probe = np.empty((6, 3)), np.zeros((4, 4)), np.empty(4)
    state = np.array([start[0], start[1], velocity[0], velocity[1]])
    every = steps // (n - 1)
    h = 1.0 / (every * (n - 1))
    out[0, 0], out[0, 1] = start[0], start[1]
    for step in range(every * (n - 1)):
        before_u, before_v = state[0], state[1]
        _advance(coefficients, state, h, at, slope, probe)
        low, right, high = -0.5 - margin, width - 0.5 + margin, height - 0.5 + margin
        if not (low <= state[0] <= right and low <= state[1] <= high):
            du, dv = state[0] - before_u, state[1] - before_v
            share = 1.0
            for c in range(2):
                move, place = (du, before_u) if c == 0 else (dv, before_v)
                top = right if c == 0 else high
                if place + move > top:
                    share = min(share, (top - place) / move)
                elif place + move < low:
                    share = min(share, (low - place) / move)
            for k in range(step // every + 1, n):
                out[k, 0], out[k, 1] = before_u + share * du, before_v + share * dv
            return out, (step + share) * h
        if (step + 1) % every == 0:
            out[(step + 1) // every, 0], out[(step + 1) // every, 1] = state[0], state[1]
    return out, 1.0
