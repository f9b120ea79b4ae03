"""Exported pages opened as files: the quickest way to see the front end in a browser, since it needs no kernel."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

import latent_widget as lw


@contextmanager
def shown(
    browser: Browser, widget: lw.LatentWidget, folder: Path, size: tuple[int, int] = (1000, 1000), **options: Any
) -> Iterator[tuple[Page, list[str]]]:
    """The page of a widget, and a list of all that went wrong or out on it."""
    widget.to_html(folder / "map.html")
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, **options)
    page = context.new_page()
    noticed: list[str] = []
    page.on("pageerror", lambda error: noticed.append(str(error)))
    page.on("console", lambda said: noticed.append(said.text) if said.type in ("error", "warning") else None)
    page.on("request", lambda request: noticed.append(request.url) if request.url.startswith(("http", "ws")) else None)
    page.on("dialog", lambda dialog: (noticed.append(dialog.message), dialog.dismiss()))
    try:
        page.goto((folder / "map.html").as_uri())
        page.wait_for_selector("[data-lw='handle-start'][transform]")
        settle(page)
        yield page, noticed
    finally:
        context.close()


def settle(page: Page) -> None:
    """Wait until what moves has come to rest: frames are drawn, and the last one in full."""
    page.wait_for_timeout(150)
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
