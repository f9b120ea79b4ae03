"""Maps of a plane or a box: where each corner of the lattice goes on the page, found from a measure.

`_map` has the result that all maps share, `_cartogram` the public function of the density-equalising map, whose
solver is in `cartograms`; what they are given is checked in `validation`.
"""

from latent_widget.maps._cartogram import Cartogram as Cartogram
from latent_widget.maps._cartogram import cartogram as cartogram

__all__ = ["Cartogram", "cartogram"]
