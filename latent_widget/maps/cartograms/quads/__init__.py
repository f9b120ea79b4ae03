"""Bilinear quadrilaterals, the cells of a plane.

`cells` answers what the solver asks; `quality` measures a mesh and finds its folds; `untangling` repairs it. Compiled
are `geometry` (areas, their derivatives, and corner triangles), `diffusion_loops` (the flow), `untangling_loops`
(imported only when a map needs repair) and `point_location` (points through a finished map and back).
"""
