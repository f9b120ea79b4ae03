"""Projected Newton steps by conjugate gradients, each cut short of the first fold (Smith and Schaefer 2015).

The Hessian is replaced by its positive semi-definite part (Teran et al. 2005), so that every step descends; the steps
are solved no better than they deserve (Eisenstat and Walker 1996), and a line search after Armijo guards the descent.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_widget.maps.isometry.assembly import assemble, find_largest_step, multiply, sum_energy
from latent_widget.maps.isometry.preconditioner import prepare

if TYPE_CHECKING:
    from latent_widget.maps.isometry.problem import Problem

    Array = np.ndarray[Any, np.dtype[np.float64]]

# Of the way to the first fold, a step goes this far.
SHORT = 0.9
# Most iterations of conjugate gradients in a step, and the range of the relative error at which they stop; they need not
# be more exact than this share of what ends the search.
MOST_ITERATIONS, LOOSE, TIGHT, CLOSE = 200, 0.1, 1e-3, 0.3
# Armijo's share of the descent that the slope promises, and the shortest step that is tried.
ARMIJO, SHORTEST = 1e-4, 1e-9
# A decrement of this share of the energy of an isometry is round-off.
ROUND_OFF = 1e-13


@dataclass(frozen=True, eq=False)
class Solution:
    """Where the steps ended.

    Attributes
    ----------
    points : ndarray (2, H + 1, W + 1)
        Positions of the corners.
    energy : float
        1 for an isometry, with the stress where there is one.
    decrement : float
        Twice what the last step could lower the energy by, as its quadratic model has it.
    steps : int
        Steps of Newton's method.
    converged : bool
        Whether the decrement is within the tolerance.

    """

    points: Array = field(repr=False)
    energy: float
    decrement: float
    steps: int
    converged: bool


def minimise(
    problem: Problem,
    points: Array,
    tolerance: float,
    max_steps: int,
    accept: Callable[[Array], bool] | None = None,
) -> Solution:
    """Lower the energy of a map without folds until the decrement is within `tolerance` times what exceeds an isometry.

    `accept` refuses positions that the energy allows.
    """
    measure, linearise = _write_objective(problem)
    least, decrement = 4.0 * float(problem.weights.sum()), np.inf
    for step in range(max_steps):
        energy, gradient, multiply_by, blocks = linearise(points)
        enough = max(tolerance * (energy - least), ROUND_OFF * least)
        direction = _solve(multiply_by, gradient, prepare(blocks), enough)
        decrement = -float(np.vdot(gradient, direction))
        if not decrement > 0.0:
            # nothing is left to gain but round-off
            return Solution(points, energy, max(decrement, 0.0), step, abs(decrement) <= enough)
        share = min(1.0, SHORT * find_largest_step(points, direction))
        while True:
            candidate = points + share * direction
            lowered = measure(candidate)
            if lowered <= energy - ARMIJO * share * decrement and (accept is None or accept(candidate)):
                break
            share *= 0.5
            if share < SHORTEST:
                # at the floor of round-off no step lowers the energy any more
                return Solution(points, energy, decrement, step, decrement <= enough)
        points = candidate
        if share == 1.0 and decrement <= enough:
            return Solution(points, lowered, decrement, step + 1, True)
    return Solution(points, measure(points), decrement, max_steps, False)


Linearisation = tuple[float, "Array", Callable[["Array", "Array"], float], "Array"]


def _write_objective(problem: Problem) -> tuple[Callable[[Array], float], Callable[[Array], Linearisation]]:
    """Return the functions that measure the energy and linearise it: energy, gradient, product, blocks."""
    shape = problem.metric.shape[0] + 1, problem.metric.shape[1] + 1
    gradient, blocks = np.empty((2, *shape)), np.empty((5, *shape, 4))
    triangles = problem.factors, problem.weights, *problem.powers

    def multiply_by(vector: Array, out: Array) -> float:
        return float(multiply(blocks, vector, out))

    if problem.stress is None:
        return lambda points: sum_energy(points, *triangles), lambda points: (
            assemble(points, *triangles, gradient, blocks),
            gradient,
            multiply_by,
            blocks,
        )
    stress = problem.stress
    carry = stress.carry((shape[0] - 1, shape[1] - 1))
    back = carry.T.tocsr()

    def send(vector: Array) -> Array:
        return np.stack([carry @ part.ravel() for part in vector])

    def bring(vector: Array) -> Array:
        return np.stack([(back @ part).reshape(shape) for part in vector])

    def multiply_both(vector: Array, out: Array) -> float:
        multiply_by(vector, out)
        out += bring(stress.multiply(send(vector)))
        return float(np.vdot(vector, out))

    def linearise(points: Array) -> Linearisation:
        energy = assemble(points, *triangles, gradient, blocks)
        squared, pull = stress.measure(send(points))
        return energy + squared, gradient + bring(pull), multiply_both, blocks

    return lambda points: sum_energy(points, *triangles) + stress.measure(send(points))[0], linearise


def _solve(
    multiply_by: Callable[[Array, Array], float],
    gradient: Array,
    precondition: Callable[[Array], Array],
    enough: float,
) -> Array:
    """Solve for the step by conjugate gradients, the more exactly the smaller the gradient."""
    residual = -gradient
    step, product = np.zeros_like(gradient), np.empty_like(gradient)
    direction = precondition(residual)
    norm = first = float(np.vdot(residual, direction))
    # the norm is close to the decrement, which is what is left to gain; what is below the tolerance need not be gained
    left = math.sqrt(max(first, 1e-300))
    error = min(LOOSE, max(TIGHT, left, CLOSE * math.sqrt(enough) / left))
    for _ in range(MOST_ITERATIONS):
        curvature = multiply_by(direction, product)
        if not curvature > 0.0:
            break
        length = norm / curvature
        step += length * direction
        residual -= length * product
        preconditioned = precondition(residual)
        before, norm = norm, float(np.vdot(residual, preconditioned))
        if norm <= error**2 * first:
            break
        direction *= norm / before
        direction += preconditioned
    return step
