"""Checks of a decoder's arguments and latents, which decoders of tensors and of sequences share."""

from typing import Any

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from latent_widget._arrays import as_floats
from latent_widget._lattice import Lattice


def check_counts(owner: Any, *names: str) -> None:
    """Raise `ValueError` where one of an object's attributes is no whole number of at least 1."""
    for name in names:
        value = getattr(owner, name)
        if int(value) != value or value < 1:
            raise ValueError(f"{name} must be a whole number >= 1, got {value!r}")


def check_dimension(lattice: Lattice, latent_dim: int) -> None:
    """Raise `ValueError` where a lattice lies in a latent space of another dimension."""
    if lattice.latent_dim != latent_dim:
        raise ValueError(
            f"lattice lies in a latent space of dimension {lattice.latent_dim}, the decoder takes latent_dim="
            f"{latent_dim}; lay it with Lattice.through(za, zb, zc) or Lattice.fit(latents)"
        )


def flatten_latents(latents: ArrayLike, latent_dim: int) -> tuple[Tensor, tuple[int, ...]]:
    """Return latents `(..., d)` as rows `(n, d)` of float64, and their leading shape.

    Raises `ValueError` for another width, and where there are none.
    """
    z = as_floats(latents, "latents")
    if z.ndim == 0 or z.shape[-1] != latent_dim:
        raise ValueError(
            f"latents must have shape (..., {latent_dim}) for this decoder, got {z.shape}; "
            "plane points are turned into latents by lattice.embed(points)"
        )
    if z.size == 0:
        raise ValueError(f"latents are empty, shape {z.shape}; give at least one")
    return torch.from_numpy(z.reshape(-1, latent_dim).copy()), z.shape[:-1]
