"""The maps that the widget shows: which one, when it is made anew, what it is worth, and how it is drawn."""

import numpy as np
import pytest
import traitlets
from free_maps import bent_map
from small_atlas import LATTICE, make_atlas, make_widget

import latent_widget as lw
from latent_widget.display.serialization import unpack
from latent_widget.figures.page import fit_to_page


@pytest.fixture(scope="module")
def atlas():
    return make_atlas()


@pytest.fixture
def widget(atlas):
    return make_widget(atlas)


@pytest.fixture
def free(widget, monkeypatch):
    """The widget with a bent map in the place of the isometric one; it holds what was asked for."""
    asked = []

    def make(field, method, points, options):
        asked.append((method, options))
        return lw.cartogram(field) if method == "cartogram" else bent_map(field)

    monkeypatch.setattr("latent_widget.display.widget.make_map", make)
    widget.asked = asked
    return widget


def test_the_chosen_map_goes_over_the_wire_on_the_page(free):
    before = free._map["key"]
    free.map_method = "isometric"
    found, page = bent_map(free.field), fit_to_page(bent_map(free.field))
    np.testing.assert_allclose(free.map.corners, found.corners)
    np.testing.assert_allclose(unpack(free._map["corners"]), page.corners, atol=1e-5)
    assert free._map["key"] != before
    expected = {"method": "isometric", "unit": page.unit, "folds": 0, "converged": True, "message": "bent by hand"}
    expected |= {"anisotropy": found.anisotropy, "rmsAreaError": pytest.approx(found.weighted_area_error)}
    assert {name: free._map[name] for name in expected} == expected
    assert free._status == {"state": "ready", "message": ""}
    # the length of a line that is straight on the page, in the measure, is told by the unit
    ends = page.transform([free.start, free.end])
    apart = free.map.distances([free.start], [free.end])[0, 0]
    assert free._map["unit"] * np.hypot(*(ends[1] - ends[0])) == pytest.approx(apart)


def test_a_map_is_made_once_and_again_only_for_what_it_depends_on(free):
    free.map_method = "isometric"
    free.map_method = "cartogram"
    free.map_method = "isometric"
    assert free.asked == [("isometric", {"area_weight": 0.5})]
    key = free._map["key"]
    free.area_weight = 0.8
    assert free.asked[-1] == ("isometric", {"area_weight": 0.8})
    assert free._map["key"] != key
    free.map_method = "cartogram"
    free.area_weight = 0.1
    assert len(free.asked) == 2
    free.temper = 0.5
    assert free.asked[-1] == ("cartogram", {})
    np.testing.assert_allclose(free.cartogram.corners, lw.cartogram(free.field).corners, atol=1e-9)


def test_the_cartogram_can_be_had_whatever_is_shown(free):
    free.map_method = "isometric"
    np.testing.assert_allclose(free.cartogram.corners, lw.cartogram(free.field).corners, atol=1e-9)
    assert free.map.method == "isometric"


def test_a_map_that_cannot_be_made_is_said_and_the_last_one_stays(widget, monkeypatch):
    def make(field, method, points, options):
        raise ValueError("no such map of this field")

    monkeypatch.setattr("latent_widget.display.widget.make_map", make)
    key = widget._map["key"]
    widget.map_method = "isometric"
    assert widget._status == {"state": "error", "message": "no such map of this field"}
    assert (widget._map["key"], widget._map["method"]) == (key, "cartogram")
    with pytest.raises(ValueError, match="no such map of this field"):
        _ = widget.map
    widget.map_method = "cartogram"
    assert widget._status["state"] == "ready"
    assert widget.map.method == "diffusion"


def test_the_page_of_a_free_map_may_be_seen_beyond_the_extent(free):
    with pytest.raises(traitlets.TraitError):
        free.view = (-3, 0, -1, 5)
    free.map_method = "isometric"
    free.view = (-3, 0, -1, 5)
    with pytest.raises(traitlets.TraitError, match="of the page"):
        free.view = (0, -1, 0, 1)
    free.map_method = "cartogram"
    assert free.view is None
    with pytest.raises(traitlets.TraitError):
        free.map_method = "mercator"


@pytest.mark.parametrize("name", ["figure.svg", "figure.png", "figure.pdf"])
def test_a_figure_of_a_free_map_is_written(free, tmp_path, name):
    free.map_method, free.stretch = "isometric", 1.0
    free.show = {"ellipses": True, "grid": True, "contours": True, "stretched": True, "slerp": True}
    free.save(tmp_path / name, width=4, dpi=60)
    assert (tmp_path / name).stat().st_size > 2000


def test_the_straight_line_is_that_of_the_map_that_is_shown(free):
    free.start, free.end = (-0.6, 0.5), (0.6, 0.5)
    on_cartogram = free.stretched.points
    free.map_method = "isometric"
    page = free.map.transform(free.stretched.points)
    (x, y), (u, v) = (page - page[0]).T, page[-1] - page[0]
    assert np.abs(x * v - y * u).max() < 1e-9
    assert np.abs(free.stretched.points - on_cartogram).max() > 0.01


def test_what_the_map_is_worth_is_measured_in_the_background(free):
    free.map_method = "isometric"
    free._answer(free, {"type": "audit"}, [])
    free._audited.result(120)
    audit = free._audit
    assert (audit["state"], audit["key"], audit["method"]) == ("ready", free._map["key"], "isometric")
    truth = lw.audit(free.field, free.atlas.points[LATTICE.contains(free.atlas.points)], free.map)
    assert audit["anisotropy"] == pytest.approx(truth.anisotropy_at_points)
    assert audit["areaError"] == pytest.approx(truth.area_error_at_points)
    assert audit["stress"]["map"] == pytest.approx(truth.map.stress)
    assert audit["stress"]["plane"] == pytest.approx(truth.plane.stress)
    assert set(audit["stress"]) == {"plane", "map", "placebo"}


def test_an_audit_that_fails_says_why(free, monkeypatch):
    def broken(*_):
        raise MemoryError("no room")

    monkeypatch.setattr("latent_widget.display.widget.measure_worth", broken)
    free._answer(free, {"type": "audit"}, [])
    free._audited.result(60)
    assert free._audit == {"state": "failed", "message": "no room"}
