"""The pull-back metric of a decoder: how far the output moves when the latent does."""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Independent, Normal

from latent_widget._arrays import Floats, as_points
from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.decoders import outputs
from latent_widget.decoders.decoder import Decoder
from latent_widget.decoders.sequence import SequenceDecoder
from latent_widget.measures.autodiff.metric import NoDerivativeError, differentiated, dot
from latent_widget.measures.polarisation import polarised
from latent_widget.measures.resolution import chosen, compared
from latent_widget.measures.tiling import local, settling

METHODS = ("auto", "exact", "chords")

CHORDS = 512
"""Decoded chords that measure a path, at least."""


def _settled(
    decoder: Decoder, lattice: Lattice, *, method: str | None = None, floor: float = 0.0
) -> Callable[..., Field]:
    """Return the pull-back by the method that the whole lattice calls for, which a tile alone could not tell."""
    if method is not None and method not in METHODS:
        raise ValueError(f"method must be 'exact', 'chords' or 'auto', got {method!r}")
    told: dict[str, Any] = {}
    if method in (None, "auto"):
        embedded(decoder.probe(lattice))
        try:
            told["length_error"] = compared(
                lattice,
                exact=lambda window: _exact(decoder, window)[0],
                chords=lambda window: _chords(decoder, window),
                decoded=lambda window: _decoded(decoder, window, window.cells).numpy(),
            )
            better = chosen(told["length_error"])
        except (NoDerivativeError, ValueError):
            # derivatives that are missing or values that are NaN: "exact" has a word for either
            better = "exact"
        if method is None and better == "chords":
            by = told["length_error"]
            warnings.warn(
                f"pullback: this lattice of {' × '.join(map(str, lattice.shape))} cells does not resolve the decoder's "
                f"derivatives, which predict decoded lengths to {by['exact']:.2g}, differences of decoded corners to "
                f"{by['chords']:.2g}; method='auto' takes the better of the two, method='exact' leaves this out",
                stacklevel=3,
            )
        method = better if method == "auto" else "exact"
    return partial(_pulled_back, method=method, floor=floor, told=told)


@settling(_settled)
@local
def pullback(decoder: Decoder, lattice: Lattice, *, method: str | None = None, floor: float = 0.0) -> Field:
    """Measure how much the decoded output changes: G = JᵀJ, J the Jacobian of the output by the plane's coordinates.

    For a Gaussian decoder it is the expected metric G = JμᵀJμ + JσᵀJσ [4]. `method="exact"` differentiates at the
    cell centres, two tangents per cell whatever the latent dimension; `"chords"` takes differences of decoded corners,
    which averages over the cell and serves decoders that bend within it (ReLU) or have no derivative; `"auto"` tries
    both on windows of the lattice and takes chords where they predict decoded lengths better. By default it is exact,
    with a warning where chords would be better. `field.info["length_error"]` holds the relative error of each where
    they were compared, `field.info["method"]` what was taken. Units:
    squared output units per squared plane unit. `floor` is the smallest eigenvalue allowed.

    Raises `ValueError` for outputs that are neither a tensor nor Normal, and where the metric is not positive
    definite. Warns where PyTorch has no forward-mode rule, and uses reverse mode, or chords where that fails too.
    """
    return _settled(decoder, lattice, method=method, floor=floor)(decoder, lattice)


@local
def _pulled_back(decoder: Decoder, lattice: Lattice, *, method: str, floor: float, told: dict[str, Any]) -> Field:
    probed = decoder.probe(lattice)
    embedded(probed)
    info: dict[str, Any] = {"measure": "pullback", "output": outputs.kind(probed), **told}
    if method == "exact":
        try:
            metric, how = _exact(decoder, lattice)
            return Field(lattice, metric, {**info, **how}, floor)
        except NoDerivativeError as error:
            warnings.warn(
                f"pullback: PyTorch cannot differentiate this decoder ({error}); "
                "differences of decoded corners are used instead; method='chords' asks for them without this warning",
                stacklevel=3,
            )
    return Field(lattice, _chords(decoder, lattice), {**info, "method": "chords"}, floor)


def _exact(decoder: Decoder, lattice: Lattice) -> tuple[Floats, dict[str, Any]]:
    return differentiated(decoder, lattice, embedded, _euclidean)


def _chords(decoder: Decoder, lattice: Lattice) -> Floats:
    return polarised(lattice, _decoded(decoder, lattice, lattice.corners), _squared_chord)


def _decoded(decoder: Decoder, lattice: Lattice, points: Floats) -> Tensor:
    return embedded(decoder(lattice.embed(points)), lead=lattice.ndim)


def decoded_length(decoder: Decoder | SequenceDecoder, lattice: Lattice, points: Any) -> float:
    """Return the length of a path `(N, 2)` as the decoder measures it, lim Σ ‖f(zᵢ₊₁) − f(zᵢ)‖, in output units.

    Chords are too short by the square of their length, so that of two paths the one with fewer points would seem the
    shorter: every segment is cut into an even number of parts, at least 512 in all, and the sums over single and over
    double parts are extrapolated to parts of no length.
    """
    path = as_points(points, "points")
    if path.ndim != 2 or len(path) == 0:
        raise ValueError(f"points must be a path of shape (N, 2), got {path.shape}")
    parts = 2 * -(-CHORDS // (2 * max(len(path) - 1, 1)))
    along = np.arange((len(path) - 1) * parts + 1) / parts
    dense = np.stack([np.interp(along, np.arange(len(path)), path[:, c]) for c in range(2)], axis=-1)
    decoded = embedded(decoder(lattice.embed(dense))).double()
    single, double = (float(part.diff(dim=0).norm(dim=-1).sum()) for part in (decoded, decoded[::2]))
    return single + (single - double) / 3.0


def embedded(output: Any, lead: int = 1) -> Tensor:
    """Flatten an output to vectors `(..., k)`, `lead` axes kept, whose Euclidean distance the pull-back measures."""
    if outputs.is_tokens(output):
        raise ValueError(f"pullback needs outputs that are numbers; sequences are measured by {outputs.FOR_TOKENS}")
    if isinstance(output, Tensor):
        return output.flatten(lead) if output.dim() > lead else output.unsqueeze(-1)
    base = output.base_dist if isinstance(output, Independent) else output
    if not isinstance(base, Normal):
        remedy = "measure it with jensen_shannon, or decode its mean: Decoder(lambda z: decode(z).mean)"
        if isinstance(base, outputs.Objects):
            remedy = "distance(fn) measures any output"
        raise ValueError(
            f"pullback needs a decoder that returns a tensor or a Normal distribution, got {outputs.kind(output)}; "
            + remedy
        )
    return torch.cat([embedded(base.loc, lead), embedded(base.scale, lead)], dim=-1)


def _euclidean(pushed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    _, along_x, along_y = pushed
    return dot(along_x, along_x), dot(along_x, along_y), dot(along_y, along_y)


def _squared_chord(a: Any, b: Any) -> Tensor:
    # close numbers subtract without loss, and only the sum needs the digits
    return (a - b).square().sum(-1, dtype=torch.float64)
