"""Decoders: what is measured, wrapped so that every measure meets the same checked callable.

`torch_modules` finds the modules in a function, their device and their mode; `latents` checks arguments and latents;
`decoder` wraps a callable from latents to tensors or distributions, `sequence` one from latents and tokens to
next-token logits; `outputs` checks, joins and compares what comes back; `uncertainty` gives a deterministic decoder a
standard deviation. A decoder goes into a measure with a lattice, and a field comes out.
"""

from latent_widget.decoders.decoder import Decoder
from latent_widget.decoders.sequence import SequenceDecoder
from latent_widget.decoders.uncertainty import with_uncertainty

__all__ = ["Decoder", "SequenceDecoder", "with_uncertainty"]
