"""What may be asked of a map besides little distortion: a term of the energy, and its quadratic model at a map."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]


class Model(NamedTuple):
    """Value, gradient (2, H + 1, W + 1) and product with a positive semi-definite Hessian of the same shape."""

    value: float
    gradient: Array
    multiply: Callable[[Array], Array]


class Term(Protocol):
    """A function of the corners (2, H + 1, W + 1)."""

    def measure(self, points: Array) -> float:
        """Return its value."""
        ...

    def linearise(self, points: Array) -> Model:
        """Return its quadratic model."""
        ...
