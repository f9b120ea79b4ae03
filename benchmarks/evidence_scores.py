"""Scores of distances and lines: Kruskal's stress (1964), Spearman's rank correlation, mutual information.

Distances are matrices (n, n) unless a docstring says otherwise; every score is a number.
"""

import math

import numpy as np
from scipy import special, stats

import latent_widget as lw


def take_pairs(distances: np.ndarray) -> np.ndarray:
    """Return the distances of all pairs, n (n - 1) / 2 numbers."""
    return np.asarray(distances, dtype=float)[np.triu_indices(len(distances), 1)]


def stress(shown: np.ndarray, true: np.ndarray) -> float:
    """Kruskal's stress-1 with the best scale: the root of min over s of Σ (s shown - true)² / Σ true²."""
    a, b = take_pairs(shown), take_pairs(true)
    return math.sqrt(max(0.0, 1.0 - (a @ b) ** 2 / ((a @ a) * (b @ b))))


def spearman(shown: np.ndarray, true: np.ndarray) -> float:
    """Correlation of the ranks of all pairs' distances."""
    return float(stats.spearmanr(take_pairs(shown), take_pairs(true)).statistic)


def neighbour_accuracy(distances: np.ndarray, labels: np.ndarray, k: int = 5) -> float:
    """How often the commonest class among the k nearest others is a point's own; ties share."""
    apart = np.array(distances, dtype=float)
    np.fill_diagonal(apart, np.inf)
    near = labels[np.argsort(apart, axis=1, kind="stable")[:, :k]]
    votes = np.stack([(near == label).sum(1) for label in range(int(labels.max()) + 1)], axis=1)
    best = votes == votes.max(1, keepdims=True)
    return float((best[np.arange(len(labels)), labels] / best.sum(1)).mean())


def mutual_information(a: np.ndarray, b: np.ndarray) -> float:
    """Mutual information of two partitions over the mean of their entropies, 0 to 1."""
    joint = np.zeros((int(a.max()) + 1, int(b.max()) + 1))
    np.add.at(joint, (a, b), 1.0 / len(a))
    entropy = [special.entr(joint.sum(axis)).sum() for axis in (1, 0)]
    shared = sum(entropy) - special.entr(joint).sum()
    return float(2.0 * shared / sum(entropy)) if sum(entropy) > 0 else 1.0


def cluster_information(distances: np.ndarray, labels: np.ndarray) -> float:
    """Mutual information of the classes with as many k-medoids clusters, the cheapest of 3 draws."""
    symmetric = 0.5 * (distances + distances.T)
    count = len(np.unique(labels))
    runs = [lw.k_medoids(symmetric, count, seed) for seed in range(3)]
    return mutual_information(np.unique(labels, return_inverse=True)[1], min(runs, key=lambda run: run[2])[1])


def unevenness(decoded: np.ndarray) -> float:
    """Standard deviation of the decoded steps of a line (N, k), as a share of their mean."""
    steps = np.linalg.norm(np.diff(decoded, axis=0), axis=1)
    return float(steps.std() / steps.mean())


def variation(distances: list[np.ndarray]) -> float:
    """How much the distance of a pair changes from training to training, each scaled to mean 1.

    It is the root mean square over pairs of the standard deviation over trainings.
    """
    scaled = np.stack([pairs / pairs.mean() for pairs in map(take_pairs, distances)])
    return float(np.sqrt(scaled.var(axis=0, ddof=1).mean()))


def scale_multidimensionally(distances: np.ndarray, dimension: int = 2, steps: int = 500) -> np.ndarray:
    """Place points (n, dimension) with the least raw stress: SMACOF (de Leeuw 1977) from classical scaling."""
    n = len(distances)
    centre = np.eye(n) - 1.0 / n
    values, vectors = np.linalg.eigh(-0.5 * centre @ distances**2 @ centre)
    points = vectors[:, -dimension:] * np.sqrt(np.maximum(values[-dimension:], 0.0))
    before = np.inf
    for _ in range(steps):
        apart = np.linalg.norm(points[:, None] - points[None], axis=-1)
        lost = float(np.square(apart - distances).sum())
        if before - lost <= 1e-7 * lost:
            break
        before = lost
        ratio = np.divide(distances, apart, out=np.zeros_like(apart), where=apart > 0)
        points = (np.diag(ratio.sum(1)) - ratio) @ points / n
    return points


def interval(values: np.ndarray) -> tuple[float, float]:
    """Mean, and half the width of its 95 % interval by Student's t; NaN of fewer than two values."""
    values = np.asarray(values, dtype=float)
    if len(values) < 2:
        return (float(values.mean()) if len(values) else math.nan), math.nan
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values))
    return float(values.mean()), float(half)


def paired(values: np.ndarray) -> float:
    """Two-sided p of Wilcoxon's signed ranks for differences; 1 where all are 0, NaN of fewer than two."""
    values = np.asarray(values, dtype=float)
    if len(values) < 2:
        return math.nan
    return float(stats.wilcoxon(values).pvalue) if np.any(values) else 1.0
