"""Shortest paths over a field, their lengths, and the distance from one point to all.

The compiled kernels are imported by the functions that need them, so that opening an atlas does not wait for
them.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from os import cpu_count
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_widget._arrays import Floats
from latent_widget._field import Field
from latent_widget.geodesics.validation import allowed_cells, inner_point, inner_points, need_field, show

if TYPE_CHECKING:
    from latent_widget.geodesics.candidates import Route
    from latent_widget.geodesics.eikonal import Marched, Terrain

MARCHED = 128
"""Cells along the longer side of the lattice that is marched for the routes."""

FAR = 0.5
"""Alternatives may be longer than the shortest path by this fraction, as the march sees them."""

KEPT = 300
"""`distances` keeps the marches of so many points (0.5 MB each), to compare routes from both ends."""

Judge = Callable[[Floats], float]
"""Measures a polyline (N, 2) in plane coordinates."""


@dataclass(frozen=True, eq=False, repr=False)
class Geodesic:
    """A path over a field, `points (N, 2)` in plane coordinates, and how long it is.

    `length` is the length of the polyline as the field measures it, the integral of sqrt(dx^T G dx);
    `straight_length` that of the straight line between its ends, infinite where that would cross cells that
    paths may not enter; `cumulative (N,)` the length up to each point. `kind` is "geodesic", "straight", "slerp" or
    "stretched". `converged` says whether the path is a minimum of the length to round-off, and `message` how it was
    found. `decoded_length` is what `length_of` gave for it, None without.
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

    @property
    def evenness(self) -> float:
        """Shortest step between neighbouring points by the longest, as measured: 1 at constant speed, as on a
        geodesic, unless it was bent by a mask or way-points; 0 for a line of infinite length.
        """
        if not np.isfinite(self.length):
            return 0.0
        steps = np.diff(self.cumulative)
        return float(steps.min() / steps.max()) if self.length > 0.0 else 1.0

    def __repr__(self) -> str:
        """One line, without the arrays."""
        ends = f"{show(self.points[0])} to {show(self.points[-1])}, {len(self.points)} points"
        more = f", {len(self.alternatives)} alternatives" if self.alternatives else ""
        return f"Geodesic({self.kind} from {ends}, length {self.length:.6g}{more}: {self.message})"

    def at(self, n: int, by: str = "measure") -> Floats:
        """`n` points `(n, 2)` along the path, ends included, evenly spaced by "measure", by "latent" distance, or
        by the "parameter" of the path, which numbers its own points: it runs evenly along a stretched line on the
        stretched map, and for slerp in the angle between equal norms.

        Raises `ValueError` for n < 2, another `by`, and by "measure" on a line of infinite length.
        """
        if n < 2:
            raise ValueError(f"n must be at least 2 to hold both ends, got {n}")
        if by not in ("measure", "latent", "parameter"):
            raise ValueError(f'by must be "measure", "latent" or "parameter", got {by!r}')
        if by == "measure" and not np.isfinite(self.length):
            raise ValueError('the line crosses impassable cells and is infinitely long; sample it with by="latent"')
        if by == "measure":
            along = self.cumulative
        elif by == "latent":
            steps = np.linalg.norm(np.diff(self.points, axis=0), axis=1)
            along = np.concatenate([[0.0], np.cumsum(steps)])
        else:
            along = np.linspace(0.0, 1.0, len(self.points))
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
    mask: Any = None,
    via: Any = None,
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
        alternatives: so many further routes, locally shortest, are looked for and kept as `alternatives`, fewer where
            there are no more.
        mask: (H, W) bool, True in the cells that the path may enter; it may run along the border of the others and
            round their corners. Walls of the field are never entered.
        via: (k, 2) plane points that the path passes in this order; its length is the sum of the legs.

    Raises:
        ValueError: for points that are not (2,), not finite, outside the extent or in a cell that may not be
            entered; where no way leads from one to the other; for a mask that is not (H, W) bool, nodes < 3, nodes
            with a mask, and alternatives with way-points.

    """
    from latent_widget.geodesics.candidates import DOUBT, distinct, line, routes
    from latent_widget.geodesics.eikonal import terrain

    need_field(field)
    if via is not None and np.size(via) > 0:
        if alternatives:
            raise ValueError(f"alternatives={alternatives} cannot be had with via=; ask for those of each leg")
        stops = [start, *inner_points(field.lattice, via, "via"), end]
        ground = terrain(field, MARCHED, allowed_cells(field, mask))
        for row, point in enumerate(stops[1:-1]):
            _parts(ground, field, point, f"via (row {row})")
        legs = [geodesic(field, *leg, nodes=nodes, length_of=length_of, mask=mask) for leg in pairwise(stops)]
        return _joined(legs, straight_length(field, start, end, mask))
    a, b = inner_point(field.lattice, start, "start"), inner_point(field.lattice, end, "end")
    if not isinstance(alternatives, (int, np.integer)) or alternatives < 0:
        raise ValueError(f"alternatives counts further routes and must be an int, at least 0, got {alternatives!r}")
    if nodes is not None and nodes < 3:
        raise ValueError(f"nodes must be at least 3, got {nodes}")
    ground = terrain(field, MARCHED, allowed_cells(field, mask))
    if ground.masked:
        if nodes is not None:
            raise ValueError(
                f"nodes={nodes} cannot be chosen where cells are forbidden: a path needs one at each corner"
            )
        _check_connected(ground, field, a, b)
    if (a == b).all():
        return Geodesic(np.stack([a, b]), 0.0, 0.0, True, "geodesic", "start and end are the same point", np.zeros(2))
    turned = bool(tuple(a) > tuple(b))
    source, target = ground.to_index(b if turned else a), ground.to_index(a if turned else b)
    doubt = FAR if alternatives else DOUBT
    there, back = ground.marches(source, target, doubt, everywhere=alternatives > 0)
    found = routes(ground, source, target, there, back, nodes, doubt)
    straight = line(ground, source, target).length if ground.sees(source, target) else np.inf
    others = [
        _placed(_choose(ground, [other], straight, length_of), a, b, turned)
        for other in distinct(found, alternatives + 1)
    ]
    best = _placed(_choose(ground, found, straight, length_of), a, b, turned)
    return replace(best, alternatives=tuple(others[1:]))


def distances(
    field: Field,
    sources: Any,
    targets: Any = None,
    *,
    refine: bool = True,
    workers: int | None = None,
    mask: Any = None,
) -> Floats:
    """Geodesic distances `(n, m)` between plane points, one march per source.

    Args:
        field: the metric.
        sources: (n, 2) plane points; targets: (m, 2), by default the sources themselves (then the result is
            symmetric).
        refine: relax every path by Newton's method, so that distances are as good as those of `geodesic`;
            False reads them off the march, which is faster and has its error (see `distance_field`), relatively large
            between points a few cells apart.
        workers: threads, at least 1; by default one per processor, at most 8. The time grows with n m: some 0.1 ms for
            each pair and 4 ms for each point.
        mask: (H, W) bool, True in the cells that paths may enter; between points in separate parts of them the
            distance is infinite.

    Raises:
        ValueError: for points that are not (n, 2), not finite, outside the extent or in a cell that may not be
            entered, and a mask that is not (H, W) bool.

    """
    from latent_widget.geodesics.candidates import shortest_length
    from latent_widget.geodesics.eikonal import terrain

    need_field(field)
    if workers is not None and workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    a = inner_points(field.lattice, sources, "sources")
    b = a if targets is None else inner_points(field.lattice, targets, "targets")
    ground = terrain(field, MARCHED if refine else max(field.lattice.shape), allowed_cells(field, mask))
    for points, name in ((a, "sources"), (b, "sources" if targets is None else "targets")):
        for row, point in enumerate(points):
            _parts(ground, field, point, f"{name} (row {row})")
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


def distance_field(field: Field, source: Any, *, mask: Any = None) -> Floats:
    """Geodesic distance from a plane point to every cell, (H, W), by one march at the field's own resolution [7].

    It is what `equidistances` are drawn from; infinite in walls, outside the mask `(H, W)` of allowed cells, and in
    parts of it that cannot be reached. Its error is that of the march, 1e-4 to 1e-3 of the distance at 128 x 128 on
    smooth fields (benchmarks/geodesics.py), more within a few cells of the source, and some per cent behind corners of
    a mask; `distances` gives single distances more exactly.

    Raises `ValueError` for a source that is not (2,), not finite, outside the extent or in a cell that may not be
    entered.
    """
    from latent_widget.geodesics.eikonal import terrain

    ground = terrain(field, max(field.lattice.shape), allowed_cells(field, mask))
    place = inner_point(field.lattice, source, "source")
    _parts(ground, field, place, "source")
    found: Floats = ground.march(ground.to_index(place))[0]
    height, width = field.lattice.shape
    if ground.marched.shape[:2] == (height, width):
        return found.reshape(height, width)
    # cells cut into parts for the march have the mean of the middle ones
    parts = ground.marched.shape[0] // height
    middle = slice((parts - 1) // 2, parts // 2 + 1)
    return np.asarray(found.reshape(height, parts, width, parts)[:, middle, :, middle].mean(axis=(1, 3)))


def straight_length(field: Field, start: Any, end: Any, mask: Any = None) -> float:
    """Measured length of the straight line between two plane points, infinite where it enters forbidden cells."""
    from latent_widget.geodesics.candidates import line
    from latent_widget.geodesics.eikonal import terrain

    ground = terrain(field, MARCHED, allowed_cells(field, mask))
    source, target = (
        ground.to_index(inner_point(field.lattice, p, name)) for p, name in ((start, "start"), (end, "end"))
    )
    return line(ground, source, target).length if ground.sees(source, target) else float(np.inf)


def straight_lengths(field: Field, source: Floats, points: Floats, mask: Any = None) -> Floats | None:
    """Measured lengths (n,) of the straight lines from a plane point to others `(n, 2)`; None where one may not be."""
    from latent_widget.geodesics.eikonal import terrain

    ground = terrain(field, max(field.lattice.shape), allowed_cells(field, mask))
    hub, ends = ground.to_index(source), ground.to_index(points)
    if ground.masked:
        from latent_widget.geodesics.kernels.corridor import all_visible

        there_and_back = np.stack([np.broadcast_to(hub, ends.shape), ends], axis=1).reshape(-1, 2)
        if all_visible(ground.blocked, there_and_back) < len(there_and_back) - 1:
            return None
    return ground.spokes(hub, ends)


def measured_length(field: Field, points: Floats, mask: Any = None) -> Floats:
    """Measured length from the first point to each of a polyline `(N, 2)`, `(N,)`."""
    from latent_widget.geodesics.eikonal import terrain
    from latent_widget.geodesics.kernels.energy import measure

    ground = terrain(field, MARCHED, allowed_cells(field, mask))
    return np.asarray(measure(ground.coefficients, ground.to_index(points)))


def stays_allowed(field: Field, points: Floats, mask: Any = None) -> bool:
    """Whether a polyline `(N, 2)` keeps to the cells that paths may enter."""
    from latent_widget.geodesics.eikonal import terrain

    ground = terrain(field, MARCHED, allowed_cells(field, mask))
    if not ground.masked:
        return True
    from latent_widget.geodesics.kernels.corridor import all_visible

    return bool(all_visible(ground.blocked, ground.to_index(points)) == len(points) - 1)


def _parts(ground: Terrain, field: Field, point: Floats, name: str) -> set[int]:
    """The connected parts of the allowed cells that a plane point belongs to; raises `ValueError` for none."""
    found = ground.parts(ground.to_index(point))
    if not found:
        share = (point - field.lattice.extent[::2]) / field.lattice.spacing
        j, i = np.clip(np.floor(share).astype(int), 0, np.array(field.lattice.shape[::-1]) - 1)
        why = "impassable in the field" if field.walls[i, j] else "outside the mask"
        raise ValueError(
            f"{name} {show(point)} lies in a cell that is {why} (row {i}, column {j}); choose a point in another"
        )
    return found


def _check_connected(ground: Terrain, field: Field, start: Floats, end: Floats) -> None:
    if not _parts(ground, field, start, "start") & _parts(ground, field, end, "end"):
        raise ValueError(
            f"no path leads from start {show(start)} to end {show(end)}: they lie in parts of the allowed cells "
            "that do not touch along an edge; widen the mask or choose ends in one part"
        )


def _joined(legs: list[Geodesic], straight: float) -> Geodesic:
    """One path made of legs, each from where the last one ended."""
    moved = [leg for leg in legs if leg.length > 0.0] or legs[:1]
    points, cumulative = [moved[0].points], [moved[0].cumulative]
    for leg in moved[1:]:
        points.append(leg.points[1:])
        cumulative.append(cumulative[-1][-1] + leg.cumulative[1:])
    decoded = [leg.decoded_length for leg in moved]
    return Geodesic(
        np.concatenate(points),
        float(cumulative[-1][-1]),
        straight,
        all(leg.converged for leg in moved),
        "geodesic",
        f"{len(legs)} legs: {'; '.join(leg.message for leg in legs)}",
        np.concatenate(cumulative),
        None if None in decoded else float(sum(d for d in decoded if d is not None)),
    )


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
    return replace(path, points=with_ends(points, start, end), cumulative=cumulative)


def with_ends(points: Floats, start: Floats, end: Floats) -> Floats:
    """The points with exact ends, free of round-off."""
    exact = points.copy()
    exact[0], exact[-1] = start, end
    return exact
