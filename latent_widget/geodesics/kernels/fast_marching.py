"""Anisotropic fast marching on Selling-reduced stencils (Mirebeau 2019 [7]): distances from one point to every node.

The eikonal equation ``grad(u)^T D grad(u) = 1`` with ``D = G^-1`` is solved in one pass on the stencil of `selling`,
which is causal however anisotropic the metric; differences are of second order where two accepted neighbours are in
line, but no node may come before the one that was accepted last. Near the source, where u is singular, differences are
taken of u less the cone of distances there. Nodes are cell centres of the marched lattice, coordinates are its indices.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from latent_widget._arrays import Floats
from latent_widget.geodesics.kernels.compilation import Ints, Mask, kernel, leaf
from latent_widget.geodesics.kernels.selling import Stencils, far_flag, near_flag
from latent_widget.geodesics.kernels.spline import segment_length, tensor

CONE = 24
"""Within so many nodes of the source, differences leave out the cone of distances around it."""

CORE = 3
"""Nodes this near to the source (in the maximum norm) get the length of the straight line."""


class Grid(NamedTuple):
    """The lattice that is marched, of H rows and W columns.

    Attributes
    ----------
    stencils : Stencils
        Which nodes look at which.
    blocked : (H, W) bool
        Nodes that no path may cross.
    coefficients : (h + 4, w + 4, 3)
        Spline of the field, for the exact start around the source.
    scale : (2,)
        Cells of the field per marched cell, (v, u).

    """

    stencils: Stencils
    blocked: Mask
    coefficients: Floats
    scale: Floats


class March(NamedTuple):
    """What a march found, of H * W nodes.

    Attributes
    ----------
    distance : (H * W,)
        From the source; infinite where not reached.
    flow : (H * W, 2)
        Steps (u, v) towards the source; only where the distance is finite.
    parent : (H * W,) int32
        The node that each value came from, -1 around the source; only where the distance is finite.

    """

    distance: Floats
    flow: Floats
    parent: Ints


@kernel
def march(grid: Grid, source: Floats, target: Floats, beyond: Floats, limit: float) -> March:
    """Distances from a source (u, v) by fast marching, everywhere or until all nodes around a target are known.

    ``target`` (2,) is NaN to march everywhere. ``beyond`` (H * W,) holds distances from the other end, or less: nodes
    through which the way would be longer than ``limit`` are left out; where it is empty none are.
    """
    stencils = grid.stencils
    count = len(stencils.jumps)
    best, known = np.empty(count), np.empty(count)  # the best value so far, and the accepted one
    best[:] = known[:] = np.inf
    fixed = np.zeros(count, np.bool_)  # accepted, or with a value that stays
    flow, parent = np.empty((count, 2)), np.empty(count, np.int32)
    cone, slope = np.empty(count), np.zeros((count, 2))
    heap, where = np.empty(count, np.int32), np.empty(count, np.int32)
    _fill_cone(grid, source, cone, slope)
    size = _start(grid, source, best, fixed, flow, parent, heap, where)
    near = np.zeros(count, np.bool_)
    waiting = _mark_target(grid.blocked, target, near)
    level, gain, side = np.empty(3), np.empty(3), np.empty(3, np.int64)
    bounded = len(beyond) > 0
    while size > 0:
        node = _pop(heap, where, best, size)
        size -= 1
        known[node] = best[node]
        fixed[node] = True
        if near[node]:
            waiting -= 1
            if waiting == 0:
                break
        for at in range(stencils.first[node], stencils.first[node + 1]):
            n = np.int64(stencils.readers[at])
            if fixed[n]:
                continue
            for k in range(3):
                level[k], gain[k], side[k] = _upwind(n, k, known, stencils, cone, slope)
            value = _solve(level, gain)
            # where the metric changes much from node to node, second differences may ask for less than the last value
            if not known[node] <= value < best[n] or (bounded and not beyond[n] + value <= limit):
                continue
            _set_flow(flow, stencils, n, value, level, gain, side)
            parent[n] = node
            if best[n] == np.inf:
                heap[size] = n
                where[n] = size
                size += 1
            best[n] = value
            _rise(heap, where, best, np.int64(where[n]))
    return March(known, flow, parent)


@leaf
def _start(
    grid: Grid,
    source: Floats,
    best: Floats,
    fixed: Mask,
    flow: Floats,
    parent: Ints,
    heap: Ints,
    where: Ints,
) -> int:
    """Give the nodes next to the source the length of the straight line; return how many now wait in the heap."""
    (height, width), scale = grid.blocked.shape, grid.scale
    u, v = (source[0] + 0.5) * scale[1] - 0.5, (source[1] + 0.5) * scale[0] - 0.5
    row, column = math.floor(source[1] + 0.5), math.floor(source[0] + 0.5)
    size = 0
    for i in range(max(row - CORE, 0), min(row + CORE + 1, height)):
        for j in range(max(column - CORE, 0), min(column + CORE + 1, width)):
            if grid.blocked[i, j]:
                continue
            n = i * width + j
            end_u, end_v = (j + 0.5) * scale[1] - 0.5, (i + 0.5) * scale[0] - 0.5
            best[n] = segment_length(grid.coefficients, u, v, end_u, end_v)
            flow[n, 0], flow[n, 1] = source[0] - j, source[1] - i
            parent[n] = -1
            fixed[n] = True
            heap[size] = n
            size += 1
            _rise(heap, where, best, size - 1)
    return size


@leaf
def _mark_target(blocked: Mask, target: Floats, near: Mask) -> int:
    """Mark the nodes around a target (H * W,), and count them; none where it is NaN."""
    if np.isnan(target[0]):
        return 0
    height, width = blocked.shape
    count = 0
    # of a target in the outer half cell the nearest nodes are those within one and a half
    for i in range(max(math.floor(target[1] - 0.5), 0), min(math.ceil(target[1] + 0.5) + 1, height)):
        for j in range(max(math.floor(target[0] - 0.5), 0), min(math.ceil(target[0] + 0.5) + 1, width)):
            if abs(j - target[0]) < 1.5 and abs(i - target[1]) < 1.5 and not blocked[i, j]:
                near[i * width + j] = True
                count += 1
    return count


@leaf
def _fill_cone(grid: Grid, source: Floats, cone: Floats, slope: Floats) -> None:
    """Fill in the cone of distances in the metric at the source, ``cone`` (H * W,), with its ``slope`` (H * W, 2).

    The cone is filled as far as the stencils of the nodes near the source reach; elsewhere ``slope`` is zero.
    """
    (height, width), scale, offsets = grid.blocked.shape, grid.scale, grid.stencils.offsets
    e, f, g = tensor(grid.coefficients, (source[0] + 0.5) * scale[1] - 0.5, (source[1] + 0.5) * scale[0] - 0.5)
    e, f, g = e * scale[1] * scale[1], f * scale[0] * scale[1], g * scale[0] * scale[0]
    i0, i1 = max(math.ceil(source[1] - CONE), 0), min(math.floor(source[1] + CONE) + 1, height)
    j0, j1 = max(math.ceil(source[0] - CONE), 0), min(math.floor(source[0] + CONE) + 1, width)
    rows = columns = 0
    for i in range(i0, i1):
        for j in range(j0, j1):
            for k in range(3):
                rows = max(rows, 2 * abs(offsets[i * width + j, k, 0]))
                columns = max(columns, 2 * abs(offsets[i * width + j, k, 1]))
    for i in range(max(i0 - rows, 0), min(i1 + rows, height)):
        for j in range(max(j0 - columns, 0), min(j1 + columns, width)):
            n = i * width + j
            x, y = j - source[0], i - source[1]
            p, q = e * x + f * y, f * x + g * y
            cone[n] = math.sqrt(max(p * x + q * y, 0.0))
            if cone[n] > 0.0 and max(abs(x), abs(y)) < CONE:
                slope[n, 0], slope[n, 1] = p / cone[n], q / cone[n]


@leaf
def _upwind(n: int, k: int, known: Floats, stencils: Stencils, cone: Floats, slope: Floats) -> tuple[float, float, int]:
    """Return what the accepted neighbours along one offset say of a node.

    The level from which the node is seen to rise (inf for no neighbour), with what gain, and the side of the neighbour
    (-1, 1); the value of the node solves ``sum_k gain_k (value - level_k)_+^2 = 1``.
    """
    sides, jump = stencils.sides[n, k], stencils.jumps[n, k]
    before = known[n - jump] if sides & near_flag(-1) else np.inf
    after = known[n + jump] if sides & near_flag(1) else np.inf
    side = -1 if before <= after else 1
    level, gain = min(before, after), stencils.weights[n, k]
    if level == np.inf:
        return level, gain, side
    beside = n + side * jump
    far = beside + side * jump
    inside = slope[n, 0] != 0.0 or slope[n, 1] != 0.0
    rise = climb = 0.0
    if inside:
        climb = -side * (slope[n, 0] * stencils.offsets[n, k, 1] + slope[n, 1] * stencils.offsets[n, k, 0])
        rise = cone[n] - cone[beside] - climb
    if sides & far_flag(side) and known[far] <= level:
        # two in line: of second order
        level = (4.0 * level - known[far]) / 3.0
        gain *= 2.25
        if inside:
            rise = cone[n] + (cone[far] - 4.0 * cone[beside] - 2.0 * climb) / 3.0
    return level + rise, gain, side


@leaf
def _solve(level: Floats, gain: Floats) -> float:
    """Return the value with ``sum_k gain_k (value - level_k)_+^2 = 1``; levels (3,) may be infinite, but not all."""
    a, b, c, p, q, r = level[0], level[1], level[2], gain[0], gain[1], gain[2]
    if b < a:
        a, b, p, q = b, a, q, p
    if c < b:
        b, c, q, r = c, b, r, q
        if b < a:
            a, b, p, q = b, a, q, p
    # counted from the lowest level; one after the other comes in
    value = 1.0 / math.sqrt(p)
    if a + value > b:
        s0, s1, s2 = p + q, q * (b - a), q * (b - a) * (b - a)
        value = (s1 + math.sqrt(max(s1 * s1 - s0 * (s2 - 1.0), 0.0))) / s0
        if a + value > c:
            s0, s1, s2 = s0 + r, s1 + r * (c - a), s2 + r * (c - a) * (c - a)
            value = (s1 + math.sqrt(max(s1 * s1 - s0 * (s2 - 1.0), 0.0))) / s0
    return a + value


@leaf
def _set_flow(flow: Floats, stencils: Stencils, n: int, value: float, level: Floats, gain: Floats, side: Ints) -> None:
    """Write the direction of D grad(u), towards the source, at a node."""
    flow[n, 0] = flow[n, 1] = 0.0
    for k in range(3):
        if value > level[k]:
            strength = gain[k] * (value - level[k]) * side[k]
            flow[n, 0] += strength * stencils.offsets[n, k, 1]
            flow[n, 1] += strength * stencils.offsets[n, k, 0]


@leaf
def _rise(heap: Ints, where: Ints, values: Floats, position: int) -> None:
    """Move a node of a binary heap up to its place; ``where`` holds the position of each node."""
    node = heap[position]
    value = values[node]
    while position > 0:
        parent = (position - 1) >> 1
        above = heap[parent]
        if values[above] <= value:
            break
        heap[position] = above
        where[above] = position
        position = parent
    heap[position] = node
    where[node] = position


@leaf
def _pop(heap: Ints, where: Ints, values: Floats, size: int) -> int:
    """Take the node with the least value out of a heap of ``size`` nodes."""
    top = heap[0]
    node = heap[size - 1]
    value = values[node]
    size -= 1
    position = 0
    while 2 * position + 1 < size:
        child = 2 * position + 1
        if child + 1 < size and values[heap[child + 1]] < values[heap[child]]:
            child += 1
        below = heap[child]
        if values[below] >= value:
            break
        heap[position] = below
        where[below] = position
        position = child
    heap[position] = node
    where[node] = position
    return top
