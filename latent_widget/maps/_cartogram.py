"""Density-equalising maps: a lattice is stretched until every cell has the area or volume its density asks for [2]."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_widget._threads import count_workers
from latent_widget.maps._map import Map, fills_extent, report_map
from latent_widget.maps.cartograms.problem import Problem, set_walls
from latent_widget.maps.cartograms.solver import Method, Solution, equalise
from latent_widget.maps.frame import FrameName, find_frame
from latent_widget.maps.validation import Density, check_options, read_density

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from latent_widget._field import Field

    Array = np.ndarray[Any, np.dtype[np.float64]]

REMEDY = "refine the lattice, or temper the field (field.temper(0.5)), to come closer"


def cartogram(
    density: Field | ArrayLike,
    extent: Sequence[float] | None = None,
    method: Method = "diffusion",
    *,
    tolerance: float = 1e-3,
    max_steps: int = 60,
    floor: float | str | None = None,
    start: Map | None = None,
    frame: FrameName = "plane",
    points: ArrayLike | None = None,
    workers: int | None = None,
) -> Map:
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
    floor : float or str, optional
        Raise smaller densities to this share of the mean, 0.01 or "1%"; the remedy for zeros.
    start : Map, optional
        A map of the same extent and shape to start from in place of the flow, for small changes; where that folds on
        the way, the flow is used after all.
    frame : {"plane", "metric"}
        "plane" keeps the rectangle. "metric" takes axes and aspect from a field's mean metric M first: the sides get
        their measured lengths, √M₀₀ and √M₁₁ per unit, the density diffuses in that rectangle, and what is left of
        M^½, a shear, follows, so that the map is an isometry where the metric is the same everywhere. The result is a
        parallelogram about the centre of the extent, turned to lie like the plane, in the measure's own unit, with
        areas as exact as before; of a plane only.
    points : array_like (n, 2), optional
        Plane points at which ``frame="metric"`` takes the mean: where the data lie; by default all cells.
    workers : int, optional
        The most threads, one per processor, at most 8, unless told. They change the time alone, and are used only on
        lattices so large that they pay, from some 400 by 400 cells.

    Returns
    -------
    Map
        The map, with its errors; `latent_widget.Cartogram` is another name of the same class.

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
    given = read_density(density, extent, floor)
    check_options(method, tolerance, max_steps)
    own = find_frame(frame, density, points)
    rho, box = given.cells, given.extent
    target = rho / rho.mean()
    if start is not None and not (
        isinstance(start, Map)
        and start.area_error.shape == rho.shape
        and start.extent == box
        and fills_extent(start.corners, box)
    ):
        raise ValueError(f"start={start!r}: it must be a cartogram of {rho.shape} cells over extent={box}")
    if start is not None and own is not None:
        raise ValueError('start= begins from a map that fills the rectangle; with frame="metric" leave it out')
    low, high = np.array(box[0::2]), np.array(box[1::2])
    cell = (high - low) / rho.shape[::-1]
    if own is not None:
        cell = cell * own.sides
    # inside, one cell has area or volume 1: positions are in units of the root of a cell's
    unit = float(cell.prod() ** (1.0 / rho.ndim))
    begin = None if start is None else np.moveaxis((start.corners - low) / unit, -1, 0)
    problem = Problem(target, tuple(float(c) for c in cell / unit), tolerance, max_steps, count_workers(workers))
    done = equalise(problem, method, begin)

    corners = done.points * unit
    area = math.prod(b - a for a, b in zip(box[0::2], box[1::2], strict=True)) / target.size
    if own is None:
        corners += low.reshape(-1, *[1] * rho.ndim)
        set_walls(corners, box[0::2], box[1::2])
        return _report(corners, area * target, given.mean ** (1.0 / rho.ndim), given, done, tolerance)
    given.notes.append("axes and aspect of the mean metric")
    return _report(own.place(corners, given.mean), area * given.mean * target, 1.0, given, done, tolerance)


def _report(points: Array, target: Array, unit: float, density: Density, done: Solution, tolerance: float) -> Map:
    """Measure what was achieved on the final corners (d, ...), and warn where it is not what was asked.

    ``target`` (H, W) are the areas asked for on the page, ``unit`` is the measured length of one unit of it.
    """
    found = report_map(
        density.extent,
        np.moveaxis(points, 0, -1),
        density.metric,
        unit,
        method=done.method,
        iterations=done.iterations,
        message="",
        target=target,
    )
    largest, folds = found.max_area_error, found.folds
    converged = largest <= tolerance and folds == 0
    what = "area" if target.ndim == 2 else "volume"
    message = f"{done.method}: {', '.join([*density.notes, done.note])}; max {what} error {largest:.2g}, {folds} folds"
    if not converged:
        size = np.abs(found.area_error)
        place = np.unravel_index(int(size.argmax()), size.shape)
        axes = ("layer", "row", "column")[-size.ndim :]
        named = ", ".join(f"{name} {k}" for name, k in zip(axes, place, strict=True))
        message += f"; not converged to {tolerance:g} (worst cell: {named}); {REMEDY}"
        warnings.warn(f"cartogram: {message}", RuntimeWarning, stacklevel=3)
    return replace(found, converged=converged, message=message)
