"""Atlases: what is kept, what is measured from them, and files that are none."""

import copy
import dataclasses
import json
import pickle
import subprocess
import sys

import mixture_fixtures
import numpy as np
import pytest
import torch

import latent_widget as lw


def stereographic(z):
    squared = z.square().sum(1, keepdim=True)
    return torch.cat([2 * z, squared - 1], 1) / (1 + squared)


LATTICE = lw.Lattice((-1, 1, -1.5, 1.5), (48, 32))


def noted(decoder, lattice):
    rows = np.arange(np.prod(lattice.shape), dtype=float).reshape(lattice.shape)
    return lw.Field(lattice, np.broadcast_to(np.diag([1.0, 2.0]), (*lattice.shape, 2, 2)), {"error": rows, "note": "é"})


@pytest.fixture(scope="module")
def atlas():
    points = np.random.default_rng(0).uniform(-1, 1, (30, 2))
    decoder = lw.Decoder(stereographic, dtype=torch.float64)
    labels = np.array(["one", "two", "three"])[np.arange(30) % 3]
    return lw.survey(decoder, LATTICE, ["pullback", noted], points=points, labels=labels, progress=False)


def test_round_trip_is_exact(atlas, tmp_path):
    atlas.save(tmp_path / "sphere.atlas")
    assert [p.name for p in tmp_path.iterdir()] == ["sphere.atlas"]
    opened = lw.Atlas.load(tmp_path / "sphere.atlas")
    assert opened.measures == atlas.measures == ["pullback", "noted"]
    assert opened.lattice.extent == atlas.lattice.extent
    assert opened.lattice.shape == atlas.lattice.shape
    for name in atlas.measures:
        np.testing.assert_array_equal(opened[name].metric, atlas[name].metric)
    np.testing.assert_array_equal(opened["noted"].info["error"], atlas["noted"].info["error"])
    assert opened["noted"].info["note"] == "é"
    np.testing.assert_array_equal(opened.points, atlas.points)
    np.testing.assert_array_equal(opened.labels, atlas.labels)
    np.testing.assert_array_equal(opened.thumbnails.images, atlas.thumbnails.images)
    assert opened.thumbnails.levels == atlas.thumbnails.levels
    assert opened.decoder is None


@pytest.mark.slow
def test_a_plane_survives_the_round_trip(tmp_path):
    z = np.random.default_rng(0).normal(size=(20, 4))
    lattice = lw.Lattice.fit(z, (4, 4))
    decoder = lw.Decoder(lambda z: z**3 + z, latent_dim=4, dtype=torch.float64)
    lw.survey(decoder, lattice, progress=False).save(tmp_path / "a.npz")
    np.testing.assert_array_equal(lw.Atlas.load(tmp_path / "a.npz").lattice.embed([[1, 2]]), lattice.embed([[1, 2]]))


@pytest.mark.slow
def test_an_atlas_opens_and_walks_without_torch(atlas, tmp_path):
    atlas.save(tmp_path / "a.npz")
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "import latent_widget as lw\n"
        f"a = lw.Atlas.load({str(tmp_path / 'a.npz')!r})\n"
        "print(a.measures, a.geodesic((-0.5, 0), (0.5, 0.5)).length, a.cartogram('pullback').folds)\n"
        "a.plot('pullback')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("['pullback', 'noted']")


@pytest.mark.slow
def test_great_circles_are_found_and_measured_by_the_decoder(atlas):
    start, end = (-0.8, 1.0), (0.9, 0.7)
    p, q = (stereographic(torch.tensor([v], dtype=torch.float64))[0].numpy() for v in (start, end))
    truth = np.arccos(p @ q)
    path = atlas.geodesic(start, end)
    assert path.length == pytest.approx(truth, rel=2e-4)
    assert atlas.decoded_length(path.points) == pytest.approx(truth, rel=2e-4)
    assert atlas.decoded_length(path.points) <= atlas.decoded_length(np.linspace(start, end, 200))
    assert atlas.distances([start, end])[0, 1] == pytest.approx(truth, rel=2e-3)


def test_the_mixture_is_the_weighted_sum_tempered(atlas):
    mixed = atlas.mixed({"pullback": 2.0, "noted": 0.5}, temper=0.5, normalise=False)
    truth = (2.0 * atlas["pullback"] + 0.5 * atlas["noted"]).temper(0.5)
    np.testing.assert_allclose(mixed.metric, truth.metric, rtol=1e-12)
    parts = [atlas[name].metric / atlas[name].density.mean() for name in ("pullback", "noted")]
    np.testing.assert_allclose(atlas.mixed({"pullback": 2.0, "noted": 0.5}).metric, 2 * parts[0] + 0.5 * parts[1])
    with pytest.raises(ValueError, match="switch every measure off"):
        atlas.mixed({"pullback": 0.0})
    with pytest.raises(ValueError, match=r"weights\['noted'\]"):
        atlas.mixed({"noted": -1.0})
    with pytest.raises(KeyError, match="holds pullback, noted"):
        atlas.mixed({"nothing": 1.0})


def test_a_mixture_does_not_depend_on_the_units_of_its_measures(atlas):
    scaled = lw.Atlas(atlas.lattice, {"pullback": 1e5 * atlas["pullback"], "noted": 1e-3 * atlas["noted"]})
    for weights in ({"pullback": 1.0, "noted": 1.0}, {"pullback": 0.2, "noted": 7.0}):
        np.testing.assert_allclose(scaled.mixed(weights).metric, atlas.mixed(weights).metric, rtol=1e-12)
    # fields of one shape, whatever their units, add up by their weights
    shape = lw.Atlas(atlas.lattice, {"a": 1e5 * atlas["pullback"], "b": 1e-3 * atlas["pullback"]})
    assert shape.mixed({"a": 1.0, "b": 3.0}).density.mean() == pytest.approx(4)


def test_a_single_measure_keeps_its_unit_to_the_last_bit(atlas):
    off = {"pullback": 1.0, "noted": 0.0}
    assert atlas.mixed({"pullback": 1.0}) is atlas["pullback"]
    assert atlas.mixed(off) is atlas["pullback"]
    np.testing.assert_array_equal(atlas.mixed({"pullback": 0.3}).metric, 0.3 * atlas["pullback"].metric)


@pytest.mark.parametrize("shape", [(6, 8), (4, 6, 8)])
def test_a_normalised_field_has_mean_density_one(shape):
    extent = (0, 2, 0, 1, 0, 3)[: 2 * len(shape)]
    lattice = lw.Lattice(extent, shape)
    rho = np.random.default_rng(0).uniform(1, 900, shape)
    found = lw.Field.from_density(lattice, rho).normalise()
    np.testing.assert_allclose(found.density, rho / rho.mean(), rtol=1e-12)
    assert found.info["weight"] == pytest.approx(rho.mean() ** (-2 / len(shape)))
    if len(shape) == 2:
        rho[0, 0] = np.inf
        found = lw.Field.from_density(lattice, rho, walls=True).normalise()
        assert found.density[np.isfinite(rho)].mean() == pytest.approx(1)


def test_the_fixtures_of_mixtures_are_todays():
    """They hold the browser to the same mixtures, in js/test/field/field.test.ts."""
    stored = json.loads(mixture_fixtures.PATH.read_text("utf-8"))
    today = mixture_fixtures.fixtures()
    assert stored["fields"] == today["fields"]
    for old, new in zip(stored["cases"], today["cases"], strict=True):
        assert old["weights"] == new["weights"]
        np.testing.assert_allclose(old["mixed"], new["mixed"], rtol=1e-9)


def test_the_cartogram_is_made_once(atlas):
    assert atlas.cartogram("pullback") is atlas.cartogram("pullback")
    assert atlas.cartogram("pullback").folds == 0
    assert atlas.cartogram().max_area_error < 0.02
    assert atlas.map("pullback", method="cartogram") is atlas.cartogram("pullback")
    assert atlas.map("pullback", "cartogram", floor=0.5) is not atlas.cartogram("pullback")


def test_the_points_of_an_atlas_say_where_the_frame_is_taken(atlas):
    right = (atlas.lattice.cells[..., 0] > 0)[..., None, None]
    halves = lw.Field(atlas.lattice, np.where(right, np.diag([4.0, 1.0]), np.diag([1.0, 4.0])))
    points = np.array([[0.5, 0.5], [0.7, -0.2], [9.0, 9.0]])
    made = lw.Atlas(atlas.lattice, {"halves": halves}, points)
    # of density 2 everywhere: the map is linear, and an isometry where its frame was taken
    inside = np.broadcast_to(right[..., 0, 0], atlas.lattice.shape)
    np.testing.assert_allclose(made.cartogram(frame="metric").distortion[inside], 1.0, rtol=1e-9)
    everywhere = made.map(None, "cartogram", frame="metric", points=None)
    np.testing.assert_allclose(everywhere.distortion[..., 0] / everywhere.distortion[..., 1], 2.0, rtol=1e-9)


def test_unknown_maps_are_named(atlas):
    with pytest.raises(ValueError, match="method='flat': use one of 'cartogram', 'isometric', 'distances'"):
        atlas.map("pullback", method="flat")
    with pytest.raises(KeyError, match="hull"):
        atlas.map("hull")


def test_what_was_computed_is_neither_copied_nor_pickled():
    lattice = lw.Lattice((0, 1, 0, 1), (6, 6))
    first = lw.Atlas(lattice, {"hill": lw.Field.from_density(lattice, 1 + lattice.cells[..., 0])})
    made = first.cartogram()
    for other in (pickle.loads(pickle.dumps(first)), copy.copy(first), dataclasses.replace(first, labels=None)):
        assert set(vars(other)) == {field.name for field in dataclasses.fields(lw.Atlas)}
        again = other.cartogram("hill")
        assert again is not made
        np.testing.assert_array_equal(again.corners, made.corners)
    with pytest.raises(KeyError, match="'hull' is not in this atlas, which holds hill"):
        first.cartogram("hull")
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.fields = {}


@pytest.mark.parametrize("case", ["text", "empty", "foreign", "truncated", "array", "extent", "metric.0"])
def test_files_that_are_no_atlas_are_named(case, atlas, tmp_path):
    path = tmp_path / "x.npz"
    if case == "text":
        path.write_text("hello")
    elif case == "empty":
        path.write_bytes(b"")
    elif case == "foreign":
        np.savez(path, a=np.arange(3))
    elif case in ("extent", "metric.0"):
        atlas.save(path)
        with np.load(path) as stored:
            kept = {name: stored[name] for name in stored.files if name != case}
        np.savez(path, **kept)
    elif case == "array":
        with path.open("wb") as file:
            np.save(file, np.arange(3))
    else:
        atlas.save(path)
        path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(ValueError, match=r"x\.npz' is not an atlas; give a file that Atlas\.save wrote"):
        lw.Atlas.load(path)


def test_a_missing_file_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        lw.Atlas.load(tmp_path / "none.npz")


def test_a_failed_save_leaves_the_old_file(atlas, tmp_path, monkeypatch):
    atlas.save(tmp_path / "a.npz")
    before = (tmp_path / "a.npz").read_bytes()

    def fail(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez_compressed", fail)
    with pytest.raises(OSError, match="disk full"):
        atlas.save(tmp_path / "a.npz")
    assert (tmp_path / "a.npz").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_questions_an_atlas_cannot_answer(atlas, tmp_path):
    with pytest.raises(KeyError, match="'kl' is not in this atlas, which holds pullback, noted"):
        atlas["kl"]
    with pytest.raises(ValueError, match="start"):
        atlas.geodesic((9, 9), (0, 0))
    atlas.save(tmp_path / "a.npz")
    with pytest.raises(ValueError, match=r"no decoder; load it with Atlas\.load\(path, decoder=\.\.\.\)"):
        lw.Atlas.load(tmp_path / "a.npz").decoded_length([[0, 0], [1, 1]])


def test_numbers_of_numpy_survive_as_numbers(tmp_path):
    lattice = lw.Lattice((0, 1, 0, 1), (4, 4))
    metric = lw.Field.from_density(lattice, np.ones((4, 4))).metric
    field = lw.Field(lattice, metric, {"n": np.int64(3), "by": {"mean": np.float32(0.5)}})
    lw.Atlas(lattice, {"one": field}).save(tmp_path / "one.npz")
    info = lw.Atlas.load(tmp_path / "one.npz")["one"].info
    assert (info["n"], info["by"]) == (3, {"mean": 0.5})


def test_points_too_few_to_say_where_the_data_lie_are_left_out(atlas):
    few = lw.Atlas(atlas.lattice, dict(atlas.fields), points=np.array([[0.1, 0.2], [-0.3, 0.4]]))
    none = lw.Atlas(atlas.lattice, dict(atlas.fields))
    for method in ("isometric", "distances"):
        assert np.array_equal(few.map(method=method).corners, none.map(method=method).corners)
