"""Profiles along paths, equidistance contours and geodesic k-means, against closed forms."""

import numpy as np
import pytest
import surfaces

from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.geodesics import equidistances, geodesic, k_means, profile, slerp, straight


def test_a_circle_on_the_sphere_bends_as_its_parallel_does():
    """In the stereographic chart a circle around the origin is a parallel, at the angle 2 arctan(r) from the pole."""
    field = surfaces.sphere(2.0).field(128)
    circle = profile(field, slerp(field, (0.7, 0.0), (0.0, 0.7), n=257))
    assert circle.curvature == pytest.approx(np.full(129, 1 / 0.7), rel=1e-4)
    assert circle.geodesic_curvature == pytest.approx(np.full(129, 1 / np.tan(2 * np.arctan(0.7))), rel=1e-3)
    back = profile(field, slerp(field, (0.0, 0.7), (0.7, 0.0), n=257))
    assert back.curvature == pytest.approx(-circle.curvature)
    factor = 2 / (1 + 0.7**2)
    assert circle.magnification == pytest.approx(np.full(129, factor), rel=1e-5)
    assert circle.density == pytest.approx(np.full(129, factor**2), rel=1e-5)
    assert circle.speed == pytest.approx(np.full(129, factor * 0.7 * np.pi / 2), rel=1e-4)
    assert circle.cumulative == pytest.approx(circle.parameter * factor * 0.7 * np.pi / 2, abs=1e-4)


@pytest.mark.parametrize("surface", surfaces.all_surfaces(), ids=lambda s: s.name)
def test_geodesics_run_at_constant_speed_and_do_not_turn(surface):
    field = surface.field(128)
    for a, b in zip(*surface.pairs(4, seed=2), strict=True):
        path = geodesic(field, a, b)
        along = profile(field, path, n=65)
        assert along.speed == pytest.approx(np.full(65, path.length), rel=5e-3)
        assert np.abs(along.geodesic_curvature).max() * path.length < 0.05
        assert along.cumulative[-1] == path.length
        assert np.array_equal(along.points[[0, -1]], [a, b])
        assert path.evenness > 0.98


def test_the_straight_line_on_gaussians_hurries_where_sigma_is_small():
    field = surfaces.gaussian().field(128)
    line = straight(field, (0.0, -0.8), (0.0, 0.8))
    along = profile(field, line, n=33)
    sigma = 1.6 + along.points[:, 1]
    assert along.speed == pytest.approx(np.sqrt(2.0) * 1.6 / sigma, rel=1e-4)
    assert along.magnification == pytest.approx(np.sqrt(2.0) / sigma, rel=1e-4)
    assert along.density == pytest.approx(np.sqrt(2.0) / sigma**2, rel=1e-4)
    assert along.cumulative == pytest.approx(np.sqrt(2.0) * np.log(sigma / 0.8), abs=1e-3)
    assert np.abs(along.curvature).max() < 1e-9
    assert line.evenness == pytest.approx(0.8 / 2.4, rel=0.02)
    assert line.at(5, by="parameter") == pytest.approx(np.linspace((0, -0.8), (0, 0.8), 5))


def test_a_path_that_cannot_be_profiled_is_named():
    field = surfaces.sphere().field(16)
    with pytest.raises(ValueError, match="positive finite length"):
        profile(field, geodesic(field, (0.1, 0.1), (0.1, 0.1)))
    with pytest.raises(ValueError, match="n must be at least 2"):
        profile(field, straight(field, (0.1, 0.1), (0.2, 0.2)), n=1)


def test_equidistances_of_a_constant_metric_are_ellipses():
    metric = np.array([[2.0, 0.6], [0.6, 1.0]])
    lattice = Lattice((-2.0, 2.0, -2.0, 2.0), (96, 96))
    field = Field(lattice, np.broadcast_to(metric, (96, 96, 2, 2)))
    source = np.array([0.1, -0.2])
    found = equidistances(field, source, [0.5, 1.0])
    assert [c.level for c in found] == [0.5, 1.0]
    for contour in found:
        (line,) = contour.lines
        away = line - source
        assert np.sqrt(np.einsum("ni,ij,nj->n", away, metric, away)) == pytest.approx(
            np.full(len(line), contour.level), rel=2e-3
        )
        assert np.array_equal(line[0], line[-1])
    assert len(equidistances(field, source, 5)) == 5
    # within a cell, and in a corner of the extent
    for place, level, closed in ((source, 0.002, True), (source, 0.04, True), (np.array([-2.0, 1.99]), 0.02, False)):
        ((line,),) = (contour.lines for contour in equidistances(field, place, [level]))
        away = line - place
        assert np.sqrt(np.einsum("ni,ij,nj->n", away, metric, away)) == pytest.approx(
            np.full(len(line), level), rel=1e-2
        )
        assert np.array_equal(line[0], line[-1]) == closed
        assert len(line) > 20
    # a contour that leaves the extent reaches its edge
    (far,) = equidistances(field, source, [2.5])
    assert max(np.abs(line).max() for line in far.lines) == pytest.approx(2.0)
    for bad in (0, 2.5, [-1.0], [np.nan], [[1.0]]):
        with pytest.raises(ValueError, match="levels must be"):
            equidistances(field, source, bad)


def test_equidistances_within_a_cell_of_a_steep_bowl_are_closed():
    """The metric rises away from the source, so that the level lies much nearer than distances two cells off tell."""
    lattice = Lattice((-2.0, 2.0, -2.0, 2.0), (40, 40))
    squared = np.square(lattice.cells / 0.1).sum(axis=-1)
    for steepness in (0.3, 0.6, 1.0):
        field = Field.from_density(lattice, np.exp(np.minimum(2.0 * steepness * squared, 60.0)))
        reach = straight(field, (0.0, 0.0), (0.2, 0.0)).length
        for contour in equidistances(field, (0.0, 0.0), [0.02 * reach, 0.1 * reach, 0.3 * reach, 0.6 * reach]):
            (line,) = contour.lines
            assert np.array_equal(line[0], line[-1])
            lengths = [straight(field, (0.0, 0.0), point).length for point in line[::7]]
            assert lengths == pytest.approx(np.full(len(lengths), contour.level), rel=0.1)


def test_equidistances_of_a_thin_ellipse_are_drawn_at_every_level():
    """Longer than the square in which distance is straight, and narrower than a cell."""
    lattice = Lattice((0.0, 32.0, 0.0, 32.0), (32, 32))
    field = Field(lattice, np.broadcast_to(np.diag([1.0, 400.0]), (32, 32, 2, 2)))
    for contour in equidistances(field, (16.0, 16.0), [1.0, 1.9, 2.1, 3.0, 5.0, 9.0]):
        (line,) = contour.lines
        away = line - 16.0
        lengths = np.sqrt(np.square(away[:, 0]) + 400.0 * np.square(away[:, 1]))
        assert lengths == pytest.approx(np.full(len(line), contour.level), rel=0.03)


def test_equidistances_go_round_the_corners_of_a_pocket():
    lattice = Lattice((0.0, 24.0, 0.0, 24.0), (24, 24))
    mask = np.zeros((24, 24), bool)
    mask[10, 10:12], mask[11:13, 11], mask[13:] = True, True, True
    field = Field.from_density(lattice, np.ones((24, 24)))
    found = equidistances(field, (10.5, 10.5), [5.0, 10.0], mask=mask)
    assert all(len(contour.lines) > 0 for contour in found)
    assert all(line[:, 1].min() > 12.0 for contour in found for line in contour.lines)


def test_k_means_on_a_flat_field_are_the_euclidean_means():
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(c, 0.08, (5, 2)) for c in ((-0.6, -0.6), (0.6, -0.5), (0.0, 0.6))])
    lattice = Lattice((-1.0, 1.0, -1.0, 1.0), (32, 32))
    centres, labels, cost = k_means(Field.from_density(lattice, np.full((32, 32), 2.0)), points, 3)
    groups = [points[labels == k] for k in range(3)]
    assert sorted(len(g) for g in groups) == [5, 5, 5]
    assert centres == pytest.approx(np.array([g.mean(axis=0) for g in groups]), abs=1e-5)
    assert cost == pytest.approx(2.0 * sum(((g - g.mean(axis=0)) ** 2).sum() for g in groups), rel=1e-6)
    with pytest.raises(ValueError, match="k must be between 1 and the number of points"):
        k_means(Field.from_density(lattice, np.ones((32, 32))), points, 99)
