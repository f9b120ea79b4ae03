"""A metric in index coordinates: its interpolation, and the way there from plane points and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from latent_widget._arrays import Floats
from latent_widget._lattice import Extent
from latent_widget.geodesics.kernels.energy import measure
from latent_widget.geodesics.kernels.spline import segment_lengths


@dataclass(frozen=True, eq=False)
class Chart:
    """Index coordinates (u, v) of a lattice of ``shape`` (H, W) over ``extent``, with the metric's spline.

    ``coefficients`` (H + 4, W + 4, 3) are what `interpolation.fit_spline` found.
    """

    shape: tuple[int, int]
    extent: Extent
    coefficients: Floats

    def to_index(self, points: Floats) -> Floats:
        """Plane points (..., 2) to index coordinates (u, v)."""
        x0, x1, y0, y1 = self.extent
        height, width = self.shape
        return (points - (x0, y0)) * (width / (x1 - x0), height / (y1 - y0)) - 0.5

    def to_plane(self, points: Floats) -> Floats:
        """Index coordinates (..., 2) to plane points (x, y)."""
        x0, x1, y0, y1 = self.extent
        height, width = self.shape
        return (points + 0.5) * ((x1 - x0) / width, (y1 - y0) / height) + (x0, y0)

    def measure(self, points: Floats) -> Floats:
        """Lengths (N,) from the first point to each of a polyline (N, 2) in index coordinates."""
        return np.asarray(measure(self.coefficients, np.ascontiguousarray(points)))

    def measure_spokes(self, hub: Floats, points: Floats) -> Floats:
        """Lengths (n,) of the straight lines from one point (u, v) to others (n, 2)."""
        ends = np.stack([np.broadcast_to(hub, points.shape), points], axis=1)
        return np.asarray(segment_lengths(self.coefficients, ends.reshape(-1, 2))[::2])
