"""Random metric fields and points on them, for tests of what must hold on any field."""

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from latent_widget._field import Field
from latent_widget._lattice import Lattice

NUDGES = (-1e-6, 1e-6)


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


def graph_distances(field, cells, reach=5, allowed=None):
    """Shortest paths over a graph of straight edges between cells: independent, a little too long.

    With `allowed (H, W)` edges that enter another cell are left out.
    """
    h, w = field.lattice.shape
    dx, dy = field.lattice.spacing
    index = np.arange(h * w).reshape(h, w)
    rows, columns, costs = [], [], []
    for i in range(reach + 1):
        for j in range(-reach, reach + 1):
            if np.gcd(i, abs(j)) != 1 or (i == 0 and j < 0):
                continue
            left, right = max(-j, 0), w - max(j, 0)
            a, b = (slice(0, h - i), slice(left, right)), (slice(i, h), slice(left + j, right + j))
            step = np.array([j * dx, i * dy])
            steps = max(i, abs(j))
            cost = np.zeros(index[a].shape)
            # Simpson's rule along the edge, with tensors between cells taken bilinearly
            for t, weight in ((0.0, 1 / 6), (0.5, 2 / 3), (1.0, 1 / 6)):
                g = bilinear(field.metric, np.arange(h)[a[0], None] + t * i, np.arange(w)[None, a[1]] + t * j)
                cost += weight * np.sqrt(np.einsum("i,...ij,j->...", step, g, step))
            assert steps <= reach
            kept = np.ones(cost.shape, bool)
            for t in np.linspace(0.0, 1.0, 41) if allowed is not None else ():
                # points on the border between cells belong to all of them
                y, x = np.arange(h)[a[0], None] + t * i, np.arange(w)[None, a[1]] + t * j
                sides = [(np.rint(y + r).astype(int), np.rint(x + s).astype(int)) for r in NUDGES for s in NUDGES]
                free = [allowed[np.clip(r, 0, h - 1), np.clip(s, 0, w - 1)] for r, s in sides]
                kept &= np.any(free, axis=0)
                if i == abs(j) == 1 and t == 0.5:
                    # a diagonal passes between two cells, one of which must be allowed
                    kept &= (free[1] | free[2]) if j > 0 else (free[0] | free[3])
            rows.append(index[a][kept])
            columns.append(index[b][kept])
            costs.append(cost[kept])
    graph = coo_array((np.concatenate(costs), (np.concatenate(rows), np.concatenate(columns))), shape=(h * w, h * w))
    return dijkstra(graph.tocsr(), directed=False, indices=cells)[:, cells]


def bilinear(values, i, j):
    i, j = np.broadcast_arrays(i, j)
    r = np.minimum(np.floor(i).astype(int), values.shape[0] - 2)
    c = np.minimum(np.floor(j).astype(int), values.shape[1] - 2)
    p, q = (i - r)[..., None, None], (j - c)[..., None, None]
    low = (1 - q) * values[r, c] + q * values[r, c + 1]
    return (1 - p) * low + p * ((1 - q) * values[r + 1, c] + q * values[r + 1, c + 1])
