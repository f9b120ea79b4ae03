"""What every walk on a field needs, prepared once per field: its spline, and a lattice to march on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from scipy.ndimage import distance_transform_edt, label

from latent_widget._arrays import Floats
from latent_widget._field import Field
from latent_widget._lattice import Extent, need_plane
from latent_widget.geodesics.kernels.backtracing import complete
from latent_widget.geodesics.kernels.fast_marching import CORE, march, stencils
from latent_widget.geodesics.kernels.spline import sample, segment_lengths, spline

RIM = 2.5
"""The march back keeps to ways at most 1 + RIM * doubt times as long as the shortest."""

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
    regions: np.ndarray | None = None  # (h, w) number of the connected part of each allowed cell; None: all is allowed

    @property
    def masked(self) -> bool:
        """Whether there are cells that no path may enter; the marched lattice is then that of the spline."""
        return self.regions is not None

    def sees(self, source: Floats, target: Floats) -> bool:
        """Whether the straight line between two points (u, v) keeps to allowed cells."""
        if not self.masked:
            return True
        from latent_widget.geodesics.kernels.corridor import visible

        return bool(visible(self.blocked, *source, *target))

    def parts(self, point: Floats) -> set[int]:
        """Numbers of the connected parts of the allowed cells that a point (u, v) belongs to; none where forbidden."""
        if self.regions is None:
            return {1}
        low = np.maximum(np.ceil(point - 0.5 - 1e-9).astype(int), 0)
        high = np.minimum(np.floor(point + 0.5 + 1e-9).astype(int) + 1, self.regions.shape[::-1])
        return set(self.regions[low[1] : high[1], low[0] : high[0]].ravel().tolist()) - {0}

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

    def march(
        self, source: Floats, target: Floats | None = None, beyond: Floats | None = None, limit: float = np.inf
    ) -> Marched:
        """March from a source (u, v), everywhere or as far as it takes to reach a target.

        With `beyond`, distances (h * w,) from the other end or less, only over nodes through which the way is no longer
        than `limit`.
        """
        aim = np.full(2, np.nan) if target is None else self.to_marched(target)
        shape = self.marched.shape[:2]
        start = self.to_marched(source)
        blocked = self.blocked
        if self.masked:
            from latent_widget.geodesics.kernels.corridor import hidden

            # all is marched: the way round may be long
            target, aim, blocked = None, np.full(2, np.nan), hidden(self.blocked, start, CORE + 1)
        other = np.empty(0) if beyond is None else beyond
        u, flow, parent = march(shape, *self.stencil, blocked, self.coefficients, self.ratio, start, aim, other, limit)
        if beyond is None and (target is None or not np.isfinite(_around(u, shape, aim)).any()):
            complete(u, flow, parent, self.marched, self.blocked)
        return u, flow, parent

    def marches(
        self, source: Floats, target: Floats, doubt: float, everywhere: bool = False
    ) -> tuple[Marched, Marched]:
        """March from a source and back from a target, the way back only where it may matter.

        That is over nodes through which the way is longer than the shortest by less than a fraction `doubt`, and a rim
        around them, so that those have neighbours. The way there ends at the target, unless it is to go `everywhere`.
        """
        if self.masked:
            return self.march(source), self.march(target)
        there = self.march(source, None if everywhere else target)
        known = np.isfinite(there[0])
        # what was not reached is no nearer than what was reached last
        beyond = np.where(known, there[0], there[0][known].max())
        back = self.march(target, source, beyond, (1.0 + RIM * doubt) * self._within(there[0], target))
        if not np.isfinite(_around(back[0], self.marched.shape[:2], self.to_marched(source))).all():
            # so steep a field that the marches differ by more than the rim
            back = self.march(target, source)
        return there, back

    def _within(self, u: Floats, target: Floats) -> float:
        """A length in which a march reaches a target by any of the nodes around it, infinite where one is unknown."""
        shape, aim = self.marched.shape[:2], self.to_marched(target)
        j, i = _first(shape, aim)
        nodes = self.from_marched(np.array([[j, i], [j + 1, i], [j, i + 1], [j + 1, i + 1]], float))
        return float((_around(u, shape, aim).ravel() + self.spokes(target, nodes)).max())

    def spokes(self, hub: Floats, points: Floats) -> Floats:
        """Lengths (n,) of the straight lines from one point (u, v) to others (n, 2)."""
        ends = np.stack([np.broadcast_to(hub, points.shape), points], axis=1)
        return np.asarray(segment_lengths(self.coefficients, ends.reshape(-1, 2))[::2])

    def read(self, marched: Marched, source: Floats, target: Floats) -> float:
        """Distance of a target (u, v) as the march knows it: bilinear between nodes, straight next to the source."""
        if self.masked:
            return self._read_masked(marched[0], source, target)
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

    def _read_masked(self, u: Floats, source: Floats, target: Floats) -> float:
        """The least sum of a node's distance and the straight way from there, among the nodes in sight around."""
        from latent_widget.geodesics.kernels.corridor import visible

        if np.abs(target - source).max() <= CORE and visible(self.blocked, *source, *target):
            return self._straight(source, target)
        height, width = self.shape
        j, i = np.clip(np.floor(target + 0.5).astype(int), 0, (width - 1, height - 1))
        best = np.inf
        for r in range(max(i - 1, 0), min(i + 2, height)):
            for s in range(max(j - 1, 0), min(j + 2, width)):
                if np.isfinite(u[r * width + s]) and visible(self.blocked, *target, float(s), float(r)):
                    best = min(best, u[r * width + s] + self._straight(np.array([s, r], float), target))
        return float(best)

    def _straight(self, source: Floats, target: Floats) -> float:
        return float(self.spokes(source, target[None])[0])


def _first(shape: tuple[int, int], point: Floats) -> np.ndarray:
    """Column and row of the first of the four nodes around a point."""
    return np.clip(np.floor(point).astype(int), 0, np.maximum(np.array(shape[::-1]) - 2, 0))


def _around(values: np.ndarray, shape: tuple[int, int], point: Floats) -> np.ndarray:
    """The values (2, 2) of the nodes around a point."""
    j, i = _first(shape, point)
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
_MASKED: WeakKeyDictionary[Field, tuple[bytes, Terrain]] = WeakKeyDictionary()


def terrain(field: Field, size: int, mask: Any = None) -> Terrain:
    """Prepare a field, or take it from the cache (a field never changes; of masks the last one is kept).

    Args:
        field: the metric.
        size: cells along the longer side of the lattice that is marched; a finer field is averaged to it, a
            coarser one interpolated, since the march is only as good as its cells are small. Where there are cells
            that no path may enter, a finer field is marched as it is, and a coarser one cut into that many or more.
        mask: (H, W) bool, True where a path may run; None for everywhere but walls.

    """
    need_plane(field.lattice, "a march")
    blocked = field.walls if mask is None else field.walls | ~mask
    if blocked.any():
        return _masked(field, blocked, -(-size // max(blocked.shape)))
    kept = _PREPARED.setdefault(field, {})
    if size in kept:
        return kept[size]
    height, width = field.lattice.shape
    metric = _in_cells(field)
    coefficients = next(iter(kept.values())).coefficients if kept else spline(metric)
    packed = _packed(metric)
    scale = size / max(height, width)
    h, w = max(round(height * scale), 2), max(round(width * scale), 2)
    blocked = np.zeros((h, w), bool)
    if scale < 1.0:
        packed = np.einsum("ai,ijk,bj->abk", _averages(height, h), packed, _averages(width, w), optimize=True)
    elif scale > 1.0:
        packed = sample(coefficients, h, w)
    packed = packed * ((width / w) ** 2, width / w * height / h, (height / h) ** 2)
    packed = np.ascontiguousarray(packed)
    prepared = Terrain((height, width), field.lattice.extent, coefficients, packed, blocked, stencils(packed, blocked))
    kept[size] = prepared
    return prepared


def _masked(field: Field, blocked: np.ndarray, parts: int) -> Terrain:
    """Prepare a field with cells that no path may enter, each cut into so many parts a side."""
    from latent_widget.geodesics.kernels.corridor import cut_edges

    key = bytes([min(parts, 255)]) + blocked.tobytes()
    if field in _MASKED and _MASKED[field][0] == key:
        return _MASKED[field][1]
    metric = _in_cells(field)
    if field.walls.any() and not field.walls.all():
        # the spline reaches into walls, so it needs some value there: the nearest one
        nearest = distance_transform_edt(field.walls, return_distances=False, return_indices=True)
        metric = metric[tuple(nearest)]
    elif field.walls.all():
        metric = np.broadcast_to(np.eye(2), metric.shape)
    if parts > 1:
        height, width = blocked.shape
        blocked = np.repeat(np.repeat(blocked, parts, axis=0), parts, axis=1)
        e, f, g = np.moveaxis(sample(spline(metric), height * parts, width * parts), -1, 0) / parts**2
        metric = np.stack([e, f, f, g], axis=-1).reshape(*blocked.shape, 2, 2)
    blocked = np.ascontiguousarray(blocked)
    packed = np.ascontiguousarray(_packed(metric))
    offsets, jumps, weights, sides, first, readers = stencils(packed, blocked)
    cut_edges(blocked, offsets, sides, first, readers)
    regions = label(~blocked)[0]
    stencil = (offsets, jumps, weights, sides, first, readers)
    shape = (blocked.shape[0], blocked.shape[1])
    prepared = Terrain(shape, field.lattice.extent, spline(metric), packed, blocked, stencil, regions)
    _MASKED[field] = key, prepared
    return prepared


def _in_cells(field: Field) -> Floats:
    """The metric (H, W, 2, 2) in index coordinates."""
    dx, dy = field.lattice.spacing
    units = np.array([[dx * dx, dx * dy], [dx * dy, dy * dy]])
    return np.asarray(field.metric * units)


def _packed(metric: Floats) -> Floats:
    return np.stack([metric[..., 0, 0], metric[..., 0, 1], metric[..., 1, 1]], axis=-1)
