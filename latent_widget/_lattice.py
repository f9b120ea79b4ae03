"""The lattice: a grid of cells laid over a plane, or a box of three dimensions, of the latent space.

Cells carry values, corners carry positions: an (H, W) lattice has centres `(H, W, 2)` and corners `(H + 1, W + 1, 2)`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latent_widget._arrays import ROUND_OFF, Bools, Floats, as_floats, as_points

Extent = tuple[float, ...]

MARGIN = 0.25
"""Room around the anchors of `Lattice.through`, as a fraction of the span of their bounding box."""


@dataclass(frozen=True, eq=False)
class Lattice:
    """A grid of cells over a rectangle of a plane z = origin + x·basis[0] + y·basis[1] of the latent space.

    Row i runs along y (i = 0 at y0), column j along x; points are (x, y). In a box of three dimensions layer k runs
    along z and points are (x, y, z); measures, fields, surveys and cartograms take boxes, paths and pictures do not.

    Parameters
    ----------
    extent : tuple of float
        Borders `(x0, x1, y0, y1)` in the plane's own coordinates, or `(x0, x1, y0, y1, z0, z1)` of a box.
    shape : tuple of int
        Cells `(H, W)` along y and x, or `(D, H, W)`.
    origin : array_like (d,), optional
        The latent at the plane's (0, 0). Without `origin` and `basis` the plane is the 2-D latent space itself.
    basis : array_like (2, d) or (3, d), optional
        The plane's axes, as latents.

    Raises
    ------
    ValueError
        For an extent with x1 <= x0 (y and z alike), fewer than 2 cells a side, or dependent rows of the basis.
    """

    extent: Extent
    shape: tuple[int, ...] = (128, 128)
    origin: Floats | None = None
    basis: Floats | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "extent", _check_extent(self.extent))
        object.__setattr__(self, "shape", _check_shape(self.shape, self.ndim))
        if (self.origin is None) != (self.basis is None):
            raise ValueError(f"origin and basis must be given together: origin (d,), basis ({self.ndim}, d)")
        if self.origin is not None and self.basis is not None:
            origin, basis = as_floats(self.origin, "origin"), as_floats(self.basis, "basis")
            if origin.ndim != 1 or basis.shape != (self.ndim, origin.size):
                raise ValueError(
                    f"origin must be (d,) and basis ({self.ndim}, d), got {origin.shape} and {basis.shape}"
                )
            if not (np.isfinite(origin).all() and np.isfinite(basis).all()):
                raise ValueError("origin and basis must be finite")
            if np.linalg.matrix_rank(basis) < self.ndim:
                spanned = "plane" if self.ndim == 2 else "space of three dimensions"
                raise ValueError(f"basis spans no {spanned}: its rows {basis.tolist()} are dependent")
            object.__setattr__(self, "origin", origin)
            object.__setattr__(self, "basis", basis)

    @classmethod
    def through(
        cls,
        za: ArrayLike,
        zb: ArrayLike,
        zc: ArrayLike,
        shape: tuple[int, int] = (128, 128),
        margin: float = MARGIN,
    ) -> "Lattice":
        """Lay a lattice on the plane through three latents, with an orthonormal basis.

        Parameters
        ----------
        za, zb, zc : array_like (d,)
            Three latents, d >= 2. `za` is the plane's (0, 0) and `zb` lies on its x axis, so plane distances are
            latent distances.
        shape : tuple of int
            Cells `(H, W)`.
        margin : float
            Room on every side of the three latents' bounding box, as a fraction of its span.

        Returns
        -------
        Lattice
            Over the bounding box with its margin.

        Raises
        ------
        ValueError
            Where the three lie on one line or differ in shape.
        """
        anchors = [as_floats(z, name) for z, name in ((za, "za"), (zb, "zb"), (zc, "zc"))]
        if {z.shape for z in anchors} != {(anchors[0].size,)} or anchors[0].size < 2:
            raise ValueError(f"za, zb, zc must be three latents of one shape (d,), got {[z.shape for z in anchors]}")
        a, b, c = (as_points(z, name, z.size) for z, name in zip(anchors, ("za", "zb", "zc"), strict=True))
        if a.size == 2:
            plane = cls((-1.0, 1.0, -1.0, 1.0), (2, 2))
            on_plane = np.stack([a, b, c])
        else:
            along = b - a
            across = c - a
            if np.linalg.norm(along) > 0:
                across = across - along * (across @ along) / (along @ along)
            span = max(float(np.linalg.norm(along)), float(np.linalg.norm(c - a)))
            if min(np.linalg.norm(along), np.linalg.norm(across)) <= 1e-9 * max(span, 1e-300):
                raise ValueError("za, zb, zc lie on one line and span no plane; choose a third latent off that line")
            basis = np.stack([along / np.linalg.norm(along), across / np.linalg.norm(across)])
            plane = cls((-1.0, 1.0, -1.0, 1.0), (2, 2), a, basis)
            on_plane = plane.project(np.stack([a, b, c]))
        return cls(_enclose(on_plane, margin), shape, plane.origin, plane.basis)

    @classmethod
    def fit(
        cls,
        latents: ArrayLike,
        shape: tuple[int, int] = (128, 128),
        margin: float = 0.08,
        metric: Any = None,
    ) -> "Lattice":
        """Lay a lattice on the principal plane of encoded data, wide enough to hold every projection.

        For d = 2 the plane is the latent space itself, axes unturned. Otherwise the origin is the mean and the basis
        the first two principal directions (right singular vectors, signs fixed so that the largest entry is positive).

        With a metric M, lengths are those of M: the plane is the principal plane of the latents after they are
        multiplied by the root of M, and the rows of the basis are orthonormal in M, B M Bᵀ = 1, so that plain distance
        in the plane is distance in M. For d = 2 the basis is the inverse root of M, which leaves the axes as little
        turned as they can be. Points off the plane go to it as `project` takes them.

        Parameters
        ----------
        latents : array_like (n, d)
            Encoded data, n >= 3 and d >= 2.
        shape : tuple of int
            Cells `(H, W)`.
        margin : float
            Room on every side of the projections' bounding box, as a fraction of its span.
        metric : array_like (d, d) or Field, optional
            Symmetric and positive definite: what squared lengths of the latent space are, such as
            `field.mean_metric(z)`. A field over the latent space itself, d = 2, stands for its mean metric at the
            latents within its extent.

        Returns
        -------
        Lattice
            Over the bounding box of the projections with its margin.

        Raises
        ------
        ValueError
            For fewer than 3 latents, data without spread in two directions, and a metric of another shape, or one that
            is not symmetric and positive definite.
        """
        z = as_floats(latents, "latents")
        if z.ndim != 2 or z.shape[1] < 2 or z.shape[0] < 3:
            raise ValueError(f"latents must have shape (n, d) with n >= 3 and d >= 2, got {z.shape}")
        z = as_points(z, "latents", z.shape[1])
        root = None if metric is None else _take_root(metric, z)
        if z.shape[1] == 2 and root is None:
            if np.ptp(z, axis=0).min() == 0:
                raise ValueError("latents do not spread in both directions; give extent= by hand")
            return cls(_enclose(z, margin), shape)
        origin = z.mean(axis=0)
        _, spread, directions = np.linalg.svd(z - origin if root is None else (z - origin) @ root, full_matrices=False)
        if len(spread) < 2 or spread[1] <= 1e-9 * spread[0]:
            raise ValueError("latents lie on one line and span no plane; use Lattice.through with a point off it")
        basis = directions[:2] * np.sign(directions[:2][np.arange(2), np.abs(directions[:2]).argmax(axis=1)])[:, None]
        if root is not None:
            basis = np.linalg.solve(root, np.eye(2) if z.shape[1] == 2 else basis.T).T
        plane = cls((-1.0, 1.0, -1.0, 1.0), (2, 2), origin, basis)
        return cls(_enclose(plane.project(z), margin), shape, origin, basis)

    @property
    def ndim(self) -> int:
        """Dimension of the lattice itself: 2 for a plane, 3 for a box."""
        return len(self.extent) // 2

    @property
    def latent_dim(self) -> int:
        """Dimension d of the latent space in which the plane or the box lies."""
        return self.ndim if self.origin is None else int(self.origin.size)

    @property
    def spacing(self) -> tuple[float, ...]:
        """Width, height (and depth) (dx, dy[, dz]) of one cell, in the lattice's own coordinates."""
        low, high = self.extent[0::2], self.extent[1::2]
        return tuple((b - a) / n for a, b, n in zip(low, high, reversed(self.shape), strict=True))

    @cached_property
    def cells(self) -> Floats:
        """Centres of the cells, `(H, W, 2)`, as (x, y); `(D, H, W, 3)`, as (x, y, z), in a box."""
        steps = zip(self.extent[0::2], self.spacing, reversed(self.shape), strict=True)
        return _make_grid([a + step * (np.arange(n) + 0.5) for a, step, n in steps])

    @cached_property
    def corners(self) -> Floats:
        """Corners of the cells, `(H + 1, W + 1, 2)`, as (x, y); `(D + 1, H + 1, W + 1, 3)` in a box."""
        ends = zip(self.extent[0::2], self.extent[1::2], reversed(self.shape), strict=True)
        return _make_grid([np.linspace(a, b, n + 1) for a, b, n in ends])

    def band(self, start: int, stop: int) -> "Lattice":
        """Return some rows (of a box: layers) as a lattice of their own: a tile of a survey.

        Parameters
        ----------
        start, stop : int
            The first row and the one after the last, at least 2 apart.

        Returns
        -------
        Lattice
            Shape `(stop - start, W)`, with the same cells.
        """
        first, step = self.extent[-2], self.spacing[-1]
        extent = (*self.extent[:-2], first + step * start, first + step * stop)
        return Lattice(extent, (stop - start, *self.shape[1:]), self.origin, self.basis)

    def embed(self, points: ArrayLike) -> Floats:
        """Map points of the lattice to latents, z = origin + x·basis[0] + y·basis[1].

        Parameters
        ----------
        points : array_like (..., 2)
            Plane points, or `(..., 3)` of a box.

        Returns
        -------
        ndarray (..., d)
            Latents.
        """
        p = as_points(points, "points", self.ndim)
        return p if self.origin is None or self.basis is None else self.origin + p @ self.basis

    def project(self, latents: ArrayLike) -> Floats:
        """Map latents to the nearest points of the plane (or box); the inverse of `embed` there.

        Parameters
        ----------
        latents : array_like (..., d)
            Latents.

        Returns
        -------
        ndarray (..., 2)
            Plane points, or `(..., 3)` of a box.
        """
        z = as_points(latents, "latents", self.latent_dim)
        return z if self.origin is None or self.basis is None else (z - self.origin) @ np.linalg.pinv(self.basis)

    def contains(self, points: ArrayLike) -> Bools:
        """Tell which points lie within the extent, its border included.

        Parameters
        ----------
        points : array_like (..., 2)
            Plane points, or `(..., 3)` of a box.

        Returns
        -------
        ndarray of bool (...)
            True for points within.
        """
        p = as_points(points, "points", self.ndim)
        return np.asarray(((p >= self.extent[0::2]) & (p <= self.extent[1::2])).all(axis=-1))

    def find_cells(self, points: ArrayLike) -> tuple[NDArray[np.int64], ...]:
        """Find the cells that hold points of the extent; on a border between two cells, the one of larger coordinate.

        Parameters
        ----------
        points : array_like (..., 2)
            Plane points, or `(..., 3)` of a box; those outside count for the nearest cell.

        Returns
        -------
        tuple of ndarray of int (...)
            Row and column (of a box: layer, row and column), as an index into arrays of cells.
        """
        p = as_points(points, "points", self.ndim)
        steps = np.floor((p - self.extent[0::2]) / self.spacing)
        index = np.clip(steps, 0, np.array(self.shape[::-1]) - 1).astype(np.int64)
        return tuple(index[..., axis] for axis in reversed(range(self.ndim)))

    def same_as(self, other: "Lattice") -> bool:
        """Tell whether two lattices have the same cells in the same plane or box, to round-off.

        Parameters
        ----------
        other : Lattice
            The lattice to compare with.

        Returns
        -------
        bool
            True where shape, extent and plane agree.
        """
        if self.shape != other.shape or self.latent_dim != other.latent_dim:
            return False
        low, high = np.array(self.extent[0::2]), np.array(self.extent[1::2])
        scale = float((high - low).sum())
        close = np.allclose(self.extent, other.extent, rtol=0, atol=1e-9 * scale)
        corners = np.vstack([low, low + np.diag(high - low)])
        return bool(close and np.allclose(self.embed(corners), other.embed(corners), rtol=1e-9, atol=1e-9 * scale))


def need_plane(lattice: Lattice, what: str) -> None:
    """Raise `ValueError` with the remedy where `what` is asked of a lattice of three dimensions."""
    if lattice.ndim != 2:
        raise ValueError(
            f"{what} needs a lattice of two dimensions, this one has shape {lattice.shape}; lay a plane in the same "
            "latent space with Lattice.through(za, zb, zc) or Lattice.fit(latents), and survey that"
        )


def _check_extent(extent: Any) -> Extent:
    numbers = as_floats(extent, "extent")
    if numbers.shape not in ((4,), (6,)) or not np.isfinite(numbers).all():
        raise ValueError(
            f"extent must be four finite numbers (x0, x1, y0, y1), or six with (..., z0, z1), got {extent!r}"
        )
    if (numbers[1::2] <= numbers[0::2]).any():
        names = "x1 > x0 and y1 > y0" if numbers.size == 4 else "x1 > x0, y1 > y0 and z1 > z0"
        order = "(x0, x1, y0, y1)" if numbers.size == 4 else "(x0, x1, y0, y1, z0, z1)"
        raise ValueError(f"extent must have {names}, got {extent!r}; its order is {order}")
    return tuple(float(v) for v in numbers)


def _check_shape(shape: Any, ndim: int) -> tuple[int, ...]:
    names = "two whole numbers (H, W)" if ndim == 2 else "three whole numbers (D, H, W), as the extent has six numbers"
    try:
        counts = tuple(int(n) for n in shape)
        whole = all(int(n) == n for n in shape)
    except (TypeError, ValueError):
        raise ValueError(f"shape must be {names}, got {shape!r}") from None
    if len(counts) != ndim:
        raise ValueError(f"shape must be {names}, got {shape!r}")
    if not whole or min(counts) < 2:
        usual = "64 to 256" if ndim == 2 else "16 to 64"
        raise ValueError(f"shape must be at least 2 cells a side, got {shape!r}; {usual} a side serve most maps")
    return counts


def _enclose(points: Floats, margin: float) -> Extent:
    """Return the bounding box of plane points, widened on every side."""
    low, high = points.min(axis=0), points.max(axis=0)
    room = margin * (high - low)
    (x0, y0), (x1, y1) = low - room, high + room
    return float(x0), float(x1), float(y0), float(y1)


def _take_root(metric: Any, latents: Floats) -> Floats:
    """Return the symmetric root (d, d) of a metric of the latents' space, or of a field's mean metric at them."""
    d = latents.shape[1]
    if hasattr(metric, "mean_metric"):
        lattice = metric.lattice
        if lattice.ndim != d or lattice.basis is not None:
            raise ValueError(
                f"metric is a field on a plane or a box in {lattice.latent_dim} dimensions, which does not measure all "
                f"directions of latents of {d}; give a (d, d) matrix, or a field over the latent space itself"
            )
        metric = metric.mean_metric(latents[lattice.contains(latents)])
    matrix = as_floats(metric, "metric")
    if matrix.shape != (d, d) or not np.isfinite(matrix).all():
        raise ValueError(f"metric must be a finite matrix of shape {(d, d)} for latents of {d}, got {matrix.shape}")
    if np.abs(matrix - matrix.T).max() > 1e-6 * np.abs(matrix).max():
        raise ValueError("metric must be symmetric; 0.5 * (metric + metric.T) is")
    values, vectors = np.linalg.eigh(0.5 * (matrix + matrix.T))
    if not values[0] > ROUND_OFF * values[-1]:
        raise ValueError(
            f"metric must be positive definite, its eigenvalues reach from {values[0]:.3g} to {values[-1]:.3g}; add a "
            "small multiple of the unit matrix"
        )
    return np.asarray((vectors * np.sqrt(values)) @ vectors.T)


def _make_grid(axes: Sequence[NDArray[np.floating[Any]]]) -> Floats:
    # the last index runs along x, the first axis
    grid = np.stack(np.meshgrid(*axes[::-1], indexing="ij")[::-1], axis=-1)
    # shared by everything that holds the lattice, so nobody may write into it
    grid.setflags(write=False)
    return grid
