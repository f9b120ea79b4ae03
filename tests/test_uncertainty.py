"""An uncertainty given to a deterministic decoder, and ensembles."""

import numpy as np
import pytest
import torch
from torch import distributions as D
from torch import nn

import latent_widget as lw
from latent_widget.decoders.uncertainty import _fit_weights, _place_kernels

RNG = np.random.default_rng(0)
ANGLES = RNG.uniform(0, 2 * np.pi, 3000)
LATENTS = np.stack([np.cos(ANGLES), np.sin(ANGLES)], 1) * RNG.normal(1, 0.03, 3000)[:, None]
# noise that grows from left to right, on the first of two outputs
NOISE = 0.05 + 0.2 * (1 + LATENTS[:, 0])
MIX = np.array([[1.0, 0.5], [-0.4, 0.8]])
DATA = LATENTS @ MIX + np.stack([NOISE * RNG.normal(size=3000), 0.1 * RNG.normal(size=3000)], 1)
DECODER = lw.Decoder(lambda z: z @ torch.from_numpy(MIX), dtype=torch.float64)


def test_the_deviation_is_that_of_the_residuals_by_the_data_and_that_of_the_data_far_off():
    given = lw.with_uncertainty(DECODER, LATENTS, DATA, centres=40)
    found = given(LATENTS)
    assert isinstance(found.base_dist, D.Normal)
    np.testing.assert_allclose(found.mean.numpy(), LATENTS @ MIX, rtol=1e-12)
    ratio = found.base_dist.scale.numpy()[:, 0] / NOISE
    assert np.median(np.abs(ratio - 1)) < 0.2
    np.testing.assert_allclose(np.median(found.base_dist.scale.numpy()[:, 1]), 0.1, rtol=0.2)
    far = given([[40.0, 40.0]]).base_dist.scale.numpy()
    np.testing.assert_allclose(far[0], DATA.std(axis=0), rtol=1e-6)


def test_paths_keep_to_the_ring_that_the_data_lie_on():
    lattice = lw.Lattice((-1.3, 1.3, -1.3, 1.3), (64, 64))
    flat = lw.measures.pullback(DECODER, lattice, floor=1e-6)
    given = lw.measures.pullback(
        lw.with_uncertainty(DECODER, LATENTS, 0.05 * DATA / NOISE[:, None] + LATENTS @ MIX), lattice
    )
    ends = ([1.0, 0.0], [0.0, 1.0])
    across, around = (lw.geodesic(field, *ends) for field in (flat, given))
    assert np.linalg.norm(across.points, axis=1).min() < 0.75
    assert np.linalg.norm(around.points, axis=1).min() > np.linalg.norm(across.points, axis=1).min() + 0.02


def test_a_latent_by_itself_is_no_more_certain_than_the_others():
    """400 noisy latents around the origin, and one far off that the mean meets exactly."""
    chance = np.random.default_rng(4)
    z = np.concatenate([chance.normal(size=(400, 2)), [[12.0, 0.0]]])
    data = z @ MIX + np.concatenate([0.2 * chance.normal(size=(400, 2)), np.zeros((1, 2))])
    given = lw.with_uncertainty(DECODER, z, data, centres=8)
    deviation = given([[12.0, 0.0]]).base_dist.scale.numpy()
    # six squared residuals, five of them the mean one and the sixth nothing
    np.testing.assert_allclose(deviation[0], 0.2 * (5 / 6) ** 0.5, rtol=0.1)


def test_no_step_of_the_fit_lowers_the_likelihood():
    chance = np.random.default_rng(1)
    kernels, squares, far = chance.uniform(size=(50, 6)), chance.exponential(size=(50, 3)), np.full(3, 0.2)

    def likelihood(steps):
        precision = kernels @ _fit_weights(kernels, squares, far, steps) + far
        return float((np.log(precision) - squares * precision).sum())

    found = [likelihood(steps) for steps in (0, 1, 2, 5, 20, 100, 500)]
    assert np.all(np.diff(found) >= -1e-9)
    assert found[-1] > found[0] + 1


def test_kernels_lie_at_different_latents_and_come_again_with_the_seed(recwarn):
    """Three places, one of them held by a single latent, and more centres asked for than there are places."""
    z = np.repeat([[0.0, 0.0], [4.0, 0.0], [0.0, 9.0]], [40, 30, 1], axis=0)
    places, rates = _place_kernels(z, 64, 2.0, 0)
    np.testing.assert_allclose(sorted(places.tolist()), [[0, 0], [0, 9], [4, 0]], atol=1e-12)
    assert np.isfinite(rates).all()
    # no cluster is wider than its members, whose mean distance is what the rate is made of
    noisy = z + 0.1 * np.random.default_rng(2).normal(size=z.shape)
    places, rates = _place_kernels(noisy, 3, 2.0, 5)
    again = _place_kernels(noisy, 3, 2.0, 5)
    np.testing.assert_array_equal(places, again[0])
    near = noisy[:40]
    own = np.linalg.norm(places - near.mean(axis=0), axis=1).argmin()
    np.testing.assert_allclose(places[own], near.mean(axis=0), atol=1e-12)
    mean_distance = np.linalg.norm(near - near.mean(axis=0), axis=1).mean()
    assert rates[own] == pytest.approx(0.5 / (2.0 * mean_distance) ** 2)
    # clusters that k-means leaves empty are dropped without a word
    many, _ = _place_kernels(np.random.default_rng(3).normal(size=(30, 2)), 30, 2.0, 0)
    assert len(np.unique(many, axis=0)) == len(many)
    assert not list(recwarn)


def test_the_digits_get_an_uncertainty_that_keeps_pictures_and_shapes():
    digits = lw.examples.digits()
    given = lw.with_uncertainty(digits.decoder, digits.latents, digits.images, centres=32, max_steps=30)
    decoded = given(digits.latents[:5])
    assert tuple(decoded.event_shape) == (8, 8)
    inside = given(digits.latents).base_dist.scale.mean()
    outside = given([[30.0, 30.0]]).base_dist.scale.mean()
    assert inside < 0.8 * outside
    field = lw.measures.pullback(given, lw.Lattice.fit(digits.latents, (16, 16)), method="exact")
    assert field.info["differentiated"] == "stacked tangents"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: lw.with_uncertainty(DECODER, LATENTS, DATA[:5]), "one row each"),
        (lambda: lw.with_uncertainty(DECODER, LATENTS, DATA[:, :1]), r"decoded shape \(3000, 2\)"),
        (lambda: lw.with_uncertainty(DECODER, LATENTS, DATA, centres=0), "centres"),
        (lambda: lw.with_uncertainty(DECODER, LATENTS, DATA, max_steps=0), "max_steps must be .*>= 1, got 0"),
        (lambda: lw.with_uncertainty(lw.Decoder(lambda z: D.Normal(z, 1.0)), LATENTS, DATA), "returns Normal"),
        (lambda: lw.measures.ensemble([DECODER]), "two decoders or more, got 1"),
    ],
)
def test_bad_arguments_say_what_is_wrong(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def members():
    torch.manual_seed(0)
    return [lw.Decoder(nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 5)).double()) for _ in range(3)]


def test_an_ensemble_is_the_mean_of_its_members_and_their_expected_metric():
    lattice = lw.Lattice((-1, 1, -1, 1), (20, 24))
    decoders = members()
    field = lw.measures.ensemble(decoders)(decoders[0], lattice)
    each = [lw.measures.pullback(d, lattice) for d in decoders]
    np.testing.assert_allclose(field.metric, np.mean([one.metric for one in each], axis=0), rtol=1e-12)
    densities = np.stack([one.density for one in each])
    np.testing.assert_allclose(field.info["spread"], densities.std(axis=0) / densities.mean(axis=0), rtol=1e-12)
    # one decoder of all outputs side by side, over √3, is the same space
    together = lw.Decoder(lambda z: torch.cat([d.decode_batch(z) for d in decoders], 1) / 3**0.5, dtype=torch.float64)
    exact = lw.measures.ensemble(decoders, lambda d, l: lw.measures.pullback(d, l, method="exact"))  # noqa: E741
    whole = lw.measures.pullback(together, lattice, method="exact")
    np.testing.assert_allclose(exact(decoders[0], lattice).metric, whole.metric, rtol=1e-10)


def test_an_ensemble_is_surveyed_in_tiles_as_a_whole():
    lattice = lw.Lattice((-1, 1, -1, 1), (130, 128))
    decoders = members()
    measure = lw.measures.ensemble(decoders)
    atlas = lw.survey(decoders[0], lattice, [measure], progress=False, thumbnails=0)
    np.testing.assert_allclose(atlas["ensemble"].metric, measure(decoders[0], lattice).metric, rtol=1e-9)
    assert atlas["ensemble"].info["spread"].shape == lattice.shape
