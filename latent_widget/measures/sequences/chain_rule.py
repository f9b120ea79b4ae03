"""Measures of sequence decoders, by the chain rule over tokens: exact over the next token, sampled over prefixes.

For the ends a of a cell let m be the mixture of their sequence distributions and π_a = P(a | x_<t) the share of an end
in what has been written so far. Any divergence that obeys the chain rule is Σ_t E_{x_<t ~ m} of a divergence between
next-token distributions, weighted by the shares [10]. Prefixes are drawn at the corners of the lattice and serve all
cells around: a cell's six divergences come from the same prefixes, so that its tensor is a mean of semi-definite ones.
"""

import math
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latent_widget._arrays import Floats
from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.decoders.sequence import SequenceDecoder
from latent_widget.measures.autodiff.forward import push_by_jvp

SHARE = 4
"""Batches are smaller than the decoder's own by this, for what is computed from the logits in float64."""
QUADRANTS = ((0, 0), (0, 1), (1, 0), (1, 1))
PAIRS = ((0, 1), (2, 3), (0, 2), (1, 3), (0, 3), (1, 2))
"""Ends compared, numbered as QUADRANTS are: along x below and above, along y left and right, rising, falling."""
TINY = torch.finfo(torch.float64).tiny

End = tuple[Tensor, Tensor, Tensor]
"""Share (R, T, 1), log-probabilities (R, T, V) and probabilities of one end."""
Pairwise = Callable[[End, End], Tensor]

_ONE_AT_A_TIME = threading.Lock()


def jensen_shannon(decoder: SequenceDecoder, lattice: Lattice, prefixes: int, seed: int, floor: float) -> Field:
    """Measure 8·JSD of the sequences at a cell's corners, Σ_t E_m[(π_a + π_b)/ρ JSD_w(p_a, p_b)], w = π_a/(π_a + π_b).

    ρ is the share of the pair in the mixture of all four, ½. `info["standard_error"]` is that of the density `(H, W)`.
    """
    return _by_corners(decoder, lattice, "jensen_shannon", 8.0, weighted_jsd, prefixes, seed, floor)


def kl(decoder: SequenceDecoder, lattice: Lattice, prefixes: int, seed: int, floor: float) -> Field:
    """Measure KL(p ‖ q) + KL(q ‖ p) of the sequences at a cell's corners, by the same prefixes."""
    return _by_corners(decoder, lattice, "kl", 1.0, weighted_kl, prefixes, seed, floor)


def fisher_rao(decoder: SequenceDecoder, lattice: Lattice, prefixes: int, seed: int, floor: float) -> Field:
    """Measure Σ_t E_{x_<t ~ p} J_tᵀ F_t J_t at the centres, J_t the logits' derivative, F_t the softmax's."""
    pushed, how = _derivative(decoder, lattice)

    def contributions(points: Tensor, tokens: Tensor, alive: Tensor) -> Tensor:
        value, *tangents = (part.double() / decoder.temperature for part in pushed(points, tokens))
        p = torch.softmax(value, -1)
        # the covariance about the mean, which does not cancel; −inf logits have no tangent
        along = [torch.where(p > 0, tangent, 0.0) for tangent in tangents]
        x, y = (v - (p * v).sum(-1, keepdim=True) for v in along)
        return torch.stack([((p * a * b).sum(-1) * alive).sum(-1) for a, b in ((x, x), (x, y), (y, y))], dim=-1)

    per_prefix = _at_centres(decoder, lattice, prefixes, seed, 12, contributions)
    mean, covariance = per_prefix.mean(2), _covariance(per_prefix)
    return _field(decoder, lattice, "fisher_rao", how, mean, covariance, prefixes, seed, floor)


def entropies(decoder: SequenceDecoder, lattice: Lattice, prefixes: int, seed: int) -> tuple[Floats, Floats]:
    """Return the entropy of the sequences at the centres, Σ_t E H(p_t) in nats `(H, W)`, with standard error."""

    def contributions(points: Tensor, tokens: Tensor, alive: Tensor) -> Tensor:
        log_p = decoder.log_probabilities(_embedded(decoder, lattice, points), tokens)
        return (torch.special.entr(log_p.exp()).sum(-1) * alive).sum(-1, keepdim=True)

    with torch.no_grad():
        per_prefix = _at_centres(decoder, lattice, prefixes, seed, 2, contributions)[..., 0]
    return per_prefix.mean(2), per_prefix.std(2, ddof=1) / math.sqrt(per_prefix.shape[2])


def weighted_jsd(a: End, b: End) -> Tensor:
    """Return (π_a + π_b)·JSD_w(p_a, p_b) per place, `(R, T)`: π_a KL(p_a ‖ m) + π_b KL(p_b ‖ m), m their mixture.

    Written with g(u) = (1 + u) log(1 + u) − u of the relative differences, so that it does not cancel.
    """
    (share_a, _, p), (share_b, _, q) = a, b
    both = (share_a + share_b).clamp_min(TINY)
    w, v = share_a / both, share_b / both
    m = w * p + v * q
    t = (p - q) / m.clamp_min(TINY)
    return (both * m * (w * _g(v * t) + v * _g(-w * t))).sum(-1)


def weighted_kl(a: End, b: End) -> Tensor:
    """Return 2·(π_a KL(p_a ‖ p_b) + π_b KL(p_b ‖ p_a)) per place, `(R, T)`; infinite where one alone can be."""
    (share_a, log_p, p), (share_b, log_q, q) = a, b
    gap = log_p - log_q
    gap = torch.where(torch.isnan(gap), 0.0, gap)
    return 2 * (share_a * _kl_terms(p, q, gap) + share_b * _kl_terms(q, p, -gap)).sum(-1)


def _g(u: Tensor) -> Tensor:
    u = u.clamp_min(-1 + 1e-16)
    return torch.log1p(u).mul_(1 + u).sub_(u)


def _kl_terms(p: Tensor, q: Tensor, gap: Tensor) -> Tensor:
    """Return p·gap − (p − q), whose sum is KL(p ‖ q), term by term >= 0 and without cancellation for small gaps."""
    near = p * (torch.expm1(-gap.clamp(-1, 1)) + gap.clamp(-1, 1))
    far = torch.where(p > 0, p * gap, 0.0) - (p - q)
    return torch.where(gap.abs() < 1, near, far)


def compared(decoder: SequenceDecoder, log_p: list[Tensor], tokens: Tensor, pairwise: Pairwise, pairs: Any) -> Tensor:
    """Return what each sequence adds to each pair's divergence, `(R, pairs)`.

    `log_p` are the log-probabilities `(R, T, V)` of the K ends along the same `tokens (R, T)`, drawn from their even
    mixture; the mean over sequences is the divergence. Weights are bounded by K, however far the ends are apart.
    """
    ends = _shared(log_p, tokens)
    alive = _alive(decoder, tokens)
    scale = len(log_p) / 2
    return torch.stack([(pairwise(ends[a], ends[b]) * alive).sum(-1) for a, b in pairs], dim=-1) * scale


def _shared(log_p: list[Tensor], tokens: Tensor) -> list[End]:
    said = torch.stack([part.gather(-1, tokens[..., None])[..., 0] for part in log_p])
    before = torch.zeros_like(said)
    before[..., 1:] = said[..., :-1].cumsum(-1)
    # after the end everything is masked, and −inf there must not spoil the shares
    shares = torch.nan_to_num(torch.softmax(before, dim=0), nan=0.0)
    return [(share[..., None], part, part.exp()) for share, part in zip(shares, log_p, strict=True)]


def _alive(decoder: SequenceDecoder, tokens: Tensor) -> Tensor:
    return torch.arange(tokens.shape[1], device=tokens.device) < decoder.lengths(tokens)[:, None]


def _by_corners(
    decoder: SequenceDecoder,
    lattice: Lattice,
    name: str,
    constant: float,
    pairwise: Pairwise,
    prefixes: int,
    seed: int,
    floor: float,
) -> Field:
    """Draw a quarter of the prefixes at each corner, and let each serve the four cells around it."""
    decoder.probe(lattice)
    drawn = -(-_checked(prefixes) // 4)
    (rows, columns), (dx, dy) = lattice.shape, lattice.spacing
    latents = decoder.latents(lattice.embed(lattice.corners)).reshape(rows + 1, columns + 1, -1)
    to_tensor = torch.tensor(
        [
            [1 / (2 * dx * dx), 1 / (2 * dx * dx), 0, 0, 0, 0],
            [0, 0, 0, 0, 1 / (4 * dx * dy), -1 / (4 * dx * dy)],
            [0, 0, 1 / (2 * dy * dy), 1 / (2 * dy * dy), 0, 0],
        ],
        dtype=torch.float64,
        device=decoder.device,
    )
    mean, covariance = np.zeros((rows, columns, 3)), np.zeros((rows, columns, 3, 3))

    def around(i: Tensor, j: Tensor, chosen: Tensor, tokens: Tensor) -> Tensor:
        """What sequences drawn at corners (i, j) add to the tensors of the four cells around, `(R, 4, 3)`."""
        steps = torch.arange(-1, 2, device=decoder.device)
        above = (i[chosen, None, None] + steps[:, None]).clamp(0, rows)
        beside = (j[chosen, None, None] + steps).clamp(0, columns)
        z = latents[above, beside].flatten(1, 2)
        spread = tokens[:, None].expand(-1, 9, -1).flatten(0, 1)
        nine = decoder.log_probabilities(z.flatten(0, 1), spread).unflatten(0, (-1, 9))
        found = []
        for down, left in QUADRANTS:
            four = [nine[:, 3 * (down + k) + left + m] for k, m in QUADRANTS]
            found.append(compared(decoder, four, tokens, pairwise, PAIRS) @ to_tensor.T)
        return torch.stack(found, dim=1)

    spots = np.indices((rows + 1, columns + 1)).reshape(2, -1)
    with decoder.evaluating(), torch.no_grad():
        for tile in _tiles(spots.shape[1], decoder, drawn):
            i, j = spots[:, tile]
            uniforms = _uniforms(lattice, lattice.corners[i, j], drawn, decoder.max_length, seed)
            a, b = (torch.from_numpy(v).to(decoder.device).repeat_interleave(drawn) for v in (i, j))
            tokens = decoder.sampled(latents[a, b], uniforms)
            added = _by_length(decoder, tokens, 9 * SHARE, partial(around, a, b))
            added = constant * added.reshape(len(i), drawn, 4, 3)
            for k, (down, left) in enumerate(QUADRANTS):
                ci, cj = i - 1 + down, j - 1 + left
                inside = (ci >= 0) & (ci < rows) & (cj >= 0) & (cj < columns)
                # no cell meets two corners of a tile from the same side, so that no sum is lost
                mean[ci[inside], cj[inside]] += added[inside, :, k].mean(1) / 4
                covariance[ci[inside], cj[inside]] += _covariance(added[inside, :, k]) / 16
    return _field(decoder, lattice, name, "corner polarisation", mean, covariance, 4 * drawn, seed, floor)


def _at_centres(
    decoder: SequenceDecoder,
    lattice: Lattice,
    prefixes: int,
    seed: int,
    share: int,
    contributions: Callable[[Tensor, Tensor, Tensor], Tensor],
) -> Floats:
    """Return what each of the prefixes drawn at a cell's centre contributes, `(H, W, prefixes, k)`."""
    decoder.probe(lattice)
    drawn = _checked(prefixes)
    cells = lattice.cells.reshape(-1, 2)
    found = []
    with decoder.evaluating():
        for tile in _tiles(len(cells), decoder, drawn):
            uniforms = _uniforms(lattice, cells[tile], drawn, decoder.max_length, seed)
            points = torch.from_numpy(cells[tile].copy()).to(device=decoder.device, dtype=decoder.dtype)
            points = points.repeat_interleave(drawn, 0)
            with torch.no_grad():
                tokens = decoder.sampled(_embedded(decoder, lattice, points), uniforms)

            def added(rows: Tensor, tokens: Tensor, points: Tensor = points) -> Tensor:
                return contributions(points[rows], tokens, _alive(decoder, tokens))

            found.append(_by_length(decoder, tokens, share, added))
    return np.concatenate(found).reshape(*lattice.shape, drawn, -1)


def _by_length(
    decoder: SequenceDecoder, tokens: Tensor, share: int, contributions: Callable[[Tensor, Tensor], Tensor]
) -> Floats:
    """Evaluate sequences batch by batch, short ones together, so that nothing is computed after their ends."""
    lengths = decoder.lengths(tokens)
    order = torch.argsort(lengths)
    found: Tensor | None = None
    for rows in order.split(decoder.rows_at_once(share)):
        part = contributions(rows, tokens[rows, : int(lengths[rows].max())])
        if found is None:
            found = part.new_zeros((len(tokens), *part.shape[1:]))
        found[rows] = part
    assert found is not None
    return np.asarray(found.cpu().numpy())


def _tiles(count: int, decoder: SequenceDecoder, drawn: int) -> Iterator[slice]:
    step = max(1, decoder.rows_at_once() // drawn)
    return (slice(k, min(k + step, count)) for k in range(0, count, step))


def _covariance(samples: Floats) -> Floats:
    """Return the covariance of the mean of samples `(..., n, 3)`: `(..., 3, 3)`."""
    n = samples.shape[-2]
    centred = samples - samples.mean(-2, keepdims=True)
    return np.asarray(np.swapaxes(centred, -1, -2) @ centred / (n * (n - 1)))


def _field(
    decoder: SequenceDecoder,
    lattice: Lattice,
    name: str,
    how: str,
    mean: Floats,
    covariance: Floats,
    prefixes: int,
    seed: int,
    floor: float,
) -> Field:
    e, f, g = np.moveaxis(mean, -1, 0)
    density = np.sqrt(np.maximum(e * g - f * f, np.finfo(float).tiny))
    # d√det G = ½ √det G · tr(G⁻¹ dG)
    slope = np.stack([g, -2 * f, e], axis=-1) / (2 * density[..., None])
    error = np.sqrt(np.einsum("...i,...ij,...j->...", slope, covariance, slope))
    info = {
        "measure": name,
        "method": f"chain rule over tokens, {how}",
        "output": f"sequences of {len(decoder.vocabulary)} tokens, length <= {decoder.max_length}",
        "prefixes": prefixes,
        "seed": seed,
        "standard_error": error,
    }
    return Field(lattice, np.stack([np.stack([e, f], -1), np.stack([f, g], -1)], -2), info, floor)


def _checked(prefixes: int) -> int:
    if int(prefixes) != prefixes or prefixes < 8:
        raise ValueError(f"prefixes must be a whole number >= 8, two for each corner of a cell, got {prefixes!r}")
    return int(prefixes)


def _uniforms(lattice: Lattice, points: Floats, count: int, length: int, seed: int) -> Tensor:
    """Return random numbers in [0, 1), `(n·count, length)`, which depend on the seed and the place on the plane alone.

    So a tile of a survey draws what the whole lattice would. SplitMix64, keyed by the place in 2⁻²⁰ of a cell.
    """
    places = np.rint(points / lattice.spacing * 2**20).astype(np.int64).view(np.uint64)
    key = np.full(len(points), seed % 2**64, dtype=np.uint64)
    for axis in range(2):
        key = _mixed(key ^ _mixed(places[:, axis]))
    counter = np.arange(1, count * length + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    bits = _mixed(key[:, None] + counter) >> np.uint64(11)
    return torch.from_numpy((bits * 2.0**-53).reshape(-1, length))


def _mixed(x: np.ndarray) -> np.ndarray:
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)))


def _embedded(decoder: SequenceDecoder, lattice: Lattice, points: Tensor) -> Tensor:
    if lattice.origin is None or lattice.basis is None:
        return points
    where = {"device": decoder.device, "dtype": decoder.dtype}
    origin, basis = (torch.from_numpy(v).to(**where) for v in (lattice.origin, lattice.basis))
    return torch.addmm(origin, points, basis)


def _derivative(decoder: SequenceDecoder, lattice: Lattice) -> tuple[Callable[[Tensor, Tensor], Tensor], str]:
    """Choose how logits and their derivatives by the plane `(3, R, T, V)` are found: by `jvp`, else by differences."""

    def function(tokens: Tensor) -> Callable[[Tensor], Tensor]:
        return lambda points: decoder.raw(_embedded(decoder, lattice, points), tokens)

    def by_jvp(points: Tensor, tokens: Tensor) -> Tensor:
        with _ONE_AT_A_TIME, _plain_kernels():
            return push_by_jvp(function(tokens), points)

    def by_differences(points: Tensor, tokens: Tensor) -> Tensor:
        logits = function(tokens)
        steps = 0.25 * torch.diag(torch.tensor(lattice.spacing)).to(points)
        with torch.no_grad():
            along = [(logits(points + h) - logits(points - h)) / (2 * h.sum()) for h in steps]
            return torch.stack([logits(points), *along])

    points = torch.from_numpy(lattice.cells[0, :2].copy()).to(device=decoder.device, dtype=decoder.dtype)
    tokens = torch.zeros((2, decoder.max_length), dtype=torch.long, device=decoder.device)
    decoder.probe(lattice)
    with decoder.evaluating():
        try:
            by_jvp(points, tokens)
        except RuntimeError as error:  # NotImplementedError is one; that the model runs at all was probed
            warnings.warn(
                f"fisher_rao: PyTorch cannot differentiate these logits forwards ({str(error).splitlines()[0]}); "
                "central differences over half a cell are used instead",
                stacklevel=4,
            )
            return by_differences, "derivatives by differences"
    return by_jvp, "derivatives exact"


@contextmanager
def _plain_kernels() -> Iterator[None]:
    """Switch off the fused kernels of attention and recurrent layers, which have no forward-mode derivative."""
    mha: Any = torch.backends.mha
    with ExitStack() as stack:
        stack.callback(mha.set_fastpath_enabled, mha.get_fastpath_enabled())
        mha.set_fastpath_enabled(False)
        # set here rather than by torch.backends.mkldnn.flags, which warns of a setting for other hardware
        stack.callback(torch._C._set_mkldnn_enabled, torch._C._get_mkldnn_enabled())
        torch._C._set_mkldnn_enabled(False)
        stack.enter_context(torch.backends.cudnn.flags(enabled=False))
        if hasattr(torch.nn, "attention"):
            stack.enter_context(torch.nn.attention.sdpa_kernel([torch.nn.attention.SDPBackend.MATH]))
        yield
