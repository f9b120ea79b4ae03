"""Monte Carlo estimates of Fisher–Rao and Jensen–Shannon, for families without a closed form, with standard errors.

Samples are spread evenly over quantiles where a family knows them (stratified sampling), and over the components of a
mixture, so that a few hundred give three digits. They come in batches, whose scatter is the standard error of the
field's density (the jackknife).
"""

import math
import threading
from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Distribution, Independent, MixtureSameFamily, Pareto, Uniform

from latent_widget._arrays import Floats
from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.decoders import outputs
from latent_widget.decoders.decoder import Decoder
from latent_widget.measures.autodiff.metric import differentiate
from latent_widget.measures.polarisation import fit_tensors
from latent_widget.measures.statistical_distances.families import evaluate_jsd_integrand

BATCHES = 8
"""Batches whose scatter gives the standard error."""
MOST_NUMBERS = 4_000_000
"""Most samples times factors held at once."""

generator_lock = threading.Lock()
"""Guards torch's own random generator, which is seeded, used and put back: distributions take no other."""


def measure_by_scores(
    decoder: Decoder, lattice: Lattice, probed: Any, samples: int, seed: int, floor: float | str
) -> Field:
    """Measure G = E[s sᵀ], s = ∂ log p(x) by the plane's coordinates, from `samples` outcomes x ~ p per cell.

    Independent factors add. Raises `ValueError` in a box, and for families whose support moves with their parameters.
    """
    count = _count_per_batch(samples)
    _check_regular(probed, "fisher_rao")
    if lattice.ndim != 2:
        raise ValueError(f"fisher_rao samples {outputs.describe(probed)} on planes only; measure it by jensen_shannon")
    shapes = [p.shape[1:] for p in outputs.list_parameters(probed)]
    densities: list[Tensor] = []

    def embed(output: Any) -> Tensor:
        return flatten_parameters(outputs.list_parameters(output))

    def contract(pushed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        value, *tangents = (split_row(row, shapes) for row in pushed.double())
        found = torch.stack([_average_scores(probed, value, tangents, count, seed + k) for k in range(BATCHES)])
        densities.append(_leave_one_out(found).cpu())
        e, f, g = found.mean(0)
        return e, f, g

    metric, how = differentiate(decoder, lattice, embed, contract)
    error = _jackknife(torch.cat(densities, dim=1).numpy()).reshape(lattice.shape)
    info = {"measure": "fisher_rao", "output": outputs.describe(probed), **how, **_describe(count, error)}
    return Field(lattice, metric, info, floor)


def measure_by_samples(
    decoder: Decoder, lattice: Lattice, probed: Any, samples: int, seed: int, floor: float | str
) -> Field:
    """Measure squared length 8·JSD of a cell's corners, from `samples` outcomes of each corner's distribution."""
    count = _count_per_batch(samples)
    corners = decoder(lattice.embed(lattice.corners))
    metrics = []
    for k in range(BATCHES):

        def compare(p: Any, q: Any, k: int = k) -> Tensor:
            return 8 * _estimate_by_rows(lambda a, b: estimate_jsd(a, b, count, seed + k), p, q, count)

        metrics.append(fit_tensors(lattice, corners, compare))
    found = np.stack(metrics)
    # leaving one batch out at a time, which keeps the determinant's bias out of the scatter
    others = (found.sum(0) - found) / (BATCHES - 1)
    error = _jackknife(np.sqrt(np.maximum(np.linalg.det(others), 0)))
    info = {"measure": "jensen_shannon", "output": outputs.describe(probed), **_describe(count, error)}
    return Field(lattice, found.mean(0), info, floor)


def flatten_parameters(parameters: Iterable[Tensor]) -> Tensor:
    """Join parameters `(n, ...)` to one vector per row, `(n, k)`."""
    return torch.cat([p.flatten(1) if p.dim() > 1 else p[:, None] for p in parameters], dim=1)


def split_row(row: Tensor, shapes: list[torch.Size]) -> list[Tensor]:
    """Take vectors `(n, k)` apart again, into parameters of the shapes that each row has."""
    parts = torch.split(row, [shape.numel() for shape in shapes], 1)
    return [part.reshape(len(part), *shape) for part, shape in zip(parts, shapes, strict=True)]


def estimate_jsd(p: Distribution, q: Distribution, count: int, seed: int) -> Tensor:
    """Estimate the Jensen–Shannon divergence, in nats, summed over independent factors.

    It is the mean over the mixture m of D(t), t = (p − q) / (p + q), as in `_jensen_shannon.compute_jsd`: no term is
    negative and nothing cancels, however close p and q are.
    """
    total: Tensor | float = 0.0
    bases = (outputs.unwrap(p), outputs.unwrap(q))
    for base in bases:
        x, weights = draw(base, count, seed)
        log_p, log_q = (d.log_prob(x).double() for d in bases)
        t = torch.tanh((log_p - log_q) / 2)
        total = total + 0.5 * (weights * evaluate_jsd_integrand(t)).sum(0)
    factors = p.reinterpreted_batch_ndims if isinstance(p, Independent) else 0
    found = torch.as_tensor(total)
    return found.sum(dim=tuple(range(-factors, 0))) if factors else found


def draw(distribution: Any, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Draw `(m, *batch, *event)` outcomes and their weights `(m, *batch)`, which sum to 1 along m.

    Spread over quantiles where the family has an `icdf`, the same for every cell, and over a mixture's components.
    """
    if isinstance(distribution, MixtureSameFamily):
        x, weights = draw(distribution.component_distribution, count, seed)
        axis = weights.dim() - 1
        weights = weights * distribution.mixture_distribution.probs
        return x.movedim(axis, 0).flatten(0, 1), weights.movedim(axis, 0).flatten(0, 1)
    batch = tuple(distribution.batch_shape)
    like = outputs.list_parameters(distribution)[0]
    devices = [like.device] if like.is_cuda else []
    with generator_lock, torch.random.fork_rng(devices), torch.no_grad():
        torch.manual_seed(seed)
        try:
            strata = (torch.arange(count, dtype=torch.float64) + torch.rand(count, dtype=torch.float64)) / count
            x = distribution.icdf(strata.reshape(-1, *[1] * len(batch)).expand(count, *batch).to(like.device))
        except NotImplementedError:
            x = _draw_at_random(distribution, count)
    return x, torch.full((count, *batch), 1 / count, dtype=torch.float64, device=like.device)


def _draw_at_random(distribution: Distribution, count: int) -> Tensor:
    try:
        x: Tensor = distribution.sample(torch.Size((count,)))
    except NotImplementedError as error:
        family = outputs.describe(distribution)
        raise ValueError(f"{family} can be neither sampled nor put in closed form") from error
    return x


def _average_scores(probed: Any, value: list[Tensor], tangents: list[list[Tensor]], count: int, seed: int) -> Tensor:
    """Return one batch's estimate of E, F and G, `(3, n)`, from some outcomes at a time."""
    x, weights = draw(outputs.unwrap(outputs.replace_parameters(probed, value)), count, seed)
    total = torch.zeros(3, len(value[0]), dtype=torch.float64, device=value[0].device)
    some = max(1, MOST_NUMBERS // sum(v.numel() for v in value))
    for outcomes, shares in zip(torch.split(x, some), torch.split(weights, some), strict=True):
        with torch.enable_grad():
            # each outcome has parameters of its own, so that their slopes are not summed over outcomes
            leaves = [v.detach().expand(len(outcomes), *v.shape).clone().requires_grad_() for v in value]
            log_density = outputs.unwrap(outputs.replace_parameters(probed, leaves)).log_prob(outcomes)
            slopes = torch.autograd.grad(log_density.sum(), leaves, allow_unused=True)
        rank = log_density.dim()
        scores = []
        for tangent in tangents:
            parts = [s * t for s, t in zip(slopes, tangent, strict=True) if s is not None]
            scores.append(sum(part.flatten(rank).sum(-1) if part.dim() > rank else part for part in parts))
        along_x, along_y = scores
        for k, term in enumerate((along_x * along_x, along_x * along_y, along_y * along_y)):
            total[k] += (shares * term).flatten(2).sum((0, 2)) if rank > 2 else (shares * term).sum(0)
    return total


def _check_regular(output: Any, name: str) -> None:
    """Raise `ValueError` for families whose support moves with their parameters: they have no Fisher information."""
    base = outputs.unwrap(output)
    base = outputs.unwrap(base.component_distribution) if isinstance(base, MixtureSameFamily) else base
    if isinstance(base, Uniform | Pareto):
        raise ValueError(
            f"{name} does not exist for {type(base).__name__}, whose support moves with its parameters; measure it by "
            "distance(fn), or by the pull-back of its parameters"
        )


def _estimate_by_rows(estimate: Callable[[Any, Any], Tensor], p: Any, q: Any, count: int) -> Tensor:
    """Estimate for some rows of the lattice at a time, so that the samples of all need not be held at once."""
    some = outputs.list_parameters(p)[0]
    rows = max(1, MOST_NUMBERS * len(some) // (count * some.numel()))
    spans = [slice(k, k + rows) for k in range(0, len(some), rows)]
    return torch.cat([estimate(*(outputs.map_parameters(d, itemgetter(span)) for d in (p, q))) for span in spans])


def _leave_one_out(found: Tensor) -> Tensor:
    """Return densities `(batches, n)` from E, F and G `(batches, 3, n)` with one batch left out each."""
    e, f, g = ((found.sum(0) - found) / (len(found) - 1)).unbind(1)
    return (e * g - f * f).clamp_min(0).sqrt()


def _jackknife(estimates: NDArray[Any]) -> Floats:
    n = len(estimates)
    return np.asarray(np.sqrt((n - 1) / n * np.square(estimates - estimates.mean(0)).sum(0)))


def _count_per_batch(samples: int) -> int:
    if int(samples) != samples or samples < BATCHES:
        raise ValueError(f"samples must be a whole number >= {BATCHES}, got {samples!r}")
    return math.ceil(samples / BATCHES)


def _describe(count: int, error: Floats) -> dict[str, Any]:
    return {"method": f"Monte Carlo, {count * BATCHES} samples", "standard_error": error}
