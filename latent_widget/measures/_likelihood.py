"""Conformal measures: a positive scalar per cell, which stretches alike in every direction."""

from collections.abc import Callable
from typing import Any

import numpy as np
from torch.distributions import Distribution

from latent_widget._arrays import Floats, as_floats, as_points
from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.decoders import outputs
from latent_widget.decoders.decoder import Decoder
from latent_widget.decoders.sequence import SequenceDecoder
from latent_widget.measures.sequences import chain_rule as sequences
from latent_widget.measures.tiling import local

CHUNK = 2_000_000
"""Most pairs of cells and latents whose distance is held at once."""


def entropy(
    decoder: Decoder | SequenceDecoder,
    lattice: Lattice,
    *,
    exponent: float = 1.0,
    floor: float = 0.01,
    prefixes: int = 32,
    seed: int = 0,
) -> Field:
    """Measure predictive entropy: density (H − min H + floor·(max H − min H))^exponent, H in nats per decoded output.

    The density is volume-like. If you mean the entropy as a length, `exponent=2` makes it one on a 2-D lattice. Of a
    `SequenceDecoder` it is Σ_t E H(p_t) along `prefixes` sampled sequences, `info["standard_error"]` that of
    the density.

    Raises `ValueError` where the decoder returns no distribution, or one whose entropy PyTorch does not know.
    """
    told: dict[str, Any] = {}
    if isinstance(decoder, SequenceDecoder):
        values, told["standard_error"] = sequences.entropies(decoder, lattice, prefixes, seed)
    else:
        values = _entropies(decoder, lattice)
    low, high = float(values.min()), float(values.max())
    # a constant entropy stretches nothing
    density = values - low + floor * (high - low) if high > low else np.ones_like(values)
    if told:
        told["standard_error"] = exponent * density ** (exponent - 1) * told["standard_error"]
    info = {"measure": "entropy", "exponent": exponent, "range": f"{low:.4g} to {high:.4g} nats", **told}
    return Field.from_density(lattice, density**exponent, info)


def _entropies(decoder: Decoder, lattice: Lattice) -> Floats:
    decoded = decoder(lattice.embed(lattice.cells))
    if not isinstance(decoded, Distribution):
        raise ValueError(
            f"entropy needs a decoder that returns a distribution, got {outputs.kind(decoded)}; use pullback"
        )
    try:
        return as_floats(decoded.entropy(), "entropy")
    except NotImplementedError as error:
        raise ValueError(f"PyTorch gives no entropy for {outputs.kind(decoded)}; use jensen_shannon or kl") from error


def likelihood(
    latents: Any, *, bandwidth: float | None = None, exponent: float = 1.0, floor: float = 0.01
) -> Callable[..., Field]:
    """Make a measure that prefers regions with data: density (p(z) / max p + floor)^(−exponent).

    p is a Gaussian kernel density of encoded `latents (n, d)` in the latent space; `bandwidth` is its standard
    deviation in latent units, by default Scott's n^(−1/(d+4)) times the latents' mean deviation. Far from the data
    the density is floor^(−exponent), so paths go round. Raises `ValueError` for bad latents, bandwidth or floor.
    """
    data = as_floats(latents, "latents")
    if data.ndim != 2 or len(data) < 2:
        raise ValueError(f"latents must have shape (n, d) with n >= 2, got {data.shape}")
    data = as_points(data, "latents", data.shape[1])
    width = float(data.std(axis=0).mean()) * len(data) ** (-1 / (data.shape[1] + 4)) if bandwidth is None else bandwidth
    if not (np.isfinite(width) and width > 0):
        raise ValueError(f"bandwidth must be positive and finite, got {width}; latents without spread need one by hand")
    if not 0 < floor < 1:
        raise ValueError(f"floor must lie in (0, 1), got {floor}")
    peak = float(_kernel_density(data, data, width).max())

    @local
    def measure(_: Decoder, lattice: Lattice) -> Field:
        if lattice.latent_dim != data.shape[1]:
            raise ValueError(f"latents have dimension {data.shape[1]}, the lattice dimension {lattice.latent_dim}")
        cells = lattice.embed(lattice.cells).reshape(-1, data.shape[1])
        p = _kernel_density(cells, data, width).reshape(lattice.shape) / peak
        info = {"measure": "likelihood", "bandwidth": width, "exponent": exponent}
        return Field.from_density(lattice, (p + floor) ** -exponent, info)

    measure.__name__ = "likelihood"
    return measure


def _kernel_density(at: Floats, data: Floats, width: float) -> Floats:
    found = np.empty(len(at))
    rows = max(1, CHUNK // len(data))
    own = np.square(data).sum(1)
    for k in range(0, len(at), rows):
        z = at[k : k + rows]
        squared = np.square(z).sum(1)[:, None] + own - 2 * z @ data.T
        found[k : k + rows] = np.exp(-np.maximum(squared, 0) / (2 * width**2)).mean(1)
    return found
