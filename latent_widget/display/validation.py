"""Traits that hold places of the map, and checks of what the widget's traits may hold, which raise `TraitError`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets
from numpy.typing import NDArray

from latent_widget._arrays import as_floats
from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.display.options import SHOW
from latent_widget.figures.colouring import ColourBy, relative_error

if TYPE_CHECKING:
    FloatList = traitlets.List[float]
else:
    FloatList = traitlets.List  # which cannot be subscripted before traitlets 5.13


class PlanePoint(FloatList):
    """A trait of two floats that takes whatever holds two numbers: tuples, lists, arrays."""

    def __init__(self) -> None:
        super().__init__(traitlets.Float(), minlen=2, maxlen=2)

    def validate(self, obj: Any, value: Any) -> Any:
        """Return the numbers as plain floats; anything else is refused by the list that this is."""
        try:
            return super().validate(obj, as_floats(value, self.name or "point").tolist())
        except ValueError:
            return super().validate(obj, value)


class Extent(FloatList):
    """A trait of four floats, whatever sequence they come in, or None."""

    def __init__(self) -> None:
        super().__init__(traitlets.Float(), None, 4, 4, allow_none=True)

    def validate(self, obj: Any, value: Any) -> Any:
        """Return plain floats; anything else is refused by the list that this is."""
        try:
            return super().validate(obj, None if value is None else [float(v) for v in value])
        except (TypeError, ValueError):
            return super().validate(obj, value)


def choose_defaults(lattice: Lattice, measures: Sequence[str]) -> dict[str, Any]:
    """Return the choices of a new widget: the first measure, and end points at a quarter and three of the extent."""
    x0, x1, y0, y1 = lattice.extent
    return {
        "weights": {name: float(k == 0) for k, name in enumerate(measures)},
        "start": [x0 + 0.25 * (x1 - x0), y0 + 0.25 * (y1 - y0)],
        "end": [x0 + 0.75 * (x1 - x0), y0 + 0.75 * (y1 - y0)],
        "show": SHOW,
    }


def keep_weights(weights: Mapping[str, float], measures: Sequence[str]) -> dict[str, float]:
    """Return the weights of the measures that are there, or the first measure alone where none of those is on."""
    kept = {name: weight for name, weight in weights.items() if name in measures}
    return kept if any(kept.values()) else {measures[0]: 1.0}


def check_choice(
    name: str,
    value: Any,
    lattice: Lattice,
    measures: Sequence[str],
    labels: NDArray[Any] | None,
    fields: Mapping[str, Field],
    free: bool = False,
) -> Any:
    """Return the value that a trait takes when it is set to `value`; raises `TraitError` where that makes no sense.

    Parameters
    ----------
    name : {"weights", "start", "end", "colour_by", "view", "highlight", "show"}
        The trait.
    value : Any
        What it is set to, of the trait's own type.
    lattice : Lattice
        The plane that is shown.
    measures : sequence of str
        Names of the measures, those too that a survey has not come to yet.
    labels : array (n,), optional
        The classes of the encoded points.
    fields : mapping of str to Field
        What has been measured; empty before a survey is done.
    free : bool
        Whether the map may reach beyond the extent.

    """
    match name:
        case "weights":
            return check_weights(value, measures)
        case "start" | "end":
            return check_end_point(name, value, lattice)
        case "colour_by":
            return check_colour_by(value, labels, fields)
        case "view":
            return check_view(value, lattice, free)
        case "highlight":
            return check_highlight(value)
        case "show":
            return check_show(value)
    return value


def check_weights(weights: Mapping[str, float], measures: Sequence[str]) -> dict[str, float]:
    """Return a weight for every measure, 0 for those that are not named."""
    unknown = [name for name in weights if name not in measures]
    bad = {name: w for name, w in weights.items() if not (np.isfinite(w) and w >= 0)}
    if unknown:
        raise traitlets.TraitError(
            f"weights names {', '.join(map(repr, unknown))}; this atlas holds {', '.join(measures)}"
        )
    if bad:
        raise traitlets.TraitError(f"weights must be finite and >= 0, got {bad}")
    return {name: float(weights.get(name, 0.0)) for name in measures}


def check_end_point(name: str, point: list[float], lattice: Lattice) -> list[float]:
    """Return a plane point that lies on the map."""
    if not np.isfinite(point).all() or not lattice.contains(point):
        raise traitlets.TraitError(f"{name}={point} lies outside the map, extent {lattice.extent}")
    return point


def check_view(view: list[float] | None, lattice: Lattice, free: bool = False) -> list[float] | None:
    """Return a part of the page, or None for all of it; the page of a `free` map reaches as far as the map does."""
    if view is None:
        return None
    x0, x1, y0, y1 = lattice.extent
    left, right, low, high = view
    if free:
        if not (np.isfinite(view).all() and left < right and low < high):
            raise traitlets.TraitError(f"view must be None or (left, right, low, high) of the page, got {tuple(view)}")
        return view
    slack_x, slack_y = 1e-9 * (x1 - x0), 1e-9 * (y1 - y0)
    inside = x0 - slack_x <= left < right <= x1 + slack_x and y0 - slack_y <= low < high <= y1 + slack_y
    if not inside:
        raise traitlets.TraitError(
            f"view must be None or (left, right, low, high) within {lattice.extent}, got {tuple(view)}"
        )
    return view


def check_highlight(highlight: list[float] | None) -> list[float] | None:
    """Return a range of the density [low, high], or None."""
    if highlight is not None and not (np.isfinite(highlight).all() and highlight[0] <= highlight[1]):
        raise traitlets.TraitError(f"highlight must be None or [low, high] with low <= high, got {highlight}")
    return highlight


def check_show(show: Mapping[str, Any]) -> dict[str, bool]:
    """Return what is shown and hidden, by default what is not named."""
    unknown = [name for name in show if name not in SHOW]
    if unknown:
        raise traitlets.TraitError(f"show knows {', '.join(SHOW)}, got {', '.join(map(repr, unknown))}")
    return {name: bool(show.get(name, shown)) for name, shown in SHOW.items()}


def check_colour_by(by: ColourBy, labels: NDArray[Any] | None, fields: Mapping[str, Field]) -> ColourBy:
    """Return what the colours stand for, where the `labels` of the points and the fields measured so far give it.

    Before a survey is done nobody knows whether there will be an error: no fields refuse no colouring.
    """
    if by == "label" and (labels is None or len(labels) == 0):
        raise traitlets.TraitError("colour_by='label' needs labelled points; give lw.survey points= and labels=")
    if by == "standard_error" and fields and all(relative_error(field) is None for field in fields.values()):
        raise traitlets.TraitError(
            "colour_by='standard_error' needs a measure with info['standard_error'] or info['residual'] for each "
            f"cell; {', '.join(fields)} have none"
        )
    return by
