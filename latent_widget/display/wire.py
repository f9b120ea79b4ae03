"""Arrays on the wire between kernel and browser: `{dtype, shape, buffer}`, little-endian and contiguous."""

from typing import Any

import numpy as np

DTYPES = ("float32", "int32", "uint8")


def packed(array: Any, dtype: str) -> dict[str, Any]:
    """Pack an array for a trait; raises `ValueError` for a dtype that the front end does not read."""
    if dtype not in DTYPES:
        raise ValueError(f"dtype must be one of {', '.join(DTYPES)}, got {dtype!r}")
    values = np.ascontiguousarray(array, dtype=np.dtype(dtype).newbyteorder("<"))
    return {"dtype": dtype, "shape": list(values.shape), "buffer": values.tobytes()}


def unpacked(packet: dict[str, Any]) -> np.ndarray:
    """Read a packet back into an array; the inverse of `packed`."""
    values = np.frombuffer(packet["buffer"], dtype=np.dtype(packet["dtype"]).newbyteorder("<"))
    return values.reshape(packet["shape"])
