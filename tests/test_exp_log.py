"""The exponential and log maps against great circles and each other; means and medoids against what must be."""

import geodesic_fields
import numpy as np
import pytest
import surfaces
from hypothesis import given, settings
from hypothesis import strategies as st

from latent_widget import examples, measures
from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.geodesics import distance_field, distances, exp_map, frechet_mean, geodesic, k_medoids, log_map


def speed(field, point, velocity, surface):
    return float(np.sqrt(velocity @ surface.metric(np.asarray(point)) @ velocity))


@pytest.mark.parametrize("surface", surfaces.all_surfaces(), ids=lambda s: s.name)
def test_exp_of_log_is_the_target_and_its_length_the_distance(surface):
    field = surface.field(128)
    starts, ends = surface.pairs(6, seed=4)
    for a, b in zip(starts, ends, strict=True):
        velocity = log_map(field, a, b)
        assert speed(field, a, velocity, surface) == pytest.approx(surface.distance(a, b), rel=2e-4)
        path = exp_map(field, a, velocity)
        assert path.converged
        assert path.points[-1] == pytest.approx(b, abs=1e-5)
        exact = surface.path(a, b, np.linspace(0, 1, 129))
        assert np.abs(path.points - exact).max() < 2e-3 * np.ptp(np.array(surface.extent))


def test_exp_walks_at_constant_speed_and_ends_at_the_edge():
    surface = surfaces.sphere()
    field = surface.field(128)
    path = exp_map(field, (0.0, 0.0), (0.3, 0.1), n=50)
    assert np.diff(path.cumulative) == pytest.approx(np.full(49, path.length / 49), rel=1e-4)
    assert path.length == pytest.approx(2 * np.hypot(0.3, 0.1), rel=1e-5)
    with pytest.warns(UserWarning, match="left the extent"):
        stopped = exp_map(field, (0.0, 0.0), (3.0, 0.0))
    assert not stopped.converged
    assert stopped.points[-1] == pytest.approx((1.2, 0.0), abs=1e-6)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_short_geodesics_of_random_fields_leave_with_their_log_map(seed):
    field = geodesic_fields.random_field(seed, 0.7)
    a = geodesic_fields.points_in(field, 1, seed)[0] * 0.6
    a = np.clip(a, (-1.5, 0.5), (2.5, 3.5))
    b = a + np.array([0.3, -0.2])
    assert exp_map(field, a, log_map(field, a, b)).points[-1] == pytest.approx(b, abs=1e-4)
    assert np.array_equal(log_map(field, a, a), np.zeros(2))


@pytest.mark.slow
def test_exp_of_log_is_the_target_between_digits():
    """Pairs far apart on a real model, where a turn at the start moves the end five times as far and more."""
    digits = examples.digits()
    lattice = Lattice.fit(digits.latents, shape=(128, 128))
    field = measures.pullback(digits.gaussian_decoder, lattice)
    pairs = digits.latents[np.random.default_rng(0).choice(len(digits.latents), (20, 2))].astype(float)
    pairs[0] = (0.06088364, -1.4926759), (-0.43434864, 2.12438202)
    for a, b in pairs:
        path = exp_map(field, a, log_map(field, a, b), n=1025)
        assert np.abs((path.points[-1] - b) / lattice.spacing).max() < 1e-3
        # a geodesic to the target by another route would be longer; a polyline of fewer points is, a little
        shortest = geodesic(field, a, b).length
        assert (1.0 - 1e-3) * shortest < path.length < (1.0 + 2e-5) * shortest


def test_log_warns_where_the_shortest_path_runs_along_the_edge():
    lattice = Lattice((-1.0, 1.0, -1.0, 1.0), (64, 64))
    hill = 1.0 + 30.0 * np.exp(-np.square(lattice.cells).sum(axis=-1) / 0.5)
    with pytest.warns(
        UserWarning, match=r"from \(-0.9, -0.5\) to \(0.9, -0.5\) is no geodesic.* along the edge.*ends at"
    ):
        log_map(Field.from_density(lattice, hill), (-0.9, -0.5), (0.9, -0.5))


def test_a_walk_that_leaves_the_extent_is_even_too():
    field = surfaces.sphere().field(64)
    with pytest.warns(UserWarning, match="left the extent"):
        path = exp_map(field, (0.0, 0.0), (50.0, 10.0), n=33)
    assert len(path.points) == 33
    assert path.evenness > 0.99


SLOPE = Lattice((-1.0, 1.0, -1.0, 1.0), (32, 32))


def slope():
    """A density that rises to the right, in waves: geodesics are bent everywhere."""
    x, y = np.moveaxis(SLOPE.cells, -1, 0)
    return Field.from_density(SLOPE, np.exp(2.0 * x + np.sin(3.0 * y)))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("a", "b"), [((0, 0), (1, 0)), ((0.5, 0), (1, 0.1)), ((0.97, 0.97), (1, 1)), ((1, 0.2), (0.3, 0))]
)
def test_log_reaches_the_edge_without_a_warning(a, b):
    field = slope()
    assert exp_map(field, a, log_map(field, a, b)).points[-1] == pytest.approx(b, abs=1e-5)


@pytest.mark.filterwarnings("error")
def test_log_on_a_constant_metric_is_the_difference_also_along_edges_and_to_corners():
    field = Field(SLOPE, np.broadcast_to([[2.0, 0.3], [0.3, 1.0]], (32, 32, 2, 2)))
    places = np.array([(-1, -1), (1, 1), (1, -1), (-1, 1), (0.2, 1), (0.1, -0.3)], float)
    for a in places:
        for b in places:
            assert log_map(field, a, b) == pytest.approx(b - a, abs=1e-6)


@pytest.mark.filterwarnings("error")
def test_log_of_near_points_is_their_difference():
    field, start = slope(), np.array([0.1, 0.2])
    for size in 10.0 ** -np.arange(2, 13):
        away = size * np.array([1.0, 0.5])
        assert log_map(field, start, start + away) == pytest.approx(away, rel=0.1 if size > 1e-3 else 1e-3)


@pytest.mark.parametrize("velocity", [(30.0, 10.0), (1e4, 0.0), (1e6, 0.0), (0.0, -1e5), (1e200, 0.0)])
def test_a_fast_walk_ends_where_a_slow_one_does_on_the_edge(velocity):
    field = slope()
    slow = 8.0 * np.array(velocity) / np.abs(velocity).max()
    ends = []
    for v in (slow, velocity):
        with pytest.warns(UserWarning, match="left the extent"):
            ends.append(exp_map(field, (0.0, 0.0), v, n=5))
    assert np.abs(ends[1].points[-1]).max() == pytest.approx(1.0, abs=1e-9)
    assert ends[1].points == pytest.approx(ends[0].points, abs=1e-4)
    assert not ends[1].converged


def test_many_points_of_a_walk_are_given():
    assert len(exp_map(slope(), (0.0, 0.0), (0.3, 0.1), n=70_000).points) == 70_000


@pytest.mark.filterwarnings("error")
def test_a_mean_at_the_edge_comes_to_rest():
    mean = frechet_mean(slope(), [(1.0, 1.0), (-1.0, -1.0)])
    assert mean[1] == pytest.approx(1.0, abs=1e-6)
    assert frechet_mean(slope(), [(1.0, 1.0), (-1.0, -1.0)], max_steps=400) == pytest.approx(mean, abs=1e-9)
    assert frechet_mean(slope(), [(0.1, 0.1), (0.3, 0.1)], weights=[1e308, 1e308])[0] == pytest.approx(0.2, abs=0.05)


def test_the_mean_is_not_the_saddle_between_two_points():
    """The arithmetic mean is the top of a hill: the log maps cancel there, and the sum is largest along the valley."""
    lattice = Lattice((-3.0, 3.0, -2.0, 4.0), (64, 64))
    field = Field.from_density(lattice, 1.0 + 5.0 * np.exp(-np.square(lattice.cells - (0.0, 1.0)).sum(axis=-1)))
    ends = [(-2.0, 0.0), (2.0, 2.0)]
    mean = frechet_mean(field, ends)
    middle = 0.5 * geodesic(field, *ends).length
    assert distances(field, [mean], ends)[0] == pytest.approx([middle, middle], rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_no_point_anywhere_is_better_than_the_mean(seed):
    field = geodesic_fields.random_field(seed, 1.0)
    points = geodesic_fields.points_in(field, 4, seed)
    mean = frechet_mean(field, points)
    others = np.concatenate([points, geodesic_fields.points_in(field, 40, seed + 500)])
    costs = np.square(distances(field, np.concatenate([[mean], others]), points)).sum(axis=1)
    assert costs[0] <= costs[1:].min() * (1.0 + 1e-4)
    assert frechet_mean(field, points, start=mean) == pytest.approx(mean, abs=0.05)


def test_the_mean_of_two_is_the_middle_of_their_geodesic_and_weights_move_it():
    surface = surfaces.gaussian(0.6)
    field = surface.field(96)
    (a,), (b,) = surface.pairs(1, seed=5)
    assert frechet_mean(field, [a, b]) == pytest.approx(surface.path(a, b, np.array([0.5]))[0], abs=1e-4)
    assert frechet_mean(field, [a, b], weights=[3, 1]) == pytest.approx(
        surface.path(a, b, np.array([0.25]))[0], abs=1e-4
    )
    assert frechet_mean(field, [a]) == pytest.approx(a)


def test_no_point_around_the_mean_is_better():
    field = geodesic_fields.random_field(3, 0.5)
    points = geodesic_fields.points_in(field, 6, 9)
    mean = frechet_mean(field, points)
    around = mean + 0.05 * np.stack([np.cos(np.arange(8)), np.sin(np.arange(8))], axis=-1)
    costs = (distances(field, np.concatenate([[mean], around]), points) ** 2).sum(axis=1)
    assert costs[0] <= costs[1:].min() * (1 + 1e-6)


def test_medoids_find_separate_clusters_and_the_best_pair():
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(c, 0.1, (20, 2)) for c in ((0, 0), (3, 0), (0, 3))])
    d = np.linalg.norm(points[:, None] - points[None], axis=-1)
    medoids, labels, cost = k_medoids(d, 3)
    assert sorted(np.bincount(labels)) == [20, 20, 20]
    assert all(len(set(labels[k : k + 20])) == 1 for k in (0, 20, 40))
    assert cost == pytest.approx(d[medoids].min(axis=0).sum())
    many = np.kron(1 - np.eye(2), np.ones((5, 5)))
    assert all(len(set(k_medoids(many, 4, seed)[0])) == 4 for seed in range(10))
    small = d[::5, ::5]
    best = min(small[[i, j]].min(axis=0).sum() for i in range(12) for j in range(i))
    assert min(k_medoids(small, 2, seed)[2] for seed in range(5)) == pytest.approx(best)


def test_the_distance_field_agrees_with_the_closed_form():
    surface = surfaces.sphere()
    field = surface.field(96)
    found = distance_field(field, (0.2, -0.3))
    exact = surface.distance(np.array([0.2, -0.3]), field.lattice.cells)
    # inside the unit disc every great circle from there stays in the extent
    inside = np.linalg.norm(field.lattice.cells, axis=-1) < 1
    assert np.abs(found - exact)[inside].max() < 2e-3
    assert geodesic(field, (0.2, -0.3), field.lattice.cells[10, 40]).length == pytest.approx(found[10, 40], abs=2e-3)


def test_bad_input_is_named():
    field = Field.from_density(Lattice((0.0, 1.0, 0.0, 1.0), (8, 8)), np.ones((8, 8)))
    with pytest.raises(ValueError, match=r"point \(2, 0\) lies outside"):
        exp_map(field, (2.0, 0.0), (1.0, 0.0))
    with pytest.raises(ValueError, match="velocity must be one finite plane vector"):
        exp_map(field, (0.5, 0.5), (np.nan, 0.0))
    with pytest.raises(ValueError, match=r"target \(0.5, 3\) lies outside"):
        log_map(field, (0.5, 0.5), (0.5, 3.0))
    with pytest.raises(ValueError, match="weights must be 2 numbers >= 0"):
        frechet_mean(field, [(0.1, 0.1), (0.2, 0.2)], weights=[1, -1])
    with pytest.raises(ValueError, match="points are empty"):
        frechet_mean(field, np.zeros((0, 2)))
    with pytest.raises(ValueError, match="k must be between 1 and the number of points 3"):
        k_medoids(np.zeros((3, 3)), 4)
    with pytest.raises(ValueError, match="steps must be at least 1"):
        frechet_mean(field, [(0.1, 0.1), (0.2, 0.2)], max_steps=0)
    for bad, match in (
        ([[0, 1], [2, 0]], "not symmetric"),
        ([[0, -1], [-1, 0]], "negative: similarities are no distances"),
        ([[0, np.inf], [np.inf, 0]], "2 of 4 are not; points in parts of a mask"),
        ([[0, 1]], r"shape \(n, n\), got \(1, 2\)"),
    ):
        with pytest.raises(ValueError, match=match):
            k_medoids(bad, 1)
    with pytest.raises(ValueError, match="source must be one plane point"):
        distance_field(field, [(0.0, 0.0)])
