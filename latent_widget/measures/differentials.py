"""A metric from derivatives: plane, decoder and an embedding composed, pushed forward tile by tile and contracted."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latent_widget.arrays import Floats
from latent_widget.decoder import Decoder
from latent_widget.lattice import Lattice
from latent_widget.measures.pushforward import push, push_by_jvp

TILE = 4096
"""Cells differentiated at once; memory is about 3 · TILE · (widest layer) numbers, in a box 4."""

Push = Callable[[Callable[[Tensor], Tensor], Tensor], Tensor]


class NoForwardRuleError(RuntimeError):
    """PyTorch cannot differentiate the decoder forwards."""


def differentiated(
    decoder: Decoder,
    lattice: Lattice,
    embed: Callable[[Any], Tensor],
    contract: Callable[[Tensor], tuple[Tensor, Tensor, Tensor]],
) -> tuple[Floats, dict[str, Any]]:
    """Return the metric `(H, W, 2, 2)`, or `(D, H, W, 3, 3)`, at the cell centres, and how it was differentiated.

    `embed` turns a decoded output into vectors `(n, k)`; `contract` turns their stack of value and two tangents
    `(3, n, k)` into E, F and G, `(n,)` each. Raises `NoForwardRuleError` where PyTorch has no forward-mode rule.
    """
    cells = torch.from_numpy(lattice.cells.reshape(-1, lattice.ndim).copy()).to(
        device=decoder.device, dtype=decoder.dtype
    )
    decode = _composed(decoder, lattice, embed)
    with decoder.evaluating():
        pushed, how = _verified(decode, cells)
        metric = np.concatenate([_contracted(pushed(decode, tile), contract) for tile in cells.split(TILE)])
    return metric.reshape(*lattice.shape, lattice.ndim, lattice.ndim), {"method": "exact", "differentiated": how}


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


def _verified(decode: Callable[[Tensor], Tensor], cells: Tensor) -> tuple[Push, str]:
    """Choose the stacked push-forward if it agrees with `torch.func.jvp` on cells spread over the lattice."""
    spread = cells[:: max(1, len(cells) // 16)]
    try:
        reference = push_by_jvp(decode, spread)
    except RuntimeError as error:
        # a missing rule is a RuntimeError of PyTorch's too; that the decoder runs at all was probed before
        raise NoForwardRuleError(str(error)) from error
    try:
        stacked = push(decode, spread)
    except (RuntimeError, TypeError):
        return push_by_jvp, "torch.func.jvp"
    scale = reference.abs().amax(dim=(1, 2), keepdim=True).clamp_min(1e-30)
    close = bool(((stacked - reference).abs() <= 1e-3 * scale).all())
    return (push, "stacked tangents") if close else (push_by_jvp, "torch.func.jvp")


def _contracted(pushed: Tensor, contract: Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]) -> Floats:
    if len(pushed) == 3:
        e, f, g = contract(pushed)
        entries = [e, f, f, g]
    else:
        # in a box each pair of tangents has its own E, F and G
        (xx, xy, yy), (_, yz, zz) = contract(pushed[:3]), contract(pushed[[0, 2, 3]])
        xz = contract(pushed[[0, 1, 3]])[1]
        entries = [xx, xy, xz, xy, yy, yz, xz, yz, zz]
    metric = torch.stack(entries, dim=-1)
    # a value that is NaN may have fine derivatives, by torch.where for one, and must not pass for measured
    metric[~torch.isfinite(pushed[0].sum(dim=-1))] = torch.nan
    return np.asarray(metric.cpu().double().numpy())
