"""Shortest paths among forbidden cells: marches that keep out of them, and paths drawn tight around their corners.

A path may run along the border of a forbidden cell and touch its corners, but neither enter it nor squeeze between two
that touch at a corner. It is drawn tight inside a corridor (see `kernels.corridor`), whose rectangles are chosen anew
until the path stands still.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from latent_widget._arrays import Floats
from latent_widget.geodesics.kernels.backtracing import complete, trace_in_sight
from latent_widget.geodesics.kernels.candidates import MOST_CANDIDATES, find_passes
from latent_widget.geodesics.kernels.compilation import Ints, Mask
from latent_widget.geodesics.kernels.corridor import fill_corridor, split_at_borders
from latent_widget.geodesics.kernels.energy import measure, shorten
from latent_widget.geodesics.kernels.fast_marching import CORE, Grid, March, march
from latent_widget.geodesics.kernels.visibility import NEAR, count_visible, hide, is_visible, sum_areas
from latent_widget.geodesics.solver.candidates import (
    BACK_TRACE,
    DOUBT,
    TOLERANCE,
    Candidate,
    draw_line,
    relax_candidate,
)
from latent_widget.geodesics.solver.chart import Chart
from latent_widget.geodesics.solver.open_plane import ANYWHERE, UNBOUNDED

ROUNDS = 90
"""How often the corridor is chosen anew, at most."""

STILL = 1e-10
"""A round that shortens the path by less than this fraction has not moved it."""

IDLE = 3
"""So many rounds without a move, one for each order of growing the rectangles, and the path stands still."""

SHORTEST_STEP = 0.02
"""Segments shorter than this part of the mean pull as if they were so long."""


@dataclass(frozen=True, eq=False)
class ObstaclePlane:
    """A metric with forbidden cells, marched on the lattice (H, W) of its chart.

    `metric` (H, W, 3) holds E, F, G per cell in index coordinates, `grid` the stencils without the edges that cross
    forbidden cells, `regions` (H, W) the number of the connected part of each allowed cell, 0 where forbidden.
    """

    chart: Chart
    metric: Floats
    grid: Grid
    regions: Ints

    @property
    def marched_shape(self) -> tuple[int, int]:
        """Rows and columns (H, W) of the marched lattice."""
        return self.metric.shape[0], self.metric.shape[1]

    @property
    def blocked(self) -> Mask:
        """Which cells are forbidden, (H, W)."""
        return self.grid.blocked

    def need_free_nodes(self, nodes: int) -> None:
        """Raise `ValueError`, since a path among obstacles needs a node at each corner."""
        raise ValueError(f"nodes={nodes} cannot be chosen where cells are forbidden: a path needs one at each corner")

    def from_marched(self, points: Floats) -> Floats:
        """Index coordinates (..., 2) of the marched lattice, which are those of the chart."""
        return points

    def count_visible(self, points: Floats) -> int:
        """How many segments of a polyline (N, 2) there are before the first that enters a forbidden cell."""
        return int(count_visible(self.blocked, np.ascontiguousarray(points)))

    def find_parts(self, point: Floats) -> set[int]:
        """Numbers of the connected parts of the allowed cells that a point (u, v) belongs to; none where forbidden."""
        low = np.maximum(np.ceil(point - 0.5 - NEAR).astype(int), 0)
        high = np.minimum(np.floor(point + 0.5 + NEAR).astype(int) + 1, self.regions.shape[::-1])
        return set(self.regions[low[1] : high[1], low[0] : high[0]].ravel().tolist()) - {0}

    def march(self, source: Floats, target: Floats | None = None) -> March:  # noqa: ARG002
        """March from a source (u, v) everywhere, whatever the target: the way round may be long."""
        seen = self.grid._replace(blocked=hide(self.blocked, source, CORE + 1))
        found: March = march(seen, source, ANYWHERE, UNBOUNDED, np.inf)
        complete(found, self.metric, self.blocked)
        return found

    def march_both(
        self,
        source: Floats,
        target: Floats,
        doubt: float = DOUBT,  # noqa: ARG002
        everywhere: bool = False,  # noqa: ARG002
    ) -> tuple[March, March]:
        """March from a source and back from a target, both everywhere."""
        return self.march(source), self.march(target)

    def read(self, found: March, source: Floats, target: Floats) -> float:
        """Return the least sum of a node's distance and the straight way from it, over the nodes in sight around."""
        if np.abs(target - source).max() <= CORE and self._sees(source, target):
            return float(self.chart.measure_spokes(source, target[None])[0])
        height, width = self.marched_shape
        j, i = np.clip(np.floor(target + 0.5).astype(int), 0, (width - 1, height - 1))
        best = np.inf
        for r in range(max(i - 1, 0), min(i + 2, height)):
            for s in range(max(j - 1, 0), min(j + 2, width)):
                there = found.distance[r * width + s]
                if np.isfinite(there) and self._sees(target, np.array([s, r], float)):
                    rest = self.chart.measure_spokes(np.array([s, r], float), target[None])[0]
                    best = min(best, float(there + rest))
        return best

    def find_candidates(
        self,
        source: Floats,
        target: Floats,
        there: March,
        back: March | None = None,
        nodes: int | None = None,  # noqa: ARG002
        doubt: float = DOUBT,
    ) -> list[Candidate]:
        """Candidates for the shortest path between two points (u, v), as `OpenPlane.find_candidates` gives them.

        There are none where no way leads to the target. Paths have nodes where their corners need them.
        """
        guesses = [
            Candidate(walk, measure(self.chart.coefficients, walk), BACK_TRACE)
            for walk in self._find_walks(source, target, there, back, 1.0 + doubt)
        ]
        if guesses and self._sees(source, target):
            guesses.insert(0, draw_line(self.chart, source, target))
        return [*(self._relax(guess) for guess in guesses), *guesses]

    def find_length(self, source: Floats, target: Floats, there: March, back: March | None) -> float:
        """Length of the shortest of the candidates; infinite where there is none."""
        return min((path.length for path in self.find_candidates(source, target, there, back)), default=np.inf)

    def _sees(self, source: Floats, target: Floats) -> bool:
        """Tell whether the straight line between two points (u, v) keeps to allowed cells."""
        return bool(is_visible(self.blocked, source[0], source[1], target[0], target[1]))

    def _find_walks(
        self, source: Floats, target: Floats, there: March, back: March | None, limit: float
    ) -> list[Floats]:
        """Return walks (N, 2) back through the marches; none where no way leads to the target."""
        walks: list[Floats] = [trace_in_sight(there, self.blocked, source, target)]
        if len(walks[0]) == 0:
            return []
        if back is None:
            return walks
        shape = self.marched_shape
        for node in find_passes(shape, there.distance, back.distance, limit):
            middle = np.array([node % shape[1], node // shape[1]], float)
            if len(walks) == MOST_CANDIDATES or min(np.abs(walk - middle).max(axis=1).min() for walk in walks) <= 1.0:
                continue
            first = trace_in_sight(there, self.blocked, source, middle)
            second = trace_in_sight(back, self.blocked, target, middle)
            if len(first) and len(second):
                walks.append(np.concatenate([first, second[-2::-1]]))
        return walks

    def _relax(self, guess: Candidate) -> Candidate:
        """Return the geodesic near a path where that keeps to the allowed cells, else the path drawn tight."""
        coefficients = self.chart.coefficients
        free = relax_candidate(self.chart, guess)
        if free.converged and self.count_visible(free.points) == len(free.points) - 1:
            return free
        points, cumulative, promised = tighten(coefficients, self.blocked, guess.points)
        return Candidate(points, cumulative, f"Newton in a corridor around the {guess.name}", promised)


def tighten(coefficients: Floats, blocked: Mask, guess: Floats) -> tuple[Floats, Floats, float]:
    """Draw a polyline (N, 2) that keeps to allowed cells tight around the forbidden ones.

    Returns points (M, 2), cumulative lengths (M,), and the promised relative decrease of the energy within the
    corridor, infinite where the path still moved after the last round.
    """
    area = sum_areas(blocked)
    points = split_at_borders(area, np.ascontiguousarray(guess))
    best, shortest = points, float(measure(coefficients, points)[-1])
    low, high = np.empty_like(points), np.empty_like(points)
    idle, promised = 0, np.inf
    for order in range(ROUNDS):
        if not fill_corridor(area, points, order % 3, low, high):
            break
        # in proportion to their lengths all segments pull equally hard, also where a corner parts them
        steps = np.diff(measure(coefficients, points))
        rate = steps.mean() / np.maximum(steps, SHORTEST_STEP * steps.mean())
        points, _, promised = shorten(coefficients, points, TOLERANCE, low, high, rate)
        length = float(measure(coefficients, points)[-1])
        idle = 0 if length < shortest * (1.0 - STILL) else idle + 1
        if length < shortest:
            best, shortest = points, length
        if idle >= IDLE:
            break
    return best, measure(coefficients, best), promised if idle >= IDLE else np.inf
