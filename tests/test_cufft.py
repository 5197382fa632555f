"""Fourier transforms by plans of their own, on a CuPy that tells which plan a call met."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from blurbench.backends.cufft import owning

ONE, OTHER = np.zeros((4, 6)), np.zeros((8, 6))


class Cufft:
    """As much of CuPy's transforms as `owning` asks for.

    Attributes:
        used: the plan that each call met, of those in use where it was called.
    """

    def __init__(self) -> None:
        self.used: list[Any] = []
        self._current: list[Any] = []

    def get_fft_plan(self, array: Any, **what: Any) -> Any:
        current = self._current

        class Plan:
            made_for = (array.shape, what)

            def __enter__(self) -> None:
                current.append(self)

            def __exit__(self, *_: object) -> None:
                current.pop()

        return Plan()

    def transform(self, array: Any, **how: Any) -> dict[str, Any]:
        self.used.append(self._current[-1])
        return how


@pytest.fixture
def cufft(monkeypatch: pytest.MonkeyPatch) -> Cufft:
    made = Cufft()
    module = SimpleNamespace(get_fft_plan=made.get_fft_plan)
    monkeypatch.setitem(sys.modules, "cupyx.scipy.fft", module)
    return made


def test_a_blur_keeps_one_plan_for_arrays_of_one_shape(cufft: Cufft) -> None:
    forward = owning(cufft.transform, "R2C")
    for array in (ONE, OTHER, ONE):
        forward(array, axes=(0, 1))
    assert cufft.used[0] is cufft.used[2]
    assert cufft.used[0] is not cufft.used[1]


def test_two_blurs_share_no_plan(cufft: Cufft) -> None:
    for _ in range(2):
        owning(cufft.transform, "R2C")(ONE, axes=(0, 1))
    assert cufft.used[0] is not cufft.used[1]


def test_a_plan_is_made_for_what_the_transform_is_asked(cufft: Cufft) -> None:
    inverse = owning(cufft.transform, "C2R", norm="forward")
    given = inverse(ONE, s=(4, 10), axes=(0, 1))
    assert given == {"s": (4, 10), "axes": (0, 1), "norm": "forward"}
    what = {"shape": (4, 10), "axes": (0, 1), "value_type": "C2R"}
    assert cufft.used[0].made_for == (ONE.shape, what)
