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
