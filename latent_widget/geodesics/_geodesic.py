"""Shortest paths: fast marching for the route (Mirebeau 2019 [7]), then Newton's method on the energy of the path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from latent_widget._arrays import Floats
from latent_widget._field import Field
from latent_widget.geodesics.path import Geodesic, set_ends
from latent_widget.geodesics.solver.candidates import DOUBT, Candidate, draw_line, keep_distinct
from latent_widget.geodesics.solver.eikonal import EikonalProblem
from latent_widget.geodesics.validation import (
    inner_point,
    inner_points,
    need_count,
    need_field,
    need_parts,
    pose_problem,
    show,
)

LONGEST_DETOUR = 0.5
"""Alternatives may be longer than the shortest path by this fraction, as the march sees them."""

SAME = 1e-4
"""A path is the same as a converged one that is longer by less than this fraction."""

LengthOf = Callable[[Floats], float]
"""Measures a polyline (N, 2) in plane coordinates."""


def geodesic(
    field: Field,
    start: ArrayLike,
    end: ArrayLike,
    *,
    nodes: int | None = None,
    length_of: LengthOf | None = None,
    alternatives: int = 0,
    mask: ArrayLike | None = None,
    via: ArrayLike | None = None,
) -> Geodesic:
    """Find the shortest path between two points of the plane, a minimum of the integral of sqrt(dx^T G dx).

    Fast marching on the lattice [7] finds the route, a walk back along its flow the first path, and Newton's method on
    the energy of the path over a cubic spline of log G makes it a geodesic; Newton also starts from the straight line.
    The shortest of all of them and of the straight line is returned, so it is never longer than the straight line. The
    field is measured at cell centres; in the outer half cell up to the edge of the extent it is extrapolated. A path
    that would leave the extent runs along its edge. Solving does not depend on the direction: b to a is a to b
    reversed.

    Parameters
    ----------
    field : Field
        The metric.
    start, end : array_like (2,)
        Plane points in the extent.
    nodes : int, optional
        How many points the path has, at least 3; by default enough for about one per cell (97 to 513).
    length_of : callable, optional
        Measures a polyline (N, 2) in plane coordinates in another way, for instance decoded; where given, it judges the
        candidates, so that the result is never longer than the straight line by that measure.
    alternatives : int
        So many further routes, locally shortest, are looked for and kept as `alternatives`, fewer where there are no
        more.
    mask : array_like of bool (H, W), optional
        True in the cells that the path may enter; it may run along the border of the others and round their corners.
        Walls of the field are never entered.
    via : array_like (k, 2), optional
        Plane points that the path passes in this order; its length is the sum of the legs.

    Returns
    -------
    Geodesic

    Raises
    ------
    ValueError
        For points that are not (2,), not finite, outside the extent or in a cell that may not be entered; where no way
        leads from one to the other; for a mask that is not (H, W) bool, nodes < 3, nodes with a mask, and alternatives
        with way-points.

    """
    need_field(field)
    problem = pose_problem(field, mask)
    return find_geodesic(
        problem, field, start, end, nodes=nodes, length_of=length_of, alternatives=alternatives, via=via
    )


def find_geodesic(
    problem: EikonalProblem,
    field: Field,
    start: ArrayLike,
    end: ArrayLike,
    *,
    nodes: int | None = None,
    length_of: LengthOf | None = None,
    alternatives: int = 0,
    via: ArrayLike | None = None,
) -> Geodesic:
    """Find the shortest path of a problem that the field has posed; all else as for `geodesic`."""
    if not isinstance(alternatives, (int, np.integer)) or alternatives < 0:
        raise ValueError(f"alternatives counts further routes and must be an int, at least 0, got {alternatives!r}")
    if nodes is not None:
        nodes = need_count(nodes, "nodes", least=3)
    a, b = inner_point(field.lattice, start, "start"), inner_point(field.lattice, end, "end")
    if nodes is not None:
        problem.need_free_nodes(nodes)
    if via is None or np.size(via) == 0:
        return _solve(problem, field, a, b, nodes, length_of, alternatives)
    if alternatives:
        raise ValueError(f"alternatives={alternatives} cannot be had with via=; ask for those of each leg")
    stops = [a, *inner_points(field.lattice, via, "via"), b]
    for row, point in enumerate(stops[1:-1]):
        need_parts(problem, field, point, f"via (row {row})")
    legs = [_solve(problem, field, *leg, nodes, length_of) for leg in pairwise(stops)]
    return _join(legs, measure_straight(problem, a, b))


def measure_straight(problem: EikonalProblem, start: Floats, end: Floats) -> float:
    """Return the measured length of the straight line between plane points, infinite across forbidden cells."""
    source, target = problem.chart.to_index(start), problem.chart.to_index(end)
    seen = problem.count_visible(np.stack([source, target])) == 1
    return draw_line(problem.chart, source, target).length if seen else float(np.inf)


def _solve(
    problem: EikonalProblem,
    field: Field,
    start: Floats,
    end: Floats,
    nodes: int | None,
    length_of: LengthOf | None,
    alternatives: int = 0,
) -> Geodesic:
    """Return the shortest path between two checked plane points."""
    if not need_parts(problem, field, start, "start") & need_parts(problem, field, end, "end"):
        raise ValueError(
            f"no path leads from start {show(start)} to end {show(end)}: they lie in parts of the allowed cells "
            "that do not touch along an edge; widen the mask or choose ends in one part"
        )
    if (start == end).all():
        message = "start and end are the same point"
        return Geodesic(np.stack([start, end]), 0.0, 0.0, True, "geodesic", message, np.zeros(2))
    # solved from the lesser point to the greater, so that there and back are one path
    turned = bool(tuple(start) > tuple(end))
    first, last = (end, start) if turned else (start, end)
    source, target = problem.chart.to_index(first), problem.chart.to_index(last)
    doubt = LONGEST_DETOUR if alternatives else DOUBT
    there, back = problem.march_both(source, target, doubt, alternatives > 0)
    found = problem.find_candidates(source, target, there, back, nodes, doubt)
    straight = measure_straight(problem, first, last)

    def place(candidates: list[Candidate]) -> Geodesic:
        path = _choose(problem, candidates, straight, length_of)
        points, cumulative = path.points, path.cumulative
        if turned:
            points, cumulative = points[::-1], cumulative[-1] - cumulative[::-1]
        return replace(path, points=set_ends(points, start, end), cumulative=cumulative)

    others = [place([other]) for other in keep_distinct(found, alternatives + 1)] if alternatives else []
    return replace(place(found), alternatives=tuple(others[1:]))


def _choose(
    problem: EikonalProblem, found: list[Candidate], straight_length: float, length_of: LengthOf | None
) -> Geodesic:
    """Return the shortest candidate, judged by the field or by `length_of`, as a result."""
    plane = [problem.chart.to_plane(path.points) for path in found]
    judged = [path.length for path in found] if length_of is None else [float(length_of(p)) for p in plane]
    if not np.isfinite(judged).all():
        raise ValueError(f"length_of must give a finite length for every path (N, 2), got {judged}")
    first = int(np.argmin(judged))
    best = found[first]
    # a path that Newton's method did not give is one where a converged geodesic is the same but for round-off
    converged = any(path.converged and path.length <= best.length * (1.0 + SAME) for path in found)
    message = best.name
    if not converged:
        judge = "the field" if length_of is None else "length_of"
        message += f", the shortest by {judge}; Newton's method gave no shorter one"
    decoded = None if length_of is None else judged[first]
    return Geodesic(
        plane[first], best.length, straight_length, converged, "geodesic", message, best.cumulative, decoded
    )


def _join(legs: list[Geodesic], straight: float) -> Geodesic:
    """One path made of legs, each from where the last one ended."""
    moved = [leg for leg in legs if leg.length > 0.0] or legs[:1]
    points, cumulative = [moved[0].points], [moved[0].cumulative]
    for leg in moved[1:]:
        points.append(leg.points[1:])
        cumulative.append(cumulative[-1][-1] + leg.cumulative[1:])
    decoded: list[Any] = [leg.decoded_length for leg in moved]
    return Geodesic(
        np.concatenate(points),
        float(cumulative[-1][-1]),
        straight,
        all(leg.converged for leg in moved),
        "geodesic",
        f"{len(legs)} legs: {'; '.join(leg.message for leg in legs)}",
        np.concatenate(cumulative),
        None if None in decoded else float(sum(decoded)),
    )
