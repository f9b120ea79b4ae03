"""Files that a widget writes: figures by Matplotlib (SVG, PNG, PDF), and one HTML page with the front end in it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from latent_widget._atlas import Atlas
from latent_widget._field import Field
from latent_widget.display.offline_html import render_page
from latent_widget.display.options import OWN_SPACING
from latent_widget.display.samples import draw_samples, place_samples
from latent_widget.maps._map import Map

if TYPE_CHECKING:
    from latent_widget.geodesics import Geodesic

File = str | os.PathLike[str]


def check_suffix(path: File, suffixes: Sequence[str]) -> str:
    """Return the suffix of a path, without its dot; raises `ValueError` for another than these."""
    suffix = Path(path).suffix.lower().removeprefix(".")
    if suffix not in suffixes:
        *most, last = (f".{name}" for name in suffixes)
        raise ValueError(f"path must end in {', '.join(most)} or {last}, got {os.fspath(path)!r}")
    return suffix


def write_html(path: File, title: str, state: Mapping[str, Any]) -> None:
    """Write the page of a widget with these traits to `.html` or `.htm`."""
    check_suffix(path, ("html", "htm"))
    Path(path).write_text(render_page(state, title), encoding="utf-8")


def write_figure(
    file: File | BinaryIO,
    file_format: str,
    size: tuple[float, float],
    atlas: Atlas,
    field: Field,
    stretched_map: Map | None,
    lines: Sequence[Geodesic],
    choices: Mapping[str, Any],
) -> None:
    """Write the map with its lines above one film strip a line.

    Parameters
    ----------
    file : str, path or binary file
        Where to write.
    file_format : {"svg", "png", "pdf"}
        What to write.
    size : (float, float)
        Width of the page in inches, and pixels per inch.
    atlas, field, stretched_map : Atlas, Field, Map
        What is drawn; the map is None where the latent plane needs none.
    lines : sequence of Geodesic
        The lines that are shown; they have strips where the atlas holds its decoder.
    choices : mapping
        The widget's traits by name.

    """
    # only here, because Matplotlib is slow to import, and slower the first time after its installation
    from latent_widget.figures.page_layout import FilmStrip, compose_page, write_page

    places = [place_samples(line, choices["n_samples"], choices["spacing"]) for line in lines]
    pictures = [draw_samples(atlas, points) for points in places]
    strips = [FilmStrip(line, film) for line, film in zip(lines, pictures, strict=True) if film is not None]
    width, dpi = size
    page = compose_page(
        atlas,
        strips,
        width,
        field=field,
        stretched_map=stretched_map,
        paths=lines,
        **{name: choices[name] for name in ("stretch", "view", "colour_by", "weights")},
        **{name: shown for name, shown in choices["show"].items() if name not in OWN_SPACING},
    )
    write_page(page, file, file_format, dpi)
