"""The pull-back metric of a decoder: how far the output moves when the latent does."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Independent, Normal

from latent_widget import outputs
from latent_widget.arrays import Floats, as_points
from latent_widget.decoder import Decoder
from latent_widget.field import Field
from latent_widget.lattice import Lattice
from latent_widget.measures.locality import local
from latent_widget.measures.polarisation import polarised
from latent_widget.measures.pushforward import push, push_by_jvp

TILE = 4096
"""Cells differentiated at once; memory is about 3 · TILE · (widest layer) numbers."""

Push = Callable[[Callable[[Tensor], Tensor], Tensor], Tensor]


@local
def pullback(decoder: Decoder, lattice: Lattice, *, method: str = "exact", floor: float = 0.0) -> Field:
    """Measure how much the decoded output changes: G = JᵀJ, J the Jacobian of the output by the plane's coordinates.

    For a Gaussian decoder it is the expected metric G = JμᵀJμ + JσᵀJσ [4]. `method="exact"` differentiates at the
    cell centres, two tangents per cell whatever the latent dimension; `method="chords"` takes differences of decoded
    corners, which averages over the cell and serves piecewise-linear (ReLU) and non-differentiable decoders. Units:
    squared output units per squared plane unit. `floor` is the smallest eigenvalue allowed.

    Raises `ValueError` for outputs that are neither a tensor nor Normal, and where the metric is not positive
    definite. Warns, and uses chords, where PyTorch cannot differentiate the decoder forwards.
    """
    if method not in ("exact", "chords"):
        raise ValueError(f"method must be 'exact' or 'chords', got {method!r}")
    probed = decoder.probe(lattice)
    embedded(probed)
    info: dict[str, Any] = {"measure": "pullback", "output": outputs.kind(probed)}
    if method == "exact":
        try:
            metric, how = _exact(decoder, lattice)
            return Field(lattice, metric, {**info, **how}, floor)
        except NotImplementedError as error:
            warnings.warn(
                f"pullback: PyTorch cannot differentiate this decoder forwards ({str(error).splitlines()[0]}); "
                "differences of decoded corners are used instead; method='chords' asks for them without this warning",
                stacklevel=3,
            )
    corners = embedded(decoder(lattice.embed(lattice.corners)), lead=2)
    metric = polarised(lattice, corners, _squared_chord)
    return Field(lattice, metric, {**info, "method": "chords"}, floor)


def decoded_length(decoder: Decoder, lattice: Lattice, points: Any) -> float:
    """Return the length of a path `(N, 2)` as its decoded chords measure it, Σ ‖f(zᵢ₊₁) − f(zᵢ)‖, in output units."""
    decoded = embedded(decoder(lattice.embed(as_points(points, "points")))).double()
    return float(decoded.diff(dim=0).norm(dim=-1).sum())


def embedded(output: Any, lead: int = 1) -> Tensor:
    """Flatten an output to vectors `(..., k)`, `lead` axes kept, whose Euclidean distance the pull-back measures."""
    if isinstance(output, Tensor):
        return output.flatten(lead) if output.dim() > lead else output.unsqueeze(-1)
    base = output.base_dist if isinstance(output, Independent) else output
    if not isinstance(base, Normal):
        raise ValueError(
            f"pullback needs a decoder that returns a tensor or a Normal distribution, got {outputs.kind(output)}; "
            "measure it with jensen_shannon, or decode its mean: Decoder(lambda z: decode(z).mean)"
        )
    return torch.cat([embedded(base.loc, lead), embedded(base.scale, lead)], dim=-1)


def _squared_chord(a: Any, b: Any) -> Tensor:
    return (a.double() - b.double()).square().sum(-1)


def _exact(decoder: Decoder, lattice: Lattice) -> tuple[Floats, dict[str, Any]]:
    cells = torch.from_numpy(lattice.cells.reshape(-1, 2).copy()).to(device=decoder.device, dtype=decoder.dtype)
    decode = _composed(decoder, lattice)
    with decoder.evaluating():
        pushed, how = _verified(decode, cells)
        metric = np.concatenate([_contracted(pushed(decode, tile)) for tile in cells.split(TILE)])
    return metric.reshape(*lattice.shape, 2, 2), {"method": "exact", "differentiated": how}


def _composed(decoder: Decoder, lattice: Lattice) -> Callable[[Tensor], Tensor]:
    """Compose plane, decoder and embedding, so that two tangents serve any latent dimension."""
    if lattice.origin is None or lattice.basis is None:
        return lambda points: embedded(decoder.raw(points))
    origin, basis = (
        torch.from_numpy(v).to(device=decoder.device, dtype=decoder.dtype) for v in (lattice.origin, lattice.basis)
    )
    return lambda points: embedded(decoder.raw(torch.addmm(origin, points, basis)))


def _verified(decode: Callable[[Tensor], Tensor], cells: Tensor) -> tuple[Push, str]:
    """Choose the stacked push-forward if it agrees with `torch.func.jvp` on cells spread over the lattice."""
    spread = cells[:: max(1, len(cells) // 16)]
    try:
        reference = push_by_jvp(decode, spread)
    except RuntimeError as error:
        raise NotImplementedError(str(error)) from error
    try:
        stacked = push(decode, spread)
    except (RuntimeError, TypeError):
        return push_by_jvp, "torch.func.jvp"
    scale = reference.abs().amax(dim=(1, 2), keepdim=True).clamp_min(1e-30)
    close = bool(((stacked - reference).abs() <= 1e-3 * scale).all())
    return (push, "stacked tangents") if close else (push_by_jvp, "torch.func.jvp")


def _contracted(pushed: Tensor) -> Floats:
    value, along_x, along_y = pushed
    e, f, g = (torch.linalg.vecdot(a, b) for a, b in ((along_x, along_x), (along_x, along_y), (along_y, along_y)))
    metric = torch.stack([e, f, f, g], dim=-1)
    # a value that is NaN may have fine derivatives, by torch.where for one, and must not pass for measured
    metric[~torch.isfinite(value).all(dim=-1)] = torch.nan
    return metric.cpu().double().numpy()
