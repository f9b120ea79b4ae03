"""Maps at the edge of what is sensible: much data, none, many labels, hostile names; drawn, zoomed and saved."""

import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from pages import settle, shown
from playwright.sync_api import Browser
from raster import raster

import latent_widget as lw
from latent_widget.figures.thumbnails import Thumbnails

HOSTILE = "</script><img src=x onerror=alert(1)>\"'&" + "very long " * 400


def made(
    extent=(-2, 2, -2, 2), shape=(24, 24), count=40, labels=2, names=None, constant=False, measure="hills", tiles=0
):
    lattice = lw.Lattice(extent, shape)
    u, v = ((lattice.cells - [extent[0], extent[2]]) / [extent[1] - extent[0], extent[3] - extent[2]]).transpose(
        2, 0, 1
    )
    density = np.ones(shape) if constant else 1 + 20 * np.exp(-9 * ((u - 0.4) ** 2 + (v - 0.6) ** 2))
    rng = np.random.default_rng(1)
    points = rng.uniform([extent[0], extent[2]], [extent[1], extent[3]], (count, 2))
    classes = np.array(names)[np.arange(count) % len(names)] if names else np.arange(count) % max(labels, 1)
    sheet = None
    if tiles:
        images = rng.integers(0, 256, (tiles, tiles, 16, 16, 4), dtype=np.uint8)
        images[..., 3] = 255
        sheet = Thumbnails(images, (0.0, 1.0))
    field = lw.Field.from_density(lattice, density)
    return lw.Atlas(lattice, {measure: field}, points=points, labels=classes, thumbnails=sheet)


CASES = {
    "50,000 points on 256²": lambda: made(shape=(256, 256), count=50_000, labels=10),
    "400 thumbnails": lambda: made(tiles=32),
    "no points": lambda: made(count=0),
    "1 label": lambda: made(labels=1),
    "1,000 labels": lambda: made(count=3000, labels=1000),
    "a constant measure": lambda: made(constant=True),
    "a tall lattice of flat cells": lambda: made(shape=(200, 8)),
    "a wide strip": lambda: made(extent=(0, 50, -1, 1), shape=(6, 90)),
    "a tiny extent": lambda: made(extent=(-1e-6, 1e-6, -1e-6, 1e-6)),
    "a huge extent": lambda: made(extent=(-1e6, 1e6, 0, 2e6)),
    "hostile names": lambda: made(names=[HOSTILE, "plain", ""], measure=HOSTILE),
}


@pytest.mark.parametrize("case", CASES)
def test_extremes(case: str, browser: Browser, bundle: None, tmp_path: Path) -> None:
    atlas = CASES[case]()
    show = {"contours": True, "ellipses": True, "grid": True, "thumbnails": atlas.thumbnails is not None}
    colour = "label" if len(atlas.labels) else "density"
    widget = lw.LatentWidget(atlas, theme="light", show=show, stretch=0.6, colour_by=colour, renderer="cpu")
    with shown(browser, widget, tmp_path) as (page, noticed):
        pixels = raster(page)
        assert (pixels[..., 3] == 255).all()
        least = 1 if case == "1 label" else 2 if colour == "label" else 20
        assert len(np.unique(pixels.reshape(-1, 4), axis=0)) >= least
        flat = raster(page)
        page.locator("[data-lw='colour-by']").select_option("area_error")
        page.locator("[data-lw='zoom-in']").click(click_count=3)
        page.locator("[data-lw='handle-start']").press("Shift+ArrowUp")
        settle(page)
        assert (raster(page) != flat).any() or case == "a constant measure"
        assert page.locator("[data-lw='path-geodesic']").get_attribute("d", timeout=1000).startswith("M")
        markup = page.locator(".lw-root").evaluate("(root) => root.outerHTML")
        assert "NaN" not in markup
        assert "Infinity" not in markup
        # nothing is shoved off the page, and the legend counts what it cannot list
        assert page.locator(".lw-panel").bounding_box()["height"] < 900
        assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
        assert page.locator(".lw-labels li").count() <= 25
        assert page.locator(".lw-root img").count() == 0
        with page.expect_download() as waiting:
            page.locator("[data-lw='export-svg']").click()
        waiting.value.save_as(tmp_path / "map.svg")
        text = (tmp_path / "map.svg").read_text("utf-8")
        root = ET.fromstring(text)
        assert not any("NaN" in value for e in root.iter() for value in e.attrib.values() if ";base64," not in value)
        assert {e.tag.split("}")[1] for e in root.iter()}.isdisjoint({"script", "img", "foreignObject"})
        assert noticed == []
        if case == "hostile names":
            assert page.locator(".lw-label").nth(1).text_content() == HOSTILE
            assert page.locator(".lw-measure-name").first.text_content() == HOSTILE.replace("_", " ")


@pytest.mark.parametrize("width", [360, 600, 1400])
def test_fits_any_width(width: int, browser: Browser, bundle: None, tmp_path: Path) -> None:
    widget = lw.LatentWidget(made(names=["a rather long label", "b"], measure="jensen_shannon"), theme="dark")
    with shown(browser, widget, tmp_path, size=(width, 900)) as (page, noticed):
        assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
        canvas = page.locator(".lw-raster").bounding_box()
        assert canvas["width"] > 0.6 * min(width, 600) - 60
        for box in (page.locator(".lw-root button").nth(k).bounding_box() for k in range(5)):
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
        assert noticed == []
