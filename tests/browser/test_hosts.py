"""The widget in Notebook 7 and in Voilà: it draws, and a drag reaches the kernel."""

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from lab import PATIENCE, isolated, opened, served
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, Page, expect

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
MAKE = """
import ipywidgets
import latent_widget as lw

lattice = lw.Lattice((0, 2, 0, 1), (24, 48))
field = lw.Field.from_density(lattice, 1 + lattice.cells[..., 0])
w = lw.LatentWidget(lw.Atlas(lattice, {"slope": field}), start=(0.5, 0.5), end=(1.5, 0.5))
told = ipywidgets.HTML("the walk ends at x = 1.50")
w.observe(lambda change: setattr(told, "value", f"the walk ends at x = {w.end[0]:.2f}"), "end")
ipywidgets.VBox([told, w])
"""


@pytest.fixture
def notebooks(tmp_path: Path) -> Path:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    nbformat.write(new_notebook(cells=[new_code_cell(MAKE)], metadata=KERNEL), folder / "host.ipynb")
    return folder


def drag_and_see(page: Page) -> None:
    """Drag the end to the left; the kernel tells where to."""
    page.wait_for_selector("[data-lw='path-geodesic'][d^=M]", state="attached", timeout=1000 * PATIENCE)
    told = page.locator(".widget-html-content").filter(has_text="the walk ends at x =")
    expect(told).to_have_text("the walk ends at x = 1.50")
    handle = page.locator("[data-lw='handle-end']")
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 90, y - 20, steps=3)
    page.mouse.up()
    expect(told).not_to_have_text("the walk ends at x = 1.50")
    assert 0.3 < float((told.text_content() or "").split("=")[1]) < 1.4


def test_notebook_7(browser: Browser, bundle: None, notebooks: Path, tmp_path: Path) -> None:
    with (
        served(notebooks, tmp_path / "jupyter", "notebook") as address,
        opened(browser, address, "notebook") as notebook,
    ):
        notebook.open("host.ipynb")
        notebook.run_all()
        drag_and_see(notebook.page)
        # Notebook has complaints of its own; the widget's code comes from a blob
        ours = [said for said in notebook.complaints if "blob:" in said or "leaves the machine" in said]
        assert ours == []


@pytest.fixture
def voila(bundle: None, notebooks: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a Voilà that shows the notebook."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = tmp_path / "voila"
    home.mkdir()
    command = [sys.executable, "-m", "voila", str(notebooks / "host.ipynb"), "--no-browser", f"--port={port}"]
    command += ["--Voila.ip=127.0.0.1"]
    log = home / "server.log"
    with log.open("wb") as out:
        environment = {**isolated(home), "PYTHONPATH": str(Path(__file__).parents[2])}
        server = subprocess.Popen(command, cwd=home, env=environment, stdout=out, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                opener.open(f"{address}/voila/static/", timeout=5).close()
                break
            except urllib.error.HTTPError:
                break  # it answers, if only to refuse the folder
            except (urllib.error.URLError, OSError):
                if server.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"Voilà did not answer:\n{log.read_text(errors='replace')[-3000:]}") from None
                time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(10)


def test_voila(browser: Browser, voila: str) -> None:
    page = browser.new_page(viewport={"width": 1200, "height": 1200})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    try:
        page.goto(voila, timeout=1000 * PATIENCE)
        drag_and_see(page)
        assert errors == []
    finally:
        page.close()
