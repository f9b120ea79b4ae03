"""Parts of the search for a least distorted map: coarser and finer lattices, the two terms besides, and the steps."""

import numpy as np
import pytest
from scipy.interpolate import CubicSpline, RegularGridInterpolator

import latent_widget as lw
from latent_widget.maps.isometry.assembly import sum_energy
from latent_widget.maps.isometry.chords import LARGEST_CHANGE, measure_triangles
from latent_widget.maps.isometry.contact import REACH, Contact, pose_contact
from latent_widget.maps.isometry.levels import _prolong, _restrict, overlaps
from latent_widget.maps.isometry.newton import minimise
from latent_widget.maps.isometry.outline import trace_outline
from latent_widget.maps.isometry.problem import lay_affinely, pose
from latent_widget.maps.isometry.stress import Stress

LEAN = np.array([[3.0, 0.8], [0.8, 0.5]])


def random_metric(shape, seed=0):
    roots = np.random.default_rng(seed).normal(size=(*shape, 2, 2))
    return roots @ np.swapaxes(roots, -1, -2) + 0.3 * np.eye(2)


def place_corners(shape, linear=None):
    """Corners (2, H + 1, W + 1) in units of cells, after a linear map."""
    y, x = np.meshgrid(np.arange(shape[0] + 1.0), np.arange(shape[1] + 1.0), indexing="ij")
    return np.tensordot(np.eye(2) if linear is None else linear, np.stack([x, y]), axes=1)


def differentiate(measure, points, step, size=1e-6):
    """Directional derivative by central differences."""
    return (measure(points + size * step) - measure(points - size * step)) / (2 * size)


@pytest.mark.parametrize(("fine", "coarse"), [((32, 48), (16, 24)), ((33, 50), (17, 25)), ((7, 40), (7, 20))])
def test_a_coarser_lattice_measures_the_same_lengths_and_areas(fine, coarse):
    weights = np.random.default_rng(1).uniform(0.5, 2, fine)
    tensors, coarser = _restrict(np.broadcast_to(LEAN, (*fine, 2, 2)), weights, coarse)
    assert tensors.shape == (*coarse, 2, 2)
    area = np.sqrt(np.linalg.det(LEAN)) * np.prod(fine)
    assert np.sqrt(np.linalg.det(tensors)).sum() == pytest.approx(area, rel=1e-12)
    # in units of the whole lattice, row by row and column by column
    sides = [np.array([shape[1], shape[0]], dtype=float) for shape in (fine, coarse)]
    np.testing.assert_allclose(
        tensors * np.outer(sides[1], sides[1]) / np.outer(sides[0], sides[0]),
        np.broadcast_to(LEAN, tensors.shape),
        rtol=1e-12,
    )
    assert coarser.mean() == pytest.approx(weights.mean(), rel=1e-12)
    # of a metric that varies, the mean over both lattices is one
    metric = random_metric(fine)
    varied = _restrict(metric, weights, coarse)[0] * np.outer(sides[1], sides[1]) / np.outer(sides[0], sides[0])
    np.testing.assert_allclose(varied.mean((0, 1)), metric.mean((0, 1)), rtol=1e-12)
    assert varied.std(axis=(0, 1)).min() > 0.01


def test_cells_of_a_coarser_lattice_are_the_means_of_those_they_cover():
    metric = random_metric((4, 6))
    found = _restrict(metric, np.ones((4, 6)), (2, 3))[0]
    np.testing.assert_allclose(found, 4 * metric.reshape(2, 2, 3, 2, 2, 2).mean((1, 3)), rtol=1e-12)
    # two coarse cells over three: the middle one is shared
    row = random_metric((1, 3))
    found = _restrict(row, np.ones((1, 3)), (1, 2))[0]
    scale = np.array([[2.25, 1.5], [1.5, 1.0]])
    np.testing.assert_allclose(found[0, 0], scale * (row[0, 0] + 0.5 * row[0, 1]) / 1.5, rtol=1e-12)


def test_an_affine_map_goes_to_a_finer_lattice_exactly():
    linear = np.array([[1.3, 0.4], [-0.2, 0.8]])
    fine, coarse = (11, 14), (6, 7)
    finer = pose(np.broadcast_to(LEAN, (*fine, 2, 2)), np.ones(fine), 0.5)
    share = np.array([[14 / 7], [11 / 6]])
    points = place_corners(coarse, linear * share.T) + 3.0
    found = _prolong(points, finer, np.zeros((2, 12, 15)))
    np.testing.assert_allclose(found, place_corners(fine, linear) + 3.0, atol=1e-12)


def test_a_smooth_map_goes_to_a_finer_lattice_by_cubics_a_stepped_one_bilinearly_a_folded_one_not_at_all():
    fine = (8, 16)
    finer = pose(np.broadcast_to(np.eye(2), (*fine, 2, 2)), np.ones(fine), 0.5)
    fallback = lay_affinely(finer)
    knots, between = np.linspace(0, 1, 9), np.linspace(0, 1, 17)
    y, _ = np.meshgrid(np.linspace(0, 1, 5), knots, indexing="ij")

    def carry(x):
        return _prolong(np.stack([np.broadcast_to(x, y.shape), y]), finer, fallback)

    smooth = np.exp(knots)
    found = carry(smooth)
    np.testing.assert_allclose(found[0], np.broadcast_to(CubicSpline(knots, smooth)(between), (9, 17)), atol=1e-12)
    assert np.abs(found[0, 0] - np.interp(between, knots, smooth)).max() > 1e-3
    # a cubic through a step goes back before and behind it, a straight line does not
    step = np.cumsum([0, 0.01, 0.01, 0.01, 1, 0.01, 0.01, 0.01, 0.01])
    assert np.diff(CubicSpline(knots, step)(between)).min() < 0
    expected = [np.interp(between, knots, step) + 0 * between[::2, None], between[::2, None] + 0 * between]
    np.testing.assert_allclose(carry(step), expected, atol=1e-12)
    assert carry(-smooth) is fallback


def test_the_affine_start_has_the_weighted_mean_metric():
    metric, weights = random_metric((6, 9)), np.random.default_rng(3).uniform(0.2, 3, (6, 9))
    problem = pose(metric, weights, 0.5)
    points = lay_affinely(problem)
    # every side is the same, and their products are those of the mean
    sides = np.stack([points[:, 0, 1] - points[:, 0, 0], points[:, 1, 0] - points[:, 0, 0]], axis=1)
    np.testing.assert_allclose(np.diff(points, axis=2), np.broadcast_to(sides[:, :1, None], (2, 7, 9)), atol=1e-12)
    np.testing.assert_allclose(np.diff(points, axis=1), np.broadcast_to(sides[:, 1:, None], (2, 6, 10)), atol=1e-12)
    # a cell counts by its weight and by the areas of its triangles
    t = problem.triangles
    mass = weights * np.sqrt(t[..., 0] * t[..., 2] - t[..., 1] ** 2).sum(-1)
    mean = (metric * (mass / mass.sum())[..., None, None]).sum((0, 1))
    np.testing.assert_allclose(sides.T @ sides, mean, rtol=1e-12)
    np.testing.assert_allclose(points.mean((1, 2)), 0, atol=1e-12)
    assert np.linalg.det(sides) > 0


def test_rough_cells_take_their_own_tensor_and_smooth_ones_do_not():
    y, x = np.meshgrid(np.arange(24.0), np.arange(24.0), indexing="ij")
    metric = np.exp(0.1 * np.sin(0.3 * x) + 0.1 * np.cos(0.2 * y))[..., None, None] * np.eye(2)
    smooth, none = measure_triangles(metric)
    assert none == 0
    metric[12, 12] = [[100.0, 20.0], [20.0, 50.0]]
    triangles, rough = measure_triangles(metric)
    own = np.stack([metric[..., 0, 0], metric[..., 0, 1], metric[..., 1, 1]], -1)[:, :, None]
    np.testing.assert_array_equal(triangles[12, 12], np.broadcast_to([100.0, 20.0, 50.0], (4, 3)))
    # near it more cells are rough, and only triangles that took the tensor of the cell equal it to the last digit
    assert (triangles == own).all(-1).sum() == rough > 4
    # where the polynomials do not reach it nothing has changed
    np.testing.assert_array_equal(triangles[:8, :8], smooth[:8, :8])
    full = np.stack(
        [np.stack([triangles[..., 0], triangles[..., 1]], -1), np.stack([triangles[..., 1], triangles[..., 2]], -1)], -2
    )
    values = np.linalg.eigvals(np.linalg.solve(metric[:, :, None], full)).real
    assert values.min() > 1 / LARGEST_CHANGE
    assert values.max() < LARGEST_CHANGE


def make_stress(shape=(4, 5), n=7):
    """The stress between random points, and a map that is far from keeping their distances."""
    rng = np.random.default_rng(5)
    positions = rng.random((n, 2))
    between = rng.uniform(1, 4, (n, n))
    between = np.triu(between, 1) + np.triu(between, 1).T
    points = place_corners(shape)
    return Stress(positions, between, shape), points + 0.2 * rng.normal(size=points.shape)


def send(stress, points):
    """Where the points lie on the page, by bilinear interpolation."""
    rows, columns = (np.linspace(0, 1, n + 1) for n in stress.shape)
    return np.stack([RegularGridInterpolator((rows, columns), part)(stress.positions[:, ::-1]) for part in points], -1)


def test_the_stress_is_that_of_the_points_on_the_page_and_its_gradient_that_of_differences():
    stress, points = make_stress()
    page = send(stress, points)
    upper = np.triu_indices(len(page), 1)
    length, truth = np.linalg.norm(page[:, None] - page, axis=-1)[upper], stress.distances[upper]
    model = stress.linearise(points)
    assert model.value == pytest.approx(np.square(length - truth).sum() / np.square(truth).sum(), rel=1e-12)
    assert stress.measure(points) == model.value > 0.05
    rng = np.random.default_rng(6)
    for step in rng.normal(size=(5, *points.shape)):
        slope = differentiate(stress.measure, points, step)
        assert abs(slope) > 1e-3
        assert np.vdot(model.gradient, step) == pytest.approx(slope, rel=1e-6, abs=1e-8)


def test_the_hessian_of_the_stress_is_that_of_squared_distances_and_bounds_the_stress_from_above():
    stress, points = make_stress()
    model = stress.linearise(points)
    rng = np.random.default_rng(7)
    upper = np.triu_indices(len(stress.positions), 1)
    for size in (1e-3, 0.1, 1.0, 10.0):
        step = size * rng.normal(size=points.shape)
        moved = send(stress, step)
        squares = np.square(moved[:, None] - moved).sum(-1)[upper].sum()
        curvature = np.vdot(step, model.multiply(step))
        assert curvature == pytest.approx(2 * squares / np.square(stress.distances[upper]).sum(), rel=1e-12)
        bound = model.value + np.vdot(model.gradient, step) + 0.5 * curvature
        assert stress.measure(points + step) <= bound + 1e-12


def make_hairpin():
    """A strip bent like a keyhole, so that its two arms lie a tenth of a side apart, the corners between each other."""
    lower, upper = np.arange(8, -1, -1.0), 0.37 + np.arange(9)
    x, y = np.concatenate([lower, [-0.5, -0.5], upper]), np.repeat([-0.05, -1, 1, 0.05], [9, 1, 1, 9])
    outer_x, outer_y = np.concatenate([lower, [-3, -3], upper]), np.repeat([-3.0, 3.0], 10)
    return np.stack([np.stack([x, outer_x]), np.stack([y, outer_y])])


def sum_barriers(points, reach):
    """Every corner of the outline against every side that it does not end."""
    outline = trace_outline(np.moveaxis(points, 0, -1))
    n, total = len(outline), 0.0
    for corner in range(n):
        for side in range(n):
            if corner in (side, (side + 1) % n):
                continue
            start, along = outline[side], outline[(side + 1) % n] - outline[side]
            share = np.clip((outline[corner] - start) @ along / (along @ along), 0, 1)
            distance = np.linalg.norm(outline[corner] - start - share * along)
            total += max(0.0, reach / distance - 1) ** 2
    return total


def test_the_contact_is_the_sum_of_its_barriers_and_its_gradient_that_of_differences():
    points = make_hairpin()
    rng = np.random.default_rng(8)
    points = points + 0.01 * rng.normal(size=points.shape)
    contact = pose_contact(points)
    outline = trace_outline(np.moveaxis(points, 0, -1))
    lengths = np.linalg.norm(outline - np.roll(outline, 1, axis=0), axis=1)
    assert contact.reach == pytest.approx(REACH * lengths.mean(), rel=1e-12)
    model = contact.linearise(points)
    expected = contact.weight * sum_barriers(points, contact.reach)
    assert contact.measure(points) == model.value == pytest.approx(expected, rel=1e-12)
    assert expected > 0.1
    for step in rng.normal(size=(5, *points.shape)):
        slope = differentiate(contact.measure, points, step, 1e-7)
        assert abs(slope) > 1e-2
        assert np.vdot(model.gradient, step) == pytest.approx(slope, rel=1e-5)


def test_the_hessian_of_the_contact_is_positive_and_along_the_distance_that_of_differences():
    points = make_hairpin()
    contact = Contact(0.25, 0.1)
    model = contact.linearise(points)
    rng = np.random.default_rng(9)
    one, two = rng.normal(size=(2, *points.shape))
    assert np.vdot(one, model.multiply(two)) == pytest.approx(np.vdot(two, model.multiply(one)), rel=1e-10)
    assert np.vdot(one, model.multiply(one)) > 0
    # the upper arm moves away whole, so that no direction turns and no foot of a distance slides
    away = np.zeros_like(points)
    away[1, :, 10:] = 1
    size = 1e-6
    gradients = [contact.linearise(points + sign * size * away).gradient for sign in (1, -1)]
    change = (gradients[0] - gradients[1]) / (2 * size)
    np.testing.assert_allclose(model.multiply(away), change, atol=1e-6 * np.abs(change).max())
    assert np.abs(change).max() > 0.1


def test_conjugate_directions_come_to_the_end_where_newtons_own_do_not():
    """From an affine map: 45 steps were needed, and along Newton's own direction alone the search gave up after 105."""
    example, lattice = lw.examples.digits(), lw.Lattice((-3, 3, -3, 3), (80, 80))
    field = lw.measures.likelihood(example.latents)(example.decoder, lattice)
    problem = pose(field.metric * np.prod(lattice.spacing) / field.density.mean(), np.ones(lattice.shape), 0.5)
    found = minimise(problem, lay_affinely(problem), 1e-6, 200)
    assert found.converged
    assert found.steps < 70


def test_a_cone_of_450_degrees_is_distorted_less_than_by_closing_its_angle():
    """Radii kept but for a factor, angles shrunk to just below a full circle: a map that does not overlap."""
    lattice = lw.Lattice((0.2, 1, 0, 2.5 * np.pi), (96, 24))
    metric = np.zeros((96, 24, 2, 2))
    metric[..., 0, 0] = 1
    metric[..., 1, 1] = lattice.cells[..., 0] ** 2
    spacing = np.array(lattice.spacing)
    problem = pose(metric * spacing[:, None] * spacing, np.ones(lattice.shape), 0.5)

    def measure(corners):
        points = np.ascontiguousarray(np.moveaxis(corners, -1, 0))
        assert not overlaps(points)
        return float(sum_energy(points, problem.factors, problem.weights, *problem.powers))

    radius, angle = lattice.corners[..., 0], 0.79 * lattice.corners[..., 1]
    closed_up = radius[..., None] * np.stack([np.cos(angle), np.sin(angle)], -1)
    closed = [measure(scale * closed_up) for scale in (1, 1.06, 1.13, 1.2)]
    # of singular values s and 0.79 s the energy is (s² + 0.79² s²) (1 + (0.79 s²)⁻²) / 4, the least at s² = 1 / 0.79
    assert min(closed) == pytest.approx((1 + 0.79**2) / 0.79 / 2, rel=2e-3)
    found = lw.isometric_map(lw.Field(lattice, metric))
    assert 1.0 < measure(found.corners) < min(closed)
