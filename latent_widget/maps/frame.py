"""The frame of a map: axes and aspect of the page from the mean metric, and its turn towards the plane (Procrustes).

With M the mean metric and S = diag(√M₀₀, √M₁₁), the sides of the rectangle take their measured lengths by S before the
density diffuses, and what is left is the shear M^½ S⁻¹. Where the metric is the same everywhere, the map is M^½ alone
but for a turn, an isometry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from latent_widget._arrays import take_root
from latent_widget._lattice import Lattice, need_plane

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    Array = np.ndarray[Any, np.dtype[np.float64]]

FrameName = Literal["plane", "metric"]


@dataclass(frozen=True, eq=False)
class Frame:
    """Measured lengths of the plane's units, S (2,), and the shear (2, 2) that follows, on one lattice."""

    lattice: Lattice
    sides: Array
    shear: Array

    def place(self, points: Array, mean_density: float) -> Array:
        """Lay a map of the stretched rectangle into the measure's unit, turned so that it lies like the plane.

        ``points`` (2, H+1, W+1) are corners in the rectangle; the result is (2, H+1, W+1), about the centre of the
        extent, its area the measured area, which is the mean density times that of the extent.
        """
        scale = np.sqrt(mean_density / (self.sides.prod() * np.linalg.det(self.shear)))
        moved = np.tensordot(scale * self.shear, points, axes=1)
        turned = turn_towards(np.moveaxis(moved, 0, -1), self.lattice.corners)
        # the centre of the outline, not the mean of the corners, lies on that of the extent
        ends = turned[[0, 0, -1, -1], [0, -1, 0, -1]]
        low, high = np.array(self.lattice.extent[0::2]), np.array(self.lattice.extent[1::2])
        return np.moveaxis(turned - ends.mean(0) + 0.5 * (low + high), -1, 0)


def find_frame(frame: str, density: Any, points: ArrayLike | None) -> Frame | None:
    """Return the frame of a field's mean metric at the points, or None for the plane's own.

    Raises ValueError for an unknown frame, for one that asks for a metric where there is none, and for points that no
    frame asks for.
    """
    if frame not in get_args(FrameName):
        raise ValueError(f"frame={frame!r}: use one of {', '.join(map(repr, get_args(FrameName)))}")
    if frame == "plane":
        if points is not None:
            raise ValueError('points= says where the mean metric is taken, which frame="metric" asks for; leave it out')
        return None
    if not hasattr(density, "mean_metric"):
        raise ValueError('frame="metric" takes the mean of a field\'s metric, which an array has not; give a Field')
    need_plane(density.lattice, 'frame="metric"')
    mean = density.mean_metric(points)
    sides = np.sqrt(np.diagonal(mean))
    return Frame(density.lattice, sides, take_root(mean) / sides)


def turn_towards(corners: Array, plane: Array) -> Array:
    """Turn and shift corners (H+1, W+1, 2) towards those of the plane, by least squares and without a reflection."""
    centre = plane.mean((0, 1))
    moved = corners - corners.mean((0, 1))
    cross = np.einsum("ija,ijb->ab", moved, plane - centre)
    angle = np.arctan2(cross[0, 1] - cross[1, 0], cross[0, 0] + cross[1, 1])
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return np.asarray(moved @ turn + centre)
