"""The prepared problem: one for each public call, kept with a field that has no mask, and nowhere else."""

import copy
import pickle

import numpy as np
import pytest
from geodesic_fields import points_in, random_field

import latent_widget as lw
from latent_widget.geodesics import distance_field, distances, equidistances, geodesic, profile, straight
from latent_widget.geodesics.solver import eikonal
from latent_widget.geodesics.solver.obstacles import ObstaclePlane
from latent_widget.geodesics.solver.open_plane import OpenPlane
from latent_widget.geodesics.validation import pose_problem


@pytest.fixture
def counted(monkeypatch):
    """How often a problem was prepared."""
    calls = []

    def count(*arguments, **options):
        calls.append(options)
        return prepare(*arguments, **options)

    prepare = eikonal.prepare
    monkeypatch.setattr(eikonal, "prepare", count)
    monkeypatch.setattr("latent_widget.geodesics.validation.prepare", count)
    return calls


def test_a_field_without_a_mask_is_prepared_once(counted):
    field = random_field(3, 0.3)
    a, b, c = points_in(field, 3, 1)
    path = geodesic(field, a, b, alternatives=1)
    geodesic(field, a, c, via=[b])
    straight(field, a, b)
    profile(field, path)
    distances(field, [a, b, c])
    assert len(counted) == 1
    # at its own resolution it is another problem, kept as well
    distance_field(field, a)
    equidistances(field, b)
    distances(field, [a, b], refine=False)
    assert len(counted) == 2


def test_a_masked_call_prepares_one_problem_of_its_own(counted):
    field = random_field(3, 0.3)
    mask = np.ones(field.lattice.shape, bool)
    mask[5:20, 20:22] = False
    a, b, c = points_in(field, 3, 1)
    geodesic(field, a, b, mask=mask, via=[c])
    equidistances(field, a, mask=mask)
    assert len(counted) == 2
    assert isinstance(pose_problem(field, mask), ObstaclePlane)
    assert isinstance(pose_problem(field), OpenPlane)
    # a mask that forbids nothing is none
    assert isinstance(pose_problem(field, np.ones_like(mask)), OpenPlane)


def test_refining_with_the_decoder_prepares_one_problem(counted):
    lattice = lw.Lattice((-1.0, 1.0, -1.0, 1.0), (16, 16))
    atlas = lw.survey(lambda z: z[:, :1].exp() * z, lattice, ["pullback"], progress=False)
    mask = np.ones((16, 16), bool)
    mask[4:12, 8] = False
    path = atlas.geodesic((-0.8, 0.0), (0.8, 0.1), refine=True, mask=mask)
    assert len(counted) == 1
    assert path.decoded_length > 0.0


def test_what_is_kept_is_not_pickled_or_copied():
    field = random_field(3, 0.3)
    a, b = points_in(field, 2, 1)
    length = geodesic(field, a, b).length
    distance_field(field, a)
    for other in (pickle.loads(pickle.dumps(field)), copy.copy(field)):
        assert not [name for name in vars(other) if "problem" in name]
        assert geodesic(other, a, b).length == length
