"""Conversion of what a user holds (lists, NumPy arrays, torch tensors on any device) to checked NumPy arrays."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

ROUND_OFF = 1e-14
"""Below this ratio to the large eigenvalue, the small one of a tensor is only round-off."""


def as_floats(value: Any, name: str) -> Floats:
    """Return `value` as a float64 array; tensors are detached and brought to the CPU without importing torch.

    Raises `ValueError` where the value holds something that is not a number.
    """
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        # bfloat16 has no NumPy counterpart, so half precisions widen before they leave torch
        value = value.double() if value.is_floating_point() else value
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be an array of numbers, got {type(value).__name__}: {error}") from error


def as_points(value: Any, name: str, width: int = 2) -> Floats:
    """Return `value` as finite float64 points of shape `(..., width)`.

    Raises `ValueError` for another shape, and for NaN or infinity, naming the first such row.
    """
    points = as_floats(value, name)
    if points.ndim == 0 or points.shape[-1] != width:
        raise ValueError(f"{name} must have shape (..., {width}), got {points.shape}")
    if not np.isfinite(points).all():
        bad = np.flatnonzero(~np.isfinite(points.reshape(-1, width)).all(axis=1))
        if points.ndim == 1:
            raise ValueError(f"{name} has NaN or infinity: {points.tolist()}")
        raise ValueError(f"{name} has {bad.size} rows with NaN or infinity, the first at row {bad[0]}; drop them first")
    return points
