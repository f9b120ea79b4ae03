"""Resolution of a lattice: whether derivatives or chords predict decoded lengths better, tried on windows of it.

Tensors at the centres are exact there, and where the decoder bends within a cell (ReLU layers, steps, features finer
than the lattice) they say little about the rest of it. Chords average over the cell, at the price of some blur. The
decoder decides: each predicts how far apart the centres of neighbouring cells are decoded.
"""

from collections.abc import Callable
from itertools import product
from typing import Literal

import numpy as np

from latent_widget._arrays import Floats
from latent_widget._lattice import Lattice

WINDOWS = {2: (2, 12), 3: (2, 6)}
"""Windows along each axis of a plane or a box that are looked at, and the cells along each side of one."""
RESOLVED_ERROR = 1e-3
"""Relative error of lengths below which derivatives are taken whatever the chords would give."""
CHORDS_SHARE = 0.95
"""Chords must err less than this part of what derivatives do, as both are equally good where the field is smooth."""

Tensors = Callable[[Lattice], Floats]


def compare_errors(
    lattice: Lattice, exact: Tensors, chords: Tensors, decode: Callable[[Lattice], Floats]
) -> dict[str, float]:
    """Return the relative error of each kind of tensor, as a root mean square over windows spread over the lattice.

    `exact` and `chords` give tensors `(H, W, 2, 2)` on a lattice, `decode` the outputs `(H, W, k)` at its centres.
    """
    left, whole = np.zeros(2), 0.0
    for window in _lay_windows(lattice):
        values, tensors = decode(window), (exact(window), chords(window))
        for axis, step in enumerate(window.spacing):
            along = window.ndim - 1 - axis
            truth = np.linalg.norm(np.diff(values, axis=along), axis=-1)
            whole += np.square(truth).sum()
            for k, metric in enumerate(tensors):
                own = step * np.sqrt(np.maximum(metric[..., axis, axis], 0))
                left[k] += np.square(0.5 * (_drop_last(own, along) + _drop_first(own, along)) - truth).sum()
    errors = np.sqrt(left / max(whole, np.finfo(float).tiny))
    return {"exact": float(errors[0]), "chords": float(errors[1])}


def choose_kind(errors: dict[str, float]) -> Literal["exact", "chords"]:
    """Choose the kind of tensor that the errors speak for."""
    is_unresolved = errors["exact"] > RESOLVED_ERROR
    return "chords" if is_unresolved and errors["chords"] < CHORDS_SHARE * errors["exact"] else "exact"


def _lay_windows(lattice: Lattice) -> list[Lattice]:
    count, side = WINDOWS[lattice.ndim]
    if max(lattice.shape) <= count * side:
        return [lattice]
    centres = (np.arange(count) + 0.5) / count
    spans = []
    for n in lattice.shape:
        starts = {int(start) for start in np.clip(centres * n - side / 2, 0, max(n - side, 0))}
        spans.append([(start, min(start + side, n)) for start in sorted(starts)])
    return [_cut_window(lattice, one) for one in product(*spans)]


def _cut_window(lattice: Lattice, spans: tuple[tuple[int, int], ...]) -> Lattice:
    # the extent runs x, y(, z), the shape the other way round
    extent: list[float] = []
    for low, step, (start, stop) in zip(lattice.extent[::2], lattice.spacing, spans[::-1], strict=True):
        extent += [low + step * start, low + step * stop]
    return Lattice(tuple(extent), tuple(stop - start for start, stop in spans), lattice.origin, lattice.basis)


def _drop_last(values: Floats, axis: int) -> Floats:
    return np.take(values, range(values.shape[axis] - 1), axis)


def _drop_first(values: Floats, axis: int) -> Floats:
    return np.take(values, range(1, values.shape[axis]), axis)
