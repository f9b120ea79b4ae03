"""Divergences between decoded distributions, each over its constant a measure of the Fisher–Rao metric."""

import math
import warnings
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.distributions import (
    Bernoulli,
    Categorical,
    Distribution,
    Exponential,
    Gamma,
    Independent,
    LogNormal,
    Normal,
    OneHotCategorical,
    Poisson,
)

from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.decoders import outputs
from latent_widget.decoders.decoder import Decoder
from latent_widget.decoders.sequence import SequenceDecoder
from latent_widget.measures.polarisation import polarised
from latent_widget.measures.sequences import chain_rule as sequences
from latent_widget.measures.statistical_distances.monte_carlo import jensen_shannon_by_samples
from latent_widget.measures.tiling import local

Pointwise = Callable[[Any, Any], Tensor]
Table = dict[tuple[type[Distribution], ...], Pointwise]
Entry = TypeVar("Entry")

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
    floor: float = 0.0,
    samples: int = 256,
    prefixes: int = 32,
    seed: int = 0,
) -> Field:
    """Measure how well decoded distributions can be told apart: squared length 8·JSD, in nats, of the cell's corners.

    JSD(p, q) = ½ KL(p ‖ m) + ½ KL(q ‖ m), m = ½(p + q) [10]; 8·JSD tends to the Fisher–Rao length squared as the
    lattice is refined [5]. Outputs of independent factors (pixels) are measured factor by factor and summed: the
    product's own divergence has no closed form and saturates at ln 2; both have the same limit. One decode per
    corner, no gradient. Normal, LogNormal, Bernoulli, Categorical, OneHotCategorical, Poisson, Exponential and Gamma,
    `Independent` or not, are integrated exactly; any other distribution is sampled, `samples` outcomes of each corner,
    reproducible by `seed`, and `info["standard_error"] (H, W)` is that of the density.

    A `SequenceDecoder` is measured by the exact chain rule over tokens along `prefixes` sampled sequences per cell
    (default 32), reproducible by `seed`; `info["standard_error"] (H, W)` is that of the density.

    Raises `ValueError` for other outputs, and where the metric is not positive definite.
    """
    if isinstance(decoder, SequenceDecoder):
        return sequences.jensen_shannon(decoder, lattice, prefixes, seed, floor)
    probed = decoder.probe(lattice)
    if isinstance(probed, Distribution) and not has_entry(probed, _JSD):
        return jensen_shannon_by_samples(decoder, lattice, probed, samples, seed, floor)
    return by_corners(decoder, lattice, "jensen_shannon", 8.0, _JSD, floor)


def by_corners(
    decoder: Decoder, lattice: Lattice, name: str, constant: float, table: Table, floor: float = 0.0
) -> Field:
    """Measure a divergence between a cell's decoded corners: squared length `constant` times the divergence.

    `table` holds the divergence of each family that has one; independent factors are summed. Raises `ValueError`,
    listing the families, for other outputs.
    """
    probed = decoder.probe(lattice)
    pointwise = looked_up(probed, table, name)
    corners = decoder(lattice.embed(lattice.corners))
    metric = constant * polarised(lattice, corners, lambda p, q: summed(pointwise, p, q))
    info = {"measure": name, "method": "corner polarisation", "output": outputs.kind(probed)}
    return Field(lattice, metric, info, floor)


def jsd(p: Any, q: Any) -> Tensor:
    """Return the Jensen–Shannon divergence of two like distributions, in nats, summed over independent factors.

    It is ∫ m·D(t) with t = (p − q) / (p + q) and D(t) = ½[(1 + t) log(1 + t) + (1 − t) log(1 − t)], evaluated in
    float64 through log1p, so that it does not cancel for close pairs.
    """
    return summed(looked_up(p, _JSD, "jensen_shannon"), p, q)


def summed(pointwise: Pointwise, p: Any, q: Any) -> Tensor:
    """Sum a divergence of one family over the independent factors of two like distributions."""
    if not isinstance(p, Independent):
        return pointwise(p, q)
    factors = p.reinterpreted_batch_ndims
    found = pointwise(p.base_dist, q.base_dist)
    return found.sum(dim=tuple(range(-factors, 0))) if factors else found


def has_entry(distribution: Any, table: Mapping[tuple[type[Distribution], ...], Any]) -> bool:
    """Tell whether a distribution's family is in a table."""
    base = distribution.base_dist if isinstance(distribution, Independent) else distribution
    return any(isinstance(base, families) for families in table)


def looked_up(distribution: Any, table: Mapping[tuple[type[Distribution], ...], Entry], name: str) -> Entry:
    """Find the entry of a distribution's family; raises `ValueError` listing those that there are."""
    base = distribution.base_dist if isinstance(distribution, Independent) else distribution
    for families, entry in table.items():
        if isinstance(base, families):
            return entry
    known = ", ".join(family.__name__ for families in table for family in families)
    remedy = "fisher_rao and jensen_shannon take any distribution that can be sampled, distance(fn) any output"
    if isinstance(base, Tensor):
        remedy = "pullback, feature(fn), classifier(fn) and distance(fn) take tensors, or return a distribution"
    if isinstance(base, outputs.Objects):
        remedy = "distance(fn) takes any output"
    if outputs.is_tokens(distribution):
        remedy = f"sequences are measured by {outputs.FOR_TOKENS}"
    raise ValueError(f"{name} needs one of {known} as decoder output, got {outputs.kind(distribution)}; {remedy}")


def _discrete(log_p: Tensor, log_q: Tensor) -> Tensor:
    p, q = log_p.exp(), log_q.exp()
    t = torch.tanh((log_p - log_q) / 2)
    # where both probabilities are zero the difference of their logarithms is NaN, and nothing is to be told apart
    return ((p + q) / 2 * _told_apart(torch.where((p == 0) & (q == 0), 0.0, t))).sum(-1)


def _told_apart(t: Tensor) -> Tensor:
    return 0.5 * (torch.special.xlog1py(1 + t, t) + torch.special.xlog1py(1 - t, -t))


def _categorical(p: Categorical, q: Categorical) -> Tensor:
    return _discrete(*(torch.log_softmax(d.logits.double(), dim=-1) for d in (p, q)))


def _bernoulli(p: Bernoulli, q: Bernoulli) -> Tensor:
    signs = torch.tensor([1.0, -1.0], dtype=torch.float64)
    return _discrete(*(torch.nn.functional.logsigmoid(d.logits.double()[..., None] * signs) for d in (p, q)))


def _normal(p: Normal, q: Normal) -> Tensor:
    """JSD depends on a = Δμ²/(σ₀σ₁) and b = log²(σ₁/σ₀) alone: a polynomial in them when close, else an integral."""
    (m0, s0), (m1, s1) = ((d.loc.double(), d.scale.double()) for d in (p, q))
    a, b = (m1 - m0).square() / (s0 * s1), (s1 / s0).log().square()
    found = _evaluated(_close_polynomial(), a, b)
    far = (a > CLOSE[0]) | (b > CLOSE[1])
    if far.any():
        found[far] = _integrated(m0[far], s0[far], m1[far], s1[far])
    return found


def _integrated(m0: Tensor, s0: Tensor, m1: Tensor, s1: Tensor) -> Tensor:
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
        total += (log_p.exp() + log_q.exp()) * _told_apart(torch.tanh((log_p - log_q) / 2))
    return total * step / math.sqrt(8 * math.pi)


def _poisson(p: Poisson, q: Poisson) -> Tensor:
    """Sum over counts, up to where what is left of the larger rate is below 1e-20."""
    rates = torch.stack([p.rate.double(), q.rate.double()])
    largest = float(rates.max())
    total = torch.zeros_like(rates[0])
    for k in range(math.ceil(largest + 12 * math.sqrt(largest) + 24)):
        log_p, log_q = torch.special.xlogy(k, rates) - rates - math.lgamma(k + 1)
        t = torch.tanh((log_p - log_q) / 2)
        total += 0.5 * (log_p.exp() + log_q.exp()) * _told_apart(torch.nan_to_num(t))
    return total


def _gamma(p: Gamma | Exponential, q: Gamma | Exponential) -> Tensor:
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
        total += 0.5 * (log_p.exp() + log_q.exp()) * _told_apart(torch.tanh((log_p - log_q) / 2))
    return total * step


@lru_cache(maxsize=1)
def _close_polynomial() -> list[list[float]]:
    """Fit JSD(a, b) on the box of close pairs: a/8 + b/4 as it must begin, and powers up to DEGREE by least squares."""
    nodes = 0.5 - 0.5 * torch.cos(math.pi * (torch.arange(24, dtype=torch.float64) + 0.5) / 24)
    a, b = (v.flatten() for v in torch.meshgrid(CLOSE[0] * nodes, CLOSE[1] * nodes, indexing="ij"))
    # one pair for each (a, b): σ₀ = 1 / σ₁ = exp(−√b / 2), so that σ₀σ₁ = 1
    spread = torch.exp(b.sqrt() / 2)
    exact = _integrated(torch.zeros_like(a), 1 / spread, a.sqrt(), spread)
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


def _evaluated(rows: list[list[float]], a: Tensor, b: Tensor) -> Tensor:
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
    (Normal, LogNormal): _normal,  # a change of variable is nothing to a divergence
    (Bernoulli,): _bernoulli,
    (Categorical, OneHotCategorical): _categorical,
    (Poisson,): _poisson,
    (Gamma, Exponential): _gamma,
}
