"""The place names: data and weights agree with the model, and the latents with the kinds of names."""

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier

import latent_widget as lw
from latent_widget.examples.names_vae import COUNTRIES, LONGEST, to_tokens


@pytest.fixture(scope="module")
def example():
    return lw.examples.names()


def test_names_are_real_and_encoded(example):
    assert len(example.names) == len(example.labels) == len(example.latents) > 2000
    assert set(example.labels) == set(COUNTRIES.values())
    assert example.encode(example.names[:5].tolist()) == pytest.approx(example.latents[:5], abs=1e-5)
    assert np.isfinite(example.latents).all()


def test_letters_make_the_round_trip(example):
    read = example.decoder.texts(to_tokens(example.names.tolist()))
    assert read.tolist() == [name.lower() for name in example.names]
    assert example.decoder.texts(to_tokens(["Łódź", "São Tomé"])).tolist() == ["lodz", "sao tome"]
    assert to_tokens(["x" * 99]).shape == (1, LONGEST)


def test_latents_know_kinds_of_names(example):
    """One in six by chance."""
    known = KNeighborsClassifier(15).fit(example.latents[::2], example.labels[::2])
    assert known.score(example.latents[1::2], example.labels[1::2]) > 0.5


def test_the_decoder_knows_names_from_noise(example):
    """A name is likelier at its own latent than at another's, and than when it is written backwards."""
    decoder, chosen = example.decoder, np.random.default_rng(0).choice(len(example.names), 300, replace=False)
    own = decoder.place_latents(example.latents[chosen])
    tokens, backwards = (
        torch.from_numpy(to_tokens([name[::step] for name in example.names[chosen]])) for step in (1, -1)
    )

    def score(z, of):
        said = decoder.log_probabilities(z, of).gather(-1, of[..., None])[..., 0]
        return float((said * (said.new_tensor(range(LONGEST)) < decoder.count_tokens(of)[:, None])).sum(1).mean())

    assert score(own, tokens) > score(own.roll(1, 0), tokens) + 2
    assert score(own, tokens) > score(own, backwards) + 2


@pytest.mark.slow
def test_geodesics_pass_through_names(example):
    lattice = lw.Lattice.fit(example.latents, (12, 12))
    field = lw.measures.jensen_shannon(example.decoder, lattice, prefixes=16)
    path = lw.geodesic(field, (-1, -1), (1, 1))
    assert path.length <= path.straight_length
    texts = example.decoder.texts(example.decoder(lattice.embed(path.points)))
    assert len(set(texts)) > 2
