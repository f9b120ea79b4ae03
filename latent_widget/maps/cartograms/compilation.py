"""How Numba compiles the loops of the cartograms: for one signature each, when their module is imported, kept on disk.

Numba's reference documents four of the options used here: ``cache``, ``nogil``, ``fastmath`` (a set of LLVM's flags)
and ``error_model``. Its compiler knows ``no_cfunc_wrapper`` and ``no_rewrites`` as well, which the reference leaves
out. They only spare time, so loops are compiled without them where a version of Numba refuses them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])

# A product and a sum may become one instruction, and zero may lose its sign; nothing may assume that numbers are
# finite, for a NaN has to count as a fold. A division by zero gives inf or NaN, as in NumPy.
ARITHMETIC: dict[str, Any] = {"nogil": True, "fastmath": {"contract", "nsz"}, "error_model": "numpy"}
# It is the first call that waits for the compiler: no entry for callers from C, no search for array expressions.
UNDOCUMENTED: dict[str, Any] = {"no_cfunc_wrapper": True, "no_rewrites": True}


def compile_loop(signature: Any) -> Callable[[Function], Function]:
    """Compile a loop for one signature, at once; later processes read it from the disk."""

    def compile_function(function: Function) -> Function:
        try:
            compiled = njit(signature, cache=True, **ARITHMETIC, **UNDOCUMENTED)(function)
        except KeyError:
            # what Numba raises for options that it does not know
            compiled = njit(signature, cache=True, **ARITHMETIC)(function)
        return cast("Function", compiled)

    return compile_function


def compile_helper(function: Function) -> Function:
    """Let a function be compiled into the loops that call it."""
    return cast("Function", njit(**ARITHMETIC)(function))


def compile_inline(function: Function) -> Function:
    """Let a long function be copied into the loop that calls it before either is optimised: they run as one loop."""
    return cast("Function", njit(inline="always", **ARITHMETIC)(function))
