"""How many threads are used, and what they share."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from latent_widget import _threads
from latent_widget._threads import MOST_WORKERS, SHARED_CELLS, count_workers, limit_workers, split_rows


def test_none_is_one_thread_per_processor_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    for processors, expected in ((1, 1), (5, 5), (64, MOST_WORKERS)):
        monkeypatch.setattr(_threads, "_count_processors", lambda n=processors: n)
        assert count_workers(None) == expected
    assert count_workers(20) == 20


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs a system that binds processes to processors")
def test_processors_that_are_out_of_bounds_do_not_count() -> None:
    code = (
        "import os\n"
        "from latent_widget._threads import count_workers\n"
        "os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])\n"
        "print(count_workers(None))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "1\n"


@pytest.mark.parametrize("workers", [0, -1, 2.0, True, "all"])
def test_what_is_no_number_of_threads_is_refused(workers: object) -> None:
    with pytest.raises(ValueError, match=rf"workers={workers!r}: give a number of threads.*None"):
        count_workers(workers)  # type: ignore[arg-type]


def test_small_lattices_are_not_shared() -> None:
    assert limit_workers(4, SHARED_CELLS) == 1
    assert limit_workers(4, SHARED_CELLS + 1) == 4


@pytest.mark.parametrize(("workers", "rows"), [(1, 7), (3, 7), (4, 2), (2, 0)])
def test_ranges_cover_all_rows_in_order(workers: int, rows: int) -> None:
    found = [k for part in split_rows(workers, rows, lambda a, b: list(range(a, b))) for k in part]
    assert found == list(range(rows))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that forks")
def test_a_forked_process_has_threads_of_its_own() -> None:
    # the threads of the parent do not exist in the child, which would wait for them for ever
    code = (
        "import os, signal, threading, warnings\n"
        "from latent_widget._threads import split_rows\n"
        "warnings.simplefilter('ignore', DeprecationWarning)\n"
        "both = threading.Barrier(2)\n"
        "split_rows(2, 9, lambda a, b: both.wait())\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    signal.alarm(20)\n"
        "    os._exit(sum(split_rows(2, 9, lambda a, b: b - a)))\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "9\n"
