"""A barrier between corners and sides of the outline, which keeps a map from overlapping itself.

Smith and Schaefer 2015 [12], section 3.2: for every corner of the outline and every side that it does not end, at the
distance d below a reach ε, max(0, ε / d − 1)². Its Hessian is taken along the distance alone, which is positive.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from latent_widget.maps.isometry.outline import trace_outline
from latent_widget.maps.isometry.terms import Model

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]
    Indices = np.ndarray[Any, np.dtype[np.int64]]

# Where sides of the outline are this share of their mean length apart they begin to repel each other.
REACH = 0.25


class _Pairs(NamedTuple):
    """Corners and sides of the outline within reach of each other."""

    corner: Indices
    side: Indices
    share: Array
    normal: Array
    distance: Array


@dataclass(frozen=True)
class Contact:
    """The barrier of a map.

    Attributes
    ----------
    reach : float
        The distance ε, in units of the page.
    weight : float
        What a pair at half the reach counts for.

    """

    reach: float
    weight: float

    def measure(self, points: Array) -> float:
        """Return the sum of the barriers."""
        pairs = self._find_pairs(_trace(points))
        return self.weight * float(np.square(self.reach / pairs.distance - 1.0).sum())

    def linearise(self, points: Array) -> Model:
        """Return the sum, its gradient, and the positive part of its Hessian."""
        outline = _trace(points)
        pairs = self._find_pairs(outline)
        ratio = self.reach / pairs.distance
        slope = -2.0 * (ratio - 1.0) * ratio / pairs.distance
        curvature = 2.0 * ratio * (3.0 * ratio - 2.0) / pairs.distance**2
        numbers = trace_outline(np.arange(points[0].size).reshape(*points.shape[1:], 1))[:, 0]
        size = points[0].size
        # the derivative of the distances by the corners of the map, x and y one after the other
        ends = pairs.side, (pairs.side + 1) % len(outline)
        columns = np.concatenate([numbers[index] + axis * size for axis in (0, 1) for index in (pairs.corner, *ends)])
        shares = (np.ones_like(pairs.share), pairs.share - 1.0, -pairs.share)
        values = np.concatenate([share * pairs.normal[:, axis] for axis in (0, 1) for share in shares])
        rows = np.tile(np.arange(len(pairs.corner)), 6)
        by_corners = csr_array((values, (rows, columns)), shape=(len(pairs.corner), 2 * size))
        back = by_corners.T

        def multiply(vector: Array) -> Array:
            return np.asarray(back @ (self.weight * curvature * (by_corners @ vector.ravel()))).reshape(vector.shape)

        value = self.weight * float(np.square(ratio - 1.0).sum())
        return Model(value, np.asarray(back @ (self.weight * slope)).reshape(points.shape), multiply)

    def _find_pairs(self, outline: Array) -> _Pairs:
        """Return the pairs of a corner and a side within reach."""
        n = len(outline)
        start, end = outline, np.roll(outline, -1, axis=0)
        along = end - start
        length = np.hypot(along[:, 0], along[:, 1])
        near = cKDTree(outline).query_ball_point(0.5 * (start + end), 0.5 * length + self.reach)
        side = np.repeat(np.arange(n), [len(found) for found in near])
        corner = np.array([index for found in near for index in found], dtype=np.int64)
        apart = (corner != side) & (corner != (side + 1) % n)
        side, corner = side[apart], corner[apart]
        offset = outline[corner] - start[side]
        share = np.clip((offset * along[side]).sum(1) / np.square(length[side]), 0.0, 1.0)
        gap = offset - share[:, None] * along[side]
        distance = np.hypot(gap[:, 0], gap[:, 1])
        close = (distance < self.reach) & (distance > 0.0)
        gap, distance = gap[close], distance[close]
        return _Pairs(corner[close], side[close], share[close], gap / distance[:, None], distance)


def pose_contact(points: Array) -> Contact:
    """Return the barrier for a map that is as large as the given one."""
    outline = _trace(points)
    lengths = np.linalg.norm(np.roll(outline, -1, axis=0) - outline, axis=1)
    return Contact(REACH * float(lengths.mean()), 1.0 / points[0].size)


def _trace(points: Array) -> Array:
    return trace_outline(np.moveaxis(points, 0, -1))
