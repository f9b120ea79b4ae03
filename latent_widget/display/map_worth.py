"""What a map is worth, for the browser: `latent_widget.audit` of the map that is shown."""

from __future__ import annotations

from typing import Any

from latent_widget._arrays import Floats
from latent_widget._atlas import Atlas
from latent_widget._field import Field
from latent_widget.maps._audit import FEWEST, audit
from latent_widget.maps._map import Map


def choose_places(atlas: Atlas) -> Floats | None:
    """Return the encoded points `(n, 2)` that lie in the extent; None where they are too few to tell distances by."""
    if atlas.points is None:
        return None
    inside = atlas.points[atlas.lattice.contains(atlas.points)]
    return inside if len(inside) >= FEWEST else None


def measure_worth(field: Field, points: Floats | None, found: Map, method: str) -> dict[str, Any]:
    """Return the trait `_audit` of a map of a field, `{state, message, method, stress, anisotropy, areaError, folds}`.

    Distances are compared between `points` `(n, 2)` of `choose_places`, or between random places of the plane.
    `method` is the widget's name of the map.
    """
    told = audit(field, points, found)
    of = "encoded points" if points is not None else "places of the plane"
    return {
        "state": "ready",
        "message": f"{told.pairs} distances between {told.points} {of}",
        "method": method,
        "stress": {name: getattr(told, name).stress for name in ("plane", "map", "placebo")},
        "anisotropy": told.anisotropy_at_points,
        "areaError": told.area_error_at_points,
        "folds": told.folds,
    }
