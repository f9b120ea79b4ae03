"""Shortest paths without forbidden cells: fast marching from both ends, back-tracing, Newton's method on the energy.

`OpenPlane` holds a metric and the lattice on which it is marched; `obstacles.ObstaclePlane` has the same methods.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from latent_widget._arrays import Floats
from latent_widget.geodesics.kernels.backtracing import complete
from latent_widget.geodesics.kernels.fast_marching import Grid, March, march
from latent_widget.geodesics.solver.candidates import DOUBT, Candidate, connect
from latent_widget.geodesics.solver.chart import Chart

RIM = 2.5
"""The march back keeps to ways at most 1 + RIM * doubt times as long as the shortest."""

ANYWHERE = np.full(2, np.nan)
"""The target of a march that is to go everywhere."""

UNBOUNDED = np.empty(0)
"""The distances from the other end of a march that no other bounds."""


@dataclass(frozen=True, eq=False)
class OpenPlane:
    """A metric to be marched on a lattice (h, w) of its own, coarser or finer than that of the chart.

    `metric` (h, w, 3) holds E, F, G per marched cell in the marched lattice's index coordinates, `grid` the stencils
    that it gives.
    """

    chart: Chart
    metric: Floats
    grid: Grid

    @property
    def marched_shape(self) -> tuple[int, int]:
        """Rows and columns (h, w) of the marched lattice."""
        return self.metric.shape[0], self.metric.shape[1]

    def to_marched(self, points: Floats) -> Floats:
        """Index coordinates (..., 2) of the chart to those of the marched lattice."""
        return (points + 0.5) / self.grid.scale[::-1] - 0.5

    def from_marched(self, points: Floats) -> Floats:
        """Index coordinates (..., 2) of the marched lattice to those of the chart."""
        return (points + 0.5) * self.grid.scale[::-1] - 0.5

    def need_free_nodes(self, nodes: int) -> None:
        """Do nothing: a path may have any number of nodes here."""

    def count_visible(self, points: Floats) -> int:
        """How many segments of a polyline (N, 2) there are before the first that may not be walked; here all."""
        return len(points) - 1

    def find_parts(self, point: Floats) -> set[int]:  # noqa: ARG002
        """Numbers of the connected parts of the plane that a point belongs to; here there is one."""
        return {1}

    def march(self, source: Floats, target: Floats | None = None) -> March:
        """March from a source (u, v), everywhere or as far as it takes to reach a target."""
        aim = ANYWHERE if target is None else self.to_marched(target)
        found: March = march(self.grid, self.to_marched(source), aim, UNBOUNDED, np.inf)
        if target is None or not np.isfinite(self._take_block(found.distance, aim)).any():
            complete(found, self.metric, self.grid.blocked)
        return found

    def march_both(
        self, source: Floats, target: Floats, doubt: float = DOUBT, everywhere: bool = False
    ) -> tuple[March, March]:
        """March from a source and back from a target, the way back only where it may matter.

        That is over nodes through which the way is longer than the shortest by less than a fraction `doubt`, and a rim
        around them, so that those have neighbours. The way there ends at the target, unless it is to go `everywhere`.
        """
        there = self.march(source, None if everywhere else target)
        known = np.isfinite(there.distance)
        # what was not reached is no nearer than what was reached last
        beyond = np.where(known, there.distance, there.distance[known].max())
        start, aim = self.to_marched(target), self.to_marched(source)
        limit = (1.0 + RIM * doubt) * self._bound(there.distance, target)
        back: March = march(self.grid, start, aim, beyond, limit)
        if not np.isfinite(self._take_block(back.distance, aim)).all():
            # so steep a field that the marches differ by more than the rim
            back = self.march(target, source)
        return there, back

    def read(self, found: March, source: Floats, target: Floats) -> float:
        """Distance of a target (u, v) as the march knows it: bilinear between nodes, straight next to the source."""
        if np.abs(target - source).max() <= 3.0 * self.grid.scale.max():
            return float(self.chart.measure_spokes(source, target[None])[0])
        place = self.to_marched(target)
        block = self._take_block(found.distance, place)
        if block.shape == (2, 2) and np.isfinite(block).all():
            # in the outer half cell the weights reach beyond 0 and 1
            p, q = place - self._find_block(place)
            return float(np.array([1 - q, q]) @ block @ np.array([1 - p, p]))
        return float(block.min())

    def find_candidates(
        self,
        source: Floats,
        target: Floats,
        there: March,
        back: March | None = None,
        nodes: int | None = None,
        doubt: float = DOUBT,
    ) -> list[Candidate]:
        """Candidates for the shortest path between two points (u, v): geodesics first, then what they were made from.

        `there` is the march from the source and `back` that from the target, without which only one route is found;
        paths have so many `nodes`, or about one per cell; a route may be longer than the best by the fraction `doubt`
        in the marches to be relaxed as well.
        """
        ends = np.stack([source, target])
        return connect(self.chart, self.marched_shape, ends, there, back, nodes, doubt)

    def find_length(self, source: Floats, target: Floats, there: March, back: March | None) -> float:
        """Return the length of the shortest of the candidates."""
        return min(path.length for path in self.find_candidates(source, target, there, back))

    def _bound(self, distance: Floats, target: Floats) -> float:
        """Return a length in which a march reaches a target by any node around it, infinite where one is unknown."""
        aim = self.to_marched(target)
        j, i = self._find_block(aim)
        nodes = self.from_marched(np.array([[j, i], [j + 1, i], [j, i + 1], [j + 1, i + 1]], float))
        return float((self._take_block(distance, aim).ravel() + self.chart.measure_spokes(target, nodes)).max())

    def _find_block(self, place: Floats) -> np.ndarray:
        """Return column and row of the first of the four nodes around a place on the marched lattice."""
        height, width = self.marched_shape
        return np.asarray(np.clip(np.floor(place).astype(int), 0, (width - 2, height - 2)))

    def _take_block(self, values: Floats, place: Floats) -> Floats:
        """Return the values (2, 2) of the nodes around a place on the marched lattice."""
        j, i = self._find_block(place)
        block: Floats = values.reshape(self.marched_shape)[i : i + 2, j : j + 2]
        return block
