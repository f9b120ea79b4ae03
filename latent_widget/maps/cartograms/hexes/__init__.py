"""Trilinear hexahedra, the cells of a box of three dimensions.

`cells` answers what the solver asks; `quality` measures a mesh and finds its folds; `untangling` repairs it. Compiled
are `geometry` (volumes, their derivatives, and bounds of the Jacobian determinants), `diffusion_loops` (the flow),
`untangling_loops` (imported only when a map needs repair) and `point_location` (points through a finished map and
back), with the `vectors` that they compute with.
"""
