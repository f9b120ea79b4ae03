"""An honest uncertainty for a trained deterministic decoder: small by the data, the data's own spread far off."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Independent, Normal

from latent_widget._arrays import Floats, as_floats, as_points
from latent_widget.decoders import outputs
from latent_widget.decoders.decoder import Decoder

LEAST = 1e-3
"""Smallest standard deviation of an output, as a fraction of all outputs' deviation together."""


def with_uncertainty(
    decoder: Decoder,
    latents: Any,
    data: Any,
    *,
    centres: int = 64,
    bandwidth: float = 2.0,
    steps: int = 200,
    seed: int = 0,
) -> Decoder:
    """Return a decoder of Normal outputs: the mean is `decoder`'s, σ an inverse RBF network fitted to residuals [4].

    1/σ²(z) = Σₖ wₖ exp(−λₖ‖z − cₖ‖²) + ζ per output number: `centres` cₖ by k-means of the encoded `latents (n, d)`,
    λₖ = ½ (bandwidth · mean distance of a cluster's latents to its centre)⁻², wₖ >= 0 by maximum likelihood of
    `data (n, ...)`, what the latents were encoded from. Far from the latents σ is the deviation of the data themselves,
    for nothing more is known there. Raises `ValueError` for shapes that do not match and decoders of distributions.
    """
    z = as_points(latents, "latents", decoder.latent_dim)
    truth = as_floats(data, "data")
    if z.ndim != 2 or len(z) < 2 or len(truth) != len(z):
        raise ValueError(f"latents (n, d) and data (n, ...) must have one row each, got {z.shape} and {truth.shape}")
    if not (centres >= 1 and bandwidth > 0):
        raise ValueError(f"centres must be >= 1 and bandwidth > 0, got {centres} and {bandwidth}")
    decoded = decoder(z)
    if not isinstance(decoded, Tensor):
        raise ValueError(f"decoder must return tensors, to be given an uncertainty; it returns {outputs.kind(decoded)}")
    if tuple(decoded.shape) != truth.shape:
        raise ValueError(f"data must have the decoded shape {tuple(decoded.shape)}, got {truth.shape}")
    flat = truth.reshape(len(z), -1)
    residuals = np.square(decoded.double().numpy().reshape(len(z), -1) - flat)
    least = max((LEAST * flat.std()) ** 2, np.finfo(float).tiny)
    farthest = 1 / np.maximum(flat.var(axis=0), least)
    places, rates = _clusters(z, min(centres, len(z)), bandwidth, np.random.default_rng(seed))
    weights = _fitted(_kernels(z, places, rates), np.maximum(residuals, least), farthest, steps)
    where = {"device": decoder.device, "dtype": decoder.dtype}
    c, rate, w, far = (torch.from_numpy(v).to(**where) for v in (places, rates, weights, farthest))

    def decode(latent: Tensor) -> Independent:
        mean = outputs.mean(decoder.raw(latent))
        precision = torch.exp(-rate * (latent[:, None, :] - c).square().sum(-1)) @ w + far
        return Independent(Normal(mean, precision.rsqrt().reshape(mean.shape)), mean.dim() - 1)

    return Decoder(decode, decoder.latent_dim, decoder.device, decoder.batch_size, decoder.render, decoder.dtype)


def _clusters(z: Floats, count: int, bandwidth: float, chance: np.random.Generator) -> tuple[Floats, Floats]:
    """k-means by Lloyd's steps from k-means++ seeds, and each cluster's kernel rate λ."""
    places = z[chance.integers(len(z), size=1)]
    while len(places) < count:
        nearest = np.square(z[:, None] - places).sum(-1).min(1)
        if not nearest.any():
            break
        places = np.concatenate([places, z[chance.choice(len(z), size=1, p=nearest / nearest.sum())]])
    for _ in range(50):
        own = np.square(z[:, None] - places).sum(-1).argmin(1)
        moved = np.stack([z[own == k].mean(0) if (own == k).any() else places[k] for k in range(len(places))])
        if np.allclose(moved, places):
            break
        places = moved
    distances = np.sqrt(np.square(z - places[own]).sum(-1))
    spread = np.array([distances[own == k].mean() if (own == k).any() else 0.0 for k in range(len(places))])
    # a cluster of one latent has no spread of its own
    typical = spread[spread > 0].mean() if (spread > 0).any() else np.std(z) or 1.0
    spread = np.maximum(spread, 0.25 * typical)
    return places, 0.5 / np.square(bandwidth * spread)


def _kernels(z: Floats, places: Floats, rates: Floats) -> Floats:
    return np.exp(-rates * np.square(z[:, None] - places).sum(-1))


def _fitted(kernels: Floats, squares: Floats, farthest: Floats, steps: int) -> Floats:
    """Maximise Σ log β − r²β over weights >= 0, β = kernels @ weights + farthest, by steps that never lower it.

    Each step shares log β out among its terms (Jensen) and solves for every weight alone.
    """
    fit = kernels.T @ squares
    weights = np.full((kernels.shape[1], squares.shape[1]), 1.0) * farthest
    for _ in range(steps):
        weights = weights * (kernels.T @ (1 / (kernels @ weights + farthest))) / np.maximum(fit, 1e-300)
    return weights
