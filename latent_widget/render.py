"""From decoded samples to thumbnails: images, curves, drawings and text as RGBA pixels."""

import io
import math
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Pixels = NDArray[np.uint8]
Levels = tuple[float, float]

SVG = re.compile(r"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*|<!DOCTYPE[^>]*>\s*)*<svg[\s>]", re.DOTALL)
"""How texts begin that are drawings."""
LARGEST = 64
"""Longest side of a thumbnail in pixels; larger pictures are reduced to it."""
WRITTEN = 96
"""The same of drawings and texts, which would not be legible in less."""
CURVE = (32, 48)
"""Height and width of the drawing of a curve, in a thumbnail of 64 pixels."""
BARS = 8
"""So many values or fewer are drawn as bars."""
COLUMN, LINES, POINTS = 13, 4, 14
"""Letters in a line of text, lines, and the size of the letters in pixels."""
INK = (0, 0, 0, 255)
"""Black on white, which the widget redraws in the ink of its theme."""


@dataclass(frozen=True, eq=False)
class Thumbnails:
    """Decoded samples as pictures: `images (h, w, ph, pw, 4)` uint8 RGBA at the centres of an h × w lattice.

    `levels` are the sample values drawn as black and white, kept so that later samples are drawn alike. `blend` tells
    whether neighbours may be blended into a preview of what lies between them; texts and drawings may not.
    """

    images: Pixels
    levels: Levels
    blend: bool = True


def levels_of(samples: NDArray[Any]) -> Levels:
    """Choose which values are drawn black and white: (0, 1), (-1, 1) or (0, 255) where they fit, else the range."""
    low, high = float(samples.min()), float(samples.max())
    slack = 0.05
    for black, white in ((0.0, 1.0), (-1.0, 1.0)):
        if low >= black - slack and high <= white + slack:
            return black, white
    if low >= 0 and 2 < high <= 255:
        return 0.0, 255.0
    return low, high if high > low else low + 1.0


def drawn(
    samples: NDArray[Any], levels: Levels, render: Callable[[Any], Any] | None = None, largest: int = LARGEST
) -> Pixels:
    """Draw samples `(n, ...)` as thumbnails of one size, `(n, ph, pw, 4)` uint8 RGBA, at most `largest` pixels long.

    Without `render`, `(h, w)`, `(1 | 3 | 4, h, w)` and `(h, w, 1 | 3 | 4)` are images, `(k,)`, `(1, k)` and `(k, 1)`
    curves, of which long ones show their envelope, and `(c, k)` with k >= 64 c and c <= 4 several curves. With it,
    `render(sample)` returns such an array, a PIL image, SVG text or any other text. Raises `ValueError` for anything
    else, and `ImportError` where SVG is to be drawn and resvg-py is missing.
    """
    shown = [sample if render is None else render(sample) for sample in samples]
    largest = max(largest, WRITTEN) if any(isinstance(one, str) for one in shown) else largest
    pictures = [_picture(one, levels, largest) for one in shown]
    width, height = (max(p.size[axis] for p in pictures) for axis in (0, 1))
    scale = min(1.0, largest / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    sheets = []
    for picture in pictures:
        fitted = picture
        if picture.size != (width, height):
            # pictures of several sizes (texts) share one frame, centred on the colour of their corners
            fitted = Image.new("RGBA", (width, height), picture.getpixel((0, 0)))
            fitted.paste(picture, ((width - picture.size[0]) // 2, (height - picture.size[1]) // 2))
        sheets.append(np.asarray(fitted if scale == 1 else fitted.resize(size, Image.Resampling.BOX)))
    return np.stack(sheets)


def _picture(shown: Any, levels: Levels, largest: int) -> Image.Image:
    if isinstance(shown, Image.Image):
        return shown.convert("RGBA")
    if isinstance(shown, str):
        return _drawing(shown, largest) if SVG.match(shown) else _text(shown)
    values = np.asarray(shown, dtype=np.float64)
    if values.ndim == 3 and values.shape[0] in (1, 3, 4) and values.shape[-1] not in (1, 3, 4):
        values = np.moveaxis(values, 0, -1)
    if values.ndim == 3 and values.shape[-1] == 1:
        values = values[..., 0]
    if values.ndim == 2 and 1 in values.shape and values.size > 1:
        values = values.ravel()
    if values.ndim == 2 and values.shape[0] <= 4 and values.shape[1] >= 64 * values.shape[0]:
        lanes = [_curve(lane, levels, largest) for lane in values]
        page = Image.new("RGBA", (lanes[0].width, sum(lane.height for lane in lanes)))
        for k, lane in enumerate(lanes):
            page.paste(lane, (0, k * lane.height))
        return page
    if values.ndim == 2 or (values.ndim == 3 and values.shape[-1] in (3, 4)):
        unit = np.clip((values - levels[0]) / (levels[1] - levels[0]), 0, 1)
        return Image.fromarray(np.uint8(np.rint(255 * unit))).convert("RGBA")
    if values.ndim <= 1 and values.size:
        return _curve(np.atleast_1d(values), levels, largest)
    raise ValueError(
        f"a decoded sample of shape {values.shape} is no image (h, w), (c, h, w), (h, w, c) and no curve (k,); "
        "give Decoder(render=...), a function from a sample to an array, a PIL image or a string"
    )


def _curve(values: NDArray[np.float64], levels: Levels, largest: int) -> Image.Image:
    height, width = (round(side * largest / LARGEST) for side in CURVE)
    # drawn at four times the size, because Pillow draws lines without smoothing
    big = Image.new("RGBA", (4 * width, 4 * height), (255, 255, 255, 255))
    y = 4 * height * (0.92 - 0.84 * np.clip((values - levels[0]) / (levels[1] - levels[0]), 0, 1))
    pen = ImageDraw.Draw(big)
    if values.size <= BARS:
        room = 4 * width / values.size
        for k, top in enumerate(y):
            pen.rectangle((k * room + 0.15 * room, top, (k + 1) * room - 0.15 * room, 4 * height * 0.92), fill=INK)
    elif values.size <= 4 * width:
        x = np.linspace(4, 4 * width - 4, values.size)
        pen.line(list(zip(x.tolist(), y.tolist(), strict=True)), fill=INK, width=5, joint="curve")
    else:
        # more values than there are columns: from the lowest to the highest of those that fall into each, and on to
        # the next, so that the line never breaks
        edges = np.linspace(0, values.size, 4 * width - 7).astype(int)
        for column, (first, last) in enumerate(pairwise(edges), 4):
            part = y[first : last + 1]
            pen.line((column, part.min() - 2, column, part.max() + 2), fill=INK)
    return big.resize((width, height), Image.Resampling.BOX)


def _text(text: str) -> Image.Image:
    font, lines = _font(), _lines(text)
    pen = ImageDraw.Draw(Image.new("RGBA", (1, 1)))
    wide = max(1, *(math.ceil(pen.textlength(line, font=font)) for line in lines))
    tall = POINTS + 4
    page = Image.new("RGBA", (wide + 8, tall * len(lines) + 6), (255, 255, 255, 255))
    pen = ImageDraw.Draw(page)
    for k, line in enumerate(lines):
        pen.text((page.width / 2, 3 + (k + 0.5) * tall), line, font=font, fill=INK, anchor="mm")
    return page


def _lines(text: str) -> list[str]:
    """Break a text into at most LINES lines of at most COLUMN letters, between words where that can be; an ellipsis
    tells that some is left out.
    """
    clean = "".join(c if c.isprintable() or c == "\n" else " " for c in text[: 4 * COLUMN * LINES])
    lines = [line for part in clean.split("\n") for line in textwrap.wrap(part, COLUMN)] or [""]
    if len(lines) > LINES or len(text) > 4 * COLUMN * LINES:
        lines = lines[:LINES]
        lines[-1] = lines[-1][: COLUMN - 1] + "…"
    return lines


@cache
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """DejaVu Sans, which comes with Matplotlib and holds far more letters than Pillow's own font."""
    found = find_spec("matplotlib")
    for folder in found.submodule_search_locations or [] if found else []:
        path = Path(folder) / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
        if path.is_file():
            return ImageFont.truetype(str(path), POINTS)
    return ImageFont.load_default(POINTS)


def _drawing(text: str, largest: int) -> Image.Image:
    """Rasterise SVG: by resvg, which runs no scripts and fetches nothing."""
    try:
        import resvg_py
    except ImportError as error:
        raise ImportError(
            "render returned SVG, and resvg-py, which draws it, is not installed: pip install 'latent-widget[svg]'"
        ) from error
    try:
        png = resvg_py.svg_to_bytes(svg_string=text, background="white")
        drawing = Image.open(io.BytesIO(bytes(png))).convert("RGBA")
    except Exception as error:
        raise ValueError(f"render returned SVG that cannot be drawn: {error}; it begins {text[:60]!r}") from error
    scale = largest / max(drawing.size)
    if scale < 1:
        drawing = drawing.resize([max(1, round(scale * side)) for side in drawing.size], Image.Resampling.BOX)
    return drawing
