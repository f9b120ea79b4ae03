"""Distances in a classifier's verdict: the Fisher–Rao metric of class probabilities (Arvanitidis et al. 2021, [5])."""

from collections.abc import Callable
from typing import cast

from torch import Tensor
from torch.distributions import Categorical

from latent_widget._arrays import check_power, raise_to_power, read_floor
from latent_widget._field import Field, warn_of_floor
from latent_widget._lattice import Lattice
from latent_widget.decoders.decoder import Decoder
from latent_widget.measures._feature import compose_decoder
from latent_widget.measures.statistical_distances._fisher_rao import measure_closed_form
from latent_widget.measures.tiling import local, prepare_by


def classifier(
    fn: Callable[[Tensor], Tensor], *, temper: float = 0.5, floor: float | str | None = "1%"
) -> Callable[..., Field]:
    """Make a measure of how a classifier's verdict changes: the Fisher–Rao metric F of softmax(fn ∘ decode), tempered.

    G = F^temper, eigenvalues below `floor` raised to it. The map stretches where the class changes. F alone spans many
    decades of density where a classifier is sure, so that maps of it do not converge, and has rank 1 where there are
    two classes: hence the defaults, which keep the directions of change but not the ratios of its sizes. `temper=1,
    floor=None` is F itself, dimensionless per squared plane unit. A power of it has no such unit: its lengths compare
    within one map, but neither with other measures nor between planes of another scale.

    Parameters
    ----------
    fn : callable
        Decoded tensors `(n, ...)` (of a distribution, its mean) to logits `(n, classes)`.
    temper : float
        The power of F, >= 0; 1 leaves it as it is.
    floor : float, str or None
        The smallest eigenvalue of G allowed, or a percentage of their mean, taken after tempering. None raises nothing.

    Returns
    -------
    callable
        A local measure `(decoder, lattice) -> Field`, named "classifier"; it raises `RuntimeError` for logits of
        another shape, and `ValueError` where, without a floor, the metric is not positive definite. `info` holds
        "classes", "temper", "floor", "floor_share" and "floored", the number of cells in which some direction has the
        length that the floor gives it.

    Raises
    ------
    ValueError
        For a temper or a floor that is none.

    Warns
    -----
    UserWarning
        Where the floor was raised in more than 90 % of the cells, as it always is with two classes.
    """
    check_power(temper, "temper")
    read_floor(floor)

    def classify(decoded: Tensor) -> Categorical:
        logits = fn(decoded)
        if not isinstance(logits, Tensor) or logits.dim() != 2 or logits.shape[1] < 2:
            got = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise ValueError(f"classifier's fn must return logits (n, classes) with 2 classes or more, got {got}")
        return Categorical(logits=logits, validate_args=False)

    @local
    def measure_quietly(decoder: Decoder, lattice: Lattice) -> Field:
        composed = compose_decoder(decoder, classify)
        probed = cast(Categorical, composed.probe(lattice))
        metric, info = measure_closed_form(composed, lattice, probed)
        info |= {"measure": "classifier", "classes": probed.logits.shape[-1], "temper": temper}
        return Field(lattice, metric if temper == 1 else raise_to_power(metric, temper), info, floor or 0.0)

    # a survey warns of the whole lattice, once its bands are joined
    @prepare_by(lambda *_: measure_quietly)
    @local
    def measure(decoder: Decoder, lattice: Lattice) -> Field:
        found = measure_quietly(decoder, lattice)
        warn_of_floor(found, "classifier")
        return found

    measure.__name__ = measure_quietly.__name__ = "classifier"
    return measure
