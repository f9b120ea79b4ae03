"""The diffusion flow of Gastner and Newman [2]: density evens out and carries the lattice along.

The density loses its detail quickly, so the flow changes to coarser lattices as it goes: the map is the late
flow, followed on a coarse lattice, after the early flow, followed on the fine one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit
from scipy import fft

from latent_widget._threads import limit_workers, split_rows
from latent_widget.cartograms.compilation import OPTIONS

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]

# A lattice is fine enough once waves shorter than this many of its cells carry no more than this share of the
# mean density.
WAVE, TAIL = 10.0, 8e-3
# In three dimensions fine lattices cost more than the projection needs to make up for a coarser flow.
TAIL_BOX = 5e-2
# No coarser than this many cells a side, in two and in three dimensions.
COARSEST, COARSEST_BOX = 64, 16


@njit("void(f8[:,::1],f8,f8,f8,f8,f8[:,::1],f8[:,::1],i8,i8)", **OPTIONS)
def _velocity(
    deviation: Array,
    amount: float,
    mean: float,
    along: float,
    across: float,
    u: Array,
    v: Array,
    first: int,
    last: int,
) -> None:
    """Write -∇ρ'/ρ at the corners, with ρ = mean + amount · ρ' and ρ' mirrored at the walls."""
    h, w = deviation.shape
    for i in range(first, last):
        low, high = max(i - 1, 0), min(i, h - 1)
        for j in range(w + 1):
            left, right = max(j - 1, 0), min(j, w - 1)
            a, b = deviation[low, left], deviation[low, right]
            c, d = deviation[high, left], deviation[high, right]
            scale = -0.5 / (mean + amount * 0.25 * (a + b + c + d))
            u[i, j] = ((b - a) + (d - c)) * scale * along
            v[i, j] = ((c - a) + (d - b)) * scale * across


@njit(
    "f8(f8[:,::1],f8[:,::1],f8[:,::1],f8[:,::1],f8[:,:,::1],f8[:,:,::1],f8[:,:,::1],f8,f8,f8,f8,"
    "f8[:,::1],f8[:,::1],f8[:,:,::1],i8,i8)",
    **OPTIONS,
)
def _stage(
    u: Array,
    v: Array,
    x: Array,
    y: Array,
    k1: Array,
    k2: Array,
    k3: Array,
    c1: float,
    c2: float,
    c3: float,
    step: float,
    new_x: Array,
    new_y: Array,
    out: Array,
    first: int,
    last: int,
) -> float:
    """Move (x, y) by step · (c1 k1 + c2 k2 + c3 k3) and write the bilinear value of (u, v) there.

    Returns the largest embedded error of the Bogacki–Shampine pair, which means something at the last stage.
    """
    h, w = u.shape[0] - 1, u.shape[1] - 1
    worst = 0.0
    for i in range(first, last):
        for j in range(x.shape[1]):
            px = x[i, j] + step * (c1 * k1[0, i, j] + c2 * k2[0, i, j] + c3 * k3[0, i, j])
            py = y[i, j] + step * (c1 * k1[1, i, j] + c2 * k2[1, i, j] + c3 * k3[1, i, j])
            px, py = min(max(px, 0.0), float(w)), min(max(py, 0.0), float(h))
            a, b = min(int(px), w - 1), min(int(py), h - 1)
            s, t = px - a, py - b
            k00, k01, k10, k11 = (1 - s) * (1 - t), s * (1 - t), (1 - s) * t, s * t
            du = k00 * u[b, a] + k01 * u[b, a + 1] + k10 * u[b + 1, a] + k11 * u[b + 1, a + 1]
            dv = k00 * v[b, a] + k01 * v[b, a + 1] + k10 * v[b + 1, a] + k11 * v[b + 1, a + 1]
            new_x[i, j], new_y[i, j] = px, py
            out[0, i, j], out[1, i, j] = du, dv
            eu = -5.0 * k1[0, i, j] + 6.0 * k2[0, i, j] + 8.0 * k3[0, i, j] - 9.0 * du
            ev = -5.0 * k1[1, i, j] + 6.0 * k2[1, i, j] + 8.0 * k3[1, i, j] - 9.0 * dv
            worst = max(worst, max(abs(eu), abs(ev)))
    return worst * step / 72.0


@njit("void(f8[:,::1],f8[:,::1],f8[:,::1],f8[:,::1],f8,f8,i8,i8)", **OPTIONS)
def _carry(
    shift_x: Array, shift_y: Array, x: Array, y: Array, scale_x: float, scale_y: float, first: int, last: int
) -> None:
    """Move (x, y), in place, by a displacement given on a coarser lattice with one ghost row around.

    ``scale`` is the number of coarse cells per cell. The interpolation is cubic convolution (Catmull–Rom).
    """
    h, w = shift_x.shape[0] - 3, shift_x.shape[1] - 3
    for i in range(first, last):
        for j in range(x.shape[1]):
            px, py = min(max(x[i, j] * scale_x, 0.0), float(w)), min(max(y[i, j] * scale_y, 0.0), float(h))
            a, b = min(int(px), w - 1), min(int(py), h - 1)
            s, t = px - a, py - b
            p0, p1 = s * (s * (1.0 - 0.5 * s) - 0.5), 1.0 + s * s * (1.5 * s - 2.5)
            p2, p3 = s * (0.5 + s * (2.0 - 1.5 * s)), s * s * (0.5 * s - 0.5)
            q = t * (t * (1.0 - 0.5 * t) - 0.5)
            du, dv = 0.0, 0.0
            for m in range(b, b + 4):
                ru = p0 * shift_x[m, a] + p1 * shift_x[m, a + 1] + p2 * shift_x[m, a + 2] + p3 * shift_x[m, a + 3]
                rv = p0 * shift_y[m, a] + p1 * shift_y[m, a + 1] + p2 * shift_y[m, a + 2] + p3 * shift_y[m, a + 3]
                du += q * ru
                dv += q * rv
                q = 1.0 + t * t * (1.5 * t - 2.5) if m == b else t * (0.5 + t * (2.0 - 1.5 * t))
                if m == b + 2:
                    q = t * t * (0.5 * t - 0.5)
            x[i, j] = (px + du) / scale_x
            y[i, j] = (py + dv) / scale_y


def rates(n: int, spacing: float) -> Array:
    """Decay rates ``4 sin²(πk/2n) / spacing²`` of the discrete heat equation on n closed cells, (n,).

    The discrete symbol keeps a blurred density positive; the continuous one rings.
    """
    return np.asarray((2.0 * np.sin(np.pi * np.arange(n) / (2 * n)) / spacing) ** 2)


def diffuse(
    density: Array, spacing: tuple[float, ...], blur: float = 0.0, tolerance: float = 0.1, workers: int = 1
) -> tuple[Array, int]:
    """Move the corners of the lattice by ``dX/dt = -∇ρ/ρ`` while ρ, (H, W) or (D, H, W), diffuses from t = blur to ∞.

    ``tolerance`` is the error of one step in cells. Returns the corners (d, ...), components (x, y[, z]) first, in
    the units of ``spacing`` (dx, dy[, dz]), and the number of steps on all lattices. Source: [2].
    """
    decay = [rates(n, step) for n, step in zip(reversed(density.shape), spacing, strict=True)]
    slowest = min(rate[1] for rate in decay)
    spectrum = fft.dctn(density, workers=limit_workers(workers, density.size), norm="forward")
    if blur > 0.0:
        spectrum *= _product([np.exp(-blur * rate) for rate in decay])
    mean = float(spectrum.flat[0])
    spectrum.flat[0] = 0.0
    powers = [rate / slowest for rate in decay]
    points, steps = _descend(spectrum, mean, powers, slowest, spacing, 0.0, tolerance, workers)
    return points * np.reshape(spacing, (-1, *[1] * density.ndim)), steps


def _product(factors: list[Array]) -> Array:
    """Multiply factors along (x, y[, z]) out to a lattice, whose last index runs along x."""
    found = factors[0]
    for factor in factors[1:]:
        found = factor.reshape(-1, *[1] * found.ndim) * found
    return found


def _descend(
    spectrum: Array,
    mean: float,
    powers: list[Array],
    slowest: float,
    spacing: tuple[float, ...],
    begin: float,
    tolerance: float,
    workers: int,
) -> tuple[Array, int]:
    """Flow from s = begin to the end, on this lattice and then on coarser ones; corners in cells."""
    shape = spectrum.shape
    everyone, workers = workers, limit_workers(workers, spectrum.size)
    points = np.stack(np.meshgrid(*[np.arange(n + 1.0) for n in shape], indexing="ij")[::-1])
    halves = tuple(-(-n // 2) for n in shape)
    coarsest = COARSEST if len(shape) == 2 else COARSEST_BOX
    change = 1.0 if min(halves) < coarsest else _when_smooth(spectrum, mean, powers, halves)
    steps = 0
    if change > begin:
        points, steps = _follow(spectrum, mean, powers, slowest, spacing, points, begin, change, tolerance, workers)
    else:
        change = begin
    if change < 1.0:
        wider = tuple(step * n / m for step, n, m in zip(spacing, shape[::-1], halves[::-1], strict=True))
        late, more = _descend(
            np.ascontiguousarray(spectrum[tuple(slice(m) for m in halves)]),
            mean,
            [power[:m] for power, m in zip(powers, halves[::-1], strict=True)],
            slowest,
            wider,
            change,
            tolerance,
            everyone,
        )
        carry = _kernels(len(shape))[2]
        ghosts, scales = [], []
        for k, n, m in zip(range(len(shape)), shape[::-1], halves[::-1], strict=True):
            axis = len(shape) - 1 - k
            shift = late[k] - np.arange(m + 1.0).reshape([-1 if a == axis else 1 for a in range(len(shape))])
            # a displacement is mirrored at the walls, and changes its sign where it is normal to one
            ghost = np.pad(shift, 1, mode="reflect")
            np.moveaxis(ghost, axis, 0)[[0, -1]] *= -1.0
            ghosts.append(ghost)
            scales.append(m / n)
        split_rows(workers, shape[0] + 1, lambda a, b: carry(*ghosts, *points, *scales, a, b))
        steps += more
    return points, steps


def _when_smooth(spectrum: Array, mean: float, powers: list[Array], halves: tuple[int, ...]) -> float:
    """Find the s in [0, 1] from which a lattice of so many cells is fine enough."""
    energy = np.square(spectrum)
    # waves and rates of decay, gathered in a few groups: the slowest decides, so it stands for its group
    pieces = []
    for axis, (cells, power) in enumerate(zip(halves, powers[::-1], strict=True)):
        near = int(2 * cells / WAVE)
        others = tuple(k for k in range(energy.ndim) if k != axis)
        far = np.moveaxis(energy, axis, 0)[near:]
        pieces.append((np.moveaxis(far, 0, axis).sum(others), power[near:]))
        energy = np.moveaxis(np.moveaxis(energy, axis, 0)[:near], 0, axis)
    tail = 2.0 * np.concatenate([e for e, _ in pieces])
    power = np.concatenate([p for _, p in pieces])
    allowed = (TAIL if len(halves) == 2 else TAIL_BOX) * mean
    for s in (0.0, *np.geomspace(1e-6, 1.0, 61)[:-1]):
        if np.dot(tail, (1.0 - s) ** (2.0 * power)) <= allowed**2:
            return float(s)
    return 1.0


def _kernels(ndim: int) -> tuple[Callable[..., None], Callable[..., float], Callable[..., None]]:
    """Velocity, stage and carry of two or of three dimensions."""
    if ndim == 2:
        return _velocity, _stage, _carry
    from latent_widget.cartograms.hexes import diffusion_loops as hexflow

    return hexflow.velocity, hexflow.stage, hexflow.carry


def _follow(
    spectrum: Array,
    mean: float,
    powers: list[Array],
    slowest: float,
    spacing: tuple[float, ...],
    points: Array,
    begin: float,
    end: float,
    tolerance: float,
    workers: int,
) -> tuple[Array, int]:
    """Follow the flow from s = begin to s = end on one lattice; ``s = 1 - exp(-λt)``, λ the slowest rate.

    So the end of time is reached exactly at s = 1. Steps are the third-order pair of Bogacki and Shampine.
    """
    rows = spectrum.shape[0] + 1
    advect, interpolate, _ = _kernels(spectrum.ndim)
    field = np.empty_like(points)
    scales = [1.0 / (slowest * step * step) for step in spacing]

    def evaluate(s: float) -> None:
        left = 1.0 - s
        # one factor of (1 - s) cancels against ds = λ (1 - s) dt
        if left > 0.0:
            modes = spectrum * (left ** powers[-1] / left).reshape(-1, *[1] * (spectrum.ndim - 1))
            modes *= _product([left**power for power in powers[:-1]])
        else:
            total = np.zeros(spectrum.shape)
            for k, power in enumerate(powers):
                total += power.reshape(-1, *[1] * k)
            modes = spectrum * (np.abs(total - 1.0) < 1e-9)
        deviation = fft.idctn(modes, overwrite_x=True, workers=workers, norm="forward")
        split_rows(workers, rows, lambda a, b: advect(deviation, left, mean, *scales, *field, a, b))

    def stage(c1: float, c2: float, c3: float, step: float, out: Array) -> float:
        return max(
            split_rows(
                workers,
                rows,
                lambda a, b: interpolate(*field, *points, k1, k2, k3, c1, c2, c3, step, *new, out, a, b),
            )
        )

    k1, k2, k3, k4 = (np.zeros_like(points) for _ in range(4))
    new = np.empty_like(points)
    evaluate(begin)
    stage(0.0, 0.0, 0.0, 0.0, k1)
    fastest = max(float(np.abs(k1).max()), 1e-300)
    step = min(0.5 * (1.0 - begin), 0.5 / fastest)
    s, steps = begin, 0
    while s < end:
        last = step >= (end - s) * (1.0 - 1e-9)
        step = end - s if last else step
        evaluate(s + 0.5 * step)
        stage(0.5, 0.0, 0.0, step, k2)
        evaluate(s + 0.75 * step)
        stage(0.0, 0.75, 0.0, step, k3)
        evaluate(end if last else s + step)
        error = stage(2.0 / 9.0, 1.0 / 3.0, 4.0 / 9.0, step, k4) / tolerance
        if error <= 1.0:
            points, new = new, points
            k1, k4 = k4, k1
            s, steps = end if last else s + step, steps + 1
        step *= min(5.0, max(0.2, 0.9 * max(error, 1e-9) ** (-1.0 / 3.0)))
    return points, steps
