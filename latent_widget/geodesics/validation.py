"""Checks of what the functions of geodesics are given: fields, masks, plane points and numbers of points.

`pose_problem` checks a field and a mask and prepares the eikonal problem that they pose, once for every public call.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from latent_widget._arrays import Floats, as_points
from latent_widget._field import Field
from latent_widget._lattice import Lattice, need_plane
from latent_widget.geodesics.kernels.compilation import Mask
from latent_widget.geodesics.solver.eikonal import MARCHED, EikonalProblem, prepare


def pose_problem(field: Field, mask: ArrayLike | None = None, *, fine: bool = False) -> EikonalProblem:
    """Check a field and a mask, and prepare the eikonal problem that they pose.

    It is marched on `MARCHED` cells along the longer side, or where it is to be `fine` at the field's own resolution.
    The problems of a field without a mask are kept with the field, since a field never changes.

    Raises `TypeError` for what is no field and `ValueError` for a mask that is not (H, W) bool.
    """
    need_field(field)
    need_plane(field.lattice, "a march")
    if mask is None:
        return field._fine_eikonal_problem if fine else field._eikonal_problem
    size = max(field.lattice.shape) if fine else MARCHED
    return prepare(field.metric, field.lattice.extent, field.walls, _check_mask(field, mask), size)


def need_field(field: Any) -> None:
    """Raise `TypeError` with the remedy for what is no field."""
    if not isinstance(field, Field):
        remedy = "; atlas[measure] is one" if hasattr(field, "measures") else ""
        raise TypeError(f"field must be a latent_widget.Field, got {type(field).__name__}{remedy}")


def need_parts(problem: EikonalProblem, field: Field, point: Floats, name: str) -> set[int]:
    """Return the connected parts of the allowed cells that a plane point belongs to.

    Raises `ValueError` naming the point for none.
    """
    found = problem.find_parts(problem.chart.to_index(point))
    if not found:
        share = (point - field.lattice.extent[::2]) / field.lattice.spacing
        j, i = np.clip(np.floor(share).astype(int), 0, np.array(field.lattice.shape[::-1]) - 1)
        why = "impassable in the field" if field.walls[i, j] else "outside the mask"
        raise ValueError(
            f"{name} {show(point)} lies in a cell that is {why} (row {i}, column {j}); choose a point in another"
        )
    return found


def show(point: Floats) -> str:
    """Return a plane point as error messages write it."""
    return f"({point[0]:.6g}, {point[1]:.6g})"


def inner_point(lattice: Lattice, point: ArrayLike, name: str) -> Floats:
    """Return one plane point (2,) in the extent; raise `ValueError` naming it otherwise."""
    need_plane(lattice, "a path")
    if np.shape(point) == (lattice.latent_dim,) and lattice.latent_dim != 2:
        raise ValueError(
            f"{name} must be one plane point (x, y), got a latent of {lattice.latent_dim} dimensions; "
            "lattice.project(z) is the nearest point of the plane"
        )
    value = as_points(point, name)
    if value.shape != (2,):
        raise ValueError(f"{name} must be one plane point (x, y), got shape {value.shape}")
    return np.asarray(_need_inside(lattice, value[None], name)[0])


def inner_points(lattice: Lattice, points: ArrayLike, name: str) -> Floats:
    """Return plane points (n, 2) in the extent; raise `ValueError` naming them and the first bad row otherwise."""
    need_plane(lattice, "a geodesic distance")
    value = as_points(points, name)
    if value.ndim != 2:
        raise ValueError(f"{name} must be plane points of shape (n, 2), got {value.shape}")
    return _need_inside(lattice, value, name)


def need_count(n: int, name: str = "n", least: int = 2) -> int:
    """Return a number of points along a path; raise `ValueError` for less than the least, and for no whole number."""
    if not (np.isfinite(n) and n >= least and n == int(n)):
        why = "to hold both ends, and whole" if least == 2 else "and whole"
        raise ValueError(f"{name} must be at least {least} {why}, got {n}")
    return int(n)


def _check_mask(field: Field, mask: ArrayLike) -> Mask:
    cells = np.asarray(mask)
    if cells.dtype != np.bool_ or cells.shape != field.lattice.shape:
        raise ValueError(
            f"mask must be bool of shape {field.lattice.shape}, True in the cells that paths may enter, got "
            f"{cells.dtype} of shape {cells.shape}"
        )
    return cells


def _need_inside(lattice: Lattice, points: Floats, name: str) -> Floats:
    x0, x1, y0, y1 = lattice.extent
    slack = 1e-9 * np.array([x1 - x0, y1 - y0])
    nearest = np.clip(points, (x0, y0), (x1, y1))
    outside = (np.abs(points - nearest) > slack).any(axis=-1)
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        where = f" (row {row})" if len(points) > 1 else ""
        raise ValueError(
            f"{name}{where} {show(points[row])} lies outside the map, whose extent is x {x0:.6g} to "
            f"{x1:.6g}, y {y0:.6g} to {y1:.6g}; choose a point inside or survey a larger extent"
        )
    return nearest
