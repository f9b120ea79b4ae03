"""The workbench in a real JupyterLab: charts follow a handle, and the brush highlights cells on the map."""

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from lab import Notebook, opened
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, expect

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
MAKE = """
import numpy as np
import latent_widget as lw

lattice = lw.Lattice((0, 2, 0, 1), (24, 48))
slope = lw.Field.from_density(lattice, (1 + lattice.cells[..., 0]) ** 2)
w = lw.LatentWidget(lw.Atlas(lattice, {"slope": slope}), start=(0.5, 0.5), end=(1.5, 0.5), theme="light")
lw.workbench(w)
"""
COLOURS = """(canvas) => {
    const { width, height } = canvas;
    const row = canvas.getContext("2d").getImageData(0, height >> 1, width, 1).data;
    return [0.1, 0.5, 0.9].map((t) => row[4 * Math.floor(t * width) + 3]);
}"""


@pytest.fixture(scope="module")
def bench(browser: Browser, address: str, folder: Path) -> Iterator[Notebook]:
    nbformat.write(new_notebook(cells=[new_code_cell(MAKE)], metadata=KERNEL), folder / "bench.ipynb")
    with opened(browser, address) as notebook:
        notebook.open("bench.ipynb")
        notebook.run_all()
        expect(notebook.page.locator(".bqplot")).to_have_count(3)
        notebook.page.wait_for_selector("[data-lw='path-geodesic'][d^=M]", state="attached")
        yield notebook


def test_a_dragged_handle_changes_the_profile(bench: Notebook) -> None:
    line = bench.page.locator(".bqplot").first.locator("path.line").first
    expect(line).to_have_attribute("d", re.compile("^M"))
    before = line.get_attribute("d")
    box = bench.hook("handle-end").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    bench.page.mouse.move(x, y)
    bench.page.mouse.down()
    bench.page.mouse.move(x + 40, y - 60, steps=3)
    bench.page.mouse.up()
    bench.wait_until("w.end != [1.5, 0.5]")
    expect(line).not_to_have_attribute("d", str(before))


def test_the_brush_highlights_cells_until_it_is_cleared(bench: Notebook) -> None:
    layers = bench.hook("map").locator("canvas").nth(1)
    assert layers.evaluate(COLOURS) == [0, 0, 0]
    chart = bench.page.locator(".bqplot").nth(1)
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    assert box is not None
    # inside the margins of the axes
    left, wide, y = box["x"] + 62, box["width"] - 80, box["y"] + 0.4 * box["height"]
    bench.page.mouse.move(left + 0.4 * wide, y)
    bench.page.mouse.down()
    bench.page.mouse.move(left + 0.8 * wide, y, steps=5)
    bench.page.mouse.up()
    bench.wait_until("w.highlight is not None and w.highlight[1] > 1.5 * w.highlight[0]")
    low, high = bench.ask("w.highlight")
    # the density of the slope is (1 + x)², so that the bare cells are a band in x
    veiled = [not low <= (1 + 2 * t) ** 2 <= high for t in (0.1, 0.5, 0.9)]
    assert veiled == [True, False, True]
    bench.page.wait_for_function(f"(canvas) => ({COLOURS})(canvas)[0] > 0", arg=layers.element_handle())
    assert [alpha > 0 for alpha in layers.evaluate(COLOURS)] == veiled
    bench.page.get_by_role("button", name="clear").click()
    bench.wait_until("w.highlight is None")
    bench.page.wait_for_function(f"(canvas) => ({COLOURS})(canvas)[0] === 0", arg=layers.element_handle())


def test_nothing_was_complained_of(bench: Notebook) -> None:
    assert bench.complaints == []
