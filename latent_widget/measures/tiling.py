"""Local measures, which a survey may take tile by tile, and what a measure decides from the whole lattice before.

`local` marks a measure whose value in a cell depends on that cell alone. `prepare_by` marks one that has something to
decide from the whole lattice (which method resolves the decoder); a survey has `prepare` decide it, once. A tile is any
part of a lattice; those of a survey are bands of whole rows.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from latent_widget._lattice import Lattice

Measure = TypeVar("Measure", bound=Callable[..., Any])


def local(measure: Measure) -> Measure:
    """Mark a measure as local: surveyed tile by tile it gives what it gives on the whole lattice, to round-off.

    Parameters
    ----------
    measure : callable
        A measure whose value in a cell depends on that cell alone.

    Returns
    -------
    callable
        The same measure; as a decorator, `@lw.measures.local`.
    """
    measure.local = True  # type: ignore[attr-defined]
    return measure


def is_local(measure: Callable[..., Any]) -> bool:
    """Tell whether a measure was marked as local; options bound with `functools.partial` keep the mark.

    Parameters
    ----------
    measure : callable
        Any measure.

    Returns
    -------
    bool
        True where a survey may cut the lattice.
    """
    while isinstance(measure, partial):
        measure = measure.func
    return bool(getattr(measure, "local", False))


def prepare_by(function: Callable[..., Any]) -> Callable[[Measure], Measure]:
    """Mark a measure that has something to decide from the whole lattice, before a survey cuts it into tiles.

    `function(decoder, lattice, **options)` returns the measure with that decided.
    """

    def mark(measure: Measure) -> Measure:
        measure.prepare = function  # type: ignore[attr-defined]
        return measure

    return mark


def prepare(measure: Callable[..., Any], decoder: Any, lattice: "Lattice") -> Callable[..., Any]:
    """Decide whatever a measure decides from the whole lattice.

    Parameters
    ----------
    measure : callable
        Any measure, its options bound with `functools.partial` or not.
    decoder : Decoder or SequenceDecoder
        What is measured.
    lattice : Lattice
        The whole lattice.

    Returns
    -------
    callable
        The measure with that decided, or the same measure where there is nothing to decide.
    """
    options: dict[str, Any] = {}
    inner: Any = measure
    while isinstance(inner, partial) and not inner.args:
        inner, options = inner.func, {**inner.keywords, **options}
    prepared: Callable[..., Any] = inner.prepare(decoder, lattice, **options) if hasattr(inner, "prepare") else measure
    return prepared
