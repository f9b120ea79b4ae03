"""Look-up of closed forms by a distribution's family, and sums over independent factors."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.distributions import Bernoulli, Categorical, Distribution, Independent, OneHotCategorical

from latent_widget.decoders import outputs

Families = tuple[type[Distribution], ...]
Pointwise = Callable[[Any, Any], Tensor]
"""Two like distributions of one family to the divergence of every factor."""
Table = Mapping[Families, Pointwise]
Entry = TypeVar("Entry")


def has_entry(distribution: Any, table: Mapping[Families, Any]) -> bool:
    """Tell whether a distribution's family is in a table."""
    return any(isinstance(outputs.unwrap(distribution), families) for families in table)


def look_up(distribution: Any, table: Mapping[Families, Entry], name: str) -> Entry:
    """Find the entry of a distribution's family; raises `ValueError` listing those that there are."""
    base = outputs.unwrap(distribution)
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
    raise ValueError(f"{name} needs one of {known} as decoder output, got {outputs.describe(distribution)}; {remedy}")


def sum_over_factors(pointwise: Pointwise, p: Any, q: Any) -> Tensor:
    """Sum a divergence of one family over the independent factors of two like distributions."""
    if not isinstance(p, Independent):
        return pointwise(p, q)
    factors = p.reinterpreted_batch_ndims
    found = pointwise(p.base_dist, q.base_dist)
    return found.sum(dim=tuple(range(-factors, 0))) if factors else found


def log_chances(d: Bernoulli) -> Tensor:
    """Return the log-probabilities of both outcomes, `(..., 2)` in float64."""
    signs = torch.tensor([1.0, -1.0], dtype=torch.float64)
    return torch.nn.functional.logsigmoid(d.logits.double()[..., None] * signs)


def log_probabilities(d: Categorical | OneHotCategorical) -> Tensor:
    """Return the log-probabilities of all outcomes, `(..., k)` in float64."""
    return torch.log_softmax(d.logits.double(), dim=-1)


def evaluate_jsd_integrand(t: Tensor) -> Tensor:
    """Return D(t) = ½[(1 + t) log(1 + t) + (1 − t) log(1 − t)], whose mean over the mixture m = ½(p + q) is JSD(p, q).

    t is (p − q) / (p + q); no value is negative, and nothing cancels however small t is.
    """
    values: Tensor = 0.5 * (torch.special.xlog1py(1 + t, t) + torch.special.xlog1py(1 - t, -t))
    return values
