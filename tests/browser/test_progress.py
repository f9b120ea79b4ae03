"""A survey started by the widget, in a real JupyterLab: progress, cancelling, and what a failing decoder says."""

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from lab import Notebook, opened
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, expect

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
SLOW = """
import threading
import time

import torch
import latent_widget as lw

go = threading.Event()

def decode(z):
    if z.dim() == 2 and len(z) > 100:
        time.sleep(0.0 if go.is_set() else 0.2)
    return torch.stack([z[:, 0], z[:, 1] ** 2], 1)

def last(decoder, lattice):
    go.wait(60)
    return lw.Field.from_density(lattice, 2 + lattice.cells[..., 0])

w = lw.LatentWidget(decode, (-1, 1, -1, 1), (48, 48), measures=["pullback", last], theme="light")
w
"""
BROKEN = """
def broken(z):
    raise RuntimeError("<img src=x onerror=alert(1)> out of memory")

v = lw.LatentWidget(broken, (-1, 1, -1, 1), (48, 48))
v
"""


@pytest.fixture(scope="module")
def notebook(browser: Browser, address: str, folder: Path) -> Iterator[Notebook]:
    cells = [new_code_cell(SLOW), new_code_cell(BROKEN)]
    nbformat.write(new_notebook(cells=cells, metadata=KERNEL), folder / "progress.ipynb")
    with opened(browser, address) as notebook:
        notebook.open("progress.ipynb")
        yield notebook


def test_a_slow_survey_shows_how_far_it_is_and_then_its_map(notebook: Notebook) -> None:
    notebook.run(0)
    expect(notebook.hook("survey")).to_be_visible()
    notebook.page.wait_for_function("() => document.querySelector(\"[data-lw='survey-progress']\")?.value > 0.5")
    expect(notebook.hook("survey-words")).to_contain_text("measuring")
    notebook.ask("go.set()")
    expect(notebook.hook("map")).to_be_visible()
    expect(notebook.hook("survey")).to_have_count(0)
    notebook.page.wait_for_selector("[data-lw='path-geodesic'][d^=M]", state="attached")
    assert notebook.ask("w.atlas.measures") == ["pullback", "last"]


def test_a_cancelled_survey_says_so_and_may_be_started_again(notebook: Notebook) -> None:
    notebook.ask("go.clear()")
    notebook.run(0)
    notebook.hook("survey-cancel").click()
    expect(notebook.hook("survey-words")).to_contain_text("cancelled while 'pullback'")
    notebook.ask("go.set()")
    notebook.hook("survey-again").click()
    expect(notebook.hook("map")).to_be_visible()
    assert notebook.ask("w.atlas.measures") == ["pullback", "last"]


def test_a_failing_decoder_is_quoted_as_text(notebook: Notebook) -> None:
    notebook.run(1)
    words = notebook.hook("survey-words")
    expect(words).to_contain_text("<img src=x onerror=alert(1)> out of memory")
    assert words.locator("img").count() == 0
    expect(notebook.hook("survey-again")).to_be_visible()


def test_nothing_was_complained_of(notebook: Notebook) -> None:
    assert notebook.complaints == []
