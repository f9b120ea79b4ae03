"""Mixtures of measures in different units, which hold Python and TypeScript together.

`python tests/mixture_fixtures.py` writes them to js/test/fixtures/mixtures.json, from which the tests of both languages
read.
"""

import json
from pathlib import Path

import numpy as np

from latent_widget._atlas import Atlas
from latent_widget._field import Field
from latent_widget._lattice import Lattice

PATH = Path(__file__).parents[1] / "js" / "test" / "fixtures" / "mixtures.json"
CASES = (
    ({"a": 1.0, "b": 1.0, "c": 1.0}, 1.0, 0.0),
    ({"a": 0.25, "b": 0.0, "c": 4.0}, 1.0, 0.0),
    ({"a": 1.0, "b": 0.5, "c": 0.1}, 0.5, 0.7),
    ({"a": 0.0, "b": 0.3, "c": 0.0}, 1.0, 0.0),
)
"""Weights, tempering and smoothing."""


def fixtures():
    """The fields and their mixtures as plain lists, (E, F, G) by cells; fields as they travel, in single precision."""
    lattice = Lattice((-2.0, 2.0, -1.5, 1.5), (5, 7))
    x, y = np.moveaxis(lattice.cells, -1, 0)
    rho = np.exp(1.2 * np.sin(2 * x) * np.cos(y))
    entries = {
        "a": 3e5 * np.stack([rho, 0.4 * rho * np.sin(x), 1.5 * rho], -1),
        "b": 2e-4 * np.stack([1 + x**2, x * y, 1 + y**2], -1),
        "c": np.stack([1 + 0 * x, 0 * x, 20 + 9 * y], -1),
    }
    entries = {name: value.astype(np.float32) for name, value in entries.items()}
    to_metric = [[0, 1], [1, 2]]
    atlas = Atlas(lattice, {k: Field(lattice, v.astype(float)[..., to_metric]) for k, v in entries.items()})
    cases = []
    for weights, temper, smoothing in CASES:
        mixed = atlas.mixed(weights, temper, smoothing).metric.reshape(-1, 4)[:, [0, 1, 3]]
        case = {"weights": list(weights.values()), "temper": temper, "smoothing": smoothing}
        cases.append(case | {"mixed": [float(f"{value:.12g}") for value in mixed.ravel()]})
    fields = [[float(f"{value:.9g}") for value in field.ravel()] for field in entries.values()]
    return {"shape": list(lattice.shape), "fields": fields, "cases": cases}


if __name__ == "__main__":
    PATH.write_text(json.dumps(fixtures(), separators=(",", ":")) + "\n")
