"""Threads for compiled loops, which release the interpreter: how many, and the rows of a lattice shared among them."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from numbers import Integral
from typing import TypeVar

Result = TypeVar("Result")

MOST_WORKERS = 8
"""So many threads are used unless more are asked for: beyond, memory is what they wait for."""

SHARED_CELLS = 150_000
"""Below so many cells, some 400 by 400, handing work over costs more than it gains."""


def count_workers(workers: int | None) -> int:
    """Return the number of threads: as asked for, or where `workers` is None one per processor, at most 8.

    Raises `ValueError` for anything but None and an int of at least 1.
    """
    if workers is None:
        return min(_count_processors(), MOST_WORKERS)
    if isinstance(workers, bool) or not isinstance(workers, Integral) or workers < 1:
        raise ValueError(f"workers={workers!r}: give a number of threads, at least 1, or None for one per processor")
    return int(workers)


def _count_processors() -> int:
    """Return the number of processors that this process may use, where the system tells, else of all."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def limit_workers(workers: int, cells: int) -> int:
    """Return how many of the threads pay on so many cells."""
    return workers if cells > SHARED_CELLS else 1


def split_rows(workers: int, rows: int, loop: Callable[[int, int], Result]) -> list[Result]:
    """Call ``loop(first, last)`` on consecutive ranges that cover all rows; return the results in order."""
    if workers == 1:
        return [loop(0, rows)]
    cuts = [rows * k // workers for k in range(workers + 1)]
    return list(_keep_pool(workers, os.getpid()).map(loop, cuts[:-1], cuts[1:]))


@lru_cache(maxsize=4)
def _keep_pool(workers: int, process: int) -> ThreadPoolExecutor:  # noqa: ARG001
    """Return threads that are used again; a forked process has none of its parent's, and gets its own."""
    return ThreadPoolExecutor(workers, thread_name_prefix="latent-widget")
