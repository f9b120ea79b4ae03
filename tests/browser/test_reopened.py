"""A saved notebook, opened again beside a kernel that knows nothing of it, shows its last picture, and moves."""

import json
from collections.abc import Iterator
from pathlib import Path

import nbformat
import numpy as np
import pytest
from lab import opened, served
from nbformat.v4 import new_code_cell, new_notebook
from pages import settle
from playwright.sync_api import Browser, expect
from raster import raster

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
MAKE = """
import numpy as np
import latent_widget as lw

lattice = lw.Lattice((-2, 2, -2, 2), (24, 24))
field = lw.Field.from_density(lattice, 1 + 20 * np.exp(-4 * (lattice.cells**2).sum(-1)))
atlas = lw.Atlas(lattice, {"hill": field})
w = lw.LatentWidget(atlas, start=(-1.5, 0.1), end=(1.5, 0.1), theme="light", renderer="cpu")
w
"""


@pytest.fixture(scope="module")
def keeping(browser: Browser, bundle: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A JupyterLab that is told to keep what widgets hold: Settings, Save Widget State Automatically."""
    home, folder = tmp_path_factory.mktemp("keeping"), tmp_path_factory.mktemp("kept")
    settings = home / "settings" / "@jupyter-widgets" / "jupyterlab-manager"
    settings.mkdir(parents=True)
    (settings / "plugin.jupyterlab-settings").write_text(json.dumps({"saveState": True}))
    nbformat.write(new_notebook(cells=[new_code_cell(MAKE)], metadata=KERNEL), folder / "map.ipynb")
    with served(folder, home) as address:
        yield address, folder


def test_a_saved_notebook_shows_its_last_picture(browser: Browser, keeping: tuple[str, Path]) -> None:
    address, folder = keeping
    with opened(browser, address) as notebook:
        notebook.open("map.ipynb")
        notebook.run_all()
        notebook.ask("(setattr(w, 'stretch', 1.0), setattr(w, 'end', [1.0, 1.5]))")
        expect(notebook.hook("handle-end")).to_have_attribute("aria-valuetext", "x 1.00, y 1.50")
        settle(notebook.page)
        last, line = raster(notebook.page), notebook.hook("path-geodesic").get_attribute("d")
        notebook.page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
        notebook.page.wait_for_timeout(500)
        notebook.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    saved = nbformat.read(folder / "map.ipynb", as_version=4)
    assert saved.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    # and where no widget can live at all, a still stands in the output
    assert "image/png" in saved.cells[0].outputs[0].data
    with opened(browser, address) as notebook:
        notebook.open("map.ipynb")
        expect(notebook.hook("map")).to_be_visible()
        settle(notebook.page)
        np.testing.assert_array_equal(raster(notebook.page), last)
        assert notebook.hook("path-geodesic").get_attribute("d") == line
        notebook.hook("handle-end").press("ArrowLeft")
        expect(notebook.hook("path-geodesic")).not_to_have_attribute("d", str(line))
        assert notebook.complaints == []
