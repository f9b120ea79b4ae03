"""How Numba compiles the loops of the cartograms."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from latent_widget.maps.cartograms import compilation
from latent_widget.maps.cartograms.compilation import ARITHMETIC, UNDOCUMENTED, compile_helper, compile_loop


def double(x: float) -> float:
    return 2.0 * x


@pytest.mark.parametrize("option", UNDOCUMENTED)
def test_numba_still_knows_the_options_that_it_does_not_document(option: str) -> None:
    # if this fails, loops still compile, without the option: leave it out, or find what has become of it
    assert njit("f8(f8)", **{option: UNDOCUMENTED[option]})(double)(3.0) == 6.0
    with pytest.raises(KeyError, match="no_such_option"):
        njit("f8(f8)", no_such_option=True)(double)


def test_loops_are_compiled_without_an_option_that_numba_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compilation, "UNDOCUMENTED", {"no_such_option": True})
    compiled = compile_loop("f8(f8)")(double)
    assert compiled(3.0) == 6.0
    assert len(compiled.signatures) == 1  # type: ignore[attr-defined]


def test_a_division_by_zero_is_not_an_error_and_a_nan_is_not_assumed_away() -> None:
    @compile_helper
    def divide(a: float, b: float) -> float:
        return a / b

    @compile_loop("b1(f8,f8)")
    def is_fold(a: float, b: float) -> bool:
        return not divide(a, b) >= 0.0

    assert not is_fold(1.0, 0.0)
    assert is_fold(0.0, 0.0)
    assert is_fold(np.nan, 1.0)
    assert not ARITHMETIC["fastmath"] & {"nnan", "ninf", "fast"}
