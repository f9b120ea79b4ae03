"""Distances in a network's features: the pull-back metric of a task's network composed with the decoder ([1])."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.decoders import outputs
from latent_widget.decoders.decoder import Decoder, Output
from latent_widget.decoders.sequence import SequenceDecoder
from latent_widget.measures._pullback import Method, pullback
from latent_widget.measures.tiling import local, prepare, prepare_by

Measure = Callable[..., Field]


def feature(
    fn: Callable[[Tensor], Tensor | Iterable[Tensor]], *, method: Method | None = None, floor: float | str = 0.0
) -> Measure:
    """Make a measure of how far a network's features move: G = JᵀJ, J the Jacobian of fn ∘ decode.

    Parameters
    ----------
    fn : callable
        Decoded tensors `(n, ...)` (of a distribution, its mean) to a tensor with n rows, or several, whose squared
        distances add.
    method : {"exact", "chords", "auto"}, optional
        That of `pullback`.
    floor : float or str
        That of `pullback`.

    Returns
    -------
    callable
        A local measure `(decoder, lattice) -> Field`, named "feature"; it raises what `pullback` raises.
    """

    def compose(decoder: Decoder) -> Decoder:
        return compose_decoder(decoder, lambda decoded: _concatenate(fn(decoded)))

    def choose_method(decoder: Decoder, lattice: Lattice) -> Measure:
        pull_back = prepare(partial(pullback, method=method, floor=floor), compose(decoder), lattice)
        return local(lambda d, band: rename(pull_back(compose(d), band), "feature"))

    @prepare_by(choose_method)
    @local
    def measure(decoder: Decoder, lattice: Lattice) -> Field:
        return choose_method(decoder, lattice)(decoder, lattice)

    measure.__name__ = "feature"
    return measure


def compose_decoder(decoder: Decoder, fn: Callable[[Any], Output]) -> Decoder:
    """Compose a decoder with what is done to its output; the modules of both are found by the new decoder.

    Raises `ValueError` for sequence decoders, and (once decoded) for outputs that are no numbers.
    """
    if isinstance(decoder, SequenceDecoder):
        raise ValueError(f"a task needs decoded numbers; sequences are measured by {outputs.FOR_TOKENS}")

    def decode(z: Tensor) -> Output:
        decoded = decoder.decode_batch(z)
        if isinstance(decoded, outputs.Objects):
            raise ValueError(f"fn takes decoded tensors, got {outputs.describe(decoded)}; use distance(fn)")
        return fn(outputs.to_mean(decoded))

    return Decoder(decode, decoder.latent_dim, decoder.device, decoder.batch_size, None, decoder.dtype)


def rename(field: Field, name: str) -> Field:
    """Return a field under the name of another measure."""
    tensors, floor = field._measured
    return Field(field.lattice, tensors, {**field.info, "measure": name}, floor)


def _concatenate(features: Tensor | Iterable[Tensor]) -> Tensor:
    if isinstance(features, Tensor):
        return features
    return torch.cat([part.flatten(1) for part in features], dim=1)
