"""The Jensen–Shannon divergence against integration, enumeration and the closed-form Fisher–Rao metric."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from torch.distributions import (
    Bernoulli,
    Categorical,
    Exponential,
    Gamma,
    Independent,
    LogNormal,
    Normal,
    OneHotCategorical,
    Poisson,
)

import latent_widget as lw
from latent_widget.measures.statistical_distances._jensen_shannon import (
    CLOSE,
    _evaluate_polynomial,
    _fit_polynomial,
    _integrate_normal,
    compute_jsd,
)


def double(*values):
    return (torch.tensor(v, dtype=torch.float64) for v in values)


@pytest.mark.parametrize(
    ("shift", "spread"),
    [(0.0, 1.3), (1e-3, 1.0), (0.02, 1.01), (0.5, 1.0), (1.0, 0.7), (3.0, 1.0), (0.0, 8.0), (7.0, 0.4)],
)
def test_gaussian_divergence_is_the_integral(shift, spread):
    m0, s0, m1, s1 = double(0.3, 1.7, 0.3 + 1.7 * shift, 1.7 * spread)
    p, q = Normal(m0, s0), Normal(m1, s1)

    def integrand(x):
        x = torch.tensor(x, dtype=torch.float64)
        log_p, log_q = float(p.log_prob(x)), float(q.log_prob(x))

        def part(log_own, log_other):
            gap = log_other - log_own
            if abs(gap) > 1:
                return (
                    math.exp(log_own) * (math.log(2) - np.logaddexp(0, gap))
                    + (math.exp(log_other) - math.exp(log_own)) / 2
                )
            # own·log(own/m) + m − own by log1p of the relative difference, which does not cancel for close pairs
            half = math.expm1(gap) / 2
            return math.exp(log_own) * (half - math.log1p(half))

        return 0.5 * (part(log_p, log_q) + part(log_q, log_p))

    low, high = (float(edge) for edge in (min(m0 - 7.5 * s0, m1 - 7.5 * s1), max(m0 + 7.5 * s0, m1 + 7.5 * s1)))
    truth, _ = quad(integrand, low, high, limit=400, epsabs=1e-15, epsrel=1e-10, points=[float(m0), float(m1)])
    assert float(compute_jsd(p, q)) == pytest.approx(truth, rel=1e-5)


def test_polynomial_of_close_gaussians_agrees_with_integration():
    generator = torch.Generator().manual_seed(1)
    a, b = (torch.rand(2000, generator=generator, dtype=torch.float64) ** 3 * top for top in CLOSE)
    spread = torch.exp(b.sqrt() / 2)
    truth = _integrate_normal(torch.zeros_like(a), 1 / spread, a.sqrt(), spread)
    assert float(((_evaluate_polynomial(_fit_polynomial(), a, b) - truth) / truth).abs().max()) < 1e-6


@given(st.lists(st.tuples(st.floats(-4, 4), st.floats(-4, 4)), min_size=2, max_size=6))
def test_discrete_divergence_is_its_definition_symmetric_and_bounded(pairs):
    first, second = (torch.tensor(column, dtype=torch.float64) for column in zip(*pairs, strict=True))
    p, q = torch.softmax(first, 0), torch.softmax(second, 0)
    m = (p + q) / 2
    truth = float(0.5 * (p * (p / m).log()).sum() + 0.5 * (q * (q / m).log()).sum())
    found = float(compute_jsd(Categorical(probs=p), Categorical(probs=q)))
    assert found == pytest.approx(truth, abs=1e-12)
    assert found == pytest.approx(float(compute_jsd(OneHotCategorical(probs=q), OneHotCategorical(probs=p))), abs=1e-15)
    assert -1e-15 <= found <= math.log(2) + 1e-12


def test_certain_and_impossible_outcomes_are_counted_exactly():
    assert float(
        compute_jsd(Categorical(probs=torch.tensor([1.0, 0.0])), Categorical(probs=torch.tensor([0.0, 1.0])))
    ) == (pytest.approx(math.log(2), rel=1e-5))


def test_close_pairs_do_not_cancel_even_from_float32_parameters():
    for step in (1e-2, 1e-3):
        p, q = (Categorical(logits=torch.tensor([0.3, -0.2, 0.9 + d])) for d in (0.0, step))
        probabilities = torch.softmax(torch.tensor([0.3, -0.2, 0.9 + step / 2], dtype=torch.float64), 0)
        fisher = float(probabilities[2] * (1 - probabilities[2]))
        assert 8 * float(compute_jsd(p, q)) == pytest.approx(fisher * step**2, rel=1e-3)


def test_independent_factors_are_summed():
    p, q = (Independent(Bernoulli(probs=torch.tensor(v, dtype=torch.float64)), 1) for v in ([0.2, 0.7], [0.3, 0.6]))
    parts = [
        compute_jsd(Bernoulli(probs=a), Bernoulli(probs=b))
        for a, b in zip(p.base_dist.probs, q.base_dist.probs, strict=True)
    ]
    assert float(compute_jsd(p, q)) == pytest.approx(float(sum(parts)), rel=1e-12)
    # the sum bounds the divergence of the product, and meets it as the pair closes
    outcomes = torch.tensor(list(itertools.product((0.0, 1.0), repeat=2)), dtype=torch.float64)
    a, b = (d.log_prob(outcomes).exp() for d in (p, q))
    m = (a + b) / 2
    product = float(0.5 * (a * (a / m).log()).sum() + 0.5 * (b * (b / m).log()).sum())
    assert product < float(compute_jsd(p, q)) < 1.1 * product


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (Poisson(*double(3.0)), Poisson(*double(4.5))),
        (Poisson(*double(0.0)), Poisson(*double(0.2))),
        (Poisson(*double(400.0)), Poisson(*double(420.0))),
        (Exponential(*double(0.2)), Exponential(*double(3.0))),
        (Gamma(*double(0.3, 2.0)), Gamma(*double(0.5, 1.0))),
        (Gamma(*double(90.0, 2.0)), Gamma(*double(80.0, 1.7))),
        (LogNormal(*double(0.1, 0.3)), LogNormal(*double(0.4, 0.5))),
    ],
    ids=str,
)
def test_other_families_are_their_sum_or_integral(p, q):
    if isinstance(p, Poisson):
        x = torch.arange(2000, dtype=torch.float64)
        weight = 1.0
    else:
        # the midpoint rule in log x, on a finer and wider grid than the measure's own
        edges = torch.linspace(-150, 8, 800_001, dtype=torch.float64)
        y = (edges[1:] + edges[:-1]) / 2
        x, weight = y.exp(), y.exp() * (edges[1] - edges[0])
    log_p, log_q = p.log_prob(x), q.log_prob(x)
    log_m = torch.logaddexp(log_p, log_q) - math.log(2)
    parts = [own.exp() * torch.nan_to_num(own - log_m) for own in (log_p, log_q)]
    truth = float((0.5 * (parts[0] + parts[1]) * weight).sum())
    assert float(compute_jsd(p, q)) == pytest.approx(truth, rel=1e-6)


def test_other_outputs_are_refused_with_what_applies():
    lattice = lw.Lattice((-1, 1, -1, 1), (4, 4))
    with pytest.raises(ValueError, match="pullback"):
        lw.measures.jensen_shannon(lw.Decoder(lambda z: z), lattice)


def test_a_decoder_that_ignores_a_direction_names_the_floor():
    lattice = lw.Lattice((-1, 1, -1, 1), (8, 8))
    decoder = lw.Decoder(lambda z: Normal(z[:, :1], 1.0 + 0 * z[:, :1]), dtype=torch.float64)
    with pytest.raises(ValueError, match=r"not positive definite in \d+ of 64 cells.*floor="):
        lw.measures.jensen_shannon(decoder, lattice)
    field = lw.measures.jensen_shannon(decoder, lattice, floor=1e-3)
    assert field.info["floored"] == 64
    assert np.linalg.eigvalsh(field.metric).min() == pytest.approx(1e-3)
