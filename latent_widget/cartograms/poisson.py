"""The linear system of the projection: a potential on the cells whose gradient moves the corners."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import fft

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]


def symbols(shape: tuple[int, ...], spacing: tuple[float, ...]) -> tuple[Array, Array]:
    """Eigenvalues, of the lattice's shape, of the dense and of the sparse Neumann Laplacian that B M Bᵀ resembles.

    In two dimensions these are the nine-point and the five-point one; ``spacing`` is (dx, dy[, dz]), of product 1.
    """
    ndim = len(shape)
    # the last index runs along x, the first of the spacings
    angles = [np.pi * np.arange(n) / (2 * n) for n in shape]
    angles = [a.reshape([-1 if k == axis else 1 for k in range(ndim)]) for axis, a in enumerate(angles)]
    dense, sparse = np.zeros(shape), np.zeros(shape)
    for axis, step in enumerate(reversed(spacing)):
        wave = 4.0 * (np.sin(angles[axis]) / step) ** 2
        sparse = sparse + wave
        for other in range(ndim):
            if other != axis:
                wave = wave * np.cos(angles[other]) ** 2
        dense = dense + wave
    return dense, sparse


def conjugate(
    residual: Array,
    inverse: Array,
    lift: Callable[[Array], None],
    pull: Callable[[], Array],
    iterations: int,
    workers: int,
) -> float:
    """Find a motion that changes the measures of the cells by about ``residual``; return the length to go along it.

    ``lift(p)`` makes the motion ``M Bᵀ p`` of a potential p on the cells, and ``pull()`` returns ``B`` of the present
    motion. Conjugate gradients up to a tenth of the residual's square, preconditioned by a cosine transform times
    ``inverse``.
    """
    rest, direction, power = residual, residual, 1.0
    potential: Array | None = None
    goal = 0.1 * float(np.vdot(residual, residual))
    for k in range(iterations):
        z = fft.dctn(rest, workers=workers)
        z *= inverse
        z = fft.idctn(z, workers=workers, overwrite_x=True)
        new_power = float(np.vdot(rest, z))
        direction = z if k == 0 else z + (new_power / power) * direction
        power = new_power
        lift(direction)
        change = pull()
        curvature = float(np.vdot(direction, change))
        if not curvature > 0.0:
            break
        length = power / curvature
        if iterations == 1:
            return length
        potential = length * direction if potential is None else potential + length * direction
        rest = rest - length * change
        if np.vdot(rest, rest) < goal:
            break
    if potential is None:
        return 0.0
    lift(potential)
    return 1.0
