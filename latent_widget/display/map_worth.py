"""What a map is worth, for the browser: `latent_widget.audit` of the map that is shown."""

from __future__ import annotations

from typing import Any

from latent_widget._arrays import Floats
from latent_widget._field import Field
from latent_widget.maps._audit import FEWEST, audit
from latent_widget.maps._map import Map


def measure_worth(field: Field, points: Floats | None, found: Map, method: str) -> dict[str, Any]:
    """Return the trait `_audit` of a map of a field, `{state, message, method, stress, anisotropy, areaError, folds}`.

    Distances are compared between encoded `points` `(n, 2)`, or, where few lie in the extent, between places of the
    plane. `method` is the widget's name of the map.
    """
    inside = None if points is None else points[field.lattice.contains(points)]
    places = inside if inside is not None and len(inside) >= FEWEST else None
    told = audit(field, places, found)
    of = "encoded points" if places is not None else "places of the plane"
    return {
        "state": "ready",
        "message": f"{told.pairs} distances between {told.points} {of}",
        "method": method,
        "stress": {name: getattr(told, name).stress for name in ("plane", "map", "placebo")},
        "anisotropy": told.anisotropy,
        "areaError": told.rms_area_error,
        "folds": told.folds,
    }
