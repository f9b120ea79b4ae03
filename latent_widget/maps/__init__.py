"""Maps of a plane or a box: where each corner of the lattice goes on the page, found from a measure.

`_map` has the result that all maps share and measures what it reports, with `distortion`; `_cartogram` has the public
function of the density-equalising map, whose solver is in `cartograms` and whose axes may be those of a `frame`,
`_isometric` that of the least distorted map, whose solver is in `isometry`, and `_distance_map` goes on from there to
one that keeps geodesic distances. `methods` finds a map by its name. `_placebo` makes the control for what a map shows:
the same measure in other places, and `_audit` tells what a map is worth by geodesic distances. What they are given is
checked in `validation`.

Its public names are those of `latent_widget`, which imports their modules on first use: a cartogram needs neither
the solver of the isometric map nor the geodesics, and of `isometry` only what traces the outline.
"""
