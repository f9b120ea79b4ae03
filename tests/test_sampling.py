"""Sampled Fisher–Rao and Jensen–Shannon against quadrature and closed forms, their standard errors against scatter."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import distributions as D

import latent_widget as lw
from latent_widget.measures.statistical_distances._jensen_shannon import compute_jsd
from latent_widget.measures.statistical_distances.monte_carlo import draw, estimate_jsd, measure_by_scores

LATTICE = lw.Lattice((-1, 1, -0.8, 0.8), (7, 9))


def mixture(z):
    """Two Gaussians whose places, spreads and shares all move."""
    places = torch.stack([z[:, 0] - 1, 1.5 + z[:, 1]], 1)
    spreads = torch.stack([0.6 + 0.2 * z[:, 1].sin(), 0.4 + 0 * z[:, 0]], 1)
    return D.MixtureSameFamily(D.Categorical(logits=torch.stack([z[:, 0], z[:, 1]], 1)), D.Normal(places, spreads))


def fisher_by_quadrature(decode, x):
    step = float(x[1] - x[0])
    found = []
    for z in torch.from_numpy(LATTICE.cells.reshape(-1, 2).copy()):

        def density(z):
            return decode(z[None].expand(len(x), 2)).log_prob(x).exp()

        slopes = torch.func.jacfwd(density)(z)
        found.append(torch.einsum("xa,xb,x->ab", slopes, slopes, 1 / density(z)) * step)
    return torch.stack(found).reshape(*LATTICE.shape, 2, 2).numpy()


def test_fisher_rao_of_a_mixture_is_its_integral_within_the_standard_error():
    decoder = lw.Decoder(mixture, dtype=torch.float64)
    truth = fisher_by_quadrature(mixture, torch.linspace(-8, 8, 801, dtype=torch.float64))
    field = lw.measures.fisher_rao(decoder, LATTICE, samples=512)
    assert field.info["method"] == "Monte Carlo, 512 samples"
    error = field.info["standard_error"]
    assert error.shape == LATTICE.shape
    density = np.sqrt(np.linalg.det(truth))
    assert 0.3 < np.sqrt(np.mean(np.square((field.density - density) / error))) < 2.5
    assert np.median(np.abs(field.density / density - 1)) < 0.01
    again = lw.measures.fisher_rao(decoder, LATTICE, samples=512)
    np.testing.assert_array_equal(again.metric, field.metric)


@pytest.mark.parametrize(
    "decode",
    [
        lambda z: D.Independent(D.Normal(z.sin(), (0.3 * z).exp()), 1),
        lambda z: D.OneHotCategorical(logits=torch.stack([z[:, 0], z[:, 1], 0 * z[:, 0]], 1)),
        lambda z: D.MultivariateNormal(z, torch.diag_embed((0.5 * z).exp())),
        lambda z: D.Independent(D.Poisson((z + 1).exp()), 1),
    ],
    ids=["Normal", "OneHotCategorical", "MultivariateNormal", "Poisson"],
)
def test_sampled_scores_agree_with_closed_forms(decode):
    decoder = lw.Decoder(decode, dtype=torch.float64)
    exact = lw.measures.fisher_rao(decoder, LATTICE)
    found = measure_by_scores(decoder, LATTICE, decoder.probe(LATTICE), 800, 0, 0.0)
    apart = (found.density - exact.density) / found.info["standard_error"]
    assert np.sqrt(np.mean(np.square(apart))) < 2.5
    assert np.median(np.abs(found.density / exact.density - 1)) < 0.08


@pytest.mark.slow
def test_standard_errors_are_the_scatter_over_seeds():
    decoder = lw.Decoder(lambda z: D.StudentT(5.0, z, (0.4 * z).exp()), dtype=torch.float64)
    for measure in (lw.measures.fisher_rao, lw.measures.jensen_shannon):
        fields = [measure(decoder, lw.Lattice((-1, 1, -1, 1), (3, 4)), samples=64, seed=100 * k) for k in range(16)]
        scatter = np.std([field.density for field in fields], axis=0, ddof=1)
        told = np.sqrt(np.mean([np.square(field.info["standard_error"]) for field in fields], axis=0))
        assert 0.7 < np.median(told / scatter) < 1.4


@pytest.mark.slow
@pytest.mark.parametrize("make", [D.Laplace, D.Cauchy], ids=["Laplace", "Cauchy"])
def test_sampled_jensen_shannon_tends_to_fisher_rao(make):
    decoder = lw.Decoder(lambda z: make(z[:, 0], z[:, 1].exp()), dtype=torch.float64)
    lattice = lw.Lattice((-0.1, 0.1, -0.1, 0.1), (16, 16))
    field = lw.measures.jensen_shannon(decoder, lattice, samples=1024)
    truth = lw.measures.fisher_rao(decoder, lattice)
    assert np.median(np.abs(field.density / truth.density - 1)) < 0.03
    # the lattice's own error is below a thousandth
    allowed = 3 * field.info["standard_error"] + 1e-3 * truth.density
    assert np.mean(np.abs(field.density - truth.density) < allowed) > 0.9


@pytest.mark.parametrize("gap", [1.0, 0.03, 1e-4])
def test_sampled_jensen_shannon_is_the_integral_however_close(gap):
    zero, one = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    p, q = D.Normal(zero, one), D.Normal(zero + gap, one)
    truth = float(compute_jsd(p, q))
    assert float(estimate_jsd(p, q, 4000, 0)) == pytest.approx(truth, rel=0.01)


def test_draws_have_the_moments_of_their_distribution():
    d = mixture(torch.tensor([[0.3, -0.4], [1.0, 0.2]], dtype=torch.float64))
    x, weights = draw(d, 2000, 1)
    torch.testing.assert_close(weights.sum(0), torch.ones(2, dtype=torch.float64))
    torch.testing.assert_close((weights * x).sum(0), d.mean, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close((weights * (x - d.mean) ** 2).sum(0), d.variance, rtol=1e-2, atol=1e-2)


def test_what_is_surveyed_in_tiles_keeps_its_standard_errors(monkeypatch):
    monkeypatch.setattr("latent_widget._survey.TILE", 20)
    lattice = LATTICE
    decoder = lw.Decoder(lambda z: D.Laplace(z[:, 0], z[:, 1].exp()), dtype=torch.float64)
    measure = ("sampled", lambda d, l: measure_by_scores(d, l, d.probe(l), 16, 0, 0.0))  # noqa: E741
    lw.measures.local(measure[1])
    atlas = lw.survey(decoder, lattice, [measure, "jensen_shannon"], progress=False, thumbnails=0)
    for name in atlas.measures:
        assert atlas[name].info["standard_error"].shape == lattice.shape
    whole = measure_by_scores(decoder, lattice, decoder.probe(lattice), 16, 0, 0.0)
    np.testing.assert_allclose(atlas["sampled"].metric, whole.metric, rtol=1e-7)


def test_families_without_a_fisher_metric_and_bad_arguments_say_so():
    moving = lw.Decoder(lambda z: D.Uniform(z[:, 0] - 1, z[:, 1].exp() + 3))
    with pytest.raises(ValueError, match=r"does not exist for Uniform.*support moves.*distance\(fn\)"):
        lw.measures.fisher_rao(moving, LATTICE)
    with pytest.raises(ValueError, match="samples must be a whole number >= 8, got 3"):
        lw.measures.jensen_shannon(lw.Decoder(lambda z: D.Laplace(z, 1.0)), LATTICE, samples=3)


@pytest.mark.slow
def test_threads_draw_what_one_thread_draws():
    decoder = lw.Decoder(lambda z: D.Independent(D.StudentT(4.0, z, 1 + z.square()), 1))
    lattice = lw.Lattice((-1, 1, -1, 1), (150, 128))
    with ThreadPoolExecutor(4) as pool:
        both = [
            lw.survey(decoder, lattice, ["jensen_shannon"], executor=e, progress=False, thumbnails=0)
            for e in (None, pool)
        ]
    np.testing.assert_array_equal(both[0]["jensen_shannon"].metric, both[1]["jensen_shannon"].metric)
