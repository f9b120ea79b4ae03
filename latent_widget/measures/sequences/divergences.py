"""Divergences between next-token distributions, weighted by the shares of two ends of a chord (chain rule, [10]).

For K ends a let m be the even mixture of their sequence distributions and π_a = P(a | x_<t) the share of an end in what
has been written so far. Any divergence that obeys the chain rule is Σ_t E_{x_<t ~ m} of a divergence between next-token
distributions, weighted by the shares. All forms here are written so that they do not cancel for close ends.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from latent_widget.decoders.sequence import SequenceDecoder
from latent_widget.measures.sequences.prefixes import mark_alive

TINY = torch.finfo(torch.float64).tiny

End = tuple[Tensor, Tensor, Tensor]
"""Share (R, T, 1), log-probabilities (R, T, V) and probabilities of one end."""


@dataclass(frozen=True)
class Divergence:
    """A divergence over its constant, by which it tends to the Fisher–Rao length squared.

    `weigh` takes two ends and returns the weighted divergence per place, `(R, T)`.
    """

    name: str
    constant: float
    weigh: Callable[[End, End], Tensor]


def weigh_jsd(a: End, b: End) -> Tensor:
    """Return (π_a + π_b)·JSD_w(p_a, p_b) per place, `(R, T)`: π_a KL(p_a ‖ m) + π_b KL(p_b ‖ m), m their mixture.

    w = π_a/(π_a + π_b). Written with g(u) = (1 + u) log(1 + u) − u of the relative differences.
    """
    (share_a, _, p), (share_b, _, q) = a, b
    both = (share_a + share_b).clamp_min(TINY)
    w, v = share_a / both, share_b / both
    m = w * p + v * q
    t = (p - q) / m.clamp_min(TINY)
    weighted: Tensor = both * m * (w * _evaluate_g(v * t) + v * _evaluate_g(-w * t))
    return weighted.sum(-1)


def weigh_kl(a: End, b: End) -> Tensor:
    """Return 2·(π_a KL(p_a ‖ p_b) + π_b KL(p_b ‖ p_a)) per place, `(R, T)`; infinite where one alone can be."""
    (share_a, log_p, p), (share_b, log_q, q) = a, b
    gap = log_p - log_q
    gap = torch.where(torch.isnan(gap), 0.0, gap)
    weighted: Tensor = share_a * _evaluate_kl_terms(p, q, gap) + share_b * _evaluate_kl_terms(q, p, -gap)
    return 2 * weighted.sum(-1)


JENSEN_SHANNON = Divergence("jensen_shannon", 8.0, weigh_jsd)
KL = Divergence("kl", 1.0, weigh_kl)


def compare_ends(
    decoder: SequenceDecoder,
    log_p: Sequence[Tensor],
    tokens: Tensor,
    divergence: Divergence,
    pairs: Sequence[tuple[int, int]],
) -> Tensor:
    """Return what each sequence adds to each pair's divergence, `(R, pairs)`.

    `log_p` are the log-probabilities `(R, T, V)` of the K ends along the same `tokens (R, T)`, drawn from their even
    mixture; the mean over sequences is the divergence. Weights are bounded by K, however far the ends are apart.
    """
    ends = _share_prefixes(log_p, tokens)
    alive = mark_alive(decoder, tokens)
    scale = len(log_p) / 2
    return torch.stack([(divergence.weigh(ends[a], ends[b]) * alive).sum(-1) for a, b in pairs], dim=-1) * scale


def _share_prefixes(log_p: Sequence[Tensor], tokens: Tensor) -> list[End]:
    """Return the ends with their shares in what has been written before each place."""
    written = torch.stack([part.gather(-1, tokens[..., None])[..., 0] for part in log_p])
    before = torch.zeros_like(written)
    before[..., 1:] = written[..., :-1].cumsum(-1)
    # after the end everything is masked, and −inf there must not spoil the shares
    shares = torch.nan_to_num(torch.softmax(before, dim=0), nan=0.0)
    return [(share[..., None], part, part.exp()) for share, part in zip(shares, log_p, strict=True)]


def _evaluate_g(u: Tensor) -> Tensor:
    u = u.clamp_min(-1 + 1e-16)
    return torch.log1p(u).mul_(1 + u).sub_(u)


def _evaluate_kl_terms(p: Tensor, q: Tensor, gap: Tensor) -> Tensor:
    """Return p·gap − (p − q), whose sum is KL(p ‖ q), term by term >= 0 and without cancellation for small gaps."""
    near = p * (torch.expm1(-gap.clamp(-1, 1)) + gap.clamp(-1, 1))
    far = torch.where(p > 0, p * gap, 0.0) - (p - q)
    return torch.where(gap.abs() < 1, near, far)
