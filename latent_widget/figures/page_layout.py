"""The page of a saved figure: the map above its film strips, laid out and written by Matplotlib without a browser."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from latent_widget.figures.map import draw_map
from latent_widget.figures.page import choose_aspect
from latent_widget.figures.palette import CELL, PATHS, parse_hex
from latent_widget.figures.thumbnails import Pixels, convert_to_ink

if TYPE_CHECKING:
    from latent_widget._atlas import Atlas
    from latent_widget.geodesics import Geodesic


@dataclass(frozen=True, eq=False)
class FilmStrip:
    """What is decoded along a line: the pictures of its samples, `(n, ph, pw, 4)` uint8 RGBA."""

    line: Geodesic
    pictures: Pixels


def compose_page(atlas: Atlas, strips: Sequence[FilmStrip], width: float, **options: Any) -> Figure:
    """Lay out the map above one film strip a line.

    Parameters
    ----------
    atlas : Atlas
        What is drawn.
    strips : sequence of FilmStrip
        The strips below the map, from top to bottom.
    width : float
        Width of the page in inches; its height follows from the map's extent and the strips.
    **options
        Those of `latent_widget.figures.map.draw_map`.

    Returns
    -------
    matplotlib.figure.Figure
        A figure that pyplot does not know of.

    """
    map_height = width * 0.8 * choose_aspect(atlas.lattice.extent)
    strip_heights = [0.35 + 0.9 * width / len(strip.pictures) for strip in strips]
    figure = Figure(figsize=(width, map_height + sum(strip_heights)), layout="constrained")
    ratios = [map_height, *strip_heights]
    axes = figure.subplots(len(ratios), 1, squeeze=False, height_ratios=ratios)[:, 0]
    draw_map(atlas, ax=axes[0], **options)
    for ax, strip in zip(axes[1:], strips, strict=True):
        draw_film_strip(ax, strip)
    return figure


def draw_film_strip(ax: Axes, strip: FilmStrip) -> None:
    """Draw the pictures in a row, under the kind and the length of their line in its colour."""
    n, height, width = strip.pictures.shape[:3]
    gap = max(1, width // 12)
    film = np.zeros((height, n * width + (n - 1) * gap, 4), dtype=np.uint8)
    pictures = convert_to_ink(strip.pictures)
    if pictures is not strip.pictures:
        # ink lies on cells of their own, so that an empty one is seen too
        part = pictures[..., 3:] / 255
        mixed = part * pictures[..., :3] + (1 - part) * parse_hex(CELL)
        pictures = np.concatenate([mixed.astype(np.uint8), np.full_like(pictures[..., 3:], 255)], axis=-1)
    for k, picture in enumerate(pictures):
        film[:, k * (width + gap) : k * (width + gap) + width] = picture
    line = strip.line
    ax.imshow(film, interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    ax.set_title(f"{line.kind}, length {line.length:.4g}", loc="left", fontsize="small", color=PATHS[line.kind])
    for spine in ax.spines.values():
        spine.set_visible(False)


def write_page(figure: Figure, target: str | os.PathLike[str] | BinaryIO, file_format: str, dpi: float) -> None:
    """Write a page to a file: white, letters as outlines in SVG and embedded in PDF, the coloured map at `dpi`."""
    with rc_context({"svg.fonttype": "path", "pdf.fonttype": 42}):
        figure.savefig(target, format=file_format, dpi=dpi, facecolor="white")
