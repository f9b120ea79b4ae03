"""The stretched map of the chosen field: a cartogram or an isometric map, and the status that tells how it went."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from latent_widget.maps._map import Map


def stretch_map(find: Callable[[], Map], report: Callable[[dict[str, Any]], None]) -> Map | None:
    """Return the map that `find` finds, or None where the choice of measures gives none.

    Parameters
    ----------
    find : callable
        Returns the map, or raises `ValueError`, as where every measure is switched off.
    report : callable
        Given the widget's status: before, and where no map can be made.

    Raises
    ------
    Exception
        Whatever else goes wrong, which is reported too: no choice of sliders is the cause, so the caller is to know.

    """
    report({"state": "busy", "message": "stretching the map"})
    try:
        with warnings.catch_warnings():
            # a map that fell short has a message, which the widget shows
            warnings.simplefilter("ignore", RuntimeWarning)
            warnings.simplefilter("ignore", UserWarning)
            return find()
    except ValueError as error:
        report({"state": "error", "message": str(error)})
        return None
    except Exception as error:
        report({"state": "error", "message": f"{type(error).__name__}: {error}"})
        raise
