"""Least distorted maps: the symmetric Dirichlet energy with a free boundary, and the stress of geodesic distances."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_widget.maps._map import Map, report_map
from latent_widget.maps.frame import turn_towards
from latent_widget.maps.isometry.assembly import sum_energy
from latent_widget.maps.isometry.levels import Layout, solve
from latent_widget.maps.isometry.weights import estimate_density
from latent_widget.maps.validation import check_area_weight, check_share, check_steps, read_metric, read_weights

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from latent_widget._field import Field

    Array = np.ndarray[Any, np.dtype[np.float64]]

SMALLEST = 1e-9
"""A map smaller than this share of its distance from the origin is refused."""
REMEDY = 'give floor="1%" or more max_steps, or temper the field (field.temper(0.5)), to come closer'


def isometric_map(
    field: Field,
    points: ArrayLike | None = None,
    *,
    weights: ArrayLike | None = None,
    area_weight: float = 0.5,
    tolerance: float = 1e-5,
    max_steps: int = 60,
    floor: float | str | None = None,
) -> Map:
    """Lay a field out on a page with the least distortion of the measure's lengths, in every direction at once.

    With F = DX·L⁻ᵀ, the map X seen by the metric G = L Lᵀ, and its singular values σ₁ ≥ σ₂, it minimises

        Σ w ψ(F) √det G,    ψ = 4 (½ (σ₁/σ₂ + σ₂/σ₁))ᵖ (½ (σ₁σ₂ + 1/(σ₁σ₂)))^q,    p : q = (1 − a) : a,    min(p, q) = 1

    over the triangles at the corners of all cells, which for a = ½ is the symmetric Dirichlet energy
    ‖F‖² (1 + det⁻²) [12]: 4 for an isometry, infinite for a fold. The boundary is free. No cell folds, and the outline
    does not cross itself. What is left to choose, a turn and a shift, is fixed so that the map lies like the plane.

    A surface that can be rolled out flat (Gaussian curvature 0) comes out isometric, up to the fourth power of the
    cell's size; any other is distorted as little as can be, and the result's ``distortion`` tells by how much, cell by
    cell.

    Parameters
    ----------
    field : Field
        The measure, on a plane.
    points : array_like (n, 2), optional
        Encoded data, in plane coordinates: the map is to be true where they lie. Each cell counts by their density, of
        a kernel a sixteenth of the plane wide, and by a tenth of the mean everywhere; points outside are left out.
    weights : array_like (H, W), optional
        In place of points, what each cell counts for, all positive.
    area_weight : float
        The a of the energy, from 0.05, next to angles alone, to 0.95, next to areas alone.
    tolerance : float
        The search ends when a step could lower the energy by no more than this share of what exceeds an isometry;
        where the outline has to be kept from crossing itself, at no less than 1e-4.
    max_steps : int
        The most steps of Newton's method on the lattice; on coarser ones, where it begins, 30.
    floor : float or str, optional
        Raise smaller eigenvalues of the metric to this, "1%" of their mean or a number in the metric's own unit.

    Returns
    -------
    Map
        The map, in the measure's own unit, its centre that of the plane; ``method`` is "isometric".

    Raises
    ------
    ValueError
        For a box of three dimensions, a field with walls, points or weights that do not fit, and a bad option.

    Warns
    -----
    RuntimeWarning
        When the search did not come to its end.

    References
    ----------
    [12] J. Smith, S. Schaefer, "Bijective parameterization with free boundaries", ACM Transactions on Graphics 34, 70
    (2015).

    """
    field, density, note = read_options(field, points, weights, floor)
    check_area_weight(area_weight)
    check_share("tolerance", tolerance, 1e-5)
    check_steps(max_steps)
    layout = solve(scale_metric(field), density, area_weight, tolerance, max_steps)
    return report_isometric(field, layout, "isometric", [note])


def read_options(
    field: Field, points: ArrayLike | None, weights: ArrayLike | None, floor: float | str | None
) -> tuple[Field, Array, str]:
    """Return the field with its floor, what each cell counts for, of mean 1, and a note on points outside."""
    if points is not None and weights is not None:
        raise ValueError("points and weights were both given: points are turned into weights; give one of them")
    field = read_metric(field, floor)
    if points is not None:
        return field, *estimate_density(points, field.lattice.extent, field.lattice.shape)
    return field, read_weights(weights, field.lattice.shape), ""


def scale_metric(field: Field) -> Array:
    """Return the metric in units of cells, its mean density 1."""
    spacing = np.array(field.lattice.spacing)
    return np.asarray(field.metric * spacing[:, None] * spacing / field.density.mean() / spacing.prod())


def report_isometric(field: Field, layout: Layout, method: str, notes: Sequence[str]) -> Map:
    """Scale the solution, turn it to lie like the plane, measure what it achieved, and warn where it fell short."""
    problem, solution = layout.problem, layout.solution
    square = float(field.density.mean() * np.prod(field.lattice.spacing))
    corners = turn_towards(np.sqrt(square) * np.moveaxis(solution.points, 0, -1), field.lattice.corners)
    if np.ptp(corners, axis=(0, 1)).max() < SMALLEST * np.abs(corners).max():
        raise ValueError(
            f"field measures so little ({np.sqrt(square):.2g} a cell) that its map, about the centre of "
            f"extent={field.lattice.extent}, would be lost in rounding: scale it, such as 1e6 * field"
        )
    energy = float(sum_energy(solution.points, problem.factors, problem.weights, *problem.powers))
    excess = max(energy / (4.0 * float(problem.weights.sum())) - 1.0, 0.0)
    found = report_map(
        field.lattice.extent,
        corners,
        field.metric,
        1.0,
        method=method,
        iterations=solution.steps,
        message="",
        converged=solution.converged,
        triangles=square * problem.triangles,
    )
    parts = [
        f"{method}: {solution.steps} steps, energy {excess:.2g} above an isometry's; anisotropy "
        f"{found.anisotropy:.3g}, {found.folds} folds",
        *filter(None, notes),
    ]
    if problem.rough:
        parts.append(f"{problem.rough / problem.weights.size:.1%} of triangles are too rough to interpolate")
    if problem.contact is not None:
        parts.append(f"the outline was kept from crossing itself, to a tolerance of {layout.tolerance:g}")
    if not solution.converged:
        left = 0.5 * solution.decrement / solution.energy
        promised = f"the last step promised {left:.1g} of the energy"
        parts.append(f"not converged to {layout.tolerance:g} ({promised}); {REMEDY}")
    if found.folds:
        parts.append("corners were lost in rounding: scale the field, or move the extent towards 0")
    message = "; ".join(parts)
    if not found.converged:
        warnings.warn(message, RuntimeWarning, stacklevel=3)
    return replace(found, message=message)
