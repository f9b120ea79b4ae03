"""The symmetrised Kullback–Leibler divergence ([5]), from closed forms that do not cancel, by polarisation."""

import torch
from torch import Tensor
from torch.distributions import (
    Bernoulli,
    Beta,
    Categorical,
    Exponential,
    Gamma,
    LogNormal,
    Normal,
    OneHotCategorical,
    Poisson,
)

from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.decoders.decoder import Decoder
from latent_widget.decoders.sequence import SequenceDecoder
from latent_widget.measures.sequences import chain_rule
from latent_widget.measures.sequences.prefixes import Sampling
from latent_widget.measures.statistical_distances.corners import measure_by_corners
from latent_widget.measures.statistical_distances.families import Table, log_chances, log_probabilities
from latent_widget.measures.tiling import local


@local
def kl(
    decoder: Decoder | SequenceDecoder, lattice: Lattice, *, floor: float | str = 0.0, prefixes: int = 32, seed: int = 0
) -> Field:
    """Measure by the symmetrised Kullback–Leibler divergence: squared length KL(p ‖ q) + KL(q ‖ p) of a cell's corners.

    Each half is ½ of the Fisher–Rao length squared to second order [5]; one half alone is only first-order accurate.
    For exponential families it is ⟨Δη, Δm⟩, natural by mean parameters, which does not cancel. Independent factors are
    summed; a `SequenceDecoder` is measured by the exact chain rule over tokens along sampled prefixes.

    Parameters
    ----------
    decoder : Decoder or SequenceDecoder
        One that returns Normal, LogNormal, Bernoulli, Categorical, OneHotCategorical, Poisson, Exponential, Gamma or
        Beta, `Independent` or not, or sequences.
    lattice : Lattice
        Where it is measured; a plane or a box, of sequences a plane.
    floor : float or str
        The smallest eigenvalue allowed, or "1%" of their mean; smaller ones are raised to it.
    prefixes : int
        Sequences sampled for every cell, of a sequence decoder; at least 8.
    seed : int
        Seed of the sampling.

    Returns
    -------
    Field
        In nats per squared plane unit; of sequences `info["standard_error"] (H, W)` is that of the density.

    Raises
    ------
    ValueError
        For other outputs, and where the metric is not positive definite.
    """
    if isinstance(decoder, SequenceDecoder):
        return chain_rule.measure_kl(decoder, lattice, Sampling(prefixes, seed), floor)
    return measure_by_corners(decoder, lattice, "kl", 1.0, _KL, floor)


def _compare_normal(p: Normal | LogNormal, q: Normal | LogNormal) -> Tensor:
    (m0, s0), (m1, s1) = ((d.loc.double(), d.scale.double()) for d in (p, q))
    # σ₀²/σ₁² + σ₁²/σ₀² − 2 written as a square
    return 0.5 * (s0 / s1 - s1 / s0).square() + 0.5 * (m0 - m1).square() * (s0**-2 + s1**-2)


def _compare_discrete(log_p: Tensor, log_q: Tensor) -> Tensor:
    gap = log_p - log_q
    # p − q from the gap of the logarithms, which keeps its digits when both are close; 0 · ∞ where neither occurs
    change = torch.where(gap > 0, -torch.expm1(-gap) * log_p.exp(), torch.expm1(gap) * log_q.exp())
    return torch.where(torch.isnan(gap), 0.0, gap * change).sum(-1)


def _compare_poisson(p: Poisson, q: Poisson) -> Tensor:
    a, b = p.rate.double(), q.rate.double()
    return (a - b) * torch.log(a / b)


def _compare_exponential(p: Exponential, q: Exponential) -> Tensor:
    a, b = p.rate.double(), q.rate.double()
    return (a - b).square() / (a * b)


def _compare_gamma(p: Gamma, q: Gamma) -> Tensor:
    (k0, r0), (k1, r1) = ((d.concentration.double(), d.rate.double()) for d in (p, q))
    logs = torch.digamma(k0) - torch.digamma(k1) - torch.log(r0 / r1)
    return (k0 - k1) * logs + (r1 - r0) * (k0 / r0 - k1 / r1)


def _compare_beta(p: Beta, q: Beta) -> Tensor:
    (a0, b0), (a1, b1) = ((d.concentration1.double(), d.concentration0.double()) for d in (p, q))
    total = torch.digamma(a0 + b0) - torch.digamma(a1 + b1)
    first, second = torch.digamma(a0) - torch.digamma(a1), torch.digamma(b0) - torch.digamma(b1)
    return (a0 - a1) * (first - total) + (b0 - b1) * (second - total)


_KL: Table = {
    (Normal, LogNormal): _compare_normal,
    (Bernoulli,): lambda p, q: _compare_discrete(log_chances(p), log_chances(q)),
    (Categorical, OneHotCategorical): lambda p, q: _compare_discrete(log_probabilities(p), log_probabilities(q)),
    (Poisson,): _compare_poisson,
    (Exponential,): _compare_exponential,
    (Gamma,): _compare_gamma,
    (Beta,): _compare_beta,
}
