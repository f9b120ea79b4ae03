"""The scores of the evidence against closed forms, and the study's command on one small set."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import cdist

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import evidence_scores as scores  # noqa: E402

POINTS = np.random.default_rng(0).normal(size=(40, 2))
APART = cdist(POINTS, POINTS)


def test_stress_of_a_scaled_copy_is_zero_and_that_of_a_known_error_is_known():
    assert scores.stress(3.7 * APART, APART) < 1e-7
    # three points at 1, 1, 2 shown at 1, 1, 1: the best scale is 4/3, what is left is (1/9 + 1/9 + 4/9) / 6
    true = np.array([[0, 1, 2], [1, 0, 1], [2, 1, 0]])
    assert scores.stress(1.0 - np.eye(3), true) == pytest.approx(math.sqrt(6 / 9 / 6))


def test_spearman_sees_order_alone():
    assert scores.spearman(np.exp(APART), APART) == pytest.approx(1.0)
    assert scores.spearman(-APART, APART) == pytest.approx(-1.0)


def test_neighbours_of_separate_groups_agree_and_ties_share():
    labels = np.repeat([0, 1], 20)
    far = APART + 100.0 * (labels[:, None] != labels)
    assert scores.neighbour_accuracy(far, labels) == 1.0
    assert scores.neighbour_accuracy(100.0 - far, labels) == 0.0
    # two nearest others of either class, for every point of a square with classes along its sides
    square = np.array([[0.0, 0], [1, 0], [1, 1.001], [0, 1.001]])
    assert scores.neighbour_accuracy(cdist(square, square), np.array([0, 0, 1, 1]), k=2) == 0.5


def test_mutual_information_of_equal_and_of_independent_partitions():
    a = np.repeat([0, 1], 8)
    assert scores.mutual_information(a, 1 - a) == pytest.approx(1.0)
    assert scores.mutual_information(a, np.tile([0, 1], 8)) == pytest.approx(0.0, abs=1e-12)
    sklearn = pytest.importorskip("sklearn.metrics")
    b = np.random.default_rng(1).integers(3, size=16)
    expected = sklearn.normalized_mutual_info_score(a, b)
    assert scores.mutual_information(a, b) == pytest.approx(expected)


def test_clusters_of_separate_groups_are_the_classes():
    labels = np.repeat([2, 5], 20)
    assert scores.cluster_information(APART + 100.0 * (labels[:, None] != labels), labels) == pytest.approx(1.0)


def test_unevenness_of_even_and_of_known_steps():
    line = np.linspace([0.0, 0, 0], [1, 2, 3], 9)
    assert scores.unevenness(line) < 1e-12
    assert scores.unevenness(np.array([[0.0], [1.0], [4.0]])) == pytest.approx(0.5)


def test_variation_is_free_of_scale_and_known_for_two_trainings():
    assert scores.variation([APART, 5.0 * APART]) < 1e-12
    a, b = np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]), np.array([[0, 0.5, 1], [0.5, 0, 1.5], [1, 1.5, 0]])
    assert scores.variation([a, b]) == pytest.approx(math.sqrt((0.125 + 0 + 0.125) / 3))


def test_scaling_finds_points_in_the_plane_again_and_betters_classical_scaling_of_a_sphere():
    assert scores.stress(cdist(*[scores.scale_multidimensionally(APART)] * 2), APART) < 1e-3
    ball = np.random.default_rng(2).normal(size=(40, 3))
    ball /= np.linalg.norm(ball, axis=1, keepdims=True)
    arcs = np.arccos(np.clip(ball @ ball.T, -1, 1))
    lost = [scores.stress(cdist(*[scores.scale_multidimensionally(arcs, steps=n)] * 2), arcs) for n in (0, 500)]
    assert lost[1] < 0.95 * lost[0]


def test_intervals_and_paired_tests_of_known_differences():
    mean, half = scores.interval(np.array([1.0, 2.0, 3.0]))
    assert (mean, half) == (2.0, pytest.approx(4.3027 / math.sqrt(3), rel=1e-4))
    assert scores.paired(np.arange(1.0, 6.0)) == pytest.approx(2 / 2**5)
    assert scores.paired(np.zeros(5)) == 1.0
    assert math.isnan(scores.paired(np.array([1.0])))
