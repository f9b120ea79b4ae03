"""Standard deviations for a trained deterministic decoder by an inverse RBF network (Arvanitidis et al. 2018, [4]).

The precision 1/σ² is high by the data and falls to that of the data themselves far off.
"""

import warnings

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.distributions import Independent, Normal

from latent_widget._arrays import Floats, as_floats, as_points
from latent_widget.decoders import outputs
from latent_widget.decoders.decoder import Decoder

LEAST_DEVIATION = 1e-2
"""Smallest standard deviation of an output, as a fraction of all outputs' deviation together: about a grey level."""
PRIOR_LATENTS = 5
"""So many latents of the mean squared residual are added at every centre: the prior for centres of few latents."""
LEAST_SPREAD = 0.5
"""Smallest width of a cluster, as a fraction of the clusters' mean: a cluster of one latent has none of its own."""
KMEANS_STEPS = 50
"""Bound on the steps of k-means."""
CONVERGED = 1e-4
"""The likelihood's maximisation ends where a step changes no precision by more than this, relatively."""


def with_uncertainty(
    decoder: Decoder,
    latents: ArrayLike,
    data: ArrayLike,
    *,
    centres: int = 64,
    bandwidth: float = 2.0,
    max_steps: int = 200,
    seed: int = 0,
) -> Decoder:
    """Give a deterministic decoder Normal outputs: its own mean, and σ fitted to what the mean leaves over [4].

    1/σ²(z) = Σₖ wₖ exp(−λₖ‖z − cₖ‖²) + ζ per output number. cₖ are centres by k-means of the encoded latents, λₖ =
    ½ (bandwidth · mean distance of a cluster's latents to its centre)⁻², and wₖ >= 0 maximise the likelihood of the
    data, with five latents of the mean squared residual added at every centre: σ of a centre of few latents is that of
    all, and not next to nothing because the mean happens to meet them. No σ is below 1 % of the data's own deviation.
    1/ζ is the variance of the data themselves, for far from the latents nothing more is known. Geodesics of the result
    are drawn back where σ rises, and yet leave the data about as often as straight lines (benchmarks/off_data.py).

    Parameters
    ----------
    decoder : Decoder
        One that returns tensors.
    latents : array_like (n, d)
        Encoded data.
    data : array_like (n, ...)
        What the latents were encoded from, in the decoded shape.
    centres : int
        Number of centres; fewer where there are fewer different latents.
    bandwidth : float
        Width of a kernel, in mean distances of its cluster.
    max_steps : int
        Bound on the steps of the likelihood's maximisation, none of which lowers it; it ends earlier where a step
        changes no precision by more than 1e-4, relatively.
    seed : int
        Seed of k-means.

    Returns
    -------
    Decoder
        With `Independent(Normal)` outputs, to be measured by `pullback` or `fisher_rao`.

    Raises
    ------
    ValueError
        For shapes that do not match, bad options, and decoders of distributions.
    """
    z = as_points(latents, "latents", decoder.latent_dim)
    truth = as_floats(data, "data")
    if z.ndim != 2 or len(z) < 2 or len(truth) != len(z):
        raise ValueError(f"latents (n, d) and data (n, ...) must have one row each, got {z.shape} and {truth.shape}")
    if not (centres >= 1 and bandwidth > 0):
        raise ValueError(f"centres must be >= 1 and bandwidth > 0, got {centres} and {bandwidth}")
    if isinstance(max_steps, bool) or int(max_steps) != max_steps or max_steps < 1:
        raise ValueError(f"max_steps must be a whole number >= 1, got {max_steps!r}")
    decoded = decoder(z)
    if not isinstance(decoded, Tensor):
        found = outputs.describe(decoded)
        raise ValueError(f"decoder must return tensors, to be given an uncertainty; it returns {found}")
    if tuple(decoded.shape) != truth.shape:
        raise ValueError(f"data must have the decoded shape {tuple(decoded.shape)}, got {truth.shape}")
    flat = truth.reshape(len(z), -1)
    residuals = np.square(decoded.double().numpy().reshape(len(z), -1) - flat)
    least = max((LEAST_DEVIATION * flat.std()) ** 2, np.finfo(float).tiny)
    farthest = 1 / np.maximum(flat.var(axis=0), least)
    places, rates = _place_kernels(z, centres, bandwidth, seed)
    at, squares = _add_prior(z, np.maximum(residuals, least), places)
    weights = _fit_weights(_evaluate_kernels(at, places, rates), squares, farthest, max_steps)
    c, rate, w, far = (
        torch.from_numpy(v).to(device=decoder.device, dtype=decoder.dtype) for v in (places, rates, weights, farthest)
    )

    def decode(latent: Tensor) -> "Independent[Normal]":
        mean = outputs.to_mean(decoder.decode_batch(latent))
        precision = torch.exp(-rate * (latent[:, None, :] - c).square().sum(-1)) @ w + far
        return Independent(Normal(mean, precision.rsqrt().reshape(mean.shape)), mean.dim() - 1)

    return Decoder(decode, decoder.latent_dim, decoder.device, decoder.batch_size, decoder.render, decoder.dtype)


def _place_kernels(z: Floats, count: int, bandwidth: float, seed: int) -> tuple[Floats, Floats]:
    """Return centres `(k, d)` by k-means of the latents, and each centre's kernel rate λ `(k,)`."""
    from scipy.cluster.vq import kmeans2

    # no more centres than there are different latents, of which k-means++ could draw no further one
    count = min(count, len(np.unique(z, axis=0)))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "One of the clusters is empty", UserWarning)
        places, own = kmeans2(z, count, iter=KMEANS_STEPS, minit="++", missing="warn", seed=seed)
    # a cluster may have lost all its latents to others, and then has no place of its own
    members, own = np.unique(own, return_inverse=True)
    places = places[members]
    distances = np.linalg.norm(z - places[own], axis=1)
    spread = np.bincount(own, distances) / np.bincount(own)
    typical = spread[spread > 0].mean() if (spread > 0).any() else np.std(z) or 1.0
    return places, 0.5 / np.square(bandwidth * np.maximum(spread, LEAST_SPREAD * typical))


def _evaluate_kernels(z: Floats, places: Floats, rates: Floats) -> Floats:
    return np.asarray(np.exp(-rates * np.square(z[:, None] - places).sum(-1)))


def _add_prior(z: Floats, squares: Floats, places: Floats) -> tuple[Floats, Floats]:
    """Add latents of the mean squared residual at every centre.

    Without them a centre of one or two latents, which the mean happens to meet, would have next to no deviation.
    """
    added = np.repeat(places, PRIOR_LATENTS, axis=0)
    typical = np.broadcast_to(squares.mean(axis=0), (len(added), squares.shape[1]))
    return np.concatenate([z, added]), np.concatenate([squares, typical])


def _fit_weights(kernels: Floats, squares: Floats, farthest: Floats, max_steps: int) -> Floats:
    """Maximise Σ log β − r²β over weights >= 0, β = kernels @ weights + farthest, by steps that never lower it.

    Each step shares log β out among its terms (Jensen's inequality) and solves for every weight alone.
    """
    fit = np.maximum(kernels.T @ squares, np.finfo(float).tiny)
    weights = np.full((kernels.shape[1], squares.shape[1]), 1.0) * farthest
    precision = kernels @ weights + farthest
    for _ in range(max_steps):
        weights = weights * (kernels.T @ (1 / precision)) / fit
        before, precision = precision, kernels @ weights + farthest
        if np.allclose(precision, before, rtol=CONVERGED, atol=0):
            break
    return weights
