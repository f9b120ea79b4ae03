"""A small map of a known field, without a decoder, shown twice in one notebook."""

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from lab import Notebook, opened
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, Locator, expect

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
MAKE = """
import numpy as np
import latent_widget as lw

lattice = lw.Lattice((0, 2, 0, 1), (24, 48))
x = lattice.cells[..., 0]
slope, flat = lw.Field.from_density(lattice, 1 + x), lw.Field.from_density(lattice, np.ones_like(x))
w = lw.LatentWidget(lw.Atlas(lattice, {"slope": slope, "flat": flat}), start=(0.5, 0.5), end=(1.5, 0.5))
w
"""


@pytest.fixture(scope="module")
def twice(browser: Browser, address: str, folder: Path) -> Iterator[Notebook]:
    cells = [new_code_cell(MAKE), new_code_cell("w")]
    nbformat.write(new_notebook(cells=cells, metadata=KERNEL), folder / "twice.ipynb")
    with opened(browser, address, viewport={"width": 1400, "height": 2200}) as notebook:
        notebook.open("twice.ipynb")
        notebook.run_all()
        expect(notebook.page.locator("[data-lw='map']")).to_have_count(2)
        yield notebook


def hooks(notebook: Notebook, name: str) -> list[Locator]:
    return notebook.page.locator(f"[data-lw='{name}']").all()


def test_both_views_follow_one_hand(twice: Notebook) -> None:
    first, second = hooks(twice, "handle-start")
    transform = second.get_attribute("transform")
    box = first.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    twice.page.mouse.move(x, y)
    twice.page.mouse.down()
    twice.page.mouse.move(x + 25, y - 15, steps=3)
    twice.page.mouse.up()
    twice.wait_until("list(w.start) != [0.5, 0.5]")
    expect(second).not_to_have_attribute("transform", str(transform))
    assert second.get_attribute("transform") == first.get_attribute("transform")
    assert second.get_attribute("aria-valuetext") == first.get_attribute("aria-valuetext")


def test_stretched_handles_stand_where_the_closed_form_puts_them(twice: Notebook) -> None:
    """A density 1 + x on [0, 2] makes the map x -> 2 (x + x² / 2) / 4: 0.5 comes to 0.3125, 1.5 to 1.3125."""
    twice.ask("(setattr(w, 'stretch', 1.0), setattr(w, 'start', [0.5, 0.5]), setattr(w, 'end', [1.5, 0.5]))")
    for raster, end, at in (
        (0, "start", 0.3125),
        (0, "end", 1.3125),
        (1, "start", 0.3125),
        (1, "end", 1.3125),
    ):
        handle = hooks(twice, f"handle-{end}")[raster]
        canvas = hooks(twice, "map")[raster].locator("canvas").first
        box = canvas.bounding_box()
        assert box is not None
        want = box["x"] + box["width"] * at / 2
        twice.page.wait_for_function(
            """([handle, x]) => {
                const box = handle.getBoundingClientRect();
                return Math.abs(box.x + box.width / 2 - x) < 1.5;
            }""",
            arg=[handle.element_handle(), want],
            timeout=5000,
        )


def test_no_weight_at_all_is_said_and_loses_nothing(twice: Notebook) -> None:
    key = twice.ask("w._map['key']")
    toggle = twice.page.locator("[data-lw='measure-toggle'][data-name='slope']").first
    toggle.uncheck()
    twice.wait_until("not any(w.weights.values())")
    expect(hooks(twice, "status")[0]).to_contain_text(re.compile("weight|measure", re.IGNORECASE))
    assert twice.ask("w._map['key']") == key
    toggle.check()
    twice.wait_until("w.weights['slope'] == 1")
    twice.wait_until("w._status['state'] == 'ready'")


def test_theme_of_the_page_is_followed(twice: Notebook) -> None:
    root = twice.page.locator(".lw-root").first
    expect(root).to_have_attribute("data-theme", "light")
    twice.theme("Dark")
    expect(root).to_have_attribute("data-theme", "dark")
    twice.theme("Light")
    expect(root).to_have_attribute("data-theme", "light")


def test_a_closed_view_leaves_the_other_alive(twice: Notebook) -> None:
    twice.page.evaluate("() => jupyterapp.shell.currentWidget.content.widgets[1].model.clearExecution()")
    expect(twice.page.locator("[data-lw='map']")).to_have_count(1)
    slider = twice.hook("stretch")
    slider.focus()
    slider.press("Home")
    twice.wait_until("w.stretch == 0.0")


def test_nothing_was_complained_of(twice: Notebook) -> None:
    """Last of the file: no error in the page, and no request left the machine, during all of the above."""
    assert twice.complaints == []
