"""The density-equalising map against closed forms, symmetries and its own guarantees."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.maps._cartogram import cartogram
from latent_widget.maps._map import Cartogram

BOX = (-3.0, 3.0, -1.0, 3.0)
METHODS = ("diffusion", "direct")


def smooth(h: int, w: int, range_: float = 10.0, shift: float = 0.0) -> np.ndarray:
    """A smooth density with the given range and no symmetry, (h, w)."""
    x, y = np.meshgrid((np.arange(w) + 0.5) / w, (np.arange(h) + 0.5) / h)
    f = np.cos(2 * np.pi * x + shift) * np.cos(np.pi * y) + 0.6 * np.sin(3 * np.pi * x + 1) * np.cos(2 * np.pi * y)
    f = (f - f.min()) / (f.max() - f.min())
    return np.asarray(range_**f)


def triangles(corners: np.ndarray) -> np.ndarray:
    """Twice the areas of the four corner triangles of every cell, (H, W, 4), by another route."""
    a, b, c, d = corners[:-1, :-1], corners[:-1, 1:], corners[1:, 1:], corners[1:, :-1]
    ring = [a, b, c, d]
    out = []
    for k in range(4):
        p, q = ring[k - 1] - ring[k], ring[(k + 1) % 4] - ring[k]
        out.append(q[..., 0] * p[..., 1] - q[..., 1] * p[..., 0])
    return np.stack(out, -1)


def areas(corners: np.ndarray) -> np.ndarray:
    """Areas of the cells as half of the sum over both triangulations, (H, W)."""
    return np.asarray(triangles(corners).sum(-1) / 4)


def on_the_boundary(cart: Cartogram) -> bool:
    x0, x1, y0, y1 = cart.extent
    c = cart.corners
    walls = ((c[:, 0, 0], x0), (c[:, -1, 0], x1), (c[0, :, 1], y0), (c[-1, :, 1], y1))
    return all((wall == place).all() for wall, place in walls)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(40, 40), (33, 57), (2, 9)])
def test_density_along_one_axis_gives_the_cumulative_distribution(method: str, shape: tuple[int, int]) -> None:
    f = 1.0 + 9.0 * np.random.default_rng(0).random(shape[1])
    rho = np.tile(f, (shape[0], 1))
    for density, extent, axis in ((rho, (0, 2, 0, 1), 0), (np.ascontiguousarray(rho.T), (0, 1, 0, 2), 1)):
        cart = cartogram(density, extent, method)
        cdf = 2 * np.concatenate([[0], np.cumsum(f)]) / f.sum()
        other = np.linspace(0, 1, shape[0] + 1)
        x, y = np.meshgrid(cdf, other)
        truth = np.stack([x, y], -1) if axis == 0 else np.stack([y.T, x.T], -1)
        np.testing.assert_allclose(cart.corners, truth, atol=1e-12)
        assert cart.converged
        assert cart.folds == 0
        assert cart.method == method


@pytest.mark.parametrize("method", METHODS)
def test_the_solver_itself_reaches_the_cumulative_distribution(method: str) -> None:
    # a ripple of 1e-11 that is no product keeps the closed form away, and moves nothing by more than that
    x = (np.arange(48) + 0.5) / 48
    f = 1 + 4 * np.exp(-((x - 0.3) ** 2) / 0.02)
    rho = f * (1 + 1e-11 * np.cos(np.pi * np.multiply.outer(np.arange(32) / 32, x)))
    cart = cartogram(rho, method=method)
    assert cart.iterations > 0
    cdf = np.concatenate([[0], np.cumsum(f)]) / f.sum()
    np.testing.assert_allclose(cart.corners[..., 0], np.tile(cdf, (33, 1)), atol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_uniform_density_is_the_identity(method: str) -> None:
    cart = cartogram(np.full((12, 20), 0.37), BOX, method)
    x, y = np.meshgrid(np.linspace(-3, 3, 21), np.linspace(-1, 3, 13))
    np.testing.assert_allclose(cart.corners, np.stack([x, y], -1), atol=1e-14)
    assert cart.max_area_error < 1e-13


def test_separable_density_gives_the_product_of_the_cdfs() -> None:
    n = 128
    x = (np.arange(n) + 0.5) / n
    f, g = 1 + 4 * np.exp(-((x - 0.3) ** 2) / 0.02), 1 + 2 * np.sin(3 * x) ** 2
    cdfs = [np.concatenate([[0], np.cumsum(d)]) / d.sum() for d in (f, g)]
    truth = np.stack(np.meshgrid(*cdfs), -1)
    assert np.abs(cartogram(f * g[:, None]).corners - truth).max() < 1e-12
    # a ripple that is not separable keeps the closed form away: the flow itself must come as close
    rippled = f * g[:, None] * (1 + 1e-8 * np.cos(np.pi * np.add.outer(x, x)))
    flowed = cartogram(rippled)
    assert flowed.iterations > 0
    assert np.abs(flowed.corners - truth).max() < 1e-3
    # the direct map has the same areas and is another map, so the test above can tell the two apart
    assert np.abs(cartogram(rippled, method="direct").corners - truth).max() > 1e-3


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("shape", "extent"),
    [((64, 64), (0, 1, 0, 1)), ((45, 70), BOX), ((31, 90), (0, 1, 0, 1)), ((20, 20), (5, 6, 0, 9))],
)
def test_smooth_fields_reach_their_areas_without_a_fold(
    method: str, shape: tuple[int, int], extent: tuple[float, ...]
) -> None:
    rho = smooth(*shape)
    cart = cartogram(rho, extent, method)
    total = (extent[1] - extent[0]) * (extent[3] - extent[2])
    measured = areas(cart.corners) / (total * rho / rho.sum()) - 1
    assert np.abs(measured).max() < 1e-4
    np.testing.assert_allclose(cart.area_error, measured, atol=1e-11)
    assert cart.max_area_error == pytest.approx(np.abs(measured).max(), abs=1e-11)
    assert cart.rms_area_error <= cart.max_area_error
    assert cart.p99_area_error <= cart.max_area_error
    assert (triangles(cart.corners) > 0).all()
    assert cart.folds == 0
    assert cart.converged
    assert on_the_boundary(cart)
    assert areas(cart.corners).sum() == pytest.approx(total, rel=1e-13)
    assert cart.method == method
    assert "max area error" in cart.message


@pytest.mark.parametrize("method", METHODS)
def test_mirror_transpose_and_scale(method: str) -> None:
    rho = smooth(40, 56)
    plain = cartogram(rho, (0, 1, 0, 2), method).corners
    mirrored = cartogram(rho[:, ::-1], (0, 1, 0, 2), method).corners
    np.testing.assert_allclose(mirrored[:, ::-1] * (-1, 1) + (1, 0), plain, atol=1e-9)
    turned = cartogram(rho.T, (0, 2, 0, 1), method).corners
    np.testing.assert_allclose(turned.transpose(1, 0, 2)[..., ::-1], plain, atol=1e-9)
    scaled = cartogram(1e6 * rho, (10, 13, -6, 0), method).corners
    np.testing.assert_allclose((scaled - (10, -6)) / 3, plain, atol=1e-9)


def test_a_field_brings_its_extent_and_a_start_saves_steps() -> None:
    rho = smooth(50, 50)
    field = Field.from_density(Lattice(BOX, rho.shape), rho)
    cart = cartogram(field)
    np.testing.assert_array_equal(cart.corners, cartogram(rho, BOX).corners)
    near = smooth(50, 50, shift=0.02)
    warm, cold = cartogram(near, BOX, "direct", start=cart), cartogram(near, BOX, "direct")
    assert warm.converged
    assert warm.iterations < cold.iterations
    assert "previous map" in warm.message
    with pytest.raises(ValueError, match=r"start=Map.*\(40, 40\) cells"):
        cartogram(smooth(40, 40), BOX, start=cart)
    with pytest.raises(ValueError, match=r"extent=.*a field brings its own"):
        cartogram(field, extent=BOX)


def test_a_way_that_folds_is_begun_anew_by_the_flow() -> None:
    x, y = np.meshgrid(np.linspace(0, 1, 60), np.linspace(0, 1, 60))
    ridge = 200 ** np.exp(-((y - 0.5 - 0.2 * np.sin(2 * np.pi * x)) ** 2) / 0.01)
    flowed = cartogram(ridge)
    far = cartogram(ridge[::-1])
    for cart in (cartogram(ridge, method="direct"), cartogram(ridge, start=far)):
        assert cart.method == "diffusion"
        assert "the shorter way folds" in cart.message
        np.testing.assert_array_equal(cart.corners, flowed.corners)


def test_float32_tensors_and_lists_are_read() -> None:
    torch = pytest.importorskip("torch")
    rho = smooth(16, 16).astype(np.float32)
    np.testing.assert_array_equal(cartogram(torch.tensor(rho)).corners, cartogram(rho).corners)
    np.testing.assert_array_equal(cartogram(rho.tolist()).corners, cartogram(rho).corners)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(2, 24), st.integers(2, 24)),
    decades=st.floats(0.0, 4.0),
    roughness=st.sampled_from(["noise", "steps", "spike", "ridge"]),
    aspect=st.floats(0.2, 5.0),
    method=st.sampled_from(METHODS),
)
def test_nothing_ever_folds(
    seed: int, shape: tuple[int, int], decades: float, roughness: str, aspect: float, method: str
) -> None:
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.linspace(0, 1, shape[1]), np.linspace(0, 1, shape[0]))
    f = {
        "noise": rng.random(shape),
        "steps": (rng.random(shape) < 0.3).astype(float),
        "spike": np.eye(1, x.size, int(rng.integers(x.size))).reshape(shape),
        "ridge": np.exp(-(((x - rng.random()) + rng.normal() * (y - 0.5)) ** 2) / 0.01),
    }[roughness]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        cart = cartogram(10 ** (decades * f), (0, aspect, 0, 1), method)
    assert (triangles(cart.corners) > 0).all()
    assert cart.folds == 0
    assert on_the_boundary(cart)
    assert areas(cart.corners).sum() == pytest.approx(aspect, rel=1e-12)
    assert cart.converged == (cart.max_area_error <= 1e-3)


def test_what_cannot_be_reached_is_said() -> None:
    rho = np.ones((16, 16))
    rho[7, 7] = 1e6
    with pytest.warns(RuntimeWarning, match=r"not converged.*row .*column .*refine the lattice, or temper"):
        cart = cartogram(rho)
    assert not cart.converged
    assert cart.folds == 0
    target = rho / rho.sum()
    assert cart.max_area_error == pytest.approx(np.abs(areas(cart.corners) / target - 1).max(), rel=1e-9)


@pytest.mark.parametrize(
    ("density", "error", "match"),
    [
        (np.ones((4, 4), int), TypeError, r"dtype int64.*floating point.*astype"),
        (np.ones((4, 4), complex), TypeError, "dtype complex128"),
        (np.array([[1.0, 2.0], [-0.5, 1.0]]), ValueError, "negative cells, the lowest -0.5"),
        (np.array([[1.0, 0.0], [0.0, 1.0]]), ValueError, r"zero in 2 cells: pass floor="),
        (np.zeros((3, 3)), ValueError, "zero in 9 cells"),
        (np.array([[1.0, np.nan], [1.0, 1.0]]), ValueError, "1 cells that are NaN or infinite"),
        (np.array([[1.0, np.inf], [1.0, np.inf]]), ValueError, "2 cells that are NaN or infinite"),
        (np.ones((0, 5)), ValueError, r"shape \(0, 5\)"),
        (np.ones(5), ValueError, r"shape \(5,\).*two-dimensional"),
        (np.ones((2, 3, 4, 5)), ValueError, r"shape \(2, 3, 4, 5\)"),
        (np.ones((1, 1)), ValueError, r"shape \(1, 1\).*at least 2 by 2"),
        (np.array([[1.0, 1e-300], [1.0, 1.0]]), ValueError, r"range of 1e\+300.*floor="),
    ],
)
def test_bad_densities(density: np.ndarray, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        cartogram(density)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"extent": (0, 0, 0, 1)}, r"extent=\(0, 0, 0, 1\).*x1 > x0"),
        ({"extent": (0, 1, 0, np.nan)}, "extent=.*finite"),
        ({"extent": (0, 1)}, "extent=.*four numbers"),
        ({"method": "rubber"}, "method='rubber'.*'diffusion', 'direct'"),
        ({"tolerance": 0.0}, "tolerance=0.0"),
        ({"max_steps": 0}, "max_steps=0.*at least 1"),
        ({"max_steps": True}, "max_steps=True"),
        ({"workers": 0}, "workers=0.*or None"),
        ({"workers": 2.0}, "workers=2.0"),
        ({"floor": -1.0}, "floor=-1.0"),
        ({"start": "previous"}, "start='previous'"),
    ],
)
def test_bad_options(options: dict[str, object], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        cartogram(np.ones((4, 4)), **options)  # type: ignore[arg-type]


def test_floor_takes_zeros() -> None:
    rho = smooth(24, 24)
    rho[:3, :3] = 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        cart = cartogram(rho, floor=0.1)
    raised = np.maximum(rho, 0.1 * rho.mean())
    expected = areas(cart.corners) / (raised / raised.sum()) - 1
    np.testing.assert_allclose(cart.area_error, expected, atol=1e-11)
    assert "9 cells" in cart.message


def test_import_is_light() -> None:
    import subprocess
    import sys

    code = "import sys, latent_widget.maps._cartogram\nprint([m for m in ('numba', 'torch') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_map_is_pickled_and_copied_with_or_without_its_buckets() -> None:
    import copy
    import pickle
    from dataclasses import FrozenInstanceError, replace

    cart = cartogram(smooth(30, 40), BOX)
    fresh = pickle.dumps(cart)
    points = np.random.default_rng(0).uniform(BOX[0::2], BOX[1::2], (100, 2))
    back = cart.inverse(points)
    # what inverse computes on demand neither makes a file larger nor goes along to a map with other corners
    assert len(pickle.dumps(cart)) == len(fresh)
    others = (copy.copy(cart), copy.deepcopy(cart), pickle.loads(fresh), pickle.loads(pickle.dumps(cart)))
    for other in others:
        np.testing.assert_array_equal(other.inverse(points), back)
        assert other.message == cart.message
    mirrored = replace(cart, corners=np.ascontiguousarray(cart.corners[:, ::-1] * (-1, 1)))
    np.testing.assert_allclose(mirrored.transform(mirrored.inverse(points)), points, atol=1e-12)
    assert not np.shares_memory(mirrored._buckets, cart._buckets)
    assert not np.array_equal(mirrored._buckets, cart._buckets)
    with pytest.raises(FrozenInstanceError):
        cart.folds = 1  # type: ignore[misc]


def test_many_threads_may_ask_a_fresh_map_at_once() -> None:
    from concurrent.futures import ThreadPoolExecutor
    from threading import Barrier

    cart = cartogram(smooth(90, 80), BOX)
    points = np.random.default_rng(0).uniform(BOX[0::2], BOX[1::2], (1000, 2))
    together = Barrier(8)

    def ask(_: int) -> np.ndarray:
        together.wait()
        return cart.inverse(points)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, range(8)))
    for back in found:
        np.testing.assert_array_equal(back, found[0])
    np.testing.assert_allclose(cart.transform(found[0]), points, atol=1e-12)


def test_threads_do_not_change_a_map_that_needs_repair() -> None:
    # as large as lattices must be for threads to be used
    x, y = np.meshgrid((np.arange(400) + 0.5) / 400, (np.arange(376) + 0.5) / 376)
    rho = np.where(np.hypot(x - 0.5, y - 0.5) < 0.25, 20.0, 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        one, three = (cartogram(rho, max_steps=4, workers=workers) for workers in (1, 3))
    assert one.folds == 0
    np.testing.assert_array_equal(three.corners, one.corners)
    assert three.message == one.message


def loaded(*steps: str) -> list[set[str]]:
    """Modules of the cartograms that a fresh interpreter has imported, and so compiled, after each step of a code."""
    import subprocess
    import sys

    code = "import sys, numpy as np, latent_widget as lw\nx = np.linspace(1, 2, 6)\n"
    code += "".join(f"{step}\nprint(*sys.modules)\n" for step in steps)
    lines = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    start = "latent_widget.maps.cartograms."
    return [{name.removeprefix(start) for name in line.split() if name.startswith(start)} for line in lines]


def test_only_what_a_map_needs_is_imported_and_compiled() -> None:
    closed, smooth, points, rough = loaded(
        "lw.cartogram(x * x[:, None])",
        "cart = lw.cartogram(x * x[:, None] + x, method='direct')",
        "cart.transform([0.5, 0.5])",
        "lw.cartogram(np.eye(6) * 99 + 1)",
    )
    assert closed >= {"quads.geometry"}
    assert "area_correction" not in closed
    assert smooth - closed == {"area_correction", "poisson"}
    assert points - smooth == {"quads.point_location", "quads.cell_inverse", "loops"}
    assert rough - points == {"diffusion", "quads.diffusion_loops", "quads.untangling_loops"}
    (box,) = loaded("lw.cartogram(x * x[:, None] + x[:, None, None])")
    assert box >= {"hexes.geometry", "hexes.diffusion_loops"}
    assert not box & {"hexes.untangling_loops", "hexes.point_location"}
    assert not {name for name in box if name.startswith("quads")}
