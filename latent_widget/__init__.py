"""Measure a generator's latent space, stretch it, and walk through it.

decoder + lattice -> measure -> field (a metric tensor per cell) -> geodesics and cartogram -> atlas -> widget.

Names are imported on first use, so that a saved atlas opens without torch and without the model.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "Atlas": "atlas",
    "Cartogram": "cartograms",
    "Contour": "contours",
    "Decoder": "decoder",
    "Field": "field",
    "Geodesic": "geodesics",
    "LatentWidget": "widget",
    "Lattice": "lattice",
    "Profile": "profiles",
    "SequenceDecoder": "sequence",
    "SurveyError": "surveying",
    "cartogram": "cartograms",
    "distance_field": "geodesics",
    "distances": "geodesics",
    "equidistances": "contours",
    "exp": "exponential",
    "frechet_mean": "exponential",
    "geodesic": "geodesics",
    "k_means": "clustering",
    "k_medoids": "clustering",
    "log": "exponential",
    "profile": "profiles",
    "slerp": "lines",
    "straight": "lines",
    "stretched": "lines",
    "survey": "surveying",
    "with_uncertainty": "confidence",
    "workbench": "charts",
}
_ROOMS = ("examples", "measures")

__all__ = [*_HOMES, *_ROOMS, "__version__"]

if TYPE_CHECKING:
    from latent_widget import examples as examples
    from latent_widget import measures as measures
    from latent_widget.atlas import Atlas as Atlas
    from latent_widget.cartograms import Cartogram as Cartogram
    from latent_widget.cartograms import cartogram as cartogram
    from latent_widget.charts import workbench as workbench
    from latent_widget.clustering import k_means as k_means
    from latent_widget.clustering import k_medoids as k_medoids
    from latent_widget.confidence import with_uncertainty as with_uncertainty
    from latent_widget.contours import Contour as Contour
    from latent_widget.contours import equidistances as equidistances
    from latent_widget.decoder import Decoder as Decoder
    from latent_widget.exponential import exp as exp
    from latent_widget.exponential import frechet_mean as frechet_mean
    from latent_widget.exponential import log as log
    from latent_widget.field import Field as Field
    from latent_widget.geodesics import Geodesic as Geodesic
    from latent_widget.geodesics import distance_field as distance_field
    from latent_widget.geodesics import distances as distances
    from latent_widget.geodesics import geodesic as geodesic
    from latent_widget.lattice import Lattice as Lattice
    from latent_widget.lines import slerp as slerp
    from latent_widget.lines import straight as straight
    from latent_widget.lines import stretched as stretched
    from latent_widget.profiles import Profile as Profile
    from latent_widget.profiles import profile as profile
    from latent_widget.sequence import SequenceDecoder as SequenceDecoder
    from latent_widget.surveying import SurveyError as SurveyError
    from latent_widget.surveying import survey as survey
    from latent_widget.widget import LatentWidget as LatentWidget


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    elif name in _ROOMS:
        value = import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(sorted(__all__))}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
