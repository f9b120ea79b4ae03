"""Numba helpers for quadrilaterals and hexahedra alike: weights of cubic convolution (Keys 1981), gaps in a row filled.

The diffusion interpolates displacements with the weights; point location fills gaps in its table of first guesses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from latent_widget.maps.cartograms.compilation import compile_inline

if TYPE_CHECKING:
    import numpy as np

    Indices = np.ndarray[Any, np.dtype[np.int64]]


@compile_inline
def compute_cubic_weights(s: float) -> tuple[float, float, float, float]:
    """Weights of the cubic convolution (Catmull-Rom) at s between the second and the third of four points."""
    return (
        s * (s * (1.0 - 0.5 * s) - 0.5),
        1.0 + s * s * (1.5 * s - 2.5),
        s * (0.5 + s * (2.0 - 1.5 * s)),
        s * s * (0.5 * s - 0.5),
    )


@compile_inline
def fill_gaps(line: Indices) -> None:
    """Replace what is negative by the number before it or, at the beginning, after it."""
    for n in range(1, line.size):
        if line[n] < 0:
            line[n] = line[n - 1]
    for n in range(line.size - 2, -1, -1):
        if line[n] < 0:
            line[n] = line[n + 1]
