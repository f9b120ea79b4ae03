"""What a path passes on its way: speed, magnification, density and curvature along it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy.interpolate import make_interp_spline

from latent_widget._arrays import Floats
from latent_widget._field import Field
from latent_widget.geodesics._geodesic import MARCHED, Geodesic
from latent_widget.geodesics.eikonal import terrain
from latent_widget.geodesics.kernels.spline import KERNEL, jet
from latent_widget.geodesics.validation import need_field


@dataclass(frozen=True, eq=False, repr=False)
class Profile:
    """A path x(t) under a field, at n values of its parameter t in [0, 1]; every array is `(n,)` but `points (n, 2)`.

    - `parameter`: t. The points of a path are even in it: by measure on a geodesic, in the plane on a straight line.
      A geodesic with a mask or way-points has its points where its corners need them; there speed tells of that alone.
    - `points`: plane coordinates; `cumulative`: measured length from the start.
    - `speed`: |x'| = sqrt(x'^T G x'), measured length per unit of t; constant on a geodesic, so that its unevenness
      shows where another line hurries through what matters.
    - `magnification`: measured length per unit of plane length along the path, speed over the Euclidean |x'|.
    - `density`: the magnification factor sqrt(det G) at the points.
    - `curvature`: of the plane curve, (x' y'' - y' x'') / |x'|^3 with Euclidean |x'|, per plane unit; positive to the
      left. `geodesic_curvature`: the same under the metric, sqrt(det G) (x' ^ Dx'/dt) / |x'|_G^3, per measured
      length; 0 on a geodesic.
    """

    parameter: Floats
    points: Floats
    cumulative: Floats
    speed: Floats
    magnification: Floats
    density: Floats
    curvature: Floats
    geodesic_curvature: Floats

    def __repr__(self) -> str:
        """One line, without the arrays."""
        speed = f"speed {self.speed.min():.4g} to {self.speed.max():.4g}"
        return f"Profile({len(self.parameter)} points, length {self.cumulative[-1]:.6g}, {speed})"


def profile(field: Field, path: Geodesic, n: int = 129) -> Profile:
    """Measure a path at n even values of its parameter, on the cubic spline through its points.

    At way-points and where a path touches forbidden cells it may have a corner, at which the spline is round and
    curvatures are only large.

    Raises `ValueError` for n < 2 and for a path of length 0 or infinite length.
    """
    need_field(field)
    if not isinstance(path, Geodesic):
        raise TypeError(f"path must be a Geodesic, as lw.geodesic and lw.straight give it, got {type(path).__name__}")
    if n < 2:
        raise ValueError(f"n must be at least 2 to hold both ends, got {n}")
    if not (np.isfinite(path.length) and path.length > 0.0):
        raise ValueError(f"path must have a positive finite length to be profiled, got {path.length}")
    ground = terrain(field, MARCHED)
    own = np.linspace(0.0, 1.0, len(path.points))
    t = np.linspace(0.0, 1.0, n)
    spline = make_interp_spline(own, path.points, k=min(3, len(path.points) - 1))
    points, velocity, bend = spline(t), spline(t, 1), spline(t, 2)
    points[0], points[-1] = path.points[0], path.points[-1]
    scale = np.array(field.lattice.spacing)
    at = _jets(ground.coefficients, np.ascontiguousarray(ground.to_index(points)))
    measured, bent = _turning(at, velocity / scale, bend / scale)
    plane = np.maximum(np.linalg.norm(velocity, axis=1), np.finfo(float).tiny)
    cross = velocity[:, 0] * bend[:, 1] - velocity[:, 1] * bend[:, 0]
    density = np.sqrt(at[:, 0, 0] * at[:, 0, 2] - at[:, 0, 1] ** 2) / scale.prod()
    return Profile(
        t,
        points,
        np.interp(t, own, path.cumulative),
        measured,
        measured / plane,
        density,
        cross / plane**3,
        bent,
    )


def _turning(at: Floats, x: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Speed (n,) and geodesic curvature (n,) from jets (n, 6, 3), velocities and second derivatives (n, 2)."""

    def apply(row: int, v: Floats) -> Floats:
        e, f, g = at[:, row, 0], at[:, row, 1], at[:, row, 2]
        return np.stack([e * v[:, 0] + f * v[:, 1], f * v[:, 0] + g * v[:, 1]], axis=-1)

    along_u, along_v = apply(1, x), apply(2, x)
    speed = np.sqrt((x * apply(0, x)).sum(axis=1))
    # G Dx'/dt = G x'' + (x' . grad) G x' - grad(x'^T G x') / 2
    slope = np.stack([(x * along_u).sum(axis=1), (x * along_v).sum(axis=1)], axis=-1)
    force = apply(0, b) + x[:, :1] * along_u + x[:, 1:] * along_v - 0.5 * slope
    # x' ^ G^-1 force = (G x' turned by a right angle) . force / det G
    lowered = apply(0, x)
    determinant = at[:, 0, 0] * at[:, 0, 2] - at[:, 0, 1] ** 2
    turned = (lowered[:, 0] * force[:, 1] - lowered[:, 1] * force[:, 0]) / determinant
    return speed, np.sqrt(determinant) * turned / np.maximum(speed, np.finfo(float).tiny) ** 3


@njit(**KERNEL)
def _jets(coefficients: Floats, points: Floats) -> Floats:
    """Tensors with their derivatives (n, 6, 3) at points (n, 2) in index coordinates (see `interpolation.jet`)."""
    out = np.empty((len(points), 6, 3))
    for k in range(len(points)):
        jet(coefficients, points[k, 0], points[k, 1], out[k])
    return out
