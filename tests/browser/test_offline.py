"""The exported page, opened as a file: it draws, moves and asks nobody for anything."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

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


def test_every_map_can_be_chosen_without_a_kernel(opened: tuple[Page, list[str]]) -> None:
    page, noticed = opened
    page.locator("[data-lw='stretch']").press("End")
    outline, status = page.locator("[data-lw='outline']"), page.locator("[data-lw='status']")
    expect(outline).to_have_attribute("d", "")
    for method, words in (("isometric", "Isometric map"), ("distances", "Distance map")):
        page.locator("[data-lw='map-method']").select_option(method)
        expect(status).to_contain_text(f"{words}: remaining anisotropy")
        expect(outline).to_have_attribute("d", re.compile("^M.+Z$"))
    page.locator("[data-lw='map-method']").select_option("cartogram")
    expect(status).to_contain_text("largest area error")
    # after the glide
    expect(outline).to_have_attribute("d", "")
    page.locator("[data-lw='audit']").click()
    expect(page.locator("[data-lw='audit-words']")).to_contain_text("not measured before")
    expect(page.locator("[data-lw='audit-measure']")).to_be_hidden()
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


def shown_times(page: Page) -> float:
    return float((page.locator("[data-lw='zoom-reset']").text_content() or "").rstrip("×"))


def settle(page: Page) -> None:
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def test_the_wheel_belongs_to_the_page_until_the_map_is_chosen(opened: tuple[Page, list[str]]) -> None:
    page, noticed = opened
    page.set_viewport_size({"width": 1000, "height": 400})
    box = page.locator("[data-lw='map'] canvas").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 150, box["y"] + 120)
    page.mouse.wheel(0, 60)
    page.wait_for_function("() => window.scrollY > 0")
    assert shown_times(page) == 1
    page.keyboard.down("Control")
    page.mouse.wheel(0, -120)
    page.keyboard.up("Control")
    page.wait_for_selector("[data-lw='zoom-reset']:enabled")
    assert shown_times(page) == pytest.approx(1.5, abs=0.1)
    assert noticed == []


def test_a_zoomed_map_is_dragged_and_its_handles_stay_in_reach(opened: tuple[Page, list[str]]) -> None:
    page, noticed = opened
    canvas = page.locator("[data-lw='map'] canvas").first
    box = canvas.bounding_box()
    assert box is not None
    x, y = box["x"] + 0.5 * box["width"], box["y"] + 0.2 * box["height"]
    for _ in range(2):
        page.mouse.dblclick(x, y)
    settle(page)
    assert shown_times(page) == 4
    faint = page.locator("[data-lw='handle-start']")
    assert faint.get_attribute("opacity") == "0.5"
    before = canvas.evaluate("(canvas) => canvas.toDataURL()")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 80, y + 60, steps=4)
    page.mouse.up()
    settle(page)
    assert canvas.evaluate("(canvas) => canvas.toDataURL()") != before
    # the keys work wherever on the map the focus is
    page.keyboard.press("0")
    settle(page)
    assert shown_times(page) == 1
    assert faint.get_attribute("opacity") == "1"
    assert noticed == []


def test_layers_colours_and_the_walk(opened: tuple[Page, list[str]]) -> None:
    page, noticed = opened
    for name in ("contours", "ellipses"):
        assert page.locator(f"[data-lw='{name}']").get_attribute("d") == ""
        page.locator(f"[data-lw='show-{name}']").check()
        page.wait_for_selector(f"[data-lw='{name}'][d^=M]", state="attached")
    page.locator("[data-lw='colour-by']").select_option("area_error")
    page.wait_for_function("() => document.querySelector(\"[data-lw='legend']\").textContent.includes('true')")
    page.locator("[data-lw='play']").click()
    page.wait_for_selector("[data-lw='marker-straight']")
    assert "speed" in (page.locator("[data-lw='speed-straight']").text_content() or "")
    page.locator("[data-lw='play']").click()
    assert noticed == []


def test_no_pdf_is_offered_where_no_kernel_writes_one(opened: tuple[Page, list[str]]) -> None:
    page, noticed = opened
    assert page.locator("[data-lw='export-pdf']").count() == 0
    assert "w.save('figure.pdf')" in (page.locator("[data-lw='export-svg']").locator("..").get_attribute("title") or "")
    with page.expect_download() as waiting:
        page.locator("[data-lw='export-svg']").click()
    assert waiting.value.suggested_filename == "latent_map.svg"
    assert noticed == []
