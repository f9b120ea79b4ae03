"""Stills: the right colours at the right places."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

import latent_widget as lw
from latent_widget.figures.static_png import WIDTH, render_static_png

LATTICE = lw.Lattice((0, 2, 0, 1), (24, 48))
SLOPE = lw.Field.from_density(LATTICE, 1 + LATTICE.cells[..., 0])


def opened(png):
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGB")).astype(float)


def columns(png):
    """The red of each column, away from the rim; it falls as the density rises."""
    return opened(png)[20:-20, 4:-4, 0].mean(axis=0)


def test_a_slope_darkens_along_it_and_nowhere_else():
    picture = opened(render_static_png(SLOPE))
    assert picture.shape == (WIDTH / 2, WIDTH, 3)
    assert np.ptp(picture[10:-10], axis=0).max() <= 1
    assert (np.diff(columns(render_static_png(SLOPE))[::20]) < 0).all()


@pytest.mark.parametrize("stretch", [0.4, 1.0])
def test_stretched_colours_stand_where_the_closed_form_puts_them(stretch):
    """A density 1 + x on [0, 2] makes the map x -> 2 (x + x² / 2) / 4."""
    flat, moved = columns(render_static_png(SLOPE)), columns(render_static_png(SLOPE, lw.cartogram(SLOPE), stretch))
    x = 2 * (np.arange(WIDTH) + 0.5) / WIDTH
    there = (1 - stretch) * x + stretch * (x + x**2 / 2) / 2
    expected = np.interp(x[4:-4], there[4:-4], flat)
    assert np.abs(moved - expected)[10:-10].max() < 3


def test_points_are_marked_and_move_with_the_map():
    for stretch, place in ((0.0, 0.5), (1.0, 0.375)):
        marked = opened(render_static_png(SLOPE, lw.cartogram(SLOPE), stretch, np.array([[1.0, 0.5]])))
        dark = np.argwhere(marked.max(-1) < 80).mean(axis=0)
        assert dark == pytest.approx([WIDTH / 4, place * WIDTH], abs=1.5)


def test_a_constant_field_and_one_of_many_decades():
    assert (
        np.ptp(opened(render_static_png(lw.Field.from_density(LATTICE, np.ones(LATTICE.shape)))), axis=(0, 1)).max()
        == 0
    )
    steep = lw.Field.from_density(LATTICE, 10 ** (-30 * LATTICE.cells[..., 0]))
    assert np.ptp(columns(render_static_png(steep))) > 100
    with pytest.raises(ValueError, match="cartogram"):
        render_static_png(steep, None, 0.5)


def test_the_widget_carries_its_still():
    widget = lw.LatentWidget(lw.Atlas(LATTICE, {"slope": SLOPE}), stretch=1.0)
    bundle = widget._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle[0]
    assert base64.b64decode(bundle[0]["image/png"]) == render_static_png(SLOPE, widget.cartogram, 1.0)


def test_points_outside_the_extent_are_left_out():
    lattice = lw.Lattice((0, 1, 0, 1), (16, 16))
    field = lw.Field.from_density(lattice, 1 + lattice.cells[..., 0])
    cart = lw.cartogram(field)
    within = np.array([[0.5, 0.5]])
    assert render_static_png(field, cart, 1.0, np.array([[0.5, 0.5], [10.0, 0.0]])) == render_static_png(
        field, cart, 1.0, within
    )
