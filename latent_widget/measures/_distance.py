"""Any distance between decoded outputs as a measure, by polarisation and without derivatives ([1])."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from latent_widget._arrays import as_floats
from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.decoders import outputs
from latent_widget.decoders.decoder import Decoder
from latent_widget.decoders.sequence import SequenceDecoder
from latent_widget.measures.polarisation import fit_tensors_with_residual
from latent_widget.measures.tiling import local


def distance(
    fn: Callable[[Any, Any], ArrayLike], *, exponent: float = 2.0, floor: float | str = 0.0
) -> Callable[..., Field]:
    """Make a measure of any distance between decoded outputs, squared length fn(a, b)^exponent of a cell's corners.

    Each cell's tensor is fitted to its four decoded corners, one decode per corner and no derivative.

    Parameters
    ----------
    fn : callable
        Two batches of decoded outputs to their distances `(n,)`. It gets tensors or distributions with n rows, or two
        lists of n things if that is what the decoder returns.
    exponent : float
        2 where `fn` is a length, 1 where it is a squared length already (a divergence).
    floor : float or str
        The smallest eigenvalue allowed, or "1%" of their mean; smaller ones are raised to it.

    Returns
    -------
    callable
        A local measure `(decoder, lattice) -> Field`, named "distance". `info["residual"] (H, W)` is the relative error
        of the fit, near 0 where the distance is Riemannian, and large where a tensor hardly describes it (edit
        distances, total variation). The measure raises `ValueError` where `fn` returns another shape, NaN or a negative
        number.

    Raises
    ------
    ValueError
        For an exponent that is not positive and finite.
    """
    if not (np.isfinite(exponent) and exponent > 0):
        raise ValueError(f"exponent must be positive and finite, got {exponent}; 2 for lengths, 1 for squared lengths")

    def square(a: Any, b: Any, ndim: int) -> Tensor:
        lead = tuple(outputs.list_parameters(a)[0].shape[:ndim])
        flat = [outputs.map_parameters(part, lambda p: p.reshape(-1, *p.shape[ndim:])) for part in (a, b)]
        found = as_floats(fn(*(_list_things(part) for part in flat)), "distance's fn")
        if found.shape != (math.prod(lead),):
            raise ValueError(
                f"distance's fn must return one number per pair, shape ({math.prod(lead)},), got {found.shape}"
            )
        bad = ~(found >= 0) | np.isinf(found)
        if bad.any():
            raise ValueError(
                f"distance's fn returned {found[bad][0]} for {int(bad.sum())} of {found.size} pairs; "
                "a distance must be finite and >= 0"
            )
        return torch.from_numpy(found**exponent).reshape(lead)

    @local
    def measure(decoder: Decoder | SequenceDecoder, lattice: Lattice) -> Field:
        probed = decoder.probe(lattice)
        corners = decoder(lattice.embed(lattice.corners))
        metric, residual = fit_tensors_with_residual(lattice, corners, partial(square, ndim=lattice.ndim))
        info: dict[str, Any] = {"measure": "distance", "method": "corner polarisation"}
        info |= {"output": outputs.describe(probed), "residual": residual, "largest_residual": float(residual.max())}
        return Field(lattice, metric, info, floor)

    measure.__name__ = "distance"
    return measure


def _list_things(output: Any) -> Any:
    return list(output.rows) if isinstance(output, outputs.Objects) else output
