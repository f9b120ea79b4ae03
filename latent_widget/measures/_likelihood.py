"""A conformal metric that prefers regions with data: a power of their kernel density estimate (Scott 1992)."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from latent_widget._arrays import Floats, as_floats, as_points, read_floor
from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.decoders.decoder import Decoder
from latent_widget.decoders.sequence import SequenceDecoder
from latent_widget.measures.tiling import local

MOST_PAIRS = 2_000_000
"""Most pairs of cells and latents whose distance is held at once."""


def likelihood(
    latents: ArrayLike, *, bandwidth: float | None = None, exponent: float = 1.0, floor: float | str = 0.01
) -> Callable[..., Field]:
    """Make a measure that prefers regions with data: density (p(z) / max p + floor)^(−exponent).

    p is a Gaussian kernel density of encoded data in the latent space. Far from the data the density of the field is
    floor^(−exponent): a path there is 10 times as long at the defaults, and leaves the data less often than a straight
    line, though it does not keep to them strictly (benchmarks/off_data.py).

    Parameters
    ----------
    latents : array_like (n, d)
        Encoded data, n >= 2.
    bandwidth : float, optional
        Standard deviation of a kernel in latent units; by default Scott's n^(−1/(d+4)) times the latents' mean
        deviation.
    exponent : float
        How strongly data are preferred.
    floor : float or str
        Between 0 and 1, exclusive, or a percentage: what the relative density p / max p is raised by.

    Returns
    -------
    callable
        A local measure `(decoder, lattice) -> Field`, named "likelihood".

    Raises
    ------
    ValueError
        For bad latents, bandwidth or floor.
    """
    data = as_floats(latents, "latents")
    if data.ndim != 2 or len(data) < 2:
        raise ValueError(f"latents must have shape (n, d) with n >= 2, got {data.shape}")
    data = as_points(data, "latents", data.shape[1])
    width = float(data.std(axis=0).mean()) * len(data) ** (-1 / (data.shape[1] + 4)) if bandwidth is None else bandwidth
    if not (np.isfinite(width) and width > 0):
        raise ValueError(f"bandwidth must be positive and finite, got {width}; latents without spread need one by hand")
    raised, _ = read_floor(floor)
    if not 0 < raised < 1:
        raise ValueError(f"floor must lie in (0, 1), got {floor}; it is a share of the largest density")
    peak = float(_estimate_density(data, data, width).max())

    @local
    def measure(_: Decoder | SequenceDecoder, lattice: Lattice) -> Field:
        if lattice.latent_dim != data.shape[1]:
            raise ValueError(f"latents have dimension {data.shape[1]}, the lattice dimension {lattice.latent_dim}")
        cells = lattice.embed(lattice.cells).reshape(-1, data.shape[1])
        p = _estimate_density(cells, data, width).reshape(lattice.shape) / peak
        info = {"measure": "likelihood", "bandwidth": width, "exponent": exponent, "floor": raised}
        return Field.from_density(lattice, (p + raised) ** -exponent, info)

    measure.__name__ = "likelihood"
    return measure


def _estimate_density(at: Floats, data: Floats, width: float) -> Floats:
    """Return the mean of the kernels exp(−‖z − data‖² / 2 width²) at points `(n, d)`, so many at a time: `(n,)`."""
    found = np.empty(len(at))
    rows = max(1, MOST_PAIRS // len(data))
    own = np.square(data).sum(1)
    for k in range(0, len(at), rows):
        z = at[k : k + rows]
        squared = np.square(z).sum(1)[:, None] + own - 2 * z @ data.T
        found[k : k + rows] = np.exp(-np.maximum(squared, 0) / (2 * width**2)).mean(1)
    return found
