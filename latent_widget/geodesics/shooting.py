"""Geodesics from their initial velocity, and the velocity that hits a target.

A geodesic with velocity ``w`` satisfies ``G w' = grad(w^T G w) / 2 - (w . grad) G w``; it is integrated with the
classical Runge-Kutta method on the spline of the field. Coordinates are indices (see ``interpolation``).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from latent_widget._arrays import Floats
from latent_widget.geodesics.eikonal import Terrain
from latent_widget.geodesics.kernels.spline import KERNEL, LEAF, PAD, jet

STEADY = 1e-7
"""`shot` halves its step until the points, and the time of leaving, move by less than this; in cells, and as a part."""

LOST = 1e-3
"""A walk is lost where halving the smallest step moves it by more than this."""

MOST_STEPS = 2**16

EDGE = 1e-6
"""A walk that is outside the extent by less than this, in cells, is on its edge."""

LEAP = 64.0
"""A walk is first followed over so many cells, at its initial velocity, then over twice as many and so on."""

PARTS = 24
"""A path is cut into so many parts that are shot one by one."""

PART_STEPS = 48
"""Runge-Kutta steps of a part."""


def shot(ground: Terrain, start: Floats, velocity: Floats, n: int, margin: float = 0.0) -> tuple[Floats, float, bool]:
    """Points (n, 2) at even times of the geodesic with a velocity, the part of the time until it leaves, and whether it
    is lost.

    It leaves where it is outside the extent by more than a margin, in cells, and stays there. It is lost where even the
    smallest step was too long.
    """
    steps, most = max(16, n - 1), max(MOST_STEPS, 8 * n)
    before, sooner = _shoot(ground.coefficients, start, velocity, steps, n, margin)
    while True:
        steps *= 2
        points, time = _shoot(ground.coefficients, start, velocity, steps, n, margin)
        moved = max(float(np.abs(points - before).max()), abs(time - sooner))
        if moved < STEADY or steps >= most:
            return points, time, not moved < LOST
        before, sooner = points, time


def walked(ground: Terrain, start: Floats, velocity: Floats, n: int) -> tuple[Floats, float, bool]:
    """Points (n, 2) of the geodesic with a velocity, even in time up to where it leaves the extent or is lost.

    Returns:
        the points, the part of the unit time that they take, and whether they end at the edge.

    """
    part = min(1.0, LEAP / max(float(np.abs(velocity).max()), 1e-300))
    kept, reached = np.repeat(start[None], n, axis=0), 0.0
    while True:
        points, time, lost = shot(ground, start, part * velocity, n, EDGE)
        if lost:
            return kept, reached, False
        if time < 1.0:
            points, _, _ = shot(ground, start, part * time * velocity, n, EDGE)
            return points, part * time, True
        kept, reached = points, part
        if part == 1.0:
            return kept, 1.0, False
        part = min(1.0, 2.0 * part)


def aimed(ground: Terrain, path: Floats, target: Floats) -> tuple[Floats, float, bool]:
    """The velocity of the geodesic near a path (N, 2) that is even in time and ends at a target.

    A small turn at the start moves the end far where geodesics part quickly, so the path is shot in parts, whose ends
    and velocities Newton's method brings together (multiple shooting); then the whole is aimed once more.

    Returns:
        the velocity, by how many cells its geodesic misses the target (inf where it leaves the extent), and whether the
        parts join up within the extent.

    """
    if len(path) < 3:
        path = np.linspace(path[0], path[-1], 3)
    last = len(path) - 1
    parts = min(PARTS, last // 2)
    cuts = np.linspace(0, last, parts + 1).round().astype(int)
    slopes = np.gradient(path, 1.0 / last, axis=0, edge_order=2)
    states = np.concatenate([path[cuts[:-1]], slopes[cuts[:-1]]], axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        states, gap = _joined(ground.coefficients, states, np.diff(cuts) / last, target)
    top = np.array(ground.shape[::-1]) - 0.5
    joined = gap < 1e-6 and bool(((states[:, :2] > -0.5 - EDGE) & (states[:, :2] < top + EDGE)).all())
    velocity, miss = states[0, 2:], _miss(ground, path[0], states[0, 2:], target)
    for _ in range(6):
        size = float(np.abs(miss).max())
        if not 10.0 * STEADY < size < np.inf:
            break
        h = 1e-5 * float(np.abs(velocity).max())
        columns = [(_miss(ground, path[0], velocity + h * unit, target) - miss) / h for unit in np.eye(2)]
        jacobian = np.stack(columns, axis=-1)
        if not np.isfinite(jacobian).all() or np.linalg.cond(jacobian) > 1e12:
            break
        trial = velocity - np.linalg.solve(jacobian, miss)
        there = _miss(ground, path[0], trial, target)
        if not np.abs(there).max() < size:
            break
        velocity, miss = trial, there
    stays = shot(ground, path[0], velocity, 2, EDGE)[1] == 1.0
    return velocity, float(np.abs(miss).max()) if stays else np.inf, joined


def _miss(ground: Terrain, start: Floats, velocity: Floats, target: Floats) -> Floats:
    """Where a geodesic ends less the target (2,); a cell outside the extent is allowed, to aim at what is on its edge.

    Infinite where it leaves that.
    """
    points, time, _ = shot(ground, start, velocity, 2, 1.0)
    return points[-1] - target if time == 1.0 else np.full(2, np.inf)


def _joined(coefficients: Floats, states: Floats, times: Floats, target: Floats) -> tuple[Floats, float]:
    """Start states (m, 4), place and velocity, of parts that take so long each (m,), moved until they join up.

    The first place stays and the last part is to end at the target. Returned with the gap that is left, in cells.
    """
    m = len(states)
    # positions and velocities in one unit, cells
    scale = np.stack([np.ones(m), np.ones(m), times, times], axis=-1)

    def gaps(states: Floats) -> tuple[Floats, Floats]:
        ends = _ends(coefficients, states, times, PART_STEPS, 1e-6)
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


@njit(**LEAF)
def _advance(coefficients: Floats, state: Floats, h: float, at: Floats, slope: Floats, probe: Floats) -> None:
    """One Runge-Kutta step of place and velocity (4,), in place; at (6, 3), slope (4, 4) and probe (4,) are scratch."""
    for stage in range(4):
        reach = (0.0, 0.5, 0.5, 1.0)[stage]
        for c in range(4):
            probe[c] = state[c] + h * reach * (slope[stage - 1, c] if stage > 0 else 0.0)
        jet(coefficients, probe[0], probe[1], at)
        p, q = probe[2], probe[3]
        # G w' = grad(w^T G w) / 2 - (w . grad) G w
        gu, gv = p * at[1, 0] + q * at[2, 0], p * at[1, 1] + q * at[2, 1]
        gw = p * at[1, 2] + q * at[2, 2]
        r0 = 0.5 * (at[1, 0] * p * p + 2.0 * at[1, 1] * p * q + at[1, 2] * q * q) - (gu * p + gv * q)
        r1 = 0.5 * (at[2, 0] * p * p + 2.0 * at[2, 1] * p * q + at[2, 2] * q * q) - (gv * p + gw * q)
        determinant = at[0, 0] * at[0, 2] - at[0, 1] * at[0, 1]
        slope[stage, 0], slope[stage, 1] = p, q
        slope[stage, 2] = (at[0, 2] * r0 - at[0, 1] * r1) / determinant
        slope[stage, 3] = (at[0, 0] * r1 - at[0, 1] * r0) / determinant
    for c in range(4):
        state[c] += h / 6.0 * (slope[0, c] + 2.0 * slope[1, c] + 2.0 * slope[2, c] + slope[3, c])


@njit(**KERNEL)
def _ends(coefficients: Floats, states: Floats, times: Floats, steps: int, nudge: float) -> Floats:
    """Where states (m, 4) are after their times (m,), and where they would be had one number been greater by a nudge.

    Returns:
        (m, 5, 4): as they are, and with a nudge to each number, in cells (velocities by nudge / time).

    """
    out = np.empty((len(states), 5, 4))
    at, slope, probe, state = np.empty((6, 3)), np.zeros((4, 4)), np.empty(4), np.empty(4)
    for k in range(len(states)):
        for case in range(5):
            for c in range(4):
                state[c] = states[k, c]
            if case > 0:
                state[case - 1] += nudge if case < 3 else nudge / times[k]
            for _ in range(steps):
                _advance(coefficients, state, times[k] / steps, at, slope, probe)
            for c in range(4):
                out[k, case, c] = state[c]
    return out


@njit(**KERNEL)
def _shoot(
    coefficients: Floats, start: Floats, velocity: Floats, steps: int, n: int, margin: float
) -> tuple[Floats, float]:
    """Runge-Kutta steps along a geodesic, kept at n even times; a walk that leaves the extent by a margin stays there.

    Returns:
        points (n, 2), and when it left; 1 where it did not.

    """
    height, width = coefficients.shape[0] - 2 * PAD, coefficients.shape[1] - 2 * PAD
    out = np.empty((n, 2))
    at, slope, probe = np.empty((6, 3)), np.zeros((4, 4)), np.empty(4)
    state = np.array([start[0], start[1], velocity[0], velocity[1]])
    every = steps // (n - 1)
    h = 1.0 / (every * (n - 1))
    out[0, 0], out[0, 1] = start[0], start[1]
    for step in range(every * (n - 1)):
        before_u, before_v = state[0], state[1]
        _advance(coefficients, state, h, at, slope, probe)
        low, right, high = -0.5 - margin, width - 0.5 + margin, height - 0.5 + margin
        if not (low <= state[0] <= right and low <= state[1] <= high):
            du, dv = state[0] - before_u, state[1] - before_v
            share = 1.0
            for c in range(2):
                move, place = (du, before_u) if c == 0 else (dv, before_v)
                top = right if c == 0 else high
                if place + move > top:
                    share = min(share, (top - place) / move)
                elif place + move < low:
                    share = min(share, (low - place) / move)
            for k in range(step // every + 1, n):
                out[k, 0], out[k, 1] = before_u + share * du, before_v + share * dv
            return out, (step + share) * h
        if (step + 1) % every == 0:
            out[(step + 1) // every, 0], out[(step + 1) // every, 1] = state[0], state[1]
    return out, 1.0
