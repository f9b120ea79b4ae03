"""What follows a march: values for the nodes it left out, and the way back to its source.

Arrays are those of ``marching``; points are in indices of the marched lattice.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from latent_widget._arrays import Floats
from latent_widget.geodesics.kernels.spline import LEAF, Ints, Mask


@njit(**LEAF)
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
                        # nor may a way squeeze between two forbidden nodes
                        if u[m] < np.inf and not (blocked[i, s] and blocked[r, j]):
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


@njit(**LEAF)
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
