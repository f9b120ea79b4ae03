"""Decoders: shapes, modes, batches, and every way in which a decoder can be unfit for a survey."""

import functools

import numpy as np
import pytest
import torch
from torch import distributions as D
from torch import nn

import latent_widget as lw
from latent_widget.decoders.torch_modules import evaluation_mode

LATTICE = lw.Lattice((-1, 1, -1, 1), (6, 5))
NET = nn.Linear(2, 3).requires_grad_(False)

DISTRIBUTIONS = {
    "Normal": (lambda h: D.Normal(h, h.exp()), 3),
    "Categorical": (lambda h: D.Categorical(logits=h), 0),
    "OneHotCategorical": (lambda h: D.OneHotCategorical(logits=h), 0),
    "Bernoulli": (lambda h: D.Independent(D.Bernoulli(probs=h.sigmoid()), 1), 0),
    "MultivariateNormal": (lambda h: D.MultivariateNormal(h, torch.eye(3)), 0),
    "shared scale": (lambda h: D.LogNormal(h, torch.tensor(0.1)), 3),
    "Beta": (lambda h: D.Beta(h.exp(), 1 + h.exp()), 3),
    "Dirichlet": (lambda h: D.Dirichlet(h.exp()), 0),
    "Poisson": (lambda h: D.Poisson(h.exp()), 3),
    "mixture": (lambda h: D.MixtureSameFamily(D.Categorical(logits=h), D.Normal(h, 1.0)), 0),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_distributions_come_back_with_one_event_per_latent(name):
    make, _ = DISTRIBUTIONS[name]
    latents = LATTICE.cells.reshape(-1, 2)
    truth = make(NET(torch.from_numpy(latents.copy()).float()))
    found = lw.Decoder(lambda z: make(NET(z)), batch_size=7)(LATTICE.cells)
    assert tuple(found.batch_shape) == LATTICE.shape
    sample = truth.sample()
    expected = truth.log_prob(sample)
    while expected.dim() > 1:
        expected = expected.sum(-1)
    unfolded = sample.reshape(*LATTICE.shape, *sample.shape[1:])
    torch.testing.assert_close(found.log_prob(unfolded), expected.reshape(LATTICE.shape), rtol=1e-5, atol=1e-5)


def test_entropy_of_the_cells_has_the_shape_of_the_lattice():
    decoder = lw.Decoder(lambda z: D.Normal(NET(z), NET(z).exp()))
    assert tuple(decoder(LATTICE.cells).entropy().shape) == LATTICE.shape


@pytest.mark.parametrize("batch_size", [1, 7, 30, 1000])
def test_batches_do_not_show(batch_size):
    sizes = []

    def decode(z):
        sizes.append(len(z))
        return NET(z).unflatten(1, (3, 1))

    found = lw.Decoder(decode, batch_size=batch_size)(LATTICE.cells)
    assert tuple(found.shape) == (6, 5, 3, 1)
    torch.testing.assert_close(found[2, 3, :, 0], NET(torch.from_numpy(LATTICE.cells[2, 3].copy()).float()))
    assert max(sizes) <= batch_size


class Stochastic(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))

    def forward(self, z):
        return self.layers(z)

    def decode(self, z):
        return self.layers(z)


def wrappings(model):
    return {
        "module": model,
        "bound method": model.decode,
        "partial": functools.partial(nn.Module.__call__, model),
        "closure": lambda z: model(z),
        "closure of a method": (lambda decode: lambda z: decode(z))(model.decode),
    }


@pytest.mark.parametrize("wrapping", wrappings(Stochastic()))
def test_training_mode_is_switched_off_and_put_back_module_by_module(wrapping):
    model = Stochastic()
    model.layers[2].eval()
    before = [module.training for module in model.modules()]
    assert True in before
    assert False in before
    decoder = lw.Decoder(wrappings(model)[wrapping])
    atlas = lw.survey(decoder, LATTICE, ["pullback"], progress=False)
    assert [module.training for module in model.modules()] == before
    model.eval()
    np.testing.assert_allclose(
        lw.measures.pullback(lw.Decoder(model), LATTICE).metric, atlas["pullback"].metric, rtol=1e-5
    )


def test_modes_are_put_back_after_a_failure_too():
    model = Stochastic()
    with pytest.raises(ValueError, match="NaN"):
        lw.survey(lw.Decoder(lambda z: model(z) * torch.nan), LATTICE, progress=False)
    assert all(module.training for module in model.modules())


def test_dtype_follows_the_parameters():
    seen = []

    def watched(z, net):
        seen.append(z.dtype)
        return net(z)

    lw.Decoder(functools.partial(watched, net=nn.Linear(2, 3).double()))(LATTICE.cells)
    lw.Decoder(functools.partial(watched, net=nn.Linear(2, 3)))(LATTICE.cells)
    assert set(seen[:1]) == {torch.float64}
    assert set(seen[1:]) == {torch.float32}


@pytest.mark.parametrize(
    ("decode", "error", "words"),
    [
        (
            lambda z: z * torch.nan,
            ValueError,
            r"NaN or infinity for 5 of 5 latents, the first at z=\[.*shrink the extent",
        ),
        (lambda z: z[:-1], ValueError, r"shape \(4, 2\) for 5 latents"),
        (lambda z: z.sum(), ValueError, r"shape \(\) for 5 latents"),
        (lambda z: (z, z), ValueError, "tuple.*return its first item"),
        (lambda z: z.numpy(), ValueError, "ndarray; it must return a torch.Tensor"),
        (lambda z: z.argmax(1), ValueError, "int64"),
        (lambda z: D.Normal(z[:2], 1.0), ValueError, r"batch shape \(2, 2\) for 5 latents"),
        (lambda z: z + torch.rand_like(z), ValueError, "different outputs for the same latents.*dropout"),
        (lambda z: z - z.mean(0), ValueError, "depending on the other rows"),
        (
            lambda z: z @ torch.ones(3, 3),
            RuntimeError,
            r"batch of latents of shape \(5, 2\).*shapes cannot be multiplied",
        ),
        (lambda z: D.Normal(z, -1 * z.abs()), RuntimeError, "decode failed on a batch.*scale"),
    ],
)
def test_unfit_decoders_are_refused_before_anything_is_measured(decode, error, words):
    with pytest.raises(error, match=words):
        lw.survey(lw.Decoder(decode), LATTICE, progress=False)


def test_a_decoder_of_another_dimension_names_the_way_to_a_plane():
    with pytest.raises(ValueError, match=r"dimension 2.*latent_dim=5.*Lattice\.through"):
        lw.survey(lw.Decoder(lambda z: z, latent_dim=5), LATTICE, progress=False)
    with pytest.raises(ValueError, match=r"\(\.\.\., 5\).*lattice\.embed"):
        lw.Decoder(lambda z: z, latent_dim=5)(LATTICE.cells)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: lw.Decoder(3), TypeError, "callable"),
        (lambda: lw.Decoder(NET, latent_dim=0), ValueError, "latent_dim .*>= 1, got 0"),
        (lambda: lw.Decoder(NET, batch_size=0.5), ValueError, "batch_size"),
        (lambda: lw.Decoder(NET, device="meta"), ValueError, r"device='meta'.*model\.to"),
        (lambda: lw.Decoder(NET)(np.zeros((0, 2))), ValueError, "empty"),
    ],
)
def test_bad_arguments_say_what_is_wrong(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_modes_come_back_with_the_last_of_several_surveys_at_once():
    net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2)).train()
    net[0].eval()
    first, second = evaluation_mode([net]), evaluation_mode([net])
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert not any(module.training for module in net.modules())
    second.__exit__(None, None, None)
    assert [module.training for module in net.modules()] == [True, False, True]
