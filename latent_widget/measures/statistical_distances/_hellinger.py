"""The Hellinger distance between decoded distributions ([5]), from closed forms that do not cancel, by polarisation."""

import torch
from torch import Tensor
from torch.distributions import Bernoulli, Categorical, LogNormal, Normal, OneHotCategorical, Poisson

from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.decoders.decoder import Decoder
from latent_widget.measures.statistical_distances.corners import measure_by_corners
from latent_widget.measures.statistical_distances.families import Table, log_chances, log_probabilities
from latent_widget.measures.tiling import local


@local
def hellinger(decoder: Decoder, lattice: Lattice, *, floor: float | str = 0.0) -> Field:
    """Measure by the Hellinger distance: squared length 8·H², H² = ½ ∫ (√p − √q)², of a cell's corners [5].

    8·H² tends to the Fisher–Rao length squared as the lattice is refined; independent factors are summed.

    Parameters
    ----------
    decoder : Decoder
        One that returns Normal, LogNormal, Bernoulli, Categorical, OneHotCategorical or Poisson, `Independent` or not.
    lattice : Lattice
        Where it is measured; a plane or a box.
    floor : float or str
        The smallest eigenvalue allowed, or "1%" of their mean; smaller ones are raised to it.

    Returns
    -------
    Field
        Dimensionless per squared plane unit.

    Raises
    ------
    ValueError
        For other outputs, and where the metric is not positive definite.
    """
    return measure_by_corners(decoder, lattice, "hellinger", 8.0, _HELLINGER, floor)


def _compare_normal(p: Normal | LogNormal, q: Normal | LogNormal) -> Tensor:
    (m0, s0), (m1, s1) = ((d.loc.double(), d.scale.double()) for d in (p, q))
    spread = 0.5 * (s0 - s1).square() / (s0 * s1)
    return -torch.expm1(-0.5 * torch.log1p(spread) - 0.25 * (m0 - m1).square() / (s0.square() + s1.square()))


def _compare_discrete(log_p: Tensor, log_q: Tensor) -> Tensor:
    top, gap = torch.maximum(log_p, log_q), (log_p - log_q).abs()
    parts = top.exp() * torch.expm1(-0.5 * gap).square()
    return 0.5 * torch.where(torch.isnan(gap), 0.0, parts).sum(-1)


def _compare_poisson(p: Poisson, q: Poisson) -> Tensor:
    a, b = p.rate.double(), q.rate.double()
    return -torch.expm1(-0.5 * ((a - b) / (a.sqrt() + b.sqrt())).square())


_HELLINGER: Table = {
    (Normal, LogNormal): _compare_normal,
    (Bernoulli,): lambda p, q: _compare_discrete(log_chances(p), log_chances(q)),
    (Categorical, OneHotCategorical): lambda p, q: _compare_discrete(log_probabilities(p), log_probabilities(q)),
    (Poisson,): _compare_poisson,
}
