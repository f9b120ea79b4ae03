"""Lattices, fields, measures and surveys in three dimensions."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Bernoulli, Independent

import latent_widget as lw
from latent_widget.measures.autodiff.forward import push, push_by_jvp

BOX = (-1.0, 2.0, 0.0, 2.0, 4.0, 5.0)
LATTICE = lw.Lattice(BOX, (4, 5, 6))
MATRIX = torch.tensor([[2.0, 0.3, -0.1], [0.0, 1.0, 0.4], [0.5, 0.0, 3.0], [1.0, -1.0, 0.2]], dtype=torch.float64)

sides = st.integers(2, 6)
low = st.floats(-1e3, 1e3)
span = st.floats(1e-3, 1e3)


def bent(z):
    return torch.tanh(z @ torch.tensor([[0.4, 0.1, -0.3, 0.5], [0.2, -0.6, 0.1, 0.3], [-0.1, 0.4, 0.5, 0.2]]).to(z))


@given(st.tuples(low, low, low), st.tuples(span, span, span), st.tuples(sides, sides, sides))
def test_cells_are_the_centres_of_their_corners(start, size, shape):
    extent = tuple(v for a, s in zip(start, size, strict=True) for v in (a, a + s))
    lattice = lw.Lattice(extent, shape)
    assert lattice.cells.shape == (*shape, 3)
    assert lattice.corners.shape == (*(n + 1 for n in shape), 3)
    c = lattice.corners
    eight = [c[k : k - 1 or None][: shape[0], i : i + shape[1], j : j + shape[2]] for k, i, j in np.ndindex(2, 2, 2)]
    np.testing.assert_allclose(lattice.cells, sum(eight) / 8, atol=1e-12 * (np.abs(start).sum() + sum(size)))
    assert lattice.contains(c).all()
    assert not lattice.contains(c + np.array([0, 0, 2 * size[2]])).any()


def test_layers_run_along_z_rows_along_y_and_columns_along_x():
    np.testing.assert_allclose(LATTICE.cells[3, 4, 5], [2 - 0.25, 2 - 0.2, 5 - 0.125])
    np.testing.assert_allclose(LATTICE.cells[0, 0, 5], [2 - 0.25, 0.2, 4.125])
    np.testing.assert_allclose(LATTICE.spacing, [0.5, 0.4, 0.25])
    assert (LATTICE.ndim, LATTICE.latent_dim) == (3, 3)
    band = LATTICE.band(1, 3)
    np.testing.assert_allclose(band.cells, LATTICE.cells[1:3])
    assert band.shape == (2, 5, 6)


@given(st.integers(4, 8), st.integers(0, 1000))
def test_a_box_in_a_larger_latent_space_comes_back_from_it(d, seed):
    rng = np.random.default_rng(seed)
    lattice = lw.Lattice(BOX, (2, 2, 2), rng.normal(size=d), rng.normal(size=(3, d)))
    points = rng.normal(size=(7, 3))
    np.testing.assert_allclose(lattice.project(lattice.embed(points)), points, atol=1e-6)
    assert lattice.latent_dim == d
    assert lattice.same_as(lw.Lattice(BOX, (2, 2, 2), lattice.origin, lattice.basis))
    moved = lattice.basis + np.array([[0], [0], [1e-3]])
    assert not lattice.same_as(lw.Lattice(BOX, (2, 2, 2), lattice.origin, moved))


@given(st.integers(0, 1000), st.floats(0, 2))
def test_field_algebra(seed, exponent):
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(2, *LATTICE.shape, 3, 3))
    metric = factor @ np.swapaxes(factor, -1, -2) + 0.2 * np.eye(3)
    a, b = (lw.Field(LATTICE, m) for m in metric)
    np.testing.assert_allclose(a.density, np.sqrt(np.linalg.det(metric[0])), rtol=1e-8)
    np.testing.assert_allclose((0.3 * a + b).metric, 0.3 * metric[0] + metric[1], rtol=1e-12)
    np.testing.assert_allclose(a.temper(exponent).density, a.density**exponent, rtol=1e-6)
    rho = rng.uniform(0.1, 9, LATTICE.shape)
    np.testing.assert_allclose(lw.Field.from_density(LATTICE, rho).density, rho, rtol=1e-12)


def test_fields_refuse_and_mend_what_is_not_positive_definite():
    metric = np.tile(np.eye(3), (*LATTICE.shape, 1, 1))
    # positive leading 2 by 2 minors, and yet indefinite
    metric[1, 2, 3] = [[1, 0, 2], [0, 1, 0], [2, 0, 1]]
    with pytest.raises(ValueError, match=r"not positive definite in 1 of 120 cells.*x=0.75, y=1, z=4.375.*floor="):
        lw.Field(LATTICE, metric)
    mended = lw.Field(LATTICE, metric, floor=0.5)
    assert mended.info["floored"] == 1
    np.testing.assert_allclose(np.linalg.eigvalsh(mended.metric[1, 2, 3]), [0.5, 1, 3], atol=1e-12)
    metric[1, 2, 3] = np.nan
    with pytest.raises(ValueError, match="NaN or infinite in 1 of 120"):
        lw.Field(LATTICE, metric)
    metric[1, 2, 3] = np.eye(3) + np.eye(3, k=2)
    with pytest.raises(ValueError, match="symmetric"):
        lw.Field(LATTICE, metric)
    with pytest.raises(ValueError, match=r"shape \(4, 5, 6, 3, 3\)"):
        lw.Field(LATTICE, np.ones((4, 5, 6, 2, 2)))


@pytest.mark.parametrize("method", ["exact", "chords"])
def test_the_pull_back_of_a_linear_decoder_is_its_gram_matrix(method):
    decoder = lw.Decoder(lambda z: z @ MATRIX.T.to(z), latent_dim=3, dtype=torch.float64)
    field = lw.measures.pullback(decoder, LATTICE, method=method)
    np.testing.assert_allclose(
        field.metric, np.broadcast_to((MATRIX.T @ MATRIX).numpy(), field.metric.shape), atol=1e-9
    )


def test_three_tangents_agree_with_autograd_and_chords_converge():
    decoder = lw.Decoder(bent, latent_dim=3, dtype=torch.float64)
    field = lw.measures.pullback(decoder, LATTICE)
    cells = torch.from_numpy(LATTICE.cells.reshape(-1, 3).copy())
    jacobian = torch.func.vmap(torch.func.jacrev(bent))(cells)
    truth = (jacobian.mT @ jacobian).reshape(*LATTICE.shape, 3, 3)
    np.testing.assert_allclose(field.metric, truth, atol=1e-12)
    assert field.info["differentiated"] == "stacked tangents"
    np.testing.assert_allclose(push(bent, cells), push_by_jvp(bent, cells), atol=1e-12)
    errors = []
    for n in (4, 8):
        lattice = lw.Lattice((-1, 1, -1, 1, -1, 1), (n, n, n))
        exact, chords = (lw.measures.pullback(decoder, lattice, method=m).metric for m in ("exact", "chords"))
        errors.append(np.abs(exact - chords).max())
    assert errors[1] < 0.3 * errors[0]


def test_an_operation_without_a_rule_of_its_own_takes_three_tangents():
    def decode(z):
        shifted = torch.softmax(z * z.flip(1), dim=1)
        shifted[:, 0] += z[:, 2]
        return torch.cat([shifted, torch.special.erf(z)], dim=1)

    cells = torch.from_numpy(LATTICE.cells.reshape(-1, 3).copy()) - 2
    np.testing.assert_allclose(push(decode, cells), push_by_jvp(decode, cells), atol=1e-12)


def test_divergences_tend_to_the_fisher_rao_metric():
    decoder = lw.Decoder(lambda z: Independent(Bernoulli(logits=bent(z)), 1), latent_dim=3, dtype=torch.float64)
    lattice = lw.Lattice((-0.2, 0.2, -0.2, 0.2, -0.2, 0.2), (8, 8, 8))
    exact = lw.measures.fisher_rao(decoder, lattice).metric
    np.testing.assert_allclose(lw.measures.jensen_shannon(decoder, lattice).metric, exact, atol=2e-3 * exact.max())


def test_a_black_box_distance_reports_its_residual():
    decoder = lw.Decoder(lambda z: z @ MATRIX.T.to(z), latent_dim=3, dtype=torch.float64)
    field = lw.measures.distance(lambda a, b: torch.linalg.vector_norm(a - b, dim=-1))(decoder, LATTICE)
    np.testing.assert_allclose(field.metric[0, 0, 0], (MATRIX.T @ MATRIX).numpy(), atol=1e-9)
    assert field.info["residual"].shape == LATTICE.shape
    assert field.info["largest_residual"] < 1e-9


def test_a_survey_of_a_box_is_saved_and_opened(tmp_path):
    decoder = lw.Decoder(bent, latent_dim=3, dtype=torch.float64)
    lattice = lw.Lattice(BOX, (24, 20, 20))
    latents = np.random.default_rng(0).uniform(BOX[0::2], BOX[1::2], (9, 3))
    # more than one band
    atlas = lw.survey(decoder, lattice, measures=["pullback"], points=latents, progress=False)
    np.testing.assert_allclose(atlas["pullback"].metric, lw.measures.pullback(decoder, lattice).metric, atol=1e-12)
    assert atlas.thumbnails is None
    atlas.save(tmp_path / "box.npz")
    opened = lw.Atlas.load(tmp_path / "box.npz")
    assert opened.lattice.same_as(lattice)
    np.testing.assert_array_equal(opened["pullback"].metric, atlas["pullback"].metric)
    np.testing.assert_array_equal(opened.points, latents)


FIELD = lw.Field.from_density(LATTICE, np.ones(LATTICE.shape))


@pytest.mark.parametrize(
    "ask",
    [
        lambda: lw.geodesic(FIELD, [0, 1, 4.5], [1, 1, 4.5]),
        lambda: lw.straight(FIELD, [0, 1], [1, 1]),
        lambda: lw.distances(FIELD, [[0, 1]]),
        lambda: lw.distance_field(FIELD, [0, 1]),
        lambda: lw.exp_map(FIELD, [0, 1], [1, 1]),
        lambda: lw.LatentWidget(lw.Atlas(LATTICE, {"flat": FIELD})),
        lambda: lw.Atlas(LATTICE, {"flat": FIELD}).plot(),
    ],
)
def test_what_needs_a_plane_says_so(ask):
    with pytest.raises(ValueError, match=r"needs a lattice of two dimensions.*\(4, 5, 6\).*Lattice.through"):
        ask()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: lw.Lattice(BOX), r"three whole numbers \(D, H, W\).*\(128, 128\)"),
        (lambda: lw.Lattice(BOX, (4, 4, 1)), "at least 2 cells a side"),
        (lambda: lw.Lattice((0, 1, 0, 1), (4, 4, 4)), "two whole numbers"),
        (lambda: lw.Lattice((0, 1, 0, 1, 1, 1), (4, 4, 4)), "z1 > z0"),
        (lambda: lw.Lattice((0, 1, 0, 1, 0), (4, 4, 4)), "or six"),
        (lambda: lw.Lattice(BOX, (4, 4, 4), np.zeros(3), np.ones((2, 3))), r"basis \(3, d\)"),
        (lambda: lw.Lattice(BOX, (4, 4, 4), np.zeros(3), np.ones((3, 3))), "three dimensions.*dependent"),
        (lambda: LATTICE.embed([0, 1]), r"\(\.\.\., 3\)"),
    ],
)
def test_bad_boxes_say_what_is_wrong(make, words):
    with pytest.raises(ValueError, match=words):
        make()
