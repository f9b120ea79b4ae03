"""What is in sight of what among forbidden cells: exact, by the borders between cells that a segment crosses.

A path may run along the border of a forbidden cell and touch its corners, but neither enter it nor squeeze between two
that touch at a corner. Points are in index coordinates; forbidden cells are ``blocked`` (H, W).
"""

from __future__ import annotations

import math

import numpy as np

from latent_widget._arrays import Floats
from latent_widget.geodesics.kernels.compilation import Ints, Mask, kernel, leaf
from latent_widget.geodesics.kernels.selling import Stencils, far_flag, near_flag

NEAR = 1e-9
"""Points this near to the border of a cell lie on it."""


@leaf
def is_free(blocked: Mask, x: float, y: float) -> bool:
    """Whether any closed cell that contains a point is allowed."""
    height, width = blocked.shape
    for i in range(max(math.ceil(y - 0.5 - NEAR), 0), min(math.floor(y + 0.5 + NEAR), height - 1) + 1):
        for j in range(max(math.ceil(x - 0.5 - NEAR), 0), min(math.floor(x + 0.5 + NEAR), width - 1) + 1):
            if not blocked[i, j]:
                return True
    return False


@leaf
def is_visible(blocked: Mask, x0: float, y0: float, x1: float, y1: float) -> bool:
    """Whether the segment between two points keeps to allowed cells; squeezing between two corners does not."""
    height, width = blocked.shape
    dx, dy = x1 - x0, y1 - y0
    if not is_free(blocked, x0, y0) or not is_free(blocked, x1, y1):
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
        if ahead > done and not is_free(blocked, x0 + middle * dx, y0 + middle * dy):
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


@leaf
def count_visible(blocked: Mask, points: Floats) -> int:
    """How many segments of a polyline (N, 2) keep to allowed cells before the first that does not; N - 1 if all do."""
    for k in range(len(points) - 1):
        if not is_visible(blocked, points[k, 0], points[k, 1], points[k + 1, 0], points[k + 1, 1]):
            return k
    return len(points) - 1


@kernel
def sum_areas(blocked: Mask) -> Ints:
    """Return the summed-area table (H + 1, W + 1) of forbidden cells (Crow 1984): their number in any rectangle."""
    height, width = blocked.shape
    area = np.zeros((height + 1, width + 1), np.int32)
    for i in range(height):
        row = 0
        for j in range(width):
            row += blocked[i, j]
            area[i + 1, j + 1] = area[i, j + 1] + row
    return area


@leaf
def is_empty(area: Ints, i0: int, i1: int, j0: int, j1: int) -> bool:
    """Whether a rectangle of cells, last ones included, holds no forbidden one."""
    height, width = area.shape[0] - 1, area.shape[1] - 1
    if i0 < 0 or j0 < 0 or i1 >= height or j1 >= width or i1 < i0 or j1 < j0:
        return False
    return area[i1 + 1, j1 + 1] - area[i0, j1 + 1] - area[i1 + 1, j0] + area[i0, j0] == 0


@leaf
def _links(blocked: Mask, area: Ints, i: int, j: int, r: int, s: int) -> bool:
    """Whether the nodes in the cells (i, j) and (r, s) are in sight of each other."""
    # nothing in the rectangle between them is in the way
    if is_empty(area, min(i, r), max(i, r), min(j, s), max(j, s)):
        return True
    return is_visible(blocked, j, i, s, r)


@leaf
def cut_edges(blocked: Mask, area: Ints, stencils: Stencils) -> None:
    """Take out of the stencils of a march, in place, the edges between nodes that are not in sight of each other."""
    height, width = blocked.shape
    offsets, sides, first, readers = stencils.offsets, stencils.sides, stencils.first, stencils.readers
    for n in range(height * width):
        i, j = n // width, n % width
        for k in range(3):
            for side in range(-1, 2, 2):
                near, far = near_flag(side), far_flag(side)
                if not sides[n, k] & near:
                    continue
                r, s = i + side * offsets[n, k, 0], j + side * offsets[n, k, 1]
                if blocked[i, j] or not _links(blocked, area, i, j, r, s):
                    sides[n, k] &= ~(near | far)
                elif sides[n, k] & far:
                    y, x = r + side * offsets[n, k, 0], s + side * offsets[n, k, 1]
                    if not _links(blocked, area, r, s, y, x):
                        sides[n, k] &= ~far
    for node in range(height * width):
        i, j = node // width, node % width
        for at in range(first[node], first[node + 1]):
            n = readers[at]
            if not _links(blocked, area, n // width, n % width, i, j):
                # a node that reads itself is skipped: once it is accepted nothing changes it
                readers[at] = node


@kernel
def hide(blocked: Mask, source: Floats, reach: int) -> Mask:
    """Return the forbidden nodes and those around the source that are out of its sight."""
    out = blocked.copy()
    height, width = blocked.shape
    j, i = math.floor(source[0] + 0.5), math.floor(source[1] + 0.5)
    for r in range(max(i - reach - 1, 0), min(i + reach + 2, height)):
        for s in range(max(j - reach - 1, 0), min(j + reach + 2, width)):
            if not out[r, s] and not is_visible(blocked, source[0], source[1], s, r):
                out[r, s] = True
    return out
