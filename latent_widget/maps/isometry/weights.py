"""What each cell counts for: a kernel density estimate of the encoded data, with a floor for cells without any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import gaussian_filter

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    Array = np.ndarray[Any, np.dtype[np.float64]]

# Standard deviation of the kernel, as a share of the plane's sides, and what a cell without data counts for. Narrower
# kernels follow the accident of the sample; without the floor empty corners are free to stretch.
BANDWIDTH, EMPTY = 1 / 16, 0.1


def estimate_density(points: ArrayLike, extent: tuple[float, ...], shape: tuple[int, ...]) -> tuple[Array, str]:
    """Return weights (H, W) of mean 1 from points (n, 2), and a note on those outside, which are left out."""
    array = np.asarray(points, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != 2:
        raise ValueError(f"points has shape {array.shape}: give plane coordinates, (n, 2)")
    if not np.isfinite(array).all():
        raise ValueError(f"points holds {int((~np.isfinite(array)).any(1).sum())} that are not finite: drop them")
    low, high = np.array(extent[0::2]), np.array(extent[1::2])
    inside = array[((array >= low) & (array <= high)).all(1)]
    if not len(inside):
        raise ValueError(f"points: none of {len(array)} lies inside extent={extent}; leave them out, or move the plane")
    bounds = [extent[2:4], extent[0:2]]
    counts = np.histogram2d(inside[:, 1], inside[:, 0], bins=shape, range=bounds)[0]
    density = gaussian_filter(counts, [BANDWIDTH * n for n in shape], mode="reflect")
    outside = len(array) - len(inside)
    note = f"{outside} of {len(array)} points lie outside the plane" if outside else ""
    return np.asarray((1 - EMPTY) * density / density.mean() + EMPTY), note
