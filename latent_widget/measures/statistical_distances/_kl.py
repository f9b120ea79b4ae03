"""Symmetrised Kullback–Leibler, Hellinger and Wasserstein measures, each from closed forms that do not cancel."""

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
from latent_widget.measures.sequences import chain_rule as sequences
from latent_widget.measures.statistical_distances._jensen_shannon import Table, by_corners
from latent_widget.measures.tiling import local


@local
def kl(
    decoder: Decoder | SequenceDecoder, lattice: Lattice, *, floor: float = 0.0, prefixes: int = 32, seed: int = 0
) -> Field:
    """Measure by the symmetrised Kullback–Leibler divergence: squared length KL(p ‖ q) + KL(q ‖ p), in nats.

    Each half is ½ of the Fisher–Rao length squared to second order [5]; one half alone is only first-order accurate.
    For exponential families it is ⟨Δη, Δm⟩, natural by mean parameters, which does not cancel. Serves Normal,
    LogNormal, Bernoulli, Categorical, OneHotCategorical, Poisson, Exponential, Gamma and Beta, `Independent` or not.

    A `SequenceDecoder` is measured by the exact chain rule over tokens along `prefixes` sampled sequences per cell
    (default 32), reproducible by `seed`; `info["standard_error"] (H, W)` is that of the density.

    Raises `ValueError` for other outputs, and where the metric is not positive definite.
    """
    if isinstance(decoder, SequenceDecoder):
        return sequences.kl(decoder, lattice, prefixes, seed, floor)
    return by_corners(decoder, lattice, "kl", 1.0, _KL, floor)


@local
def hellinger(decoder: Decoder, lattice: Lattice, *, floor: float = 0.0) -> Field:
    """Measure by the Hellinger distance: squared length 8·H², H² = ½ ∫ (√p − √q)², of the cell's corners.

    8·H² tends to the Fisher–Rao length squared as the lattice is refined; independent factors are summed. Serves
    Normal, LogNormal, Bernoulli, Categorical, OneHotCategorical and Poisson, `Independent` or not.

    Raises `ValueError` for other outputs, and where the metric is not positive definite.
    """
    return by_corners(decoder, lattice, "hellinger", 8.0, _HELLINGER, floor)


@local
def wasserstein(decoder: Decoder, lattice: Lattice, *, floor: float = 0.0) -> Field:
    """Measure by the 2-Wasserstein distance of diagonal Gaussians, squared length |Δμ|² + |Δσ|².

    Units: squared output units. The field is that of the pull-back of (μ, σ), taken from chords between corners.
    Raises `ValueError` for outputs other than Normal, and where the metric is not positive definite.
    """
    return by_corners(decoder, lattice, "wasserstein", 1.0, {(Normal,): _transported}, floor)


def _transported(p: Normal, q: Normal) -> Tensor:
    return (p.loc.double() - q.loc.double()).square() + (p.scale.double() - q.scale.double()).square()


def _gaussian(d: Normal | LogNormal) -> tuple[Tensor, Tensor]:
    return d.loc.double(), d.scale.double()


def _kl_gaussian(p: Normal, q: Normal) -> Tensor:
    (m0, s0), (m1, s1) = _gaussian(p), _gaussian(q)
    # σ₀²/σ₁² + σ₁²/σ₀² − 2 written as a square
    return 0.5 * (s0 / s1 - s1 / s0).square() + 0.5 * (m0 - m1).square() * (s0**-2 + s1**-2)


def _hellinger_gaussian(p: Normal, q: Normal) -> Tensor:
    (m0, s0), (m1, s1) = _gaussian(p), _gaussian(q)
    spread = 0.5 * (s0 - s1).square() / (s0 * s1)
    return -torch.expm1(-0.5 * torch.log1p(spread) - 0.25 * (m0 - m1).square() / (s0.square() + s1.square()))


def _log_chances(d: Bernoulli) -> Tensor:
    signs = torch.tensor([1.0, -1.0], dtype=torch.float64)
    return torch.nn.functional.logsigmoid(d.logits.double()[..., None] * signs)


def _log_probabilities(d: Categorical | OneHotCategorical) -> Tensor:
    return torch.log_softmax(d.logits.double(), dim=-1)


def _kl_discrete(log_p: Tensor, log_q: Tensor) -> Tensor:
    gap = log_p - log_q
    # p − q from the gap of the logarithms, which keeps its digits when both are close; 0 · ∞ where neither occurs
    change = torch.where(gap > 0, -torch.expm1(-gap) * log_p.exp(), torch.expm1(gap) * log_q.exp())
    return torch.where(torch.isnan(gap), 0.0, gap * change).sum(-1)


def _hellinger_discrete(log_p: Tensor, log_q: Tensor) -> Tensor:
    top, gap = torch.maximum(log_p, log_q), (log_p - log_q).abs()
    parts = top.exp() * torch.expm1(-0.5 * gap).square()
    return 0.5 * torch.where(torch.isnan(gap), 0.0, parts).sum(-1)


def _kl_poisson(p: Poisson, q: Poisson) -> Tensor:
    a, b = p.rate.double(), q.rate.double()
    return (a - b) * torch.log(a / b)


def _hellinger_poisson(p: Poisson, q: Poisson) -> Tensor:
    a, b = p.rate.double(), q.rate.double()
    return -torch.expm1(-0.5 * ((a - b) / (a.sqrt() + b.sqrt())).square())


def _kl_exponential(p: Exponential, q: Exponential) -> Tensor:
    a, b = p.rate.double(), q.rate.double()
    return (a - b).square() / (a * b)


def _kl_gamma(p: Gamma, q: Gamma) -> Tensor:
    (k0, r0), (k1, r1) = ((d.concentration.double(), d.rate.double()) for d in (p, q))
    logs = torch.digamma(k0) - torch.digamma(k1) - torch.log(r0 / r1)
    return (k0 - k1) * logs + (r1 - r0) * (k0 / r0 - k1 / r1)


def _kl_beta(p: Beta, q: Beta) -> Tensor:
    (a0, b0), (a1, b1) = ((d.concentration1.double(), d.concentration0.double()) for d in (p, q))
    total = torch.digamma(a0 + b0) - torch.digamma(a1 + b1)
    first, second = torch.digamma(a0) - torch.digamma(a1), torch.digamma(b0) - torch.digamma(b1)
    return (a0 - a1) * (first - total) + (b0 - b1) * (second - total)


_KL: Table = {
    (Normal, LogNormal): _kl_gaussian,
    (Bernoulli,): lambda p, q: _kl_discrete(_log_chances(p), _log_chances(q)),
    (Categorical, OneHotCategorical): lambda p, q: _kl_discrete(_log_probabilities(p), _log_probabilities(q)),
    (Poisson,): _kl_poisson,
    (Exponential,): _kl_exponential,
    (Gamma,): _kl_gamma,
    (Beta,): _kl_beta,
}

_HELLINGER: Table = {
    (Normal, LogNormal): _hellinger_gaussian,
    (Bernoulli,): lambda p, q: _hellinger_discrete(_log_chances(p), _log_chances(q)),
    (Categorical, OneHotCategorical): lambda p, q: _hellinger_discrete(_log_probabilities(p), _log_probabilities(q)),
    (Poisson,): _hellinger_poisson,
}
