"""The scores of the evidence against closed forms, its tables against made scores, and the study of one small set."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import cdist

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import evidence  # noqa: E402
import evidence_data  # noqa: E402
import evidence_scores as scores  # noqa: E402
import evidence_tables as tables  # noqa: E402

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


def test_edit_distances_of_known_texts():
    found = evidence_data.edit_distances(["kitten", "sitting", "kitten", "it"])
    edits = np.array([[0, 3, 0, 4], [3, 0, 3, 5], [0, 3, 0, 4], [4, 5, 4, 0]])
    longest = np.array([[6, 7, 6, 6], [7, 7, 7, 7], [6, 7, 6, 6], [6, 7, 6, 2]])
    assert found == pytest.approx(edits / longest)


def test_no_test_is_seen_by_a_model_or_a_judge():
    parts = evidence_data.split(97, 20)
    assert len(parts[2]) == 20
    assert sorted(np.concatenate(parts)) == list(range(97))


TRUE = ("stress, geodesics", "rank, data")


def make_training(case: str, seed: int, **ranks: float) -> tables.Training:
    rows = {
        name.replace("_", " ").replace(" turned", ", turned"): dict.fromkeys(TRUE, rank / 10) | {"rank, judge": rank}
        for name, rank in ranks.items()
    }
    return tables.Training(case, seed, rows, {}, 0.5, 1.0)


def test_placebos_are_told_where_every_training_agrees_and_counted():
    found = [make_training("a VAE", seed, isometric=0.5 + 0.01 * seed, isometric_turned=0.3) for seed in range(5)]
    found += [
        make_training("b VAE", seed, isometric=0.3 + 0.2 * (-1) ** seed, isometric_turned=0.3) for seed in range(4)
    ]
    found += [make_training("c VAE", seed, isometric=0.1 - 0.01 * seed, isometric_turned=0.3) for seed in range(5)]
    found += [make_training("a untrained", seed, isometric=0.9, isometric_turned=0.3 + 0.1 * seed) for seed in range(5)]
    study = tables.sort(found)
    assert list(study.control) == ["a untrained"]
    table = tables.compare_placebos(study)
    marks = {line.split(" | ")[0].strip("| "): line for line in table.splitlines()}
    assert "**better**" in marks["a VAE"]
    assert "**" not in marks["b VAE"]
    assert "**worse**" in marks["c VAE"]
    assert "1 of 3" in marks["told from the placebo"]


def test_promises_that_are_not_kept_are_said_so():
    kept = {"latent_plane": 3.0, "cartogram": 1.0, "isometric": 0.3, "MDS_of_geodesics": 0.25, "geodesics": 0.0}
    for isometric, answer in ((0.3, "yes"), (2.0, "**no**")):
        found = [make_training("a VAE", seed, **(kept | {"isometric": isometric})) for seed in range(2)]
        lines = tables.check_promises(tables.sort(found)).splitlines()
        assert [line.endswith(f"| {answer} |") for line in lines[2:5]] == [True] * 3


def test_tables_replace_what_stands_between_the_marks(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{evidence.BEGIN}\nold\n{evidence.END}\nafter\n", "utf-8")
    evidence.rewrite(page, "new")
    assert page.read_text("utf-8") == f"before\n{evidence.BEGIN}\nnew\n{evidence.END}\nafter\n"
    page.write_text("no marks", "utf-8")
    with pytest.raises(SystemExit, match="once each"):
        evidence.rewrite(page, "new")


def test_the_page_has_room_for_the_tables():
    text = (BENCHMARKS.parent / "docs" / "evidence.md").read_text("utf-8")
    assert text.count(evidence.BEGIN) == text.count(evidence.END) == 1


@pytest.mark.slow
def test_a_small_study_gives_every_row_its_scores(monkeypatch):
    pytest.importorskip("sklearn")
    # UMAP compiles for half a minute
    monkeypatch.setitem(sys.modules, "umap", None)
    size = evidence.Size(trainings=1, tests=24, cells=16, effort=0.1)
    data = evidence.load("breast cancer", size)
    found = [evidence.study("breast cancer VAE", data, seed, size) for seed in range(2)]
    rows = found[0].rows
    assert "UMAP of the data" not in rows
    assert set(rows) >= set(tables.ROWS) - {"UMAP of the data"}
    assert rows["geodesics"]["stress, geodesics"] == 0.0
    assert rows["MDS of geodesics"]["stress, geodesics"] < rows["cartogram"]["stress, geodesics"]
    for even in ("geodesics", "plane, respaced", "isometric"):
        assert rows[even]["unevenness"] < 0.7 * rows["latent plane"]["unevenness"]
    for name in tables.ROWS[:-1]:
        assert 0.0 <= rows[name]["stress, judge"] <= 1.0
        assert -1.0 <= rows[name]["rank, judge"] <= 1.0
    text = tables.write_tables(found, {"breast cancer": "about"}, ["how"])
    assert "| isometric |" in text
    assert "nan" not in text
