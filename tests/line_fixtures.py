"""Lines that are laid without a search, which hold Python and TypeScript together.

`python tests/line_fixtures.py` writes them to js/test/fixtures/lines.json, from which the tests of both languages read.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.display.serialization import describe_origin
from latent_widget.geodesics import slerp, stretched
from latent_widget.maps._cartogram import cartogram

PATH = Path(__file__).parents[1] / "js" / "test" / "fixtures" / "lines.json"


def lattices():
    """Name, lattice and pairs of ends: the latent plane itself, and a plane with a skew basis off the latent origin."""
    ends = [((-1.6, 0.4), (1.2, 1.1)), ((-0.5, -1.2), (1.9, -0.3)), ((0.4, 0.3), (1.2, 0.9)), ((-1, 0.5), (1, -0.5))]
    yield "plane", Lattice((-2.0, 2.0, -1.5, 1.5), (12, 16)), ends
    basis = np.array([[1.0, 0.5, 0.0, -0.25, 0.0], [0.25, -1.0, 0.5, 0.0, 0.75]])
    origin = np.array([0.5, -0.25, 1.0, 0.75, -0.5])
    ends = [((-1.6, 0.4), (1.2, 1.1)), ((-1.9, -1.4), (1.9, 1.4)), ((0.1, -1.4), (0.2, 1.4)), ((-2.0, 1.4), (2.0, 1.4))]
    yield "skew plane in five dimensions", Lattice((-2.0, 2.0, -1.5, 1.5), (10, 14), origin, basis), ends


def described(line):
    """A line's length, and five points of it in each spacing."""
    return {"length": line.length} | {by: line.at(5, by=by).tolist() for by in ("measure", "latent", "parameter")}


def fixtures():
    """The fixtures as plain lists; metrics and maps are rounded to what travels to the browser, single precision."""
    out = []
    for name, lattice, ends in lattices():
        x, y = np.moveaxis(lattice.cells, -1, 0)
        rho, cross = np.exp(1.2 * np.sin(2 * x) * np.cos(y)), 0.4 * np.sin(x)
        e, f, g = (np.float32(rho * entry).astype(float) for entry in (1.0, cross, 1.5))
        field = Field(lattice, np.stack([e, f, f, g], axis=-1).reshape(*lattice.shape, 2, 2))
        cart = cartogram(field)
        corners = cart.corners.astype(np.float32)
        cart = replace(cart, corners=corners.astype(float))
        pairs = []
        for a, b in ends:
            try:
                around_origin = described(slerp(field, a, b))
            except ValueError:
                around_origin = None
            on_map = described(stretched(field, cart, a, b))
            pairs.append({"start": list(a), "end": list(b), "slerp": around_origin, "stretched": on_map})
        out.append(
            {
                "name": name,
                "extent": list(lattice.extent),
                "shape": list(lattice.shape),
                "around": describe_origin(lattice),
                "metric": [float(f"{value:.9g}") for value in np.stack([e, f, g], axis=-1).ravel()],
                "corners": [float(f"{value:.9g}") for value in corners.ravel()],
                "pairs": pairs,
            }
        )
    return out


if __name__ == "__main__":
    PATH.parent.mkdir(parents=True, exist_ok=True)
    PATH.write_text(json.dumps(fixtures(), separators=(",", ":")) + "\n")
