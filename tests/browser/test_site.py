"""The documentation as it is read: the built site and its gallery on a local server, which ask nobody else."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pages import settle
from playwright.sync_api import Browser, Page, expect
from raster import raster

ROOT = Path(__file__).parents[2]
SIZE = 24
"""Cells along each side of the gallery's lattices here."""
EXHIBITS = ("digits", "deterministic", "measures", "names", "walks")
FETCHED = re.compile(
    r"""<(?:script|img|iframe|source|link(?![^>]*rel="?canonical))[^>]*?(?:src|href)=["']?(https?:)?//"""
)


@pytest.fixture(scope="module")
def site(bundle: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, with a coarse gallery, built by the command that builds the real one."""
    out, gallery = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("gallery")
    command = [sys.executable, "docs/build.py", "--out", str(out), "--gallery", str(gallery), "--size", str(SIZE)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.fixture(scope="module")
def served(site: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(site))

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@contextmanager
def opened(browser: Browser, served: str, path: str, width: int = 1000) -> Iterator[tuple[Page, list[str]]]:
    """A page of the site, and a list of all that went wrong or out on it."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    noticed: list[str] = []
    page.on("pageerror", lambda error: noticed.append(str(error)))
    page.on("console", lambda said: noticed.append(said.text) if said.type in ("error", "warning") else None)
    page.on(
        "request",
        lambda asked: None if asked.url.startswith((served, "data:", "blob:")) else noticed.append(asked.url),
    )
    page.on("response", lambda got: noticed.append(f"{got.status} {got.url}") if got.status >= 400 else None)
    try:
        page.goto(served + path)
        yield page, noticed
    finally:
        page.close()


@pytest.mark.parametrize("name", EXHIBITS)
def test_a_page_of_the_gallery_is_alive(name: str, browser: Browser, served: str) -> None:
    with opened(browser, served, f"gallery/{name}.html") as (page, noticed):
        page.wait_for_selector(".lw-root[data-settled='true']")
        settle(page)
        painted = raster(page, ".lw-raster").reshape(-1, 4)
        assert len(np.unique(painted, axis=0)) > 20
        line = page.locator("[data-lw='path-geodesic']")
        before = line.get_attribute("d")
        handle = page.locator("[data-lw='handle-end']")
        handle.scroll_into_view_if_needed()
        box = handle.bounding_box()
        assert before
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x - 60, y - 40, steps=3)
        page.mouse.up()
        page.wait_for_selector(f"[data-lw='path-geodesic']:not([d='{before}'])")
        assert noticed == []


def test_the_index_of_the_gallery_leads_to_every_page(browser: Browser, served: str, site: Path) -> None:
    with opened(browser, served, "gallery/") as (page, noticed):
        cards = page.locator(".gallery-card")
        expect(cards).to_have_count(len(EXHIBITS))
        for k, name in enumerate(EXHIBITS):
            picture = cards.nth(k).locator("img")
            picture.scroll_into_view_if_needed()
            expect(picture).to_have_js_property("complete", True)
            assert picture.evaluate("(image) => image.naturalWidth") > 100
            assert (cards.nth(k).locator("a").first.get_attribute("href") or "") == f"{name}.html"
        assert noticed == []
        cards.first.locator("a").first.click()
        page.wait_for_selector("[data-lw='path-geodesic'][d^=M]")
    assert {path.stem for path in (site / "gallery").glob("*.png")} == set(EXHIBITS)


@pytest.mark.parametrize("width", [1366, 600])
def test_the_home_page_asks_nobody_and_finds_things(width: int, browser: Browser, served: str) -> None:
    with opened(browser, served, "", width) as (page, noticed):
        expect(page.locator("h1")).to_have_text(re.compile("latent_widget"))
        assert page.evaluate("() => [...document.images].every((image) => image.naturalWidth > 100)")
        assert page.evaluate("() => document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        if width < 1000:
            page.locator("label[for='__search']").first.click()
        asked = page.locator("input[name='query']")
        asked.click()
        asked.press_sequentially("slerp")
        expect(page.locator(".md-search-result__item").first).to_be_visible(timeout=20_000)
        assert noticed == []


def test_no_page_names_a_file_on_another_host(site: Path) -> None:
    pages = [path for path in site.rglob("*.html") if path.parent.name != "gallery" or path.name == "index.html"]
    assert len(pages) > 15
    asking = {
        path.relative_to(site).as_posix(): found for path in pages if (found := FETCHED.findall(path.read_text()))
    }
    assert not any(asking.values()), asking
    styles = "".join(path.read_text("utf-8") for path in site.rglob("*.css"))
    assert not re.search(r"url\(['\"]?https?:", styles)


def test_the_reference_describes_the_functions(browser: Browser, served: str, site: Path) -> None:
    """A name that the generator cannot find would be left out with a warning, which fails the build; this reads it."""
    with opened(browser, served, "reference/geodesics/") as (page, noticed):
        section = page.locator("[id='latent_widget.geodesic']")
        expect(section).to_be_visible()
        expect(page.locator("article")).to_contain_text("alternatives")
        assert noticed == []
    index = json.loads((site / "search" / "search_index.json").read_text("utf-8"))
    assert any("frechet_mean" in entry["title"] for entry in index["docs"])
