"""Compiled loops of the geodesics, Numba code only, on a field in index coordinates.

`spline` interpolates the metric, `selling` makes the stencils on which `fast_marching` solves the eikonal equation,
`candidates` finds the walks between two points that `backtracing` follows down its gradient, and `energy` makes a path
a geodesic by Newton's method. `visibility` and `corridor` serve paths around forbidden cells, `shooting`
geodesics from an initial velocity. `compilation` says how all of it is compiled.

Index coordinates are ``u = (x - x0) / dx - 1/2`` and ``v = (y - y0) / dy - 1/2``: cell centres are integers, and the
edges of the extent lie half a cell outside the outer centres. Lengths do not depend on that choice.
"""
