"""Clusters by geodesic distance: around medoids, which need distances alone, and around Frechet means."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from latent_widget._arrays import Floats, as_floats
from latent_widget._field import Field
from latent_widget.geodesics._geodesic import distances as geodesic_distances
from latent_widget.geodesics.exp_log import frechet_mean
from latent_widget.geodesics.validation import inner_points


def k_medoids(distances: Any, k: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, float]:
    """Cluster by distances alone: k of the points as centres, with the least sum of distances to the nearest
    one.

    Centres are drawn apart from each other, then swapped for other points one at a time while that lowers the
    sum.

    Args:
        distances: (n, n) symmetric, for instance from `distances(field, points)`.
        k: how many clusters; seed: of the first draw.

    Returns:
        medoids (k,) indices of the centres, labels (n,) in 0..k-1, and the sum of distances.

    Raises:
        ValueError: for distances that are not (n, n), finite, symmetric and at least 0, and k outside 1..n.

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
    rng = np.random.default_rng(seed)
    medoids = [int(rng.integers(n))]
    while len(medoids) < k:
        nearest = d[medoids].min(axis=0) ** 2
        if not nearest.any():
            # only points at distance 0 from a centre are left
            nearest[[point for point in range(n) if point not in medoids]] = 1.0
        medoids.append(int(rng.choice(n, p=nearest / nearest.sum())))
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


def k_means(field: Field, points: Any, k: int, seed: int = 0, steps: int = 30) -> tuple[Floats, np.ndarray, float]:
    """Cluster plane points around k Frechet means with the least sum of squared geodesic distances, by Lloyd's steps.

    It starts from `k_medoids`. Every step assigns the points to the nearest centre and moves each centre to the mean of
    its points, so the sum never rises but by the error of the means; it ends where no point changes its cluster, and
    warns where that takes more steps than allowed.

    Args:
        field: the metric, without impassable cells.
        points: (n, 2) plane points.
        k: how many clusters; seed: of the medoids; steps: at most.

    Returns:
        centres (k, 2), labels (n,) in 0..k-1, and the sum of squared distances.

    Raises:
        ValueError: for points that are not (n, 2) or outside the extent, and k outside 1..n.

    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    inside = inner_points(field.lattice, points, "points")
    medoids, labels, _ = k_medoids(geodesic_distances(field, inside), k, seed)
    centres = inside[medoids].copy()
    for _ in range(steps):
        for cluster in range(k):
            if (labels == cluster).any():
                centres[cluster] = frechet_mean(field, inside[labels == cluster], start=centres[cluster])
        d = geodesic_distances(field, centres, inside)
        before, labels = labels, d.argmin(axis=0)
        if np.array_equal(before, labels):
            break
    else:
        warnings.warn(f"points still change their cluster after {steps} steps; try more", stacklevel=2)
    return centres, labels, float((d.min(axis=0) ** 2).sum())
