"""Anisotropic fast marching: the distance from one point to every cell, and the way back.

The eikonal equation ``grad(u)^T D grad(u) = 1`` with ``D = G^-1`` is solved in one pass on the stencil of
Selling's decomposition ``D = sum_k w_k e_k e_k^T`` (three integer offsets ``e_k``, weights ``w_k >= 0``),
which is causal however anisotropic the metric [7]; differences are of second order where two accepted
neighbours are in line, but no node may come before the one that was accepted last. Nodes are cell centres and
coordinates are indices, as in ``interpolation``.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from latent_widget._arrays import Floats
from latent_widget.geodesics.kernels.spline import KERNEL, LEAF, Ints, Mask, segment_lengths, tensor

ANISOTROPY = 1e4  # largest ratio of eigenvalues that the stencil follows: offsets stay below about 100 cells
CONE = 24  # within so many nodes of the source, differences leave out the cone of distances around it
CORE = 3  # nodes this near to the source (in the maximum norm) get the length of the straight line


@njit(**KERNEL)
def stencils(metric: Floats, blocked: Mask) -> tuple[Ints, Ints, Floats, Ints, Ints, Ints]:
    """Selling's decomposition of the inverse metric, and which nodes look at which.

    Args:
        metric: (H, W, 3) with E, F, G in index coordinates.
        blocked: (H, W) bool, nodes that no path may cross.

    Returns:
        offsets (H * W, 3, 2) as (row, column), jumps (H * W, 3) the same in numbers of nodes, weights (H * W, 3),
        sides (H * W, 3): bits 1 and 2 where the neighbour against and along an offset of positive weight lies on the
        lattice, 4 and 8 where the one behind it does, and the reversed stencil in compressed rows:
        ``readers[first[n]:first[n + 1]]`` are the nodes whose stencil contains node n.

    """
    height, width = metric.shape[0], metric.shape[1]
    count = height * width
    offsets = np.zeros((count, 3, 2), np.int16)
    jumps = np.zeros((count, 3), np.int32)
    weights = np.zeros((count, 3))
    sides = np.zeros((count, 3), np.int8)
    first = np.zeros(count + 1, np.int32)
    base = np.zeros((3, 2))
    for i in range(height):
        for j in range(width):
            n = i * width + j
            e, f, g = metric[i, j, 0], metric[i, j, 1], metric[i, j, 2]
            lift = 0.5 * (e + g) + math.sqrt(0.25 * (e - g) * (e - g) + f * f)
            low = (e * g - f * f) / lift
            if low < lift / ANISOTROPY:
                e += lift / ANISOTROPY
                g += lift / ANISOTROPY
            determinant = e * g - f * f
            a, b, c = g / determinant, -f / determinant, e / determinant
            base[0, 0] = base[1, 1] = 1.0
            base[0, 1] = base[1, 0] = 0.0
            base[2, 0] = base[2, 1] = -1.0
            for _ in range(400):
                changed = False
                for k in range(3):
                    p, q = (k + 1) % 3, (k + 2) % 3
                    product = (
                        a * base[p, 0] * base[q, 0]
                        + b * (base[p, 0] * base[q, 1] + base[p, 1] * base[q, 0])
                        + c * base[p, 1] * base[q, 1]
                    )
                    if product > 1e-12 * (a + c):
                        x, y = base[p, 0], base[p, 1]
                        base[k, 0], base[k, 1] = x - base[q, 0], y - base[q, 1]
                        base[p, 0], base[p, 1] = -x, -y
                        changed = True
                        break
                if not changed:
                    break
            for k in range(3):
                p, q = (k + 1) % 3, (k + 2) % 3
                product = (
                    a * base[p, 0] * base[q, 0]
                    + b * (base[p, 0] * base[q, 1] + base[p, 1] * base[q, 0])
                    + c * base[p, 1] * base[q, 1]
                )
                weights[n, k] = max(-product, 0.0)
                # the offset is the base vector turned by a right angle, (x, y) -> (-y, x)
                offsets[n, k, 0], offsets[n, k, 1] = int(base[k, 0]), int(-base[k, 1])
                jumps[n, k] = offsets[n, k, 0] * width + offsets[n, k, 1]
                for reach in range(1, 3 if weights[n, k] > 0.0 else 1):
                    for sign in range(-1, 2, 2):
                        r, s = i + sign * reach * offsets[n, k, 0], j + sign * reach * offsets[n, k, 1]
                        if 0 <= r < height and 0 <= s < width:
                            sides[n, k] |= (1 if sign < 0 else 2) << 2 * (reach - 1)
    closed = blocked.ravel()
    for n in range(count):
        for k in range(3):
            for bit in range(1, 3):
                if sides[n, k] & bit and not closed[n]:
                    node = n + (2 * bit - 3) * jumps[n, k]
                    first[node + 1] += not closed[node]
    for n in range(count):
        first[n + 1] += first[n]
    readers, fill = np.empty(first[count], np.int32), first.copy()
    for n in range(count):
        for k in range(3):
            for bit in range(1, 3):
                if sides[n, k] & bit and not closed[n]:
                    node = n + (2 * bit - 3) * jumps[n, k]
                    if not closed[node]:
                        readers[fill[node]] = n
                        fill[node] += 1
    return offsets, jumps, weights, sides, first, readers


@njit(**LEAF)
def _rise(heap: Ints, where: Ints, u: Floats, position: int) -> None:
    node = heap[position]
    value = u[node]
    while position > 0:
        parent = (position - 1) >> 1
        above = heap[parent]
        if u[above] <= value:
            break
        heap[position] = above
        where[above] = position
        position = parent
    heap[position] = node
    where[node] = position


@njit(**LEAF)
def _pop(heap: Ints, where: Ints, u: Floats, size: int) -> int:
    top = heap[0]
    node = heap[size - 1]
    value = u[node]
    size -= 1
    position = 0
    while 2 * position + 1 < size:
        child = 2 * position + 1
        if child + 1 < size and u[heap[child + 1]] < u[heap[child]]:
            child += 1
        below = heap[child]
        if u[below] >= value:
            break
        heap[position] = below
        where[below] = position
        position = child
    heap[position] = node
    where[node] = position
    return top


@njit(**LEAF)
def _cone(shape: tuple[int, int], offsets: Ints, metric: Floats, source: Floats, cone: Floats, slope: Floats) -> None:
    """The cone of distances in the ``metric`` (3,) at the source, with its ``slope``.

    u is singular at the source. Near it, differences are taken of u less the cone, so that what remains is smooth.
    The cone is filled as far as the stencils of the nodes near the source reach; elsewhere ``slope`` is zero.
    """
    height, width = shape
    e, f, g = metric
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


@njit(**LEAF)
def _upwind(
    n: int,
    k: int,
    known: Floats,
    offsets: Ints,
    jumps: Ints,
    weights: Floats,
    sides: Ints,
    cone: Floats,
    slope: Floats,
) -> tuple[float, float, int]:
    """What the accepted neighbours along one offset say of a node.

    Returns:
        The level from which the node is seen to rise (inf for no neighbour), with what gain, and the side of the
        neighbour (-1, 1); the value of the node solves ``sum_k gain_k (value - level_k)_+^2 = 1``.

    """
    bits = sides[n, k]
    before = known[n - jumps[n, k]] if bits & 1 else np.inf
    after = known[n + jumps[n, k]] if bits & 2 else np.inf
    side = -1 if before <= after else 1
    level, gain = min(before, after), weights[n, k]
    if level == np.inf:
        return level, gain, side
    beside = n + side * jumps[n, k]
    far = beside + side * jumps[n, k]
    inside = slope[n, 0] != 0.0 or slope[n, 1] != 0.0
    rise = climb = 0.0
    if inside:
        climb = -side * (slope[n, 0] * offsets[n, k, 1] + slope[n, 1] * offsets[n, k, 0])
        rise = cone[n] - cone[beside] - climb
    if bits & (4 if side < 0 else 8) and known[far] <= level:
        # two in line: of second order
        level = (4.0 * level - known[far]) / 3.0
        gain *= 2.25
        if inside:
            rise = cone[n] + (cone[far] - 4.0 * cone[beside] - 2.0 * climb) / 3.0
    return level + rise, gain, side


@njit(**LEAF)
def _solve(level: Floats, gain: Floats) -> float:
    """The value with ``sum_k gain_k (value - level_k)_+^2 = 1``; levels (3,) may be infinite, but not all."""
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


@njit(**KERNEL)
def march(
    shape: tuple[int, int],
    offsets: Ints,
    jumps: Ints,
    weights: Floats,
    sides: Ints,
    first: Ints,
    readers: Ints,
    blocked: Mask,
    coefficients: Floats,
    scale: Floats,
    source: Floats,
    target: Floats,
    beyond: Floats,
    limit: float,
) -> tuple[Floats, Floats, Ints]:
    """Distances from a source by fast marching.

    Args:
        shape: (H, W) of the marched lattice; offsets, jumps, weights, sides, first, readers, blocked: see `stencils`.
        coefficients, scale: the spline of the field and the number of its cells per marched cell (v, u), for
            the exact start around the source.
        source: (2,) as (u, v) in indices of the marched lattice.
        target: (2,); the march stops once all nodes around it are known (NaN: march everywhere).
        beyond: (H * W,) distances from the other end or less: nodes through which the way would be longer than
            ``limit`` are left out; empty: none are.

    Returns:
        u (H * W,) distances (inf where not reached), flow (H * W, 2) steps (u, v) towards the source and
        parent (H * W,) the node that each value came from (-1 around the source); both only where u is finite.

    """
    height, width = shape
    count = height * width
    u, known = np.full(count, np.inf), np.full(count, np.inf)  # the best value so far, and the accepted one
    held = np.zeros(count, np.bool_)  # accepted, or with a value that stays
    flow, parent = np.empty((count, 2)), np.empty(count, np.int32)
    cone, slope = np.empty(count), np.zeros((count, 2))
    heap, where = np.empty(count, np.int32), np.empty(count, np.int32)
    size = 0
    ends = np.empty((2, 2))
    ends[0, 0], ends[0, 1] = (source[0] + 0.5) * scale[1] - 0.5, (source[1] + 0.5) * scale[0] - 0.5
    e, f, g = tensor(coefficients, ends[0, 0], ends[0, 1])
    metric = np.array([e * scale[1] * scale[1], f * scale[0] * scale[1], g * scale[0] * scale[0]])
    _cone(shape, offsets, metric, source, cone, slope)
    row, column = math.floor(source[1] + 0.5), math.floor(source[0] + 0.5)
    for i in range(max(row - CORE, 0), min(row + CORE + 1, height)):
        for j in range(max(column - CORE, 0), min(column + CORE + 1, width)):
            if blocked[i, j]:
                continue
            n = i * width + j
            ends[1, 0], ends[1, 1] = (j + 0.5) * scale[1] - 0.5, (i + 0.5) * scale[0] - 0.5
            u[n] = segment_lengths(coefficients, ends)[0]
            flow[n, 0], flow[n, 1] = source[0] - j, source[1] - i
            parent[n] = -1
            held[n] = True
            heap[size] = n
            size += 1
            _rise(heap, where, u, size - 1)
    near = np.zeros(count, np.bool_)
    waiting = 0
    if not np.isnan(target[0]):
        # of a target in the outer half cell the nearest nodes are those within one and a half
        for i in range(max(math.floor(target[1] - 0.5), 0), min(math.ceil(target[1] + 0.5) + 1, height)):
            for j in range(max(math.floor(target[0] - 0.5), 0), min(math.ceil(target[0] + 0.5) + 1, width)):
                if abs(j - target[0]) < 1.5 and abs(i - target[1]) < 1.5 and not blocked[i, j]:
                    near[i * width + j] = True
                    waiting += 1
    level, gain, side = np.empty(3), np.empty(3), np.empty(3, np.int64)
    bounded = len(beyond) > 0
    while size > 0:
        node = _pop(heap, where, u, size)
        size -= 1
        known[node] = u[node]
        held[node] = True
        if near[node]:
            waiting -= 1
            if waiting == 0:
                break
        for at in range(first[node], first[node + 1]):
            n = np.int64(readers[at])
            if held[n]:
                continue
            for k in range(3):
                level[k], gain[k], side[k] = _upwind(n, k, known, offsets, jumps, weights, sides, cone, slope)
            value = _solve(level, gain)
            # where the metric changes much from node to node, second differences may ask for less than the last value
            if not known[node] <= value < u[n] or (bounded and not beyond[n] + value <= limit):
                continue
            flow[n, 0] = flow[n, 1] = 0.0
            for k in range(3):
                if value > level[k]:
                    strength = gain[k] * (value - level[k]) * side[k]
                    flow[n, 0] += strength * offsets[n, k, 1]
                    flow[n, 1] += strength * offsets[n, k, 0]
            parent[n] = node
            if u[n] == np.inf:
                heap[size] = n
                where[n] = size
                size += 1
            u[n] = value
            _rise(heap, where, u, np.int64(where[n]))
    return known, flow, parent
