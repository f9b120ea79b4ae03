"""Fisher–Rao in closed form, and every divergence over its constant converging to it."""

import math

import numpy as np
import pytest
import torch
from scipy.special import polygamma
from torch import distributions as D
from torch.distributions.kl import kl_divergence

import latent_widget as lw
from latent_widget.measures.statistical_distances._fisher_rao import _variance_of_continuous_bernoulli
from latent_widget.measures.statistical_distances._hellinger import _HELLINGER
from latent_widget.measures.statistical_distances._kl import _KL
from latent_widget.measures.statistical_distances.families import look_up, sum_over_factors

WEIGHTS = torch.tensor([[1.0, -0.5, 0.2, 0.8], [0.3, 1.1, -0.7, -0.2]], dtype=torch.float64)
TURN = torch.tensor([[1.0, 0.4], [-0.5, 0.6]], dtype=torch.float64)


def lifted(z):
    return z @ WEIGHTS


# decoders, and their Fisher metric as a function of plane points (H, W, 2)
def gaussian(z):
    return D.Normal(z[:, 0], z[:, 1].exp())


def fisher_gaussian(z):
    metric = np.zeros((*z.shape[:-1], 2, 2))
    metric[..., 0, 0], metric[..., 1, 1] = np.exp(-2 * z[..., 1]), 2
    return metric


def gaussian_turned(z):
    return gaussian(z @ TURN)


def fisher_gaussian_turned(z):
    turn = TURN.numpy()
    return turn @ fisher_gaussian(z @ turn) @ turn.T


def gaussian_half_plane(z):
    return D.LogNormal(z[:, 0], 2 + z[:, 1])


def fisher_gaussian_half_plane(z):
    return np.eye(2) * np.array([1, 2]) / (2 + z[..., 1, None, None]) ** 2


def softmax(z):
    return D.OneHotCategorical(logits=lifted(z))


def fisher_softmax(z):
    w = WEIGHTS.numpy()
    p = np.exp(z @ w)
    p /= p.sum(-1, keepdims=True)
    mean = p @ w.T
    return np.einsum("...k,ak,bk->...ab", p, w, w) - mean[..., :, None] * mean[..., None, :]


def bernoullis(z):
    return D.Bernoulli(logits=lifted(z))


def fisher_bernoullis(z):
    w = WEIGHTS.numpy()
    p = 1 / (1 + np.exp(-z @ w))
    return np.einsum("...k,ak,bk->...ab", p * (1 - p), w, w)


def poissons(z):
    return D.Poisson(lifted(z).exp())


def fisher_poissons(z):
    w = WEIGHTS.numpy()
    return np.einsum("...k,ak,bk->...ab", np.exp(z @ w), w, w)


def exponentials(z):
    return D.Exponential(lifted(z).exp())


def fisher_exponentials(z):
    w = WEIGHTS.numpy()
    return np.broadcast_to(w @ w.T, (*z.shape[:-1], 2, 2))


def gammas(z):
    return D.Gamma((1 + z[:, :1] / 2).exp(), (2 * z[:, 1:]).exp())


def fisher_gammas(z):
    k = np.exp(1 + z[..., 0] / 2)
    metric = np.empty((*z.shape[:-1], 2, 2))
    # by the logarithms of shape and rate, a = log k and b = log r: k²ψ′(k), −k and k
    metric[..., 0, 0] = 0.25 * k**2 * polygamma(1, k)
    metric[..., 0, 1] = metric[..., 1, 0] = -k
    metric[..., 1, 1] = 4 * k
    return metric


FAMILIES = {
    gaussian: fisher_gaussian,
    gaussian_turned: fisher_gaussian_turned,
    gaussian_half_plane: fisher_gaussian_half_plane,
    softmax: fisher_softmax,
    bernoullis: fisher_bernoullis,
    poissons: fisher_poissons,
    exponentials: fisher_exponentials,
    gammas: fisher_gammas,
}
SERVED = {
    "kl": list(FAMILIES),
    "hellinger": [family for family in FAMILIES if family not in (exponentials, gammas)],
    "jensen_shannon": [family for family in FAMILIES if family is not exponentials],  # gammas of shape 1
}


def errors(found, truth):
    return np.linalg.norm(found - truth, axis=(-1, -2)) / np.linalg.norm(truth, axis=(-1, -2))


@pytest.mark.parametrize("decode", FAMILIES, ids=lambda f: f.__name__)
def test_fisher_rao_is_the_closed_form(decode):
    lattice = lw.Lattice((-1.5, 1.5, -1, 1), (32, 40))
    exact = lw.measures.fisher_rao(lw.Decoder(decode, dtype=torch.float64), lattice)
    assert errors(exact.metric, FAMILIES[decode](lattice.cells)).max() < 1e-10
    single = lw.measures.fisher_rao(lw.Decoder(lambda z: decode(z.double())), lattice)
    assert errors(single.metric, FAMILIES[decode](lattice.cells)).max() < 1e-5


@pytest.mark.parametrize(
    ("name", "decode"),
    [(name, decode) for name, served in SERVED.items() for decode in served],
    ids=lambda v: v if isinstance(v, str) else v.__name__,
)
def test_divergences_converge_to_fisher_rao_at_second_order(name, decode):
    decoder = lw.Decoder(decode, dtype=torch.float64)
    medians = []
    for n in (64, 256):
        lattice = lw.Lattice((-1.5, 1.5, -1, 1), (n, n))
        found = getattr(lw.measures, name)(decoder, lattice)
        assert found.info["measure"] == name
        medians.append(np.median(errors(found.metric, FAMILIES[decode](lattice.cells))))
    assert math.log(medians[0] / medians[1], 4) >= 1.9
    assert medians[1] <= 1e-3


MORE = {
    "Laplace": lambda z: D.Laplace(z[:, 0], z[:, 1].exp()),
    "Exponential": lambda z: D.Exponential(lifted(z).exp()),
    "Gamma": lambda z: D.Gamma((z[:, :1] + 2).exp(), z[:, 1:].exp()),
    "Beta": lambda z: D.Beta((z[:, :1] + 1).exp(), (z[:, 1:] + 0.5).exp()),
    "ContinuousBernoulli": lambda z: D.ContinuousBernoulli(logits=3 * lifted(z)),
}


@pytest.mark.parametrize("name", MORE)
def test_other_families_agree_with_the_score_integrated(name):
    """F = E[score scoreᵀ], by the midpoint rule over the distribution's quantiles or its support."""
    decode = MORE[name]
    point = torch.tensor([[0.3, -0.4]], dtype=torch.float64, requires_grad=True)
    base = decode(point)
    factors = base.batch_shape[1] if len(base.batch_shape) > 1 else 1
    low, high = {"Laplace": (-40, 40), "Exponential": (0, 80), "Gamma": (0, 150)}.get(name, (0, 1))
    edges = torch.linspace(low, high, 400_001, dtype=torch.float64)
    x = (edges[1:] + edges[:-1]) / 2
    truth = np.zeros((2, 2))
    for k in range(factors):

        def log_density(z, k=k):
            distribution = decode(z[None])
            # all x at once for one factor
            one = type(distribution)(
                **{
                    p: getattr(distribution, p).reshape(-1)[k]
                    for p in distribution.arg_constraints
                    if p != "probs" or "logits" not in distribution.arg_constraints
                },
                validate_args=False,
            )
            return one.log_prob(x)

        z = point[0].detach()
        density = log_density(z).exp() * (high - low) / len(x)
        score = torch.func.jacfwd(log_density)(z)
        truth += torch.einsum("n,na,nb->ab", density, score, score).numpy()
    lattice = lw.Lattice((0.3 - 1e-3, 0.3 + 1e-3, -0.4 - 1e-3, -0.4 + 1e-3), (3, 3))
    found = lw.measures.fisher_rao(lw.Decoder(decode, dtype=torch.float64), lattice).metric[1, 1]
    np.testing.assert_allclose(found, truth, rtol=2e-4, atol=1e-4 * np.abs(truth).max())


def test_variance_of_the_continuous_bernoulli_is_smooth_where_its_formula_changes():
    eta = torch.linspace(-0.6, 0.6, 2001, dtype=torch.float64)
    variance = _variance_of_continuous_bernoulli(eta)
    truth = D.ContinuousBernoulli(logits=eta[(eta.abs() > 0.4)], lims=(0.4999, 0.5001)).variance
    np.testing.assert_allclose(variance[eta.abs() > 0.4], truth, rtol=1e-7)
    assert float(variance.diff().abs().max()) < 2e-5


def test_wasserstein_of_a_gaussian_decoder_is_the_pull_back_of_mean_and_deviation():
    def decode(z):
        return D.Independent(D.Normal(torch.sin(lifted(z)), 0.5 + lifted(z) ** 2), 1)

    decoder = lw.Decoder(decode, dtype=torch.float64)
    lattice = lw.Lattice((-1, 1, -1, 1), (256, 256))
    truth = lw.measures.pullback(decoder, lattice).metric
    assert np.median(errors(lw.measures.wasserstein(decoder, lattice).metric, truth)) < 1e-4


def pair(make):
    generator = torch.Generator().manual_seed(0)
    return (make(torch.rand(2, 50, 1, generator=generator, dtype=torch.float64)[k] * 3 + 0.2) for k in (0, 1))


@pytest.mark.parametrize(
    "make",
    [
        lambda t: D.Normal(3 * t, t),
        lambda t: D.Bernoulli(logits=t - 2),
        lambda t: D.Poisson(t),
        lambda t: D.Exponential(t),
        lambda t: D.Gamma(t, t + 1),
        lambda t: D.Beta(t, t + 0.5),
        lambda t: D.Categorical(logits=t * WEIGHTS[0]),
    ],
    ids=["Normal", "Bernoulli", "Poisson", "Exponential", "Gamma", "Beta", "Categorical"],
)
def test_symmetrised_kl_is_pytorchs_both_ways(make):
    p, q = pair(make)
    truth = kl_divergence(p, q) + kl_divergence(q, p)
    torch.testing.assert_close(sum_over_factors(look_up(p, _KL, "kl"), p, q), truth, rtol=1e-8, atol=1e-12)


def test_hellinger_is_its_integral():
    p, q = D.Normal(torch.tensor(0.3).double(), torch.tensor(1.1).double()), D.Normal(torch.tensor(-1.0).double(), 0.4)
    x = torch.linspace(-20, 20, 400_001, dtype=torch.float64)
    truth = 0.5 * torch.trapezoid(((p.log_prob(x) / 2).exp() - (q.log_prob(x) / 2).exp()).square(), x)
    assert float(look_up(p, _HELLINGER, "hellinger")(p, q)) == pytest.approx(float(truth), rel=1e-9)
    a, b = D.Poisson(torch.tensor(2.0).double()), D.Poisson(torch.tensor(3.5).double())
    k = torch.arange(200, dtype=torch.float64)
    truth = 0.5 * ((a.log_prob(k) / 2).exp() - (b.log_prob(k) / 2).exp()).square().sum()
    assert float(look_up(a, _HELLINGER, "hellinger")(a, b)) == pytest.approx(float(truth), rel=1e-9)


@pytest.mark.parametrize(
    ("make", "truth"),
    [
        (lambda t: D.MultivariateNormal(t @ MIX, scale_tril=torch.linalg.cholesky(spd(t))), kl_divergence),
        (lambda t: D.Dirichlet((t @ MIX).exp()), kl_divergence),
        (lambda t: D.Geometric(logits=t @ MIX), kl_divergence),
        (lambda t: D.Binomial(7, logits=t @ MIX), kl_divergence),
        (lambda t: D.HalfNormal((t @ MIX).exp()), kl_divergence),
        (lambda t: D.Cauchy(t @ MIX, (t.flip(1) @ MIX).exp()), None),
    ],
    ids=["MultivariateNormal", "Dirichlet", "Geometric", "Binomial", "HalfNormal", "Cauchy"],
)
def test_closed_forms_are_the_second_derivative_of_the_divergence(make, truth):
    """KL(p(z) ‖ p(z + v)) = ½ vᵀGv + …, by automatic differentiation; Cauchy's closed form by its half-plane."""
    lattice = lw.Lattice((0.3 - 1e-3, 0.3 + 1e-3, -0.4 - 1e-3, -0.4 + 1e-3), (3, 3))
    found = lw.measures.fisher_rao(lw.Decoder(make, dtype=torch.float64), lattice).metric[1, 1]
    point = torch.tensor([0.3, -0.4], dtype=torch.float64)
    if truth is None:
        base = make(point[None])
        # (δx² + δγ²) / 2γ² per factor
        shift, spread = torch.autograd.functional.jacobian(lambda z: make(z[None]).loc[0], point), None
        spread = torch.autograd.functional.jacobian(lambda z: make(z[None]).scale[0], point)
        expected = ((shift.T / base.scale[0] ** 2) @ shift + (spread.T / base.scale[0] ** 2) @ spread) / 2
    else:
        expected = torch.autograd.functional.hessian(lambda z: truth(make(point[None]), make(z[None])).sum(), point)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10)


def spd(t):
    root = torch.stack([t @ MIX, t.flip(1) @ MIX, (t * t) @ MIX], 1)
    return root @ root.mT + torch.eye(3, dtype=torch.float64)


MIX = torch.tensor([[0.8, -0.3, 0.5], [0.2, 0.9, -0.6]], dtype=torch.float64)


@pytest.mark.parametrize("name", ["fisher_rao", "kl", "hellinger", "wasserstein"])
def test_other_outputs_are_refused_with_what_applies(name):
    lattice = lw.Lattice((-1, 1, -1, 1), (4, 4))
    with pytest.raises(ValueError, match=rf"{name} needs one of .*Normal.*got tensor .*pullback"):
        getattr(lw.measures, name)(lw.Decoder(lambda z: z), lattice)
    if name != "fisher_rao":
        with pytest.raises(ValueError, match=rf"{name} needs one of .*got Cauchy; fisher_rao and jensen_shannon take"):
            getattr(lw.measures, name)(lw.Decoder(lambda z: D.Cauchy(z, 1.0)), lattice)
    with pytest.raises(ValueError, match=rf"{name} needs one of .*got objects .str.; distance"):
        getattr(lw.measures, name)(lw.Decoder(lambda z: ["a"] * len(z)), lattice)


def test_parameters_without_a_derivative_name_a_measure_that_needs_none():
    decoder = lw.Decoder(lambda z: D.Bernoulli(logits=torch.sin(z.detach())))
    with pytest.raises(ValueError, match=r"fisher_rao cannot differentiate .*jensen_shannon needs no derivative"):
        lw.measures.fisher_rao(decoder, lw.Lattice((-1, 1, -1, 1), (4, 4)))


def test_they_are_known_by_name_and_cut_into_tiles():
    decoder = lw.Decoder(softmax, dtype=torch.float64)
    lattice = lw.Lattice((-1, 1, -1, 1), (130, 128))
    atlas = lw.survey(decoder, lattice, ["fisher_rao", "kl", "hellinger"], progress=False, thumbnails=0)
    for name in atlas.measures:
        whole = getattr(lw.measures, name)(decoder, lattice)
        np.testing.assert_allclose(atlas[name].metric, whole.metric, rtol=1e-7, atol=1e-12)
