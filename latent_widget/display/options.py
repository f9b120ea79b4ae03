"""Names, defaults and limits of the widget's synchronised traits, from options.json, which the front end reads too.

What users type is spelt out as `Literal` for their editors; tests/test_protocol.py holds it equal to the file.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

from latent_widget.figures.colouring import ColourBy

if TYPE_CHECKING:
    from latent_widget.geodesics.path import PathKind
    from latent_widget.geodesics.path import Spacing as PathSpacing

Spacing = Literal["own", "latent", "measure"]
"""How lines are sampled: each in its own way, or all evenly by distance in the plane or in the measure."""
MapMethod = Literal["cartogram", "isometric", "distances"]
"""To which map the latent plane is stretched."""
Theme = Literal["auto", "light", "dark"]
Renderer = Literal["auto", "cpu", "webgl"]

OPTIONS: dict[str, Any] = json.loads(files("latent_widget.display").joinpath("options.json").read_text("utf-8"))
SHOW: dict[str, bool] = OPTIONS["shown"]
"""What can be shown and hidden, layers of the map and lines, and what is shown at first."""
OWN_SPACING: dict[PathKind, PathSpacing] = OPTIONS["spaced"]
"""How each line is sampled by itself: the geodesic in equal steps of the measure, slerp by its parameter, evenly in the
angle between equal norms, the other two in equal steps on the map where they are straight."""
SPACINGS: tuple[Spacing, ...] = tuple(OPTIONS["spacings"])
MAP_METHODS: tuple[MapMethod, ...] = tuple(OPTIONS["map_methods"])
THEMES: tuple[Theme, ...] = tuple(OPTIONS["themes"])
COLOURS_BY: tuple[ColourBy, ...] = tuple(OPTIONS["colour_by"])
RENDERERS: tuple[Renderer, ...] = tuple(OPTIONS["renderers"])
PUBLIC_TRAITS: tuple[str, ...] = tuple(OPTIONS["public"])
STATE_TRAITS: tuple[str, ...] = tuple(OPTIONS["wired"])
"""What the kernel tells the browser; an exported page holds both kinds."""


FORMATS = ("svg", "png", "pdf")
"""Of figures."""
WIDTHS: tuple[float, float] = tuple(OPTIONS["limits"]["figure_width"])
DPIS: tuple[float, float] = tuple(OPTIONS["limits"]["figure_dpi"])
"""Least and most inches, and pixels per inch, of a figure that the browser asks for."""


def limit(trait: str) -> dict[str, Any]:
    """Return the limits of a trait that is a number, as traitlets' `min` and `max`."""
    low, high = OPTIONS["limits"][trait]
    return {"min": low, "max": high}
