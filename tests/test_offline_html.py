"""The exported page: what is in the file. What it draws is seen in tests/browser/test_offline.py."""

import base64
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

import latent_widget as lw
from latent_widget.display.offline_html import POLICY, render_page
from latent_widget.display.serialization import pack

pytestmark = pytest.mark.usefixtures("bundle")
HOSTILE = "</script><script>alert(1)</script><!-- <script> 'quoted' \"twice\" \u2028"


class Elements(HTMLParser):
    """Collects the elements, their attributes and the text of scripts as a browser splits them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.found and self.found[-1][0] == "script" and data.strip():
            self.scripts.append(data)


@pytest.fixture(scope="module")
def widget() -> lw.LatentWidget:
    lattice = lw.Lattice((-1, 1, -1, 1), (8, 8))
    fields = {HOSTILE: lw.Field.from_density(lattice, 2 + lattice.cells[..., 0])}
    points = np.array([[0.1, 0.2], [0.3, 0.4]])
    return lw.LatentWidget(lw.Atlas(lattice, fields, points=points, labels=np.array([HOSTILE, "b"])))


def state_of(text: str) -> dict:
    return json.loads(Elements(text).scripts[0])


def test_the_page_holds_the_widget(widget, tmp_path):
    widget.stretch = 0.5
    widget.to_html(tmp_path / "map.html")
    state = state_of((tmp_path / "map.html").read_text("utf-8"))
    assert state["stretch"] == 0.5
    assert state["_lattice"]["shape"] == [8, 8]
    assert state["_points"]["names"] == sorted([HOSTILE, "b"])
    assert state["_fields"][0]["name"] == HOSTILE
    corners = state["_map"]["corners"]
    sent = np.frombuffer(base64.b64decode(corners["base64"]), "<f4").reshape(corners["shape"])
    np.testing.assert_allclose(sent, widget.cartogram.corners, atol=1e-6)


def test_nothing_in_it_is_fetched_or_executed(widget, tmp_path):
    widget.to_html(tmp_path / "map.html", title=HOSTILE)
    text = (tmp_path / "map.html").read_text("utf-8")
    found = Elements(text).found
    assert [tag for tag, _ in found].count("script") == 2
    assert not [a for _, a in found if a.keys() & {"src", "href", "onload", "onerror"}]
    policies = [a["content"] for _, a in found if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies == [POLICY]
    assert POLICY.startswith("default-src 'none'")
    assert "alert(1)</script>" not in text
    assert "url(" not in re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]


def test_numbers_that_json_lacks_become_null():
    fields = [{"info": {"noise": float("nan"), "size": float("inf"), "n": 3}}]
    assert state_of(render_page({"_fields": fields}, "t"))["_fields"] == [
        {"info": {"noise": None, "size": None, "n": 3}}
    ]


def test_arrays_keep_type_and_shape():
    array = state_of(render_page({"a": pack(np.arange(6).reshape(2, 3), "int32")}, "t"))["a"]
    assert (array["dtype"], array["shape"]) == ("int32", [2, 3])
    assert base64.b64decode(array["base64"]) == np.arange(6, dtype="<i4").tobytes()


def test_other_suffixes_are_refused(widget, tmp_path):
    with pytest.raises(ValueError, match=r"path must end in \.html"):
        widget.to_html(tmp_path / "map.svg")


def test_a_missing_front_end_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr("latent_widget.display.offline_html.STATIC", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"widget\.css is missing.*hatch_build"):
        render_page({}, "t")
