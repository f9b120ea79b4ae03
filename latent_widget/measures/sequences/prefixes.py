"""Sampling of prefixes, the beginnings of sequences along which next-token distributions are compared.

Random numbers depend on the seed and the place on the plane alone (a counter-based generator, SplitMix64, Steele, Lea
and Flood 2014), so a tile of a survey draws what the whole lattice would.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latent_widget._arrays import Floats
from latent_widget._lattice import Lattice
from latent_widget.decoders.sequence import SequenceDecoder
from latent_widget.measures.autodiff.metric import embed_points

LEAST_PREFIXES = 8
"""Two for each corner of a cell, which a standard error needs."""
STEPS_PER_CELL = 2**20
"""Places are rounded to this part of a cell before they key the generator, as tiles compute them with round-off."""


@dataclass(frozen=True)
class Sampling:
    """How many sequences are sampled for a cell, and the seed; raises `ValueError` for fewer than 8."""

    prefixes: int
    seed: int

    def __post_init__(self) -> None:
        if int(self.prefixes) != self.prefixes or self.prefixes < LEAST_PREFIXES:
            raise ValueError(
                f"prefixes must be a whole number >= {LEAST_PREFIXES}, two for each corner of a cell, got "
                f"{self.prefixes!r}"
            )


def evaluate_at_centres(
    decoder: SequenceDecoder,
    lattice: Lattice,
    sampling: Sampling,
    share: int,
    contribute: Callable[[Tensor, Tensor, Tensor], Tensor],
) -> Floats:
    """Return what each of the sequences drawn at a cell's centre contributes, `(H, W, prefixes, k)`.

    `contribute` takes plane points `(R, 2)`, tokens `(R, T)` and which of them come before the end, and returns
    `(R, k)`; batches are smaller than the decoder's own by `share`.
    """
    decoder.probe(lattice)
    count = int(sampling.prefixes)
    cells = lattice.cells.reshape(-1, 2)
    found = []
    with decoder.evaluation_mode():
        for tile in split_tiles(len(cells), decoder, count):
            uniforms = draw_uniforms(lattice, cells[tile], count, decoder.max_length, sampling.seed)
            points = torch.from_numpy(cells[tile].copy()).to(device=decoder.device, dtype=decoder.dtype)
            points = points.repeat_interleave(count, 0)
            with torch.no_grad():
                tokens = decoder.write_at_random(embed_points(decoder, lattice, points), uniforms)

            def contribute_rows(rows: Tensor, tokens: Tensor, points: Tensor = points) -> Tensor:
                return contribute(points[rows], tokens, mark_alive(decoder, tokens))

            found.append(evaluate_by_length(decoder, tokens, share, contribute_rows))
    return np.concatenate(found).reshape(*lattice.shape, count, -1)


def evaluate_by_length(
    decoder: SequenceDecoder, tokens: Tensor, share: int, contribute: Callable[[Tensor, Tensor], Tensor]
) -> Floats:
    """Evaluate sequences batch by batch, short ones together, so that nothing is computed after their ends.

    `contribute` takes the rows of a batch and their tokens, cut to the longest of them, and returns `(R, ...)`.
    """
    lengths = decoder.count_tokens(tokens)
    order = torch.argsort(lengths)
    batches = torch.split(order, decoder.rows_at_once(share))
    parts = [contribute(rows, tokens[rows, : int(lengths[rows].max())]) for rows in batches]
    found = torch.empty((len(tokens), *parts[0].shape[1:]), dtype=parts[0].dtype, device=parts[0].device)
    found[order] = torch.cat(parts)
    return np.asarray(found.cpu().numpy())


def mark_alive(decoder: SequenceDecoder, tokens: Tensor) -> Tensor:
    """Tell which tokens `(R, T)` come before the end of their sequence, or are its end."""
    return torch.arange(tokens.shape[1], device=tokens.device) < decoder.count_tokens(tokens)[:, None]


def split_tiles(places: int, decoder: SequenceDecoder, count: int) -> Iterator[slice]:
    """Cut so many places into tiles that the sequences of one, `count` each, fit a batch."""
    step = max(1, decoder.rows_at_once() // count)
    return (slice(k, min(k + step, places)) for k in range(0, places, step))


def draw_uniforms(lattice: Lattice, points: Floats, count: int, length: int, seed: int) -> Tensor:
    """Return random numbers in [0, 1), `(n·count, length)`, for `count` sequences at each of n plane points."""
    places = np.rint(points / lattice.spacing * STEPS_PER_CELL).astype(np.int64).view(np.uint64)
    key = np.full(len(points), seed % 2**64, dtype=np.uint64)
    for axis in range(2):
        key = _mix_bits(key ^ _mix_bits(places[:, axis]))
    counter = np.arange(1, count * length + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    bits = _mix_bits(key[:, None] + counter) >> np.uint64(11)
    return torch.from_numpy((bits * 2.0**-53).reshape(-1, length))


def _mix_bits(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return SplitMix64's output for a state: one step and its finaliser."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)))
