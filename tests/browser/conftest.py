"""A browser and a JupyterLab for the tests in this folder; skipped without a browser, failed then in CI."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import HOW_TO_GET_ONE, find_browser, launched
from lab import Notebook, copied, opened, served
from playwright.sync_api import Browser

DEMO = Path(__file__).parents[2] / "demo_notebooks" / "01_digits.ipynb"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "browser" in fixtures:
            item.add_marker(pytest.mark.browser)
        elif "site" in fixtures:
            item.add_marker(pytest.mark.slow)


def pytest_runtest_setup(item: pytest.Item) -> None:
    # here and not in the fixture, since skips from one line of code are reported in one line
    if item.get_closest_marker("browser") and find_browser() is None:
        if os.environ.get("CI", "").lower() in ("1", "true", "yes"):
            pytest.fail(HOW_TO_GET_ONE, pytrace=False)
        pytest.skip(HOW_TO_GET_ONE)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = find_browser()
    assert executable is not None
    with launched(executable) as browser:
        yield browser


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that JupyterLab serves."""
    return tmp_path_factory.mktemp("notebooks")


@pytest.fixture(scope="session")
def address(browser: Browser, bundle: None, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running JupyterLab; `bundle` makes sure that it shows the front end as it now stands in js/."""
    with served(folder, tmp_path_factory.mktemp("jupyter")) as address:
        yield address


@pytest.fixture(scope="module")
def demo(browser: Browser, address: str, folder: Path) -> Iterator[Notebook]:
    """The demo notebook, run from top to bottom."""
    name = copied(DEMO, folder)
    with opened(browser, address) as notebook:
        notebook.open(name)
        notebook.run_all()
        yield notebook
