"""The lines between the widget's two end points: geodesic, straight, spherical, and straight on the stretched map."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from latent_widget._atlas import Atlas
from latent_widget.display.options import OWN_SPACING

if TYPE_CHECKING:
    from latent_widget.geodesics import Geodesic


def find_geodesic(
    atlas: Atlas,
    weights: Mapping[str, float],
    temper: float,
    smoothing: float,
    start: Sequence[float],
    end: Sequence[float],
) -> Geodesic:
    """Return the geodesic under the mixture of measures; of a single measure as it is, the atlas's own.

    The atlas judges candidates by their decoded length where it can, see `Atlas.geodesic`.
    """
    chosen = [name for name, weight in weights.items() if weight > 0]
    if len(chosen) == 1 and weights[chosen[0]] == 1 and temper == 1 and smoothing == 0:
        return atlas.geodesic(start, end, chosen[0])
    from latent_widget.geodesics import geodesic

    return geodesic(atlas.mixed(weights, temper, smoothing), start, end)


def collect_lines(show: Mapping[str, bool], line: Callable[[str], Geodesic]) -> list[Geodesic]:
    """Return the lines that are shown; one that does not exist between these ends is left out with a warning."""
    lines = []
    for kind in OWN_SPACING:
        if not show[kind]:
            continue
        try:
            lines.append(line(kind))
        except ValueError as error:
            warnings.warn(f"the figure leaves out {kind}: {error}", UserWarning, stacklevel=4)  # at `save`
    return lines
