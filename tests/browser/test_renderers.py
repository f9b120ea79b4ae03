"""The two renderers: WebGL2, drawn here by software that browsers carry, against the CPU's picture."""

from collections.abc import Iterator

import numpy as np
import pytest
from chromium import FLAGS, find_browser
from pages import settle, shown
from playwright.sync_api import Browser
from raster import raster

import latent_widget as lw

SOFTWARE_CARD = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist")


@pytest.fixture(scope="module")
def carded(browser: Browser) -> Iterator[Browser]:
    """A browser with WebGL2, whatever the machine has."""
    flags = [flag for flag in FLAGS if flag != "--disable-gpu"]
    started = browser.browser_type.launch(executable_path=find_browser(), headless=True, args=[*flags, *SOFTWARE_CARD])
    yield started
    started.close()


def hills(**options):
    lattice = lw.Lattice((-3e-6, 3e-6, -2e-6, 2e-6), (48, 72))
    x, y = np.moveaxis(lattice.cells, -1, 0) * 1e6
    density = 10 ** (np.sin(1.3 * x + 0.4) * np.cos(1.1 * y))
    field = lw.Field.from_density(lattice, density, {"standard_error": 0.1 * density * (2 + np.sin(x))})
    rng = np.random.default_rng(3)
    points = rng.uniform(-2e-6, 2e-6, (60, 2))
    atlas = lw.Atlas(lattice, {"hills": field}, points=points, labels=(points[:, 0] > 0).astype(int))
    return lw.LatentWidget(atlas, theme="light", **options)


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"stretch": 1.0},
        {"stretch": 0.5, "view": (-1e-6, 1e-6, 0, 1.3e-6)},
        {"stretch": 0.7, "colour_by": "area_error"},
        {"stretch": 0.7, "colour_by": "label"},
        {"theme": "dark", "colour_by": "standard_error"},
    ],
    ids=lambda state: "-".join(state) or "plain",
)
def test_both_draw_one_picture(carded, bundle, tmp_path, state):
    pictures = {}
    for renderer in ("cpu", "webgl"):
        widget = hills(renderer=renderer)
        for name, value in state.items():
            setattr(widget, name, value)
        with shown(carded, widget, tmp_path) as (page, noticed):
            assert page.locator("[data-lw='map']").get_attribute("data-renderer") == renderer
            pictures[renderer] = raster(page).astype(float)
            assert noticed == []
    difference = np.abs(pictures["cpu"] - pictures["webgl"]).max(axis=-1)
    assert np.ptp(pictures["cpu"], axis=(0, 1)).max() > 20  # there is something to see
    assert np.median(difference) == 0
    # a step of the ramp is 1 or 2 here; where colours end at a cell's border, a pixel may fall on either side
    assert (difference > 2).mean() < 0.005


def test_auto_leaves_a_card_of_software_alone_and_a_lost_one_is_replaced(carded, bundle, tmp_path):
    with shown(carded, hills(), tmp_path) as (page, noticed):
        area = page.locator("[data-lw='map']")
        assert area.get_attribute("data-renderer") == "cpu"
        expected = raster(page)
        assert noticed == []
    with shown(carded, hills(renderer="webgl"), tmp_path) as (page, noticed):
        area = page.locator("[data-lw='map']")
        canvas = page.locator(".lw-raster")
        canvas.evaluate("(c) => c.getContext('webgl2').getExtension('WEBGL_lose_context').loseContext()")
        page.wait_for_selector("[data-lw='map'][data-renderer='cpu']")
        settle(page)
        np.testing.assert_array_equal(raster(page), expected)
        page.locator("[data-lw='stretch']").press("End")
        settle(page)
        assert (raster(page) != expected).any()
        assert area.locator("canvas").count() == 2


def test_without_webgl_the_cpu_draws(browser, bundle, tmp_path):
    with shown(browser, hills(renderer="webgl"), tmp_path) as (page, _):
        assert page.locator("[data-lw='map']").get_attribute("data-renderer") in ("cpu", "webgl")
        assert np.ptp(raster(page)[..., :3], axis=(0, 1)).max() > 20
