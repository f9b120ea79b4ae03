"""From squared distances between decoded corners to a metric tensor per cell."""

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import Tensor

from latent_widget import outputs
from latent_widget.arrays import Floats
from latent_widget.lattice import Lattice

Edges = tuple[Floats, Floats, Floats, Floats]


def polarised(lattice: Lattice, corners: Any, squared: Callable[[Any, Any], Tensor]) -> Floats:
    """Fit each cell's tensor to the squared distances of its four decoded corners; returns `(H, W, 2, 2)`.

    `corners` is one decoded output of leading shape `(H + 1, W + 1)`, `squared(a, b)` the squared distances between
    two like-shaped pieces of it. With s the squared distances, E and G are the means over opposite edges by dx² and
    dy², and F = (s₁ − s₂) / (4 dx dy) from the two diagonals: second order in the cell size.
    """
    return _fitted(lattice, _edges(corners, squared))[0]


def polarised_with_residual(
    lattice: Lattice, corners: Any, squared: Callable[[Any, Any], Tensor]
) -> tuple[Floats, Floats]:
    """Return `polarised`'s tensors and how badly they fit, `(H, W)`.

    Six squared distances meet three unknowns; the residual is the root mean square of what the tensor leaves of them
    over their own, 0 for a constant metric.
    """
    edges = _edges(corners, squared)
    metric, (e, f, g) = _fitted(lattice, edges)
    across, upwards, rising, falling = edges
    dx, dy = lattice.spacing
    both, crossed = e * dx * dx + g * dy * dy, 2 * f * dx * dy
    pairs = [(across[:-1], e * dx * dx), (across[1:], e * dx * dx), (upwards[:, :-1], g * dy * dy)]
    pairs += [(upwards[:, 1:], g * dy * dy), (rising, both + crossed), (falling, both - crossed)]
    left = sum(np.square(found - fit) for found, fit in pairs)
    whole = sum(np.square(found) for found, _ in pairs)
    return metric, np.sqrt(left / np.maximum(whole, np.finfo(float).tiny))


def _edges(corners: Any, squared: Callable[[Any, Any], Tensor]) -> Edges:
    def between(a: tuple[slice, slice], b: tuple[slice, slice]) -> Floats:
        part = squared(outputs.mapped(corners, lambda p: p[a]), outputs.mapped(corners, lambda p: p[b]))
        return np.asarray(part.double().numpy())

    every, low, high = slice(None), slice(None, -1), slice(1, None)
    across, upwards = between((every, low), (every, high)), between((low, every), (high, every))
    rising, falling = between((low, low), (high, high)), between((low, high), (high, low))
    return across, upwards, rising, falling


def _fitted(lattice: Lattice, edges: Edges) -> tuple[Floats, tuple[Floats, Floats, Floats]]:
    across, upwards, rising, falling = edges
    dx, dy = lattice.spacing
    e = (across[:-1] + across[1:]) / (2 * dx * dx)
    g = (upwards[:, :-1] + upwards[:, 1:]) / (2 * dy * dy)
    f = (rising - falling) / (4 * dx * dy)
    return np.stack([np.stack([e, f], -1), np.stack([f, g], -1)], -2), (e, f, g)
