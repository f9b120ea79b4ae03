"""Answers to the browser's requests: exact pictures along paths, and figures.

Every request carries an `id`, which its answer repeats, an error too. docs/architecture.md lists all messages.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np

from latent_widget._arrays import as_points
from latent_widget._atlas import Atlas
from latent_widget.display.options import DPIS, FORMATS, WIDTHS
from latent_widget.display.samples import draw_samples

FROM_BROWSER = ("decode", "figure", "cancel", "survey", "audit")
"""Types of the messages that the browser sends: two requests, which are answered, and three orders."""
FROM_KERNEL = ("decoded", "figure", "error")
"""Types of the answers."""
MOST_PIXELS = 14_000
"""More pixels than these along the width of a figure would fill the memory before they filled a page."""
Reply = tuple[dict[str, Any], list[bytes]]
"""The content of a message, and its buffers."""
WriteFigure = Callable[[BinaryIO, str, float, float], None]
"""Writes a figure to a file, given its format, width in inches, and pixels per inch."""


def read_type(content: Any) -> str | None:
    """Return the type of a message `{type, ...}`; None of what is none, or of a type that nobody knows."""
    kind = content.get("type") if isinstance(content, dict) else None
    return kind if kind in FROM_BROWSER else None


def answer_request(content: Any, atlas: Atlas | None, write_figure: WriteFigure) -> Reply | None:
    """Return the answer to a request; None for a message that is none, and to which nobody waits for an answer.

    Parameters
    ----------
    content : Any
        The message: `{type: "decode", id, paths: [{kind, points}]}` or `{type: "figure", id, format, width, dpi}`.
    atlas : Atlas, optional
        What is shown; None before it is surveyed.
    write_figure : callable
        Writes what is shown to a binary file, as `LatentWidget.save` does.

    Returns
    -------
    (dict, list of bytes) or None
        `{type: "decoded", id, size: [ph, pw], counts}` with the pictures of all paths one behind the other,
        `{type: "figure", id}` with the file, or `{type: "error", id, message}`.

    """
    kind = read_type(content)
    if kind not in ("decode", "figure"):
        return None
    try:
        if atlas is None:
            raise ValueError("the survey is not done; there is no map yet")
        return _decode_paths(content, atlas) if kind == "decode" else _draw_figure(content, write_figure)
    except Exception as error:  # whatever the model raises belongs on screen, not in a log
        message = str(error) or type(error).__name__
        return {"type": "error", "id": content.get("id"), "message": message}, []


def _decode_paths(request: Mapping[str, Any], atlas: Atlas) -> Reply:
    paths = [as_points(path["points"], path["kind"]) for path in request["paths"]]
    pictures = draw_samples(atlas, np.concatenate(paths))
    if pictures is None:
        raise ValueError("no decoder: the film strips show the nearest pictures of the map")
    counts, size = [len(path) for path in paths], list(pictures.shape[1:3])
    return {"type": "decoded", "id": request.get("id"), "size": size, "counts": counts}, [pictures.tobytes()]


def _draw_figure(request: Mapping[str, Any], write_figure: WriteFigure) -> Reply:
    file = BytesIO()
    with warnings.catch_warnings():
        # a line that does not exist between these ends is missed on screen too, where the reason is given
        warnings.simplefilter("ignore", UserWarning)
        write_figure(file, *_read_print(request))
    return {"type": "figure", "id": request.get("id")}, [file.getvalue()]


def _read_print(request: Mapping[str, Any]) -> tuple[str, float, float]:
    """Return format, width in inches and pixels per inch of a figure; raises `ValueError` where they make no sense."""
    file_format = request.get("format")
    if file_format not in FORMATS:
        *most, last = map(repr, FORMATS)
        raise ValueError(f"format must be {', '.join(most)} or {last}, got {file_format!r}")
    sizes = []
    for name, (low, high), unit in (("width", WIDTHS, "inches"), ("dpi", DPIS, "pixels per inch")):
        value = request.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise ValueError(f"{name} must be a number from {low:g} to {high:g}, got {value!r}; it counts {unit}")
        sizes.append(float(value))
    width, dpi = sizes
    if width * dpi > MOST_PIXELS:
        raise ValueError(f"width={width:g} times dpi={dpi:g} must be at most {MOST_PIXELS}; lower one of them")
    return file_format, width, dpi
