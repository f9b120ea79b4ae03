"""Conjugate gradients with a cosine transform as preconditioner, for the Poisson-like system ``(B M Bᵀ) p = r``.

B is the derivative of the cell areas by the corners and M their mobility: the potential p on the cells is what has to
be found so that the displacement ``M Bᵀ p`` of the corners changes the areas by r. On a lattice that nothing has moved
``B M Bᵀ`` is a Neumann Laplacian, which the discrete cosine transform diagonalises.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import fft

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]

# Iterations end when the square of what is left has fallen to this share: the next Newton step does the rest.
GOAL = 0.1


def compute_symbols(shape: tuple[int, ...], spacing: tuple[float, ...]) -> tuple[Array, Array]:
    """Return the eigenvalues, of the lattice's shape, of the dense and of the sparse Neumann Laplacian.

    In two dimensions these are the nine-point and the five-point one. ``B M Bᵀ`` is the dense one on a lattice that
    nothing has moved; its eigenvalues fall to zero for waves that alternate from cell to cell. ``spacing`` is
    (dx, dy[, dz]), of product 1.
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


def solve_by_conjugate_gradients(
    residual: Array,
    inverse: Array,
    displace: Callable[[Array], None],
    measure_change: Callable[[], Array],
    iterations: int,
    workers: int,
) -> float:
    """Find a displacement that changes the areas by about ``residual``; return the length to go along it.

    ``displace(p)`` writes the displacement ``M Bᵀ p`` of a potential p on the cells, and ``measure_change()`` returns
    ``B`` times the displacement written last. The preconditioner is a cosine transform times ``inverse``. Ends after
    so many iterations, or where a tenth of the residual's square is left.
    """
    rest, direction, power = residual, residual, 1.0
    potential: Array | None = None
    goal = GOAL * float(np.vdot(residual, residual))
    for k in range(iterations):
        z = fft.dctn(rest, workers=workers)
        z *= inverse
        z = fft.idctn(z, workers=workers, overwrite_x=True)
        new_power = float(np.vdot(rest, z))
        direction = z if k == 0 else z + (new_power / power) * direction
        power = new_power
        displace(direction)
        change = measure_change()
        curvature = float(np.vdot(direction, change))
        if not curvature > 0.0:
            break
        length = power / curvature
        if iterations == 1:
            # what has been written is already the displacement
            return length
        potential = length * direction if potential is None else potential + length * direction
        rest = rest - length * change
        if np.vdot(rest, rest) < goal:
            break
    if potential is None:
        return 0.0
    displace(potential)
    return 1.0
