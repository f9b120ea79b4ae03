"""Find a Chromium or Chrome on this machine, and start it for tests."""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

VARIABLE = "LATENT_WIDGET_BROWSER"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
HOW_TO_GET_ONE = (
    "no Chromium or Chrome found: install one (Debian, Ubuntu: apt-get install chromium; "
    f"any system: python -m playwright install chromium) or set {VARIABLE}=/path/to/it"
)


def usual_places(platform: str = sys.platform, environment: Mapping[str, str] = os.environ) -> Iterator[Path]:
    """Where installers put a browser without putting it on PATH."""
    if platform == "darwin":
        for home in (Path("/Applications"), Path.home() / "Applications"):
            for name in ("Google Chrome", "Chromium", "Microsoft Edge"):
                yield home / f"{name}.app" / "Contents" / "MacOS" / name
    elif platform == "win32":
        for variable in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"):
            if variable in environment:
                for inside in ("Google/Chrome/Application/chrome.exe", "Chromium/Application/chrome.exe"):
                    yield Path(environment[variable]) / inside


@cache
def find_browser() -> str | None:
    """The browser named by the environment, on PATH, in the usual places, or fetched by Playwright."""
    named = os.environ.get(VARIABLE)
    if named:
        if not Path(named).is_file():
            raise FileNotFoundError(f"{VARIABLE}={named} is not a file; name the browser's executable, or unset it")
        return named
    for name in NAMES:
        if found := shutil.which(name):
            return found
    return next((str(place) for place in (*usual_places(), _place_of_playwright()) if place.is_file()), None)


def _place_of_playwright() -> Path:
    with sync_playwright() as playwright:
        return Path(playwright.chromium.executable_path)


@contextmanager
def launched(executable: str) -> Iterator[Browser]:
    """A headless browser, closed at the end."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, headless=True, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()
