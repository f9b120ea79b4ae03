"""Measures by polarisation of a divergence between the distributions decoded at a cell's corners ([5])."""

from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.decoders import outputs
from latent_widget.decoders.decoder import Decoder
from latent_widget.measures.polarisation import fit_tensors
from latent_widget.measures.statistical_distances.families import Table, look_up, sum_over_factors


def measure_by_corners(
    decoder: Decoder, lattice: Lattice, name: str, constant: float, table: Table, floor: float | str = 0.0
) -> Field:
    """Measure a divergence between a cell's decoded corners: squared length `constant` times the divergence.

    `table` holds the divergence of each family that has one; independent factors are summed. Raises `ValueError`,
    listing the families, for other outputs.
    """
    probed = decoder.probe(lattice)
    pointwise = look_up(probed, table, name)
    corners = decoder(lattice.embed(lattice.corners))
    metric = constant * fit_tensors(lattice, corners, lambda p, q: sum_over_factors(pointwise, p, q))
    info = {"measure": name, "method": "corner polarisation", "output": outputs.describe(probed)}
    return Field(lattice, metric, info, floor)
