"""What the maps are worth: seven sets, nine models and a control, five trainings of each, and independent judges.

    python benchmarks/evidence.py                         # all of it, under half an hour on two cores
    python benchmarks/evidence.py --quick                 # two small trainings of each, some three minutes
    python benchmarks/evidence.py --out docs/evidence.md  # and put the tables into the page
    python benchmarks/evidence.py --only "digits VAE" --cache scores/
    pip install rdkit umap-learn                          # optional: the molecules and UMAP's row are left out without

Every model has two latent dimensions. A hundred tests, which neither a model nor a judge has seen, are encoded; every
row shows them, and is scored by the distances that it shows. `--cache` keeps what a training gave in a folder and takes
it from there the next time; nothing else is kept between runs. Tables go to the standard output, progress to the other.
"""

import os

# before torch: many threads of each process are slower than one
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import multiprocessing
import pickle
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import evidence_data
import evidence_tables

CASES = (
    "digits VAE",
    "digits AE",
    "digits GAN",
    "shapes VAE",
    "glyphs VAE",
    "names VAE",
    "molecules VAE",
    "oscillations AE",
    "breast cancer VAE",
    "digits untrained",
)
BEGIN, END = "<!-- tables of benchmarks/evidence.py -->", "<!-- end of the tables -->"


@dataclass(frozen=True)
class Size:
    """How large a study is: trainings of a model, tests, cells along each side, and a share of the training's steps."""

    trainings: int
    tests: int
    cells: int
    effort: float


FULL, QUICK = Size(5, 100, 64, 1.0), Size(2, 50, 32, 0.3)


def load(name: str, size: Size) -> evidence_data.DataSet:
    """Make a set with its judge, in a process of one thread."""
    import torch

    torch.set_num_threads(1)
    return evidence_data.SETS[name](size.tests)


def study(case: str, data: evidence_data.DataSet, seed: int, size: Size) -> evidence_tables.Training:
    """Train one model of a set and score its rows, in a process of one thread."""
    import torch
    from evidence_maps import score_training
    from evidence_models import train

    torch.set_num_threads(1)
    began = time.perf_counter()
    model = train(data, case.rsplit(" ", 1)[1], seed, size.effort)
    rows, pairs = score_training(model, data, size.cells, seed)
    return evidence_tables.Training(case, seed, rows, pairs, model.error, time.perf_counter() - began)


def gather(cases: list[str], size: Size, workers: int, cache: Path | None) -> tuple[list, dict[str, str]]:
    """Study all trainings of some cases in processes; also what the sets are."""
    found: list[evidence_tables.Training] = []
    about: dict[str, str] = {}
    began = time.perf_counter()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        names = dict.fromkeys(case.rsplit(" ", 1)[0] for case in cases)
        sets = {name: pool.submit(load, name, size) for name in names}
        todo: dict[Future, tuple[str, int]] = {}
        for case in cases:
            data = sets[case.rsplit(" ", 1)[0]].result()
            about[data.name] = f"{data.about}; judge: {data.judge}"
            for seed in range(size.trainings):
                kept = cache / f"{case}, {seed}, {size}.pickle" if cache else None
                if kept is not None and kept.exists():
                    found.append(pickle.loads(kept.read_bytes()))
                else:
                    todo[pool.submit(study, case, data, seed, size)] = case, seed
        for done in as_completed(todo):
            case, seed = todo[done]
            found.append(done.result())
            if cache:
                cache.mkdir(parents=True, exist_ok=True)
                (cache / f"{case}, {seed}, {size}.pickle").write_bytes(pickle.dumps(found[-1]))
            spent = time.perf_counter() - began
            print(
                f"{spent:6.0f} s  {case}, training {seed + 1}: {found[-1].seconds:.0f} s", file=sys.stderr, flush=True
            )
    return found, about


def rewrite(page: Path, tables: str) -> None:
    """Put the tables between the two marks of a page."""
    text = page.read_text("utf-8") if page.exists() else f"# What the maps are worth\n\n{BEGIN}\n{END}\n"
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise SystemExit(f"{page} must hold the lines {BEGIN} and {END} once each, around the tables")
    before, rest = text.split(BEGIN)
    page.write_text(f"{before}{BEGIN}\n{tables}\n{END}{rest.split(END)[1]}", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two small trainings of each model")
    parser.add_argument("--out", type=Path, help="page whose tables are rewritten, docs/evidence.md for instance")
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--only", action="append", choices=CASES, help="a case; may be given several times")
    parser.add_argument("--cache", type=Path, help="folder that keeps the scores of trainings")
    asked = parser.parse_args()
    size = QUICK if asked.quick else FULL
    cases = [case for case in asked.only or CASES if not case.startswith("molecules") or find_spec("rdkit")]
    notes = []
    if len(cases) < len(asked.only or CASES):
        notes.append("The molecules are left out: RDKit is not installed (`pip install rdkit`).")
    if not find_spec("umap"):
        notes.append("UMAP's row is left out: it is not installed (`pip install umap-learn`).")
    began = time.perf_counter()
    found, about = gather(cases, size, asked.workers, asked.cache)
    minutes = (time.perf_counter() - began) / 60
    command = "python benchmarks/evidence.py" + (" --quick" if asked.quick else "")
    said = f"{size.trainings} trainings of each model, {size.tests} tests, {size.cells} × {size.cells} cells"
    notes.insert(0, f"`{command}`: {said}; {minutes:.0f} minutes with {asked.workers} processes of one thread.")
    tables = evidence_tables.write_tables(found, about, notes)
    print(tables)
    if asked.out:
        rewrite(asked.out, tables)


if __name__ == "__main__":
    main()
