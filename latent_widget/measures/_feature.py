"""Measures made by a task: distances in a network's features, in a classifier's verdicts, or in any black box."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Categorical

from latent_widget._arrays import as_floats
from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.decoders import outputs
from latent_widget.decoders.decoder import Decoder, Output
from latent_widget.decoders.sequence import SequenceDecoder
from latent_widget.measures._pullback import pullback
from latent_widget.measures.polarisation import polarised_with_residual
from latent_widget.measures.statistical_distances._fisher_rao import fisher_rao
from latent_widget.measures.tiling import local, settled, settling

Measure = Callable[..., Field]


def feature(fn: Callable[[Any], Any], *, method: str | None = None, floor: float = 0.0) -> Measure:
    """Make a measure of how far a network's features move: the pull-back of `fn` applied to the decoded output.

    G = JᵀJ with J the Jacobian of fn ∘ decode, or chords between corners: `method` is that of `pullback`. `fn` takes
    decoded tensors `(n, ...)` (of a distribution, its mean) and returns a tensor with n rows, or several, whose
    distances add. Raises what `pullback` raises.
    """

    def through(decoder: Decoder) -> Decoder:
        return _through(decoder, lambda x: _joined(fn(x)))

    def settle(decoder: Decoder, lattice: Lattice) -> Measure:
        pulled_back = settled(partial(pullback, method=method, floor=floor), through(decoder), lattice)
        return local(lambda d, band: _told(pulled_back(through(d), band), "feature"))

    @settling(settle)
    @local
    def measure(decoder: Decoder, lattice: Lattice) -> Field:
        return settle(decoder, lattice)(decoder, lattice)

    return _called(measure, "feature")


def classifier(fn: Callable[[Any], Tensor], *, floor: float = 0.0) -> Measure:
    """Make a measure of how a classifier's verdict changes: Fisher–Rao of its class probabilities.

    `fn` takes decoded tensors `(n, ...)` (of a distribution, its mean) and returns logits `(n, classes)`. The map
    stretches where the class changes. Raises `RuntimeError` for logits of another shape.
    """

    def verdict(decoded: Any) -> Categorical:
        logits = fn(decoded)
        if not isinstance(logits, Tensor) or logits.dim() != 2 or logits.shape[1] < 2:
            got = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise ValueError(f"classifier's fn must return logits (n, classes) with 2 classes or more, got {got}")
        return Categorical(logits=logits, validate_args=False)

    @local
    def measure(decoder: Decoder, lattice: Lattice) -> Field:
        return _told(fisher_rao(_through(decoder, verdict), lattice, floor=floor), "classifier")

    return _called(measure, "classifier")


def distance(fn: Callable[[Any, Any], Any], *, exponent: float = 2.0, floor: float = 0.0) -> Measure:
    """Make a measure of any distance between decoded outputs, without derivatives: `fn(a, b) -> (n,)` on two batches.

    `fn` gets tensors or distributions with n rows, or two lists of n things if that is what the decoder returns. It is
    a length and enters squared; `exponent=1` takes what is a squared length already (a divergence). Each cell's tensor
    is fitted to its four decoded corners, one decode per corner. `field.info["residual"] (H, W)` is the relative error
    of that fit, near 0 where the distance is Riemannian and large where "metric" is a stretch (edit distances, total
    variation). Raises `ValueError` where `fn` returns another shape, NaN or a negative number.
    """
    if not (np.isfinite(exponent) and exponent > 0):
        raise ValueError(f"exponent must be positive and finite, got {exponent}; 2 for lengths, 1 for squared lengths")

    def squared(a: Any, b: Any, ndim: int) -> Tensor:
        lead = tuple(outputs.parameters(a)[0].shape[:ndim])
        flat = [outputs.mapped(part, lambda p: p.reshape(-1, *p.shape[ndim:])) for part in (a, b)]
        found = as_floats(fn(*(_things(part) for part in flat)), "distance's fn")
        if found.shape != (math.prod(lead),):
            raise ValueError(
                f"distance's fn must return one number per pair, shape ({math.prod(lead)},), got {found.shape}"
            )
        bad = ~(found >= 0) | np.isinf(found)
        if bad.any():
            raise ValueError(
                f"distance's fn returned {found[bad][0]} for {int(bad.sum())} of {found.size} pairs; "
                "a distance must be finite and >= 0"
            )
        return torch.from_numpy(found**exponent).reshape(lead)

    @local
    def measure(decoder: Decoder, lattice: Lattice) -> Field:
        probed = decoder.probe(lattice)
        corners = decoder(lattice.embed(lattice.corners))
        metric, residual = polarised_with_residual(lattice, corners, partial(squared, ndim=lattice.ndim))
        info: dict[str, Any] = {"method": "corner polarisation", "output": outputs.kind(probed), "residual": residual}
        info["largest_residual"] = float(residual.max())
        return Field(lattice, metric, {"measure": "distance", **info}, floor)

    return _called(measure, "distance")


def _through(decoder: Decoder, fn: Callable[[Any], Output]) -> Decoder:
    """Compose a decoder with what is done to its output; the modules of both are found by the new decoder."""
    if isinstance(decoder, SequenceDecoder):
        raise ValueError(f"a task needs decoded numbers; sequences are measured by {outputs.FOR_TOKENS}")

    def decode(z: Tensor) -> Output:
        decoded = decoder.raw(z)
        if isinstance(decoded, outputs.Objects):
            raise ValueError(f"fn takes decoded tensors, got {outputs.kind(decoded)}; use distance(fn)")
        return fn(outputs.mean(decoded))

    return Decoder(decode, decoder.latent_dim, decoder.device, decoder.batch_size, None, decoder.dtype)


def _things(output: Any) -> Any:
    return list(output.rows) if isinstance(output, outputs.Objects) else output


def _joined(features: Any) -> Tensor:
    if isinstance(features, Tensor):
        return features
    return torch.cat([part.flatten(1) for part in features], dim=1)


def _told(field: Field, name: str) -> Field:
    return Field(field.lattice, field.metric, {**field.info, "measure": name})


def _called(measure: Measure, name: str) -> Measure:
    measure.__name__ = name
    return measure
