"""The density-equalising map: a lattice is stretched until every cell has the area or volume its density asks for."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_widget._lattice import Extent
from latent_widget.cartograms.solver import Equalised, equalise

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]

METHODS = ("diffusion", "direct")
REMEDY = "refine the lattice, or temper the field (field.temper(0.5)), to come closer"


@dataclass(frozen=True, eq=False)
class Cartogram:
    """A one-to-one map of a rectangle onto itself: it moves the corners of a lattice, bilinear in each cell.

    Of a box of three dimensions alike: trilinear in each cell, corners (D+1, H+1, W+1, 3), area_error (D, H, W) is
    the error of volumes, and a cell counts as folded unless its Jacobian determinant is proven positive throughout.

    Attributes
    ----------
    extent: the rectangle (x0, x1, y0, y1), the same before and after.
    corners: (H+1, W+1, 2) where each corner of the lattice goes; rows run along y.
    area_error: (H, W) signed relative error of each cell's area, area / target - 1.
    max_area_error, p99_area_error, rms_area_error: largest, 99th percentile, root mean square of its size.
    folds: number of cells of which any corner triangle is not positive.
    converged: whether max_area_error is within the tolerance asked for and nothing folds.
    method: "diffusion" or "direct", whichever was used. iterations: steps of the projection.
    message: what happened, in words.

    """

    extent: Extent
    corners: Array = field(repr=False)
    area_error: Array = field(repr=False)
    max_area_error: float
    p99_area_error: float
    rms_area_error: float
    folds: int
    converged: bool
    method: str
    iterations: int
    message: str
    _hints: list[Any] = field(default_factory=list, repr=False)

    def transform(self, points: Any, outside: str = "error") -> Array:
        """Move points (..., 2), or (..., 3) of a box, from the plane onto the map; exact up to round-off.

        ``outside="clamp"`` takes points beyond the extent to its edge; "error" raises ValueError for them.
        """
        flat, shape = self._check(points, outside)
        low, high = np.array(self.extent[0::2]), np.array(self.extent[1::2])
        lattice = np.ascontiguousarray((flat - low) * (self.area_error.shape[::-1] / (high - low)))
        out = np.empty_like(lattice)
        self._cells().forward(lattice, self.corners, out)
        return out.reshape(shape)

    def inverse(self, points: Any, outside: str = "error") -> Array:
        """Bring points (..., 2), or (..., 3), from the map back to the plane: solves the cell they lie in; exact.

        ``outside`` as for `transform`. Raises RuntimeError when a point lies in no cell, as on a folded map.
        """
        flat, shape = self._check(points, outside)
        low, high = np.array(self.extent[0::2]), np.array(self.extent[1::2])
        box = (*low, *(high - low))
        if not self._hints:
            table = np.empty(self.area_error.shape, dtype=np.int64)
            self._cells().hints(self.corners, *box, table)
            self._hints.append(table)
        out = np.empty_like(flat)
        lost = self._cells().backward(flat, self.corners, self._hints[0], *box, out)
        if lost:
            raise RuntimeError(f"inverse: {lost} of {len(flat)} points lie in no cell of a map with {self.folds} folds")
        return np.asarray(out * ((high - low) / self.area_error.shape[::-1]) + low).reshape(shape)

    def _cells(self) -> Any:
        """Compiled loops that send points through the cells."""
        return import_module(
            "latent_widget.cartograms.quads.point_location"
            if self.area_error.ndim == 2
            else "latent_widget.cartograms.hexes.point_location"
        )

    def _check(self, points: Any, outside: str) -> tuple[Array, tuple[int, ...]]:
        if outside not in ("error", "clamp"):
            raise ValueError(f'outside={outside!r}: use "error" or "clamp"')
        array = np.asarray(points, dtype=np.float64)
        ndim = self.area_error.ndim
        if array.ndim == 0 or array.shape[-1] != ndim:
            axes = "(x, y)" if ndim == 2 else "(x, y, z)"
            raise ValueError(f"points has shape {array.shape}: the last axis must be {axes}, shape (..., {ndim})")
        flat = np.ascontiguousarray(array.reshape(-1, ndim))
        if not np.isfinite(flat).all():
            raise ValueError(f"points holds {int((~np.isfinite(flat)).any(1).sum())} that are not finite: drop them")
        low, high = np.array(self.extent[0::2]), np.array(self.extent[1::2])
        if outside == "clamp":
            return np.clip(flat, low, high), array.shape
        # a rounding error past the wall is on the wall
        slack = 1e-12 * (high - low)
        beyond = ((flat < low - slack) | (flat > high + slack)).any(1)
        if beyond.any():
            first = tuple(float(c) for c in flat[np.argmax(beyond)])
            raise ValueError(
                f"points: {int(beyond.sum())} of {len(flat)} lie outside extent={self.extent}, "
                f'the first at {first}: move them inside, or pass outside="clamp"'
            )
        return np.clip(flat, low, high), array.shape


def cartogram(
    density: Any,
    extent: Sequence[float] | None = None,
    method: str = "diffusion",
    *,
    tolerance: float = 1e-3,
    limit: int = 60,
    floor: float | None = None,
    start: Cartogram | None = None,
    workers: int = 1,
) -> Cartogram:
    """Stretch a rectangle, or a box, so that each lattice cell's area or volume becomes proportional to its density.

    ``area(cell) / total area = density(cell) / total density``, walls stay walls, and no cell folds.

    Parameters
    ----------
    density: a Field, or floats (H, W) or (D, H, W), all positive; rows run along y, layers along z.
    extent: (x0, x1, y0, y1[, z0, z1]) of an array, 0 to 1 unless told; a Field brings its own.
    method: "diffusion" lets the density diffuse and carries the lattice along [2], then projects to the exact
        areas: the map that the literature defines. "direct" projects at once: another map with the same
        areas, sooner; where that folds on the way, diffusion is used, and ``method`` says so.
    tolerance: the largest relative area error that counts as converged.
    limit: the most steps of the projection.
    floor: raise smaller densities to this share of the mean; the remedy for zeros.
    start: a Cartogram of the same extent and shape to start from in place of the flow, for small changes;
        where that folds on the way, the flow is used after all.
    workers: threads.

    Where no map with these areas can be reached without a fold, the result is the best one found that has
    none, with its true errors, ``converged=False`` and a warning. A density that varies along one axis, and
    under "diffusion" a product f(x) g(y) [h(z)], has a closed form and gets it. Raises TypeError for a density that
    is not of floats and ValueError for one that is not positive, finite and at least 2 cells a side, and for a
    bad extent or option.

    """
    rho, box, notes = _read(density, extent, floor)
    if method not in METHODS:
        raise ValueError(f"method={method!r}: use one of {', '.join(map(repr, METHODS))}")
    if not (isinstance(tolerance, (int, float)) and 0.0 < tolerance < 1.0):
        raise ValueError(f"tolerance={tolerance!r}: give a relative area error between 0 and 1, such as 1e-3")
    if not (isinstance(limit, int) and limit >= 1):
        raise ValueError(f"limit={limit!r}: give a number of steps, at least 1")
    if not (isinstance(workers, int) and workers >= 1):
        raise ValueError(f"workers={workers!r}: give a number of threads, at least 1")
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
    done = equalise(target, tuple(float(c) for c in cell / unit), method, begin, tolerance, limit, workers)

    corners = np.ascontiguousarray(np.moveaxis(done.points, 0, -1) * unit + low)
    # the walls are exact, not merely near
    for axis in range(rho.ndim):
        across = np.moveaxis(corners[..., axis], -1 - axis, 0)
        across[0], across[-1] = low[axis], high[axis]
    return _report(box, corners, target, done, tolerance, [*notes, done.note])


def _read(density: Any, extent: Sequence[float] | None, floor: float | None) -> tuple[Array, Any, list[str]]:
    """Check a density or a field; return floats (H, W) or (D, H, W), the extent, and what was changed."""
    notes = []
    if hasattr(density, "density") and hasattr(density, "lattice"):
        if extent is not None:
            raise ValueError(f"extent={extent!r}: a field brings its own extent; leave it out")
        density, extent = density.density, density.lattice.extent
    rho = np.asarray(density)
    if rho.ndim not in (2, 3):
        raise ValueError(f"density has shape {rho.shape}: it must be two-dimensional, (H, W), or three-, (D, H, W)")
    if rho.dtype.kind != "f":
        raise TypeError(f"density has dtype {rho.dtype}: it must be floating point; use density.astype(float)")
    if min(rho.shape) < 2:
        raise ValueError(
            f"density has shape {rho.shape}: a map needs at least 2 by 2 cells (in a box by 2); refine the lattice"
        )
    rho = np.ascontiguousarray(rho, dtype=np.float64)
    bad = int((~np.isfinite(rho)).sum())
    if bad:
        raise ValueError(f"density has {bad} cells that are NaN or infinite: mask or replace them first")
    if (rho < 0).any():
        raise ValueError(f"density has negative cells, the lowest {rho.min():g}: shift or clip it first")
    if floor is not None:
        if not (isinstance(floor, (int, float)) and 0.0 < floor < 1.0):
            raise ValueError(f"floor={floor!r}: give a share of the mean density between 0 and 1, such as 1e-3")
        lowest = floor * rho.mean()
        notes.append(f"{int((rho < lowest).sum())} cells raised to floor={floor:g}")
        rho = np.maximum(rho, lowest)
    if not rho.all():
        zeros = int((rho == 0).sum())
        raise ValueError(f"density is zero in {zeros} cells: pass floor=1e-3 to raise them to a share of the mean")
    # only ratios count, and sums of extreme values could leave the range of floats
    rho = rho / rho.max()
    if not rho.min() > 1e-12:
        raise ValueError(f"density has a range of {1.0 / max(rho.min(), 1e-300):g}: pass floor=, or temper the field")
    box = (0.0, 1.0) * rho.ndim if extent is None else tuple(float(e) for e in extent)
    names = "four numbers (x0, x1, y0, y1)" if rho.ndim == 2 else "six numbers (x0, x1, y0, y1, z0, z1)"
    if len(box) != 2 * rho.ndim:
        raise ValueError(f"extent={extent!r}: give {names} for a density of shape {rho.shape}")
    if not (np.isfinite(box).all() and (np.array(box[1::2]) > box[0::2]).all()):
        raise ValueError(f"extent={extent!r}: {names} must be finite with x1 > x0, and so for every axis")
    return rho, box, notes


def _report(
    box: Extent, corners: Array, target: Array, done: Equalised, tolerance: float, notes: list[str]
) -> Cartogram:
    """Measure what was achieved on the final corners, and warn where it is not what was asked."""
    points = np.ascontiguousarray(np.moveaxis(corners, -1, 0))
    cell = math.prod(b - a for a, b in zip(box[0::2], box[1::2], strict=True)) / target.size
    if target.ndim == 2:
        from latent_widget.cartograms.quads.geometry import assess
        from latent_widget.cartograms.quads.untangling import thinnest

        measured = np.empty_like(target)
        worst = assess(points[0], points[1], cell * target, measured)[0]
        # a clear margin settles it; else count triangle by triangle
        folds = 0 if worst > 1e-6 else int((~(thinnest(points[0], points[1]) > 0.0)).sum())
    else:
        from latent_widget.cartograms.hexes.cells import examine

        measured, doubtful = examine(points)
        folds = int(doubtful.sum())
    error = measured / (cell * target) - 1.0
    size = np.abs(error)
    largest = float(size.max())
    converged = largest <= tolerance and folds == 0
    what = "area" if target.ndim == 2 else "volume"
    message = f"{done.method}: {', '.join(notes)}; max {what} error {largest:.2g}, {folds} folds"
    if not converged:
        place = np.unravel_index(int(size.argmax()), size.shape)
        named = ", ".join(
            f"{name} {k}" for name, k in zip(("layer", "row", "column")[-size.ndim :], place, strict=True)
        )
        message += f"; not converged to {tolerance:g} (worst cell: {named}); {REMEDY}"
        warnings.warn(f"cartogram: {message}", RuntimeWarning, stacklevel=3)
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
