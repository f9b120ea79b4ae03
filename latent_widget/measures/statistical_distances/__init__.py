"""Measures of decoded distributions: the Fisher–Rao metric, and distances between distributions that tend to it.

`_fisher_rao` differentiates the distributions' parameters. `_kl`, `_hellinger` and `_wasserstein` hold closed forms;
`_jensen_shannon` sums over discrete outcomes and integrates over continuous ones (by the trapezium rule, for Gaussians
that are close by a polynomial fitted to it). `corners` evaluates all four between a cell's corners, `families` looks
up what there is for a family, and `monte_carlo` samples the families for which Fisher–Rao or Jensen–Shannon have
nothing. Sequence decoders go to the wing `sequences`.
"""

from latent_widget.measures.statistical_distances._fisher_rao import fisher_rao
from latent_widget.measures.statistical_distances._hellinger import hellinger
from latent_widget.measures.statistical_distances._jensen_shannon import jensen_shannon
from latent_widget.measures.statistical_distances._kl import kl
from latent_widget.measures.statistical_distances._wasserstein import wasserstein

__all__ = ["fisher_rao", "hellinger", "jensen_shannon", "kl", "wasserstein"]
