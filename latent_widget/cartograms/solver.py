"""From target areas or volumes to corners: a closed form where there is one, else the flow and the projection."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    Array = np.ndarray[Any, np.dtype[np.float64]]

BLURS = (0.0, 1.0, 4.0, 16.0, 64.0, 256.0)


@dataclass(frozen=True)
class Equalised:
    """Corners (d, ...), components (x, y[, z]) first, the method that reached them, its steps, and what was done."""

    points: Array
    method: str
    iterations: int
    note: str


def equalise(
    target: Array,
    spacing: tuple[float, ...],
    method: str,
    start: Array | None,
    tolerance: float,
    limit: int,
    workers: int,
) -> Equalised:
    """Find corners whose cells have the target areas (H, W) or volumes (D, H, W), of mean 1.

    ``spacing`` (dx, dy[, dz]) has the product 1. ``start`` holds the corners of a previous map, or is None.
    """
    points = _closed_form(target, spacing, method) if start is None else None
    if points is not None:
        return Equalised(points, method, 0, "closed form: the product of the cumulative distributions")
    project, _ = _stages(target.ndim)
    note = "" if start is None else "from a previous map, "
    if start is not None:
        start = _walled(np.ascontiguousarray(start), target.shape, spacing)
    elif method == "direct":
        start = _grid(target.shape, spacing)
    if start is not None:
        done = project(start, target, spacing, tolerance, limit, workers, give_up=True)
        if not done.held and done.error <= tolerance:
            return Equalised(done.points, method, done.iterations, f"{note}{done.iterations} steps of projection")
        # what folds on its way is sooner begun anew
    points, note = _flow(target, spacing, workers)
    if start is not None:
        note = f"{note} (the shorter way folds)"
    done = project(points, target, spacing, tolerance, limit, workers)
    return Equalised(done.points, "diffusion", done.iterations, f"{note}, {done.iterations} steps of projection")


def _stages(ndim: int) -> tuple[Callable[..., Any], Callable[[Array, Array], bool]]:
    """The projection of quadrilaterals or hexahedra, and what makes the end of a flow fit for it, or tells that not."""
    from functools import partial

    from latent_widget.cartograms.area_correction import SHAPE, project

    if ndim == 2:
        from latent_widget.cartograms.quads.cells import QUADRILATERALS
        from latent_widget.cartograms.quads.untangling import unfold

        return partial(project, QUADRILATERALS), lambda points, target: unfold(points[0], points[1], target, SHAPE)
    from latent_widget.cartograms.hexes.cells import HEXAHEDRA, proven

    return partial(project, HEXAHEDRA), lambda points, target: proven(points, target, SHAPE)


def _grid(shape: tuple[int, ...], spacing: tuple[float, ...]) -> Array:
    """Corners (d, ...) of the lattice itself."""
    axes = [step * np.arange(n + 1.0) for step, n in zip(reversed(spacing), shape, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij")[::-1])


def _walled(points: Array, shape: tuple[int, ...], spacing: tuple[float, ...]) -> Array:
    """Put corners, in place, exactly on the walls that they belong to."""
    for axis, (n, step) in enumerate(zip(reversed(shape), spacing, strict=True)):
        across = np.moveaxis(points[axis], -1 - axis, 0)
        across[0], across[-1] = 0.0, n * step
    return points


def _closed_form(target: Array, spacing: tuple[float, ...], method: str) -> Array | None:
    """Return the product of the cumulative distributions along each axis where that is the map, else None."""
    ndim = target.ndim
    shares = [target.mean(tuple(k for k in range(ndim) if k != ndim - 1 - axis)) for axis in range(ndim)]
    product = shares[0]
    for share in shares[1:]:
        product = share.reshape(-1, *[1] * product.ndim) * product
    if np.abs(target / product - 1.0).max() > 1e-13:
        return None
    if method == "direct" and sum(np.ptp(share) > 1e-13 for share in shares) > 1:
        return None
    axes = []
    for share, step in zip(shares, spacing, strict=True):
        along = np.concatenate([[0.0], np.cumsum(share)]) * (share.size * step / share.sum())
        along[-1] = share.size * step
        axes.append(along)
    return np.stack(np.meshgrid(*axes[::-1], indexing="ij")[::-1])


def _flow(target: Array, spacing: tuple[float, ...], workers: int) -> tuple[Array, str]:
    """Flow from the density, blurred only as far as the lattice needs to come through without a fold."""
    from latent_widget.cartograms.diffusion import diffuse

    _, fit = _stages(target.ndim)
    for blur in BLURS:
        points, steps = diffuse(target, spacing, blur, workers=workers)
        # round-off moves walls by a hair, and a repair must not be spoilt by setting them straight afterwards
        if fit(_walled(points, target.shape, spacing), target):
            note = f"{steps} steps of diffusion"
            return points, note + (f" after a blur of {math.sqrt(2 * blur):.1f} cells" if blur else "")
    return _grid(target.shape, spacing), "no diffusion, which folds at every blur"
