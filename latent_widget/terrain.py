"""What every walk on a field needs, prepared once per field: its spline, and a lattice to march on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from latent_widget.arrays import Floats
from latent_widget.field import Field
from latent_widget.interpolation import sample, segment_lengths, spline
from latent_widget.lattice import Extent, need_plane
from latent_widget.marching import march, stencils
from latent_widget.walking import complete

Marched = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Distances (h * w,), flow (h * w, 2) and parents (h * w,) of a march."""


@dataclass(frozen=True, eq=False)
class Terrain:
    """A field in index coordinates (u, v): its spline, and the tensors and stencils of the lattice to march
    on.
    """

    shape: tuple[int, int]
    extent: Extent
    coefficients: Floats
    marched: Floats  # (h, w, 3): E, F, G per marched cell, in its own index coordinates
    blocked: np.ndarray  # (h, w) bool
    stencil: tuple[np.ndarray, ...]

    @property
    def ratio(self) -> Floats:
        """Cells of the field per marched cell, (v, u)."""
        return np.array(self.shape, float) / self.marched.shape[:2]

    def to_index(self, points: Floats) -> Floats:
        """Plane points (..., 2) to index coordinates (u, v)."""
        x0, x1, y0, y1 = self.extent
        height, width = self.shape
        return (points - (x0, y0)) * (width / (x1 - x0), height / (y1 - y0)) - 0.5

    def to_plane(self, points: Floats) -> Floats:
        """Index coordinates (..., 2) to plane points (x, y)."""
        x0, x1, y0, y1 = self.extent
        height, width = self.shape
        return (points + 0.5) * ((x1 - x0) / width, (y1 - y0) / height) + (x0, y0)

    def to_marched(self, points: Floats) -> Floats:
        """Index coordinates (..., 2) of the field to those of the marched lattice."""
        return (points + 0.5) / self.ratio[::-1] - 0.5

    def from_marched(self, points: Floats) -> Floats:
        """Index coordinates (..., 2) of the marched lattice to those of the field."""
        return (points + 0.5) * self.ratio[::-1] - 0.5

    def march(self, source: Floats, target: Floats | None = None) -> Marched:
        """March from a source (u, v), everywhere or as far as it takes to reach a target."""
        aim = np.full(2, np.nan) if target is None else self.to_marched(target)
        shape = self.marched.shape[:2]
        offsets, weights, first, readers = self.stencil
        start = self.to_marched(source)
        u, flow, parent = march(
            shape, offsets, weights, first, readers, self.blocked, self.coefficients, self.ratio, start, aim
        )
        if target is None or not np.isfinite(_around(u, shape, aim)).any():
            complete(u, flow, parent, self.marched, self.blocked)
        return u, flow, parent

    def read(self, marched: Marched, source: Floats, target: Floats) -> float:
        """Distance of a target (u, v) as the march knows it: bilinear between nodes, straight next to the source."""
        if np.abs(target - source).max() <= 3.0 * self.ratio.max():
            return self._straight(source, target)
        x, y = self.to_marched(target)
        block = _around(marched[0], self.marched.shape[:2], np.array([x, y]))
        if block.shape == (2, 2) and np.isfinite(block).all():
            # in the outer half cell the weights reach beyond 0 and 1
            height, width = self.marched.shape[:2]
            p, q = x - np.clip(np.floor(x), 0, width - 2), y - np.clip(np.floor(y), 0, height - 2)
            return float(np.array([1 - q, q]) @ block @ np.array([1 - p, p]))
        return float(block.min())

    def _straight(self, source: Floats, target: Floats) -> float:
        return float(segment_lengths(self.coefficients, np.stack([source, target]))[0])


def _around(values: np.ndarray, shape: tuple[int, int], point: Floats) -> np.ndarray:
    j, i = np.clip(np.floor(point).astype(int), 0, np.maximum(np.array(shape[::-1]) - 2, 0))
    block: np.ndarray = values.reshape(shape)[i : i + 2, j : j + 2]
    return block


def _averages(cells: int, blocks: int) -> Floats:
    """Matrix (blocks, cells) that averages a row of cells into fewer blocks of equal width."""
    edges = np.linspace(0.0, cells, blocks + 1)
    left, right = (
        np.maximum(edges[:-1, None], np.arange(cells)),
        np.minimum(edges[1:, None], np.arange(1, cells + 1)),
    )
    overlap = np.maximum(right - left, 0.0)
    return np.asarray(overlap / overlap.sum(axis=1, keepdims=True))


_PREPARED: WeakKeyDictionary[Field, dict[int, Terrain]] = WeakKeyDictionary()


def terrain(field: Field, size: int, mask: Any = None) -> Terrain:
    """Prepare a field, or take it from the cache (a field never changes; with a mask nothing is kept).

    Args:
        field: the metric.
        size: cells along the longer side of the lattice that is marched; a finer field is averaged to it, a
            coarser one interpolated, since the march is only as good as its cells are small.
        mask: (H, W) bool, True where a path may run; None for everywhere.

    """
    need_plane(field.lattice, "a march")
    kept = _PREPARED.setdefault(field, {})
    if mask is None and size in kept:
        return kept[size]
    height, width = field.lattice.shape
    dx, dy = field.lattice.spacing
    metric = field.metric * np.array([[dx * dx, dx * dy], [dx * dy, dy * dy]])
    coefficients = next(iter(kept.values())).coefficients if kept else spline(metric)
    packed = np.stack([metric[..., 0, 0], metric[..., 0, 1], metric[..., 1, 1]], axis=-1)
    scale = size / max(height, width)
    h, w = max(round(height * scale), 2), max(round(width * scale), 2)
    if mask is not None:
        h, w = height, width
    blocked = np.zeros((h, w), bool) if mask is None else ~np.asarray(mask, bool)
    if scale < 1.0 and mask is None:
        packed = np.einsum("ai,ijk,bj->abk", _averages(height, h), packed, _averages(width, w), optimize=True)
    elif scale > 1.0 and mask is None:
        packed = sample(coefficients, h, w)
    packed = packed * ((width / w) ** 2, width / w * height / h, (height / h) ** 2)
    packed = np.ascontiguousarray(packed)
    prepared = Terrain((height, width), field.lattice.extent, coefficients, packed, blocked, stencils(packed, blocked))
    if mask is None:
        kept[size] = prepared
    return prepared
