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
def stencils(metric: Floats, blocked: Mask) -> tuple[Ints, Floats, Ints, Ints]:
    """Selling's decomposition of the inverse metric, and which nodes look at which.

    Args:
        metric: (H, W, 3) with E, F, G in index coordinates.
        blocked: (H, W) bool, nodes that no path may cross.

    Returns:
        offsets (H * W, 3, 2) as (row, column), weights (H * W, 3), and the reversed stencil in compressed
        rows: ``readers[first[n]:first[n + 1]]`` are the nodes whose stencil contains node n.

    """
    height, width = metric.shape[0], metric.shape[1]
    count = height * width
    offsets = np.zeros((count, 3, 2), np.int16)
    weights = np.zeros((count, 3))
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
    return offsets, weights, first, readers


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
def march(
    shape: tuple[int, int],
    offsets: Ints,
    weights: Floats,
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
        shape: (H, W) of the marched lattice; offsets, weights, first, readers, blocked: see `stencils`.
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
    u = np.empty(count)
    flow = np.zeros((count, 2))
    parent = np.empty(count, np.int32)
    for n in range(count):
        u[n] = np.inf
        parent[n] = -1
    state = np.zeros(count, np.int8)  # 0 far, 1 trial, 2 accepted
    fixed = np.zeros(count, np.bool_)
    heap = np.empty(count, np.int64)
    where = np.zeros(count, np.int64)
    size = 0
    ends = np.empty((2, 2))
    row, column = math.floor(source[1] + 0.5), math.floor(source[0] + 0.5)
    for i in range(max(row - CORE, 0), min(row + CORE + 1, height)):
        for j in range(max(column - CORE, 0), min(column + CORE + 1, width)):
            n = i * width + j
            if blocked[i, j]:
                continue
            ends[0, 0], ends[0, 1] = (source[0] + 0.5) * scale[1] - 0.5, (source[1] + 0.5) * scale[0] - 0.5
            ends[1, 0], ends[1, 1] = (j + 0.5) * scale[1] - 0.5, (i + 0.5) * scale[0] - 0.5
            u[n] = segment_lengths(coefficients, ends)[0]
            flow[n, 0], flow[n, 1] = source[0] - j, source[1] - i
            fixed[n] = True
            state[n] = 1
            heap[size] = n
            size += 1
            _rise(heap, where, u, size - 1)
    # u is singular at the source: near it, differences are taken of u less the cone of distances in the metric
    # at the source, whose gradient is known, so that what remains is smooth
    e, f, g = tensor(coefficients, (source[0] + 0.5) * scale[1] - 0.5, (source[1] + 0.5) * scale[0] - 0.5)
    e, f, g = e * scale[1] * scale[1], f * scale[0] * scale[1], g * scale[0] * scale[0]
    inside = np.zeros(count, np.bool_)
    cone, pull_u, pull_v = np.zeros(count), np.zeros(count), np.zeros(count)
    for n in range(count):
        x, y = n % width - source[0], n // width - source[1]
        p, q = e * x + f * y, f * x + g * y
        cone[n] = math.sqrt(max(p * x + q * y, 0.0))
        if cone[n] > 0.0:
            inside[n] = max(abs(x), abs(y)) < CONE
            pull_u[n], pull_v[n] = p / cone[n], q / cone[n]
    left, below = -2, -2
    waiting = 0
    if not math.isnan(target[0]):
        left = min(max(math.floor(target[0]), 0), max(width - 2, 0))
        below = min(max(math.floor(target[1]), 0), max(height - 2, 0))
        waiting = min(2, width) * min(2, height)
        for i in range(below, min(below + 2, height)):
            for j in range(left, min(left + 2, width)):
                if blocked[i, j]:
                    waiting -= 1
    low = np.empty(3)
    gain = np.empty(3)
    side = np.empty(3, np.int8)
    order = np.empty(3, np.int8)
    while size > 0:
        node = _pop(heap, where, u, size)
        size -= 1
        state[node] = 2
        if left > -2:
            i, j = node // width, node % width
            if left <= j <= left + 1 and below <= i <= below + 1:
                waiting -= 1
                if waiting == 0:
                    break
        for r in range(first[node], first[node + 1]):
            n = readers[r]
            if state[n] == 2 or fixed[n]:
                continue
            i, j = n // width, n % width
            used = 0
            for k in range(3):
                if weights[n, k] <= 0.0:
                    continue
                oi, oj = offsets[n, k, 0], offsets[n, k, 1]
                best = np.inf
                for sign in range(-1, 2, 2):
                    y, x = i + sign * oi, j + sign * oj
                    if 0 <= y < height and 0 <= x < width:
                        m = y * width + x
                        if state[m] == 2 and u[m] < best:
                            best = u[m]
                            side[k] = sign
                if best == np.inf:
                    continue
                m = (i + side[k] * oi) * width + j + side[k] * oj
                rise = -side[k] * (pull_u[n] * oj + pull_v[n] * oi)
                low[k], gain[k] = best, weights[n, k]
                if inside[n]:
                    low[k] += cone[n] - cone[m] - rise
                y, x = i + 2 * side[k] * oi, j + 2 * side[k] * oj
                if 0 <= y < height and 0 <= x < width:
                    far = y * width + x
                    if state[far] == 2 and u[far] <= best:
                        low[k] = (4.0 * best - u[far]) / 3.0
                        if inside[n]:
                            low[k] += cone[n] + (cone[far] - 4.0 * cone[m] - 2.0 * rise) / 3.0
                        gain[k] *= 2.25
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
                u[n] = value
                du = dv = 0.0
                for p in range(used):
                    k = order[p]
                    if value > low[k]:
                        strength = gain[k] * (value - low[k]) * side[k]
                        du += strength * offsets[n, k, 1]
                        dv += strength * offsets[n, k, 0]
                flow[n, 0], flow[n, 1] = du, dv
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


@njit(**KERNEL)
def complete(u: Floats, flow: Floats, parent: Ints, metric: Floats, blocked: Mask) -> None:
    """Give the nodes that a fully anisotropic stencil left out (in corners) a value over their eight
    neighbours.
    """
    height, width = metric.shape[0], metric.shape[1]
    for _ in range(height + width):
        missing = changed = False
        for i in range(height):
            for j in range(width):
                n = i * width + j
                if u[n] < np.inf or blocked[i, j]:
                    continue
                missing = True
                best = np.inf
                for r in range(max(i - 1, 0), min(i + 2, height)):
                    for s in range(max(j - 1, 0), min(j + 2, width)):
                        m = r * width + s
                        if u[m] < np.inf:
                            x, y = s - j, r - i
                            e = 0.5 * (metric[i, j, 0] + metric[r, s, 0])
                            f = 0.5 * (metric[i, j, 1] + metric[r, s, 1])
                            g = 0.5 * (metric[i, j, 2] + metric[r, s, 2])
                            value = u[m] + math.sqrt(max(e * x * x + 2.0 * f * x * y + g * y * y, 0.0))
                            if value < best:
                                best = value
                                parent[n] = m
                                flow[n, 0], flow[n, 1] = x, y
                if best < np.inf:
                    u[n] = best
                    changed = True
        if not missing or not changed:
            break


@njit(**KERNEL)
def trace(
    shape: tuple[int, int],
    u: Floats,
    flow: Floats,
    parent: Ints,
    blocked: Mask,
    source: Floats,
    target: Floats,
    path: Floats,
) -> int:
    """Walk from a target down the flow to the source.

    Steps of half a node along the bilinear mean of the flow; where the walk stalls or leaves what was
    marched, it goes on over the parents of the nodes, which always lead to the source.

    Args:
        path: (M, 2) buffer that takes the points (u, v), target first.

    Returns:
        How many points were written; 0 when no node near the target was reached.

    """
    height, width = shape
    x, y = target[0], target[1]
    path[0, 0], path[0, 1] = x, y
    used = 1
    lowest = np.inf
    stalled = 0
    walking = True
    while walking and used < len(path) // 2:
        if max(abs(x - source[0]), abs(y - source[1])) <= 1.0:
            break
        j = min(max(math.floor(x), 0), max(width - 2, 0))
        i = min(max(math.floor(y), 0), max(height - 2, 0))
        p, q = min(max(x - j, 0.0), 1.0), min(max(y - i, 0.0), 1.0)
        du = dv = here = total = 0.0
        for r in range(2):
            for s in range(2):
                if i + r >= height or j + s >= width or blocked[i + r, j + s]:
                    continue
                n = (i + r) * width + j + s
                norm = math.sqrt(flow[n, 0] * flow[n, 0] + flow[n, 1] * flow[n, 1])
                weight = (q if r == 1 else 1.0 - q) * (p if s == 1 else 1.0 - p)
                if u[n] < np.inf and norm > 0.0:
                    du += weight * flow[n, 0] / norm
                    dv += weight * flow[n, 1] / norm
                    here += weight * u[n]
                    total += weight
        norm = math.sqrt(du * du + dv * dv)
        if total < 0.5 or norm < 0.2 * total:
            walking = False
            break
        here /= total
        if here < lowest:
            lowest = here
            stalled = 0
        else:
            stalled += 1
            if stalled > 6:
                walking = False
                break
        x = min(max(x + 0.5 * du / norm, -0.5), width - 0.5)
        y = min(max(y + 0.5 * dv / norm, -0.5), height - 0.5)
        j = min(max(math.floor(x + 0.5), 0), width - 1)
        i = min(max(math.floor(y + 0.5), 0), height - 1)
        if blocked[i, j]:
            walking = False
            break
        path[used, 0], path[used, 1] = x, y
        used += 1
    if max(abs(x - source[0]), abs(y - source[1])) > 1.0:
        node = -1
        best = np.inf
        j, i = math.floor(x), math.floor(y)
        for r in range(max(i, 0), min(i + 2, height)):
            for s in range(max(j, 0), min(j + 2, width)):
                if not blocked[r, s] and u[r * width + s] < best:
                    best = u[r * width + s]
                    node = r * width + s
        if node < 0:
            return 0
        while node >= 0 and used < len(path) - 1:
            path[used, 0], path[used, 1] = node % width, node // width
            used += 1
            node = parent[node]
    path[used, 0], path[used, 1] = source[0], source[1]
    return used + 1
