"""The eikonal problem of a metric, prepared once: its interpolation, the lattice to march on, and its obstacles.

Distances from a point solve ``grad(u)^T G^-1 grad(u) = 1``. `prepare` decides, once for every public call, whether
paths may run everywhere; what it returns is handed down from there.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt, label

from latent_widget._arrays import Floats
from latent_widget._lattice import Extent
from latent_widget.geodesics.kernels.compilation import Mask
from latent_widget.geodesics.kernels.fast_marching import Grid
from latent_widget.geodesics.kernels.selling import stencils
from latent_widget.geodesics.kernels.spline import sample
from latent_widget.geodesics.kernels.visibility import cut_edges, sum_areas
from latent_widget.geodesics.solver.chart import Chart
from latent_widget.geodesics.solver.interpolation import fit_spline
from latent_widget.geodesics.solver.obstacles import ObstaclePlane
from latent_widget.geodesics.solver.open_plane import OpenPlane

MARCHED = 128
"""Cells along the longer side of the lattice that is marched, unless more are asked for."""

EikonalProblem = OpenPlane | ObstaclePlane


def prepare(
    metric: Floats, extent: Extent, walls: Mask, mask: Mask | None = None, size: int = MARCHED
) -> EikonalProblem:
    """Prepare a metric (H, W, 2, 2) in plane coordinates over an extent.

    `walls` (H, W) are cells without a metric, `mask` (H, W) those that paths may enter besides; None for all. `size`
    is how many cells the longer side of the lattice that is marched has: a finer metric is averaged to it, a coarser
    one interpolated, since the march is only as good as its cells are small. Where there are cells that no path may
    enter, a finer metric is marched as it is, and a coarser one cut into that many or more.
    """
    height, width = metric.shape[:2]
    dx, dy = (extent[1] - extent[0]) / width, (extent[3] - extent[2]) / height
    in_cells = np.asarray(metric * np.array([[dx * dx, dx * dy], [dx * dy, dy * dy]]))
    blocked = walls if mask is None else walls | ~mask
    if blocked.any():
        parts = -(-size // max(height, width))
        return _prepare_obstacles(_extend_into(in_cells, walls), extent, blocked, parts)
    return _prepare_open_plane(in_cells, extent, size)


def _prepare_open_plane(metric: Floats, extent: Extent, size: int) -> OpenPlane:
    """Return the problem of a metric in index coordinates, marched at another resolution."""
    height, width = metric.shape[:2]
    chart = Chart((height, width), extent, fit_spline(metric))
    scale = size / max(height, width)
    h, w = max(round(height * scale), 2), max(round(width * scale), 2)
    packed = _pack(metric)
    if scale < 1.0:
        packed = np.einsum("ai,ijk,bj->abk", _average_rows(height, h), packed, _average_rows(width, w), optimize=True)
    elif scale > 1.0:
        packed = sample(chart.coefficients, h, w)
    packed = packed * ((width / w) ** 2, width / w * height / h, (height / h) ** 2)
    packed = np.ascontiguousarray(packed)
    blocked = np.zeros((h, w), bool)
    ratio = np.array(chart.shape, float) / (h, w)
    return OpenPlane(chart, packed, Grid(stencils(packed, blocked), blocked, chart.coefficients, ratio))


def _prepare_obstacles(metric: Floats, extent: Extent, blocked: Mask, parts: int) -> ObstaclePlane:
    """Return the problem of a metric with forbidden cells (H, W), each cut into so many parts a side."""
    if parts > 1:
        height, width = blocked.shape
        blocked = np.repeat(np.repeat(blocked, parts, axis=0), parts, axis=1)
        e, f, g = np.moveaxis(sample(fit_spline(metric), height * parts, width * parts), -1, 0) / parts**2
        metric = np.stack([e, f, f, g], axis=-1).reshape(*blocked.shape, 2, 2)
    # a copy that may be written to: for a read-only array Numba would compile everything once more
    blocked = np.array(blocked, order="C")
    packed = np.ascontiguousarray(_pack(metric))
    found = stencils(packed, blocked)
    cut_edges(blocked, sum_areas(blocked), found)
    chart = Chart((blocked.shape[0], blocked.shape[1]), extent, fit_spline(metric))
    return ObstaclePlane(chart, packed, Grid(found, blocked, chart.coefficients, np.ones(2)), label(~blocked)[0])


def _extend_into(metric: Floats, walls: Mask) -> Floats:
    """Return the metric with the nearest one in walls, into which the spline reaches."""
    if not walls.any():
        return metric
    if walls.all():
        return np.broadcast_to(np.eye(2), metric.shape)
    nearest = distance_transform_edt(walls, return_distances=False, return_indices=True)
    return np.asarray(metric[tuple(nearest)])


def _average_rows(cells: int, blocks: int) -> Floats:
    """Matrix (blocks, cells) that averages a row of cells into fewer blocks of equal width."""
    edges = np.linspace(0.0, cells, blocks + 1)
    left, right = (
        np.maximum(edges[:-1, None], np.arange(cells)),
        np.minimum(edges[1:, None], np.arange(1, cells + 1)),
    )
    overlap = np.maximum(right - left, 0.0)
    return np.asarray(overlap / overlap.sum(axis=1, keepdims=True))


def _pack(metric: Floats) -> Floats:
    """E, F, G (H, W, 3) of tensors (H, W, 2, 2)."""
    return np.stack([metric[..., 0, 0], metric[..., 0, 1], metric[..., 1, 1]], axis=-1)
