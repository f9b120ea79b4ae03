"""Decoder outputs, tensors and distributions alike: checks, and operations on their rows.

A distribution is handled through the tensors that define it (its parameters), so that whatever is done to a decoded
tensor, such as joining batches or taking rows, is done to a distribution by the same function.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Distribution, Independent, MixtureSameFamily


@dataclass(frozen=True, eq=False)
class Objects:
    """Decoded things of any kind (texts, graphs, programs), `rows (...)` of dtype object: for `distance(fn)` alone."""

    rows: NDArray[Any]

    def numpy(self) -> NDArray[Any]:
        """Return the things as they are, as tensors return their numbers."""
        return self.rows


Output = Tensor | Distribution | Objects

# of two equivalent parameters only one is kept, since building with both is an error in torch
_PREFERRED = {"probs": "logits", "covariance_matrix": "scale_tril", "precision_matrix": "scale_tril"}

FOR_TOKENS = "jensen_shannon, fisher_rao, kl, entropy, likelihood(latents) and distance(fn)"
"""The measures that serve decoded tokens."""


def is_tokens(output: Any) -> bool:
    """Tell whether an output is the tokens of a sequence decoder, which are whole numbers without a size."""
    return isinstance(output, Tensor) and not output.is_floating_point()


def check(output: Any, n: int) -> Output:
    """Check that `output` is a tensor, a distribution or a list of n rows; a distribution becomes one event per row.

    Raises `ValueError` naming what came instead.
    """
    if isinstance(output, Distribution):
        batch = tuple(output.batch_shape)
        if not batch or batch[0] != n:
            raise ValueError(
                f"decode returned {type(output).__name__} with batch shape {batch} for {n} latents; "
                f"its first batch dimension must be the {n} rows"
            )
        inner, factors = output, 0
        if isinstance(output, Independent):
            inner, factors = output.base_dist, output.reinterpreted_batch_ndims
        return Independent(inner, factors + len(batch) - 1, validate_args=False) if len(batch) > 1 else output
    if isinstance(output, Tensor):
        if output.dim() == 0 or output.shape[0] != n:
            raise ValueError(f"decode returned shape {tuple(output.shape)} for {n} latents; the first must be {n} rows")
        if not output.is_floating_point():
            raise ValueError(
                f"decode returned a tensor of {output.dtype}; return floats, or a distribution over tokens"
            )
        return output
    if _is_list_of_things(output):
        if len(output) != n:
            raise ValueError(f"decode returned {len(output)} things for {n} latents; return one for each")
        rows = np.empty(n, dtype=object)
        for k, thing in enumerate(output):
            rows[k] = thing
        return Objects(rows)
    raise ValueError(
        f"decode returned {type(output).__name__}; it must return a torch.Tensor or a torch.distributions.Distribution"
        + (" (a tuple? return its first item)" if isinstance(output, tuple | list) else "")
    )


def _is_list_of_things(output: Any) -> bool:
    if isinstance(output, np.ndarray):
        return output.dtype.kind in "OUST"
    return isinstance(output, list | tuple) and not any(isinstance(v, Tensor | Distribution) for v in output)


def list_parameters(output: Output) -> list[Tensor]:
    """List the tensors that define an output: itself, or the distribution's parameters."""
    found: list[Tensor] = []

    def keep(parameter: Tensor) -> Tensor:
        found.append(parameter)
        return parameter

    map_parameters(output, keep)
    return found


def unwrap(output: Any) -> Any:
    """Return the factors of an `Independent` distribution, and any other output as it is."""
    return output.base_dist if isinstance(output, Independent) else output


def map_parameters(output: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """Rebuild an output with `change` applied to each defining tensor; raises `ValueError` for unknown families."""
    if isinstance(output, Tensor):
        return change(output)
    if isinstance(output, Objects):
        return Objects(change(output.rows))  # type: ignore[arg-type]
    if isinstance(output, Independent):
        base = map_parameters(output.base_dist, change)
        return Independent(base, output.reinterpreted_batch_ndims, validate_args=False)
    if isinstance(output, MixtureSameFamily):
        parts = (output.mixture_distribution, output.component_distribution)
        mixture, component = (map_parameters(part, change) for part in parts)
        return MixtureSameFamily(mixture, component, validate_args=False)
    names = {_PREFERRED.get(name, name) for name in output.arg_constraints}
    names = {n if hasattr(output, n) else next(k for k, v in _PREFERRED.items() if v == n) for n in names}
    if not names:
        raise ValueError(f"decode returned {type(output).__name__}, which lists no parameters and cannot be batched")
    values = {name: getattr(output, name) for name in sorted(names)}
    tensors = {name: v if isinstance(v, Tensor) else torch.as_tensor(v) for name, v in values.items()}
    # parameters may be shared by all rows, and then have no row dimension of their own
    batch = output.batch_shape
    spread = {
        name: v.expand(*batch, *v.shape[len(batch) :]) if v.dim() >= len(batch) else v.expand(batch)
        for name, v in tensors.items()
    }
    return type(output)(**{name: change(v) for name, v in spread.items()}, validate_args=False)


def to_cpu(output: Output) -> Output:
    """Bring an output to the CPU, detached, in float32 or wider."""
    if isinstance(output, Objects):
        return output
    moved: Output = map_parameters(output, lambda p: _widen(p.detach()).cpu())
    return moved


def concatenate(parts: list[Output]) -> Output:
    """Join outputs along their rows; raises `ValueError` where the batches differ in kind."""
    if len(parts) == 1:
        return parts[0]
    if len({type(part) for part in parts}) > 1:
        raise ValueError(
            f"decode returned different kinds for different batches: {sorted({type(p).__name__ for p in parts})}"
        )
    if isinstance(parts[0], Objects):
        return Objects(np.concatenate([part.rows for part in parts if isinstance(part, Objects)]))
    columns = zip(*(list_parameters(part) for part in parts), strict=True)
    joined: Output = replace_parameters(parts[0], [torch.cat(column) for column in columns])
    return joined


def replace_parameters(output: Any, values: Iterable[Tensor]) -> Any:
    """Rebuild an output of the same kind from other defining tensors, in the order of `list_parameters`."""
    following = iter(values)
    return map_parameters(output, lambda _: next(following))


def unflatten_rows(output: Output, lead: tuple[int, ...]) -> Output:
    """Unfold the rows `(n, ...)` into a leading shape `(*lead, ...)`."""
    unfolded: Output = map_parameters(output, lambda p: p.reshape(*lead, *p.shape[1:]))
    return unfolded


def take_rows(output: Output, count: int) -> Output:
    """Take the first so many rows of an output."""
    taken: Output = map_parameters(output, lambda p: p[:count])
    return taken


def differ(a: Output, b: Output) -> bool:
    """Tell whether two outputs differ by more than round-off of their own size."""
    if isinstance(a, Objects) and isinstance(b, Objects):
        return any(_differ_as_things(x, y) for x, y in zip(a.rows.flat, b.rows.flat, strict=True))
    for p, q in zip(list_parameters(a), list_parameters(b), strict=True):
        scale = p.abs().max().clamp_min(1e-30)
        tolerance = 1e-3 if p.dtype != torch.float64 else 1e-6
        if p.shape != q.shape or (p - q).abs().max() > tolerance * scale:
            return True
    return False


def _differ_as_things(a: Any, b: Any) -> bool:
    try:
        return bool(a != b)
    except (TypeError, ValueError, RuntimeError):
        return False  # arrays and the like, which compare entry by entry


def check_finite(output: Output, latents: Tensor) -> None:
    """Raise `ValueError` naming the first latent whose output has NaN or infinity (−∞ log-probabilities excepted)."""
    for p in [] if isinstance(output, Objects) else list_parameters(output):
        good = torch.isfinite(p) if isinstance(output, Tensor) else ~torch.isnan(p) & (p != torch.inf)
        if not good.all():
            bad = torch.nonzero(~good.reshape(len(latents), -1).all(dim=1)).flatten()
            raise ValueError(
                f"decoder returned NaN or infinity for {len(bad)} of {len(latents)} latents, the first at z="
                f"{[round(v, 4) for v in latents[bad[0]].tolist()]}; shrink the extent, or mend the decoder there"
            )


def to_mean(output: Output) -> Any:
    """Reduce an output to what is shown of it: the tensor itself, a distribution's mean, or its most likely value."""
    if isinstance(output, Tensor | Objects):
        return output
    try:
        shown = output.mean
        if not torch.isnan(shown).any():
            return shown
    except NotImplementedError:
        pass
    return unwrap(output).mode.to(torch.get_default_dtype())


def describe(output: Output) -> str:
    """Name what a decoder returned, as an error or a field's info should say it."""
    if isinstance(output, Tensor) and is_tokens(output):
        return f"sequences of {output.shape[-1]} tokens"
    if isinstance(output, Objects):
        return f"objects ({type(output.rows.flat[0]).__name__})"
    return f"tensor {tuple(output.shape[1:])}" if isinstance(output, Tensor) else type(unwrap(output)).__name__


def _widen(p: Tensor) -> Tensor:
    return p.float() if p.is_floating_point() and p.dtype.itemsize < 4 else p
