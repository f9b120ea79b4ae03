"""Measure a generator's latent space, stretch it, and walk through it.

decoder + lattice -> measure -> field (a metric tensor per cell) -> geodesics and cartogram -> atlas -> widget.

Names are imported on first use, so that a saved atlas opens without torch and without the model.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "Atlas": "_atlas",
    "Audit": "maps._audit",
    "Cartogram": "maps._map",
    "Contour": "geodesics",
    "Decoder": "decoders.decoder",
    "Field": "_field",
    "Geodesic": "geodesics",
    "LatentWidget": "display.widget",
    "Lattice": "_lattice",
    "Map": "maps._map",
    "Profile": "geodesics",
    "SequenceDecoder": "decoders.sequence",
    "SurveyError": "_survey",
    "audit": "maps._audit",
    "cartogram": "maps._cartogram",
    "distance_field": "geodesics",
    "distance_map": "maps._distance_map",
    "distances": "geodesics",
    "equidistances": "geodesics",
    "exp_map": "geodesics",
    "frechet_mean": "geodesics",
    "geodesic": "geodesics",
    "isometric_map": "maps._isometric",
    "k_means": "geodesics",
    "k_medoids": "geodesics",
    "log_map": "geodesics",
    "placebo": "maps._placebo",
    "profile": "geodesics",
    "slerp": "geodesics",
    "straight": "geodesics",
    "stretched": "geodesics",
    "survey": "_survey",
    "with_uncertainty": "decoders.uncertainty",
    "workbench": "display._workbench",
}
_ROOMS = ("examples", "measures")

__all__ = [*_HOMES, *_ROOMS, "__version__"]

if TYPE_CHECKING:
    from latent_widget import examples as examples
    from latent_widget import measures as measures
    from latent_widget._atlas import Atlas as Atlas
    from latent_widget._field import Field as Field
    from latent_widget._lattice import Lattice as Lattice
    from latent_widget._survey import SurveyError as SurveyError
    from latent_widget._survey import survey as survey
    from latent_widget.decoders.decoder import Decoder as Decoder
    from latent_widget.decoders.sequence import SequenceDecoder as SequenceDecoder
    from latent_widget.decoders.uncertainty import with_uncertainty as with_uncertainty
    from latent_widget.display._workbench import workbench as workbench
    from latent_widget.display.widget import LatentWidget as LatentWidget
    from latent_widget.geodesics import Contour as Contour
    from latent_widget.geodesics import Geodesic as Geodesic
    from latent_widget.geodesics import Profile as Profile
    from latent_widget.geodesics import distance_field as distance_field
    from latent_widget.geodesics import distances as distances
    from latent_widget.geodesics import equidistances as equidistances
    from latent_widget.geodesics import exp_map as exp_map
    from latent_widget.geodesics import frechet_mean as frechet_mean
    from latent_widget.geodesics import geodesic as geodesic
    from latent_widget.geodesics import k_means as k_means
    from latent_widget.geodesics import k_medoids as k_medoids
    from latent_widget.geodesics import log_map as log_map
    from latent_widget.geodesics import profile as profile
    from latent_widget.geodesics import slerp as slerp
    from latent_widget.geodesics import straight as straight
    from latent_widget.geodesics import stretched as stretched
    from latent_widget.maps._audit import Audit as Audit
    from latent_widget.maps._audit import audit as audit
    from latent_widget.maps._cartogram import cartogram as cartogram
    from latent_widget.maps._distance_map import distance_map as distance_map
    from latent_widget.maps._isometric import isometric_map as isometric_map
    from latent_widget.maps._map import Cartogram as Cartogram
    from latent_widget.maps._map import Map as Map
    from latent_widget.maps._placebo import placebo as placebo


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
