"""Clusters by geodesic distance: k-medoids (Kaufman, Rousseeuw 1990) and k-means around Fréchet means (Lloyd 1982)."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike

from latent_widget._arrays import Floats, as_floats
from latent_widget._field import Field
from latent_widget.geodesics._distances import distances as geodesic_distances
from latent_widget.geodesics._frechet_mean import frechet_mean
from latent_widget.geodesics.validation import inner_points, need_field


def k_medoids(distances: ArrayLike, k: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, float]:
    """Cluster by distances alone: k of the points as centres, with the least sum of distances to the nearest one.

    Centres are drawn apart from each other, then swapped for other points one at a time while that lowers the sum.

    Parameters
    ----------
    distances : array_like (n, n)
        Symmetric, for instance from `distances(field, points)`.
    k : int
        How many clusters.
    seed : int
        Of the first draw.

    Returns
    -------
    medoids : ndarray (k,) of int
        Indices of the centres.
    labels : ndarray (n,) of int
        Clusters, in 0..k-1.
    cost : float
        The sum of distances.

    Raises
    ------
    ValueError
        For distances that are not (n, n), finite, symmetric and at least 0, and k outside 1..n.

    """
    d = as_floats(distances, "distances")
    n = len(d)
    if d.shape != (n, n):
        raise ValueError(f"distances must have shape (n, n), got {d.shape}")
    if not np.isfinite(d).all():
        raise ValueError(
            f"distances must be finite, {(~np.isfinite(d)).sum()} of {d.size} are not; points in parts of a mask that "
            "are not connected cannot share a cluster"
        )
    if (d < 0).any() or not np.allclose(d, d.T):
        what = "negative: similarities are no distances" if (d < 0).any() else "not symmetric"
        raise ValueError(f"distances must be symmetric and at least 0, these are {what}")
    if not 1 <= k <= n:
        raise ValueError(f"k must be between 1 and the number of points {n}, got {k}")
    medoids = _draw_apart(d, k, seed)
    cost = float(d[medoids].min(axis=0).sum())
    while True:
        best = (cost * (1.0 - 1e-12), -1, -1)
        for position in range(k):
            others = medoids[:position] + medoids[position + 1 :]
            rest = d[others].min(axis=0) if others else np.full(n, np.inf)
            sums = np.minimum(rest, d).sum(axis=1)
            candidate = int(np.argmin(sums))
            best = min(best, (float(sums[candidate]), position, candidate))
        if best[1] < 0:
            return np.array(medoids), d[medoids].argmin(axis=0), cost
        cost, medoids[best[1]] = best[0], best[2]


def _draw_apart(d: Floats, k: int, seed: int) -> list[int]:
    """Draw k of n points, each with a chance that grows with its squared distance to those before (Arthur 2007)."""
    n = len(d)
    rng = np.random.default_rng(seed)
    medoids = [int(rng.integers(n))]
    while len(medoids) < k:
        nearest = d[medoids].min(axis=0) ** 2
        if not nearest.any():
            # only points at distance 0 from a centre are left
            nearest[[point for point in range(n) if point not in medoids]] = 1.0
        medoids.append(int(rng.choice(n, p=nearest / nearest.sum())))
    return medoids


def k_means(
    field: Field, points: ArrayLike, k: int, seed: int = 0, max_steps: int = 30
) -> tuple[Floats, np.ndarray, float]:
    """Cluster plane points around k Frechet means with the least sum of squared geodesic distances, by Lloyd's steps.

    It starts from `k_medoids`. Every step assigns the points to the nearest centre and moves each centre to the mean of
    its points, so the sum never rises but by the error of the means; it ends where no point changes its cluster, and
    warns where that takes more steps than allowed.

    Parameters
    ----------
    field : Field
        The metric, without impassable cells.
    points : array_like (n, 2)
        Plane points.
    k : int
        How many clusters.
    seed : int
        Of the medoids.
    max_steps : int
        Of Lloyd's method, at most.

    Returns
    -------
    centres : ndarray (k, 2)
        Plane points.
    labels : ndarray (n,) of int
        Clusters, in 0..k-1.
    cost : float
        The sum of squared distances.

    Raises
    ------
    ValueError
        For points that are not (n, 2) or outside the extent, k outside 1..n, and max_steps < 1.

    """
    need_field(field)
    if max_steps < 1:
        raise ValueError(f"max_steps must be at least 1, got {max_steps}")
    inside = inner_points(field.lattice, points, "points")
    medoids, labels, _ = k_medoids(geodesic_distances(field, inside), k, seed)
    centres = inside[medoids].copy()
    for _ in range(max_steps):
        for cluster in range(k):
            if (labels == cluster).any():
                centres[cluster] = frechet_mean(field, inside[labels == cluster], start=centres[cluster])
        d = geodesic_distances(field, centres, inside)
        before, labels = labels, d.argmin(axis=0)
        if np.array_equal(before, labels):
            break
    else:
        warnings.warn(f"points still change their cluster after {max_steps} steps; raise max_steps", stacklevel=2)
    return centres, labels, float((d.min(axis=0) ** 2).sum())
