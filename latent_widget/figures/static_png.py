"""A small PNG of the map by Pillow, in some milliseconds, for notebooks that are only read.

The flat map is moved onto a cartogram piece by piece, by Pillow's quadrilateral transform of a mesh; the cells of a map
with a free boundary are drawn as polygons.
"""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from latent_widget._arrays import Floats
from latent_widget._field import Field
from latent_widget._lattice import Extent
from latent_widget.figures.page import fit_to_page, frame_corners
from latent_widget.figures.palette import CONSTANT_PLACE, INK, LOG_ABOVE, PAPER, RAMP, parse_hex
from latent_widget.maps._map import Map, fills_extent
from latent_widget.maps.isometry.outline import trace_outline

WIDTH = 562
"""Width of the picture in pixels."""
PIECES = 64
"""Pieces, along each side, in which a stretched map is moved."""
MOST_CELLS = 128
"""Most polygons along each side of a map with a free boundary, up to twice as many."""
MOST_POINTS = 5000
STEPS = 12
"""Fixed-point steps that invert a half-stretched map, with a residual below a pixel."""


def render_static_png(
    field: Field, stretched_map: Map | None = None, stretch: float = 0.0, points: Floats | None = None
) -> bytes:
    """Return the density of `field` as PNG, `stretch` of the way to a map, with encoded points `(n, 2)`.

    Cells are coloured by the density, logarithmically where it spans more than a decade, as on the screen. Raises
    `ValueError` where a stretched map is asked for and none is given.
    """
    page: Extent = field.lattice.extent
    x0, x1, y0, y1 = page
    height = round(WIDTH * min(max((y1 - y0) / (x1 - x0), 0.3), 1.6))
    flat = Image.fromarray(_colour_density(field.density)[::-1]).resize((WIDTH, height), Image.Resampling.BICUBIC)
    picture = flat
    inside = None if points is None else points[field.lattice.contains(points)]
    shown = None if inside is None else inside[:: max(1, len(inside) // MOST_POINTS)]
    if stretch > 0:
        if stretched_map is None:
            raise ValueError(f"stretch={stretch} needs the cartogram, or the other map, to which it is stretched")
        page_map = fit_to_page(stretched_map)
        if fills_extent(page_map.corners, page_map.extent):
            mesh = _make_mesh(page_map, stretch, (WIDTH, height), field)
            picture = flat.transform((WIDTH, height), Image.Transform.MESH, mesh)
        else:
            corners = (1 - stretch) * field.lattice.corners + stretch * page_map.corners
            page = frame_corners(corners, height / WIDTH)
            picture = _draw_cells(_colour_density(field.density), _to_pixels(corners, page, (WIDTH, height)), height)
        if shown is not None:
            shown = (1 - stretch) * shown + stretch * page_map.transform(shown)
    if shown is not None:
        pen = ImageDraw.Draw(picture)
        for x, y in _to_pixels(shown, page, (WIDTH, height)):
            pen.ellipse((x - 1.5, y - 1.5, x + 1.5, y + 1.5), fill=INK)
    file = io.BytesIO()
    picture.save(file, "png", optimize=True)
    return file.getvalue()


def _colour_density(density: Floats) -> NDArray[np.uint8]:
    """Return the colours of cells, `(H, W, 3)`."""
    low, high = float(density.min()), float(density.max())
    if high <= low * (1 + 1e-6):
        place = np.full(density.shape, CONSTANT_PLACE)
    elif high > LOG_ABOVE * low:
        place = np.log(density / low) / np.log(high / low)
    else:
        place = (density - low) / (high - low)
    stops = np.array([parse_hex(stop) for stop in RAMP])
    at = np.linspace(0, 1, len(RAMP))
    colours = np.stack([np.interp(place, at, stops[:, k]) for k in range(3)], -1)
    return np.asarray(colours.round(), dtype=np.uint8)


def _to_pixels(points: Floats, page: Extent, size: tuple[int, int]) -> Floats:
    """Return where points of the page, `(..., 2)`, lie on a picture of so many pixels, y down."""
    x0, x1, y0, y1 = page
    return (points - [x0, y1]) / [x1 - x0, y0 - y1] * size


def _draw_cells(colours: NDArray[np.uint8], corners: Floats, height: int) -> Image.Image:
    """Draw cells `(H, W, 3)` between corners `(H + 1, W + 1, 2)` in pixels, several as one where they are many."""
    picture = Image.new("RGB", (WIDTH, height), PAPER)
    pen = ImageDraw.Draw(picture)
    rows, columns = colours.shape[:2]
    up, right = max(1, rows // MOST_CELLS), max(1, columns // MOST_CELLS)
    for i in range(0, rows, up):
        for j in range(0, columns, right):
            k, m = min(i + up, rows), min(j + right, columns)
            ring = corners[[i, i, k, k], [j, m, m, j]].ravel().tolist()
            pen.polygon(ring, fill=tuple(int(c) for c in colours[i:k, j:m].reshape(-1, 3).mean(axis=0)))
    outline = trace_outline(corners)
    pen.line([*map(tuple, outline.tolist()), tuple(outline[0].tolist())], fill=INK)
    return picture


def _make_mesh(
    cartogram: Map, stretch: float, size: tuple[int, int], field: Field
) -> list[tuple[tuple[int, ...], tuple[float, ...]]]:
    """Return boxes of the picture, and the quadrilaterals of the flat map that come to lie in them."""
    x0, x1, y0, y1 = field.lattice.extent
    edges: Any = [np.round(np.linspace(0, pixels, PIECES + 1)).astype(int) for pixels in size]
    px, py = np.meshgrid(*edges)
    page = np.stack([x0 + px / size[0] * (x1 - x0), y1 - py / size[1] * (y1 - y0)], -1)
    # where the half-stretched map shows a page point: x + s·(T(x) − x) = page, by fixed-point steps from the inverse
    plane = page + stretch * (cartogram.inverse(page.reshape(-1, 2)).reshape(page.shape) - page)
    for _ in range(STEPS if stretch < 1 else 0):
        moved = (1 - stretch) * plane + stretch * cartogram.transform(plane.reshape(-1, 2)).reshape(page.shape)
        plane = np.clip(plane + 0.7 * (page - moved), [x0, y0], [x1, y1])
    source = (plane - [x0, y1]) / [x1 - x0, y0 - y1] * size
    boxes = []
    for i in range(PIECES):
        for j in range(PIECES):
            box = (edges[0][j], edges[1][i], edges[0][j + 1], edges[1][i + 1])
            quad = source[[i, i + 1, i + 1, i], [j, j, j + 1, j + 1]].ravel()
            boxes.append((tuple(int(v) for v in box), tuple(float(v) for v in quad)))
    return boxes
