"""The solver of shortest paths on one prepared problem, in index coordinates.

`eikonal.prepare` turns a metric into an `EikonalProblem`, once for every public call: `OpenPlane` where paths may run
everywhere, `ObstaclePlane` where some cells are forbidden. Both march, trace and relax behind the same methods, so that
nobody after `prepare` asks again which it is. Only `prepare` and `chart` know plane coordinates, and no file here knows
a `Field`. `chart` holds coordinates and the interpolated metric, which `interpolation` fits; `candidates` are the paths
found, `shooting` geodesics from an initial velocity. The loops themselves are compiled, in `kernels`.
"""
