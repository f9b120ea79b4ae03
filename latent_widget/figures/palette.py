"""Colours of maps, labels and paths, the same in figures and on the screen: the light theme of the front end."""

RAMP = ("#faf8f2", "#e3e9df", "#c3d6d3", "#9dbfc9", "#7aa3bd", "#5a83aa")
"""From the lowest to the highest value; the first is the colour of the paper under labels."""
DIVERGING = ("#8c510a", "#d0a65c", "#f4f1ea", "#7cb5ae", "#01665e")
"""From too small over true to too large."""
LABELS = (
    *("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7"),
    *("#56b4e9", "#8c6d1f", "#7a5195", "#f0e442", "#4d4d4d"),
)
"""Okabe and Ito's colours, reordered, and two more."""
PATHS = {"geodesic": "#c2410c", "straight": "#1d4ed8", "slerp": "#9d4b86", "stretched": "#052e16"}
INK = "#1f2933"
"""Of points, contours and letters."""
GRID = "#17284a"
CELL = "#f3f1ea"
"""Behind a drawing in a film strip."""


def parse_hex(colour: str) -> tuple[int, int, int]:
    """Return red, green and blue, 0 to 255, of a colour like "#1f2933"."""
    red, green, blue = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
    return red, green, blue
