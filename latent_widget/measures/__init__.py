"""Measures: functions `(decoder, lattice, **options) -> Field`, each a way to say how much the output changes.

`_pullback` measures the output itself, `statistical_distances` decoded distributions, `sequences` decoded texts;
`_feature`, `_classifier` and `_distance` make measures of a task, `_entropy` and `_likelihood` conformal ones, and
`_ensemble` averages over decoders. Tensors come from derivatives at the cell centres (`autodiff`) or from chords
between corners (`polarisation`); `resolution` says which of the two a lattice bears, and `tiling` how a survey may cut
it. `decoded_path_refinement` shortens a path on its decoded points.
"""

from collections.abc import Callable
from typing import Any

from latent_widget._field import Field
from latent_widget.measures._classifier import classifier
from latent_widget.measures._distance import distance
from latent_widget.measures._ensemble import ensemble
from latent_widget.measures._entropy import entropy
from latent_widget.measures._feature import feature
from latent_widget.measures._likelihood import likelihood
from latent_widget.measures._pullback import decoded_length, pullback
from latent_widget.measures.statistical_distances import fisher_rao, hellinger, jensen_shannon, kl, wasserstein
from latent_widget.measures.tiling import is_local, local, prepare

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
    "look_up",
    "prepare",
    "pullback",
    "wasserstein",
]


def look_up(measure: Any) -> tuple[str, Measure]:
    """Return a measure with its name.

    Parameters
    ----------
    measure : str, callable or tuple of (str, callable)
        A known name, a function `(decoder, lattice) -> Field`, or one with a name of its own.

    Returns
    -------
    tuple of (str, callable)
        The name and the function.

    Raises
    ------
    ValueError
        For an unknown name, listing the known ones.
    TypeError
        For anything else.
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
