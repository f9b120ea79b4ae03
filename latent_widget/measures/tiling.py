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


def settling(settle: Callable[..., Any]) -> Callable[[Measure], Measure]:
    """Mark a measure that has something to decide from the whole lattice, before a survey cuts it into tiles.

    `settle(decoder, lattice, **options)` returns the measure with that decided.
    """

    def mark(measure: Measure) -> Measure:
        measure.settle = settle  # type: ignore[attr-defined]
        return measure

    return mark


def settled(measure: Callable[..., Any], decoder: Any, lattice: Any) -> Callable[..., Any]:
    """Return the measure with all decided that depends on the whole lattice, its bound options included."""
    options: dict[str, Any] = {}
    inner: Any = measure
    while isinstance(inner, partial) and not inner.args:
        inner, options = inner.func, {**inner.keywords, **options}
    return inner.settle(decoder, lattice, **options) if hasattr(inner, "settle") else measure
