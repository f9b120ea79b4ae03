"""The pull-back metric against closed forms, finite differences and PyTorch's own forward mode."""

import math
import warnings
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.autograd.function import once_differentiable
from torch.distributions import Bernoulli, Independent, Normal
from torch.nn import functional as F

import latent_widget as lw
from latent_widget.measures.autodiff.forward import push, push_by_jvp


def stereographic(z):
    """The plane onto the unit sphere; its magnification factor is 4 / (1 + |z|²)²."""
    squared = z.square().sum(1, keepdim=True)
    return torch.cat([2 * z, squared - 1], 1) / (1 + squared)


def test_magnification_factor_of_the_sphere():
    lattice = lw.Lattice((-2, 2, -1.5, 1.5), (48, 64))
    field = lw.measures.pullback(lw.Decoder(stereographic, dtype=torch.float64), lattice)
    truth = 4 / (1 + np.square(lattice.cells).sum(-1)) ** 2
    np.testing.assert_allclose(field.density, truth, rtol=1e-12)
    np.testing.assert_allclose(field.metric, truth[..., None, None] * np.eye(2), atol=1e-12)


def test_decoded_length_of_a_great_circle():
    decoder = lw.Decoder(stereographic, dtype=torch.float64)
    lattice = lw.Lattice((-2, 2, -2, 2), (8, 8))
    # a line through the origin is a great circle, of angle 2·atan(r) from the pole
    line = np.linspace([-1.0, -0.5], [1.2, 0.6], 4001)
    truth = 2 * (math.atan(math.hypot(1, 0.5)) + math.atan(math.hypot(1.2, 0.6)))
    assert lw.measures.decoded_length(decoder, lattice, line) == pytest.approx(truth, rel=1e-6)


def test_decoded_length_does_not_favour_few_points():
    decoder = lw.Decoder(stereographic, dtype=torch.float64)
    lattice = lw.Lattice((-2, 2, -2, 2), (8, 8))
    line = np.linspace([-1.0, -0.5], [1.2, 0.6], 2049)
    truth = 2 * (math.atan(math.hypot(1, 0.5)) + math.atan(math.hypot(1.2, 0.6)))
    for points in (*(line[:: 2**k] for k in (11, 10, 7, 3, 0)), *(np.linspace(*line[[0, -1]], n) for n in (400, 512))):
        assert lw.measures.decoded_length(decoder, lattice, points) == pytest.approx(truth, rel=1e-9)
    assert lw.measures.decoded_length(decoder, lattice, line[:1]) == 0.0
    for bad in (line[0], line[:0]):
        with pytest.raises(ValueError, match=r"points must be a path of shape \(N, 2\)"):
            lw.measures.decoded_length(decoder, lattice, bad)


def test_gaussian_decoder_has_the_expected_metric():
    def decode(z):
        return Normal(
            torch.stack([z[:, 0] * z[:, 1], z[:, 1].sin()], 1), torch.stack([z[:, 0].exp(), 1 + z[:, 1] ** 2], 1)
        )

    lattice = lw.Lattice((-1, 1, -1, 1), (16, 16))
    x, y = lattice.cells[..., 0], lattice.cells[..., 1]
    field = lw.measures.pullback(lw.Decoder(decode, dtype=torch.float64), lattice)
    np.testing.assert_allclose(field.metric[..., 0, 0], y**2 + np.exp(2 * x), rtol=1e-12)
    np.testing.assert_allclose(field.metric[..., 0, 1], x * y, atol=1e-12)
    np.testing.assert_allclose(field.metric[..., 1, 1], x**2 + np.cos(y) ** 2 + 4 * y**2, rtol=1e-12)


@settings(max_examples=15, deadline=None)
@given(st.integers(3, 9), st.integers(0, 10_000))
def test_composed_plane_is_the_restriction_of_the_full_metric(d, seed):
    generator = torch.Generator().manual_seed(seed)
    inner, outer = (torch.randn(shape, generator=generator, dtype=torch.float64) for shape in ((d, 12), (12, 7)))

    def decode(z):
        return torch.tanh(z @ inner) @ outer

    za, zb, zc = np.random.default_rng(seed).normal(size=(3, d))
    lattice = lw.Lattice.through(za, zb, zc, shape=(4, 5))
    field = lw.measures.pullback(lw.Decoder(decode, d, dtype=torch.float64), lattice, method="exact")
    latents = torch.from_numpy(lattice.embed(lattice.cells).reshape(-1, d))
    jacobian = torch.func.vmap(torch.func.jacrev(lambda z: decode(z[None])[0]))(latents).numpy()
    full = np.einsum("nki,nkj->nij", jacobian, jacobian)
    restricted = np.einsum("ai,nij,bj->nab", lattice.basis, full, lattice.basis)
    np.testing.assert_allclose(field.metric.reshape(-1, 2, 2), restricted, rtol=1e-9, atol=1e-12)


class Convolutional(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 8 * 3 * 3)
        self.rest = nn.Sequential(
            nn.ReLU(inplace=True),
            nn.Unflatten(1, (8, 3, 3)),
            nn.ConvTranspose2d(8, 6, 4, 2, 1),
            nn.BatchNorm2d(6),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(6, 4, 3, padding=1),
            nn.GroupNorm(2, 4),
            nn.SiLU(),
            nn.AvgPool2d(2),
            nn.Conv2d(4, 1, 3, padding=1),
            nn.Sigmoid(),
        )

    def forward(self, z):
        return self.rest(self.first(z))


def written_out(z):
    x, y = z.unbind(1)
    h = torch.stack([x * y, x.exp() / (1 + y**2), torch.sin(x) - y, 0 * x + 3], -1).clone()
    h[:, 0] = h[:, 0] * 2
    h += 1
    h *= x[:, None]
    return torch.softmax(h, -1) + h.pow(2).cumsum(-1)


DECODERS = {
    "gelu": nn.Sequential(nn.Linear(2, 32), nn.GELU(), nn.LayerNorm(32), nn.Linear(32, 9), nn.Tanh()),
    "relu": nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 9)),
    "convolutional": Convolutional(),
    "written out": written_out,
}

KEPT = torch.linspace(0.5, 1.5, 3, dtype=torch.float64)

RULED = {
    "sums": lambda h: (KEPT - h) + (h + KEPT) + (2 - h) + (h - 1) + torch.sub(KEPT, h) + torch.rsub(h, KEPT) - KEPT,
    "broadcast sums": lambda h: h[:, :1] + KEPT - h[:, 1:2] + (KEPT - h[:, :1]),
    "ranks that differ": lambda h: h[:, 0] * h[:, :1] + h[0, 0] * h[:, :2].sum(1) + h.sum() * h[:, :1],
    "products": lambda h: h * h + 3 * h * KEPT + h[:, :1] * KEPT * h[:, 1:2] + KEPT * h + torch.mul(KEPT, h),
    "quotients": lambda h: h / KEPT + h / 3 + KEPT / (2 + h * h) + h / (2 + h * h),
    "pointwise": lambda h: h.exp() + (h.square() + 1).log() + (1 + h * h).sqrt() * (2 + h.sin()).rsqrt() + h.cos(),
    "activations": lambda h: F.relu(h) + F.leaky_relu(h, 0.2) + F.elu(h, 0.7) * F.silu(h),
    "smooth activations": lambda h: F.gelu(h) * F.softplus(h, 2),
    "default activations": lambda h: F.leaky_relu(h) + F.elu(h) + F.gelu(h, approximate="tanh") + F.softplus(h),
    "in place": lambda h: F.leaky_relu(F.elu(F.silu(F.relu(h * 1, True) - 1, True), 1.0, True), 0.3, True),
    "relu_": lambda h: torch.relu_(h * 1) + (2 * h).relu_(),
    "softmax": lambda h: F.softmax(h, 1) * h + torch.softmax(h, -1) + h.softmax(dim=1).exp() + F.softmax(h, dim=0) * 0,
    "casts": lambda h: h.to(torch.float32).double() + h.float().to(h) + h.to("cpu"),
    "comparisons": lambda h: torch.where(h > 0, h * h, h) * h.shape[1] + (h >= KEPT) * h,
    "views": lambda h: h.view(-1, 3, 1).squeeze(2).unsqueeze(0).flatten(0, 1).unflatten(1, (3, 1)).reshape(len(h), 3),
    "matrices": lambda h: h @ torch.outer(KEPT, KEPT) + torch.mm(h, torch.diag(KEPT)) + torch.outer(KEPT, KEPT) @ h[0],
    "pooling": lambda h: F.avg_pool2d(F.interpolate(h.view(-1, 1, 1, 3), size=(2, 6), mode="bilinear"), 2),
    "shuffled": lambda h: F.pixel_shuffle((h[:, :1] * torch.ones(4).double()).view(-1, 4, 1, 1), 2),
    "batch norm": lambda h: F.batch_norm(h, KEPT, KEPT, 2 * KEPT, KEPT - 1, eps=0.1) + F.batch_norm(h, KEPT, KEPT),
}


@pytest.mark.parametrize("name", RULED)
def test_every_rule_agrees_with_forward_mode(name):
    """Each in float64 at points of both signs; what the rules decline goes to forward mode and must agree as well."""

    def decode(z):
        return RULED[name](torch.cat([z, z.sum(1, keepdim=True) ** 2 - 0.3], 1)).flatten(1)

    points = torch.randn(7, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    tolerance = 1e-6 if name == "casts" else 1e-12
    torch.testing.assert_close(push(decode, points), push_by_jvp(decode, points), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", DECODERS)
def test_stacked_tangents_agree_with_forward_mode_and_finite_differences(name):
    torch.manual_seed(0)
    decode = DECODERS[name]
    if isinstance(decode, nn.Module):
        decode = decode.double().eval().requires_grad_(False)

    def flat(z):
        return decode(z).flatten(1)

    points = torch.randn(9, 2, dtype=torch.float64)
    stacked = push(flat, points)
    torch.testing.assert_close(stacked, push_by_jvp(flat, points), rtol=1e-10, atol=1e-12)
    for axis in (0, 1):
        step = 1e-6 * torch.eye(2, dtype=torch.float64)[axis]
        differences = (flat(points + step) - flat(points - step)) / 2e-6
        torch.testing.assert_close(stacked[1 + axis], differences, rtol=1e-4, atol=1e-6)


def test_the_stacked_way_is_the_one_taken_for_common_layers():
    decoder = lw.Decoder(DECODERS["gelu"].float())
    assert (
        lw.measures.pullback(decoder, lw.Lattice((-1, 1, -1, 1), (8, 8))).info["differentiated"] == "stacked tangents"
    )


def test_an_operation_that_the_stack_gets_wrong_is_found_out():
    def through_a_view(z):
        h = torch.zeros(len(z), 3, dtype=z.dtype) + z[:, :1]
        # writing through a view is beyond the stacked tangents
        h[:, 1:].unbind(1)[0].copy_(z[:, 1] ** 2)
        return h

    lattice = lw.Lattice((0.5, 1.5, 0.5, 1.5), (8, 8))
    field = lw.measures.pullback(lw.Decoder(through_a_view, dtype=torch.float64), lattice)
    np.testing.assert_allclose(field.metric[..., 0, 0], 2, rtol=1e-12)
    np.testing.assert_allclose(field.metric[..., 1, 1], 4 * lattice.cells[..., 1] ** 2, rtol=1e-12)
    np.testing.assert_allclose(field.metric[..., 0, 1], 0, atol=1e-12)


class NoForwardRule(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z):
        ctx.save_for_backward(z)
        return torch.stack([z[:, 0] ** 3, z[:, 1]], 1)

    @staticmethod
    def backward(ctx, gradient):
        (z,) = ctx.saved_tensors
        return torch.stack([3 * z[:, 0] ** 2 * gradient[:, 0], gradient[:, 1]], 1)


class BackwardsOnce(NoForwardRule):
    backward = staticmethod(once_differentiable(NoForwardRule.backward))


@pytest.mark.parametrize(("rule", "how"), [(NoForwardRule, "twice"), (BackwardsOnce, "output by output")])
def test_reverse_mode_serves_where_forward_mode_cannot_and_says_so(rule, how):
    decoder = lw.Decoder(lambda z: rule.apply(z).tanh(), dtype=torch.float64)
    lattice = lw.Lattice((0.5, 1.5, 0, 1), (5, 6))
    with pytest.warns(UserWarning, match=f"no forward-mode rule .* reverse mode, {how}, is used instead") as caught:
        field = lw.measures.pullback(decoder, lattice, method="exact")
    assert caught[0].filename == __file__
    assert (field.info["method"], field.info["differentiated"]) == ("exact", f"reverse mode, {how}")
    plain = lw.Decoder(lambda z: torch.stack([z[:, 0] ** 3, z[:, 1]], 1).tanh(), dtype=torch.float64)
    np.testing.assert_allclose(field.metric, lw.measures.pullback(plain, lattice, method="exact").metric, atol=1e-12)


@pytest.mark.parametrize(
    "decode",
    [
        lambda z: torch.sin(z.detach()) + 0 * z,
        lambda z: torch.sin(z.detach()),
        lambda z: torch.from_numpy(np.sin(z.numpy())),
        lambda z: torch.from_numpy(np.sin(z.detach().numpy())),
    ],
    ids=["detached", "detached throughout", "NumPy", "NumPy, detached"],
)
def test_chords_serve_where_nothing_can_be_differentiated_and_say_so(decode):
    lattice = lw.Lattice((0.2, 1, 0.2, 1), (32, 32))
    with pytest.warns(UserWarning, match="cannot differentiate this decoder .* decoded corners are used") as caught:
        field = lw.measures.pullback(lw.Decoder(decode, dtype=torch.float64), lattice, method="exact")
    assert caught[0].filename == __file__
    assert field.info["method"] == "chords"
    np.testing.assert_allclose(field.metric[..., 0, 0], np.cos(lattice.cells[..., 0]) ** 2, rtol=1e-3)


def test_chords_are_second_order():
    decoder = lw.Decoder(stereographic, dtype=torch.float64)
    errors = []
    for n in (32, 64):
        lattice = lw.Lattice((-1, 1, -1, 1), (n, n))
        chords = lw.measures.pullback(decoder, lattice, method="chords")
        errors.append(np.abs(chords.density * (1 + np.square(lattice.cells).sum(-1)) ** 2 / 4 - 1).max())
    assert math.log2(errors[0] / errors[1]) > 1.9


def kinked(n=128, seed=0):
    """A ReLU decoder whose kinks are closer to each other than the cells of a coarse lattice."""
    generator = torch.Generator().manual_seed(seed)
    first, second = (torch.randn(shape, generator=generator, dtype=torch.float64) for shape in ((2, n), (n, 8)))
    shift = torch.rand(n, generator=generator, dtype=torch.float64) * 4 - 2
    return lambda z: torch.relu(z @ first + shift) @ second / n**0.5


def decoded_chords(decoder, lattice):
    values = decoder(lattice.embed(lattice.cells)).flatten(lattice.ndim)
    return [values.diff(dim=axis).norm(dim=-1).numpy() for axis in (1, 0)]


@pytest.mark.parametrize(
    ("decode", "n", "method"),
    [
        (stereographic, 40, "exact"),
        (kinked(), 40, "chords"),
        (lambda z: z @ torch.ones(2, 2).triu().double(), 8, "exact"),
    ],
    ids=["smooth", "kinked", "linear"],
)
def test_auto_takes_what_predicts_decoded_lengths_and_tells_by_how_much(decode, n, method):
    decoder, lattice = lw.Decoder(decode, dtype=torch.float64), lw.Lattice((-2, 2, -2, 2), (n, n))
    field = lw.measures.pullback(decoder, lattice, method="auto")
    assert field.info["method"] == method
    told = field.info["length_error"]
    for kind in ("exact", "chords"):
        other = lw.measures.pullback(decoder, lattice, method=kind)
        left, whole = 0.0, 0.0
        for axis, truth in enumerate(decoded_chords(decoder, lattice)):
            own = np.sqrt(other.metric[..., axis, axis]) * lattice.spacing[axis]
            near = (own[:, 1:] + own[:, :-1]) / 2 if axis == 0 else (own[1:] + own[:-1]) / 2
            left, whole = left + np.square(near - truth).sum(), whole + np.square(truth).sum()
        if n <= 24:
            assert told[kind] == pytest.approx(np.sqrt(left / whole), rel=1e-6, abs=1e-12)
        else:
            # windows stand for the lattice
            assert 0.4 < told[kind] / np.sqrt(left / whole) < 2.5
        if kind == method:
            np.testing.assert_array_equal(other.metric, field.metric)


def test_a_finer_lattice_resolves_what_a_coarse_one_does_not():
    decoder = lw.Decoder(lambda z: torch.sin(12 * z @ torch.ones(2, 3).triu().double()), dtype=torch.float64)
    coarse, fine = (lw.Lattice((-1, 1, -1, 1), (n, n)) for n in (12, 96))
    methods = [lw.measures.pullback(decoder, each, method="auto").info["method"] for each in (coarse, fine)]
    assert methods == ["chords", "exact"]
    # what is exact by name stays so, with a word where it is not resolved
    with pytest.warns(UserWarning, match=r"lattice of 12 × 12 cells does not resolve.*method='auto'"):
        field = lw.measures.pullback(decoder, coarse)
    np.testing.assert_array_equal(field.metric, lw.measures.pullback(decoder, coarse, method="exact").metric)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert lw.measures.pullback(decoder, fine).info["method"] == "exact"


def test_auto_decides_once_for_all_tiles_of_a_survey():
    bends = kinked()
    # smooth below, kinked above: tiles of their own would differ
    decoder = lw.Decoder(lambda z: torch.cat([2 * z, bends(z) * (z[:, 1:] > 0.5)], 1), dtype=torch.float64)
    lattice = lw.Lattice((-2, 2, -2, 2), (150, 128))
    automatic = partial(lw.measures.pullback, method="auto")
    whole = automatic(decoder, lattice)
    bottom = automatic(decoder, lattice.band(0, 50))
    assert (whole.info["method"], bottom.info["method"]) == ("chords", "exact")
    feature = lw.measures.feature(lambda x: x, method="auto")
    atlas = lw.survey(decoder, lattice, [("pullback", automatic), feature], progress=False, thumbnails=0)
    for name in atlas.measures:
        np.testing.assert_allclose(atlas[name].metric, whole.metric, rtol=1e-9, atol=1e-12)
        assert atlas[name].info["length_error"] == whole.info["length_error"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_lattices_larger_than_a_tile_give_the_same_cells(dtype):
    torch.manual_seed(3)
    decoder = lw.Decoder(nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 5)).to(dtype))
    large = lw.Lattice((-1, 1, -1, 1), (120, 120))
    field = lw.measures.pullback(decoder, large)
    rows = lw.measures.pullback(decoder, large.band(40, 44))
    np.testing.assert_allclose(
        field.metric[40:44], rows.metric, rtol=2e-4 if dtype == torch.float32 else 1e-10, atol=1e-6
    )


def test_half_precision_decoders_are_measured_in_their_own_precision():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 8))
    lattice = lw.Lattice((-1, 1, -1, 1), (6, 6))
    exact = lw.measures.pullback(lw.Decoder(net), lattice)
    halved = lw.measures.pullback(lw.Decoder(net.bfloat16()), lattice)
    assert np.median(np.abs(halved.density / exact.density - 1)) < 0.05


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("method", ["exact", "auto"])
def test_mixed_precision_is_measured_and_contracted_in_full(dtype, method):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.LayerNorm(32), nn.Linear(32, 8), nn.Softplus())

    def decode(z):
        with torch.autocast("cpu", dtype=dtype):
            return net(z)

    lattice = lw.Lattice((-1, 1, -1, 1), (6, 6))
    exact = lw.measures.pullback(lw.Decoder(net), lattice, method="exact")
    mixed = lw.measures.pullback(lw.Decoder(decode), lattice, method=method)
    assert np.median(np.abs(mixed.density / exact.density - 1)) < 0.05


class Generator(nn.Module):
    """A generator of 1 × 8 × 8 images from 64 numbers, as GANs have them."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.ConvTranspose2d(64, 16, 2),
            nn.BatchNorm2d(16),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(16, 8, 4, 2, 1, bias=False),
            nn.BatchNorm2d(8),
            nn.LeakyReLU(0.2, inplace=True),
            nn.ConvTranspose2d(8, 1, 4, 2, 1),
            nn.Tanh(),
        )

    def forward(self, z):
        return self.layers(z[:, :, None, None])


def test_a_plane_in_a_gans_latent_space_is_the_restriction_of_the_full_metric():
    torch.manual_seed(1)
    generator = Generator().double()
    for norm in (m for m in generator.modules() if isinstance(m, nn.BatchNorm2d)):
        nn.init.normal_(norm.running_mean, 0, 0.2)
        nn.init.uniform_(norm.running_var, 0.5, 2)
        nn.init.normal_(norm.weight, 1, 0.3)
    lattice = lw.Lattice.through(*np.random.default_rng(0).normal(size=(3, 64)), shape=(3, 4))
    # in training mode, as models are often left
    field = lw.measures.pullback(lw.Decoder(generator, latent_dim=64), lattice, method="exact")
    assert field.info["differentiated"] == "stacked tangents"
    assert generator.training
    generator.eval()
    latents = torch.from_numpy(lattice.embed(lattice.cells).reshape(-1, 64))
    jacobian = torch.autograd.functional.jacobian(lambda z: generator(z).flatten(1).sum(0), latents)
    full = torch.einsum("kni,knj->nij", jacobian, jacobian).numpy()
    restricted = np.einsum("ai,nij,bj->nab", lattice.basis, full, lattice.basis)
    np.testing.assert_allclose(field.metric.reshape(-1, 2, 2), restricted, rtol=1e-9)


def test_wide_decoders_are_differentiated_in_small_tiles():
    sizes = []

    def decode(z):
        sizes.append(len(z))
        return torch.tanh(z @ torch.ones(2, 20_000).triu())

    lw.measures.pullback(lw.Decoder(decode), lw.Lattice((-1, 1, -1, 1), (10, 12)), method="exact")
    # value and two tangents of 20,000 numbers each, two million at once
    assert max(sizes[-4:]) == 2_000_000 // 60_000
    assert max(sizes) <= 2_000_000 // 60_000


def test_outputs_that_are_no_embedding_are_refused_with_a_remedy():
    decoder = lw.Decoder(lambda z: Independent(Bernoulli(logits=z), 1))
    with pytest.raises(ValueError, match=r"tensor or a Normal.*Bernoulli.*jensen_shannon"):
        lw.measures.pullback(decoder, lw.Lattice((-1, 1, -1, 1), (4, 4)))
    with pytest.raises(ValueError, match="method must be 'exact', 'chords' or 'auto', got 'fast'"):
        lw.measures.pullback(lw.Decoder(lambda z: z), lw.Lattice((-1, 1, -1, 1), (4, 4)), method="fast")


def test_a_decoder_of_one_number_names_the_floor():
    with pytest.raises(ValueError, match=r"not positive definite in .* of 16 cells.*floor="):
        lw.measures.pullback(lw.Decoder(lambda z: z.sum(1)), lw.Lattice((-1, 1, -1, 1), (4, 4)))
    field = lw.measures.pullback(lw.Decoder(lambda z: z.sum(1)), lw.Lattice((-1, 1, -1, 1), (4, 4)), floor=0.01)
    np.testing.assert_allclose(np.linalg.eigvalsh(field.metric), np.broadcast_to([0.01, 2], (4, 4, 2)), rtol=1e-5)
