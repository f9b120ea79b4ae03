"""What one can choose in the widget: the names of its traits, and what they may hold."""

SHOWN = {
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
SPACED = {"geodesic": "measure", "straight": "latent", "slerp": "parameter", "stretched": "parameter"}
"""How each path is sampled by itself: the geodesic in equal steps of the measure, slerp by its parameter, evenly in the
angle between equal norms, the other two in equal steps on the map where they are straight."""
SPACINGS = ("own", "latent", "measure")
THEMES = ("auto", "light", "dark")
COLOUR_BY = ("density", "label", "area_error", "standard_error")
RENDERERS = ("auto", "cpu", "webgl")
PUBLIC = (
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
WIRED = ("_lattice", "_fields", "_points", "_sprites", "_cartogram", "_status")
"""The traits that an exported page holds: the choices, and what is drawn."""
