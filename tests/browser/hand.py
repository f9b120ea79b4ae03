"""A user's hand and eye on the widget of a notebook: where things are on the page, and taking hold of them."""

import re
from collections.abc import Callable

import numpy as np
from lab import Notebook
from numpy.typing import ArrayLike

PIXEL = 1.5  # what a pointer may be off by: it moves in whole pixels


def rest(notebook: Notebook) -> None:
    """Wait until the page has drawn what was asked for so far."""
    notebook.page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(null))))"
    )


def settled(notebook: Notebook) -> None:
    """Wait until the geodesic is the one that marches from both ends give, and drawn."""
    notebook.page.wait_for_selector(".lw-root[data-settled='true']")
    rest(notebook)


def plot(notebook: Notebook) -> dict[str, float]:
    """The page's box of the coloured part of the map."""
    box = notebook.hook("map").locator("canvas").first.bounding_box()
    assert box is not None
    return dict(box)


def place(notebook: Notebook, points: ArrayLike) -> np.ndarray:
    """Where points (..., 2) of the extent lie on the page; on the stretched map give them transformed."""
    x0, x1, y0, y1 = notebook.ask("list(w.atlas.lattice.extent)")
    box, (x, y) = plot(notebook), np.moveaxis(np.asarray(points, dtype=float), -1, 0)
    return np.stack(
        [box["x"] + box["width"] * (x - x0) / (x1 - x0), box["y"] + box["height"] * (y1 - y) / (y1 - y0)], -1
    )


def grab(notebook: Notebook, end: str) -> tuple[float, float]:
    """Press the mouse on a handle; returns where its centre is."""
    box = notebook.hook(f"handle-{end}").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    notebook.page.mouse.move(x, y)
    notebook.page.mouse.down()
    return x, y


def line(notebook: Notebook, kind: str = "geodesic") -> np.ndarray:
    """The nodes of a drawn path on the page, (n, 2)."""
    path = notebook.hook(f"path-{kind}")
    a, d, e, f = path.evaluate("(path) => { const m = path.getScreenCTM(); return [m.a, m.d, m.e, m.f]; }")
    nodes = re.findall(r"[ML](-?[\d.]+)[ ,](-?[\d.]+)", path.get_attribute("d") or "")
    return np.array(nodes, dtype=float).reshape(-1, 2) * (a, d) + (e, f)


def picture(notebook: Notebook) -> str:
    """The map's raster, as the text of a PNG."""
    return notebook.hook("map").locator("canvas").first.evaluate("(canvas) => canvas.toDataURL()")


def changes(notebook: Notebook, read: Callable[[Notebook], str], before: str) -> None:
    """Wait until what is read from the page differs from `before`."""
    comes(notebook, lambda: read(notebook) != before, f"{read.__name__} stayed as it was")


def comes(notebook: Notebook, true: Callable[[], bool], otherwise: str) -> None:
    """Wait until something comes true on the page."""
    for _ in range(100):
        if true():
            return
        notebook.page.wait_for_timeout(50)
    raise AssertionError(otherwise)
