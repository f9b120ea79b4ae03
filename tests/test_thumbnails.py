"""Thumbnails of what is no picture: long signals, texts and drawings."""

import sys

import numpy as np
import pytest
from PIL import Image, ImageChops

import latent_widget as lw
from latent_widget.figures.thumbnails import SVG, draw_thumbnails

RED = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="100"><rect width="100" height="100" fill="red"/></svg>'
)


def inked(picture):
    return 255 - picture[..., 0].astype(int)


def heights(picture):
    """Rows between the highest and the lowest ink of each column."""
    ink = inked(picture) > 60
    return np.where(ink.any(0), ink.shape[0] - ink[::-1].argmax(0) - ink.argmax(0), 0)


def test_a_long_signal_shows_its_envelope():
    t = np.linspace(0, 1, 16000)
    burst = np.sin(2000 * t) * np.exp(-(((t - 0.5) / 0.1) ** 2))
    picture = draw_thumbnails(burst[None], (-1, 1))[0]
    tall = heights(picture)
    middle, edge = tall[len(tall) // 2], tall[4]
    assert middle > 0.75 * picture.shape[0]
    assert 1 <= edge < 0.2 * picture.shape[0]
    # one sample of a click is seen, which a line through every fortieth would miss
    click = np.zeros(16000)
    click[7003] = 1.0
    assert heights(draw_thumbnails(click[None], (-1, 1))[0]).max() > 10


def test_signals_with_an_axis_of_one_and_with_channels():
    signal = np.sin(np.linspace(0, 6, 500))
    plain = draw_thumbnails(signal[None], (-1, 1))
    np.testing.assert_array_equal(draw_thumbnails(signal[None, None], (-1, 1)), plain)
    np.testing.assert_array_equal(draw_thumbnails(signal[None, :, None], (-1, 1)), plain)
    both = draw_thumbnails(np.stack([signal, -signal])[None], (-1, 1))[0]
    half = both.shape[0] // 2
    assert np.abs(both[:half].astype(int) - both[half:][::-1]).mean() < 8


@pytest.mark.parametrize("text", ["Ω≈ç√∫ Привет", "naïve café", "→ ∞ ½", "x"])
def test_letters_of_many_scripts_are_drawn_and_differ_from_missing_ones(text):
    one, missing = (
        Image.fromarray(draw_thumbnails(np.zeros((1, 1)), (0, 1), lambda _, shown=shown: shown)[0, ..., 0])
        # what the font lacks comes out as one box after another
        for shown in (text, "\u4e2d" * len(text))
    )
    assert inked(np.asarray(one)[..., None]).max() > 200
    assert ImageChops.difference(one, missing.resize(one.size)).getextrema()[1] > 100


def test_hostile_and_endless_texts_are_set_as_text():
    pages = draw_thumbnails(
        np.arange(4.0)[:, None], (0, 1), lambda s: ["a b", "a\x00b\n", "x" * 10**6, "x" * 10**5][int(s[0])]
    )
    np.testing.assert_array_equal(pages[0], pages[1])
    np.testing.assert_array_equal(pages[2], pages[3])
    markup = draw_thumbnails(np.zeros((1, 1)), (0, 1), lambda _: "<script>alert(1)</script>")[0]
    assert markup.shape == pages.shape[1:]
    assert inked(markup).max() > 200


def test_svg_is_drawn():
    (picture,) = draw_thumbnails(np.zeros((1, 1)), (0, 1), lambda _: f'<?xml version="1.0"?>\n<!-- by hand -->\n{RED}')
    assert picture.shape == (48, 96, 4)
    assert tuple(picture[24, 20]) == (255, 0, 0, 255)
    assert tuple(picture[24, 80]) == (255, 255, 255, 255)
    # text that merely holds a tag is text
    (words,) = draw_thumbnails(np.zeros((1, 1)), (0, 1), lambda _: "no <svg>")
    assert (words[..., 0] == words[..., 1]).all()


def test_svg_fetches_nothing_and_runs_nothing(tmp_path):
    Image.new("RGB", (10, 10), (255, 0, 0)).save(tmp_path / "secret.png")
    inside = f'<script>x</script><image href="{(tmp_path / "secret.png").as_uri()}" width="50" height="50"/>'
    hostile = f'<svg xmlns="http://www.w3.org/2000/svg" width="50" height="50">{inside}</svg>'
    (picture,) = draw_thumbnails(np.zeros((1, 1)), (0, 1), lambda _: hostile)
    assert (picture == 255).all()


def test_bad_svg_and_a_missing_library_are_told(monkeypatch):
    with pytest.raises(ValueError, match="SVG that cannot be drawn"):
        draw_thumbnails(np.zeros((1, 1)), (0, 1), lambda _: "<svg ")
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(ImportError, match=r"pip install 'latent-widget\[svg\]'"):
        draw_thumbnails(np.zeros((1, 1)), (0, 1), lambda _: RED)


def test_a_survey_without_the_library_says_why_there_are_no_thumbnails(monkeypatch):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    decoder = lw.Decoder(lambda z: z, render=lambda _: RED)
    with pytest.warns(UserWarning, match=r"no thumbnails: .*latent-widget\[svg\]"):
        atlas = lw.survey(decoder, lw.Lattice((0, 1, 0, 1), (8, 8)), progress=False)
    assert atlas.thumbnails is None


def test_many_comments_are_read_in_one_pass():
    # a pattern that backtracks would take longer than anybody waits
    assert not SVG.match("<!---->" * 200 + "x")
    assert SVG.match("<!-- a -->" * 200 + "<svg>")
