"""Cells of a box: volumes, certificates of their determinants, their derivatives, and the local repair of folds."""

from __future__ import annotations

import numpy as np
import pytest
from hexahedra import cells_of, determinants, folds, grid, jacobian, places, shaken, volumes

from latent_widget.maps.cartograms.hexes import geometry
from latent_widget.maps.cartograms.hexes.cells import HEXAHEDRA
from latent_widget.maps.cartograms.hexes.quality import (
    bound_determinants,
    certify_positive,
    compute_bernstein_coefficients,
)
from latent_widget.maps.cartograms.hexes.untangling import untangle
from latent_widget.maps.cartograms.poisson import compute_symbols
from latent_widget.maps.cartograms.untangling import mark_corners


def test_volumes_are_exact_and_fill_the_box() -> None:
    X = shaken((3, 4, 5), 0.3)
    volume, _ = bound_determinants(X)
    np.testing.assert_allclose(volume, volumes(X), atol=1e-14)
    assert volume.sum() == pytest.approx(60, rel=1e-15)


def test_the_certificate_bounds_the_determinant_and_coefficients_make_it_up() -> None:
    # from a box to what folds
    X = shaken((6, 5, 4), 1.0)
    X = grid((6, 5, 4)) + (X - grid((6, 5, 4))) * np.linspace(0, 0.5, 7)[:, None, None]
    volume, low = bound_determinants(X)
    rng = np.random.default_rng(1)
    found = compute_bernstein_coefficients(cells_of(X))
    smallest = found.reshape(*low.shape, -1).min(-1)
    clear = low > geometry.CLEAR * volume
    np.testing.assert_allclose(smallest[~clear], low[~clear], atol=1e-14)
    assert (low[clear] <= smallest[clear] + 1e-13).all()
    # the cheaper bound does serve, and both are seen here
    assert 0 < clear.sum() < clear.size
    for s, t, u in rng.random((50, 3)):
        value = jacobian(X, s, t, u)
        assert (value >= low - 1e-13).all()
        at = [np.array([(1 - v) ** 2, 2 * v * (1 - v), v * v]) for v in (u, t, s)]
        np.testing.assert_allclose(np.einsum("nkij,k,i,j->n", found, *at), value.ravel(), atol=1e-13)


def test_what_moves_the_corners_is_the_derivative_of_the_volumes() -> None:
    shape = (4, 3, 5)
    X, rng = shaken(shape, 0.2), np.random.default_rng(2)
    motion = shaken(shape, 1.0, seed=3) - grid(shape)
    change = np.empty(shape)
    HEXAHEDRA.apply_area_jacobian(X, motion, change, 1)
    h = 1e-6
    np.testing.assert_allclose((volumes(X + h * motion) - volumes(X - h * motion)) / (2 * h), change, atol=1e-8)
    potential, gathered = rng.normal(size=shape), np.empty_like(X)
    geometry.apply_transposed_jacobian(X, potential, gathered, 0, 5)
    assert (gathered * motion).sum() == pytest.approx((potential * change).sum(), rel=1e-12)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.0, 0.8, 0.625)])
def test_symbols_are_the_eigenvalues_on_the_lattice_itself(spacing: tuple[float, float, float]) -> None:
    shape = (4, 3, 5)
    X = grid(shape) * np.reshape(spacing, (3, 1, 1, 1))
    dense, _ = compute_symbols(shape, spacing)
    motion, change = np.empty_like(X), np.empty(shape)
    for place in ((0, 0, 1), (1, 0, 0), (2, 1, 3), (3, 2, 4)):
        wave = np.ones(())
        for n, k in zip(shape, place, strict=True):
            wave = np.multiply.outer(wave, np.cos(np.pi * k * (np.arange(n) + 0.5) / n))
        HEXAHEDRA.compute_displacement(X, np.ones(shape), wave, motion, spacing, 1)
        HEXAHEDRA.apply_area_jacobian(X, motion, change, 1)
        np.testing.assert_allclose(change, dense[place] * wave, atol=1e-12)


def twisted(angle: float) -> np.ndarray:
    """One cell whose top is turned over its bottom, (3, 2, 2, 2)."""
    X = grid((1, 1, 1)) - 0.5
    c, s = np.cos(angle), np.sin(angle)
    X[0, 1], X[1, 1] = c * X[0, 1] - s * X[1, 1], s * X[0, 1] + c * X[1, 1]
    return X


@pytest.mark.slow
def test_a_cell_that_folds_inside_only_is_caught() -> None:
    # a search over random cells: all eight corner determinants positive, and yet negative within
    noise = np.random.default_rng(5).normal(scale=0.45, size=(10_000, 2, 2, 2, 3))
    cells = cells_of(grid((1, 1, 1))) + noise
    cells = cells[(determinants(cells, places(2)) > 0.02).all(axis=1)]
    inside = determinants(cells, places(9)).min(axis=1)
    adversarial = cells[inside < -1e-6]
    assert len(adversarial) > 10
    for cell in adversarial:
        X = np.ascontiguousarray(np.moveaxis(cell, -1, 0))
        assert folds(X).all()
        assert not untangle(X, np.ones((1, 1, 1)), 0.0)
    # nor is a sound cell condemned, if its determinant keeps clear of zero
    sound = cells[inside > 0.05]
    assert certify_positive(compute_bernstein_coefficients(sound)).all()


def test_halving_decides_where_the_coefficients_do_not() -> None:
    inconclusive = 0
    for angle in np.linspace(0.2, 3.0, 29):
        X = twisted(angle)
        _, low = bound_determinants(X)
        truth = determinants(cells_of(X), places(17)).min()
        if abs(truth) > 1e-2:
            assert folds(X).item() == (truth < 0)
        inconclusive += bool(low.item() <= 0 < truth)
    assert inconclusive > 0


def test_polynomials_are_certified_positive_only_where_they_are() -> None:
    # (s - ½)² + gap: its middle coefficient is negative for small gaps
    for gap, truth in ((0.3, True), (0.01, True), (1e-3, True), (-1e-3, False), (0.0, False)):
        one = np.array([0.25 + gap, -0.25 + gap, 0.25 + gap])
        for axis in range(3):
            found = np.broadcast_to(one.reshape([-1 if k == axis else 1 for k in range(3)]), (1, 3, 3, 3))
            assert certify_positive(found).item() == truth


def test_a_repair_lowers_the_error_and_moves_only_the_active() -> None:
    X, target = shaken((6, 7, 8), 0.2), np.random.default_rng(4).uniform(0.5, 2, (6, 7, 8))
    cells = np.zeros(target.shape, bool)
    cells[2:4, 3:4, 3:5] = True
    active = mark_corners(cells)
    assert active.sum() == 5 * 4 * 5
    before = X.copy()
    old = volumes(X) / target
    HEXAHEDRA.relax(X, target, active, 1e-4, 4, 1)
    new = volumes(X) / target
    assert (new - 1 - np.log(new)).sum() < (old - 1 - np.log(old)).sum()
    np.testing.assert_array_equal(X[:, ~active], before[:, ~active])
    assert not folds(X).any()


def test_a_step_that_would_fold_is_limited_near_the_fold_only() -> None:
    X = grid((7, 7, 7))
    motion, new = np.zeros_like(X), np.empty_like(X)
    motion[0, 2, 2, 2], motion[0, 5, 5, 5] = 5.0, 0.1
    assert HEXAHEDRA.limit_motion(X, motion, new, 1.0)
    assert new[0, 5, 5, 5] == X[0, 5, 5, 5] + 0.1
    assert X[0, 2, 2, 2] < new[0, 2, 2, 2] < X[0, 2, 2, 2] + 1.0
    assert not folds(new).any()
