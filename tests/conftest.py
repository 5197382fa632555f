"""Shared by the tests: where a GPU is needed, the implementations, and the exactness contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import settings

from blurbench.backends import gpu
from blurbench.backends.backend import Implementation
from blurbench.backends.registry import collect, probe
from blurbench.plan import Problem

EXACT_ON_CPU = [
    one
    for backend in collect([]).values()
    if backend.kind == "cpu" and probe(backend).ok
    for one in backend.implementations
    if one.exact
]

Array = np.ndarray[Any, Any]

# On a busy machine an example may take long; no test judges that.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what is marked `gpu` where no GPU can be used, saying why and what mends it."""
    if item.get_closest_marker("gpu") is None:
        return
    state = gpu.probe()
    if not state.ok:
        pytest.skip(f"{state.reason}: {state.remedy}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out the borders and dtypes that an implementation does not have."""
    items[:] = [item for item in items if _is_possible(getattr(item, "callspec", None))]


def _is_possible(call: Any) -> bool:
    asked = {} if call is None else call.params
    one = asked.get("implementation")
    if one is None:
        return True
    offered = {"border": one.borders, "dtype": one.dtypes}
    return all(asked.get(what, known[0]) in known for what, known in offered.items())


@pytest.fixture(scope="module", params=EXACT_ON_CPU, ids=lambda one: one.name)
def implementation(request: pytest.FixtureRequest) -> Implementation:
    """Each shipped implementation that runs here on the CPU and claims to be exact."""
    one: Implementation = request.param
    return one


@pytest.fixture(scope="session")
def reference() -> Callable[[Array, Problem], Array]:
    """The blur by two passes of scipy.ndimage, in float64 throughout."""

    def blur(image: Array, problem: Problem) -> Array:
        blurred = image.astype(np.float64)
        for axis in (0, 1):
            blurred = scipy.ndimage.correlate1d(
                blurred, problem.kernel.taps, axis, mode=problem.border, cval=problem.cval
            )
        return blurred

    return blur


@pytest.fixture(scope="session")
def share_of_allowed() -> Callable[[Array, Array, Array, Problem], float]:
    """The largest error of a result, as a share of what the contract allows; 1 is just allowed.

    Float32 may be off by 1e-6 and float64 by 1e-13 of the largest value that enters the blur,
    integers by half a unit more than float32, float16 by half of its last digit.
    """

    def share(result: Array, expected: Array, image: Array, problem: Problem) -> float:
        scale = float(np.abs(image.astype(np.float64)).max())
        if problem.border == "constant":
            scale = max(scale, abs(problem.cval))
        allowed = (1e-13 if problem.dtype == np.float64 else 1e-6) * scale
        if problem.dtype == np.float16:
            allowed += 2**-11 * scale
        elif problem.dtype.kind != "f":
            allowed += 0.5
        error = float(np.abs(result.astype(np.float64) - expected).max())
        if allowed == 0:
            return 0.0 if error == 0 else float("inf")
        return error / allowed

    return share
