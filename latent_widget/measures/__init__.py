"""Measures: functions `(decoder, lattice, **options) -> Field`, each a way to say how much the output changes."""

from collections.abc import Callable
from typing import Any

from latent_widget._field import Field
from latent_widget.measures._ensemble import ensemble
from latent_widget.measures._feature import classifier, distance, feature
from latent_widget.measures._likelihood import entropy, likelihood
from latent_widget.measures._pullback import decoded_length, pullback
from latent_widget.measures.statistical_distances._fisher_rao import fisher_rao
from latent_widget.measures.statistical_distances._jensen_shannon import jensen_shannon
from latent_widget.measures.statistical_distances._kl import hellinger, kl, wasserstein
from latent_widget.measures.tiling import is_local, local, settled

Measure = Callable[..., Field]

NAMED: dict[str, Measure] = {
    "pullback": pullback,
    "fisher_rao": fisher_rao,
    "kl": kl,
    "jensen_shannon": jensen_shannon,
    "hellinger": hellinger,
    "wasserstein": wasserstein,
    "entropy": entropy,
}
"""Measures that `survey` knows by name."""

__all__ = [
    "NAMED",
    "Measure",
    "classifier",
    "decoded_length",
    "distance",
    "ensemble",
    "entropy",
    "feature",
    "fisher_rao",
    "hellinger",
    "is_local",
    "jensen_shannon",
    "kl",
    "likelihood",
    "local",
    "named",
    "pullback",
    "settled",
    "wasserstein",
]


def named(measure: Any) -> tuple[str, Measure]:
    """Return a measure with its name: a known name, a function `(decoder, lattice) -> Field`, or a `(name, function)`.

    Raises `ValueError` for an unknown name, listing the known ones, and `TypeError` for anything else.
    """
    if isinstance(measure, str):
        if measure not in NAMED:
            raise ValueError(
                f"measure {measure!r} is unknown; known names are {', '.join(NAMED)}, and any function "
                "(decoder, lattice) -> Field is a measure"
            )
        return measure, NAMED[measure]
    if isinstance(measure, tuple) and len(measure) == 2 and isinstance(measure[0], str) and callable(measure[1]):
        return measure
    if callable(measure):
        inner = getattr(measure, "func", measure)
        return str(getattr(inner, "__name__", type(measure).__name__)), measure
    raise TypeError(f"a measure is a name, a function (decoder, lattice) -> Field or (name, function), got {measure!r}")
