"""Fields: the algebra of metrics, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import latent_widget as lw

LATTICE = lw.Lattice((0, 1, 0, 2), (3, 4))


def random_field(seed):
    factor = np.random.default_rng(seed).normal(size=(*LATTICE.shape, 2, 2))
    return lw.Field(LATTICE, factor @ np.swapaxes(factor, -1, -2) + 0.05 * np.eye(2))


seeds = st.integers(0, 10_000)


@given(seeds, seeds, st.floats(0.01, 100), st.floats(0.01, 100))
def test_fields_add_and_scale_as_their_metrics_do(first, second, a, b):
    f, g = random_field(first), random_field(second)
    mixed = a * f + g * b
    np.testing.assert_allclose(mixed.metric, a * f.metric + b * g.metric, rtol=1e-12)
    np.testing.assert_allclose((np.float64(a) * f).density, a * f.density, rtol=1e-9)


@given(seeds, st.floats(0, 3))
def test_tempering_is_the_matrix_power(seed, exponent):
    field = random_field(seed)
    tempered = field.temper(exponent)
    np.testing.assert_allclose(tempered.density, field.density**exponent, rtol=1e-8)
    np.testing.assert_allclose(field.temper(0).metric, np.broadcast_to(np.eye(2), field.metric.shape), atol=1e-12)
    # a power shares eigenvectors with what it is a power of
    np.testing.assert_allclose(tempered.metric @ field.metric, field.metric @ tempered.metric, rtol=1e-7, atol=1e-9)


@given(seeds, st.floats(0.3, 6), st.integers(0, 3), st.integers(0, 2))
def test_smoothing_damps_each_wave_as_the_kernel_does(seed, cells, k, m):
    """cos(π k (i + ½) / n) mirrored at the border is an eigenvector of every symmetric average."""
    reach = int(4 * cells + 0.5)
    steps = np.arange(-reach, reach + 1)
    weights = np.exp(-(steps**2) / (2 * cells**2))
    weights /= weights.sum()
    waves, damping = [], 1.0
    for n, order in zip(LATTICE.shape, (m, k), strict=True):
        waves.append(np.cos(np.pi * order * (np.arange(n) + 0.5) / n))
        damping *= weights @ np.cos(np.pi * order * steps / n)
    wave = np.outer(*waves)
    tensor = random_field(seed).metric[0, 0]
    smooth = lw.Field(LATTICE, (2 + wave)[..., None, None] * tensor).smooth(cells)
    expected = (2 + damping * wave)[..., None, None] * tensor
    np.testing.assert_allclose(smooth.metric, expected, rtol=1e-9, atol=1e-12 * np.abs(tensor).max())


@given(seeds, st.floats(0, 6))
def test_smoothing_keeps_the_mean_tensor(seed, cells):
    field = random_field(seed)
    np.testing.assert_allclose(field.smooth(cells).metric.mean((0, 1)), field.metric.mean((0, 1)), rtol=1e-9)
    assert field.smooth(0) is field
    with pytest.raises(ValueError, match="cells must be finite"):
        field.smooth(-1)


@given(seeds)
def test_tempering_twice_by_half_squares_back(seed):
    half = random_field(seed).temper(0.5).metric
    np.testing.assert_allclose(half @ half, random_field(seed).metric, rtol=1e-9, atol=1e-12)


def test_density_of_a_conformal_field_is_the_scalar():
    rho = np.random.default_rng(0).uniform(0.1, 9, LATTICE.shape)
    np.testing.assert_allclose(lw.Field.from_density(LATTICE, rho).density, rho, rtol=1e-12)


def test_nobody_can_write_into_a_field():
    field = random_field(0)
    for array in (field.metric, field.density, LATTICE.cells):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1


def with_cell(value):
    metric = random_field(1).metric.copy()
    metric[1, 2] = value
    return metric


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: lw.Field(LATTICE, np.ones((3, 4))), r"shape \(3, 4, 2, 2\).*got \(3, 4\)"),
        (lambda: lw.Field(LATTICE, with_cell(np.nan)), r"NaN or infinite in 1 of 12 cells, the first at x=0\.625, y=1"),
        (lambda: lw.Field(LATTICE, with_cell([[1, 2], [0, 1]])), "symmetric"),
        (lambda: lw.Field(LATTICE, with_cell([[1, 2], [2, 1]])), r"not positive definite in 1 of 12.*x=0\.625.*floor="),
        (lambda: lw.Field(LATTICE, with_cell(0)), "floor="),
        # singular, but for round-off, along an oblique direction
        (
            lambda: lw.Field(LATTICE, with_cell(np.outer((0.6, 0.8), (0.6, 0.8)) + 5e-15 * np.eye(2))),
            "not positive definite",
        ),
        (lambda: lw.Field(LATTICE, with_cell(0), floor=-1), "floor .* positive"),
        (lambda: lw.Field.from_density(LATTICE, np.ones((4, 3))), r"\(3, 4\), got \(4, 3\)"),
        (lambda: lw.Field.from_density(LATTICE, np.zeros((3, 4))), "12 of 12 cells.*shift it"),
        (lambda: 0.0 * random_field(0), "positive finite weight"),
        (lambda: random_field(0).temper(-1), "exponent"),
        (
            lambda: random_field(0) + lw.Field.from_density(lw.Lattice((0, 1, 0, 1), (3, 4)), np.ones((3, 4))),
            "different",
        ),
    ],
)
def test_bad_fields_say_what_is_wrong(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_floor_raises_only_what_is_below_and_counts_it():
    field = lw.Field(LATTICE, with_cell([[1, 0], [0, 1e-9]]), floor=1e-3)
    assert field.info["floored"] == 1
    np.testing.assert_allclose(field.metric[1, 2], np.diag([1, 1e-3]), atol=1e-15)
    np.testing.assert_array_equal(field.metric[0], random_field(1).metric[0])


def test_walls_are_infinite_cells_and_stay_walls():
    rho = np.random.default_rng(0).uniform(0.1, 9, LATTICE.shape)
    rho[1, 2] = np.inf
    field = lw.Field.from_density(LATTICE, rho, walls=True)
    other = random_field(0)
    expected = np.isinf(rho)
    for walled in (field, 2 * field, field + other, other + field, field.temper(0.5), field.temper(0)):
        np.testing.assert_array_equal(walled.walls, expected)
        np.testing.assert_array_equal(np.isinf(walled.density), expected)
    np.testing.assert_allclose((field + other).metric[~expected], (field.metric + other.metric)[~expected])
    assert not other.walls.any()
    assert "1 walls" in repr(field)
    with pytest.raises(ValueError, match="walls=True"):
        lw.Field.from_density(LATTICE, rho)
    with pytest.raises(ValueError, match="walls=True"):
        lw.Field(LATTICE, with_cell(np.inf))
    # not a number is no wall
    with pytest.raises(ValueError, match="NaN"):
        lw.Field(LATTICE, with_cell(np.nan), walls=True)
    with pytest.raises(ValueError, match="impassable cells"):
        lw.Atlas(LATTICE, {"walled": field})
    with pytest.raises(ValueError, match="finite"):
        lw.cartogram(field)
