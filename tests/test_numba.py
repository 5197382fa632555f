"""Our compiled loops on the CPU; the exactness contract has its own tests."""

from __future__ import annotations

import hashlib
import platform
import re
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blurbench.backends import numba as owner
from blurbench.kernel import GaussianKernel
from blurbench.plan import Plan
from blurbench.problem import Problem
from helpers.contract import noise, reference, share_of_allowed

Array = np.ndarray[Any, Any]
STATE = owner.backend.probe()

runs = pytest.mark.skipif(not STATE.ok, reason=STATE.explanation)
each_plan = pytest.mark.parametrize(
    "prepare",
    [one.prepare for one in owner.backend.implementations],
    ids=[one.method for one in owner.backend.implementations],
)
each_exact_plan = pytest.mark.parametrize(
    "prepare", [one.prepare for one in owner.backend.implementations if one.exact]
)
Prepare = Callable[[Problem], Plan]


def problem_of(
    shape: tuple[int, ...], size: int = 15, dtype: str = "float32", threads: int = 1
) -> Problem:
    return Problem(GaussianKernel.from_size(size), shape, np.dtype(dtype), threads=threads)


@runs
@each_plan
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
@pytest.mark.parametrize("size", [5, 31])
def test_the_result_does_not_depend_on_the_number_of_threads(
    prepare: Prepare, size: int, dtype: str
) -> None:
    alone = problem_of((700, 1100), size, dtype)
    image = noise(alone)
    expected = prepare(alone)(image)
    for threads in (2, 3, 7):
        several = problem_of((700, 1100), size, dtype, threads)
        assert np.array_equal(prepare(several)(image), expected)


@runs
@each_exact_plan
@pytest.mark.parametrize("width", [1, 2, 15, 16, 17, 31, 63, 64, 65, 127, 130, 1100])
@pytest.mark.parametrize("size", [5, 31])
def test_rows_of_any_length_are_blurred(
    prepare: Prepare,
    size: int,
    width: int,
) -> None:
    problem = problem_of((9, width), size)
    image = noise(problem)
    result = prepare(problem)(image)
    assert share_of_allowed(result, reference(image, problem), image, problem) <= 1


@runs
@pytest.mark.parametrize(
    ("size", "shape"),
    [
        *((size, (20, 1000)) for size in (3, 7, 13, 15, 17, 19)),
        *((size, (70, 2048)) for size in (13, 15, 31)),
        *((size, (900, 3800)) for size in (3, 13, 15)),
    ],
)
def test_sizes_at_which_one_plan_gives_way_to_another_are_blurred(
    size: int, shape: tuple[int, int]
) -> None:
    separable = owner.backend.implementation("separable")
    assert separable is not None
    problem = problem_of(shape, size)
    image, plan = noise(problem), separable.prepare(problem)
    assert share_of_allowed(plan(image), reference(image, problem), image, problem) <= 1
    assert plan.nbytes <= separable.work_bytes(problem)


@runs
@each_exact_plan
@pytest.mark.parametrize("cval", [-400.0, 700.0])
@pytest.mark.parametrize("size", [5, 31])
def test_what_a_border_takes_beyond_the_integers_is_clipped(
    prepare: Prepare,
    size: int,
    cval: float,
) -> None:
    problem = replace(problem_of((40, 70), size, "uint8"), border="constant", cval=cval)
    image = noise(problem)
    expected = np.clip(reference(image, problem), 0, 255)
    assert share_of_allowed(prepare(problem)(image), expected, image, problem) <= 1


@runs
@each_plan
def test_views_are_blurred_into_views(prepare: Prepare) -> None:
    problem = problem_of((40, 30))
    image, out = noise(problem), np.zeros((40, 60), np.float32)[:, ::2]
    prepare(problem)(np.asfortranarray(image), out)
    assert np.array_equal(out, prepare(problem)(image))


@runs
@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="reads the instructions of x86-64"
)
@pytest.mark.parametrize(("name", "size"), [("separable_near", 5), ("separable", 31)])
def test_the_sums_are_packed_multiply_adds(name: str, size: int) -> None:
    numba = import_module("numba")
    if "fma" not in numba.core.codegen.get_host_cpu_features().replace("+", ",").split(","):
        pytest.skip("this processor has no fused multiply-add")
    problem = problem_of((40, 70), size)
    image = noise(problem)
    owner.backend.implementations[1].prepare(problem)(image)
    kernel = getattr(import_module("blurbench.backends.numba.kernels"), name)
    fresh = numba.njit(nogil=True, error_model="numpy")(
        kernel.py_func
    )  # one from the disk has no text
    fresh.compile(next(one for one in kernel.signatures if str(one[1][0].dtype) == "float32"))
    assembly = "".join(fresh.inspect_asm().values())
    assert len(re.findall(r"vfmadd\d+ps\s.*[yz]mm", assembly)) >= 8


@runs
@pytest.mark.parametrize(
    ("module", "sources"),
    [
        ("shares", ("atomics",)),
        ("kernels", ("vectors", "sums", "atomics", "shares")),
        ("line_kernels", ("vectors", "feedback", "kernels", "atomics", "shares")),
        ("multirate_kernels", ("vectors", "sums", "cells", "kernels", "atomics", "shares")),
    ],
)
def test_compiled_code_is_kept_for_these_sources_alone(
    module: str, sources: tuple[str, ...]
) -> None:
    folder = Path(owner.__file__).parent
    text = "".join((folder / f"{name}.py").read_text() for name in sources)
    kernels = import_module(f"blurbench.backends.numba.{module}")
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == kernels.GENERATED_BY


@runs
@each_plan
def test_more_threads_than_rows_do_no_harm(prepare: Prepare) -> None:
    alone, crowd = (problem_of((2, 70_000), threads=threads) for threads in (1, 9))
    image = noise(alone)
    assert np.array_equal(prepare(crowd)(image), prepare(alone)(image))


@runs
@pytest.mark.parametrize(
    ("method", "size"), [("separable", 7), ("separable", 41), ("multirate", 41)]
)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
def test_an_image_larger_than_the_caches_is_blurred_as_each_of_its_channels(
    method: str, size: int, dtype: str
) -> None:
    (prepare,) = (one.prepare for one in owner.backend.implementations if one.method == method)
    channels = 13 * 2**20 // (300 * 300 * np.dtype(dtype).itemsize)
    problem = problem_of((300, 300, channels), size, dtype, threads=2)
    image = noise(problem)
    room = np.empty(image.size + 1, dtype)  # so that the result begins amid a line of the cache
    blurred = prepare(problem)(image, out=room[1:].reshape(image.shape))
    alone = prepare(problem_of((300, 300), size, dtype))
    for channel in (0, channels // 2, channels - 1):
        one = np.ascontiguousarray(image[:, :, channel])
        assert np.array_equal(blurred[:, :, channel], alone(one))
