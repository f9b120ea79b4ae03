"""What all maps share: distortion, distances on the page, outlines, and points through maps with a free boundary."""

from __future__ import annotations

import pickle
from fractions import Fraction

import numpy as np
import pytest

import latent_widget as lw
from latent_widget.maps._map import Map, report_map
from latent_widget.maps.cartograms.quads import cell_search, point_location
from latent_widget.maps.isometry import outline
from latent_widget.maps.isometry.outline import find_crossings, trace_outline

BOX = (-1.0, 2.0, 0.0, 2.0)


def lattice(shape: tuple[int, int] = (40, 60)) -> lw.Lattice:
    return lw.Lattice(BOX, shape)


def make_map(grid: lw.Lattice, corners: np.ndarray, metric: np.ndarray, unit: float = 1.0) -> Map:
    metric = np.broadcast_to(metric, (*grid.shape, 2, 2))
    return report_map(grid.extent, corners, metric, unit, method="test", iterations=0, message="")


def bend(points: np.ndarray, turns: float = 1.6) -> np.ndarray:
    """A strip bent round: radius from 0.5 to 2.5, an angle of `turns` times pi; orientation is kept."""
    angle, radius = -turns * np.pi * points[..., 0] / 3.0, points[..., 1] + 0.5
    return np.stack([radius * np.sin(-angle), radius * np.cos(angle)], -1)


@pytest.fixture(scope="module")
def ring() -> Map:
    grid = lattice((64, 150))
    return make_map(grid, bend(grid.corners), np.eye(2))


def noisy(shape: tuple[int, ...]) -> np.ndarray:
    rng = np.random.default_rng(3)
    waves = sum(a * np.cos(k * x) for a, k, x in zip((0.5, 0.8, 0.3), (3, 2, 5), np.indices(shape), strict=False))
    return np.asarray(np.exp(0.3 * waves + 0.1 * rng.normal(size=shape)))


def tensors(shape: tuple[int, ...], d: int) -> np.ndarray:
    roots = np.random.default_rng(4).normal(size=(*shape, d, d))
    return np.asarray(roots @ np.swapaxes(roots, -1, -2) + 0.3 * np.eye(d))


def test_a_linear_map_has_the_singular_values_of_linear_algebra() -> None:
    grid = lattice()
    linear = np.array([[1.3, 0.4], [-0.2, 0.8]])
    metric = tensors(grid.shape, 2)
    found = make_map(grid, grid.corners @ linear.T, metric, unit=0.7)
    root = np.linalg.cholesky(metric)
    expected = np.linalg.svd(0.7 * linear @ np.linalg.inv(np.swapaxes(root, -1, -2)), compute_uv=False)
    np.testing.assert_allclose(found.distortion, expected, rtol=1e-12)
    np.testing.assert_allclose(found.distortion.prod(-1), 1 + found.area_error, rtol=1e-12)


def test_an_isometry_has_no_distortion_and_true_distances() -> None:
    grid = lattice()
    linear = np.array([[1.3, 0.4], [-0.2, 0.8]])
    found = make_map(grid, grid.corners @ linear.T + 5.0, linear.T @ linear)
    np.testing.assert_allclose(found.distortion, 1.0, rtol=1e-13)
    assert found.anisotropy == pytest.approx(1.0, abs=1e-12)
    assert found.max_area_error < 1e-12
    assert found.folds == 0
    assert found.converged
    field = lw.Field(grid, np.broadcast_to(linear.T @ linear, (*grid.shape, 2, 2)))
    points = np.random.default_rng(0).uniform(BOX[0::2], BOX[1::2], (12, 2))
    np.testing.assert_allclose(found.distances(points), lw.distances(field, points), rtol=1e-6)
    np.testing.assert_allclose(found.distances(points[:5], points[5:]), found.distances(points)[:5, 5:], rtol=1e-14)


def test_a_mirror_image_folds_everywhere() -> None:
    grid = lattice()
    found = make_map(grid, grid.corners * (-1, 1), np.eye(2))
    assert found.folds == grid.shape[0] * grid.shape[1]
    assert not found.converged


@pytest.mark.parametrize("floor", [None, 0.5])
def test_the_unit_of_a_cartogram_turns_areas_of_the_page_into_measured_ones(floor: float | None) -> None:
    grid = lattice((24, 30))
    field = lw.Field(grid, 37.0 * tensors(grid.shape, 2)).temper(0.5)
    cart = lw.cartogram(field, floor=floor)
    np.testing.assert_allclose(cart.distortion.prod(-1), 1 + cart.area_error, rtol=1e-10)
    if floor is None:
        measured = field.density.sum() * np.prod(grid.spacing)
        assert cart.unit**2 * 6.0 == pytest.approx(measured, rel=1e-12)
    assert cart.anisotropy > 1.2
    even = lw.cartogram(np.full((8, 9), 4.0), BOX)
    np.testing.assert_allclose(even.distortion, 1.0, rtol=1e-13)
    assert even.unit == pytest.approx(2.0)
    assert even.anisotropy == pytest.approx(1.0)
    np.testing.assert_allclose(even.distances([[0.0, 0.0], [1.0, 0.0]]), [[0, 2], [2, 0]], atol=1e-14)


def test_the_distortion_of_an_array_is_that_of_the_conformal_metric() -> None:
    rho = 1e9 * noisy((20, 30))
    array = lw.cartogram(rho, BOX)
    field = lw.cartogram(lw.Field.from_density(lattice((20, 30)), rho))
    np.testing.assert_allclose(array.distortion, field.distortion, rtol=1e-12)
    assert array.unit == pytest.approx(field.unit, rel=1e-13)


def test_a_box_reports_its_distortion() -> None:
    grid = lw.Lattice((0, 1, 0, 2, 0, 3), (4, 5, 6))
    metric = tensors(grid.shape, 3)
    linear = np.array([[1.2, 0.1, 0.0], [0.3, 0.9, -0.2], [0.0, 0.4, 1.1]])
    found = report_map(grid.extent, grid.corners @ linear.T, metric, 1.0, method="test", iterations=0, message="")
    root = np.linalg.cholesky(metric)
    expected = np.linalg.svd(linear @ np.linalg.inv(np.swapaxes(root, -1, -2)), compute_uv=False)
    np.testing.assert_allclose(found.distortion, expected[..., [0, 2]], rtol=1e-10)
    cart = lw.cartogram(np.full((3, 3, 3), 8.0))
    assert cart.unit == pytest.approx(2.0)
    np.testing.assert_allclose(cart.distortion, 1.0, rtol=1e-12)
    assert cart.distances([[0.0, 0, 0]], [[0.0, 0.0, 1.0]])[0, 0] == pytest.approx(2.0)
    with pytest.raises(ValueError, match="no outline"):
        _ = cart.outline


def test_points_go_through_a_bent_map_and_back(ring: Map) -> None:
    assert ring.folds == 0
    points = np.random.default_rng(2).uniform(BOX[0::2], BOX[1::2], (20000, 2))
    there = ring.transform(points)
    np.testing.assert_allclose(ring.inverse(there), points, atol=1e-11)
    np.testing.assert_allclose(ring.inverse(ring.corners), lattice((64, 150)).corners, atol=1e-11)
    sides = ring.outline + 0.3 * (np.roll(ring.outline, -1, axis=0) - ring.outline)
    np.testing.assert_allclose(ring.transform(ring.inverse(sides)), sides, atol=1e-11)


def test_points_beyond_the_outline_are_an_error_or_go_to_the_nearest_point_of_it(ring: Map) -> None:
    centre = np.zeros(2)
    with pytest.raises(ValueError, match=r"1 of 2 lie outside the outline of the map, the first at \(0\.0, 0\.0\)"):
        ring.inverse([ring.corners[3, 4], centre])
    # in the hole of the ring, straight before the middle of an inner side
    middles = 0.5 * (np.stack([ring.corners[0, 40:42], lattice((64, 150)).corners[0, 40:42]])).sum(1)
    np.testing.assert_allclose(ring.inverse(0.4 * middles[0], outside="clamp"), middles[1], atol=1e-9)
    rng = np.random.default_rng(5)
    far = rng.uniform(-3, 3, (400, 2))
    moved = ring.transform(ring.inverse(far, outside="clamp"))
    fine = (
        ring.outline[:, None] + np.linspace(0, 1, 50)[:, None] * (np.roll(ring.outline, -1, 0) - ring.outline)[:, None]
    )
    fine = fine.reshape(-1, 2)
    out = np.linalg.norm(moved - far, axis=1) > 1e-9
    assert 100 < out.sum() < 390
    nearest = np.linalg.norm(far[out, None] - fine, axis=2).min(1)
    np.testing.assert_allclose(np.linalg.norm(moved - far, axis=1)[out], nearest, atol=2e-3)
    assert (np.linalg.norm(moved - far, axis=1)[out] <= nearest + 1e-12).all()
    with pytest.raises(ValueError, match="outside='drop'"):
        ring.inverse(far, outside="drop")
    with pytest.raises(ValueError, match="not finite"):
        ring.inverse([np.nan, 0.0])
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        ring.inverse([0.0, 0.0, 0.0])


def test_a_random_sliver_mesh_inverts() -> None:
    # shears and a steep grading: buckets with thousands of cells, cells that reach over hundreds of buckets
    grid = lw.Lattice((0, 1, 0, 1), (80, 80))
    x, y = np.moveaxis(grid.corners, -1, 0)
    corners = np.stack([x**4 + 0.01 * x + 3 * np.sin(3 * y), y**4 + 2e-3 * y], -1)
    found = make_map(grid, corners, np.eye(2))
    assert found.folds == 0
    points = np.random.default_rng(7).random((5000, 2))
    np.testing.assert_allclose(
        found.transform(found.inverse(found.transform(points))), found.transform(points), atol=1e-9
    )


def test_many_points_in_a_bent_map_do_not_search_every_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    grid = lattice((256, 256))
    found = make_map(grid, bend(grid.corners), np.eye(2))
    there = found.transform(np.random.default_rng(2).uniform(BOX[0::2], BOX[1::2], (100_000, 2)))
    out = np.empty_like(there)
    # walks from cell to cell find nearly all
    assert point_location._walk(there, found.corners, found._buckets, *found._page, out) < 0.01 * len(there)
    named = []

    def count(points, corners, low, size, rows, columns, ends, cells, out):  # type: ignore[no-untyped-def]
        """How many cells the buckets of the points name."""
        place = np.clip((points - low) / size * [columns, rows], 0, [columns - 1, rows - 1]).astype(int)
        named.append(np.diff(ends, prepend=0)[place[:, 1] * columns + place[:, 0]])
        # the ends are those of the table that is searched
        assert ends[-1] == len(cells)
        return search_buckets(points, corners, low, size, rows, columns, ends, cells, out)

    search_buckets = cell_search.search_buckets
    monkeypatch.setattr(cell_search, "search_buckets", count)
    out[:] = np.nan
    assert cell_search.search(there, found.corners, *found._page, out) == 0
    # of 65 536 cells
    assert 1 <= named[0].mean() < 20


def test_the_outline_runs_counter_clockwise_along_every_border_corner(ring: Map) -> None:
    border = np.zeros(ring.corners.shape[:2], bool)
    border[[0, -1]] = border[:, [0, -1]] = True
    assert len(ring.outline) == border.sum() == 2 * (64 + 150)
    assert {tuple(p) for p in ring.outline} == {tuple(p) for p in ring.corners[border]}
    flat = make_map(lattice(), lattice().corners, np.eye(2)).outline
    x, y = flat.T
    assert 0.5 * (x * np.roll(y, -1) - y * np.roll(x, -1)).sum() == pytest.approx(6.0)


def test_a_strip_that_overlaps_itself_is_told_from_one_that_does_not() -> None:
    grid = lattice((10, 60))
    once = make_map(grid, bend(grid.corners, 1.9), np.eye(2))
    assert (once.folds, len(find_crossings(once.outline))) == (0, 0)
    # bent by more than a whole turn: every cell is sound, and yet the ends lie on each other
    twice = make_map(grid, bend(grid.corners, 2.3), np.eye(2))
    assert twice.folds == len(find_crossings(twice.outline)) > 0
    assert not twice.converged


def brute(ring: np.ndarray) -> list[list[int]]:
    """All pairs of sides that share a point, by solving for it; for sides in general position."""
    n, found = len(ring), []
    for k in range(n):
        for m in range(k + 2, n):
            if (m + 1) % n == k:
                continue
            u, v = ring[(k + 1) % n] - ring[k], ring[(m + 1) % n] - ring[m]
            s, t = np.linalg.solve(np.stack([u, -v], 1), ring[m] - ring[k])
            if 0 <= s <= 1 and 0 <= t <= 1:
                found.append([k, m])
    return found


def test_crossings_of_random_polygons_are_those_of_linear_algebra() -> None:
    for seed in range(5):
        ring = np.random.default_rng(seed).random((40, 2))
        assert find_crossings(ring).tolist() == brute(ring)
    angle = np.linspace(0, 2 * np.pi, 300, endpoint=False)
    eight = np.stack([np.sin(angle + 0.1), np.sin(2 * angle + 0.2)], -1)
    assert len(find_crossings(eight)) == 1


def test_crossings_that_rounding_leaves_open_are_settled() -> None:
    square = np.array([[0, 0], [1, 0], [2, 0], [3, 0], [3, 3], [0, 3], [0, 2], [0, 1]], float)
    assert find_crossings(square).shape == (0, 2)
    assert find_crossings(square[::-1]).shape == (0, 2)
    # a spike that touches the opposite side in its middle, and one that stops the last digit short of it
    spike = np.array([[0, 0], [2, 0], [2, 1], [1, 0], [0, 1]], float)
    assert len(find_crossings(spike)) == 2
    short = spike.copy()
    short[3, 1] = 5e-324
    assert find_crossings(short).shape == (0, 2)
    # a corner one last digit before, on and behind a slanted side; 0.3 and 0.1 are no binary fractions
    for steps in range(-6, 7):
        x = 0.1 + steps * np.spacing(0.1)
        tip = np.array([[0, 0], [0.3, 0.9], [-1, 1], [x, 0.3], [-1, 0.2]])
        behind = Fraction(x) * Fraction(0.9) >= Fraction(0.3) * Fraction(0.3)
        assert len(find_crossings(tip)) == (2 if behind else 0), steps
    back = np.array([[0, 0], [2, 0], [1, 0], [1, 1]], float)
    assert [0, 1] in find_crossings(back).tolist()
    assert [0, 3] in find_crossings(np.roll(back, -1, axis=0)).tolist()
    with pytest.raises(ValueError, match="polygon"):
        find_crossings([[0, 0], [1, 1]])
    with pytest.raises(ValueError, match="1 corners that are not finite"):
        find_crossings([[0, 0], [1, 1], [np.nan, 0]])


def test_long_outlines_are_checked_mostly_without_exact_arithmetic(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    straight = trace_outline(lw.Lattice((0, 1, 0, 1), (1000, 1000)).corners)
    angle = np.linspace(0, 2 * np.pi, 4000, endpoint=False)
    star = (1 + 0.2 * np.cos(40 * angle))[:, None] * np.stack([np.cos(angle), np.sin(angle)], -1)
    settled = []
    touch = outline._touch
    monkeypatch.setattr(outline, "_touch", lambda *pair: settled.append(pair) or touch(*pair))
    for polygon in (straight, star):
        assert find_crossings(polygon).shape == (0, 2)
    # of 16 million pairs in all
    assert len(settled) < 100


def test_a_pickled_map_is_the_same_map(ring: Map) -> None:
    ring.inverse(ring.corners[:2])
    copy = pickle.loads(pickle.dumps(ring))
    assert "_buckets" not in vars(copy)
    np.testing.assert_array_equal(copy.inverse(ring.corners[5]), ring.inverse(ring.corners[5]))
    assert repr(copy) == repr(ring)
    assert lw.Cartogram is lw.Map


def test_bad_points_of_distances_are_named(ring: Map) -> None:
    with pytest.raises(ValueError, match=r"targets has shape \(2,\)"):
        ring.distances([[0.0, 1.0]], [0.0, 1.0])
    with pytest.raises(ValueError, match=r"points: 1 of 2 lie outside extent.*\(9.0, 1.0\) \(row 1\)"):
        ring.distances([[0.0, 1.0], [9.0, 1.0]])
    with pytest.raises(ValueError, match="points holds 1 that are not finite"):
        ring.distances([[0.0, np.inf]])


def lean_field(shape: tuple[int, int] = (40, 48)) -> lw.Field:
    """Ten times longer along x than along y, leaning, with a hill."""
    grid = lattice(shape)
    x, y = np.moveaxis(grid.cells, -1, 0)
    hill = 1 + 8 * np.exp(-4 * ((x - 1) ** 2 + (y - 0.5) ** 2))
    return lw.Field(grid, hill[..., None, None] * np.array([[100.0, 6.0], [6.0, 1.0]]))


def test_the_mean_metric_is_the_mean_of_the_cells_that_hold_the_points() -> None:
    field = lean_field((4, 6))
    np.testing.assert_allclose(field.mean_metric(), field.metric.mean((0, 1)), rtol=1e-13)
    points = np.array([[-1.0, 0.0], [2.0, 2.0], [0.3, 1.2], [0.3, 1.2]])
    cells = [field.metric[0, 0], field.metric[3, 5], field.metric[2, 2], field.metric[2, 2]]
    np.testing.assert_allclose(field.mean_metric(points), np.mean(cells, axis=0), rtol=1e-13)
    weighted = field.mean_metric(points, weights=[1, 0, 0, 3])
    np.testing.assert_allclose(weighted, (cells[0] + 3 * cells[2]) / 4, rtol=1e-13)
    one = np.zeros((4, 6))
    one[1, 2] = 5
    np.testing.assert_allclose(field.mean_metric(weights=one), field.metric[1, 2], rtol=1e-13)
    walled = lw.Field.from_density(lattice((2, 2)), [[1.0, np.inf], [3.0, 5.0]], walls=True)
    np.testing.assert_allclose(walled.mean_metric(), 3 * np.eye(2))
    box = lw.Field.from_density(lw.Lattice((0, 1, 0, 1, 0, 1), (2, 2, 2)), np.arange(1.0, 9).reshape(2, 2, 2))
    np.testing.assert_allclose(box.mean_metric([[0.9, 0.1, 0.1]]), 2 ** (2 / 3) * np.eye(3))


def test_bad_points_and_weights_of_a_mean_are_named() -> None:
    field = lean_field((4, 6))
    with pytest.raises(ValueError, match=r"points has 1 of 2 rows outside the extent.*\[5\.0, 1\.0\]"):
        field.mean_metric([[0.0, 1.0], [5.0, 1.0]])
    with pytest.raises(ValueError, match=r"n >= 1, got \(0, 2\)"):
        field.mean_metric(np.zeros((0, 2)))
    for bad in ([1.0], [-1.0, 1.0], [np.nan, 1.0]):
        with pytest.raises(ValueError, match="weights must be finite, >= 0"):
            field.mean_metric([[0.0, 1.0], [0.5, 1.0]], weights=bad)
    with pytest.raises(ValueError, match="nothing to average"):
        field.mean_metric([[0.0, 1.0]], weights=[0.0])
    walled = lw.Field.from_density(lattice((2, 2)), [[1.0, np.inf], [3.0, 5.0]], walls=True)
    with pytest.raises(ValueError, match="impassable"):
        walled.mean_metric([[1.9, 0.1]])


def test_the_frame_of_an_even_metric_makes_an_isometry() -> None:
    grid = lattice((30, 44))
    even = np.array([[100.0, 6.0], [6.0, 1.0]])
    found = lw.cartogram(lw.Field(grid, np.broadcast_to(even, (30, 44, 2, 2))), frame="metric")
    np.testing.assert_allclose(found.distortion, 1.0, rtol=1e-10)
    assert found.unit == 1.0
    # nothing but a turn is left to choose, and no turn brings it nearer to the plane
    offsets = grid.corners - grid.corners.mean((0, 1))
    assert np.einsum("ijk,ijk", found.corners - found.corners.mean((0, 1)), offsets) > 0
    cross = np.einsum("ija,ijb->ab", found.corners, offsets)
    assert cross[0, 1] == pytest.approx(cross[1, 0], abs=1e-9 * np.abs(cross).max())
    isometric = lw.isometric_map(lw.Field(grid, np.broadcast_to(even, (30, 44, 2, 2))))
    np.testing.assert_allclose(found.corners, isometric.corners, atol=1e-7)
    assert found.folds == 0
    assert "mean metric" in found.message


def test_a_cartogram_in_the_frame_of_the_metric_keeps_its_areas_and_gains_angles() -> None:
    field = lean_field()
    plain, framed = lw.cartogram(field, tolerance=1e-6), lw.cartogram(field, frame="metric", tolerance=1e-6)
    assert framed.converged
    assert framed.folds == 0
    assert framed.max_area_error < 1e-6
    measured = field.density * np.prod(field.lattice.spacing)
    c = framed.corners
    p, q = c[1:, 1:] - c[:-1, :-1], c[1:, :-1] - c[:-1, 1:]
    np.testing.assert_allclose(0.5 * (p[..., 0] * q[..., 1] - p[..., 1] * q[..., 0]), measured, rtol=1e-5)
    np.testing.assert_allclose(framed.distortion.prod(-1), 1 + framed.area_error, rtol=1e-10)
    assert plain.anisotropy > 9
    assert framed.anisotropy < 2.5
    # the outline is a parallelogram about the centre
    ends = c[[0, 0, -1, -1], [0, -1, -1, 0]]
    np.testing.assert_allclose(ends[0] + ends[2], ends[1] + ends[3], rtol=1e-10)
    np.testing.assert_allclose(ends.mean(0), [0.5, 1.0], atol=1e-10)
    for wall in (c[0], c[-1], c[:, 0], c[:, -1]):
        along, across = wall[-1] - wall[0], wall - wall[0]
        assert np.abs(along[0] * across[:, 1] - along[1] * across[:, 0]).max() < 1e-9
    points = np.random.default_rng(2).uniform(BOX[0::2], BOX[1::2], (5000, 2))
    np.testing.assert_allclose(framed.inverse(framed.transform(points)), points, atol=1e-11)


def test_the_frame_may_be_taken_where_the_data_lie() -> None:
    grid = lattice()
    right = (grid.cells[..., 0] > 0.5)[..., None, None]
    metric = np.where(right, np.diag([9.0, 1.0]), np.array([[4.0, 1.0], [1.0, 2.5]]))
    field = lw.Field(grid, metric)
    points = grid.cells[right[..., 0, 0]]
    # the density is 3 everywhere, so that nothing but the frame acts: an isometry where it was taken
    data, whole = lw.cartogram(field, frame="metric", points=points), lw.cartogram(field, frame="metric")
    np.testing.assert_allclose(data.distortion[right[..., 0, 0]], 1.0, rtol=1e-9)
    assert np.abs(whole.distortion[right[..., 0, 0]] - 1.0).min() > 0.1


def test_bad_frames_are_named() -> None:
    field = lean_field((6, 8))
    with pytest.raises(ValueError, match="frame='data': use one of 'plane', 'metric'"):
        lw.cartogram(field, frame="data")
    with pytest.raises(ValueError, match="points= says where"):
        lw.cartogram(field, points=[[0.0, 1.0]])
    with pytest.raises(ValueError, match="give a Field"):
        lw.cartogram(field.density, frame="metric")
    with pytest.raises(ValueError, match="leave it out"):
        lw.cartogram(field, frame="metric", start=lw.cartogram(field))
    with pytest.raises(ValueError, match="it must be a cartogram of"):
        lw.cartogram(field, start=lw.cartogram(field, frame="metric"))
    box = lw.Field.from_density(lw.Lattice((0, 1, 0, 1, 0, 1), (2, 2, 2)), np.ones((2, 2, 2)))
    with pytest.raises(ValueError, match="two dimensions"):
        lw.cartogram(box, frame="metric")


def is_inside(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """Whether a ray from each point to the right crosses a polygon an odd number of times."""
    (x, y), (a, b) = polygon.T, np.roll(polygon, -1, axis=0).T
    px, py = points[:, :1], points[:, 1:]
    spans = (y > py) != (b > py)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((spans & (px < x + (py - y) / (b - y) * (a - x))).sum(1) % 2 == 1)


def test_an_isometric_map_of_a_rough_field_inverts_inside_its_outline_and_nowhere_else() -> None:
    grid = lattice((24, 30))
    x, y = np.moveaxis(grid.cells, -1, 0)
    found = lw.isometric_map(lw.Field.from_density(grid, np.exp(3 * np.sin(4 * x) * np.cos(5 * y) + x)))
    assert found.folds == 0
    points = np.random.default_rng(0).uniform(BOX[0::2], BOX[1::2], (3000, 2))
    np.testing.assert_allclose(found.inverse(found.transform(points)), points, atol=1e-10)
    low, high = found.outline.min(0), found.outline.max(0)
    anywhere = np.random.default_rng(1).uniform(low - 0.5, high + 0.5, (3000, 2))
    inside = is_inside(anywhere, found.outline)
    assert 0.1 < inside.mean() < 0.9
    moved = np.linalg.norm(found.transform(found.inverse(anywhere, outside="clamp")) - anywhere, axis=1)
    np.testing.assert_array_equal(moved < 1e-9, inside)
    with pytest.raises(ValueError, match=f"{(~inside).sum()} of 3000 lie outside the outline"):
        found.inverse(anywhere)
