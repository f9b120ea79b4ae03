"""Polarisation: the metric tensor of a cell from squared distances between its corners, G(u, v) from lengths alone.

On a Riemannian manifold the lengths of two edges and two diagonals of a small cell determine its tensor, since
4 uᵀGv = ‖u + v‖² − ‖u − v‖². Any distance between decoded outputs becomes a measure that way, without derivatives.
"""

from collections.abc import Callable
from itertools import product
from operator import itemgetter
from typing import Any

import numpy as np
from torch import Tensor

from latent_widget._arrays import Floats
from latent_widget._lattice import Lattice
from latent_widget.decoders import outputs

SquaredDistances = Callable[[Any, Any], Tensor]
"""The squared distances between two like-shaped pieces of a decoded output, `(...)`."""
Chords = list[tuple[tuple[int, ...], Floats]]
"""Displacements in cells, (x, y[, z]), each with the squared distance that it spans in every cell, `(H, W)`."""


def fit_tensors(lattice: Lattice, corners: Any, squared: SquaredDistances) -> Floats:
    """Fit each cell's tensor to the squared distances of its four decoded corners; returns `(H, W, 2, 2)`.

    `corners` is one decoded output of leading shape `(H + 1, W + 1)`. With s the squared distances, E and G are the
    means over opposite edges by dx² and dy², and F = (s₁ − s₂) / (4 dx dy) from the two diagonals: second order in the
    cell size. In a box, the edges and the face diagonals of its eight corners give `(D, H, W, 3, 3)` alike.
    """
    return _fit(lattice, _measure_chords(lattice.ndim, corners, squared))


def fit_tensors_with_residual(lattice: Lattice, corners: Any, squared: SquaredDistances) -> tuple[Floats, Floats]:
    """Return the tensors of `fit_tensors` and how badly they fit, `(H, W)`.

    Six squared distances meet three unknowns (in a box 24 meet six); the residual is the root mean square of what the
    tensor leaves of them over their own, 0 for a constant metric.
    """
    chords = _measure_chords(lattice.ndim, corners, squared)
    metric = _fit(lattice, chords)
    left, whole = np.zeros(lattice.shape), np.zeros(lattice.shape)
    for step, found in chords:
        across = np.array(step) * lattice.spacing
        left += np.square(found - np.einsum("a,...ab,b", across, metric, across))
        whole += np.square(found)
    return metric, np.sqrt(left / np.maximum(whole, np.finfo(float).tiny))


def _measure_chords(ndim: int, corners: Any, squared: SquaredDistances) -> Chords:
    """Measure squared distances along every edge and every face diagonal of the cells."""
    every, low, high = slice(None), slice(None, -1), slice(1, None)
    found: Chords = []
    steps = [step for step in product((0, 1, -1), repeat=ndim) if 0 < np.count_nonzero(step) < 3 and _is_leading(step)]
    for step in steps:
        # the last index runs along x, the first axis
        turns = step[::-1]
        begin = tuple({0: every, 1: low, -1: high}[turn] for turn in turns)
        end = tuple({0: every, 1: high, -1: low}[turn] for turn in turns)
        a, b = (outputs.map_parameters(corners, itemgetter(part)) for part in (begin, end))
        spanned = np.asarray(squared(a, b).double().numpy())
        # a cell has one such chord on either side of every axis that the chord does not follow
        for sides in product(*[(every,) if turn else (low, high) for turn in turns]):
            found.append((step, spanned[sides]))
    return found


def _is_leading(step: tuple[int, ...]) -> bool:
    """Tell a displacement from its opposite, which spans the same distance: its first entry is positive."""
    return next(turn for turn in step if turn) > 0


def _fit(lattice: Lattice, chords: Chords) -> Floats:
    means: dict[tuple[int, ...], Floats] = {}
    for step in dict.fromkeys(step for step, _ in chords):
        parallel = [spanned for other, spanned in chords if other == step]
        means[step] = np.asarray(sum(parallel) / len(parallel))
    metric = np.empty((*lattice.shape, lattice.ndim, lattice.ndim))
    for step, mean in means.items():
        axes = np.flatnonzero(step)
        if len(axes) == 1:
            metric[..., axes[0], axes[0]] = mean / lattice.spacing[axes[0]] ** 2
        elif step[axes[1]] > 0:
            falling = tuple(-turn if k == axes[1] else turn for k, turn in enumerate(step))
            entry = (mean - means[falling]) / (4 * lattice.spacing[axes[0]] * lattice.spacing[axes[1]])
            metric[..., axes[0], axes[1]] = metric[..., axes[1], axes[0]] = entry
    return metric
