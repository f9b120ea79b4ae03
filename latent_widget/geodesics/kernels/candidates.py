"""Walks between two points back through one or two marches, from which the candidates for the shortest path are made.

A march from one end knows the best route to every cell. Marches from both ends know more: their sum is the length of
the shortest path through each cell, and where it has several local minima across the way there are several routes,
around either side of an obstacle.
"""

from __future__ import annotations

import numpy as np

from latent_widget._arrays import Floats
from latent_widget.geodesics.kernels.backtracing import trace
from latent_widget.geodesics.kernels.compilation import Ints, kernel, leaf
from latent_widget.geodesics.kernels.fast_marching import March
from latent_widget.geodesics.kernels.spline import PAD

MOST_CANDIDATES = 16
"""So many ways between two points are followed at most."""

SHARES = 8
"""A pass is looked for where the way changes from one such part of its length to the next."""

PASS_WINDOW = 2
"""A pass is the least of all nodes that lie so many nodes around it."""


@kernel
def find_walks(
    coefficients: Floats, shape: tuple[int, int], there: March, back: March, both: bool, ends: Floats, limit: float
) -> tuple[Floats, Ints]:
    """Find the walk from source to target and, with both marches, other walks through minima of their sum.

    ``shape`` is that of the marched lattice, ``there`` the march from the source and ``back`` that from the target,
    where there are ``both``; ``ends`` (2, 2) are source and target; routes up to ``limit`` times as long as the best
    are followed. Returns the points of all walks one after the other, in index coordinates of the field with exact
    ends, and where each begins (k + 1,).
    """
    height, width = shape
    scale, marched = np.empty(2), np.empty((3, 2))
    scale[0], scale[1] = (coefficients.shape[1] - 2 * PAD) / width, (coefficients.shape[0] - 2 * PAD) / height
    for end in range(2):
        for c in range(2):
            marched[end, c] = (ends[end, c] + 0.5) / scale[c] - 0.5
    source, target, middle = marched[0], marched[1], marched[2]
    room = 32 * (height + width) + 64
    path, out = np.empty((room, 2)), np.empty((room, 2))
    begin = np.zeros(MOST_CANDIDATES + 1, np.int64)
    used = trace(there, shape, source, target, path)
    if used < 2:
        return out[:0], begin[:1]
    _copy(path, used - 1, -1, used, out, 0)
    begin[1] = used
    kept = 1
    if both:
        for node in find_passes(shape, there.distance, back.distance, limit):
            middle[0], middle[1] = node % width, node // width
            if kept == MOST_CANDIDATES or _passes_by(out, begin[kept], middle):
                continue
            end = begin[kept]
            first = trace(there, shape, source, middle, path)
            if first < 2 or end + 2 * first > room:
                continue
            _copy(path, first - 1, -1, first, out, end)
            second = trace(back, shape, target, middle, path)
            if second < 2 or end + first + second > room:
                continue
            _copy(path, 1, 1, second - 1, out, end + first)
            kept += 1
            begin[kept] = end + first + second - 1
    for k in range(kept):
        for n in range(begin[k], begin[k + 1]):
            for c in range(2):
                out[n, c] = (out[n, c] + 0.5) * scale[c] - 0.5
        for c in range(2):
            out[begin[k], c], out[begin[k + 1] - 1, c] = ends[0, c], ends[1, c]
    return out[: begin[kept]], begin[: kept + 1]


@leaf
def _copy(path: Floats, first: int, step: int, count: int, out: Floats, to: int) -> None:
    """Copy points of a path, from the first on by steps of 1 or -1."""
    for k in range(count):
        out[to + k, 0], out[to + k, 1] = path[first + k * step, 0], path[first + k * step, 1]


@leaf
def _passes_by(points: Floats, count: int, place: Floats) -> bool:
    """Tell whether any of the first points is within a node of a place."""
    for k in range(count):  # noqa: SIM110 - Numba knows no generators here
        if max(abs(points[k, 0] - place[0]), abs(points[k, 1] - place[1])) <= 1.0:
            return True
    return False


@kernel
def find_passes(shape: tuple[int, int], there: Floats, back: Floats, limit: float) -> Ints:
    """Return nodes where the sum of both marches' distances (H * W,) is least across the way.

    They are looked for an eighth, two eighths and so on along it: local minima of the sum among the nodes where the
    eighth of the way changes, at most ``limit`` times the least sum, the best first.
    """
    height, width = shape
    count = height * width
    total = np.empty(count)
    part = np.zeros(count, np.int8)
    least = np.inf
    for n in range(count):
        total[n] = there[n] + back[n]
        if total[n] < np.inf:
            least = min(least, total[n])
            part[n] = int(SHARES * there[n] / total[n]) if total[n] > 0.0 else 0
    on = np.zeros(count, np.bool_)
    for i in range(height):
        for j in range(width):
            n = i * width + j
            if not total[n] <= limit * least:
                continue
            right = j + 1 < width and total[n + 1] < np.inf and part[n + 1] != part[n]
            up = i + 1 < height and total[n + width] < np.inf and part[n + width] != part[n]
            on[n] = right or up
    found = np.empty(count, np.int64)
    used = 0
    for i in range(height):
        for j in range(width):
            n = i * width + j
            if not on[n]:
                continue
            lowest = True
            for r in range(max(i - PASS_WINDOW, 0), min(i + PASS_WINDOW + 1, height)):
                for s in range(max(j - PASS_WINDOW, 0), min(j + PASS_WINDOW + 1, width)):
                    m = r * width + s
                    if on[m] and (total[m] < total[n] or (total[m] == total[n] and m < n)):
                        lowest = False
            if lowest:
                place = used
                while place > 0 and total[found[place - 1]] > total[n]:
                    found[place] = found[place - 1]
                    place -= 1
                found[place] = n
                used += 1
    return found[:used]
