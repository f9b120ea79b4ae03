"""Audit of a map: stress (Kruskal 1964, [18]) and rank correlation (Spearman) of page against geodesic distances.

The plain plane and a map of a placebo stand beside it: what they reach as well is no merit of the measure.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_widget._field import Field
from latent_widget._lattice import need_plane
from latent_widget.maps._map import Map, fills_extent
from latent_widget.maps._placebo import placebo
from latent_widget.maps.methods import DEFAULT, METHODS, make_map
from latent_widget.maps.validation import check_seed, is_whole, read_rows

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    Array = np.ndarray[Any, np.dtype[np.float64]]

FEWEST = 3
# A stress is better only where it is lower by more than this: half a percent of a distance, more than the choice of
# `refine` changes.
MARGIN = 0.005


@dataclass(frozen=True)
class Agreement:
    """How distances on a page agree with geodesic distances.

    Attributes
    ----------
    stress : float
        Kruskal's stress-1 [18] with the best scale s, √(Σ (s·page − geodesic)² / Σ geodesic²): the relative error of a
        distance, root mean square; 0 is exact.
    spearman : float
        Rank correlation; 1 where every distance has its place in order.
    scale : float
        The best s, geodesic length of one unit of the page's distances.

    """

    stress: float
    spearman: float
    scale: float


@dataclass(frozen=True)
class Audit:
    """What a map is worth for one field, in a few numbers.

    Attributes
    ----------
    measure : str
        Name of the measure, where the field has one.
    method : str
        Method of the map.
    points, pairs : int
        How many points, and distances between them, were compared.
    plane, map, placebo : Agreement
        Of distances in the plain plane, of straight distances on the map, and of those on a map that was made alike
        from the field turned by 180 degrees; all against the geodesic distances of the field itself.
    anisotropy, rms_area_error : float
        Of the map, over all cells: mean of the most over the least stretch, 1 where angles are true, and root mean
        square of the relative error of areas.
    anisotropy_at_points, area_error_at_points : float
        The same over the cells in which the points lie.
    folds : int
        Of the map.
    converged, placebo_converged : bool
        Of the map, and of the placebo's.

    """

    measure: str
    method: str
    points: int
    pairs: int
    plane: Agreement
    map: Agreement
    placebo: Agreement
    anisotropy: float
    rms_area_error: float
    anisotropy_at_points: float
    area_error_at_points: float
    folds: int
    converged: bool
    placebo_converged: bool

    @property
    def _rows(self) -> list[tuple[str, Agreement]]:
        return [("plain plane", self.plane), (f"this map, {self.method}", self.map), ("map of a placebo", self.placebo)]

    @property
    def _summary(self) -> str:
        folds = "no folds" if self.folds == 0 else f"{self.folds} folds, so it is not one-to-one"
        return (
            f"Distances are off by {self.map.stress:.1%} on this map, {self.plane.stress:.1%} in the plain plane, "
            f"{self.placebo.stress:.1%} on the map of a placebo (root mean square): {self._verdict}. "
            f"Where the points lie, it stretches {self.anisotropy_at_points:.2f} times more one way than across, and "
            f"areas are off by {self.area_error_at_points:.1%}; {folds}{'' if self.converged else ', not converged'}."
            f"{'' if self.placebo_converged else ' The map of the placebo did not converge: it could do better.'}"
        )

    @property
    def _verdict(self) -> str:
        """What the three stresses say together, where a difference of no more than MARGIN is none."""
        beats_plane = self.map.stress < self.plane.stress - MARGIN
        beats_placebo = self.map.stress < self.placebo.stress - MARGIN
        if beats_plane and beats_placebo:
            return "a straight line on this map tells distances better than the plain plane and the placebo do"
        if beats_plane:
            return (
                "this map tells distances better than the plain plane, but no better than the map of a placebo, so "
                "that the gain does not come from where the measure is large"
            )
        if beats_placebo:
            return "this map tells distances better than the map of a placebo, but no better than the plain plane"
        return "this map tells distances no better than the plain plane, nor than the map of a placebo"

    def __str__(self) -> str:
        lines = [f"{self.pairs} geodesic distances between {self.points} points, measure: {self.measure}"]
        lines.append(f"{'':28}{'stress':>8}{'Spearman':>10}")
        lines += [f"{name:28}{found.stress:8.3f}{found.spearman:10.3f}" for name, found in self._rows]
        return "\n".join([*lines, self._summary])

    def _repr_markdown_(self) -> str:
        lines = [f"| {self.pairs} geodesic distances of {self.measure} | stress | Spearman |", "| --- | --- | --- |"]
        lines += [f"| {name} | {found.stress:.3f} | {found.spearman:.3f} |" for name, found in self._rows]
        return "\n".join([*lines, "", self._summary])


def audit(
    field: Field,
    points: ArrayLike | None = None,
    map: Map | str | None = None,  # noqa: A002
    *,
    sources: int = 60,
    seed: int = 0,
    refine: bool = True,
) -> Audit:
    """Compare straight distances on a map with geodesic distances, beside the plain plane and a placebo.

    Parameters
    ----------
    field : Field
        The metric, of a plane.
    points : array_like (n, 2), optional
        Plane points between which distances are compared, such as encoded data; by default random ones, even over the
        extent.
    map : Map or str, optional
        The map, or the method by which it is made: "distances", as by default, "isometric" or "cartogram". The
        placebo's map is made by the same method and of the same points, with that method's defaults, and in the
        metric's frame where the map is a cartogram that does not fill the extent.
    sources : int
        The most points; of more, so many are chosen at random.
    seed : int
        Of that choice, a whole number of at least 0.
    refine : bool
        As of `latent_widget.distances`: False is some eight times faster, and changes a stress by about 0.001.

    Returns
    -------
    Audit
        The numbers, which print as a small table and two or three sentences. They call a map better than another only
        where its stress is lower by more than 0.005.

    Raises
    ------
    TypeError
        For what is no field, and for a map that is neither a Map nor the name of a method.
    ValueError
        For fewer than 3 points or sources, points outside the extent, points that all coincide, an unknown method, a
        map of another lattice, a bad seed, and a field of three dimensions.

    Warns
    -----
    RuntimeWarning
        When a map that is made here did not converge; of the placebo's map the result says so instead.

    References
    ----------
    [18] J. B. Kruskal, "Multidimensional scaling by optimizing goodness of fit to a nonmetric hypothesis",
    Psychometrika 29, 1 (1964).

    """
    if not isinstance(field, Field):
        raise TypeError(f"field must be a latent_widget.Field, got {type(field).__name__}")
    need_plane(field.lattice, "an audit")
    check_seed(seed)
    chosen = _choose_points(field, points, sources, np.random.default_rng(seed))
    given = None if points is None else read_rows(points, field.lattice.extent, "points")
    shown = _find_map(field, map, given)
    if shown.extent != field.lattice.extent or shown.area_error.shape != field.lattice.shape:
        raise ValueError(
            f"map={shown!r} has {shown.area_error.shape} cells, the field {field.lattice.shape} over "
            f"{field.lattice.extent}: make it from this field"
        )
    from latent_widget.geodesics import distances

    upper = np.triu_indices(len(chosen), 1)
    truth = distances(field, chosen, refine=refine)[upper]
    if not truth.max() > 0.0:
        raise ValueError(f"points has {len(chosen)} rows, all at one place; give points that differ")
    with warnings.catch_warnings():
        # it would look like one about the map; the summary says of the placebo's own that it did not converge
        warnings.filterwarnings("ignore", r".*\d folds", RuntimeWarning)
        control = make_map(placebo(field), *_tell_method(shown, given))
    plane = np.linalg.norm(chosen[:, None] - chosen, axis=-1)
    pages = (plane, shown.distances(chosen), control.distances(chosen))
    found = [compare_distances(page[upper], truth) for page in pages]
    place = field.lattice.find_cells(chosen)
    stretch = shown.distortion[place]
    return Audit(
        measure=str(field.info.get("measure", "metric")),
        method=shown.method,
        points=len(chosen),
        pairs=len(truth),
        plane=found[0],
        map=found[1],
        placebo=found[2],
        anisotropy=shown.anisotropy,
        rms_area_error=shown.rms_area_error,
        anisotropy_at_points=float((stretch[:, 0] / stretch[:, 1]).mean()),
        area_error_at_points=float(np.sqrt(np.square(shown.area_error[place]).mean())),
        folds=shown.folds,
        converged=shown.converged,
        placebo_converged=control.converged,
    )


def compare_distances(page: Array, truth: Array) -> Agreement:
    """Return how distances on a page (n,) agree with true ones (n,), at the scale that fits best."""
    from scipy.stats import rankdata

    square = float(page @ page)
    scale = float(page @ truth) / square if square > 0.0 else 0.0
    stress = float(np.sqrt(np.square(scale * page - truth).sum() / np.square(truth).sum()))
    one, two = (rank - rank.mean() for rank in (rankdata(page), rankdata(truth)))
    norm = float(np.sqrt((one @ one) * (two @ two)))
    return Agreement(stress, float(one @ two) / norm if norm > 0.0 else 0.0, scale)


def _find_map(field: Field, given: Map | str | None, points: Array | None) -> Map:
    """Return the map that was given, or make it by the method that was named."""
    if isinstance(given, Map):
        return given
    methods = ", ".join(repr(name) for name in METHODS)
    if given is not None and not isinstance(given, str):
        raise TypeError(f"map={given!r}: give a Map of this field, or one of {methods}")
    if given is not None and given not in METHODS:
        raise ValueError(f"map={given!r}: use one of {methods}, or give a Map of this field")
    return make_map(field, given or DEFAULT, points, {})


def _choose_points(field: Field, points: ArrayLike | None, sources: int, rng: np.random.Generator) -> Array:
    """Return at most so many of the points (n, 2), or random ones over the extent."""
    if not is_whole(sources, FEWEST):
        raise ValueError(f"sources={sources!r}: give a number of points, at least {FEWEST}")
    extent = field.lattice.extent
    if points is None:
        return rng.uniform(extent[0::2], extent[1::2], (sources, 2))
    rows = read_rows(points, extent, "points")
    if len(rows) < FEWEST:
        raise ValueError(f"points has {len(rows)} rows: give at least {FEWEST}")
    return rows if len(rows) <= sources else rows[np.sort(rng.choice(len(rows), sources, replace=False))]


def _tell_method(made: Map, points: Array | None) -> tuple[str, Array | None, dict[str, Any]]:
    """Return what `make_map` needs for another map of the same method."""
    if made.method not in ("diffusion", "direct"):
        return made.method, points, {}
    frame = "plane" if fills_extent(made.corners, made.extent) else "metric"
    return "cartogram", points, {"method": made.method, "frame": frame}
