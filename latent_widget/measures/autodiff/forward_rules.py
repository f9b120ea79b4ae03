"""Forward-mode derivative rules of common layers, on a value and its tangents at once: a stack `(3, n, ...)`.

A rule takes the function that was called, with its arguments, some of which carry stacks (`forward.Stack`). It returns
the stack of the result, or that argument which it changed in place, or NotImplemented where it does not apply. In a box
of three dimensions stacks have one tangent more.
"""

import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Rule = Callable[..., Any]

aten = torch.ops.aten


def answer_from_values(func: Any, *args: Any, **kwargs: Any) -> Any:
    """Answer what has no derivative, such as a shape or a comparison, from the values alone."""
    answer = func(*(v.stack[0] if _has_stack(v) else v for v in args), **kwargs)
    return NotImplemented if isinstance(answer, Tensor) and answer.is_floating_point() else answer


def _has_stack(value: Any) -> bool:
    return hasattr(value, "stack")


def _have_no_stack(*values: Any) -> bool:
    return not any(_has_stack(v) for v in values)


def _apply_cast(func: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    return (
        func(x.stack, *args, **kwargs) if _has_stack(x) and _have_no_stack(*args, *kwargs.values()) else NotImplemented
    )


def _apply_linear(func: Any, x: Any, weight: Any, bias: Any = None, *rest: Any, **options: Any) -> Any:
    if not _has_stack(x) or not _have_no_stack(weight, bias):
        return NotImplemented
    together = func(x.stack.flatten(0, 1), weight, None, *rest, **options)
    stack = together.unflatten(0, x.stack.shape[:2])
    if bias is not None:
        # channels are the second axis of a convolution, the last of a linear layer
        trailing = 0 if func.__name__ == "linear" else stack.dim() - 3
        stack[0] += bias.reshape(-1, *[1] * trailing)
    return stack


def _apply_by_rows(func: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    """Serve what is linear in its first argument and treats rows alike: interpolation, average pooling."""
    if not _has_stack(x):
        return NotImplemented
    return func(x.stack.flatten(0, 1), *args, **kwargs).unflatten(0, x.stack.shape[:2])


def _apply_batch_norm(
    _: Any, x: Any, mean: Any, variance: Any, weight: Any = None, bias: Any = None, *rest: Any, **options: Any
) -> Any:
    given = {**dict(zip(("training", "momentum", "eps"), rest, strict=False)), **options}
    if (
        given.get("training", False)
        or not _has_stack(x)
        or mean is None
        or not _have_no_stack(mean, variance, weight, bias)
    ):
        return NotImplemented
    scale = torch.rsqrt(variance + given.get("eps", 1e-5)) * (1 if weight is None else weight)
    shift = (0 if bias is None else bias) - mean * scale
    channels = (-1, *[1] * (x.stack.dim() - 3))
    stack = x.stack * scale.reshape(channels).to(x.stack)
    stack[0] += shift.reshape(channels)
    return stack


def _apply_matmul(_: Any, x: Any, weight: Any) -> Any:
    if not _has_stack(x) or _has_stack(weight) or weight.dim() != 2:
        return NotImplemented
    return torch.matmul(x.stack, weight)


def _reshape(func: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    if not _has_stack(x):
        return NotImplemented
    return x.stack.reshape(len(x.stack), *func(x.stack[0], *args, **kwargs).shape)


def _add(func: Any, a: Any, b: Any, **kwargs: Any) -> Any:
    name = func.__name__.strip("_")
    if name == "rsub":
        a, b, name = b, a, "sub"
    pair = NotImplemented if kwargs else _match_ranks(a, b)
    if pair is NotImplemented:
        return pair
    combine = operator.sub if name == "sub" else operator.add
    if _has_stack(a) and _has_stack(b):
        return combine(a.stack, b.stack)
    value = combine(*pair)
    tangents = a.stack[1:] if _has_stack(a) else combine(0, b.stack[1:])
    return torch.cat([value[None], tangents.expand(-1, *value.shape).to(value)])


def _multiply(_: Any, a: Any, b: Any) -> Any:
    pair = _match_ranks(a, b)
    if pair is NotImplemented:
        return pair
    if _have_no_stack(b):
        return a.stack * b
    if _have_no_stack(a):
        return b.stack * a
    stack = a.stack * pair[1]
    stack[1:] += pair[0] * b.stack[1:]
    return stack


def _divide(_: Any, a: Any, b: Any, **kwargs: Any) -> Any:
    pair = NotImplemented if kwargs else _match_ranks(a, b)
    if pair is NotImplemented or _has_stack(b):
        return NotImplemented
    return a.stack / b


def _match_ranks(a: Any, b: Any) -> Any:
    """Return the values of two operands whose broadcasting leaves the stack's own axis first, else NotImplemented."""
    values = [v.stack[0] if _has_stack(v) else v for v in (a, b)]
    ranks = [v.dim() if isinstance(v, Tensor) else 0 for v in values]
    stacked = [rank for rank, v in zip(ranks, (a, b), strict=True) if _has_stack(v)]
    if max(ranks) != min(stacked) or not all(isinstance(v, Tensor | int | float) for v in values):
        return NotImplemented
    return values


def _make_pointwise(slope: Callable[[Tensor, Tensor], Tensor]) -> Rule:
    """Make the rule of y = f(x) from its slope as a function of x and y."""

    def rule(func: Any, x: Any) -> Any:
        y = func(x.stack[0])
        return torch.cat([y[None], x.stack[1:] * slope(x.stack[0], y)])

    return rule


def _make_from_result(value: Callable[..., Any], backward: Callable[..., Any]) -> Rule:
    """Make the rule of y = f(x) from PyTorch's own fused product of a tangent with the slope, given y."""

    def rule(_: Any, x: Any) -> Any:
        stack = torch.empty_like(x.stack)
        y = value(x.stack[0], out=stack[0])
        backward(x.stack[1:], y.expand_as(x.stack[1:]), grad_input=stack[1:])
        return stack

    return rule


def _make_activation(backward: Callable[..., Tensor]) -> Rule:
    """Make the rule of an activation layer from its fused derivative `backward(tangents, x, *args)`."""

    def rule(func: Any, x: Any, *args: Any, inplace: bool = False, **kwargs: Any) -> Any:
        tangents = x.stack[1:]
        slopes = backward(tangents, x.stack[0].expand_as(tangents), *args, **kwargs)
        if not inplace:
            return torch.cat([func(x.stack[0], *args, **kwargs)[None], slopes])
        func(x.stack[0], *args, inplace=True, **kwargs)
        x.stack[1:] = slopes
        return x

    return rule


def _apply_relu(func: Any, x: Any, inplace: bool = False) -> Any:
    stack = x.stack if inplace or func.__name__ == "relu_" else torch.empty_like(x.stack)
    at = x.stack[0].expand_as(x.stack[1:])
    aten.threshold_backward.grad_input(x.stack[1:], at, 0, grad_input=stack[1:])
    torch.clamp(x.stack[0], min=0, out=stack[0])
    return x if stack is x.stack else stack


def _apply_softmax(_: Any, x: Any, dim: Any, **kwargs: Any) -> Any:
    kwargs.pop("_stacklevel", None)
    if kwargs.pop("dtype", None) is not None or kwargs or dim is None:
        return NotImplemented
    y = torch.softmax(x.stack[0], dim)
    dim = dim % y.dim() + 1
    # the softmax's Jacobian is symmetric, so its backward rule serves forwards
    tangents = aten._softmax_backward_data(x.stack[1:].to(y), y.expand_as(x.stack[1:]), dim, y.dtype)
    return torch.cat([y[None], tangents])


def _differentiate_elu(tangent: Tensor, x: Tensor, alpha: float = 1.0) -> Any:
    return aten.elu_backward(tangent, alpha, 1, 1, False, x)


def _differentiate_leaky_relu(tangent: Tensor, x: Tensor, negative_slope: float = 0.01) -> Any:
    return aten.leaky_relu_backward(tangent, x, negative_slope, False)


def _differentiate_softplus(tangent: Tensor, x: Tensor, beta: float = 1, threshold: float = 20) -> Any:
    return aten.softplus_backward(tangent, x, beta, threshold)


QUESTIONS = {
    *("dim", "size", "__len__", "__get__", "is_floating_point", "is_complex", "numel", "isfinite", "isnan"),
    *("eq", "ne", "gt", "ge", "lt", "le", "__eq__", "__ne__", "__gt__", "__ge__", "__lt__", "__le__"),
}
"""What is asked of the values alone."""

RULES: dict[str, Rule] = {
    **dict.fromkeys(("to", "float", "double"), _apply_cast),
    **dict.fromkeys(("linear", "conv1d", "conv2d", "conv3d"), _apply_linear),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), _apply_linear),
    **dict.fromkeys(("interpolate", "avg_pool2d", "pixel_shuffle"), _apply_by_rows),
    "batch_norm": _apply_batch_norm,
    **dict.fromkeys(("matmul", "mm", "__matmul__"), _apply_matmul),
    **dict.fromkeys(("view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze"), _reshape),
    **dict.fromkeys(("add", "sub", "__add__", "__sub__", "__radd__", "__rsub__", "rsub"), _add),
    **dict.fromkeys(("mul", "__mul__", "__rmul__"), _multiply),
    **dict.fromkeys(("div", "__truediv__", "true_divide"), _divide),
    "tanh": _make_from_result(torch.tanh, aten.tanh_backward.grad_input),
    "sigmoid": _make_from_result(torch.sigmoid, aten.sigmoid_backward.grad_input),
    **dict.fromkeys(("relu", "relu_"), _apply_relu),
    "leaky_relu": _make_activation(_differentiate_leaky_relu),
    "elu": _make_activation(_differentiate_elu),
    "silu": _make_activation(aten.silu_backward),
    "gelu": _make_activation(aten.gelu_backward),
    "softplus": _make_activation(_differentiate_softplus),
    "softmax": _apply_softmax,
    "exp": _make_pointwise(lambda _, y: y),
    "log": _make_pointwise(lambda x, _: x.reciprocal()),
    "sqrt": _make_pointwise(lambda _, y: 0.5 / y),
    "rsqrt": _make_pointwise(lambda x, y: -0.5 * y / x),
    "square": _make_pointwise(lambda x, _: 2 * x),
    "sin": _make_pointwise(lambda x, _: x.cos()),
    "cos": _make_pointwise(lambda x, _: -x.sin()),
}
