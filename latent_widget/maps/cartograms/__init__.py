"""Density-equalising maps (cartograms): diffusion (Gastner and Newman 2004), then Newton's method on the exact areas.

What a density asks for becomes a `problem`: target areas on a lattice. `solver` tries the closed form, then lets
`diffusion` move the corners, and `area_correction` bring every cell to its area, each step by the linear solve of
`poisson`. Both reach the cells through the record that `cells` defines, which `quads` fills for quadrilaterals of a
plane and `hexes` for hexahedra of a box; `untangling` has what their local repairs share, `loops` what their compiled
loops share, and `compilation` how Numba compiles them. Points go through a finished map, and back, by their
`point_location`.
"""
