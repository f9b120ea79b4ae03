"""The pipeline: tiles, executors, progress, and what is kept when a measure fails."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event

import numpy as np
import pytest
import torch
from torch.distributions import Categorical

import latent_widget as lw

WEIGHTS = torch.randn(2, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
LATTICE = lw.Lattice((-1, 1, -1, 1), (130, 128))


def logits(z):
    return torch.tanh(z @ WEIGHTS)


def classes(z):
    return Categorical(logits=logits(z))


DECODER = lw.Decoder(logits, dtype=torch.float64)
CLASSES = lw.Decoder(classes, dtype=torch.float64)


def uncertainty(decoder, lattice):
    entropy = decoder(lattice.cells).entropy()
    return lw.Field.from_density(lattice, entropy - entropy.min() + 1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(("measure", "decoder"), [("pullback", DECODER), ("jensen_shannon", CLASSES)])
@pytest.mark.parametrize("workers", [0, 3])
def test_tiles_give_what_the_whole_gives(measure, decoder, workers):
    whole = getattr(lw.measures, measure)(decoder, LATTICE)
    executor = ThreadPoolExecutor(workers) if workers else None
    steps = []
    atlas = lw.survey(decoder, LATTICE, [measure], executor=executor, progress=lambda *step: steps.append(step))
    np.testing.assert_allclose(atlas[measure].metric, whole.metric, rtol=1e-9, atol=1e-12)
    assert steps == [(1, 2, measure), (2, 2, measure)]


def test_a_measure_that_looks_at_the_whole_map_is_not_cut():
    atlas = lw.survey(
        CLASSES, LATTICE, [uncertainty, partial(lw.measures.pullback, method="chords")][:1], progress=False
    )
    np.testing.assert_allclose(atlas["uncertainty"].density, uncertainty(CLASSES, LATTICE).density)


def test_options_and_names_of_measures():
    chords = partial(lw.measures.pullback, method="chords")
    atlas = lw.survey(logits_decoder(), small(), ["pullback", ("by chords", chords)], progress=False)
    assert atlas.measures == ["pullback", "by chords"]
    assert atlas["by chords"].info["method"] == "chords"
    assert atlas["pullback"].info["method"] == "exact"


def logits_decoder():
    return lw.Decoder(logits, dtype=torch.float64)


def small():
    return lw.Lattice((-1, 1, -1, 1), (6, 8))


def test_a_failing_measure_loses_nothing_that_was_measured():
    def broken(decoder, lattice):
        raise ArithmeticError("no luck")

    with pytest.raises(lw.SurveyError, match=r"'broken' failed: no luck; kept.*pullback") as caught:
        lw.survey(DECODER, small(), ["pullback", broken], points=np.zeros((1, 2)), progress=False)
    kept = caught.value.atlas
    assert kept.measures == ["pullback"]
    np.testing.assert_array_equal(kept["pullback"].metric, lw.measures.pullback(DECODER, small()).metric)
    assert kept.points.shape == (1, 2)
    assert isinstance(caught.value.__cause__, ArithmeticError)


def test_nan_in_the_middle_of_the_map_names_the_place():
    def decode(z):
        return torch.where((z[:, :1] - 0.6).abs() < 0.1, torch.nan, z)

    with (
        pytest.warns(UserWarning, match="no thumbnails"),
        pytest.raises(ValueError, match=r"NaN or infinite in 6 of 48 cells, the first at x=0\.625"),
    ):
        lw.survey(lw.Decoder(decode, dtype=torch.float64), small(), progress=False)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (
            {"measures": ["pulback"]},
            ValueError,
            "'pulback' is unknown; known names are pullback, fisher_rao, kl, jensen_shannon",
        ),
        ({"measures": []}, ValueError, "measures is empty"),
        ({"measures": ["pullback", "pullback"]}, ValueError, "twice"),
        ({"measures": [3]}, TypeError, "a measure is a name, a function"),
        ({"points": np.zeros((3, 4))}, ValueError, r"\(n, 2\), got \(3, 4\)"),
        ({"points": [[0, np.nan]]}, ValueError, "NaN"),
        ({"points": np.zeros((3, 2)), "labels": [1, 2]}, ValueError, r"shape \(3,\), got \(2,\)"),
        ({"labels": [1, 2]}, ValueError, "without points"),
        ({"measures": [lambda d, lat: np.ones(lat.shape)]}, ValueError, r"returned ndarray.*Field\.from_density"),
        (
            {"measures": [lambda d, lat: lw.Field.from_density(LATTICE, np.ones(LATTICE.shape))]},
            ValueError,
            "another lattice",
        ),
    ],
)
def test_bad_arguments_say_what_is_wrong(arguments, error, words):
    with pytest.raises(error, match=words):
        lw.survey(DECODER, small(), progress=False, **arguments)


def test_points_outside_the_map_are_counted_aloud():
    with pytest.warns(UserWarning, match="2 of 3 points lie outside"):
        atlas = lw.survey(DECODER, small(), points=[[0, 0], [5, 0], [0, -5]], labels=["a", "b", "c"], progress=False)
    assert atlas.labels.tolist() == ["a", "b", "c"]


def test_points_of_a_plane_are_projected():
    weights = torch.randn(5, 7, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    z = np.random.default_rng(0).normal(size=(40, 5))
    lattice = lw.Lattice.fit(z, (6, 6))
    decoder = lw.Decoder(lambda z: torch.tanh(z @ weights), latent_dim=5, dtype=torch.float64)
    atlas = lw.survey(decoder, lattice, points=torch.from_numpy(z), progress=False)
    np.testing.assert_allclose(atlas.points, lattice.project(z))


def test_thumbnails_are_what_is_decoded_at_their_places():
    def ramp(z):
        return ((z[:, :1] + 1) / 2).expand(-1, 9).unflatten(1, (3, 3)).contiguous() + 0 * z[:, 1:2, None]

    decoder = lw.Decoder(lambda z: torch.cat([ramp(z), ((z[:, 1:, None] + 1) / 2).expand(-1, 3, 3)], 1))
    atlas = lw.survey(decoder, lw.Lattice((-1, 1, -1, 1), (20, 40)), progress=False, thumbnails=8)
    images = atlas.thumbnails.images
    assert images.shape == (4, 8, 6, 3, 4)
    np.testing.assert_allclose(images[2, :, 0, 0, 0], 255 * (np.arange(8) + 0.5) / 8, atol=0.51)
    np.testing.assert_allclose(images[:, 3, 5, 0, 0], 255 * (np.arange(4) + 0.5) / 4, atol=0.51)


def test_a_broken_render_costs_the_thumbnails_only():
    decoder = lw.Decoder(logits, dtype=torch.float64, render=lambda sample: object())
    with pytest.warns(UserWarning, match="no thumbnails"):
        atlas = lw.survey(decoder, small(), progress=False)
    assert atlas.thumbnails is None


def test_a_cancelled_survey_keeps_the_measures_it_has():
    stop = Event()

    def slow(decoder, lattice):
        stop.set()
        return uncertainty(decoder, lattice)

    with pytest.raises(lw.SurveyError, match="cancelled while 'slow'") as caught:
        lw.survey(CLASSES, LATTICE, ["jensen_shannon", ("slow", slow), "pullback"], progress=False, cancel=stop)
    assert caught.value.atlas.measures == ["jensen_shannon"]


@pytest.mark.slow
def test_a_survey_that_may_be_cancelled_stops_soon_and_measures_the_same():
    stop, steps = Event(), []

    def watch(done, total, _name):
        steps.append((done, total))
        if done == 3:
            stop.set()

    with pytest.raises(lw.SurveyError, match="cancelled") as caught:
        lw.survey(DECODER, LATTICE, progress=watch, cancel=stop)
    assert caught.value.atlas is None
    assert steps[-1][0] == 3
    assert steps[-1][1] >= 16
    whole = lw.survey(DECODER, LATTICE, progress=False)
    again = lw.survey(DECODER, LATTICE, progress=False, cancel=Event())
    np.testing.assert_allclose(again["pullback"].metric, whole["pullback"].metric, rtol=1e-9)


def test_bands_tell_of_cells_band_by_band_and_of_the_rest_once():
    decoder = lw.Decoder(lambda z: torch.stack([z[:, 0] ** 3, z[:, 1]], 1), dtype=torch.float64)
    lattice = lw.Lattice((-1, 1, -1, 1), (150, 128))

    @lw.measures.local
    def told(decoder, band):
        field = lw.Field.from_density(band, np.ones(band.shape))
        return lw.Field(band, field.metric, {"two": np.arange(2), "rows": band.cells[..., 1]})

    jump = lw.measures.distance(lambda a, b: (a - b).abs().sum(-1))
    atlas = lw.survey(decoder, lattice, [told, jump], progress=False, thumbnails=0)
    np.testing.assert_array_equal(atlas["told"].info["two"], [0, 1])
    np.testing.assert_allclose(atlas["told"].info["rows"], lattice.cells[..., 1], rtol=0, atol=1e-12)
    assert atlas["distance"].info["largest_residual"] == atlas["distance"].info["residual"].max()
