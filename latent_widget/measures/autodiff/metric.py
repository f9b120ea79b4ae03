"""The metric from derivatives, G = JᵀMJ: the plane's tangents pushed through the decoder, and contracted.

Plane, decoder and an embedding of its output are composed, so that two tangents (in a box three) serve any latent
dimension. The fastest way to differentiate that works is chosen on a few cells, and checked against reverse mode.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latent_widget._arrays import Floats
from latent_widget._lattice import Lattice
from latent_widget.decoders.decoder import Decoder
from latent_widget.decoders.sequence import SequenceDecoder
from latent_widget.measures.autodiff.forward import push, push_and_measure, push_by_jvp
from latent_widget.measures.autodiff.reverse import CutError, pull_back, push_by_rows, push_by_two_vjps

MOST_CELLS = 2048
"""Most cells differentiated at once."""
MOST_NUMBERS = 2_000_000
"""Most numbers that one operation holds, value and tangents together; decoders of wide layers get smaller tiles."""
CHECKED_CELLS = 16
"""About as many cells, spread over the lattice, on which a way to differentiate is tried."""

Embedding = Callable[[Any], Tensor]
"""A decoded output to vectors `(n, k)`."""
Contraction = Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]
"""A stack of value and two tangents `(3, n, k)` to E, F and G, `(n,)` each."""
Push = Callable[[Callable[[Tensor], Tensor], Tensor], Tensor]
"""A function of plane points, and points `(n, 2)`, to the stack of value and tangents `(3, n, k)`."""


class NoDerivativeError(RuntimeError):
    """PyTorch can differentiate the decoder neither forwards nor backwards."""


def differentiate(
    decoder: Decoder, lattice: Lattice, embed: Embedding, contract: Contraction
) -> tuple[Floats, dict[str, Any]]:
    """Return the metric `(H, W, 2, 2)`, or `(D, H, W, 3, 3)`, at the cell centres, and how it was differentiated.

    `embed` turns a decoded output into vectors `(n, k)`; `contract` turns their stack of value and two tangents
    `(3, n, k)` into E, F and G, `(n,)` each. Warns where PyTorch has no forward-mode rule and reverse mode is used,
    and raises `NoDerivativeError` where that fails too.
    """
    cells = torch.from_numpy(lattice.cells.reshape(-1, lattice.ndim).copy()).to(
        device=decoder.device, dtype=decoder.dtype
    )
    decode = _compose(decoder, lattice, embed)
    with decoder.evaluation_mode():
        push_tile, how, width = _choose_push(decode, cells)
        tile = max(1, min(MOST_CELLS, MOST_NUMBERS // max(width, 1)))
        metric = np.concatenate([_contract(push_tile(decode, part), contract) for part in torch.split(cells, tile)])
    return metric.reshape(*lattice.shape, lattice.ndim, lattice.ndim), {"method": "exact", "differentiated": how}


def make_push(decoder: Decoder, lattice: Lattice, embed: Embedding) -> Callable[[Floats], Tensor]:
    """Return a function that pushes plane points `(n, 2)` to their stack of value and two tangents `(3, n, k)`."""
    where: dict[str, Any] = {"device": decoder.device, "dtype": decoder.dtype}
    decode = _compose(decoder, lattice, embed)
    cells = torch.from_numpy(lattice.cells.reshape(-1, lattice.ndim).copy()).to(**where)
    with decoder.evaluation_mode():
        push_tile, *_ = _choose_push(decode, cells)

    def push_points(points: Floats) -> Tensor:
        with decoder.evaluation_mode():
            return push_tile(decode, torch.from_numpy(points).to(**where)).cpu()

    return push_points


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Return the scalar products of the rows of two `(n, k)` tensors, `(n,)`."""
    products: Tensor = torch.linalg.vecdot(a, b)
    return products


def embed_points(decoder: Decoder | SequenceDecoder, lattice: Lattice, points: Tensor) -> Tensor:
    """Map plane points `(n, 2)` to latents `(n, d)` on the decoder's device, so that gradients pass."""
    if lattice.origin is None or lattice.basis is None:
        return points
    where: dict[str, Any] = {"device": decoder.device, "dtype": decoder.dtype}
    origin, basis = (torch.from_numpy(v).to(**where) for v in (lattice.origin, lattice.basis))
    return torch.addmm(origin, points, basis)


def _compose(decoder: Decoder, lattice: Lattice, embed: Embedding) -> Callable[[Tensor], Tensor]:
    """Compose lattice, decoder and embedding, so that two (or three) tangents serve any latent dimension."""
    return lambda points: embed(decoder.decode_batch(embed_points(decoder, lattice, points)))


def _choose_push(decode: Callable[[Tensor], Tensor], cells: Tensor) -> tuple[Push, str, int]:
    """Choose the fastest way to push tangents that works, on cells spread over the lattice, and tell its width."""
    spread = cells[:: max(1, len(cells) // CHECKED_CELLS)]
    width = 1
    try:
        stacked, width = push_and_measure(decode, spread)
        if _agrees_with_reverse_mode(decode, spread, stacked):
            return push, "stacked tangents", width
    except (RuntimeError, TypeError):
        pass
    try:
        pushed = push_by_jvp(decode, spread)
        _check_connected(pushed)
        return push_by_jvp, "torch.func.jvp", max(width, pushed[:, 0].numel())
    except CutError as error:
        raise NoDerivativeError(str(error)) from error
    except RuntimeError as error:
        # a missing rule is a RuntimeError of PyTorch's too; that the decoder runs at all was probed before
        missing = str(error).splitlines()[0]
    for reverse, how in ((push_by_two_vjps, "reverse mode, twice"), (push_by_rows, "reverse mode, output by output")):
        try:
            pushed = reverse(decode, spread)
            _check_connected(pushed)
        except RuntimeError:
            continue
        warnings.warn(
            f"PyTorch has no forward-mode rule for this decoder ({missing}); {how}, is used instead, which is exact "
            "but slower; method='chords', where a measure has it, needs no derivative",
            stacklevel=6,
        )
        return reverse, how, pushed[:, 0].numel()
    raise NoDerivativeError(missing)


def _agrees_with_reverse_mode(decode: Callable[[Tensor], Tensor], points: Tensor, stacked: Tensor) -> bool:
    """Tell whether tangents Jv satisfy u·(Jv) = (Jᵀu)·v for random u, Jᵀu by reverse mode, where there is one."""
    _check_connected(stacked)
    try:
        cotangent = torch.randn(stacked.shape[1:], generator=torch.Generator().manual_seed(0)).to(stacked)
        pulled = pull_back(decode, points, cotangent).double()
    except RuntimeError:
        return _is_close(stacked, push_by_jvp(decode, points))
    projected = torch.linalg.vecdot(stacked[1:].double(), cotangent.double()).T
    scale = stacked[1:].double().norm(dim=2).amax()
    return bool(((projected - pulled).abs() <= _tolerance(stacked) * scale).all())


def _is_close(a: Tensor, b: Tensor) -> bool:
    scale = b.abs().amax(dim=(1, 2), keepdim=True).clamp_min(1e-30)
    return bool(((a - b).abs() <= _tolerance(a) * scale).all())


def _tolerance(values: Tensor) -> float:
    # half precisions are rough, and different ways of summing differ by as much
    return max(1e-3, 16 * torch.finfo(values.dtype).eps)


def _check_connected(pushed: Tensor) -> None:
    """Raise `CutError` where the output changes and no tangent does: detached, or computed outside of torch."""
    changes = (pushed[0] - pushed[0, :1]).abs().amax()
    if changes > 0 and not pushed[1:].any():
        raise CutError("the output changes and its derivative is zero: it is detached or computed outside of torch")


def _contract(pushed: Tensor, contract: Contraction) -> Floats:
    # half precisions would lose in the scalar products what the decoder kept
    wide = pushed if pushed.dtype.itemsize >= 4 else pushed.float()
    if len(wide) == 3:
        e, f, g = contract(wide)
        entries = [e, f, f, g]
    else:
        # in a box each pair of tangents has its own E, F and G
        (xx, xy, yy), (_, yz, zz) = contract(wide[:3]), contract(wide[[0, 2, 3]])
        xz = contract(wide[[0, 1, 3]])[1]
        entries = [xx, xy, xz, xy, yy, yz, xz, yz, zz]
    metric = torch.stack(entries, dim=-1)
    # a value that is NaN may have fine derivatives, by torch.where for one, and must not pass for measured
    metric[~torch.isfinite(pushed[0].sum(dim=-1))] = torch.nan
    return np.asarray(metric.cpu().double().numpy())
