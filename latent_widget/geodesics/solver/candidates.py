"""Candidates for the shortest path between two points, as the solver found them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from latent_widget._arrays import Floats
from latent_widget.geodesics.kernels.candidates import SETTLED, STRAIGHT, STRAIGHT_NODES, Paths
from latent_widget.geodesics.kernels.energy import measure, resample
from latent_widget.geodesics.solver.chart import Chart

DOUBT = 0.06
"""Routes that the marches find longer than the best by less than this part, their own error, are relaxed too."""

APART = 2.0
"""Two routes are different where they are more than so many cells apart."""

ORIGINS = ("straight line", "back-trace of the march")
"""What a path was made from, by its number in `Paths.origin`."""


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
    def settled(self) -> bool:
        """Whether Newton's method reached a minimum."""
        return self.promised < SETTLED


def draw_line(chart: Chart, source: Floats, target: Floats) -> Candidate:
    """Return the straight line between two points (u, v)."""
    points = np.linspace(source, target, STRAIGHT_NODES)
    return Candidate(points, measure(chart.coefficients, points), ORIGINS[STRAIGHT])


def list_paths(paths: Paths) -> list[Candidate]:
    """Return the paths that `kernels.candidates.connect` strung together, one by one."""
    found = []
    for k, (promised, origin) in enumerate(zip(paths.promised, paths.origin, strict=True)):
        part = slice(paths.stops[k], paths.stops[k + 1])
        name = ORIGINS[origin] if promised == np.inf else f"Newton from the {ORIGINS[origin]}"
        found.append(Candidate(paths.points[part], paths.cumulative[part], name, float(promised)))
    return found


def keep_distinct(found: Sequence[Candidate], most: int) -> list[Candidate]:
    """Return the shortest settled paths, at most so many, without those within two cells of a shorter one."""
    kept: list[Candidate] = []
    for path in sorted(found, key=lambda candidate: candidate.length):
        if len(kept) == most:
            break
        samples = resample(path.points, path.cumulative, 33)
        apart = [np.abs(samples - resample(k.points, k.cumulative, 33)).max() for k in kept]
        if path.settled and (not apart or min(apart) > APART):
            kept.append(path)
    return kept
