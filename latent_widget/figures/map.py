"""Maps for papers by Matplotlib: cells as a mesh between the moved corners, with contours, ellipses, points and paths.

They are the pictures that the widget shows, made without a browser.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.patches import Patch
from matplotlib.path import Path
from matplotlib.ticker import MaxNLocator

from latent_widget._arrays import Floats
from latent_widget._field import Field
from latent_widget._lattice import Extent, need_plane
from latent_widget.figures.colour_scales import colour_cells, label_colours, spans_decades
from latent_widget.figures.colouring import ColourBy
from latent_widget.figures.contours import average_onto_corners, contour_levels
from latent_widget.figures.indicatrices import indicatrices
from latent_widget.figures.page import choose_aspect, count_folds, fit_to_page, frame_corners
from latent_widget.figures.palette import DASHES, GRID, INK, LABELS, PATHS, SIDES
from latent_widget.figures.thumbnails import convert_to_ink
from latent_widget.maps._map import Map, fills_extent
from latent_widget.maps.isometry.outline import trace_outline

if TYPE_CHECKING:
    from latent_widget._atlas import Atlas
    from latent_widget.geodesics import Geodesic

LEGEND: dict[str, Any] = {
    "loc": "upper left",
    "bbox_to_anchor": (0, -0.1),
    "ncols": 10,
    "fontsize": "x-small",
    "frameon": False,
    "handletextpad": 0.3,
}
GRID_LINES = 20
"""So many lines of the grid each way, or up to twice as many."""
THUMBNAILS = 14
"""Most thumbnails along a side."""


@dataclass(frozen=True)
class MapStyle:
    """What is drawn besides the coloured cells, and what their colours stand for.

    Attributes
    ----------
    points, thumbnails, grid, contours, ellipses : bool
        Encoded points with their labels; decoded pictures; lines between cells; isolines of the density; Tissot's
        indicatrices of the metric.
    colour_by : {"density", "label", "area_error", "standard_error"}
        What the colours stand for.
    weights : mapping of str to float, optional
        The weights of a mixture of measures, whose errors are drawn by "standard_error"; the measure alone without.

    """

    points: bool = True
    thumbnails: bool = False
    grid: bool = False
    contours: bool = False
    ellipses: bool = False
    colour_by: ColourBy = "density"
    weights: Mapping[str, float] | None = None


@dataclass(frozen=True, eq=False)
class Morph:
    """The way from the latent plane to a map on the page: x ↦ (1 − s) x + s T(x) with s = `stretch`."""

    stretch: float
    page_map: Map | None

    @property
    def free(self) -> bool:
        """Whether what is drawn has an outline of its own, not that of the plane."""
        if self.page_map is None or self.stretch == 0:
            return False
        return not fills_extent(self.page_map.corners, self.page_map.extent)

    def apply(self, points: Floats) -> Floats:
        """Return where points of the plane, `(..., 2)`, lie on the page."""
        if self.page_map is None:
            return points
        return (1 - self.stretch) * points + self.stretch * self.page_map.transform(points, outside="clamp")

    def move_corners(self, corners: Floats) -> Floats:
        """Return where the lattice's corners, `(H + 1, W + 1, 2)`, lie on the page."""
        if self.page_map is None:
            return corners
        return (1 - self.stretch) * corners + self.stretch * self.page_map.corners


def draw_map(
    atlas: Atlas,
    measure: str | None = None,
    *,
    stretch: float = 1.0,
    ax: Axes | None = None,
    method: str = "cartogram",
    field: Field | None = None,
    stretched_map: Map | None = None,
    paths: Sequence[Geodesic] = (),
    view: Sequence[float] | None = None,
    **style: Any,
) -> Axes:
    """Draw the lattice, morphed by `stretch`, into `ax` or a new figure of pyplot's.

    Ticks are plane coordinates and stand where the border of the plane has gone, so they stay true on the stretched
    map. A map with a free boundary is drawn with the area of the latent plane, and its outline has the ticks.

    Parameters
    ----------
    atlas : Atlas
        What was surveyed; its lattice must be a plane.
    measure : str, optional
        The measure that is drawn, the first without.
    stretch : float
        0 is the latent plane, 1 the map.
    ax : matplotlib.axes.Axes, optional
        Where to draw.
    method : str
        Which map: "cartogram", "isometric", and whatever else `Atlas.map` makes.
    field, stretched_map : Field, Map, optional
        Stand in for those of `measure`, where a mixture of measures is drawn.
    paths : sequence of Geodesic
        Lines to draw, in the colour and dash of their kind.
    view : (x0, x1, y0, y1), optional
        The part that is seen, on the page; all of it without.
    **style
        The fields of `MapStyle`: `points`, `thumbnails`, `grid`, `contours`, `ellipses`, `colour_by`, `weights`.

    Returns
    -------
    matplotlib.axes.Axes
        `ax`, or the new figure's.

    Raises
    ------
    ValueError
        For a stretch outside [0, 1], a box of three dimensions, and colours that the atlas cannot give.
    TypeError
        For a style that `MapStyle` does not have.

    Warns
    -----
    UserWarning
        Where cells fold on the way to a map that has no folds itself.

    """
    if not 0 <= stretch <= 1:
        raise ValueError(f"stretch must lie in [0, 1], got {stretch}; 0 is the latent plane, 1 the map")
    need_plane(atlas.lattice, "a picture")
    shown = MapStyle(**style)
    name = measure or atlas.measures[0]
    drawn_field = field if field is not None else atlas[name]
    if (stretch > 0 or shown.ellipses) and stretched_map is None:
        stretched_map = atlas.cartogram(name) if method == "cartogram" else atlas.map(name, method=method)
    if ax is None:
        # pyplot, so that a notebook shows the figure by itself
        ax = plt.figure(figsize=(6.4, 5.2), layout="constrained").add_subplot()
    morph = Morph(stretch, None if stretched_map is None else fit_to_page(stretched_map))
    corners = morph.move_corners(atlas.lattice.corners)
    _warn_of_folds(stretch, corners)
    cells = colour_cells(shown.colour_by, atlas, drawn_field.density, corners, shown.weights or {name: 1.0})
    mesh = ax.pcolormesh(
        corners[..., 0],
        corners[..., 1],
        cells.values,
        shading="flat",
        rasterized=True,
        cmap=cells.cmap,
        norm=cells.norm,
    )
    _draw_layers(ax, atlas, drawn_field, morph, shown)
    for path in paths:
        x, y = morph.apply(path.points).T
        ax.plot(x, y, DASHES[path.kind], color=PATHS[path.kind], linewidth=2, label=path.kind)
    if shown.colour_by == "label" and not shown.points:
        _draw_legend(ax, atlas)
    extent = atlas.lattice.extent
    left, right, low, high = view or (frame_corners(corners, choose_aspect(extent)) if morph.free else extent)
    if morph.free:
        _draw_outline(ax, extent, morph, corners, (left, right, low, high))
    else:
        _set_ticks(ax, extent, morph, (left, right, low, high))
    ax.set(xlim=(left, right), ylim=(low, high), aspect="equal")
    # the ticks of a free outline reach beyond the frame
    for set_label, name in ((ax.set_xlabel, "x"), (ax.set_ylabel, "y")):
        set_label(name, labelpad=18 if morph.free else 4)
    if ax.figure is not None and cells.title:
        extend = "both" if shown.colour_by == "area_error" else "neither"
        ax.figure.colorbar(mesh, ax=ax, shrink=0.85, extend=extend).set_label(cells.title)
    return ax


def _warn_of_folds(stretch: float, corners: Floats) -> None:
    """Warn of cells that fold between the plane and the map, which report their own."""
    folds = count_folds(corners) if 0 < stretch < 1 else 0
    if folds:
        cells = "1 cell folds" if folds == 1 else f"{folds} cells fold"
        warnings.warn(f"{cells} at stretch={stretch:g}; 0 or 1 show none", UserWarning, stacklevel=3)


def _draw_layers(ax: Axes, atlas: Atlas, field: Field, morph: Morph, style: MapStyle) -> None:
    """Draw what lies between the cells and the paths, from the lowest layer to the highest."""
    corners = morph.move_corners(atlas.lattice.corners)
    if style.contours:
        _draw_contours(ax, field.density, corners)
    if style.ellipses:
        _draw_ellipses(ax, field, morph)
    if style.grid:
        _draw_grid(ax, corners)
    if style.points:
        _draw_points(ax, atlas, morph)
    if style.thumbnails:
        _draw_thumbnails(ax, atlas, morph)


def _draw_contours(ax: Axes, density: Floats, corners: Floats) -> None:
    if np.ptp(density) <= 1e-6 * density.max():
        return
    # in the logarithm, as the colours are, where the density spans decades
    scale = np.log10 if spans_decades(density) else np.asarray
    ax.contour(
        corners[..., 0],
        corners[..., 1],
        average_onto_corners(scale(density)),
        scale(contour_levels(float(density.min()), float(density.max()))),
        colors=INK,
        linewidths=0.6,
        alpha=0.55,
        linestyles="solid",
    )


def _draw_ellipses(ax: Axes, field: Field, morph: Morph) -> None:
    if morph.page_map is None:
        return
    x0, x1, y0, y1 = field.lattice.extent
    # an ellipse ends where the map does
    polygons = np.clip(indicatrices(field, morph.page_map), (x0, y0), (x1, y1))
    polygons = morph.apply(polygons.reshape(-1, 2)).reshape(-1, SIDES, 2)
    ax.add_collection(PolyCollection(list(polygons), facecolors="none", edgecolors=INK, linewidths=0.8))


def _draw_grid(ax: Axes, corners: Floats) -> None:
    rows, columns = (max(1, n // GRID_LINES) for n in corners.shape[:2])
    for line in (*corners[::rows], *np.swapaxes(corners[:, ::columns], 0, 1)):
        ax.plot(line[:, 0], line[:, 1], color=GRID, alpha=0.25, linewidth=0.5)


def _draw_points(ax: Axes, atlas: Atlas, morph: Morph) -> None:
    if atlas.points is None:
        return
    inside = atlas.lattice.contains(atlas.points)
    places = morph.apply(atlas.points[inside])
    if atlas.labels is None:
        ax.scatter(places[:, 0], places[:, 1], s=5, color=INK, alpha=0.8, linewidths=0)
        return
    # of all labels, inside or not, so that a label has the colour that it has on the screen and in the regions
    classes, index = np.unique(atlas.labels, return_inverse=True)
    index = index[inside]
    if len(classes) > len(LABELS):
        ax.scatter(places[:, 0], places[:, 1], s=5, c=label_colours(len(classes))[index], linewidths=0)
        return
    for k, name in enumerate(classes):
        of_class = places[index == k]
        if len(of_class) == 0:
            continue
        ax.scatter(of_class[:, 0], of_class[:, 1], s=6, color=LABELS[k], label=str(name), linewidths=0)
    ax.legend(**LEGEND)


def _draw_legend(ax: Axes, atlas: Atlas) -> None:
    """Name the colours of the labels where no points do."""
    classes = np.unique(atlas.labels) if atlas.labels is not None else np.array([])
    if len(classes) <= len(LABELS):
        handles = [Patch(color=LABELS[k], label=str(name)) for k, name in enumerate(classes)]
        ax.legend(handles=handles, **LEGEND)


def _draw_thumbnails(ax: Axes, atlas: Atlas, morph: Morph) -> None:
    if atlas.thumbnails is None:
        return
    images = convert_to_ink(atlas.thumbnails.images)
    rows, columns = images.shape[:2]
    step = max(1, -(-max(rows, columns) // THUMBNAILS))
    x0, x1, y0, y1 = atlas.lattice.extent
    half = 0.36 * step * np.array([(x1 - x0) / columns, (y1 - y0) / rows])
    for i in range(step // 2, rows, step):
        for j in range(step // 2, columns, step):
            centre = np.array([x0 + (j + 0.5) * (x1 - x0) / columns, y0 + (i + 0.5) * (y1 - y0) / rows])
            x, y = morph.apply(centre)
            ax.imshow(images[i, j], extent=(x - half[0], x + half[0], y - half[1], y + half[1]), zorder=2)


def _set_ticks(ax: Axes, extent: Extent, morph: Morph, view: Extent) -> None:
    """Put ticks where round plane coordinates on the lower and the left border lie on the page."""
    x0, x1, y0, y1 = extent
    for axis, (low, high) in enumerate(((x0, x1), (y0, y1))):
        left, right = view[2 * axis : 2 * axis + 2]
        finer = (high - low) / (right - left)
        ticks = np.array([t for t in MaxNLocator(round(6 * finer)).tick_values(low, high) if low <= t <= high])
        border = np.stack([ticks, np.full_like(ticks, y0)] if axis == 0 else [np.full_like(ticks, x0), ticks], axis=-1)
        place = morph.apply(border)[:, axis]
        # on a stretched map neighbours may close up, and then every other one would only be in the way
        kept = [k for k in range(len(ticks)) if k == 0 or place[k] - place[k - 1] > 0.04 * (right - left)]
        kept = [k for k in kept if left <= place[k] <= right]
        labels = [f"{ticks[k]:.6g}".replace("-", "−") for k in kept]
        (ax.set_xticks if axis == 0 else ax.set_yticks)(place[kept], labels=labels)


def _draw_outline(ax: Axes, extent: Extent, morph: Morph, corners: Floats, view: Extent) -> None:
    """Draw a free outline, with ticks of round plane coordinates where the lower and the left border have gone."""
    outline = trace_outline(corners)
    ax.plot(*np.vstack([outline, outline[:1]]).T, color=INK, alpha=0.6, linewidth=0.8)
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set_visible(False)
    x0, x1, y0, y1 = extent
    within, frame = Path(outline), Path(np.array(view)[[[0, 2], [1, 2], [1, 3], [0, 3]]])
    gap = 0.04 * (view[1] - view[0])
    taken = np.empty((0, 2))
    for axis, (low, high) in enumerate(((x0, x1), (y0, y1))):
        chord = 0.01 * (high - low)
        for tick in MaxNLocator(6).tick_values(low, high):
            if not low <= tick <= high:
                continue
            along = np.clip([tick - chord, tick, tick + chord], low, high)
            border = np.stack([along, np.full(3, y0)] if axis == 0 else [np.full(3, x0), along], axis=-1)
            before, at, after = morph.apply(border)
            # the map lies to the left of its lower border and to the right of its left one
            across = (after - before)[::-1] * ((1, -1) if axis == 0 else (-1, 1))
            way = across / np.hypot(*across)
            label = at + gap * way
            crowded = len(taken) > 0 and np.hypot(*(taken - label).T).min() < 1.5 * gap
            if crowded or within.contains_point(label) or not frame.contains_point(at, radius=1e-9):
                continue
            taken = np.vstack([taken, label])
            text = f"{tick:.6g}".replace("-", "−")
            line = {"arrowstyle": "-", "color": INK, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 0}
            style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": "small", "arrowprops": line}
            ax.annotate(text, at, 12 * way, textcoords="offset points", annotation_clip=False, **style)
