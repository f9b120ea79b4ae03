"""The expected metric of an ensemble of decoders, E[G] over its members, which is large where they disagree."""

from collections.abc import Callable, Iterable

import numpy as np

from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.decoders.decoder import Decoder
from latent_widget.measures._pullback import pullback
from latent_widget.measures.tiling import is_local, local, prepare, prepare_by

Measure = Callable[..., Field]


def ensemble(decoders: Iterable[Decoder], measure: Measure = pullback) -> Measure:
    """Make a measure of an ensemble: the mean of its members' fields, E[JᵀJ] for the pull-back.

    Members bend differently where they disagree, and the mean is the larger there. That need not keep paths to the
    data: benchmarks/off_data.py finds them off the data about as often as straight lines. The decoder that is surveyed
    is for the pictures alone. A relative floor of `measure` is taken of the members' mean.

    Parameters
    ----------
    decoders : iterable of Decoder
        The members, two or more, with one latent space.
    measure : callable
        What is averaged, a measure `(decoder, lattice) -> Field`.

    Returns
    -------
    callable
        A measure `(decoder, lattice) -> Field`, named "ensemble", local where `measure` is. `info["spread"] (H, W)` is
        the standard deviation of the members' densities over their mean.

    Raises
    ------
    ValueError
        For fewer than two members.
    """
    members = list(decoders)
    if len(members) < 2:
        raise ValueError(f"an ensemble needs two decoders or more, got {len(members)}")

    def prepare_members(_: Decoder, lattice: Lattice) -> Measure:
        ready = [prepare(measure, member, lattice) for member in members]

        def average(_: Decoder, band: Lattice) -> Field:
            fields = [one(member, band) for one, member in zip(ready, members, strict=True)]
            tensors, floors = zip(*(field._measured for field in fields), strict=True)
            densities = np.sqrt(np.maximum(np.linalg.det(np.stack(tensors)), 0.0))
            mean = densities.mean(axis=0)
            info = {"measure": "ensemble", "of": fields[0].info.get("measure"), "members": len(members)}
            info["spread"] = np.divide(densities.std(axis=0), mean, out=np.zeros_like(mean), where=mean > 0)
            return Field(band, sum(tensors) / len(members), info, floors[0])

        return local(average) if is_local(measure) else average

    @prepare_by(prepare_members)
    def average_whole(decoder: Decoder, lattice: Lattice) -> Field:
        return prepare_members(decoder, lattice)(decoder, lattice)

    average_whole.__name__ = "ensemble"
    return local(average_whole) if is_local(measure) else average_whole
