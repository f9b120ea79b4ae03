"""What decoders return, tensors and distributions alike: checked, joined, reshaped and compared row by row."""

from collections.abc import Callable
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
        """Return the things as they are, for drawing."""
        return self.rows


Output = Tensor | Distribution | Objects

# of two equivalent parameters the first is kept; building with both is an error in torch
_PREFERRED = {"probs": "logits", "covariance_matrix": "scale_tril", "precision_matrix": "scale_tril"}

FOR_TOKENS = "jensen_shannon, fisher_rao, kl, entropy, likelihood(latents) and distance(fn)"
"""The measures that serve decoded tokens."""


def is_tokens(output: Any) -> bool:
    """Tell whether an output is the tokens of a sequence decoder, which are whole numbers without a size."""
    return isinstance(output, Tensor) and not output.is_floating_point()


def checked(output: Any, n: int) -> Output:
    """Return `output` if it is a tensor or a distribution with n rows; a distribution becomes one event per row.

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
    if _is_things(output):
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


def _is_things(output: Any) -> bool:
    if isinstance(output, np.ndarray):
        return output.dtype.kind in "OUST"
    return isinstance(output, list | tuple) and not any(isinstance(v, Tensor | Distribution) for v in output)


def parameters(output: Output) -> list[Tensor]:
    """List the tensors that define an output: itself, or the distribution's parameters."""
    found: list[Tensor] = []

    def keep(parameter: Tensor) -> Tensor:
        found.append(parameter)
        return parameter

    mapped(output, keep)
    return found


def mapped(output: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """Rebuild an output with `change` applied to each defining tensor; raises `ValueError` for unknown families."""
    if isinstance(output, Tensor):
        return change(output)
    if isinstance(output, Objects):
        return Objects(change(output.rows))  # type: ignore[arg-type]
    if isinstance(output, Independent):
        base = mapped(output.base_dist, change)
        return Independent(base, output.reinterpreted_batch_ndims, validate_args=False)
    if isinstance(output, MixtureSameFamily):
        mixture, component = mapped(output.mixture_distribution, change), mapped(output.component_distribution, change)
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
    return output if isinstance(output, Objects) else mapped(output, lambda p: _wide(p.detach()).cpu())


def joined(parts: list[Output]) -> Output:
    """Join outputs along their rows; raises `ValueError` where the batches differ in kind."""
    if len(parts) == 1:
        return parts[0]
    if len({type(part) for part in parts}) > 1:
        raise ValueError(
            f"decode returned different kinds for different batches: {sorted({type(p).__name__ for p in parts})}"
        )
    if isinstance(parts[0], Objects):
        return Objects(np.concatenate([part.rows for part in parts if isinstance(part, Objects)]))
    columns = [torch.cat(column) for column in zip(*(parameters(part) for part in parts), strict=True)]
    following = iter(columns)
    return mapped(parts[0], lambda _: next(following))


def with_lead(output: Output, lead: tuple[int, ...]) -> Output:
    """Unfold the rows `(n, ...)` into a leading shape `(*lead, ...)`."""
    return mapped(output, lambda p: p.reshape(*lead, *p.shape[1:]))


def rows(output: Output, index: Any) -> Output:
    """Take rows of an output: an index tensor or slice, or an int for the first so many."""
    chosen = slice(index) if isinstance(index, int) else index
    return mapped(output, lambda p: p[chosen])


def differs(a: Output, b: Output) -> bool:
    """Tell whether two outputs differ by more than round-off of their own size."""
    if isinstance(a, Objects) and isinstance(b, Objects):
        return any(_unlike(x, y) for x, y in zip(a.rows.flat, b.rows.flat, strict=True))
    for p, q in zip(parameters(a), parameters(b), strict=True):
        scale = p.abs().max().clamp_min(1e-30)
        tolerance = 1e-3 if p.dtype != torch.float64 else 1e-6
        if p.shape != q.shape or (p - q).abs().max() > tolerance * scale:
            return True
    return False


def _unlike(a: Any, b: Any) -> bool:
    try:
        return bool(a != b)
    except (TypeError, ValueError, RuntimeError):
        return False  # arrays and the like, which compare entry by entry


def check_finite(output: Output, latents: Tensor) -> None:
    """Raise `ValueError` naming the first latent whose output has NaN or infinity (−∞ log-probabilities excepted)."""
    for p in [] if isinstance(output, Objects) else parameters(output):
        good = torch.isfinite(p) if isinstance(output, Tensor) else ~torch.isnan(p) & (p != torch.inf)
        if not good.all():
            bad = torch.nonzero(~good.reshape(len(latents), -1).all(dim=1)).flatten()
            raise ValueError(
                f"decoder returned NaN or infinity for {len(bad)} of {len(latents)} latents, the first at z="
                f"{[round(v, 4) for v in latents[bad[0]].tolist()]}; shrink the extent, or mend the decoder there"
            )


def mean(output: Output) -> Any:
    """Return what is shown of an output: the tensor itself, a distribution's mean, or its most likely value."""
    if isinstance(output, Tensor | Objects):
        return output
    try:
        shown = output.mean
        if not torch.isnan(shown).any():
            return shown
    except NotImplementedError:
        pass
    base = output.base_dist if isinstance(output, Independent) else output
    return base.mode.to(torch.get_default_dtype())


def kind(output: Output) -> str:
    """Name what a decoder returned, as an error or a field's info should say it."""
    if isinstance(output, Tensor) and is_tokens(output):
        return f"sequences of {output.shape[-1]} tokens"
    if isinstance(output, Objects):
        return f"objects ({type(output.rows.flat[0]).__name__})"
    base = output.base_dist if isinstance(output, Independent) else output
    return f"tensor {tuple(output.shape[1:])}" if isinstance(output, Tensor) else type(base).__name__


def _wide(p: Tensor) -> Tensor:
    return p.float() if p.is_floating_point() and p.dtype.itemsize < 4 else p
