"""A survey on a daemon thread (`concurrent.futures.Future`), which reports how far it is and can be cancelled."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from threading import Event, Thread
from typing import Any, TypeVar

from latent_widget._atlas import Atlas
from latent_widget._lattice import Lattice
from latent_widget._survey import Plan, SurveyError, carry_out, make_plan
from latent_widget.decoders.decoder import Decoder
from latent_widget.decoders.sequence import SequenceDecoder

Result = TypeVar("Result")
Progress = Callable[[int, int, str], None]
"""Called with the bands done, all bands, and the name of the measure."""


def run_in_background(work: Callable[[], Result]) -> Future[Result]:
    """Do `work` on a thread that does not keep Python alive, or at once where the system has no threads."""
    done: Future[Result] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:
            done.set_exception(error)

    try:
        Thread(target=run, name="latent-widget", daemon=True).start()
    except RuntimeError:  # Python in a browser
        run()
    return done


def plan_survey(source: Any, extent: Any, shape: tuple[int, int], options: Mapping[str, Any]) -> Plan | None:
    """Check what a widget is made of: None for an atlas, which is surveyed already, and else the survey to make.

    Raises `TypeError` where `source` is neither an atlas nor a decoder, where a decoder comes without an extent, and
    where an atlas comes with options of a survey.
    """
    if isinstance(source, Atlas):
        unused = [*(["extent"] if extent is not None else []), *options]
        if unused:
            raise TypeError(
                f"{', '.join(unused)} cannot be given with an atlas, which is surveyed already; give it to lw.survey"
            )
        return None
    if not (isinstance(source, Decoder | SequenceDecoder) or callable(source)):
        raise TypeError(f"LatentWidget shows an Atlas or a Decoder, got {type(source).__name__}")
    if extent is None:
        raise TypeError("extent=(x0, x1, y0, y1) is needed to survey a decoder, for instance (-3, 3, -3, 3)")
    return make_plan(source, Lattice(extent, shape), **options)


def survey_in_background(
    planned: Plan,
    stop: Event,
    report: Callable[[dict[str, Any]], None],
    show: Callable[[Atlas, str], None],
    progress: Progress | None = None,
) -> Future[Atlas]:
    """Survey on a thread of its own; the future holds the atlas, or what the survey raised.

    Parameters
    ----------
    planned : Plan
        What to measure.
    stop : threading.Event
        Set, it ends the survey after its present band.
    report : callable
        Given the widget's status at the beginning, after each band, and where nothing could be measured.
    show : callable
        Given the atlas and a warning, which is empty where all was measured. A survey that fails or is cancelled
        halfway shows what was measured before.
    progress : callable, optional
        Called as `lw.survey` calls its own.

    """
    report({"state": "surveying", "message": "decoding pictures of the map", "done": 0, "total": 0})

    def count(done: int, total: int, name: str) -> None:
        report({"state": "surveying", "message": f"measuring {name}", "done": done, "total": total})
        if progress is not None:
            progress(done, total, name)

    def measure() -> Atlas:
        try:
            atlas = carry_out(planned, count, stop)
        except Exception as error:
            kept = error.atlas if isinstance(error, SurveyError) else None
            if kept is None:
                report({"state": "failed", "message": str(error) or type(error).__name__})
                raise
            warnings.warn(str(error), RuntimeWarning, stacklevel=2)
            show(kept, str(error))
            return kept
        show(atlas, "")
        return atlas

    return run_in_background(measure)
