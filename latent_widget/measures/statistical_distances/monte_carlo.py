"""Fisher–Rao and Jensen–Shannon by sampling, for distributions without a closed form, with their standard errors.

Samples are spread evenly over quantiles where a family knows them, and over the components of a mixture, so that a few
hundred give three digits. They come in batches, whose scatter is the standard error of the field's density.
"""

import math
import threading
from collections.abc import Callable
from operator import itemgetter
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, MixtureSameFamily, Pareto, Uniform

from latent_widget._arrays import Floats
from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.decoders import outputs
from latent_widget.decoders.decoder import Decoder
from latent_widget.measures.autodiff.metric import differentiated
from latent_widget.measures.polarisation import polarised

BATCHES = 8
"""Batches whose scatter gives the standard error."""
MOST = 4_000_000
"""Most samples times factors held at once."""


def fisher_by_scores(decoder: Decoder, lattice: Lattice, probed: Any, samples: int, seed: int, floor: float) -> Field:
    """Measure G = E[s sᵀ], s = ∂ log p(x) by the plane's coordinates, from `samples` outcomes x ~ p per cell.

    Independent factors add. Raises `ValueError` in a box, and for families whose support moves with their parameters.
    """
    count = _per_batch(samples)
    _check_regular(probed, "fisher_rao")
    if lattice.ndim != 2:
        raise ValueError(f"fisher_rao samples {outputs.kind(probed)} on planes only; measure it by jensen_shannon")
    shapes = [p.shape[1:] for p in outputs.parameters(probed)]
    densities: list[Tensor] = []

    def embed(output: Any) -> Tensor:
        return torch.cat([p.flatten(1) if p.dim() > 1 else p[:, None] for p in outputs.parameters(output)], dim=1)

    def contract(pushed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        sizes = [shape.numel() for shape in shapes]
        value, *tangents = (
            [part.reshape(len(part), *shape) for part, shape in zip(row.split(sizes, 1), shapes, strict=True)]
            for row in pushed.double()
        )
        found = torch.stack([_scored(probed, value, tangents, count, seed + k) for k in range(BATCHES)])
        densities.append(_left_out(found).cpu())
        e, f, g = found.mean(0)
        return e, f, g

    metric, how = differentiated(decoder, lattice, embed, contract)
    error = _jackknife(torch.cat(densities, dim=1).numpy()).reshape(lattice.shape)
    info = {"measure": "fisher_rao", "output": outputs.kind(probed), **how, **_told(count, error)}
    return Field(lattice, metric, info, floor)


def jensen_shannon_by_samples(
    decoder: Decoder, lattice: Lattice, probed: Any, samples: int, seed: int, floor: float
) -> Field:
    """Measure squared length 8·JSD of a cell's corners, from `samples` outcomes of each corner's distribution."""
    count = _per_batch(samples)
    corners = decoder(lattice.embed(lattice.corners))
    metrics = []
    for k in range(BATCHES):

        def squared(p: Any, q: Any, k: int = k) -> Tensor:
            return 8 * _by_rows(lambda a, b: sampled_jsd(a, b, count, seed + k), p, q, count)

        metrics.append(polarised(lattice, corners, squared))
    found = np.stack(metrics)
    # leaving one batch out at a time, which keeps the determinant's bias out of the scatter
    others = (found.sum(0) - found) / (BATCHES - 1)
    error = _jackknife(np.sqrt(np.maximum(np.linalg.det(others), 0)))
    info = {"measure": "jensen_shannon", "output": outputs.kind(probed), **_told(count, error)}
    return Field(lattice, found.mean(0), info, floor)


def sampled_jsd(p: Distribution, q: Distribution, count: int, seed: int) -> Tensor:
    """Estimate the Jensen–Shannon divergence, in nats, summed over independent factors.

    It is the mean over the mixture m of D(t), t = (p − q) / (p + q), as in `divergence.jsd`: no term is negative and
    nothing cancels, however close p and q are.
    """
    total: Tensor | float = 0.0
    bases = (_base(p), _base(q))
    for base in bases:
        x, weights = drawn(base, count, seed)
        log_p, log_q = (d.log_prob(x).double() for d in bases)
        t = torch.tanh((log_p - log_q) / 2)
        apart = 0.5 * (torch.special.xlog1py(1 + t, t) + torch.special.xlog1py(1 - t, -t))
        total = total + 0.5 * (weights * apart).sum(0)
    factors = p.reinterpreted_batch_ndims if isinstance(p, Independent) else 0
    found = torch.as_tensor(total)
    return found.sum(dim=tuple(range(-factors, 0))) if factors else found


_DRAWING = threading.Lock()


def drawn(distribution: Any, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Draw `(m, *batch, *event)` outcomes and their weights `(m, *batch)`, which sum to 1 along m.

    Spread over quantiles where the family has an `icdf`, the same for every cell, and over a mixture's components.
    """
    if isinstance(distribution, MixtureSameFamily):
        x, weights = drawn(distribution.component_distribution, count, seed)
        axis = weights.dim() - 1
        weights = weights * distribution.mixture_distribution.probs
        return x.movedim(axis, 0).flatten(0, 1), weights.movedim(axis, 0).flatten(0, 1)
    batch = tuple(distribution.batch_shape)
    like = outputs.parameters(distribution)[0]
    devices = [like.device] if like.is_cuda else []
    # the generator is torch's own, since distributions take no other: one thread at a time
    with _DRAWING, torch.random.fork_rng(devices), torch.no_grad():
        torch.manual_seed(seed)
        try:
            strata = (torch.arange(count, dtype=torch.float64) + torch.rand(count, dtype=torch.float64)) / count
            x = distribution.icdf(strata.reshape(-1, *[1] * len(batch)).expand(count, *batch).to(like.device))
        except NotImplementedError:
            x = _sampled(distribution, count)
    return x, torch.full((count, *batch), 1 / count, dtype=torch.float64, device=like.device)


def _sampled(distribution: Any, count: int) -> Tensor:
    try:
        return distribution.sample((count,))
    except NotImplementedError as error:
        raise ValueError(f"{outputs.kind(distribution)} can be neither sampled nor put in closed form") from error


def _scored(probed: Any, value: list[Tensor], tangents: list[list[Tensor]], count: int, seed: int) -> Tensor:
    """One batch's estimate of E, F and G, `(3, n)`, some outcomes at a time."""
    x, weights = drawn(_base(_rebuilt(probed, value)), count, seed)
    total = torch.zeros(3, len(value[0]), dtype=torch.float64, device=value[0].device)
    some = max(1, MOST // sum(v.numel() for v in value))
    for outcomes, shares in zip(x.split(some), weights.split(some), strict=True):
        with torch.enable_grad():
            # each outcome has parameters of its own, so that their slopes are not summed over outcomes
            leaves = [v.detach().expand(len(outcomes), *v.shape).clone().requires_grad_() for v in value]
            log_density = _base(_rebuilt(probed, leaves)).log_prob(outcomes)
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


def _rebuilt(probed: Any, values: list[Tensor]) -> Any:
    following = iter(values)
    return outputs.mapped(probed, lambda _: next(following))


def _base(output: Any) -> Any:
    return output.base_dist if isinstance(output, Independent) else output


def _check_regular(output: Any, name: str) -> None:
    base = _base(output)
    base = _base(base.component_distribution) if isinstance(base, MixtureSameFamily) else base
    if isinstance(base, Uniform | Pareto):
        raise ValueError(
            f"{name} does not exist for {type(base).__name__}, whose support moves with its parameters; measure it by "
            "distance(fn), or by the pull-back of its parameters"
        )


def _by_rows(estimate: Callable[[Any, Any], Tensor], p: Any, q: Any, count: int) -> Tensor:
    """Estimate for some rows of the lattice at a time, so that the samples of all need not be held at once."""
    some = outputs.parameters(p)[0]
    rows = max(1, MOST * len(some) // (count * some.numel()))
    spans = [slice(k, k + rows) for k in range(0, len(some), rows)]
    return torch.cat([estimate(*(outputs.mapped(d, itemgetter(span)) for d in (p, q))) for span in spans])


def _left_out(found: Tensor) -> Tensor:
    """Densities `(batches, n)` from E, F and G `(batches, 3, n)` with one batch left out each."""
    e, f, g = ((found.sum(0) - found) / (len(found) - 1)).unbind(1)
    return (e * g - f * f).clamp_min(0).sqrt()


def _jackknife(estimates: Any) -> Floats:
    n = len(estimates)
    return np.asarray(np.sqrt((n - 1) / n * np.square(estimates - estimates.mean(0)).sum(0)))


def _per_batch(samples: int) -> int:
    if int(samples) != samples or samples < BATCHES:
        raise ValueError(f"samples must be a whole number >= {BATCHES}, got {samples!r}")
    return math.ceil(samples / BATCHES)


def _told(count: int, error: Floats) -> dict[str, Any]:
    return {"method": f"Monte Carlo, {count * BATCHES} samples", "standard_error": error}
