"""Halide's pipelines: what they are compiled for, and who works on them.

What they compute is held to the contract beside all others (see test_exactness_contract.py), and
what else a peer has to keep, in test_cpu_peers.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from blurbench.backends.halide import backend
from blurbench.backends.registry import find_implementation
from blurbench.kernel import GaussianKernel
from blurbench.problem import Problem
from helpers.contract import noise, reference, share_of_allowed

STATE = backend.probe()
pytestmark = pytest.mark.skipif(not STATE.ok, reason=STATE.explanation)


def blur(
    kernel: GaussianKernel, shape: tuple[int, ...], border: str = "reflect", **more: Any
) -> float:
    """Blur noise; how far from the reference that is, as a share of what the contract allows."""
    problem = Problem(kernel, shape, np.dtype(np.float32), border, **more)
    image = noise(problem)
    result = find_implementation("halide", "separable").prepare(problem)(image)
    return share_of_allowed(result, reference(image, problem), image, problem)


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What is compiled while a test runs."""
    import halide

    compile_one, seen = halide.Func.compile_to_callable, []

    def noted(func: Any, *arguments: Any) -> Any:
        seen.append(func)
        return compile_one(func, *arguments)

    monkeypatch.setattr(halide.Func, "compile_to_callable", noted)
    return seen


def test_what_is_compiled_serves_other_shapes_sigmas_and_borders(compiled: list[object]) -> None:
    blur(GaussianKernel.from_size(3, 1.0), (40, 50))
    compiled.clear()
    assert blur(GaussianKernel.from_size(3, 0.5), (9, 70, 3), "wrap") <= 1
    assert compiled == []


def test_what_is_compiled_for_many_taps_serves_any_number_of_them(compiled: list[object]) -> None:
    blur(GaussianKernel.from_size(35), (40, 50))
    compiled.clear()
    assert blur(GaussianKernel.from_size(121), (60, 33)) <= 1
    assert compiled == []


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_strips_that_do_not_divide_evenly_are_all_blurred(threads: int) -> None:
    assert blur(GaussianKernel.from_size(3), (997, 101), threads=threads) <= 1


@pytest.mark.rest("processes")
@pytest.mark.skipif(sys.platform != "linux", reason="counts threads as Linux lists them")
@pytest.mark.parametrize(("threads", "begun"), [(1, 0), (2, 1)])
def test_no_more_threads_are_begun_than_the_problem_has(threads: int, begun: int) -> None:
    code = (
        "import os; import numpy as np; from blurbench import prepare;"
        "image = np.ones((2000, 500), np.float32);"
        f"plan = prepare(image.shape, size=3, backend='halide', threads={threads});"
        "before = len(os.listdir('/proc/self/task')); plan(image);"
        "print(len(os.listdir('/proc/self/task')) - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "HL_NUM_THREADS": "2"},
    )
    assert int(done.stdout) == begun
