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
from latent_widget.lattice import Lattice, need_plane

if TYPE_CHECKING:
    from latent_widget.routes import Route
    from latent_widget.terrain import Marched, Terrain

MARCHED = 128
"""Cells along the longer side of the lattice that is marched for the routes."""

FAR = 0.5
"""Alternatives may be longer than the shortest path by this fraction, as the march sees them."""

KEPT = 300
"""`distances` keeps the marches of so many points (0.5 MB each), to compare routes from both ends."""

Judge = Callable[[Floats], float]
"""Measures a polyline (N, 2) in plane coordinates."""

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
    alternatives: tuple[Geodesic, ...] = ()

    def at(self, n: int, by: str = "measure") -> Floats:
        """`n` points `(n, 2)` along the path, ends included, evenly spaced by "measure", by "latent" distance or
        by "parameter".

        The parameter numbers the path's nodes: it runs evenly along a stretched line on the stretched map, and
        for slerp in the angle between equal norms.
        Raises `ValueError` for n < 2 or another `by`.
        """
        if n < 2:
            raise ValueError(f"n must be at least 2 to hold both ends, got {n}")
        if by not in ("measure", "latent", "parameter"):
            raise ValueError(f'by must be "measure", "latent" or "parameter", got {by!r}')
        steps = np.linalg.norm(np.diff(self.points, axis=0), axis=1)
        if by == "parameter":
            steps = np.ones(len(steps))
        along = self.cumulative if by == "measure" else np.concatenate([[0.0], np.cumsum(steps)])
        targets = np.linspace(0.0, along[-1], n)
        return np.stack([np.interp(targets, along, self.points[:, c]) for c in range(2)], axis=-1)


def geodesic(
    field: Field,
    start: Any,
    end: Any,
    *,
    nodes: int | None = None,
    length_of: Judge | None = None,
    alternatives: int = 0,
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
        nodes: how many points the path has, at least 3; by default enough for about one per cell (97 to 513).
        length_of: measures a polyline (N, 2) in plane coordinates in another way, for instance decoded; where
            given, it judges the candidates, so that the result is never longer than the straight line by that
            measure.

    Raises:
        ValueError: for end points that are not (2,), not finite or outside the extent, and nodes < 3.

    """
    from latent_widget.routes import DOUBT, distinct, line, routes
    from latent_widget.terrain import terrain

    a, b = inner_point(field.lattice, start, "start"), inner_point(field.lattice, end, "end")
    if alternatives < 0:
        raise ValueError(f"alternatives counts further routes and must be at least 0, got {alternatives}")
    if nodes is not None and nodes < 3:
        raise ValueError(f"nodes must be at least 3, got {nodes}")
    if (a == b).all():
        return Geodesic(np.stack([a, b]), 0.0, 0.0, True, "geodesic", "start and end are the same point", np.zeros(2))
    turned = bool(tuple(a) > tuple(b))
    ground = terrain(field, MARCHED)
    source, target = ground.to_index(b if turned else a), ground.to_index(a if turned else b)
    # without alternatives each march need only reach the other end: what matters lies nearer
    with ThreadPoolExecutor(1) as beside:
        backward = beside.submit(ground.march, target, None if alternatives else source)
        there, back = ground.march(source, None if alternatives else target), backward.result()
    found = routes(ground, source, target, there, back, nodes, FAR if alternatives else DOUBT)
    straight_length = line(ground, source, target).length
    others = [
        _placed(_choose(ground, [other], straight_length, length_of), a, b, turned)
        for other in distinct(found, alternatives + 1)
    ]
    best = _placed(_choose(ground, found, straight_length, length_of), a, b, turned)
    return replace(best, alternatives=tuple(others[1:]))


def straight(field: Field, start: Any, end: Any, n: int = STRAIGHT_NODES) -> Geodesic:
    """The straight line between two plane points, `n` points evenly spaced in the plane, with its measured
    length.

    Raises `ValueError` for bad end points, as `geodesic`, and n < 2.
    """
    a, b = inner_point(field.lattice, start, "start"), inner_point(field.lattice, end, "end")
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
    a, b = inner_point(lattice, start, "start"), inner_point(lattice, end, "end")
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
    a, b = inner_point(field.lattice, start, "start"), inner_point(field.lattice, end, "end")
    p, q = np.asarray(cart.transform(np.stack([a, b])), float)
    points = _with_ends(np.asarray(cart.inverse(np.linspace(p, q, _count(n))), float), a, b)
    if not np.isfinite(points).all():
        raise ValueError(
            f"cart does not invert along the line from {_show(a)} to {_show(b)}; was it made on this lattice?"
        )
    x0, x1, y0, y1 = field.lattice.extent
    return _line(field, np.clip(points, (x0, y0), (x1, y1)), "stretched", "straight line of the stretched map")


def distances(
    field: Field, sources: Any, targets: Any = None, *, refine: bool = True, workers: int | None = None
) -> Floats:
    """Geodesic distances `(n, m)` between plane points, one march per source.

    Args:
        field: the metric.
        sources: (n, 2) plane points; targets: (m, 2), by default the sources themselves (then the result is
            symmetric).
        refine: relax every path by Newton's method, so that distances are as good as those of `geodesic`;
            False reads them off the march, which is faster and has its error (benchmarks/geodesics.py).
        workers: threads; by default one per processor, at most 8.

    Raises:
        ValueError: for points that are not (n, 2), not finite or outside the extent.

    """
    from latent_widget.routes import shortest_length
    from latent_widget.terrain import terrain

    a = inner_points(field.lattice, sources, "sources")
    b = a if targets is None else inner_points(field.lattice, targets, "targets")
    ground = terrain(field, MARCHED if refine else max(field.lattice.shape))
    starts, ends = ground.to_index(a), ground.to_index(b)
    out = np.zeros((len(a), len(b)))
    both = refine and len(a) + (0 if targets is None else len(b)) <= KEPT

    with ThreadPoolExecutor(workers or min(cpu_count() or 1, 8)) as pool:
        there: list[Marched] = list(pool.map(ground.march, starts)) if both else []
        back = there if targets is None or not both else list(pool.map(ground.march, ends))

        def fill(row: int) -> None:
            columns = range(row + 1, len(b)) if targets is None else range(len(b))
            marched = there[row] if both else ground.march(starts[row])
            for column in columns:
                if (starts[row] == ends[column]).all():
                    continue
                if refine:
                    other = back[column] if both else None
                    out[row, column] = shortest_length(ground, starts[row], ends[column], marched, other)
                else:
                    out[row, column] = ground.read(marched, starts[row], ends[column])

        list(pool.map(fill, range(len(a))))
    if targets is not None:
        return out
    out = out + out.T
    # a way through a third point is a path as well: where two routes are nearly as short it may be the better
    for via in range(len(out) if refine else 0):
        np.minimum(out, out[:, via, None] + out[None, via], out=out)
    return out


def distance_field(field: Field, source: Any) -> Floats:
    """Geodesic distance from a plane point to every cell, (H, W), by one march at the field's own resolution [7].

    It is what equidistance contours are drawn from. Its error is that of the march, 1e-4 of the distance in the mean
    at 128 x 128 on smooth fields (benchmarks/geodesics.py); `distances` gives single distances more exactly.

    Raises `ValueError` for a source that is not (2,), not finite or outside the extent.
    """
    from latent_widget.terrain import terrain

    ground = terrain(field, max(field.lattice.shape))
    found: Floats = ground.march(ground.to_index(inner_point(field.lattice, source, "source")))[0]
    return found.reshape(field.lattice.shape)


def _choose(ground: Terrain, found: list[Route], straight_length: float, length_of: Judge | None) -> Geodesic:
    """The shortest route, judged by the field or by `length_of`, as a result."""
    plane = [ground.to_plane(route.points) for route in found]
    judged = [route.length for route in found] if length_of is None else [float(length_of(p)) for p in plane]
    if not np.isfinite(judged).all():
        raise ValueError(f"length_of must give a finite length for every path (N, 2), got {judged}")
    first = int(np.argmin(judged))
    best = found[first]
    # a path that Newton's method did not give is one where a settled geodesic is the same but for round-off
    converged = any(route.settled and route.length <= best.length * (1.0 + 1e-4) for route in found)
    message = best.name
    if not converged:
        judge = "the field" if length_of is None else "length_of"
        message += f", the shortest by {judge}; Newton's method gave no shorter one"
    decoded = None if length_of is None else judged[first]
    return Geodesic(
        plane[first], best.length, straight_length, converged, "geodesic", message, best.cumulative, decoded
    )


def _placed(path: Geodesic, start: Floats, end: Floats, turned: bool) -> Geodesic:
    """The path from start to end exactly, turned round where it was solved the other way."""
    points, cumulative = path.points, path.cumulative
    if turned:
        points, cumulative = points[::-1], cumulative[-1] - cumulative[::-1]
    return replace(path, points=_with_ends(points, start, end), cumulative=cumulative)


def _line(field: Field, points: Floats, kind: str, message: str) -> Geodesic:
    from latent_widget.shortening import measure
    from latent_widget.terrain import terrain

    ground = terrain(field, MARCHED)
    cumulative = measure(ground.coefficients, ground.to_index(points))
    ends = measure(ground.coefficients, ground.to_index(np.linspace(points[0], points[-1], STRAIGHT_NODES)))
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


def inner_point(lattice: Lattice, point: Any, name: str) -> Floats:
    """One plane point (2,) in the extent; raises `ValueError` naming it otherwise."""
    need_plane(lattice, "a path")
    value = as_points(point, name)
    if value.shape != (2,):
        raise ValueError(f"{name} must be one plane point (x, y), got shape {value.shape}")
    return _inside(lattice, value[None], name)[0]


def inner_points(lattice: Lattice, points: Any, name: str) -> Floats:
    """Plane points (n, 2) in the extent; raises `ValueError` naming them and the first bad row otherwise."""
    need_plane(lattice, "a geodesic distance")
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
