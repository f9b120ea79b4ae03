"""Figures for papers, drawn by Matplotlib from an atlas: the same picture as the widget's, without a browser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize, to_rgb
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from latent_widget._arrays import Floats
from latent_widget._field import Field
from latent_widget._lattice import Extent, need_plane
from latent_widget.cartograms._cartogram import Cartogram
from latent_widget.figures.colouring import (
    SIDES,
    area_errors,
    indicatrices,
    levels,
    on_corners,
    regions,
    relative_errors,
)
from latent_widget.figures.thumbnails import Pixels, as_ink
from latent_widget.geodesics import Geodesic

if TYPE_CHECKING:
    from latent_widget._atlas import Atlas

COLOURS = {"geodesic": "#c2410c", "straight": "#1d4ed8", "slerp": "#9d4b86", "stretched": "#052e16"}
DASHES = {"geodesic": "-", "straight": "--", "slerp": ":", "stretched": "-."}
"""One colour and one dash per kind of path, as in the widget."""
RAMP = ("#faf8f2", "#e3e9df", "#c3d6d3", "#9dbfc9", "#7aa3bd", "#5a83aa")
LABELS = (
    *("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7"),
    *("#56b4e9", "#8c6d1f", "#7a5195", "#f0e442", "#4d4d4d"),
)
SEQUENTIAL = LinearSegmentedColormap.from_list("latent_widget", RAMP)
DIVERGING = LinearSegmentedColormap.from_list(
    "latent_widget_areas", ("#8c510a", "#d0a65c", "#f4f1ea", "#7cb5ae", "#01665e")
)
LEGEND: dict[str, Any] = {
    "loc": "upper left",
    "bbox_to_anchor": (0, -0.1),
    "ncols": 10,
    "fontsize": "x-small",
    "frameon": False,
    "handletextpad": 0.3,
}
OCTAVES = 2
"""How far the colours of area errors reach, on either side."""
INK = "#1f2933"
CELL = (243, 241, 234)
"""Behind a drawing in a film strip."""


def draw_map(
    atlas: Atlas,
    measure: str | None = None,
    *,
    stretch: float = 1.0,
    ax: Axes | None = None,
    field: Field | None = None,
    cart: Cartogram | None = None,
    paths: Sequence[Geodesic] = (),
    points: bool = True,
    thumbnails: bool = False,
    grid: bool = False,
    contours: bool = False,
    ellipses: bool = False,
    colour_by: str = "density",
    weights: Mapping[str, float] | None = None,
    view: Sequence[float] | None = None,
) -> Axes:
    """Draw the lattice, morphed by `stretch` in [0, 1], into `ax` or a new figure of pyplot's.

    `field` and `cart` stand in for those of `measure` where a mixture of `weights` is drawn. `colour_by` is "density",
    "label", "area_error" or "standard_error", as in the widget; `view` the part that is seen, (x0, x1, y0, y1) on the
    page. Ticks are plane coordinates and stand where the border of the plane has gone, so they stay true on the
    stretched map. Raises `ValueError` for a stretch outside [0, 1], and for colours that the atlas cannot give.
    """
    if not 0 <= stretch <= 1:
        raise ValueError(f"stretch must lie in [0, 1], got {stretch}; 0 is the latent plane, 1 the cartogram")
    need_plane(atlas.lattice, "a picture")
    drawn_field = field if field is not None else atlas[measure or atlas.measures[0]]
    if (stretch > 0 or ellipses) and cart is None:
        cart = atlas.cartogram(measure)
    if ax is None:
        # pyplot, so that a notebook shows the figure by itself
        ax = plt.figure(figsize=(6.4, 5.2), layout="constrained").add_subplot()
    lattice = atlas.lattice
    corners = lattice.corners if cart is None else (1 - stretch) * lattice.corners + stretch * cart.corners

    def moved(p: Floats) -> Floats:
        return p if cart is None else (1 - stretch) * p + stretch * cart.transform(p)

    density = drawn_field.density
    known = weights or {measure or atlas.measures[0]: 1.0}
    values, colours, title = _shades(colour_by, atlas, density, corners, known)
    mesh = ax.pcolormesh(corners[..., 0], corners[..., 1], values, shading="flat", rasterized=True, **colours)
    if contours and np.ptp(density) > 1e-6 * density.max():
        # in the logarithm, as the colours are, where the density spans decades
        log = np.log10 if _spans_decades(density) else np.asarray
        heights = log(levels(float(density.min()), float(density.max())))
        ax.contour(
            corners[..., 0],
            corners[..., 1],
            on_corners(log(density)),
            heights,
            colors=INK,
            linewidths=0.6,
            alpha=0.55,
            linestyles="solid",
        )
    if ellipses and cart is not None:
        x0, x1, y0, y1 = lattice.extent
        # an ellipse ends where the map does
        polygons = np.clip(indicatrices(drawn_field, cart), (x0, y0), (x1, y1))
        polygons = moved(polygons.reshape(-1, 2)).reshape(-1, SIDES, 2)
        ax.add_collection(PolyCollection(list(polygons), facecolors="none", edgecolors=INK, linewidths=0.8))
    if grid:
        _draw_grid(ax, corners)
    if points and atlas.points is not None:
        _draw_points(ax, atlas, moved)
    if thumbnails and atlas.thumbnails is not None:
        _draw_thumbnails(ax, atlas, moved)
    for path in paths:
        line = moved(path.points)
        ax.plot(line[:, 0], line[:, 1], DASHES[path.kind], color=COLOURS[path.kind], linewidth=2, label=path.kind)
    if colour_by == "label" and not points:
        _draw_legend(ax, atlas)
    left, right, low, high = view if view is not None else lattice.extent
    _set_ticks(ax, lattice.extent, moved, (left, right, low, high))
    ax.set(xlim=(left, right), ylim=(low, high), xlabel="x", ylabel="y", aspect="equal")
    if ax.figure is not None and title:
        bar = ax.figure.colorbar(mesh, ax=ax, shrink=0.85, extend="both" if colour_by == "area_error" else "neither")
        bar.set_label(title)
    return ax


def _shades(
    by: str, atlas: Atlas, density: Floats, corners: Floats, weights: Mapping[str, float]
) -> tuple[Floats, dict[str, Any], str]:
    """Values of the cells, how they become colours, and what they are called; "" for what needs no scale."""
    if by == "area_error":
        errors = np.clip(area_errors(corners, density), -2 * OCTAVES, 2 * OCTAVES)
        norm = Normalize(-OCTAVES, OCTAVES)
        return errors, {"cmap": DIVERGING, "norm": norm}, "area on the map over the area asked for, log₂"
    if by == "label":
        if atlas.points is None or atlas.labels is None or not atlas.lattice.contains(atlas.points).any():
            raise ValueError("colour_by='label' needs labelled points; give lw.survey points= and labels=")
        seen = atlas.lattice.contains(atlas.points)
        classes, index = np.unique(atlas.labels, return_inverse=True)
        winner, strength = regions(atlas.points[seen], index[seen], atlas.lattice)
        tones, paper = _label_colours(len(classes))[winner], np.array(to_rgb(RAMP[0]))
        part = strength[..., None]
        return part * tones + (1 - part) * paper, {}, ""
    values: Floats = density
    title = "magnification factor √det G"
    if by == "standard_error":
        told = relative_errors(atlas.fields, weights)
        if told is None:
            raise ValueError(
                "colour_by='standard_error' needs a measure with info['standard_error'] or info['residual'] for each "
                f"cell; {', '.join(name for name, weight in weights.items() if weight > 0)} have none"
            )
        values, title = told, "relative error in each cell"
    elif by != "density":
        raise ValueError(f"colour_by must be 'density', 'label', 'area_error' or 'standard_error', got {by!r}")
    low, high = float(values.min()), float(values.max())
    if _spans_decades(values):
        positive = values[values > 0]
        return values, {"cmap": SEQUENTIAL, "norm": LogNorm(positive.min(), high)}, title
    return values, {"cmap": SEQUENTIAL, "norm": Normalize(low, high)}, title


def _spans_decades(values: Floats) -> bool:
    positive = values[values > 0]
    return bool(positive.size and values.max() > 10 * positive.min())


def _label_colours(count: int) -> Floats:
    """Colours of so many labels, (count, 3)."""
    if count <= len(LABELS):
        return np.array([to_rgb(name) for name in LABELS[:count]])
    return np.array(colormaps["turbo"](np.linspace(0, 1, count)))[:, :3]


def draw_strip(ax: Axes, pictures: Pixels, kind: str, caption: str) -> None:
    """Draw a film strip of thumbnails `(n, ph, pw, 4)` into `ax`, framed in the colour of the path's kind."""
    n, height, width = pictures.shape[:3]
    gap = max(1, width // 12)
    film = np.zeros((height, n * width + (n - 1) * gap, 4), dtype=np.uint8)
    shown = as_ink(pictures)
    if shown is not pictures:
        # ink lies on cells of their own, so that an empty one is seen too
        part = shown[..., 3:] / 255
        mixed = part * shown[..., :3] + (1 - part) * CELL
        shown = np.concatenate([mixed.astype(np.uint8), np.full_like(shown[..., 3:], 255)], axis=-1)
    for k, picture in enumerate(shown):
        film[:, k * (width + gap) : k * (width + gap) + width] = picture
    ax.imshow(film, interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    ax.set_title(caption, loc="left", fontsize="small", color=COLOURS[kind])
    for spine in ax.spines.values():
        spine.set_visible(False)


def _set_ticks(ax: Axes, extent: Extent, moved: Any, view: Extent) -> None:
    x0, x1, y0, y1 = extent
    for axis, (low, high) in enumerate(((x0, x1), (y0, y1))):
        left, right = view[2 * axis : 2 * axis + 2]
        finer = (high - low) / (right - left)
        ticks = np.array([t for t in MaxNLocator(round(6 * finer)).tick_values(low, high) if low <= t <= high])
        border = np.stack([ticks, np.full_like(ticks, y0)] if axis == 0 else [np.full_like(ticks, x0), ticks], axis=-1)
        place = moved(border)[:, axis]
        # on a stretched map neighbours may close up, and then every other one would only be in the way
        kept = [k for k in range(len(ticks)) if k == 0 or place[k] - place[k - 1] > 0.04 * (right - left)]
        kept = [k for k in kept if left <= place[k] <= right]
        labels = [f"{ticks[k]:.6g}".replace("-", "−") for k in kept]
        (ax.set_xticks if axis == 0 else ax.set_yticks)(place[kept], labels=labels)


def _draw_grid(ax: Axes, corners: Floats) -> None:
    rows, columns = (max(1, n // 20) for n in corners.shape[:2])
    for line in (*corners[::rows], *np.swapaxes(corners[:, ::columns], 0, 1)):
        ax.plot(line[:, 0], line[:, 1], color="#17284a", alpha=0.25, linewidth=0.5)


def _draw_points(ax: Axes, atlas: Atlas, moved: Any) -> None:
    if atlas.points is None:
        return
    seen = atlas.lattice.contains(atlas.points)
    shown = moved(atlas.points[seen])
    if atlas.labels is None:
        ax.scatter(shown[:, 0], shown[:, 1], s=5, color="#1f2933", alpha=0.8, linewidths=0)
        return
    # of all labels, seen or not, so that a label has the colour that it has on the screen and in the regions
    classes, index = np.unique(atlas.labels, return_inverse=True)
    index = index[seen]
    if len(classes) > len(LABELS):
        ax.scatter(shown[:, 0], shown[:, 1], s=5, c=_label_colours(len(classes))[index], linewidths=0)
        return
    for k, name in enumerate(classes):
        of_class = shown[index == k]
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


def _draw_thumbnails(ax: Axes, atlas: Atlas, moved: Any, most: int = 14) -> None:
    if atlas.thumbnails is None:
        return
    images = as_ink(atlas.thumbnails.images)
    rows, columns = images.shape[:2]
    step = max(1, -(-max(rows, columns) // most))
    x0, x1, y0, y1 = atlas.lattice.extent
    half = 0.36 * step * np.array([(x1 - x0) / columns, (y1 - y0) / rows])
    for i in range(step // 2, rows, step):
        for j in range(step // 2, columns, step):
            centre = np.array([x0 + (j + 0.5) * (x1 - x0) / columns, y0 + (i + 0.5) * (y1 - y0) / rows])
            x, y = moved(centre)
            ax.imshow(images[i, j], extent=(x - half[0], x + half[0], y - half[1], y + half[1]), zorder=2)
