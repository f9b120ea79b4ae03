"""The digits that ship with the package: what they are, and that their model is worth looking at."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

import latent_widget as lw
from latent_widget.examples.digits_vae import FILE


@pytest.fixture(scope="module")
def digits():
    return lw.examples.digits()


def test_images_and_labels_are_scikit_learns(digits):
    original = load_digits()
    np.testing.assert_allclose(digits.images * 16, original.images, atol=1e-6)
    np.testing.assert_array_equal(digits.labels, original.target)
    assert digits.latents.shape == (1797, 2)


def test_the_file_is_small_and_holds_no_objects():
    assert FILE.stat().st_size < 1_000_000
    with np.load(FILE, allow_pickle=False) as stored:
        assert all(stored[name].dtype.kind in "uf" for name in stored.files)


def test_decoding_the_latents_gives_the_images_back(digits):
    decoded = digits.decoder(digits.latents).numpy()
    assert decoded.shape == digits.images.shape
    error = np.square(decoded - digits.images).mean()
    mean_image = np.square(digits.images.mean(0) - digits.images).mean()
    assert error < 0.035
    assert error < 0.5 * mean_image


def test_neighbours_in_the_latent_space_are_the_same_digit(digits):
    nearest = KNeighborsClassifier(1).fit(digits.latents[::2], digits.labels[::2])
    assert nearest.score(digits.latents[1::2], digits.labels[1::2]) > 0.85


def test_sigma_grows_away_from_the_data(digits):
    on_data = digits.gaussian_decoder(digits.latents).base_dist.scale.numpy()
    far = digits.gaussian_decoder(np.array([[6.0, 6], [-6, 6], [6, -6], [-6, -6]])).base_dist.scale.numpy()
    inked = digits.images.reshape(-1, 64).std(0) > 0.1
    assert (far.reshape(4, 64) > np.quantile(on_data.reshape(-1, 64), 0.9, axis=0)).all()
    assert far.reshape(4, 64)[:, inked].mean() > 1.4 * on_data.reshape(-1, 64)[:, inked].mean()


def test_the_means_of_both_decoders_agree(digits):
    torch.testing.assert_close(digits.gaussian_decoder(digits.latents).mean, digits.decoder(digits.latents))


def test_everything_is_finite_far_from_the_data(digits):
    lattice = lw.Lattice((-8, 8, -8, 8), (24, 24))
    for decoder in (digits.decoder, digits.gaussian_decoder):
        assert np.isfinite(lw.measures.pullback(decoder, lattice, floor=1e-12).metric).all()


@pytest.mark.parametrize("name", ["decoder", "gaussian_decoder"])
def test_the_pull_back_agrees_with_finite_differences_in_double_precision(digits, name):
    lattice = lw.Lattice.fit(digits.latents, (12, 12))
    found = lw.measures.pullback(getattr(digits, name), lattice, method="exact").metric
    # a copy, since the fixture's own decoder stays in single precision
    exact = getattr(lw.examples.digits(), name).modules[0].double()

    def embedded(z):
        output = exact(torch.from_numpy(z.reshape(-1, 2)))
        parts = [output] if isinstance(output, torch.Tensor) else [output.base_dist.loc, output.base_dist.scale]
        return torch.cat([p.flatten(1) for p in parts], 1).numpy()

    step = 1e-5
    along = [(embedded(lattice.cells + e) - embedded(lattice.cells - e)) / (2 * step) for e in step * np.eye(2)]
    truth = np.einsum("ank,bnk->nab", along, along).reshape(found.shape)
    scale = np.abs(truth).max(axis=(-1, -2), keepdims=True)
    assert (np.abs(found - truth) / scale).max() < 2e-4


@pytest.mark.parametrize("name", ["decoder", "gaussian_decoder"])
def test_the_cartogram_of_the_digits_is_exact_and_does_not_fold(digits, name):
    field = lw.measures.pullback(getattr(digits, name), lw.Lattice.fit(digits.latents))
    cart = lw.cartogram(field)
    assert cart.folds == 0
    assert cart.max_area_error <= 0.02
    assert cart.converged


def test_geodesics_are_never_longer_than_the_straight_line_as_decoded(digits):
    atlas = lw.survey(digits.decoder, lw.Lattice.fit(digits.latents, (64, 64)), progress=False, thumbnails=0)
    rng = np.random.default_rng(0)
    for start, end in digits.latents[rng.integers(0, len(digits.latents), (12, 2))]:
        path = atlas.geodesic(start, end)
        straight = atlas.decoded_length(np.linspace(start, end, len(path.points)))
        assert atlas.decoded_length(path.points) <= straight * (1 + 1e-9)


def test_loading_needs_neither_scikit_learn_nor_the_network():
    script = (
        "import sys, socket; sys.modules['sklearn'] = None\n"
        "socket.socket.connect = None\n"
        "import latent_widget as lw; print(len(lw.examples.digits().labels))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout.strip() == "1797", done.stderr
