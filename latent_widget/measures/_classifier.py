"""Distances in a classifier's verdict: the Fisher–Rao metric of class probabilities (Arvanitidis et al. 2021, [5])."""

from collections.abc import Callable

from torch import Tensor
from torch.distributions import Categorical

from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.decoders.decoder import Decoder
from latent_widget.measures._feature import compose_decoder, rename
from latent_widget.measures.statistical_distances._fisher_rao import fisher_rao
from latent_widget.measures.tiling import local


def classifier(fn: Callable[[Tensor], Tensor], *, floor: float = 0.0) -> Callable[..., Field]:
    """Make a measure of how a classifier's verdict changes: the Fisher–Rao metric of softmax(fn ∘ decode).

    The map stretches where the class changes.

    Parameters
    ----------
    fn : callable
        Decoded tensors `(n, ...)` (of a distribution, its mean) to logits `(n, classes)`.
    floor : float
        That of `fisher_rao`.

    Returns
    -------
    callable
        A local measure `(decoder, lattice) -> Field`, named "classifier"; it raises `RuntimeError` for logits of
        another shape, and what `fisher_rao` raises.
    """

    def classify(decoded: Tensor) -> Categorical:
        logits = fn(decoded)
        if not isinstance(logits, Tensor) or logits.dim() != 2 or logits.shape[1] < 2:
            got = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise ValueError(f"classifier's fn must return logits (n, classes) with 2 classes or more, got {got}")
        return Categorical(logits=logits, validate_args=False)

    @local
    def measure(decoder: Decoder, lattice: Lattice) -> Field:
        return rename(fisher_rao(compose_decoder(decoder, classify), lattice, floor=floor), "classifier")

    measure.__name__ = "classifier"
    return measure
