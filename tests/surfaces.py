"""Spaces whose geodesic distances are known in closed form, each as a chart on a rectangle of the plane.

A `Surface` embeds its chart isometrically in a space where the shortest path is known: flat space, a sphere
or the hyperbolic half-plane. So the closed form is the distance there, and the metric is that of the
embedding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from latent_widget._field import Field
from latent_widget._lattice import Lattice

Array = np.ndarray


@dataclass(frozen=True)
class Surface:
    """A chart with its metric (..., 2) -> (..., 2, 2), distance, and the shortest path a, b, t (N,) -> (N,
    2).
    """

    name: str
    extent: tuple[float, float, float, float]
    metric: Callable[[Array], Array]
    distance: Callable[[Array, Array], Array]
    path: Callable[[Array, Array, Array], Array]

    def field(self, n: int = 128) -> Field:
        """The metric on the cells of an n x n lattice."""
        lattice = Lattice(self.extent, (n, n))
        return Field(lattice, self.metric(lattice.cells))

    def pairs(self, count: int, seed: int = 0, margin: float = 0.02) -> tuple[Array, Array]:
        """Random pairs of points (count, 2) whose shortest path stays inside the extent."""
        rng = np.random.default_rng(seed)
        x0, x1, y0, y1 = self.extent
        low, span = np.array([x0, y0]), np.array([x1 - x0, y1 - y0])
        starts: list[Array] = []
        ends: list[Array] = []
        while len(starts) < count:
            a, b = low + span * rng.random((2, 2))
            way = (self.path(a, b, np.linspace(0.0, 1.0, 101)) - low) / span
            if (way > margin).all() and (way < 1.0 - margin).all():
                starts.append(a)
                ends.append(b)
        return np.array(starts), np.array(ends)


def _pull(jacobian: Array) -> Array:
    return np.einsum("...ki,...kj->...ij", jacobian, jacobian)


def _flat(
    name: str, extent: Any, embed: Callable[[Array], Array], back: Callable[[Array], Array], jacobian: Any
) -> Surface:
    return Surface(
        name,
        extent,
        lambda z: _pull(jacobian(np.asarray(z, float))),
        lambda a, b: np.linalg.norm(embed(np.asarray(a, float)) - embed(np.asarray(b, float)), axis=-1),
        lambda a, b, t: back(embed(a) + t[:, None] * (embed(b) - embed(a))),
    )


def _great_circle(p: Array, q: Array, t: Array) -> Array:
    angle = 2.0 * np.arcsin(np.clip(0.5 * np.linalg.norm(p - q), 0.0, 1.0))
    if angle < 1e-12:
        return np.broadcast_to(p, (len(t), len(p)))
    return np.asarray((np.sin((1.0 - t) * angle)[:, None] * p + np.sin(t * angle)[:, None] * q) / np.sin(angle))


def _stack(*columns: Array) -> Array:
    return np.stack(np.broadcast_arrays(*columns), axis=-1)


def sphere(half: float = 1.2) -> Surface:
    """The unit sphere by inverse stereographic projection: G = 4 / (1 + r^2)^2 I, great-circle distances."""

    def embed(z: Array) -> Array:
        x, y = z[..., 0], z[..., 1]
        r = x * x + y * y
        return _stack(2 * x, 2 * y, r - 1) / (1 + r)[..., None]

    def back(p: Array) -> Array:
        return np.asarray(p[..., :2] / (1 - p[..., 2:]))

    return Surface(
        "sphere",
        (-half, half, -half, half),
        lambda z: (2 / (1 + (np.asarray(z) ** 2).sum(-1)))[..., None, None] ** 2 * np.eye(2),
        lambda a, b: (
            2 * np.arcsin(np.clip(0.5 * np.linalg.norm(embed(np.asarray(a)) - embed(np.asarray(b)), axis=-1), 0, 1))
        ),
        lambda a, b, t: back(_great_circle(embed(a), embed(b), t)),
    )


def gaussian(angle: float = 0.0) -> Surface:
    """Fisher-Rao metric of N(mu, sigma^2): diag(1, 2) / sigma^2, in a chart turned by an angle around (0,
    1.6).

    With mu = sqrt(2) m it is twice the hyperbolic half-plane, where geodesics are half-circles around the m
    axis.
    """
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = np.array([0.0, 1.6])

    def parameters(z: Array) -> Array:
        return np.asarray(z, float) @ turn.T + centre

    def metric(z: Array) -> Array:
        sigma = parameters(z)[..., 1]
        return np.asarray(turn.T @ np.diag([1.0, 2.0]) @ turn / sigma[..., None, None] ** 2)

    def distance(a: Array, b: Array) -> Array:
        p, q = parameters(a), parameters(b)
        gap = 0.5 * (p[..., 0] - q[..., 0]) ** 2 + (p[..., 1] - q[..., 1]) ** 2
        # 2 arcsinh(sqrt(x / 2)) is arccosh(1 + x) without the cancellation
        return np.asarray(np.sqrt(2.0) * 2.0 * np.arcsinh(np.sqrt(gap / (4.0 * p[..., 1] * q[..., 1]))))

    def path(a: Array, b: Array, t: Array) -> Array:
        (m0, s0), (m1, s1) = parameters(a) / (np.sqrt(2.0), 1.0), parameters(b) / (np.sqrt(2.0), 1.0)
        if abs(m1 - m0) < 1e-9:
            way = _stack(m0 + t * (m1 - m0), s0 ** (1 - t) * s1**t)
        else:
            c = 0.5 * (m0 + m1) + 0.5 * (s1 * s1 - s0 * s0) / (m1 - m0)
            r = np.hypot(m0 - c, s0)
            # along the circle, log tan(theta / 2) grows with the arc length
            w0, w1 = (np.log(np.tan(0.5 * np.arctan2(s, m - c))) for m, s in ((m0, s0), (m1, s1)))
            theta = 2.0 * np.arctan(np.exp(w0 + t * (w1 - w0)))
            way = _stack(c + r * np.cos(theta), r * np.sin(theta))
        return np.asarray((way * (np.sqrt(2.0), 1.0) - centre) @ turn)

    return Surface(f"gaussian turned {np.degrees(angle):.0f}", (-1.0, 1.0, -1.0, 1.0), metric, distance, path)


def sheared(amount: float = 1.5, frequency: float = 2.0) -> Surface:
    """The flat plane sheared by a sine: (x, y) -> (x, y + amount sin(frequency x)); strong off-diagonals."""

    def jacobian(z: Array) -> Array:
        slope = amount * frequency * np.cos(frequency * z[..., 0])
        one, zero = np.ones_like(slope), np.zeros_like(slope)
        return np.stack([_stack(one, zero), _stack(slope, one)], axis=-2)

    def shift(sign: float) -> Callable[[Array], Array]:
        return lambda z: _stack(z[..., 0], z[..., 1] + sign * amount * np.sin(frequency * z[..., 0]))

    return _flat("sheared plane", (-2.0, 2.0, -2.0, 2.0), shift(1.0), shift(-1.0), jacobian)


def swiss_roll() -> Surface:
    """The swiss roll (t cos t, t sin t, y) over t in [3, 10]; unrolled, it is flat with the arc length of the
    spiral.
    """

    def arc(t: Array) -> Array:
        return np.asarray(0.5 * (t * np.sqrt(1 + t * t) + np.arcsinh(t)))

    def embed(z: Array) -> Array:
        return _stack(arc(z[..., 0]), z[..., 1])

    def back(p: Array) -> Array:
        t = np.sqrt(2.0 * p[..., 0])
        for _ in range(30):
            t = t - (arc(t) - p[..., 0]) / np.sqrt(1 + t * t)
        return _stack(t, p[..., 1])

    def jacobian(z: Array) -> Array:
        stretch = np.sqrt(1 + z[..., 0] ** 2)
        one, zero = np.ones_like(stretch), np.zeros_like(stretch)
        return np.stack([_stack(stretch, zero), _stack(zero, one)], axis=-2)

    return _flat("swiss roll", (3.0, 10.0, -10.0, 10.0), embed, back, jacobian)


def softmax(half: float = 3.0) -> Surface:
    """Fisher-Rao metric of a three-way softmax with logits (x, y, 0): four times the positive octant of the
    sphere.
    """

    def probabilities(z: Array) -> Array:
        logits = _stack(z[..., 0], z[..., 1], np.zeros_like(z[..., 0]))
        weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return np.asarray(weights / weights.sum(axis=-1, keepdims=True))

    def metric(z: Array) -> Array:
        p = probabilities(np.asarray(z, float))[..., :2]
        return p[..., :, None] * (np.eye(2) - p[..., None, :])

    def roots(z: Array) -> Array:
        return np.sqrt(probabilities(np.asarray(z, float)))

    def back(p: Array) -> Array:
        return np.asarray(2.0 * np.log(p[..., :2] / p[..., 2:]))

    return Surface(
        "softmax",
        (-half, half, -half, half),
        metric,
        lambda a, b: 4.0 * np.arcsin(np.clip(0.5 * np.linalg.norm(roots(a) - roots(b), axis=-1), 0, 1)),
        lambda a, b, t: back(_great_circle(roots(a), roots(b), t)),
    )


def all_surfaces() -> list[Surface]:
    """Every surface of this module, in a fixed order."""
    return [sphere(), gaussian(), gaussian(np.radians(35.0)), sheared(), swiss_roll(), softmax()]
