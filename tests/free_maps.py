"""A map with a free outline in closed form, for tests: bend, shear and swirl, without folds, its lower border a bay."""

import numpy as np

import latent_widget as lw
from latent_widget.maps._map import Map, report_map


def bend(points, turn=0.4):
    """Where points (..., 2) go: turned by `turn` (1 - r²) about the origin, and bent upwards around (-0.3, -2.8)."""
    x, y = np.moveaxis(np.asarray(points, dtype=float), -1, 0)
    angle = turn * np.maximum(1 - x**2 - y**2, 0)
    u, v = x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)
    radius = 1.6 + v
    moved = np.stack([radius * np.sin(u) + 0.2 * radius * np.cos(u) - 0.3, radius * np.cos(u) - 1.2], axis=-1)
    return np.ascontiguousarray(moved)


def bent_map(field: lw.Field, turn=0.4, scale=3.0) -> Map:
    """The bent map of a field's lattice, around the centre of its extent."""
    x0, x1, y0, y1 = field.lattice.extent
    centre, half = np.array([(x0 + x1) / 2, (y0 + y1) / 2]), np.array([(x1 - x0) / 2, (y1 - y0) / 2])
    return make_map(field, centre + scale * bend((field.lattice.corners - centre) / half, turn))


def turn_over(field: lw.Field) -> Map:
    """The plane turned by 180° and stretched by 2 and 1/2: it has no fold, and everything folds on the way to it."""
    x0, x1, y0, y1 = field.lattice.extent
    centre = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    return make_map(field, centre - [2, 0.5] * (field.lattice.corners - centre))


def make_map(field: lw.Field, corners) -> Map:
    """A map with these corners, as the solver of an isometric map would report it."""
    report = {"method": "isometric", "iterations": 0, "message": "bent by hand"}
    return report_map(field.lattice.extent, corners, field.metric, 1.0, **report)
