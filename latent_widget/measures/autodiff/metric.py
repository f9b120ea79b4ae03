"""A metric from derivatives: plane, decoder and an embedding composed, pushed forward tile by tile and contracted."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latent_widget._arrays import Floats
from latent_widget._lattice import Lattice
from latent_widget.decoders.decoder import Decoder
from latent_widget.measures.autodiff.forward import push, push_by_jvp, push_measured
from latent_widget.measures.autodiff.reverse import CutError, pulled_back, push_by_rows, push_by_two_vjps

TILE = 2048
"""Most cells differentiated at once."""
NUMBERS = 2_000_000
"""Most numbers that one operation holds, value and tangents together; decoders of wide layers get smaller tiles."""

Push = Callable[[Callable[[Tensor], Tensor], Tensor], Tensor]


class NoDerivativeError(RuntimeError):
    """PyTorch can differentiate the decoder neither forwards nor backwards."""


def differentiated(
    decoder: Decoder,
    lattice: Lattice,
    embed: Callable[[Any], Tensor],
    contract: Callable[[Tensor], tuple[Tensor, Tensor, Tensor]],
) -> tuple[Floats, dict[str, Any]]:
    """Return the metric `(H, W, 2, 2)`, or `(D, H, W, 3, 3)`, at the cell centres, and how it was differentiated.

    `embed` turns a decoded output into vectors `(n, k)`; `contract` turns their stack of value and two tangents
    `(3, n, k)` into E, F and G, `(n,)` each. Warns where PyTorch has no forward-mode rule and reverse mode is used,
    and raises `NoDerivativeError` where that fails too.
    """
    cells = torch.from_numpy(lattice.cells.reshape(-1, lattice.ndim).copy()).to(
        device=decoder.device, dtype=decoder.dtype
    )
    decode = _composed(decoder, lattice, embed)
    with decoder.evaluating():
        pushed, how, width = _chosen(decode, cells)
        tile = max(1, min(TILE, NUMBERS // max(width, 1)))
        metric = np.concatenate([_contracted(pushed(decode, part), contract) for part in cells.split(tile)])
    return metric.reshape(*lattice.shape, lattice.ndim, lattice.ndim), {"method": "exact", "differentiated": how}


def along(decoder: Decoder, lattice: Lattice, embed: Callable[[Any], Tensor]) -> Callable[[Floats], Tensor]:
    """Return a function that pushes plane points `(n, 2)` to their stack of value and two tangents `(3, n, k)`."""
    where: dict[str, Any] = {"device": decoder.device, "dtype": decoder.dtype}
    decode = _composed(decoder, lattice, embed)
    with decoder.evaluating():
        pushed, *_ = _chosen(decode, torch.from_numpy(lattice.cells.reshape(-1, lattice.ndim).copy()).to(**where))

    def push_points(points: Floats) -> Tensor:
        with decoder.evaluating():
            return pushed(decode, torch.from_numpy(points).to(**where)).cpu()

    return push_points


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Return the scalar product of the rows of two `(n, k)` tensors."""
    return torch.linalg.vecdot(a, b)


def _composed(decoder: Decoder, lattice: Lattice, embed: Callable[[Any], Tensor]) -> Callable[[Tensor], Tensor]:
    """Compose lattice, decoder and embedding, so that two (or three) tangents serve any latent dimension."""
    if lattice.origin is None or lattice.basis is None:
        return lambda points: embed(decoder.raw(points))
    where = {"device": decoder.device, "dtype": decoder.dtype}
    origin, basis = (torch.from_numpy(v).to(**where) for v in (lattice.origin, lattice.basis))
    return lambda points: embed(decoder.raw(torch.addmm(origin, points, basis)))


def _chosen(decode: Callable[[Tensor], Tensor], cells: Tensor) -> tuple[Push, str, int]:
    """Choose the fastest way to push tangents that works, on cells spread over the lattice, and tell its width."""
    spread = cells[:: max(1, len(cells) // 16)]
    width = 1
    try:
        stacked, width = push_measured(decode, spread)
        if _verified(decode, spread, stacked):
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


def _verified(decode: Callable[[Tensor], Tensor], points: Tensor, stacked: Tensor) -> bool:
    """Tell whether tangents Jv satisfy u·(Jv) = (Jᵀu)·v for random u, Jᵀu by reverse mode, where there is one."""
    _check_connected(stacked)
    try:
        cotangent = torch.randn(stacked.shape[1:], generator=torch.Generator().manual_seed(0)).to(stacked)
        pulled = pulled_back(decode, points, cotangent).double()
    except RuntimeError:
        return _close(stacked, push_by_jvp(decode, points))
    projected = torch.linalg.vecdot(stacked[1:].double(), cotangent.double()).T
    scale = stacked[1:].double().norm(dim=2).amax()
    return bool(((projected - pulled).abs() <= _tolerance(stacked) * scale).all())


def _close(a: Tensor, b: Tensor) -> bool:
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


def _contracted(pushed: Tensor, contract: Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]) -> Floats:
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
