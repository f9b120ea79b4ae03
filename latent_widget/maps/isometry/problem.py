"""What a least distorted map is asked: triangles of a metric with weights, the powers of its energy, terms besides."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_widget._arrays import take_root
from latent_widget.maps.isometry.chords import measure_triangles

if TYPE_CHECKING:
    from latent_widget.maps.isometry.contact import Contact
    from latent_widget.maps.isometry.stress import Stress
    from latent_widget.maps.isometry.terms import Term

    Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, eq=False)
class Problem:
    """A lattice of triangles to be laid into the plane.

    Attributes
    ----------
    metric : ndarray (H, W, 2, 2)
        The tensors of the cells, in units of cells.
    triangles : ndarray (H, W, 4, 3)
        Entries xx, xy, yy of the metric of every triangle, see `chords`.
    factors : ndarray (H, W, 4, 3)
        Of every triangle, the entries 11, 12, 22 of L⁻ᵀ where L Lᵀ is its metric.
    weights : ndarray (H, W, 4)
        What each triangle counts for; their sum is ¼, so that the energy of an isometry is 1.
    powers : (float, float)
        Of what happens to angles and to areas, see `density`.
    rough : int
        Triangles where the metric was too rough to interpolate.
    stress : Stress, optional
        Distances that the map is to keep besides.
    contact : Contact, optional
        The barrier that keeps the outline from crossing itself.

    """

    metric: Array = field(repr=False)
    triangles: Array = field(repr=False)
    factors: Array = field(repr=False)
    weights: Array = field(repr=False)
    powers: tuple[float, float]
    rough: int
    stress: Stress | None = None
    contact: Contact | None = None

    @property
    def terms(self) -> tuple[Term, ...]:
        """The terms of the energy besides the distortion."""
        return tuple(term for term in (self.stress, self.contact) if term is not None)


def pose(metric: Array, weights: Array, area_weight: float) -> Problem:
    """Prepare the triangles of a metric (H, W, 2, 2) in units of cells, and of weights (H, W)."""
    triangles, rough = measure_triangles(metric)
    first = np.sqrt(triangles[..., 0])
    below = triangles[..., 1] / first
    second = np.sqrt((triangles[..., 0] * triangles[..., 2] - triangles[..., 1] ** 2) / triangles[..., 0])
    factors = np.stack([1 / first, -below / (first * second), 1 / second], axis=-1)
    mass = weights[..., None] * (first * second)
    # neither is below 1, where thin slivers or tiny cells would cost little more the worse they get
    powers = max(1.0, (1.0 - area_weight) / area_weight), max(1.0, area_weight / (1.0 - area_weight))
    return Problem(metric, triangles, factors, mass * (0.25 / mass.sum()), powers, rough)


def lay_affinely(problem: Problem) -> Array:
    """Return the start, (2, H + 1, W + 1): the plane, stretched by the root of the mean metric."""
    h, w = problem.metric.shape[:2]
    share = problem.weights.sum(-1) / problem.weights.sum()
    root = take_root((problem.metric * share[..., None, None]).sum((0, 1)))
    y, x = np.meshgrid(np.arange(h + 1) - 0.5 * h, np.arange(w + 1) - 0.5 * w, indexing="ij")
    return np.einsum("ab,bij->aij", root, np.stack([x, y]))
