"""The Fisher–Rao metric of decoded distributions, pulled back through their parameters."""

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
    Independent,
    Laplace,
    LogNormal,
    MultivariateNormal,
    Normal,
    OneHotCategorical,
    Poisson,
)

from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.decoders import outputs
from latent_widget.decoders.decoder import Decoder
from latent_widget.decoders.sequence import SequenceDecoder
from latent_widget.measures.autodiff.metric import NoDerivativeError, differentiated
from latent_widget.measures.sequences import chain_rule as sequences
from latent_widget.measures.statistical_distances._jensen_shannon import has_entry, looked_up
from latent_widget.measures.statistical_distances.monte_carlo import fisher_by_scores
from latent_widget.measures.tiling import local

Parameters = Callable[[Any], tuple[Tensor, ...]]
Product = Callable[[list[Tensor], list[Tensor], list[Tensor]], Tensor]


@local
def fisher_rao(
    decoder: Decoder | SequenceDecoder,
    lattice: Lattice,
    *,
    floor: float = 0.0,
    samples: int = 256,
    prefixes: int = 32,
    seed: int = 0,
) -> Field:
    """Measure by the Fisher–Rao metric G = Jᵀ F J, F the Fisher information of the decoded distribution [5].

    J is the derivative of the distribution's parameters by the plane's coordinates. F is in closed form for Normal,
    LogNormal, HalfNormal, MultivariateNormal, Laplace, Cauchy, Bernoulli, ContinuousBernoulli, Binomial, Geometric,
    Categorical, OneHotCategorical, Poisson, Exponential, Gamma, Beta and Dirichlet: exact at the cell centres.
    Any other distribution (mixtures, for one) is sampled: F = E[s sᵀ] over `samples` outcomes per cell, s the score,
    reproducible by `seed`, and `info["standard_error"] (H, W)` is that of the density. Independent factors add. Units:
    squared nats' standard deviations.

    A `SequenceDecoder` is measured by the exact chain rule over tokens along `prefixes` sampled sequences per cell
    (default 32), reproducible by `seed`; `info["standard_error"] (H, W)` is that of the density.

    Raises `ValueError` for other outputs, and where the metric is not positive definite.
    """
    if isinstance(decoder, SequenceDecoder):
        return sequences.fisher_rao(decoder, lattice, prefixes, seed, floor)
    probed = decoder.probe(lattice)
    if isinstance(probed, Distribution) and not has_entry(probed, _FAMILIES):
        return fisher_by_scores(decoder, lattice, probed, samples, seed, floor)
    parameters, product = looked_up(probed, _FAMILIES, "fisher_rao")
    shapes = [p.shape[1:] for p in parameters(_base(probed))]

    def embed(output: Any) -> Tensor:
        return torch.cat([p.flatten(1) if p.dim() > 1 else p[:, None] for p in parameters(_base(output))], dim=1)

    def contract(pushed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        sizes = [shape.numel() for shape in shapes]
        value, along_x, along_y = (
            [
                part.unflatten(1, shape) if shape else part[:, 0]
                for part, shape in zip(row.split(sizes, 1), shapes, strict=True)
            ]
            for row in pushed.double()
        )
        pairs = ((along_x, along_x), (along_x, along_y), (along_y, along_y))
        e, f, g = (_over_factors(product(value, a, b)) for a, b in pairs)
        return e, f, g

    try:
        metric, how = differentiated(decoder, lattice, embed, contract)
    except NoDerivativeError as error:
        remedy = "jensen_shannon needs no derivative"
        raise ValueError(f"fisher_rao cannot differentiate this decoder ({error}); {remedy}") from error
    return Field(lattice, metric, {"measure": "fisher_rao", "output": outputs.kind(probed), **how}, floor)


def _base(output: Any) -> Any:
    return output.base_dist if isinstance(output, Independent) else output


def _over_factors(products: Tensor) -> Tensor:
    return products.flatten(1).sum(1) if products.dim() > 1 else products


def _location_scale(f_location: float, f_scale: float) -> Product:
    def product(value: list[Tensor], a: list[Tensor], b: list[Tensor]) -> Tensor:
        return (f_location * a[0] * b[0] + f_scale * a[1] * b[1]) / value[1].square()

    return product


def _one(information: Callable[[Tensor], Tensor]) -> Product:
    def product(value: list[Tensor], a: list[Tensor], b: list[Tensor]) -> Tensor:
        return information(value[0]) * a[0] * b[0]

    return product


def _softmax(value: list[Tensor], a: list[Tensor], b: list[Tensor]) -> Tensor:
    p = torch.softmax(value[0], dim=-1)
    # the covariance about the mean, which stays accurate where the plain difference of moments would cancel
    centred_a, centred_b = (t - (p * t).sum(-1, keepdim=True) for t in (a[0], b[0]))
    return (p * centred_a * centred_b).sum(-1)


def _continuous_bernoulli(logits: Tensor) -> Tensor:
    """Return the variance of x in [0, 1] under density ∝ exp(η x): 1/η² − 1/(4 sinh²(η/2)), 1/12 at η = 0."""
    small = logits.abs() < 0.5
    eta = torch.where(small, 1.0, logits)
    series = logits.square()
    near = 1 / 12 - series / 240 + series**2 / 6048 - series**3 / 172800
    return torch.where(small, near, eta**-2 - 0.25 / torch.sinh(eta.clamp(-700, 700) / 2).square())


def _gaussian(value: list[Tensor], a: list[Tensor], b: list[Tensor]) -> Tensor:
    """Return δμᵀΣ⁻¹δμ + ½ tr(Σ⁻¹δΣ Σ⁻¹δΣ) of two variations of μ and of L, Σ = LLᵀ."""
    lower = value[1]
    shift_a, shift_b = (torch.linalg.solve_triangular(lower, t[0][..., None], upper=False)[..., 0] for t in (a, b))
    turned = [torch.linalg.solve_triangular(lower, t[1], upper=False) for t in (a, b)]
    spread_a, spread_b = (t + t.mT for t in turned)
    return (shift_a * shift_b).sum(-1) + 0.5 * (spread_a * spread_b).sum((-1, -2))


def _binomial(value: list[Tensor], a: list[Tensor], b: list[Tensor]) -> Tensor:
    logits, trials = value
    return trials * torch.sigmoid(logits) * torch.sigmoid(-logits) * a[0] * b[0]


def _dirichlet(value: list[Tensor], a: list[Tensor], b: list[Tensor]) -> Tensor:
    own = (torch.polygamma(1, value[0]) * a[0] * b[0]).sum(-1)
    return own - torch.polygamma(1, value[0].sum(-1)) * a[0].sum(-1) * b[0].sum(-1)


def _gamma(value: list[Tensor], a: list[Tensor], b: list[Tensor]) -> Tensor:
    k, r = value
    crossed = (a[0] * b[1] + a[1] * b[0]) / r
    return torch.polygamma(1, k) * a[0] * b[0] - crossed + k / r.square() * a[1] * b[1]


def _beta(value: list[Tensor], a: list[Tensor], b: list[Tensor]) -> Tensor:
    shared = torch.polygamma(1, value[0] + value[1])
    own = sum(torch.polygamma(1, v) * s * t for v, s, t in zip(value, a, b, strict=True))
    return own - shared * (a[0] + a[1]) * (b[0] + b[1])


_FAMILIES: dict[tuple[type[Distribution], ...], tuple[Parameters, Product]] = {
    (Normal, LogNormal): (lambda d: (d.loc, d.scale), _location_scale(1, 2)),
    (Laplace,): (lambda d: (d.loc, d.scale), _location_scale(1, 1)),
    (Cauchy,): (lambda d: (d.loc, d.scale), _location_scale(0.5, 0.5)),
    (HalfNormal,): (lambda d: (d.scale,), _one(lambda s: 2 * s**-2)),
    (MultivariateNormal,): (lambda d: (d.loc, d.scale_tril), _gaussian),
    (Bernoulli,): (lambda d: (d.logits,), _one(lambda t: torch.sigmoid(t) * torch.sigmoid(-t))),
    (ContinuousBernoulli,): (lambda d: (d.logits,), _one(_continuous_bernoulli)),
    (Binomial,): (lambda d: (d.logits, d.total_count.to(d.logits)), _binomial),
    (Geometric,): (lambda d: (d.logits,), _one(lambda t: torch.sigmoid(-t))),
    (Categorical, OneHotCategorical): (lambda d: (d.logits,), _softmax),
    (Poisson,): (lambda d: (d.rate,), _one(torch.reciprocal)),
    (Exponential,): (lambda d: (d.rate,), _one(lambda r: r**-2)),
    (Gamma,): (lambda d: (d.concentration, d.rate), _gamma),
    (Beta,): (lambda d: (d.concentration1, d.concentration0), _beta),
    (Dirichlet,): (lambda d: (d.concentration,), _dirichlet),
}
