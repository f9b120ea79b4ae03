"""Lattices of hexahedra, smooth densities on them, and their volumes from the definition of the trilinear map."""

from __future__ import annotations

import numpy as np

from latent_widget.maps.cartograms.hexes.quality import (
    find_folds,
)


def centres(shape: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """Coordinates (x, y, z) of the cells of a unit box, each of the given shape."""
    z, y, x = np.meshgrid(*[(np.arange(n) + 0.5) / n for n in shape], indexing="ij")
    return x, y, z


def smooth(shape: tuple[int, ...], range_: float = 10.0, shift: float = 0.0) -> np.ndarray:
    """A smooth density with the given range and no symmetry."""
    x, y, z = centres(shape)
    f = np.cos(2 * np.pi * x + shift) * np.cos(np.pi * y) * np.cos(np.pi * z + 0.3)
    f += 0.5 * np.cos(np.pi * (x + 2 * y - z)) + 0.4 * np.sin(3 * np.pi * z + x)
    return np.asarray(range_ ** ((f - f.min()) / np.ptp(f)))


def grid(shape: tuple[int, ...]) -> np.ndarray:
    """Corners (3, D+1, H+1, W+1) of a lattice of unit cells."""
    return np.stack(np.meshgrid(*[np.arange(n + 1.0) for n in shape], indexing="ij")[::-1])


def shaken(shape: tuple[int, ...], size: float, seed: int = 0) -> np.ndarray:
    """A lattice whose inner corners are moved at random, and whose walls slide along themselves."""
    X = grid(shape) + size * np.random.default_rng(seed).uniform(-1, 1, (3, *(n + 1 for n in shape)))
    for axis, n in enumerate(shape[::-1]):
        wall = np.moveaxis(X[axis], 2 - axis, 0)
        wall[0], wall[-1] = 0, n
    return X


def cells_of(X: np.ndarray) -> np.ndarray:
    """Corners of every cell, (n, 2, 2, 2, 3), by u, t, s."""
    d, h, w = (n - 1 for n in X.shape[1:])
    eight = [X[:, c : c + d, b : b + h, a : a + w].reshape(3, -1).T for c, b, a in np.ndindex(2, 2, 2)]
    return np.stack(eight, axis=1).reshape(-1, 2, 2, 2, 3)


def determinants(cells: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Jacobian determinants (n, m) of cells at local coordinates (m, 3), from the trilinear map's definition."""
    weights = np.stack([1 - places, places])
    columns = []
    for axis in range(3):
        s, t, u = (
            np.stack([-np.ones(len(places)), np.ones(len(places))]) if k == axis else weights[..., k] for k in range(3)
        )
        columns.append(np.einsum("ncbax,cm,bm,am->nmx", cells, u, t, s))
    return np.einsum("nmx,nmx->nm", columns[0], np.cross(columns[1], columns[2]))


def jacobian(X: np.ndarray, s: float, t: float, u: float) -> np.ndarray:
    """Jacobian determinant of every cell (D, H, W) at local coordinates."""
    return determinants(cells_of(X), np.array([[s, t, u]])).reshape([n - 1 for n in X.shape[1:]])


def places(n: int) -> np.ndarray:
    """Local coordinates on a grid with n points a side, corners first among equals."""
    return np.stack(np.meshgrid(*[np.linspace(0, 1, n)] * 3), -1).reshape(-1, 3)


def volumes(X: np.ndarray) -> np.ndarray:
    """Volumes by Gauss's rule on two points an axis, exact for the quadratic determinant."""
    nodes = 0.5 + np.array([-0.5, 0.5]) / 3**0.5
    return np.asarray(sum(jacobian(X, s, t, u) for s in nodes for t in nodes for u in nodes) / 8)


def folds(X: np.ndarray) -> np.ndarray:
    return find_folds(X)[1]
