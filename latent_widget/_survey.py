"""The survey: decoder and lattice in, atlas out. The steps read top to bottom in `carry_out`."""

import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from tqdm.auto import tqdm

from latent_widget._arrays import Floats, as_floats
from latent_widget._atlas import Atlas
from latent_widget._field import Field, warn_of_floor
from latent_widget._lattice import Lattice
from latent_widget.decoders import outputs
from latent_widget.decoders.decoder import Decoder
from latent_widget.decoders.sequence import SequenceDecoder
from latent_widget.figures.thumbnails import Pixels, Thumbnails, choose_levels, draw_thumbnails
from latent_widget.measures import Measure, is_local, look_up, prepare

AnyDecoder = Decoder | SequenceDecoder | Callable[..., Any]
MeasureLike = str | Measure | tuple[str, Measure]
Progress = bool | Callable[[int, int, str], None]

TILE = 8192
"""Cells surveyed in one piece; memory grows with this, not with the lattice."""
CANCELLABLE_BANDS = 16
"""Bands of a survey that can be cancelled, or more."""
MOST_BYTES = 2_000_000
"""Most bytes of thumbnails in an atlas."""
LEAST_THUMBNAILS = 8
"""Thumbnails along a side below which they are not thinned out for the sake of bytes."""


class SurveyError(ValueError):
    """A measure failed, or the survey was cancelled.

    Parameters
    ----------
    message : str
        What happened.
    atlas : Atlas or None
        What had been measured before; None where nothing had.
    """

    def __init__(self, message: str, atlas: Atlas | None) -> None:
        super().__init__(message)
        self.atlas = atlas


class _CancelledError(Exception):
    """Somebody asked for the survey to stop."""


@dataclass(frozen=True, eq=False)
class Plan:
    """What a survey will measure, with arguments that were checked; `points (n, 2)` lie on the plane."""

    decoder: Decoder | SequenceDecoder
    lattice: Lattice
    measures: Mapping[str, Measure]
    points: Floats | None
    labels: NDArray[Any] | None
    executor: Executor | None
    thumbnails: int


def survey(
    decoder: AnyDecoder,
    lattice: Lattice,
    measures: MeasureLike | Iterable[MeasureLike] = ("pullback",),
    points: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    executor: Executor | None = None,
    progress: Progress = True,
    thumbnails: int = 32,
    cancel: Event | None = None,
) -> Atlas:
    """Measure a decoder on a lattice with one or more measures, and return the atlas.

    Parameters
    ----------
    decoder : Decoder, SequenceDecoder or callable
        What is measured; a callable is wrapped in a `Decoder` of the lattice's latent dimension.
    lattice : Lattice
        Where it is measured; a plane or a box.
    measures : iterable of str, callable or tuple of (str, callable)
        Names of measures, functions `(decoder, lattice) -> Field`, or functions with names of their own.
    points : array_like (n, d), optional
        Encoded latents, shown where they project onto the plane.
    labels : array_like (n,), optional
        Their classes.
    executor : concurrent.futures.Executor, optional
        Over which the bands of local measures, at most 8192 cells each, are mapped.
    progress : bool or callable
        True for a bar, or a function of `(done, total, measure)`.
    thumbnails : int
        Most decoded pictures along the longer side of the map, 0 for none; a box of three dimensions gets none.
    cancel : threading.Event, optional
        Set from another thread, it ends the survey with its present band. Where it is given, bands are smaller, so that
        the end comes soon.

    Returns
    -------
    Atlas
        One field per measure, with points, labels, thumbnails and decoder.

    Raises
    ------
    ValueError
        Before anything is measured, for bad arguments and decoders.
    SurveyError
        Where a measure fails or the survey is cancelled; its `.atlas` keeps the measures already taken.
    """
    return carry_out(make_plan(decoder, lattice, measures, points, labels, executor, thumbnails), progress, cancel)


def make_plan(
    decoder: AnyDecoder,
    lattice: Lattice,
    measures: MeasureLike | Iterable[MeasureLike] = ("pullback",),
    points: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    executor: Executor | None = None,
    thumbnails: int = 32,
) -> Plan:
    """Check the arguments of a survey, and decode nothing yet. Raises `ValueError` for bad ones."""
    if not isinstance(decoder, Decoder | SequenceDecoder):
        decoder = Decoder(decoder, latent_dim=lattice.latent_dim)
    by_name = _name_measures(measures)
    on_plane = _project_points(points, lattice)
    classes = _check_labels(labels, on_plane)
    return Plan(decoder, lattice, by_name, on_plane, classes, executor, thumbnails)


def carry_out(plan: Plan, progress: Progress = True, cancel: Event | None = None) -> Atlas:
    """Measure what was planned; see `survey`."""
    decoder, lattice = plan.decoder, plan.lattice
    bands = _cut_bands(lattice, TILE if cancel is None else min(TILE, math.prod(lattice.shape) // CANCELLABLE_BANDS))
    pieces = {name: bands if is_local(measure) else [lattice] for name, measure in plan.measures.items()}
    total = sum(len(parts) for parts in pieces.values())
    fields: dict[str, Field] = {}
    with decoder.evaluation_mode():
        decoder.probe(lattice)
        wanted = plan.thumbnails and lattice.ndim == 2
        pictures = _draw_thumbnails(decoder, lattice, plan.thumbnails) if wanted else None

        def collect() -> Atlas:
            return Atlas(lattice, dict(fields), plan.points, plan.labels, pictures, decoder)

        def make_error(message: str) -> SurveyError:
            kept = f"; kept in the error's .atlas: {', '.join(fields)}" if fields else ""
            return SurveyError(message + kept, collect() if fields else None)

        with _report_progress(progress, total, cancel) as step:
            for name, measure in plan.measures.items():
                try:
                    ready = prepare(measure, decoder, lattice)
                    parts = _measure_bands(ready, name, decoder, pieces[name], plan.executor, step)
                    fields[name] = _join_bands(parts, name, lattice)
                except _CancelledError:
                    raise make_error(f"the survey was cancelled while {name!r} was measured") from None
                except Exception as error:
                    raise make_error(f"measure {name!r} failed: {error}") from error
    return collect()


def _name_measures(measures: MeasureLike | Iterable[MeasureLike]) -> dict[str, Measure]:
    if isinstance(measures, str) or callable(measures):
        measures = [measures]
    found: dict[str, Measure] = {}
    for measure in measures:
        name, function = look_up(measure)
        if name in found:
            raise ValueError(f"measures names {name!r} twice; tell them apart as (name, function)")
        found[name] = function
    if not found:
        raise ValueError("measures is empty; give at least one, for instance ['pullback']")
    return found


def _project_points(points: ArrayLike | None, lattice: Lattice) -> Floats | None:
    if points is None:
        return None
    latents = as_floats(points, "points")
    if latents.ndim != 2 or latents.shape[1] != lattice.latent_dim:
        raise ValueError(f"points must be latents of shape (n, {lattice.latent_dim}), got {latents.shape}")
    on_plane = lattice.project(latents)
    outside = int((~lattice.contains(on_plane)).sum())
    if outside:
        warnings.warn(
            f"{outside} of {len(on_plane)} points lie outside the lattice's extent {lattice.extent} and will not be "
            "seen; Lattice.fit(points) lays one that holds them all",
            stacklevel=4,
        )
    return on_plane


def _check_labels(labels: Any, points: Floats | None) -> NDArray[Any] | None:
    if labels is None:
        return None
    if points is None:
        raise ValueError("labels were given without points; give points (n, d), the encoded latents, too")
    classes = np.asarray(labels.detach().cpu() if hasattr(labels, "detach") else labels)
    if classes.dtype == object:
        classes = classes.astype(str)
    if classes.shape != (len(points),):
        raise ValueError(f"labels must have one entry per point, shape ({len(points)},), got {classes.shape}")
    return classes


def _cut_bands(lattice: Lattice, tile: int) -> list[Lattice]:
    rows = lattice.shape[0]
    # every band has two rows or more, as a lattice must
    count = max(1, min(rows // 2, round(math.prod(lattice.shape) / max(1, tile))))
    edges = np.linspace(0, rows, count + 1).round().astype(int)
    return [lattice.band(int(a), int(b)) for a, b in pairwise(edges)]


def _measure_bands(
    measure: Measure,
    name: str,
    decoder: Decoder | SequenceDecoder,
    bands: Sequence[Lattice],
    executor: Executor | None,
    step: Callable[[str], None],
) -> list[Field]:
    """Measure band by band, here or on the executor; `step` is called after each, and may raise to stop the survey."""
    parts = []
    futures = [] if executor is None else [executor.submit(measure, decoder, band) for band in bands]
    results = (future.result() for future in futures) if futures else (measure(decoder, band) for band in bands)
    try:
        for band, result in zip(bands, results, strict=True):
            parts.append(_check_field(result, name, band))
            step(name)
    finally:
        for future in futures:
            future.cancel()
    return parts


def _check_field(result: Any, name: str, lattice: Lattice) -> Field:
    if not isinstance(result, Field):
        raise TypeError(
            f"measure {name!r} returned {type(result).__name__}, it must return a Field; for a scalar per cell, "
            "return lw.Field.from_density(lattice, rho)"
        )
    if not result.lattice.same_as(lattice):
        raise ValueError(f"measure {name!r} returned a field on another lattice than the one it was given")
    return result


def _join_bands(parts: Sequence[Field], name: str, lattice: Lattice) -> Field:
    """Join the fields of consecutive bands; what their infos say of every cell is joined, and the rest said once."""
    first = parts[0]
    info = {**first.info, "measure": first.info.get("measure", name)}
    if "floored" in info:
        info["floored"] = sum(part.info.get("floored", 0) for part in parts)
    if "largest_residual" in info:
        info["largest_residual"] = max(part.info["largest_residual"] for part in parts)
    for key, value in info.items():
        if isinstance(value, np.ndarray) and value.shape[: lattice.ndim] == first.lattice.shape:
            info[key] = np.concatenate([part.info[key] for part in parts])
    tensors, floors = zip(*(part._measured for part in parts), strict=True)
    # a percentage is one of the whole lattice's mean, not of each band's
    joined = Field(lattice, np.concatenate(tensors), info, floors[0])
    warn_of_floor(joined, name)
    return joined


def _draw_thumbnails(decoder: Decoder | SequenceDecoder, lattice: Lattice, most: int) -> Thumbnails | None:
    """Decode and draw pictures on a coarser lattice, coarser still where they would take too many bytes."""
    rows, columns = lattice.shape
    coarseness = max(rows, columns) / most
    try:
        while True:
            shape = max(2, round(rows / coarseness)), max(2, round(columns / coarseness))
            coarse = Lattice(lattice.extent, shape, lattice.origin, lattice.basis)
            samples = outputs.to_mean(decoder(lattice.embed(coarse.cells))).numpy()
            flat = samples.reshape(-1, *samples.shape[2:])
            levels = choose_levels(flat)
            one = draw_thumbnails(flat[:1], levels, decoder.render)
            if one.nbytes * len(flat) <= MOST_BYTES or min(shape) <= LEAST_THUMBNAILS:
                images: Pixels = draw_thumbnails(flat, levels, decoder.render)
                is_text = decoder.render is not None and isinstance(decoder.render(flat[0]), str)
                return Thumbnails(images.reshape(*shape, *images.shape[1:]), levels, blend=not is_text)
            coarseness *= max(1.1, (one.nbytes * len(flat) / MOST_BYTES) ** 0.5)
    except Exception as error:  # a user's render may raise anything, and pictures are not worth losing a survey for
        warnings.warn(f"no thumbnails: {error}", stacklevel=3)
        return None


@contextmanager
def _report_progress(progress: Progress, total: int, cancel: Event | None) -> Iterator[Callable[[str], None]]:
    """Report progress band by band, to a tqdm bar or to the caller's function, and stop where that is wished."""
    with tqdm(total=total, unit="band", disable=progress is not True, leave=False) as bar:
        done = 0

        def step(name: str) -> None:
            nonlocal done
            done += 1
            bar.set_description(name)
            bar.update()
            if callable(progress):
                progress(done, total, name)
            if cancel is not None and cancel.is_set() and done < total:
                raise _CancelledError

        yield step
