"""Isometric maps side by side: this package, libigl's SLIM and scikit-learn's MDS, on the same surfaces in one run.

    python benchmarks/isometry.py                 # 64², 128² and 256² cells, some minutes
    python benchmarks/isometry.py --quick         # 64² alone
    pip install libigl                            # optional peer (SLIM, Rabinovich et al. 2017); left out without it

SLIM takes a mesh in space, so every surface here lies in space: a cap of the unit sphere, a wavy sheet, and the decoded
surface of the digits on its first three principal axes. It starts where this package starts, from the plane under the
root of the mean metric, and stops when a step lowers its energy by less than a millionth. All maps are judged on SLIM's
own mesh, two triangles a cell: energy is the mean over the area of ‖F‖² (1 + det⁻²), 4 for an isometry; folds are
triangles turned over; stress is that of 100 points against geodesic distances, by fast marching on 128² cells. MDS
places those points freely, without a map. "n² log n" is time over that of the first size, divided by what n² log n
would make of it. One thread.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import argparse
import statistics
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import evidence_scores as scores
import numpy as np
import torch
from scipy.spatial.distance import cdist

import latent_widget as lw

try:
    import igl
except ImportError:
    igl = None

POINTS = 100


@dataclass(frozen=True, eq=False)
class Surface:
    """A surface in space over a rectangle of the plane: plane points `(n, 2)` to points `(n, 3)`, in torch."""

    name: str
    extent: tuple[float, float, float, float]
    embed: Callable[[torch.Tensor], torch.Tensor]


def cap(z: torch.Tensor) -> torch.Tensor:
    """The unit sphere from its south pole, stereographic."""
    square = z.square().sum(1, keepdim=True)
    return torch.cat([2 * z, square - 1], 1) / (1 + square)


def sheet(z: torch.Tensor) -> torch.Tensor:
    height = 0.3 * torch.sin(2 * z[:, :1] + 0.5) * torch.cos(1.5 * z[:, 1:]) + 0.1 * torch.sin(5 * z[:, 1:])
    return torch.cat([torch.sinh(z[:, :1]), z[:, 1:] + 0.4 * z[:, :1].square(), height], 1)


def list_surfaces() -> list[Surface]:
    digits = lw.examples.digits()
    with torch.no_grad():
        seen = digits.decoder.decode(torch.from_numpy(digits.latents).float()).flatten(1).double()
    axes = torch.linalg.svd(seen - seen.mean(0), full_matrices=False).Vh[:3].T
    extent = lw.Lattice.fit(digits.latents).extent

    def decode(z: torch.Tensor) -> torch.Tensor:
        return digits.decoder.decode(z.float()).flatten(1).double() @ axes

    return [
        Surface("sphere cap", (-0.6, 0.6, -0.6, 0.6), cap),
        Surface("wavy sheet", (-1.5, 1.5, -1.5, 1.5), sheet),
        Surface("digits, three axes", extent, decode),
    ]


def mesh_lattice(height: int, width: int) -> np.ndarray:
    """Two triangles of every cell, as indices of corners (2 H W, 3)."""
    index = np.arange((height + 1) * (width + 1)).reshape(height + 1, width + 1)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    return np.concatenate([np.stack(t, -1).reshape(-1, 3) for t in ((a, b, c), (a, c, d))])


def judge(corners: np.ndarray, space: np.ndarray, faces: np.ndarray) -> tuple[float, int]:
    """Mean energy of a map of a mesh in space, and how many triangles are turned over."""
    first, second = (space[faces[:, k]] - space[faces[:, 0]] for k in (1, 2))
    length = np.linalg.norm(first, axis=1)
    along = np.einsum("ni,ni->n", first, second) / length
    across = np.sqrt(np.maximum(np.einsum("ni,ni->n", second, second) - along**2, 0))
    u, v = (corners[faces[:, k]] - corners[faces[:, 0]] for k in (1, 2))
    by_x = u / length[:, None]
    by_y = (v - along[:, None] * by_x) / across[:, None]
    det = by_x[:, 0] * by_y[:, 1] - by_x[:, 1] * by_y[:, 0]
    energy = (np.square(by_x).sum(1) + np.square(by_y).sum(1)) * (1 + 1 / det**2)
    area = length * across
    folds = int((det <= 0).sum())
    return (float(energy @ area / area.sum()) if folds == 0 else np.inf), folds


def solve_by_slim(start: np.ndarray, space: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, int]:
    """Minimise the symmetric Dirichlet energy by SLIM until a step lowers it by less than a millionth."""
    column = np.asfortranarray
    data = igl.slim_precompute(
        column(space),
        column(faces.astype(np.int32)),
        column(start),
        igl.MappingEnergyType.SYMMETRIC_DIRICHLET,
        np.zeros(0, np.int32),
        column(np.zeros((0, 2))),
        0.0,
    )
    energy, before, steps, found = judge(start, space, faces)[0], np.inf, 0, start
    while before - energy >= 1e-6 * energy and steps < 200:
        found = igl.slim_solve(data, 1)[:, :2]
        before, energy, steps = energy, judge(found, space, faces)[0], steps + 1
    return found, steps


def time_median(make: Callable[[], object], repeats: int) -> tuple[object, float]:
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        found = make()
        times.append(time.perf_counter() - began)
    return found, 1e3 * statistics.median(times)


def show(name: str, *cells: object) -> None:
    told = (cell if isinstance(cell, str) else f"{cell:.4g}" for cell in cells)
    print(f"| {name} | " + " | ".join(told) + " |", flush=True)


def measure(surface: Surface, side: int) -> lw.Field:
    decoder = lw.Decoder(surface.embed, latent_dim=2, dtype=torch.float64)
    return lw.measures.pullback(decoder, lw.Lattice(surface.extent, (side, side)), method="auto")


def carry(corners: np.ndarray, lattice: lw.Lattice, points: np.ndarray) -> np.ndarray:
    """Where the cells of a map take points, bilinearly; SLIM's triangles differ from that within a cell alone."""
    height, width = lattice.shape
    grid = corners.reshape(height + 1, width + 1, 2)
    place = (points - lattice.corners[0, 0]) / lattice.spacing
    j, i = np.minimum(place.astype(int), (width - 1, height - 1)).T
    u, v = (place - np.stack([j, i], 1)).T[..., None]
    low, high = (grid[i + k, j] * (1 - u) + grid[i + k, j + 1] * u for k in (0, 1))
    return low * (1 - v) + high * v


def compare(surface: Surface, sides: Iterable[int], repeats: int) -> None:
    low, high = np.array(surface.extent[0::2]), np.array(surface.extent[1::2])
    points = low + (high - low) * np.random.default_rng(0).uniform(0.05, 0.95, (POINTS, 2))
    geodesics, spent = time_median(lambda: lw.distances(measure(surface, 128), points, refine=False, workers=1), 1)
    placed, ms = time_median(lambda: place_by_mds(geodesics), 1)
    name = f"{surface.name}: MDS, after {spent:.0f} ms for distances"
    show(name, ms, "–", "–", "–", scores.stress(cdist(placed, placed), geodesics))
    for side in sides:
        field = measure(surface, side)
        lattice, faces = field.lattice, mesh_lattice(side, side)
        plane = lattice.corners.reshape(-1, 2)
        with torch.no_grad():
            space = surface.embed(torch.from_numpy(plane.copy())).numpy()

        def report(name: str, corners: np.ndarray, *spent: object, side=side, space=space, faces=faces) -> None:
            page = carry(corners, lw.Lattice(surface.extent, (side, side)), points)
            lost = scores.stress(cdist(page, page), geodesics)
            show(f"{surface.name}, {side}²: {name}", *spent, *judge(corners, space, faces), lost)

        values, vectors = np.linalg.eigh(field.mean_metric())
        start = plane @ (vectors @ np.diag(np.sqrt(values)) @ vectors.T)
        report("plane under the mean metric", start, "–", "–")
        for name, make in (("isometric_map", lw.isometric_map), ("distance_map", lw.distance_map)):
            made, ms = time_median(lambda make=make, field=field: make(field), repeats)
            report(name, made.corners.reshape(-1, 2), ms, made.iterations)
        if igl is not None:
            (corners, steps), ms = time_median(
                lambda start=start, space=space, faces=faces: solve_by_slim(start, space, faces), 1
            )
            report("SLIM", corners, ms, steps)


def place_by_mds(distances: np.ndarray) -> np.ndarray:
    from sklearn.manifold import MDS

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # the name of the option that takes distances changed with scikit-learn 1.8
        told = {"metric": "precomputed"} if "metric_mds" in MDS().get_params() else {"dissimilarity": "precomputed"}
        return MDS(2, n_init=4, max_iter=1000, eps=1e-9, random_state=0, **told).fit_transform(distances)


def measure_speed(sides: list[int], repeats: int) -> None:
    digits = lw.examples.digits()
    first = None
    print("\n| digits, pull-back | ms | steps | energy above an isometry's, folds | n² log n |")
    print("| --- | --: | --: | --- | --: |")
    for side in sides:
        field = lw.measures.pullback(digits.decoder, lw.Lattice.fit(digits.latents, (side, side)))
        made, ms = time_median(lambda field=field: lw.isometric_map(field, digits.latents), repeats)
        first = first or (ms, side)
        expected = first[0] * (side / first[1]) ** 2 * np.log(side) / np.log(first[1])
        show(
            f"{side}²",
            ms,
            made.iterations,
            made.message.split("energy ")[1].split(" above")[0] + f", {made.folds}",
            ms / expected,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="64² cells alone")
    parser.add_argument(
        "--repeats", type=int, default=3, help="times that a map of this package is timed; the median counts"
    )
    asked = parser.parse_args()
    torch.set_num_threads(1)
    if igl is None:
        print("libigl is not installed (pip install libigl): without SLIM\n")
    tiny = lw.Field(lw.Lattice((0, 1, 0, 1), (16, 16)), np.broadcast_to(np.eye(2), (16, 16, 2, 2)))
    for make in (lw.isometric_map, lw.distance_map):
        make(tiny)  # what compiles does so once
    print("| surface, cells a side: method | ms | steps | energy | folds | stress |")
    print("| --- | --: | --: | --: | --: | --: |")
    for surface in list_surfaces():
        compare(surface, (64,) if asked.quick else (64, 128, 256), asked.repeats)
    measure_speed([64, 128] if asked.quick else [64, 128, 256, 512], asked.repeats)


if __name__ == "__main__":
    main()
