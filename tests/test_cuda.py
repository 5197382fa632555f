"""Our CUDA kernels without a GPU: their machine code, and their very source run on the CPU.

What this cannot show: times, warps, memory traffic, and what a GPU's own compiler and memory do;
the tests marked `gpu` in test_gpu.py are for that.
"""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blurbench.backends.cuda.columns import ColumnsPlan
from blurbench.backends.cuda.compiler import Kernel, Toolkit, options, source
from blurbench.backends.cuda.compiler import toolkit as cuda_toolkit
from blurbench.backends.cuda.direct import IN_ONE_LAUNCH, CudaDirectPlan, launches
from blurbench.backends.cuda.fused import FusedPlan
from blurbench.backends.cuda.plan import INTERLEAVED
from blurbench.backends.cuda.shapes import (
    ANY,
    Shape,
    fused_macros,
    quick_shape,
    read_table,
    shape_for,
    shapes_for,
    table_text,
)
from blurbench.border import BORDERS
from blurbench.names import DTYPES
from blurbench.plan import Plan
from blurbench.problem import Problem
from helpers import cuda_on_cpu
from helpers.contract import noise, problem_of, reference, share_of_allowed
from helpers.covering import PRODUCTS, covering
from helpers.cuda_assembly import Resources, assemble, compiler

Array = np.ndarray[Any, Any]
Make = Callable[[Toolkit, Problem], Plan]

ARCHITECTURES = ("sm_75", "sm_80", "sm_90", "sm_120")
Specialisation = tuple[Shape, int]  # with its channels


def specialisations(capability: str = ANY) -> list[Specialisation]:
    """All that plans on such a card can ask for."""
    return [
        (shape, channels)
        for channels in INTERLEAVED
        for image in ("large", "small")
        for shape in shapes_for(channels, image, capability)
    ]


CAPABILITIES = (ANY, *sorted({row.capability for row in read_table()} - {ANY}))
SPECIALISATIONS = list(dict.fromkeys(one for each in CAPABILITIES for one in specialisations(each)))


def kinds_of(one: Specialisation) -> set[tuple[str, int]]:
    """What of a specialisation changes how its values come about."""
    shape, channels = one
    names = ("values", "threads", "rows", "ahead", "pixels")
    return {("channels", channels)} | {(name, getattr(shape, name)) for name in names}


def few() -> Iterator[Specialisation]:
    """As few as meet all kinds, small ones first: what the quick run compiles."""
    missing = {kind for one in SPECIALISATIONS for kind in kinds_of(one)}
    while missing:
        best = max(SPECIALISATIONS, key=lambda one: (len(kinds_of(one) & missing), -one[0].radius))
        missing -= kinds_of(best)
        yield best


FEW = list(few())
CONVERTED = ("uint8", "uint16", "float16")
ORDERS = (0, 1, 2, 3)  # of the threads: see cuda_on_cpu

on_cpu = pytest.mark.skipif(
    cuda_on_cpu.COMPILER is None, reason="g++ is not installed: apt-get install g++"
)
assembled = pytest.mark.skipif(
    compiler() is None, reason="NVRTC is missing: install nvidia-cuda-nvrtc"
)


def fused(toolkit: Toolkit, problem: Problem) -> Plan:
    shape = shape_for(problem)
    assert shape is not None
    return FusedPlan(toolkit, problem, shape)


KINDS: dict[str, Make] = {
    "fused": fused,
    "columns": ColumnsPlan,
    "direct": CudaDirectPlan,
}
each_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def check() -> Callable[..., None]:
    """Blur noise on the CPU, and hold the result to the contract."""

    def blur_and_check(kind: str, problem: Problem, order: int = 0) -> None:
        image = noise(problem)
        result = KINDS[kind](cuda_on_cpu.toolkit(order), problem)(image)
        share = share_of_allowed(result, reference(image, problem), image, problem)
        assert share <= 1

    return blur_and_check


# Values.


@on_cpu
@pytest.mark.parametrize(
    "specialisation",
    [
        pytest.param(one, marks=() if one in FEW else pytest.mark.rest(PRODUCTS))
        for one in SPECIALISATIONS
    ],
    ids=str,
)
@pytest.mark.parametrize("border", BORDERS)
def test_the_fused_kernel_keeps_the_contract_in_every_specialisation(
    specialisation: Specialisation, border: str
) -> None:
    shape, channels = specialisation
    for extent in ((41, 76, channels), (13, 45, channels)):
        problem = problem_of(2 * shape.radius + 1, extent, border=border)
        image = noise(problem)
        result = FusedPlan(cuda_on_cpu.toolkit(), problem, shape)(image)
        assert share_of_allowed(result, reference(image, problem), image, problem) <= 1


@on_cpu
@pytest.mark.parametrize(
    "size",
    [
        pytest.param(size, marks=() if size in (1, 9, 33, 97) else pytest.mark.rest(PRODUCTS))
        for size in (1, 3, 9, 19, 33, 35, 51, 65, 67, 81, 97)  # shapes change between some
    ],
)
def test_the_fused_kernel_takes_sizes_up_to_its_largest(
    size: int, check: Callable[..., None]
) -> None:
    check("fused", problem_of(size, (19, 33)))


@on_cpu
def test_what_is_no_number_spreads_as_far_as_the_kernel_reaches() -> None:
    problem = problem_of(11, (40, 60))
    image = noise(problem)
    image[20, 30] = np.nan
    found = np.argwhere(np.isnan(KINDS["fused"](cuda_on_cpu.toolkit(), problem)(image)))
    assert found.min(axis=0).tolist() == [15, 25]
    assert found.max(axis=0).tolist() == [25, 35]


@on_cpu
@covering(
    size=(1, 31, 101, 301), dtype=DTYPES, border=BORDERS, shape=((70, 37), (9, 33, 3), (5, 4, 5))
)
def test_the_column_passes_keep_the_contract(
    size: int, dtype: str, border: str, shape: tuple[int, ...], check: Callable[..., None]
) -> None:
    check("columns", problem_of(size, shape, dtype, border))


@on_cpu
@covering(
    size=(1, 3, 15, 41),
    dtype=DTYPES,
    border=BORDERS,
    shape=((18, 133), (9, 33, 3), (8, 12, 4), (5, 4, 5)),
)
def test_the_dense_kernel_keeps_the_contract(
    size: int, dtype: str, border: str, shape: tuple[int, ...], check: Callable[..., None]
) -> None:
    check("direct", problem_of(size, shape, dtype, border))


@on_cpu
@covering(size=(3, 17, 31), dtype=CONVERTED, channels=INTERLEAVED)
def test_small_types_are_converted_inside_the_fused_kernel(
    size: int, dtype: str, channels: int, check: Callable[..., None]
) -> None:
    check("fused", problem_of(size, (21, 40, channels), dtype))


@on_cpu
@covering(kind=tuple(KINDS), border=BORDERS, shape=((1, 1), (1, 9), (9, 1), (3, 2, 3)))
def test_kernels_may_be_larger_than_the_image(
    kind: str, border: str, shape: tuple[int, ...], check: Callable[..., None]
) -> None:
    check(kind, problem_of(33, shape, border=border))


@on_cpu
@each_kind
def test_an_image_of_many_blocks_has_no_seams(kind: str, check: Callable[..., None]) -> None:
    check(kind, problem_of(17, (150, 1100)))


@on_cpu
@each_kind
def test_arrays_that_no_pack_fits_are_blurred_too(
    kind: str,
) -> None:
    problem = problem_of(9, (24, 32))
    memory, target = np.zeros(24 * 32 + 1, np.float32), np.zeros(24 * 32 + 1, np.float32)
    image, out = memory[1:].reshape(24, 32), target[1:].reshape(24, 32)
    image[...] = noise(problem)
    KINDS[kind](cuda_on_cpu.toolkit(), problem)(image, out)
    assert share_of_allowed(out, reference(image, problem), image, problem) <= 1


@on_cpu
@each_kind
def test_views_are_blurred_into_views(
    kind: str,
) -> None:
    problem = problem_of(9, (24, 32))
    image, out = np.zeros((32, 24), np.float32).T, np.zeros((24, 64), np.float32)[:, ::2]
    image[...] = noise(problem)
    KINDS[kind](cuda_on_cpu.toolkit(), problem)(image, out)
    assert share_of_allowed(out, reference(image, problem), image, problem) <= 1


def test_small_kernels_take_one_launch_and_large_ones_two_passes() -> None:
    assert shape_for(problem_of(97, (64, 64))) is not None
    assert shape_for(problem_of(99, (64, 64))) is None
    assert shape_for(problem_of(65, (64, 64, 3))) is not None
    assert shape_for(problem_of(67, (64, 64, 3))) is None
    assert shape_for(problem_of(9, (64, 64), "float64")) is None
    assert shape_for(problem_of(9, (64, 64, 2))) is None
    assert shape_for(problem_of(49, (64, 64, 4))) is not None
    assert shape_for(problem_of(51, (64, 64, 4))) is None


def test_rows_that_32_bits_cannot_step_over_take_two_passes() -> None:
    assert shape_for(problem_of(9, (2, 2**28 - 4))) is not None
    assert shape_for(problem_of(9, (2, 2**28))) is None


def test_small_images_are_cut_for_the_time_that_a_block_takes() -> None:
    small, large = problem_of(7, (512, 512)), problem_of(7, (4096, 4096))
    assert quick_shape(small, processors=132) not in (None, shape_for(small))
    assert quick_shape(large, processors=132) is None
    assert quick_shape(large, processors=100_000) is not None
    assert quick_shape(problem_of(19, (64, 64)), processors=132) is None


def test_every_size_is_compiled_for_its_own_radius() -> None:
    for size in range(3, 98, 2):
        shape = shape_for(problem_of(size, (64, 64)))
        assert shape is not None
        assert shape.radius == size // 2


def test_the_shapes_of_a_card_come_before_those_of_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "shapes.csv"
    table.write_text(
        "# what the columns mean\n"
        "capability,image,channels,radius,values,threads,rows,blocks,ahead,pixels\n"
        "any,large,1,9,2,256,8,2,1,8\n"
        "90,large,1,6,1,384,8,1,1,4\n"
    )
    monkeypatch.setattr("blurbench.backends.cuda.shapes.read_table", lambda: read_table(table))
    small, wide = problem_of(9, (64, 64)), problem_of(15, (64, 64))
    of_card = Shape(4, values=1, threads=384, rows=8, blocks=1, pixels=4)
    assert shape_for(small, "90") == of_card
    assert shape_for(small, "75") == Shape(4, values=2, threads=256, rows=8, blocks=2)
    assert shape_for(wide, "90") == Shape(7, values=2, threads=256, rows=8, blocks=2)
    assert shape_for(problem_of(21, (64, 64)), "90") is None


def test_the_table_is_written_as_it_is_read(tmp_path: Path) -> None:
    copy = tmp_path / "shapes.csv"
    copy.write_text(table_text(read_table()))
    assert read_table(copy) == read_table()


# Launches.


def only_launched() -> Toolkit:
    """A device that takes every launch that CUDA takes, and does nothing."""

    def compile_nothing(text: str, name: str, given: tuple[str, ...]) -> Kernel:
        return lambda grid, block, arguments: cuda_on_cpu.check_launch(grid, block)

    return Toolkit(np, compile_nothing, 132)


@pytest.mark.parametrize("shape", [(1, 2**23 + 1), (2**23 + 1, 1), (1, 1, 2**17), (3, 2**21, 2)])
@pytest.mark.parametrize("kind", ["columns", "direct"])
def test_no_extent_of_an_image_leaves_the_grid(kind: str, shape: tuple[int, ...]) -> None:
    problem = problem_of(3, shape, "uint8")
    KINDS[kind](only_launched(), problem)(np.zeros(shape, np.uint8))


@on_cpu
def test_column_passes_over_many_blocks_have_no_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blurbench.backends.cuda.columns.FOLD", 2)
    toolkit = cuda_on_cpu.toolkit(edit=lambda text: text.replace("FOLD = 32768", "FOLD = 2"))
    problem = problem_of(67, (70, 330))
    image = noise(problem)
    result = ColumnsPlan(toolkit, problem)(image)
    assert share_of_allowed(result, reference(image, problem), image, problem) <= 1


@pytest.mark.parametrize(
    ("grid", "block"),
    [
        ((2**31,), (32,)),
        ((1, 65_536), (32,)),
        ((1, 1, 65_536), (32,)),
        ((0,), (32,)),
        ((1,), (1025,)),
        ((1,), (32, 33)),
        ((1,), (1, 1, 65)),
    ],
)
def test_a_launch_that_no_device_takes_is_refused(
    grid: tuple[int, ...], block: tuple[int, ...]
) -> None:
    cuda_on_cpu.check_launch((2**31 - 1, 65_535, 65_535), (32, 32))
    with pytest.raises(ValueError, match="CUDA_ERROR_INVALID_VALUE"):
        cuda_on_cpu.check_launch(grid, block)


@on_cpu
def test_shared_memory_beyond_what_a_block_has_is_refused() -> None:
    text = """
        extern "C" __global__ void large(float* out) {
            __shared__ float kept[12 * 1024 + 1];
            kept[threadIdx.x] = 1;
            __syncthreads();
            out[threadIdx.x] = kept[31 - threadIdx.x];
        }"""
    with pytest.raises(ValueError, match="49156 bytes, 49152 at most"):
        cuda_on_cpu.toolkit().compile(text, "large", ())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("processors", [14, 132])
def test_no_launch_of_a_dense_sum_is_long_enough_for_a_watchdog(
    processors: int, dtype: str
) -> None:
    problem = problem_of(255, (4096, 4096, 3), dtype)
    tiles = [math.prod(map(len, one)) for one in launches(problem, processors)]
    whole = 4096**2 * 3 * 255**2
    slowest = 4e10 if dtype == "float32" else 3e9  # multiply-adds a second of a multiprocessor
    assert max(tiles) * whole / sum(tiles) < 0.5 * slowest * processors
    assert max(tiles) > 3 * processors


def test_a_dense_sum_of_little_work_is_one_launch() -> None:
    assert len(launches(problem_of(31, (4096, 4096)), processors=132)) == 1


@on_cpu
@pytest.mark.parametrize("most", [2**15, 2**17])
@pytest.mark.parametrize("shape", [(20, 300), (20, 300, 3), (9, 140, 2)])
def test_a_dense_sum_in_many_launches_has_no_seams(
    shape: tuple[int, ...], most: int, check: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(IN_ONE_LAUNCH, "float32", most)
    problem = problem_of(9, shape)
    assert len(launches(problem, cuda_on_cpu.PROCESSORS)) > 1
    check("direct", problem)


# Barriers.


@on_cpu
@each_kind
def test_the_order_in_which_threads_run_does_not_matter(kind: str) -> None:
    problem = problem_of(17, (40, 150))
    image = noise(problem)
    results = [KINDS[kind](cuda_on_cpu.toolkit(order), problem)(image) for order in ORDERS]
    assert all(np.array_equal(one, results[0]) for one in results)


def without_barrier(number: int) -> Callable[[str], str]:
    """Leaves out one of a source's barriers."""

    def edit(text: str) -> str:
        parts = text.split("__syncthreads();")
        assert len(parts) > number + 1
        joints = ["__syncthreads();"] * (len(parts) - 1) + [""]
        joints[number] = ";"
        return "".join(part + joint for part, joint in zip(parts, joints, strict=True))

    return edit


@on_cpu
@pytest.mark.parametrize(
    ("kind", "number"), [("fused", 0), ("columns", 0), ("direct", 0), ("direct", 1)]
)
def test_a_missing_barrier_is_seen(
    kind: str,
    number: int,
) -> None:
    problem = problem_of(17, (40, 150))
    image, expected = noise(problem), reference(noise(problem), problem)
    broken = [
        KINDS[kind](cuda_on_cpu.toolkit(order, edit=without_barrier(number)), problem)(image)
        for order in ORDERS
    ]
    assert any(np.abs(one - expected).max() > 1 for one in broken)


# Memory.

sanitizer = pytest.mark.rest("sanitizer runs")


def planted(*faults: tuple[str, str]) -> list[Any]:
    """Faults that the whole run plants."""
    return [pytest.param(fault, marks=sanitizer) for fault in faults]


def sanitized(*arguments: str) -> subprocess.CompletedProcess[str]:
    preload = subprocess.run(
        [str(cuda_on_cpu.COMPILER), "-print-file-name=libasan.so"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    script = Path(cuda_on_cpu.__file__).with_name("cuda_sanitized.py")
    environment = os.environ | {
        "LD_PRELOAD": preload,
        "ASAN_OPTIONS": "detect_leaks=0",
        "UBSAN_OPTIONS": "halt_on_error=1",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    return subprocess.run(
        [sys.executable, str(script), *arguments],
        capture_output=True,
        text=True,
        env=environment,
    )


@on_cpu
@pytest.mark.parametrize("which", ["few", pytest.param("all", marks=sanitizer)])
def test_no_kernel_leaves_its_arrays(which: str) -> None:
    done = sanitized(which)
    assert done.stdout == "no fault\n", done.stderr[-3000:]


@on_cpu
@pytest.mark.parametrize(
    "fault",
    [
        ("if (pixel < columns + 2 * PAD)", "if (true)"),
        *planted(
            ("if (kept)", "if (true)"),
            ("if (whole)", "if (aligned)"),
            ("c < CHANNELS || offset[turn] + c * 4 < values_of_row", "true"),
            ("max(y, last) < height", "true"),
            ("x + COLUMNS <= width", "true"),
            ("column < width + radius ?", "true ?"),
            ("at < column.known ?", "true ?"),
            ("along >= pitch || row >= height", "along >= pitch"),
            ("begin >= radius && begin - radius + LENGTH <= extent", "true"),
            ("WHOLE || both ?", "true ?"),
        ),
    ],
    ids=lambda fault: fault[0],
)
def test_an_access_out_of_bounds_is_seen(fault: tuple[str, str]) -> None:
    text = "".join(source(name) for name in ("fused", "columns", "direct", "fft"))
    assert fault[0] in text
    done = sanitized("all", *fault)
    assert done.returncode != 0
    assert re.search("AddressSanitizer|runtime error", done.stderr)


# On a GPU.


@pytest.mark.gpu
@pytest.mark.filterwarnings("default")
@covering(specialisation=SPECIALISATIONS, dtype=("float32", "uint8", "float16"))
def test_every_specialisation_keeps_the_contract_on_the_gpu(
    specialisation: Specialisation, dtype: str
) -> None:
    shape, channels = specialisation
    cupy = import_module("cupy")
    for width in (1000, 1001):
        problem = problem_of(2 * shape.radius + 1, (700, width, channels), dtype)
        image = noise(problem)
        plan = FusedPlan(cuda_toolkit(), problem, shape)
        result = cupy.asnumpy(plan(cupy.asarray(image)))
        assert share_of_allowed(result, reference(image, problem), image, problem) <= 1


@pytest.mark.gpu
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("kind", ["fused", "columns"])
def test_images_of_more_than_2_to_the_31_pixels_are_blurred_to_their_end(kind: str) -> None:
    cupy = import_module("cupy")
    side, crop = 46_500, 300
    if cupy.cuda.Device().mem_info[0] < 8 * side**2:
        pytest.skip("the device has too little free memory for such an image")
    image = cupy.asarray(np.random.default_rng(0).integers(0, 256, (side, side), np.uint8))
    corner = cupy.ascontiguousarray(image[-crop:, -crop:])
    last = {
        extent: KINDS[kind](cuda_toolkit(), problem_of(31, (extent, extent), "uint8"))
        for extent in (side, crop)
    }
    large, small = (last[side](image)[-crop:, -crop:], last[crop](corner))
    difference = large.astype(cupy.int16) - small.astype(cupy.int16)
    # Sums taken in another order may be rounded to the other side of a half.
    assert int(cupy.abs(difference[15:, 15:]).max()) <= 1


# Machine code.

Compilation = tuple[str, tuple[str, ...]]  # the kernel and its options


def shipped(dtypes: Iterable[str] = DTYPES, capability: str = ANY) -> Iterator[Compilation]:
    """Every specialisation that a plan for these types can ask for on such a card."""
    for dtype in dtypes:
        work = "float64" if dtype == "float64" else "float32"
        types: dict[str, object] = {"INPUT": dtype, "OUTPUT": dtype, "WORK": work}
        for channels in (0, *(INTERLEAVED if dtype != "float64" else ())):
            for ends in ({"OUTPUT": work}, {"INPUT": work}):
                yield "columns", options(**types | ends, CHANNELS=channels)
        for channels in INTERLEAVED:
            if dtype != "float64" or channels == 1:
                yield "direct", options(**types, CHANNELS=channels)
        for specialisation in specialisations(capability) if dtype != "float64" else ():
            yield fused_kernel(specialisation, dtype)


def fused_kernel(specialisation: Specialisation, dtype: str) -> Compilation:
    shape, channels = specialisation
    return "fused", options(**fused_macros(problem_of(1, (8, 8, channels), dtype), shape))


def resources(kernels: Iterable[Compilation], architecture: str) -> Iterator[tuple[str, Resources]]:
    def assembled(one: Compilation) -> tuple[str, Resources]:
        name, given = one
        return f"{name} {' '.join(given)}", assemble(source(name), given, architecture)

    with ThreadPoolExecutor(2) as pool:
        yield from pool.map(assembled, kernels)


@assembled
@pytest.mark.parametrize(
    ("dtypes", "architecture"),
    [
        (("float32",), "sm_90"),
        *(
            pytest.param(DTYPES, one, marks=pytest.mark.rest("architectures"))
            for one in ARCHITECTURES
        ),
    ],
    ids=str,
)
def test_no_specialisation_spills_registers(dtypes: tuple[str, ...], architecture: str) -> None:
    found = resources(shipped(dtypes, architecture.removeprefix("sm_")), architecture)
    assert [name for name, taken in found if taken.spilled] == []


@assembled
@pytest.mark.rest("architectures")
@pytest.mark.parametrize("channels", INTERLEAVED)
def test_no_radius_spills_registers(channels: int) -> None:
    """Every third, on one architecture in turn; neighbours share a shape."""
    spilled = []
    for radius in range(3, max(shape.radius for shape in shapes_for(channels)) + 1, 3):
        problem = problem_of(2 * radius + 1, (8, 8, channels))
        shape, architecture = shape_for(problem), ARCHITECTURES[radius % 4]
        assert shape is not None
        given = options(**fused_macros(problem, shape))
        if assemble(source("fused"), given, architecture).spilled:
            spilled.append((radius, architecture))
    assert spilled == []


@assembled
def test_shared_memory_fits_every_device() -> None:  # as much on any, and whatever the type
    found = [taken.shared_bytes for name, taken in resources(shipped(("float32",), "90"), "sm_90")]
    assert max(found) <= 48 * 1024
    assert sorted(found)[len(found) // 2] > 0


@assembled
def test_spilled_registers_are_seen() -> None:
    problem = problem_of(65, (8, 8))
    starved = Shape(32, values=4, threads=512, rows=2, blocks=2)
    given = options(**fused_macros(problem, starved))
    assert assemble(source("fused"), given, "sm_90").spilled > 0
