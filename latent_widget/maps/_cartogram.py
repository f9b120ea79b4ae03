"""Density-equalising maps: a lattice is stretched until every cell has the area or volume its density asks for [2]."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from latent_widget._lattice import Extent
from latent_widget._threads import count_workers
from latent_widget.maps.cartograms.problem import Problem, set_walls
from latent_widget.maps.cartograms.solver import Method, Solution, choose_cells, equalise
from latent_widget.maps.validation import check_options, read_density, read_points

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from latent_widget._field import Field

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Indices = np.ndarray[Any, np.dtype[np.int64]]

REMEDY = "refine the lattice, or temper the field (field.temper(0.5)), to come closer"


@dataclass(frozen=True, eq=False)
class Cartogram:
    """A one-to-one map of a rectangle, or of a box, onto itself: it moves the corners of a lattice.

    It is bilinear in each cell of a rectangle, and trilinear in each cell of a box, whose arrays have an axis more:
    corners (D+1, H+1, W+1, 3) and area_error (D, H, W), the error of volumes.

    Attributes
    ----------
    extent : tuple of float
        The rectangle (x0, x1, y0, y1), or the box (x0, x1, y0, y1, z0, z1), the same before and after.
    corners : ndarray of float64 (H+1, W+1, 2)
        Where each corner of the lattice goes, in the units of the extent; rows run along y.
    area_error : ndarray of float64 (H, W)
        Signed relative error of each cell's area, ``area / target - 1``.
    max_area_error, p99_area_error, rms_area_error : float
        The largest, the 99th percentile and the root mean square of the size of area_error.
    folds : int
        Number of cells that are not one-to-one: of which any corner triangle is not positive or, in a box, of which
        the Jacobian determinant cannot be shown to be positive throughout.
    converged : bool
        Whether max_area_error is within the tolerance asked for and nothing folds.
    method : {"diffusion", "direct"}
        Whichever was used.
    iterations : int
        Steps of Newton's method for the exact areas.
    message : str
        What happened, in words.

    """

    extent: Extent
    corners: Array = field(repr=False)
    area_error: Array = field(repr=False)
    max_area_error: float
    p99_area_error: float
    rms_area_error: float
    folds: int
    converged: bool
    method: Method
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
        low, size = self._box
        lattice = np.ascontiguousarray((flat - low) * (self.area_error.shape[::-1] / size))
        out = np.empty_like(lattice)
        _load_point_location(self.area_error.ndim).interpolate(lattice, self.corners, out)
        return out.reshape(shape)

    def inverse(self, points: ArrayLike, outside: Literal["error", "clamp"] = "error") -> Array:
        """Bring points from the map back to the plane, or the box: solves the cell that they lie in; exact.

        Parameters
        ----------
        points : array_like (..., 2) or (..., 3)
            Positions (x, y), or (x, y, z) of a box, in the units of the extent.
        outside : {"error", "clamp"}
            Whether points beyond the extent are an error, or taken to its edge.

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
        flat, shape = read_points(points, self.extent, outside)
        low, size = self._box
        out = np.empty_like(flat)
        locate = _load_point_location(self.area_error.ndim).locate
        lost = locate(flat, self.corners, self._buckets, low, size, out)
        if lost:
            raise RuntimeError(f"inverse: {lost} of {len(flat)} points lie in no cell of a map with {self.folds} folds")
        return np.asarray(out * (size / self.area_error.shape[::-1]) + low).reshape(shape)

    @property
    def _box(self) -> tuple[Array, Array]:
        """Lower corner and size of the extent, (d,) each."""
        low = np.array(self.extent[0::2], dtype=np.float64)
        return low, np.array(self.extent[1::2], dtype=np.float64) - low

    @cached_property
    def _buckets(self) -> Indices:
        """Numbers of the cells near the middle of every cell of the lattice, from which `inverse` walks to a point.

        Threads that ask for it at once may both compute it, and get the same.
        """
        buckets = np.empty(self.area_error.shape, dtype=np.int64)
        _load_point_location(buckets.ndim).fill_buckets(self.corners, *self._box, buckets)
        return buckets

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is computed on demand."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


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


def cartogram(
    density: Field | ArrayLike,
    extent: Sequence[float] | None = None,
    method: Method = "diffusion",
    *,
    tolerance: float = 1e-3,
    max_steps: int = 60,
    floor: float | None = None,
    start: Cartogram | None = None,
    workers: int | None = None,
) -> Cartogram:
    """Stretch a rectangle, or a box, so that each lattice cell's area or volume becomes proportional to its density.

    ``area(cell) / total area = density(cell) / total density``, walls stay walls, and no cell folds.

    Where no map with these areas can be reached without a fold, the result is the best one found that has
    none, with its true errors, ``converged=False`` and a warning. A density that varies along one axis, and
    under "diffusion" a product f(x) g(y) [h(z)], has a closed form and gets it.

    Parameters
    ----------
    density : Field or array_like (H, W) or (D, H, W)
        A field, or floats, all positive; rows run along y, layers along z.
    extent : sequence of float, optional
        (x0, x1, y0, y1[, z0, z1]) of an array, 0 to 1 along every axis unless told; a Field brings its own.
    method : {"diffusion", "direct"}
        "diffusion" lets the density diffuse and moves the lattice along [2], then corrects to the exact areas: the
        map that the literature defines. "direct" corrects at once: another map with the same areas, sooner; where
        that folds on the way, diffusion is used, and the map's ``method`` says so.
    tolerance : float
        The largest relative area error that counts as converged.
    max_steps : int
        The most steps of Newton's method for the exact areas.
    floor : float, optional
        Raise smaller densities to this share of the mean; the remedy for zeros.
    start : Cartogram, optional
        A map of the same extent and shape to start from in place of the flow, for small changes; where that folds on
        the way, the flow is used after all.
    workers : int, optional
        The most threads, one per processor, at most 8, unless told. They change the time alone, and are used only on
        lattices so large that they pay, from some 400 by 400 cells.

    Returns
    -------
    Cartogram
        The map, with its errors.

    Raises
    ------
    TypeError
        For a density that is not of floats.
    ValueError
        For a density that is not positive, finite and at least 2 cells a side, a bad extent or a bad option.

    Warns
    -----
    RuntimeWarning
        When the map is not within the tolerance.

    References
    ----------
    [2] M. Gastner, M. Newman, "Diffusion-based method for producing density-equalizing maps", PNAS 101, 7499 (2004).

    """
    rho, box, notes = read_density(density, extent, floor)
    check_options(method, tolerance, max_steps)
    target = rho / rho.mean()
    if start is not None and not (
        isinstance(start, Cartogram) and start.area_error.shape == rho.shape and start.extent == box
    ):
        raise ValueError(f"start={start!r}: it must be a Cartogram of {rho.shape} cells over extent={box}")
    low, high = np.array(box[0::2]), np.array(box[1::2])
    cell = (high - low) / rho.shape[::-1]
    # inside, one cell has area or volume 1: positions are in units of the root of a cell's
    unit = float(cell.prod() ** (1.0 / rho.ndim))
    begin = None if start is None else np.moveaxis((start.corners - low) / unit, -1, 0)
    problem = Problem(target, tuple(float(c) for c in cell / unit), tolerance, max_steps, count_workers(workers))
    done = equalise(problem, method, begin)

    points = done.points * unit + low.reshape(-1, *[1] * rho.ndim)
    set_walls(points, box[0::2], box[1::2])
    return _report(box, points, problem, done, notes)


def _report(box: Extent, points: Array, problem: Problem, done: Solution, notes: list[str]) -> Cartogram:
    """Measure what was achieved on the final corners (d, ...), and warn where it is not what was asked."""
    target, tolerance = problem.target, problem.tolerance
    cell = math.prod(b - a for a, b in zip(box[0::2], box[1::2], strict=True)) / target.size
    area, folded = choose_cells(target.ndim).find_folds(points)
    folds = int(folded.sum())
    error = area / (cell * target) - 1.0
    size = np.abs(error)
    largest = float(size.max())
    converged = largest <= tolerance and folds == 0
    what = "area" if target.ndim == 2 else "volume"
    message = f"{done.method}: {', '.join([*notes, done.note])}; max {what} error {largest:.2g}, {folds} folds"
    if not converged:
        place = np.unravel_index(int(size.argmax()), size.shape)
        axes = ("layer", "row", "column")[-size.ndim :]
        named = ", ".join(f"{name} {k}" for name, k in zip(axes, place, strict=True))
        message += f"; not converged to {tolerance:g} (worst cell: {named}); {REMEDY}"
        warnings.warn(f"cartogram: {message}", RuntimeWarning, stacklevel=3)
    corners = np.ascontiguousarray(np.moveaxis(points, 0, -1))
    for array in (corners, error):
        array.flags.writeable = False
    return Cartogram(
        extent=box,
        corners=corners,
        area_error=error,
        max_area_error=largest,
        p99_area_error=float(np.quantile(size, 0.99)),
        rms_area_error=float(np.sqrt(np.square(size).mean())),
        folds=folds,
        converged=converged,
        method=done.method,
        iterations=done.iterations,
        message=message,
    )
