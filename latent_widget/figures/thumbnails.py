"""Thumbnails of decoded samples by Pillow: images, curves, SVG drawings and texts as RGBA pixels.

`draw_thumbnails` goes through `_draw_sample`, which picks the way by the sample's type and shape.
"""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from latent_widget.figures.palette import INK, parse_hex

Pixels = NDArray[np.uint8]
Levels = tuple[float, float]

SVG = re.compile(r"\s*(<\?xml[^>]*>\s*)?(<!--(?:(?!-->).)*-->\s*|<!DOCTYPE[^>]*>\s*)*<svg[\s>]", re.DOTALL)
"""How texts begin that are drawings."""
LARGEST = 64
"""Longest side of a thumbnail in pixels; larger pictures are reduced to it."""
FINE = 96
"""The same of drawings, and of pictures in film strips."""
CURVE = (32, 48)
"""Height and width of the drawing of a curve, in a thumbnail of 64 pixels."""
BARS = 8
"""So many values or fewer are drawn as bars."""
PAGE = (64, 36)
"""Width and height of the page on which a text is drawn."""
LETTERS = ((15, 14, 13, 12), (11, 10, 9))
"""Sizes of letters: those of the first group on as few lines as possible, before those of the second."""
LONGEST = 60
"""More letters than these never fit."""
BLACK, WHITE = (0, 0, 0, 255), (255, 255, 255, 255)
"""Curves and texts are black on white, which the widget redraws in the ink of its theme."""


@dataclass(frozen=True, eq=False)
class Thumbnails:
    """Decoded samples as pictures, at the centres of an h × w lattice.

    Attributes
    ----------
    images : uint8 array (h, w, ph, pw, 4)
        One RGBA picture a cell.
    levels : (float, float)
        The sample values drawn as black and white, kept so that later samples are drawn alike.
    blend : bool
        Whether neighbours may be blended into a preview of what lies between them; texts and drawings may not.

    """

    images: Pixels
    levels: Levels
    blend: bool = True


def choose_levels(samples: NDArray[Any]) -> Levels:
    """Return the sample values to draw as black and white: (0, 1), (-1, 1) or (0, 255) where they fit, else the range.

    They are (0, 1) for objects, which are rendered and have no values.
    """
    if samples.dtype == object:
        return 0.0, 1.0
    low, high = float(samples.min()), float(samples.max())
    slack = 0.05
    for black, white in ((0.0, 1.0), (-1.0, 1.0)):
        if low >= black - slack and high <= white + slack:
            return black, white
    if low >= 0 and 2 < high <= 255:
        return 0.0, 255.0
    return low, high if high > low else low + 1.0


def convert_to_ink(images: Pixels) -> Pixels:
    """Turn grey drawings on an empty background, uint8 RGBA `(..., 4)`, into ink on nothing; other pictures stay.

    Drawings are grey and opaque, with more than a third of their pixels nearly black, or nearly white. The widget does
    the same, with the ink of its theme.
    """
    flat = images.reshape(-1, 4).astype(np.int16)
    grey = (np.abs(flat[:, 0] - flat[:, 1]) <= 8) & (np.abs(flat[:, 1] - flat[:, 2]) <= 8) & (flat[:, 3] == 255)
    dark, bright = (flat[:, 0] < 26).mean(), (flat[:, 0] > 229).mean()
    if not grey.all() or max(dark, bright) <= 1 / 3:
        return images
    ink = np.empty_like(images)
    ink[..., :3] = parse_hex(INK)
    ink[..., 3] = images[..., 0] if dark > bright else 255 - images[..., 0]
    return ink


def draw_thumbnails(
    samples: NDArray[Any], levels: Levels, render: Callable[[Any], Any] | None = None, largest: int = LARGEST
) -> Pixels:
    """Draw samples as thumbnails of one size.

    Without `render`, `(h, w)`, `(1 | 3 | 4, h, w)` and `(h, w, 1 | 3 | 4)` are images, `(k,)`, `(1, k)` and `(k, 1)`
    curves, of which long ones show their envelope, and `(c, k)` with k >= 64 c and c <= 4 several curves.

    Parameters
    ----------
    samples : array (n, ...)
        What was decoded.
    levels : (float, float)
        The values to draw as black and white.
    render : callable, optional
        `render(sample)` returns an array as above, a PIL image, SVG text or any other text.
    largest : int
        Pixels along the longer side of a thumbnail, at most.

    Returns
    -------
    uint8 array (n, ph, pw, 4)
        RGBA pixels.

    Raises
    ------
    ValueError
        For a sample that is neither of these.
    ImportError
        Where SVG is to be drawn and resvg-py is missing.

    """
    shown = [sample if render is None else render(sample) for sample in samples]
    largest = max(largest, FINE) if any(isinstance(one, str) for one in shown) else largest
    pictures = [_draw_sample(one, levels, largest) for one in shown]
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


def _draw_sample(shown: Any, levels: Levels, largest: int) -> Image.Image:
    """Draw what is to be shown of one sample, by its type and shape."""
    if isinstance(shown, Image.Image):
        return shown.convert("RGBA")
    if isinstance(shown, str):
        return _rasterise_svg(shown, largest) if SVG.match(shown) else _draw_text(shown)
    values = np.asarray(shown, dtype=np.float64)
    if values.ndim == 3 and values.shape[0] in (1, 3, 4) and values.shape[-1] not in (1, 3, 4):
        values = np.moveaxis(values, 0, -1)
    if values.ndim == 3 and values.shape[-1] == 1:
        values = values[..., 0]
    if values.ndim == 2 and 1 in values.shape and values.size > 1:
        values = values.ravel()
    if values.ndim == 2 and values.shape[0] <= 4 and values.shape[1] >= 64 * values.shape[0]:
        curves = [_draw_curve(channel, levels, largest) for channel in values]
        page = Image.new("RGBA", (curves[0].width, sum(curve.height for curve in curves)))
        for k, curve in enumerate(curves):
            page.paste(curve, (0, k * curve.height))
        return page
    if values.ndim == 2 or (values.ndim == 3 and values.shape[-1] in (3, 4)):
        unit = np.clip((values - levels[0]) / (levels[1] - levels[0]), 0, 1)
        return Image.fromarray(np.uint8(np.rint(255 * unit))).convert("RGBA")
    if values.ndim <= 1 and values.size:
        return _draw_curve(np.atleast_1d(values), levels, largest)
    raise ValueError(
        f"a decoded sample of shape {values.shape} is no image (h, w), (c, h, w), (h, w, c) and no curve (k,); "
        "give Decoder(render=...), a function from a sample to an array, a PIL image or a string"
    )


def _draw_curve(values: NDArray[np.float64], levels: Levels, largest: int) -> Image.Image:
    """Draw few values as bars, more as a line, and more than there are columns as their envelope."""
    height, width = (round(side * largest / LARGEST) for side in CURVE)
    # drawn at four times the size, because Pillow draws lines without smoothing
    big = Image.new("RGBA", (4 * width, 4 * height), WHITE)
    y = 4 * height * (0.92 - 0.84 * np.clip((values - levels[0]) / (levels[1] - levels[0]), 0, 1))
    pen = ImageDraw.Draw(big)
    if values.size <= BARS:
        room = 4 * width / values.size
        for k, top in enumerate(y):
            pen.rectangle((k * room + 0.15 * room, top, (k + 1) * room - 0.15 * room, 4 * height * 0.92), fill=BLACK)
    elif values.size <= 4 * width:
        x = np.linspace(4, 4 * width - 4, values.size)
        pen.line(list(zip(x.tolist(), y.tolist(), strict=True)), fill=BLACK, width=5, joint="curve")
    else:
        # more values than there are columns: from the lowest to the highest of those that fall into each, and on to
        # the next, so that the line never breaks
        edges = np.linspace(0, values.size, 4 * width - 7).astype(int)
        for column, (first, last) in enumerate(pairwise(edges), 4):
            part = y[first : last + 1]
            pen.line((column, part.min() - 2, column, part.max() + 2), fill=BLACK)
    return big.resize((width, height), Image.Resampling.BOX)


def _draw_text(text: str) -> Image.Image:
    """Set a text on a page of one size, in the largest letters with which it fits, else with an ellipsis."""
    text = "".join(letter if letter.isprintable() else " " for letter in text[: 2 * LONGEST]).strip()
    text = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    width, height = PAGE
    page = Image.new("RGBA", (width, height), WHITE)
    pen = ImageDraw.Draw(page)
    for sizes in LETTERS:
        for lines, size in product(range(1, min(len(text), 4) + 1), sizes):
            style: Any = {"font": _load_font(size), "spacing": 1, "align": "center"}
            shown = "\n".join(_break_text(text, lines))
            left, top, right, bottom = pen.multiline_textbbox((0, 0), shown, **style)
            if right - left <= width - 4 and bottom - top <= height - 4:
                where = (round((width - right - left) / 2), round((height - bottom - top) / 2))
                pen.multiline_text(where, shown, fill=BLACK, **style)
                return page
    return page if not text else _draw_text(text[: len(text) * 2 // 3].rstrip("…") + "…")


def _break_text(text: str, lines: int) -> list[str]:
    """Break a text into about even lines, behind a space or a hyphen where one is near."""
    found, rest = [], text
    for left in range(lines, 1, -1):
        even = -(-len(rest) // left)
        breaks = [k + 1 for k, letter in enumerate(rest) if letter in " -" and abs(k + 1 - even) <= 3]
        at = min(breaks, key=lambda k: abs(k - even), default=even)
        found.append(rest[:at].rstrip(" "))
        rest = rest[at:]
    return [*found, rest]


@cache
def _load_font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """DejaVu Sans, which comes with Matplotlib and holds far more letters than Pillow's own font."""
    found = find_spec("matplotlib")
    for folder in found.submodule_search_locations or [] if found else []:
        path = Path(folder) / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
        if path.is_file():
            return ImageFont.truetype(str(path), size)
    return ImageFont.load_default(size)


def _rasterise_svg(text: str, largest: int) -> Image.Image:
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
