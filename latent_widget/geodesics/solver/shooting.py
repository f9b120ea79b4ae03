"""Geodesics from their initial velocity, and by multiple shooting the velocity that hits a target (Keller 1968).

Points are in index coordinates.
"""

from __future__ import annotations

import numpy as np

from latent_widget._arrays import Floats
from latent_widget.geodesics.kernels.shooting import integrate, integrate_nudged
from latent_widget.geodesics.solver.chart import Chart

STEADY = 1e-7
"""`shoot` halves its step until points and the time of leaving move by less than this; in cells, and as a part."""

LOST = 1e-3
"""A walk is lost where halving the smallest step moves it by more than this."""

MOST_STEPS = 2**16
"""Runge-Kutta steps of one geodesic, at most, unless more points are asked for."""

EDGE = 1e-6
"""A walk that is outside the extent by less than this, in cells, is on its edge."""

LEAP = 64.0
"""A walk is first followed over so many cells, at its initial velocity, then over twice as many and so on."""

PARTS = 24
"""A path is cut into so many parts that are shot one by one."""

PART_STEPS = 48
"""Runge-Kutta steps of a part."""


def shoot(chart: Chart, start: Floats, velocity: Floats, n: int, margin: float = 0.0) -> tuple[Floats, float, bool]:
    """Return points (n, 2) at even times of the geodesic with a velocity, its time until it leaves, and if it is lost.

    The time is a part of the whole. It leaves where it is outside the extent by more than a margin, in cells, and stays
    there. It is lost where even the smallest step was too long.
    """
    steps, most = max(16, n - 1), max(MOST_STEPS, 8 * n)
    before, sooner = integrate(chart.coefficients, start, velocity, steps, n, margin)
    while True:
        steps *= 2
        points, time = integrate(chart.coefficients, start, velocity, steps, n, margin)
        moved = max(float(np.abs(points - before).max()), abs(time - sooner))
        if moved < STEADY or steps >= most:
            return points, time, not moved < LOST
        before, sooner = points, time


def follow(chart: Chart, start: Floats, velocity: Floats, n: int) -> tuple[Floats, float, bool]:
    """Points (n, 2) of the geodesic with a velocity, even in time up to where it leaves the extent or is lost.

    Returns the points, the part of the unit time that they take, and whether they end at the edge.
    """
    part = min(1.0, LEAP / max(float(np.abs(velocity).max()), 1e-300))
    kept, reached = np.repeat(start[None], n, axis=0), 0.0
    while True:
        points, time, lost = shoot(chart, start, part * velocity, n, EDGE)
        if lost:
            return kept, reached, False
        if time < 1.0:
            points, _, _ = shoot(chart, start, part * time * velocity, n, EDGE)
            return points, part * time, True
        kept, reached = points, part
        if part == 1.0:
            return kept, 1.0, False
        part = min(1.0, 2.0 * part)


def aim(chart: Chart, path: Floats, target: Floats) -> tuple[Floats, float, bool]:
    """Return the velocity of the geodesic near a path (N, 2) that is even in time and ends at a target.

    A small turn at the start moves the end far where geodesics part quickly, so the path is shot in parts, whose ends
    and velocities Newton's method brings together (multiple shooting); then the whole is aimed once more.

    Returns the velocity, by how many cells its geodesic misses the target (inf where it leaves the extent), and whether
    the parts join up within the extent.
    """
    if len(path) < 3:
        path = np.linspace(path[0], path[-1], 3)
    last = len(path) - 1
    parts = min(PARTS, last // 2)
    cuts = np.linspace(0, last, parts + 1).round().astype(int)
    slopes = np.gradient(path, 1.0 / last, axis=0, edge_order=2)
    states = np.concatenate([path[cuts[:-1]], slopes[cuts[:-1]]], axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        states, gap = _join(chart.coefficients, states, np.diff(cuts) / last, target)
    top = np.array(chart.shape[::-1]) - 0.5
    joined = gap < 1e-6 and bool(((states[:, :2] > -0.5 - EDGE) & (states[:, :2] < top + EDGE)).all())
    velocity, miss = states[0, 2:], _find_miss(chart, path[0], states[0, 2:], target)
    for _ in range(6):
        size = float(np.abs(miss).max())
        if not 10.0 * STEADY < size < np.inf:
            break
        h = 1e-5 * float(np.abs(velocity).max())
        columns = [(_find_miss(chart, path[0], velocity + h * unit, target) - miss) / h for unit in np.eye(2)]
        jacobian = np.stack(columns, axis=-1)
        if not np.isfinite(jacobian).all() or np.linalg.cond(jacobian) > 1e12:
            break
        trial = velocity - np.linalg.solve(jacobian, miss)
        there = _find_miss(chart, path[0], trial, target)
        if not np.abs(there).max() < size:
            break
        velocity, miss = trial, there
    stays = shoot(chart, path[0], velocity, 2, EDGE)[1] == 1.0
    return velocity, float(np.abs(miss).max()) if stays else np.inf, joined


def _find_miss(chart: Chart, start: Floats, velocity: Floats, target: Floats) -> Floats:
    """Where a geodesic ends less the target (2,); a cell outside the extent is allowed, to aim at what is on its edge.

    Infinite where it leaves that.
    """
    points, time, _ = shoot(chart, start, velocity, 2, 1.0)
    return points[-1] - target if time == 1.0 else np.full(2, np.inf)


def _join(coefficients: Floats, states: Floats, times: Floats, target: Floats) -> tuple[Floats, float]:
    """Start states (m, 4), place and velocity, of parts that take so long each (m,), moved until they join up.

    The first place stays and the last part is to end at the target. Returned with the gap that is left, in cells.
    """
    m = len(states)
    # positions and velocities in one unit, cells
    scale = np.stack([np.ones(m), np.ones(m), times, times], axis=-1)

    def gaps(states: Floats) -> tuple[Floats, Floats]:
        ends = integrate_nudged(coefficients, states, times, PART_STEPS, 1e-6)
        wanted = np.concatenate([states[1:], [[*target, 0.0, 0.0]]])
        return (ends[:, 0] - wanted) * scale, ends

    gap, ends = gaps(states)
    rows = np.arange(4 * m - 2)
    for _ in range(20):
        size = np.linalg.norm(gap.ravel()[rows])
        if not 1e-9 < size < np.inf:
            break
        matrix = np.zeros((4 * m, 4 * m))
        for k in range(m):
            moved = ((ends[k, 1:] - ends[k, 0]) / (1e-6 / scale[k])[:, None]).T
            matrix[4 * k : 4 * k + 4, 4 * k : 4 * k + 4] = scale[k][:, None] * moved
            if k + 1 < m:
                matrix[4 * k : 4 * k + 4, 4 * k + 4 : 4 * k + 8] = -np.diag(scale[k])
        # the first place is given, and with what velocity the target is hit does not matter
        try:
            step = np.linalg.solve(matrix[:-2, 2:], gap.ravel()[rows])
        except np.linalg.LinAlgError:
            break
        share, lowered = 1.0, False
        while share > 1e-3 and not lowered:
            trial = states - share * np.concatenate([[0.0, 0.0], step]).reshape(m, 4)
            there, beyond = gaps(trial)
            lowered = np.linalg.norm(there.ravel()[rows]) < size
            share *= 0.5
        if not lowered:
            break
        states, gap, ends = trial, there, beyond
    return states, float(np.linalg.norm(gap.ravel()[rows]))
