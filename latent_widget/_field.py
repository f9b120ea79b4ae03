"""The metric field: one symmetric positive-definite tensor per cell, which is what every measure returns."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import gaussian_filter

from latent_widget._arrays import (
    ROUND_OFF,
    Bools,
    Floats,
    as_floats,
    as_points,
    average_eigenvalue,
    check_power,
    raise_eigenvalues,
    raise_to_power,
    read_floor,
)
from latent_widget._lattice import Lattice

if TYPE_CHECKING:
    from latent_widget.geodesics.solver.eikonal import EikonalProblem

MOSTLY = 0.9
"""Share of the cells above which a relative floor is worth a warning."""


@dataclass(frozen=True, eq=False)
class Field:
    """A metric field G on the cells of a lattice, in plane coordinates: squared lengths are vᵀGv.

    Fields add, `field_a + field_b`, and are scaled by positive numbers, `0.3 * field`.

    Parameters
    ----------
    lattice : Lattice
        The cells.
    metric : array_like (H, W, 2, 2)
        One symmetric positive-definite tensor per cell; `(D, H, W, 3, 3)` on a lattice of three dimensions.
    info : dict, optional
        How the field was made: measure, method, options, standard error where there is one.
    floor : float or str
        Eigenvalues below it, in the metric's own units, are raised to it; 0 changes nothing. A percentage such as "1%"
        is that share of the mean eigenvalue, the mean over the cells of tr G / d. `info["floored"]` counts the cells
        where this happened, `info["floor"]` is the eigenvalue, `info["floor_share"]` the share.
    walls : bool
        Whether cells whose metric is infinite are impassable: geodesics go round them. Such a field cannot be drawn or
        stretched.

    Raises
    ------
    ValueError
        Where the metric has the wrong shape, is not finite, not symmetric, or not positive definite in some cells: how
        many, where, and which `floor` would mend it.
    """

    lattice: Lattice
    metric: Floats
    info: dict[str, Any]
    _unfloored: tuple[Floats, str] | None = field(default=None, repr=False)

    # makes NumPy scalars defer to __rmul__
    __array_ufunc__ = None

    def __init__(
        self,
        lattice: Lattice,
        metric: ArrayLike,
        info: Mapping[str, Any] | None = None,
        floor: float | str = 0.0,
        walls: bool = False,
    ) -> None:
        tensors = as_floats(metric, "metric")
        shape = (*lattice.shape, lattice.ndim, lattice.ndim)
        if tensors.shape != shape:
            raise ValueError(f"metric must have shape {shape} on this lattice, got {tensors.shape}")
        unit = np.eye(lattice.ndim)
        shut = np.asarray((np.diagonal(tensors, axis1=-2, axis2=-1) == np.inf).any(axis=-1) & walls)
        if shut.any():
            tensors = np.where(shut[..., None, None], unit, tensors)
        _check_finite(tensors, lattice)
        skew = max(np.abs(tensors[..., a, b] - tensors[..., b, a]).max() for a in range(lattice.ndim) for b in range(a))
        if skew > 1e-6 * np.abs(tensors).max():
            raise ValueError(f"metric must be symmetric, its off-diagonals differ by up to {skew:.3g}")
        tensors = 0.5 * (tensors + np.swapaxes(tensors, -1, -2))
        described = dict(info or {})
        level, relative = read_floor(floor)
        # a part of a lattice does not know the whole's mean, so that what a share was taken of is kept
        unfloored = (tensors, floor) if relative and not shut.any() else None
        if relative:
            described["floor_share"] = level
            level *= average_eigenvalue(tensors[~shut])
        if level:
            tensors, described["floored"] = raise_eigenvalues(tensors, level)
            described["floor"] = level
        _check_positive(tensors, lattice)
        if shut.any():
            tensors[shut] = np.where(unit > 0, np.inf, 0.0)
        tensors.setflags(write=False)
        object.__setattr__(self, "lattice", lattice)
        object.__setattr__(self, "metric", tensors)
        object.__setattr__(self, "info", described)
        object.__setattr__(self, "_unfloored", unfloored)

    @classmethod
    def from_density(
        cls,
        lattice: Lattice,
        rho: ArrayLike,
        info: Mapping[str, Any] | None = None,
        *,
        exponent: float = 1.0,
        walls: bool = False,
    ) -> "Field":
        """Make the conformal field G = ρ·I from a positive scalar per cell; its density √det G is ρ again.

        In three dimensions it is G = ρ^(2/3)·I.

        Parameters
        ----------
        lattice : Lattice
            The cells.
        rho : array_like (H, W)
            The density, measured area per unit of the plane's own; `(D, H, W)` in a box.
        info : dict, optional
            How the field was made.
        exponent : float
            Power to which `rho` is raised. A scalar that you mean as a length takes the dimension: 2 on a plane.
        walls : bool
            Whether cells where `rho` is infinite are impassable.

        Returns
        -------
        Field
            With density `rho ** exponent`.

        Raises
        ------
        ValueError
            For a wrong shape, and for values that are not positive and finite.
        """
        density = as_floats(rho, "rho")
        if not np.isfinite(exponent):
            raise ValueError(f"exponent must be finite, got {exponent}; 1 for a density, {lattice.ndim} for a length")
        if density.shape != lattice.shape:
            raise ValueError(f"rho must have the lattice's shape {lattice.shape}, got {density.shape}")
        bad = ~((np.isfinite(density) | walls) & (density > 0))
        if bad.any():
            raise ValueError(
                f"rho must be positive and finite, {bad.sum()} of {bad.size} cells are not, {_locate(bad, lattice)}; "
                "shift it, for instance rho - rho.min() + 1e-3, or, where paths must not go, give infinity and "
                "walls=True"
            )
        metric = np.zeros((*density.shape, lattice.ndim, lattice.ndim))
        for axis in range(lattice.ndim):
            metric[..., axis, axis] = density ** (2 * exponent / lattice.ndim)
        return cls(lattice, metric, {"method": "conformal", **(info or {})}, walls=walls)

    @cached_property
    def density(self) -> Floats:
        """Magnification factor √det G per cell, `(H, W)`: measured area (or volume) per unit of the lattice's own."""
        density = np.sqrt(_minors(self._passable)[-1])
        density[self.walls] = np.inf
        density.setflags(write=False)
        return density

    @cached_property
    def walls(self) -> Bools:
        """Which cells are impassable, `(H, W)` bool; none unless the field was made with `walls=True`."""
        shut = np.isinf(self.metric[..., 0, 0])
        shut.setflags(write=False)
        return shut

    def mean_metric(self, points: ArrayLike | None = None, weights: ArrayLike | None = None) -> Floats:
        """Average the metric: the arithmetic mean Σ wᵢ Gᵢ / Σ wᵢ over points, or over all cells.

        A vᵀ(mean)v is the mean squared length of v, so that its principal axes and their lengths are those of the
        measure as a whole.

        Parameters
        ----------
        points : array_like (n, 2), optional
            Plane points, `(n, 3)` of a box, each of which stands for the cell that holds it: where the data lie. By
            default all cells that are not walls.
        weights : array_like (n,) or (H, W), optional
            How much each point, or each cell, counts; not negative. By default all count alike.

        Returns
        -------
        ndarray (2, 2)
            `(3, 3)` of a box; in the unit of the metric.

        Raises
        ------
        ValueError
            For points outside the extent or in walls, for no points, and for weights of another shape, negative ones,
            or none above 0.
        """
        if points is None:
            counted = np.where(self.walls, 0.0, 1.0)
            tensors = self._passable
        else:
            p = as_points(points, "points", self.lattice.ndim)
            if p.ndim != 2 or len(p) == 0:
                raise ValueError(f"points must have shape (n, {self.lattice.ndim}) with n >= 1, got {p.shape}")
            outside = ~self.lattice.contains(p)
            if outside.any():
                raise ValueError(
                    f"points has {outside.sum()} of {len(p)} rows outside the extent {self.lattice.extent}, the first "
                    f"{p[outside][0].tolist()}; leave them out: points[lattice.contains(points)]"
                )
            place = self.lattice.find_cells(p)
            if self.walls[place].any():
                raise ValueError(f"points has {self.walls[place].sum()} rows in impassable cells; leave them out")
            counted, tensors = np.ones(len(p)), self.metric[place]
        if weights is not None:
            w = as_floats(weights, "weights")
            if w.shape != counted.shape or not (np.isfinite(w) & (w >= 0)).all():
                raise ValueError(f"weights must be finite, >= 0 and of shape {counted.shape}, got shape {w.shape}")
            counted = counted * w
        total = counted.sum()
        if not total > 0:
            raise ValueError("weights leave nothing to average: give one of them a value above 0")
        return np.asarray(np.tensordot(counted / total, tensors, axes=counted.ndim))

    @cached_property
    def _eikonal_problem(self) -> "EikonalProblem":
        """What shortest paths over this field solve, prepared on first use and kept, since a field never changes."""
        # only here, because its kernels are slow to import and to compile
        from latent_widget.geodesics.solver.eikonal import prepare

        return prepare(self.metric, self.lattice.extent, self.walls)

    @cached_property
    def _fine_eikonal_problem(self) -> "EikonalProblem":
        """The same, marched at the field's own resolution."""
        from latent_widget.geodesics.solver.eikonal import MARCHED, prepare

        size = max(self.lattice.shape)
        # among walls, and at that very resolution, the other problem is this one
        if size == MARCHED or (size > MARCHED and self.walls.any()):
            return self._eikonal_problem
        return prepare(self.metric, self.lattice.extent, self.walls, size=size)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what can be prepared anew."""
        return {name: value for name, value in self.__dict__.items() if not name.endswith("eikonal_problem")}

    @property
    def _measured(self) -> tuple[Floats, float | str]:
        """The tensors as they were before a relative floor, with that floor; else the metric as it is, and 0."""
        return self._unfloored or (self.metric, 0.0)

    @property
    def _passable(self) -> Floats:
        """The metric with unit tensors for walls."""
        if not self.walls.any():
            return self.metric
        return np.where(self.walls[..., None, None], np.eye(self.lattice.ndim), self.metric)

    def temper(self, exponent: float) -> "Field":
        """Raise every tensor to a matrix power, G ↦ Gᵗ, so that the density becomes ρᵗ.

        Parameters
        ----------
        exponent : float
            The power t >= 0: 0 makes the field uniform, 1 leaves it as it is.

        Returns
        -------
        Field
            With `info["temper"]`.

        Raises
        ------
        ValueError
            For a negative or infinite exponent.
        """
        check_power(exponent, "exponent")
        if exponent == 1:
            return self
        powered = raise_to_power(self._passable, exponent)
        powered[self.walls] = np.inf
        info = {**self.info, "temper": exponent * self.info.get("temper", 1.0)}
        return Field(self.lattice, powered, info, walls=True)

    @cached_property
    def _mean_scale(self) -> float:
        """What the metric is divided by to have mean density 1: the mean of √det G on a plane, its power ⅔ in a box."""
        return float(self.density[~self.walls].mean() ** (2 / self.lattice.ndim))

    def normalise(self) -> "Field":
        """Divide the metric by what makes its mean density 1, so that measures in different units can be compared.

        On a plane that is G / mean(√det G). Walls do not enter the mean.

        Returns
        -------
        Field
            With `info["weight"]`, by which the metric was multiplied.
        """
        return (1.0 / self._mean_scale) * self

    def smooth(self, cells: float) -> "Field":
        """Average every tensor over its neighbours, by a Gaussian along each axis.

        The kernel ends at four standard deviations and is mirrored at the border: each entry of G keeps its mean, a
        constant field stays what it is, and averages of positive definite tensors are positive definite.

        Parameters
        ----------
        cells : float
            Standard deviation of the Gaussian, in cells; 0 changes nothing.

        Returns
        -------
        Field
            With `info["smoothing"]`, and without residual and standard error, which no longer hold.

        Raises
        ------
        ValueError
            For a negative or infinite number, and for a field with impassable cells.
        """
        if not (np.isfinite(cells) and cells >= 0):
            raise ValueError(f"cells must be finite and >= 0, got {cells}; it is the smoothing's width in cells")
        if cells == 0:
            return self
        if self.walls.any():
            raise ValueError(
                f"the field has {self.walls.sum()} impassable cells, which have no average; smooth it before"
            )
        blurred = gaussian_filter(self.metric, cells, mode="reflect", axes=tuple(range(self.lattice.ndim)))
        info = {k: v for k, v in self.info.items() if k not in ("residual", "standard_error")}
        return Field(self.lattice, blurred, {**info, "smoothing": cells})

    def __add__(self, other: Any) -> "Field":
        if not isinstance(other, Field):
            return NotImplemented
        if not self.lattice.same_as(other.lattice):
            raise ValueError(
                f"fields on different lattices cannot be added: extent {self.lattice.extent} shape {self.lattice.shape}"
                f" and extent {other.lattice.extent} shape {other.lattice.shape}; survey both on one lattice"
            )
        parts = [*self.info.get("sum", [self.info]), *other.info.get("sum", [other.info])]
        return Field(self.lattice, self.metric + other.metric, {"method": "sum", "sum": parts}, walls=True)

    def __mul__(self, weight: Any) -> "Field":
        # a NumPy array would spread the field over itself, so only plain numbers are taken
        if isinstance(weight, Field) or np.ndim(weight) != 0:
            return NotImplemented
        if not (np.isfinite(weight) and weight > 0):
            raise ValueError(
                f"a field can be scaled by a positive finite weight only, got {weight}; leave it out for 0"
            )
        weight = float(weight)
        info = {**self.info, "weight": weight * self.info.get("weight", 1.0)}
        scaled = weight * self._passable
        scaled[self.walls] = np.inf
        return Field(self.lattice, scaled, info, walls=True)

    __rmul__ = __mul__

    def __repr__(self) -> str:
        finite = self.density[~self.walls]
        low, high = finite.min(initial=np.inf), finite.max(initial=0.0)
        walls = f", {self.walls.sum()} walls" if self.walls.any() else ""
        name = self.info.get("measure", "metric")
        return f"Field({name} on {self.lattice.shape}, density {low:.3g} to {high:.3g}{walls})"


def normalise_weights(fields: Mapping[str, Field], weights: Mapping[str, float]) -> dict[str, float]:
    """Return the weights by which fields are added so that equal ones mean equal parts: wᵢ / mean density of Gᵢ.

    A single measure that is on (of a weight above 0) keeps its weight, and its unit.
    """
    on = [name for name, weight in weights.items() if weight > 0]
    if len(on) < 2:
        return dict(weights)
    return {name: weight / fields[name]._mean_scale if name in on else weight for name, weight in weights.items()}


def _check_finite(tensors: Floats, lattice: Lattice) -> None:
    bad = np.asarray(~np.isfinite(tensors).all(axis=(-1, -2)))
    if bad.any():
        raise ValueError(
            f"metric is NaN or infinite in {bad.sum()} of {bad.size} cells, {_locate(bad, lattice)}; "
            "does the decoder overflow there? Shrink the extent or decode in float64; where infinity is "
            "meant, walls=True makes such cells impassable"
        )


def _minors(tensors: Floats) -> list[Floats]:
    """Leading principal minors, all positive exactly where a tensor is positive definite; the last is det G."""
    e, f, g = tensors[..., 0, 0], tensors[..., 0, 1], tensors[..., 1, 1]
    found = [e, e * g - f * f]
    if tensors.shape[-1] == 3:
        a, b, c = tensors[..., 0, 2], tensors[..., 1, 2], tensors[..., 2, 2]
        found.append(c * found[1] + 2 * a * b * f - a * a * g - b * b * e)
    return found


def _check_positive(tensors: Floats, lattice: Lattice) -> None:
    minors = _minors(tensors)
    bad = np.logical_or.reduce([~(minor > 0) for minor in minors])
    if lattice.ndim == 2:
        # a determinant that is only the round-off of its terms
        trace = np.trace(tensors, axis1=-2, axis2=-1)
        bad |= _minors(tensors / np.where(trace > 0, trace, 1.0)[..., None, None])[1] <= ROUND_OFF
    if bad.any():
        lowest = float(np.linalg.eigvalsh(tensors[bad]).min())
        mean = float(np.trace(tensors, axis1=-2, axis2=-1).mean() / lattice.ndim)
        raise ValueError(
            f"metric is not positive definite in {bad.sum()} of {bad.size} cells, {_locate(bad, lattice)} (smallest "
            f"eigenvalue {lowest:.3g}, mean {mean:.3g}): nothing but round-off changes there in some direction. "
            f'floor="1%" would raise the eigenvalues below 1 % of their mean, {0.01 * mean:.2g} here, to that'
        )


def warn_of_floor(measured: Field, name: str) -> None:
    """Warn where a relative floor was needed in nearly every cell."""
    floored, share = measured.info.get("floored", 0), measured.info.get("floor_share")
    if share and floored > MOSTLY * measured.density.size:
        warnings.warn(
            f"{name}: in {floored} of {measured.density.size} cells the output changes so little in some direction (a "
            f"classifier of two classes: along their border) that the length there is the floor's, {100 * share:g} % "
            "of the mean eigenvalue, and not the model's; another measure of small weight would tell more",
            stacklevel=3,
        )


def _locate(bad: Bools, lattice: Lattice) -> str:
    """Name the first of the cells in question by its coordinates."""
    place = lattice.cells[tuple(np.argwhere(bad)[0])]
    return "the first at " + ", ".join(f"{name}={value:.4g}" for name, value in zip("xyz", place, strict=False))
