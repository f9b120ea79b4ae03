"""Colours, dashes and scales of maps, read from palette.json, which the front end reads too: its light theme.

Labels have Okabe and Ito's colours (2008), reordered, and two more.
"""

import json
from importlib.resources import files
from typing import Any

PALETTE: dict[str, Any] = json.loads(files("latent_widget.figures").joinpath("palette.json").read_text("utf-8"))
LIGHT: dict[str, Any] = PALETTE["light"]
RAMP: tuple[str, ...] = tuple(LIGHT["ramp"])
"""From the lowest to the highest value; the first is the colour of the paper under labels."""
DIVERGING: tuple[str, ...] = tuple(LIGHT["diverging"])
"""From too small over true to too large."""
LABELS: tuple[str, ...] = tuple(LIGHT["labels"])
PATHS: dict[str, str] = {kind: LIGHT[kind] for kind in PALETTE["dashes"]}
"""One colour a kind of line."""
DASHES: dict[str, str] = {kind: dash["matplotlib"] for kind, dash in PALETTE["dashes"].items()}
"""One dash a kind of line, in Matplotlib's words."""
PAPER: str = LIGHT["paper"]
"""Beside the map."""
INK: str = LIGHT["ink"]
"""Of points, contours and letters."""
GRID: str = LIGHT["lattice"]
CELL: str = LIGHT["cell"]
"""Behind a drawing in a film strip."""
LOG_ABOVE: float = PALETTE["density"]["log_above"]
"""Scales are logarithmic where the highest value is more than so many times the lowest."""
CONSTANT_PLACE: float = PALETTE["density"]["constant_place"]
"""Where on the ramp, from 0 to 1, a constant density lies."""
OCTAVES: float = PALETTE["area_error_octaves"]
"""How far the colours of area errors reach, on either side."""
SIDES: int = PALETTE["indicatrix"]["sides"]
"""Corners of the polygon that stands for an ellipse."""
REACH: float = PALETTE["indicatrix"]["reach"]
"""Radius of an ellipse as a part of the distance to the next, on the cartogram."""


def parse_hex(colour: str) -> tuple[int, int, int]:
    """Return red, green and blue, 0 to 255, of a colour like "#1f2933"."""
    red, green, blue = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
    return red, green, blue
