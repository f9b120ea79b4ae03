"""The decoder: any callable from latents `(n, d)` to a tensor or a `torch.distributions.Distribution` of n rows."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from latent_widget._lattice import Lattice
from latent_widget.decoders import outputs
from latent_widget.decoders.latents import check_counts, check_dimension, flatten_latents
from latent_widget.decoders.torch_modules import choose_placement, evaluation_mode, find_modules

Output = outputs.Output


@dataclass(frozen=True, eq=False)
class Decoder:
    """A callable from latents to tensors or distributions, wrapped for measures, surveys and the widget.

    Parameters
    ----------
    decode : callable
        Latents, a tensor `(n, latent_dim)`, to a tensor `(n, ...)` or a `torch.distributions.Distribution` of n rows.
        A list of n things of any kind (texts, graphs) is taken too, for the measure `distance(fn)` and no other.
    latent_dim : int
        Dimension d of the latent space.
    device : torch.device or str, optional
        Where latents are put. By default where the parameters found in `decode` are (a module, a bound method, a
        partial, or a function that refers to modules), else the CPU.
    batch_size : int
        Most latents decoded at once.
    render : callable, optional
        One decoded row (a NumPy array) to a picture: an array, a PIL image, SVG text or any other text.
    dtype : torch.dtype, optional
        Precision of the latents; by default that of the parameters, else torch's default.

    Attributes
    ----------
    modules : tuple of torch.nn.Module
        The modules found in `decode`, which are switched to evaluation while they are measured.

    Raises
    ------
    TypeError
        Where `decode` is not callable.
    ValueError
        For other bad arguments.
    """

    decode: Callable[[Tensor], Output]
    latent_dim: int = 2
    device: torch.device | str | None = None
    batch_size: int = 4096
    render: Callable[[Any], Any] | None = None
    dtype: torch.dtype | None = None
    modules: tuple[nn.Module, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not callable(self.decode):
            raise TypeError(f"decode must be callable on latents (n, d), got {type(self.decode).__name__}")
        check_counts(self, "latent_dim", "batch_size")
        modules = find_modules(self.decode)
        device, dtype = choose_placement(modules, self.device, self.dtype)
        for name, value in (("modules", modules), ("device", device), ("dtype", dtype)):
            object.__setattr__(self, name, value)

    def __call__(self, latents: ArrayLike) -> Output:
        """Decode latents in batches, without gradients.

        Parameters
        ----------
        latents : array_like (..., d)
            Latents, not plane points: those go through `lattice.embed`.

        Returns
        -------
        Tensor or Distribution (...)
            On the CPU, with the leading shape of the latents; a distribution has one event per latent, so that its
            `entropy()` and `log_prob()` have shape `(...)`.

        Raises
        ------
        ValueError
            For a wrong width, the wrong number of rows, and NaN outputs.
        RuntimeError
            Where `decode` itself fails, with the batch named.
        """
        flat, lead = flatten_latents(latents, self.latent_dim)
        with self.evaluation_mode(), torch.no_grad():
            parts = [outputs.to_cpu(self.decode_batch(batch)) for batch in torch.split(flat, self.batch_size)]
        output = outputs.concatenate(parts)
        outputs.check_finite(output, flat)
        return outputs.unflatten_rows(output, lead)

    def decode_batch(self, batch: Tensor) -> Output:
        """Decode one batch with gradients allowed; the number of rows is checked, values are not.

        Parameters
        ----------
        batch : Tensor (n, d)
            Latents of any dtype, on any device.

        Returns
        -------
        Tensor or Distribution (n,)
            On the decoder's device.

        Raises
        ------
        ValueError
            For the wrong number of rows and unknown kinds of output.
        RuntimeError
            Where `decode` itself fails, with the batch named.
        """
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
        return outputs.check(output, len(z))

    def evaluation_mode(self) -> AbstractContextManager[None]:
        """Switch the decoder's modules to evaluation for a while, and put back each one's own mode."""
        return evaluation_mode(self.modules)

    def probe(self, lattice: Lattice) -> Output:
        """Decode five points of a lattice, and check what would spoil a whole survey.

        Parameters
        ----------
        lattice : Lattice
            The lattice that is to be measured.

        Returns
        -------
        Tensor or Distribution (5,)
            What was decoded.

        Raises
        ------
        ValueError
            Where the latent dimensions differ, a value is NaN, the outputs change from call to call, or a row depends
            on the other rows of its batch.
        """
        check_dimension(lattice, self.latent_dim)
        # the middle, and four corners that no plane holds in a box
        places = ((0, 0, 0), (0, -1, -1), (-1, 0, -1), (-1, -1, 0))
        middle = tuple(n // 2 for n in lattice.shape)
        chosen = [place[-lattice.ndim :] for place in places]
        spots = lattice.embed(np.stack([lattice.cells[place] for place in (*chosen[:2], middle, *chosen[2:])]))
        together = self(spots)
        again, fewer = self(spots), self(spots[:2])
        if outputs.differ(together, again):
            raise ValueError(
                "decoder gives different outputs for the same latents, so nothing can be measured; switch off its "
                "noise (dropout outside nn.Module, sampling in the forward pass) or return the distribution itself"
            )
        if outputs.differ(outputs.take_rows(together, 2), fewer):
            raise ValueError(
                "decoder gives a row different values depending on the other rows of the batch; is a batch-norm layer "
                "in training mode? Call model.eval() on it (modules hidden inside other objects are not found)"
            )
        return together
