"""Exact refinement of a path: Gauss-Newton on its decoded points, free of the error of the lattice."""

from collections.abc import Callable

import numpy as np
import torch
from scipy.linalg import LinAlgError, solveh_banded

from latent_widget._arrays import Floats
from latent_widget._lattice import Lattice
from latent_widget.decoders.decoder import Decoder
from latent_widget.measures._pullback import embedded
from latent_widget.measures.autodiff.metric import along

STILL = 1e-10
"""Refinement ends where a step lowers the energy by less than this fraction."""

STEPS = 60


def shortened(
    decoder: Decoder, lattice: Lattice, points: Floats, allowed: Callable[[Floats], bool] | None = None
) -> Floats:
    """Lower the decoded energy Σ ‖f(x_k+1) − f(x_k)‖² / 2 of a path `(N, 2)` with fixed ends, by Gauss-Newton steps.

    With r_k = f(x_k+1) − f(x_k) and J_k the Jacobian at a node, the gradient is J_kᵀ(r_k-1 − r_k); the Hessian without
    second derivatives is block-tridiagonal, 2 J_kᵀJ_k with −J_kᵀJ_k+1 beside it. A step is halved until the energy
    falls, and where it does not fall the path stays. Nodes stay in the extent; `allowed` may refuse a path.
    """
    push = along(decoder, lattice, embedded)
    low, high = np.array(lattice.extent[::2]), np.array(lattice.extent[1::2])

    def energy(path: Floats) -> float:
        decoded = embedded(decoder(lattice.embed(path))).double()
        return 0.5 * float(decoded.diff(dim=0).square().sum())

    x, value, damping = points.copy(), energy(points), 0.0
    for _ in range(STEPS):
        stack = push(x).double()
        jacobian = stack[1:].permute(1, 2, 0)  # (N, k, 2)
        pull = -stack[0].diff(n=2, dim=0)  # r_k-1 - r_k at the inner nodes
        gradient = torch.einsum("nki,nk->ni", jacobian[1:-1], pull).numpy()
        here = torch.einsum("nki,nkj->nij", jacobian[1:-1], jacobian[1:-1]).numpy()
        beside = -torch.einsum("nki,nkj->nij", jacobian[1:-2], jacobian[2:-1]).numpy()
        lowered = False
        while not lowered and damping < 10.0:
            step = _step(gradient, 2.0 * (1.0 + damping) * here, beside)
            for share in (1.0, 0.5, 0.2, 0.05):
                if step is None:
                    break
                trial = x.copy()
                trial[1:-1] = np.clip(x[1:-1] + share * step, low, high)
                if (allowed is None or allowed(trial)) and (reached := energy(trial)) < value:
                    lowered = True
                    break
            damping = 0.2 * damping if lowered else max(4.0 * damping, 0.01)
        if not lowered:
            break
        gain, x, value = value - reached, trial, reached
        if gain < STILL * value:
            break
    return x


def _step(gradient: Floats, diagonal: Floats, beside: Floats) -> Floats | None:
    """Solve the block-tridiagonal system, `(n, 2, 2)` blocks and `(n - 1, 2, 2)` beside them; None where singular."""
    n = len(gradient)
    bands = np.zeros((4, 2 * n))
    bands[3, 0::2], bands[3, 1::2] = diagonal[:, 0, 0], diagonal[:, 1, 1]
    bands[2, 1::2] = diagonal[:, 0, 1]
    bands[1, 2::2], bands[0, 3::2] = beside[:, 0, 0], beside[:, 0, 1]
    bands[2, 2::2], bands[1, 3::2] = beside[:, 1, 0], beside[:, 1, 1]
    try:
        solved = solveh_banded(bands, -gradient.ravel(), check_finite=False)
    except LinAlgError:
        return None
    return np.asarray(solved.reshape(n, 2)) if np.isfinite(solved).all() else None
