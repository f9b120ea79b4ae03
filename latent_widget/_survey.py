"""The survey: decoder and lattice in, atlas out. The pipeline reads top to bottom in `survey`."""

import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from threading import Event
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from latent_widget._arrays import Floats, as_floats
from latent_widget._atlas import Atlas
from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.decoders import outputs
from latent_widget.decoders.decoder import Decoder
from latent_widget.decoders.sequence import SequenceDecoder
from latent_widget.figures.thumbnails import Pixels, Thumbnails, choose_levels, draw_thumbnails
from latent_widget.measures import Measure, is_local, named, settled

TILE = 8192
"""Cells surveyed in one piece; memory grows with this, not with the lattice."""
WATCHED = 16
"""Bands of a survey that can be cancelled, or more."""
SHEET = 2_000_000
"""Most bytes of thumbnails in an atlas."""


class SurveyError(ValueError):
    """A measure failed; `atlas` holds what had been measured before it, or is None where nothing had."""

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
    labels: np.ndarray | None
    executor: Executor | None
    thumbnails: int


def survey(
    decoder: Decoder | SequenceDecoder | Callable[..., Any],
    lattice: Lattice,
    measures: Iterable[Any] = ("pullback",),
    points: Any = None,
    labels: Any = None,
    executor: Executor | None = None,
    progress: bool | Callable[[int, int, str], None] = True,
    thumbnails: int = 32,
    cancel: Event | None = None,
) -> Atlas:
    """Measure a decoder on a lattice with one or more measures, and return the atlas.

    `measures` are names, functions `(decoder, lattice) -> Field` or `(name, function)`. `points (n, d)` are encoded
    latents, shown where they project onto the plane, and `labels (n,)` their classes. Local measures are cut into
    bands of at most 8192 cells and mapped over `executor`. `progress` is True for a bar, or called with
    `(done, total, measure)`. `thumbnails` is the most decoded pictures along the longer side of the map, 0 for none;
    a box of three dimensions gets none. `cancel`, set from another thread, ends the survey with its present band;
    where it is given, bands are smaller, so that the end comes soon.

    Raises `ValueError` before anything is measured for bad arguments and decoders, and `SurveyError`, which keeps the
    measures already taken in its `.atlas`, where a measure fails or the survey is cancelled.
    """
    return carried_out(plan(decoder, lattice, measures, points, labels, executor, thumbnails), progress, cancel)


def plan(
    decoder: Decoder | SequenceDecoder | Callable[..., Any],
    lattice: Lattice,
    measures: Iterable[Any] = ("pullback",),
    points: Any = None,
    labels: Any = None,
    executor: Executor | None = None,
    thumbnails: int = 32,
) -> Plan:
    """Check the arguments of a survey, and decode nothing yet. Raises `ValueError` for bad ones."""
    if not isinstance(decoder, Decoder | SequenceDecoder):
        decoder = Decoder(decoder, latent_dim=lattice.latent_dim)
    return Plan(decoder, lattice, _asked(measures), *_encoded(points, labels, lattice), executor, thumbnails)


def carried_out(
    plan: Plan, progress: bool | Callable[[int, int, str], None] = True, cancel: Event | None = None
) -> Atlas:
    """Measure what was planned; see `survey`."""
    decoder, lattice = plan.decoder, plan.lattice
    bands = _bands(lattice, TILE if cancel is None else min(TILE, math.prod(lattice.shape) // WATCHED))
    pieces = {name: bands if is_local(measure) else [lattice] for name, measure in plan.measures.items()}
    fields: dict[str, Field] = {}
    with decoder.evaluating():
        decoder.probe(lattice)
        pictures = _thumbnails(decoder, lattice, plan.thumbnails) if plan.thumbnails and lattice.ndim == 2 else None

        def failed(what: str) -> SurveyError:
            atlas = Atlas(lattice, dict(fields), plan.points, plan.labels, pictures, decoder) if fields else None
            kept = f"; kept in the error's .atlas: {', '.join(fields)}" if fields else ""
            return SurveyError(what + kept, atlas)

        with _reporting(progress, sum(len(parts) for parts in pieces.values()), cancel) as step:
            for name, measure in plan.measures.items():
                try:
                    fields[name] = _measured(measure, name, decoder, lattice, pieces[name], plan.executor, step)
                except _CancelledError:
                    raise failed(f"the survey was cancelled while {name!r} was measured") from None
                except Exception as error:
                    raise failed(f"measure {name!r} failed: {error}") from error
    return Atlas(lattice, fields, plan.points, plan.labels, pictures, decoder)


def _asked(measures: Iterable[Any]) -> dict[str, Measure]:
    if isinstance(measures, str) or callable(measures):
        measures = [measures]
    asked: dict[str, Measure] = {}
    for measure in measures:
        name, function = named(measure)
        if name in asked:
            raise ValueError(f"measures names {name!r} twice; tell them apart as (name, function)")
        asked[name] = function
    if not asked:
        raise ValueError("measures is empty; give at least one, for instance ['pullback']")
    return asked


def _encoded(points: Any, labels: Any, lattice: Lattice) -> tuple[Floats | None, np.ndarray | None]:
    if points is None:
        if labels is not None:
            raise ValueError("labels were given without points; give points (n, d), the encoded latents, too")
        return None, None
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
    if labels is None:
        return on_plane, None
    classes = np.asarray(labels.detach().cpu() if hasattr(labels, "detach") else labels)
    if classes.dtype == object:
        classes = classes.astype(str)
    if classes.shape != (len(on_plane),):
        raise ValueError(f"labels must have one entry per point, shape ({len(on_plane)},), got {classes.shape}")
    return on_plane, classes


def _bands(lattice: Lattice, tile: int) -> list[Lattice]:
    rows = lattice.shape[0]
    # every band has two rows or more, as a lattice must
    count = max(1, min(rows // 2, round(math.prod(lattice.shape) / max(1, tile))))
    edges = np.linspace(0, rows, count + 1).round().astype(int)
    return [lattice.band(int(a), int(b)) for a, b in pairwise(edges)]


def _measured(
    measure: Measure,
    name: str,
    decoder: Decoder | SequenceDecoder,
    lattice: Lattice,
    bands: list[Lattice],
    executor: Executor | None,
    step: Callable[[str], None],
) -> Field:
    measure = settled(measure, decoder, lattice)
    if executor is None:
        parts = []
        for band in bands:
            parts.append(_checked(measure(decoder, band), name, band))
            step(name)
    else:
        futures = [executor.submit(measure, decoder, band) for band in bands]
        try:
            parts = []
            for future, band in zip(futures, bands, strict=True):
                parts.append(_checked(future.result(), name, band))
                step(name)
        finally:
            for future in futures:
                future.cancel()
    info = {**parts[0].info, "measure": parts[0].info.get("measure", name)}
    if "floored" in info:
        info["floored"] = sum(part.info["floored"] for part in parts)
    if "largest_residual" in info:
        info["largest_residual"] = max(part.info["largest_residual"] for part in parts)
    for key, value in info.items():
        # what is told for every cell, and nothing else, is told band by band
        if isinstance(value, np.ndarray) and value.shape[: lattice.ndim] == bands[0].shape:
            info[key] = np.concatenate([part.info[key] for part in parts])
    return Field(lattice, np.concatenate([part.metric for part in parts]), info)


def _checked(measured: Any, name: str, lattice: Lattice) -> Field:
    if not isinstance(measured, Field):
        raise TypeError(
            f"measure {name!r} returned {type(measured).__name__}, it must return a Field; for a scalar per cell, "
            "return lw.Field.from_density(lattice, rho)"
        )
    if not measured.lattice.same_as(lattice):
        raise ValueError(f"measure {name!r} returned a field on another lattice than the one it was given")
    return measured


def _thumbnails(decoder: Decoder | SequenceDecoder, lattice: Lattice, most: int) -> Thumbnails | None:
    rows, columns = lattice.shape
    coarse = max(rows, columns) / most
    try:
        while True:
            shape = max(2, round(rows / coarse)), max(2, round(columns / coarse))
            small = Lattice(lattice.extent, shape, lattice.origin, lattice.basis)
            samples = outputs.mean(decoder(lattice.embed(small.cells))).numpy()
            flat = samples.reshape(-1, *samples.shape[2:])
            levels = choose_levels(flat)
            one = draw_thumbnails(flat[:1], levels, decoder.render)
            if one.nbytes * len(flat) <= SHEET or min(shape) <= 8:
                images: Pixels = draw_thumbnails(flat, levels, decoder.render)
                is_text = decoder.render is not None and isinstance(decoder.render(flat[0]), str)
                return Thumbnails(images.reshape(*shape, *images.shape[1:]), levels, blend=not is_text)
            coarse *= max(1.1, (one.nbytes * len(flat) / SHEET) ** 0.5)
    except Exception as error:  # a user's render may raise anything, and pictures are not worth losing a survey for
        warnings.warn(f"no thumbnails: {error}", stacklevel=3)
        return None


@contextmanager
def _reporting(
    progress: bool | Callable[[int, int, str], None], total: int, cancel: Event | None
) -> Iterator[Callable[[str], None]]:
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
