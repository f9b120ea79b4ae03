"""Refinement with the decoder: great circles on a coarse lattice, and never a longer path."""

import numpy as np
import pytest
import torch

import latent_widget as lw


def stereographic(z):
    squared = z.square().sum(1, keepdim=True)
    return torch.cat([2 * z, squared - 1], 1) / (1 + squared)


def great_circle(a, b):
    p, q = (stereographic(torch.tensor([z], dtype=torch.float64))[0].numpy() for z in (a, b))
    return 2 * np.arcsin(0.5 * np.linalg.norm(p - q))


@pytest.fixture(scope="module")
def atlas():
    decoder = lw.Decoder(stereographic, dtype=torch.float64, latent_dim=2)
    return lw.survey(decoder, lw.Lattice((-1.2, 1.2, -1.2, 1.2), (10, 10)), ["pullback"], progress=False)


PAIRS = [((-0.8, 0.1), (0.7, 0.4)), ((0.0, 0.0), (0.9, 0.2)), ((-0.5, -0.6), (0.2, 0.8)), ((0.1, 0.1), (0.12, 0.1))]


@pytest.mark.parametrize(("start", "end"), PAIRS)
def test_the_decoded_length_becomes_that_of_the_great_circle(atlas, start, end):
    exact = great_circle(start, end)
    rough = atlas.geodesic(start, end, nodes=1025)
    path = atlas.geodesic(start, end, refine=True)
    # 256 segments that are straight in the plane
    assert path.decoded_length == pytest.approx(exact, rel=2e-6)
    assert path.decoded_length <= rough.decoded_length * (1 + 2e-6)
    assert np.array_equal(path.points[[0, -1]], [start, end])
    # every decoded point lies in the plane of the circle
    decoded = stereographic(torch.from_numpy(path.points)).numpy()
    normal = np.cross(decoded[0], decoded[-1])
    assert np.abs(decoded @ normal / np.linalg.norm(normal)).max() < 3e-5


def test_refinement_heals_what_a_coarse_lattice_bends(atlas):
    start, end = PAIRS[0]
    decoded = stereographic(torch.from_numpy(atlas.geodesic(start, end).points)).numpy()
    normal = np.cross(decoded[0], decoded[-1])
    assert np.abs(decoded @ normal / np.linalg.norm(normal)).max() > 5e-5


@pytest.mark.parametrize("seed", range(3))
def test_refined_paths_of_random_decoders_are_never_longer(seed):
    torch.manual_seed(seed)
    net = torch.nn.Sequential(torch.nn.Linear(2, 24), torch.nn.Tanh(), torch.nn.Linear(24, 9)).double()
    decoder = lw.Decoder(net, dtype=torch.float64)
    atlas = lw.survey(decoder, lw.Lattice((-3, 3, -3, 3), (24, 24)), ["pullback"], progress=False)
    for a, b in np.random.default_rng(seed).uniform(-2.5, 2.5, (4, 2, 2)):
        rough, path = atlas.geodesic(a, b), atlas.geodesic(a, b, refine=True)
        assert path.decoded_length <= atlas.decoded_length(rough.at(1025))
        assert atlas.lattice.contains(path.points).all()


def test_refined_paths_respect_the_mask_and_bad_uses_are_named(atlas):
    mask = np.linalg.norm(atlas.lattice.cells, axis=-1) > 0.3
    path = atlas.geodesic((-0.9, 0.05), (0.9, 0.0), refine=True, mask=mask)
    dense = path.at(2000, by="latent")
    cells = (dense + 1.2) / 0.24
    j, i = np.clip(np.floor(cells).astype(int), 0, 9).T
    assert mask[i, j][(np.abs(cells - np.rint(cells)) > 1e-6).all(axis=1)].all()
    assert atlas.geodesic((0.1, 0.1), (0.1, 0.1), refine=True).length == 0
    with pytest.raises(ValueError, match="refine the legs"):
        atlas.geodesic((0.1, 0.1), (0.5, 0.5), refine=True, via=[(0.2, 0.3)])
    without = lw.Atlas(atlas.lattice, atlas.fields)
    with pytest.raises(ValueError, match="needs the pull-back measure and an atlas that holds the decoder"):
        without.geodesic((0.1, 0.1), (0.5, 0.5), refine=True)
