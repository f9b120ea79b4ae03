"""Checks of what `cartogram` and the points of a map are given: every error names the argument, its value, a remedy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, cast, get_args

import numpy as np

from latent_widget._arrays import read_floor
from latent_widget._lattice import Extent, need_plane
from latent_widget.maps.cartograms.solver import Method

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from latent_widget._field import Field

    Array = np.ndarray[Any, np.dtype[np.float64]]

# Densities of a larger range leave the targets of the emptiest cells to round-off.
LARGEST_RANGE = 1e12
# How far areas may weigh more, or less, than angles in an isometric map.
AREA_WEIGHTS = (0.05, 0.95)
# A point this share of the side beyond a wall is on the wall: a rounding error.
SLACK = 1e-12


@dataclass(frozen=True, eq=False)
class Density:
    """A checked density: its cells (H, W) or (D, H, W) with the largest 1, the extent, notes on what was changed.

    ``metric`` (..., d, d) are the tensors of the field that it belongs to, of an array ρ^(2/d)·I, where the floor
    raised it with the density raised; ``mean`` is the mean density in the measure's own unit.
    """

    cells: Array
    extent: Extent
    notes: list[str]
    metric: Array
    mean: float


def read_density(density: Field | ArrayLike, extent: Sequence[float] | None, floor: float | str | None) -> Density:
    """Check a density or a field."""
    metric = None
    if hasattr(density, "density") and hasattr(density, "lattice"):
        if extent is not None:
            raise ValueError(f"extent={extent!r}: a field brings its own extent; leave it out")
        field = cast("Field", density)
        density, extent, metric = field.density, field.lattice.extent, field.metric
    rho = given = _check_cells(np.asarray(density))
    notes = []
    if floor is not None:
        share = _read_share(floor)
        lowest = share * rho.mean()
        notes.append(f"{int((rho < lowest).sum())} cells raised to floor={share:g}")
        rho = np.maximum(rho, lowest)
    if not rho.all():
        zeros = int((rho == 0).sum())
        raise ValueError(f'density is zero in {zeros} cells: pass floor="1%" to raise them to that share of the mean')
    power = 2.0 / rho.ndim
    if metric is None:
        metric = (rho**power)[..., None, None] * np.eye(rho.ndim)
    elif floor is not None:
        metric = metric * ((rho / given) ** power)[..., None, None]
    # only ratios count, and sums of extreme values could leave the range of floats
    most = float(rho.max())
    rho = rho / most
    if not rho.min() > 1.0 / LARGEST_RANGE:
        raise ValueError(
            f'density has a range of {1.0 / max(rho.min(), 1e-300):g}: pass floor="1%", or temper the field'
        )
    return Density(rho, _read_extent(extent, rho.shape), notes, metric, float(rho.mean()) * most)


def _read_share(floor: float | str) -> float:
    """Return a floor as a share of the mean density, for which a number and a percentage stand alike."""
    try:
        share, _ = read_floor(floor)
    except ValueError:
        share = 0.0
    if not 0.0 < share < 1.0:
        raise ValueError(
            f"floor={floor!r}: give a share of the mean density between 0 and 1, such as 1e-3, or a percentage, "
            'such as "1%"'
        )
    return share


def _check_cells(rho: np.ndarray[Any, Any]) -> Array:
    """Return a density as contiguous floats that are finite and not negative."""
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
    return rho


def _read_extent(extent: Sequence[float] | None, shape: tuple[int, ...]) -> Extent:
    """Return the extent as floats, from 0 to 1 along every axis where there is none."""
    box = (0.0, 1.0) * len(shape) if extent is None else tuple(float(e) for e in extent)
    names = "four numbers (x0, x1, y0, y1)" if len(shape) == 2 else "six numbers (x0, x1, y0, y1, z0, z1)"
    if len(box) != 2 * len(shape):
        raise ValueError(f"extent={extent!r}: give {names} for a density of shape {shape}")
    if not (np.isfinite(box).all() and (np.array(box[1::2]) > box[0::2]).all()):
        raise ValueError(f"extent={extent!r}: {names} must be finite with x1 > x0, and so for every axis")
    return box


def check_options(method: str, tolerance: float, max_steps: int) -> None:
    """Raise ValueError for an option that is none."""
    if method not in get_args(Method):
        raise ValueError(f"method={method!r}: use one of {', '.join(map(repr, get_args(Method)))}")
    if not (_is_number(tolerance) and 0.0 < tolerance < 1.0):
        raise ValueError(f"tolerance={tolerance!r}: give a relative area error between 0 and 1, such as 1e-3")
    check_steps(max_steps)


def is_whole(value: Any, least: int) -> bool:
    """Whether a value is a whole number, of Python or NumPy and no boolean, of at least so much."""
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= least


def _is_number(value: Any) -> bool:
    """Whether a value is a real number, of Python or NumPy, and no boolean."""
    return isinstance(value, Real) and not isinstance(value, bool)


def check_seed(seed: int) -> None:
    """Raise ValueError for a seed that is no whole number of at least 0."""
    if not is_whole(seed, 0):
        raise ValueError(f"seed={seed!r}: give a whole number of at least 0, so that the choice can be made again")


def check_steps(max_steps: int) -> None:
    """Raise ValueError for anything but a number of steps."""
    if not is_whole(max_steps, 1):
        raise ValueError(f"max_steps={max_steps!r}: give a number of steps, at least 1")


def check_share(name: str, value: float, usual: float) -> None:
    """Raise ValueError for an option that does not lie between 0 and 1, both left out."""
    if not (_is_number(value) and 0.0 < value < 1.0):
        raise ValueError(f"{name}={value!r}: give a number between 0 and 1, both left out, such as {usual:g}")


def check_area_weight(area_weight: float) -> None:
    """Raise ValueError for a weight so far from one half that energies leave the range of floats."""
    least, most = AREA_WEIGHTS
    if not (_is_number(area_weight) and least <= area_weight <= most):
        raise ValueError(
            f"area_weight={area_weight!r}: give a number from {least:g}, next to angles alone, to {most:g}, next to "
            "areas alone; 0.5 weighs them alike"
        )


def read_metric(field: Field, floor: float | str | None) -> Field:
    """Return a field on a plane without walls, with its eigenvalues raised to the floor."""
    from latent_widget._field import Field

    if not isinstance(field, Field):
        raise TypeError(f"field is {type(field).__name__}: give a Field, such as atlas[measure]")
    need_plane(field.lattice, "this map")
    walls = int(field.walls.sum())
    if walls:
        raise ValueError(f"field has {walls} impassable cells: a map needs a finite metric in every cell")
    if floor is not None:
        field = Field(field.lattice, field.metric, field.info, floor=floor)
    # what counts is the metric of a cell, whose sides may differ
    spacing = np.array(field.lattice.spacing)
    values = np.linalg.eigvalsh(field.metric * spacing[:, None] * spacing)
    thin = int((values[..., 0] <= values[..., 1] / LARGEST_RANGE).sum())
    span = field.density.max() / field.density.min()
    if thin or span > LARGEST_RANGE:
        where = f"{thin} cells are longer than wide by more than 1e6" if thin else f"the density spans {span:.2g}"
        raise ValueError(
            f'field: by its measure {where}: pass floor="1%", temper the field, or choose an extent and a shape whose '
            f"cells are less oblong (extent={field.lattice.extent}, shape={field.lattice.shape})"
        )
    return field


def read_weights(weights: ArrayLike | None, shape: tuple[int, ...]) -> Array:
    """Return weights of mean 1, all 1 where none are given."""
    if weights is None:
        return np.ones(shape)
    array = np.asarray(weights, dtype=np.float64)
    if array.shape != shape:
        raise ValueError(f"weights has shape {array.shape}: give one number for each of the {shape} cells")
    bad = int((~(np.isfinite(array) & (array > 0))).sum())
    if bad:
        raise ValueError(f"weights has {bad} cells that are not positive and finite: add a share of their mean")
    # only ratios count, and the sum of extreme values could leave the range of floats
    array = array / array.max()
    if not array.min() > 1.0 / LARGEST_RANGE:
        raise ValueError(
            f"weights have a range of {1.0 / max(array.min(), 1e-300):g}, more than {LARGEST_RANGE:g}: add a share of "
            "their mean"
        )
    return np.ascontiguousarray(array / array.mean())


def check_outside(outside: str) -> None:
    """Raise ValueError for anything but the two things that can be done with points outside."""
    if outside not in ("error", "clamp"):
        raise ValueError(f'outside={outside!r}: use "error" or "clamp"')


def read_plane_points(points: ArrayLike, ndim: int) -> tuple[Array, tuple[int, ...]]:
    """Return finite points (n, d), wherever they lie, and the shape (..., d) that they came in."""
    array = np.asarray(points, dtype=np.float64)
    if array.ndim == 0 or array.shape[-1] != ndim:
        axes = "(x, y)" if ndim == 2 else "(x, y, z)"
        raise ValueError(f"points has shape {array.shape}: the last axis must be {axes}, shape (..., {ndim})")
    flat = np.ascontiguousarray(array.reshape(-1, ndim))
    if not np.isfinite(flat).all():
        raise ValueError(f"points holds {int((~np.isfinite(flat)).any(1).sum())} that are not finite: drop them")
    return flat, array.shape


def read_points(points: ArrayLike, extent: Extent, outside: str) -> tuple[Array, tuple[int, ...]]:
    """Return points (n, d) inside the extent, and the shape (..., d) that they came in."""
    check_outside(outside)
    flat, shape = read_plane_points(points, len(extent) // 2)
    low, high = np.array(extent[0::2]), np.array(extent[1::2])
    if outside == "error":
        beyond = _find_beyond(flat, extent)
        if beyond.any():
            first = tuple(float(c) for c in flat[np.argmax(beyond)])
            raise ValueError(
                f"points: {int(beyond.sum())} of {len(flat)} lie outside extent={extent}, "
                f'the first at {first}: move them inside, or pass outside="clamp"'
            )
    return np.clip(flat, low, high), shape


def read_rows(points: ArrayLike, extent: Extent, name: str) -> Array:
    """Return points of shape (n, d) inside the extent."""
    ndim = len(extent) // 2
    array = np.asarray(points, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != ndim:
        raise ValueError(f"{name} has shape {array.shape}: give points of the lattice, shape (n, {ndim})")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds {int((~np.isfinite(array)).any(1).sum())} that are not finite: drop them")
    beyond = _find_beyond(array, extent)
    if beyond.any():
        row = int(np.argmax(beyond))
        first = tuple(float(c) for c in array[row])
        raise ValueError(
            f"{name}: {int(beyond.sum())} of {len(array)} lie outside extent={extent}, the first at {first} "
            f"(row {row}): leave them out, or survey a larger extent"
        )
    return np.clip(array, extent[0::2], extent[1::2])


def _find_beyond(points: Array, extent: Extent) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Tell which points (n, d) lie outside the extent by more than round-off."""
    low, high = np.array(extent[0::2]), np.array(extent[1::2])
    slack = SLACK * (high - low)
    return np.asarray(((points < low - slack) | (points > high + slack)).any(1))
