"""Maps with a free outline on the page of figures: their size, their frame, what is drawn on them and beside them."""

import io
import warnings
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest
from free_maps import bend, bent_map, make_map, turn_over
from matplotlib.figure import Figure
from matplotlib.path import Path
from PIL import Image

import latent_widget as lw
from latent_widget.figures.indicatrices import indicatrices
from latent_widget.figures.map import draw_map
from latent_widget.figures.page import count_folds, fit_to_page, frame_corners, lie_on_map, measure_area
from latent_widget.figures.static_png import WIDTH, render_static_png

mpl.use("agg")

LATTICE = lw.Lattice((-2, 2, 0, 4), (24, 24))
FLAT = lw.Field.from_density(LATTICE, np.ones((24, 24)))
BENT = bent_map(FLAT)
WALLED = lw.cartogram(lw.Field.from_density(LATTICE, 1.5 + LATTICE.cells[..., 0] / 2))


@pytest.fixture
def atlas():
    points = np.random.default_rng(0).uniform((-2, 0), (2, 4), (60, 2))
    return lw.Atlas(LATTICE, {"flat": FLAT}, points=points)


def test_the_page_gives_every_map_the_area_of_the_extent_and_keeps_what_it_measures():
    page = fit_to_page(BENT)
    assert measure_area(page.outline) == pytest.approx(16, rel=1e-12)
    assert measure_area(BENT.outline) > 50
    points = np.array([[-1, 1], [0, 2], [1.5, 3.9]])
    np.testing.assert_allclose(page.distances(points), BENT.distances(points), rtol=1e-12)
    # the centre of the extent stays where the solver put it
    shift = (BENT.transform([0, 2]) - [0, 2]) * (page.unit**-1)
    np.testing.assert_allclose(page.transform([0, 2]) - [0, 2], shift, atol=1e-12)
    assert fit_to_page(WALLED) is WALLED


def test_a_polygon_has_its_area_wherever_it_lies():
    square = np.array([[0, 0], [1, 0], [1, 2], [0, 2]], dtype=float)
    assert measure_area(square) == 2
    assert measure_area(square[::-1] + 1e8) == pytest.approx(-2)


def test_the_frame_holds_the_map_in_the_proportions_of_the_extent():
    corners = fit_to_page(BENT).corners
    x0, x1, y0, y1 = frame_corners(corners, 1.0)
    assert (x1 - x0) / (y1 - y0) == pytest.approx(1)
    low, high = corners.reshape(-1, 2).min(axis=0), corners.reshape(-1, 2).max(axis=0)
    assert (low >= [x0 - 1e-12, y0 - 1e-12]).all()
    assert (high <= [x1 + 1e-12, y1 + 1e-12]).all()
    assert min(x1 - x0 - np.ptp([low[0], high[0]]), y1 - y0 - np.ptp([low[1], high[1]])) == pytest.approx(0, abs=1e-12)
    wide = frame_corners(corners, 0.2)
    assert (wide[1] - wide[0]) / (wide[3] - wide[2]) == pytest.approx(5)


@pytest.mark.parametrize(("extent", "aspect"), [((0, 2, 0, 1), 0.5), ((0, 1000, 0, 1), 0.4), ((5, 6, 0, 20), 1.6)])
def test_a_strip_has_a_page_on_which_its_map_is_seen(extent, aspect):
    """The metric makes a square of every strip."""
    lattice = lw.Lattice(extent, (8, 12))
    metric = np.zeros((8, 12, 2, 2))
    metric[..., 0, 0], metric[..., 1, 1] = 1 / (extent[1] - extent[0]) ** 2, 1 / (extent[3] - extent[2]) ** 2
    field = lw.Field(lattice, metric)
    square = make_map(field, np.stack(np.meshgrid(np.linspace(0, 1, 13), np.linspace(0, 1, 9)), axis=-1))
    ax = draw_map(lw.Atlas(lattice, {"strip": field}), ax=Figure().add_subplot(), stretched_map=square)
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    assert (high - low) / (right - left) == pytest.approx(aspect)
    side = np.sqrt((extent[1] - extent[0]) * (extent[3] - extent[2]))
    assert min(right - left, high - low) == pytest.approx(side)


def test_points_of_the_page_are_told_from_those_beside_the_map():
    page = fit_to_page(BENT)
    rng = np.random.default_rng(1)
    inner = rng.uniform((-1.99, 0.01), (1.99, 3.99), (50, 2))
    plane, within = lie_on_map(page, np.concatenate([page.transform(inner), [[-99, 0], [0, 99]]]))
    assert within.tolist() == [True] * 50 + [False] * 2
    np.testing.assert_allclose(plane, inner, atol=1e-9)


def drawn(atlas, **options):
    ax = Figure().add_subplot()
    return draw_map(atlas, ax=ax, stretched_map=BENT, points=False, **options)


def test_cells_lie_where_the_map_puts_them_and_the_frame_holds_them_all(atlas):
    ax = drawn(atlas, stretch=1.0)
    corners = fit_to_page(BENT).corners
    np.testing.assert_allclose(ax.collections[0].get_coordinates(), corners)
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    np.testing.assert_allclose((left, right, low, high), frame_corners(corners, 1.0))
    assert ax.get_aspect() == 1


def test_ticks_stand_on_the_outline_and_their_labels_beside_the_map(atlas):
    ax = drawn(atlas, stretch=1.0)
    page = fit_to_page(BENT)
    assert not ax.get_xticks().size
    assert not any(spine.get_visible() for spine in ax.spines.values())
    notes = ax.texts
    assert len(notes) > 5
    ax.figure.canvas.draw()
    outline = Path(page.outline)
    for note in notes:
        value = float(note.get_text().replace("−", "-"))
        lower, left = page.transform([min(value, 2), 0]), page.transform([-2, max(value, 0)])
        assert min(np.hypot(*(lower - note.xy)), np.hypot(*(left - note.xy))) < 1e-9
        box = note.get_window_extent()
        middle = ax.transData.inverted().transform([(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2])
        assert not outline.contains_point(middle)


def test_folds_on_the_way_are_counted_and_said(atlas):
    turned = turn_over(FLAT)
    assert turned.folds == 0
    # (1 - s) I - s diag(2, 1/2) has the determinant -1/8 at s = 1/2
    halfway = (LATTICE.corners + fit_to_page(turned).corners) / 2
    assert (count_folds(LATTICE.corners), count_folds(halfway)) == (0, 576)
    with pytest.warns(UserWarning, match=r"576 cells fold at stretch=0.5; 0 or 1 show none"):
        draw_map(atlas, ax=Figure().add_subplot(), stretched_map=turned, stretch=0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw_map(atlas, ax=Figure().add_subplot(), stretched_map=turned, stretch=1.0)
        draw_map(atlas, ax=Figure().add_subplot(), stretched_map=BENT, stretch=0.5)


@pytest.mark.parametrize("stretch", [0.0, 0.3, 1.0])
def test_every_layer_is_drawn_on_a_free_map(atlas, stretch):
    ax = draw_map(
        atlas,
        ax=Figure().add_subplot(),
        stretched_map=BENT,
        stretch=stretch,
        grid=True,
        contours=True,
        ellipses=True,
        colour_by="area_error",
        paths=[lw.straight(FLAT, (-1, 1), (1, 3))],
    )
    ax.figure.canvas.draw()


def test_ellipses_lie_evenly_on_the_free_map_and_none_beside_it():
    page = fit_to_page(BENT)
    polygons = indicatrices(FLAT, page)
    assert len(polygons) > 80
    centres = page.transform(polygons.mean(axis=1))
    columns = np.unique(centres[:, 0].round(6))
    assert len(columns) < 25
    steps = np.diff(columns)
    np.testing.assert_allclose(steps, steps[0], rtol=1e-4)
    # G is the identity, so they are circles, and their number times their share of the area is the extent's
    radii = np.linalg.norm(polygons - polygons.mean(axis=1, keepdims=True), axis=-1)
    np.testing.assert_allclose(radii, radii[0, 0], rtol=1e-9)
    assert len(polygons) * (radii[0, 0] / 0.3) ** 2 == pytest.approx(16, rel=0.05)


@pytest.mark.parametrize("stretch", [0.4, 1.0])
def test_the_static_png_shows_cells_on_the_map_and_paper_beside_it(stretch):
    slope = lw.Field.from_density(LATTICE, 1 + LATTICE.cells[..., 1])
    points = np.array([[0.0, 2.0]])
    with Image.open(io.BytesIO(render_static_png(slope, BENT, stretch))) as image:
        picture = np.asarray(image.convert("RGB")).astype(int)
    with Image.open(io.BytesIO(render_static_png(slope, BENT, stretch, points))) as image:
        marked = np.asarray(image.convert("RGB")).astype(int)
    page = fit_to_page(BENT)
    corners = (1 - stretch) * LATTICE.corners + stretch * page.corners
    x0, x1, y0, y1 = frame_corners(corners, 1.0)

    def to_pixel(point):
        return np.floor((point - [x0, y1]) / [x1 - x0, y0 - y1] * WIDTH).astype(int)

    reds = []
    for y in (0.5, 1.5, 2.5, 3.5):
        place = (1 - stretch) * np.array([0.3, y]) + stretch * page.transform([0.3, y])
        column, row = to_pixel(place)
        reds.append(picture[row, column, 0])
    assert all(b < a for a, b in pairwise(reds))
    assert picture[0, 0].tolist() == [255, 255, 255]
    paper = (picture == 255).all(axis=-1).mean()
    shown = measure_area(np.concatenate([corners[0, :-1], corners[:-1, -1], corners[-1, :0:-1], corners[:0:-1, 0]]))
    assert 1 - paper == pytest.approx(shown / ((x1 - x0) * (y1 - y0)), abs=0.02)
    column, row = to_pixel((1 - stretch) * points[0] + stretch * page.transform(points[0]))
    dark = np.argwhere((marked != picture).any(axis=-1)).mean(axis=0)
    assert dark == pytest.approx([row, column], abs=1.5)


def test_a_straight_line_of_the_map_exists_where_it_stays_on_it():
    line = lw.stretched(FLAT, BENT, (-1.6, 2.4), (1.6, 2.4))
    page = BENT.transform(line.points)
    (x, y), (u, v) = (page - page[0]).T, (page[-1] - page[0]) / np.hypot(*(page[-1] - page[0]))
    across = x * v - y * u
    assert np.abs(across).max() < 1e-9
    with pytest.raises(ValueError, match="leaves the stretched map"):
        lw.stretched(FLAT, BENT, (-2, 0.05), (2, 0.05))


def test_the_closed_form_is_the_map_at_its_corners():
    np.testing.assert_allclose(BENT.transform([0, 2]), [0, 2] + 3 * bend([0, 0]), atol=1e-12)
    assert BENT.folds == 0
