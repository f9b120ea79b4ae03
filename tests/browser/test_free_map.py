"""Maps with a free outline in a real JupyterLab: a field in closed form, whose isometric map is a part of a ring."""

from collections.abc import Iterator
from pathlib import Path

import nbformat
import numpy as np
import pytest
from hand import PIXEL, grab, plot, rest
from lab import Notebook, opened
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, expect

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
# G = diag((2 + y)², 1) is the plane in polar coordinates: a ring of the radii 1 to 3, cut open to 2.4 radians
MAKE = """
import numpy as np
import latent_widget as lw
from latent_widget.figures.page import choose_aspect, fit_to_page, frame_corners

lattice = lw.Lattice((-1.2, 1.2, -1, 1), (40, 48))
y = lattice.cells[..., 1]
metric = np.zeros((40, 48, 2, 2))
metric[..., 0, 0], metric[..., 1, 1] = (2 + y) ** 2, 1
points = np.random.default_rng(0).uniform((-1.2, -1), (1.2, 1), (120, 2))
w = lw.LatentWidget(lw.Atlas(lattice, {"ring": lw.Field(lattice, metric)}, points=points), theme="light")
w.start, w.end = (-0.7, 0.2), (0.7, -0.3)
w
"""
START, END = [-0.7, 0.2], [0.7, -0.3]


@pytest.fixture(scope="module")
def opened_ring(browser: Browser, address: str, folder: Path) -> Iterator[Notebook]:
    nbformat.write(new_notebook(cells=[new_code_cell(MAKE)], metadata=KERNEL), folder / "ring.ipynb")
    with opened(browser, address, viewport={"width": 1366, "height": 1300}) as notebook:
        notebook.open("ring.ipynb")
        notebook.run_all()
        expect(notebook.hook("map")).to_be_visible()
        yield notebook


@pytest.fixture
def ring(opened_ring: Notebook) -> Notebook:
    """The widget with its isometric map, stretched to it; warm, so that a drag waits for nothing."""
    opened_ring.ask(
        f"(setattr(w, 'start', {START}), setattr(w, 'end', {END}), setattr(w, 'stretch', 1.0), "
        "setattr(w, 'map_method', 'isometric'), setattr(w, 'view', None), setattr(w, 'show', {}))"
    )
    opened_ring.wait_until("w._map['method'] == 'isometric'", 60)
    expect(opened_ring.hook("map-method")).to_have_value("isometric")
    # the kernel has the map before the page has drawn it
    for _ in range(100):
        if np.allclose(handle(opened_ring, "start"), on_page(opened_ring, [START])[0], atol=PIXEL):
            break
        opened_ring.page.wait_for_timeout(200)
    rest(opened_ring)
    return opened_ring


def on_page(notebook: Notebook, points: list[list[float]]) -> np.ndarray:
    """Where plane points lie on the screen, by Python's own map and frame."""
    page = "fit_to_page(w.map)"
    moved = np.array(notebook.ask(f"{page}.transform({points}).tolist()"))
    x0, x1, y0, y1 = notebook.ask(f"frame_corners({page}.corners, choose_aspect(w.atlas.lattice.extent))")
    box = plot(notebook)
    return (moved - [x0, y1]) / [x1 - x0, y0 - y1] * [box["width"], box["height"]] + [box["x"], box["y"]]


def handle(notebook: Notebook, end: str) -> tuple[float, float]:
    box = notebook.hook(f"handle-{end}").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_the_list_chooses_the_map_and_the_line_says_what_it_achieved(opened_ring: Notebook) -> None:
    opened_ring.ask("(setattr(w, 'map_method', 'cartogram'), setattr(w, 'stretch', 1.0))")
    expect(opened_ring.hook("status")).to_contain_text("Stretched map: largest area error")
    opened_ring.hook("map-method").select_option("isometric")
    opened_ring.wait_until("w.map_method == 'isometric' and w.map.method == 'isometric'", 60)
    expect(opened_ring.hook("status")).to_contain_text("Isometric map: remaining anisotropy 1.00", timeout=60_000)
    expect(opened_ring.hook("status")).to_contain_text("no folds")
    # a ring can be laid out flat
    assert opened_ring.ask("float(w.map.anisotropy)") < 1.001
    opened_ring.hook("undo").click()
    opened_ring.wait_until("w.map_method == 'cartogram'")
    expect(opened_ring.hook("status")).to_contain_text("largest area error", timeout=60_000)
    assert opened_ring.complaints == []


def test_handles_stand_where_python_puts_them(ring: Notebook) -> None:
    assert handle(ring, "start") == pytest.approx(on_page(ring, [START])[0], abs=PIXEL)
    assert handle(ring, "end") == pytest.approx(on_page(ring, [END])[0], abs=PIXEL)


def test_a_drag_beyond_the_outline_ends_at_its_nearest_point(ring: Notebook) -> None:
    """The bay of the ring lies below its inner border y = -1: there the nearest point is straight above."""
    inner = on_page(ring, [[0.0, -1.0]])[0]
    grab(ring, "start")
    ring.page.mouse.move(*inner, steps=6)
    ring.page.mouse.move(inner[0], inner[1] + 60, steps=4)
    rest(ring)
    assert handle(ring, "start") == pytest.approx(inner, abs=2 * PIXEL)
    ring.page.mouse.up()
    ring.wait_until(f"list(w.start) != {START}")
    x, y = ring.ask("list(w.start)")
    assert y == -1.0
    assert abs(x) < 0.05
    # along the outer border, beyond it
    outer = on_page(ring, [[0.4, 1.0], [0.4, 0.5]])
    way = (outer[0] - outer[1]) / np.hypot(*(outer[0] - outer[1]))
    grab(ring, "start")
    ring.page.mouse.move(*(outer[0] + 25 * way), steps=8)
    ring.page.mouse.up()
    ring.wait_until("w.start[1] == 1.0")
    assert ring.ask("w.start[0]") == pytest.approx(0.4, abs=0.02)


def test_nothing_is_read_off_beside_the_map(ring: Notebook) -> None:
    inside, inner = on_page(ring, [[0.3, 0.3], [0.0, -1.0]])
    ring.page.mouse.move(*inside)
    expect(ring.hook("readout")).to_contain_text("magnification")
    ring.page.mouse.move(inner[0], inner[1] + 60)
    expect(ring.hook("readout")).to_have_text("")


def test_the_paper_is_seen_beside_the_map_by_either_renderer(ring: Notebook) -> None:
    inner, inside = on_page(ring, [[0.0, -1.0], [0.0, 0.9]])
    box = plot(ring)
    for renderer in ("cpu", "webgl"):
        ring.ask(f"setattr(w, 'renderer', {renderer!r})")
        expect(ring.hook("map")).to_have_attribute("data-renderer", renderer)
        ring.page.wait_for_timeout(300)
        colours = ring.page.evaluate(
            """(places) => {
                const canvas = document.querySelector("[data-lw='map'] canvas.lw-raster");
                const copy = document.createElement("canvas");
                [copy.width, copy.height] = [canvas.width, canvas.height];
                copy.getContext("2d").drawImage(canvas, 0, 0);
                return places.map(([u, v]) =>
                    [...copy.getContext("2d").getImageData(u * copy.width, v * copy.height, 1, 1).data]);
            }""",
            [
                [(x - box["x"]) / box["width"], (y - box["y"]) / box["height"]]
                for x, y in ((inner[0], inner[1] + 40), inside, (box["x"] + 4, box["y"] + box["height"] - 4))
            ],
        )
        assert colours[0] == colours[2] == [255, 255, 255, 255]
        assert colours[1] != colours[0]
    ring.ask("setattr(w, 'renderer', 'auto')")


def test_what_the_map_is_worth_is_measured_by_a_click(ring: Notebook) -> None:
    ring.hook("audit").focus()
    ring.page.keyboard.press("Enter")
    ring.hook("audit-measure").focus()
    ring.page.keyboard.press("Enter")
    expect(ring.hook("audit-words")).to_contain_text("as it is now", timeout=60_000)
    stress = float(ring.hook("audit-stress-map").locator("td").inner_text())
    plane = float(ring.hook("audit-stress-plane").locator("td").inner_text())
    # geodesics bend around the bay, so not even this map is true everywhere
    assert stress < 0.5 * plane
    ring.hook("map-method").select_option("cartogram")
    expect(ring.hook("audit-words")).to_contain_text("as it was before", timeout=60_000)
    assert ring.complaints == []
