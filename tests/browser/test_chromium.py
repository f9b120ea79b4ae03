"""Where a browser is looked for. These tests need none."""

from pathlib import Path

import chromium
import pytest


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any browser; returns the one folder on its PATH."""
    monkeypatch.delenv(chromium.VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(chromium, "usual_places", lambda: [tmp_path / "Applications" / "browser"])
    monkeypatch.setattr(chromium, "_place_of_playwright", lambda: tmp_path / "cache" / "chrome")
    return tmp_path


def put(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o755)
    return str(path)


find = chromium.find_browser.__wrapped__


def test_a_bare_machine_has_none(bare: Path) -> None:
    assert find() is None


def test_order(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each place comes before those that were filled earlier."""
    for place in (bare / "cache" / "chrome", bare / "Applications" / "browser", bare / "google-chrome"):
        put(place)
        assert find() == str(place)
    put(bare / "chromium")
    assert find() == str(bare / "chromium")
    monkeypatch.setenv(chromium.VARIABLE, put(bare / "own"))
    assert find() == str(bare / "own")


def test_a_browser_named_wrongly_is_an_error(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(bare / "chromium")
    monkeypatch.setenv(chromium.VARIABLE, str(bare / "missing"))
    with pytest.raises(FileNotFoundError, match=chromium.VARIABLE):
        find()


def test_usual_places() -> None:
    on_mac = list(chromium.usual_places("darwin", {}))
    assert Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome") in on_mac
    on_windows = list(chromium.usual_places("win32", {"PROGRAMFILES": "C:/Programs"}))
    assert Path("C:/Programs/Google/Chrome/Application/chrome.exe") in on_windows
    assert list(chromium.usual_places("linux", {})) == []
