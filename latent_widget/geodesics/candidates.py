"""The solver behind `geodesic`: which routes there are between two points, and each of them made a geodesic.

A march from one end knows the best route to every cell. Marches from both ends know more: their sum is the
length of the shortest path through each cell, and where it has several local minima across the way there are
several routes, around either side of an obstacle. Points are in index coordinates (see ``interpolation``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numba import njit

from latent_widget._arrays import Floats
from latent_widget.geodesics.eikonal import Marched, Terrain
from latent_widget.geodesics.kernels import energy as shortening
from latent_widget.geodesics.kernels.backtracing import trace
from latent_widget.geodesics.kernels.energy import measure, resample
from latent_widget.geodesics.kernels.spline import KERNEL, Ints, Mask

TOLERANCE = 1e-11
"""Newton stops where the next step promises to lower the energy by less than this fraction."""

SETTLED = 1e-8
"""A path has converged where one more Newton step promises to lower its energy by less than this fraction."""

STRAIGHT_NODES = 129
"""Points of the lines that are not relaxed."""

DOUBT = 0.06
"""Routes that the marches find longer than the best by less than this, their own error, are relaxed too."""

MOST = 16
"""So many ways between two points are followed at most."""


@dataclass(frozen=True, eq=False)
class Route:
    """A path in index coordinates, `points (N, 2)`, with its cumulative length (N,) and how it was found."""

    points: Floats
    cumulative: Floats
    name: str
    promised: float = np.inf  # relative decrease of the energy that one more Newton step promises

    @property
    def length(self) -> float:
        """Length as the field measures it."""
        return float(self.cumulative[-1])

    @property
    def settled(self) -> bool:
        """Whether Newton's method reached a minimum."""
        return self.promised < SETTLED


def line(ground: Terrain, source: Floats, target: Floats, nodes: int | None = None) -> Route:
    """The straight line."""
    points = np.linspace(source, target, nodes or STRAIGHT_NODES)
    return Route(points, measure(ground.coefficients, points), "straight line")


def routes(
    ground: Terrain,
    source: Floats,
    target: Floats,
    there: Marched,
    back: Marched | None = None,
    nodes: int | None = None,
    doubt: float = DOUBT,
) -> list[Route]:
    """Candidates for the shortest path: geodesics first, then the lines that they were made from.

    Args:
        ground: the field; source, target: (2,) ends.
        there: march from the source; back: march from the target, without which only one route is found.
        nodes: points of each path, by default enough for about one per cell.
        doubt: how much longer than the best a route may be in the marches to be relaxed as well.

    """
    if ground.masked:
        return _detours(ground, source, target, there, back, doubt)
    start, aim = ground.to_marched(source), ground.to_marched(target)
    shape, other = ground.marched.shape[:2], there if back is None else back
    points, stops = _ways.py_func(shape, *there, *other, back is not None, ground.blocked, start, aim, 1.0 + doubt)
    ways = []
    for first, last in pairwise(stops):
        way = ground.from_marched(points[first:last])
        way[0], way[-1] = source, target
        if nodes:
            way = resample(way, measure(ground.coefficients, way), nodes)
        ways.append(Route(way, measure(ground.coefficients, way), "walk back through the march"))
    found = sorted([line(ground, source, target, nodes), *ways[:1]], key=lambda route: route.length)
    relaxed: list[Route] = []
    for guess in found:
        relaxed.append(relax(ground, guess, nodes))
        if relaxed[-1].settled:
            break
    relaxed += [relax(ground, guess, nodes) for guess in ways[1:]]
    return [*relaxed, *found]


def relax(ground: Terrain, guess: Route, nodes: int | None = None) -> Route:
    """The geodesic that Newton's method finds from a rough path."""
    # its loop over a few levels runs interpreted here: compiled, it takes a second more before the first geodesic
    levels = shortening.relax.py_func
    points, cumulative, promised = levels(ground.coefficients, guess.points, nodes or 0, TOLERANCE)
    return Route(points, cumulative, f"Newton from the {guess.name}", promised)


def _detours(
    ground: Terrain, source: Floats, target: Floats, there: Marched, back: Marched | None, doubt: float
) -> list[Route]:
    """The `routes` that keep to allowed cells; none where no way leads to the target."""
    from latent_widget.geodesics.kernels.corridor import all_visible, descend, tighten, visible

    ways = [descend(ground.blocked, *there, source, target)]
    if len(ways[0]) == 0:
        return []
    shape = ground.marched.shape[:2]
    for node in [] if back is None else _passes(shape, there[0], back[0], 1.0 + doubt):
        middle = np.array([node % shape[1], node // shape[1]], float)
        if len(ways) == MOST or min(np.abs(way - middle).max(axis=1).min() for way in ways) <= 1.0:
            continue
        first = descend(ground.blocked, *there, source, middle)
        second = descend(ground.blocked, *back, target, middle)  # type: ignore[misc]
        if len(first) and len(second):
            ways.append(np.concatenate([first, second[-2::-1]]))
    guesses = [Route(way, measure(ground.coefficients, way), "walk back through the march") for way in ways]
    if visible(ground.blocked, *source, *target):
        guesses.insert(0, line(ground, source, target))
    found: list[Route] = []
    for guess in guesses:
        free = relax(ground, guess)
        if free.settled and all_visible(ground.blocked, free.points) == len(free.points) - 1:
            found.append(free)
        else:
            tight = tighten(ground.coefficients, ground.blocked, guess.points, TOLERANCE)
            found.append(Route(tight[0], tight[1], f"Newton in a corridor around the {guess.name}", tight[2]))
    return [*found, *guesses]


def shortest_length(ground: Terrain, source: Floats, target: Floats, there: Marched, back: Marched | None) -> float:
    """Length of the shortest of the `routes`, without the interpreter in between; infinite where there is none."""
    if ground.masked:
        return min((route.length for route in routes(ground, source, target, there, back)), default=np.inf)
    other = there if back is None else back
    length: float = _shortest_length(
        ground.coefficients,
        ground.marched.shape[:2],
        *there,
        *other,
        back is not None,
        ground.blocked,
        ground.to_marched(source),
        ground.to_marched(target),
        ground.ratio[::-1].copy(),
    )
    return length


def distinct(found: Sequence[Route], most: int) -> list[Route]:
    """The shortest settled routes, at most so many, without those within two cells of a shorter one."""
    kept: list[Route] = []
    for route in sorted(found, key=lambda candidate: candidate.length):
        if len(kept) == most:
            break
        samples = resample(route.points, route.cumulative, 33)
        apart = [np.abs(samples - resample(k.points, k.cumulative, 33)).max() for k in kept]
        if route.settled and (not apart or min(apart) > 2.0):
            kept.append(route)
    return kept


@njit(**KERNEL)
def _ways(
    shape: tuple[int, int],
    there_u: Floats,
    there_flow: Floats,
    there_parent: Ints,
    back_u: Floats,
    back_flow: Floats,
    back_parent: Ints,
    both: bool,
    blocked: Mask,
    source: Floats,
    target: Floats,
    limit: float,
) -> tuple[Floats, Ints]:
    """The walk from source to target and, with both marches, other walks through minima of their sum.

    Returns:
        points of all walks one after the other, in indices of the march, and where each starts (k + 1,).

    """
    width = shape[1]
    room = 32 * (shape[0] + shape[1]) + 64
    path = np.empty((room, 2))
    out = np.empty((room, 2))
    stops = np.zeros(MOST + 1, np.int64)
    used = trace(shape, there_u, there_flow, there_parent, blocked, source, target, path)
    if used < 2:
        return out[:0], stops[:1]
    out[:used] = path[:used][::-1]
    stops[1] = used
    kept = 1
    if both:
        middle = np.empty(2)
        for node in _passes(shape, there_u, back_u, limit):
            middle[0], middle[1] = node % width, node // width
            away = np.abs(out[: stops[kept]] - middle)
            if kept == MOST or np.maximum(away[:, 0], away[:, 1]).min() <= 1.0:
                continue
            end = stops[kept]
            first = trace(shape, there_u, there_flow, there_parent, blocked, source, middle, path)
            if first < 2 or end + 2 * first > room:
                continue
            out[end : end + first] = path[:first][::-1]
            second = trace(shape, back_u, back_flow, back_parent, blocked, target, middle, path)
            if second < 2 or end + first + second > room:
                continue
            out[end + first : end + first + second - 1] = path[1:second]
            kept += 1
            stops[kept] = end + first + second - 1
    return out[: stops[kept]], stops[: kept + 1]


@njit(**KERNEL)
def _passes(shape: tuple[int, int], there: Floats, back: Floats, limit: float) -> Ints:
    """Nodes where the sum of both marches is least across the way, a part, half and three parts along
    it.

    They are local minima of the sum among the nodes where the share of the way changes, at most `limit` times
    the least sum, the best first.
    """
    height, width = shape
    window = 2
    count = height * width
    total = np.empty(count)
    part = np.zeros(count, np.int8)
    least = np.inf
    for n in range(count):
        total[n] = there[n] + back[n]
        if total[n] < np.inf:
            least = min(least, total[n])
            part[n] = int(8.0 * there[n] / total[n]) if total[n] > 0.0 else 0
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
            for r in range(max(i - window, 0), min(i + window + 1, height)):
                for s in range(max(j - window, 0), min(j + window + 1, width)):
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


@njit(**KERNEL)
def _shortest_length(
    coefficients: Floats,
    shape: tuple[int, int],
    there_u: Floats,
    there_flow: Floats,
    there_parent: Ints,
    back_u: Floats,
    back_flow: Floats,
    back_parent: Ints,
    both: bool,
    blocked: Mask,
    source: Floats,
    target: Floats,
    scale: Floats,
) -> float:
    points, stops = _ways(
        shape,
        there_u,
        there_flow,
        there_parent,
        back_u,
        back_flow,
        back_parent,
        both,
        blocked,
        source,
        target,
        1.0 + DOUBT,
    )
    ends = np.empty((STRAIGHT_NODES, 2))
    for c in range(2):
        low, high = (source[c] + 0.5) * scale[c] - 0.5, (target[c] + 0.5) * scale[c] - 0.5
        for k in range(STRAIGHT_NODES):
            ends[k, c] = low + (high - low) * k / (STRAIGHT_NODES - 1)
        for k in range(len(points)):
            points[k, c] = (points[k, c] + 0.5) * scale[c] - 0.5
    straight = measure(coefficients, ends)[-1]
    best = straight
    tried = False
    for way in range(len(stops) - 1):
        path = points[stops[way] : stops[way + 1]]
        walked = measure(coefficients, path)[-1]
        best = min(best, walked)
        if way == 0 and straight < walked:
            continue
        _, cumulative, promised = shortening.relax(coefficients, path, np.int64(0), TOLERANCE)
        best = min(best, cumulative[-1])
        tried = tried or (way == 0 and promised < SETTLED)
    if not tried:
        _, cumulative, _ = shortening.relax(coefficients, ends, np.int64(0), TOLERANCE)
        best = min(best, cumulative[-1])
    return best
