"""The maps of a field by their names: which function makes each, and where it takes the encoded points of an atlas."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from latent_widget._field import Field
    from latent_widget.maps._map import Map

    Array = np.ndarray[Any, np.dtype[np.float64]]


def make_map(field: Field, method: str, points: Array | None, options: Mapping[str, Any]) -> Map:
    """Make the map of a field by a method of `METHODS`.

    ``points`` (n, 2) are encoded data, of which those within the extent go to the maps that are made for where the
    data lie, unless the options say otherwise. Raises ValueError for an unknown method.
    """
    if method not in METHODS:
        raise ValueError(f"method={method!r}: use one of {', '.join(map(repr, METHODS))}")
    if points is not None:
        points = points[field.lattice.contains(points)]
        points = points if len(points) else None
    return METHODS[method](field, points, dict(options))


def _make_cartogram(field: Field, points: Array | None, options: dict[str, Any]) -> Map:
    from latent_widget.maps._cartogram import cartogram

    if options.get("frame") == "metric":
        options.setdefault("points", points)
    return cartogram(field, **options)


def _make_isometric_map(field: Field, points: Array | None, options: dict[str, Any]) -> Map:
    from latent_widget.maps._isometric import isometric_map

    if "weights" not in options:
        options.setdefault("points", _need_some(points))
    return isometric_map(field, **options)


def _make_distance_map(field: Field, points: Array | None, options: dict[str, Any]) -> Map:
    from latent_widget.maps._distance_map import distance_map

    options.setdefault("points", _need_some(points))
    return distance_map(field, **options)


def _need_some(points: Array | None) -> Array | None:
    """Return points where there are enough of them to say where the data lie."""
    return points if points is not None and len(points) >= FEWEST else None


METHODS: dict[str, Callable[[Field, Array | None, dict[str, Any]], Map]] = {
    "cartogram": _make_cartogram,
    "isometric": _make_isometric_map,
    "distances": _make_distance_map,
}


# Fewer encoded points than this say nothing about where the data lie.
FEWEST = 3
# Of the two that aim at distances, this one kept them better on every set of `benchmarks/evidence.py`.
DEFAULT = "distances"


@dataclass(frozen=True, eq=False)
class LazyMap:
    """The map of one field by one method, made when it is first asked for; two threads at once may both make it."""

    field: Field
    method: str
    points: Array | None

    @cached_property
    def map(self) -> Map:
        """The map, which is kept."""
        return make_map(self.field, self.method, self.points, {})
