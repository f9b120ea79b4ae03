"""The workbench's charts against closed forms, and its links to the widget; no browser."""

import sys

import bqplot
import hypothesis.strategies as st
import ipywidgets
import numpy as np
import pytest
from hypothesis import given, settings

import latent_widget as lw
from latent_widget.display._workbench import (
    choose_points,
    choose_ticks,
    compare_distances,
    count_cells,
    measure_profile,
)

LATTICE = lw.Lattice((0, 2, 0, 1), (24, 48))


@pytest.fixture(scope="module")
def slope():
    """Density (1 + x)², isotropic: a line along x has the speed 1 + x and the length x + x² / 2."""
    return lw.Field.from_density(LATTICE, (1 + LATTICE.cells[..., 0]) ** 2)


@pytest.fixture
def widget(slope):
    fields = {"slope": slope, "flat": lw.Field.from_density(LATTICE, np.full(LATTICE.shape, 4.0))}
    return lw.LatentWidget(lw.Atlas(LATTICE, fields), start=(0.5, 0.5), end=(1.5, 0.5))


def found(box, kind):
    """All widgets of a kind inside a box, in order."""
    inner = [*getattr(box, "children", ()), *getattr(box, "marks", ()), getattr(box, "interaction", None)]
    all_of_them = [box, *(w for c in inner if c is not None for w in found(c, kind))]
    return [w for w in dict.fromkeys(all_of_them) if isinstance(w, kind)]


def test_the_profile_of_a_line_up_the_slope(slope):
    along, far, speed = measure_profile(lw.straight(slope, (0.5, 0.5), (1.5, 0.5)))
    x = 0.5 + along
    np.testing.assert_allclose(far, (x + x**2 / 2) - (0.5 + 0.125), atol=2e-3)
    np.testing.assert_allclose(speed, 1 + (x[1:] + x[:-1]) / 2, rtol=3e-3)
    nowhere = measure_profile(lw.straight(slope, (0.5, 0.5), (0.5, 0.5)))
    assert all(np.isfinite(part).all() and not part.any() for part in nowhere)


def test_the_histogram_shares_out_all_cells(slope):
    edges, part = count_cells(slope.density)
    assert part.sum() == pytest.approx(100)
    assert 10.0 ** edges[[0, -1]] == pytest.approx([slope.density.min(), slope.density.max()])
    # x is even over the plane, so that the share below a density d is (sqrt(d) - 1) / 2
    below = np.cumsum(part) / 100
    np.testing.assert_allclose(below, (10.0 ** (edges[1:] / 2) - 1) / 2, atol=0.03)
    for constant in (1e-30, 1.0, 1e30):
        edges, part = count_cells(np.full((3, 4), constant))
        assert part.max() == 100
        assert edges[0] < np.log10(constant) < edges[-1]


def test_on_a_flat_field_all_distances_agree(widget):
    widget.weights = {"flat": 1.0}
    points = choose_points(widget, 0)
    walked, plain, stretched = compare_distances(widget, points)
    assert len(walked) == 24 * 23 / 2
    np.testing.assert_allclose(walked, 2 * plain, rtol=0.02)
    np.testing.assert_allclose(stretched, plain, atol=1e-6)


def test_points_are_drawn_once_for_a_seed_from_the_encoded_ones(widget, slope):
    np.testing.assert_array_equal(choose_points(widget, 3), choose_points(widget, 3))
    assert (choose_points(widget, 3) != choose_points(widget, 4)).any()
    encoded = np.random.default_rng(0).uniform((0, 0), (2, 1), (40, 2))
    with_points = lw.LatentWidget(lw.Atlas(LATTICE, {"slope": slope}, encoded))
    drawn = choose_points(with_points, 0)
    assert all((encoded == point).all(1).any() for point in drawn)


@settings(deadline=None)  # the first call imports Matplotlib
@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_are_round_and_inside(low, span):
    ticks = choose_ticks(low, low + span)
    slack = 1e-6 * span
    assert 2 <= len(ticks) <= 7
    assert (ticks >= low - slack).all()
    assert (ticks <= low + span + slack).all()
    step = ticks[1] - ticks[0]
    digits = step / 10 ** np.floor(np.log10(step) + 1e-6)
    # far from zero the difference of two ticks has lost digits
    lost = 10 * np.spacing(np.abs(ticks).max()) / step
    assert min(abs(digits - d) for d in (1, 2, 5, 10)) < 1e-6 + lost


def test_the_charts_follow_the_widget(widget):
    bench = lw.workbench(widget)
    assert found(bench, lw.LatentWidget) == [widget]
    (geodesic, straight, slerp, stretched), (bars,), scatters = (
        found(bench, k) for k in (bqplot.Lines, bqplot.Bars, bqplot.Scatter)
    )
    before = np.array(straight.y)
    widget.end = (1.9, 0.9)
    assert (np.array(straight.y) != before).any()
    found(bench, ipywidgets.ToggleButtons)[0].value = "distance"
    assert geodesic.y[-1] == pytest.approx(widget.path.length)
    assert straight.y[-1] == pytest.approx(widget.straight.length)
    assert not slerp.visible
    assert not stretched.visible
    widget.show = {"stretched": True, "straight": False}
    assert stretched.y[-1] == pytest.approx(widget.stretched.length)
    assert [line.visible for line in (geodesic, straight, slerp, stretched)] == [True, False, False, True]
    assert len(bars.y) > 10
    assert (np.array(bars.y) > 0).sum() > 10
    # stretching a slope brings the distances on the map closer to those of the measure
    told = found(bench, ipywidgets.HTML)[-1]
    plain, stretched = (np.corrcoef(s.x, s.y)[0, 1] for s in scatters)
    assert stretched > plain
    assert f"r = {stretched:.3f}" in told.value
    widget.weights = {"flat": 1.0}
    assert (np.array(bars.y) > 0).sum() == 1
    np.testing.assert_allclose(scatters[0].x, scatters[1].x, atol=1e-6)


def test_the_brush_sets_the_highlight_and_clear_removes_it(widget):
    bench = lw.workbench(widget)
    (brush,) = found(bench, bqplot.interacts.BrushIntervalSelector)
    brush.selected = np.log10([2.0, 4.0])
    assert widget.highlight == pytest.approx([2, 4])
    clear = found(bench, ipywidgets.Button)[0]
    assert not clear.disabled
    clear.click()
    assert widget.highlight is None
    widget.weights = {}
    brush.selected = None
    assert widget.highlight is None


def test_what_is_wrong_is_said(widget, monkeypatch):
    with pytest.raises(TypeError, match="must be a LatentWidget, got Atlas"):
        lw.workbench(widget.atlas)
    monkeypatch.setitem(sys.modules, "bqplot", None)
    with pytest.raises(ImportError, match=r"workbench needs bqplot.*pip install 'latent-widget\[demo\]'"):
        lw.workbench(widget)
