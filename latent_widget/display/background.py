"""Long work on a daemon thread, as a `concurrent.futures.Future`."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

Result = TypeVar("Result")


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
