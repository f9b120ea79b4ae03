"""Lay random and steep fields into the plane and count what folds or overlaps, by tests that the solver does not use.

python benchmarks/folds.py            10,000 fields, some minutes on two cores
python benchmarks/folds.py --fields 500
"""

import argparse
import multiprocessing
import os
import sys
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from matplotlib.path import Path as Polygon

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from steep_fields import crosses_itself, make_steep_field

import latent_widget as lw

EXTREMES = (0.3, 1.0, 2.0, 3.0)
"""Eigenvalues vary by exp(± some three times this)."""


def count_faults(found: lw.Map) -> tuple[int, int]:
    """Return the number of corner triangles that are not positive, and whether the outline crosses itself."""
    x, y = found.corners[..., 0], found.corners[..., 1]
    h, w = found.area_error.shape
    folded = 0
    for r in (0, 1):
        for c in (0, 1):
            ax, ay = np.diff(x, axis=1)[r : r + h], np.diff(y, axis=1)[r : r + h]
            bx, by = np.diff(x, axis=0)[:, c : c + w], np.diff(y, axis=0)[:, c : c + w]
            folded += int((~(ax * by - ay * bx > 0)).sum())
    return folded, int(crosses_itself(found.outline))


def count_group(extreme: float, first: int, number: int, steps: int) -> str:
    """Return a row: the faults of so many fields."""
    refused, totals, times = 0, np.zeros(4, dtype=int), []
    for seed in range(first, first + number):
        try:
            field = make_steep_field(seed, extreme)
            begin = time.perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                found = lw.isometric_map(field, max_steps=steps)
        except ValueError:
            # a range that floats cannot hold
            refused += 1
            continue
        times.append(time.perf_counter() - begin)
        cells = field.lattice.cells.reshape(-1, 2)
        page = found.transform(cells)
        lost = np.abs(found.inverse(page) - cells).max(1) > 1e-6
        lost |= ~Polygon(found.outline).contains_points(page, radius=1e-9)
        totals += [*count_faults(found), not found.converged, int(lost.sum())]
    counts = " | ".join(map(str, [number, refused, *totals]))
    return f"| {extreme:g} | {counts} | {1e3 * np.median(times):.0f} |"


def main() -> None:
    """Print a row for every range of fields."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fields", type=int, default=10_000, help="how many fields")
    parser.add_argument("--steps", type=int, default=20, help="most steps on each lattice")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    options = parser.parse_args()
    number = options.fields // len(EXTREMES)
    print("| exp(±3·) | fields | refused | folded triangles | overlaps | unfinished | lost points | median ms |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    firsts = [group * number for group in range(len(EXTREMES))]
    with ProcessPoolExecutor(options.workers, multiprocessing.get_context("spawn")) as pool:
        for row in pool.map(count_group, EXTREMES, firsts, [number] * len(firsts), [options.steps] * len(firsts)):
            print(row, flush=True)


if __name__ == "__main__":
    main()
