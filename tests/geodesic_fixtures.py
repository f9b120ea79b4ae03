"""Fields and geodesics that hold the Python and the TypeScript solver together.

`python tests/geodesic_fixtures.py` writes them to js/test/fixtures/geodesics.json, from which the tests of
both languages read: the TypeScript solver must reproduce the answers, and Python must still give them.
"""

import json
from pathlib import Path

import numpy as np
import surfaces
from geodesic_fields import points_in, random_field

from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.geodesics import geodesic, straight

PATH = Path(__file__).parents[1] / "js" / "test" / "fixtures" / "geodesics.json"


def ridge():
    """A ridge with a gap on one side, on a lattice that is not square: the walk goes around."""
    lattice = Lattice((-1.0, 2.0, 0.0, 1.0), (18, 30))
    x, y = lattice.cells[..., 0], lattice.cells[..., 1]
    rho = 1.0 + 40.0 * np.exp(-(((x - 0.5) / 0.2) ** 2)) / (1 + np.exp((y - 0.7) / 0.05))
    turned = np.stack([1.0 + 0.0 * x, 0.5 * np.sin(x), 0.5 * np.sin(x), 1.2 + 0.0 * x], axis=-1)
    return lattice, rho[..., None, None] * turned.reshape(*lattice.shape, 2, 2)


def hill():
    """A hill with two ways around it that are nearly as short: a march from one end alone may take the wrong one."""
    lattice = Lattice((-1.0, 1.0, -1.0, 1.0), (24, 24))
    x, y = lattice.cells[..., 0], lattice.cells[..., 1]
    rho = 1.0 + 60.0 * np.exp(-((x - 0.03) ** 2 + (y - 0.01) ** 2) / 0.12)
    return lattice, rho[..., None, None] * np.eye(2)


def spaces():
    """Name, lattice, metric and pairs of ends of every fixture."""
    lattice, metric = ridge()
    ends = [((-0.8, 0.2), (1.8, 0.2)), ((-1, 0), (2, 1)), ((0.5, 0.1), (0.5, 0.9)), ((0.1, 0.1), (0.1, 0.1))]
    yield "ridge", lattice, metric, ends
    lattice, metric = hill()
    heights = (-0.1, -0.05, 0.0, 0.02, 0.05, 0.1)
    yield "hill", lattice, metric, [((-0.9, y), (0.95, -y / 2)) for y in heights]
    # eigenvalues over a range of about e^12: from cell to cell the metric changes too much for second differences
    steep = random_field(1, 2.0, shape=(28, 34))
    starts, ends = points_in(steep, 12, 5).reshape(2, 6, 2)
    yield "steep", steep.lattice, steep.metric, list(zip(starts, ends, strict=True))
    for surface in (surfaces.sphere(), surfaces.sheared(), surfaces.gaussian(0.6)):
        lattice = Lattice(surface.extent, (24, 24))
        pairs = [(tuple(a), tuple(b)) for a, b in zip(*surface.pairs(5, seed=2), strict=True)]
        yield surface.name, lattice, surface.metric(lattice.cells), pairs


def fixtures():
    """The fixtures as plain lists; metrics are rounded to what travels to the browser, single precision."""
    out = []
    for name, lattice, metric, ends in spaces():
        wire = metric[..., [0, 0, 1], [0, 1, 1]].astype(np.float32)
        e, f, g = np.moveaxis(wire.astype(float), -1, 0)
        field = Field(lattice, np.stack([e, f, f, g], axis=-1).reshape(*lattice.shape, 2, 2))
        paths = []
        for a, b in ends:
            a, b = np.round(a, 6), np.round(b, 6)
            path = geodesic(field, a, b)
            samples = path.at(9) if path.length else np.repeat(path.points[:1], 9, axis=0)
            paths.append(
                {
                    "start": a.tolist(),
                    "end": b.tolist(),
                    "length": path.length,
                    "straightLength": straight(field, a, b).length if path.length else 0.0,
                    "samples": np.round(samples, 8).tolist(),
                }
            )
        out.append(
            {
                "name": name,
                "extent": list(lattice.extent),
                "shape": list(lattice.shape),
                "metric": [float(f"{value:.9g}") for value in wire.ravel()],
                "paths": paths,
            }
        )
    return out


if __name__ == "__main__":
    PATH.parent.mkdir(parents=True, exist_ok=True)
    PATH.write_text(json.dumps(fixtures(), separators=(",", ":")) + "\n")
