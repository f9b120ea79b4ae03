"""Fields that vary at random, as steeply as floats allow, and a test of outlines that looks at every pair of sides."""

import numpy as np
from scipy.ndimage import gaussian_filter

import latent_widget as lw


def make_steep_field(seed, extreme, sides=(2, 24)):
    """A field whose eigenvalues and axes vary at random, at random scales, by factors of up to exp(±3 extreme).

    Its lattice has a random number of cells along each side, from the first of `sides` to below the second.
    """
    rng = np.random.default_rng(seed)
    shape = tuple(int(n) for n in rng.integers(*sides, 2))
    smooth = 10 ** rng.uniform(-1, 1)
    noise = np.stack([gaussian_filter(part, smooth, mode="nearest") for part in rng.normal(size=(3, *shape))])
    noise /= noise.std() + 1e-12
    angle, first, second = noise[0] * rng.uniform(0, 3), np.exp(extreme * noise[1]), np.exp(extreme * noise[2])
    turn = np.stack([np.stack([np.cos(angle), -np.sin(angle)], -1), np.stack([np.sin(angle), np.cos(angle)], -1)], -2)
    values = np.stack([first, second], -1)
    return lw.Field(lw.Lattice((0, 1, 0, 1), shape), (turn * values[..., None, :]) @ np.swapaxes(turn, -1, -2))


def crosses_itself(outline):
    """Every side of a polygon against every other, by the signs of areas."""
    a, b = outline, np.roll(outline, -1, axis=0)

    def side(p, q, r):
        return (q[..., 0] - p[..., 0]) * (r[..., 1] - p[..., 1]) - (q[..., 1] - p[..., 1]) * (r[..., 0] - p[..., 0])

    c, d, e, f = a[:, None], b[:, None], a[None], b[None]
    return bool(((side(c, d, e) * side(c, d, f) < 0) & (side(e, f, c) * side(e, f, d) < 0)).any())
