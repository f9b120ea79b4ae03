"""Figures for papers, drawn by Matplotlib from an atlas: the same picture as the widget's, without a browser."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize
from matplotlib.ticker import MaxNLocator

from latent_widget.arrays import Floats
from latent_widget.atlas import Atlas
from latent_widget.cartograms import Cartogram
from latent_widget.field import Field
from latent_widget.geodesics import Geodesic
from latent_widget.lattice import Extent, need_plane
from latent_widget.render import Pixels

COLOURS = {"geodesic": "#c2410c", "straight": "#1d4ed8", "slerp": "#9d4b86", "stretched": "#052e16"}
DASHES = {"geodesic": "-", "straight": "--", "slerp": ":", "stretched": "-."}
"""One colour and one dash per kind of path, as in the widget."""
RAMP = ("#faf8f2", "#e3e9df", "#c3d6d3", "#9dbfc9", "#7aa3bd", "#5a83aa")
LABELS = (
    *("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7"),
    *("#56b4e9", "#8c6d1f", "#7a5195", "#f0e442", "#4d4d4d"),
)
SEQUENTIAL = LinearSegmentedColormap.from_list("latent_widget", RAMP)


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
) -> Axes:
    """Draw the lattice, coloured by density and morphed by `stretch` in [0, 1], into `ax` or a new figure of pyplot's.

    `field` and `cart` stand in for those of `measure` where a mixture is drawn. Ticks are plane coordinates and stand
    where the border of the plane has gone, so they stay true on the stretched map. Raises `ValueError` for a stretch
    outside [0, 1].
    """
    if not 0 <= stretch <= 1:
        raise ValueError(f"stretch must lie in [0, 1], got {stretch}; 0 is the latent plane, 1 the cartogram")
    need_plane(atlas.lattice, "a picture")
    drawn_field = field if field is not None else atlas[measure or atlas.measures[0]]
    if stretch > 0 and cart is None:
        cart = atlas.cartogram(measure)
    if ax is None:
        # pyplot, so that a notebook shows the figure by itself
        ax = plt.figure(figsize=(6.4, 5.2), layout="constrained").add_subplot()
    lattice = atlas.lattice
    corners = lattice.corners if cart is None else (1 - stretch) * lattice.corners + stretch * cart.corners

    def moved(p: Floats) -> Floats:
        return p if cart is None else (1 - stretch) * p + stretch * cart.transform(p)

    density = drawn_field.density
    wide = density.max() > 10 * density.min()
    norm = LogNorm(density.min(), density.max()) if wide else Normalize(density.min(), density.max())
    mesh = ax.pcolormesh(
        corners[..., 0], corners[..., 1], density, cmap=SEQUENTIAL, norm=norm, shading="flat", rasterized=True
    )
    if grid:
        _draw_grid(ax, corners)
    if points and atlas.points is not None:
        _draw_points(ax, atlas, moved)
    if thumbnails and atlas.thumbnails is not None:
        _draw_thumbnails(ax, atlas, moved)
    for path in paths:
        line = moved(path.points)
        ax.plot(line[:, 0], line[:, 1], DASHES[path.kind], color=COLOURS[path.kind], linewidth=2, label=path.kind)
    x0, x1, y0, y1 = lattice.extent
    ax.set(xlim=(x0, x1), ylim=(y0, y1), xlabel="x", ylabel="y", aspect="equal")
    _set_ticks(ax, lattice.extent, moved)
    if ax.figure is not None:
        bar = ax.figure.colorbar(mesh, ax=ax, shrink=0.85)
        bar.set_label("magnification factor √det G")
    return ax


def draw_strip(ax: Axes, pictures: Pixels, kind: str, caption: str) -> None:
    """Draw a film strip of thumbnails `(n, ph, pw, 4)` into `ax`, framed in the colour of the path's kind."""
    n, height, width = pictures.shape[:3]
    gap = max(1, width // 12)
    film = np.full((height, n * width + (n - 1) * gap, 4), 0, dtype=np.uint8)
    for k, picture in enumerate(pictures):
        film[:, k * (width + gap) : k * (width + gap) + width] = picture
    ax.imshow(film, interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    ax.set_title(caption, loc="left", fontsize="small", color=COLOURS[kind])
    for spine in ax.spines.values():
        spine.set_visible(False)


def _set_ticks(ax: Axes, extent: Extent, moved: Any) -> None:
    x0, x1, y0, y1 = extent
    for axis, (low, high) in enumerate(((x0, x1), (y0, y1))):
        ticks = np.array([t for t in MaxNLocator(6).tick_values(low, high) if low <= t <= high])
        border = np.stack([ticks, np.full_like(ticks, y0)] if axis == 0 else [np.full_like(ticks, x0), ticks], axis=-1)
        place = moved(border)[:, axis]
        # on a stretched map neighbours may close up, and then every other one would only be in the way
        kept = [k for k in range(len(ticks)) if k == 0 or place[k] - place[k - 1] > 0.04 * (high - low)]
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
    classes, index = np.unique(atlas.labels[seen], return_inverse=True)
    if len(classes) > len(LABELS):
        ax.scatter(shown[:, 0], shown[:, 1], s=5, c=index, cmap="turbo", linewidths=0)
        return
    for k, name in enumerate(classes):
        of_class = shown[index == k]
        ax.scatter(of_class[:, 0], of_class[:, 1], s=6, color=LABELS[k], label=str(name), linewidths=0)
    ax.legend(loc="upper left", bbox_to_anchor=(0, -0.1), ncols=10, fontsize="x-small", frameon=False, handletextpad=0)


def _draw_thumbnails(ax: Axes, atlas: Atlas, moved: Any, most: int = 14) -> None:
    if atlas.thumbnails is None:
        return
    images = atlas.thumbnails.images
    rows, columns = images.shape[:2]
    step = max(1, -(-max(rows, columns) // most))
    x0, x1, y0, y1 = atlas.lattice.extent
    half = 0.36 * step * np.array([(x1 - x0) / columns, (y1 - y0) / rows])
    for i in range(step // 2, rows, step):
        for j in range(step // 2, columns, step):
            centre = np.array([x0 + (j + 0.5) * (x1 - x0) / columns, y0 + (i + 0.5) * (y1 - y0) / rows])
            x, y = moved(centre)
            ax.imshow(images[i, j], extent=(x - half[0], x + half[0], y - half[1], y + half[1]), zorder=2)
