"""Draw the README's pictures: the digits notebook in a real JupyterLab, plain, half-way, stretched, dark, isometric.

python docs/screenshots.py     # into docs/images/; needs the extra "test" and a Chromium or Chrome
"""

import argparse
import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

import chromium  # noqa: E402
import lab  # noqa: E402

import hatch_build  # noqa: E402

NOTEBOOK = ROOT / "demo_notebooks" / "01_digits.ipynb"
PICTURES = {  # name: (map, stretch, JupyterLab's theme)
    "plain": ("cartogram", 0.0, "Light"),
    "halfway": ("cartogram", 0.5, "Light"),
    "stretched": ("cartogram", 1.0, "Light"),
    "dark": ("cartogram", 1.0, "Dark"),
    "isometric": ("isometric", 1.0, "Light"),
}
RATIO = 2
"""Pixels of a picture per pixel of the page."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images", help="folder (default: docs/images)")
    out = parser.parse_args().out
    browser = chromium.find_browser()
    if browser is None:
        sys.exit(chromium.HOW_TO_GET_ONE)
    if hatch_build.stale():
        hatch_build.build()
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        served, home = Path(scratch, "notebooks"), Path(scratch, "home")
        served.mkdir()
        home.mkdir()
        name = lab.copied(NOTEBOOK, served)
        with (
            lab.served(served, home) as address,
            chromium.launched(browser) as started,
            lab.opened(started, address, device_scale_factor=RATIO) as notebook,
        ):
            notebook.open(name)
            notebook.run(notebook.code_cells[0])
            for picture, (method, stretch, theme) in PICTURES.items():
                path = out / f"{picture}.png"
                path.write_bytes(small(photograph(notebook, method, stretch, theme)))
                print(f"{path} {path.stat().st_size / 1000:.0f} kB")


def photograph(notebook: lab.Notebook, method: str, stretch: float, theme: str) -> bytes:
    """PNG of the widget's element alone, once the page shows what was asked for and what the kernel decoded."""
    notebook.theme(theme)
    notebook.ask(f"(setattr(w, 'map_method', {method!r}), setattr(w, 'stretch', {stretch}))")
    notebook.wait_until(f"w._map['method'] == {method!r}", 60)
    page = notebook.page
    page.wait_for_selector(f".lw-root[data-theme='{theme.lower()}']")
    page.wait_for_function(
        "(wanted) => Number(document.querySelector(\"[data-lw='stretch']\").value) === wanted", arg=stretch
    )
    for kind in ("geodesic", "straight"):
        page.wait_for_selector(f"[data-lw='strip-{kind}']:not(.lw-preview)")
    # no handle shows that it has the focus, no reading under the pointer
    page.mouse.move(0, 0)
    page.evaluate("() => document.activeElement?.blur()")
    page.wait_for_timeout(1000)
    # on whole pixels, so that nothing of the page shows at the edges
    box = page.locator(".lw-root").first.evaluate(
        """(root) => {
            root.scrollIntoView();
            const { left, top, right, bottom } = root.getBoundingClientRect();
            const [x, y] = [Math.ceil(left), Math.ceil(top)];
            return { x, y, width: Math.floor(right) - x, height: Math.floor(bottom) - y };
        }"""
    )
    return page.screenshot(clip=box, animations="disabled")


def small(png: bytes) -> bytes:
    """The same picture in the 256 colours that suit it best, a third of the size."""
    with Image.open(io.BytesIO(png)) as image:
        few = image.convert("RGB").quantize(256, kmeans=8, dither=Image.Dither.NONE)
    out = io.BytesIO()
    few.save(out, "PNG", optimize=True)
    return out.getvalue()


if __name__ == "__main__":
    main()
