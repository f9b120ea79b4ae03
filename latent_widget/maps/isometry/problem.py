"""What a least distorted map is asked: triangles of a metric with weights, the two powers of its energy, distances."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_widget.maps.isometry.chords import measure_triangles

if TYPE_CHECKING:
    from latent_widget.maps.isometry.stress import Stress

    Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, eq=False)
class Problem:
    """A lattice of triangles to be laid into the plane.

    Attributes
    ----------
    metric : ndarray (H, W, 2, 2)
        The tensors of the cells, in units of cells.
    factors : ndarray (H, W, 4, 3)
        Of every triangle, the entries 11, 12, 22 of L⁻ᵀ where L Lᵀ is its metric.
    weights : ndarray (H, W, 4)
        What each triangle counts for: the energy of an isometry is 1.
    powers : (float, float)
        Of what happens to angles and to areas, see `density`.
    rough : int
        Triangles where the metric was too rough to interpolate.
    stress : Stress, optional
        Distances that the map is to keep besides.

    """

    metric: Array = field(repr=False)
    factors: Array = field(repr=False)
    weights: Array = field(repr=False)
    powers: tuple[float, float]
    rough: int
    stress: Stress | None = None


def pose(metric: Array, weights: Array, area_weight: float, stress: Stress | None = None, share: float = 1.0) -> Problem:
    """Prepare the triangles of a metric (H, W, 2, 2) in units of cells; `share` scales the energy against the stress."""
    triangles, rough = measure_triangles(metric)
    first = np.sqrt(triangles[..., 0])
    below = triangles[..., 1] / first
    second = np.sqrt(triangles[..., 2] - below**2)
    factors = np.stack([1 / first, -below / (first * second), 1 / second], axis=-1)
    mass = weights[..., None] * (first * second)
    powers = (2.0 - 2.0 * area_weight, 2.0 * area_weight)
    return Problem(metric, factors, mass * (0.25 * share / mass.sum()), powers, rough, stress)


def lay_affinely(problem: Problem) -> Array:
    """Return the start, (2, H + 1, W + 1): the plane, stretched by the root of the mean metric."""
    h, w = problem.metric.shape[:2]
    mean = (problem.metric * problem.weights.sum(-1)[..., None, None]).sum((0, 1)) / problem.weights.sum()
    values, vectors = np.linalg.eigh(mean)
    root = (vectors * np.sqrt(values)) @ vectors.T
    y, x = np.meshgrid(np.arange(h + 1) - 0.5 * h, np.arange(w + 1) - 0.5 * w, indexing="ij")
    return np.einsum("ab,bij->aij", root, np.stack([x, y]))
