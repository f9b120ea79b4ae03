"""Maps that keep geodesic distances: stress between sampled points, carried by the mesh of a least distorted map."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_widget.maps._isometric import read_options, report_isometric, scale_metric
from latent_widget.maps._map import Map
from latent_widget.maps.isometry.contact import pose_contact
from latent_widget.maps.isometry.levels import Layout, solve
from latent_widget.maps.isometry.newton import minimise
from latent_widget.maps.isometry.outline import overlaps
from latent_widget.maps.isometry.stress import Stress
from latent_widget.maps.validation import check_area_weight, check_seed, check_share, check_steps, is_whole

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from latent_widget._field import Field

    Array = np.ndarray[Any, np.dtype[np.float64]]

# What the distortion of the cells counts for beside the squared stress, both of which have no unit: enough to carry
# what lies between the points along smoothly, too little to be felt at the points.
STIFFNESS = 0.01
# The least distorted map is only where the search begins.
START_TOLERANCE = 1e-3


def distance_map(
    field: Field,
    points: ArrayLike | None = None,
    *,
    samples: int = 100,
    stiffness: float = STIFFNESS,
    area_weight: float = 0.5,
    tolerance: float = 1e-4,
    max_steps: int = 100,
    floor: float | str | None = None,
    refine: bool = False,
    seed: int = 0,
) -> Map:
    """Lay a field out on a page so that distances between points come as close as they can to the geodesic ones.

    It minimises, over maps without folds,

        Σ (|X(pᵢ) − X(pⱼ)| − dᵢⱼ)² / Σ dᵢⱼ² + stiffness · E(X) / E(isometry)

    the squared stress of the geodesic distances dᵢⱼ between points pᵢ, as multidimensional scaling does [17], with the
    symmetric Dirichlet energy E of `isometric_map`, from which it starts. A surface that curves cannot be laid out
    flat: an isometric map is then true to lengths cell by cell, this one to distances from one end to the other.

    Parameters
    ----------
    field : Field
        The measure, on a plane.
    points : array_like (n, 2), optional
        Encoded data, in plane coordinates, between which distances are kept; points outside are left out. By default
        a grid of points over the plane.
    samples : int
        So many of the points, chosen by `seed`, if there are more.
    stiffness : float
        What the distortion of the cells counts for.
    area_weight, max_steps, floor
        As for `isometric_map`.
    tolerance : float
        As for `isometric_map`, of stress and distortion together.
    refine : bool
        Whether distances are those of geodesics rather than of the fast marching method, which are some 1 % off and
        several times sooner.
    seed : int
        Of the choice of points.

    Returns
    -------
    Map
        The map, in the measure's own unit, its centre that of the plane; ``method`` is "distances".

    Raises
    ------
    ValueError
        For a box of three dimensions, a field with walls, points that do not fit, and a bad option.

    Warns
    -----
    RuntimeWarning
        When the search did not come to its end.

    References
    ----------
    [17] J. de Leeuw, "Applications of convex analysis to multidimensional scaling" (1977).

    """
    from latent_widget.geodesics import distances

    field, density, outside = read_options(field, points, None, floor)
    check_area_weight(area_weight)
    check_share("tolerance", tolerance, 1e-4)
    check_share("stiffness", stiffness, STIFFNESS)
    check_steps(max_steps)
    chosen = _choose(field, points, samples, seed)
    low, size = np.array(field.lattice.extent[0::2]), np.diff(np.array(field.lattice.extent).reshape(2, 2))[:, 0]
    begin = solve(scale_metric(field), density, area_weight, START_TOLERANCE, max_steps)
    unit = np.sqrt(field.density.mean() * np.prod(field.lattice.spacing))
    between = distances(field, chosen, refine=refine) / unit
    stress = Stress((chosen - low) / size, between, begin.problem.metric.shape[:2])
    problem = replace(begin.problem, weights=begin.problem.weights * stiffness, stress=stress)
    solution = minimise(problem, begin.solution.points, tolerance, max_steps)
    if overlaps(solution.points):
        problem = replace(problem, contact=pose_contact(begin.solution.points))
        solution = minimise(problem, begin.solution.points, tolerance, max_steps)
    note = f"stress {np.sqrt(stress.measure(solution.points)):.2g} between {len(chosen)} points"
    return report_isometric(field, Layout(problem, solution, tolerance), "distances", [note, outside])


def _choose(field: Field, points: ArrayLike | None, samples: int, seed: int) -> Array:
    """Return the points (n, 2) between which distances are kept."""
    check_seed(seed)
    if not is_whole(samples, 3):
        raise ValueError(f"samples={samples!r}: give a number of points, at least 3; 100 by default")
    if points is None:
        side = max(2, round(np.sqrt(samples)))
        x0, x1, y0, y1 = field.lattice.extent
        share = (np.arange(side) + 0.5) / side
        x, y = np.meshgrid(x0 + share * (x1 - x0), y0 + share * (y1 - y0))
        return np.stack([x.ravel(), y.ravel()], axis=-1)
    inside = np.asarray(points, dtype=np.float64)
    inside = inside[field.lattice.contains(inside)]
    if len(inside) > samples:
        inside = inside[np.sort(np.random.default_rng(seed).choice(len(inside), samples, replace=False))]
    if len(np.unique(inside, axis=0)) < 3:
        raise ValueError(f"points: {len(inside)} lie inside the plane; distances are kept between at least 3 of them")
    return inside
