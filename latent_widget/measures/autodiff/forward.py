"""Pushing the lattice's tangent vectors, two or three, through a decoder, beside the value itself.

The value and t tangents travel as one stack `(1 + t, n, ...)`: a linear layer is then one matrix product for them all,
and the Jacobian never exists. PyTorch's own forward-mode rules serve every operation that has no rule here, one
operation at a time, so any decoder that they can differentiate passes through unchanged.
"""

import threading
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten

from latent_widget.measures.autodiff.rules import QUESTIONS, RULES, answered

_held = [0]
"""Most numbers that an operation has held since it was set to 0; whoever holds the lock below owns it."""
# forward-mode levels are counted process-wide in PyTorch, so tiles on several threads must take turns
_ONE_AT_A_TIME = threading.Lock()


def push(function: Callable[[Tensor], Tensor], points: Tensor) -> Tensor:
    """Return value and tangents ∂f/∂x, ∂f/∂y of a function of plane points `(n, 2)` as one stack `(3, n, k)`.

    Points `(n, 3)` of a box give `(4, n, k)`.

    Raises `NotImplementedError` (from PyTorch) where an operation has no forward-mode rule.
    """
    return push_measured(function, points)[0]


def push_measured(function: Callable[[Tensor], Tensor], points: Tensor) -> tuple[Tensor, int]:
    """Return the stack of `push` and the most numbers per point that one operation held: what bounds a tile."""
    tangents = torch.eye(points.shape[1]).to(points)[:, None].expand(-1, *points.shape)
    seed = torch.cat([points[None], tangents])
    with torch.no_grad(), _ONE_AT_A_TIME:
        _held[0] = 0
        pushed = function(_carry(seed))
        widest = -(-_held[0] // len(points))
    if not isinstance(pushed, Stack):
        # the output does not depend on the input: all tangents vanish
        return torch.stack([pushed, *[torch.zeros_like(pushed)] * points.shape[1]]), widest
    return pushed.stack, widest


def push_by_jvp(function: Callable[[Tensor], Tensor], points: Tensor) -> Tensor:
    """Return the same stack `(3, n, k)` by `torch.func.jvp` alone, twice as slow: the independent check of `push`."""
    directions = [direction.expand_as(points).contiguous() for direction in torch.eye(points.shape[1]).to(points)]
    with torch.no_grad(), _ONE_AT_A_TIME:
        pushed = [torch.func.jvp(function, (points,), (direction,)) for direction in directions]
    return torch.stack([pushed[0][0], *(pair[1] for pair in pushed)])


class Stack(torch.Tensor):
    """A tensor that carries its t tangents along: `stack (1 + t, *shape)`, with itself as `stack[0]`."""

    stack: Tensor

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        with torch._C.DisableTorchFunctionSubclass():
            if name in QUESTIONS:
                result = answered(func, *args, **kwargs)
                return _by_forward_mode(func, args, kwargs) if result is NotImplemented else result
            result = RULES[name](func, *args, **kwargs) if name in RULES else NotImplemented
            if result is NotImplemented:
                return _by_forward_mode(func, args, kwargs)
            return result if isinstance(result, Stack) else _carry(result)


def _carry(stack: Tensor) -> Stack:
    carried = stack[0].as_subclass(Stack)
    carried.stack = stack
    _held[0] = max(_held[0], stack.numel())
    return carried


def _by_forward_mode(func: Any, args: Any, kwargs: Any) -> Any:
    """Act with any operation on the stacks among its arguments, by PyTorch's forward mode along one axis at a time."""
    leaves, spec = tree_flatten((args, kwargs))
    mutates = _writes_in_place(func) and isinstance(args[0], Stack)
    results = []
    for axis in range(1, next(len(v.stack) for v in leaves if isinstance(v, Stack))):
        with forward_ad.dual_level():
            # copies, since an operation in place would otherwise act twice on the same value
            duals = [
                forward_ad.make_dual(v.stack[0].clone(), v.stack[axis].clone()) if isinstance(v, Stack) else v
                for v in leaves
            ]
            dual_args, dual_kwargs = tree_unflatten(duals, spec)
            output = func(*dual_args, **dual_kwargs)
            results.append(tree_map(_unpacked, dual_args[0] if mutates else output))
    if mutates:
        value = results[0].value
        for row, result in zip(args[0].stack, [value, *(r.along(value) for r in results)], strict=True):
            row.copy_(result)
        return args[0]
    flattened = [tree_flatten(result, is_leaf=lambda v: isinstance(v, _Dual)) for result in results]
    output_spec = flattened[0][1]
    along = zip(*(found for found, _ in flattened), strict=True)
    joined = [_joined(*duals) if isinstance(duals[0], _Dual) else duals[0] for duals in along]
    return tree_unflatten(joined, output_spec)


def _writes_in_place(func: Any) -> bool:
    name = func.__name__
    return name in _AUGMENTED or (name.endswith("_") and not name.endswith("__"))


_AUGMENTED = {"__setitem__", "__iadd__", "__isub__", "__imul__", "__itruediv__", "__ipow__", "__imatmul__"}


class _Dual:
    def __init__(self, value: Tensor, tangent: Tensor | None) -> None:
        self.value, self.tangent = value, tangent

    def along(self, like: Tensor) -> Tensor:
        return torch.zeros_like(like) if self.tangent is None else self.tangent


def _unpacked(output: Any) -> Any:
    if isinstance(output, Tensor) and output.is_floating_point():
        return _Dual(*forward_ad.unpack_dual(output))
    return output


def _joined(*duals: _Dual) -> Tensor:
    value = duals[0].value
    if all(dual.tangent is None for dual in duals):
        return value
    return _carry(torch.stack([value, *(dual.along(value) for dual in duals)]))
