"""What kernel and browser say to each other: the same names in Python, in TypeScript and in the documentation."""

import re
from pathlib import Path
from typing import get_args

import anywidget
import numpy as np
import pytest

import latent_widget as lw
from latent_widget.display.messages import FROM_BROWSER, FROM_KERNEL
from latent_widget.display.options import OPTIONS, PUBLIC_TRAITS, STATE_TRAITS, MapMethod, Renderer, Spacing, Theme
from latent_widget.figures.colouring import ColourBy

ROOT = Path(__file__).parents[1]
TRAITS = lw.LatentWidget.class_traits(sync=True)
OWN = {name for name in TRAITS if name not in anywidget.AnyWidget.class_traits(sync=True)}


def typescript() -> str:
    sources = sorted((ROOT / "js" / "src").rglob("*.ts"))
    assert sources
    return "\n".join(path.read_text("utf-8") for path in sources)


def quoted(text: str) -> set[str]:
    return set(re.findall(r'"(\w+)"', text))


def test_the_synchronised_traits_are_those_of_the_options() -> None:
    assert set(PUBLIC_TRAITS) | set(STATE_TRAITS) == OWN
    assert not set(PUBLIC_TRAITS) & set(STATE_TRAITS)
    assert all(name.startswith("_") for name in STATE_TRAITS)


def test_limits_and_choices_are_those_of_the_options() -> None:
    limited = {name: limits for name, limits in OPTIONS["limits"].items() if not name.startswith("figure_")}
    assert set(limited) <= OWN
    for name, (low, high) in limited.items():
        assert (TRAITS[name].min, TRAITS[name].max) == (low, high)
    choices = {
        "spacing": ("spacings", Spacing),
        "theme": ("themes", Theme),
        "map_method": ("map_methods", MapMethod),
        "colour_by": ("colour_by", ColourBy),
        "renderer": ("renderers", Renderer),
    }
    for name, (option, typed) in choices.items():
        assert list(TRAITS[name].values) == list(get_args(typed)) == OPTIONS[option]
    assert set(OPTIONS["spaced"]) < set(OPTIONS["shown"])


def test_the_front_end_has_the_same_traits() -> None:
    body = re.search(r"export interface Traits \{\n(.*?)\n\}", typescript(), re.DOTALL)
    assert body is not None
    named = set(re.findall(r"^\s*(\w+)\??:", body[1], re.MULTILINE))
    assert named == OWN


def test_the_front_end_sends_what_the_kernel_reads() -> None:
    sent = set(re.findall(r'\bsend\(\s*\{\s*type: "(\w+)"', typescript()))
    assert sent == set(FROM_BROWSER)


def test_the_front_end_reads_what_the_kernel_sends() -> None:
    """Types of answers are members of interfaces; attributes of HTML elements end with a comma or a brace."""
    read = re.findall(r'\btype: ("\w+"(?:\s*\|\s*"\w+")*);', typescript())
    assert set().union(*map(quoted, read)) == set(FROM_KERNEL)


@pytest.fixture
def failed() -> lw.LatentWidget:
    """A widget whose survey has failed; its decoder works from the second time on."""
    works: list[bool] = []

    def decode(z):
        if not works:
            works.append(True)
            raise RuntimeError("no weights")
        return z**3

    widget = lw.LatentWidget(decode, (-1, 1, -1, 1), (8, 8))
    with pytest.raises(RuntimeError, match="no weights"):
        widget.wait(60)
    return widget


def test_every_message_has_its_effect_and_every_answer_occurs(failed: lw.LatentWidget) -> None:
    answers: list[str] = []
    failed.send = lambda content, buffers=None: answers.append(content["type"])
    paths = [{"kind": "geodesic", "points": [[0.0, 0.5]]}]
    contents = {
        "survey": {},
        "decode": {"id": 1, "paths": paths},
        "figure": {"id": 2, "format": "png", "width": 3, "dpi": 50},
        "audit": {},
        "cancel": {},
    }
    assert set(contents) == set(FROM_BROWSER)
    for kind, content in contents.items():
        failed._answer(failed, {"type": kind, **content}, [])
        if kind == "survey":
            failed.wait(60)
            assert failed.atlas.measures == ["pullback"]
        if kind == "audit":
            failed._audited.result(60)
            assert failed._audit["state"] == "ready"
        if kind == "cancel":
            assert failed._stop.is_set()
    failed._answer(failed, {"type": "decode", "id": 3}, [])
    failed._answer(failed, {"type": "unheard of", "id": 4}, [])
    assert answers == ["decoded", "figure", "error"]
    assert set(answers) == set(FROM_KERNEL)


def test_what_is_shown_of_an_atlas_is_in_the_traits() -> None:
    lattice = lw.Lattice((0, 1, 0, 1), (4, 4))
    widget = lw.LatentWidget(lw.Atlas(lattice, {"flat": lw.Field.from_density(lattice, np.ones((4, 4)))}))
    assert set(widget.get_state()) >= OWN


def documented() -> list[tuple[str, str]]:
    """First column and rest of each row of the tables under the heading of the protocol."""
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    heading = "## The protocol between kernel and browser"
    section = re.search(rf"^{heading}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert section is not None
    return re.findall(r"^\| `(\w+)` \|(.*)$", section[1], re.MULTILINE)


def test_the_documentation_lists_the_traits_and_messages() -> None:
    to_kernel, to_browser, traits = [], [], []
    for name, row in documented():
        ways = {"browser → kernel": to_kernel, "kernel → browser": to_browser}
        next((names for way, names in ways.items() if way in row), traits).append(name)
    assert sorted(to_kernel) == sorted(FROM_BROWSER)
    assert sorted(to_browser) == sorted(FROM_KERNEL)
    assert sorted(traits) == sorted(OWN)
