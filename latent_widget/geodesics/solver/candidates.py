"""Newton's method on the path energy from several first guesses: the candidates for the shortest path.

`connect` makes geodesics of the straight line and of the walks back through the marches (`kernels.candidates`), the
second of the two best only where the first does not converge; `keep_distinct` drops those that run the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from latent_widget._arrays import Floats
from latent_widget.geodesics.kernels.candidates import find_walks
from latent_widget.geodesics.kernels.energy import measure, relax, resample
from latent_widget.geodesics.kernels.fast_marching import March
from latent_widget.geodesics.solver.chart import Chart

TOLERANCE = 1e-11
"""Newton stops where the next step promises to lower the energy by less than this fraction."""

CONVERGED = 1e-8
"""A path has converged where one more Newton step promises to lower its energy by less than this fraction."""

STRAIGHT_NODES = 129
"""Points of the lines that are not relaxed."""

DOUBT = 0.06
"""Routes that the marches find longer than the best by less than this part, their own error, are relaxed too."""

APART = 2.0
"""Two routes are different where they are more than so many cells apart."""

STRAIGHT, BACK_TRACE = "straight line", "back-trace of the march"
"""What a path was made from."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A path in index coordinates, `points (N, 2)`, with its cumulative length (N,) and how it was found.

    `promised` is the relative decrease of the energy that one more Newton step promises.
    """

    points: Floats
    cumulative: Floats
    name: str
    promised: float = np.inf

    @property
    def length(self) -> float:
        """Length as the field measures it."""
        return float(self.cumulative[-1])

    @property
    def converged(self) -> bool:
        """Whether Newton's method reached a minimum."""
        return self.promised < CONVERGED


def draw_line(chart: Chart, source: Floats, target: Floats, nodes: int = STRAIGHT_NODES) -> Candidate:
    """Return the straight line between two points (u, v)."""
    points = source + np.arange(nodes)[:, None] * ((target - source) / (nodes - 1))
    points[-1] = target
    return Candidate(points, measure(chart.coefficients, points), STRAIGHT)


def connect(
    chart: Chart,
    marched_shape: tuple[int, int],
    ends: Floats,
    there: March,
    back: March | None,
    nodes: int | None,
    doubt: float,
) -> list[Candidate]:
    """Find candidates between two ends (2, 2): geodesics first, then the lines that they were made from.

    Newton's method starts from the shorter of the straight line and the first walk back, from the other one only where
    that does not converge, and from every further walk. `there` and `back` are marches from both ends, on a lattice of
    `marched_shape`.
    """
    other = there if back is None else back
    coefficients = chart.coefficients
    points, begin = find_walks(coefficients, marched_shape, there, other, back is not None, ends, 1.0 + doubt)
    walks = []
    for first, last in pairwise(begin):
        walk = points[first:last]
        if nodes:
            walk = resample(walk, measure(coefficients, walk), nodes)
        walks.append(Candidate(walk, measure(coefficients, walk), BACK_TRACE))
    lines = [draw_line(chart, ends[0], ends[1], nodes or STRAIGHT_NODES), *walks[:1]]
    lines.sort(key=lambda path: path.length)
    relaxed: list[Candidate] = []
    for guess in lines:
        relaxed.append(relax_candidate(chart, guess, nodes))
        if relaxed[-1].converged:
            break
    relaxed += [relax_candidate(chart, guess, nodes) for guess in walks[1:]]
    return [*relaxed, *lines]


def relax_candidate(chart: Chart, guess: Candidate, nodes: int | None = None) -> Candidate:
    """Return the geodesic that Newton's method finds from a rough path."""
    points, cumulative, promised = relax(chart.coefficients, guess.points, nodes or 0, TOLERANCE)
    return Candidate(points, cumulative, f"Newton from the {guess.name}", promised)


def keep_distinct(found: Sequence[Candidate], most: int) -> list[Candidate]:
    """Return the shortest converged paths, at most so many, without those within two cells of a shorter one."""
    kept: list[Candidate] = []
    for path in sorted(found, key=lambda candidate: candidate.length):
        if len(kept) == most:
            break
        samples = resample(path.points, path.cumulative, 33)
        apart = [np.abs(samples - resample(k.points, k.cumulative, 33)).max() for k in kept]
        if path.converged and (not apart or min(apart) > APART):
            kept.append(path)
    return kept
