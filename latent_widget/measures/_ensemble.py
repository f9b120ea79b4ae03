"""The expected metric of an ensemble of decoders."""

from collections.abc import Callable, Iterable

import numpy as np

from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.decoders.decoder import Decoder
from latent_widget.measures._pullback import pullback
from latent_widget.measures.tiling import is_local, local, settled, settling

Measure = Callable[..., Field]


def ensemble(decoders: Iterable[Decoder], measure: Measure = pullback) -> Measure:
    """Make a measure of an ensemble: the mean of its members' fields, E[JᵀJ] for the pull-back.

    Members disagree away from the data and bend differently there, so the mean is large where they do and paths keep
    away. `field.info["spread"] (H, W)` is the standard deviation of the members' densities over their mean. The decoder
    that is surveyed is for the pictures. Raises `ValueError` for fewer than two members.
    """
    members = list(decoders)
    if len(members) < 2:
        raise ValueError(f"an ensemble needs two decoders or more, got {len(members)}")

    def settle(_: Decoder, lattice: Lattice) -> Measure:
        ready = [settled(measure, member, lattice) for member in members]

        def averaged(_: Decoder, band: Lattice) -> Field:
            fields = [one(member, band) for one, member in zip(ready, members, strict=True)]
            densities = np.stack([field.density for field in fields])
            told = {"measure": "ensemble", "of": fields[0].info.get("measure"), "members": len(members)}
            told["spread"] = densities.std(axis=0) / densities.mean(axis=0)
            return Field(band, sum(field.metric for field in fields) / len(members), told)

        return local(averaged) if is_local(measure) else averaged

    @settling(settle)
    def measured(decoder: Decoder, lattice: Lattice) -> Field:
        return settle(decoder, lattice)(decoder, lattice)

    measured.__name__ = "ensemble"
    return local(measured) if is_local(measure) else measured
