"""A piecewise bilinear map of a lattice onto a page: its corners, both ways through it, distances, and distortion."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from latent_widget._lattice import Extent
from latent_widget.maps.cartograms.solver import choose_cells
from latent_widget.maps.distortion import measure_distortion, measure_on_triangles
from latent_widget.maps.isometry.outline import find_crossings, project_onto_outline, trace_outline
from latent_widget.maps.validation import SLACK, check_outside, read_plane_points, read_points, read_rows

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Indices = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, eq=False)
class Map:
    """A map of a rectangle, or of a box, onto a page: it moves the corners of a lattice.

    It is bilinear in each cell of a rectangle, and trilinear in each cell of a box, whose arrays have an axis more:
    corners (D+1, H+1, W+1, 3), area_error (D, H, W), the error of volumes, and distortion (D, H, W, 2).

    The corners of a cartogram lie in the extent, and its walls stay where they are. Those of a map with a free
    boundary lie anywhere, around the centre of the extent.

    Attributes
    ----------
    extent : tuple of float
        The rectangle (x0, x1, y0, y1), or the box (x0, x1, y0, y1, z0, z1), of the lattice.
    corners : ndarray of float64 (H+1, W+1, 2)
        Where each corner of the lattice goes; rows run along y.
    area_error : ndarray of float64 (H, W)
        Signed relative error of each cell's area, ``area / target - 1``.
    distortion : ndarray of float64 (H, W, 2)
        Largest and smallest singular value of the map from (lattice, G) to the page times ``unit``: by how much the
        measure's lengths are stretched in the direction of the largest and of the least stretch. An isometry has 1 and
        1. Of a cartogram they are those of the mean Jacobian of each cell, and in a plane their product is
        ``1 + area_error``; of the other maps those of its four corner triangles together, whose sides are measured
        along geodesics, so that what curves in the plane but not in the metric counts as flat.
    unit : float
        Measured length of one unit of the page, so that page distances times ``unit`` are in the measure's unit: of a
        cartogram the root of measured area over page area (in a box the cube root of volumes); 1 of a map that lies in
        that unit itself.
    anisotropy : float
        Mean of the largest over the smallest singular value, weighted by measured area; 1 where angles are true.
    max_area_error, p99_area_error, rms_area_error : float
        The largest, the 99th percentile and the root mean square of the size of area_error.
    folds : int
        Number of cells that are not one-to-one (any corner triangle is not positive or, in a box, the Jacobian
        determinant cannot be shown to be positive throughout), and of crossings of the outline with itself. With 0
        the whole map is one-to-one [16].
    converged : bool
        Whether the map is what was asked for; of a cartogram: max_area_error is within the tolerance and nothing folds.
    method : str
        Whichever was used: "diffusion" or "direct" of a cartogram, else the name of the map.
    iterations : int
        Steps of the solver; of a cartogram those of Newton's method for the exact areas.
    message : str
        What happened, in words.

    References
    ----------
    [16] Y. Lipman, "Bijective mappings of meshes with boundary and the degree in mesh processing", SIAM Journal on
    Imaging Sciences 7, 1263 (2014).

    """

    extent: Extent
    corners: Array = field(repr=False)
    area_error: Array = field(repr=False)
    distortion: Array = field(repr=False)
    unit: float
    anisotropy: float
    max_area_error: float
    p99_area_error: float
    rms_area_error: float
    folds: int
    converged: bool
    method: str
    iterations: int
    message: str

    def transform(self, points: ArrayLike, outside: Literal["error", "clamp"] = "error") -> Array:
        """Move points from the plane, or the box, onto the map; exact up to round-off.

        Parameters
        ----------
        points : array_like (..., 2) or (..., 3)
            Positions (x, y), or (x, y, z) of a box, in the units of the extent.
        outside : {"error", "clamp"}
            Whether points beyond the extent are an error, or taken to its edge.

        Returns
        -------
        ndarray of float64
            Where they go, in the same shape.

        Raises
        ------
        ValueError
            For points of another shape, points that are not finite, and points outside.

        """
        flat, shape = read_points(points, self.extent, outside)
        return self._interpolate(flat).reshape(shape)

    def inverse(self, points: ArrayLike, outside: Literal["error", "clamp"] = "error") -> Array:
        """Bring points from the map back to the plane, or the box: solves the cell that they lie in; exact.

        Parameters
        ----------
        points : array_like (..., 2) or (..., 3)
            Positions (x, y), or (x, y, z) of a box, in the units of the page.
        outside : {"error", "clamp"}
            Whether points beyond the outline of the map, which is the border of the extent for a cartogram, are an
            error, or taken to the nearest point of it.

        Returns
        -------
        ndarray of float64
            Where they come from, in the same shape.

        Raises
        ------
        ValueError
            For points of another shape, points that are not finite, and points outside.
        RuntimeError
            When a point lies in no cell, as on a map with folds.

        """
        low, size = self._box
        if self._fills_extent:
            flat, shape = read_points(points, self.extent, outside)
        else:
            check_outside(outside)
            flat, shape = read_plane_points(points, 2)
            flat = flat.copy()  # compiled loops take no read-only points
        out = np.empty_like(flat)
        locate = _load_point_location(self.area_error.ndim).locate
        lost = locate(flat, self.corners, self._buckets, *self._page, out)
        if lost and self._fills_extent:
            raise RuntimeError(f"inverse: {lost} of {len(flat)} points lie in no cell of a map with {self.folds} folds")
        if lost:
            self._take_to_outline(flat, outside, out)
        return np.asarray(out * (size / self.area_error.shape[::-1]) + low).reshape(shape)

    def distances(self, points: ArrayLike, targets: ArrayLike | None = None) -> Array:
        """Measure straight distances on the page between points of the plane, in the measure's own unit.

        They are ``unit · |transform(a) − transform(b)|``, and stand for the geodesic distances of
        `latent_widget.distances` as well as the map is isometric.

        Parameters
        ----------
        points : array_like (n, 2)
            Plane points; (n, 3) in a box.
        targets : array_like (m, 2), optional
            By default the points themselves; then the result is symmetric.

        Returns
        -------
        ndarray of float64 (n, m)

        Raises
        ------
        ValueError
            For points that are not (n, 2), not finite, or outside the extent.

        """
        a = self._interpolate(read_rows(points, self.extent, "points"))
        b = a if targets is None else self._interpolate(read_rows(targets, self.extent, "targets"))
        square = sum(np.square(a[:, None, axis] - b[None, :, axis]) for axis in range(a.shape[1]))
        return np.asarray(self.unit * np.sqrt(square), dtype=np.float64)

    @cached_property
    def outline(self) -> Array:
        """Corners along the border, counter-clockwise from the first, (2H + 2W, 2); `ValueError` for a box."""
        if self.area_error.ndim != 2:
            raise ValueError(f"a map of {self.area_error.shape} cells has no outline; that of a plane has one")
        outline = trace_outline(self.corners)
        outline.flags.writeable = False
        return outline

    @property
    def weighted_area_error(self) -> float:
        """Root mean square of area_error, cells weighed by their measured areas, so that empty corners tell little."""
        _, size = self._box
        area = self.unit ** len(size) * _measure_areas(self.corners)
        target = area / (1.0 + self.area_error)
        return float(np.sqrt((target * np.square(self.area_error)).sum() / target.sum()))

    def _interpolate(self, flat: Array) -> Array:
        """Move checked points (n, d) onto the page."""
        low, size = self._box
        lattice = np.ascontiguousarray((flat - low) * (self.area_error.shape[::-1] / size))
        out = np.empty_like(lattice)
        _load_point_location(self.area_error.ndim).interpolate(lattice, self.corners, out)
        return out

    def _take_to_outline(self, points: Array, outside: str, out: Array) -> None:
        """Write the lattice coordinates of the nearest point of the outline where those of a point are missing."""
        lost = np.flatnonzero(np.isnan(out[:, 0]))
        out[lost], gaps = project_onto_outline(points[lost], self.corners)
        # what rounding takes from positions far from the origin counts as on the outline, too
        beyond = gaps > SLACK * float(self._page[1].max()) + 8 * np.finfo(float).eps * float(np.abs(self.outline).max())
        if outside == "error" and beyond.any():
            first = tuple(float(c) for c in points[lost[np.argmax(beyond)]])
            raise ValueError(
                f"points: {int(beyond.sum())} of {len(points)} lie outside the outline of the map, the first at "
                f'{first}: move them inside, or pass outside="clamp" for the nearest points of the outline'
            )

    @property
    def _box(self) -> tuple[Array, Array]:
        """Lower corner and size of the extent, (d,) each."""
        low = np.array(self.extent[0::2], dtype=np.float64)
        return low, np.array(self.extent[1::2], dtype=np.float64) - low

    @cached_property
    def _page(self) -> tuple[Array, Array]:
        """Lower corner and size of the bounding box of the map, (d,) each: for a cartogram those of the extent."""
        if self._fills_extent:
            return self._box
        low = self.outline.min(axis=0)
        return low, self.outline.max(axis=0) - low

    @cached_property
    def _fills_extent(self) -> bool:
        """Whether the walls of the lattice lie where they were."""
        return fills_extent(self.corners, self.extent)

    @cached_property
    def _buckets(self) -> Indices:
        """Numbers of the cells near the middle of every cell of the page, from which `inverse` walks to a point.

        Threads that ask for it at once may both compute it, and get the same.
        """
        buckets = np.empty(self.area_error.shape, dtype=np.int64)
        _load_point_location(buckets.ndim).fill_buckets(self.corners, *self._page, buckets)
        return buckets

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is computed on demand."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


def _measure_areas(corners: Array) -> Array:
    """Areas (or volumes) of the cells of a map with corners (..., d)."""
    points = np.ascontiguousarray(np.moveaxis(corners, -1, 0))
    return np.asarray(choose_cells(len(points)).find_folds(points)[0])


Cartogram = Map


class _PointLocation(Protocol):
    """What the modules ``point_location`` of quadrilaterals and of hexahedra have in common."""

    def interpolate(self, lattice: Array, corners: Array, out: Array) -> None: ...

    def fill_buckets(self, corners: Array, low: Array, size: Array, buckets: Indices) -> None: ...

    def locate(self, points: Array, corners: Array, buckets: Indices, low: Array, size: Array, out: Array) -> int: ...


def _load_point_location(ndim: int) -> _PointLocation:
    """Import, and so compile, the loops that send points through the cells of two or of three dimensions."""
    if ndim == 2:
        from latent_widget.maps.cartograms.quads import point_location as quads

        return quads
    from latent_widget.maps.cartograms.hexes import point_location as hexes

    return hexes


def fills_extent(corners: Array, extent: Extent) -> bool:
    """Tell whether the walls of a map with corners (..., d) lie exactly on those of the extent."""
    for axis, (start, end) in enumerate(zip(extent[0::2], extent[1::2], strict=True)):
        across = np.moveaxis(corners[..., axis], -1 - axis, 0)
        if not ((across[0] == start).all() and (across[-1] == end).all()):
            return False
    return True


def report_map(
    extent: Extent,
    corners: Array,
    metric: Array,
    unit: float,
    *,
    method: str,
    iterations: int,
    message: str,
    converged: bool = True,
    target: Array | None = None,
    triangles: Array | None = None,
) -> Map:
    """Measure on its final corners what a map achieved: the errors of its areas, its distortion, its folds.

    Parameters
    ----------
    extent : tuple of float
        The rectangle, or the box, of the lattice.
    corners : ndarray (H+1, W+1, 2)
        Where its corners go; copied.
    metric : ndarray (H, W, 2, 2)
        The tensors G of the cells.
    unit : float
        Measured length of one unit of the page.
    method, iterations, message : str, int, str
        What the result says of them.
    converged : bool
        Whether the solver came to its end; a map that folds is not converged.
    target : ndarray (H, W), optional
        Area that each cell should have on the page; by default its measured area, √det G times that of the cell, over
        unit².
    triangles : ndarray (H, W, 4, 3), optional
        Metrics of the triangles at the corners of the cells in place of those of the cells, in units of cells, where
        they are known better; `unit` is 1.

    Returns
    -------
    Map
        The map with everything that it reports.

    """
    corners = np.array(corners, dtype=np.float64, order="C")
    points = np.ascontiguousarray(np.moveaxis(corners, -1, 0))
    ndim = len(extent) // 2
    shape = metric.shape[:ndim]
    spacing = tuple((b - a) / n for a, b, n in zip(extent[0::2], extent[1::2], reversed(shape), strict=True))
    distortion = None
    if triangles is not None:
        distortion, target = measure_on_triangles(corners, triangles)
    if target is None:
        target = np.sqrt(np.linalg.det(metric)) * (math.prod(spacing) / unit**ndim)
    area, folded = choose_cells(ndim).find_folds(points)
    folds = int(folded.sum())
    if ndim == 2 and not fills_extent(corners, extent):
        folds += len(find_crossings(trace_outline(corners)))
    error = area / target - 1.0
    size = np.abs(error)
    if distortion is None:
        distortion = measure_distortion(corners, metric, spacing, unit)
    flat = distortion[..., 1] == 0.0
    ratio = np.where(flat, np.inf, distortion[..., 0] / np.where(flat, 1.0, distortion[..., 1]))
    for array in (corners, error, distortion):
        array.flags.writeable = False
    return Map(
        extent=extent,
        corners=corners,
        area_error=error,
        distortion=distortion,
        unit=unit,
        anisotropy=float((ratio * target).sum() / target.sum()),
        max_area_error=float(size.max()),
        p99_area_error=float(np.quantile(size, 0.99)),
        rms_area_error=float(np.sqrt(np.square(size).mean())),
        folds=folds,
        converged=bool(converged) and folds == 0,
        method=method,
        iterations=iterations,
        message=message,
    )
