"""Placebos of a field: the same values in other places, against geodesic distances and the values themselves."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import latent_widget as lw

BOX = (-1.0, 2.0, 0.5, 2.5)
KINDS = ("turned", "mirrored", "shuffled")


def make_field(shape: tuple[int, int] = (33, 50)) -> lw.Field:
    """A smooth field with a lean, of no symmetry."""
    lattice = lw.Lattice(BOX, shape)
    x, y = np.moveaxis(lattice.cells, -1, 0)
    e, g, f = np.exp(np.sin(2 * x)), 1 + y**2, 0.4 + 0.3 * np.sin(x + 2 * y)
    metric = np.stack([np.stack([e + f**2, f], -1), np.stack([f, g], -1)], -2)
    return lw.Field(lattice, metric, {"measure": "waves", "residual": x + 10 * y, "note": "kept"})


def make_box() -> lw.Field:
    lattice = lw.Lattice((0, 1, 0, 2, 0, 3), (7, 9, 8))
    roots = np.random.default_rng(0).normal(size=(*lattice.shape, 3, 3))
    return lw.Field(lattice, roots @ np.swapaxes(roots, -1, -2) + 0.2 * np.eye(3))


def move(points: np.ndarray, kind: str) -> np.ndarray:
    x, y = points.T
    return np.stack([BOX[0] + BOX[1] - x, BOX[2] + BOX[3] - y if kind == "turned" else y], -1)


@pytest.mark.parametrize("kind", ["turned", "mirrored"])
def test_geodesic_distances_are_those_between_moved_points(kind: str) -> None:
    field = make_field()
    points = np.random.default_rng(1).uniform(BOX[0::2], BOX[1::2], (14, 2))
    expected = lw.distances(field, points)
    found = lw.distances(lw.placebo(field, kind), move(points, kind))
    np.testing.assert_allclose(found, expected, rtol=2e-3)
    # and not those of the field itself: the test can fail
    assert np.abs(lw.distances(field, move(points, kind)) / np.where(expected > 0, expected, 1) - 1).max() > 0.05


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("field", [make_field(), make_box()], ids=["plane", "box"])
def test_densities_and_eigenvalues_are_the_same_values_elsewhere(field: lw.Field, kind: str) -> None:
    found = lw.placebo(field, kind, blocks=3)
    assert found.lattice is field.lattice
    np.testing.assert_allclose(np.sort(found.density, axis=None), np.sort(field.density, axis=None), rtol=1e-12)
    values = [np.linalg.eigvalsh(f.metric).reshape(-1, field.lattice.ndim) for f in (field, found)]
    for one, two in zip(*(np.sort(v, axis=0).T for v in values), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-9)
    assert (np.abs(found.density / field.density - 1) > 1e-6).mean() > 0.7


@pytest.mark.parametrize("kind", ["turned", "mirrored"])
@pytest.mark.parametrize("field", [make_field(), make_box()], ids=["plane", "box"])
def test_twice_turned_and_twice_mirrored_are_the_field_itself(field: lw.Field, kind: str) -> None:
    np.testing.assert_array_equal(lw.placebo(lw.placebo(field, kind), kind).metric, field.metric)


def test_a_mirror_image_measures_mirrored_vectors() -> None:
    field = make_box()
    found = lw.placebo(field, "mirrored")
    v = np.array([0.3, -1.0, 0.7])
    squares = np.einsum("i,...ij,j", v, field.metric, v)
    np.testing.assert_allclose(
        np.einsum("i,...ij,j", v * (-1, 1, 1), found.metric[:, :, ::-1], v * (-1, 1, 1)), squares
    )


def test_blocks_move_whole_and_none_stays() -> None:
    # 33 rows in 8 blocks: one of 5 and seven of 4; 50 columns: two of 7 and six of 6
    field = make_field()
    number = np.arange(33.0 * 50).reshape(33, 50)
    found = lw.placebo(lw.Field(field.lattice, field.metric, {"residual": number}), "shuffled", blocks=8, seed=3)
    moved = found.info["residual"]
    assert set(moved.ravel()) == set(number.ravel())
    rows, columns = [0, 5, *range(9, 34, 4)], [0, 7, 14, *range(20, 51, 6)]
    for top, bottom in pairwise(rows):
        for left, right in pairwise(columns):
            block = moved[top:bottom, left:right]
            np.testing.assert_array_equal(block - block[0, 0], number[: bottom - top, : right - left])
            assert block[0, 0] != number[top, left]
    density = field.density.ravel()[moved.astype(int)]
    np.testing.assert_allclose(found.density, density, rtol=1e-13)
    same, other = (lw.placebo(field, "shuffled", seed=s).metric for s in (3, 4))
    np.testing.assert_array_equal(lw.placebo(field, "shuffled", seed=3).metric, same)
    assert (same != other).any()


def test_a_shuffle_that_moves_nothing_is_refused_and_the_share_that_stays_is_told() -> None:
    # 2 blocks along 5 cells are of 3 and 2, so that no two blocks of the four are alike
    small = lw.Field.from_density(lw.Lattice(BOX, (5, 5)), np.arange(1.0, 26).reshape(5, 5))
    with pytest.raises(ValueError, match=r"\(5, 5\) cells: blocks=2 has no two blocks alike, give 3 or more"):
        lw.placebo(small, "shuffled", blocks=2)
    # 2, 2 and 1: four blocks of 2 by 2, two of 2 by 1, two of 1 by 2, and one single cell, which stays
    found = lw.placebo(small, "shuffled", blocks=3)
    assert found.info["placebo_in_place"] == 1 / 25
    assert np.flatnonzero(found.density == small.density).tolist() == [24]
    # along an even side the two blocks are alike
    even = lw.Field.from_density(lw.Lattice(BOX, (4, 5)), np.arange(1.0, 21).reshape(4, 5))
    assert lw.placebo(even, "shuffled", blocks=2).info["placebo_in_place"] == 0
    assert lw.placebo(small).info["placebo_in_place"] == 1 / 25
    assert lw.placebo(small, "mirrored").info["placebo_in_place"] == 5 / 25


def test_three_blocks_always_move_something_and_two_where_a_side_is_even() -> None:
    for sides in np.ndindex(7, 7):
        shape = (sides[0] + 2, sides[1] + 2)
        field = lw.Field.from_density(lw.Lattice(BOX, shape), np.arange(1.0, 1 + np.prod(shape)).reshape(shape))
        for blocks in range(2 if shape[0] % 2 == 0 or shape[1] % 2 == 0 else 3, min(shape) + 1):
            found = lw.placebo(field, "shuffled", blocks=np.int64(blocks))
            stayed = (found.density == field.density).mean()
            assert found.info["placebo_in_place"] == pytest.approx(stayed)
            assert stayed < 1


@pytest.mark.parametrize("kind", KINDS)
def test_info_says_what_was_done_and_numbers_of_cells_move(kind: str) -> None:
    field = make_field()
    found = lw.placebo(field, kind)
    assert found.info["placebo"].startswith(kind)
    assert found.info["measure"] == f"waves, {kind}"
    assert found.info["note"] == "kept"
    if kind != "shuffled":
        flipped = field.info["residual"][::-1, ::-1] if kind == "turned" else field.info["residual"][:, ::-1]
        np.testing.assert_array_equal(found.info["residual"], flipped)
    assert "seed 5" in lw.placebo(field, "shuffled", seed=5).info["placebo"]


def test_walls_move_too() -> None:
    lattice = lw.Lattice(BOX, (4, 6))
    rho = np.ones((4, 6))
    rho[0, 1] = np.inf
    field = lw.Field.from_density(lattice, rho, walls=True)
    assert np.argwhere(lw.placebo(field).walls).tolist() == [[3, 4]]
    assert np.argwhere(lw.placebo(field, "mirrored").walls).tolist() == [[0, 4]]


def test_bad_arguments_are_named() -> None:
    field = make_field()
    with pytest.raises(ValueError, match="kind='flipped': use one of 'turned', 'mirrored', 'shuffled'"):
        lw.placebo(field, "flipped")
    for blocks in (1, 34, 2.5, True):
        with pytest.raises(ValueError, match=f"blocks={blocks}: give a whole number from 2 to 33"):
            lw.placebo(field, "shuffled", blocks=blocks)
    for seed in (-1, 1.5, "x", None, True):
        with pytest.raises(ValueError, match=f"seed={seed!r}: give a whole number"):
            lw.placebo(field, "shuffled", seed=seed)
    with pytest.raises(TypeError, match=r"field must be a latent_widget\.Field, got ndarray"):
        lw.placebo(field.density)
