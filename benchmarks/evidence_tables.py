"""Markdown tables of the evidence: means with 95 % intervals, paired differences, signs, and what was promised."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import evidence_scores as scores
import numpy as np

CONTROL = "untrained"
TRUTHS = ("geodesics", "decoded", "data", "judge")
ROWS = (
    "latent plane",
    "frame",
    "cartogram",
    "frame + cartogram",
    "isometric",
    "distance map",
    "geodesics",
    "MDS of geodesics",
    "cartogram, turned",
    "frame + cartogram, turned",
    "isometric, turned",
    "distance map, turned",
    "geodesics, turned",
    "Isomap of the data",
    "UMAP of the data",
)
"""Rows of the large tables, in order; those that were not computed are left out."""
BEST_MAP = "isometric"


@dataclass(frozen=True, eq=False)
class Training:
    """What one training gave: scores of every row, distances of all pairs in every row, and the model's own error."""

    case: str
    seed: int
    rows: dict[str, dict[str, float]]
    pairs: dict[str, np.ndarray]
    error: float
    seconds: float


@dataclass(frozen=True, eq=False)
class Study:
    """All trainings, by case, the control apart."""

    trained: dict[str, list[Training]]
    control: dict[str, list[Training]]

    def values(self, case: str, row: str, column: str) -> np.ndarray:
        """A score in each training of a case; NaN where there is none."""
        trainings = (self.trained | self.control)[case]
        if column == "variation":
            pairs = [training.pairs[row] for training in trainings if row in training.pairs]
            return np.array([vary(pairs) if len(pairs) > 1 else math.nan])
        return np.array([training.rows.get(row, {}).get(column, math.nan) for training in trainings])

    def mean(self, case: str, row: str, column: str) -> float:
        return mean(self.values(case, row, column))

    def means(self, row: str, column: str) -> np.ndarray:
        """Means of the trained cases in which the row has the score."""
        found = np.array([self.mean(case, row, column) for case in self.trained])
        return found[~np.isnan(found)]

    def has(self, row: str) -> bool:
        return any(row in training.rows for case in self.trained.values() for training in case)


def mean(values: np.ndarray) -> float:
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else math.nan


def vary(pairs: list[np.ndarray]) -> float:
    """`evidence_scores.variation`, of distances of pairs."""
    scaled = np.stack([one / one.mean() for one in pairs])
    return float(np.sqrt(scaled.var(axis=0, ddof=1).mean()))


def sort(found: Iterable[Training]) -> Study:
    cases: dict[str, list[Training]] = {}
    for training in sorted(found, key=lambda one: one.seed):
        cases.setdefault(training.case, []).append(training)
    trained = {case: ones for case, ones in cases.items() if not case.endswith(CONTROL)}
    return Study(trained, {case: ones for case, ones in cases.items() if case.endswith(CONTROL)})


def write_number(value: float, digits: int = 3) -> str:
    return "–" if math.isnan(value) else f"{value:.{digits}f}".replace("-", "−")


def write_interval(values: np.ndarray, sign: bool = False) -> str:
    """Mean ± half the 95 % interval over cases."""
    centre, half = scores.interval(values)
    if math.isnan(centre):
        return "–"
    mark = "+" if sign and centre > 0 else ""
    return f"{mark}{write_number(centre)}" + ("" if math.isnan(half) else f" ± {half:.3f}")


def write_table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    columns = list(columns)
    lines = [" | ".join(columns), " | ".join(["---"] + ["--:"] * (len(columns) - 1)), *map(" | ".join, rows)]
    return "\n".join(f"| {line} |" for line in lines)


def compare_truths(study: Study) -> str:
    """Stress and rank correlation of every row with four kinds of distances, over all cases."""
    columns = [f"{score}, {truth}" for score in ("stress", "rank") for truth in TRUTHS]
    rows = [[row, *(write_interval(study.means(row, column)) for column in columns)] for row in ROWS if study.has(row)]
    return write_table(["row", *columns], rows)


def compare_uses(study: Study) -> str:
    """Neighbours, clusters, lines and trainings, over all cases."""
    columns = ("kNN", "NMI", "unevenness", "off the data", "lines lost", "variation")
    listed = [*ROWS[:1], "plane, respaced", *ROWS[1:]]
    rows = [
        [row, *(write_interval(study.means(row, column)) for column in columns)] for row in listed if study.has(row)
    ]
    return write_table(["row", *columns], rows)


def difference(study: Study, case: str, a: str, b: str, column: str) -> np.ndarray:
    """Paired differences of two rows over a case's trainings, without those that lack either."""
    found = study.values(case, a, column) - study.values(case, b, column)
    return found[~np.isnan(found)]


PAIRS = (
    ("cartogram", "latent plane"),
    ("frame", "cartogram"),
    ("frame + cartogram", "cartogram"),
    ("isometric", "latent plane"),
    ("isometric", "cartogram"),
    ("isometric", "distance map"),
    ("isometric", "geodesics"),
    ("isometric", "MDS of geodesics"),
    ("geodesics", "latent plane"),
    ("cartogram", "cartogram, turned"),
    ("isometric", "isometric, turned"),
    ("geodesics", "geodesics, turned"),
)
BETTER_LOW = ("stress, geodesics",)


def compare_pairs(study: Study) -> str:
    """Paired differences: mean over cases with interval, Wilcoxon's p over all trainings, signs over cases."""
    rows = []
    for a, b in PAIRS:
        if not (study.has(a) and study.has(b)):
            continue
        cells = [f"{a} − {b}"]
        for column in ("stress, geodesics", "rank, data", "rank, judge", "kNN"):
            by_case = [difference(study, case, a, b, column) for case in study.trained]
            means = np.array([one.mean() for one in by_case if len(one)])
            better = means < 0 if column in BETTER_LOW else means > 0
            if not np.any(means) or (column == "stress, geodesics" and "geodesics" in (a, b)):
                # a row is its own truth: no finding
                cells.append("–")
                continue
            p = scores.paired(np.concatenate(by_case))
            told = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
            cells.append(f"{write_interval(means, sign=True)}; {told}; {better.sum()} of {len(means)}")
        rows.append(cells)
    return write_table(["difference", "stress, geodesics", "rank, data", "rank, judge", "kNN"], rows)


def compare_cases(study: Study) -> str:
    """Stress against geodesics and rank correlation with data and judge, case by case, the control last."""
    shown = [row for row in ("latent plane", "cartogram", "isometric", "MDS of geodesics") if study.has(row)]
    ranked = [row for row in ("latent plane", "cartogram", "isometric", "geodesics") if study.has(row)]
    rows = []
    for case in [*study.trained, *study.control]:
        cells = [case, write_number(float(np.mean([one.error for one in (study.trained | study.control)[case]])), 2)]
        cells.append(" / ".join(write_number(study.mean(case, row, "stress, geodesics")) for row in shown))
        for column in ("rank, data", "rank, judge", "variation"):
            cells += [" / ".join(write_number(study.mean(case, row, column), 2) for row in ranked)]
        rows.append(cells)
    by = " / ".join(shown)
    other = " / ".join(ranked)
    columns = ["model", "error", f"stress, geodesics: {by}", f"rank, data: {other}", "rank, judge", "variation"]
    return write_table(columns, rows)


def compare_placebos(study: Study) -> str:
    """Rank correlation with the judge, minus that of the same row of the turned field, case by case."""
    kinds = [
        f"{prefix}{row}"
        for prefix in ("", "features: ")
        for row in ("cartogram", BEST_MAP, "distance map", "geodesics")
    ]
    kinds = [row for row in kinds if study.has(row)]
    rows = []
    for case in [*study.trained, *study.control]:
        cells = [case]
        for row in kinds:
            values = difference(study, case, row, f"{row}, turned", "rank, judge")
            told = tell(values)
            cells.append(write_interval(values, sign=True) + (f" **{told}**" if told else ""))
        rows.append(cells)
    counts = ["told from the placebo"]
    for row in kinds:
        values = [difference(study, case, row, f"{row}, turned", "rank, judge") for case in study.trained]
        values = [one for one in values if len(one)]
        counts.append(f"{sum(tell(one) == 'better' for one in values)} of {len(values)}")
    return write_table(["model", *kinds], [*rows, counts])


def tell(values: np.ndarray) -> str:
    """Whether differences over trainings are better or worse than nothing, by their 95 % interval."""
    centre, half = scores.interval(values)
    if math.isnan(half) or abs(centre) <= half:
        return ""
    return "better" if centre > 0 else "worse"


def compare_maps(study: Study) -> str:
    """What the maps report of themselves."""
    rows = []
    for row in [*ROWS, *(f"features: {row}" for row in ROWS)]:
        if study.has(row) and len(study.means(row, "seconds")):
            seconds = [study.values(case, row, "seconds") for case in study.trained]
            rows.append(
                [
                    row,
                    f"{np.nanmedian(np.concatenate(seconds)):.2f}",
                    f"{sum(np.nansum(study.values(case, row, 'folds')) for case in study.trained):.0f}",
                    f"{100 * study.means(row, 'converged').mean():.0f} %",
                    write_interval(study.means(row, "anisotropy")),
                ]
            )
    return write_table(["map", "seconds, median", "folds, all", "converged", "anisotropy"], rows)


def check_promises(study: Study) -> str:
    """What the isometric map was to reach, and what it reached."""
    if not study.has(BEST_MAP):
        return "There is no isometric map in this run."
    mapped = study.means(BEST_MAP, "stress, geodesics")
    bound, cart = (study.means(row, "stress, geodesics") for row in ("MDS of geodesics", "cartogram"))
    gains = [
        study.means(row, "rank, data").mean() - study.means("latent plane", "rank, data").mean()
        for row in (BEST_MAP, "geodesics")
    ]
    own, features = (count_told(study, f"{prefix}{BEST_MAP}") for prefix in ("", "features: "))
    lower, less = mapped.mean() / bound.mean(), mapped < cart
    checks = [
        ("mean stress against geodesics", "at most 0.035", f"{mapped.mean():.3f}", mapped.mean() <= 0.035),
        ("the same, as a multiple of that of MDS", "at most 1.5", f"{lower:.2f}", lower <= 1.5),
        ("less stress than the cartogram", "every model", f"{less.sum()} of {len(less)}", less.all()),
        (
            "gain in rank correlation with data over the latent plane",
            "95 % of what geodesics gain",
            f"{gains[0]:+.3f}, geodesics {gains[1]:+.3f}",
            gains[0] >= 0.95 * gains[1],
        ),
    ]
    for what, (told, count) in (("output measured", own), ("features measured", features)):
        checks.append(
            (f"told from its placebo by the judge, {what}", "5 of 6", f"{told} of {count}", 6 * told >= 5 * count)
        )
    rows = [[what, promised, reached, "yes" if kept else "**no**"] for what, promised, reached, kept in checks]
    return write_table(["the isometric map", "promised", "reached", "kept"], rows)


def count_told(study: Study, row: str) -> tuple[int, int]:
    values = [difference(study, case, row, f"{row}, turned", "rank, judge") for case in study.trained]
    values = [one for one in values if len(one)]
    return sum(tell(one) == "better" for one in values), len(values)


PARTS: tuple[tuple[str, Callable[[Study], str]], ...] = (
    ("What was promised", check_promises),
    ("Distances, over all models", compare_truths),
    ("Neighbours, clusters, lines and trainings, over all models", compare_uses),
    ("Differences, paired", compare_pairs),
    ("Model by model", compare_cases),
    ("Against the placebo, by the judge", compare_placebos),
    ("What the maps report", compare_maps),
)


def write_tables(found: Iterable[Training], about: dict[str, str], notes: Iterable[str]) -> str:
    """Write all tables under headings of the third level."""
    study = sort(found)
    sets = write_table(["set", "what it is, and who judges"], about.items())
    parts = [f"\n### {title}\n\n{write(study)}" for title, write in PARTS]
    return "\n".join(["", *(f"{note}\n" for note in notes), sets, *parts, ""])
