"""The diffusion flow against closed forms, SciPy's integrator, and itself on other lattices."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from test_cartograms import smooth

from latent_widget.maps.cartograms import diffusion
from latent_widget.maps.cartograms.diffusion import compute_decay_rates, diffuse


def test_rates_are_the_eigenvalues_of_the_discrete_laplacian() -> None:
    n, dx = 9, 0.7
    laplacian = np.diag(np.full(n, -2.0)) + np.eye(n, k=1) + np.eye(n, k=-1)
    laplacian[0, 0] = laplacian[-1, -1] = -1.0
    np.testing.assert_allclose(np.sort(-np.linalg.eigvalsh(laplacian / dx**2)), compute_decay_rates(n, dx), atol=1e-12)


def test_a_single_wave_is_carried_as_its_equation_says() -> None:
    # ρ = 1 + a cos(πx) e^(-λt) in one dimension: the corners obey an ordinary equation that SciPy can solve
    n, a = 64, 0.8
    centres = (np.arange(n) + 0.5) / n
    rho = np.tile(1 + a * np.cos(np.pi * centres), (8, 1))
    (x, y), _ = diffuse(rho, (1.0, 1.0), tolerance=1e-3)

    def velocity(s: float, z: np.ndarray) -> np.ndarray:
        return a * np.pi * np.sin(np.pi * z) / (1 + a * (1 - s) * np.cos(np.pi * z)) / np.pi**2

    truth = solve_ivp(velocity, (0, 1), np.linspace(0, 1, n + 1), rtol=1e-10, atol=1e-12).y[:, -1]
    np.testing.assert_allclose(x / n, np.tile(truth, (9, 1)), atol=2e-4)
    np.testing.assert_allclose(y, np.tile(np.arange(9.0)[:, None], (1, n + 1)), atol=1e-12)


@pytest.mark.parametrize("shape", [(64, 64), (130, 150)])
def test_separable_density_gives_the_product_of_the_cdfs(shape: tuple[int, int]) -> None:
    h, w = shape
    f = 1 + 4 * np.exp(-(((np.arange(w) + 0.5) / w - 0.3) ** 2) / 0.02)
    g = 1 + 2 * np.sin(3 * (np.arange(h) + 0.5) / h) ** 2
    (x, y), _ = diffuse(f * g[:, None] / (f.mean() * g.mean()), (1.0, 1.0))
    for found, d in ((x[0] / w, f), (y[:, 0] / h, g)):
        np.testing.assert_allclose(found, np.concatenate([[0], np.cumsum(d)]) / d.sum(), atol=1e-3)


def test_coarser_lattices_change_little(monkeypatch: pytest.MonkeyPatch) -> None:
    rho = smooth(150, 210, 50.0)
    (x, y), _ = diffuse(rho, (1.0, 1.0))
    monkeypatch.setattr(diffusion, "COARSEST", 10**9)
    (fine_x, fine_y), _ = diffuse(rho, (1.0, 1.0), tolerance=0.01)
    assert not np.array_equal(x, fine_x)
    assert np.abs(x - fine_x).max() < 1e-3 * 210
    assert np.abs(y - fine_y).max() < 1e-3 * 150


def test_blur_starts_the_flow_later() -> None:
    # a density so blurred that it is even moves nothing; a little blur moves less than none
    rho = smooth(40, 40)
    start = np.arange(41.0)
    moved = [np.abs(diffuse(rho, (1.0, 1.0), blur)[0][0] - start).max() for blur in (0.0, 20.0, 1e5)]
    assert moved[0] > moved[1] > moved[2]
    assert moved[2] < 1e-9


def test_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rho = smooth(70, 90, 100.0)
    one = diffuse(rho, (1.0, 1.0))
    monkeypatch.setattr(diffusion, "limit_workers", lambda workers, cells: workers)
    three = diffuse(rho, (1.0, 1.0), workers=3)
    np.testing.assert_allclose(one[0], three[0], atol=1e-12)
    np.testing.assert_allclose(one[1], three[1], atol=1e-12)
