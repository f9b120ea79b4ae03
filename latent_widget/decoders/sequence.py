"""The sequence decoder: a generator of token sequences, given by its next-token logits under teacher forcing."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from latent_widget._lattice import Lattice
from latent_widget.decoders.latents import check_counts, check_dimension, flatten_latents
from latent_widget.decoders.torch_modules import choose_placement, evaluation_mode, find_modules

MOST_LOGITS = 4_000_000
"""Most logits asked for at once."""
LEAK_CHECKS = 16
"""Most places of a sequence at which the probe looks for a leak."""


@dataclass(frozen=True, eq=False)
class SequenceDecoder:
    """A generator of token sequences, wrapped for measures, surveys and the widget.

    Called on latents `(..., d)` it writes greedily; any autoregressive architecture serves (GRU, LSTM, Transformer,
    causal convolutions).

    Parameters
    ----------
    logits : callable
        Latents `(n, latent_dim)` and tokens `(n, T)`, any T, to next-token logits `(n, T, V)`. Row t says what comes at
        place t, given `tokens[:, :t]`: it may see neither token t nor a later one.
    latent_dim : int
        Dimension d of the latent space.
    vocabulary : str or sequence of str
        The text of each of V tokens, the end symbol included (its text is never shown).
    max_length : int
        Most tokens of a sequence, the end symbol included.
    eos : int, optional
        Index of the end symbol; without one every sequence has `max_length` tokens.
    temperature : float
        What the logits are divided by.
    device : torch.device or str, optional
        Where latents and tokens are put; found as in `Decoder`.
    batch_size : int
        Most sequences computed at once; four million logits is another bound.
    render : callable, optional
        One row of tokens to a picture; by default its text.
    dtype : torch.dtype, optional
        Precision of the latents; found as in `Decoder`.

    Attributes
    ----------
    modules : tuple of torch.nn.Module
        The modules found in `logits`, which are switched to evaluation while they are measured.

    Raises
    ------
    TypeError
        Where `logits` is not callable.
    ValueError
        For other bad arguments.
    """

    logits: Callable[[Tensor, Tensor], Tensor]
    latent_dim: int = 2
    vocabulary: Sequence[str] = ""
    max_length: int = 16
    eos: int | None = None
    temperature: float = 1.0
    device: torch.device | str | None = None
    batch_size: int = 4096
    render: Callable[[Any], Any] | None = None
    dtype: torch.dtype | None = None
    modules: tuple[nn.Module, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not callable(self.logits):
            raise TypeError(f"logits must be callable on latents and tokens, got {type(self.logits).__name__}")
        check_counts(self, "latent_dim", "max_length", "batch_size")
        if len(self.vocabulary) < 2:
            raise ValueError(
                f"vocabulary must hold the text of two tokens or more, got {self.vocabulary!r}; a string gives one "
                "character to each token, a list one string"
            )
        if self.eos is not None and not 0 <= self.eos < len(self.vocabulary):
            raise ValueError(f"eos must be the index of the end symbol, below {len(self.vocabulary)}, got {self.eos}")
        if not (np.isfinite(self.temperature) and self.temperature > 0):
            raise ValueError(f"temperature must be positive and finite, got {self.temperature}")
        modules = find_modules(self.logits)
        device, dtype = choose_placement(modules, self.device, self.dtype)
        found = {"modules": modules, "device": device, "dtype": dtype, "render": self.render or self.text}
        for name, value in found.items():
            object.__setattr__(self, name, value)

    def __call__(self, latents: ArrayLike) -> Tensor:
        """Write one sequence per latent greedily, always the likeliest token.

        Parameters
        ----------
        latents : array_like (..., d)
            Latents, not plane points: those go through `lattice.embed`.

        Returns
        -------
        Tensor of int (..., max_length)
            Tokens on the CPU; after the end of a sequence its row is filled with `eos`.

        Raises
        ------
        ValueError
            For latents of a wrong width, logits of the wrong shape, and NaN.
        RuntimeError
            Where `logits` itself fails.
        """
        return self._write_batches(latents, self.write_greedily)

    def sample(self, latents: ArrayLike, seed: int = 0) -> Tensor:
        """Write one random sequence per latent; raises as a call does.

        Parameters
        ----------
        latents : array_like (..., d)
            Latents.
        seed : int
            The same seed gives the same sequences.

        Returns
        -------
        Tensor of int (..., max_length)
            Tokens on the CPU.
        """
        generator = np.random.default_rng(seed)

        def write(z: Tensor) -> Tensor:
            return self.write_at_random(z, torch.from_numpy(generator.random((len(z), self.max_length))))

        return self._write_batches(latents, write)

    def text(self, tokens: Any) -> str:
        """Read one row of tokens, up to its end.

        Parameters
        ----------
        tokens : array_like of int (T,)
            Token numbers.

        Returns
        -------
        str
            Their texts, joined.
        """
        row = [int(k) for k in tokens]
        ended = row.index(self.eos) if self.eos is not None and self.eos in row else len(row)
        return "".join(self.vocabulary[k] for k in row[:ended])

    def texts(self, tokens: Any) -> NDArray[np.object_]:
        """Read rows of tokens, each up to its end.

        Parameters
        ----------
        tokens : array_like of int (..., T)
            Token numbers.

        Returns
        -------
        ndarray of object (...)
            One string per row.
        """
        rows = np.asarray(tokens)
        read = np.array([self.text(row) for row in rows.reshape(-1, rows.shape[-1])], dtype=object)
        return read.reshape(rows.shape[:-1])

    def write_greedily(self, z: Tensor) -> Tensor:
        """Write one batch `(n, d)` greedily: tokens `(n, max_length)` on the decoder's device."""
        return self._write(z, lambda log_p, _going, _t: log_p.argmax(-1))

    def write_at_random(self, z: Tensor, uniforms: Tensor) -> Tensor:
        """Write one batch `(n, d)` at random: token t is where `uniforms[:, t]` in [0, 1) falls among the chances."""
        thresholds = uniforms.to(self.device)

        def choose(log_p: Tensor, going: Tensor, t: int) -> Tensor:
            cumulative = log_p.exp().cumsum(-1)
            below = cumulative <= thresholds[going, t, None] * cumulative[:, -1:]
            return below.sum(-1).clamp_max(log_p.shape[-1] - 1)

        return self._write(z, choose)

    def count_tokens(self, tokens: Tensor) -> Tensor:
        """Count the tokens of every row `(n, T)` up to its end, the end symbol included: `(n,)`."""
        if self.eos is None:
            return torch.full(tokens.shape[:1], tokens.shape[1], device=tokens.device)
        going_on = (tokens != self.eos).long().cumprod(1).sum(1)
        return (going_on + 1).clamp_max(tokens.shape[1])

    def log_probabilities(self, z: Tensor, tokens: Tensor) -> Tensor:
        """Return log p(token at t | tokens before t, z) in float64, `(n, T, V)`, at the decoder's temperature.

        Raises `ValueError` for NaN, naming the first latent.
        """
        return self._normalise(self.compute_logits(z, tokens), z)

    def compute_logits(self, z: Tensor, tokens: Tensor) -> Tensor:
        """Return `logits(z, tokens)` for one batch, gradients allowed; the shape is checked, values are not."""
        placed_z = z.to(device=self.device, dtype=self.dtype)
        try:
            found = self.logits(placed_z, tokens)
        except NotImplementedError:
            raise  # an operation without a derivative rule: whoever differentiates knows what to do
        except Exception as error:
            raise RuntimeError(
                f"logits failed on latents of shape {tuple(z.shape)} and tokens of shape {tuple(tokens.shape)}, "
                f"{placed_z.device}: {type(error).__name__}: {error}"
            ) from error
        expected = (*tokens.shape, len(self.vocabulary))
        if not isinstance(found, Tensor) or found.shape != expected or not found.is_floating_point():
            got = f"{found.dtype} {tuple(found.shape)}" if isinstance(found, Tensor) else type(found).__name__
            raise ValueError(
                f"logits must return floats (n, T, V) = {expected}, got {got}; one row per token, V = "
                f"{len(self.vocabulary)} as in vocabulary, the end symbol included"
                + (" (a tuple? return its first item)" if isinstance(found, tuple | list) else "")
            )
        return found

    def rows_at_once(self, share: int = 1) -> int:
        """Return how many whole sequences may be evaluated at once, where each is evaluated `share` times."""
        return max(1, min(self.batch_size, MOST_LOGITS // (self.max_length * len(self.vocabulary) * share)))

    def evaluation_mode(self) -> AbstractContextManager[None]:
        """Switch the decoder's modules to evaluation for a while, and put back each one's own mode."""
        return evaluation_mode(self.modules)

    def probe(self, lattice: Lattice) -> Tensor:
        """Write at five points of a lattice, and check what would spoil a whole survey.

        Parameters
        ----------
        lattice : Lattice
            The plane that is to be measured.

        Returns
        -------
        Tensor of int (5, max_length)
            What was written there.

        Raises
        ------
        ValueError
            Where the latent dimensions differ, the lattice is no plane, the logits have the wrong shape or are NaN,
            change from call to call, depend on other rows of the batch or on how long the sequence is, or see what they
            predict.
        """
        check_dimension(lattice, self.latent_dim)
        if lattice.ndim != 2:
            raise ValueError(f"sequences are measured on planes, got a lattice of {lattice.ndim} dimensions")
        rows, columns = lattice.shape
        spots = lattice.embed(lattice.cells[[0, 0, rows // 2, -1, -1], [0, -1, columns // 2, 0, -1]])
        with self.evaluation_mode(), torch.no_grad():
            z = self.place_latents(spots)
            self._check_logits(z, *self._make_unlike_tokens(len(z)))
            return self.write_greedily(z).cpu()

    def place_latents(self, latents: ArrayLike) -> Tensor:
        """Check latents `(..., d)` and put them on the decoder's device, `(n, d)`."""
        flat, _ = flatten_latents(latents, self.latent_dim)
        return flat.to(device=self.device, dtype=self.dtype)

    def _make_unlike_tokens(self, n: int) -> tuple[Tensor, Tensor]:
        """Make two sets of tokens `(n, max_length)` that differ at every place."""
        # the end symbol is avoided, because models may stop there
        symbols = [k for k in range(len(self.vocabulary)) if k != self.eos or len(self.vocabulary) == 2]
        number = np.random.default_rng(0).integers(len(symbols), size=(n, self.max_length))
        first, second = (
            torch.as_tensor(np.array(symbols)[(number + step) % len(symbols)], device=self.device) for step in (0, 1)
        )
        return first, second

    def _check_logits(self, z: Tensor, tokens: Tensor, others: Tensor) -> None:
        """Raise `ValueError` where logits are noisy, depend on other rows or on T, or see what they predict."""
        whole = self.log_probabilities(z, tokens)
        if self._differ(whole, self.log_probabilities(z, tokens)):
            raise ValueError(
                "logits differ from call to call, so nothing can be measured; switch off the model's noise "
                "(dropout outside nn.Module, sampling in the forward pass)"
            )
        if self._differ(whole[:2], self.log_probabilities(z[:2], tokens[:2])):
            raise ValueError(
                "logits give a row different values depending on the other rows of the batch; is a batch-norm "
                "layer in training mode? Call model.eval() on it"
            )
        for t in sorted({int(k) for k in np.linspace(0, self.max_length - 1, LEAK_CHECKS)}):
            changed = torch.cat([tokens[:, :t], others[:, t:]], dim=1)
            if self._differ(whole[:, : t + 1], self.log_probabilities(z, changed)[:, : t + 1]):
                raise ValueError(
                    f"logits leak: row {t} or one before it changes with tokens at place {t} and later, which it "
                    "has to predict; shift the tokens by one (a start symbol first) and mask what is to come"
                )
        for length in sorted({1, (self.max_length + 1) // 2}):
            if self._differ(whole[:, :length], self.log_probabilities(z, tokens[:, :length])):
                raise ValueError(
                    f"logits of the first {length} places differ when tokens end there; they must not depend on T"
                )

    def _write_batches(self, latents: ArrayLike, write: Callable[[Tensor], Tensor]) -> Tensor:
        z = self.place_latents(latents)
        with self.evaluation_mode(), torch.no_grad():
            parts = [write(batch).cpu() for batch in torch.split(z, self.rows_at_once())]
        return torch.cat(parts).reshape(*np.shape(latents)[:-1], self.max_length)

    def _write(self, z: Tensor, choose: Callable[[Tensor, Tensor, int], Tensor]) -> Tensor:
        """Write token by token; sequences that have ended leave the batch."""
        filler = 0 if self.eos is None else self.eos
        tokens = torch.full((len(z), self.max_length), filler, device=self.device)
        going = torch.arange(len(z), device=self.device)
        for t in range(self.max_length):
            # the last column is what is asked for, and by contract not seen
            log_p = self._normalise(self.compute_logits(z[going], tokens[going, : t + 1])[:, t], z[going])
            picked = choose(log_p, going, t)
            tokens[going, t] = picked
            if self.eos is not None:
                going = going[picked != self.eos]
                if len(going) == 0:
                    break
        return tokens

    def _normalise(self, logits: Tensor, z: Tensor) -> Tensor:
        log_p = torch.log_softmax(logits.double() / self.temperature, dim=-1)
        if torch.isnan(log_p.sum()):
            bad = torch.isnan(log_p).flatten(1).any(1).nonzero().flatten()
            raise ValueError(
                f"logits are NaN, infinite, or all -inf for {len(bad)} of {len(z)} sequences, the first at z="
                f"{[round(v, 4) for v in z[bad[0]].tolist()]}; shrink the extent, or mend the model there"
            )
        return log_p

    def _differ(self, a: Tensor, b: Tensor) -> bool:
        tolerance = 1e-6 if self.dtype == torch.float64 else 1e-3
        return not torch.isclose(a, b, rtol=tolerance, atol=tolerance).all()
