"""What the user hands to paths, checked: fields, masks, and plane points in the extent."""

from __future__ import annotations

from typing import Any

import numpy as np

from latent_widget._arrays import Floats, as_points
from latent_widget._field import Field
from latent_widget._lattice import Lattice, need_plane


def need_field(field: Any) -> None:
    """Raise `TypeError` with the remedy for what is no field."""
    if not isinstance(field, Field):
        remedy = "; atlas[measure] is one" if hasattr(field, "measures") else ""
        raise TypeError(f"field must be a latent_widget.Field, got {type(field).__name__}{remedy}")


def allowed_cells(field: Field, mask: Any) -> np.ndarray | None:
    """A mask `(H, W)` of bool, checked."""
    need_field(field)
    if mask is None:
        return None
    cells = np.asarray(mask)
    if cells.dtype != np.bool_ or cells.shape != field.lattice.shape:
        raise ValueError(
            f"mask must be bool of shape {field.lattice.shape}, True in the cells that paths may enter, got "
            f"{cells.dtype} of shape {cells.shape}"
        )
    return cells


def show(point: Floats) -> str:
    """A plane point as error messages write it."""
    return f"({point[0]:.6g}, {point[1]:.6g})"


def inner_point(lattice: Lattice, point: Any, name: str) -> Floats:
    """One plane point (2,) in the extent; raises `ValueError` naming it otherwise."""
    need_plane(lattice, "a path")
    if np.shape(point) == (lattice.latent_dim,) and lattice.latent_dim != 2:
        raise ValueError(
            f"{name} must be one plane point (x, y), got a latent of {lattice.latent_dim} dimensions; "
            "lattice.project(z) is the nearest point of the plane"
        )
    value = as_points(point, name)
    if value.shape != (2,):
        raise ValueError(f"{name} must be one plane point (x, y), got shape {value.shape}")
    return _inside(lattice, value[None], name)[0]


def inner_points(lattice: Lattice, points: Any, name: str) -> Floats:
    """Plane points (n, 2) in the extent; raises `ValueError` naming them and the first bad row otherwise."""
    need_plane(lattice, "a geodesic distance")
    value = as_points(points, name)
    if value.ndim != 2:
        raise ValueError(f"{name} must be plane points of shape (n, 2), got {value.shape}")
    return _inside(lattice, value, name)


def _inside(lattice: Lattice, points: Floats, name: str) -> Floats:
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
