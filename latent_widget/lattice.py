"""The lattice: a grid of cells laid over a plane of the latent space."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from latent_widget.arrays import Floats, as_floats, as_points

Extent = tuple[float, float, float, float]

MARGIN = 0.25
"""Room around the anchors of `Lattice.through`, as a fraction of the span of their bounding box."""


@dataclass(frozen=True, eq=False)
class Lattice:
    """An `(H, W)` grid of cells over `extent = (x0, x1, y0, y1)` of a plane z = origin + x·basis[0] + y·basis[1].

    Row i runs along y (i = 0 at y0), column j along x. Without `origin` and `basis` the plane is the 2-D latent
    space itself; with them it lies in a latent space of dimension d: `origin (d,)`, `basis (2, d)`.

    Raises `ValueError` for an extent with x1 <= x0 or y1 <= y0, fewer than 2 cells a side, or dependent basis rows.
    """

    extent: Extent
    shape: tuple[int, int] = (128, 128)
    origin: Floats | None = None
    basis: Floats | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "extent", _checked_extent(self.extent))
        object.__setattr__(self, "shape", _checked_shape(self.shape))
        if (self.origin is None) != (self.basis is None):
            raise ValueError("origin and basis must be given together: origin (d,), basis (2, d)")
        if self.origin is not None and self.basis is not None:
            origin, basis = as_floats(self.origin, "origin"), as_floats(self.basis, "basis")
            if origin.ndim != 1 or basis.shape != (2, origin.size):
                raise ValueError(f"origin must be (d,) and basis (2, d), got {origin.shape} and {basis.shape}")
            if not (np.isfinite(origin).all() and np.isfinite(basis).all()):
                raise ValueError("origin and basis must be finite")
            if np.linalg.matrix_rank(basis) < 2:
                raise ValueError(f"basis spans no plane: its rows {basis.tolist()} are dependent")
            object.__setattr__(self, "origin", origin)
            object.__setattr__(self, "basis", basis)

    @classmethod
    def through(
        cls, za: Any, zb: Any, zc: Any, shape: tuple[int, int] = (128, 128), margin: float = MARGIN
    ) -> "Lattice":
        """Lay a lattice on the plane through three latents `(d,)`, d >= 2, with an orthonormal basis.

        `za` is the plane's (0, 0) and `zb` lies on its x axis, so plane distances are latent distances. The extent
        is the bounding box of the three, widened on every side by `margin` times its span. Raises `ValueError`
        where the three lie on one line.
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
        return cls(_around(on_plane, margin), shape, plane.origin, plane.basis)

    @classmethod
    def fit(cls, latents: Any, shape: tuple[int, int] = (128, 128), margin: float = 0.08) -> "Lattice":
        """Lay a lattice on the principal plane of encoded data `(n, d)`, wide enough to hold every projection.

        For d = 2 the plane is the latent space itself, axes unturned. Otherwise the origin is the mean and the basis
        the first two principal directions (right singular vectors, signs fixed so that the largest entry is
        positive). Raises `ValueError` for fewer than 3 latents or data without spread in two directions.
        """
        z = as_floats(latents, "latents")
        if z.ndim != 2 or z.shape[1] < 2 or z.shape[0] < 3:
            raise ValueError(f"latents must have shape (n, d) with n >= 3 and d >= 2, got {z.shape}")
        z = as_points(z, "latents", z.shape[1])
        if z.shape[1] == 2:
            if np.ptp(z, axis=0).min() == 0:
                raise ValueError("latents do not spread in both directions; give extent= by hand")
            return cls(_around(z, margin), shape)
        origin = z.mean(axis=0)
        _, spread, directions = np.linalg.svd(z - origin, full_matrices=False)
        if len(spread) < 2 or spread[1] <= 1e-9 * spread[0]:
            raise ValueError("latents lie on one line and span no plane; use Lattice.through with a point off it")
        basis = directions[:2] * np.sign(directions[:2][np.arange(2), np.abs(directions[:2]).argmax(axis=1)])[:, None]
        plane = cls((-1.0, 1.0, -1.0, 1.0), (2, 2), origin, basis)
        return cls(_around(plane.project(z), margin), shape, origin, basis)

    @property
    def latent_dim(self) -> int:
        """Dimension d of the latent space in which the plane lies."""
        return 2 if self.origin is None else int(self.origin.size)

    @property
    def spacing(self) -> tuple[float, float]:
        """Width and height (dx, dy) of one cell, in plane coordinates."""
        x0, x1, y0, y1 = self.extent
        return (x1 - x0) / self.shape[1], (y1 - y0) / self.shape[0]

    @cached_property
    def cells(self) -> Floats:
        """Centres of the cells, `(H, W, 2)`, as (x, y)."""
        (x0, _, y0, _), (dx, dy), (h, w) = self.extent, self.spacing, self.shape
        return _frozen_grid(x0 + dx * (np.arange(w) + 0.5), y0 + dy * (np.arange(h) + 0.5))

    @cached_property
    def corners(self) -> Floats:
        """Corners of the cells, `(H + 1, W + 1, 2)`, as (x, y)."""
        (x0, x1, y0, y1), (h, w) = self.extent, self.shape
        return _frozen_grid(as_floats(np.linspace(x0, x1, w + 1), "x"), as_floats(np.linspace(y0, y1, h + 1), "y"))

    def band(self, start: int, stop: int) -> "Lattice":
        """Return rows start to stop as a lattice of their own, at least 2 rows: a tile of a survey."""
        x0, x1, y0, _ = self.extent
        dy = self.spacing[1]
        extent = (x0, x1, y0 + dy * start, y0 + dy * stop)
        return Lattice(extent, (stop - start, self.shape[1]), self.origin, self.basis)

    def embed(self, points: Any) -> Floats:
        """Map plane points `(..., 2)` to latents `(..., d)`."""
        p = as_points(points, "points")
        return p if self.origin is None or self.basis is None else self.origin + p @ self.basis

    def project(self, latents: Any) -> Floats:
        """Map latents `(..., d)` to their nearest plane points `(..., 2)`; the inverse of `embed` on the plane."""
        z = as_points(latents, "latents", self.latent_dim)
        return z if self.origin is None or self.basis is None else (z - self.origin) @ np.linalg.pinv(self.basis)

    def contains(self, points: Any) -> np.ndarray:
        """Tell which plane points `(..., 2)` lie within the extent, its border included."""
        p = as_points(points, "points")
        x0, x1, y0, y1 = self.extent
        return (p[..., 0] >= x0) & (p[..., 0] <= x1) & (p[..., 1] >= y0) & (p[..., 1] <= y1)

    def same_as(self, other: "Lattice") -> bool:
        """Tell whether two lattices have the same cells in the same plane, to round-off."""
        if self.shape != other.shape or self.latent_dim != other.latent_dim:
            return False
        scale = np.ptp(self.extent[:2]) + np.ptp(self.extent[2:])
        close = np.allclose(self.extent, other.extent, rtol=0, atol=1e-9 * scale)
        corners = np.array(self.extent)[[[0, 2], [1, 2], [0, 3]]]
        return bool(close and np.allclose(self.embed(corners), other.embed(corners), rtol=1e-9, atol=1e-9 * scale))


def _checked_extent(extent: Any) -> Extent:
    numbers = as_floats(extent, "extent")
    if numbers.shape != (4,) or not np.isfinite(numbers).all():
        raise ValueError(f"extent must be four finite numbers (x0, x1, y0, y1), got {extent!r}")
    x0, x1, y0, y1 = (float(v) for v in numbers)
    if x1 <= x0 or y1 <= y0:
        raise ValueError(f"extent must have x1 > x0 and y1 > y0, got {extent!r}; its order is (x0, x1, y0, y1)")
    return x0, x1, y0, y1


def _checked_shape(shape: Any) -> tuple[int, int]:
    try:
        rows, columns = (int(n) for n in shape)
        whole = all(int(n) == n for n in shape)
    except (TypeError, ValueError):
        raise ValueError(f"shape must be two whole numbers (H, W), got {shape!r}") from None
    if not whole or rows < 2 or columns < 2:
        raise ValueError(f"shape must be at least 2 cells a side, got {shape!r}; 64 to 256 a side serve most maps")
    return rows, columns


def _around(points: Floats, margin: float) -> Extent:
    low, high = points.min(axis=0), points.max(axis=0)
    room = margin * (high - low)
    (x0, y0), (x1, y1) = low - room, high + room
    return float(x0), float(x1), float(y0), float(y1)


def _frozen_grid(x: np.ndarray, y: np.ndarray) -> Floats:
    grid = np.stack(np.broadcast_arrays(x[None, :], y[:, None]), axis=-1)
    # shared by everything that holds the lattice, so nobody may write into it
    grid.setflags(write=False)
    return grid
