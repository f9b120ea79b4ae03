"""Names, defaults and limits of the widget's synchronised traits: what one can choose, and what choices there are."""

from typing import Literal, get_args

from latent_widget.figures.colouring import ColourBy

Spacing = Literal["own", "latent", "measure"]
"""How lines are sampled: each in its own way, or all evenly by distance in the plane or in the measure."""
Theme = Literal["auto", "light", "dark"]
Renderer = Literal["auto", "cpu", "webgl"]

SHOW = {
    "points": True,
    "thumbnails": False,
    "grid": False,
    "contours": False,
    "ellipses": False,
    "straight": True,
    "geodesic": True,
    "slerp": False,
    "stretched": False,
}
"""What can be shown and hidden, layers of the map and lines, and what is shown at first."""
OWN_SPACING = {
    "geodesic": "measure",
    "straight": "latent",
    "slerp": "parameter",
    "stretched": "parameter",
}
"""How each line is sampled by itself: the geodesic in equal steps of the measure, slerp by its parameter, evenly in the
angle between equal norms, the other two in equal steps on the map where they are straight."""
SPACINGS: tuple[Spacing, ...] = get_args(Spacing)
THEMES: tuple[Theme, ...] = get_args(Theme)
COLOURS_BY: tuple[ColourBy, ...] = get_args(ColourBy)
RENDERERS: tuple[Renderer, ...] = get_args(Renderer)
PUBLIC_TRAITS = (
    "weights",
    "temper",
    "smoothing",
    "stretch",
    "start",
    "end",
    "n_samples",
    "spacing",
    "theme",
    "show",
    "colour_by",
    "highlight",
    "view",
    "renderer",
)
STATE_TRAITS = ("_lattice", "_fields", "_points", "_sprites", "_cartogram", "_status")
"""What the kernel tells the browser; an exported page holds both kinds."""
