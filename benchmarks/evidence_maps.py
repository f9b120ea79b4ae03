"""The rows of the evidence: every way to show a model's encoded data, with the distances and the lines that it shows.

A map is judged by the Euclidean distances of the tests on its page, and by straight lines on the page, brought back to
the latent plane. Its placebo is the same map of the same field turned by half a turn, which is as rough and as
anisotropic but knows nothing of where the data lie.
"""

import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

import evidence_scores as scores
import numpy as np
from evidence_data import DataSet, train_classifier
from evidence_models import Model
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

import latent_widget as lw

LINES = 40
"""Pairs of tests that are joined by a line."""
PARTS = 24
"""Steps of a line."""
FLOOR = "0.01%"
"""Smallest eigenvalue of a field, as a share of their mean; keeps fields positive definite where nothing changes."""


@dataclass(frozen=True, eq=False)
class View:
    """One row: distances of the tests `(t, t)`, lines between them, and what the map reports of itself.

    `trace(a, b)` gives the latent points `(N, 2)` of a line between two tests, and raises where there is none.
    """

    apart: np.ndarray | None
    trace: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    report: dict[str, float] = field(default_factory=dict)


def measure_output(model: Model, lattice: lw.Lattice) -> lw.Field:
    """The pull-back metric of a decoder of numbers, the Fisher–Rao metric of a decoder of texts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if isinstance(model.decoder, lw.SequenceDecoder):
            return lw.measures.fisher_rao(model.decoder, lattice, prefixes=16, floor=FLOOR)
        return lw.measures.pullback(model.decoder, lattice, method="auto", floor=FLOOR)


def measure_features(model: Model, data: DataSet, lattice: lw.Lattice, seed: int) -> lw.Field:
    """The metric of a classifier's last hidden layer, trained on the model's own part of the data."""
    net = train_classifier(data.inputs[data.model], data.labels[data.model], seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return lw.measures.feature(net.body, method="auto", floor=FLOOR)(model.decoder, lattice)


def lay_straight(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.linspace(a, b, PARTS + 1)


def view_page(page: np.ndarray, trace: Callable | None = None) -> View:
    return View(cdist(page, page), trace)


def view_map(make: Callable[[], lw.Map], test: np.ndarray) -> View:
    """Time a map, place the tests on it, and lay straight lines on its page."""
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = make()
    seconds = time.perf_counter() - began

    def trace(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        ends = made.transform(np.stack([a, b]))
        return made.inverse(np.linspace(*ends, PARTS + 1))

    report = {"seconds": seconds, "folds": made.folds, "converged": made.converged, "anisotropy": made.anisotropy}
    return View(made.distances(test), trace, {name: float(value) for name, value in report.items()})


def view_geodesics(measured: lw.Field, test: np.ndarray, refine: bool) -> View:
    apart = lw.distances(measured, test, refine=refine, workers=1)
    return View(apart, lambda a, b: lw.geodesic(measured, a, b).at(PARTS + 1))


def find_frame(measured: lw.Field, latents: np.ndarray) -> np.ndarray:
    """The symmetric root of the mean metric at some latents: the one linear map that suits them best."""
    values, vectors = np.linalg.eigh(measured.mean_metric(latents))
    return vectors @ np.diag(np.sqrt(values)) @ vectors.T


MAPS: dict[str, Callable[[lw.Field, np.ndarray], lw.Map]] = {
    "cartogram": lambda measured, _: lw.cartogram(measured),
    "frame + cartogram": lambda measured, known: lw.cartogram(measured, frame="metric", points=known),
    "isometric": lambda measured, known: lw.isometric_map(measured, known),
    "distance map": lambda measured, known: lw.distance_map(measured, known),
}
"""Maps of a field and of where the training's data lie; of the tests they are not told."""


def view_maps(measured: lw.Field, model: Model, names: Iterable[str] = MAPS) -> Iterator[tuple[str, View]]:
    """Some maps of a field."""
    for name in names:
        yield name, view_map(partial(MAPS[name], measured, model.model), model.test)


def view_neighbourhoods(data: DataSet, seed: int) -> Iterator[tuple[str, View]]:
    """Isomap (Tenenbaum 2000) and UMAP (McInnes 2018) of the data themselves, where they are installed."""
    tests = len(data.test)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from sklearn.manifold import Isomap
        except ImportError:
            pass
        else:
            page = Isomap(n_neighbors=10, metric="precomputed").fit_transform(data.apart)
            yield "Isomap of the data", view_page(page[:tests])
        try:
            from umap import UMAP
        except ImportError:
            return
        page = UMAP(metric="precomputed", n_neighbors=15, random_state=seed, n_jobs=1).fit_transform(data.apart)
        yield "UMAP of the data", view_page(np.asarray(page[:tests], dtype=float))


def list_views(model: Model, data: DataSet, cells: int, seed: int) -> Iterator[tuple[str, View]]:
    """All rows of one training."""
    test = model.test
    lattice = lw.Lattice.fit(np.concatenate([test, model.model]), (cells, cells))
    measured = measure_output(model, lattice)
    turned = lw.placebo(measured)
    yield "latent plane", view_page(test, lay_straight)
    geodesics = view_geodesics(measured, test, refine=True)
    yield "geodesics", geodesics
    yield "geodesics, turned", view_geodesics(turned, test, refine=False)
    yield "plane, respaced", View(None, lambda a, b: lw.straight(measured, a, b).at(PARTS + 1))
    yield "frame", view_page(test @ find_frame(measured, model.model), lay_straight)
    yield from view_maps(measured, model)
    yield from ((f"{name}, turned", view) for name, view in view_maps(turned, model))
    yield "MDS of geodesics", view_page(scores.scale_multidimensionally(geodesics.apart))
    yield from view_neighbourhoods(data, seed)
    if data.texts:
        return
    features = measure_features(model, data, lattice, seed)
    for suffix, own in (("", features), (", turned", lw.placebo(features))):
        yield f"features: geodesics{suffix}", View(lw.distances(own, test, refine=False, workers=1))
        for name, view in view_maps(own, model, ("cartogram", "isometric")):
            yield f"features: {name}{suffix}", view


def score_lines(view: View, model: Model, seed: int = 5) -> dict[str, float]:
    """Unevenness of the decoded steps along lines, the share of their points off the data, and of lines that fail.

    A point is off the data where its fifth nearest encoded datum of the training is farther than that of 95 % of the
    tests.
    """
    assert view.trace is not None
    tree = cKDTree(model.model)
    usual = np.quantile(tree.query(model.test, k=5)[0][:, -1], 0.95)
    random = np.random.default_rng(seed)
    uneven, off, lost = [], [], 0
    for _ in range(LINES):
        a, b = model.test[random.choice(len(model.test), 2, replace=False)]
        try:
            line = view.trace(a, b)
        except (RuntimeError, ValueError):
            # the straight line of a page that is not convex may leave it
            lost += 1
            continue
        uneven.append(scores.unevenness(model.decode(line)))
        off.append((tree.query(line, k=5)[0][:, -1] > usual).mean())
    found = {"lines lost": lost / LINES}
    if uneven:
        found |= {"unevenness": float(np.median(uneven)), "off the data": float(np.mean(off))}
    return found


def score_training(model: Model, data: DataSet, cells: int, seed: int) -> tuple[dict, dict]:
    """Scores of every row of one training, and the pairs' distances of every row."""
    tests, labels = len(data.test), data.labels[data.test]
    decoded = model.decode(model.test)
    truths = {
        "decoded": cdist(decoded, decoded),
        "data": data.apart[:tests, :tests],
        "judge": cdist(data.judged, data.judged),
    }
    views = dict(list_views(model, data, cells, seed))
    found, pairs = {}, {}
    for name, view in views.items():
        row = dict(view.report)
        if view.trace is not None:
            row |= score_lines(view, model)
        if view.apart is not None:
            pairs[name] = scores.take_pairs(view.apart).astype(np.float32)
            row["kNN"] = scores.neighbour_accuracy(view.apart, labels)
            row["NMI"] = scores.cluster_information(view.apart, labels)
            # a map of features is held against the geodesics of features
            own = "features: geodesics" if name.startswith("features") else "geodesics"
            for truth, true in (truths | {"geodesics": views[own].apart}).items():
                row[f"stress, {truth}"] = scores.stress(view.apart, true)
                row[f"rank, {truth}"] = scores.spearman(view.apart, true)
        found[name] = row
    return found, pairs
