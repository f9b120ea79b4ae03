"""The Fisher–Rao metric of distributions, pulled back through their parameters (Arvanitidis et al. 2021, [5])."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.distributions import (
    Bernoulli,
    Beta,
    Binomial,
    Categorical,
    Cauchy,
    ContinuousBernoulli,
    Dirichlet,
    Distribution,
    Exponential,
    Gamma,
    Geometric,
    HalfNormal,
    Laplace,
    LogNormal,
    MultivariateNormal,
    Normal,
    OneHotCategorical,
    Poisson,
)

from latent_widget._arrays import Floats
from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.decoders import outputs
from latent_widget.decoders.decoder import Decoder
from latent_widget.decoders.sequence import SequenceDecoder
from latent_widget.measures.autodiff.metric import NoDerivativeError, differentiate
from latent_widget.measures.sequences import chain_rule
from latent_widget.measures.sequences.prefixes import Sampling
from latent_widget.measures.statistical_distances.families import Families, has_entry, look_up
from latent_widget.measures.statistical_distances.monte_carlo import flatten_parameters, measure_by_scores, split_row
from latent_widget.measures.tiling import local

Parameters = Callable[[Any], tuple[Tensor, ...]]
"""A distribution to those of its parameters by which the information is written."""
InnerProduct = Callable[[list[Tensor], list[Tensor], list[Tensor]], Tensor]
"""Parameters and two variations of them to aᵀFb of every factor, F the Fisher information."""


@local
def fisher_rao(
    decoder: Decoder | SequenceDecoder,
    lattice: Lattice,
    *,
    floor: float | str = 0.0,
    samples: int = 256,
    prefixes: int = 32,
    seed: int = 0,
) -> Field:
    """Measure by the Fisher–Rao metric G = Jᵀ F J, F the Fisher information of the decoded distribution [5].

    J is the derivative of the distribution's parameters by the plane's coordinates, exact at the cell centres;
    independent factors add. Where F has no closed form it is sampled, F = E[s sᵀ], s the score. A `SequenceDecoder` is
    measured by the exact chain rule over tokens along sampled prefixes.

    Parameters
    ----------
    decoder : Decoder or SequenceDecoder
        One that returns distributions or sequences. F is in closed form for Normal, LogNormal, HalfNormal,
        MultivariateNormal, Laplace, Cauchy, Bernoulli, ContinuousBernoulli, Binomial, Geometric, Categorical,
        OneHotCategorical, Poisson, Exponential, Gamma, Beta and Dirichlet, `Independent` or not; any other (mixtures,
        for one) is sampled.
    lattice : Lattice
        Where it is measured; a plane or a box, of sequences and sampled families a plane.
    floor : float or str
        The smallest eigenvalue allowed, or "1%" of their mean; smaller ones are raised to it.
    samples : int
        Outcomes sampled at each cell, of families without a closed form; at least 8.
    prefixes : int
        Sequences sampled at every cell, of a sequence decoder; at least 8.
    seed : int
        Seed of the sampling.

    Returns
    -------
    Field
        Dimensionless per squared plane unit (squared standard deviations of the best estimate of the place); where it
        was sampled, `info["standard_error"] (H, W)` is that of the density.

    Raises
    ------
    ValueError
        For outputs that are no distributions, decoders that cannot be differentiated, and where the metric is not
        positive definite.
    """
    if isinstance(decoder, SequenceDecoder):
        return chain_rule.measure_fisher_rao(decoder, lattice, Sampling(prefixes, seed), floor)
    probed = decoder.probe(lattice)
    if isinstance(probed, Distribution) and not has_entry(probed, _FAMILIES):
        return measure_by_scores(decoder, lattice, probed, samples, seed, floor)
    metric, info = measure_closed_form(decoder, lattice, probed)
    return Field(lattice, metric, info, floor)


def measure_closed_form(decoder: Decoder, lattice: Lattice, probed: Any) -> tuple[Floats, dict[str, Any]]:
    """Return JᵀFJ with F in closed form, and how it was made; `probed` is some output of the decoder."""
    parameters, product = look_up(probed, _FAMILIES, "fisher_rao")
    shapes = [p.shape[1:] for p in parameters(outputs.unwrap(probed))]

    def embed(output: Any) -> Tensor:
        return flatten_parameters(parameters(outputs.unwrap(output)))

    def contract(pushed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        value, along_x, along_y = (split_row(row, shapes) for row in pushed.double())
        pairs = ((along_x, along_x), (along_x, along_y), (along_y, along_y))
        e, f, g = (_sum_factors(product(value, a, b)) for a, b in pairs)
        return e, f, g

    try:
        metric, how = differentiate(decoder, lattice, embed, contract)
    except NoDerivativeError as error:
        remedy = "jensen_shannon needs no derivative"
        raise ValueError(f"fisher_rao cannot differentiate this decoder ({error}); {remedy}") from error
    return metric, {"measure": "fisher_rao", "output": outputs.describe(probed), **how}


def _sum_factors(products: Tensor) -> Tensor:
    return products.flatten(1).sum(1) if products.dim() > 1 else products


def _make_location_scale(f_location: float, f_scale: float) -> InnerProduct:
    """Make the product of a family of location and scale: δ²/σ² of each, times the family's own two numbers."""

    def product(value: list[Tensor], a: list[Tensor], b: list[Tensor]) -> Tensor:
        return (f_location * a[0] * b[0] + f_scale * a[1] * b[1]) / value[1].square()

    return product


def _make_one_parameter(information: Callable[[Tensor], Tensor]) -> InnerProduct:

    def product(value: list[Tensor], a: list[Tensor], b: list[Tensor]) -> Tensor:
        return information(value[0]) * a[0] * b[0]

    return product


def _multiply_softmax(value: list[Tensor], a: list[Tensor], b: list[Tensor]) -> Tensor:
    p = torch.softmax(value[0], dim=-1)
    # the covariance about the mean, which stays accurate where the plain difference of moments would cancel
    centred_a, centred_b = (t - (p * t).sum(-1, keepdim=True) for t in (a[0], b[0]))
    return (p * centred_a * centred_b).sum(-1)


def _variance_of_continuous_bernoulli(logits: Tensor) -> Tensor:
    """Return the variance of x in [0, 1] under density ∝ exp(η x): 1/η² − 1/(4 sinh²(η/2)), 1/12 at η = 0."""
    small = logits.abs() < 0.5
    eta = torch.where(small, 1.0, logits)
    series = logits.square()
    near = 1 / 12 - series / 240 + series**2 / 6048 - series**3 / 172800
    return torch.where(small, near, eta**-2 - 0.25 / torch.sinh(eta.clamp(-700, 700) / 2).square())


def _multiply_gaussian(value: list[Tensor], a: list[Tensor], b: list[Tensor]) -> Tensor:
    """Return δμᵀΣ⁻¹δμ + ½ tr(Σ⁻¹δΣ Σ⁻¹δΣ) of two variations of μ and of L, Σ = LLᵀ."""
    lower = value[1]
    shift_a, shift_b = (torch.linalg.solve_triangular(lower, t[0][..., None], upper=False)[..., 0] for t in (a, b))
    turned = [torch.linalg.solve_triangular(lower, t[1], upper=False) for t in (a, b)]
    spread_a, spread_b = (t + t.mT for t in turned)
    product: Tensor = (shift_a * shift_b).sum(-1) + 0.5 * (spread_a * spread_b).sum((-1, -2))
    return product


def _multiply_binomial(value: list[Tensor], a: list[Tensor], b: list[Tensor]) -> Tensor:
    logits, trials = value
    return trials * torch.sigmoid(logits) * torch.sigmoid(-logits) * a[0] * b[0]


def _multiply_dirichlet(value: list[Tensor], a: list[Tensor], b: list[Tensor]) -> Tensor:
    own = (torch.polygamma(1, value[0]) * a[0] * b[0]).sum(-1)
    return own - torch.polygamma(1, value[0].sum(-1)) * a[0].sum(-1) * b[0].sum(-1)


def _multiply_gamma(value: list[Tensor], a: list[Tensor], b: list[Tensor]) -> Tensor:
    k, r = value
    crossed = (a[0] * b[1] + a[1] * b[0]) / r
    return torch.polygamma(1, k) * a[0] * b[0] - crossed + k / r.square() * a[1] * b[1]


def _multiply_beta(value: list[Tensor], a: list[Tensor], b: list[Tensor]) -> Tensor:
    shared = torch.polygamma(1, value[0] + value[1])
    own = sum(torch.polygamma(1, v) * s * t for v, s, t in zip(value, a, b, strict=True))
    return own - shared * (a[0] + a[1]) * (b[0] + b[1])


_FAMILIES: dict[Families, tuple[Parameters, InnerProduct]] = {
    (Normal, LogNormal): (lambda d: (d.loc, d.scale), _make_location_scale(1, 2)),
    (Laplace,): (lambda d: (d.loc, d.scale), _make_location_scale(1, 1)),
    (Cauchy,): (lambda d: (d.loc, d.scale), _make_location_scale(0.5, 0.5)),
    (HalfNormal,): (lambda d: (d.scale,), _make_one_parameter(lambda s: 2 * s**-2)),
    (MultivariateNormal,): (lambda d: (d.loc, d.scale_tril), _multiply_gaussian),
    (Bernoulli,): (lambda d: (d.logits,), _make_one_parameter(lambda t: torch.sigmoid(t) * torch.sigmoid(-t))),
    (ContinuousBernoulli,): (lambda d: (d.logits,), _make_one_parameter(_variance_of_continuous_bernoulli)),
    (Binomial,): (lambda d: (d.logits, d.total_count.to(d.logits)), _multiply_binomial),
    (Geometric,): (lambda d: (d.logits,), _make_one_parameter(lambda t: torch.sigmoid(-t))),
    (Categorical, OneHotCategorical): (lambda d: (d.logits,), _multiply_softmax),
    (Poisson,): (lambda d: (d.rate,), _make_one_parameter(torch.reciprocal)),
    (Exponential,): (lambda d: (d.rate,), _make_one_parameter(lambda r: r**-2)),
    (Gamma,): (lambda d: (d.concentration, d.rate), _multiply_gamma),
    (Beta,): (lambda d: (d.concentration1, d.concentration0), _multiply_beta),
    (Dirichlet,): (lambda d: (d.concentration,), _multiply_dirichlet),
}
