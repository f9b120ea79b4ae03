"""From coarse to fine lattices: the map of half the cells is where the steps on all of them begin."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.interpolate import RectBivariateSpline
from scipy.sparse import csr_array

from latent_widget.maps.isometry.assembly import sum_energy
from latent_widget.maps.isometry.contact import pose_contact
from latent_widget.maps.isometry.newton import Solution, minimise
from latent_widget.maps.isometry.outline import overlaps
from latent_widget.maps.isometry.problem import Problem, lay_affinely, pose

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]

# Lattices of no more cells a side begin from an affine map.
SMALLEST = 32
# On coarser lattices than the one asked for the steps end at this tolerance, and are no more than this.
COARSE_TOLERANCE, COARSE_STEPS = 1e-2, 30
# Where the outline touches itself, steps are many and short, and end at this tolerance at the least.
CONTACT_TOLERANCE = 1e-4


@dataclass(frozen=True, eq=False)
class Layout:
    """A solved problem, and the tolerance to which it was solved."""

    problem: Problem
    solution: Solution
    tolerance: float


def solve(metric: Array, weights: Array, area_weight: float, tolerance: float, max_steps: int) -> Layout:
    """Lay a metric (H, W, 2, 2), in units of cells, into the plane without a fold and without an overlap.

    The outline is left free at first; where it crosses itself on any lattice, all is done again with a barrier.
    """
    levels = _list_levels(metric, weights, area_weight)
    solution = _climb(levels, tolerance, max_steps)
    if overlaps(solution.points):
        levels = [replace(problem, contact=pose_contact(lay_affinely(problem))) for problem in levels]
        tolerance = max(tolerance, CONTACT_TOLERANCE)
        solution = _climb(levels, tolerance, max_steps)
    return Layout(levels[-1], solution, tolerance)


def _list_levels(metric: Array, weights: Array, area_weight: float) -> list[Problem]:
    """Return the problem on lattices of ever more cells, the last of them that of the metric itself."""
    shapes = [metric.shape[:2]]
    while max(shapes[0]) > SMALLEST and min(shapes[0]) >= SMALLEST // 2:
        shapes.insert(0, ((shapes[0][0] + 1) // 2, (shapes[0][1] + 1) // 2))
    coarse = [pose(*_restrict(metric, weights, shape), area_weight) for shape in shapes[:-1]]
    return [*coarse, pose(metric, weights, area_weight)]


def _climb(levels: list[Problem], tolerance: float, max_steps: int) -> Solution:
    """Solve level after level, each from the solution of the one before, and no further than to one that overlaps.

    Where angles and areas count unequally, the first begins from the solution for which they count alike.
    """
    begin = lay_affinely(levels[0])
    if levels[0].powers != (1.0, 1.0):
        begin = minimise(replace(levels[0], powers=(1.0, 1.0)), begin, COARSE_TOLERANCE, COARSE_STEPS).points
    for coarse, finer in pairwise(levels):
        solution = minimise(coarse, begin, COARSE_TOLERANCE, min(COARSE_STEPS, max_steps))
        if overlaps(solution.points):
            return solution
        begin = _prolong(solution.points, finer, lay_affinely(finer))
    return minimise(levels[-1], begin, tolerance, max_steps)


def _prolong(points: Array, problem: Problem, fallback: Array) -> Array:
    """Return the map of a coarser lattice on a finer one: cubic, bilinear where that folds, else the fallback."""
    n, m = points.shape[1:]
    rows, columns = (np.linspace(0.0, 1.0, k + 1) for k in problem.metric.shape[:2])
    for degree in (min(3, n - 1, m - 1), 1):
        splines = [
            RectBivariateSpline(np.linspace(0, 1, n), np.linspace(0, 1, m), part, kx=degree, ky=degree, s=0)
            for part in points
        ]
        finer = np.stack([spline(rows, columns) for spline in splines])
        folds = not np.isfinite(sum_energy(finer, problem.factors, problem.weights, *problem.powers))
        if not folds and (problem.contact is None or not overlaps(finer)):
            return finer
    return fallback


def _restrict(metric: Array, weights: Array, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Return the means of metric and weights over the cells of a coarser lattice, the metric in units of its cells."""
    (h, w), (n, m) = metric.shape[:2], shape
    rows, columns = _average(h, n), _average(w, m)

    def restrict(values: Array) -> Array:
        over_rows = np.asarray(rows @ values.reshape(h, -1)).reshape(n, w, -1)
        over_both = columns @ np.ascontiguousarray(over_rows.swapaxes(0, 1)).reshape(w, -1)
        return np.ascontiguousarray(np.asarray(over_both).reshape(m, n, -1).swapaxes(0, 1))

    scale = np.array([w / m, h / n])
    tensors = restrict(metric).reshape(n, m, 2, 2) * scale[:, None] * scale
    return tensors, restrict(weights)[..., 0]


def _average(n: int, m: int) -> csr_array:
    """Return the matrix (m, n) of the shares of n cells in each of m cells over the same length."""
    borders = np.arange(m + 1) * (n / m)
    cells = np.arange(n)
    overlap = np.minimum(borders[1:, None], cells + 1) - np.maximum(borders[:-1, None], cells)
    return csr_array(np.maximum(overlap, 0.0) * (m / n))
