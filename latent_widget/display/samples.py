"""Samples along a line: where they lie, what is decoded there, and their pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latent_widget._arrays import Floats
from latent_widget._atlas import Atlas
from latent_widget.decoders import outputs
from latent_widget.display.options import OWN_SPACING, Spacing
from latent_widget.figures.thumbnails import FINE, Pixels, choose_levels, draw_thumbnails

if TYPE_CHECKING:
    from latent_widget.geodesics import Geodesic


def place_samples(line: Geodesic, n_samples: int, spacing: Spacing) -> Floats:
    """Return plane points along a line, `(n_samples, 2)`, ends included."""
    return line.at(n_samples, by=OWN_SPACING[line.kind] if spacing == "own" else spacing)


def decode_points(atlas: Atlas, points: ArrayLike) -> NDArray[Any]:
    """Return the mean of what is decoded at plane points `(n, 2)`; raises `ValueError` for an atlas without decoder."""
    if atlas.decoder is None:
        raise ValueError("this atlas holds no decoder; load it with Atlas.load(path, decoder=...)")
    return np.asarray(outputs.to_mean(atlas.decoder(atlas.lattice.embed(points))).numpy())


def draw_samples(atlas: Atlas, points: ArrayLike) -> Pixels | None:
    """Return pictures `(n, ph, pw, 4)` of what is decoded at plane points, None for an atlas without decoder.

    Their black and white are those of the atlas's thumbnails, where it has some.
    """
    if atlas.decoder is None:
        return None
    samples = decode_points(atlas, points)
    levels = choose_levels(samples) if atlas.thumbnails is None else atlas.thumbnails.levels
    return draw_thumbnails(samples, levels, atlas.decoder.render, largest=FINE)
