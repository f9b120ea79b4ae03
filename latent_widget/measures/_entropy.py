"""Predictive entropy as a conformal metric (Frenzel, Teleaga and Ushio 2019, [1])."""

from typing import Any

import numpy as np
from torch.distributions import Distribution

from latent_widget._arrays import Floats, as_floats, read_floor
from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.decoders import outputs
from latent_widget.decoders.decoder import Decoder
from latent_widget.decoders.sequence import SequenceDecoder
from latent_widget.measures.sequences.chain_rule import measure_entropy
from latent_widget.measures.sequences.prefixes import Sampling


def entropy(
    decoder: Decoder | SequenceDecoder,
    lattice: Lattice,
    *,
    exponent: float = 1.0,
    floor: float | str = 0.01,
    prefixes: int = 32,
    seed: int = 0,
) -> Field:
    """Measure predictive entropy: density (H − min H + floor·(max H − min H))^exponent, H in nats per decoded output.

    The density is volume-like, and the minimum is that of the whole lattice. Of a `SequenceDecoder` the entropy is
    Σ_t E H(p_t), sampled.

    Parameters
    ----------
    decoder : Decoder or SequenceDecoder
        One that returns distributions whose entropy PyTorch knows, or sequences.
    lattice : Lattice
        Where it is measured; a plane or a box.
    exponent : float
        Power of the density. If you mean the entropy as a length, 2 makes it one on a plane.
    floor : float or str
        Density where the entropy is least, as a fraction of the entropy's range, or a percentage of it.
    prefixes : int
        Sequences sampled at every cell, of a sequence decoder; at least 8.
    seed : int
        Seed of the sampling.

    Returns
    -------
    Field
        Conformal; `info["range"]` holds the least and the largest entropy, `info["standard_error"] (H, W)` that of the
        density where it was sampled.

    Raises
    ------
    ValueError
        Where the decoder returns no distribution, or one whose entropy PyTorch does not know.
    """
    share, _ = read_floor(floor)
    sampled: dict[str, Any] = {}
    if isinstance(decoder, SequenceDecoder):
        values, error = measure_entropy(decoder, lattice, Sampling(prefixes, seed))
        sampled["standard_error"] = error
    else:
        values = _compute_entropy(decoder, lattice)
    low, high = float(values.min()), float(values.max())
    # a constant entropy stretches nothing
    density = values - low + share * (high - low) if high > low else np.ones_like(values)
    if sampled:
        sampled["standard_error"] = exponent * density ** (exponent - 1) * sampled["standard_error"]
    info = {"measure": "entropy", "exponent": exponent, "floor": share, "range": f"{low:.4g} to {high:.4g} nats"}
    return Field.from_density(lattice, density**exponent, info | sampled)


def _compute_entropy(decoder: Decoder, lattice: Lattice) -> Floats:
    decoded = decoder(lattice.embed(lattice.cells))
    if not isinstance(decoded, Distribution):
        raise ValueError(
            f"entropy needs a decoder that returns a distribution, got {outputs.describe(decoded)}; use pullback"
        )
    try:
        return as_floats(decoded.entropy(), "entropy")
    except NotImplementedError as error:
        family = outputs.describe(decoded)
        raise ValueError(f"PyTorch gives no entropy for {family}; use jensen_shannon or kl") from error
