"""Our WebGPU shaders and their device: really run, on whatever adapter this machine has.

A software adapter will do. Where there is none, what needs no adapter is still tested.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import blurbench
from blurbench.backends import registry
from blurbench.backends.backend import Availability, Backend
from blurbench.backends.carried import carry
from blurbench.backends.registry import find_implementation
from blurbench.backends.wgpu.adapters import adapters, describe, name_of, probe, ranked
from blurbench.backends.wgpu.bands import ALIGNMENT, BINDING, bands
from blurbench.backends.wgpu.device import MOST_GROUPS, WgpuDevice, open_device
from blurbench.backends.wgpu.direct import WgpuDirectPlan
from blurbench.backends.wgpu.fft import WgpuFFTPlan
from blurbench.backends.wgpu.pipelines import Pipelines
from blurbench.backends.wgpu.plan import WgpuPlan
from blurbench.backends.wgpu.separable import WgpuSeparablePlan, stages
from blurbench.border import BORDERS, source_index
from blurbench.choice.auto import DEVICE, choose
from blurbench.kernel import GaussianKernel
from blurbench.problem import Problem
from helpers.contract import noise, problem_of, reference, share_of_allowed
from helpers.covering import covering
from helpers.refused import refusal

Array = np.ndarray[Any, Any]
Make = Callable[[WgpuDevice, Problem], WgpuPlan]

METHODS: dict[str, Make] = {
    "separable": WgpuSeparablePlan,
    "direct": WgpuDirectPlan,
    "fft": WgpuFFTPlan,
}
SHAPES = ((37, 53), (1, 1), (5, 1), (1, 7), (12, 700), (21, 20, 3), (33, 31, 4), (9, 13, 5))
LEAST = {  # WebGPU's defaults: what every adapter has
    "max-compute-invocations-per-workgroup": 256,
    "max-compute-workgroup-size-x": 256,
    "max-compute-workgroup-storage-size": 16384,
    "max-compute-workgroups-per-dimension": 65535,
    "max-storage-buffers-per-shader-stage": 8,
    "max-storage-buffer-binding-size": 2**27,
    "max-buffer-size": 2**28,
    "min-storage-buffer-offset-alignment": 256,
}

needs_adapter = pytest.mark.skipif(not probe().ok, reason=probe().explanation)


def adapter(kind: str, interface: str = "Vulkan") -> Any:
    """A made-up adapter."""
    info = {"adapter_type": kind, "backend_type": interface, "device": kind, "description": "1.2"}
    return SimpleNamespace(info=info)


@pytest.fixture(scope="session")
def device() -> WgpuDevice:
    return open_device(0)


@pytest.fixture(scope="session")
def lesser() -> WgpuDevice:
    """The same adapter, as if it could bind 20 KiB and take a grid of 16 workgroups a side."""
    return WgpuDevice(adapters()[0], {BINDING: 20480, MOST_GROUPS: 16})


def check(device: WgpuDevice, method: str, problem: Problem) -> None:
    """Blur noise, and hold the result to the contract."""
    image = noise(problem)
    blurred = carry(METHODS[method](device, problem), image)
    assert share_of_allowed(blurred, reference(image, problem), image, problem) <= 1


# Exactness.


@needs_adapter
@covering(
    method=tuple(METHODS),
    dtype=("float32", "uint8"),
    border=BORDERS,
    size=(1, 3, 15, 67),
    shape=SHAPES,
)
def test_a_blur_keeps_the_contract(
    device: WgpuDevice, method: str, dtype: str, border: str, size: int, shape: tuple[int, ...]
) -> None:
    check(device, method, problem_of(size, shape, dtype, border))


@needs_adapter
@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("shape", [(40, 50), (30, 20, 4)])
def test_two_launches_for_many_taps_keep_the_contract(
    device: WgpuDevice, border: str, shape: tuple[int, ...]
) -> None:
    problem = problem_of(513, shape, border=border)
    assert len(stages(problem, device.threads)) == 2
    check(device, "separable", problem)


@needs_adapter
@covering(dtype=("float32", "uint8"), border=BORDERS, shape=((40, 50), (1, 700), (700, 2, 3)))
def test_transforms_in_several_blocks_and_turns_keep_the_contract(
    device: WgpuDevice, dtype: str, border: str, shape: tuple[int, ...]
) -> None:
    check(device, "fft", problem_of(1201, shape, dtype, border))


@needs_adapter
@pytest.mark.parametrize("method", METHODS)
def test_an_even_kernel_is_blurred_with(device: WgpuDevice, method: str) -> None:
    kernel = GaussianKernel.from_size(8, allow_even=True)
    check(device, method, Problem(kernel, (20, 30), np.dtype("float32")))


@needs_adapter
@pytest.mark.parametrize("method", ["separable", "fft"])
def test_the_errors_of_very_many_taps_do_not_add_up(device: WgpuDevice, method: str) -> None:
    problem = problem_of(2049, (64, 64), border="nearest")
    image = np.full(problem.shape, 253.7, np.float32)
    blurred = carry(METHODS[method](device, problem), image)
    assert share_of_allowed(blurred, reference(image, problem), image, problem) <= 1


@needs_adapter
@covering(
    method=tuple(METHODS),
    dtype=("float32", "uint8"),
    border=BORDERS,
    size=(3, 15),
    shape=((700, 33), (400, 21, 3), (560, 39)),
)
def test_an_image_larger_than_a_binding_is_blurred_in_bands(
    lesser: WgpuDevice, method: str, dtype: str, border: str, size: int, shape: tuple[int, ...]
) -> None:
    check(lesser, method, problem_of(size, shape, dtype, border))


@needs_adapter
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_the_least_adapter_of_webgpu_takes_every_shader(dtype: str) -> None:
    least = WgpuDevice(adapters()[0], LEAST)
    assert least.threads == 256
    for method, size in (("separable", 9), ("separable", 301), ("direct", 9), ("fft", 9)):
        check(least, method, problem_of(size, (20, 30, 3), dtype))


@needs_adapter
@pytest.mark.parametrize("method", ["separable", "fft"])
def test_workgroups_of_fewer_threads_make_the_same_image(method: str) -> None:
    small = WgpuDevice(adapters()[0], {"max-compute-workgroup-storage-size": 4096})
    assert small.threads == 64
    for size in (5, 67):
        check(small, method, problem_of(size, (30, 90, 3), "uint8"))


# The plan's life.


@needs_adapter
def test_an_image_of_another_shape_is_refused(device: WgpuDevice) -> None:
    plan = WgpuSeparablePlan(device, problem_of(9, (20, 30)))
    said = refusal(lambda: plan(device.empty((30, 20), np.dtype("float32"))))
    assert said == "image is float32 (30, 20): this plan was made for float32 (20, 30)"


@needs_adapter
def test_a_host_image_is_no_image_for_a_plan(device: WgpuDevice) -> None:
    plan = WgpuSeparablePlan(device, problem_of(9, (20, 30)))
    assert refusal(lambda: plan(noise(plan.problem))) == (
        "image is numpy.ndarray: plans of wgpu take arrays of its device; "
        "give NumPy's to blurbench.gaussian_blur"
    )


@needs_adapter
def test_one_call_blurs_a_host_image() -> None:
    problem = problem_of(9, (20, 30, 3), "uint8", cval=0)
    image = noise(problem)
    blurred = blurbench.gaussian_blur(image, size=9, backend="wgpu")
    assert blurred.dtype == np.uint8
    assert share_of_allowed(blurred, reference(image, problem), image, problem) <= 1


@needs_adapter
def test_one_call_blurs_a_stack_on_the_host() -> None:
    problem = problem_of(9, (20, 30, 3), "uint8", cval=0)
    images = np.stack([noise(problem), noise(problem, seed=2)])
    blurred = blurbench.gaussian_blur(images, size=9, backend="wgpu", stack=True)
    for image, one in zip(images, blurred, strict=True):
        assert share_of_allowed(one, reference(image, problem), image, problem) <= 1


@needs_adapter
def test_auto_hands_no_image_of_cupys_to_wgpu() -> None:
    said = refusal(lambda: choose(problem_of(3, (4, 5)), backend="wgpu", place=DEVICE))
    assert said.startswith("wgpu cannot blur float32")


@needs_adapter
def test_auto_takes_wgpu_where_it_is_named() -> None:
    assert choose(problem_of(3, (4, 5)), backend="wgpu").name == "wgpu:separable"


@needs_adapter
def test_threads_share_the_device() -> None:
    problems = [problem_of(size, (40, 30), cval=0) for size in (3, 5, 7, 9) * 3]

    def share(problem: Problem) -> float:
        image = noise(problem, seed=problem.kernel.size)
        blurred = blurbench.gaussian_blur(image, size=problem.kernel.size, backend="wgpu")
        return share_of_allowed(blurred, reference(image, problem), image, problem)

    with ThreadPoolExecutor(4) as pool:
        assert max(pool.map(share, problems)) <= 1


@pytest.mark.parametrize("dtype", ["uint16", "float16", "float64"])
def test_other_types_are_refused(dtype: str) -> None:
    one = find_implementation("wgpu", "separable")
    said = refusal(lambda: one.check(problem_of(3, (4, 5), dtype)))
    assert said == f"dtype {dtype!r} does not go with separable of wgpu: use uint8 or float32"


@needs_adapter
def test_too_many_channels_are_refused(device: WgpuDevice) -> None:
    said = refusal(lambda: WgpuSeparablePlan(device, problem_of(3, (2, 2, 2 * device.threads))))
    assert said.startswith(f"an image of {2 * device.threads} channels is too much for separable")


@needs_adapter
def test_tables_that_no_binding_can_hold_are_refused(lesser: WgpuDevice) -> None:
    said = refusal(lambda: WgpuFFTPlan(lesser, problem_of(1201, (4, 5))))
    assert said == (
        "1201 taps take a table of 49152 bytes and this adapter binds 20480: "
        "use a smaller kernel or another backend"
    )


@needs_adapter
def test_rows_that_no_band_can_hold_are_refused(lesser: WgpuDevice) -> None:
    said = refusal(lambda: WgpuSeparablePlan(lesser, problem_of(3, (10, 900))))
    assert "do not fit into this adapter's 20480 bytes" in said


def test_a_pipeline_is_compiled_once_whatever_the_size() -> None:
    compiled: list[object] = []
    made_up = SimpleNamespace(
        create_bind_group_layout=lambda entries: None,
        create_pipeline_layout=lambda bind_group_layouts: None,
        create_shader_module=lambda code, label: label,
        create_compute_pipeline=lambda layout, compute: compiled.append(compute),
    )
    pipelines = Pipelines(made_up, 256)
    for size, shape in ((3, (20, 30)), (15, (400, 300, 3)), (9, (7, 7, 5))):
        for stage in stages(problem_of(size, shape), 256):
            pipelines.get(*stage.parts)
    assert len(compiled) == 1


# Bands, without an adapter.


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_the_bands_of_an_image_make_all_of_it_once(border: str, dtype: str) -> None:
    problem = problem_of(9, (150, 13), dtype, border)
    found = bands(problem, {BINDING: 1024, ALIGNMENT: 32}, 1000)
    assert len(found) > 1
    assert [row for one in found for row in range(one.top, one.top + one.height)] == [*range(150)]


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_a_band_finds_its_rows_in_what_it_binds(border: str, dtype: str) -> None:
    problem = problem_of(9, (150, 13), dtype, border)
    image = noise(problem)
    words = np.zeros(-(-image.nbytes // 4) * 4, np.uint8)
    words[: image.nbytes] = image.view(np.uint8).reshape(-1)
    for band in bands(problem, {BINDING: 1024, ALIGNMENT: 32}, 1000):
        parts = [words[one.offset : one.offset + one.size] for one in band.sources]
        bound = np.concatenate(parts)
        assert bound.nbytes <= 1024
        needed = np.arange(band.top - 4, band.top + band.height + 4)
        for source, begin in zip(source_index(needed, 150, border), band.rows, strict=False):
            if source >= 0:
                at = int(begin) * image.itemsize
                row = bound[at : at + 13 * image.itemsize].view(image.dtype)
                assert np.array_equal(row, image[source])


# Adapters.


def test_a_discrete_gpu_comes_before_an_integrated_one_and_software_last() -> None:
    known = [adapter(kind) for kind in ("CPU", "Unknown", "IntegratedGPU", "DiscreteGPU")]
    found = [one.info["adapter_type"] for one in ranked(known)]
    assert found == ["DiscreteGPU", "IntegratedGPU", "Unknown", "CPU"]


def test_an_adapter_is_shown_with_its_kind_interface_and_driver() -> None:
    assert name_of(adapter("DiscreteGPU", "Metal")) == "DiscreteGPU (discrete, Metal, 1.2)"


def test_a_software_adapter_is_marked_in_its_name() -> None:
    assert "software" in name_of(adapter("CPU"))


def test_a_machine_with_no_adapter_cannot_run_it() -> None:
    assert describe([], {}).reason == "no adapter for Vulkan, Metal or Direct3D 12 was found"


def test_a_gpu_beside_a_software_adapter_runs_unnamed() -> None:
    assert not describe([adapter("IntegratedGPU"), adapter("CPU")], {}).software


def software() -> Backend:
    return Backend("soft", "gpu", (), lambda: describe([adapter("CPU")], {}))


def test_a_software_adapter_runs_where_it_is_named() -> None:
    assert registry.probe(software(), named=True).ok


def test_a_software_adapter_does_not_run_unnamed() -> None:
    found = registry.probe(software(), named=False)
    assert found.explanation == (
        "only software stands in for a GPU here; "
        "--backend soft runs on CPU (software, Vulkan, 1.2) all the same"
    )


def test_a_gpu_runs_named_or_not() -> None:
    state = Availability(devices=("a GPU",))
    found = Backend("real", "gpu", (), lambda: state)
    assert registry.probe(found, named=False) is registry.probe(found, named=True) is state


@needs_adapter
def test_a_device_that_is_not_there_is_refused() -> None:
    count = len(adapters())
    said = refusal(lambda: open_device(count))
    assert said == f"device {count} is not there: wgpu has {count}; see blurbench backends"


# The device.


@needs_adapter
@needs_adapter
def test_it_has_no_page_locked_memory(device: WgpuDevice) -> None:
    assert device.pinned((2, 3), np.dtype("float32")) is None


@needs_adapter
def test_an_array_beyond_the_largest_buffer_is_out_of_memory() -> None:
    small = WgpuDevice(adapters()[0], {"max-buffer-size": 1000})
    with pytest.raises(MemoryError, match="1024 bytes are more than"):
        small.empty((16, 16), np.dtype("float32"))


@needs_adapter
def test_memory_is_counted_until_its_array_is_gone(device: WgpuDevice) -> None:
    before = device.held_bytes()
    array = device.empty((100, 100), np.dtype("float32"))
    assert device.held_bytes() == before + array.nbytes
    del array
    assert device.held_bytes() == before


@needs_adapter
def test_a_device_without_timestamps_is_timed_by_the_hosts_clock(
    device: WgpuDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "_timestamps", None)
    ticks = iter([10.0, 13.5])
    monkeypatch.setattr("blurbench.backends.wgpu.device.time.perf_counter", lambda: next(ticks))
    assert device.elapsed_s(device.record(), device.record()) == 3.5


@needs_adapter
def test_a_device_without_timestamps_cautions_of_the_hosts_clock(
    device: WgpuDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "_timestamps", None)
    monkeypatch.setattr(device, "software", False)
    assert "the host's clock times it" in str(device.caution)


@needs_adapter
def test_a_hold_lasts_while_nothing_is_handed_over(device: WgpuDevice) -> None:
    hold = device.hold(1e-3)
    device.record()
    hold.let_go()
    assert hold.lasted()


@needs_adapter
def test_a_hold_does_not_last_beyond_what_waits_for_the_device(device: WgpuDevice) -> None:
    hold = device.hold(1e-3)
    device.synchronize()
    hold.let_go()
    assert not hold.lasted()


@needs_adapter
def test_a_hold_that_let_go_leaves_nothing_waiting(device: WgpuDevice) -> None:
    device.hold(1e-3).let_go()
    assert not device.queue.gathers
