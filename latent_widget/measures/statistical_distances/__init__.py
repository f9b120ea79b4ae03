"""Measures of decoded distributions: the Fisher–Rao metric, and distances between distributions that tend to it.

`_fisher_rao` differentiates the distributions' parameters; `_jensen_shannon`, `_kl`, `_hellinger` and `_wasserstein`
hold closed forms that `corners` compares between a cell's corners; `families` finds the closed form of a family, and
`monte_carlo` samples the families that have none. Sequence decoders go to the wing `sequences`.
"""

from latent_widget.measures.statistical_distances._fisher_rao import fisher_rao
from latent_widget.measures.statistical_distances._hellinger import hellinger
from latent_widget.measures.statistical_distances._jensen_shannon import jensen_shannon
from latent_widget.measures.statistical_distances._kl import kl
from latent_widget.measures.statistical_distances._wasserstein import wasserstein

__all__ = ["fisher_rao", "hellinger", "jensen_shannon", "kl", "wasserstein"]
