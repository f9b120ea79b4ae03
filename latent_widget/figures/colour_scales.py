"""Matplotlib's colour maps and norms for what a map is coloured by: density, errors, areas and labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Colormap, LinearSegmentedColormap, LogNorm, Normalize, to_rgb

from latent_widget._arrays import Floats
from latent_widget.figures.colouring import ColourBy, area_errors, regions, relative_errors
from latent_widget.figures.palette import DIVERGING, LABELS, LOG_ABOVE, OCTAVES, RAMP

if TYPE_CHECKING:
    from latent_widget._atlas import Atlas

SEQUENTIAL_MAP = LinearSegmentedColormap.from_list("latent_widget", RAMP)
DIVERGING_MAP = LinearSegmentedColormap.from_list("latent_widget_areas", DIVERGING)


@dataclass(frozen=True, eq=False)
class CellColours:
    """Values of the cells, `(H, W)`, or their colours themselves, `(H, W, 3)`, and the scale that colours them.

    `title` names the scale; it is empty where colours need none.
    """

    values: Floats
    cmap: Colormap | None = None
    norm: Normalize | None = None
    title: str = ""


def colour_cells(
    by: ColourBy, atlas: Atlas, density: Floats, corners: Floats, weights: Mapping[str, float]
) -> CellColours:
    """Choose values and colours of the cells for a map with these corners on the page, `(H + 1, W + 1, 2)`.

    Raises `ValueError` for colours that the atlas cannot give.
    """
    if by == "area_error":
        errors = np.clip(area_errors(corners, density), -2 * OCTAVES, 2 * OCTAVES)
        norm = Normalize(-OCTAVES, OCTAVES)
        return CellColours(errors, DIVERGING_MAP, norm, "area on the map over the area asked for, log₂")
    if by == "label":
        return _colour_by_labels(atlas)
    if by == "standard_error":
        errors_known = relative_errors(atlas.fields, weights)
        if errors_known is None:
            raise ValueError(
                "colour_by='standard_error' needs a measure with info['standard_error'] or info['residual'] for each "
                f"cell; {', '.join(name for name, weight in weights.items() if weight > 0)} have none"
            )
        return _colour_by_values(errors_known, "relative error in each cell")
    if by != "density":
        *most, last = map(repr, get_args(ColourBy))
        raise ValueError(f"colour_by must be {', '.join(most)} or {last}, got {by!r}")
    return _colour_by_values(density, "magnification factor √det G")


def spans_decades(values: Floats) -> bool:
    """Tell whether the largest value is so many times the smallest above 0 that the scale is logarithmic."""
    positive = values[values > 0]
    return bool(positive.size and values.max() > LOG_ABOVE * positive.min())


def label_colours(count: int) -> Floats:
    """Return the colours of so many labels, `(count, 3)`."""
    if count <= len(LABELS):
        return np.array([to_rgb(name) for name in LABELS[:count]])
    return np.array(colormaps["turbo"](np.linspace(0, 1, count)))[:, :3]


def _colour_by_values(values: Floats, title: str) -> CellColours:
    low, high = float(values.min()), float(values.max())
    if spans_decades(values):
        return CellColours(values, SEQUENTIAL_MAP, LogNorm(values[values > 0].min(), high), title)
    return CellColours(values, SEQUENTIAL_MAP, Normalize(low, high), title)


def _colour_by_labels(atlas: Atlas) -> CellColours:
    if atlas.points is None or atlas.labels is None or not atlas.lattice.contains(atlas.points).any():
        raise ValueError("colour_by='label' needs labelled points; give lw.survey points= and labels=")
    inside = atlas.lattice.contains(atlas.points)
    classes, index = np.unique(atlas.labels, return_inverse=True)
    winner, strength = regions(atlas.points[inside], index[inside], atlas.lattice)
    tones, paper = label_colours(len(classes))[winner], np.array(to_rgb(RAMP[0]))
    part = strength[..., None]
    return CellColours(part * tones + (1 - part) * paper)
