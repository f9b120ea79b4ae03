"""Fit of the log-Euclidean interpolation (Arsigny et al. 2006): cubic B-spline coefficients of log G.

The outer half cell is extrapolated with a spline whose third difference vanishes (a quadratic in the logarithm). The
kernels of `kernels.spline` evaluate what is fitted here.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import solve_banded

from latent_widget._arrays import ROUND_OFF, Floats
from latent_widget.geodesics.kernels.spline import PAD

STEEPEST = 1.0
"""Largest change of log G per cell that extrapolation follows beyond the outer centres."""


def log_tensors(metric: Floats) -> Floats:
    """Matrix logarithm of symmetric positive-definite tensors (H, W, 2, 2).

    Returns (H, W, 3) with ``t, a, b``: ``log G = t I + [[a, b], [b, -a]]``.
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


def fit_spline(metric: Floats) -> Floats:
    """Return the cubic B-spline coefficients (H + 4, W + 4, 3) of log G for a metric (H, W, 2, 2) in index coordinates.

    They are contiguous.
    """
    rows = _prefilter(log_tensors(metric))
    return np.ascontiguousarray(_prefilter(rows.swapaxes(0, 1)).swapaxes(0, 1))
