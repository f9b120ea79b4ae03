"""What a map is worth: stress of its distances against geodesic ones (Kruskal 1964), beside a placebo's."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from latent_widget._arrays import Floats
from latent_widget._atlas import Atlas
from latent_widget._field import Field
from latent_widget.maps._map import Map
from latent_widget.maps._placebo import placebo
from latent_widget.maps.methods import make_map

PLACES = 80
"""Points between which distances are compared."""


def measure_worth(
    atlas: Atlas, field: Field, found: Map, method: str, options: Mapping[str, Any], seed: int = 0
) -> dict[str, Any]:
    """Measure the trait `_audit` of a map.

    Parameters
    ----------
    atlas : Atlas
        Its encoded points are those between which distances are compared; places of the plane where it has few.
    field : Field
        The measure.
    found : Map
        Its map.
    method, options : str, mapping
        How it was made, and so is that of the placebo, the measure turned by half a turn.
    seed : int
        Of the choice of points.

    Returns
    -------
    dict
        `{state, message, method, stress: {plane, map, placebo}, anisotropy, areaError, folds}`.

    """
    from latent_widget.geodesics import distances

    points = choose_places(atlas, seed)
    geodesics = distances(field, points, refine=False)
    with warnings.catch_warnings():
        # a map that fell short is as much a control
        warnings.simplefilter("ignore")
        control = make_map(placebo(field), method, atlas.points, options)
    straight = np.linalg.norm(points[:, None] - points[None], axis=-1)
    stress = {
        "plane": measure_stress(straight, geodesics),
        "map": measure_stress(found.distances(points), geodesics),
        "placebo": measure_stress(control.distances(points), geodesics),
    }
    return {
        "state": "ready",
        "message": f"distances between {len(points)} points",
        "method": method,
        "stress": stress,
        "anisotropy": found.anisotropy,
        "areaError": found.rms_area_error,
        "folds": found.folds,
    }


def choose_places(atlas: Atlas, seed: int) -> Floats:
    """Choose points `(n, 2)`: encoded ones on the map where there are enough, else some of the plane."""
    rng = np.random.default_rng(seed)
    if atlas.points is not None:
        inside = atlas.points[atlas.lattice.contains(atlas.points)]
        if len(inside) >= PLACES // 2:
            return np.asarray(inside[rng.permutation(len(inside))[:PLACES]], dtype=float)
    x0, x1, y0, y1 = atlas.lattice.extent
    return rng.uniform((x0, y0), (x1, y1), (PLACES, 2))


def measure_stress(apart: Floats, geodesics: Floats) -> float:
    """Return Kruskal's stress of distances `(n, n)`, sqrt(Σ (s d − g)² / Σ g²) with the s that makes it least."""
    first, second = np.triu_indices(len(apart), 1)
    d, g = apart[first, second], geodesics[first, second]
    scale = float(d @ g) / max(float(d @ d), np.finfo(float).tiny)
    return float(np.sqrt(np.square(scale * d - g).sum() / np.square(g).sum()))
