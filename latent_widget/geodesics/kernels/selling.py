"""Selling's decomposition of the inverse metric, and the stencils that it gives (Selling 1874, Mirebeau 2019 [7]).

``D = G^-1 = sum_k w_k e_k e_k^T`` with three integer offsets ``e_k`` and weights ``w_k >= 0``: the offsets are the
vectors of an obtuse superbase of the lattice, turned by a right angle, and found by flipping any two vectors with a
positive product. On these offsets the eikonal equation can be solved in one pass, however anisotropic the metric.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from latent_widget._arrays import Floats
from latent_widget.geodesics.kernels.compilation import Ints, Mask, kernel, leaf

ANISOTROPY = 1e4
"""Largest ratio of eigenvalues that the stencil follows: offsets stay below about 100 cells."""

MOST_ROUNDS = 400
"""Rounds of flipping, at most; more than any ratio up to `ANISOTROPY` needs."""

OBTUSE = 1e-12
"""Products below this, relative to the trace, are not positive but for round-off."""


class Stencils(NamedTuple):
    """Which nodes a node looks at, and which look at it; of H * W nodes.

    Attributes
    ----------
    offsets : (H * W, 3, 2) int16
        (row, column) of each offset.
    jumps : (H * W, 3) int32
        The same in numbers of nodes.
    weights : (H * W, 3)
        Of the decomposition.
    sides : (H * W, 3) int8
        Flags, see `near_flag` and `far_flag`: whether the node one offset away on a side is read, and that two away.
    first, readers : (H * W + 1,), (n,) int32
        The reversed stencil in compressed rows: ``readers[first[n]:first[n + 1]]`` are the nodes that read node n.

    """

    offsets: Ints
    jumps: Ints
    weights: Floats
    sides: Ints
    first: Ints
    readers: Ints


@leaf
def near_flag(side: int) -> int:
    """Return the bit of `Stencils.sides` for the node one offset away, against the offset (side -1) or along it (1)."""
    return 1 if side < 0 else 2


@leaf
def far_flag(side: int) -> int:
    """Return the bit for the node two offsets away; it is only looked at where the near one is there."""
    return 4 if side < 0 else 8


@kernel
def stencils(metric: Floats, blocked: Mask) -> Stencils:
    """Return the stencils of a metric (H, W, 3), E, F, G in index coordinates, among nodes not blocked (H, W)."""
    height, width = metric.shape[0], metric.shape[1]
    count = height * width
    offsets = np.zeros((count, 3, 2), np.int16)
    jumps = np.zeros((count, 3), np.int32)
    weights = np.zeros((count, 3))
    sides = np.zeros((count, 3), np.int8)
    base = np.zeros((3, 2))
    for i in range(height):
        for j in range(width):
            n = i * width + j
            a, b, c = _invert(metric[i, j, 0], metric[i, j, 1], metric[i, j, 2])
            _reduce(base, a, b, c)
            for k in range(3):
                weights[n, k] = max(-_product(base, (k + 1) % 3, (k + 2) % 3, a, b, c), 0.0)
                # the offset is the base vector turned by a right angle, (x, y) -> (-y, x)
                offsets[n, k, 0], offsets[n, k, 1] = int(base[k, 0]), int(-base[k, 1])
                jumps[n, k] = offsets[n, k, 0] * width + offsets[n, k, 1]
                if weights[n, k] > 0.0:
                    for side in range(-1, 2, 2):
                        for reach in range(1, 3):
                            r, s = i + side * reach * offsets[n, k, 0], j + side * reach * offsets[n, k, 1]
                            if 0 <= r < height and 0 <= s < width:
                                sides[n, k] |= near_flag(side) if reach == 1 else far_flag(side)
    first, readers = _reverse(jumps, sides, blocked.ravel())
    return Stencils(offsets, jumps, weights, sides, first, readers)


@leaf
def _invert(e: float, f: float, g: float) -> tuple[float, float, float]:
    """Return the inverse of a tensor, made rounder where it is more anisotropic than the stencil follows."""
    high = 0.5 * (e + g) + math.sqrt(0.25 * (e - g) * (e - g) + f * f)
    low = (e * g - f * f) / high
    if low < high / ANISOTROPY:
        e += high / ANISOTROPY
        g += high / ANISOTROPY
    determinant = e * g - f * f
    return g / determinant, -f / determinant, e / determinant


@leaf
def _product(base: Floats, p: int, q: int, a: float, b: float, c: float) -> float:
    """Product of two base vectors under the tensor [[a, b], [b, c]]."""
    product: float = (
        a * base[p, 0] * base[q, 0]
        + b * (base[p, 0] * base[q, 1] + base[p, 1] * base[q, 0])
        + c * base[p, 1] * base[q, 1]
    )
    return product


@leaf
def _reduce(base: Floats, a: float, b: float, c: float) -> None:
    """Make a superbase (3, 2) of the integer lattice that is obtuse under a tensor: no product positive."""
    base[0, 0] = base[1, 1] = 1.0
    base[0, 1] = base[1, 0] = 0.0
    base[2, 0] = base[2, 1] = -1.0
    for _ in range(MOST_ROUNDS):
        changed = False
        for k in range(3):
            p, q = (k + 1) % 3, (k + 2) % 3
            if _product(base, p, q, a, b, c) > OBTUSE * (a + c):
                x, y = base[p, 0], base[p, 1]
                base[k, 0], base[k, 1] = x - base[q, 0], y - base[q, 1]
                base[p, 0], base[p, 1] = -x, -y
                changed = True
                break
        if not changed:
            return


@kernel
def _reverse(jumps: Ints, sides: Ints, closed: Mask) -> tuple[Ints, Ints]:
    """Return ``first`` and ``readers`` of `Stencils`; ``closed`` (H * W,) nodes neither read nor are read."""
    count = len(jumps)
    first = np.zeros(count + 1, np.int32)
    for n in range(count):
        for k in range(3):
            for side in range(-1, 2, 2):
                if sides[n, k] & near_flag(side) and not closed[n]:
                    node = n + side * jumps[n, k]
                    first[node + 1] += not closed[node]
    for n in range(count):
        first[n + 1] += first[n]
    readers, fill = np.empty(first[count], np.int32), first.copy()
    for n in range(count):
        for k in range(3):
            for side in range(-1, 2, 2):
                if sides[n, k] & near_flag(side) and not closed[n]:
                    node = n + side * jumps[n, k]
                    if not closed[node]:
                        readers[fill[node]] = n
                        fill[node] += 1
    return first, readers
