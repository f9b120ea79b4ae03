"""Work on other threads: rows of a lattice, for compiled loops release the interpreter, and long errands."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from threading import Thread
from typing import TypeVar

Result = TypeVar("Result")


@lru_cache(maxsize=4)
def _pool(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers, thread_name_prefix="latent-widget")


def useful(workers: int, cells: int) -> int:
    """Threads that pay on so many cells: below some 400 by 400 handing work over costs more than it gains."""
    return workers if cells > 150_000 else 1


def split(workers: int, rows: int, loop: Callable[[int, int], Result]) -> list[Result]:
    """Call ``loop(first, last)`` on consecutive ranges that cover all rows; return the results in order."""
    if workers == 1:
        return [loop(0, rows)]
    cuts = [rows * k // workers for k in range(workers + 1)]
    return list(_pool(workers).map(loop, cuts[:-1], cuts[1:]))


def in_background(work: Callable[[], Result]) -> Future[Result]:
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
