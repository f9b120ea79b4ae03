"""Sequence decoders against enumeration: every sequence of a small decoder listed, and measured as one categorical."""

import itertools
import math
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.distributions import Categorical

import latent_widget as lw
from latent_widget.decoders import sequence
from latent_widget.decoders.outputs import FOR_TOKENS
from latent_widget.figures.thumbnails import PAGE, draw_thumbnails
from latent_widget.measures.sequences.chain_rule import measure_entropy
from latent_widget.measures.sequences.derivatives import plain_kernels
from latent_widget.measures.sequences.divergences import weigh_jsd, weigh_kl
from latent_widget.measures.sequences.prefixes import Sampling

MEASURES = ("fisher_rao", "jensen_shannon", "kl")
LATTICE = lw.Lattice((-1.5, 1.5, -1, 1), (9, 10))


class Tiny(nn.Module):
    """A recurrent, or a Transformer, decoder of the prefix before each place."""

    def __init__(self, kind="GRU", symbols=4, d=2, width=8):
        super().__init__()
        torch.manual_seed(3)
        self.start = nn.Linear(d, width)
        self.letters = nn.Embedding(symbols + 1, width)
        self.kind = kind
        if kind == "Transformer":
            self.place = nn.Parameter(torch.randn(64, width))
            self.body = nn.TransformerEncoderLayer(width, 2, 16, batch_first=True, dropout=0.1)
        else:
            self.body = getattr(nn, kind)(width, width, batch_first=True)
        self.out = nn.Linear(width, symbols)
        for weight in (self.out.weight, self.start.weight):
            weight.data *= 2.5
        self.double()

    def forward(self, z, tokens):
        begun = torch.full_like(tokens[:, :1], self.letters.num_embeddings - 1)
        said = self.letters(torch.cat([begun, tokens[:, :-1]], dim=1))
        seed = torch.tanh(self.start(z))
        if self.kind == "Transformer":
            length = tokens.shape[1]
            mask = torch.full((length, length), -torch.inf, dtype=z.dtype).triu(1)
            hidden = self.body(said + self.place[:length] + seed[:, None], src_mask=mask, is_causal=True)
        elif self.kind == "LSTM":
            hidden, _ = self.body(said, (seed[None], torch.zeros_like(seed[None])))
        else:
            hidden, _ = self.body(said, seed[None].contiguous())
        return self.out(hidden)


def decoder_of(logits, symbols=4, length=5, **options):
    return lw.SequenceDecoder(logits, vocabulary="abcdefgh"[:symbols], max_length=length, **options)


def enumerated(decoder, d=2):
    """The same decoder as one categorical distribution over all its sequences, by teacher-forced scores alone."""
    symbols, length = len(decoder.vocabulary), decoder.max_length
    listed = [
        s
        for s in itertools.product(range(symbols), repeat=length)
        if decoder.eos is None or all(k == decoder.eos for k in s[(*s, decoder.eos).index(decoder.eos) :])
    ]
    every = torch.tensor(listed)
    if decoder.eos is None:
        counts = torch.ones(every.shape)
    else:
        ended = (every == decoder.eos).long().cumsum(1)
        counts = (ended <= 1).double()

    def decode(z):
        tokens = every.repeat(len(z), 1)
        logits = decoder.logits(z.repeat_interleave(len(every), 0), tokens) / decoder.temperature
        said = torch.log_softmax(logits, -1).gather(-1, tokens[..., None])[..., 0]
        return Categorical(logits=(said * counts.repeat(len(z), 1)).sum(1).reshape(len(z), -1))

    return lw.Decoder(decode, latent_dim=d, dtype=torch.float64, batch_size=64)


@pytest.mark.slow
@pytest.mark.parametrize("eos", [None, 0])
@pytest.mark.parametrize("name", MEASURES)
def test_fields_agree_with_enumeration_and_their_errors_are_honest(name, eos):
    decoder = decoder_of(Tiny(), eos=eos)
    measure = getattr(lw.measures, name)
    truth = measure(enumerated(decoder), LATTICE)
    field = measure(decoder, LATTICE, prefixes=128, seed=1)
    scores = (field.density - truth.density) / field.info["standard_error"]
    assert field.info["standard_error"].shape == LATTICE.shape
    assert abs(scores.mean()) < 0.5  # neighbouring cells share prefixes
    assert 0.7 < scores.std() < 1.3
    assert abs(scores).max() < 5
    assert np.median(field.info["standard_error"] / field.density) < 0.05


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["GRU", "LSTM", "Transformer"])
@pytest.mark.parametrize("name", MEASURES)
def test_every_architecture_is_served(name, kind, recwarn):
    fused = torch.backends.mha.get_fastpath_enabled()
    decoder = decoder_of(Tiny(kind, symbols=3), symbols=3, length=4, eos=1)
    lattice = lw.Lattice(LATTICE.extent, (4, 5))
    measure = getattr(lw.measures, name)
    field = measure(decoder, lattice, prefixes=64)
    assert torch.backends.mha.get_fastpath_enabled() == fused
    with plain_kernels():  # the truth is differentiated too
        truth = measure(enumerated(decoder), lattice)
    assert abs((field.density - truth.density) / field.info["standard_error"]).max() < 4.5
    assert not [w for w in recwarn if "differences" in str(w.message)]


@pytest.mark.slow
@pytest.mark.parametrize("apart", [0.5, 0.05, 0.02])
@pytest.mark.parametrize("name", MEASURES)
def test_sixty_four_prefixes_give_five_per_cent_at_every_separation(name, apart):
    decoder = decoder_of(Tiny())
    lattice = lw.Lattice((0.2, 0.2 + 2 * apart, 0.1, 0.1 + 2 * apart), (2, 2))
    measure = getattr(lw.measures, name)
    truth = measure(enumerated(decoder), lattice).metric
    found = np.array([measure(decoder, lattice, prefixes=64, seed=seed).metric for seed in range(12)])
    for axis in range(2):
        relative = found[..., axis, axis] / truth[..., axis, axis] - 1
        assert np.sqrt(np.square(relative).mean()) < 0.05
        assert abs(relative.mean()) < 4 * 0.05 / math.sqrt(relative.size / 4)
    # the off-diagonal comes from the same prefixes as the diagonal, and is no worse
    scale = np.sqrt(truth[..., 0, 0] * truth[..., 1, 1])
    assert np.sqrt(np.square((found[..., 0, 1] - truth[..., 0, 1]) / scale).mean()) < 0.05


@pytest.mark.parametrize("name", MEASURES)
def test_one_token_needs_no_prefix_and_is_exact(name):
    decoder = decoder_of(Tiny(), length=1)
    measure = getattr(lw.measures, name)
    field = measure(decoder, LATTICE, prefixes=8)
    assert field.metric == pytest.approx(measure(enumerated(decoder), LATTICE).metric, rel=1e-7)
    assert field.info["standard_error"].max() < 1e-9


def test_entropy_agrees_with_enumeration():
    decoder = decoder_of(Tiny(), eos=2)
    field = lw.measures.entropy(decoder, LATTICE, prefixes=64, floor=0.05)
    h = enumerated(decoder)(LATTICE.cells).entropy().numpy()
    values, error = measure_entropy(decoder, LATTICE, Sampling(64, 0))
    scores = (values - h) / error
    assert abs(scores).max() < 5
    assert 0.7 < scores.std() < 1.3
    assert field.info["standard_error"] == pytest.approx(error)
    assert np.corrcoef(field.density.ravel(), h.ravel())[0, 1] > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("name", MEASURES)
def test_nothing_counts_after_the_end(name):
    model = Tiny()

    def raving(z, tokens):
        """Shouts its latents once the sequence has ended."""
        ended = torch.nn.functional.pad((tokens == 0).long().cumsum(1)[:, :-1], (1, 0)) > 0
        loud = torch.stack([z[:, 0], z[:, 1], z[:, 0] * z[:, 1], z[:, 0] ** 2], 1)[:, None]
        return torch.where(ended[..., None], 3 * loud, model(z, tokens))

    measure = getattr(lw.measures, name)
    calm, loud = (measure(decoder_of(f, eos=0, dtype=torch.float64), LATTICE).metric for f in (model, raving))
    assert loud == pytest.approx(calm, rel=1e-12)
    without = measure(decoder_of(raving, dtype=torch.float64), LATTICE, floor=1e-6).metric
    assert abs(without - calm).max() > calm.max()


@pytest.mark.parametrize("name", MEASURES)
def test_temperature_divides_the_logits(name):
    model = Tiny()
    warm = decoder_of(model, temperature=2.5)
    by_hand = decoder_of(lambda z, tokens: model(z, tokens) / 2.5, dtype=torch.float64)
    measure = getattr(lw.measures, name)
    assert measure(warm, LATTICE).metric == pytest.approx(measure(by_hand, LATTICE).metric, rel=1e-9)
    assert torch.equal(warm(LATTICE.cells), decoder_of(model)(LATTICE.cells))


@pytest.mark.slow
@pytest.mark.parametrize("name", MEASURES)
def test_tiles_and_batches_change_nothing(name, monkeypatch):
    decoder = decoder_of(Tiny(), eos=0)
    measure = partial(getattr(lw.measures, name), prefixes=10, seed=-7)
    whole = measure(decoder, LATTICE)
    assert np.array_equal(measure(decoder, LATTICE).metric, whole.metric)
    assert not np.array_equal(measure(decoder, LATTICE, seed=2).metric, whole.metric)
    low, high = measure(decoder, LATTICE.band(0, 4)), measure(decoder, LATTICE.band(4, 9))
    assert np.concatenate([low.metric, high.metric]) == pytest.approx(whole.metric, rel=1e-6)
    monkeypatch.setattr(sequence, "MOST_LOGITS", 20 * 9 * 4 * 5)
    small = measure(decoder, LATTICE)
    assert small.metric == pytest.approx(whole.metric, rel=1e-9)
    assert small.info["standard_error"] == pytest.approx(whole.info["standard_error"], rel=1e-9)


@pytest.mark.parametrize("name", MEASURES)
def test_a_plane_through_a_larger_space_is_composed(name):
    decoder = decoder_of(Tiny(d=5), latent_dim=5)
    lattice = lw.Lattice.through(*np.random.default_rng(0).normal(size=(3, 5)), shape=(3, 4))
    plane = lw.Lattice(lattice.extent, lattice.shape)
    origin, basis = torch.from_numpy(lattice.origin), torch.from_numpy(lattice.basis)
    flat = decoder_of(lambda z, tokens: decoder.logits(origin + z @ basis, tokens), dtype=torch.float64)
    measure = getattr(lw.measures, name)
    assert measure(decoder, lattice).metric == pytest.approx(measure(flat, plane).metric, rel=1e-9)


def test_samples_follow_the_distribution():
    decoder = decoder_of(Tiny(symbols=3), symbols=3, length=3, eos=2)
    z = np.tile([0.4, -0.3], (20_000, 1))
    drawn_tokens = decoder.sample(z, seed=1)
    assert torch.equal(drawn_tokens, decoder.sample(z, seed=1))
    exact = enumerated(decoder)(z[:1]).probs[0]
    read = [s for s in itertools.product("abc", repeat=3) if all(k == "c" for k in s[(*s, "c").index("c") :])]
    texts = ["".join(s).rstrip("c") if "c" in s else "".join(s) for s in read]
    found = decoder.texts(drawn_tokens)
    for text, p in zip(texts, exact.tolist(), strict=True):
        assert (found == text).mean() == pytest.approx(p, abs=5 * math.sqrt(p / len(z)))


def test_greedy_takes_the_likeliest_token():
    decoder = decoder_of(Tiny(), eos=3)
    tokens = decoder(LATTICE.cells)
    assert tokens.shape == (*LATTICE.shape, 5)
    rows = tokens.reshape(-1, 5)
    log_p = decoder.log_probabilities(decoder.place_latents(LATTICE.cells), rows)
    before_end = torch.arange(5) < decoder.count_tokens(rows)[:, None]
    assert torch.equal(log_p.argmax(-1)[before_end], rows[before_end])
    assert (rows[~before_end] == 3).all()
    texts = decoder.texts(tokens)
    assert texts.shape == LATTICE.shape
    assert "d" not in "".join(texts.ravel())


probabilities = st.lists(st.floats(-6, 6), min_size=3, max_size=6)


@given(probabilities, st.integers(0, 1000), st.floats(-7, 0.5), st.floats(0.01, 0.99))
def test_forms_do_not_cancel(logits, seed, scale, share):
    """Against second order, which is the truth to a relative O(size of the step), and against the plain formulas."""
    step = torch.from_numpy(np.random.default_rng(seed).normal(size=len(logits))) * 10**scale
    log_p = torch.log_softmax(torch.tensor(logits, dtype=torch.float64), 0)
    log_q = torch.log_softmax(torch.tensor(logits, dtype=torch.float64) + step, 0)
    p, q = log_p.exp(), log_q.exp()
    a = (torch.tensor([[[share]]], dtype=torch.float64), log_p[None, None], p[None, None])
    b = (torch.tensor([[[1 - share]]], dtype=torch.float64), log_q[None, None], q[None, None])
    jsd, kl = float(weigh_jsd(a, b)), float(weigh_kl(a, b))
    if 10**scale > 1e-2:
        m = (share * p + (1 - share) * q).log()
        assert jsd == pytest.approx(float((share * p * (log_p - m) + (1 - share) * q * (log_q - m)).sum()), rel=1e-6)
        plain = 2 * float((share * p * (log_p - log_q) + (1 - share) * q * (log_q - log_p)).sum())
        assert kl == pytest.approx(plain, rel=1e-6)
    else:
        variance = float((p * (step - (p * step).sum()).square()).sum())
        assert jsd == pytest.approx(0.5 * share * (1 - share) * variance, rel=20 * 10**scale + 1e-7)
        assert kl == pytest.approx(variance, rel=20 * 10**scale + 1e-7)


def test_ends_that_cannot_both_write_a_token():
    """Masked letters (−∞) count as what they are: JSD stays finite, KL is infinite where one end alone is possible."""

    def masked(z, tokens):
        lowest = torch.tensor([0.0, 0.0, -torch.inf, 0.0], dtype=z.dtype)
        return (torch.stack([z[:, 0], z[:, 1], 0 * z[:, 0], -z[:, 0]], 1) + lowest)[:, None].expand(-1, 3, -1)[
            :, : tokens.shape[1]
        ]

    decoder = decoder_of(masked, length=3, dtype=torch.float64)
    free = decoder_of(lambda z, tokens: masked(z, tokens)[..., [0, 1, 3]], symbols=3, length=3, dtype=torch.float64)
    for name in MEASURES:
        measure = getattr(lw.measures, name)
        assert measure(decoder, LATTICE).metric == pytest.approx(measure(free, LATTICE).metric, rel=1e-9)


class Cube(torch.autograd.Function):
    """x³ with a backward rule only."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, grad):
        return 3 * grad * ctx.saved_tensors[0] ** 2


def test_differences_serve_where_there_is_no_forward_rule():
    model = Tiny()
    decoder = decoder_of(lambda z, tokens: model(Cube.apply(z), tokens))
    plain = decoder_of(lambda z, tokens: model(z**3, tokens))
    lattice = lw.Lattice((0.5, 0.7, 0.5, 0.7), (4, 4))
    with pytest.warns(UserWarning, match="central differences"):
        field = lw.measures.fisher_rao(decoder, lattice)
    assert "differences" in field.info["method"]
    assert field.metric == pytest.approx(lw.measures.fisher_rao(plain, lattice).metric, rel=1e-2)


def refused(logits, message, lattice=LATTICE, **options):
    with pytest.raises(ValueError, match=message):
        lw.measures.jensen_shannon(decoder_of(logits, dtype=torch.float64, **options), lattice)


def test_probe_refuses_what_would_spoil_the_survey():
    model = Tiny()
    refused(lambda z, tokens: model(z, tokens)[:, -1], r"logits must return floats \(n, T, V\) = \(5, 5, 4\), got")
    refused(lambda z, tokens: model(z, tokens)[..., :3], r"V = 4 as in vocabulary")
    refused(lambda z, tokens: (model(z, tokens), None), "return its first item")
    # the commonest mistake: no shift, so that row t reads token t
    refused(
        lambda z, tokens: model(z, torch.nn.functional.pad(tokens[:, 1:], (0, 1))), "logits leak: row 1 or one before"
    )
    refused(lambda z, tokens: model(z, tokens) + tokens.double().mean(1)[:, None, None] * torch.arange(4), "leak")
    refused(lambda z, tokens: model(z, tokens) + torch.rand(()) * torch.arange(4), "differ from call to call")
    refused(lambda z, tokens: model(z - z.mean(0), tokens), "other rows of the batch")
    refused(lambda z, tokens: model(z, tokens) / tokens.shape[1], "must not depend on T")
    refused(lambda z, tokens: model(z, tokens) * torch.nan, "logits are NaN")
    refused(model, "dimension 5", lw.Lattice.through(*np.eye(5)[:3]))


def test_nan_between_the_probed_points_is_found():
    model = Tiny()

    def spoilt(z, tokens):
        near = ((z - torch.tensor([0.5, 0.333])).abs().max(1).values < 0.15)[:, None, None]
        return torch.where(near, torch.nan, model(z, tokens))

    refused(spoilt, r"logits are NaN, infinite, or all -inf for .* the first at z=\[")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vocabulary": ""}, "vocabulary"),
        ({"eos": 9}, "eos must be the index"),
        ({"temperature": 0}, "temperature must be positive"),
        ({"max_length": 0}, "max_length"),
        ({"batch_size": 1.5}, "batch_size"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        lw.SequenceDecoder(**{"logits": Tiny(), "vocabulary": "abcd", **options})


def test_bad_calls_are_named():
    with pytest.raises(TypeError, match="callable"):
        lw.SequenceDecoder(None, vocabulary="ab")
    decoder = decoder_of(Tiny())
    with pytest.raises(ValueError, match="prefixes"):
        lw.measures.kl(decoder, LATTICE, prefixes=4)
    box = lw.Lattice((-1, 1, -1, 1, -1, 1), (3, 3, 3))
    with pytest.raises(ValueError, match="3 dimensions"):
        lw.measures.jensen_shannon(decoder_of(Tiny(d=3), latent_dim=3), box)
    with pytest.raises(ValueError, match=r"\(\.\.\., 2\)"):
        decoder(np.zeros((3, 4)))
    with pytest.raises(RuntimeError, match="logits failed"):
        decoder_of(lambda z, tokens: z @ tokens)(np.zeros((3, 2)))


@pytest.mark.parametrize("name", ["pullback", "hellinger", "wasserstein"])
def test_measures_that_do_not_apply_say_which_do(name):
    assert all(f"{known}" in FOR_TOKENS for known in (*MEASURES, "entropy", "distance"))
    with pytest.raises(ValueError, match="sequences are measured by jensen_shannon, fisher_rao"):
        getattr(lw.measures, name)(decoder_of(Tiny()), LATTICE)


def test_a_task_needs_numbers_and_says_so():
    classify = nn.Linear(5, 3, dtype=torch.float64)
    for measure in (lw.measures.feature(classify), lw.measures.classifier(classify)):
        with pytest.raises(ValueError, match="sequences are measured by jensen_shannon, fisher_rao"):
            measure(decoder_of(Tiny()), LATTICE)


def test_an_edit_distance_serves_decoded_texts():
    decoder = decoder_of(Tiny(), temperature=0.5)
    changed = lw.measures.distance(lambda a, b: (a != b).double().sum(-1), floor=1e-3)
    field = changed(decoder, LATTICE)
    tokens = decoder(LATTICE.corners)
    rising = (tokens[:-1, :-1] != tokens[1:, 1:]).sum(-1) + (tokens[:-1, 1:] != tokens[1:, :-1]).sum(-1)
    still = (rising == 0).numpy() & (field.info["residual"] == 0)
    assert 0 < still.sum() < still.size
    assert field.density[~still].min() > field.density[still].max()


@pytest.mark.slow
def test_a_survey_draws_texts_and_keeps_the_errors(tmp_path):
    decoder = decoder_of(Tiny(), eos=0)
    atlas = lw.survey(decoder, LATTICE, ["jensen_shannon", "fisher_rao"], progress=False)
    assert atlas["fisher_rao"].info["standard_error"].shape == LATTICE.shape
    assert not atlas.thumbnails.blend
    assert atlas.thumbnails.images.shape[2:] == (PAGE[1], PAGE[0], 4)
    # the same text looks the same wherever it is decoded
    h, w = atlas.thumbnails.images.shape[:2]
    small = lw.Lattice(LATTICE.extent, (h, w))
    texts = decoder.texts(decoder(small.cells))
    for text in set(texts.ravel()):
        alike = atlas.thumbnails.images[texts == text]
        assert (alike == alike[0]).all()
        assert (alike[0].min() < 128) == bool(text)
    atlas.save(tmp_path / "names.npz")
    again = lw.Atlas.load(tmp_path / "names.npz", decoder=decoder)
    assert not again.thumbnails.blend
    widget = lw.LatentWidget(again, n_samples=5)
    assert all(isinstance(text, str) for text in widget.samples)
    assert len(widget.samples) == 5
    assert widget.samples[0] == decoder.texts(decoder(widget.path.points[0]))


def test_a_widget_surveys_a_sequence_decoder_by_itself():
    widget = lw.LatentWidget(
        decoder_of(Tiny()), extent=(-1, 1, -1, 1), shape=(8, 8), measures=["jensen_shannon"], progress=False
    )
    assert list(widget.atlas.measures) == ["jensen_shannon"]


@pytest.mark.parametrize("text", ["", "a", "Ulm", "Garmisch-Partenkirchen", "Santa Cruz do Rio Pardo", "x" * 300])
def test_texts_fit_their_page(text):
    picture = draw_thumbnails(np.zeros((1, 1)), (0, 1), lambda _: text)[0]
    assert picture.shape == (PAGE[1], PAGE[0], 4)
    ink = picture[..., 0] < 128
    assert ink.any() == bool(text)
    # nothing is cut at the border
    assert not ink[[0, -1]].any()
    assert not ink[:, [0, -1]].any()


def test_modules_are_evaluated_and_put_back():
    decoder = decoder_of(Tiny("Transformer"))
    assert decoder.modules[0].training
    lw.measures.jensen_shannon(decoder, lw.Lattice((-1, 1, -1, 1), (2, 2)))
    assert decoder.modules[0].training
    assert decoder.modules[0].body.dropout.training
