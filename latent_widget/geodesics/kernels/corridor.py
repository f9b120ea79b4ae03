"""Routes that keep to allowed cells: what is in sight, the walk back, and paths drawn tight around what is not.

A path may run along the border of a forbidden cell and touch its corners, but neither enter it nor squeeze between
two that touch at a corner. It is drawn tight inside a corridor: every segment gets a rectangle of allowed cells and
every node the common part of two, a convex room for Newton's method on the energy, and the rectangles are chosen
anew until the path stands still. Points are in index coordinates (see ``interpolation``).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from latent_widget._arrays import Floats
from latent_widget.geodesics.kernels.energy import measure, shorten
from latent_widget.geodesics.kernels.spline import KERNEL, LEAF, Ints, Mask

NEAR = 1e-9  # points this near to the border of a cell lie on it
ROUNDS = 90  # of choosing the corridor anew, at most
STILL = 1e-10  # a round that shortens the path by less than this fraction has not moved it


@njit(**LEAF)
def free(blocked: Mask, x: float, y: float) -> bool:
    """Whether any closed cell that contains a point is allowed."""
    height, width = blocked.shape
    for i in range(max(math.ceil(y - 0.5 - NEAR), 0), min(math.floor(y + 0.5 + NEAR), height - 1) + 1):
        for j in range(max(math.ceil(x - 0.5 - NEAR), 0), min(math.floor(x + 0.5 + NEAR), width - 1) + 1):
            if not blocked[i, j]:
                return True
    return False


@njit(**LEAF)
def visible(blocked: Mask, x0: float, y0: float, x1: float, y1: float) -> bool:
    """Whether the segment between two points keeps to allowed cells; squeezing between two corners does not."""
    height, width = blocked.shape
    dx, dy = x1 - x0, y1 - y0
    if not free(blocked, x0, y0) or not free(blocked, x1, y1):
        return False
    # the next borders between cells ahead, as shares of the way
    sx, sy = (1.0 if dx > 0.0 else -1.0), (1.0 if dy > 0.0 else -1.0)
    bx = math.floor(x0 + 0.5 + NEAR) + 0.5 if dx > 0.0 else math.ceil(x0 - 0.5 - NEAR) - 0.5
    by = math.floor(y0 + 0.5 + NEAR) + 0.5 if dy > 0.0 else math.ceil(y0 - 0.5 - NEAR) - 0.5
    done = 0.0
    while done < 1.0:
        tx = (bx - x0) / dx if dx != 0.0 else np.inf
        ty = (by - y0) / dy if dy != 0.0 else np.inf
        ahead = min(tx, ty, 1.0)
        middle = 0.5 * (done + ahead)
        if ahead > done and not free(blocked, x0 + middle * dx, y0 + middle * dy):
            return False
        if ahead >= 1.0:
            break
        at_corner = abs((tx - ty) * dx) < NEAR and abs((tx - ty) * dy) < NEAR
        if at_corner:
            # through the corner of four cells: one of the two beside the way must be allowed
            i, j = int(by + 0.5), int(bx + 0.5)
            if 0 < i < height and 0 < j < width:
                up = i - 1 if sx == sy else i
                if blocked[up, j] and blocked[2 * i - 1 - up, j - 1]:
                    return False
        if tx <= ahead or at_corner:
            bx += sx
        if ty <= ahead or at_corner:
            by += sy
        done = ahead
    return True


@njit(**LEAF)
def all_visible(blocked: Mask, points: Floats) -> int:
    """How many segments of a polyline (N, 2) keep to allowed cells before the first that does not; N - 1 if all do."""
    for k in range(len(points) - 1):
        if not visible(blocked, points[k, 0], points[k, 1], points[k + 1, 0], points[k + 1, 1]):
            return k
    return len(points) - 1


@njit(**LEAF)
def cut_edges(blocked: Mask, offsets: Ints, sides: Ints, first: Ints, readers: Ints) -> None:
    """Take out of the stencils of a march the edges that are not in sight (see ``marching.stencils``), in place."""
    height, width = blocked.shape
    for n in range(height * width):
        i, j = n // width, n % width
        for k in range(3):
            for sign in range(-1, 2, 2):
                bit = 1 if sign < 0 else 2
                if not sides[n, k] & bit:
                    continue
                r, s = i + sign * offsets[n, k, 0], j + sign * offsets[n, k, 1]
                if blocked[i, j] or not visible(blocked, j, i, s, r):
                    sides[n, k] &= ~(bit | bit << 2)
                elif sides[n, k] & bit << 2:
                    y, x = r + sign * offsets[n, k, 0], s + sign * offsets[n, k, 1]
                    if not visible(blocked, s, r, x, y):
                        sides[n, k] &= ~(bit << 2)
    for node in range(height * width):
        for r in range(first[node], first[node + 1]):
            n = readers[r]
            if not visible(blocked, n % width, n // width, node % width, node // width):
                # a node that reads itself is skipped: once it is accepted nothing changes it
                readers[r] = node


@njit(**KERNEL)
def hidden(blocked: Mask, source: Floats, reach: int) -> Mask:
    """The forbidden nodes and those around the source that are out of its sight."""
    out = blocked.copy()
    height, width = blocked.shape
    j, i = math.floor(source[0] + 0.5), math.floor(source[1] + 0.5)
    for r in range(max(i - reach - 1, 0), min(i + reach + 2, height)):
        for s in range(max(j - reach - 1, 0), min(j + reach + 2, width)):
            if not out[r, s] and not visible(blocked, source[0], source[1], s, r):
                out[r, s] = True
    return out


@njit(**LEAF)
def _nearest(blocked: Mask, u: Floats, x: float, y: float) -> int:
    """The nearest node that was reached and is in sight of a point; -1 for none."""
    height, width = blocked.shape
    i, j = math.floor(y + 0.5), math.floor(x + 0.5)
    best, near = np.inf, -1
    for r in range(max(i - 1, 0), min(i + 2, height)):
        for s in range(max(j - 1, 0), min(j + 2, width)):
            away = (s - x) * (s - x) + (r - y) * (r - y)
            if u[r * width + s] < np.inf and away < best and visible(blocked, x, y, s, r):
                best, near = away, r * width + s
    return near


@njit(**KERNEL)
def descend(blocked: Mask, u: Floats, flow: Floats, parent: Ints, source: Floats, target: Floats) -> Floats:
    """Walk from a target down the flow of a march to its source, (N, 2) with the source first.

    Where a step of half a node would leave the allowed cells or the walk stalls, it hops over the parents of the nodes,
    each in sight of the next, until it is nearer than before. No points where no node in sight of the target was
    reached.
    """
    height, width = blocked.shape
    room = 8 * (height + width) + 2 * height * width
    path = np.empty((room, 2))
    x, y = target[0], target[1]
    path[0, 0], path[0, 1] = x, y
    used, node, stalled = 1, -1, 0
    lowest = np.inf
    while used < room - 1:
        close = max(abs(x - source[0]), abs(y - source[1])) <= 4.0
        if close and visible(blocked, x, y, source[0], source[1]):
            path[used, 0], path[used, 1] = source[0], source[1]
            return path[: used + 1][::-1].copy()
        if node < 0:
            near = _nearest(blocked, u, x, y)
            if near < 0:
                break
            stalled = 0 if u[near] < lowest else stalled + 1
            lowest = min(lowest, u[near])
            norm = math.sqrt(flow[near, 0] * flow[near, 0] + flow[near, 1] * flow[near, 1])
            if norm > 0.0 and stalled <= 6:
                p = min(max(x + 0.5 * flow[near, 0] / norm, -0.5), width - 0.5)
                q = min(max(y + 0.5 * flow[near, 1] / norm, -0.5), height - 0.5)
                if visible(blocked, x, y, p, q):
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


@njit(**LEAF)
def _empty(area: Ints, i0: int, i1: int, j0: int, j1: int) -> bool:
    """Whether a rectangle of cells, last ones included, holds no forbidden one."""
    height, width = area.shape[0] - 1, area.shape[1] - 1
    if i0 < 0 or j0 < 0 or i1 >= height or j1 >= width or i1 < i0 or j1 < j0:
        return False
    return area[i1 + 1, j1 + 1] - area[i0, j1 + 1] - area[i1 + 1, j0] + area[i0, j0] == 0


@njit(**LEAF)
def _box(area: Ints, x0: float, y0: float, x1: float, y1: float) -> tuple[int, int, int, int]:
    """Rows and columns of a rectangle of allowed cells around a segment; -1 where there is none."""
    height, width = area.shape[0] - 1, area.shape[1] - 1
    ja, jb = math.floor(min(x0, x1) + 0.5 + NEAR), math.ceil(max(x0, x1) - 0.5 - NEAR)
    ia, ib = math.floor(min(y0, y1) + 0.5 + NEAR), math.ceil(max(y0, y1) - 0.5 - NEAR)
    # a segment along the border between two columns or rows may belong to either
    for row in range(2 if ib < ia else 1):
        for column in range(2 if jb < ja else 1):
            i0, i1 = (ia, ib) if ib >= ia else ((ia, ia) if row == 0 else (ib, ib))
            j0, j1 = (ja, jb) if jb >= ja else ((ja, ja) if column == 0 else (jb, jb))
            i0, i1, j0, j1 = max(i0, 0), min(i1, height - 1), max(j0, 0), min(j1, width - 1)
            if _empty(area, i0, i1, j0, j1):
                return i0, i1, j0, j1
    return -1, -1, -1, -1


@njit(**KERNEL)
def split(area: Ints, points: Floats) -> Floats:
    """A polyline (N, 2) in sight all along, cut at the borders of cells where its segments have no free rectangle."""
    room = len(points)
    for k in range(len(points) - 1):
        room += 2 + int(abs(points[k + 1, 0] - points[k, 0]) + abs(points[k + 1, 1] - points[k, 1])) * 2 + 4
    out = np.empty((room, 2))
    out[0] = points[0]
    used = 1
    cuts = np.empty(room + 4)
    for k in range(len(points) - 1):
        x, y = points[k, 0], points[k, 1]
        dx, dy = points[k + 1, 0] - x, points[k + 1, 1] - y
        if _box(area, x, y, x + dx, y + dy)[0] < 0:
            count = 0
            for c in range(2):
                low = min(points[k, c], points[k + 1, c])
                high = max(points[k, c], points[k + 1, c])
                border = math.ceil(low - 0.5 + NEAR) + 0.5
                while border < high - NEAR:
                    cuts[count] = (border - points[k, c]) / (points[k + 1, c] - points[k, c])
                    count += 1
                    border += 1.0
            for t in np.sort(cuts[:count]):
                u, v = x + t * dx, y + t * dy
                # a cut lies on the border to the last bit, so that it belongs to the cells on both sides
                if abs(u - (math.floor(u) + 0.5)) < NEAR:
                    u = math.floor(u) + 0.5
                if abs(v - (math.floor(v) + 0.5)) < NEAR:
                    v = math.floor(v) + 0.5
                if max(abs(u - out[used - 1, 0]), abs(v - out[used - 1, 1])) > NEAR:
                    out[used, 0], out[used, 1] = u, v
                    used += 1
        out[used] = points[k + 1]
        used += 1
    return out[:used].copy()


@njit(**LEAF)
def corridor(area: Ints, points: Floats, order: int, low: Floats, high: Floats) -> bool:
    """The room of every node of a polyline, low and high (N, 2): the common part of the rectangles of its segments.

    Rectangles grow as far as they can: along rows first, along columns first, or to all sides in turn (order 0, 1, 2).
    False where a segment has none.
    """
    height, width = area.shape[0] - 1, area.shape[1] - 1
    for n in range(len(points)):
        low[n, 0] = low[n, 1] = -0.5
        high[n, 0], high[n, 1] = width - 0.5, height - 0.5
    for k in range(len(points) - 1):
        i0, i1, j0, j1 = _box(area, points[k, 0], points[k, 1], points[k + 1, 0], points[k + 1, 1])
        if i0 < 0:
            return False
        for turn in range(2):
            growing = True
            while growing:
                growing = False
                if order == 2 or turn == order:
                    if _empty(area, i0, i1, j0 - 1, j0 - 1):
                        j0, growing = j0 - 1, True
                    if _empty(area, i0, i1, j1 + 1, j1 + 1):
                        j1, growing = j1 + 1, True
                if order == 2 or turn != order:
                    if _empty(area, i0 - 1, i0 - 1, j0, j1):
                        i0, growing = i0 - 1, True
                    if _empty(area, i1 + 1, i1 + 1, j0, j1):
                        i1, growing = i1 + 1, True
        for n in range(k, k + 2):
            low[n, 0], high[n, 0] = max(low[n, 0], j0 - 0.5), min(high[n, 0], j1 + 0.5)
            low[n, 1], high[n, 1] = max(low[n, 1], i0 - 0.5), min(high[n, 1], i1 + 0.5)
    for n in range(len(points)):
        for c in range(2):
            # what round-off left outside
            low[n, c], high[n, c] = min(low[n, c], points[n, c]), max(high[n, c], points[n, c])
    return True


def tighten(coefficients: Floats, blocked: Mask, guess: Floats, tolerance: float) -> tuple[Floats, Floats, float]:
    """Draw a polyline (N, 2) that keeps to allowed cells tight around the forbidden ones.

    Returns:
        points (M, 2), cumulative lengths (M,), and the promised relative decrease of the energy within the corridor,
        infinite where the path still moved after the last round.

    """
    area = np.zeros((blocked.shape[0] + 1, blocked.shape[1] + 1), np.int32)
    area[1:, 1:] = blocked.cumsum(axis=0).cumsum(axis=1)
    points = split(area, np.ascontiguousarray(guess))
    best, shortest = points, float(measure(coefficients, points)[-1])
    low, high = np.empty_like(points), np.empty_like(points)
    idle, promised = 0, np.inf
    for order in range(ROUNDS):
        if not corridor(area, points, order % 3, low, high):
            break
        # in proportion to their lengths all segments pull equally hard, also where a corner parts them
        steps = np.diff(measure(coefficients, points))
        rate = steps.mean() / np.maximum(steps, 0.02 * steps.mean())
        points, _, promised = shorten(coefficients, points, tolerance, low, high, rate)
        length = float(measure(coefficients, points)[-1])
        idle = 0 if length < shortest * (1.0 - STILL) else idle + 1
        if length < shortest:
            best, shortest = points, length
        if idle >= 3:
            break
    return best, measure(coefficients, best), promised if idle >= 3 else np.inf
