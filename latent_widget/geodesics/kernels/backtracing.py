"""Back-tracing by descent along the flow of a march: the path from a target to the source, in steps of half a node.

`trace` walks where paths may run everywhere, `trace_in_sight` among forbidden cells; `complete` first gives values to
the nodes that the march left out. Points are in indices of the marched lattice.
"""

from __future__ import annotations

import math

import numpy as np

from latent_widget._arrays import Floats
from latent_widget.geodesics.kernels.compilation import Mask, kernel, leaf
from latent_widget.geodesics.kernels.fast_marching import March
from latent_widget.geodesics.kernels.visibility import is_visible

STALLED = 6
"""A walk that comes no nearer for more than so many steps stands still."""

FAINT = 0.2
"""Flows around a point that cancel to less than this part of their size point nowhere."""


@leaf
def complete(march: March, metric: Floats, blocked: Mask) -> None:
    """Give the nodes that a fully anisotropic stencil left out (in corners) a value over their eight neighbours.

    ``metric`` (H, W, 3) holds E, F, G of the marched cells.
    """
    u, flow, parent = march.distance, march.flow, march.parent
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


@leaf
def trace(march: March, shape: tuple[int, int], source: Floats, target: Floats, path: Floats) -> int:
    """Walk from a target down the flow to the source; write the points (u, v), target first, to ``path`` (M, 2).

    Steps of half a node along the bilinear mean of the flow; where the walk stalls or leaves what was marched, it goes
    on over the parents of the nodes, which always lead to the source. Returns how many points were written; 0 when no
    node near the target was reached.
    """
    path[0, 0], path[0, 1] = target[0], target[1]
    used = _follow_flow(march, shape, source, path)
    x, y = path[used - 1, 0], path[used - 1, 1]
    if max(abs(x - source[0]), abs(y - source[1])) > 1.0:
        used = _follow_parents(march, shape, path, used)
        if used == 0:
            return 0
    path[used, 0], path[used, 1] = source[0], source[1]
    return used + 1


@leaf
def _follow_flow(march: March, shape: tuple[int, int], source: Floats, path: Floats) -> int:
    """Go on from the first point of a path while the flow leads nearer to the source; how many points there are."""
    height, width = shape
    x, y = path[0, 0], path[0, 1]
    used, stalled = 1, 0
    lowest = np.inf
    while used < len(path) // 2 and max(abs(x - source[0]), abs(y - source[1])) > 1.0:
        du, dv, here, total = _mean_flow(march, shape, x, y)
        norm = math.sqrt(du * du + dv * dv)
        if total < 0.5 or norm < FAINT * total:
            break
        here /= total
        stalled = 0 if here < lowest else stalled + 1
        if stalled > STALLED:
            break
        lowest = min(lowest, here)
        x = min(max(x + 0.5 * du / norm, -0.5), width - 0.5)
        y = min(max(y + 0.5 * dv / norm, -0.5), height - 0.5)
        path[used, 0], path[used, 1] = x, y
        used += 1
    return used


@leaf
def _mean_flow(march: March, shape: tuple[int, int], x: float, y: float) -> tuple[float, float, float, float]:
    """Sum up, with bilinear weights, the flow's direction, the distance and the weights of the nodes around a point."""
    height, width = shape
    j = min(max(math.floor(x), 0), max(width - 2, 0))
    i = min(max(math.floor(y), 0), max(height - 2, 0))
    p, q = min(max(x - j, 0.0), 1.0), min(max(y - i, 0.0), 1.0)
    du = dv = here = total = 0.0
    for r in range(2):
        for s in range(2):
            if i + r >= height or j + s >= width:
                continue
            n = (i + r) * width + j + s
            u, v = march.flow[n, 0], march.flow[n, 1]
            norm = math.sqrt(u * u + v * v)
            weight = (q if r == 1 else 1.0 - q) * (p if s == 1 else 1.0 - p)
            if march.distance[n] < np.inf and norm > 0.0:
                du += weight * u / norm
                dv += weight * v / norm
                here += weight * march.distance[n]
                total += weight
    return du, dv, here, total


@leaf
def _follow_parents(march: March, shape: tuple[int, int], path: Floats, used: int) -> int:
    """Go on over the parents of the nearest node around the last of ``used`` points; 0 where none was reached."""
    height, width = shape
    j, i = math.floor(path[used - 1, 0]), math.floor(path[used - 1, 1])
    node, best = -1, np.inf
    for r in range(max(i, 0), min(i + 2, height)):
        for s in range(max(j, 0), min(j + 2, width)):
            if march.distance[r * width + s] < best:
                best = march.distance[r * width + s]
                node = r * width + s
    if node < 0:
        return 0
    while node >= 0 and used < len(path) - 1:
        path[used, 0], path[used, 1] = node % width, node // width
        used += 1
        node = march.parent[node]
    return used


@leaf
def _find_nearest(march: March, blocked: Mask, x: float, y: float) -> int:
    """Return the nearest node that was reached and is in sight of a point; -1 for none."""
    height, width = blocked.shape
    i, j = math.floor(y + 0.5), math.floor(x + 0.5)
    best, near = np.inf, -1
    for r in range(max(i - 1, 0), min(i + 2, height)):
        for s in range(max(j - 1, 0), min(j + 2, width)):
            away = (s - x) * (s - x) + (r - y) * (r - y)
            if march.distance[r * width + s] < np.inf and away < best and is_visible(blocked, x, y, s, r):
                best, near = away, r * width + s
    return near


@kernel
def trace_in_sight(march: March, blocked: Mask, source: Floats, target: Floats) -> Floats:
    """Walk from a target down the flow of a march to its source among forbidden cells, (N, 2) with the source first.

    Where a step of half a node would leave the allowed cells or the walk stalls, it hops over the parents of the nodes,
    each in sight of the next, until it is nearer than before. No points where no node in sight of the target was
    reached.
    """
    height, width = blocked.shape
    u, flow, parent = march.distance, march.flow, march.parent
    room = 8 * (height + width) + 2 * height * width
    path = np.empty((room, 2))
    x, y = target[0], target[1]
    path[0, 0], path[0, 1] = x, y
    used, node, stalled = 1, -1, 0
    lowest = np.inf
    while used < room - 1:
        close = max(abs(x - source[0]), abs(y - source[1])) <= 4.0
        if close and is_visible(blocked, x, y, source[0], source[1]):
            path[used, 0], path[used, 1] = source[0], source[1]
            return path[: used + 1][::-1].copy()
        if node < 0:
            near = _find_nearest(march, blocked, x, y)
            if near < 0:
                break
            stalled = 0 if u[near] < lowest else stalled + 1
            lowest = min(lowest, u[near])
            norm = math.sqrt(flow[near, 0] * flow[near, 0] + flow[near, 1] * flow[near, 1])
            if norm > 0.0 and stalled <= STALLED:
                p = min(max(x + 0.5 * flow[near, 0] / norm, -0.5), width - 0.5)
                q = min(max(y + 0.5 * flow[near, 1] / norm, -0.5), height - 0.5)
                if is_visible(blocked, x, y, p, q):
                    x, y = p, q
                    path[used, 0], path[used, 1] = x, y
                    used += 1
                    continue
            node = near
        else:
            node = parent[node]
            if node < 0:
                break
        x, y = float(node % width), float(node // width)
        path[used, 0], path[used, 1] = x, y
        used += 1
        if u[node] < lowest:
            lowest, node, stalled = u[node], -1, 0
    return path[:0]
