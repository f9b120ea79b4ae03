"""Trilinear hexahedra for the projection: how to measure, move, hold back and repair them, and a proof that none folds.

The Jacobian determinant of a cell's trilinear map is a polynomial, quadratic in each of the cell's coordinates. Where
its 27 Bernstein coefficients are positive, so is the determinant in the whole cell, and not only at its corners; a
projection never leaves that state. Where they are not all positive, halving the cell tells which it is.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_widget._threads import limit_workers, split_rows
from latent_widget.cartograms.area_correction import Cells
from latent_widget.cartograms.hexes import geometry as hexahedra

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]
    Mask = np.ndarray[Any, np.dtype[np.bool_]]

# How often a cell is halved before it counts as folded for want of a proof.
DEPTH = 8
# A corner is repaired at the cost of some hundred cells elsewhere.
EFFORT = 100


def _assess(points: Array, target: Array, volume: Array, workers: int = 1) -> tuple[float, float, float, float]:
    """Write the volumes (D, H, W); return the smallest certificate by volume, squared error, largest, and by target."""
    low = np.empty_like(volume)

    def layers(first: int, last: int) -> Array:
        found = np.empty(4)
        hexahedra.measure(points, target, volume, low, first, last, found)
        return found

    found = np.array(split_rows(workers, len(target), layers))
    worst, largest, deepest = found[:, 0].min(), found[:, 2].max(), found[:, 3].min()
    return float(worst), float(found[:, 1].sum()), float(largest), float(deepest)


def _lift(
    points: Array, volume: Array, potential: Array, motion: Array, spacing: tuple[float, ...], workers: int
) -> None:
    along, across, upwards = (0.25 / (step * step) for step in spacing)
    layers = len(volume) + 1
    split_rows(workers, layers, lambda a, b: hexahedra.gather(points, potential, motion, a, b))
    split_rows(workers, layers, lambda a, b: hexahedra.weigh(points, volume, motion, along, across, upwards, a, b))


def _pull(points: Array, motion: Array, change: Array, workers: int) -> None:
    split_rows(workers, len(change), lambda a, b: hexahedra.pull(points, motion, change, a, b))


def _guard(points: Array, motion: Array, new: Array, length: float, rounds: int = 12) -> bool:
    """Move by ``length · motion``, less around every cell that would lose most of its certificate."""
    from latent_widget.cartograms.hexes.untangling_loops import hold

    shape = (points.shape[1] - 1, points.shape[2] - 1, points.shape[3] - 1)
    low = np.empty(shape)
    hexahedra.measure(points, np.ones(shape), np.empty(shape), low, 0, shape[0], np.empty(4))
    share = np.full(points.shape[1:], length)
    np.multiply(motion, length, out=new)
    new += points
    stale, before = np.ones(shape, dtype=bool), low.size
    for turn in range(rounds):
        # the later rounds stop the corners altogether
        bad = hold(points, low, motion, new, share, stale, 0.5 if turn < rounds // 2 else 0.0)
        if bad == 0:
            return True
        if turn > 2 and bad > before:
            return False
        before = bad
    return False


def _relax(points: Array, target: Array, active: Mask, barrier: float, sweeps: int, workers: int) -> None:
    """Relax the active corners in place, all eight colours in turn and then in the opposite order."""
    from latent_widget.cartograms.hexes.untangling_loops import relax_colour

    workers = limit_workers(workers, EFFORT * int(np.count_nonzero(active)))
    for sweep in range(sweeps):
        for colour in range(8):
            turn = 7 - colour if sweep % 2 else colour

            def layers(first: int, last: int, turn: int = turn) -> int:
                return int(relax_colour(points, target, active, barrier, turn, first, last, np.empty((44, 4))))

            split_rows(workers, len(target) + 1, layers)


def _around(cells: Mask) -> Mask:
    """Corners (D+1, H+1, W+1) of the marked cells (D, H, W) and of the cells around each."""
    d, h, w = cells.shape
    wide = np.zeros((d + 3, h + 3, w + 3), dtype=bool)
    for k, i, j in product(range(4), repeat=3):
        wide[k : k + d, i : i + h, j : j + w] |= cells
    return np.ascontiguousarray(wide[1:-1, 1:-1, 1:-1])


HEXAHEDRA = Cells(_assess, _lift, _pull, _guard, _relax, _around)


def proven(points: Array, target: Array, share: float) -> bool:
    """Tell whether every cell is certified, by a share of its volume: what a projection may start from."""
    return _assess(points, target, np.empty_like(target))[0] >= share


def coefficients(corners: Array) -> Array:
    """Bernstein coefficients (n, 3, 3, 3), by u, t, s, of the Jacobian determinant of cells (n, 2, 2, 2, 3)."""
    along_s, along_t = corners[:, :, :, 1] - corners[:, :, :, 0], corners[:, :, 1] - corners[:, :, 0]
    along_u = corners[:, 1] - corners[:, 0]
    found = np.zeros((len(corners), 3, 3, 3))
    for a, b, c, d, e, f in product((0, 1), repeat=6):
        # s from b and d, t from a and e, u from c and f
        normal = np.cross(along_t[:, c, b], along_u[:, e, d])
        weight = 0.5 ** ((b != d) + (a != e) + (c != f))
        found[:, c + f, a + e, b + d] += weight * np.einsum("nc,nc->n", along_s[:, f, a], normal)
    return found


def examine(points: Array) -> tuple[Array, Mask]:
    """Return the volumes (D, H, W), and the cells of which the Jacobian determinant is not proven positive."""
    shape = (points.shape[1] - 1, points.shape[2] - 1, points.shape[3] - 1)
    volume, low = np.empty(shape), np.empty(shape)
    hexahedra.measure(points, np.ones(shape), volume, low, 0, shape[0], np.empty(4))
    # a clear margin settles it beyond round-off
    doubtful = ~(low > 1e-10 * np.abs(volume))
    if doubtful.any():
        k, i, j = np.nonzero(doubtful)
        ends = [points[:, k + a, i + b, j + c].T for a in (0, 1) for b in (0, 1) for c in (0, 1)]
        corners = np.stack(ends, axis=1).reshape(-1, 2, 2, 2, 3)
        doubtful[k, i, j] = ~positive(coefficients(corners))
    return volume, doubtful


def positive(found: Array, depth: int = DEPTH) -> Mask:
    """Tell which polynomials with Bernstein coefficients (n, 3, 3, 3) are proven positive on their cell.

    The smallest coefficient bounds a polynomial from below and the corner coefficients are its values, so that one of
    the two decides, or de Casteljau's halving along each axis brings both closer.
    """
    result = np.ones(len(found), dtype=bool)
    owner = np.arange(len(found))
    for level in range(depth + 1):
        values = found[:, ::2, ::2, ::2].reshape(len(found), -1)
        result[owner[~(values > 0.0).all(axis=1)]] = False
        open_ = ~(found.reshape(len(found), -1) > 0.0).all(axis=1) & result[owner]
        if not open_.any():
            return result
        if level == depth:
            break
        found, owner = found[open_], np.repeat(owner[open_], 8)
        for axis in (1, 2, 3):
            a, b, c = np.moveaxis(found, axis, 0)
            left, right = 0.5 * (a + b), 0.5 * (b + c)
            middle = 0.5 * (left + right)
            halves = np.stack([np.stack([a, left, middle]), np.stack([middle, right, c])])
            # (half, coefficient, n, ...) with the halves of one polynomial side by side
            halves = np.moveaxis(halves, 2, 0)
            found = np.moveaxis(halves.reshape(-1, *halves.shape[2:]), 1, axis)
    result[owner[open_]] = False
    return result
