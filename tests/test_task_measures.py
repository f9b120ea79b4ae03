"""Task and conformal measures against what they are made of."""

import numpy as np
import pytest
import torch
from scipy.stats import gaussian_kde
from torch import distributions as D

import latent_widget as lw

LATTICE = lw.Lattice((-1, 1, -0.8, 0.8), (24, 30))
WEIGHTS = torch.randn(2, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
MIX = torch.randn(6, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def decode(z):
    return torch.tanh(z @ WEIGHTS)


DECODER = lw.Decoder(decode, dtype=torch.float64)


def composed(fn):
    return lw.Decoder(lambda z: fn(decode(z)), dtype=torch.float64)


def test_features_are_the_pull_back_of_the_composition():
    found = lw.measures.feature(lambda x: torch.sin(x @ MIX))(DECODER, LATTICE)
    truth = lw.measures.pullback(composed(lambda x: torch.sin(x @ MIX)), LATTICE)
    np.testing.assert_allclose(found.metric, truth.metric, rtol=1e-12)
    assert found.info["measure"] == "feature"


def test_several_layers_add():
    both = lw.measures.feature(lambda x: [x[:, :4].unflatten(1, (2, 2)), x[:, 4:]])(DECODER, LATTICE)
    np.testing.assert_allclose(both.metric, lw.measures.pullback(DECODER, LATTICE).metric, rtol=1e-12)


def test_features_of_a_gaussian_decoder_see_its_mean():
    gaussian = lw.Decoder(lambda z: D.Normal(decode(z), 0.1 + z.square().sum(1, keepdim=True)), dtype=torch.float64)
    found = lw.measures.feature(lambda x: x)(gaussian, LATTICE)
    np.testing.assert_allclose(found.metric, lw.measures.pullback(DECODER, LATTICE).metric, rtol=1e-12)


def test_a_classifier_is_fisher_rao_of_its_verdict():
    found = lw.measures.classifier(lambda x: 3 * x @ MIX, temper=1, floor=None)(DECODER, LATTICE)
    verdicts = composed(lambda x: D.Categorical(logits=3 * x @ MIX))
    np.testing.assert_allclose(found.metric, lw.measures.fisher_rao(verdicts, LATTICE).metric, rtol=1e-12)
    with pytest.raises(RuntimeError, match=r"logits \(n, classes\)"):
        lw.measures.classifier(lambda x: x[:, 0])(DECODER, LATTICE)


def test_a_classifier_stretches_where_the_class_changes():
    verdict = lambda x: torch.stack([10 * x[:, 0], 10 * x[:, 1], 0 * x[:, 0]], 1)  # noqa: E731
    steep = lw.measures.classifier(verdict, temper=1, floor=None)
    density = steep(lw.Decoder(lambda z: z + 0, dtype=torch.float64), lw.Lattice((-1, 1, -1, 1), (40, 40))).density
    # three classes meet at the origin; in the corners one of them is certain
    assert density[20, 20] > 100 * max(density[0, 0], density[-1, 0], density[0, -1])


def test_the_euclidean_black_box_is_the_pull_back_by_chords():
    found = lw.measures.distance(lambda a, b: (a - b).norm(dim=1).numpy())(DECODER, LATTICE)
    truth = lw.measures.pullback(DECODER, LATTICE, method="chords")
    np.testing.assert_allclose(found.metric, truth.metric, rtol=1e-9)
    assert found.info["residual"].shape == LATTICE.shape


def test_the_residual_tells_a_metric_from_a_stretch():
    linear = lw.Decoder(lambda z: z @ WEIGHTS, dtype=torch.float64)
    flat = lw.measures.distance(lambda a, b: (a - b).norm(dim=1))(linear, LATTICE)
    assert flat.info["largest_residual"] < 1e-12
    plane = lw.Decoder(lambda z: z + 0, dtype=torch.float64)
    # the city-block distance along a diagonal is the sum of both sides, which no tensor gives
    square = lw.Lattice((0, 1, 0, 1), (8, 8))
    blocks = lw.measures.distance(lambda a, b: (a - b).abs().sum(1))(plane, square)
    # squared: edges 1, diagonals 4; fitted: edges 1, diagonals 2
    assert blocks.info["largest_residual"] == pytest.approx(np.sqrt(8 / 36))


@pytest.mark.parametrize(
    ("fn", "words"),
    [
        (lambda a, b: (a - b).sum(1), "returned -.* a distance must be finite and >= 0"),
        (lambda a, b: torch.full((len(a),), torch.nan), "returned nan for .* pairs"),
        (lambda a, b: (a - b).abs(), r"one number per pair, shape \(\d+,\), got \(\d+, 6\)"),
        (lambda a, b: "far", "array of numbers"),
    ],
)
def test_black_boxes_that_are_no_distances(fn, words):
    with pytest.raises(ValueError, match=words):
        lw.measures.distance(fn)(DECODER, LATTICE)


def edits(a, b):
    """Levenshtein's distance of two texts."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a):
        last, row[0] = row[0], i + 1
        for j, y in enumerate(b):
            last, row[j + 1] = row[j + 1], min(last + (x != y), row[j] + 1, row[j + 1] + 1)
    return row[-1]


def spelled(z):
    """Texts of as many letters as tell x apart, then y: their edit distance is that of the city block."""
    return ["a" * round(float(x)) + "b" * round(float(y)) for x, y in z]


def each(fn):
    return lambda a, b: [fn(p, q) for p, q in zip(a, b, strict=True)]


def test_texts_are_measured_by_their_edit_distance():
    calls = []

    def decode(z):
        calls.append(len(z))
        return spelled(z)

    lattice = lw.Lattice((0, 12, 0, 8), (8, 12))
    found = lw.measures.distance(each(edits))(lw.Decoder(decode), lattice)
    # corners are whole numbers: sides 1, the rising diagonal 2, the falling one 1, as one letter turns into the other
    truth = np.array([[1, 0.75], [0.75, 1]])
    np.testing.assert_allclose(found.metric, np.broadcast_to(truth, (8, 12, 2, 2)), atol=1e-12)
    # squared: 1, 4 and 1 found, 1, 3.5 and 0.5 fitted
    assert found.info["largest_residual"] == pytest.approx(np.sqrt(0.5 / 21))
    assert found.info["output"] == "objects (str)"
    assert calls[-1] == 9 * 13
    assert sum(calls[:-1]) == 12  # the probe


@pytest.mark.parametrize("things", [lambda z: [v.tolist() for v in z], lambda z: [v.numpy() for v in z]], ids=str)
def test_lists_and_arrays_of_ones_own_are_handed_to_the_black_box_as_they_are(things):
    decoder = lw.Decoder(lambda z: things(decode(z.double())))
    found = lw.measures.distance(each(lambda p, q: np.linalg.norm(np.subtract(p, q))))(decoder, LATTICE)
    truth = lw.measures.pullback(DECODER, LATTICE, method="chords")
    np.testing.assert_allclose(found.metric, truth.metric, rtol=1e-2)


def test_texts_are_surveyed_drawn_and_refused_elsewhere(monkeypatch):
    monkeypatch.setattr("latent_widget._survey.TILE", 30)
    lattice = lw.Lattice((0, 12, 0, 8), (8, 12))
    decoder = lw.Decoder(spelled)
    lengths = lw.measures.distance(each(lambda p, q: abs(len(p) - len(q))), floor=1e-3)
    atlas = lw.survey(decoder, lattice, [lengths], progress=False)
    np.testing.assert_allclose(atlas["distance"].metric, lengths(decoder, lattice).metric)
    assert atlas.thumbnails is not None
    for measure in ("pullback", "fisher_rao", "jensen_shannon", "entropy", lw.measures.feature(lambda x: x)):
        with pytest.raises(lw.SurveyError, match=r"objects \(str\)"):
            lw.survey(decoder, lattice, [measure], progress=False, thumbnails=0)


@pytest.mark.parametrize(
    ("fn", "words"),
    [
        (lambda p, q: float("nan"), "returned nan for .* pairs"),
        (lambda p, q: -1, r"returned -1\.0 for .* a distance must be finite and >= 0"),
        (lambda p, q: "far", "array of numbers"),
    ],
)
def test_black_boxes_on_texts_that_are_no_distances(fn, words):
    with pytest.raises(ValueError, match=words):
        lw.measures.distance(each(fn))(lw.Decoder(spelled), lw.Lattice((0, 4, 0, 4), (4, 4)))


def test_texts_that_change_or_are_too_few_are_refused():
    lattice = lw.Lattice((0, 4, 0, 4), (4, 4))
    measure = lw.measures.distance(each(edits))
    with pytest.raises(ValueError, match="1 things for 5 latents"):
        measure(lw.Decoder(lambda z: ["a"]), lattice)
    with pytest.raises(ValueError, match="different outputs for the same latents"):
        measure(lw.Decoder(lambda z: [str(v) for v in torch.rand(len(z))]), lattice)


def test_the_exponent_tells_lengths_from_squared_lengths():
    long = lw.measures.distance(lambda a, b: (a - b).norm(dim=1))(DECODER, LATTICE)
    squared = lw.measures.distance(lambda a, b: (a - b).square().sum(1), exponent=1)(DECODER, LATTICE)
    np.testing.assert_allclose(squared.metric, long.metric, rtol=1e-9)
    with pytest.raises(ValueError, match="exponent must be positive"):
        lw.measures.distance(lambda a, b: a, exponent=0)
    rho = 1 + LATTICE.cells[..., 0] ** 2
    np.testing.assert_allclose(lw.Field.from_density(LATTICE, rho, exponent=2).density, rho**2, rtol=1e-12)


def test_entropy_is_the_gaussians():
    sigma = lambda z: 0.2 + z[..., :1] ** 2 + z[..., 1:] ** 2  # noqa: E731
    decoder = lw.Decoder(lambda z: D.Normal(torch.zeros_like(z), sigma(z).expand(-1, 2)), dtype=torch.float64)
    values = 2 * (0.5 * np.log(2 * np.pi * np.e) + np.log(sigma(LATTICE.cells)[..., 0]))
    shifted = values - values.min() + 0.01 * np.ptp(values)
    np.testing.assert_allclose(lw.measures.entropy(decoder, LATTICE).density, shifted, rtol=1e-9)
    np.testing.assert_allclose(lw.measures.entropy(decoder, LATTICE, exponent=2).density, shifted**2, rtol=1e-9)
    with pytest.raises(ValueError, match="returns a distribution, got tensor"):
        lw.measures.entropy(DECODER, LATTICE)


def test_a_constant_entropy_stretches_nothing():
    decoder = lw.Decoder(lambda z: D.Normal(z, torch.ones_like(z)))
    assert np.ptp(lw.measures.entropy(decoder, LATTICE).density) < 1e-9


def test_likelihood_is_the_kernel_density_turned_over():
    z = np.random.default_rng(0).normal(size=(300, 2)) * 0.3
    field = lw.measures.likelihood(z, bandwidth=0.2, floor=0.05, exponent=2)(DECODER, LATTICE)
    gaps = LATTICE.cells.reshape(-1, 1, 2) - z
    p = np.exp(-np.square(gaps).sum(-1) / (2 * 0.2**2)).mean(1).reshape(LATTICE.shape)
    peak = np.exp(-np.square(z[:, None] - z).sum(-1) / (2 * 0.2**2)).mean(1).max()
    np.testing.assert_allclose(field.density, (p / peak + 0.05) ** -2.0, rtol=1e-9)


def test_the_default_bandwidth_is_scotts():
    z = np.random.default_rng(0).normal(size=(400, 2))
    field = lw.measures.likelihood(z)(DECODER, LATTICE)
    assert field.info["bandwidth"] == pytest.approx(z.std(axis=0).mean() * gaussian_kde(z.T).scotts_factor())


def test_paths_go_round_a_region_without_data():
    angles = np.linspace(0.2, np.pi - 0.2, 400)
    z = 0.7 * np.stack([np.cos(angles), np.sin(angles)], 1) - [0, 0.2]
    field = lw.measures.likelihood(z, bandwidth=0.08)(DECODER, LATTICE)
    path = lw.geodesic(field, z[0], z[-1])
    assert path.points[:, 1].max() > 0.3
    assert path.length < 0.6 * path.straight_length


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: lw.measures.likelihood(np.zeros((5, 2))), "bandwidth must be positive"),
        (lambda: lw.measures.likelihood(np.zeros(5)), r"\(n, d\)"),
        (lambda: lw.measures.likelihood(np.eye(3), floor=0), "floor"),
        (lambda: lw.measures.likelihood(np.eye(3))(DECODER, LATTICE), "dimension 3, the lattice dimension 2"),
    ],
)
def test_bad_arguments_say_what_is_wrong(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.slow
def test_surveys_know_them_by_their_names_and_cut_the_local_ones():
    lattice = lw.Lattice((-1, 1, -1, 1), (130, 128))
    made = [
        lw.measures.feature(lambda x: x @ MIX),
        lw.measures.classifier(lambda x: x @ MIX),
        lw.measures.distance(lambda a, b: (a - b).norm(dim=1)),
        lw.measures.likelihood(np.random.default_rng(0).normal(size=(50, 2))),
    ]
    atlas = lw.survey(DECODER, lattice, made, progress=False, thumbnails=0)
    assert atlas.measures == ["feature", "classifier", "distance", "likelihood"]
    for measure, name in zip(made, atlas.measures, strict=True):
        np.testing.assert_allclose(atlas[name].metric, measure(DECODER, lattice).metric, rtol=1e-7, atol=1e-12)
    assert atlas["distance"].info["residual"].shape == lattice.shape
