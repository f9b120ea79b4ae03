"""The atlas: one frozen result of a survey, from which geodesics are walked and the map is stretched."""

import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_widget._arrays import Floats
from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.cartograms._cartogram import Cartogram, cartogram
from latent_widget.figures.thumbnails import Thumbnails
from latent_widget.geodesics import Geodesic, distances, geodesic
from latent_widget.geodesics.lines import measure_polyline, stays_allowed
from latent_widget.geodesics.validation import pose_problem

if TYPE_CHECKING:
    from latent_widget.decoders.decoder import Decoder
    from latent_widget.decoders.sequence import SequenceDecoder

REFINED = 257
"""Points of a path that is refined with the decoder."""

FORMAT = "latent_widget atlas 1"

DAMAGED = (
    *(ValueError, KeyError, TypeError, AttributeError, NotImplementedError),
    *(EOFError, OSError, zipfile.BadZipFile, zlib.error),
)
"""What opening a file may raise that is not, or no longer, an atlas."""


@dataclass(frozen=True, eq=False)
class Atlas:
    """Everything that a survey measured: one field per measure on one lattice, with encoded points and thumbnails.

    `points (n, 2)` (in a box `(n, 3)`) are encoded data in plane coordinates and `labels (n,)` their classes;
    `thumbnails` shows what is decoded where; `decoder` is there until the atlas is saved, and after
    `load(..., decoder=...)`.
    """

    lattice: Lattice
    fields: Mapping[str, Field]
    points: Floats | None = None
    labels: np.ndarray | None = None
    thumbnails: Thumbnails | None = None
    decoder: "Decoder | SequenceDecoder | None" = None
    _cartograms: dict[str, Cartogram] = field(default_factory=dict, repr=False)

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

    def mixed(self, weights: Mapping[str, float], temper: float = 1.0, smoothing: float = 0.0) -> Field:
        """Return the weighted, tempered field (Σ wᵢ Gᵢ)ᵗ; measures left out or of weight 0 do not enter.

        The sum is smoothed over `smoothing` cells before it is tempered.

        Raises `KeyError` for an unknown measure and `ValueError` for negative weights or none above 0.
        """
        parts = []
        for name, weight in weights.items():
            measured = self[name]
            if not (np.isfinite(weight) and weight >= 0):
                raise ValueError(f"weights[{name!r}] must be finite and >= 0, got {weight}")
            if weight > 0:
                parts.append(measured if weight == 1 else weight * measured)
        if not parts:
            raise ValueError(f"weights {dict(weights)} switch every measure off; give one of them a weight above 0")
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total.smooth(smoothing).temper(temper)

    def geodesic(
        self, start: Any, end: Any, measure: str | None = None, *, refine: bool = False, **options: Any
    ) -> Geodesic:
        """Walk the shortest path between two plane points under a measure (the first, unless named).

        Where the atlas holds the decoder and the measure is its pull-back, candidates are judged by their decoded
        length, so the path is never longer than the straight line as the decoder measures it. `refine=True` then
        shortens the path on its decoded points, free of the lattice's error, and never makes it longer; that takes two
        end points, no `via`. Options are those of `latent_widget.geodesic`: `alternatives=`, `mask=`, `via=`, `nodes=`,
        `length_of=`.
        """
        if refine:
            return self._refined(start, end, measure, options)
        chosen = self[measure or self.measures[0]]
        if self.decoder is not None and chosen.info.get("measure") == "pullback" and "length_of" not in options:
            options["length_of"] = self.decoded_length
        return geodesic(chosen, start, end, **options)

    def _refined(self, start: Any, end: Any, measure: str | None, options: dict[str, Any]) -> Geodesic:
        chosen = self[measure or self.measures[0]]
        from latent_widget.decoders.decoder import Decoder

        if not isinstance(self.decoder, Decoder) or chosen.info.get("measure") != "pullback":
            raise ValueError("refine=True needs the pull-back measure and an atlas that holds the decoder")
        if options.get("via") is not None:
            raise ValueError("refine=True shortens a path between two points; refine the legs between way-points")
        from latent_widget.measures.path_refinement import shortened

        path = self.geodesic(start, end, measure, **options)
        if path.length == 0.0:
            return path
        mask = options.get("mask")
        before, problem = path.at(REFINED), pose_problem(chosen, mask)
        after = shortened(self.decoder, self.lattice, before, lambda points: stays_allowed(problem, points))
        lengths = [self.decoded_length(path.points), self.decoded_length(after)]
        if lengths[1] >= lengths[0] or not stays_allowed(problem, after):
            return replace(path, decoded_length=lengths[0])
        cumulative = measure_polyline(problem, after)
        return replace(
            path,
            points=after,
            length=float(cumulative[-1]),
            cumulative=cumulative,
            decoded_length=lengths[1],
            message=f"{path.message}, refined with the decoder",
        )

    def decoded_length(self, points: Any) -> float:
        """Return the length of a path `(N, 2)` as the decoder measures it, in output units; needs the decoder."""
        if self.decoder is None:
            raise ValueError("this atlas holds no decoder; load it with Atlas.load(path, decoder=...)")
        from latent_widget.measures import decoded_length

        return decoded_length(self.decoder, self.lattice, points)

    def distances(self, points: Any, targets: Any = None, measure: str | None = None, **options: Any) -> Floats:
        """Return geodesic distances `(n, m)` between plane points, or all against all where `targets` is None.

        Options are those of `latent_widget.distances`: `refine=`, `workers=`, `mask=`.
        """
        return distances(self[measure or self.measures[0]], points, targets, **options)

    def cartogram(self, measure: str | None = None, **options: Any) -> Cartogram:
        """Stretch the map by a measure's density (the first measure, unless named); kept for the next call."""
        name = measure or self.measures[0]
        if options:
            return cartogram(self[name], **options)
        if name not in self._cartograms:
            self._cartograms[name] = cartogram(self[name])
        return self._cartograms[name]

    def plot(self, measure: str | None = None, stretch: float = 1.0, ax: Any = None, **options: Any) -> Any:
        """Draw the map with Matplotlib, `stretch` between the latent plane (0) and the cartogram (1); returns the axes.

        Options are those of `latent_widget.figures.map.draw_map`: `paths=`, `points=`, `thumbnails=`, `grid=`,
        `contours=`, `ellipses=`, `colour_by=`, `weights=`, `view=`.
        """
        from latent_widget.figures.map import draw_map

        return draw_map(self, measure or self.measures[0], stretch=stretch, ax=ax, **options)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the atlas (all but the decoder) to one `.npz` file, which opens without torch and without the model."""
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
        entries["atlas"] = np.array(json.dumps({"format": FORMAT, "measures": infos}, default=_plain))
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
        """Open a saved atlas; `decoder` puts back the model for exact samples and lengths.

        Raises `FileNotFoundError`, and `ValueError` where the file is not an atlas.
        """
        wrong = f"path {os.fspath(path)!r} is not an atlas; give a file that Atlas.save wrote"
        try:
            with np.load(path, allow_pickle=False) as stored:
                entries = {name: stored[name] for name in stored.files}
            told = json.loads(str(entries["atlas"]))
            if told["format"] != FORMAT:
                raise ValueError(f"its format is {told['format']!r}, this version reads {FORMAT!r}")
            extent = tuple(float(v) for v in entries["extent"])
            shape = tuple(int(n) for n in entries["shape"])
            lattice = Lattice(extent, shape, entries.get("origin"), entries.get("basis"))
            fields = {}
            for index, (measure, info) in enumerate(told["measures"].items()):
                arrays = {k.split(".", 2)[2]: v for k, v in entries.items() if k.startswith(f"info.{index}.")}
                fields[measure] = Field(lattice, entries[f"metric.{index}"], {**info, **arrays})
            thumbnails = None
            if "thumbnails" in entries:
                low, high = (float(v) for v in entries["levels"])
                thumbnails = Thumbnails(entries["thumbnails"], (low, high), bool(entries.get("blend", True)))
            return cls(lattice, fields, entries.get("points"), entries.get("labels"), thumbnails, decoder)
        except FileNotFoundError:
            raise
        except DAMAGED as error:
            raise ValueError(f"{wrong} ({type(error).__name__}: {error})") from error


def _plain(value: Any) -> Any:
    """Return a number or array of NumPy's as JSON holds it, and anything else as text."""
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else str(value)
