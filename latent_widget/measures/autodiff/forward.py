"""Forward-mode differentiation with stacked tangents: value and directional derivatives in one pass.

The value and t tangents travel as one stack `(1 + t, n, ...)`: a linear layer is then one matrix product for them all,
and the Jacobian never exists. PyTorch's own forward-mode rules serve every operation that has no rule here, one
operation at a time, so any decoder that they can differentiate passes through unchanged.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten

from latent_widget.measures.autodiff.forward_rules import QUESTIONS, RULES, answer_from_values

forward_mode_lock = threading.Lock()
"""Guards PyTorch's count of forward-mode levels, of which a process has one: tiles on several threads take turns."""


def push(function: Callable[[Tensor], Tensor], points: Tensor) -> Tensor:
    """Return value and tangents ∂f/∂x, ∂f/∂y of a function of plane points `(n, 2)` as one stack `(3, n, k)`.

    Points `(n, 3)` of a box give `(4, n, k)`.

    Raises `NotImplementedError` (from PyTorch) where an operation has no forward-mode rule.
    """
    return push_and_measure(function, points)[0]


def push_and_measure(function: Callable[[Tensor], Tensor], points: Tensor) -> tuple[Tensor, int]:
    """Return the stack of `push` and the most numbers per point that one operation held: what bounds a tile."""
    tangents = torch.eye(points.shape[1]).to(points)[:, None].expand(-1, *points.shape)
    seed = torch.cat([points[None], tangents])
    sizes = SizeRecorder()
    with torch.no_grad(), forward_mode_lock:
        pushed = function(_attach(seed, sizes))
    widest = -(-sizes.largest // len(points))
    if not isinstance(pushed, Stack):
        # the output does not depend on the input: all tangents vanish
        return torch.stack([pushed, *[torch.zeros_like(pushed)] * points.shape[1]]), widest
    return pushed.stack, widest


def push_by_jvp(function: Callable[[Tensor], Tensor], points: Tensor) -> Tensor:
    """Return the same stack `(3, n, k)` by `torch.func.jvp` alone, twice as slow: the independent check of `push`."""
    directions = [direction.expand_as(points).contiguous() for direction in torch.eye(points.shape[1]).to(points)]
    with torch.no_grad(), forward_mode_lock:
        pushed = [torch.func.jvp(function, (points,), (direction,)) for direction in directions]
    return torch.stack([pushed[0][0], *(pair[1] for pair in pushed)])


@dataclass
class SizeRecorder:
    """The most numbers that a stack has held in one pass, value and tangents together; every stack of it has it."""

    largest: int = 0

    def record(self, stack: Tensor) -> None:
        """Take note of one more stack."""
        self.largest = max(self.largest, stack.numel())


class Stack(torch.Tensor):
    """A tensor that carries its t tangents along: `stack (1 + t, *shape)`, with itself as `stack[0]`."""

    stack: Tensor
    sizes: SizeRecorder

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Act on value and tangents by a rule, or where there is none by PyTorch's forward mode."""
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        with torch._C.DisableTorchFunctionSubclass():
            if name in QUESTIONS:
                result = answer_from_values(func, *args, **kwargs)
                return _apply_forward_mode(func, args, kwargs) if result is NotImplemented else result
            result = RULES[name](func, *args, **kwargs) if name in RULES else NotImplemented
            if result is NotImplemented:
                return _apply_forward_mode(func, args, kwargs)
            if isinstance(result, Stack):
                return result
            carrier = next(v for v in (*args, *kwargs.values()) if isinstance(v, Stack))
            return _attach(result, carrier.sizes)


def _attach(stack: Tensor, sizes: SizeRecorder) -> Stack:
    """Return the value of a stack, with the stack attached to it and its size recorded."""
    carrier = stack[0].as_subclass(Stack)
    carrier.stack, carrier.sizes = stack, sizes
    sizes.record(stack)
    return carrier


def _apply_forward_mode(func: Any, args: Any, kwargs: Any) -> Any:
    """Act with any operation on the stacks among its arguments, by PyTorch's forward mode along one axis at a time."""
    leaves, spec = tree_flatten((args, kwargs))
    mutates = _writes_in_place(func) and isinstance(args[0], Stack)
    first = next(v for v in leaves if isinstance(v, Stack))
    results = []
    for axis in range(1, len(first.stack)):
        with forward_ad.dual_level():
            # copies, since an operation in place would otherwise act twice on the same value
            duals = [_make_dual(v, axis) if isinstance(v, Stack) else v for v in leaves]
            dual_args, dual_kwargs = tree_unflatten(duals, spec)
            output = func(*dual_args, **dual_kwargs)
            results.append(tree_map(_unpack_dual, dual_args[0] if mutates else output))
    if mutates:
        value = results[0].value
        for row, result in zip(args[0].stack, [value, *(r.tangent_like(value) for r in results)], strict=True):
            row.copy_(result)
        return args[0]
    flattened = [tree_flatten(result, is_leaf=lambda v: isinstance(v, _Dual)) for result in results]
    output_spec = flattened[0][1]
    by_leaf = zip(*(found for found, _ in flattened), strict=True)
    joined = [_join(duals, first.sizes) if isinstance(duals[0], _Dual) else duals[0] for duals in by_leaf]
    return tree_unflatten(joined, output_spec)


def _writes_in_place(func: Any) -> bool:
    name = func.__name__
    return name in _AUGMENTED or (name.endswith("_") and not name.endswith("__"))


_AUGMENTED = {"__setitem__", "__iadd__", "__isub__", "__imul__", "__itruediv__", "__ipow__", "__imatmul__"}


@dataclass(frozen=True, eq=False)
class _Dual:
    """A value with its tangent along one axis; None where it has none."""

    value: Tensor
    tangent: Tensor | None

    def tangent_like(self, value: Tensor) -> Tensor:
        return torch.zeros_like(value) if self.tangent is None else self.tangent


def _make_dual(carrier: Stack, axis: int) -> Tensor:
    dual: Tensor = forward_ad.make_dual(carrier.stack[0].clone(), carrier.stack[axis].clone())
    return dual


def _unpack_dual(output: Any) -> Any:
    if isinstance(output, Tensor) and output.is_floating_point():
        return _Dual(*forward_ad.unpack_dual(output))
    return output


def _join(duals: tuple[_Dual, ...], sizes: SizeRecorder) -> Tensor:
    value = duals[0].value
    if all(dual.tangent is None for dual in duals):
        return value
    return _attach(torch.stack([value, *(dual.tangent_like(value) for dual in duals)]), sizes)
