"""How the kernels are compiled by Numba, and its undocumented option `_nrt` in one place.

Numba counts references to every array that one compiled function hands to another, which in the inner loops takes as
long as the arithmetic (numba issue 2350). The option ``_nrt=False`` leaves that out. It is sound only where a function
neither makes nor returns an array: `leaf` refuses what it can see of that at once, and Numba itself refuses the rest at
the first call ("NRT required but not enabled"). Where a version of Numba lacks the option, `leaf` compiles as `kernel`
does, only slower.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.signedinteger[Any]]
Mask = NDArray[np.bool_]
Function = TypeVar("Function", bound=Callable[..., Any])

OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}
"""Kept on disk, and without the interpreter's lock, so that threads share the work."""


def _knows_option() -> bool:
    try:
        from numba.core.cpu import CPUTargetOptions
    except ImportError:  # a private class, which may move
        return False
    return hasattr(CPUTargetOptions, "_nrt")


COUNTS_CAN_BE_LEFT_OUT = _knows_option()
"""Whether this version of Numba knows the option `_nrt`."""

SCALARS = re.compile(r"(None|bool|int|float|tuple\[((bool|int|float)(, )?)+\])")
MAKERS = {"empty", "zeros", "ones", "full", "array", "arange", "copy", "concatenate", "sort", "linspace"}
"""Calls that make an array."""


def kernel(function: Function) -> Function:
    """Compile a function that may make and return arrays."""
    compiled: Function = njit(**OPTIONS)(function)
    return compiled


def leaf(function: Function) -> Function:
    """Compile a function that only reads and writes the arrays it is given, without counting references to them.

    Raises `TypeError` for a function whose return annotation is not made of scalars, or that makes an array.
    """
    told = function.__annotations__.get("return", "something unsaid")
    returned = told.__name__ if isinstance(told, type) else str(told)
    if not SCALARS.fullmatch(returned):
        raise TypeError(f"{function.__name__} returns {returned}: only scalars may be returned; use kernel")
    made = MAKERS.intersection(function.__code__.co_names)
    if made:
        raise TypeError(f"{function.__name__} calls {', '.join(sorted(made))}, which makes an array; use kernel")
    options = {**OPTIONS, "_nrt": False} if COUNTS_CAN_BE_LEFT_OUT else OPTIONS
    compiled: Function = njit(**options)(function)
    return compiled
