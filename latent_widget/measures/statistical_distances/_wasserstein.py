"""The 2-Wasserstein distance of decoded Gaussians (Takatsu 2011), by polarisation."""

from torch import Tensor
from torch.distributions import Normal

from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.decoders.decoder import Decoder
from latent_widget.measures.statistical_distances.corners import measure_by_corners
from latent_widget.measures.tiling import local


@local
def wasserstein(decoder: Decoder, lattice: Lattice, *, floor: float | str = 0.0) -> Field:
    """Measure by the 2-Wasserstein distance of diagonal Gaussians, squared length ‖Δμ‖² + ‖Δσ‖² of a cell's corners.

    The field is that of the pull-back of (μ, σ), taken from chords between corners.

    Parameters
    ----------
    decoder : Decoder
        One that returns Normal distributions, `Independent` or not.
    lattice : Lattice
        Where it is measured; a plane or a box.
    floor : float or str
        The smallest eigenvalue allowed, or "1%" of their mean; smaller ones are raised to it.

    Returns
    -------
    Field
        In squared output units per squared plane unit.

    Raises
    ------
    ValueError
        For outputs other than Normal, and where the metric is not positive definite.
    """
    return measure_by_corners(decoder, lattice, "wasserstein", 1.0, {(Normal,): _compare_normal}, floor)


def _compare_normal(p: Normal, q: Normal) -> Tensor:
    return (p.loc.double() - q.loc.double()).square() + (p.scale.double() - q.scale.double()).square()
