"""The exported page, opened as a file: it draws, moves and asks nobody for anything."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

import latent_widget as lw

HOSTILE = "</script><img src=x onerror=alert(1)>"


@pytest.fixture
def opened(browser: Browser, bundle: None, tmp_path: Path) -> Iterator[tuple[Page, list[str]]]:
    """The page of a small map, and a list of all that went wrong or out on it."""
    lattice = lw.Lattice((-2, 2, -2, 2), (16, 16))
    density = 1 + 20 * np.exp(-4 * (lattice.cells**2).sum(-1))
    fields = {name: lw.Field.from_density(lattice, density**p) for name, p in (("pullback", 1), (HOSTILE, 0.5))}
    points = np.random.default_rng(0).uniform(-2, 2, (40, 2))
    labels = np.array([HOSTILE, "plain"])[np.arange(40) % 2]
    atlas = lw.Atlas(lattice, fields, points=points, labels=labels)
    lw.LatentWidget(atlas, start=(-1.5, 0.1), end=(1.5, 0.1)).to_html(tmp_path / "map.html", title=HOSTILE)
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    noticed: list[str] = []
    page.on("pageerror", lambda error: noticed.append(str(error)))
    page.on("console", lambda said: noticed.append(said.text) if said.type in ("error", "warning") else None)
    page.on("request", lambda request: noticed.append(request.url) if request.url.startswith(("http", "ws")) else None)
    page.on("dialog", lambda dialog: (noticed.append(dialog.message), dialog.dismiss()))
    page.goto((tmp_path / "map.html").as_uri())
    page.wait_for_selector("[data-lw='path-geodesic'][d^=M]")
    yield page, noticed
    page.close()


def test_a_drag_moves_the_line_and_the_stretch_the_map(opened: tuple[Page, list[str]]) -> None:
    page, noticed = opened
    line = page.locator("[data-lw='path-geodesic']")
    raster = page.locator("[data-lw='map'] canvas").first
    before = line.get_attribute("d")
    box = page.locator("[data-lw='handle-end']").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 60, y - 90, steps=3)
    page.mouse.up()
    page.wait_for_selector(f"[data-lw='path-geodesic']:not([d='{before}'])")
    flat = raster.evaluate("(canvas) => canvas.toDataURL()")
    slider = page.locator("[data-lw='stretch']")
    slider.focus()
    slider.press("End")
    page.wait_for_function("flat => document.querySelector(\"[data-lw='map'] canvas\").toDataURL() !== flat", arg=flat)
    assert noticed == []


def test_names_are_text_and_other_weights_are_warned_of(opened: tuple[Page, list[str]]) -> None:
    page, noticed = opened
    assert page.title() == HOSTILE
    assert page.locator(".lw-label").first.text_content() == HOSTILE
    assert page.locator("img").count() == 0
    page.locator("[data-lw='measure-toggle']").nth(1).check()
    page.wait_for_selector("[data-lw='status'][data-state='warning']")
    assert "as exported" in (page.locator("[data-lw='status']").text_content() or "")
    assert noticed == []
