"""Maps of a plane or a box: where each corner of the lattice goes on the page, found from a measure.

`_map` has the result that all maps share and measures what it reports, with `distortion` and `outline`; `_cartogram`
has the public function of the density-equalising map, whose solver is in `cartograms`. `_placebo` makes the control
for what a map shows: the same measure in other places. What they are given is checked in `validation`.
"""

from latent_widget.maps._cartogram import cartogram as cartogram
from latent_widget.maps._map import Cartogram as Cartogram
from latent_widget.maps._map import Map as Map
from latent_widget.maps._placebo import placebo as placebo

__all__ = ["Cartogram", "Map", "cartogram", "placebo"]
