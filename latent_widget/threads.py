"""Rows of a lattice split among threads; compiled loops release the interpreter while they run."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
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
