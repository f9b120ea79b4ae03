"""Pixels of the map's raster, read from its canvas: no text, no lines, so the same on every machine."""

import base64
import io

import numpy as np
from PIL import Image
from playwright.sync_api import Page


def raster(page: Page, which: str = ".lw-raster") -> np.ndarray:
    """The canvas as drawn, (height, width, 4) bytes."""
    address = page.locator(which).first.evaluate("(canvas) => canvas.toDataURL('image/png')")
    with Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))) as image:
        return np.asarray(image.convert("RGBA"))
