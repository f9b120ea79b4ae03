"""The pieces of the projection: derivatives, symbols, and what each repair promises."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from test_cartograms import areas, smooth, triangles

from latent_widget.cartograms import area_correction as projection
from latent_widget.cartograms.area_correction import project
from latent_widget.cartograms.diffusion import diffuse
from latent_widget.cartograms.poisson import symbols
from latent_widget.cartograms.quads import untangling as relaxation
from latent_widget.cartograms.quads.cells import QUADRILATERALS
from latent_widget.cartograms.quads.geometry import assess, lift, pull
from latent_widget.cartograms.quads.untangling import around, guard, relax, thinnest, unfold


def mesh(h: int, w: int, wobble: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A lattice of unit cells with corners moved at random, but walls kept."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : h + 1, 0 : w + 1].astype(float)
    x[:, 1:-1] += wobble * rng.uniform(-1, 1, (h + 1, w - 1))
    y[1:-1] += wobble * rng.uniform(-1, 1, (h - 1, w + 1))
    return x, y


def corners(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.stack([x, y], -1)


def count_folds(x: np.ndarray, y: np.ndarray) -> int:
    return int((triangles(corners(x, y)) <= 0).any(-1).sum())


def energy(x: np.ndarray, y: np.ndarray, target: np.ndarray, barrier: float) -> float:
    """What the local repair minimises, written down again from its definition."""
    a = areas(corners(x, y)) / target
    t = triangles(corners(x, y)) / 2 / target[..., None]
    return float((a - 1 - np.log(a)).sum() - barrier * np.log(t).sum())


def apply(x: np.ndarray, y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """M Bᵀ p and B M Bᵀ p."""
    h, w = p.shape
    area, change = np.empty((h, w)), np.empty((h, w))
    assess(x, y, np.ones((h, w)), area)
    u, v = np.empty_like(x), np.empty_like(y)
    lift(x, y, area, p, u, v, 0.25, 0.25, 0, h + 1)
    pull(x, y, u, v, change, 0, h)
    return u, v, change


def test_assess_measures_areas_triangles_and_errors() -> None:
    x, y = mesh(7, 9, 0.3)
    target = np.random.default_rng(1).uniform(0.5, 2, (7, 9))
    area = np.empty((7, 9))
    worst, total, largest, deepest = assess(x, y, target, area, workers=3)
    truth, three = areas(corners(x, y)), triangles(corners(x, y)) / 2
    np.testing.assert_allclose(area, truth, rtol=1e-12)
    error = truth / target - 1
    assert worst == pytest.approx((three.min(-1) / truth).min())
    assert deepest == pytest.approx((three.min(-1) / target).min())
    assert total == pytest.approx(np.square(error).sum())
    assert largest == pytest.approx(np.abs(error).max())
    np.testing.assert_allclose(thinnest(x, y), three.min(-1), rtol=1e-12)


def test_pull_is_the_derivative_of_the_areas() -> None:
    x, y = mesh(6, 8, 0.3)
    u, v, change = apply(x, y, np.random.default_rng(2).normal(size=(6, 8)))
    step = 1e-6
    difference = areas(corners(x + step * u, y + step * v)) - areas(corners(x - step * u, y - step * v))
    np.testing.assert_allclose(change, difference / (2 * step), atol=1e-7)
    # nothing leaves its wall, and so the total cannot change
    assert not u[:, [0, -1]].any()
    assert not v[[0, -1]].any()
    assert change.sum() == pytest.approx(0, abs=1e-12)


def test_the_operator_is_symmetric_and_positive() -> None:
    x, y = mesh(6, 8, 0.25)
    p, q = np.random.default_rng(3).normal(size=(2, 6, 8))
    assert np.vdot(p, apply(x, y, q)[2]) == pytest.approx(np.vdot(q, apply(x, y, p)[2]))
    assert np.vdot(p, apply(x, y, p)[2]) > 0


@pytest.mark.parametrize("wave", [(1, 0), (0, 2), (3, 4), (5, 7)])
def test_on_the_plain_lattice_waves_are_eigenvectors(wave: tuple[int, int]) -> None:
    h, w = 6, 8
    x, y = mesh(h, w, 0.0)
    k, m = wave
    p = np.cos(np.pi * k * (np.arange(h) + 0.5) / h)[:, None] * np.cos(np.pi * m * (np.arange(w) + 0.5) / w)
    nine, five = symbols((h, w), (1.0, 1.0))
    np.testing.assert_allclose(apply(x, y, p)[2], nine[k, m] * p, atol=1e-12)
    assert five[k, m] >= nine[k, m]


def test_guard_holds_back_only_what_would_fold() -> None:
    x, y = mesh(12, 12, 0.1)
    u, v = np.zeros_like(x), np.zeros_like(y)
    u[2, 2], u[9, 9] = 5.0, 0.1
    new_x, new_y = np.empty_like(x), np.empty_like(y)
    assert guard(x, y, u, v, new_x, new_y, 1.0)
    assert count_folds(new_x, new_y) == 0
    assert (triangles(corners(new_x, new_y)) >= 0.2 * triangles(corners(x, y)) - 1e-12).all()
    assert new_x[9, 9] == x[9, 9] + 0.1
    assert new_x[2, 2] < x[2, 2] + 5.0


def test_relaxing_lowers_the_energy_and_moves_only_the_active() -> None:
    x, y = mesh(10, 14, 0.25)
    target = np.random.default_rng(4).uniform(0.3, 3, (10, 14))
    cells = np.zeros((10, 14), bool)
    cells[3:6, 4:9] = True
    active = around(cells)
    assert active.sum() == 6 * 8
    old_x, old_y = x.copy(), y.copy()
    energies = [energy(x, y, target, 0.05)]
    for _ in range(4):
        relax(x, y, target, active, 0.05, sweeps=1)
        energies.append(energy(x, y, target, 0.05))
    assert all(b <= a for a, b in pairwise(energies))
    assert energies[-1] < energies[0]
    np.testing.assert_array_equal(x[~active], old_x[~active])
    np.testing.assert_array_equal(y[~active], old_y[~active])


def test_relaxing_by_threads_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relaxation, "limit_workers", lambda workers, cells: workers)
    target = smooth(30, 40)
    target /= target.mean()
    one, three = mesh(30, 40, 0.2), mesh(30, 40, 0.2)
    everywhere = np.ones((31, 41), bool)
    relax(*one, target, everywhere, 0.01, sweeps=2)
    relax(*three, target, everywhere, 0.01, sweeps=2, workers=3)
    np.testing.assert_array_equal(one, three)


def test_a_folded_corner_is_unfolded() -> None:
    x, y = mesh(9, 9, 0.0)
    x[4, 4] += 0.7
    y[4, 4] += 0.7
    assert count_folds(x, y) == 1
    assert unfold(x, y, np.ones((9, 9)), 1e-3)
    assert count_folds(x, y) == 0
    # where an area is negative there is no way back
    x, y = mesh(9, 9, 0.0)
    x[4, 4] += 3.0
    assert not unfold(x, y, np.ones((9, 9)), 1e-3)


@pytest.mark.parametrize("spacing", [1.0, 1.6, 0.4])
def test_projection_reaches_the_areas_on_any_aspect(spacing: float) -> None:
    target = smooth(40, 30)
    target /= target.mean()
    x, y = mesh(40, 30, 0.0)
    done = project(QUADRILATERALS, np.stack([x * spacing, y / spacing]), target, (spacing, 1 / spacing))
    assert np.abs(areas(corners(*done.points)) / target - 1).max() == pytest.approx(done.error, rel=1e-3)
    assert done.error < 1e-6
    assert not done.held


def test_a_step_in_the_density_is_held_repaired_and_solved() -> None:
    x, y = mesh(48, 48, 0.0)
    target = np.where(np.hypot(x[1:, 1:] - 24.5, y[1:, 1:] - 24.5) < 12, 30.0, 1.0)
    target /= target.mean()
    start, _ = diffuse(target, (1.0, 1.0))
    stopped = project(QUADRILATERALS, start.copy(), target, (1.0, 1.0), give_up=True)
    done = project(QUADRILATERALS, start, target, (1.0, 1.0))
    assert stopped.held
    assert done.held
    assert done.error < 1e-3 < stopped.error
    assert count_folds(*done.points) == 0


def test_limit_is_kept() -> None:
    x, y = mesh(20, 20, 0.0)
    target = smooth(20, 20)
    done = project(QUADRILATERALS, np.stack([x, y]), target / target.mean(), (1.0, 1.0), limit=2)
    assert done.iterations <= 2
    assert done.error > projection.GOAL
