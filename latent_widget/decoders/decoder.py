"""The decoder: any callable from latents `(n, d)` to a tensor or a distribution with n rows."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from latent_widget._arrays import as_floats
from latent_widget._lattice import Lattice
from latent_widget.decoders import outputs
from latent_widget.decoders.torch_modules import evaluating, modules_in, placed

Output = outputs.Output


@dataclass(frozen=True, eq=False)
class Decoder:
    """Wrap `decode`: latents `(n, latent_dim)` -> a tensor `(n, ...)` or a `torch.distributions.Distribution`.

    A list of n things of any kind (texts, graphs) is taken too, for the measure `distance(fn)` and no other.

    `device` and `dtype` default to those of the parameters found in `decode` (a module, a bound method, a partial, or
    a function that refers to modules), else to the CPU and torch's default. At most `batch_size` latents are decoded
    at once. `render(sample)` turns one decoded row (a NumPy array) into a picture: an array, a PIL image,
    SVG text or any other text.

    Raises `TypeError` where `decode` is not callable, `ValueError` for the rest.
    """

    decode: Callable[[Tensor], Output]
    latent_dim: int = 2
    device: Any = None
    batch_size: int = 4096
    render: Callable[[Any], Any] | None = None
    dtype: torch.dtype | None = None
    modules: tuple[nn.Module, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not callable(self.decode):
            raise TypeError(f"decode must be callable on latents (n, d), got {type(self.decode).__name__}")
        for name in ("latent_dim", "batch_size"):
            if int(getattr(self, name)) != getattr(self, name) or getattr(self, name) < 1:
                raise ValueError(f"{name} must be a whole number >= 1, got {getattr(self, name)!r}")
        modules = modules_in(self.decode)
        device, dtype = placed(modules, self.device, self.dtype)
        for name, value in (("modules", modules), ("device", device), ("dtype", dtype)):
            object.__setattr__(self, name, value)

    def __call__(self, latents: Any) -> Output:
        """Decode latents `(..., d)` in batches, without gradients; the output has the same leading shape, on the CPU.

        A distribution comes back with one event per latent, so that `entropy()` and `log_prob()` have shape `(...)`.
        Raises `ValueError` for a wrong width, the wrong number of rows and NaN outputs, and `RuntimeError` with the
        batch named where `decode` itself fails.
        """
        z = as_floats(latents, "latents")
        if z.ndim == 0 or z.shape[-1] != self.latent_dim:
            raise ValueError(
                f"latents must have shape (..., {self.latent_dim}) for this decoder, got {z.shape}; "
                "plane points are turned into latents by lattice.embed(points)"
            )
        flat = torch.from_numpy(z.reshape(-1, self.latent_dim).copy())
        if len(flat) == 0:
            raise ValueError(f"latents are empty, shape {z.shape}; give at least one")
        with self.evaluating(), torch.no_grad():
            parts = [outputs.to_cpu(self.raw(batch)) for batch in flat.split(self.batch_size)]
        joined = outputs.joined(parts)
        outputs.check_finite(joined, flat)
        return outputs.with_lead(joined, z.shape[:-1])

    def raw(self, batch: Tensor) -> Output:
        """Decode one batch `(n, d)` of any dtype with gradients allowed; rows are checked, values are not."""
        z = batch.to(device=self.device, dtype=self.dtype)
        try:
            output = self.decode(z)
        except NotImplementedError:
            raise  # an operation without a derivative rule: whoever differentiates knows what to do
        except Exception as error:
            raise RuntimeError(
                f"decode failed on a batch of latents of shape {tuple(z.shape)}, {z.dtype}, {z.device}: "
                f"{type(error).__name__}: {error}"
            ) from error
        return outputs.checked(output, len(z))

    def evaluating(self) -> AbstractContextManager[None]:
        """Switch the decoder's modules to evaluation for a while, and put back each one's own mode."""
        return evaluating(self.modules)

    def probe(self, lattice: Lattice) -> Output:
        """Decode five points of the lattice and return the output, after checks that would spoil a whole survey.

        Raises `ValueError` where the latent dimensions differ, a value is NaN, the outputs change from call to call,
        or a row depends on the other rows of its batch.
        """
        if lattice.latent_dim != self.latent_dim:
            raise ValueError(
                f"lattice lies in a latent space of dimension {lattice.latent_dim}, the decoder takes latent_dim="
                f"{self.latent_dim}; lay it with Lattice.through(za, zb, zc) or Lattice.fit(latents)"
            )
        # the middle, and four corners that no plane holds in a box
        places = ((0, 0, 0), (0, -1, -1), (-1, 0, -1), (-1, -1, 0))
        middle = tuple(n // 2 for n in lattice.shape)
        chosen = [place[-lattice.ndim :] for place in places]
        spots = lattice.embed(np.stack([lattice.cells[place] for place in (*chosen[:2], middle, *chosen[2:])]))
        together = self(spots)
        again, fewer = self(spots), self(spots[:2])
        if outputs.differs(together, again):
            raise ValueError(
                "decoder gives different outputs for the same latents, so nothing can be measured; switch off its "
                "noise (dropout outside nn.Module, sampling in the forward pass) or return the distribution itself"
            )
        if outputs.differs(outputs.rows(together, 2), fewer):
            raise ValueError(
                "decoder gives a row different values depending on the other rows of the batch; is a batch-norm layer "
                "in training mode? Call model.eval() on it (modules hidden inside other objects are not found)"
            )
        return together
