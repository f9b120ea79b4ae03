"""What a path passes on its way: speed, magnification, density and (geodesic) curvature along it (do Carmo 1976)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import make_interp_spline

from latent_widget._arrays import Floats
from latent_widget._field import Field
from latent_widget.geodesics.kernels.spline import jets
from latent_widget.geodesics.path import Geodesic
from latent_widget.geodesics.validation import need_count, need_field, pose_problem


@dataclass(frozen=True, eq=False, repr=False)
class Profile:
    """A path x(t) under a field, at n values of its parameter t in [0, 1].

    Attributes
    ----------
    parameter : ndarray (n,)
        t. The points of a path are even in it: by measure on a geodesic, in the plane on a straight line. A geodesic
        with a mask or way-points has its points where its corners need them; there speed tells of that alone.
    points : ndarray (n, 2)
        Plane coordinates.
    cumulative : ndarray (n,)
        Measured length from the start.
    speed : ndarray (n,)
        |x'| = sqrt(x'^T G x'), measured length per unit of t; constant on a geodesic, so that its unevenness shows
        where another line hurries through what matters.
    magnification : ndarray (n,)
        Measured length per unit of plane length along the path, speed over the Euclidean |x'|.
    density : ndarray (n,)
        The magnification factor sqrt(det G) at the points.
    curvature : ndarray (n,)
        Of the plane curve, (x' y'' - y' x'') / |x'|^3 with Euclidean |x'|, per plane unit; positive to the left.
    geodesic_curvature : ndarray (n,)
        The same under the metric, sqrt(det G) (x' ^ Dx'/dt) / |x'|_G^3, per measured length; 0 on a geodesic.

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
    """Measure what a path passes, at even values of its parameter, on the cubic spline through its points.

    At way-points and where a path touches forbidden cells it may have a corner, at which the spline is round and
    curvatures are only large.

    Parameters
    ----------
    field : Field
        The metric.
    path : Geodesic
        Any path: a geodesic or one of the lines beside it.
    n : int
        How many values, at least 2.

    Returns
    -------
    Profile

    Raises
    ------
    TypeError
        For a path that is none.
    ValueError
        For n < 2 and for a path of length 0 or infinite length.

    """
    need_field(field)
    if not isinstance(path, Geodesic):
        raise TypeError(f"path must be a Geodesic, as lw.geodesic and lw.straight give it, got {type(path).__name__}")
    n = need_count(n)
    if not (np.isfinite(path.length) and path.length > 0.0):
        raise ValueError(f"path must have a positive finite length to be profiled, got {path.length}")
    chart = pose_problem(field).chart
    own = np.linspace(0.0, 1.0, len(path.points))
    t = np.linspace(0.0, 1.0, n)
    spline = make_interp_spline(own, path.points, k=min(3, len(path.points) - 1))
    points, velocity, bend = spline(t), spline(t, 1), spline(t, 2)
    points[0], points[-1] = path.points[0], path.points[-1]
    scale = np.array(field.lattice.spacing)
    at = jets(chart.coefficients, np.ascontiguousarray(chart.to_index(points)))
    speed, bent = _bend(at, velocity / scale, bend / scale)
    plane = np.maximum(np.linalg.norm(velocity, axis=1), np.finfo(float).tiny)
    cross = velocity[:, 0] * bend[:, 1] - velocity[:, 1] * bend[:, 0]
    density = np.sqrt(at[:, 0, 0] * at[:, 0, 2] - at[:, 0, 1] ** 2) / scale.prod()
    return Profile(
        t,
        points,
        np.interp(t, own, path.cumulative),
        speed,
        speed / plane,
        density,
        cross / plane**3,
        bent,
    )


def _bend(at: Floats, x: Floats, b: Floats) -> tuple[Floats, Floats]:
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
