"""Metric fields of sequence decoders by the chain rule over tokens ([5], [10]): sums over places, means over prefixes.

Prefixes are drawn at the corners of the lattice and serve all cells around: a cell's six divergences come from the same
prefixes, so that its tensor is a mean of semi-definite ones. Where the metric is differentiated, they are drawn at the
centres.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from latent_widget._arrays import Floats
from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.decoders.sequence import SequenceDecoder
from latent_widget.measures.autodiff.metric import embed_points
from latent_widget.measures.sequences.derivatives import differentiate_logits
from latent_widget.measures.sequences.divergences import JENSEN_SHANNON, KL, Divergence, compare_ends
from latent_widget.measures.sequences.prefixes import (
    Sampling,
    draw_uniforms,
    evaluate_at_centres,
    evaluate_by_length,
    split_tiles,
)

SHARE = 4
"""Batches are smaller than the decoder's own by this, for what is computed from the logits in float64."""
QUADRANTS = ((0, 0), (0, 1), (1, 0), (1, 1))
PAIRS = ((0, 1), (2, 3), (0, 2), (1, 3), (0, 3), (1, 2))
"""Ends compared, numbered as QUADRANTS are: along x below and above, along y left and right, rising, falling."""


@dataclass(frozen=True, eq=False)
class Estimate:
    """The entries E, F, G of every cell's tensor as means over prefixes `(H, W, 3)`, and the means' covariance."""

    mean: Floats
    covariance: Floats


def measure_jensen_shannon(decoder: SequenceDecoder, lattice: Lattice, sampling: Sampling, floor: float | str) -> Field:
    """Measure 8·JSD of the sequences at a cell's corners, Σ_t E_m[(π_a + π_b)/ρ JSD_w(p_a, p_b)], w = π_a/(π_a + π_b).

    ρ is the share of the pair in the mixture of all four, ½. `info["standard_error"]` is that of the density `(H, W)`.
    """
    return _measure_by_corners(decoder, lattice, JENSEN_SHANNON, sampling, floor)


def measure_kl(decoder: SequenceDecoder, lattice: Lattice, sampling: Sampling, floor: float | str) -> Field:
    """Measure KL(p ‖ q) + KL(q ‖ p) of the sequences at a cell's corners, by the same prefixes."""
    return _measure_by_corners(decoder, lattice, KL, sampling, floor)


def measure_fisher_rao(decoder: SequenceDecoder, lattice: Lattice, sampling: Sampling, floor: float | str) -> Field:
    """Measure Σ_t E_{x_<t ~ p} J_tᵀ F_t J_t at the centres, J_t the logits' derivative, F_t the softmax's."""
    push, how = differentiate_logits(decoder, lattice)

    def contribute(points: Tensor, tokens: Tensor, alive: Tensor) -> Tensor:
        value, *tangents = (part.double() / decoder.temperature for part in push(points, tokens))
        p = torch.softmax(value, -1)
        # the covariance about the mean, which does not cancel; −inf logits have no tangent
        slopes = [torch.where(p > 0, tangent, 0.0) for tangent in tangents]
        x, y = (v - (p * v).sum(-1, keepdim=True) for v in slopes)
        return torch.stack([((p * a * b).sum(-1) * alive).sum(-1) for a, b in ((x, x), (x, y), (y, y))], dim=-1)

    per_prefix = evaluate_at_centres(decoder, lattice, sampling, 12, contribute)
    estimate = Estimate(per_prefix.mean(2), _estimate_covariance(per_prefix))
    return _make_field(decoder, lattice, ("fisher_rao", how), estimate, sampling, floor)


def measure_entropy(decoder: SequenceDecoder, lattice: Lattice, sampling: Sampling) -> tuple[Floats, Floats]:
    """Return the entropy of the sequences at the centres, Σ_t E H(p_t) in nats `(H, W)`, with standard error."""

    def contribute(points: Tensor, tokens: Tensor, alive: Tensor) -> Tensor:
        log_p = decoder.log_probabilities(embed_points(decoder, lattice, points), tokens)
        entropy: Tensor = torch.special.entr(log_p.exp()).sum(-1)
        return (entropy * alive).sum(-1, keepdim=True)

    with torch.no_grad():
        per_prefix = evaluate_at_centres(decoder, lattice, sampling, 2, contribute)[..., 0]
    return per_prefix.mean(2), per_prefix.std(2, ddof=1) / math.sqrt(per_prefix.shape[2])


def _measure_by_corners(
    decoder: SequenceDecoder, lattice: Lattice, divergence: Divergence, sampling: Sampling, floor: float | str
) -> Field:
    """Draw a quarter of the prefixes at each corner, and let each serve the four cells around it."""
    decoder.probe(lattice)
    count = -(-int(sampling.prefixes) // 4)
    rows, columns = lattice.shape
    latents = decoder.place_latents(lattice.embed(lattice.corners)).reshape(rows + 1, columns + 1, -1)
    contribute = _compare_around(decoder, lattice, latents, divergence)
    mean, covariance = np.zeros((rows, columns, 3)), np.zeros((rows, columns, 3, 3))
    spots = np.indices((rows + 1, columns + 1)).reshape(2, -1)
    with decoder.evaluation_mode(), torch.no_grad():
        for tile in split_tiles(spots.shape[1], decoder, count):
            i, j = spots[:, tile]
            uniforms = draw_uniforms(lattice, lattice.corners[i, j], count, decoder.max_length, sampling.seed)
            a, b = (torch.from_numpy(v).to(decoder.device).repeat_interleave(count) for v in (i, j))
            tokens = decoder.write_at_random(latents[a, b], uniforms)
            added = evaluate_by_length(decoder, tokens, 9 * SHARE, partial(contribute, a, b))
            added = divergence.constant * added.reshape(len(i), count, 4, 3)
            for k, (down, left) in enumerate(QUADRANTS):
                ci, cj = i - 1 + down, j - 1 + left
                inside = (ci >= 0) & (ci < rows) & (cj >= 0) & (cj < columns)
                # no cell meets two corners of a tile from the same side, so that no sum is lost
                mean[ci[inside], cj[inside]] += added[inside, :, k].mean(1) / 4
                covariance[ci[inside], cj[inside]] += _estimate_covariance(added[inside, :, k]) / 16
    names = (divergence.name, "corner polarisation")
    drawn = replace(sampling, prefixes=4 * count)
    return _make_field(decoder, lattice, names, Estimate(mean, covariance), drawn, floor)


def _compare_around(
    decoder: SequenceDecoder, lattice: Lattice, latents: Tensor, divergence: Divergence
) -> Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]:
    """Return what sequences drawn at corners (i, j) add to the tensors of the four cells around, `(R, 4, 3)`.

    The function takes i and j of every sequence, the rows of a batch and their tokens.
    """
    (rows, columns), (dx, dy) = lattice.shape, lattice.spacing
    to_tensor = torch.tensor(
        [
            [1 / (2 * dx * dx), 1 / (2 * dx * dx), 0, 0, 0, 0],
            [0, 0, 0, 0, 1 / (4 * dx * dy), -1 / (4 * dx * dy)],
            [0, 0, 1 / (2 * dy * dy), 1 / (2 * dy * dy), 0, 0],
        ],
        dtype=torch.float64,
        device=decoder.device,
    )
    steps = torch.arange(-1, 2, device=decoder.device)

    def contribute(i: Tensor, j: Tensor, batch: Tensor, tokens: Tensor) -> Tensor:
        above = (i[batch, None, None] + steps[:, None]).clamp(0, rows)
        beside = (j[batch, None, None] + steps).clamp(0, columns)
        z = latents[above, beside].flatten(0, 2)
        spread = tokens[:, None].expand(-1, 9, -1).flatten(0, 1)
        nine = decoder.log_probabilities(z, spread).reshape(len(tokens), 9, tokens.shape[1], -1)
        found = []
        for down, left in QUADRANTS:
            four = [nine[:, 3 * (down + k) + left + m] for k, m in QUADRANTS]
            found.append(compare_ends(decoder, four, tokens, divergence, PAIRS) @ to_tensor.T)
        return torch.stack(found, dim=1)

    return contribute


def _estimate_covariance(samples: Floats) -> Floats:
    """Return the covariance of the mean of samples `(..., n, 3)`: `(..., 3, 3)`."""
    n = samples.shape[-2]
    centred = samples - samples.mean(-2, keepdims=True)
    return np.asarray(np.swapaxes(centred, -1, -2) @ centred / (n * (n - 1)))


def _make_field(
    decoder: SequenceDecoder,
    lattice: Lattice,
    names: tuple[str, str],
    estimate: Estimate,
    sampling: Sampling,
    floor: float | str,
) -> Field:
    """Make the field of an estimate, with the density's standard error by the delta method.

    `names` are those of the measure and of its method.
    """
    name, how = names
    e, f, g = np.moveaxis(estimate.mean, -1, 0)
    density = np.sqrt(np.maximum(e * g - f * f, np.finfo(float).tiny))
    # d√det G = ½ √det G · tr(G⁻¹ dG)
    slope = np.stack([g, -2 * f, e], axis=-1) / (2 * density[..., None])
    error = np.sqrt(np.einsum("...i,...ij,...j->...", slope, estimate.covariance, slope))
    info = {
        "measure": name,
        "method": f"chain rule over tokens, {how}",
        "output": f"sequences of {len(decoder.vocabulary)} tokens, length <= {decoder.max_length}",
        "prefixes": sampling.prefixes,
        "seed": sampling.seed,
        "standard_error": error,
    }
    return Field(lattice, np.stack([np.stack([e, f], -1), np.stack([f, g], -1)], -2), info, floor)
