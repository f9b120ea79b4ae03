"""Traits that hold places of the map."""

from typing import Any

import traitlets

from latent_widget._arrays import as_floats


class PlanePoint(traitlets.List[float]):
    """A trait of two floats that takes whatever holds two numbers: tuples, lists, arrays."""

    def __init__(self) -> None:
        super().__init__(traitlets.Float(), minlen=2, maxlen=2)

    def validate(self, obj: Any, value: Any) -> Any:
        """Return the numbers as plain floats; anything else is refused by the list that this is."""
        try:
            return super().validate(obj, as_floats(value, self.name or "point").tolist())
        except ValueError:
            return super().validate(obj, value)


class Extent(traitlets.List[float]):
    """A trait of four floats, whatever sequence they come in, or None."""

    def __init__(self) -> None:
        super().__init__(traitlets.Float(), None, 4, 4, allow_none=True)

    def validate(self, obj: Any, value: Any) -> Any:
        """Return plain floats; anything else is refused by the list that this is."""
        try:
            return super().validate(obj, None if value is None else [float(v) for v in value])
        except (TypeError, ValueError):
            return super().validate(obj, value)
