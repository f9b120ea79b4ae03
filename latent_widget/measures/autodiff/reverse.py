"""Reverse-mode differentiation of the plane's tangents, for operations without a forward-mode derivative."""

from collections.abc import Callable

import torch
from torch import Tensor

MOST_OUTPUTS = 1024
"""Most outputs that are differentiated one by one."""


class CutError(RuntimeError):
    """The output does not depend on the latents as far as autograd can see: detached, or computed elsewhere."""


def push_by_two_vjps(function: Callable[[Tensor], Tensor], points: Tensor) -> Tensor:
    """Return value and tangents of a function of plane points `(n, 2)` as one stack `(3, n, k)`, without J itself.

    u ↦ Jᵀu is linear, so J is the derivative of Jᵀu by u: one backward pass, and one more through it per tangent.
    Raises `RuntimeError` (from PyTorch) where an operation has no second derivative, and `CutError`.
    """
    with torch.enable_grad():
        z, value = _trace(function, points)
        cotangent = torch.zeros_like(value, requires_grad=True)
        (pulled,) = torch.autograd.grad(value, z, cotangent, create_graph=True)
        # rows do not depend on each other, so a sum over rows keeps them apart
        tangents = [
            torch.autograd.grad(pulled[:, axis].sum(), cotangent, retain_graph=True)[0] for axis in range(z.shape[1])
        ]
    return torch.stack([value.detach(), *tangents])


def push_by_rows(function: Callable[[Tensor], Tensor], points: Tensor) -> Tensor:
    """Return the same stack `(3, n, k)` by one backward pass per output number, at most `MOST_OUTPUTS` of them."""
    with torch.enable_grad():
        z, value = _trace(function, points)
        if value.shape[1] > MOST_OUTPUTS:
            raise RuntimeError(f"{value.shape[1]} outputs are too many to differentiate one by one")
        columns = [torch.autograd.grad(column.sum(), z, retain_graph=True)[0] for column in value.unbind(1)]
    return torch.cat([value.detach()[None], torch.stack(columns, dim=1).movedim(-1, 0)])


def pull_back(function: Callable[[Tensor], Tensor], points: Tensor, cotangent: Tensor) -> Tensor:
    """Return Jᵀu, `(n, 2)`, for one cotangent `(n, k)` per point, by one backward pass."""
    with torch.enable_grad():
        z, value = _trace(function, points)
        # of a scalar, because torch.autograd.grad with grad_outputs imports SymPy, most of a second the first time
        return torch.autograd.grad((value * cotangent.to(value)).sum(), z)[0]


def _trace(function: Callable[[Tensor], Tensor], points: Tensor) -> tuple[Tensor, Tensor]:
    z = points.detach().clone().requires_grad_()
    value = function(z)
    if not value.requires_grad:
        raise CutError("the output is detached from the latents")
    return z, value
