"""From target areas to a map: the closed form where there is one, else the diffusion flow and the area correction.

The product of the cumulative distributions along each axis is the map of a product density. Else the flow of Gastner
and Newman [2] comes near, and Newton's method reaches the exact areas; from an even lattice, or from the map of
another density, Newton's method alone may be the shorter way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from latent_widget.maps.cartograms.cells import Cells
from latent_widget.maps.cartograms.problem import Problem, make_lattice, set_walls

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]

Method = Literal["diffusion", "direct"]

# Times of diffusion, in squared cells, before the flow begins: each is tried where the one before leaves a fold.
BLURS = (0.0, 1.0, 4.0, 16.0, 64.0, 256.0)
# A density counts as a product, or as even along an axis, up to this relative error: round-off.
ROUND_OFF = 1e-13


@dataclass(frozen=True, eq=False)
class Solution:
    """Corners (d, ...), components (x, y[, z]) first, the method that reached them, its steps, and what was done."""

    points: Array
    method: Method
    iterations: int
    note: str


def choose_cells(ndim: int) -> Cells:
    """Return the operations on quadrilaterals or hexahedra, whose loops are compiled when they are first imported."""
    if ndim == 2:
        from latent_widget.maps.cartograms.quads.cells import QUADRILATERALS

        return QUADRILATERALS
    from latent_widget.maps.cartograms.hexes.cells import HEXAHEDRA

    return HEXAHEDRA


def equalise(problem: Problem, method: Method, start: Array | None) -> Solution:
    """Find corners whose cells have the target areas (H, W) or volumes (D, H, W).

    ``start`` holds the corners (d, ...) of a previous map, or is None.
    """
    shape, spacing = problem.target.shape, problem.spacing
    points = _solve_closed_form(problem.target, spacing, method) if start is None else None
    if points is not None:
        return Solution(points, method, 0, "closed form: the product of the cumulative distributions")
    from latent_widget.maps.cartograms.area_correction import correct_areas

    cells = choose_cells(len(shape))
    note = "" if start is None else "from a previous map, "
    if start is not None:
        start = np.ascontiguousarray(start)
        _straighten_walls(start, problem)
    elif method == "direct":
        start = make_lattice(shape, spacing)
    if start is not None:
        done = correct_areas(cells, start, problem, give_up=True)
        if not done.is_limited and done.error <= problem.tolerance:
            return Solution(done.points, method, done.iterations, f"{note}{done.iterations} steps of projection")
        # what folds on its way is sooner begun anew
    points, note = _run_diffusion(cells, problem)
    if start is not None:
        note = f"{note} (the shorter way folds)"
    done = correct_areas(cells, points, problem)
    return Solution(done.points, "diffusion", done.iterations, f"{note}, {done.iterations} steps of projection")


def _straighten_walls(points: Array, problem: Problem) -> None:
    """Put corners (d, ...), in place, exactly on the walls of the lattice."""
    ends = tuple(n * step for n, step in zip(reversed(problem.target.shape), problem.spacing, strict=True))
    set_walls(points, (0.0,) * len(ends), ends)


def _solve_closed_form(target: Array, spacing: tuple[float, ...], method: Method) -> Array | None:
    """Return the product of the cumulative distributions along each axis where that is the map, else None."""
    ndim = target.ndim
    shares = [target.mean(tuple(k for k in range(ndim) if k != ndim - 1 - axis)) for axis in range(ndim)]
    product = shares[0]
    for share in shares[1:]:
        product = share.reshape(-1, *[1] * product.ndim) * product
    if np.abs(target / product - 1.0).max() > ROUND_OFF:
        return None
    # the direct way leads to this map only where the density varies along one axis
    if method == "direct" and sum(np.ptp(share) > ROUND_OFF for share in shares) > 1:
        return None
    axes = []
    for share, step in zip(shares, spacing, strict=True):
        along = np.concatenate([[0.0], np.cumsum(share)]) * (share.size * step / share.sum())
        along[-1] = share.size * step
        axes.append(along)
    return np.stack(np.meshgrid(*axes[::-1], indexing="ij")[::-1])


def _run_diffusion(cells: Cells, problem: Problem) -> tuple[Array, str]:
    """Flow from the density, blurred only as far as the lattice needs to come through without a fold."""
    from latent_widget.maps.cartograms.area_correction import SHAPE
    from latent_widget.maps.cartograms.diffusion import diffuse

    target, spacing = problem.target, problem.spacing
    for blur in BLURS:
        points, steps = diffuse(target, spacing, blur, workers=problem.workers)
        # round-off moves walls by a hair, and a repair must not be spoilt by setting them straight afterwards
        _straighten_walls(points, problem)
        if cells.untangle(points, target, SHAPE):
            note = f"{steps} steps of diffusion"
            return points, note + (f" after a blur of {math.sqrt(2 * blur):.1f} cells" if blur else "")
    return make_lattice(target.shape, spacing), "no diffusion, which folds at every blur"
