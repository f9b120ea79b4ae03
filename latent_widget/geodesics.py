"""Paths over a field: the shortest one, and the straight, spherical and stretched lines to compare it with.

The compiled kernels are imported by the functions that need them, so that opening an atlas does not wait for
them.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from os import cpu_count
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from latent_widget.arrays import Floats, as_points
from latent_widget.field import Field
from latent_widget.lattice import Lattice

if TYPE_CHECKING:
    from latent_widget.terrain import Terrain

MARCHED = 96
"""Cells along the longer side of the lattice that is marched for the first guess."""

TOLERANCE = 1e-11
"""Newton stops where the next step promises to lower the energy by less than this fraction."""

SETTLED = 1e-8
"""A path has converged where one more Newton step promises to lower its energy by less than this fraction."""

STRAIGHT_NODES = 129
"""Points of the lines that are not relaxed."""


class Stretch(Protocol):
    """What `stretched` needs of a cartogram: its map of plane points (..., 2) and the inverse."""

    def transform(self, points: Any) -> Floats:
        """Plane points to points of the stretched map."""

    def inverse(self, points: Any) -> Floats:
        """Points of the stretched map to plane points."""


@dataclass(frozen=True, eq=False)
class Geodesic:
    """A path over a field, `points (N, 2)` in plane coordinates, and how long it is.

    `length` is the length of the polyline as the field measures it, the integral of sqrt(dx^T G dx);
    `straight_length` that of the straight line between its ends; `cumulative (N,)` the length up to each
    point. `kind` is "geodesic", "straight", "slerp" or "stretched". `converged` says whether the path is a
    minimum of the length to round-off, and `message` how it was found. `decoded_length` is what `length_of`
    gave for it, None without.
    """

    points: Floats
    length: float
    straight_length: float
    converged: bool
    kind: str
    message: str
    cumulative: Floats
    decoded_length: float | None = None

    def at(self, n: int, by: str = "measure") -> Floats:
        """`n` points `(n, 2)` along the path, ends included, evenly spaced by "measure" or by "latent"
        distance.

        Raises `ValueError` for n < 2 or another `by`.
        """
        if n < 2:
            raise ValueError(f"n must be at least 2 to hold both ends, got {n}")
        if by not in ("measure", "latent"):
            raise ValueError(f'by must be "measure" or "latent", got {by!r}')
        steps = np.linalg.norm(np.diff(self.points, axis=0), axis=1)
        along = self.cumulative if by == "measure" else np.concatenate([[0.0], np.cumsum(steps)])
        targets = np.linspace(0.0, along[-1], n)
        return np.stack([np.interp(targets, along, self.points[:, c]) for c in range(2)], axis=-1)


def geodesic(
    field: Field,
    start: Any,
    end: Any,
    *,
    nodes: int | None = None,
    length_of: Callable[[Floats], float] | None = None,
) -> Geodesic:
    """Shortest path between two points of the plane, a minimum of the integral of sqrt(dx^T G dx).

    Fast marching on the lattice [7] finds the route, a walk back along its flow the first path, and Newton's
    method on the energy of the path over a cubic spline of log G makes it a geodesic; Newton also starts from
    the straight line. The shortest of all of them and of the straight line is returned, so it is never longer
    than the straight line. The field is measured at cell centres; in the outer half cell up to the edge of
    the extent it is extrapolated. A path that would leave the extent runs along its edge. Solving does not
    depend on the direction: b to a is a to b reversed.

    Args:
        field: the metric.
        start, end: plane points (2,) in the extent.
        nodes: how many points the path has, at least 3; by default enough for about one per cell (65 to 513).
        length_of: measures a polyline (N, 2) in plane coordinates in another way, for instance decoded; where
            given, it judges the candidates, so that the result is never longer than the straight line by that
            measure.

    Raises:
        ValueError: for end points that are not (2,), not finite or outside the extent, and nodes < 3.

    """
    from latent_widget.terrain import terrain

    a, b = _end(field.lattice, start, "start"), _end(field.lattice, end, "end")
    if nodes is not None and nodes < 3:
        raise ValueError(f"nodes must be at least 3, got {nodes}")
    if (a == b).all():
        return Geodesic(
            np.stack([a, b]), 0.0, 0.0, True, "geodesic", "start and end are the same point", np.zeros(2)
        )
    turned = bool(tuple(a) > tuple(b))
    ground = terrain(field, MARCHED)
    source, target = ground.to_index(b if turned else a), ground.to_index(a if turned else b)
    marched = ground.march(source, target)
    found = _candidates(ground, source, target, ground.trace(marched, source, target), nodes)
    best = _shortest(ground, found, length_of, turned)
    return replace(best, points=_with_ends(best.points, a, b))


def straight(field: Field, start: Any, end: Any, n: int = STRAIGHT_NODES) -> Geodesic:
    """The straight line between two plane points, `n` points evenly spaced in the plane, with its measured
    length.

    Raises `ValueError` for bad end points, as `geodesic`, and n < 2.
    """
    a, b = _end(field.lattice, start, "start"), _end(field.lattice, end, "end")
    return _line(field, np.linspace(a, b, _count(n)), "straight", "straight line in the plane")


def slerp(field: Field, start: Any, end: Any, n: int = STRAIGHT_NODES) -> Geodesic:
    """Spherical linear interpolation between two plane points, as latents on a sphere around the latent
    origin.

    With the angle w between the latents a and b: sin((1 - t) w) / sin(w) a + sin(t w) / sin(w) b; where they
    are parallel it is the straight line. On a plane in a higher-dimensional latent space the path is
    projected back to the plane.

    Raises:
        ValueError: for bad end points, as `geodesic`; for a path that leaves the extent; for opposite
            directions, which no one great circle joins.

    """
    lattice = field.lattice
    a, b = _end(lattice, start, "start"), _end(lattice, end, "end")
    p, q = lattice.embed(a), lattice.embed(b)
    norms = float(np.linalg.norm(p)), float(np.linalg.norm(q))
    t = np.linspace(0.0, 1.0, _count(n))[:, None]
    angle = 0.0
    if min(norms) > 0.0:
        gap, span = np.linalg.norm(p / norms[0] - q / norms[1]), np.linalg.norm(p / norms[0] + q / norms[1])
        angle = 2.0 * float(np.arctan2(gap, span))
    if angle > np.pi - 1e-6:
        raise ValueError(
            f"start {_show(a)} and end {_show(b)} lie in opposite directions from the latent origin, where "
            "slerp is not defined; use straight, or go by a point between them"
        )
    if angle < 1e-9:
        points = a + t * (b - a)
    else:
        points = lattice.project((np.sin((1.0 - t) * angle) * p + np.sin(t * angle) * q) / np.sin(angle))
    points = _with_ends(points, a, b)
    if not lattice.contains(points).all():
        raise ValueError(
            f"slerp from {_show(a)} to {_show(b)} leaves the extent {lattice.extent}, beyond which the "
            "field is not known; survey a larger extent"
        )
    return _line(field, points, "slerp", "great circle around the latent origin")


def stretched(field: Field, cart: Stretch, start: Any, end: Any, n: int = STRAIGHT_NODES) -> Geodesic:
    """The straight line of the stretched map, brought back to the plane:
    cart.inverse(straight(cart.transform(ends))).

    Raises `ValueError` for bad end points, as `geodesic`, and n < 2.
    """
    a, b = _end(field.lattice, start, "start"), _end(field.lattice, end, "end")
    p, q = np.asarray(cart.transform(np.stack([a, b])), float)
    points = _with_ends(np.asarray(cart.inverse(np.linspace(p, q, _count(n))), float), a, b)
    if not np.isfinite(points).all():
        raise ValueError(
            f"cart does not invert along the line from {_show(a)} to {_show(b)}; was it made on this lattice?"
        )
    x0, x1, y0, y1 = field.lattice.extent
    return _line(
        field, np.clip(points, (x0, y0), (x1, y1)), "stretched", "straight line of the stretched map"
    )


def distances(
    field: Field, sources: Any, targets: Any = None, *, refine: bool = True, workers: int | None = None
) -> Floats:
    """Geodesic distances `(n, m)` between plane points, one march per source.

    Args:
        field: the metric.
        sources: (n, 2) plane points; targets: (m, 2), by default the sources themselves (then the result is
            symmetric).
        refine: relax every path by Newton's method, so that distances are as good as those of `geodesic`;
            False reads them off the march, many times as fast for many targets, with a mean error of about
            1e-3.
        workers: threads; by default one per processor, at most 8.

    Raises:
        ValueError: for points that are not (n, 2), not finite or outside the extent.

    """
    from latent_widget.terrain import terrain

    a = _ends(field.lattice, sources, "sources")
    b = a if targets is None else _ends(field.lattice, targets, "targets")
    ground = terrain(field, MARCHED if refine else max(field.lattice.shape))
    starts, ends = ground.to_index(a), ground.to_index(b)
    out = np.zeros((len(a), len(b)))

    def fill(row: int) -> None:
        columns = range(row + 1, len(b)) if targets is None else range(len(b))
        if not len(columns):
            return
        marched = ground.march(starts[row])
        for column in columns:
            if (starts[row] == ends[column]).all():
                continue
            if refine:
                way = ground.trace(marched, starts[row], ends[column])
                found = _candidates(ground, starts[row], ends[column], way, None)
                out[row, column] = min(candidate.length for candidate in found)
            else:
                out[row, column] = ground.read(marched, starts[row], ends[column])

    with ThreadPoolExecutor(workers or min(cpu_count() or 1, 8)) as pool:
        list(pool.map(fill, range(len(a))))
    return out + out.T if targets is None else out


@dataclass(frozen=True, eq=False)
class _Candidate:
    points: Floats  # index coordinates
    cumulative: Floats
    name: str
    promised: float = np.inf  # relative decrease of the energy that one more Newton step promises

    @property
    def length(self) -> float:
        return float(self.cumulative[-1])


def _candidates(
    ground: Terrain, source: Floats, target: Floats, way: Floats, nodes: int | None
) -> list[_Candidate]:
    """The straight line, the way back through the march, and what Newton's method makes of both, in index
    coordinates.
    """
    from latent_widget.shortening import resample

    line = np.linspace(source, target, nodes or STRAIGHT_NODES)
    found = [_Candidate(line, ground.cumulative(line), "straight line")]
    if len(way) > 1:
        if nodes:
            way = resample(way, ground.cumulative(way), nodes)
        found.append(_Candidate(way, ground.cumulative(way), "walk back through the march"))
    relaxed: list[_Candidate] = []
    for guess in sorted(found, key=lambda candidate: candidate.length):
        relaxed.append(_relaxed(ground, guess, nodes))
        if relaxed[-1].promised < SETTLED:
            break
    return relaxed + found


def _relaxed(ground: Terrain, guess: _Candidate, nodes: int | None) -> _Candidate:
    from latent_widget.shortening import resample, shorten

    points, cumulative = guess.points, guess.cumulative
    reach = float(np.abs(np.diff(points, axis=0)).max(axis=1).sum())
    count = nodes or int(np.clip(reach, 64, 512)) + 1
    # fewer nodes first: they find in a few cheap steps how long the path runs along a wall of the extent
    for fewer in (count // 9, count // 3):
        if fewer >= 20:
            coarse, _, _ = shorten(ground.coefficients, resample(points, cumulative, fewer), 20, 1e-6)
            measured = ground.cumulative(coarse)
            # on a rough field they may step over what they do not see
            if measured[-1] <= cumulative[-1]:
                points, cumulative = coarse, measured
    while True:
        points, _, promised = shorten(ground.coefficients, resample(points, cumulative, count), 60, TOLERANCE)
        cumulative = ground.cumulative(points)
        # nodes are even by the measure: where it is small they may lie too far apart to see the cells between them
        gap = float(np.abs(np.diff(points, axis=0)).max())
        if nodes or count > 512 or gap < 3.0:
            break
        count = min(int(count * gap / 1.5), 1024) + 1
    return _Candidate(points, cumulative, f"Newton from the {guess.name}", promised)


def _shortest(
    ground: Terrain, found: list[_Candidate], length_of: Callable[[Floats], float] | None, turned: bool
) -> Geodesic:
    plane = [ground.to_plane(candidate.points[:: -1 if turned else 1]) for candidate in found]
    judged = (
        [candidate.length for candidate in found]
        if length_of is None
        else [float(length_of(p)) for p in plane]
    )
    if not np.isfinite(judged).all():
        raise ValueError(f"length_of must give a finite length for every path (N, 2), got {judged}")
    first = int(np.argmin(judged))
    best = found[first]
    line = next(candidate for candidate in found if candidate.name == "straight line")
    promised = min((c.promised for c in found if c.length <= best.length * (1.0 + 1e-4)), default=np.inf)
    converged = bool(promised < SETTLED)
    message = best.name
    if not converged:
        message += (
            "; Newton's method did not reach a minimum here"
            if length_of is None
            else "; the best by length_of"
        )
    cumulative = best.cumulative[-1] - best.cumulative[::-1] if turned else best.cumulative
    return Geodesic(
        plane[first],
        best.length,
        line.length,
        converged,
        "geodesic",
        message,
        cumulative,
        None if length_of is None else judged[first],
    )


def _line(field: Field, points: Floats, kind: str, message: str) -> Geodesic:
    from latent_widget.terrain import terrain

    ground = terrain(field, MARCHED)
    cumulative = ground.cumulative(ground.to_index(points))
    ends = ground.cumulative(ground.to_index(np.linspace(points[0], points[-1], STRAIGHT_NODES)))
    return Geodesic(points, float(cumulative[-1]), float(ends[-1]), True, kind, message, cumulative)


def _with_ends(points: Floats, start: Floats, end: Floats) -> Floats:
    exact = points.copy()
    exact[0], exact[-1] = start, end
    return exact


def _count(n: int) -> int:
    if n < 2:
        raise ValueError(f"n must be at least 2 to hold both ends, got {n}")
    return int(n)


def _show(point: Floats) -> str:
    return f"({point[0]:.6g}, {point[1]:.6g})"


def _end(lattice: Lattice, point: Any, name: str) -> Floats:
    value = as_points(point, name)
    if value.shape != (2,):
        raise ValueError(f"{name} must be one plane point (x, y), got shape {value.shape}")
    return _inside(lattice, value[None], name)[0]


def _ends(lattice: Lattice, points: Any, name: str) -> Floats:
    value = as_points(points, name)
    if value.ndim != 2:
        raise ValueError(f"{name} must be plane points of shape (n, 2), got {value.shape}")
    return _inside(lattice, value, name)


def _inside(lattice: Lattice, points: Floats, name: str) -> Floats:
    x0, x1, y0, y1 = lattice.extent
    slack = 1e-9 * np.array([x1 - x0, y1 - y0])
    nearest = np.clip(points, (x0, y0), (x1, y1))
    outside = (np.abs(points - nearest) > slack).any(axis=-1)
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        where = f" (row {row})" if len(points) > 1 else ""
        raise ValueError(
            f"{name}{where} {_show(points[row])} lies outside the map, whose extent is x {x0:.6g} to "
            f"{x1:.6g}, y {y0:.6g} to {y1:.6g}; choose a point inside or survey a larger extent"
        )
    return nearest
