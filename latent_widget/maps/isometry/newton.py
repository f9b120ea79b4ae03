"""Projected Newton steps by conjugate gradients, each cut short of the first fold (Smith and Schaefer 2015, [12]).

The Hessian is replaced by its positive semi-definite part (Teran et al. 2005, [13]), so that every step descends; the
steps are solved no better than they deserve (Eisenstat and Walker 1996, [20]), and a line search after Armijo guards
the descent.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from latent_widget.maps.isometry.assembly import assemble, find_largest_step, multiply, sum_energy
from latent_widget.maps.isometry.outline import overlaps
from latent_widget.maps.isometry.preconditioner import prepare

if TYPE_CHECKING:
    from latent_widget.maps.isometry.problem import Problem

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Blocks = np.ndarray[Any, np.dtype[np.float32]]

# Of the way to the first fold, a step goes this far.
SHORT = 0.9
# Most iterations of conjugate gradients in all steps, so that a hopeless metric takes no minutes.
MOST_IN_ALL = 6000
# Most iterations of conjugate gradients in a step, and the range of the relative error at which they stop; they need
# not be more exact than this share of what ends the search.
MOST_ITERATIONS, LOOSE, TIGHT, CLOSE = 200, 0.1, 1e-3, 0.3
# Armijo's share of the descent that the slope promises, and the shortest step that is tried.
ARMIJO, SHORTEST = 1e-4, 1e-9
# A direction that descends less than this share of Newton's own gives way to it.
DESCENT = 0.1
# A decrement of this share of the energy of an isometry is round-off, and of this one not worth a step.
ROUND_OFF, NOTHING = 1e-13, 1e-16


@dataclass(frozen=True, eq=False)
class Solution:
    """Where the steps ended.

    Attributes
    ----------
    points : ndarray (2, H + 1, W + 1)
        Positions of the corners.
    energy : float
        1 for an isometry, with the terms besides where there are any.
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


class _Model(NamedTuple):
    """Quadratic model of the energy: value, gradient, product with the Hessian, product with the inverse average."""

    energy: float
    gradient: Array
    multiply: Callable[[Array, Array], float]
    precondition: Callable[[Array], Array]


def minimise(problem: Problem, points: Array, tolerance: float, max_steps: int) -> Solution:
    """Lower the energy of a map without folds until a step gains no more than `tolerance` of what exceeds an isometry.

    Where the problem has a contact, the outline does not cross itself either, if it does not at the start.
    """
    least, decrement, spent = 4.0 * float(problem.weights.sum()), math.inf, 0
    gradient, blocks = np.empty_like(points), np.empty((5, *points.shape[1:], 4), dtype=np.float32)
    previous = _Previous(np.zeros_like(points), np.zeros_like(points), math.inf)
    for step in range(max_steps):
        model = _linearise(problem, points, gradient, blocks)
        # of an energy far above an isometry's no share is small
        enough = max(tolerance * min(model.energy - least, least), ROUND_OFF * least)
        newton, iterations = _solve(model, enough)
        spent += iterations
        decrement = -float(np.vdot(model.gradient, newton))
        if 0.0 <= decrement <= NOTHING * least and iterations:
            return Solution(points, model.energy, decrement, step, True)
        direction = _conjugate(newton, model.gradient, previous)
        previous = _Previous(direction, model.gradient.copy(), decrement)
        share, lowered = _search(problem, points, direction, model) if decrement > 0.0 else (0.0, model.energy)
        if share == 0.0:
            # at the floor of round-off no step lowers the energy any more; without a direction nothing is known
            return Solution(points, model.energy, decrement, step, 0.0 < decrement <= enough)
        points = points + share * direction
        if decrement <= enough or spent > MOST_IN_ALL:
            return Solution(points, lowered, decrement, step + 1, decrement <= enough)
    return Solution(points, _measure(problem, points), decrement, max_steps, False)


class _Previous(NamedTuple):
    """The step before: its direction, the gradient it began with, and the decrement that it was promised."""

    direction: Array
    gradient: Array
    decrement: float


def _conjugate(newton: Array, gradient: Array, previous: _Previous) -> Array:
    """Return the direction of nonlinear conjugate gradients (Polak and Ribière [21]), preconditioned by the Hessian.

    Where the positive part is not the whole of the Hessian, Newton's steps alone converge slowly; where it is, the
    share of the step before vanishes.
    """
    share = -float(np.vdot(newton, gradient - previous.gradient)) / previous.decrement
    direction = newton + min(max(share, 0.0), 1.0) * previous.direction
    slope, least = float(np.vdot(gradient, direction)), float(np.vdot(gradient, newton))
    return direction if slope < DESCENT * least else newton


def _search(problem: Problem, points: Array, direction: Array, model: _Model) -> tuple[float, float]:
    """Return the share of a step to go, 0 where none lowers the energy, and the energy there.

    It is shortened until the energy falls as the slope promises, or doubled for as long as the energy falls further.
    """
    slope = float(np.vdot(model.gradient, direction))
    largest = SHORT * float(find_largest_step(points, direction))

    def attempt(share: float, bound: float) -> float:
        candidate = points + share * direction
        energy = _measure(problem, candidate)
        return energy if energy <= bound and _is_allowed(problem, candidate) else math.inf

    share = min(1.0, largest)
    energy = attempt(share, model.energy + ARMIJO * share * slope)
    while math.isinf(energy):
        share *= 0.5
        if share < SHORTEST:
            return 0.0, model.energy
        energy = attempt(share, model.energy + ARMIJO * share * slope)
    while share >= 1.0 and 2.0 * share <= largest:
        further = attempt(2.0 * share, energy - ROUND_OFF * energy)
        if math.isinf(further):
            break
        share, energy = 2.0 * share, further
    return share, energy


def _is_allowed(problem: Problem, points: Array) -> bool:
    """Whether the outline does not cross itself, where it is kept from that."""
    return problem.contact is None or not overlaps(points)


def _measure(problem: Problem, points: Array) -> float:
    """Return the energy; infinite where a triangle is not positive."""
    energy = float(sum_energy(points, problem.factors, problem.weights, *problem.powers))
    if math.isinf(energy):
        return energy
    return energy + sum(term.measure(points) for term in problem.terms)


def _linearise(problem: Problem, points: Array, gradient: Array, blocks: Blocks) -> _Model:
    """Return the quadratic model at a map without folds; `gradient` and `blocks` are overwritten."""
    energy = float(assemble(points, problem.factors, problem.weights, *problem.powers, gradient, blocks))
    precondition = prepare(blocks)
    parts = [term.linearise(points) for term in problem.terms]
    if not parts:
        return _Model(energy, gradient, lambda vector, out: float(multiply(blocks, vector, out)), precondition)

    def multiply_all(vector: Array, out: Array) -> float:
        multiply(blocks, vector, out)
        for part in parts:
            out += part.multiply(vector)
        return float(np.vdot(vector, out))

    total = energy + sum(part.value for part in parts)
    return _Model(total, gradient + sum(part.gradient for part in parts), multiply_all, precondition)


def _solve(model: _Model, enough: float) -> tuple[Array, int]:
    """Solve for the step by conjugate gradients, the more exactly the smaller the gradient; also count iterations."""
    residual = -model.gradient
    step, product = np.zeros_like(residual), np.empty_like(residual)
    direction = model.precondition(residual)
    norm = first = float(np.vdot(residual, direction))
    # the norm is close to the decrement, which is what is left to gain; what is below the tolerance need not be gained
    left = math.sqrt(max(first, 1e-300))
    error = min(LOOSE, max(TIGHT, left, CLOSE * math.sqrt(enough) / left))
    for iteration in range(MOST_ITERATIONS):
        curvature = model.multiply(direction, product)
        if not curvature > 0.0:
            return step, iteration
        length = norm / curvature
        step += length * direction
        residual -= length * product
        preconditioned = model.precondition(residual)
        before, norm = norm, float(np.vdot(residual, preconditioned))
        if norm <= error**2 * first:
            return step, iteration + 1
        direction *= norm / before
        direction += preconditioned
    return step, MOST_ITERATIONS
