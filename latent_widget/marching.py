"""Anisotropic fast marching: the distance from one point to every cell, and the way back.

The eikonal equation ``grad(u)^T D grad(u) = 1`` with ``D = G^-1`` is solved in one pass on the stencil of
Selling's decomposition ``D = sum_k w_k e_k e_k^T`` (three integer offsets ``e_k``, weights ``w_k >= 0``),
which is causal however anisotropic the metric [7]; differences are of second order where two accepted
neighbours are in line. Nodes are cell centres and coordinates are indices, as in ``interpolation``.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from latent_widget.arrays import Floats
from latent_widget.interpolation import KERNEL, Ints, Mask, segment_lengths, tensor

ANISOTROPY = 1e4  # largest ratio of eigenvalues that the stencil follows: offsets stay below about 100 cells
CONE = 24  # within so many nodes of the source, differences leave out the cone of distances around it
CORE = 3  # nodes this near to the source (in the maximum norm) get the length of the straight line


@njit(**KERNEL)
def stencils(metric: Floats, blocked: Mask) -> tuple[Ints, Floats, Ints, Ints, Ints]:
    """Selling's decomposition of the inverse metric, and which nodes look at which.

    Args:
        metric: (H, W, 3) with E, F, G in index coordinates.
        blocked: (H, W) bool, nodes that no path may cross.

    Returns:
        offsets (H * W, 3, 2) as (row, column), weights (H * W, 3), sides (H * W, 3): bits 1 and 2 where the
        neighbour against and along the offset lies on the lattice, 4 and 8 where the one behind it does, and
        the reversed stencil in compressed rows: ``readers[first[n]:first[n + 1]]`` are the nodes whose stencil
        contains node n.

    """
    height, width = metric.shape[0], metric.shape[1]
    count = height * width
    offsets = np.zeros((count, 3, 2), np.int16)
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
                for reach in range(1, 3):
                    for sign in range(-1, 2, 2):
                        r, s = i + sign * reach * offsets[n, k, 0], j + sign * reach * offsets[n, k, 1]
                        if 0 <= r < height and 0 <= s < width:
                            sides[n, k] |= (1 if sign < 0 else 2) << 2 * (reach - 1)
    for turn in range(2):
        if turn == 1:
            total = 0
            for n in range(count + 1):
                here = first[n]
                first[n] = total
                total += here
            readers = np.empty(total, np.int32)
            fill = first.copy()
        for i in range(height):
            for j in range(width):
                n = i * width + j
                if blocked[i, j]:
                    continue
                for k in range(3):
                    if weights[n, k] <= 0.0:
                        continue
                    for sign in range(-1, 2, 2):
                        r, s = i + sign * offsets[n, k, 0], j + sign * offsets[n, k, 1]
                        if 0 <= r < height and 0 <= s < width and not blocked[r, s]:
                            if turn == 0:
                                first[r * width + s] += 1
                            else:
                                readers[fill[r * width + s]] = n
                                fill[r * width + s] += 1
    return offsets, weights, sides, first, readers


@njit(**KERNEL)
def _rise(heap: Ints, where: Ints, u: Floats, position: int) -> None:
    node = heap[position]
    while position > 0:
        parent = (position - 1) >> 1
        if u[heap[parent]] <= u[node]:
            break
        heap[position] = heap[parent]
        where[heap[position]] = position
        position = parent
    heap[position] = node
    where[node] = position


@njit(**KERNEL)
def _pop(heap: Ints, where: Ints, u: Floats, size: int) -> int:
    top = heap[0]
    node = heap[size - 1]
    size -= 1
    position = 0
    while 2 * position + 1 < size:
        child = 2 * position + 1
        if child + 1 < size and u[heap[child + 1]] < u[heap[child]]:
            child += 1
        if u[heap[child]] >= u[node]:
            break
        heap[position] = heap[child]
        where[heap[position]] = position
        position = child
    heap[position] = node
    where[node] = position
    return top


@njit(**KERNEL)
def _start(
    shape: tuple[int, int],
    blocked: Mask,
    coefficients: Floats,
    scale: Floats,
    source: Floats,
    u: Floats,
    flow: Floats,
    cone: Floats,
    pull: Floats,
) -> None:
    """Set u and flow of the nodes around the source, and the cone of distances in the metric at the source.

    u is singular at the source. Near it, differences are taken of u less the cone, whose gradient ``pull`` is
    known, so that what remains is smooth.
    """
    height, width = shape
    ends = np.empty((2, 2))
    ends[0, 0], ends[0, 1] = (source[0] + 0.5) * scale[1] - 0.5, (source[1] + 0.5) * scale[0] - 0.5
    e, f, g = tensor(coefficients, ends[0, 0], ends[0, 1])
    e, f, g = e * scale[1] * scale[1], f * scale[0] * scale[1], g * scale[0] * scale[0]
    for i in range(height):
        for j in range(width):
            n = i * width + j
            u[n] = np.inf
            x, y = j - source[0], i - source[1]
            p, q = e * x + f * y, f * x + g * y
            cone[n] = math.sqrt(max(p * x + q * y, 0.0))
            reach = max(abs(x), abs(y))
            if cone[n] > 0.0 and reach < CONE:
                pull[n, 0], pull[n, 1] = p / cone[n], q / cone[n]
            if reach < CORE + 0.5 and not blocked[i, j]:
                ends[1, 0], ends[1, 1] = (j + 0.5) * scale[1] - 0.5, (i + 0.5) * scale[0] - 0.5
                u[n] = segment_lengths(coefficients, ends)[0]
                flow[n, 0], flow[n, 1] = -x, -y


@njit(**KERNEL)
def _update(
    shape: tuple[int, int],
    n: int,
    u: Floats,
    state: Ints,
    offsets: Ints,
    weights: Floats,
    sides: Ints,
    cone: Floats,
    pull: Floats,
    flow: Floats,
) -> float:
    """The value of a node from its accepted neighbours; where it is lower than before, its flow is set."""
    width = shape[1]
    i, j = n // width, n % width
    low, gain = np.empty(3), np.empty(3)
    side, order = np.empty(3, np.int64), np.empty(3, np.int64)
    inside = pull[n, 0] != 0.0 or pull[n, 1] != 0.0
    used = 0
    for k in range(3):
        if weights[n, k] <= 0.0:
            continue
        oi, oj = offsets[n, k, 0], offsets[n, k, 1]
        best = np.inf
        for sign in range(-1, 2, 2):
            if not sides[n, k] & (1 if sign < 0 else 2):
                continue
            y, x = i + sign * oi, j + sign * oj
            if state[y * width + x] == 2 and u[y * width + x] < best:
                best = u[y * width + x]
                side[k] = sign
        if best == np.inf:
            continue
        near = (i + side[k] * oi) * width + j + side[k] * oj
        climb = -side[k] * (pull[n, 0] * oj + pull[n, 1] * oi)
        low[k], gain[k] = best, weights[n, k]
        if inside:
            low[k] += cone[n] - cone[near] - climb
        if sides[n, k] & (4 if side[k] < 0 else 8):
            far = (i + 2 * side[k] * oi) * width + j + 2 * side[k] * oj
            if state[far] == 2 and u[far] <= best:
                low[k] = (4.0 * best - u[far]) / 3.0
                gain[k] *= 2.25
                if inside:
                    low[k] += cone[n] + (cone[far] - 4.0 * cone[near] - 2.0 * climb) / 3.0
        place = used
        while place > 0 and low[order[place - 1]] > low[k]:
            order[place] = order[place - 1]
            place -= 1
        order[place] = k
        used += 1
    # solve sum gain (value - low)_+^2 = 1, taking in one neighbour after the other
    s0 = s1 = s2 = 0.0
    value = np.inf
    for p in range(used):
        k = order[p]
        if value <= low[k]:
            break
        s0 += gain[k]
        s1 += gain[k] * low[k]
        s2 += gain[k] * low[k] * low[k]
        value = (s1 + math.sqrt(max(s1 * s1 - s0 * (s2 - 1.0), 0.0))) / s0
    if value < u[n]:
        flow[n, 0] = flow[n, 1] = 0.0
        for p in range(used):
            k = order[p]
            if value > low[k]:
                strength = gain[k] * (value - low[k]) * side[k]
                flow[n, 0] += strength * offsets[n, k, 1]
                flow[n, 1] += strength * offsets[n, k, 0]
    return value


@njit(**KERNEL)
def march(
    shape: tuple[int, int],
    offsets: Ints,
    weights: Floats,
    sides: Ints,
    first: Ints,
    readers: Ints,
    blocked: Mask,
    coefficients: Floats,
    scale: Floats,
    source: Floats,
    target: Floats,
) -> tuple[Floats, Floats, Ints]:
    """Distances from a source by fast marching.

    Args:
        shape: (H, W) of the marched lattice; offsets, weights, sides, first, readers, blocked: see `stencils`.
        coefficients, scale: the spline of the field and the number of its cells per marched cell (v, u), for
            the exact start around the source.
        source: (2,) as (u, v) in indices of the marched lattice.
        target: (2,); the march stops once all nodes around it are known (NaN: march everywhere).

    Returns:
        u (H * W,) distances (inf where not reached), flow (H * W, 2) steps (u, v) towards the source and
        parent (H * W,) the node that each value came from (-1 around the source).

    """
    height, width = shape
    count = height * width
    u, cone = np.empty(count), np.empty(count)
    flow, pull = np.zeros((count, 2)), np.zeros((count, 2))
    parent = np.empty(count, np.int32)
    state = np.zeros(count, np.int8)  # 0 far, 1 trial, 2 accepted, 3 trial with a value that stays
    heap, where = np.empty(count, np.int64), np.zeros(count, np.int64)
    size = 0
    _start(shape, blocked, coefficients, scale, source, u, flow, cone, pull)
    waiting = 0
    near = np.zeros(count, np.bool_)
    for i in range(height):
        for j in range(width):
            n = i * width + j
            parent[n] = -1
            if u[n] < np.inf:
                state[n] = 3
                heap[size] = n
                size += 1
                _rise(heap, where, u, size - 1)
            # of a target in the outer half cell the nearest nodes are those within one and a half
            if abs(j - target[0]) < 1.5 and abs(i - target[1]) < 1.5 and not blocked[i, j]:
                near[n] = True
                waiting += 1
    while size > 0:
        node = _pop(heap, where, u, size)
        size -= 1
        state[node] = 2
        if near[node]:
            waiting -= 1
            if waiting == 0:
                break
        for r in range(first[node], first[node + 1]):
            n = np.int64(readers[r])
            if state[n] >= 2:
                continue
            value = _update(shape, n, u, state, offsets, weights, sides, cone, pull, flow)
            if value < u[n]:
                u[n] = value
                parent[n] = node
                if state[n] == 0:
                    state[n] = 1
                    heap[size] = n
                    size += 1
                    _rise(heap, where, u, size - 1)
                else:
                    _rise(heap, where, u, where[n])
    for n in range(count):
        if state[n] != 2:
            u[n] = np.inf
    return u, flow, parent
