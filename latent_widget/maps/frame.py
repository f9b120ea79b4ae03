"""The frame of a map: axes and aspect of the page from the mean metric, whose symmetric root is the linear map.

With M the mean metric and S = diag(√M₀₀, √M₁₁), the sides of the rectangle take their measured lengths by S before the
density diffuses, and what is left is the shear M^½ S⁻¹. Where the metric is the same everywhere, the map is M^½ alone,
which is an isometry, and of all of them the one that is symmetric: it does not turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from latent_widget._lattice import Extent, need_plane

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    Array = np.ndarray[Any, np.dtype[np.float64]]

FrameName = Literal["plane", "metric"]


@dataclass(frozen=True, eq=False)
class Frame:
    """Measured lengths of the plane's units, S (2,), and the shear (2, 2) that follows."""

    sides: Array
    shear: Array

    def place(self, points: Array, extent: Extent, mean_density: float) -> Array:
        """Lay a map of the stretched rectangle into the measure's unit, about the centre of the extent.

        ``points`` (2, ...) are measured from the rectangle's lower corner; the area becomes the measured area, the
        mean density times that of the extent.
        """
        low, high = np.array(extent[0::2]), np.array(extent[1::2])
        scale = np.sqrt(mean_density / (self.sides.prod() * np.linalg.det(self.shear)))
        middle = (0.5 * (high - low) * self.sides)[:, None, None]
        centre = (0.5 * (low + high))[:, None, None]
        return np.asarray(np.tensordot(scale * self.shear, points - middle, axes=1) + centre)


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
    values, vectors = np.linalg.eigh(mean)
    sides = np.sqrt(np.diagonal(mean))
    return Frame(sides, (vectors * np.sqrt(values)) @ vectors.T / sides)
