"""The pieces of the projection: derivatives, symbols, and what each repair promises."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from test_cartograms import areas, smooth, triangles

from latent_widget.maps.cartograms import area_correction
from latent_widget.maps.cartograms.area_correction import correct_areas
from latent_widget.maps.cartograms.diffusion import diffuse
from latent_widget.maps.cartograms.poisson import compute_symbols
from latent_widget.maps.cartograms.problem import Problem
from latent_widget.maps.cartograms.quads import untangling
from latent_widget.maps.cartograms.quads.cells import QUADRILATERALS, apply_area_jacobian, compute_displacement
from latent_widget.maps.cartograms.quads.quality import find_folds, measure, measure_smallest_triangles
from latent_widget.maps.cartograms.quads.untangling import limit_motion, relax, untangle
from latent_widget.maps.cartograms.untangling import mark_corners


def mesh(h: int, w: int, wobble: float, seed: int = 0) -> np.ndarray:
    """Corners (2, h+1, w+1) of a lattice of unit cells, moved at random, but walls kept."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : h + 1, 0 : w + 1].astype(float)
    x[:, 1:-1] += wobble * rng.uniform(-1, 1, (h + 1, w - 1))
    y[1:-1] += wobble * rng.uniform(-1, 1, (h - 1, w + 1))
    return np.stack([x, y])


def corners(points: np.ndarray) -> np.ndarray:
    return np.moveaxis(points, 0, -1)


def count_folds(points: np.ndarray) -> int:
    return int((triangles(corners(points)) <= 0).any(-1).sum())


def energy(points: np.ndarray, target: np.ndarray, barrier: float) -> float:
    """What the local repair minimises, written down again from its definition."""
    a = areas(corners(points)) / target
    t = triangles(corners(points)) / 2 / target[..., None]
    return float((a - 1 - np.log(a)).sum() - barrier * np.log(t).sum())


def apply(points: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """M Bᵀ p and B M Bᵀ p."""
    area, change, motion = np.empty(p.shape), np.empty(p.shape), np.empty_like(points)
    measure(points, np.ones(p.shape), area)
    compute_displacement(points, area, p, motion, (1.0, 1.0), 1)
    apply_area_jacobian(points, motion, change, 1)
    return motion, change


def test_areas_triangles_and_errors_are_measured() -> None:
    points = mesh(7, 9, 0.3)
    target = np.random.default_rng(1).uniform(0.5, 2, (7, 9))
    area = np.empty((7, 9))
    quality = measure(points, target, area, workers=3)
    truth, three = areas(corners(points)), triangles(corners(points)) / 2
    np.testing.assert_allclose(area, truth, rtol=1e-12)
    error = truth / target - 1
    assert quality.shape == pytest.approx((three.min(-1) / truth).min())
    assert quality.shape_by_target == pytest.approx((three.min(-1) / target).min())
    assert quality.squared_error == pytest.approx(np.square(error).sum())
    assert quality.largest_error == pytest.approx(np.abs(error).max())
    np.testing.assert_allclose(measure_smallest_triangles(points), three.min(-1), rtol=1e-12)


def test_folds_are_found_triangle_by_triangle() -> None:
    points = mesh(9, 9, 0.0)
    assert not find_folds(points)[1].any()
    points[:, 4, 4] += 0.7
    area, folded = find_folds(points)
    np.testing.assert_allclose(area, areas(corners(points)), rtol=1e-12)
    np.testing.assert_array_equal(folded, (triangles(corners(points)) <= 0).any(-1))
    assert folded.sum() == 1
    points[0, 2, 2] = np.nan
    assert find_folds(points)[1].sum() == 5


def test_the_jacobian_is_the_derivative_of_the_areas() -> None:
    points = mesh(6, 8, 0.3)
    motion, change = apply(points, np.random.default_rng(2).normal(size=(6, 8)))
    step = 1e-6
    difference = areas(corners(points + step * motion)) - areas(corners(points - step * motion))
    np.testing.assert_allclose(change, difference / (2 * step), atol=1e-7)
    # nothing leaves its wall, and so the total cannot change
    assert not motion[0][:, [0, -1]].any()
    assert not motion[1][[0, -1]].any()
    assert change.sum() == pytest.approx(0, abs=1e-12)


def test_the_operator_is_symmetric_and_positive() -> None:
    points = mesh(6, 8, 0.25)
    p, q = np.random.default_rng(3).normal(size=(2, 6, 8))
    assert np.vdot(p, apply(points, q)[1]) == pytest.approx(np.vdot(q, apply(points, p)[1]))
    assert np.vdot(p, apply(points, p)[1]) > 0


@pytest.mark.parametrize("wave", [(1, 0), (0, 2), (3, 4), (5, 7)])
def test_on_the_plain_lattice_waves_are_eigenvectors(wave: tuple[int, int]) -> None:
    h, w = 6, 8
    k, m = wave
    p = np.cos(np.pi * k * (np.arange(h) + 0.5) / h)[:, None] * np.cos(np.pi * m * (np.arange(w) + 0.5) / w)
    nine, five = compute_symbols((h, w), (1.0, 1.0))
    np.testing.assert_allclose(apply(mesh(h, w, 0.0), p)[1], nine[k, m] * p, atol=1e-12)
    assert five[k, m] >= nine[k, m]


def test_a_motion_is_limited_only_around_what_would_fold() -> None:
    points = mesh(12, 12, 0.1)
    motion, new = np.zeros_like(points), np.empty_like(points)
    motion[0, 2, 2], motion[0, 9, 9] = 5.0, 0.1
    assert limit_motion(points, motion, new, 1.0)
    assert count_folds(new) == 0
    assert (triangles(corners(new)) >= 0.2 * triangles(corners(points)) - 1e-12).all()
    assert new[0, 9, 9] == points[0, 9, 9] + 0.1
    assert new[0, 2, 2] < points[0, 2, 2] + 5.0


def test_relaxing_lowers_the_energy_and_moves_only_the_active() -> None:
    points = mesh(10, 14, 0.25)
    target = np.random.default_rng(4).uniform(0.3, 3, (10, 14))
    cells = np.zeros((10, 14), bool)
    cells[3:6, 4:9] = True
    active = mark_corners(cells)
    assert active.sum() == 6 * 8
    old = points.copy()
    energies = [energy(points, target, 0.05)]
    for _ in range(4):
        relax(points, target, active, 0.05, 1, 1)
        energies.append(energy(points, target, 0.05))
    assert all(b <= a for a, b in pairwise(energies))
    assert energies[-1] < energies[0]
    np.testing.assert_array_equal(points[:, ~active], old[:, ~active])


def test_relaxing_by_threads_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(untangling, "limit_workers", lambda workers, cells: workers)
    target = smooth(30, 40)
    target /= target.mean()
    one, three = mesh(30, 40, 0.2), mesh(30, 40, 0.2)
    everywhere = np.ones((31, 41), bool)
    relax(one, target, everywhere, 0.01, 2, 1)
    relax(three, target, everywhere, 0.01, 2, 3)
    np.testing.assert_array_equal(one, three)


def test_a_folded_corner_is_unfolded() -> None:
    points = mesh(9, 9, 0.0)
    points[:, 4, 4] += 0.7
    assert count_folds(points) == 1
    assert untangle(points, np.ones((9, 9)), 1e-3)
    assert count_folds(points) == 0
    # where an area is negative there is no way back
    points = mesh(9, 9, 0.0)
    points[0, 4, 4] += 3.0
    assert not untangle(points, np.ones((9, 9)), 1e-3)


@pytest.mark.parametrize("spacing", [1.0, 1.6, 0.4])
def test_the_areas_are_reached_on_any_aspect(spacing: float) -> None:
    target = smooth(40, 30)
    target /= target.mean()
    start = mesh(40, 30, 0.0) * np.reshape([spacing, 1 / spacing], (2, 1, 1))
    done = correct_areas(QUADRILATERALS, start, Problem(target, (spacing, 1 / spacing)))
    assert np.abs(areas(corners(done.points)) / target - 1).max() == pytest.approx(done.error, rel=1e-3)
    assert done.error < 1e-6
    assert not done.is_limited


def test_a_step_in_the_density_is_limited_repaired_and_solved() -> None:
    x, y = mesh(48, 48, 0.0)
    target = np.where(np.hypot(x[1:, 1:] - 24.5, y[1:, 1:] - 24.5) < 12, 30.0, 1.0)
    target /= target.mean()
    start, _ = diffuse(target, (1.0, 1.0))
    problem = Problem(target, (1.0, 1.0))
    stopped = correct_areas(QUADRILATERALS, start.copy(), problem, give_up=True)
    done = correct_areas(QUADRILATERALS, start, problem)
    assert stopped.is_limited
    assert done.is_limited
    assert done.error < 1e-3 < stopped.error
    assert count_folds(done.points) == 0


def test_steps_are_limited() -> None:
    target = smooth(20, 20)
    problem = Problem(target / target.mean(), (1.0, 1.0), max_steps=2)
    done = correct_areas(QUADRILATERALS, mesh(20, 20, 0.0), problem)
    assert done.iterations <= 2
    assert done.error > area_correction.ROUND_OFF


def test_the_quality_is_the_same_to_the_last_digit_by_any_number_of_threads() -> None:
    # so large that the rows are shared, and rough enough for a sum in another order to differ
    points = mesh(401, 400, 0.3)
    target = np.random.default_rng(5).uniform(0.5, 2, (401, 400))
    found = {measure(points, target, np.empty_like(target), workers) for workers in (1, 2, 3, 5, 8)}
    assert len(found) == 1
    error = areas(corners(points)) / target - 1
    assert found.pop().squared_error == pytest.approx(np.square(error).sum(), rel=1e-12)
