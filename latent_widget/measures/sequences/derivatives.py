"""Derivatives of next-token logits by the plane's coordinates: forward mode, or central differences where it fails."""

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor

from latent_widget._lattice import Lattice
from latent_widget.decoders.sequence import SequenceDecoder
from latent_widget.measures.autodiff.forward import push_by_jvp
from latent_widget.measures.autodiff.metric import embed_points

HALF_STEP = 0.25
"""Half the step of a difference, in cells."""

kernel_switches_lock = threading.Lock()
"""Guards PyTorch's process-wide switches of fused kernels, which are turned off, used and put back."""


def differentiate_logits(decoder: SequenceDecoder, lattice: Lattice) -> tuple[Callable[[Tensor, Tensor], Tensor], str]:
    """Choose how logits and their derivatives are found: by `jvp`, else by central differences over half a cell.

    Returns a function of plane points `(R, 2)` and tokens `(R, T)` to the stack of value and derivatives
    `(3, R, T, V)`, and how it works in words. Warns where differences are taken.
    """

    def fix_tokens(tokens: Tensor) -> Callable[[Tensor], Tensor]:
        return lambda points: decoder.compute_logits(embed_points(decoder, lattice, points), tokens)

    def push(points: Tensor, tokens: Tensor) -> Tensor:
        with plain_kernels():
            return push_by_jvp(fix_tokens(tokens), points)

    def push_by_differences(points: Tensor, tokens: Tensor) -> Tensor:
        logits = fix_tokens(tokens)
        steps = HALF_STEP * torch.diag(torch.tensor(lattice.spacing)).to(points)
        with torch.no_grad():
            slopes = [(logits(points + h) - logits(points - h)) / (2 * h.sum()) for h in steps]
            return torch.stack([logits(points), *slopes])

    points = torch.from_numpy(lattice.cells[0, :2].copy()).to(device=decoder.device, dtype=decoder.dtype)
    tokens = torch.zeros((2, decoder.max_length), dtype=torch.long, device=decoder.device)
    decoder.probe(lattice)
    with decoder.evaluation_mode():
        try:
            push(points, tokens)
        except RuntimeError as error:  # NotImplementedError is one; that the model runs at all was probed
            warnings.warn(
                f"fisher_rao: PyTorch cannot differentiate these logits forwards ({str(error).splitlines()[0]}); "
                "central differences over half a cell are used instead",
                stacklevel=4,
            )
            return push_by_differences, "derivatives by differences"
    return push, "derivatives exact"


@contextmanager
def plain_kernels() -> Iterator[None]:
    """Switch off the fused kernels of attention and recurrent layers, which have no forward-mode derivative.

    The switches are the whole process's, so one thread at a time may be within.
    """
    mha: Any = torch.backends.mha
    with kernel_switches_lock, ExitStack() as stack:
        stack.callback(mha.set_fastpath_enabled, mha.get_fastpath_enabled())
        mha.set_fastpath_enabled(False)
        # set here rather than by torch.backends.mkldnn.flags, which warns of a setting for other hardware
        stack.callback(torch._C._set_mkldnn_enabled, torch._C._get_mkldnn_enabled())
        torch._C._set_mkldnn_enabled(False)
        stack.enter_context(torch.backends.cudnn.flags(enabled=False))
        if hasattr(torch.nn, "attention"):
            stack.enter_context(torch.nn.attention.sdpa_kernel([torch.nn.attention.SDPBackend.MATH]))
        yield
