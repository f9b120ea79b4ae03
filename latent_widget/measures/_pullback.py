"""The pull-back metric G = JᵀJ of a decoder (Arvanitidis, Hansen and Hauberg 2017, [4]), and decoded lengths."""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.distributions import Normal

from latent_widget._arrays import Floats, as_points
from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.decoders import outputs
from latent_widget.decoders.decoder import Decoder
from latent_widget.decoders.sequence import SequenceDecoder
from latent_widget.measures.autodiff.metric import NoDerivativeError, differentiate, dot
from latent_widget.measures.polarisation import fit_tensors
from latent_widget.measures.resolution import choose_kind, compare_errors
from latent_widget.measures.tiling import local, prepare_by

Method = Literal["auto", "exact", "chords"]
METHODS = ("auto", "exact", "chords")

LEAST_CHORDS = 512
"""Decoded chords that measure a path, at least."""


def _choose_method(
    decoder: Decoder, lattice: Lattice, *, method: Method | None = None, floor: float | str = 0.0
) -> Callable[..., Field]:
    """Return the pull-back by the method that the whole lattice calls for, which a tile alone could not tell."""
    if method is not None and method not in METHODS:
        raise ValueError(f"method must be 'exact', 'chords' or 'auto', got {method!r}")
    info: dict[str, Any] = {}
    if method in (None, "auto"):
        embed_output(decoder.probe(lattice))
        try:
            info["length_error"] = compare_errors(
                lattice,
                exact=lambda window: _differentiate(decoder, window)[0],
                chords=lambda window: _fit_chords(decoder, window),
                decode=lambda window: np.asarray(_decode(decoder, window, window.cells).numpy()),
            )
            better = choose_kind(info["length_error"])
        except (NoDerivativeError, ValueError):
            # derivatives that are missing or values that are NaN: "exact" has a word for either
            better = "exact"
        if method is None and better == "chords":
            errors = info["length_error"]
            warnings.warn(
                f"pullback: this lattice of {' × '.join(map(str, lattice.shape))} cells does not resolve the decoder's "
                f"derivatives, which predict decoded lengths to {errors['exact']:.2g}, differences of decoded corners "
                f"to {errors['chords']:.2g}; method='auto' takes the better of the two, method='exact' leaves this out",
                stacklevel=3,
            )
        method = better if method == "auto" else "exact"
    return partial(_pull_back, method=method, floor=floor, info=info)


@prepare_by(_choose_method)
@local
def pullback(decoder: Decoder, lattice: Lattice, *, method: Method | None = None, floor: float | str = 0.0) -> Field:
    """Measure how much the decoded output changes: G = JᵀJ, J the Jacobian of the output by the plane's coordinates.

    For a Gaussian decoder it is the expected metric G = JμᵀJμ + JσᵀJσ [4].

    Parameters
    ----------
    decoder : Decoder
        One that returns tensors, or Normal distributions.
    lattice : Lattice
        Where it is measured; a plane or a box.
    method : {"exact", "chords", "auto"}, optional
        "exact" differentiates at the cell centres, two tangents per cell whatever the latent dimension. "chords" takes
        differences of decoded corners, which averages over the cell and serves decoders that bend within it (ReLU) or
        have no derivative. "auto" tries both on windows of the lattice and takes chords where they predict decoded
        lengths better. By default it is exact, with a warning where chords would be better.
    floor : float or str
        The smallest eigenvalue allowed, in squared output units per squared plane unit, or "1%" of their mean; smaller
        ones are raised to it.

    Returns
    -------
    Field
        In squared output units per squared plane unit. `info["method"]` is what was taken, `info["length_error"]` the
        relative error of each method where they were compared.

    Raises
    ------
    ValueError
        For outputs that are neither a tensor nor Normal, and where the metric is not positive definite.

    Warns
    -----
    UserWarning
        Where PyTorch has no forward-mode rule; reverse mode is used, or chords where that fails too.
    """
    return _choose_method(decoder, lattice, method=method, floor=floor)(decoder, lattice)


@local
def _pull_back(decoder: Decoder, lattice: Lattice, *, method: str, floor: float | str, info: dict[str, Any]) -> Field:
    probed = decoder.probe(lattice)
    embed_output(probed)
    info = {"measure": "pullback", "output": outputs.describe(probed), **info}
    if method == "exact":
        try:
            metric, how = _differentiate(decoder, lattice)
            return Field(lattice, metric, {**info, **how}, floor)
        except NoDerivativeError as error:
            warnings.warn(
                f"pullback: PyTorch cannot differentiate this decoder ({error}); "
                "differences of decoded corners are used instead; method='chords' asks for them without this warning",
                stacklevel=3,
            )
    return Field(lattice, _fit_chords(decoder, lattice), {**info, "method": "chords"}, floor)


def _differentiate(decoder: Decoder, lattice: Lattice) -> tuple[Floats, dict[str, Any]]:
    return differentiate(decoder, lattice, embed_output, _contract)


def _fit_chords(decoder: Decoder, lattice: Lattice) -> Floats:
    return fit_tensors(lattice, _decode(decoder, lattice, lattice.corners), _square_chord)


def _decode(decoder: Decoder, lattice: Lattice, points: Floats) -> Tensor:
    return embed_output(decoder(lattice.embed(points)), lead=lattice.ndim)


def decoded_length(decoder: Decoder | SequenceDecoder, lattice: Lattice, points: ArrayLike) -> float:
    """Return the length of a path as the decoder measures it, lim Σ ‖f(zᵢ₊₁) − f(zᵢ)‖.

    Chords are too short by the square of their length, so that of two paths the one with fewer points would seem the
    shorter: every segment is cut into an even number of parts, at least 512 in all, and the sums over single and over
    double parts are extrapolated to parts of no length (Richardson).

    Parameters
    ----------
    decoder : Decoder
        One that returns tensors, or Normal distributions.
    lattice : Lattice
        The plane on which the path lies.
    points : array_like (N, 2)
        The path, in plane coordinates.

    Returns
    -------
    float
        Its length in output units.

    Raises
    ------
    ValueError
        For points of another shape, and outputs that are neither a tensor nor Normal.
    """
    path = as_points(points, "points")
    if path.ndim != 2 or len(path) == 0:
        raise ValueError(f"points must be a path of shape (N, 2), got {path.shape}")
    parts = 2 * -(-LEAST_CHORDS // (2 * max(len(path) - 1, 1)))
    along = np.arange((len(path) - 1) * parts + 1) / parts
    dense = np.stack([np.interp(along, np.arange(len(path)), path[:, c]) for c in range(2)], axis=-1)
    decoded = embed_output(decoder(lattice.embed(dense))).double()
    single, double = (float(part.diff(dim=0).norm(dim=-1).sum()) for part in (decoded, decoded[::2]))
    return single + (single - double) / 3.0


def embed_output(output: Any, lead: int = 1) -> Tensor:
    """Flatten an output to vectors `(..., k)`, `lead` axes kept, whose Euclidean distance the pull-back measures."""
    if outputs.is_tokens(output):
        raise ValueError(f"pullback needs outputs that are numbers; sequences are measured by {outputs.FOR_TOKENS}")
    if isinstance(output, Tensor):
        return output.flatten(lead) if output.dim() > lead else output.unsqueeze(-1)
    base = outputs.unwrap(output)
    if not isinstance(base, Normal):
        remedy = "measure it with jensen_shannon, or decode its mean: Decoder(lambda z: decode(z).mean)"
        if isinstance(base, outputs.Objects):
            remedy = "distance(fn) measures any output"
        raise ValueError(
            f"pullback needs a decoder that returns a tensor or a Normal distribution, got {outputs.describe(output)}; "
            + remedy
        )
    return torch.cat([embed_output(base.loc, lead), embed_output(base.scale, lead)], dim=-1)


def _contract(pushed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    _, along_x, along_y = pushed
    return dot(along_x, along_x), dot(along_x, along_y), dot(along_y, along_y)


def _square_chord(a: Tensor, b: Tensor) -> Tensor:
    # close numbers subtract without loss, and only the sum needs the digits
    return (a - b).square().sum(-1, dtype=torch.float64)
