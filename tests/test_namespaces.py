"""The methods in a namespace that is not NumPy: array-api-strict, on a device that is not the host.

Arrays of its `device1` refuse what CuPy's refuse: to become NumPy arrays unasked, or to meet
them in an operation. The namespace also has nothing that the array API standard lacks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest
import scipy.fft

from blurbench.border import BORDERS
from blurbench.methods import whole
from blurbench.methods.banded import BandedPlan
from blurbench.methods.dct import Cosine, CosinePass, FourierPass, precision
from blurbench.methods.direct import DirectPlan
from blurbench.methods.fft import CirclePass, FFTPlan, Fourier
from blurbench.methods.separable import SeparablePlan
from blurbench.methods.strips import StripsPlan
from blurbench.methods.whole.device_library import Library
from blurbench.plan import Plan
from blurbench.problem import Problem
from helpers.contract import noise, problem_of
from helpers.covering import covering

strict = pytest.importorskip("array_api_strict", reason="array-api-strict is not installed")

DEVICE = strict.Device("device1")
CREATES = ("arange", "asarray", "empty", "eye", "full", "linspace", "ones", "zeros")


class OnDevice:
    """array-api-strict as CuPy would be: what it creates lies on the device unless told."""

    def __getattr__(self, name: str) -> Any:
        member = getattr(strict, name)
        return partial(member, device=DEVICE) if name in CREATES else member


@dataclass(frozen=True)
class Namespace:
    """A namespace with its transforms, whose lengths are plain numbers in every library."""

    xp: Any
    fft: Any

    @property
    def fourier(self) -> Fourier:
        return Fourier(
            rfftn=self.fft.rfftn,
            ifft=self.fft.ifft,
            irfft=self.fft.irfft,
            fast_length=partial(scipy.fft.next_fast_len, real=True),
        )

    @property
    def cosine(self) -> Cosine:
        """SciPy's: no other namespace at hand has any."""

        def there(transform: Any, plane: Any, **how: Any) -> Any:
            return self.xp.asarray(transform(fetch(plane), **how), copy=True)

        return Cosine(partial(there, scipy.fft.dct), partial(there, scipy.fft.idct))

    @property
    def both_axes(self) -> whole.fft.PlaneFourier:
        """Its transforms of both axes at once, unscaled."""
        return whole.fft.PlaneFourier(
            self.fft.rfftn,
            partial(self.fft.irfftn, norm="forward"),
            partial(scipy.fft.next_fast_len, real=True),
        )

    @property
    def whole(self) -> Library:
        return Library(self.xp, self.multiply, self.windows)

    def multiply(self, a: Any, b: Any, out: Any, *, add: bool) -> None:
        product = self.xp.matmul(a, b)
        out[...] = out + product if add else product

    def windows(self, lines: Any, width: int, step: int) -> Any:
        """Copies, where NumPy and CuPy have views: the standard has no strides."""
        starts = range(0, lines.shape[1] - width + 1, step)
        return self.xp.stack([lines[:, start : start + width] for start in starts])


HOST = Namespace(np, np.fft)
THERE = Namespace(OnDevice(), strict.fft)

Maker = Callable[[Namespace, Problem], Plan]

MAKERS: dict[str, Maker] = {
    "direct": lambda space, problem: DirectPlan(space.xp, problem),
    "separable": lambda space, problem: SeparablePlan(space.xp, problem),
    "separable in strips of a row": lambda space, problem: SeparablePlan(
        space.xp, problem, strip_bytes=1
    ),
    "fft": lambda space, problem: FFTPlan(space.xp, problem, space.fourier),
    "banded": lambda space, problem: BandedPlan(space.xp, problem, space.windows),
    "banded in blocks of 4": lambda space, problem: BandedPlan(
        space.xp, problem, space.windows, block=4
    ),
    "fft in strips": lambda space, problem: StripsPlan(
        space.xp,
        problem,
        lambda axis, lines: CirclePass(space.xp, problem, axis, space.fourier, lines),
        problem.work_dtype.name,
    ),
    "dct": lambda space, problem: StripsPlan(
        space.xp,
        problem,
        lambda axis, lines: CosinePass(space.xp, problem, axis, space.cosine),
        precision(problem),
        levelled=True,
    ),
    "dct by fft": lambda space, problem: StripsPlan(
        space.xp,
        problem,
        lambda axis, lines: FourierPass(space.xp, problem, axis, space.fourier, lines),
        precision(problem),
        levelled=True,
    ),
    "direct of a channel": lambda space, problem: whole.direct.WholeDirectPlan(
        space.whole, problem
    ),
    "separable of an image": lambda space, problem: whole.separable.WholeSeparablePlan(
        space.whole, problem
    ),
    "banded of a channel": lambda space, problem: whole.banded.WholeBandedPlan(
        space.whole, problem
    ),
    "fft of a channel": lambda space, problem: whole.fft.WholeFFTPlan(
        space.xp, problem, space.both_axes
    ),
    "dct of a channel": lambda space, problem: whole.dct.CosinePlan(
        space.xp, problem, space.both_axes
    ),
}
FOLDING = {
    "dct": ("reflect", "mirror"),
    "dct by fft": ("reflect",),
    "dct of a channel": ("reflect",),
}
METHOD_BORDERS = [(method, border) for method in MAKERS for border in FOLDING.get(method, BORDERS)]

each_method = pytest.mark.parametrize("method", MAKERS)
SHAPES = ((1, 1), (6, 41), (5, 4, 3))
INTEGERS_AND_FLOATS = ("uint8", "uint16", "float32", "float64")


def fetch(array: Any) -> np.ndarray[Any, Any]:
    """A device array as a NumPy array: the explicit transfer that the host may ask for."""
    if isinstance(array, np.ndarray):
        return array
    return np.asarray(array.to_device(strict.Device("CPU_DEVICE")))


@covering(
    method_and_border=METHOD_BORDERS, dtype=INTEGERS_AND_FLOATS, shape=SHAPES, size=(1, 7, 31)
)
def test_a_method_gives_on_the_device_what_it_gives_in_numpy(
    size: int, method_and_border: tuple[str, str], dtype: str, shape: tuple[int, ...]
) -> None:
    method, border = method_and_border
    problem = problem_of(size, shape, dtype, border)
    image = noise(problem)
    expected = MAKERS[method](HOST, problem)(image)
    result = fetch(MAKERS[method](THERE, problem)(THERE.xp.asarray(image)))
    rounding = {"float64": 1e-13, "float32": 1e-6}.get(dtype, 0.0)
    np.testing.assert_allclose(result, expected, rtol=0, atol=rounding * 255, strict=True)


@covering(method_and_border=METHOD_BORDERS, dtype=("float32", "float64"), shape=SHAPES)
def test_the_adjoint_on_the_device_is_that_in_numpy(
    dtype: str, method_and_border: tuple[str, str], shape: tuple[int, ...]
) -> None:
    method, border = method_and_border
    problem = problem_of(31, shape, dtype, border)
    gradient, found = noise(problem), []
    for space in (HOST, THERE):
        plan = MAKERS[method](space, problem)
        plan.prepare = partial(MAKERS[method], space)
        found.append(fetch(plan.adjoint(space.xp.asarray(gradient))))
    rounding = {"float64": 1e-13, "float32": 1e-6}[dtype]
    largest = max(255.0, float(found[0].max()))  # under `nearest` a pixel gathers many
    np.testing.assert_allclose(*found, rtol=0, atol=rounding * largest, strict=True)


@each_method
def test_the_result_stays_on_the_device(method: str) -> None:
    problem = problem_of(7, (6, 5))
    assert MAKERS[method](THERE, problem)(THERE.xp.asarray(noise(problem))).device == DEVICE


@covering(method=tuple(MAKERS), dtype=INTEGERS_AND_FLOATS)
def test_the_result_has_the_dtype_of_the_image(method: str, dtype: str) -> None:
    problem = problem_of(7, (6, 5), dtype)
    result = MAKERS[method](THERE, problem)(THERE.xp.asarray(noise(problem)))
    assert result.dtype == getattr(strict, dtype)


@each_method
def test_out_is_filled_on_the_device_and_returned(method: str) -> None:
    problem = problem_of(7, (6, 5))
    plan, image = MAKERS[method](THERE, problem), THERE.xp.asarray(noise(problem))
    out = THERE.xp.zeros(problem.shape, dtype=strict.float32)
    assert plan(image, out) is out
    assert np.array_equal(fetch(out), fetch(plan(image)))


@each_method
def test_out_may_be_the_image_on_the_device(method: str) -> None:
    problem = problem_of(7, (6, 5))
    plan, image = MAKERS[method](THERE, problem), THERE.xp.asarray(noise(problem), copy=True)
    expected = fetch(plan(image))
    plan(image, image)
    assert np.array_equal(fetch(image), expected)


def test_the_device_refuses_to_become_a_numpy_array_unasked() -> None:
    with pytest.raises(RuntimeError, match="device1"):
        np.asarray(THERE.xp.zeros((2, 2)))


def test_the_device_refuses_to_meet_a_numpy_array() -> None:
    with pytest.raises(TypeError):
        THERE.xp.zeros((2, 2)) + np.zeros((2, 2))
