"""Every control by mouse and by keyboard, on the exported page, judged by what is then to be seen."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pages import settle, shown
from playwright.sync_api import Browser, Page
from raster import raster

import latent_widget as lw
from latent_widget.figures.thumbnails import Thumbnails


def made() -> lw.Atlas:
    lattice = lw.Lattice((-2, 2, -2, 2), (24, 24))
    density = 1 + 20 * np.exp(-4 * (lattice.cells**2).sum(-1))
    first = lw.Field.from_density(lattice, density, {"standard_error": density**1.5 / 50})
    fields = {"first": first, "second": lw.Field.from_density(lattice, density**0.5)}
    rng = np.random.default_rng(0)
    points = rng.uniform(-2, 2, (40, 2))
    images = np.full((8, 8, 8, 8, 4), 255, np.uint8)
    images[..., :3] = rng.integers(0, 256, (8, 8, 8, 8, 1))
    return lw.Atlas(lattice, fields, points=points, labels=np.arange(40) % 3, thumbnails=Thumbnails(images, (0.0, 1.0)))


@pytest.fixture(scope="module")
def atlas() -> lw.Atlas:
    return made()


@pytest.fixture
def page(atlas: lw.Atlas, browser: Browser, bundle: None, tmp_path: Path) -> Iterator[Page]:
    widget = lw.LatentWidget(atlas, start=(-1.5, 0.1), end=(1.5, 0.1), theme="light", renderer="cpu", stretch=0.5)
    with shown(browser, widget, tmp_path, size=(1000, 1250)) as (page, noticed):
        page.locator("[data-lw='more']").click()
        yield page
        assert noticed == []


def state(page: Page) -> dict[str, object]:
    """What is to be seen, as text and sums of pixels."""
    settle(page)
    return page.evaluate(
        """() => {
            const root = document.querySelector(".lw-root");
            const sum = (canvas) => canvas.toDataURL();
            const text = (hook) => root.querySelector(`[data-lw="${hook}"]`)?.textContent;
            const d = (hook) => root.querySelector(`[data-lw="${hook}"]`)?.getAttribute("d");
            return {
                raster: sum(root.querySelector(".lw-raster")), layers: sum(root.querySelector(".lw-layers")),
                legend: text("legend"), zoom: text("zoom-reset"), geodesic: d("path-geodesic"), contours: d("contours"),
                ellipses: d("ellipses"), lattice: root.querySelector(".lw-overlay path").getAttribute("d"),
                start: root.querySelector("[data-lw='handle-start']").getAttribute("aria-valuetext"),
                end: root.querySelector("[data-lw='handle-end']").getAttribute("aria-valuetext"),
                strips: ["geodesic", "straight", "slerp", "stretched"].map((kind) =>
                    getComputedStyle(root.querySelector(`[data-lw="strip-${kind}"]`)).display),
                dots: root.querySelector("[data-lw='path-geodesic']").parentElement.querySelector("g").innerHTML,
                film: root.querySelector("[data-lw='strip-geodesic'] canvas").width,
            };
        }"""
    )


GLIDE = 600
"""Milliseconds in which a map has come to its place, on a slow machine too."""

# hook, key, and what must change
CONTROLS = [
    ("stretch", "End", "raster"),
    ("map-method", "ArrowDown", "raster"),
    ("temper", "Home", "raster"),
    ("smoothing", "End", "raster"),
    ("measure-toggle", "Space", None),
    ("measure-weight", "ArrowLeft", None),
    ("show-points", "Space", "layers"),
    ("show-thumbnails", "Space", "layers"),
    ("show-grid", "Space", "lattice"),
    ("show-contours", "Space", "contours"),
    ("show-ellipses", "Space", "ellipses"),
    ("show-geodesic", "Space", "strips"),
    ("show-straight", "Space", "strips"),
    ("show-slerp", "Space", "strips"),
    ("show-stretched", "Space", "strips"),
    ("spacing", "ArrowDown", "dots"),
    ("colour-by", "ArrowDown", "legend"),
    ("samples", "ArrowUp", "film"),
    ("zoom-in", "Enter", "zoom"),
    ("handle-start", "ArrowUp", "start"),
    ("handle-end", "Shift+ArrowLeft", "end"),
]


@pytest.mark.parametrize(("hook", "key", "seen"), CONTROLS, ids=[control[0] for control in CONTROLS])
def test_every_control_by_keyboard_and_taken_back(page: Page, hook: str, key: str, seen: str | None) -> None:
    before = state(page)
    control = page.locator(f"[data-lw='{hook}']").first
    control.focus()
    control.press(key)
    if hook == "samples":
        control.press("Enter")
    after = state(page)
    if seen:
        assert after[seen] != before[seen]
    undo = page.locator("[data-lw='undo']")
    if hook == "zoom-in":
        page.locator("[data-lw='zoom-reset']").press("Space")
        assert state(page)["zoom"] == before["zoom"]
    else:
        assert undo.is_enabled()
        if hook == "samples":
            undo.press("Enter")
        else:
            control.press("Control+z")
        if hook == "map-method":
            # one map glides into the other
            page.wait_for_timeout(GLIDE)
        assert state(page) == before
        assert undo.is_disabled()


def test_the_focus_goes_through_all_and_is_seen(page: Page) -> None:
    page.locator("[data-lw='show-thumbnails']").check()
    page.locator("[data-lw='measure-toggle']").nth(1).check()
    page.locator("[data-lw='zoom-in']").click()
    page.evaluate("() => document.activeElement.blur()")
    met = []
    for _ in range(80):  # more than all, since it begins where the last click was
        page.keyboard.press("Tab")
        here = page.evaluate(
            """() => {
                const at = document.activeElement;
                const style = getComputedStyle(at);
                const ring = at.querySelector(".lw-handle-ring, .lw-frame");
                const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
                const drawn = ring && getComputedStyle(ring).stroke !== "rgba(0, 0, 0, 0)";
                const name = at.dataset.lw ?? at.className.baseVal ?? at.className;
                const label = at.getAttribute("aria-label") ?? at.labels?.[0]?.textContent ?? at.textContent;
                return at === document.body ? null : [name, Boolean(outlined || drawn), label];
            }"""
        )
        if here is not None:
            met.append(here)
    names = [name for name, _, _ in met]
    assert {hook for hook, _, _ in CONTROLS} <= set(names)
    assert {"lw-overlay lw-close", "play", "undo", "zoom-out", "zoom-reset", "more", "export-svg", "export-png"} <= set(
        names
    )
    assert [name for name, ring, _ in met if not ring] == []
    assert [name for name, _, label in met if not label.strip()] == []


MICE = [
    "show-points",
    "show-grid",
    "show-contours",
    "show-ellipses",
    "show-thumbnails",
    "show-geodesic",
    "measure-toggle",
]


@pytest.mark.parametrize("hook", MICE)
def test_boxes_by_mouse(page: Page, hook: str) -> None:
    before = state(page)
    page.locator(f"[data-lw='{hook}']").nth(int(hook == "measure-toggle")).click()
    assert state(page) != before
    page.locator("[data-lw='undo']").click()
    assert state(page) == before


@pytest.mark.parametrize("hook", ["stretch", "temper", "smoothing", "measure-weight"])
def test_sliders_by_mouse(page: Page, hook: str) -> None:
    if hook == "measure-weight":
        page.locator("[data-lw='measure-toggle']").nth(1).check()
    before = state(page)
    box = page.locator(f"[data-lw='{hook}']").first.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.5 * box["width"], y)
    page.mouse.down()
    for part in (0.4, 0.35, 0.3):
        page.mouse.move(box["x"] + part * box["width"], y)
    page.mouse.up()
    assert state(page)["raster"] != before["raster"]


def test_every_colouring_is_explained(page: Page) -> None:
    for by, words in (
        ("label", "nearest"),
        ("area_error", "Area on this map"),
        ("standard_error", "Relative error of first"),
        ("density", "Magnification"),
    ):
        page.locator("[data-lw='colour-by']").select_option(by)
        assert words in str(state(page)["legend"])
    # a measure without errors: said, not drawn as if there were none
    page.locator("[data-lw='measure-toggle']").nth(1).check()
    page.locator("[data-lw='measure-toggle']").nth(0).uncheck()
    settle(page)
    option = page.locator("[data-lw='colour-by'] option[value='standard_error']")
    assert option.get_attribute("disabled") is not None
    assert "no measure" in str(option.get_attribute("title"))


def test_two_fingers_zoom_and_one_drags(atlas: lw.Atlas, browser: Browser, bundle: None, tmp_path: Path) -> None:
    widget = lw.LatentWidget(atlas, start=(-1.5, 0.1), end=(1.5, 0.1), renderer="cpu")
    with shown(browser, widget, tmp_path, size=(1000, 1000), has_touch=True) as (page, noticed):
        touch = page.context.new_cdp_session(page)

        def fingers(kind: str, *at: tuple[float, float]) -> None:
            points = [{"x": x, "y": y, "id": k} for k, (x, y) in enumerate(at)]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        box = page.locator(".lw-raster").bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 3
        fingers("touchStart", (x - 20, y))
        fingers("touchStart", (x - 20, y), (x + 20, y))
        for apart in (30, 40, 50, 60):
            fingers("touchMove", (x - apart, y), (x + apart, y))
        fingers("touchEnd")
        assert float(str(state(page)["zoom"]).rstrip("×")) == pytest.approx(3, abs=0.2)
        page.locator("[data-lw='zoom-reset']").click()
        before = state(page)
        handle = page.locator("[data-lw='handle-end']").bounding_box()
        assert handle is not None
        hx, hy = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
        fingers("touchStart", (hx, hy))
        for step in (10, 30, 60):
            fingers("touchMove", (hx - step, hy - step))
        fingers("touchEnd")
        after = state(page)
        assert after["end"] != before["end"]
        assert after["geodesic"] != before["geodesic"]
        assert after["zoom"] == "1×"
        assert raster(page).shape[1] > 100
        assert noticed == []
