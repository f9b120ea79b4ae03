"""Lines that are laid without a search: the other half of js/test/lines.test.ts, and the widget's use of them."""

import json

import line_fixtures
import numpy as np
import pytest
import torch

import latent_widget as lw
from latent_widget.display.serialization import describe_origin


def test_the_lines_that_the_browser_must_lay_are_still_those_of_python():
    for old, new in zip(json.loads(line_fixtures.PATH.read_text()), line_fixtures.fixtures(), strict=True):
        assert old["metric"] == pytest.approx(new["metric"], rel=1e-6)
        assert old["corners"] == pytest.approx(new["corners"], abs=1e-5)
        for name in ("foot", "gram", "height"):
            assert old["around"][name] == pytest.approx(new["around"][name], abs=1e-12)
        for was, now in zip(old["pairs"], new["pairs"], strict=True):
            assert (was["slerp"] is None) == (now["slerp"] is None)
            for kind in ("slerp", "stretched"):
                for name in was[kind] or ():
                    assert np.array(was[kind][name]) == pytest.approx(np.array(now[kind][name]), abs=1e-5)
    reasons = [pair["slerp"] is None for space in line_fixtures.fixtures() for pair in space["pairs"]]
    assert any(reasons)
    assert not all(reasons)


def test_latents_have_the_products_that_the_browser_is_told():
    _, lattice, _ = list(line_fixtures.lattices())[1]
    told = describe_origin(lattice)
    e, f, g = told["gram"]
    points = np.random.default_rng(0).uniform(-2, 2, (20, 2))
    x, y = (points - told["foot"]).T
    latents = lattice.embed(points)
    assert (latents**2).sum(1) == pytest.approx(e * x * x + 2 * f * x * y + g * y * y + told["height"] ** 2)
    # the foot is the plane's nearest point to the latent origin
    assert lattice.basis @ lattice.embed(told["foot"]) == pytest.approx(np.zeros(2), abs=1e-12)


def test_slerp_of_equal_norms_runs_evenly_in_the_angle_by_its_parameter():
    lattice = lw.Lattice((-2, 2, -2, 2), (16, 16))
    line = lw.slerp(lw.Field.from_density(lattice, np.exp(lattice.cells[..., 0])), (1.0, 0.5), (-0.5, 1.0))
    x, y = line.at(7, by="parameter").T
    steps = np.diff(np.arctan2(y, x))
    assert steps == pytest.approx(np.full(6, steps.mean()), rel=2e-3)


@pytest.fixture
def widget():
    def decode(z):
        return torch.stack([z[:, 0], z[:, 1] ** 2, torch.sin(2 * z[:, 0])], 1)

    atlas = lw.survey(lw.Decoder(decode, dtype=torch.float64), lw.Lattice((-2, 2, -2, 2), (16, 16)), progress=False)
    return lw.LatentWidget(atlas, start=(-1.0, 0.5), end=(0.8, 1.1), show={"slerp": True, "stretched": True})


def test_the_widget_measures_four_lines_and_none_is_shorter_than_the_geodesic(widget):
    for line in (widget.straight, widget.slerp, widget.stretched):
        assert line.length >= widget.path.length * (1 - 1e-9)
        assert line.points[[0, -1]] == pytest.approx(np.array([widget.start, widget.end]))
    on_map = widget.cartogram.transform(widget.stretched.points)
    along = np.linspace(on_map[0], on_map[-1], len(on_map))
    assert on_map == pytest.approx(along, abs=1e-9)


@pytest.mark.parametrize("spacing", ["own", "latent", "measure"])
def test_samples_are_spaced_as_asked(widget, spacing):
    widget.spacing = spacing
    points = widget.path.at(10, by="latent" if spacing == "latent" else "measure")
    truth = torch.as_tensor(points)
    assert widget.samples[:, 0] == pytest.approx(truth[:, 0].numpy())
    assert widget.samples[:, 1] == pytest.approx((truth[:, 1] ** 2).numpy())


def test_figures_hold_the_lines_that_exist(widget, tmp_path):
    widget.save(tmp_path / "four.svg")
    text = (tmp_path / "four.svg").read_text()
    assert text.startswith("<?xml")
    widget.start, widget.end = (-1.0, 0.5), (1.0, -0.5)
    with pytest.warns(UserWarning, match="leaves out slerp: .*opposite directions"):
        widget.save(tmp_path / "three.svg")
    assert (tmp_path / "three.svg").stat().st_size < len(text)
