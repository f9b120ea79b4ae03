"""Geodesics side by side: this package, SciPy's Dijkstra and StochMan, on closed forms and on the digits.

    python benchmarks/geodesics.py            # all of it, a few minutes
    python benchmarks/geodesics.py --quick    # fewer pairs
    pip install stochman                      # optional peer; its rows are left out without it

Closed forms: excess over the true length. Digits: lengths are measured by the decoder, 4 decodes per segment,
excess over the best length that any method found; "within" is the share of pairs with less than 0.1 % excess, and
"speed" how many times as fast as StochMan's default a method is, by medians over the 40 pairs that StochMan is given.
"""

import argparse
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import surfaces

import latent_widget as lw
from latent_widget.geodesics.validation import pose_problem

NEIGHBOURS = {8: 1, 16: 2, 32: 3}


def table(title, rows, columns):
    print(f"\n{title}\n{'':34s}" + "".join(f"{column:>12s}" for column in columns))
    for name, values in rows:
        print(f"{name:34s}" + "".join(f"{value:>12.3g}" for value in values), flush=True)


def timed(function, items):
    """Results, and milliseconds for each."""
    results, times = [], []
    for item in items:
        start = time.perf_counter()
        results.append(function(*item))
        times.append(1e3 * (time.perf_counter() - start))
    return results, np.array(times)


def graph(field, reach):
    """Edges between cells up to a reach, with the mean of both cells' lengths of the edge."""
    height, width = field.lattice.shape
    index = np.arange(height * width).reshape(height, width)
    rows, columns, costs = [], [], []
    for i in range(reach + 1):
        for j in range(-reach, reach + 1):
            if np.gcd(i, abs(j)) != 1 or (i == 0 and j < 0):
                continue
            left, right = max(-j, 0), width - max(j, 0)
            a, b = (slice(0, height - i), slice(left, right)), (slice(i, height), slice(left + j, right + j))
            step = np.array([j, i]) * field.lattice.spacing
            lengths = np.sqrt(np.einsum("i,...ij,j->...", step, field.metric, step))
            rows.append(index[a].ravel())
            columns.append(index[b].ravel())
            costs.append(0.5 * (lengths[a] + lengths[b]).ravel())
    entries = (np.concatenate(costs), (np.concatenate(rows), np.concatenate(columns)))
    return coo_array(entries, shape=(height * width, height * width)).tocsr()


def nearest_cell(field, point):
    x0, x1, y0, y1 = field.lattice.extent
    height, width = field.lattice.shape
    share = (np.asarray(point) - (x0, y0)) / (x1 - x0, y1 - y0)
    j, i = np.minimum((share * (width, height)).astype(int), (width - 1, height - 1))
    return i * width + j


def graph_path(field, edges, start, end):
    """The shortest path over the graph between the cells nearest to two points, with both points."""
    a, b = nearest_cell(field, start), nearest_cell(field, end)
    _, before = dijkstra(edges, directed=False, indices=a, return_predecessors=True)
    way = [b]
    while way[-1] != a:
        way.append(before[way[-1]])
    return np.concatenate([[start], field.lattice.cells.reshape(-1, 2)[way[::-1]], [end]])


def drag(field, start):
    """A function that gives the geodesic to any end from a march that is ready, as the browser does."""
    problem = pose_problem(field)
    source = problem.chart.to_index(np.asarray(start))
    found = problem.march(source)

    def follow(end):
        target = problem.chart.to_index(np.asarray(end))
        candidates = problem.find_candidates(source, target, found)
        return problem.chart.to_plane(min(candidates, key=lambda path: path.length).points)

    return follow


def field_length(fine, points):
    chart = pose_problem(fine).chart
    return float(chart.measure(chart.to_index(np.asarray(points)))[-1])


def stochman_manifold(metric):
    """A StochMan manifold from a metric in torch, (n, 2) -> (n, 2, 2); None without StochMan."""
    try:
        from stochman.manifold import Manifold
    except ImportError:
        return None

    class Space(Manifold):
        def metric(self, c, return_deriv=False):  # noqa: ARG002
            return metric(c)

    return Space()


def stochman_path(manifold, start, end, dtype):
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        curve, _ = manifold.connecting_geodesic(
            torch.as_tensor(start, dtype=dtype)[None], torch.as_tensor(end, dtype=dtype)[None]
        )
    with torch.no_grad():
        points = curve(torch.linspace(0, 1, 257, dtype=dtype)).numpy().astype(float).reshape(257, 2)
    return np.concatenate([[start], points[1:-1], [end]])


def torch_metric(surface):
    """The metric of a closed form, again, in torch."""
    import torch

    turn = np.radians(float(surface.name.split()[-1])) if surface.name.startswith("gaussian") else 0.0

    def metric(z):
        x, y = z[:, 0], z[:, 1]
        one, zero = torch.ones_like(x), torch.zeros_like(x)
        if surface.name == "sphere":
            e = 4 / (1 + x * x + y * y) ** 2
            entries = e, zero, e
        elif surface.name == "sheared plane":
            slope = 3 * torch.cos(2 * x)
            entries = 1 + slope * slope, slope, one
        elif surface.name == "swiss roll":
            entries = 1 + x * x, zero, one
        elif surface.name == "softmax":
            p = torch.softmax(torch.stack([x, y, zero], 1), 1)
            entries = p[:, 0] * (1 - p[:, 0]), -p[:, 0] * p[:, 1], p[:, 1] * (1 - p[:, 1])
        else:
            s, c = np.sin(turn), np.cos(turn)
            scale = (x * s + y * c + 1.6) ** -2
            entries = (1 + s * s) * scale, s * c * scale, (1 + c * c) * scale
        e, f, g = entries
        return torch.stack([torch.stack([e, f], 1), torch.stack([f, g], 1)], 1)

    return metric


def closed_forms(count, n):
    for surface in surfaces.all_surfaces():
        field, fine = surface.field(n), surface.field(1024)
        starts, ends = surface.pairs(count, seed=11)
        pairs = list(zip(starts, ends, strict=True))
        exact = surface.distance(starts, ends)
        rows = []

        def add(name, paths, times, rows=rows, fine=fine, exact=exact):
            some = exact[: len(paths)]
            excess = np.array([field_length(fine, points) for points in paths]) / some - 1
            rows.append((name, (np.median(times), np.median(excess), excess.max())))

        lw.geodesic(field, *pairs[0])
        paths, times = timed(lambda a, b, f=field: lw.geodesic(f, a, b).points, pairs)
        add("geodesic, fresh", paths, times)
        ready = [(drag(field, a), b) for a, b in pairs]
        paths, times = timed(lambda follow, b: follow(b), ready)
        add("geodesic, march ready (a drag)", paths, times)
        start = time.perf_counter()
        found = [lw.distances(field, a[None], b[None], refine=False)[0, 0] for a, b in pairs]
        error = np.abs(np.array(found) / exact - 1)
        each = 1e3 * (time.perf_counter() - start) / count
        rows.append(("distances, refine=False (a march)", (each, np.median(error), error.max())))
        for name, reach in NEIGHBOURS.items():
            edges = graph(field, reach)
            paths, times = timed(lambda a, b, f=field, e=edges: graph_path(f, e, a, b), pairs[:10])
            add(f"SciPy Dijkstra, {name} neighbours", paths, times)
        manifold = stochman_manifold(torch_metric(surface))
        if manifold is not None:
            import torch

            paths, times = timed(lambda a, b, m=manifold: stochman_path(m, a, b, torch.float64), pairs[:20])
            add("StochMan connecting_geodesic", paths, times)
        table(f"{surface.name}, {n} x {n}, {count} pairs", rows, ("ms", "median", "max"))


def relu_digits(digits):
    """The digits decoder distilled into ReLU layers, whose Jacobian jumps."""
    import torch

    torch.manual_seed(0)
    z = torch.as_tensor(digits.latents, dtype=torch.float32)
    z = torch.cat([z + 0.15 * torch.randn_like(z) for _ in range(4)])
    with torch.no_grad():
        goal = torch.as_tensor(digits.decoder(z)).flatten(1)
    layers = torch.nn.Sequential(
        torch.nn.Linear(2, 128),
        torch.nn.ReLU(),
        torch.nn.Linear(128, 128),
        torch.nn.ReLU(),
        torch.nn.Linear(128, 64),
    )
    optimiser = torch.optim.Adam(layers.parameters(), lr=3e-3)
    for _ in range(600):
        optimiser.zero_grad()
        (layers(z) - goal).square().mean().backward()
        optimiser.step()
    return lw.Decoder(layers.eval(), latent_dim=2)


def digits_model(count, n):
    import torch

    digits = lw.examples.digits()
    rng = np.random.default_rng(5)
    ends = digits.latents[rng.choice(len(digits.latents), (count, 2))]
    for name, decoder in (("tanh", digits.decoder), ("ReLU", relu_digits(digits))):

        def decoded(points, decoder=decoder):
            t = np.linspace(0, len(points) - 1, 4 * (len(points) - 1) + 1)
            nodes = np.arange(len(points))
            dense = np.stack([np.interp(t, nodes, np.asarray(points)[:, c]) for c in (0, 1)], axis=-1)
            with torch.no_grad():
                images = torch.as_tensor(decoder(dense)).flatten(1).double()
            return float(images.diff(dim=0).norm(dim=1).sum())

        field = lw.measures.pullback(decoder, lw.Lattice.fit(digits.latents, shape=(n, n)))
        finer = lw.measures.pullback(decoder, lw.Lattice.fit(digits.latents, shape=(2 * n, 2 * n)))
        results = {}
        lw.geodesic(field, *ends[0])
        paths, times = timed(lambda a, b, f=field: lw.geodesic(f, a, b).points, ends)
        results["geodesic, fresh"] = times, [decoded(points) for points in paths]
        judged, times = timed(lambda a, b, f=field, d=decoded: lw.geodesic(f, a, b, length_of=d), ends)
        results["geodesic, length_of=decoded"] = times, [path.decoded_length for path in judged]
        ready = [(drag(field, a), b) for a, b in ends]
        paths, times = timed(lambda follow, b: follow(b), ready)
        results["geodesic, march ready (a drag)"] = times, [decoded(points) for points in paths]
        paths, times = timed(lambda a, b, f=finer: lw.geodesic(f, a, b).points, ends)
        results[f"geodesic, fresh, {2 * n} x {2 * n}"] = times, [decoded(points) for points in paths]
        for size in (n, 2 * n):
            lattice = lw.Lattice.fit(digits.latents, shape=(size, size))
            chords = lw.measures.pullback(decoder, lattice, method="chords")
            paths, times = timed(lambda a, b, f=chords: lw.geodesic(f, a, b).points, ends)
            results[f"geodesic on chords, {size} x {size}"] = times, [decoded(points) for points in paths]
            atlas = lw.Atlas(lattice, {"pullback": chords}, decoder=decoder)
            paths, times = timed(lambda a, b, o=atlas: o.geodesic(a, b, refine=True).points, ends)
            results[f"the same, refine=True, {size} x {size}"] = times, [decoded(points) for points in paths]
        edges = graph(field, 3)
        paths, times = timed(lambda a, b, f=field, e=edges: graph_path(f, e, a, b), ends[:40])
        results["SciPy Dijkstra, 32 neighbours"] = times, [decoded(points) for points in paths]
        straight = [decoded(lw.straight(field, a, b).points) for a, b in ends]
        results["straight line"] = np.full(1, np.nan), straight
        try:
            from stochman.manifold import EmbeddedManifold

            class Space(EmbeddedManifold):
                def embed(self, c, jacobian=False, decoder=decoder):  # noqa: ARG002
                    return decoder.decode_batch(c.reshape(-1, 2)).flatten(1).reshape(*c.shape[:-1], -1)

            manifold = Space()
            paths, times = timed(lambda a, b, m=manifold: stochman_path(m, a, b, torch.float32), ends[:40])
            results["StochMan connecting_geodesic"] = times, [decoded(points) for points in paths]
        except ImportError:
            pass
        best = np.full(count, np.inf)
        for _, lengths in results.values():
            best[: len(lengths)] = np.minimum(best[: len(lengths)], lengths)
        peer = np.median(results.get("StochMan connecting_geodesic", ([np.nan],))[0])
        rows = []
        for method, (times, lengths) in results.items():
            excess = np.array(lengths) / best[: len(lengths)] - 1
            speed = peer / np.median(times[:40])
            rows.append((method, (np.median(times), np.median(excess), excess.max(), (excess < 1e-3).mean(), speed)))
        columns = ("ms", "median", "max", "within", "speed")
        table(f"digits, {name} decoder, {n} x {n}, {count} pairs", rows, columns)


def many(count, n):
    field = surfaces.gaussian(0.6).field(n)
    points = surfaces.gaussian(0.6).pairs((count + 1) // 2, seed=1)
    start = time.perf_counter()
    lw.distances(field, np.concatenate(points)[:count])
    print(f"\ndistances: {count} points, all pairs, {n} x {n}: {time.perf_counter() - start:.2f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="20 pairs instead of 100 and 200")
    quick = parser.parse_args().quick
    closed_forms(20 if quick else 100, 256)
    digits_model(20 if quick else 200, 128)
    many(200, 128)
