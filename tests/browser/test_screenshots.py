"""What is painted, against stored pictures: the canvases only, since letters and lines differ between machines.

LATENT_WIDGET_REFERENCES=1 pytest tests/browser/test_screenshots.py   # paints the references anew: look at them
"""

import os
from pathlib import Path

import numpy as np
import pytest
from pages import settle, shown
from PIL import Image
from playwright.sync_api import Browser
from raster import raster

import latent_widget as lw
from latent_widget.figures.thumbnails import Thumbnails

REFERENCES = Path(__file__).parent / "references"
STATES = {
    "density_light": {"theme": "light"},
    "density_stretched_dark": {"theme": "dark", "stretch": 1.0},
    "area_error": {"theme": "light", "stretch": 0.5, "colour_by": "area_error"},
    "labels_zoomed": {"theme": "light", "stretch": 1.0, "colour_by": "label", "view": (-0.6, 0.9, -0.2, 1.3)},
    "points": {"theme": "light", "stretch": 0.5},
    "thumbnails": {"theme": "dark", "stretch": 0.5, "show": {"points": False, "thumbnails": True}},
}


def made() -> lw.Atlas:
    lattice = lw.Lattice((-2, 2, -2, 2), (32, 32))
    x, y = np.moveaxis(lattice.cells, -1, 0)
    density = 10 ** (np.sin(1.3 * x + 0.4) * np.cos(1.1 * y))
    points = np.random.default_rng(0).uniform(-2, 2, (150, 2))
    labels = (points[:, 0] > 0) + 2 * (points[:, 1] > 0.5)
    # a disc that grows along x and wanders along y
    at = (np.arange(16) + 0.5) / 16
    u, v, row, column = np.meshgrid(at, at, np.linspace(-1, 1, 12), np.linspace(-1, 1, 12), indexing="xy")
    ink = np.clip(6 * (0.3 + 0.5 * u - np.hypot(column, row - 0.6 * (v - 0.5))), 0, 1)
    images = np.repeat((255 * (1 - ink))[..., None], 4, axis=-1).astype(np.uint8)
    images[..., 3] = 255
    field = lw.Field.from_density(lattice, density)
    return lw.Atlas(lattice, {"hills": field}, points=points, labels=labels, thumbnails=Thumbnails(images, (0.0, 1.0)))


@pytest.mark.parametrize("name", STATES)
def test_the_canvases_are_as_stored(name: str, browser: Browser, bundle: None, tmp_path: Path) -> None:
    widget = lw.LatentWidget(made(), renderer="cpu", **STATES[name])
    with shown(browser, widget, tmp_path, size=(330, 800)) as (page, noticed):
        settle(page)
        painted = raster(page, ".lw-layers" if name in ("points", "thumbnails") else ".lw-raster")
        assert noticed == []
    stored = REFERENCES / f"{name}.png"
    if os.environ.get("LATENT_WIDGET_REFERENCES"):
        stored.parent.mkdir(exist_ok=True)
        Image.fromarray(painted).save(stored, optimize=True)
    with Image.open(stored) as image:
        expected = np.asarray(image.convert("RGBA")).astype(float)
    assert painted.shape == expected.shape
    # opacity counts too, and colours only where there is some
    difference = np.abs(painted - expected).max(axis=-1) * (np.maximum(painted, expected)[..., 3] > 0)
    assert (difference > 3).mean() < 0.002
    assert difference.mean() < 0.2
