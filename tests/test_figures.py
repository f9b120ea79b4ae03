"""Thumbnails, packets of arrays and Matplotlib figures."""

import matplotlib.image
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb
from PIL import Image

import latent_widget as lw
from latent_widget.display.serialization import pack, unpack
from latent_widget.figures.map import draw_map
from latent_widget.figures.palette import INK, LABELS, parse_hex
from latent_widget.figures.thumbnails import choose_levels, convert_to_ink, draw_thumbnails


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        ([0, 0.5, 1], (0, 1)),
        ([-0.02, 1.02], (0, 1)),
        ([-1, 0.5], (-1, 1)),
        ([0, 200], (0, 255)),
        ([3, 7], (0, 255)),
        ([-5, 7], (-5, 7)),
    ],
)
def test_levels(values, levels):
    assert choose_levels(np.array(values)) == levels


def test_grey_and_colour_images_either_way_round():
    grey = np.array([[0, 0.2], [0.4, 1.0]])
    truth = np.rint(255 * grey)
    for sample in (grey, grey[None], grey[..., None]):
        np.testing.assert_array_equal(draw_thumbnails(sample[None], (0, 1))[0, ..., 0], truth)
    colour = np.random.default_rng(0).uniform(size=(3, 5, 6))
    first, last = draw_thumbnails(colour[None], (0, 1)), draw_thumbnails(np.moveaxis(colour, 0, -1)[None], (0, 1))
    np.testing.assert_array_equal(first, last)
    np.testing.assert_array_equal(first[0, ..., 2], np.rint(255 * colour[2]))
    assert (first[..., 3] == 255).all()


def test_large_images_are_reduced_keeping_their_mean():
    noise = np.random.default_rng(0).uniform(size=(1, 256, 128))
    small = draw_thumbnails(noise, (0, 1))
    assert small.shape == (1, 64, 32, 4)
    assert small[..., 0].mean() == pytest.approx(255 * noise.mean(), abs=0.6)


def test_curves_rise_where_values_do():
    ink = draw_thumbnails(np.linspace(0, 1, 40)[None], (0, 1))[0, ..., 0].astype(float)
    heights = np.argmin(ink, axis=0)
    assert heights[3] > heights[24] > heights[44]


def test_render_may_give_pictures_and_text():
    red = Image.new("RGB", (4, 6), (255, 0, 0))
    assert draw_thumbnails(np.zeros((2, 1)), (0, 1), lambda _: red).shape == (2, 6, 4, 4)
    words = draw_thumbnails(np.arange(2.0)[:, None], (0, 1), lambda s: "<b>hi</b>" if s[0] else "i")
    assert words.shape[0] == 2
    assert (words[..., 0] < 128).any()
    with pytest.raises(ValueError, match=r"shape \(2, 3, 4, 5\).*render="):
        draw_thumbnails(np.zeros((1, 2, 3, 4, 5)), (0, 1))


@pytest.mark.parametrize("dtype", ["float32", "int32", "uint8"])
def test_arrays_come_back_from_their_packets(dtype):
    values = np.asfortranarray(np.random.default_rng(0).integers(0, 200, (3, 4, 5))).astype(dtype)
    found = unpack(pack(values, dtype))
    np.testing.assert_array_equal(found, values)
    assert found.dtype == np.dtype(dtype)
    assert pack(np.zeros((0, 2)), dtype)["shape"] == [0, 2]
    with pytest.raises(ValueError, match="float64"):
        pack(values, "float64")


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


@pytest.fixture
def atlas():
    lattice = lw.Lattice((0, 2, 0, 1), (20, 40))
    field = lw.Field.from_density(lattice, 1 + 8 * (lattice.cells[..., 0] > 1))
    points = np.array([[0.5, 0.5], [1.5, 0.5]])
    return lw.Atlas(lattice, {"step": field}, points, np.array(["left", "right"]))


def test_the_map_is_drawn_where_the_cartogram_puts_it(atlas):
    plain, stretched = (draw_map(atlas, stretch=s) for s in (0.0, 1.0))
    cart = atlas.cartogram()
    for ax, corners in ((plain, atlas.lattice.corners), (stretched, cart.corners)):
        mesh = ax.collections[0]
        np.testing.assert_allclose(mesh.get_coordinates(), corners)
        np.testing.assert_allclose(mesh.get_array().reshape(20, 40), atlas["step"].density)
    dots = [c.get_offsets()[0] for c in stretched.collections[1:3]]
    np.testing.assert_allclose(dots, cart.transform(atlas.points))


def test_ticks_stand_where_the_border_has_gone(atlas):
    cart = atlas.cartogram()
    for stretch in (0.0, 0.5, 1.0):
        ax = draw_map(atlas, stretch=stretch)
        for place, label in zip(ax.get_xticks(), ax.get_xticklabels(), strict=True):
            tick = float(label.get_text().replace("−", "-"))
            truth = (1 - stretch) * tick + stretch * cart.transform([tick, 0.0])[0]
            assert place == pytest.approx(truth, abs=1e-9)
        assert len(ax.get_yticks()) > 2


def test_plot_takes_axes_and_paths(atlas):
    path = atlas.geodesic((0.2, 0.2), (1.8, 0.9))
    ax = atlas.plot("step", stretch=0.0, paths=[path], points=False)
    np.testing.assert_allclose(ax.lines[0].get_xydata(), path.points)
    assert atlas.plot("step", ax=ax) is ax
    with pytest.raises(ValueError, match="stretch must lie in"):
        atlas.plot("step", stretch=2)


def test_every_layer_draws_to_every_format(atlas, tmp_path):
    for suffix in ("svg", "png", "pdf"):
        ax = draw_map(atlas, stretch=0.5, grid=True, paths=[atlas.geodesic((0.2, 0.2), (1.8, 0.9))])
        ax.figure.savefig(tmp_path / f"map.{suffix}")
        assert (tmp_path / f"map.{suffix}").stat().st_size > 5000
    assert matplotlib.image.imread(tmp_path / "map.png").shape[2] == 4


def test_contours_lie_where_the_density_has_their_value():
    lattice = lw.Lattice((0, 2, 0, 1), (40, 80))
    atlas = lw.Atlas(lattice, {"slope": lw.Field.from_density(lattice, 1 + lattice.cells[..., 0])})
    ax = draw_map(atlas, stretch=1.0, contours=True, ellipses=False)
    contours = ax.collections[1]
    cart, drawn_lines = atlas.cartogram(), 0
    for level, path in zip(contours.levels, contours.get_paths(), strict=True):
        plane = cart.inverse(path.vertices)
        inner = (plane[:, 0] > 0.1) & (plane[:, 0] < 1.9)
        np.testing.assert_allclose(1 + plane[inner, 0], level, atol=0.02)
        drawn_lines += inner.any()
    assert drawn_lines >= 5


@pytest.mark.parametrize("stretch", [0.0, 1.0])
def test_ellipses_have_one_area_on_the_cartogram_and_one_length_in_the_measure(stretch):
    lattice = lw.Lattice((0, 2, 0, 1), (60, 120))
    x = lattice.cells[..., 0]
    metric = np.zeros((60, 120, 2, 2))
    metric[..., 0, 0], metric[..., 1, 1], metric[..., 0, 1], metric[..., 1, 0] = (1 + x) ** 2, 4.0, 0.5, 0.5
    field = lw.Field(lattice, metric)
    atlas = lw.Atlas(lattice, {"skew": field})
    polygons = draw_map(atlas, stretch=stretch, ellipses=True).collections[1].get_paths()
    cart = atlas.cartogram()
    plane = np.stack([p.vertices[:-1] for p in polygons])
    if stretch == 1:
        after = np.roll(plane, -1, 1)
        areas = (plane[..., 0] * after[..., 1] - plane[..., 1] * after[..., 0]).sum(1) / 2
        assert areas.std() < 0.05 * areas.mean()
    else:
        steps = plane - plane.mean(1, keepdims=True)
        at = np.array([(1 + plane[..., 0].mean(1)) ** 2, np.full(len(plane), 0.5), np.full(len(plane), 4.0)])[..., None]
        lengths = at[0] * steps[..., 0] ** 2 + 2 * at[1] * steps.prod(-1) + at[2] * steps[..., 1] ** 2
        np.testing.assert_allclose(lengths, lengths.mean(), rtol=0.02)
        assert cart.converged


def test_colours_by_area_error_label_and_standard_error():
    lattice = lw.Lattice((0, 2, 0, 1), (16, 32))
    x = lattice.cells[..., 0]
    slope = lw.Field.from_density(lattice, 1 + x)
    told = lw.Field(lattice, slope.metric, {"residual": 0.1 * x})
    points = np.random.default_rng(0).uniform((0, 0), (2, 1), (300, 2))
    atlas = lw.Atlas(lattice, {"slope": slope, "told": told}, points, np.where(points[:, 0] < 1, "left", "right"))
    # unstretched, a cell's area is the same everywhere, and the one asked for is (1 + x) / 2 of it
    errors = draw_map(atlas, stretch=0.0, colour_by="area_error").collections[0].get_array()
    np.testing.assert_allclose(errors.reshape(16, 32), -np.log2((1 + x) / 2), atol=1e-9)
    errors = draw_map(atlas, stretch=1.0, colour_by="area_error").collections[0].get_array()
    assert np.abs(errors).max() < 0.05
    known = draw_map(atlas, "told", colour_by="standard_error").collections[0].get_array()
    np.testing.assert_allclose(known.reshape(16, 32), 0.1 * x)
    both = draw_map(atlas, colour_by="standard_error", weights={"slope": 1.0, "told": 1.0}).collections[0].get_array()
    np.testing.assert_allclose(both, known)
    tones = draw_map(atlas, stretch=0.0, colour_by="label").collections[0].get_array().reshape(16, 32, 3)
    paper = np.array([0xFA, 0xF8, 0xF2]) / 255
    for half, name in ((tones[:, :14], "#0072b2"), (tones[:, 18:], "#e69f00")):
        # every cell lies between the paper and the colour of its side
        part = (half - paper) / (np.array(to_rgb(name)) - paper)
        np.testing.assert_allclose(part, np.broadcast_to(part[..., :1], part.shape), atol=1e-9)
        assert (part > 0.1).all()
        assert (part < 0.56).all()
    for by, words in (("standard_error", "slope have none"), ("hue", "colour_by must be")):
        with pytest.raises(ValueError, match=words):
            draw_map(atlas, colour_by=by)


def test_a_view_shows_its_part_with_ticks_of_its_own(atlas):
    ax = draw_map(atlas, stretch=0.0, view=(0.5, 1.0, 0.25, 0.5))
    assert ax.get_xlim() == (0.5, 1.0)
    assert len(ax.get_xticks()) >= 4
    assert all(0.5 <= tick <= 1 for tick in ax.get_xticks())


def test_drawings_become_ink_and_pictures_stay():
    digit = np.zeros((1, 4, 4, 4), np.uint8)
    digit[..., 3] = 255
    digit[0, 1:3, 1, :3] = 200
    for drawing in (digit, np.concatenate([255 - digit[..., :3], digit[..., 3:]], -1)):
        ink = convert_to_ink(drawing)
        np.testing.assert_array_equal(ink[..., 3], digit[..., 0])
        assert (ink[..., :3] == parse_hex(INK)).all()
    colour = digit.copy()
    colour[0, 0, 0] = (255, 0, 0, 255)
    for picture in (colour, np.full_like(digit, 128)):
        assert convert_to_ink(picture) is picture


def test_labels_keep_their_colours_where_a_class_lies_outside():
    lattice = lw.Lattice((0, 1, 0, 1), (8, 8))
    points, labels = np.array([[5.0, 5.0], [0.3, 0.3], [0.7, 0.7]]), np.array(["a", "b", "c"])
    atlas = lw.Atlas(lattice, {"flat": lw.Field.from_density(lattice, np.ones((8, 8)))}, points, labels)
    drawn = {dots.get_label(): dots for dots in atlas.plot(stretch=0).collections}
    assert [to_hex(drawn[name].get_facecolor()[0]) for name in "bc"] == list(LABELS[1:3])
