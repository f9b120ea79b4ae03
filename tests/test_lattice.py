"""Lattices: where cells and corners are, and planes in latent spaces of more dimensions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import latent_widget as lw

sides = st.integers(2, 12)
low = st.floats(-1e3, 1e3)
span = st.floats(1e-3, 1e3)


@given(low, span, low, span, sides, sides)
def test_cells_are_the_centres_of_their_corners(x0, width, y0, height, rows, columns):
    lattice = lw.Lattice((x0, x0 + width, y0, y0 + height), (rows, columns))
    assert lattice.cells.shape == (rows, columns, 2)
    assert lattice.corners.shape == (rows + 1, columns + 1, 2)
    c = lattice.corners
    centres = (c[:-1, :-1] + c[:-1, 1:] + c[1:, :-1] + c[1:, 1:]) / 4
    np.testing.assert_allclose(lattice.cells, centres, atol=1e-12 * (abs(x0) + abs(y0) + width + height))
    np.testing.assert_allclose(c[-1, -1], [x0 + width, y0 + height])
    assert lattice.contains(lattice.corners).all()


def test_cells_are_found_by_the_points_in_them():
    for lattice in (lw.Lattice((0, 3, 10, 12), (4, 5)), lw.Lattice((0, 1, 0, 2, 0, 3), (3, 4, 5))):
        found = lattice.find_cells(lattice.cells)
        np.testing.assert_array_equal(found, np.indices(lattice.shape))
        assert [int(k) for k in lattice.find_cells(lattice.extent[1::2])] == [n - 1 for n in lattice.shape]
        assert [int(k) for k in lattice.find_cells(np.array(lattice.extent[0::2]) - 9)] == [0] * lattice.ndim


def test_rows_run_along_y_and_columns_along_x():
    lattice = lw.Lattice((0, 3, 10, 12), (2, 3))
    np.testing.assert_allclose(lattice.cells[1, 2], [2.5, 11.5])
    np.testing.assert_allclose(lattice.spacing, [1, 1])


@given(st.integers(3, 8), st.integers(0, 1000))
def test_a_plane_through_three_latents_holds_them_and_keeps_distances(d, seed):
    za, zb, zc = np.random.default_rng(seed).normal(size=(3, d))
    lattice = lw.Lattice.through(za, zb, zc, shape=(4, 4))
    on_plane = lattice.project([za, zb, zc])
    np.testing.assert_allclose(lattice.embed(on_plane), [za, zb, zc], atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(on_plane[1] - on_plane[2]), np.linalg.norm(zb - zc), rtol=1e-9)
    np.testing.assert_allclose(on_plane[0], 0, atol=1e-12)
    np.testing.assert_allclose(on_plane[1, 1], 0, atol=1e-9)
    assert lattice.contains(on_plane).all()
    assert lattice.latent_dim == d


@given(st.integers(3, 8), st.integers(0, 1000))
def test_the_fitted_plane_leaves_least_over(d, seed):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(60, d)) * np.linspace(3, 0.3, d)
    lattice = lw.Lattice.fit(z, shape=(4, 4))
    assert lattice.contains(lattice.project(z)).all()
    left = np.square(z - lattice.embed(lattice.project(z))).sum()
    total = np.linalg.svd(z - z.mean(0), compute_uv=False)
    assert left == pytest.approx(np.square(total[2:]).sum(), rel=1e-9)


def test_two_dimensional_data_keep_their_axes():
    z = np.random.default_rng(0).normal(size=(20, 2)) @ [[2, 1], [0, 1]]
    lattice = lw.Lattice.fit(z)
    assert lattice.origin is None
    np.testing.assert_array_equal(lattice.embed(z), z)
    assert lattice.contains(z).all()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: lw.Lattice((1, 1, 0, 1)), r"x1 > x0.*\(1, 1, 0, 1\)"),
        (lambda: lw.Lattice((0, 1, 2, 1)), r"y1 > y0.*order is"),
        (lambda: lw.Lattice((0, 1, 0, np.nan)), "four finite numbers"),
        (lambda: lw.Lattice((0, 1, 0)), "four finite numbers"),
        (lambda: lw.Lattice((0, 1, 0, 1), (1, 8)), r"at least 2 cells a side, got \(1, 8\)"),
        (lambda: lw.Lattice((0, 1, 0, 1), (8.5, 8)), "at least 2 cells"),
        (lambda: lw.Lattice((0, 1, 0, 1), 8), "two whole numbers"),
        (lambda: lw.Lattice((0, 1, 0, 1), origin=np.zeros(3)), "together"),
        (lambda: lw.Lattice((0, 1, 0, 1), (4, 4), np.zeros(3), np.ones((2, 3))), "dependent"),
        (lambda: lw.Lattice.through([0, 0, 0], [1, 1, 1], [2, 2, 2]), "one line"),
        (lambda: lw.Lattice.through([0, 0], [1, 1, 1], [2, 2, 2]), "one shape"),
        (lambda: lw.Lattice.fit(np.ones((10, 3))), "one line"),
        (lambda: lw.Lattice.fit(np.ones((2, 3))), "n >= 3"),
        (lambda: lw.Lattice.fit([[0, 1], [np.nan, 2], [1, 1]]), "row 1"),
        (lambda: lw.Lattice((0, 1, 0, 1)).embed([[0, 1, 2]]), r"\(\.\.\., 2\)"),
    ],
)
def test_bad_lattices_say_what_is_wrong(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@given(st.integers(2, 8), st.integers(0, 1000))
def test_plain_distances_in_a_plane_of_a_metric_are_those_of_the_metric(d, seed):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(d, d)) + 2 * np.eye(d)
    metric = root @ root.T
    z = rng.normal(size=(40, d))
    lattice = lw.Lattice.fit(z, shape=(4, 4), metric=metric)
    points = rng.normal(size=(9, 2))
    steps = lattice.embed(points) - lattice.embed(points[0])
    lengths = np.sqrt(np.einsum("ni,ij,nj->n", steps, metric, steps))
    np.testing.assert_allclose(lengths, np.linalg.norm(points - points[0], axis=1), rtol=1e-7, atol=1e-9)
    assert lattice.contains(lattice.project(z)).all()


def test_a_metrics_principal_plane_holds_the_two_directions_in_which_it_measures_most():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(500, 4)) * [9.0, 5.0, 1.0, 1.0]
    metric = np.diag([1e-4, 1e-4, 4.0, 1.0])
    lattice = lw.Lattice.fit(z, metric=metric)
    # what varies most in the latents is hardly measured
    assert np.abs(lattice.basis[:, :2] / np.array([100.0, 100.0])).max() < 0.1
    np.testing.assert_allclose(np.abs(lattice.basis[:, 2:]), [[0.5, 0], [0, 1]], atol=0.1)
    identity = lw.Lattice.fit(z, metric=np.eye(4))
    np.testing.assert_allclose(identity.basis, lw.Lattice.fit(z).basis, atol=1e-12)
    np.testing.assert_allclose(identity.extent, lw.Lattice.fit(z).extent, atol=1e-12)


def test_a_field_over_the_latent_space_stands_for_its_mean_metric():
    z = np.random.default_rng(1).normal(size=(60, 2))
    even = np.array([[25.0, 2.0], [2.0, 1.0]])
    plane = lw.Lattice.fit(z, shape=(8, 8))
    field = lw.Field(plane, np.broadcast_to(even, (8, 8, 2, 2)))
    lattice = lw.Lattice.fit(z, metric=field)
    # unturned: the basis is the inverse of the symmetric root
    np.testing.assert_allclose(lattice.basis, lattice.basis.T, atol=1e-12)
    np.testing.assert_allclose(lattice.basis @ even @ lattice.basis.T, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(lattice.origin, z.mean(0))
    wide = np.column_stack([z, z[:, 0] ** 2])
    with pytest.raises(ValueError, match="does not measure all directions of latents of 3"):
        lw.Lattice.fit(wide, metric=field)


def test_bad_metrics_of_a_plane_are_named():
    z = np.random.default_rng(0).normal(size=(20, 3))
    with pytest.raises(ValueError, match=r"shape \(3, 3\) for latents of 3, got \(2, 2\)"):
        lw.Lattice.fit(z, metric=np.eye(2))
    with pytest.raises(ValueError, match="symmetric"):
        lw.Lattice.fit(z, metric=np.triu(np.ones((3, 3))))
    with pytest.raises(ValueError, match="positive definite"):
        lw.Lattice.fit(z, metric=np.diag([1.0, 1.0, 0.0]))
