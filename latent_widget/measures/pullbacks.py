"""The pull-back metric of a decoder: how far the output moves when the latent does."""

import warnings
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Independent, Normal

from latent_widget import outputs
from latent_widget.arrays import as_points
from latent_widget.decoder import Decoder
from latent_widget.field import Field
from latent_widget.lattice import Lattice
from latent_widget.measures.differentials import NoDerivativeError, differentiated, dot
from latent_widget.measures.locality import local
from latent_widget.measures.polarisation import polarised


@local
def pullback(decoder: Decoder, lattice: Lattice, *, method: str = "exact", floor: float = 0.0) -> Field:
    """Measure how much the decoded output changes: G = JᵀJ, J the Jacobian of the output by the plane's coordinates.

    For a Gaussian decoder it is the expected metric G = JμᵀJμ + JσᵀJσ [4]. `method="exact"` differentiates at the
    cell centres, two tangents per cell whatever the latent dimension; `method="chords"` takes differences of decoded
    corners, which averages over the cell and serves piecewise-linear (ReLU) and non-differentiable decoders. Units:
    squared output units per squared plane unit. `floor` is the smallest eigenvalue allowed.

    Raises `ValueError` for outputs that are neither a tensor nor Normal, and where the metric is not positive
    definite. Warns where PyTorch has no forward-mode rule, and uses reverse mode, or chords where that fails too.
    """
    if method not in ("exact", "chords"):
        raise ValueError(f"method must be 'exact' or 'chords', got {method!r}")
    probed = decoder.probe(lattice)
    embedded(probed)
    info: dict[str, Any] = {"measure": "pullback", "output": outputs.kind(probed)}
    if method == "exact":
        try:
            metric, how = differentiated(decoder, lattice, embedded, _euclidean)
            return Field(lattice, metric, {**info, **how}, floor)
        except NoDerivativeError as error:
            warnings.warn(
                f"pullback: PyTorch cannot differentiate this decoder ({error}); "
                "differences of decoded corners are used instead; method='chords' asks for them without this warning",
                stacklevel=2,
            )
    corners = embedded(decoder(lattice.embed(lattice.corners)), lead=lattice.ndim)
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


def _euclidean(pushed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    _, along_x, along_y = pushed
    return dot(along_x, along_x), dot(along_x, along_y), dot(along_y, along_y)


def _squared_chord(a: Any, b: Any) -> Tensor:
    return (a.double() - b.double()).square().sum(-1)
