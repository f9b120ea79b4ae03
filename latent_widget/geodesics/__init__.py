"""Shortest paths over a field: geodesics, their lengths and profiles, exp and log maps, means and clusters.

Every public call checks what it is given and poses one `EikonalProblem` (`validation.pose_problem`), which the
`solver` prepares and solves: `fast_marching` from both ends, `backtracing`, then Newton's method on the `energy` of the
path, all compiled in `kernels`. `_geodesic` finds the shortest path and returns a `path.Geodesic`, as do the `lines`
beside it; `_distances` measures many pairs, `_profile` what happens along a path, `_equidistances` draws contours.
`exp_log`, `_frechet_mean` and `clustering` stand on top.
"""

from latent_widget.geodesics._distances import distance_field, distances
from latent_widget.geodesics._equidistances import Contour, equidistances
from latent_widget.geodesics._frechet_mean import frechet_mean
from latent_widget.geodesics._geodesic import geodesic
from latent_widget.geodesics._profile import Profile, profile
from latent_widget.geodesics.clustering import k_means, k_medoids
from latent_widget.geodesics.exp_log import exp_map, log_map
from latent_widget.geodesics.lines import slerp, straight, stretched
from latent_widget.geodesics.path import Geodesic

__all__ = [
    "Contour",
    "Geodesic",
    "Profile",
    "distance_field",
    "distances",
    "equidistances",
    "exp_map",
    "frechet_mean",
    "geodesic",
    "k_means",
    "k_medoids",
    "log_map",
    "profile",
    "slerp",
    "straight",
    "stretched",
]
