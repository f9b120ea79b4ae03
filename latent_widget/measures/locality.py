"""Marking measures whose value in a cell depends on that cell alone: a survey may cut the lattice into tiles."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

Measure = TypeVar("Measure", bound=Callable[..., Any])


def local(measure: Measure) -> Measure:
    """Mark a measure as local: surveyed tile by tile it gives what it gives on the whole lattice, to round-off."""
    measure.local = True  # type: ignore[attr-defined]
    return measure


def is_local(measure: Callable[..., Any]) -> bool:
    """Tell whether a measure was marked; options bound with `functools.partial` keep the mark."""
    while isinstance(measure, partial):
        measure = measure.func
    return bool(getattr(measure, "local", False))
