"""The kernels' decorators: what `leaf` refuses, and that it does leave out the counting of references."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from latent_widget.geodesics.kernels import compilation
from latent_widget.geodesics.kernels.compilation import OPTIONS, kernel, leaf


def add_up(values: NDArray[np.float64]) -> float:
    total = 0.0
    for k in range(len(values)):
        total += values[k]
    return total


def compile_nested(decorate) -> str:
    """LLVM's text of a loop that hands an array to a function, both compiled alike."""
    inner = decorate(add_up)

    def outer(values: NDArray[np.float64]) -> float:
        total = 0.0
        for k in range(len(values)):
            total += k * inner(values)
        return total

    compiled = decorate(outer)
    assert compiled(np.arange(4.0)) == 36.0
    (text,) = compiled.inspect_llvm().values()
    return text


def test_numba_still_has_the_option():
    """Where this fails, `leaf` compiles as `kernel` does: right, but slower. Raise pyproject's bound only knowingly."""
    assert compilation.COUNTS_CAN_BE_LEFT_OUT


def test_leaves_are_compiled_without_reference_counts(monkeypatch):
    monkeypatch.setitem(OPTIONS, "cache", False)
    assert "NRT_incref" not in compile_nested(leaf)
    assert "NRT_incref" in compile_nested(kernel)


def test_a_leaf_falls_back_where_numba_drops_the_option(monkeypatch):
    monkeypatch.setattr(compilation, "COUNTS_CAN_BE_LEFT_OUT", False)
    monkeypatch.setitem(OPTIONS, "cache", False)
    assert "NRT_incref" in compile_nested(leaf)


def test_a_leaf_may_not_make_or_return_an_array():
    def give_back(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return values

    def make(values: NDArray[np.float64]) -> float:
        return np.empty(3)[0] + values[0]

    def unsaid(values):
        return values[0]

    with pytest.raises(TypeError, match=r"give_back returns .*only scalars may be returned; use kernel"):
        leaf(give_back)
    with pytest.raises(TypeError, match=r"make calls empty, which makes an array; use kernel"):
        leaf(make)
    with pytest.raises(TypeError, match="unsaid returns something unsaid"):
        leaf(unsaid)
