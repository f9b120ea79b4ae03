"""The density-equalising map in three dimensions: volumes, the proof that nothing folds, and the map itself."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import latent_widget as lw
from latent_widget.maps._cartogram import cartogram
from latent_widget.maps._map import Cartogram
from latent_widget.maps.cartograms.area_correction import correct_areas
from latent_widget.maps.cartograms.diffusion import diffuse
from latent_widget.maps.cartograms.hexes import geometry
from latent_widget.maps.cartograms.hexes.cells import HEXAHEDRA
from latent_widget.maps.cartograms.hexes.quality import (
    bound_determinants,
    certify_positive,
    compute_bernstein_coefficients,
    find_folds,
)
from latent_widget.maps.cartograms.hexes.untangling import untangle
from latent_widget.maps.cartograms.poisson import compute_symbols
from latent_widget.maps.cartograms.problem import Problem
from latent_widget.maps.cartograms.untangling import mark_corners

METHODS = ("diffusion", "direct")
BOX = (-1.0, 2.0, 0.0, 2.0, 4.0, 5.0)


def centres(shape: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """Coordinates (x, y, z) of the cells of a unit box, each of the given shape."""
    z, y, x = np.meshgrid(*[(np.arange(n) + 0.5) / n for n in shape], indexing="ij")
    return x, y, z


def smooth(shape: tuple[int, ...], range_: float = 10.0, shift: float = 0.0) -> np.ndarray:
    """A smooth density with the given range and no symmetry."""
    x, y, z = centres(shape)
    f = np.cos(2 * np.pi * x + shift) * np.cos(np.pi * y) * np.cos(np.pi * z + 0.3)
    f += 0.5 * np.cos(np.pi * (x + 2 * y - z)) + 0.4 * np.sin(3 * np.pi * z + x)
    return np.asarray(range_ ** ((f - f.min()) / np.ptp(f)))


def grid(shape: tuple[int, ...]) -> np.ndarray:
    """Corners (3, D+1, H+1, W+1) of a lattice of unit cells."""
    return np.stack(np.meshgrid(*[np.arange(n + 1.0) for n in shape], indexing="ij")[::-1])


def shaken(shape: tuple[int, ...], size: float, seed: int = 0) -> np.ndarray:
    """A lattice whose inner corners are moved at random, and whose walls slide along themselves."""
    X = grid(shape) + size * np.random.default_rng(seed).uniform(-1, 1, (3, *(n + 1 for n in shape)))
    for axis, n in enumerate(shape[::-1]):
        wall = np.moveaxis(X[axis], 2 - axis, 0)
        wall[0], wall[-1] = 0, n
    return X


def cells_of(X: np.ndarray) -> np.ndarray:
    """Corners of every cell, (n, 2, 2, 2, 3), by u, t, s."""
    d, h, w = (n - 1 for n in X.shape[1:])
    eight = [X[:, c : c + d, b : b + h, a : a + w].reshape(3, -1).T for c, b, a in np.ndindex(2, 2, 2)]
    return np.stack(eight, axis=1).reshape(-1, 2, 2, 2, 3)


def determinants(cells: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Jacobian determinants (n, m) of cells at local coordinates (m, 3), from the trilinear map's definition."""
    weights = np.stack([1 - places, places])
    columns = []
    for axis in range(3):
        s, t, u = (
            np.stack([-np.ones(len(places)), np.ones(len(places))]) if k == axis else weights[..., k] for k in range(3)
        )
        columns.append(np.einsum("ncbax,cm,bm,am->nmx", cells, u, t, s))
    return np.einsum("nmx,nmx->nm", columns[0], np.cross(columns[1], columns[2]))


def jacobian(X: np.ndarray, s: float, t: float, u: float) -> np.ndarray:
    """Jacobian determinant of every cell (D, H, W) at local coordinates."""
    return determinants(cells_of(X), np.array([[s, t, u]])).reshape([n - 1 for n in X.shape[1:]])


def places(n: int) -> np.ndarray:
    """Local coordinates on a grid with n points a side, corners first among equals."""
    return np.stack(np.meshgrid(*[np.linspace(0, 1, n)] * 3), -1).reshape(-1, 3)


def volumes(X: np.ndarray) -> np.ndarray:
    """Volumes by Gauss's rule on two points an axis, exact for the quadratic determinant."""
    nodes = 0.5 + np.array([-0.5, 0.5]) / 3**0.5
    return np.asarray(sum(jacobian(X, s, t, u) for s in nodes for t in nodes for u in nodes) / 8)


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


def folds(X: np.ndarray) -> np.ndarray:
    return find_folds(X)[1]


def check(cart: Cartogram, rho: np.ndarray) -> None:
    """Walls, volumes and folds of a finished map, by routes of the test's own."""
    X = np.moveaxis(cart.corners, -1, 0)
    low, high = cart.extent[0::2], cart.extent[1::2]
    for axis in range(3):
        wall = np.moveaxis(X[axis], 2 - axis, 0)
        assert (wall[0] == low[axis]).all()
        assert (wall[-1] == high[axis]).all()
    total = np.prod(np.subtract(high, low))
    volume = volumes(np.ascontiguousarray(X))
    assert volume.sum() == pytest.approx(total, rel=1e-12)
    np.testing.assert_allclose(cart.area_error, volume / (total * rho / rho.sum()) - 1, atol=1e-9)
    for place in np.random.default_rng(0).random((20, 3)):
        assert (jacobian(X, *place) > 0).all()
    assert cart.folds == 0
    assert cart.converged == (cart.max_area_error <= 1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("shape", "extent"), [((16, 16, 16), (0, 1) * 3), ((9, 14, 20), BOX), ((33, 6, 12), BOX)])
def test_smooth_densities_reach_their_volumes(
    method: str, shape: tuple[int, int, int], extent: tuple[float, ...]
) -> None:
    rho = smooth(shape)
    cart = cartogram(rho, extent, method)
    check(cart, rho)
    assert cart.converged
    assert cart.method == method
    assert "max volume error" in cart.message


@pytest.mark.parametrize("method", METHODS)
def test_density_along_one_axis_gives_the_cumulative_distribution(method: str) -> None:
    f = 1 + 9 * np.random.default_rng(0).random(12)
    cdf = np.concatenate([[0], np.cumsum(f)]) / f.sum()
    for axis in range(3):
        shape = [8, 8, 8]
        shape[2 - axis] = 12
        rho = np.broadcast_to(f.reshape([-1 if k == 2 - axis else 1 for k in range(3)]), shape).copy()
        cart = cartogram(rho, method=method)
        truth = grid(tuple(shape)) / np.reshape(shape[::-1], (3, 1, 1, 1))
        truth[axis] = cdf.reshape([-1 if k == 2 - axis else 1 for k in range(3)])
        np.testing.assert_allclose(np.moveaxis(cart.corners, -1, 0), truth, atol=1e-12)


def test_separable_density_gives_the_product_of_the_cdfs() -> None:
    n = 32
    x = (np.arange(n) + 0.5) / n
    f, g, h = 1 + 2 * np.exp(-((x - 0.3) ** 2) / 0.05), 1 + np.sin(3 * x) ** 2, 2 - x
    truth = np.stack(np.meshgrid(*[np.concatenate([[0], np.cumsum(d)]) / d.sum() for d in (h, g, f)], indexing="ij"))
    truth = np.moveaxis(truth[::-1], 0, -1)
    rho = h[:, None, None] * g[:, None] * f
    np.testing.assert_allclose(cartogram(rho).corners, truth, atol=1e-12)
    # a ripple that is not separable keeps the closed form away: the flow itself must come close
    rippled = rho * (1 + 1e-8 * np.cos(np.pi * (x[:, None, None] + x[:, None] + x)))
    flowed = cartogram(rippled)
    assert flowed.iterations > 0
    assert np.abs(flowed.corners - truth).max() < 3e-3
    assert np.abs(cartogram(rippled, method="direct").corners - truth).max() > 3e-3


@pytest.mark.parametrize("method", METHODS)
def test_a_density_constant_in_one_axis_gives_the_map_of_two_dimensions(method: str) -> None:
    x, y, _ = centres((1, 24, 30))
    flat = 8 ** (np.cos(2 * np.pi * x) * np.cos(np.pi * y + 0.4))[0]
    plane = cartogram(flat, method=method)
    for axis in range(3):
        rho = np.repeat(np.expand_dims(flat, axis), 6, axis)
        corners = np.moveaxis(cartogram(rho, method=method).corners, axis, 0)
        kept = [k for k in range(3) if k != 2 - axis]
        for layer in corners:
            # both have the exact areas; what is left is the way there
            np.testing.assert_allclose(layer[..., kept], plane.corners, atol=2e-3)


@pytest.mark.parametrize("method", METHODS)
def test_mirror_transpose_and_scale(method: str) -> None:
    rho = smooth((10, 14, 12))
    plain = cartogram(rho, (0, 1, 0, 2, 0, 3), method).corners
    mirrored = cartogram(rho[::-1], (0, 1, 0, 2, 0, 3), method).corners
    np.testing.assert_allclose(mirrored[::-1] * (1, 1, -1) + (0, 0, 3), plain, atol=1e-9)
    turned = cartogram(rho.transpose(2, 0, 1), (0, 2, 0, 3, 0, 1), method).corners
    np.testing.assert_allclose(turned.transpose(1, 2, 0, 3)[..., [2, 0, 1]], plain, atol=1e-9)
    scaled = cartogram(1e6 * rho, (10, 12, -6, -2, 1, 7), method).corners
    np.testing.assert_allclose((scaled - (10, -6, 1)) / 2, plain, atol=1e-9)


@pytest.mark.slow
def test_a_shell_of_range_100_is_solved_without_a_fold() -> None:
    x, y, z = centres((24, 24, 24))
    rho = 100 ** np.exp(-((np.sqrt((x - 0.5) ** 2 + (y - 0.45) ** 2 + (z - 0.5) ** 2) - 0.28) ** 2) / (2 * 0.08**2))
    for method in METHODS:
        cart = cartogram(rho, method=method)
        check(cart, rho)
        assert cart.converged
        assert cart.method == "diffusion"


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(2, 7), st.integers(2, 7), st.integers(2, 7)),
    decades=st.floats(0.0, 3.0),
    roughness=st.sampled_from(["noise", "steps", "spike"]),
    method=st.sampled_from(METHODS),
)
def test_nothing_ever_folds(
    seed: int, shape: tuple[int, int, int], decades: float, roughness: str, method: str
) -> None:
    rng = np.random.default_rng(seed)
    f = {
        "noise": rng.random(shape),
        "steps": (rng.random(shape) < 0.3).astype(float),
        "spike": np.eye(1, int(np.prod(shape)), int(rng.integers(np.prod(shape)))).reshape(shape),
    }[roughness]
    rho = 10 ** (decades * f)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        check(cartogram(rho, BOX, method), rho)


def test_what_cannot_be_reached_is_said() -> None:
    rho = np.ones((8, 8, 8))
    rho[3, 4, 5] = 1e6
    with pytest.warns(RuntimeWarning, match=r"not converged.*layer .*row .*column .*refine the lattice, or temper"):
        cart = cartogram(rho)
    check(cart, rho)
    assert not cart.converged


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


def test_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rho = smooth((12, 13, 14), 30.0)
    one = cartogram(rho).corners
    for module in ("cartograms.diffusion", "cartograms.area_correction", "cartograms.hexes.untangling"):
        monkeypatch.setattr(f"latent_widget.maps.{module}.limit_workers", lambda workers, cells: workers)
    np.testing.assert_allclose(cartogram(rho, workers=3).corners, one, atol=1e-9)


@pytest.mark.slow
def test_points_go_there_and_back() -> None:
    cart = cartogram(smooth((12, 10, 14), 40.0), BOX)
    rng = np.random.default_rng(0)
    points = rng.uniform(BOX[0::2], BOX[1::2], (3000, 3))
    there = cart.transform(points)
    np.testing.assert_allclose(cart.inverse(there), points, atol=1e-12)
    np.testing.assert_allclose(cart.transform(cart.inverse(points)), points, atol=1e-12)
    # corners, edges and walls belong to a cell as well
    lattice = lw.Lattice(BOX, (12, 10, 14))
    np.testing.assert_allclose(cart.transform(lattice.corners), cart.corners, atol=1e-14)
    np.testing.assert_allclose(cart.inverse(cart.corners), lattice.corners, atol=1e-12)
    # the trilinear map by its definition
    k, i, j = 4, 5, 6
    low, high = lattice.corners[k, i, j], lattice.corners[k + 1, i + 1, j + 1]
    s, t, u = 0.3, 0.8, 0.1
    at = [(1 - v, v) for v in (u, t, s)]
    eight = [at[0][c] * at[1][b] * at[2][a] * cart.corners[k + c, i + b, j + a] for c, b, a in np.ndindex(2, 2, 2)]
    np.testing.assert_allclose(cart.transform(low + (high - low) * (s, t, u)), sum(eight), atol=1e-13)


def test_points_in_bent_cells_are_found() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        cart = cartogram(10 ** np.random.default_rng(3).random((8, 8, 8)))
    points = np.random.default_rng(4).random((100_000, 3))
    np.testing.assert_allclose(cart.transform(cart.inverse(points)), points, atol=1e-12)


def test_points_outside_are_refused_or_clamped() -> None:
    cart = cartogram(smooth((6, 6, 6)), BOX)
    with pytest.raises(ValueError, match=r"1 of 2 lie outside extent"):
        cart.transform([[0, 1, 4.5], [0, 1, 6.0]])
    np.testing.assert_allclose(cart.inverse([0, 9, 4.5], outside="clamp"), cart.inverse([0, 2, 4.5]), atol=0)
    with pytest.raises(ValueError, match=r"\(x, y, z\)"):
        cart.transform([0.0, 1.0])


def test_a_field_brings_its_extent_and_a_start_saves_steps() -> None:
    lattice = lw.Lattice(BOX, (10, 12, 14))
    cart = cartogram(lw.Field.from_density(lattice, smooth(lattice.shape)))
    np.testing.assert_allclose(cart.corners, cartogram(smooth(lattice.shape), BOX).corners, atol=1e-9)
    near = smooth(lattice.shape, shift=0.02)
    warm, cold = cartogram(near, BOX, "direct", start=cart), cartogram(near, BOX, "direct")
    assert warm.converged
    assert warm.iterations < cold.iterations
    assert "previous map" in warm.message
    atlas = lw.Atlas(lattice, {"smooth": lw.Field.from_density(lattice, smooth(lattice.shape))})
    np.testing.assert_array_equal(atlas.cartogram().corners, cart.corners)


def test_the_flow_carries_a_single_wave_as_in_two_dimensions() -> None:
    x, y, _ = centres((4, 32, 32))
    rho = 1 + 0.6 * np.cos(np.pi * x) * np.cos(2 * np.pi * y)
    box, _ = diffuse(rho, (1.0, 1.0, 1.0), tolerance=1e-2)
    plane, _ = diffuse(np.ascontiguousarray(rho[0]), (1.0, 1.0), tolerance=1e-2)
    for layer in range(5):
        np.testing.assert_allclose(box[:2, layer], plane, atol=1e-9)
    np.testing.assert_allclose(box[2], grid((4, 32, 32))[2], atol=1e-9)


def test_coarser_lattices_change_little(monkeypatch: pytest.MonkeyPatch) -> None:
    rho = smooth((34, 40, 36), 20.0)
    found, _ = diffuse(rho, (1.0, 1.0, 1.0))
    monkeypatch.setattr("latent_widget.maps.cartograms.diffusion.COARSEST_BOX", 10**9)
    fine, _ = diffuse(rho, (1.0, 1.0, 1.0), tolerance=0.01)
    assert not np.array_equal(found, fine)
    assert np.abs(found - fine).max() < 4e-3 * 40


def test_the_area_correction_reports_what_it_reached() -> None:
    target = smooth((10, 12, 14))
    target /= target.mean()
    problem = Problem(target, (1.0, 1.0, 1.0))
    done = correct_areas(HEXAHEDRA, grid(target.shape), problem)
    assert done.error < 1e-3
    np.testing.assert_allclose(np.abs(volumes(done.points) / target - 1).max(), done.error, rtol=1e-3)
    assert correct_areas(HEXAHEDRA, grid(target.shape), replace(problem, max_steps=2)).iterations <= 2


@pytest.mark.parametrize(
    ("density", "error", "match"),
    [
        (np.ones((3, 4, 4), int), TypeError, r"dtype int64.*floating point"),
        (np.full((2, 2, 2), -1.0), ValueError, "negative cells"),
        (np.zeros((3, 3, 3)), ValueError, r"zero in 27 cells: pass floor="),
        (np.full((2, 2, 2), np.nan), ValueError, "8 cells that are NaN"),
        (np.full((2, 2, 2), np.inf), ValueError, "8 cells that are NaN or infinite"),
        (np.ones((2, 0, 5)), ValueError, r"shape \(2, 0, 5\)"),
        (np.ones((1, 4, 4)), ValueError, "2 by 2 cells"),
        (np.ones((2, 2, 2, 2)), ValueError, r"two-dimensional, \(H, W\), or three-"),
    ],
)
def test_bad_densities(density: np.ndarray, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        cartogram(density)


def test_bad_extents() -> None:
    with pytest.raises(ValueError, match=r"extent=.*six numbers.*\(2, 2, 2\)"):
        cartogram(np.ones((2, 2, 2)), (0, 1, 0, 1))
    with pytest.raises(ValueError, match=r"extent=.*x1 > x0, and so for every axis"):
        cartogram(np.ones((2, 2, 2)), (0, 1, 0, 1, 1, 1))
