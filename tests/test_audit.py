"""Audits of maps: against closed forms, SciPy's rank correlation, and maps that are known to be exact or useless."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import spearmanr

import latent_widget as lw
from latent_widget.maps._audit import Agreement, Audit, compare_distances

BOX = (-1.0, 2.0, 0.0, 2.0)


def even_field(metric: np.ndarray) -> lw.Field:
    return lw.Field(lw.Lattice(BOX, (24, 36)), np.broadcast_to(metric, (24, 36, 2, 2)), {"measure": "even"})


def warped_field() -> lw.Field:
    """A flat plane in a coordinate s(x) instead of x, of as many units: the cartogram brings x back, an isometry."""
    lattice = lw.Lattice((-1, 1, 0, 1), (24, 60))
    x = lattice.cells[..., 0]
    slope = 0.1 + np.exp(2 * x)
    metric = np.zeros((24, 60, 2, 2))
    metric[..., 0, 0], metric[..., 1, 1] = (slope / slope.mean()) ** 2, 1.0
    return lw.Field(lattice, metric)


def test_the_scale_and_the_stress_are_the_best_and_ranks_are_scipys() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(300) + 0.1
    page = np.round(7 * truth + rng.random(300), 1)
    found = compare_distances(page, truth)
    best = minimize_scalar(lambda s: np.square(s * page - truth).sum(), (0.01, 1.0))
    assert found.scale == pytest.approx(best.x, rel=1e-5)
    assert found.stress == pytest.approx(np.sqrt(best.fun / np.square(truth).sum()), rel=1e-6)
    assert found.spearman == pytest.approx(spearmanr(page, truth).statistic, rel=1e-10)
    assert compare_distances(np.zeros(3), np.ones(3)).stress == 1.0


def test_an_isometry_has_no_stress_and_the_plane_what_its_shape_says() -> None:
    metric = np.array([[16.0, 0.0], [0.0, 1.0]])
    field = even_field(metric)
    points = np.random.default_rng(1).uniform(BOX[0::2], BOX[1::2], (20, 2))
    found = lw.audit(field, points, lw.cartogram(field, frame="metric"))
    assert found.map.stress < 1e-5
    assert found.map.spearman > 1 - 1e-6
    assert found.map.scale == pytest.approx(1.0, abs=1e-5)
    steps = (points[:, None] - points)[np.triu_indices(20, 1)]
    truth, flat = np.linalg.norm(steps * [4, 1], axis=1), np.linalg.norm(steps, axis=1)
    expected = np.sqrt(1 - (truth @ flat) ** 2 / (truth @ truth) / (flat @ flat))
    assert found.plane.stress == pytest.approx(expected, abs=1e-5)
    assert found.plane.spearman == pytest.approx(spearmanr(flat, truth).statistic, abs=1e-4)
    # an even field is its own placebo, so that the map shows no more than any would
    assert found.placebo.stress < 1e-5
    assert (found.points, found.pairs, found.measure) == (20, 190, "even")
    assert found.anisotropy == pytest.approx(1.0, abs=1e-9)
    assert found.folds == 0


def test_a_cartogram_that_is_an_isometry_is_told_from_plane_and_placebo() -> None:
    field = warped_field()
    found = lw.audit(field, map="cartogram", sources=25, seed=3)
    assert found.map.stress < 2e-3
    assert found.map.spearman > 0.9999
    assert found.map.scale == pytest.approx(1.0, abs=2e-3)
    assert 0.1 < found.plane.stress < 0.8 * found.placebo.stress
    assert "better than the plain plane and the placebo" in str(found)
    assert found.area_error_at_points < 1e-9
    assert 1 < found.anisotropy_at_points < 1 + 1e-9
    cart = lw.cartogram(field)
    assert lw.audit(field, map=cart, sources=25, seed=3) == found
    quick = lw.audit(field, map=cart, sources=25, seed=3, refine=False)
    assert quick.plane.stress == pytest.approx(found.plane.stress, abs=3e-3)
    assert quick != found
    control = lw.cartogram(lw.placebo(field))
    swapped = lw.audit(field, map=control, sources=25, seed=3)
    assert swapped.map == found.placebo
    assert "no better" in str(swapped)


@pytest.mark.parametrize("method", ["isometric", "distances"])
def test_maps_for_distances_are_audited_with_a_placebo_of_their_kind(method: str) -> None:
    field = warped_field()
    points = np.random.default_rng(4).uniform((-1, 0), (1, 1), (12, 2))
    found = lw.audit(field, points, method, sources=12)
    assert found == lw.audit(field, points, lw.Atlas(field.lattice, {"w": field}, points).map("w", method), sources=12)
    assert found.method == method
    assert found.map.stress < 2e-3
    assert found.map.scale == pytest.approx(1.0, abs=2e-3)
    assert found.placebo.stress > 0.1
    if method == "distances":
        assert lw.audit(field, points, sources=12) == found


def test_points_are_chosen_where_there_are_many() -> None:
    field = even_field(np.eye(2))
    points = np.random.default_rng(1).uniform(BOX[0::2], BOX[1::2], (40, 2))
    cart = lw.cartogram(field)
    one, two, other = (lw.audit(field, points, cart, sources=8, seed=s) for s in (0, 0, 1))
    assert one.points == 8
    assert one == two
    assert one.map.scale == pytest.approx(1.0, abs=1e-6)
    assert other.plane != one.plane


@pytest.mark.parametrize(
    ("plane", "placebo", "verdict"),
    [
        (0.3, 0.3, "better than the plain plane and the placebo do. "),
        (0.3, 0.1, "better than the plain plane, but no better than the map of a placebo, so that the gain does not"),
        (0.1, 0.3, "better than the map of a placebo, but no better than the plain plane. "),
        (0.1, 0.1, "no better than the plain plane, nor than the map of a placebo. "),
        # a difference within half a percent is none
        (0.204, 0.204, "no better than the plain plane, nor than the map of a placebo. "),
        (0.204, 0.206, "better than the map of a placebo, but no better than the plain plane. "),
        (0.206, 0.206, "better than the plain plane and the placebo do. "),
    ],
)
def test_the_verdict_says_what_the_numbers_say(plane: float, placebo: float, verdict: str) -> None:
    known = [Agreement(stress, 0.9, 1.0) for stress in (plane, 0.2, placebo)]
    found = Audit("m", "isometric", 5, 10, *known, 1.1, 0.1, 1.1, 0.1, 0, converged=True, placebo_converged=True)
    assert f"tells distances {verdict}" in str(found)
    assert "not converge" not in str(found)


def test_a_placebo_that_did_not_converge_is_told_in_the_text_and_warns_of_nothing() -> None:
    # areas that no map without folds reaches, neither the field's own nor the placebo's
    rho = np.ones((12, 12))
    rho[5, 5], rho[5, 6] = 1e6, 1e-5
    hard = lw.Field.from_density(lw.Lattice((0, 1, 0, 1), (12, 12)), rho)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        cart = lw.cartogram(hard)
        made = len(told)
        found = lw.audit(hard, map=cart, sources=10, refine=False)
    assert not found.placebo_converged
    assert len(told) == made == 1
    assert "The map of the placebo did not converge" in str(found)
    assert lw.audit(warped_field(), map="cartogram", sources=10, refine=False).placebo_converged


def test_an_audit_prints_its_numbers() -> None:
    found = lw.audit(warped_field(), map="cartogram", sources=10)
    for text in (str(found), found._repr_markdown_()):
        for part in (found.plane, found.map, found.placebo):
            assert f"{part.stress:.3f}" in text
            assert f"{part.spearman:.3f}" in text
        assert f"{found.anisotropy_at_points:.2f} times" in text
        assert "no folds" in text
    assert len(str(found).splitlines()) == 6
    assert found._repr_markdown_().splitlines()[1] == "| --- | --- | --- |"


def test_bad_arguments_are_named() -> None:
    field = even_field(np.eye(2))
    cart = lw.cartogram(field)
    with pytest.raises(TypeError, match="got ndarray"):
        lw.audit(field.density)
    with pytest.raises(ValueError, match="sources=2: give a number of points, at least 3"):
        lw.audit(field, map=cart, sources=2)
    with pytest.raises(ValueError, match="points has 2 rows: give at least 3"):
        lw.audit(field, [[0, 1], [1, 1]], cart)
    with pytest.raises(ValueError, match=r"points: 1 of 3 lie outside extent.*row 2"):
        lw.audit(field, [[0, 1], [1, 1], [3, 3]], cart)
    with pytest.raises(ValueError, match="all at one place"):
        lw.audit(field, np.ones((4, 2)), cart)
    with pytest.raises(ValueError, match=r"map=Map.*has \(24, 60\) cells"):
        lw.audit(field, map=lw.cartogram(warped_field()))
    for name in ("flat", ""):
        with pytest.raises(ValueError, match=f"map='{name}': use one of 'cartogram', 'isometric', 'distances'"):
            lw.audit(field, map=name)
    with pytest.raises(TypeError, match="map=5: give a Map of this field, or one of 'cartogram'"):
        lw.audit(field, map=5)
    for seed in (-1, 1.5, None):
        with pytest.raises(ValueError, match=f"seed={seed!r}: give a whole number"):
            lw.audit(field, map=cart, seed=seed)
    assert lw.audit(field, map=cart, sources=np.int64(4), seed=np.uint8(2)).points == 4
    box = lw.Field.from_density(lw.Lattice((0, 1, 0, 1, 0, 1), (2, 2, 2)), np.ones((2, 2, 2)))
    with pytest.raises(ValueError, match="two dimensions"):
        lw.audit(box)
