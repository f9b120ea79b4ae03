"""Random metric fields and points on them, for tests of what must hold on any field."""

import numpy as np

from latent_widget.field import Field
from latent_widget.lattice import Lattice


def random_field(seed, roughness=1.0, shape=(40, 48), extent=(-2.0, 3.0, 0.0, 4.0)):
    """exp of a random trigonometric tensor: smooth, symmetric positive-definite, eigenvalues over a range of
    about e^6.
    """
    rng = np.random.default_rng(seed)
    lattice = Lattice(extent, shape)
    x, y = lattice.cells[..., 0], lattice.cells[..., 1]
    parts = []
    for _ in range(3):
        wave = sum(
            rng.normal() * np.sin(rng.uniform(0.3, 2.0) * x + rng.uniform(0.3, 2.0) * y + rng.uniform(0, 6))
            for _ in range(3)
        )
        parts.append(0.6 * roughness * wave)
    t, a, b = parts
    r = np.hypot(a, b)
    s = np.sinh(r) / np.maximum(r, 1e-12)
    metric = np.stack([np.cosh(r) + a * s, b * s, b * s, np.cosh(r) - a * s], axis=-1).reshape(*shape, 2, 2)
    return Field(lattice, np.exp(t)[..., None, None] * metric)


def points_in(field, count, seed):
    x0, x1, y0, y1 = field.lattice.extent
    return np.random.default_rng(seed).uniform((x0, y0), (x1, y1), (count, 2))
