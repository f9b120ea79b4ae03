"""The density-equalising map in three dimensions: volumes, the proof that nothing folds, and the map itself."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from hexahedra import centres, grid, jacobian, smooth, volumes
from hypothesis import given, settings
from hypothesis import strategies as st

import latent_widget as lw
from latent_widget.maps._cartogram import cartogram
from latent_widget.maps._map import Cartogram
from latent_widget.maps.cartograms.area_correction import correct_areas
from latent_widget.maps.cartograms.diffusion import diffuse
from latent_widget.maps.cartograms.hexes.cells import HEXAHEDRA
from latent_widget.maps.cartograms.problem import Problem

METHODS = ("diffusion", "direct")
BOX = (-1.0, 2.0, 0.0, 2.0, 4.0, 5.0)


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
