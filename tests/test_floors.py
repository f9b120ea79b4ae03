"""Floors by percentage, on whole lattices and in bands, and the classifier's defaults that rest on them."""

import warnings
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from torch import distributions as D
from torch import nn

import latent_widget as lw

LATTICE = lw.Lattice((0, 2, 0, 1), (8, 16))


def ramp(z):
    """One number: y² / 2, whose derivative by x is 0 and by y is y."""
    return z[:, 1:].square() / 2


RAMP = lw.Decoder(ramp, dtype=torch.float64)


@pytest.mark.parametrize("floor", ["10%", " 10.0 % "])
def test_a_percentage_is_one_of_the_mean_eigenvalue(floor):
    field = lw.measures.pullback(RAMP, LATTICE, floor=floor)
    y = LATTICE.cells[..., 1]
    level = 0.1 * (y**2 / 2).mean()
    truth = np.stack([np.full_like(y, level), np.maximum(y**2, level)], -1)
    np.testing.assert_allclose(np.diagonal(field.metric, axis1=2, axis2=3), truth, rtol=1e-12)
    assert field.info["floored"] == y.size
    assert field.info["floor"] == pytest.approx(level)
    assert field.info["floor_share"] == 0.1


def test_a_metric_above_the_floor_is_left_as_it_is():
    metric = np.broadcast_to(np.diag([1.0, 3.0]), (*LATTICE.shape, 2, 2))
    field = lw.Field(LATTICE, metric, floor="49%")
    np.testing.assert_array_equal(field.metric, metric)
    assert field.info["floored"] == 0
    assert lw.Field(LATTICE, metric, floor="51%").info["floored"] == LATTICE.shape[0] * LATTICE.shape[1]


def test_walls_do_not_enter_the_mean():
    metric = np.broadcast_to(np.diag([1.0, 3.0]), (*LATTICE.shape, 2, 2)).copy()
    metric[0, 0] = np.diag([np.inf, np.inf])
    field = lw.Field(LATTICE, metric, floor="60%", walls=True)
    assert field.info["floor"] == pytest.approx(1.2)
    assert field.walls.sum() == 1


@pytest.mark.parametrize("floor", ["one", "1", "%", "0%", "100%", "-1%", "nan%", True, [1.0], -1.0, np.inf, np.nan])
def test_floors_that_are_none_name_the_remedy(floor):
    metric = np.broadcast_to(np.eye(2), (*LATTICE.shape, 2, 2))
    with pytest.raises(ValueError, match=r'floor.*floor="1%"'):
        lw.Field(LATTICE, metric, floor=floor)
    with pytest.raises(ValueError, match="floor"):
        lw.measures.classifier(lambda x: x, floor=floor)
    with pytest.raises(ValueError, match="floor="):
        lw.cartogram(np.ones((4, 4)), floor=floor)


def test_measures_of_one_number_name_the_percentage_with_numbers():
    with pytest.raises(ValueError, match=r'in 128 of 128 cells.*floor="1%" would .* their mean, 0.0017 here'):
        lw.measures.feature(lambda x: x)(RAMP, LATTICE)
    found = lw.measures.feature(lambda x: x, floor="1%")(RAMP, LATTICE)
    np.testing.assert_allclose(found.metric, lw.measures.pullback(RAMP, LATTICE, floor="1%").metric)
    assert found.info["measure"] == "feature"


def verdict(z):
    """Logits of three classes; nothing changes where x and y are large, for the saturation of tanh."""
    bent = torch.tanh(4 * z)
    return torch.stack([3 * bent[:, 0], 3 * bent[:, 1], 0 * z[:, 0]], 1)


PLAIN = lw.Decoder(lambda z: z + 0, dtype=torch.float64)
MADE = {
    "pullback": (RAMP, partial(lw.measures.pullback, floor="5%", method="exact")),
    "chords": (RAMP, partial(lw.measures.pullback, floor="5%", method="chords")),
    "feature": (RAMP, lw.measures.feature(lambda x: x, floor="5%")),
    "classifier": (PLAIN, lw.measures.classifier(verdict)),
    "pair": (PLAIN, lw.measures.classifier(lambda z: verdict(z)[:, :2])),
    "ensemble": (RAMP, lw.measures.ensemble([RAMP, RAMP], partial(lw.measures.pullback, floor="5%"))),
    "nothing in some bands": (
        lw.Decoder(lambda z: torch.relu(z - 0.5), dtype=torch.float64),
        partial(lw.measures.pullback, floor="5%", method="exact"),
    ),
}


@pytest.mark.parametrize("name", MADE)
@pytest.mark.filterwarnings("ignore:.*the floor's:UserWarning")
def test_bands_of_a_survey_give_what_the_whole_gives(name, monkeypatch):
    monkeypatch.setattr("latent_widget._survey.TILE", 32)
    decoder, measure = MADE[name]
    whole = measure(decoder, LATTICE)
    joined = lw.survey(decoder, LATTICE, [(name, measure)], progress=False, thumbnails=0)[name]
    np.testing.assert_allclose(joined.metric, whole.metric, rtol=1e-9)
    for key in ("floored", "floor", "floor_share", "temper"):
        assert joined.info.get(key) == pytest.approx(whole.info.get(key))
    # bands floored by their own means would differ, or the test would show nothing
    bands = [measure(decoder, LATTICE.band(k, k + 2)).metric for k in range(0, 8, 2)]
    assert np.abs(np.concatenate(bands) - whole.metric).max() > 1e-4


def test_the_survey_warns_once_where_the_floor_stands_for_the_model(monkeypatch):
    monkeypatch.setattr("latent_widget._survey.TILE", 32)
    pair = lw.measures.classifier(lambda z: verdict(z)[:, :2])
    with pytest.warns(UserWarning, match="classifier: in 128 of 128 cells") as told:
        lw.survey(PLAIN, LATTICE, [pair], progress=False, thumbnails=0)
    assert len(told) == 1
    with pytest.warns(UserWarning, match="classifier: in 128 of 128 cells"):
        pair(PLAIN, LATTICE)


def test_two_classes_have_rank_one_and_a_floor_across():
    """The Fisher information of a logit l is p (1 − p) dl²: along x alone here, so that G is diagonal."""
    measure = lw.measures.classifier(lambda z: torch.stack([2 * z[:, 0], 0 * z[:, 0]], 1), temper=0.5, floor="1%")
    with pytest.warns(UserWarning, match="128 of 128"):
        field = measure(PLAIN, LATTICE)
    p = 1 / (1 + np.exp(-2 * LATTICE.cells[..., 0]))
    along = np.sqrt(4 * p * (1 - p))
    across = np.full_like(along, 0.01 * (along / 2).mean())
    np.testing.assert_allclose(np.diagonal(field.metric, axis1=2, axis2=3), np.stack([along, across], -1), rtol=1e-6)
    assert field.info["classes"] == 2
    assert field.info["temper"] == 0.5
    assert field.info["floored"] == 128
    with pytest.raises(ValueError, match=r'not positive definite in 128 of 128.*floor="1%"'):
        lw.measures.classifier(lambda z: torch.stack([2 * z[:, 0], 0 * z[:, 0]], 1), floor=None)(PLAIN, LATTICE)


def test_the_defaults_are_the_tempered_and_floored_fisher_metric():
    pure = lw.measures.fisher_rao(lw.Decoder(lambda z: D.Categorical(logits=verdict(z)), dtype=torch.float64), LATTICE)
    found = lw.measures.classifier(verdict)(PLAIN, LATTICE)
    tempered = pure.temper(0.5)
    truth = lw.Field(LATTICE, tempered.metric, floor="1%")
    np.testing.assert_allclose(found.metric, truth.metric, rtol=1e-9)
    assert 0 < found.info["floored"] == truth.info["floored"] < 128
    with pytest.raises(ValueError, match="temper must be"):
        lw.measures.classifier(verdict, temper=-1)


def train(net, loss, steps, rate):
    optimiser = torch.optim.Adam(net.parameters(), rate)
    for _ in range(steps):
        optimiser.zero_grad()
        loss().backward()
        optimiser.step()
    return net.requires_grad_(False)


def train_models(load):
    """Data, latents, decoder and classifier of a small data set, on a lattice that holds the latents."""
    loaded = load()
    x = torch.from_numpy((loaded.data - loaded.data.mean(0)) / (loaded.data.std(0) + 1e-6)).float()
    y = torch.from_numpy(loaded.target).long()
    width, classes = x.shape[1], int(y.max()) + 1
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        auto = nn.Sequential(nn.Linear(width, 32), nn.Tanh(), nn.Linear(32, 2), nn.Linear(2, 32), nn.Tanh())
        auto.append(nn.Linear(32, width))
        classify = nn.Sequential(nn.Linear(width, 32), nn.Tanh(), nn.Linear(32, classes))
        train(auto, lambda: (auto(x) - x).square().mean(), 150, 1e-2)
        train(classify, lambda: nn.functional.cross_entropy(classify(x), y), 150, 1e-2)
    z = auto[:3](x).numpy()
    return x.numpy(), z, lw.Decoder(auto[3:]), classify, classes, lw.Lattice.fit(z, shape=(48, 48))


@pytest.mark.parametrize("measure", [lw.measures.fisher_rao, lw.measures.jensen_shannon])
@pytest.mark.parametrize("load", [load_breast_cancer, load_wine])
def test_maps_of_a_growing_uncertainty_converge(load, measure):
    x, z, decoder, *_, lattice = train_models(load)
    cart = lw.cartogram(measure(lw.with_uncertainty(decoder, z, x), lattice))
    assert cart.converged
    assert cart.folds == 0


@pytest.mark.parametrize("load", [load_digits, load_breast_cancer, load_wine])
def test_maps_of_trained_classifiers_converge_by_default(load):
    _, _, decoder, classify, classes, lattice = train_models(load)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*the floor's", UserWarning)
        found = lw.measures.classifier(classify)(decoder, lattice)
    cart = lw.cartogram(found)
    assert cart.converged
    assert cart.folds == 0
    # what the defaults are for: without them there is no metric at all, or one that no map can follow
    untempered = lw.measures.classifier(classify, temper=1, floor=None)
    if classes == 2:
        with pytest.raises(ValueError, match="not positive definite in 2304 of 2304"):
            untempered(decoder, lattice)
        return
    with pytest.warns(RuntimeWarning, match="not converged"):
        assert not lw.cartogram(untempered(decoder, lattice), floor=1e-9).converged
