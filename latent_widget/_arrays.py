"""Conversion of what a user holds (lists, NumPy arrays, torch tensors) to arrays; powers and floors of tensors."""

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


def read_floor(floor: Any, name: str = "floor") -> tuple[float, bool]:
    """Return what a floor says, and whether it is relative: "1%" is (0.01, True), the number 0.01 (0.01, False).

    None and 0 are no floor, (0.0, False). Raises `ValueError` for text that is no percentage above 0 and below 100, and
    for numbers that are negative or not finite.
    """
    if floor is None:
        return 0.0, False
    remedy = f'give a positive number, or a percentage of the mean such as {name}="1%"'
    if isinstance(floor, str):
        digits = floor.strip()
        try:
            share = float(digits.removesuffix("%")) / 100 if digits.endswith("%") else np.nan
        except ValueError:
            share = np.nan
        if not 0 < share < 1:
            raise ValueError(f"{name}={floor!r} is no percentage above 0% and below 100%; {remedy}")
        return share, True
    if isinstance(floor, bool) or not isinstance(floor, (int, float, np.integer, np.floating)):
        raise ValueError(f"{name}={floor!r} is no number; {remedy}")
    if not (np.isfinite(floor) and floor >= 0):
        raise ValueError(f"{name} must be positive and finite, got {floor}; {remedy}")
    return float(floor), False


def check_power(exponent: float, name: str) -> None:
    """Raise `ValueError` for a power of tensors that is negative or infinite."""
    if not (np.isfinite(exponent) and exponent >= 0):
        raise ValueError(f"{name} must be finite and >= 0, got {exponent}; 0 is uniform, 1 the field as measured")


def raise_to_power(tensors: Floats, exponent: float) -> Floats:
    """Return matrix powers of symmetric tensors `(..., d, d)` that are positive, or nothing in some direction."""
    values, vectors = np.linalg.eigh(tensors)
    powers = np.maximum(values, 0.0) ** exponent
    return np.asarray(np.einsum("...ik,...k,...jk->...ij", vectors, powers, vectors))


def take_root(tensor: Floats) -> Floats:
    """Return the symmetric root of a symmetric positive tensor `(d, d)`."""
    values, vectors = np.linalg.eigh(tensor)
    return np.asarray((vectors * np.sqrt(values)) @ vectors.T)


def average_eigenvalue(tensors: Floats) -> float:
    """Return the mean of tr G / d over cells `(n, d, d)`, and 1 where that is nothing."""
    mean = float(np.trace(tensors, axis1=-2, axis2=-1).mean() / tensors.shape[-1]) if len(tensors) else 0.0
    return mean if mean > 0 else 1.0


def raise_eigenvalues(tensors: Floats, floor: float) -> tuple[Floats, int]:
    """Raise eigenvalues below `floor` to it; return the tensors and in how many cells that was done."""
    values, vectors = np.linalg.eigh(tensors)
    low = np.asarray((values < floor).any(axis=-1))
    raised = np.einsum("...ik,...k,...jk->...ij", vectors, np.maximum(values, floor), vectors)
    return np.where(low.reshape(*low.shape, 1, 1), raised, tensors), int(low.sum())
