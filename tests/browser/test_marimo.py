"""The widget in marimo: it draws inside a shadow root, and a drag reaches the kernel."""

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import PATIENCE, isolated
from playwright.sync_api import Browser, expect

APP = """
import marimo

app = marimo.App()


@app.cell
def _():
    import marimo as mo
    import numpy as np
    import latent_widget as lw

    lattice = lw.Lattice((0, 2, 0, 1), (24, 48))
    field = lw.Field.from_density(lattice, 1 + lattice.cells[..., 0])
    w = lw.LatentWidget(lw.Atlas(lattice, {"slope": field}), start=(0.5, 0.5), end=(1.5, 0.5))
    view = mo.ui.anywidget(w)
    view
    return mo, view


@app.cell
def _(mo, view):
    mo.md("the walk ends at x = " + format(view.value["end"][0], ".2f"))
    return


if __name__ == "__main__":
    app.run()
"""


@pytest.fixture(scope="module")
def marimo(bundle: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a marimo that runs the app above."""
    home = tmp_path_factory.mktemp("marimo")
    app = home / "app.py"
    app.write_text(APP)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "marimo", "-q", "run", str(app), "--headless", "--no-token", "--port", str(port)]
    log = home / "server.log"
    root = str(Path(__file__).parents[2])
    with log.open("wb") as out:
        environment = {**isolated(home), "PYTHONPATH": root, "MARIMO_SKIP_UPDATE_CHECK": "1"}
        server = subprocess.Popen(command, cwd=home, env=environment, stdout=out, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                opener.open(f"{address}/health", timeout=5).close()
                break
            except (urllib.error.URLError, OSError):
                if server.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"marimo did not answer:\n{log.read_text(errors='replace')[-3000:]}") from None
                time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()


def test_a_drag_reaches_the_kernel(browser: Browser, marimo: str) -> None:
    page = browser.new_page(viewport={"width": 1200, "height": 1200})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    try:
        page.goto(marimo)
        page.wait_for_selector("[data-lw='path-geodesic'][d^=M]", state="attached", timeout=1000 * PATIENCE)
        expect(page.get_by_text("the walk ends at x = 1.50")).to_be_visible()
        assert page.evaluate("() => document.querySelector(\"[data-lw='map']\") === null"), "no shadow root any more"
        box = page.locator("[data-lw='handle-end']").bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x - 90, y - 20, steps=3)
        page.mouse.up()
        expect(page.get_by_text("the walk ends at x = 1.50")).to_have_count(0)
        ends = float((page.get_by_text("the walk ends at x =").text_content() or "").split("=")[1])
        assert 0.3 < ends < 1.4
        # the style came along into the shadow root
        assert page.locator(".lw-layout").evaluate("(e) => getComputedStyle(e).display") in ("flex", "grid")
        assert errors == []
    finally:
        page.close()
