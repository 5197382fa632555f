"""The Fourier blur in CUDA without a GPU: run on the CPU, and as machine code; see test_cuda.py."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from itertools import product
from typing import Any

import numpy as np
import pytest

from blurbench.backends.cuda import backend
from blurbench.backends.cuda.compiler import Toolkit, options, source
from blurbench.backends.cuda.fft import (
    LARGEST,
    LENGTHS,
    FourierPlan,
    fourier_bytes,
    macros,
    operations,
    spectrum_of,
    stretch_for,
)
from blurbench.border import BORDERS
from blurbench.kernel import GaussianKernel
from blurbench.problem import Problem
from helpers import cuda_on_cpu
from helpers.contract import noise, problem_of, reference, share_of_allowed
from helpers.covering import PRODUCTS, covering
from helpers.cuda_assembly import assemble, compiler
from helpers.refused import refusal

Array = np.ndarray[Any, Any]

on_cpu = pytest.mark.skipif(
    cuda_on_cpu.COMPILER is None, reason="g++ is not installed: apt-get install g++"
)
assembled = pytest.mark.skipif(
    compiler() is None, reason="NVRTC is missing: install nvidia-cuda-nvrtc"
)
compiled_anew = pytest.mark.rest(PRODUCTS)  # each of its cases is another kernel to be compiled

ARCHITECTURES = ("sm_75", "sm_80", "sm_90", "sm_120")
ORDERS = (0, 1, 2, 3)  # of the threads: see cuda_on_cpu


def blurred(problem: Problem, image: Array, order: int = 0) -> Array:
    result: Array = FourierPlan(cuda_on_cpu.toolkit(order), problem)(image)
    return result


def check(problem: Problem, image: Array | None = None) -> None:
    """Blur noise, or an image, on the CPU, and hold the result to the contract."""
    image = noise(problem) if image is None else image
    expected = reference(image, problem)
    assert share_of_allowed(blurred(problem, image), expected, image, problem) <= 1


# Values.


@on_cpu
@covering(size=(1, 3, 31, 127, 201), border=BORDERS, shape=((70, 37), (1, 1), (1, 9), (9, 1)))
def test_it_keeps_the_contract(size: int, border: str, shape: tuple[int, ...]) -> None:
    check(problem_of(size, shape, border=border))


@on_cpu
@compiled_anew
@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("shape", [(40, 33, 3), (33, 18, 4), (23, 5, 2), (9, 3, 17)], ids=str)
def test_channels_do_not_mix(shape: tuple[int, ...], border: str) -> None:
    check(problem_of(33, shape, border=border))


@on_cpu
@compiled_anew
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float16"])
def test_small_types_are_converted_inside_the_kernel(dtype: str, channels: int) -> None:
    check(problem_of(31, (61, 44, channels), dtype))


@on_cpu
@compiled_anew
@covering(size=(303, 513, 1023, 1601, LARGEST), border=BORDERS, shape=((20, 33), (601, 5)))
def test_kernels_may_be_as_large_as_the_longest_stretch_allows(
    size: int, border: str, shape: tuple[int, ...]
) -> None:
    check(problem_of(size, shape, border=border))


@on_cpu
@compiled_anew
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("size", [301, 701, 1023])
def test_large_kernels_take_several_channels(size: int, channels: int) -> None:
    check(problem_of(size, (53, 47, channels)))


@on_cpu
@compiled_anew
@pytest.mark.parametrize("even", [2, 8, 64, 300])
def test_even_kernels_are_blurred_as_they_are_centred(even: int) -> None:
    kernel = GaussianKernel.from_size(even, allow_even=True)
    check(Problem(kernel, (51, 66), np.dtype(np.float32), "mirror"))


@on_cpu
@pytest.mark.parametrize("shape", [(1000, 37), (37, 1000), (777, 38)], ids=str)
def test_stretches_of_a_line_have_no_seams(shape: tuple[int, ...]) -> None:
    problem = problem_of(51, shape)
    assert max(stretch_for(problem, axis).count(shape[axis], 25) for axis in (0, 1)) > 1
    check(problem)


@on_cpu
def test_a_level_far_above_what_varies_does_not_cost_digits() -> None:
    problem = problem_of(31, (70, 37))
    image = np.float32(1000) + noise(problem, high=0.01)
    expected = reference(image, problem)
    assert float(np.abs(blurred(problem, image) - expected).max()) < 1e-4


@on_cpu
def test_a_constant_stays_what_it_is() -> None:
    problem = problem_of(31, (70, 37))
    image = np.full(problem.shape, 0.1, np.float32)
    assert np.array_equal(blurred(problem, image), image)


@on_cpu
def test_arrays_that_no_pair_fits_are_blurred_too() -> None:
    problem = problem_of(9, (24, 32))
    memory, target = np.zeros(24 * 32 + 1, np.float32), np.zeros(24 * 32 + 1, np.float32)
    image, out = memory[1:].reshape(24, 32), target[1:].reshape(24, 32)
    image[...] = noise(problem)
    FourierPlan(cuda_on_cpu.toolkit(), problem)(image, out)
    assert share_of_allowed(out, reference(image, problem), image, problem) <= 1


@on_cpu
def test_views_are_blurred_into_views() -> None:
    problem = problem_of(9, (24, 32))
    image, out = np.zeros((32, 24), np.float32).T, np.zeros((24, 64), np.float32)[:, ::2]
    image[...] = noise(problem)
    FourierPlan(cuda_on_cpu.toolkit(), problem)(image, out)
    assert share_of_allowed(out, reference(image, problem), image, problem) <= 1


# The cut.


def test_larger_kernels_take_longer_stretches() -> None:
    found = [stretch_for(problem_of(size, (4096, 4096)), 1).length for size in range(3, 3074, 50)]
    assert found == sorted(found)
    assert set(found) == set(LENGTHS)


@covering(size=(3, 255, 1023, LARGEST), extent=(5, 300, 5000), channels=(1, 3, 4, 40))
def test_a_block_holds_no_more_than_its_shared_memory(
    size: int, extent: int, channels: int
) -> None:
    problem = problem_of(size, (extent, extent, channels))
    for axis in (0, 1):
        stretch = stretch_for(problem, axis)
        assert 2 * problem.kernel.radius < stretch.length
        assert 1 <= stretch.pairs * stretch.length <= LENGTHS[-1]


def test_rows_of_pixels_are_taken_whole() -> None:
    stretch = stretch_for(problem_of(31, (64, 64, 3)), 1)
    assert stretch.pairs % 3 == 0


def test_a_larger_kernel_costs_hardly_more() -> None:
    small, large = (operations(problem_of(size, (4096, 4096))) for size in (31, 511))
    assert small < large < 2 * small


def test_the_image_between_the_passes_is_all_that_grows() -> None:
    problem = problem_of(31, (300, 200, 3), "uint8")
    plan = FourierPlan(no_kernels(), problem)
    assert fourier_bytes(problem) == 300 * 200 * 3 * 4
    assert fourier_bytes(problem) <= plan.nbytes < fourier_bytes(problem) + 2**16


def no_kernels() -> Toolkit:
    """A device on which nothing is ever launched."""
    return Toolkit(np, lambda text, name, given: lambda *launch: None, 4)


def test_the_spectrum_is_a_blur_of_the_circle() -> None:
    spectrum = spectrum_of(GaussianKernel.from_size(31), 256)
    assert spectrum.dtype == np.dtype(np.float32)
    assert spectrum[0] == 1 / 256
    assert np.abs(spectrum).max() == spectrum[0]


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (problem_of(LARGEST + 2, (9, 9)), rf"size {LARGEST + 2} .* fft of cuda: use {LARGEST} or"),
        (problem_of(9, (9, 9), "float64"), "dtype 'float64' .* fft of cuda"),
    ],
    ids=["size", "dtype"],
)
def test_what_it_cannot_do_is_refused(problem: Problem, words: str) -> None:
    one = backend.implementation("fft")
    assert one is not None
    assert re.search(words, refusal(one.check, problem))


# Barriers.


@on_cpu
def test_the_order_in_which_threads_run_does_not_matter() -> None:
    problem = problem_of(17, (40, 150))
    image = noise(problem)
    results = [blurred(problem, image, order) for order in ORDERS]
    assert all(np.array_equal(one, results[0]) for one in results)


def without_barrier(number: int) -> Callable[[str], str]:
    """Leaves out one of the source's barriers."""

    def edit(text: str) -> str:
        barriers = [found.span() for found in re.finditer(re.escape("__syncthreads()"), text)]
        start, end = barriers[number]
        return text[:start] + text[end:]

    return edit


@on_cpu
@compiled_anew
@pytest.mark.parametrize("number", range(4))
def test_a_missing_barrier_is_seen(number: int) -> None:
    problem = problem_of(401, (40, 150))  # all steps, and all barriers
    image = noise(problem)
    expected = reference(image, problem)
    edit = without_barrier(number)
    broken = [
        FourierPlan(cuda_on_cpu.toolkit(order, edit=edit), problem)(image) for order in ORDERS
    ]
    assert any(np.abs(one - expected).max() > 1 for one in broken)


# Machine code.


def shipped() -> Iterator[tuple[str, ...]]:
    """The options of a kernel of each length and kind; integers take the most registers.

    Four channels are cut as three are, and uint16 and float16 are converted as uint8 is.
    """
    kinds = [("float32", 0), ("float32", 1), ("uint8", 0)]
    for (dtype, parity), channels, length in product(kinds, (1, 3), LENGTHS):
        size = 3 if length == LENGTHS[0] else length // 2 + 1
        kernel = GaussianKernel.from_size(size - parity, allow_even=True)
        problem = Problem(kernel, (length // 4, length // 4, channels), np.dtype(dtype))
        yield options(**macros(problem, 1, dtype, "float32"))
        if channels == 1:
            yield options(**macros(problem, 0, "float32", dtype))


@assembled
@compiled_anew
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_no_kernel_spills_registers(architecture: str) -> None:
    """Each on one architecture, in turn."""
    kernels = list(shipped())
    assert {f"-DLENGTH={length}" for length in LENGTHS} <= {one for each in kernels for one in each}
    kernels = kernels[ARCHITECTURES.index(architecture) :: len(ARCHITECTURES)]
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda given: assemble(source("fft"), given, architecture), kernels)
    spilled = [given for given, taken in zip(kernels, found, strict=True) if taken.spilled]
    assert spilled == []


@assembled
def test_shared_memory_fits_every_device() -> None:
    given = options(**macros(problem_of(LARGEST, (64, 64)), 0, "float32", "float32"))
    assert 0 < assemble(source("fft"), given, "sm_90").shared_bytes <= 48 * 1024


# On a GPU.


@pytest.mark.gpu
@pytest.mark.filterwarnings("default")
@covering(size=(3, 31, 255, 701, 1601), channels=(1, 3, 4), dtype=("float32", "uint8", "float16"))
def test_it_keeps_the_contract_on_the_gpu(size: int, channels: int, dtype: str) -> None:
    cupy = import_module("cupy")
    one = backend.implementation("fft")
    assert one is not None
    for width in (1000, 1001):
        problem = problem_of(size, (700, width, channels), dtype)
        image = noise(problem)
        result = cupy.asnumpy(one.prepare(problem)(cupy.asarray(image)))
        assert share_of_allowed(result, reference(image, problem), image, problem) <= 1
