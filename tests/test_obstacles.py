"""Paths that must keep to allowed cells, against visibility graphs, graph searches and closed forms; way-points."""

from itertools import pairwise

import numpy as np
import pytest
import surfaces
from geodesic_fields import graph_distances, points_in, random_field
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import label
from scipy.sparse.csgraph import dijkstra

from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.geodesics import distance_field, distances, equidistances, exp_map, geodesic, straight

LATTICE = Lattice((0.0, 1.0, 0.0, 1.0), (64, 64))


def flat(lattice=LATTICE, metric=((1.0, 0.0), (0.0, 1.0))):
    return Field(lattice, np.broadcast_to(metric, (*lattice.shape, 2, 2)))


def enters(lattice, mask, points):
    """Whether a polyline enters the interior of a forbidden cell, by dense samples."""
    t = np.linspace(0, 1, 64)[:, None, None]
    dense = ((1 - t) * points[:-1] + t * points[1:]).reshape(-1, 2)
    x0, _, y0, _ = lattice.extent
    cells = (dense - (x0, y0)) / lattice.spacing
    inner = (np.abs(cells - np.rint(cells)) > 1e-6).all(axis=1)
    j, i = np.clip(np.floor(cells[inner]).astype(int), 0, np.array(lattice.shape[::-1]) - 1).T
    return bool((~mask[i, j]).any())


def visibility_distance(lattice, mask, metric, a, b):
    """The exact shortest path among forbidden cells under a constant metric: over their corners, by Dijkstra."""
    # a frame of forbidden cells, so that no path squeezes between one of the others and the edge of the extent
    mask = np.pad(mask, 1)
    blocked = np.argwhere(~mask)
    both = [(i, j, r, s) for i, j in blocked for r, s in ((1, 1), (1, 2), (2, 1))]
    # pairs of neighbours as well, so that no path runs along their common edge
    boxes = np.array([(j, i, j + s, i + r) for i, j, r, s in both if not mask[i : i + r, j : j + s].any()], float)
    boxes = boxes[(boxes[:, 2] <= mask.shape[1]) & (boxes[:, 3] <= mask.shape[0])]
    corners = np.unique([(j + s, i + r) for i, j in blocked for r in (0, 1) for s in (0, 1)], axis=0)
    scale, origin = np.array(lattice.spacing), np.array([lattice.extent[0], lattice.extent[2]]) - lattice.spacing
    nodes = np.concatenate([[(np.asarray(p) - origin) / scale for p in (a, b)], corners])
    inside = (nodes >= 1).all(axis=1) & (nodes <= np.array(mask.shape[::-1]) - 1).all(axis=1)
    nodes = nodes[inside]
    p, q = nodes[:, None, None], nodes[None, :, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        first, second = (boxes[:, :2] - p) / (q - p), (boxes[:, 2:] - p) / (q - p)
        within = (p > boxes[:, :2]) & (p < boxes[:, 2:])
        low = np.where(q == p, np.where(within, -np.inf, np.inf), np.minimum(first, second)).max(axis=-1)
        high = np.where(q == p, np.where(within, np.inf, -np.inf), np.maximum(first, second)).min(axis=-1)
    seen = ~(np.minimum(high, 1) - np.maximum(low, 0) > 1e-9).any(axis=-1)
    steps = (nodes[:, None] - nodes[None]) * scale
    lengths = np.sqrt(np.einsum("...i,ij,...j", steps, metric, steps))
    return dijkstra(np.where(seen, lengths, 0.0), directed=False, indices=0)[1]


@pytest.mark.slow
def test_the_way_round_a_wall_turns_exactly_at_its_corners():
    mask = np.ones(LATTICE.shape, bool)
    mask[:40, 30:34] = False
    a, b = np.array([0.1, 0.1]), np.array([0.9, 0.25])
    path = geodesic(flat(), a, b, mask=mask)
    left, right = np.array([30, 40]) / 64, np.array([34, 40]) / 64
    exact = np.linalg.norm(left - a) + 4 / 64 + np.linalg.norm(b - right)
    assert path.length == pytest.approx(exact, rel=1e-9)
    assert path.converged
    assert path.straight_length == np.inf
    assert not enters(LATTICE, mask, path.points)
    assert np.array_equal(path.points[[0, -1]], [a, b])
    back = geodesic(flat(), b, a, mask=mask)
    assert np.array_equal(back.points, path.points[::-1])
    # on the same side the wall does not matter
    assert geodesic(flat(), a, (0.2, 0.5), mask=mask).length == pytest.approx(np.hypot(0.1, 0.4), rel=1e-12)


@pytest.mark.parametrize(("n", "tolerance"), [(64, 1e-2), (128, 5e-3)])
def test_the_way_round_a_disc_is_tangents_and_an_arc(n, tolerance):
    lattice = Lattice((-1.0, 1.0, -1.0, 1.0), (n, n))
    mask = np.linalg.norm(lattice.cells, axis=-1) > 0.4
    a, b = np.array([-0.8, 0.05]), np.array([0.8, -0.1])
    path = geodesic(flat(lattice), a, b, mask=mask, alternatives=1)

    def exact(turn):
        reach = [np.linalg.norm(p) for p in (a, b)]
        arc = turn - sum(np.arccos(0.4 / r) for r in reach)
        return sum(np.sqrt(r * r - 0.16) for r in reach) + 0.4 * arc

    angle = np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    assert path.length == pytest.approx(exact(angle), rel=tolerance)
    (other,) = path.alternatives
    assert other.length == pytest.approx(exact(2 * np.pi - angle), rel=tolerance)
    assert not enters(lattice, mask, path.points)
    assert not enters(lattice, mask, other.points)


@pytest.mark.slow
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_paths_among_random_blocks_are_those_of_the_visibility_graph(seed):
    rng = np.random.default_rng(seed)
    lattice = Lattice((-1.0, 2.0, 0.0, 2.0), (10, 14))
    mask = rng.random(lattice.shape) > 0.3
    for _ in range(50):
        # the graph cannot tell a way between two cells that touch at a corner from one that squeezes through
        falling = mask[:-1, :-1] & mask[1:, 1:] & ~mask[1:, :-1] & ~mask[:-1, 1:]
        rising = ~mask[:-1, :-1] & ~mask[1:, 1:] & mask[1:, :-1] & mask[:-1, 1:]
        mask[:-1, :-1][falling] = False
        mask[1:, :-1][rising] = False
    parts, _ = label(mask)
    largest = np.bincount(parts[mask]).argmax()
    cells = np.argwhere(parts == largest)
    (i, r), (j, s) = cells[rng.choice(len(cells), 2)].T
    a, b = lattice.cells[i, j] + 0.05 * rng.normal(size=2), lattice.cells[r, s]
    a = np.clip(a, lattice.cells[i, j] - 0.08, lattice.cells[i, j] + 0.08)
    turn = rng.normal(size=(2, 2))
    metric = turn @ turn.T + 0.3 * np.eye(2)
    field = flat(lattice, metric)
    path = geodesic(field, a, b, mask=mask)
    assert not enters(lattice, mask, path.points)
    exact = visibility_distance(lattice, mask, metric, a, b)
    assert path.length >= exact * (1 - 1e-9)
    # where two ways are nearly as short the march may take the other
    assert path.length <= exact * 1.001
    assert distances(field, [a], [b], mask=mask)[0, 0] == pytest.approx(path.length, rel=1e-3)


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), infinite=st.booleans())
def test_a_graph_search_finds_the_same_ways_round_from_above(seed, infinite):
    field = random_field(seed, 0.8)
    rng = np.random.default_rng(seed)
    x, y = field.lattice.cells[..., 0], field.lattice.cells[..., 1]
    mask = np.hypot(x - 0.5, y - 2) > 0.9
    mask[rng.integers(5, 35), 5:30] = False
    cells = rng.choice(np.flatnonzero(mask), 4, replace=False)
    points = field.lattice.cells.reshape(-1, 2)[cells]
    graph = graph_distances(field, cells, allowed=mask)
    if infinite:
        metric = np.where(mask[..., None, None], field.metric, np.inf)
        ours = distances(Field(field.lattice, metric, walls=True), points)
    else:
        ours = distances(field, points, mask=mask)
    off = ~np.eye(len(cells), dtype=bool)
    assert np.all(ours[off] <= graph[off] * 1.01)
    assert np.all(graph[off] <= ours[off] * 1.25)


def test_separate_parts_are_infinitely_far_and_named():
    mask = np.ones(LATTICE.shape, bool)
    mask[:, 30] = False
    field = flat()
    with pytest.raises(ValueError, match=r"no path leads from start \(0.1, 0.5\) to end \(0.9, 0.5\)"):
        geodesic(field, (0.1, 0.5), (0.9, 0.5), mask=mask)
    assert distances(field, [(0.1, 0.5)], [(0.9, 0.5), (0.2, 0.5)], mask=mask) == pytest.approx(
        np.array([[np.inf, 0.1]])
    )
    reached = distance_field(field, (0.1, 0.5), mask=mask)
    assert np.isinf(reached[:, 30:]).all()
    assert np.isfinite(reached[:, :30]).all()
    # two cells that touch at a corner let nothing through
    crossing = np.zeros((4, 4), bool)
    crossing[:2, :2] = crossing[2:, 2:] = True
    with pytest.raises(ValueError, match="do not touch along an edge"):
        geodesic(flat(Lattice((0, 4, 0, 4), (4, 4))), (0.5, 0.5), (3.5, 3.5), mask=crossing)


def test_an_infinite_wall_is_walked_around_and_lines_across_it_are_infinitely_long():
    rho = np.ones(LATTICE.shape)
    rho[:40, 30:34] = np.inf
    field = Field.from_density(LATTICE, rho, walls=True)
    mask = np.isfinite(rho)
    a, b = (0.1, 0.1), (0.9, 0.25)
    assert geodesic(field, a, b).length == pytest.approx(geodesic(flat(), a, b, mask=mask).length, rel=1e-9)
    line = straight(field, a, b)
    assert line.length == line.straight_length == np.inf
    assert "impassable" in line.message
    assert line.at(3, by="latent")[1] == pytest.approx((0.5, 0.175))
    with pytest.raises(ValueError, match="infinitely long"):
        line.at(3)
    with pytest.raises(ValueError, match=r"start \(0.5, 0.1\) lies in a cell that is impassable in the field"):
        geodesic(field, (0.5, 0.1), b)
    with pytest.raises(ValueError, match="impassable cells"):
        exp_map(field, a, (0.1, 0.1))
    assert len(equidistances(field, a, [0.05, 0.1])) == 2


def test_masks_on_a_curved_surface_keep_to_the_closed_form_where_they_do_not_matter():
    surface = surfaces.sphere()
    field = surface.field(96)
    mask = np.linalg.norm(field.lattice.cells - (0.9, -0.9), axis=-1) > 0.2
    for a, b in zip(*surface.pairs(6, seed=3), strict=True):
        way = surface.path(a, b, np.linspace(0, 1, 200))
        if np.linalg.norm(way - (0.9, -0.9), axis=-1).min() > 0.25:
            assert geodesic(field, a, b, mask=mask).length == pytest.approx(surface.distance(a, b), rel=1e-5)


def test_way_points_are_passed_in_order():
    field = random_field(5, 0.7)
    start, *via, end = points_in(field, 4, 2)
    path = geodesic(field, start, end, via=via)
    stops = [start, *via, end]
    legs = [geodesic(field, p, q) for p, q in pairwise(stops)]
    assert path.length == pytest.approx(sum(leg.length for leg in legs), rel=1e-12)
    places = [int(np.flatnonzero((path.points == p).all(axis=1))[0]) for p in stops]
    assert places == sorted(places)
    assert path.cumulative[places] == pytest.approx(np.cumsum([0.0, *(leg.length for leg in legs)]))
    assert path.straight_length == pytest.approx(straight(field, start, end).length)
    assert geodesic(field, start, end, via=[start, end]).length == pytest.approx(geodesic(field, start, end).length)
    assert geodesic(field, start, start, via=[start]).length == 0.0
    with pytest.raises(ValueError, match=r"via \(row 1\) \(99, 0\) lies outside"):
        geodesic(field, start, end, via=[via[0], (99, 0)])
    with pytest.raises(ValueError, match="alternatives=1 cannot be had with via="):
        geodesic(field, start, end, via=via, alternatives=1)


def test_bad_masks_are_named():
    field = flat()
    with pytest.raises(ValueError, match=r"mask must be bool of shape \(64, 64\)"):
        geodesic(field, (0.1, 0.1), (0.2, 0.2), mask=np.ones((3, 3), bool))
    with pytest.raises(ValueError, match="mask must be bool"):
        distances(field, [(0.1, 0.1)], mask=np.ones((64, 64)))
    mask = np.ones((64, 64), bool)
    mask[10, 10] = False
    inside = LATTICE.cells[10, 10]
    with pytest.raises(ValueError, match=r"end .* outside the mask \(row 10, column 10\)"):
        geodesic(field, (0.1, 0.1), inside, mask=mask)
    with pytest.raises(ValueError, match=r"sources \(row 1\) .* outside the mask"):
        distances(field, [(0.1, 0.1), inside], mask=mask)
    with pytest.raises(ValueError, match=r"source .* outside the mask"):
        distance_field(field, inside, mask=mask)
    with pytest.raises(ValueError, match="nodes=9 cannot be chosen"):
        geodesic(field, (0.1, 0.1), (0.3, 0.3), nodes=9, mask=mask)
