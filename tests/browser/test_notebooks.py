"""Every demo notebook runs from top to bottom in a real JupyterLab, and is committed without what it printed."""

from pathlib import Path

import nbformat
import pytest
from lab import copied, opened
from playwright.sync_api import Browser, expect

NOTEBOOKS = sorted((Path(__file__).parents[2] / "demo_notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_committed_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


# the first is run, and used, by test_demo
@pytest.mark.parametrize("path", NOTEBOOKS[1:], ids=lambda path: path.stem)
def test_notebooks_run_without_complaints(path: Path, browser: Browser, address: str, folder: Path) -> None:
    name = copied(path, folder)
    with opened(browser, address) as notebook:
        notebook.open(name)
        notebook.run_all()
        expect(notebook.hook("map")).to_be_visible()
        assert notebook.complaints == []
