"""A path over a field, with its length: what geodesics and the lines beside them are returned as."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from latent_widget._arrays import Floats
from latent_widget.geodesics.validation import need_count, show

PathKind = Literal["geodesic", "straight", "slerp", "stretched"]
Spacing = Literal["measure", "latent", "parameter"]


@dataclass(frozen=True, eq=False, repr=False)
class Geodesic:
    """A path over a field, and how long it is: the integral of sqrt(dx^T G dx) along the polyline of its points.

    Attributes
    ----------
    points : ndarray (N, 2)
        Plane coordinates.
    length : float
        As the field measures it, in units of the measure.
    straight_length : float
        That of the straight line between its ends; infinite where that would cross cells that paths may not enter.
    converged : bool
        Whether the path is a minimum of the length to round-off.
    kind : {"geodesic", "straight", "slerp", "stretched"}
        What it is.
    message : str
        How it was found, in words.
    cumulative : ndarray (N,)
        The length up to each point.
    decoded_length : float or None
        What `length_of` gave for it; None without.
    alternatives : tuple of Geodesic
        Further routes, locally shortest, where they were asked for.

    """

    points: Floats
    length: float
    straight_length: float
    converged: bool
    kind: PathKind
    message: str
    cumulative: Floats
    decoded_length: float | None = None
    alternatives: tuple[Geodesic, ...] = ()

    @property
    def evenness(self) -> float:
        """Shortest step between neighbouring points by the longest, as measured.

        It is 1 at constant speed, as on a geodesic, unless that was bent by a mask or way-points; 0 for a line of
        infinite length.
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

    def at(self, n: int, by: Spacing = "measure") -> Floats:
        """Return `n` points along the path, ends included, evenly spaced.

        Parameters
        ----------
        n : int
            How many, at least 2.
        by : {"measure", "latent", "parameter"}
            Even in measured length, in latent distance, or in the parameter of the path, which numbers its own points:
            it runs evenly along a stretched line on the stretched map, and for slerp in the angle between equal norms.

        Returns
        -------
        ndarray (n, 2)
            Plane points.

        Raises
        ------
        ValueError
            For n < 2, another `by`, and by "measure" on a line of infinite length.

        """
        n = need_count(n)
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
        return np.asarray(np.stack([np.interp(targets, along, self.points[:, c]) for c in range(2)], axis=-1))


def set_ends(points: Floats, start: Floats, end: Floats) -> Floats:
    """Return the points with exact ends, free of round-off."""
    exact = points.copy()
    exact[0], exact[-1] = start, end
    return exact
