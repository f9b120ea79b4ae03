"""Gauss–Newton refinement (damped: Levenberg–Marquardt) of a path on its decoded points, free of the lattice."""

from collections.abc import Callable

import numpy as np
import torch
from scipy.linalg import LinAlgError, solveh_banded
from torch import Tensor

from latent_widget._arrays import Floats
from latent_widget._lattice import Lattice
from latent_widget.decoders.decoder import Decoder
from latent_widget.measures._pullback import embed_output
from latent_widget.measures.autodiff.metric import make_push

LEAST_GAIN = 1e-10
"""Refinement ends where a step lowers the energy by less than this fraction."""
MAX_STEPS = 60
"""Bound on the Gauss–Newton steps."""
MAX_DAMPING = 10.0
"""Refinement ends where a step damped (Levenberg–Marquardt) by so much does not lower the energy."""
SHARES = (1.0, 0.5, 0.2, 0.05)
"""Parts of a step that are tried in turn."""


def shorten(
    decoder: Decoder, lattice: Lattice, points: Floats, is_allowed: Callable[[Floats], bool] | None = None
) -> Floats:
    """Lower the decoded energy Σ ‖f(x_k+1) − f(x_k)‖² / 2 of a path `(N, 2)` with fixed ends, by Gauss-Newton steps.

    With r_k = f(x_k+1) − f(x_k) and J_k the Jacobian at a node, the gradient is J_kᵀ(r_k-1 − r_k); the Hessian without
    second derivatives is block-tridiagonal, 2 J_kᵀJ_k with −J_kᵀJ_k+1 beside it. A step is halved until the energy
    falls, and where it does not fall the path stays. Nodes stay in the extent; `is_allowed` may refuse a path.
    """
    push = make_push(decoder, lattice, embed_output)
    low, high = np.array(lattice.extent[::2]), np.array(lattice.extent[1::2])

    def measure_energy(path: Floats) -> float:
        decoded = embed_output(decoder(lattice.embed(path))).double()
        return 0.5 * float(decoded.diff(dim=0).square().sum())

    def search(path: Floats, energy: float, step: Floats | None) -> tuple[Floats, float] | None:
        """Go the largest part of a step that lowers the energy; None where no part does."""
        if step is None:
            return None
        for share in SHARES:
            trial = path.copy()
            trial[1:-1] = np.clip(path[1:-1] + share * step, low, high)
            if (is_allowed is None or is_allowed(trial)) and (reached := measure_energy(trial)) < energy:
                return trial, reached
        return None

    path: Floats = points.copy()
    energy, damping = measure_energy(points), 0.0
    for _ in range(MAX_STEPS):
        gradient, here, beside = _linearise(push(path).double())
        found = None
        while found is None and damping < MAX_DAMPING:
            found = search(path, energy, _solve_step(gradient, 2.0 * (1.0 + damping) * here, beside))
            damping = max(4.0 * damping, 0.01) if found is None else 0.2 * damping
        if found is None:
            break
        gain = energy - found[1]
        path, energy = found
        if gain < LEAST_GAIN * energy:
            break
    return path


def _linearise(stack: Tensor) -> tuple[Floats, Floats, Floats]:
    """Return the gradient `(N − 2, 2)` and the blocks JᵀJ of the Hessian, at the nodes and between neighbours."""
    jacobian = stack[1:].permute(1, 2, 0)  # (N, k, 2)
    pull = -stack[0].diff(n=2, dim=0)  # r_k-1 - r_k at the inner nodes
    gradient = torch.einsum("nki,nk->ni", jacobian[1:-1], pull)
    here = torch.einsum("nki,nkj->nij", jacobian[1:-1], jacobian[1:-1])
    beside = -torch.einsum("nki,nkj->nij", jacobian[1:-2], jacobian[2:-1])
    return gradient.numpy(), here.numpy(), beside.numpy()


def _solve_step(gradient: Floats, diagonal: Floats, beside: Floats) -> Floats | None:
    """Solve the block-tridiagonal system, `(n, 2, 2)` blocks and `(n - 1, 2, 2)` beside them; None where singular."""
    n = len(gradient)
    bands = np.zeros((4, 2 * n))
    bands[3, 0::2], bands[3, 1::2] = diagonal[:, 0, 0], diagonal[:, 1, 1]
    bands[2, 1::2] = diagonal[:, 0, 1]
    bands[1, 2::2], bands[0, 3::2] = beside[:, 0, 0], beside[:, 0, 1]
    bands[2, 2::2], bands[1, 3::2] = beside[:, 1, 0], beside[:, 1, 1]
    try:
        solved: Floats = solveh_banded(bands, -gradient.ravel(), check_finite=False)
    except LinAlgError:
        return None
    return solved.reshape(n, 2) if np.isfinite(solved).all() else None
