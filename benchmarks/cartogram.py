"""The density-equalising map: time, area errors and folds on smooth, sharp and rough densities, with peers.

    python benchmarks/cartogram.py                    # n = 128 and 256, with both peers: a few minutes
    python benchmarks/cartogram.py --sizes 128 256 512 1024 --peers none
    python benchmarks/cartogram.py --workers 4        # threads for this package
    python benchmarks/cartogram.py --random 10000     # random densities, shapes and ranges: counts folds
    python benchmarks/cartogram.py --sizes --boxes 32 64   # three dimensions only: n = 32 and 64 a side
    pip install carto-flow                            # optional peer; its rows are left out without it

"pairs" is the time in forward-and-backward DCT pairs of the same size, timed in the same run on one
thread. "reference" is Gastner and Newman's method [2] in plain NumPy and SciPy, below. An area error is
relative to the area that the cell should have; a cell folds if a corner triangle is not positive. In three
dimensions it is relative to the volume, and a cell folds if its Jacobian determinant is anywhere on a grid of 3
points a side not positive: more than its corners, by a route of the benchmark's own.
"""

import argparse
import importlib.util
import time
import tracemalloc
import warnings
from functools import partial

import numpy as np
from scipy import fft, ndimage

from latent_widget.maps._cartogram import cartogram


def smooth(x, y):
    f = np.cos(2 * np.pi * x) * np.cos(np.pi * y) + 0.6 * np.sin(3 * np.pi * x + 1) * np.cos(2 * np.pi * y + 0.4)
    f += 0.5 * np.cos(np.pi * (x + 2 * y))
    f += 0.6 * np.sin(3 * np.pi * x + 1) * np.cos(2 * np.pi * y + 0.4)
    return 10 ** ((f - f.min()) / np.ptp(f))


def valleys(x, y, range_, width):
    """Ridges along two curves, Gaussian in the logarithm, as between the classes of a latent space."""
    f = np.exp(-((y - 0.5 - 0.2 * np.sin(2 * np.pi * x)) ** 2) / (2 * width**2))
    f += np.exp(-((np.hypot(x - 0.55, y - 0.45) - 0.28) ** 2) / (2 * width**2))
    return range_ ** (f / f.max())


def walls(x, y, range_, width):
    """Ridges along three curves that cross, Gaussian in the density: their feet are all but steps."""
    lines = (
        y - 0.5 - 0.2 * np.sin(2 * np.pi * x),
        np.hypot(x - 0.55, y - 0.45) - 0.28,
        x - 0.3 + 0.5 * (y - 0.5),
    )
    return 1 + (range_ - 1) * np.maximum.reduce([np.exp(-(d**2) / (2 * width**2)) for d in lines])


def spike(x, _):
    f = np.ones_like(x)
    f[f.shape[0] // 3, f.shape[1] // 2] = 100.0
    return f


DENSITIES = {
    "smooth, range 10": smooth,
    "ridges, range 100": lambda x, y: valleys(x, y, 1e2, 0.02),
    "ridges, range 1000": lambda x, y: valleys(x, y, 1e3, 0.02),
    "walls, range 100": lambda x, y: walls(x, y, 1e2, 0.012),
    "walls, range 1000": lambda x, y: walls(x, y, 1e3, 0.012),
    "x only, range 100": lambda x, _: 100 ** np.sin(3 * np.pi * x) ** 2,
    "separable": lambda x, y: (1 + 4 * np.exp(-((x - 0.3) ** 2) / 0.02)) * (1 + 2 * np.sin(3 * y) ** 2),
    "checkerboard 8 by 8, range 10": lambda x, y: np.where((np.floor(8 * x) + np.floor(8 * y)) % 2, 10.0, 1.0),
    "disc, step of 100": lambda x, y: np.where(np.hypot(x - 0.5, y - 0.5) < 0.25, 100.0, 1.0),
    "noise, range 10": lambda x, _: 10 ** np.random.default_rng(0).random(x.shape),
    "one hot cell of 100": spike,
}


def bumps(x, y, z):
    f = np.cos(2 * np.pi * x) * np.cos(np.pi * y) * np.cos(np.pi * z + 0.3)
    f += 0.6 * np.sin(3 * np.pi * x + 1) * np.cos(2 * np.pi * y + 0.4) + 0.5 * np.cos(np.pi * (x + 2 * y - z))
    return (f - f.min()) / np.ptp(f)


def shell(x, y, z, width):
    r = np.sqrt((x - 0.55) ** 2 + (y - 0.45) ** 2 + (z - 0.5) ** 2)
    return np.exp(-((r - 0.28) ** 2) / (2 * width**2))


BOXES = {
    "smooth, range 10": lambda x, y, z: 10 ** bumps(x, y, z),
    "smooth, range 100": lambda x, y, z: 100 ** bumps(x, y, z),
    "shell, range 100": lambda x, y, z: 100 ** shell(x, y, z, 0.04),
    "ball, step of 10": lambda x, y, z: np.where(np.hypot(np.hypot(x - 0.5, y - 0.5), z - 0.5) < 0.3, 10.0, 1.0),
    "noise, range 3": lambda x, *_: 3 ** np.random.default_rng(0).random(x.shape),
}


def reference(density, tolerance=0.01):
    """Gastner and Newman's flow: DCT, bilinear velocities, Heun steps with an error below 0.01 cells."""
    h, w = density.shape
    rates = np.add.outer(*((2 * np.sin(np.pi * np.arange(n) / (2 * n))) ** 2 for n in (h, w)))
    spectrum = fft.dctn(density / density.mean())

    def velocity(t):
        rho = np.pad(fft.idctn(spectrum * np.exp(-rates * t)), 1, mode="edge")
        around = rho[:-1, :-1] + rho[1:, :-1] + rho[:-1, 1:] + rho[1:, 1:]
        dx = (rho[:-1, 1:] + rho[1:, 1:]) - (rho[:-1, :-1] + rho[1:, :-1])
        dy = (rho[1:, :-1] + rho[1:, 1:]) - (rho[:-1, :-1] + rho[:-1, 1:])
        return -2 * dy / around, -2 * dx / around

    def at(field, points):
        return np.array([ndimage.map_coordinates(f, points, order=1, mode="nearest") for f in field])

    points = np.mgrid[0 : h + 1, 0 : w + 1].astype(float)
    t, step, field = 0.0, 0.1, velocity(0.0)
    # by then the slowest wave has decayed to a millionth
    while t < 14 / rates.ravel()[[1, w]].min():
        first, later = at(field, points), velocity(t + step)
        second = at(later, points + step * first)
        error = 0.5 * step * np.abs(second - first).max()
        if error <= tolerance:
            points, t, field = points + 0.5 * step * (first + second), t + step, later
        step *= min(2.0, max(0.3, 0.9 * (tolerance / max(error, 1e-12)) ** 0.5))
    return np.stack([points[1] / w, points[0] / h], -1)


def carto_flow(density):
    """carto-flow on one polygon a cell, on a grid twice as fine, with its default tolerances."""
    import shapely
    from carto_flow.flow_cartogram import MorphOptions, morph_geometries

    h, w = density.shape
    x, y = np.meshgrid(np.arange(w) / w, np.arange(h) / h)
    cells = shapely.box(x.ravel(), y.ravel(), x.ravel() + 1 / w, y.ravel() + 1 / h)
    options = MorphOptions(grid_size=2 * max(h, w), show_progress=False)
    result = morph_geometries(list(cells), density.ravel(), options=options)
    rings = shapely.get_coordinates(np.array(list(result.snapshots.latest().geometry)))
    # rings begin at the lower right corner
    return rings.reshape(h, w, 5, 2)[:, :, [3, 0, 1, 2]]


def quads(corners):
    """The four corners of every cell, counter-clockwise, (H, W, 4, 2)."""
    return np.stack([corners[:-1, :-1], corners[:-1, 1:], corners[1:, 1:], corners[1:, :-1]], 2)


def judge(cells, density):
    """Largest, 99th percentile and RMS relative area error, and folds, of cells (H, W, 4, 2)."""
    after, before = np.roll(cells, -1, 2) - cells, np.roll(cells, 1, 2) - cells
    triangles = after[..., 0] * before[..., 1] - after[..., 1] * before[..., 0]
    areas = triangles.sum(-1) / 4
    error = np.abs(areas / areas.sum() / (density / density.sum()) - 1)
    folds = int((~(triangles > 0)).any(-1).sum())
    return error.max(), np.quantile(error, 0.99), np.sqrt(np.square(error).mean()), folds


def clock(function, repeats=5):
    """Best of several runs, fewer for what takes seconds; the result of the last."""
    best = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        result = function()
        best = min(best, time.perf_counter() - start)
        if best > 1:
            break
    return best, result


def judge_box(corners, density):
    """The same of hexahedra: volumes by Gauss's rule, folds by the determinant on a grid in every cell."""
    d, h, w = density.shape
    cells = [corners[c : c + d, b : b + h, a : a + w] for c, b, a in np.ndindex(2, 2, 2)]

    def determinant(*place):
        columns = []
        for axis in range(3):
            shares = [(-1, 1) if k == axis else (1 - v, v) for k, v in enumerate(place)]
            weights = [shares[2][c] * shares[1][b] * shares[0][a] for c, b, a in np.ndindex(2, 2, 2)]
            columns.append(sum(weight * cell for weight, cell in zip(weights, cells, strict=True)))
        return np.einsum("kijx,kijx->kij", columns[0], np.cross(columns[1], columns[2]))

    nodes = 0.5 + np.array([-0.5, 0.5]) / 3**0.5
    volume = sum(determinant(s, t, u) for s in nodes for t in nodes for u in nodes) / 8
    error = np.abs(volume / volume.sum() / (density / density.sum()) - 1)
    grid = np.linspace(0, 1, 3)
    lowest = np.minimum.reduce([determinant(s, t, u) for s in grid for t in grid for u in grid])
    return error.max(), np.quantile(error, 0.99), np.sqrt(np.square(error).mean()), int((~(lowest > 0)).sum())


def boxes(n, workers):
    """Print the table of three dimensions."""
    one = pair(n, 3)
    heading(f"n = {n} x {n} x {n}, DCT pair {1e3 * one:.2f} ms, {workers} thread(s)")
    z, y, x = np.meshgrid(*[(np.arange(n) + 0.5) / n] * 3, indexing="ij")
    for name, density in BOXES.items():
        # the local repair of a rough box takes minutes beyond this
        if n > 32 and name.startswith(("ball", "noise")):
            continue
        rho = density(x, y, z)
        for method in ("diffusion", "direct"):
            call = partial(cartogram, rho, method=method, workers=workers)
            cart = call()
            if method == "direct" and cart.method != method:
                # what folds on the direct way is the row above again, and is not counted twice
                continue
            seconds, cart = clock(call)
            row(name, method, seconds, one, judge_box(cart.corners, rho), f"{memory(call):.0f}")
    points = np.random.default_rng(0).random((n**3, 3))
    seconds, back = clock(partial(cart.inverse, points), 2)
    trip = np.abs(cart.transform(back) - points).max()
    print(f"{n**3} points: inverse {1e3 * seconds:.1f} ms, round trip {trip:.1e}")


def heading(title):
    print(f"\n{title}")
    print(f"{'':42s} {'ms':>9s} {'pairs':>7s} {'max':>9s} {'p99':>9s} {'RMS':>9s} {'folds':>6s} {'MiB':>5s}")


def pair(n, ndim=2):
    a = np.random.default_rng(0).random((n,) * ndim)
    return clock(lambda: fft.idctn(fft.dctn(a)), 20)[0]


def memory(function):
    tracemalloc.start()
    function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def row(name, way, seconds, one, quality, peak):
    worst, p99, rms, folds = quality
    errors = f"{worst:9.1e} {p99:9.1e} {rms:9.1e}"
    print(
        f"{name:30s} {way:11s} {1e3 * seconds:9.1f} {seconds / one:7.1f} {errors} {folds:6d} {peak:>5s}",
        flush=True,
    )


def ours(rho, method, workers):
    return quads(cartogram(rho, method=method, workers=workers).corners)


def table(n, workers, peers):
    """Print one table; return the times by density and method."""
    one, times = pair(n), {}
    heading(f"n = {n}, DCT pair {1e3 * one:.2f} ms, {workers} thread(s)")
    x, y = np.meshgrid((np.arange(n) + 0.5) / n, (np.arange(n) + 0.5) / n)
    for name, density in DENSITIES.items():
        rho = density(x, y)
        for method in ("diffusion", "direct"):
            call = partial(ours, rho, method, workers)
            seconds, cells = clock(call)
            times[name, method] = seconds
            row(name, method, seconds, one, judge(cells, rho), f"{memory(call):.0f}")
        if "reference" in peers:
            seconds, corners = clock(partial(reference, rho))
            row(name, "reference", seconds, one, judge(quads(corners), rho), "")
        # carto-flow takes minutes where the lattice is large or the density rough
        if "carto-flow" in peers and n <= 128 and "smooth" in name:
            seconds, cells = clock(partial(carto_flow, rho))
            row(name, "carto-flow", seconds, one, judge(cells, rho), "")
    return times


def points_and_sliders(n):
    x, y = np.meshgrid((np.arange(n) + 0.5) / n, (np.arange(n) + 0.5) / n)
    rho = smooth(x, y)
    cart = cartogram(rho)
    points = np.random.default_rng(0).random((n * n, 2))
    back, there = clock(partial(cart.inverse, points))[0], clock(partial(cart.transform, points))[0]
    trip = np.abs(cart.inverse(cart.transform(points)) - points).max()
    print(f"{n * n} points: inverse {1e3 * back:.1f} ms, transform {1e3 * there:.1f} ms, round trip {trip:.1e}")
    moved = partial(cartogram, rho**1.02, method="direct")
    warm, cold = clock(partial(moved, start=cart))[0], clock(moved)[0]
    print(f"a slider moved by 2 %: from the previous map {1e3 * warm:.1f} ms, anew {1e3 * cold:.1f} ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="*", default=[128, 256])
    parser.add_argument("--boxes", type=int, nargs="*", default=[64], help="cells a side in three dimensions")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--peers", choices=["all", "reference", "none"], default="all")
    parser.add_argument("--random", type=int, metavar="N", help="N random densities instead of the table")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.random:
        return lottery(options.random)
    start = time.perf_counter()
    cartogram(smooth(*np.meshgrid(*[np.linspace(0, 1, 32)] * 2)))
    print(f"first call, with all that has to be compiled or read: {time.perf_counter() - start:.2f} s")
    peers = {"none": (), "reference": ("reference",), "all": ("reference", "carto-flow")}[options.peers]
    if not importlib.util.find_spec("carto_flow"):
        peers = peers[:1]
    times = {}
    for n in options.sizes:
        times[n] = table(n, options.workers, peers)
        points_and_sliders(n)
    for n in options.boxes:
        boxes(n, options.workers)
    if len(set(options.sizes)) > 1:
        a, b = min(options.sizes), max(options.sizes)
        print(f"\ngrowth from n = {a} to {b}: the exponent p of (n² log n)^p")
        work = np.log(b**2 * np.log(b) / (a**2 * np.log(a)))
        for name, method in times[a]:
            growth = np.log(times[b][name, method] / times[a][name, method]) / work
            print(f"{name:30s} {method:11s} {growth:5.2f}")
    return 0


def lottery(count):
    """Random densities, shapes, ranges and aspects; every fold is one too many."""
    rng = np.random.default_rng(0)
    folded, converged, slowest = 0, 0, 0.0
    for k in range(count):
        h, w = rng.integers(2, 65, 2)
        x, y = np.meshgrid((np.arange(w) + 0.5) / w, (np.arange(h) + 0.5) / h)
        f = [
            rng.random((h, w)),
            (rng.random((h, w)) < rng.random()).astype(float),
            np.exp(-((np.hypot(x - rng.random(), y - rng.random()) - rng.random()) ** 2) / 10 ** rng.uniform(-4, -1)),
            ((x - rng.random()) * rng.normal() + (y - rng.random()) * rng.normal() > 0).astype(float),
            ndimage.gaussian_filter(rng.normal(size=(h, w)), rng.uniform(0.5, 8)),
            np.eye(1, h * w, int(rng.integers(h * w))).reshape(h, w),
        ][k % 6]
        rho = 10 ** (rng.uniform(0, 4) * (f - f.min()) / max(np.ptp(f), 1e-12))
        start = time.perf_counter()
        cart = cartogram(rho, (0, 10 ** rng.uniform(-1, 1), 0, 1), ("diffusion", "direct")[k // 6 % 2])
        slowest = max(slowest, time.perf_counter() - start)
        converged += cart.converged
        if cart.folds or judge(quads(cart.corners), rho)[3]:
            folded += 1
            print(f"folded: number {k}, shape {(h, w)}: {cart.message}")
    print(f"{count} random densities: {folded} folded, {converged} converged, slowest {1e3 * slowest:.0f} ms")
    return 1 if folded else 0


if __name__ == "__main__":
    raise SystemExit(main())
