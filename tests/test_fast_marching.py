"""Marches over random fields: no node before the one it came from, and back only what cannot matter is left out."""

import numpy as np
import pytest
from geodesic_fields import points_in, random_field
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.geodesics import distances, geodesic
from latent_widget.geodesics.solver.eikonal import prepare

DOUBT = 0.06


def march_on(field, size):
    """The problem of a field, marched on so many cells along the longer side."""
    return prepare(field.metric, field.lattice.extent, field.walls, size=size)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), roughness=st.floats(0.0, 0.5), everywhere=st.booleans())
def test_the_march_back_knows_all_that_is_nearly_on_the_way(seed, roughness, everywhere):
    field = random_field(seed, roughness)
    problem = march_on(field, 64)
    source, target = problem.chart.to_index(points_in(field, 2, seed))
    there, back = problem.march_both(source, target, DOUBT, everywhere)
    ahead, behind = problem.march(source).distance, problem.march(target).distance
    total = ahead + behind
    # other ways are looked for where between an eighth and seven eighths of the way are done
    share = ahead / total
    near = (total <= (1.0 + DOUBT) * total.min()) & (share > 0.1) & (share < 0.9)
    assume(near.any())
    assert there[0][near] == pytest.approx(ahead[near], rel=1e-12)
    assert back[0][near] == pytest.approx(behind[near], rel=5e-3)
    reached = np.isfinite(back[0])
    assert np.all(back[0][reached] >= behind[reached] * (1.0 - 1e-2))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), size=st.sampled_from([48, 64, 96]))
def test_no_node_comes_before_the_one_it_came_from(seed, size):
    """On a field whose eigenvalues range over e^12 and which few cells resolve."""
    field = random_field(seed, 2.0)
    problem = march_on(field, size)
    u, _, parent = problem.march(problem.chart.to_index(points_in(field, 1, seed))[0])
    later = np.flatnonzero(parent >= 0)
    assert u.min() >= 0.0
    assert np.all(u[later] >= u[parent[later]])


def test_distances_on_a_steep_field_are_those_of_the_paths():
    field = random_field(1, 2.0)
    starts, ends = points_in(field, 2 * 24, 51).reshape(2, 24, 2)
    marched = np.array(
        [distances(field, a[None], b[None], refine=False)[0, 0] for a, b in zip(starts, ends, strict=True)]
    )
    walked = np.array([geodesic(field, a, b).length for a, b in zip(starts, ends, strict=True)])
    assert np.median(np.abs(marched / walked - 1.0)) < 0.1
    assert np.all(marched > 0.5 * walked)
    assert np.all(marched < 2.0 * walked)


def over_cells(cost):
    """An isotropic cost (H, W) per cell."""
    height, width = cost.shape
    return Field.from_density(Lattice((0.0, width, 0.0, height), cost.shape), np.square(cost))


@pytest.mark.parametrize("off", [0, 1, 2, 3])
def test_the_march_back_sees_both_ways_round_an_obstacle(off):
    """It reaches from end to end, so that the longer way comes to the target from where no march has been."""
    x, y = np.meshgrid(np.arange(128) + 0.5, np.arange(128) + 0.5)
    hill = np.exp(-((np.square((x - 64) / 46) + np.square((y - 64 - off) / 20)) ** 4))
    problem = march_on(over_cells(np.exp(3.0 * hill)), 128)
    source, target = problem.chart.to_index(np.array([(8.0, 64.0), (120.0, 64.0)]))
    _, back = problem.march_both(source, target, DOUBT)
    ahead = problem.march(source)[0]
    total = ahead + problem.march(target)[0]
    near = (total <= (1.0 + DOUBT) * total.min()) & (ahead > 0.125 * total) & (ahead < 0.875 * total)
    assert near.sum() > 1000
    assert np.isfinite(back[0][near]).all()


@pytest.mark.parametrize("end", [(128, 70), (128, 128), (127.6, 3), (40, 0)])
def test_the_march_back_comes_home_from_a_steep_edge(end):
    """The nodes around a point on the edge are nearer than it by more than the march back may lose."""
    edge = np.minimum.reduce([*np.indices((128, 128)), *np.indices((128, 128))[:, ::-1, ::-1]])
    field = over_cells(0.05 * np.exp(np.maximum(6 - edge, 0)))
    problem = march_on(field, 128)
    _, back = problem.march_both(*problem.chart.to_index(np.array([(40.0, 60.0), end])), DOUBT)
    assert np.isfinite(back[0].reshape(128, 128)[59:61, 39:41]).all()


def test_a_last_half_cell_that_costs_much_hides_no_other_way():
    """The way round on the far side is 4 % longer; more than a tenth of both lies beyond the last nodes."""
    x, y = np.meshgrid(np.arange(128) + 0.5, np.arange(128) + 0.5)
    hill = np.exp(-((np.square((x - 64) / 46) + np.square((y - 66) / 20)) ** 4))
    problem = march_on(over_cells(np.exp(3.0 * hill) + 80.0 * np.exp(0.5 * (x - 128))), 128)
    source, target = problem.chart.to_index(np.array([(8.0, 64.0), (128.0, 64.0)]))
    there, back = problem.march_both(source, target, DOUBT)
    total = there[0] + back[0]
    rows = np.flatnonzero(total.reshape(128, 128)[:, 64] <= (1.0 + DOUBT) * total.min())
    assert rows.min() < 64 < rows.max()


def test_the_march_back_is_short():
    field = random_field(3, 0.0)
    problem = march_on(field, 128)
    source, target = problem.chart.to_index(np.array([[0.0, 1.0], [2.0, 3.0]]))
    there, back = problem.march_both(source, target, DOUBT)
    assert np.isfinite(back[0]).sum() < 0.35 * np.isfinite(there[0]).sum()
