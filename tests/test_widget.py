"""The kernel's half of the widget: traits, checks, answers; no browser."""

import io
import threading
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
import torch
import traitlets
from PIL import Image, ImageChops
from small_atlas import LATTICE, decode, make_atlas, make_widget, slope

import latent_widget as lw
from latent_widget.display.serialization import serialize_atlas, unpack


@pytest.fixture(scope="module")
def atlas():
    return make_atlas()


@pytest.fixture
def widget(atlas):
    return make_widget(atlas)


def test_what_goes_over_the_wire_is_the_atlas(widget, atlas):
    around = {"foot": [0, 0], "gram": [1, 0, 1], "height": 0}
    assert widget._lattice == {"extent": [-1, 1, -2, 2], "shape": [24, 16], "names": ["x", "y"], "around": around}
    assert [f["name"] for f in widget._fields] == ["pullback", "slope"]
    metric = unpack(widget._fields[0]["metric"])
    np.testing.assert_allclose(metric[..., 1], atlas["pullback"].metric[..., 0, 1], rtol=1e-6)
    np.testing.assert_allclose(unpack(widget._points["xy"]), atlas.points, rtol=1e-6)
    assert widget._points["names"] == ["0", "1", "2", "3"]
    np.testing.assert_array_equal(unpack(widget._points["labels"]), atlas.labels)
    sheet, (h, w), (ph, pw) = unpack(widget._sprites["sheet"]), widget._sprites["shape"], widget._sprites["size"]
    assert sheet.shape == (h * ph, w * pw, 4)
    np.testing.assert_array_equal(sheet[3 * ph : 4 * ph, 5 * pw : 6 * pw], atlas.thumbnails.images[3, 5])
    np.testing.assert_allclose(unpack(widget._map["corners"]), widget.cartogram.corners, atol=1e-6)


def test_weights_and_tempering_recompute_the_map(widget, atlas):
    first = widget._map["key"]
    widget.weights = {"slope": 2.0}
    assert widget.weights == {"pullback": 0.0, "slope": 2.0}
    assert widget._map["key"] != first
    np.testing.assert_allclose(widget.cartogram.corners, lw.cartogram(2.0 * atlas["slope"]).corners, atol=1e-9)
    widget.temper = 0.0
    np.testing.assert_allclose(widget.cartogram.corners, LATTICE.corners, atol=1e-9)


def test_whatever_breaks_a_map_is_said_and_raised(widget, monkeypatch):
    def broken(*_):
        raise MemoryError("no room for the map")

    monkeypatch.setattr("latent_widget.display.widget.make_map", broken)
    with pytest.raises(MemoryError):
        widget.temper = 0.5
    assert widget._status == {"state": "error", "message": "MemoryError: no room for the map"}


def test_all_measures_off_is_said_and_the_last_map_stays(widget):
    before = widget._map["key"]
    widget.weights = {}
    assert widget._status["state"] == "error"
    assert "switch every measure off" in widget._status["message"]
    assert widget._map["key"] == before
    widget.weights = {"pullback": 1.0}
    assert widget._status["state"] == "ready"


def test_path_follows_the_traits(widget, atlas):
    widget.start, widget.end = (-0.5, -1), (0.5, 1.5)
    path = widget.path
    assert widget.path is path
    np.testing.assert_allclose(path.points[[0, -1]], [[-0.5, -1], [0.5, 1.5]], atol=1e-12)
    assert path.length == pytest.approx(atlas.geodesic(widget.start, widget.end).length, rel=1e-12)
    assert path.length <= widget.straight.length * (1 + 1e-12)
    widget.end = np.array([0.9, 0.9], dtype=np.float32)
    assert widget.path is not path
    widget.n_samples = 7
    at = torch.from_numpy(widget.path.at(7))
    np.testing.assert_allclose(widget.samples, decode(at).numpy(), rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("weights", {"nothing": 1.0}, "'nothing'.*holds pullback, slope"),
        ("weights", {"slope": -1.0}, ">= 0"),
        ("weights", {"slope": float("nan")}, ">= 0"),
        ("start", (5.0, 0.0), "start=.*outside the map"),
        ("end", (0.0, float("nan")), "end=.*outside"),
        ("end", (0.0,), "length"),
        ("end", "here", "end"),
        ("stretch", 1.5, "stretch"),
        ("temper", -0.1, "temper"),
        ("theme", "blue", "theme"),
        ("show", {"clouds": True}, "show knows points"),
        ("colour_by", "noise", "colour_by"),
        ("spacing", "parameter", "spacing"),
        ("highlight", [2.0, 1.0], "low <= high"),
        ("highlight", [1.0], "highlight"),
        ("n_samples", 1, "n_samples"),
    ],
)
def test_bad_choices_are_refused_and_change_nothing(widget, name, value, words):
    before = getattr(widget, name)
    with pytest.raises(traitlets.TraitError, match=words):
        setattr(widget, name, value)
    assert getattr(widget, name) == before


def test_requests_are_decoded_exactly(widget, atlas):
    line = [[-0.5, 0.0], [0.0, 0.5], [0.5, 1.0]]
    paths = [{"kind": "geodesic", "points": line}, {"kind": "straight", "points": line[:2]}]
    widget._answer(widget, {"type": "decode", "id": 7, "paths": paths}, [])
    (content, buffers), *_ = widget.sent
    assert content == {"type": "decoded", "id": 7, "size": [2, 2], "counts": [3, 2]}
    pictures = np.frombuffer(buffers[0], np.uint8).reshape(5, 2, 2, 4)
    truth = decode(torch.tensor([*line, *line[:2]], dtype=torch.float64)).numpy()
    np.testing.assert_array_equal(pictures[..., 0], np.rint(255 * truth))


@pytest.mark.parametrize(
    "request_", [{"paths": [{"kind": "geodesic", "points": [[0, float("nan")]]}]}, {"paths": "x"}, {}, {"paths": []}]
)
def test_every_request_is_answered(widget, request_):
    widget._answer(widget, {"type": "decode", "id": 3, **request_}, [])
    assert widget.sent[0][0]["type"] == "error"
    assert widget.sent[0][0]["id"] == 3
    widget._answer(widget, "nonsense", [])
    assert len(widget.sent) == 1


def ask_figure(widget, **request):
    """The answer to a request for a figure, and its buffers."""
    widget.sent.clear()
    widget._answer(widget, {"type": "figure", "id": 11, "format": "png", "width": 5, "dpi": 100, **request}, [])
    (answer,) = widget.sent
    return answer


def test_figures_that_the_browser_asks_for_are_those_that_save_writes(widget, tmp_path):
    widget.stretch, widget.end, widget.show = 0.7, (0.5, 0.2), {"grid": True, "slerp": True}
    content, (png,) = ask_figure(widget)
    assert content == {"type": "figure", "id": 11}
    widget.save(tmp_path / "figure.png", dpi=100, width=5)
    with Image.open(io.BytesIO(png)) as asked, Image.open(tmp_path / "figure.png") as saved:
        assert asked.size[0] == 500
        assert ImageChops.difference(asked.convert("RGB"), saved.convert("RGB")).getbbox() is None
    _, (svg,) = ask_figure(widget, format="svg", width=6.5)
    assert ET.fromstring(svg).get("width") == f"{6.5 * 72:g}pt"
    _, (pdf,) = ask_figure(widget, format="pdf")
    assert pdf.startswith(b"%PDF")


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"format": "gif"}, "format must be 'svg', 'png' or 'pdf', got 'gif'"),
        ({"format": None}, "format must be"),
        ({"format": ["png"]}, "format must be"),
        ({"width": 0}, "width must be a number from 1 to 40, got 0; it counts inches"),
        ({"width": "5"}, "width must be"),
        ({"width": True}, "width must be"),
        ({"width": float("nan")}, "width must be"),
        ({"dpi": 1e9}, "dpi must be a number from 50 to 1200, got"),
        ({"dpi": None}, "dpi must be"),
        ({"width": 40, "dpi": 1000}, "width=40 times dpi=1000 must be at most 14000"),
    ],
)
def test_figures_that_nobody_could_print_are_refused(widget, request_, words):
    content, buffers = ask_figure(widget, **request_)
    assert (content["type"], content["id"]) == ("error", 11)
    assert words in content["message"]
    assert not buffers


def test_what_breaks_a_figure_is_the_answer(widget):
    widget.weights = {}
    content, _ = ask_figure(widget)
    assert content["type"] == "error"
    assert "switch every measure off" in content["message"]


def test_an_atlas_without_its_model_still_shows(atlas, tmp_path):
    atlas.save(tmp_path / "a.npz")
    widget = lw.LatentWidget(lw.Atlas.load(tmp_path / "a.npz"))
    assert widget.path.length > 0
    with pytest.raises(ValueError, match="no decoder"):
        _ = widget.samples
    widget.save(tmp_path / "a.png")
    sent = []
    widget.send = lambda content, buffers=None: sent.append(content)
    widget._answer(widget, {"type": "decode", "id": 1, "paths": [{"kind": "geodesic", "points": [[0, 0]]}]}, [])
    assert sent[0]["type"] == "error"
    assert "no decoder" in sent[0]["message"]


@pytest.mark.slow
def test_figures_are_saved_in_three_formats(widget, tmp_path):
    widget.stretch = 0.7
    widget.show = {"thumbnails": True, "grid": True, "contours": True, "ellipses": True}
    for suffix in ("svg", "png", "pdf"):
        widget.save(tmp_path / f"figure.{suffix}", dpi=100, width=5)
    root = ET.parse(tmp_path / "figure.svg").getroot()
    assert root.tag.endswith("svg")
    # letters are outlines, which look alike wherever the figure is opened
    assert not list(root.iter("{http://www.w3.org/2000/svg}text"))
    assert Image.open(tmp_path / "figure.png").size[0] == 500
    pdf = (tmp_path / "figure.pdf").read_bytes()
    assert pdf.startswith(b"%PDF")
    assert b"/FontFile2" in pdf
    with pytest.raises(ValueError, match=r"\.svg, \.png or \.pdf"):
        widget.save(tmp_path / "figure.gif")


def test_a_decoder_is_surveyed_on_the_way():
    widget = lw.LatentWidget(lw.Decoder(decode), extent=(-1, 1, -1, 1), shape=(8, 8), progress=False, stretch=0.5)
    assert widget.atlas.measures == ["pullback"]
    assert widget.stretch == 0.5


def test_a_slow_survey_leaves_the_widget_at_hand_and_is_waited_for():
    go = threading.Event()

    def slow(decoder, lattice):
        assert go.wait(30)
        return slope(decoder, lattice)

    widget = lw.LatentWidget(decode, (-1, 1, -1, 1), (8, 8), measures=["pullback", slow], weights={"slow": 2.0})
    assert widget._fields == []
    assert widget._status["state"] == "surveying"
    sent = []
    widget.send = lambda content, buffers=None: sent.append(content)
    for kind in ("decode", "figure"):
        # the kernel must stay at hand, so that a survey can be cancelled
        widget._answer(widget, {"type": kind, "id": 1}, [])
    assert [content["message"] for content in sent] == 2 * ["the survey is not done; there is no map yet"]
    widget.end = (0.9, 0.9)
    with pytest.raises(traitlets.TraitError, match="holds pullback, slow"):
        widget.weights = {"nothing": 1.0}
    with pytest.raises(TimeoutError):
        widget.wait(0.01)
    go.set()
    widget.wait(60)
    assert widget._status == {"state": "ready", "message": ""}
    assert [f["name"] for f in widget._fields] == ["pullback", "slow"]
    assert widget.weights == {"pullback": 0.0, "slow": 2.0}
    assert widget.path.points[-1] == pytest.approx([0.9, 0.9])


def test_a_decoder_that_fails_says_so_and_may_be_tried_again():
    broken = True

    def fragile(z):
        if broken:
            raise RuntimeError("<b>no weights</b>")
        return decode(z)

    widget = lw.LatentWidget(fragile, (-1, 1, -1, 1), (8, 8))
    with pytest.raises(RuntimeError, match="no weights"):
        _ = widget.atlas
    assert widget._status["state"] == "failed"
    assert "<b>no weights</b>" in widget._status["message"]
    with pytest.raises(RuntimeError, match="no weights"):
        widget.to_html("never.html")
    broken = False
    widget._answer(widget, {"type": "survey"}, [])
    assert widget.atlas.measures == ["pullback"]
    assert widget._status["state"] == "ready"


def test_what_was_measured_before_a_failure_or_a_cancel_is_shown():
    entered = threading.Event()
    widget = None

    def unfinished(decoder, lattice):
        assert entered.wait(30)
        widget._answer(widget, {"type": "cancel"}, [])
        return slope(decoder, lattice)

    widget = lw.LatentWidget(decode, (-1, 1, -1, 1), (8, 8), measures=["pullback", unfinished, slope])
    entered.set()
    with pytest.warns(RuntimeWarning, match="cancelled while 'unfinished'"):
        widget.wait(60)
    assert widget.atlas.measures == ["pullback"]
    assert widget.weights == {"pullback": 1.0}
    assert widget._status["state"] == "warning"
    assert "cancelled" in widget._status["message"]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"measures": ["pulback"]}, ValueError, "pulback"),
        ({"points": np.zeros((3, 5))}, ValueError, "points"),
        ({"colour": 1}, TypeError, "colour"),
    ],
)
def test_bad_arguments_raise_in_the_cell(options, error, words):
    with pytest.raises(error, match=words):
        lw.LatentWidget(decode, (-1, 1, -1, 1), (8, 8), **options)


def test_a_single_measure_and_no_points():
    lattice = lw.Lattice((0, 1e-6, 0, 2e-6), (4, 4))
    widget = lw.LatentWidget(lw.Atlas(lattice, {"flat": lw.Field.from_density(lattice, np.ones((4, 4)))}))
    assert widget._points is None
    assert widget._sprites is None
    assert widget.path.length == pytest.approx(np.hypot(0.5e-6, 1e-6))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda atlas: lw.LatentWidget(3), "shows an Atlas or a Decoder, got int"),
        (lambda atlas: lw.LatentWidget(lw.Decoder(decode)), "extent="),
        (lambda atlas: lw.LatentWidget(atlas, extent=(0, 1, 0, 1)), "surveyed already"),
        (lambda atlas: lw.LatentWidget(atlas, colour="red"), "colour cannot be given"),
    ],
)
def test_bad_beginnings_say_what_is_wrong(make, words, atlas):
    with pytest.raises(TypeError, match=words):
        make(atlas)


def test_smoothing_recomputes_map_and_path(widget, atlas):
    before = widget.path.length
    widget.smoothing = 2.0
    smooth = atlas["pullback"].smooth(2.0)
    np.testing.assert_allclose(widget.field.metric, smooth.metric)
    np.testing.assert_allclose(widget.cartogram.corners, lw.cartogram(smooth).corners, atol=1e-9)
    assert widget.path.length == pytest.approx(lw.geodesic(smooth, widget.start, widget.end).length)
    assert widget.path.length != before


@pytest.mark.parametrize("view", [[-2, 1, 0, 1], [0, 0, 0, 1], [0.5, 0.2, 0, 1], [0, 1, 0], "near"])
def test_a_view_that_is_no_part_of_the_map_is_refused(widget, view):
    widget.view = np.array([0, 0.5, -1, 0])
    with pytest.raises((traitlets.TraitError, ValueError)):
        widget.view = view
    assert widget.view == [0, 0.5, -1, 0]
    widget.view = None


def test_colourings_need_what_they_show(widget):
    widget.colour_by = "label"
    with pytest.raises(traitlets.TraitError, match="residual"):
        widget.colour_by = "standard_error"
    rho = 1 + np.arange(LATTICE.shape[0] * LATTICE.shape[1], dtype=float).reshape(LATTICE.shape)
    field = lw.Field.from_density(LATTICE, rho, {"standard_error": 0.1 * rho})
    told = lw.LatentWidget(lw.Atlas(LATTICE, {"counted": field}), colour_by="standard_error")
    np.testing.assert_allclose(unpack(told._fields[0]["error"]), 0.1, rtol=1e-6)
    with pytest.raises(traitlets.TraitError, match="labelled points"):
        told.colour_by = "label"


def test_regions_of_labels_travel_with_the_points(atlas):
    """The browser colours cells by what `regions` finds, which only Python computes."""
    rng = np.random.default_rng(3)
    x0, x1, y0, y1 = atlas.lattice.extent
    points = rng.uniform((x0, y0), (x1, y1), (40, 2))
    labels = np.array(["a", "b"])[(points[:, 0] > (x0 + x1) / 2).astype(int)]
    # one far off the map does not vote
    points, labels = np.concatenate([points, [[9 * x1, 9 * y1]]]), np.append(labels, "c")
    sent = serialize_atlas(replace(atlas, points=points, labels=labels))["_points"]
    winner, strength = (unpack(sent["regions"][name]) for name in ("labels", "strength"))
    assert winner.shape == strength.shape == atlas.lattice.shape
    assert (winner.dtype, strength.dtype) == (np.int32, np.float32)
    assert (winner[:, 0] == 0).all()
    assert (winner[:, -1] == 1).all()
    assert strength.min() > 0
    assert strength.max() <= 0.55
    alone = serialize_atlas(replace(atlas, points=points[-1:], labels=labels[-1:]))["_points"]
    assert alone["regions"] is None
