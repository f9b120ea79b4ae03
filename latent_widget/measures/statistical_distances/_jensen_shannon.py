"""The Jensen–Shannon divergence between decoded distributions (Endres and Schindelin 2003, [10]), by polarisation.

It is integrated without cancellation: in closed form for discrete families, by the trapezium rule for the others, and
for Gaussians that are close by a polynomial fitted to that rule.
"""

import math
import warnings
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.distributions import (
    Bernoulli,
    Categorical,
    Distribution,
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
from latent_widget.measures.statistical_distances.families import (
    Table,
    evaluate_jsd_integrand,
    has_entry,
    log_chances,
    log_probabilities,
    look_up,
    sum_over_factors,
)
from latent_widget.measures.statistical_distances.monte_carlo import measure_by_samples
from latent_widget.measures.tiling import local

CLOSE = (1.0, 0.09)
"""Largest Δμ²/(σ₀σ₁) and log²(σ₁/σ₀) of two Gaussians whose divergence is taken from a polynomial."""
DEGREE = 11
"""Its total degree; the relative error is below 1e-6, as tests/test_divergence.py checks."""
MOST_STEPS = 1024
"""Most steps of integration over two Gaussians that are not close."""


@local
def jensen_shannon(
    decoder: Decoder | SequenceDecoder,
    lattice: Lattice,
    *,
    floor: float | str = 0.0,
    samples: int = 256,
    prefixes: int = 32,
    seed: int = 0,
) -> Field:
    """Measure how surely decoded distributions are told apart: squared length 8·JSD of a cell's corners.

    JSD(p, q) = ½ KL(p ‖ m) + ½ KL(q ‖ m), m = ½(p + q) [10]; 8·JSD tends to the Fisher–Rao length squared as the
    lattice is refined [5]. Outputs of independent factors (pixels) are measured factor by factor and summed: the
    product's own divergence has no closed form and saturates at ln 2; both have the same limit. One decode per corner,
    no gradient. A `SequenceDecoder` is measured by the exact chain rule over tokens along sampled prefixes.

    Parameters
    ----------
    decoder : Decoder or SequenceDecoder
        One that returns distributions or sequences. Normal, LogNormal, Bernoulli, Categorical, OneHotCategorical,
        Poisson, Exponential and Gamma, `Independent` or not, are integrated exactly; any other is sampled.
    lattice : Lattice
        Where it is measured; a plane or a box, of sequences a plane.
    floor : float or str
        The smallest eigenvalue allowed, or "1%" of their mean; smaller ones are raised to it.
    samples : int
        Outcomes sampled at each corner, of families without a closed form; at least 8.
    prefixes : int
        Sequences sampled for every cell, of a sequence decoder; at least 8.
    seed : int
        Seed of the sampling.

    Returns
    -------
    Field
        In nats per squared plane unit; where it was sampled, `info["standard_error"] (H, W)` is that of the density.

    Raises
    ------
    ValueError
        For outputs that are no distributions, and where the metric is not positive definite.
    """
    if isinstance(decoder, SequenceDecoder):
        return chain_rule.measure_jensen_shannon(decoder, lattice, Sampling(prefixes, seed), floor)
    probed = decoder.probe(lattice)
    if isinstance(probed, Distribution) and not has_entry(probed, _JSD):
        return measure_by_samples(decoder, lattice, probed, samples, seed, floor)
    return measure_by_corners(decoder, lattice, "jensen_shannon", 8.0, _JSD, floor)


def compute_jsd(p: Any, q: Any) -> Tensor:
    """Return the Jensen–Shannon divergence of two like distributions, in nats, summed over independent factors.

    It is ∫ m·D(t) with t = (p − q) / (p + q) and D(t) = ½[(1 + t) log(1 + t) + (1 − t) log(1 − t)], evaluated in
    float64 through log1p, so that it does not cancel for close pairs.
    """
    return sum_over_factors(look_up(p, _JSD, "jensen_shannon"), p, q)


def _compare_discrete(log_p: Tensor, log_q: Tensor) -> Tensor:
    p, q = log_p.exp(), log_q.exp()
    t = torch.tanh((log_p - log_q) / 2)
    # where both probabilities are zero the difference of their logarithms is NaN, and nothing is to be told apart
    return ((p + q) / 2 * evaluate_jsd_integrand(torch.where((p == 0) & (q == 0), 0.0, t))).sum(-1)


def _compare_normal(p: Normal | LogNormal, q: Normal | LogNormal) -> Tensor:
    """JSD depends on a = Δμ²/(σ₀σ₁) and b = log²(σ₁/σ₀) alone: a polynomial in them when close, else an integral."""
    (m0, s0), (m1, s1) = ((d.loc.double(), d.scale.double()) for d in (p, q))
    a, b = (m1 - m0).square() / (s0 * s1), (s1 / s0).log().square()
    found = _evaluate_polynomial(_fit_polynomial(), a, b)
    far = (a > CLOSE[0]) | (b > CLOSE[1])
    if far.any():
        found[far] = _integrate_normal(m0[far], s0[far], m1[far], s1[far])
    return found


def _integrate_normal(m0: Tensor, s0: Tensor, m1: Tensor, s1: Tensor) -> Tensor:
    """Integrate by the trapezium rule, exponentially accurate here: 7σ either side, in steps of half the least σ."""
    low, high = torch.minimum(m0 - 7 * s0, m1 - 7 * s1), torch.maximum(m0 + 7 * s0, m1 + 7 * s1)
    steps = math.ceil(float(((high - low) / (0.5 * torch.minimum(s0, s1))).max()))
    if steps > MOST_STEPS:
        warnings.warn(
            f"jensen_shannon: neighbouring cells are Gaussians so far apart (or of so different σ) that {steps} steps "
            f"of integration were needed and {MOST_STEPS} taken; their divergence is rough, refine the lattice there",
            stacklevel=2,
        )
        steps = MOST_STEPS
    step = (high - low) / steps
    total = torch.zeros_like(step)
    # a loop over nodes, because all nodes at once would need `steps` times the memory of the decoded corners
    for k in range(1, steps):
        x = low + k * step
        log_p = -0.5 * ((x - m0) / s0) ** 2 - torch.log(s0)
        log_q = -0.5 * ((x - m1) / s1) ** 2 - torch.log(s1)
        total += (log_p.exp() + log_q.exp()) * evaluate_jsd_integrand(torch.tanh((log_p - log_q) / 2))
    return total * step / math.sqrt(8 * math.pi)


def _compare_poisson(p: Poisson, q: Poisson) -> Tensor:
    """Sum over counts, up to where what is left of the larger rate is below 1e-20."""
    rates = torch.stack([p.rate.double(), q.rate.double()])
    largest = float(rates.max())
    total = torch.zeros_like(rates[0])
    for k in range(math.ceil(largest + 12 * math.sqrt(largest) + 24)):
        log_p, log_q = torch.special.xlogy(k, rates) - rates - math.lgamma(k + 1)
        t = torch.tanh((log_p - log_q) / 2)
        total += 0.5 * (log_p.exp() + log_q.exp()) * evaluate_jsd_integrand(torch.nan_to_num(t))
    return total


def _compare_gamma(p: Gamma | Exponential, q: Gamma | Exponential) -> Tensor:
    """Integrate over y = log x, where both densities fall off at least exponentially, by the trapezium rule."""
    k, r = (
        torch.stack([getattr(d, name, torch.ones_like(d.rate)).double() for d in (p, q)])
        for name in ("concentration", "rate")
    )
    normal = k * r.log() - torch.lgamma(k)
    low = ((k / r).log() - 1 - 32 / k).amin(0)
    high = ((k + 12 * k.sqrt() + 40) / r).log().amax(0)
    steps = math.ceil(float(((high - low) * k.amax(0).sqrt().clamp_min(1)).max()) / 0.3)
    step = (high - low) / steps
    total = torch.zeros_like(step)
    for n in range(steps + 1):
        y = low + n * step
        log_p, log_q = normal + k * y - r * y.exp()
        total += 0.5 * (log_p.exp() + log_q.exp()) * evaluate_jsd_integrand(torch.tanh((log_p - log_q) / 2))
    return total * step


@lru_cache(maxsize=1)
def _fit_polynomial() -> list[list[float]]:
    """Fit JSD(a, b) on the box of close pairs: a/8 + b/4 as it must begin, and powers up to DEGREE by least squares."""
    nodes = 0.5 - 0.5 * torch.cos(math.pi * (torch.arange(24, dtype=torch.float64) + 0.5) / 24)
    a, b = (v.flatten() for v in torch.meshgrid(CLOSE[0] * nodes, CLOSE[1] * nodes, indexing="ij"))
    # one pair for each (a, b): σ₀ = 1 / σ₁ = exp(−√b / 2), so that σ₀σ₁ = 1
    spread = torch.exp(b.sqrt() / 2)
    exact = _integrate_normal(torch.zeros_like(a), 1 / spread, a.sqrt(), spread)
    begins = a / 8 + b / 4
    powers = [(i, j) for i in range(DEGREE + 1) for j in range(DEGREE + 1 - i) if i + j >= 2]
    columns = torch.stack([(a / CLOSE[0]) ** i * (b / CLOSE[1]) ** j for i, j in powers], dim=1)
    # rows divided by the value, so that the relative error is what is made small
    fitted = torch.linalg.lstsq(
        columns / begins[:, None], ((exact - begins) / begins)[:, None], driver="gelsd"
    ).solution
    rows = [[0.0] * (DEGREE + 1 - i) for i in range(DEGREE + 1)]
    rows[1][0], rows[0][1] = 1 / 8, 1 / 4
    for (i, j), value in zip(powers, fitted.flatten().tolist(), strict=True):
        rows[i][j] = value / (CLOSE[0] ** i * CLOSE[1] ** j)
    return rows


def _evaluate_polynomial(rows: list[list[float]], a: Tensor, b: Tensor) -> Tensor:
    """Horner's rule in a, its coefficients by Horner's rule in b."""
    total = torch.zeros_like(a)
    inner = torch.empty_like(a)
    for row in reversed(rows):
        inner.fill_(row[-1])
        for value in reversed(row[:-1]):
            inner.mul_(b).add_(value)
        total.mul_(a).add_(inner)
    return total


_JSD: Table = {
    (Normal, LogNormal): _compare_normal,  # a change of variable is nothing to a divergence
    (Bernoulli,): lambda p, q: _compare_discrete(log_chances(p), log_chances(q)),
    (Categorical, OneHotCategorical): lambda p, q: _compare_discrete(log_probabilities(p), log_probabilities(q)),
    (Poisson,): _compare_poisson,
    (Gamma, Exponential): _compare_gamma,
}
