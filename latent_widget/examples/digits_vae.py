"""Handwritten digits [11] and a small variational auto-encoder of them (Kingma and Welling 2013, [9])."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.distributions import Independent, Normal

from latent_widget._arrays import Floats
from latent_widget.decoders.decoder import Decoder

FILE = Path(__file__).with_name("digits.npz")
CENTRES = 48
"""Kernels of the precision."""


class Mean(nn.Module):
    """The decoder's mean: latents `(n, 2)` to images `(n, 8, 8)` with brightness in 0..1."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(2, 128), nn.Tanh(), nn.Linear(128, 128), nn.Tanh(), nn.Linear(128, 64), nn.Sigmoid()
        )

    def forward(self, z: Tensor) -> Tensor:
        """Decode latents `(n, 2)` to images `(n, 8, 8)`."""
        brightness: Tensor = self.layers(z)
        return brightness.reshape(-1, 8, 8)


class Precision(nn.Module):
    """1/σ² per pixel: a floor plus positive weights times Gaussian kernels at cluster centres of the data [4]."""

    centres: Tensor
    bandwidth: Tensor
    floor: Tensor
    weights: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("centres", torch.zeros(CENTRES, 2))
        self.register_buffer("bandwidth", torch.ones(()))
        self.register_buffer("floor", torch.ones(()))
        self.register_buffer("weights", torch.zeros(CENTRES, 64))

    def kernels(self, z: Tensor) -> Tensor:
        """Return exp(−λ‖z − cₖ‖²) for every latent and centre, `(n, CENTRES)`."""
        return torch.exp(-self.bandwidth * (z[:, None, :] - self.centres).square().sum(-1))

    def forward(self, z: Tensor) -> Tensor:
        """Return the precision of every pixel, `(n, 8, 8)`."""
        return (self.kernels(z) @ self.weights + self.floor).reshape(-1, 8, 8)


class Gaussian(nn.Module):
    """The stochastic decoder: a Normal with the mean's images and σ = precision^(-1/2)."""

    def __init__(self, mean: Mean, precision: Precision) -> None:
        super().__init__()
        self.mean, self.precision = mean, precision

    def forward(self, z: Tensor) -> "Independent[Normal]":
        """Decode latents `(n, 2)` to one Gaussian over 8 × 8 images each."""
        return Independent(Normal(self.mean(z), self.precision(z).rsqrt()), 2)


@dataclass(frozen=True, eq=False)
class Digits:
    """The digits with their model.

    Attributes
    ----------
    decoder : Decoder
        Latents to mean images `(n, 8, 8)`.
    gaussian_decoder : Decoder
        Latents to a Normal over images, whose σ grows away from the data.
    latents : ndarray (n, 2)
        The encoded digits.
    labels : ndarray of int (n,)
        Which digit each is.
    images : ndarray (n, 8, 8)
        The originals, brightness in 0..1.
    """

    decoder: Decoder
    gaussian_decoder: Decoder
    latents: Floats
    labels: NDArray[np.int64]
    images: NDArray[np.float32]


def digits() -> Digits:
    """Load the digits: 1,797 images of 8 × 8 pixels and a trained VAE [9] with a 2-D latent space, all offline.

    The images are the UCI data set of Alpaydin and Kaynak [11] (CC BY 4.0) as scikit-learn carries it, in its order.

    Returns
    -------
    Digits
        Images, labels, latents and two decoders.
    """
    with np.load(FILE, allow_pickle=False) as stored:
        entries = {name: stored[name] for name in stored.files}

    def select(part: str) -> dict[str, Tensor]:
        return {k.removeprefix(f"{part}."): torch.from_numpy(v) for k, v in entries.items() if k.startswith(f"{part}.")}

    mean, precision = Mean(), Precision()
    mean.load_state_dict(select("mean"))
    precision.load_state_dict(select("precision"))
    gaussian = Gaussian(mean, precision).eval().requires_grad_(False)
    return Digits(
        decoder=Decoder(mean, latent_dim=2),
        gaussian_decoder=Decoder(gaussian, latent_dim=2),
        latents=entries["latents"].astype(np.float64),
        labels=entries["labels"].astype(np.int64),
        images=(entries["images"] / 16).astype(np.float32),
    )
