"""The density-equalising map: a lattice is stretched until every cell has the area its density asks for."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]

METHODS = ("diffusion", "direct")
REMEDY = "refine the lattice, or temper the field (field.temper(0.5)), to come closer"


@dataclass(frozen=True, eq=False)
class Cartogram:
    """A one-to-one map of a rectangle onto itself: it moves the corners of a lattice, bilinear in each cell.

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

    extent: tuple[float, float, float, float]
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
        """Move points (..., 2) from the plane onto the map; exact up to round-off.

        ``outside="clamp"`` takes points beyond the extent to its edge; "error" raises ValueError for them.
        """
        from latent_widget.quads import forward

        flat, shape = self._check(points, outside)
        x0, x1, y0, y1 = self.extent
        h, w = self.area_error.shape
        lattice = np.ascontiguousarray((flat - (x0, y0)) * (w / (x1 - x0), h / (y1 - y0)))
        out = np.empty_like(lattice)
        forward(lattice, self.corners, out)
        return out.reshape(shape)

    def inverse(self, points: Any, outside: str = "error") -> Array:
        """Bring points (..., 2) from the map back to the plane: solves the bilinear cell they lie in; exact.

        ``outside`` as for `transform`. Raises RuntimeError when a point lies in no cell, as on a folded map.
        """
        from latent_widget.quads import backward, hints

        flat, shape = self._check(points, outside)
        x0, x1, y0, y1 = self.extent
        h, w = self.area_error.shape
        box = (x0, y0, x1 - x0, y1 - y0)
        if not self._hints:
            table = np.empty((h, w), dtype=np.int64)
            hints(self.corners, *box, table)
            self._hints.append(table)
        out = np.empty_like(flat)
        lost = backward(flat, self.corners, self._hints[0], *box, out)
        if lost:
            raise RuntimeError(f"inverse: {lost} of {len(flat)} points lie in no cell of a map with {self.folds} folds")
        return np.asarray(out * ((x1 - x0) / w, (y1 - y0) / h) + (x0, y0)).reshape(shape)

    def _check(self, points: Any, outside: str) -> tuple[Array, tuple[int, ...]]:
        if outside not in ("error", "clamp"):
            raise ValueError(f'outside={outside!r}: use "error" or "clamp"')
        array = np.asarray(points, dtype=np.float64)
        if array.ndim == 0 or array.shape[-1] != 2:
            raise ValueError(f"points has shape {array.shape}: the last axis must be (x, y), shape (..., 2)")
        flat = np.ascontiguousarray(array.reshape(-1, 2))
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
    """Stretch a rectangle so that each lattice cell's area becomes proportional to its density.

    ``area(cell) / total area = density(cell) / total density``, walls stay walls, and no cell folds.

    Parameters
    ----------
    density: a Field, or floats (H, W), all positive; rows run along y.
    extent: (x0, x1, y0, y1) of an array, (0, 1, 0, 1) unless told; a Field brings its own.
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
    under "diffusion" a product f(x) g(y), has a closed form and gets it. Raises TypeError for a density that
    is not of floats and ValueError for one that is not positive, finite and at least 2 by 2, and for a bad
    extent or option.

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
    x0, x1, y0, y1 = box
    h, w = rho.shape
    # inside, one cell has area 1: positions are in units of the root of a cell's area
    unit = math.sqrt((x1 - x0) / w * ((y1 - y0) / h))
    dx, dy = (x1 - x0) / w / unit, (y1 - y0) / h / unit

    iterations = 0
    closed = None if start is not None else _closed_form(target, dx, dy, method)
    if closed is not None:
        x, y = closed
        notes.append("closed form: the product of two cumulative distributions")
    else:
        x, y, iterations, method, note = _solve(target, dx, dy, method, start, unit, tolerance, limit, workers)
        notes.append(note)

    corners = np.stack([x0 + unit * x, y0 + unit * y], axis=-1)
    # the walls are exact, not merely near
    corners[:, 0, 0], corners[:, -1, 0], corners[0, :, 1], corners[-1, :, 1] = x0, x1, y0, y1
    return _report(box, corners, target, method, iterations, tolerance, notes)


def _read(density: Any, extent: Sequence[float] | None, floor: float | None) -> tuple[Array, Any, list[str]]:
    """Check a density or a field; return floats (H, W), the extent, and what was changed."""
    notes = []
    if hasattr(density, "density") and hasattr(density, "lattice"):
        if extent is not None:
            raise ValueError(f"extent={extent!r}: a field brings its own extent; leave it out")
        density, extent = density.density, density.lattice.extent
    rho = np.asarray(density)
    if rho.ndim != 2:
        raise ValueError(f"density has shape {rho.shape}: it must be two-dimensional, (H, W)")
    if rho.dtype.kind != "f":
        raise TypeError(f"density has dtype {rho.dtype}: it must be floating point; use density.astype(float)")
    if min(rho.shape) < 2:
        raise ValueError(f"density has shape {rho.shape}: a map needs at least 2 by 2 cells; refine the lattice")
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
    box = (0.0, 1.0, 0.0, 1.0) if extent is None else tuple(float(e) for e in extent)
    if len(box) != 4:
        raise ValueError(f"extent={extent!r}: give four numbers (x0, x1, y0, y1)")
    if not (np.isfinite(box).all() and box[1] > box[0] and box[3] > box[2]):
        raise ValueError(f"extent={extent!r}: (x0, x1, y0, y1) must be finite with x1 > x0 and y1 > y0")
    return rho, box, notes


def _closed_form(target: Array, dx: float, dy: float, method: str) -> tuple[Array, Array] | None:
    """Return the product of two cumulative distributions where that is the map, else None."""
    f, g = target.mean(0), target.mean(1)
    if np.abs(target / (f * g[:, None]) - 1.0).max() > 1e-13:
        return None
    if method == "direct" and np.ptp(f) > 1e-13 and np.ptp(g) > 1e-13:
        return None
    h, w = target.shape
    along = np.concatenate([[0.0], np.cumsum(f)]) * (w * dx / f.sum())
    across = np.concatenate([[0.0], np.cumsum(g)]) * (h * dy / g.sum())
    along[-1], across[-1] = w * dx, h * dy
    x, y = np.meshgrid(along, across)
    return x, y


def _solve(
    target: Array,
    dx: float,
    dy: float,
    method: str,
    start: Cartogram | None,
    unit: float,
    tolerance: float,
    limit: int,
    workers: int,
) -> tuple[Array, Array, int, str, str]:
    """Find corners (H+1, W+1) with the target areas; return them, the steps, the method and what was done."""
    from latent_widget.projection import project

    h, w = target.shape
    x: Array | None = None
    if start is not None:
        x = np.ascontiguousarray((start.corners[..., 0] - start.extent[0]) / unit)
        y = np.ascontiguousarray((start.corners[..., 1] - start.extent[2]) / unit)
        x[:, 0], x[:, -1], y[0], y[-1] = 0.0, w * dx, 0.0, h * dy
        note = "from a previous map, "
    elif method == "direct":
        y, x = np.mgrid[0 : h + 1, 0 : w + 1] * np.array([dy, dx])[:, None, None]
        note = ""
    if x is not None:
        done = project(x, y, target, dx, dy, tolerance, limit, workers, give_up=True)
        if not done.held and done.error <= tolerance:
            return done.x, done.y, done.iterations, method, f"{note}{done.iterations} steps of projection"
        # what folds on its way is sooner begun anew
    x, y, note = _flow(target, dx, dy, workers)
    if start is not None or method == "direct":
        note = f"{note} (the shorter way folds)"
    done = project(x, y, target, dx, dy, tolerance, limit, workers)
    return done.x, done.y, done.iterations, "diffusion", f"{note}, {done.iterations} steps of projection"


def _flow(target: Array, dx: float, dy: float, workers: int) -> tuple[Array, Array, str]:
    """Flow from the density, blurred only as far as the lattice needs to come through without a fold."""
    from latent_widget.flow import diffuse
    from latent_widget.projection import SHAPE
    from latent_widget.relaxation import unfold

    h, w = target.shape
    for blur in (0.0, 1.0, 4.0, 16.0, 64.0, 256.0):
        x, y, steps = diffuse(target, dx, dy, blur, workers=workers)
        # round-off moves walls by a hair, and a repair must not be spoilt by setting them straight afterwards
        x[:, 0], x[:, -1], y[0], y[-1] = 0.0, w * dx, 0.0, h * dy
        if unfold(x, y, target, SHAPE):
            note = f"{steps} steps of diffusion"
            return x, y, note + (f" after a blur of {math.sqrt(2 * blur):.1f} cells" if blur else "")
    y, x = np.mgrid[0 : h + 1, 0 : w + 1] * np.array([dy, dx])[:, None, None]
    return x, y, "no diffusion, which folds at every blur"


def _report(
    box: Any, corners: Array, target: Array, method: str, iterations: int, tolerance: float, notes: list[str]
) -> Cartogram:
    """Measure what was achieved on the final corners, and warn where it is not what was asked."""
    from latent_widget.mesh import assess
    from latent_widget.relaxation import thinnest

    x, y = np.ascontiguousarray(corners[..., 0]), np.ascontiguousarray(corners[..., 1])
    area = np.empty_like(target)
    cell = (box[1] - box[0]) * (box[3] - box[2]) / target.size
    worst = assess(x, y, cell * target, area)[0]
    # a clear margin settles it; else count triangle by triangle
    folds = 0 if worst > 1e-6 else int((~(thinnest(x, y) > 0.0)).sum())
    error = area / (cell * target) - 1.0
    size = np.abs(error)
    largest = float(size.max())
    converged = largest <= tolerance and folds == 0
    message = f"{method}: {', '.join(notes)}; max area error {largest:.2g}, {folds} folds"
    if not converged:
        i, j = np.unravel_index(int(size.argmax()), size.shape)
        message += f"; not converged to {tolerance:g} (worst cell: row {i}, column {j}); {REMEDY}"
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
        method=method,
        iterations=iterations,
        message=message,
    )
