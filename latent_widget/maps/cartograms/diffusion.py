"""Diffusion-based density equalisation (Gastner and Newman 2004 [2]): as a density evens out, it moves a lattice.

A density ρ diffuses until it is even, and every corner moves with the velocity ``-∇ρ/ρ`` of what flows past it. The
density is a sum of cosines, each of which decays at a rate of its own, so that time runs in ``s = 1 - exp(-λt)`` from
0 to 1, λ the slowest rate. Detail decays first: the flow changes to coarser lattices as it goes, and the map is the
late flow, followed on a coarse lattice, after the early flow, followed on the fine one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import fft

from latent_widget._threads import limit_workers, split_rows
from latent_widget.maps.cartograms.problem import make_lattice

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]

# A lattice is fine enough once waves shorter than this many of its cells carry no more than this share of the
# mean density.
WAVE, TAIL = 10.0, 8e-3
# In three dimensions fine lattices cost more than the area correction needs to make up for a coarser flow.
TAIL_BOX = 5e-2
# No coarser than this many cells a side, in two and in three dimensions.
COARSEST, COARSEST_BOX = 64, 16
# Times, besides the beginning, at which a coarser lattice may take over.
CHANGES = np.geomspace(1e-6, 1.0, 61)[:-1]
# The first step is no longer than half of the time left, and moves no corner by more than half a cell.
FIRST_SHARE, FIRST_CELLS = 0.5, 0.5
# From the error e of a step relative to what is allowed, a method of third order foresees the next step to be
# e^(-1/3) as long; a little less is safer, and no step is changed by more than these factors.
SAFETY, SHORTER, LONGER, ORDER = 0.9, 0.2, 5.0, 3.0
# Bogacki and Shampine's pair of orders 3 and 2: the weights of the stages before at the second, third and last stage.
SECOND, THIRD, LAST = (0.5, 0.0, 0.0), (0.0, 0.75, 0.0), (2.0 / 9.0, 1.0 / 3.0, 4.0 / 9.0)
STILL = (0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class _Flow:
    """A density on one lattice, by its cosine modes, and how they decay.

    ``modes`` (H, W) or (D, H, W) is the spectrum without the ``mean``; ``powers`` holds along x, y[, z] the decay
    rates relative to the ``slowest``, so that a mode is left with ``(1 - s)^power`` at time s. ``tolerance`` is the
    error of one step in cells of this lattice.
    """

    modes: Array
    mean: float
    powers: tuple[Array, ...]
    slowest: float
    spacing: tuple[float, ...]
    tolerance: float
    workers: int


class _Loops(NamedTuple):
    """Compiled loops of two or of three dimensions."""

    compute_velocity: Callable[..., None]
    compute_stage: Callable[..., float]
    add_coarse_displacement: Callable[..., None]


def diffuse(
    density: Array, spacing: tuple[float, ...], blur: float = 0.0, tolerance: float = 0.1, workers: int = 1
) -> tuple[Array, int]:
    """Move the corners of the lattice by ``dX/dt = -∇ρ/ρ`` while ρ, (H, W) or (D, H, W), diffuses from t = blur to ∞.

    ``tolerance`` is the error of one step in cells. Returns the corners (d, ...), components (x, y[, z]) first, in
    the units of ``spacing`` (dx, dy[, dz]), and the number of steps on all lattices. Source: [2].
    """
    rates = [compute_decay_rates(n, step) for n, step in zip(reversed(density.shape), spacing, strict=True)]
    slowest = min(rate[1] for rate in rates)
    spectrum = fft.dctn(density, workers=limit_workers(workers, density.size), norm="forward")
    if blur > 0.0:
        spectrum *= _multiply_out([np.exp(-blur * rate) for rate in rates])
    mean = float(spectrum.flat[0])
    spectrum.flat[0] = 0.0
    powers = tuple(rate / slowest for rate in rates)
    points, steps = _follow(_Flow(spectrum, mean, powers, slowest, spacing, tolerance, workers), 0.0)
    return points * np.reshape(spacing, (-1, *[1] * density.ndim)), steps


def compute_decay_rates(n: int, spacing: float) -> Array:
    """Return the decay rates ``4 sin²(πk/2n) / spacing²`` (n,) of the discrete heat equation on n closed cells.

    The discrete symbol keeps a blurred density positive; the continuous one rings.
    """
    return np.asarray((2.0 * np.sin(np.pi * np.arange(n) / (2 * n)) / spacing) ** 2)


def _multiply_out(factors: list[Array]) -> Array:
    """Multiply factors along (x, y[, z]) out to a lattice, whose last index runs along x."""
    found = factors[0]
    for factor in factors[1:]:
        found = factor.reshape(-1, *[1] * found.ndim) * found
    return found


def _load_loops(ndim: int) -> _Loops:
    """Import, and so compile, the loops of two or of three dimensions."""
    if ndim == 2:
        from latent_widget.maps.cartograms.quads import diffusion_loops as quads

        return _Loops(quads.compute_velocity, quads.compute_stage, quads.add_coarse_displacement)
    from latent_widget.maps.cartograms.hexes import diffusion_loops as hexes

    return _Loops(hexes.compute_velocity, hexes.compute_stage, hexes.add_coarse_displacement)


def _follow(flow: _Flow, begin: float) -> tuple[Array, int]:
    """Follow the flow from s = begin to the end, on this lattice and then on coarser ones; corners in cells."""
    shape = flow.modes.shape
    points = make_lattice(shape, (1.0,) * len(shape))
    halves = tuple(-(-n // 2) for n in shape)
    is_coarsest = min(halves) < (COARSEST if len(shape) == 2 else COARSEST_BOX)
    change = 1.0 if is_coarsest else max(begin, _find_smooth_time(flow, halves))
    steps = 0
    if change > begin:
        points, steps = _integrate(flow, points, begin, change)
    if change < 1.0:
        late, more = _follow(_coarsen(flow, halves), change)
        _add_coarse(points, late, limit_workers(flow.workers, flow.modes.size))
        steps += more
    return points, steps


def _find_smooth_time(flow: _Flow, halves: tuple[int, ...]) -> float:
    """Find the s in [0, 1] from which a lattice of so many cells is fine enough."""
    energy = np.square(flow.modes)
    # waves and rates of decay, gathered in a few groups: the slowest decides, so it stands for its group
    pieces = []
    for axis, (cells, power) in enumerate(zip(halves, flow.powers[::-1], strict=True)):
        near = int(2 * cells / WAVE)
        others = tuple(k for k in range(energy.ndim) if k != axis)
        far = np.moveaxis(energy, axis, 0)[near:]
        pieces.append((np.moveaxis(far, 0, axis).sum(others), power[near:]))
        energy = np.moveaxis(np.moveaxis(energy, axis, 0)[:near], 0, axis)
    tail = 2.0 * np.concatenate([e for e, _ in pieces])
    power = np.concatenate([p for _, p in pieces])
    allowed = (TAIL if len(halves) == 2 else TAIL_BOX) * flow.mean
    for s in (0.0, *CHANGES):
        if np.dot(tail, (1.0 - s) ** (2.0 * power)) <= allowed**2:
            return float(s)
    return 1.0


def _coarsen(flow: _Flow, halves: tuple[int, ...]) -> _Flow:
    """Return the same flow on a lattice of fewer cells, on which its short waves are left out."""
    sides = list(zip(flow.spacing, flow.modes.shape[::-1], halves[::-1], strict=True))
    return replace(
        flow,
        modes=np.ascontiguousarray(flow.modes[tuple(slice(m) for m in halves)]),
        powers=tuple(power[:m] for power, m in zip(flow.powers, halves[::-1], strict=True)),
        spacing=tuple(step * n / m for step, n, m in sides),
    )


def _add_coarse(points: Array, late: Array, workers: int) -> None:
    """Move points (d, ...), in cells, on by the map ``late`` (d, ...) of a coarser lattice, in cells of its own."""
    ndim = len(points)
    cells, coarse = [n - 1 for n in points.shape[1:]], [n - 1 for n in late.shape[1:]]
    start = make_lattice(tuple(coarse), (1.0,) * ndim)
    # a displacement is mirrored at the walls, and changes its sign where it is normal to one
    shift = np.pad(late - start, [(0, 0)] + [(1, 1)] * ndim, mode="reflect")
    for component in range(ndim):
        np.moveaxis(shift[component], ndim - 1 - component, 0)[[0, -1]] *= -1.0
    scales = tuple(m / n for n, m in zip(cells[::-1], coarse[::-1], strict=True))
    add = _load_loops(ndim).add_coarse_displacement
    split_rows(workers, cells[0] + 1, lambda a, b: add(tuple(shift), tuple(points), scales, a, b))


def _compute_velocity(flow: _Flow, s: float, velocity: Array) -> None:
    """Write dX/ds at the corners (d, ...) of the lattice, in cells."""
    left = 1.0 - s
    # one factor of (1 - s) cancels against ds = λ (1 - s) dt
    if left > 0.0:
        modes = flow.modes * (left ** flow.powers[-1] / left).reshape(-1, *[1] * (flow.modes.ndim - 1))
        modes *= _multiply_out([left**power for power in flow.powers[:-1]])
    else:
        total = np.zeros(flow.modes.shape)
        for k, power in enumerate(flow.powers):
            total += power.reshape(-1, *[1] * k)
        # at the end only the slowest modes are left
        modes = flow.modes * (np.abs(total - 1.0) < 1e-9)
    workers = limit_workers(flow.workers, flow.modes.size)
    deviation = fft.idctn(modes, overwrite_x=True, workers=workers, norm="forward")
    scales = tuple(1.0 / (flow.slowest * step * step) for step in flow.spacing)
    compute, parts = _load_loops(flow.modes.ndim).compute_velocity, tuple(velocity)
    split_rows(workers, len(deviation) + 1, lambda a, b: compute(deviation, left, flow.mean, scales, parts, a, b))


def _integrate(flow: _Flow, points: Array, begin: float, end: float) -> tuple[Array, int]:
    """Follow corners (d, ...) from s = begin to s = end on one lattice; return them and the number of steps.

    Steps are the pair of Bogacki and Shampine, of third order, whose last stage is the next step's first.
    """
    workers = limit_workers(flow.workers, flow.modes.size)
    compute_stage = _load_loops(flow.modes.ndim).compute_stage
    velocity, new = np.empty_like(points), np.empty_like(points)
    k1, k2, k3, k4 = (np.zeros_like(points) for _ in range(4))

    def evaluate(s: float, weights: tuple[float, float, float], step: float, out: Array) -> float:
        _compute_velocity(flow, s, velocity)
        fields = tuple(velocity), tuple(points)

        def compute_rows(first: int, last: int) -> float:
            return compute_stage(*fields, k1, k2, k3, weights, step, tuple(new), out, first, last)

        return max(split_rows(workers, points.shape[1], compute_rows))

    evaluate(begin, STILL, 0.0, k1)
    fastest = max(float(np.abs(k1).max()), 1e-300)
    step = min(FIRST_SHARE * (1.0 - begin), FIRST_CELLS / fastest)
    s, steps = begin, 0
    while s < end:
        # what would be left of the time by round-off belongs to the last step
        is_last = step >= (end - s) * (1.0 - 1e-9)
        step = end - s if is_last else step
        after = end if is_last else s + step
        evaluate(s + 0.5 * step, SECOND, step, k2)
        evaluate(s + 0.75 * step, THIRD, step, k3)
        error = evaluate(after, LAST, step, k4) / flow.tolerance
        if error <= 1.0:
            points, new = new, points
            k1, k4 = k4, k1
            s, steps = after, steps + 1
        step *= min(LONGER, max(SHORTER, SAFETY * max(error, 1e-9) ** (-1.0 / ORDER)))
    return points, steps
