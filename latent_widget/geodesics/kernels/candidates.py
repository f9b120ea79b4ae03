"""Candidates for the shortest path between two points: walks back through one or two marches, made geodesics.

A march from one end knows the best route to every cell. Marches from both ends know more: their sum is the length of
the shortest path through each cell, and where it has several local minima across the way there are several routes,
around either side of an obstacle.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from latent_widget._arrays import Floats
from latent_widget.geodesics.kernels.backtracing import trace
from latent_widget.geodesics.kernels.compilation import Ints, kernel, leaf
from latent_widget.geodesics.kernels.energy import MOST_NODES, measure, relax, resample
from latent_widget.geodesics.kernels.fast_marching import March
from latent_widget.geodesics.kernels.spline import PAD

TOLERANCE = 1e-11
"""Newton stops where the next step promises to lower the energy by less than this fraction."""

SETTLED = 1e-8
"""A path has converged where one more Newton step promises to lower its energy by less than this fraction."""

STRAIGHT_NODES = 129
"""Points of the lines that are not relaxed."""

MOST = 16
"""So many ways between two points are followed at most."""

SHARES = 8
"""A pass is looked for where the way changes from one such part of its length to the next."""

WINDOW = 2
"""And is the least of all that lie so many nodes around it."""

STRAIGHT, BACK_TRACE = 0, 1
"""What a path was made from."""


class Paths(NamedTuple):
    """Polylines, one after the other: path k is ``points[stops[k]:stops[k + 1]]``.

    Attributes
    ----------
    points : (M, 2)
        Index coordinates of the field, source first.
    cumulative : (M,)
        Length from the source.
    stops : (K + 1,) int64
        Where each path begins.
    promised : (K,)
        Relative decrease of the energy that one more Newton step promises; infinite for paths that are not relaxed.
    origin : (K,) int64
        `STRAIGHT` or `BACK_TRACE`.

    """

    points: Floats
    cumulative: Floats
    stops: Ints
    promised: Floats
    origin: Ints


@kernel
def connect(
    coefficients: Floats,
    shape: tuple[int, int],
    there: March,
    back: March,
    both: bool,
    ends: Floats,
    limit: float,
    nodes: int,
) -> Paths:
    """Candidates between two ``ends`` (2, 2): geodesics first, then the lines that they were made from.

    Newton's method starts from the shorter of the straight line and the first walk back, from the other one only where
    that does not converge, and from every further walk.

    ``shape`` is that of the marched lattice, ``there`` the march from the source and ``back`` that from the target,
    where there are ``both``; routes up to ``limit`` times as long as the best are followed; ``nodes`` as for `relax`.
    """
    walks, begin = _find_walks(coefficients, shape, there, back, both, ends, limit)
    count = len(begin) - 1
    line = _draw_line(ends, nodes if nodes > 0 else STRAIGHT_NODES)
    line_length = measure(coefficients, line)
    walk, walk_length = line, line_length
    if count > 0:
        walk = _take_walk(coefficients, walks, begin, 0, nodes)
        walk_length = measure(coefficients, walk)
    line_first = count == 0 or line_length[-1] <= walk_length[-1]
    room = (count + 1) * max(nodes, 2 * MOST_NODES) + len(line) + len(walk)
    paths = Paths(
        np.empty((room, 2)),
        np.empty(room),
        np.zeros(count + 4, np.int64),
        np.empty(count + 3),
        np.empty(count + 3, np.int64),
    )
    used, settled = 0, False
    for turn in range(min(count + 1, 2)):
        if not settled:
            straight = line_first == (turn == 0)
            points, cumulative, promised = relax(coefficients, line if straight else walk, nodes, TOLERANCE)
            used = _append(paths, used, points, cumulative, promised, STRAIGHT if straight else BACK_TRACE)
            settled = promised < SETTLED
    for k in range(1, count):
        points, cumulative, promised = relax(
            coefficients, _take_walk(coefficients, walks, begin, k, nodes), nodes, TOLERANCE
        )
        used = _append(paths, used, points, cumulative, promised, BACK_TRACE)
    for turn in range(min(count + 1, 2)):
        if line_first == (turn == 0):
            used = _append(paths, used, line, line_length, np.inf, STRAIGHT)
        else:
            used = _append(paths, used, walk, walk_length, np.inf, BACK_TRACE)
    last = paths.stops[used]
    return Paths(
        paths.points[:last],
        paths.cumulative[:last],
        paths.stops[: used + 1],
        paths.promised[:used],
        paths.origin[:used],
    )


@leaf
def _append(paths: Paths, used: int, points: Floats, cumulative: Floats, promised: float, origin: int) -> int:
    """Write a path behind the first ``used`` of some; how many there are now."""
    at = paths.stops[used]
    for k in range(len(points)):
        paths.points[at + k, 0], paths.points[at + k, 1] = points[k, 0], points[k, 1]
        paths.cumulative[at + k] = cumulative[k]
    paths.stops[used + 1] = at + len(points)
    paths.promised[used], paths.origin[used] = promised, origin
    return used + 1


@kernel
def _draw_line(ends: Floats, count: int) -> Floats:
    """``count`` even points of the straight line between two ends."""
    line = np.empty((count, 2))
    for c in range(2):
        step = (ends[1, c] - ends[0, c]) / (count - 1)
        for k in range(count):
            line[k, c] = ends[0, c] + k * step
        line[count - 1, c] = ends[1, c]
    return line


@kernel
def _take_walk(coefficients: Floats, walks: Floats, begin: Ints, k: int, nodes: int) -> Floats:
    """Walk k, resampled to so many even nodes unless that is 0."""
    walk = walks[begin[k] : begin[k + 1]]
    return resample(walk, measure(coefficients, walk), nodes) if nodes > 0 else walk


@kernel
def _find_walks(
    coefficients: Floats,
    shape: tuple[int, int],
    there: March,
    back: March,
    both: bool,
    ends: Floats,
    limit: float,
) -> tuple[Floats, Ints]:
    """Return the walk from source to target and, with both marches, other walks through minima of their sum.

    Returns the points of all walks one after the other, in index coordinates of the field with exact ends, and where
    each begins (k + 1,).
    """
    height, width = shape
    scale = np.array([(coefficients.shape[1] - 2 * PAD) / width, (coefficients.shape[0] - 2 * PAD) / height])
    source, target = (ends[0] + 0.5) / scale - 0.5, (ends[1] + 0.5) / scale - 0.5
    room = 32 * (height + width) + 64
    path, out = np.empty((room, 2)), np.empty((room, 2))
    begin = np.zeros(MOST + 1, np.int64)
    used = trace(there, shape, source, target, path)
    if used < 2:
        return out[:0], begin[:1]
    out[:used] = path[:used][::-1]
    begin[1] = used
    kept = 1
    if both:
        middle = np.empty(2)
        for node in find_passes(shape, there.distance, back.distance, limit):
            middle[0], middle[1] = node % width, node // width
            away = np.abs(out[: begin[kept]] - middle)
            if kept == MOST or np.maximum(away[:, 0], away[:, 1]).min() <= 1.0:
                continue
            end = begin[kept]
            first = trace(there, shape, source, middle, path)
            if first < 2 or end + 2 * first > room:
                continue
            out[end : end + first] = path[:first][::-1]
            second = trace(back, shape, target, middle, path)
            if second < 2 or end + first + second > room:
                continue
            out[end + first : end + first + second - 1] = path[1:second]
            kept += 1
            begin[kept] = end + first + second - 1
    for k in range(kept):
        first, last = begin[k], begin[k + 1]
        for n in range(first, last):
            for c in range(2):
                out[n, c] = (out[n, c] + 0.5) * scale[c] - 0.5
        for c in range(2):
            out[first, c], out[last - 1, c] = ends[0, c], ends[1, c]
    return out[: begin[kept]], begin[: kept + 1]


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
            for r in range(max(i - WINDOW, 0), min(i + WINDOW + 1, height)):
                for s in range(max(j - WINDOW, 0), min(j + WINDOW + 1, width)):
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
