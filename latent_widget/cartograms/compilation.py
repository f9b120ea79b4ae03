"""How the compiled loops of the cartograms are compiled by Numba."""

from typing import Any

# Signatures are explicit: everything is compiled once, cached on disk, and never again for another layout.
# Contraction and the sign of zero are free; nothing here may assume that numbers are finite.
OPTIONS: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "fastmath": {"contract", "nsz"},
    "error_model": "numpy",
    # fewer stages: it is the first call that waits for the compiler
    "no_cfunc_wrapper": True,
    "no_rewrites": True,
}
