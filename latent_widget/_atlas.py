"""The atlas: one frozen result of a survey, which answers for paths, distances and maps, and is saved to one file.

Whatever computes is imported where it is asked for, so that a saved atlas opens without torch and without Numba.
"""

import dataclasses
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latent_widget._arrays import Floats
from latent_widget._field import Field, normalise_weights
from latent_widget._lattice import Lattice
from latent_widget.figures.thumbnails import Thumbnails

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from latent_widget.decoders.decoder import Decoder
    from latent_widget.decoders.sequence import SequenceDecoder
    from latent_widget.geodesics import Geodesic
    from latent_widget.maps._map import Map
    from latent_widget.maps.methods import LazyMap

REFINED_POINTS = 257
"""Points of a path that is refined with the decoder."""

FORMAT = "latent_widget atlas 1"
"""What the files say that they are; files of another format are refused."""

READ_ERRORS = (
    *(ValueError, KeyError, TypeError, AttributeError, NotImplementedError),
    *(EOFError, OSError, zipfile.BadZipFile, zlib.error),
)
"""What opening a file may raise that is not, or no longer, an atlas."""


@dataclass(frozen=True, eq=False)
class Atlas:
    """Everything that a survey measured: one field per measure on one lattice, with encoded points and thumbnails.

    Parameters
    ----------
    lattice : Lattice
        The cells.
    fields : mapping of str to Field
        What was measured, by the names of the measures.
    points : ndarray (n, 2), optional
        Encoded data in plane coordinates; in a box `(n, 3)`.
    labels : ndarray (n,), optional
        Their classes.
    thumbnails : Thumbnails, optional
        What is decoded where.
    decoder : Decoder or SequenceDecoder, optional
        What was measured; it is there until the atlas is saved, and after `load(..., decoder=...)`.

    Raises
    ------
    ValueError
        Where there is no field, or one that lies on another lattice or has impassable cells.
    """

    lattice: Lattice
    fields: Mapping[str, Field]
    points: Floats | None = None
    labels: NDArray[Any] | None = None
    thumbnails: Thumbnails | None = None
    decoder: "Decoder | SequenceDecoder | None" = None

    def __post_init__(self) -> None:
        if not self.fields:
            raise ValueError("fields is empty; an atlas holds at least one measured field")
        for name, measured in self.fields.items():
            if not measured.lattice.same_as(self.lattice):
                raise ValueError(f"fields[{name!r}] lies on another lattice than the atlas; survey it on the same one")
            if measured.walls.any():
                raise ValueError(
                    f"fields[{name!r}] has {measured.walls.sum()} impassable cells, which a map can neither colour nor "
                    "stretch; keep it out of the atlas and walk on it by lw.geodesic"
                )

    @property
    def measures(self) -> list[str]:
        """Names of the measures, in the order in which they were asked for."""
        return list(self.fields)

    def __getitem__(self, measure: str) -> Field:
        if measure not in self.fields:
            raise KeyError(f"measure {measure!r} is not in this atlas, which holds {', '.join(self.fields)}")
        return self.fields[measure]

    def __repr__(self) -> str:
        points = "no points" if self.points is None else f"{len(self.points)} points"
        return f"Atlas({', '.join(self.measures)} on {self.lattice.shape} over {self.lattice.extent}, {points})"

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled and copied: the fields of the dataclass, and no map that was computed."""
        return {part.name: getattr(self, part.name) for part in dataclasses.fields(self)}

    def mixed(
        self, weights: Mapping[str, float], temper: float = 1.0, smoothing: float = 0.0, normalise: bool = True
    ) -> Field:
        """Mix the fields: the weighted, smoothed and tempered (Σ wᵢ Gᵢ / mᵢ)ᵗ, mᵢ the mean density √det Gᵢ.

        Measures come in units of their own; divided by their mean density, equal weights mean equal parts, and lengths
        are in no measure's unit. A single measure is not divided. `0.3 * field_a + 0.7 * field_b` is the plain sum.

        Parameters
        ----------
        weights : mapping of str to float
            Weight of each measure; measures left out or of weight 0 do not enter.
        temper, smoothing : float
            The power t, and the deviation in cells of the Gaussian that smooths the sum before.
        normalise : bool
            Whether several measures are divided by their mean densities; False adds the fields as they are.

        Returns
        -------
        Field
            The mixture; in a box mᵢ is the power ⅔ of the mean density.

        Raises
        ------
        KeyError
            For an unknown measure.
        ValueError
            For negative weights, or none above 0.
        """
        chosen = {name: self[name] for name in weights}
        for name, weight in weights.items():
            if not (np.isfinite(weight) and weight >= 0):
                raise ValueError(f"weights[{name!r}] must be finite and >= 0, got {weight}")
        used = normalise_weights(chosen, weights) if normalise else weights
        parts = [chosen[name] if w == 1 else w * chosen[name] for name, w in used.items() if w > 0]
        if not parts:
            raise ValueError(f"weights {dict(weights)} switch every measure off; give one of them a weight above 0")
        return sum(parts[1:], parts[0]).smooth(smoothing).temper(temper)

    def geodesic(
        self, start: ArrayLike, end: ArrayLike, measure: str | None = None, *, refine: bool = False, **options: Any
    ) -> "Geodesic":
        """Find the shortest path between two plane points under a measure.

        Where the atlas holds the decoder and the measure is its pull-back, candidates are judged by their decoded
        length, so the path is never longer than the straight line as the decoder measures it.

        Parameters
        ----------
        start, end : array_like (2,)
            Plane points.
        measure : str, optional
            The first measure, unless named.
        refine : bool
            Shorten the path on its decoded points, free of the lattice's error, and never make it longer; that takes
            two end points, no `via`.
        **options
            Those of `latent_widget.geodesic`: `alternatives=`, `mask=`, `via=`, `nodes=`, `length_of=`.

        Returns
        -------
        Geodesic
            The path, with its lengths.

        Raises
        ------
        KeyError
            For an unknown measure.
        ValueError
            For points outside the extent, and where `refine` is asked for without decoder or pull-back.
        """
        from latent_widget.geodesics import geodesic

        if refine:
            return self._refine_geodesic(start, end, measure, options)
        chosen = self[measure or self.measures[0]]
        if self.decoder is not None and chosen.info.get("measure") == "pullback" and "length_of" not in options:
            options["length_of"] = self.decoded_length
        return geodesic(chosen, start, end, **options)

    def _refine_geodesic(
        self, start: ArrayLike, end: ArrayLike, measure: str | None, options: dict[str, Any]
    ) -> "Geodesic":
        chosen = self[measure or self.measures[0]]
        from latent_widget.decoders.decoder import Decoder
        from latent_widget.geodesics._geodesic import find_geodesic
        from latent_widget.geodesics.lines import measure_polyline, stays_allowed
        from latent_widget.geodesics.validation import pose_problem

        if not isinstance(self.decoder, Decoder) or chosen.info.get("measure") != "pullback":
            raise ValueError("refine=True needs the pull-back measure and an atlas that holds the decoder")
        if options.get("via") is not None:
            raise ValueError("refine=True shortens a path between two points; refine the legs between way-points")
        from latent_widget.measures.decoded_path_refinement import shorten

        # one problem for the path and for what is asked of it afterwards
        problem = pose_problem(chosen, options.pop("mask", None))
        path = find_geodesic(problem, chosen, start, end, **{"length_of": self.decoded_length, **options})
        if path.length == 0.0:
            return path
        before = path.at(REFINED_POINTS)
        after = shorten(self.decoder, self.lattice, before, lambda points: stays_allowed(problem, points))
        lengths = [self.decoded_length(path.points), self.decoded_length(after)]
        if lengths[1] >= lengths[0] or not stays_allowed(problem, after):
            return dataclasses.replace(path, decoded_length=lengths[0])
        cumulative = measure_polyline(problem, after)
        return dataclasses.replace(
            path,
            points=after,
            length=float(cumulative[-1]),
            cumulative=cumulative,
            decoded_length=lengths[1],
            message=f"{path.message}, refined with the decoder",
        )

    def decoded_length(self, points: ArrayLike) -> float:
        """Measure the length of a path by the decoder.

        Parameters
        ----------
        points : array_like (N, 2)
            The path, in plane coordinates.

        Returns
        -------
        float
            Its length in output units.

        Raises
        ------
        ValueError
            Where the atlas holds no decoder.
        """
        if self.decoder is None:
            raise ValueError("this atlas holds no decoder; load it with Atlas.load(path, decoder=...)")
        from latent_widget.measures import decoded_length

        return decoded_length(self.decoder, self.lattice, points)

    def distances(
        self, points: ArrayLike, targets: ArrayLike | None = None, measure: str | None = None, **options: Any
    ) -> Floats:
        """Measure geodesic distances between plane points.

        Parameters
        ----------
        points : array_like (n, 2)
            Plane points.
        targets : array_like (m, 2), optional
            Plane points; all of `points` where left out.
        measure : str, optional
            The first measure, unless named.
        **options
            Those of `latent_widget.distances`: `refine=`, `workers=`, `mask=`.

        Returns
        -------
        ndarray (n, m)
            Distances in the measure's own unit.
        """
        from latent_widget.geodesics import distances

        return distances(self[measure or self.measures[0]], points, targets, **options)

    @cached_property
    def _maps(self) -> Mapping[tuple[str, str], "LazyMap"]:
        from latent_widget.maps.methods import METHODS, LazyMap

        named = self.fields.items()
        return {(name, method): LazyMap(field, method, self.points) for name, field in named for method in METHODS}

    def map(self, measure: str | None = None, method: str = "distances", **options: Any) -> "Map":
        """Map the plane to a page by a measure.

        Without options the map is computed once and kept for the next call.

        Parameters
        ----------
        measure : str, optional
            The first measure, unless named.
        method : {"distances", "isometric", "cartogram"}
            "distances" keeps geodesic distances between some of the encoded points, "isometric" distorts the
            measure's lengths least, cell by cell and in a fraction of the time, "cartogram" has its areas, in the same
            rectangle.
        **options
            Those of `latent_widget.isometric_map`, `latent_widget.cartogram` or `latent_widget.distance_map`. The
            atlas's points go in as `points=` of the first, unless `weights=` is there, of the last, and of a
            cartogram with `frame="metric"`.

        Returns
        -------
        Map
            The map, with what it distorts.

        Raises
        ------
        KeyError
            For an unknown measure.
        ValueError
            For an unknown method, and as those functions.
        """
        name = measure or self.measures[0]
        chosen = self[name]
        if not options and (name, method) in self._maps:
            return self._maps[name, method].map
        from latent_widget.maps.methods import make_map

        return make_map(chosen, method, self.points, options)

    def cartogram(self, measure: str | None = None, **options: Any) -> "Map":
        """Stretch the map by a measure's density: `map` with `method="cartogram"`.

        Parameters
        ----------
        measure : str, optional
            The first measure, unless named.
        **options
            Those of `latent_widget.cartogram`; without any the map is kept.

        Returns
        -------
        Map
            The stretched map.
        """
        return self.map(measure, "cartogram", **options)

    def plot(
        self, measure: str | None = None, stretch: float = 1.0, ax: "Axes | None" = None, **options: Any
    ) -> "Axes":
        """Draw the map with Matplotlib.

        Parameters
        ----------
        measure : str, optional
            The first measure, unless named.
        stretch : float
            Between the latent plane (0) and the map (1).
        ax : matplotlib.axes.Axes, optional
            Where it is drawn; by default into a new figure.
        **options
            Those of `latent_widget.figures.map.draw_map`: `method=`, the map as of `map`, "cartogram" unless told;
            `paths=`, `points=`, `thumbnails=`, `grid=`, `contours=`, `ellipses=`, `colour_by=`, `weights=`, `view=`.

        Returns
        -------
        matplotlib.axes.Axes
            Where it was drawn.
        """
        from latent_widget.figures.map import draw_map

        return draw_map(self, measure or self.measures[0], stretch=stretch, ax=ax, **options)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the atlas (all but the decoder) to one `.npz` file, which opens without torch and without the model.

        Parameters
        ----------
        path : str or path
            The file, whatever its name; one that is there is replaced once the new one is whole.
        """
        entries: dict[str, Any] = {"extent": np.array(self.lattice.extent), "shape": np.array(self.lattice.shape)}
        infos = {}
        for name in ("origin", "basis"):
            if getattr(self.lattice, name) is not None:
                entries[name] = getattr(self.lattice, name)
        for index, (measure, measured) in enumerate(self.fields.items()):
            entries[f"metric.{index}"] = measured.metric
            infos[measure] = {k: v for k, v in measured.info.items() if not isinstance(v, np.ndarray)}
            arrays = {k: v for k, v in measured.info.items() if isinstance(v, np.ndarray)}
            entries |= {f"info.{index}.{k}": v for k, v in arrays.items()}
        if self.points is not None:
            entries["points"] = self.points
        if self.labels is not None:
            entries["labels"] = self.labels
        if self.thumbnails is not None:
            entries |= {"thumbnails": self.thumbnails.images, "levels": np.array(self.thumbnails.levels)}
            entries["blend"] = np.array(self.thumbnails.blend)
        entries["atlas"] = np.array(json.dumps({"format": FORMAT, "measures": infos}, default=_to_json))
        target = Path(path)
        # written aside and moved, so that a full disk or an interrupt never leaves half an atlas under the name
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=target.name, suffix=".part", delete=False) as part:
            try:
                np.savez_compressed(part, allow_pickle=False, **entries)
                part.close()
                os.replace(part.name, target)
            except BaseException:
                part.close()
                Path(part.name).unlink(missing_ok=True)
                raise

    @classmethod
    def load(cls, path: str | os.PathLike[str], decoder: "Decoder | SequenceDecoder | None" = None) -> "Atlas":
        """Open a saved atlas.

        Parameters
        ----------
        path : str or path
            A file that `save` wrote.
        decoder : Decoder or SequenceDecoder, optional
            The model, for exact samples and lengths.

        Returns
        -------
        Atlas
            As it was saved, with the decoder given here.

        Raises
        ------
        FileNotFoundError
            Where there is no such file.
        ValueError
            Where the file is not an atlas.
        """
        wrong = f"path {os.fspath(path)!r} is not an atlas; give a file that Atlas.save wrote"
        try:
            with np.load(path, allow_pickle=False) as stored:
                entries = {name: stored[name] for name in stored.files}
            header = json.loads(str(entries["atlas"]))
            if header["format"] != FORMAT:
                raise ValueError(f"its format is {header['format']!r}, this version reads {FORMAT!r}")
            extent = tuple(float(v) for v in entries["extent"])
            shape = tuple(int(n) for n in entries["shape"])
            lattice = Lattice(extent, shape, entries.get("origin"), entries.get("basis"))
            fields = {}
            for index, (measure, info) in enumerate(header["measures"].items()):
                arrays = {k.split(".", 2)[2]: v for k, v in entries.items() if k.startswith(f"info.{index}.")}
                fields[measure] = Field(lattice, entries[f"metric.{index}"], {**info, **arrays})
            thumbnails = None
            if "thumbnails" in entries:
                low, high = (float(v) for v in entries["levels"])
                thumbnails = Thumbnails(entries["thumbnails"], (low, high), bool(entries.get("blend", True)))
            return cls(lattice, fields, entries.get("points"), entries.get("labels"), thumbnails, decoder)
        except FileNotFoundError:
            raise
        except READ_ERRORS as error:
            raise ValueError(f"{wrong} ({type(error).__name__}: {error})") from error


def _to_json(value: Any) -> Any:
    """Return a number or array of NumPy's as JSON holds it, and anything else as text."""
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else str(value)
