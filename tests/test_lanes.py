"""Devices and streams: whose plans are whose, and images that lie on a GPU already."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from blurbench import InputError, gaussian_blur, plan_cache
from blurbench.backends import gpu, staging
from blurbench.backends.backend import Availability
from blurbench.backends.cuda.direct import IN_ONE_LAUNCH
from blurbench.backends.images_on_gpu import lies_on_gpu
from blurbench.backends.lanes import CUDA, PER_THREAD
from blurbench.backends.registry import find_backend, find_implementation
from blurbench.kernel import GaussianKernel
from blurbench.large.source import open_source
from blurbench.large.tiles import Tile
from blurbench.large.window import blur_tile
from blurbench.plan import Plan
from blurbench.problem import Problem
from blurbench.recipe import Recipe
from helpers.fake_cupy import FakeDevice, FakeStream, on_device, place_here
from helpers.fake_cupy import cupy as cupy
from helpers.planted import backend_of

Array = np.ndarray[Any, Any]
IMAGE = np.random.default_rng(4).uniform(0, 255, (9, 8)).astype(np.float32)


class Made(list[Plan]):
    """The plans that a GPU backend made, and where each ran."""

    def __init__(self) -> None:
        self.ran: list[tuple[Plan, Any]] = []


@pytest.fixture
def made(
    plant: Callable[..., None], cupy: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Made]:
    """What the planted backend `far` makes, whose device is the host."""
    monkeypatch.setattr(gpu, "probe", Availability)
    one, made = find_implementation("numpy", "separable"), Made()

    def prepare(problem: Problem) -> Plan:
        plan = one.prepare(problem)
        run = plan._run

        def noted(image: Any, out: Any) -> None:
            made.ran.append((plan, place_here()))
            run(image, out)

        plan._run = noted  # type: ignore[method-assign]
        made.append(plan)
        return plan

    far = replace(one, backend="far", prepare=prepare)
    plant(backend_of(far, name="far", kind="gpu", carry=staging.carry, lanes=CUDA))
    plan_cache.clear()
    yield made
    plan_cache.clear()


def blurred(image: Any = IMAGE) -> Any:
    return gaussian_blur(image, size=5, backend="far")


# Plans.


def test_a_plan_serves_one_stream_alone(made: Made) -> None:
    first, second = FakeStream(), FakeStream()
    for stream in (first, second, first, second):
        with stream:
            blurred()
    assert len(made) == 2
    assert len(set(made.ran)) == 2


def test_a_plan_serves_one_device_alone(made: Made) -> None:
    for number in (0, 1, 0):
        with FakeDevice(number):
            blurred()
    assert len(made) == 2
    assert len(set(made.ran)) == 2


def test_default_streams_of_threads_are_told_apart(cupy: ModuleType) -> None:
    seen = set()

    def look() -> None:
        with FakeStream(PER_THREAD):
            seen.add(CUDA.place())

    look()
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert len(seen) == 2


def test_windows_of_a_large_image_have_plans_of_their_stream(made: Made, tmp_path: Any) -> None:
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(tmp_path / "a.tif", IMAGE)
    source = open_source(str(tmp_path / "a.tif"))
    recipe = Recipe(GaussianKernel.from_size(5), backend="far")
    inside = slice(0, 9), slice(0, 8)
    tile = Tile((inside[0],), (inside[1],), inside, inside)
    for stream in (FakeStream(), FakeStream()):
        with stream:
            blur_tile(recipe, source, 1, tile)
    assert len(made) == 2


def test_every_backend_on_cupy_has_its_lanes() -> None:
    names = ("cupy", "cupyx", "cuda", "cucim")
    assert all(find_backend(name).lanes is CUDA for name in names)


# Host images.


def test_a_host_image_is_carried_there_and_back(made: Made) -> None:
    expected = gaussian_blur(IMAGE, size=5, backend="numpy")
    result = blurred()
    assert type(result) is np.ndarray
    np.testing.assert_array_equal(result, expected)


def test_a_stack_on_the_host_is_carried_there_and_back(made: Made) -> None:
    images = np.stack([IMAGE, IMAGE[::-1]])
    expected = [gaussian_blur(image, size=5, backend="numpy") for image in images]
    result = gaussian_blur(images, size=5, backend="far", stack=True)
    assert type(result) is np.ndarray
    np.testing.assert_array_equal(result, expected)
    assert len(made) == 1


def test_page_locked_memory_is_kept_for_the_next_image(
    made: Made, cupy: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[Any] = []

    def empty_pinned(shape: Any, dtype: Any) -> Array:
        taken.append(shape)
        return np.empty(shape, dtype)

    monkeypatch.setattr(sys.modules["cupyx"], "empty_pinned", empty_pinned)
    with FakeStream():
        blurred()
        before = len(taken)
        blurred(np.ones((30, 20), np.float32))
    assert (before, len(taken)) == (staging.SLOTS, staging.SLOTS)


# Images that lie on a GPU.


class Foreign:
    """An array of another library, in the memory of a device."""

    def __init__(self, memory: Array, number: int = 0) -> None:
        self.memory, self.number = memory, number


class ByDlpack(Foreign):
    """As PyTorch's or JAX's; `kind` as DLPack numbers kinds of devices."""

    kind = 2

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.kind, self.number


class ByInterface(Foreign):
    """As Numba's."""

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {}


each_protocol = pytest.mark.parametrize("share", [ByDlpack, ByInterface, on_device])


@each_protocol
def test_an_image_on_a_gpu_is_blurred(made: Made, share: Callable[..., Any]) -> None:
    expected = gaussian_blur(IMAGE, size=5, backend="numpy")
    np.testing.assert_array_equal(blurred(share(IMAGE)), expected)


@each_protocol
def test_a_stack_on_a_gpu_is_blurred_there(made: Made, share: Callable[..., Any]) -> None:
    images = np.stack([IMAGE, IMAGE[::-1]])
    expected = [gaussian_blur(image, size=5, backend="numpy") for image in images]
    result = gaussian_blur(share(images, 1), size=5, backend="far", stack=True)
    np.testing.assert_array_equal(result, expected)
    assert [place[0] for _, place in made.ran] == [1, 1]


@each_protocol
def test_an_image_on_a_gpu_is_blurred_on_its_device(made: Made, share: Callable[..., Any]) -> None:
    blurred(share(IMAGE, 1))
    assert [place[0] for _, place in made.ran] == [1]
    assert place_here()[0] == 0


@each_protocol
def test_an_image_on_a_gpu_is_not_copied(
    made: Made, share: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []
    call = Plan.__call__

    def noted(plan: Plan, image: Any, out: Any = None) -> Any:
        given.append(image)
        return call(plan, image, out)

    monkeypatch.setattr(Plan, "__call__", noted)
    blurred(share(IMAGE))
    assert np.shares_memory(given[0], IMAGE)


@each_protocol
def test_an_image_on_a_gpu_is_refused_by_a_cpu_backend(share: Callable[..., Any]) -> None:
    with pytest.raises(
        InputError, match="cannot go to the CPU backend 'scipy': use backend='cupy'"
    ):
        gaussian_blur(share(IMAGE), size=5)


def test_memory_that_the_host_shares_counts_as_a_gpu_s() -> None:
    image = ByDlpack(IMAGE)
    image.kind = 13
    assert lies_on_gpu(image)


def test_what_dlpack_shows_on_the_host_is_no_gpu_s() -> None:
    image = ByDlpack(IMAGE)
    image.kind = 1
    assert not lies_on_gpu(image)


def test_what_a_library_does_not_share_is_told_in_one_line(made: Made, cupy: ModuleType) -> None:
    def refuse(image: Any) -> Any:
        raise BufferError("Can't export tensors that require gradient\nuse tensor.detach()")

    cupy.from_dlpack = refuse  # type: ignore[attr-defined]
    with pytest.raises(InputError, match=r"cannot be shared: Can't export .* use tensor\.detach"):
        blurred(ByDlpack(IMAGE))


def test_an_image_on_a_gpu_without_cupy_says_what_mends_it(
    plant: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu, "probe", lambda: Availability("CuPy is not there", "install it"))
    with pytest.raises(RuntimeError, match="needs CuPy: CuPy is not there; install it"):
        gaussian_blur(ByDlpack(IMAGE), size=5, backend="cupy")


# Opened devices.


@pytest.fixture
def opened(cupy: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Where each check of an opened device ran."""
    checked: list[int] = []
    monkeypatch.setitem(sys.modules, "pynvml", None)
    for name in ("_run_kernel", "_run_fft"):
        monkeypatch.setattr(gpu, name, lambda cupy: checked.append(place_here()[0]))
    gpu._opened.cache_clear()
    yield checked
    gpu._opened.cache_clear()
    FakeDevice(0).use()


def test_a_device_that_is_opened_is_tried_itself(opened: list[int]) -> None:
    gpu.open_device(1)
    assert opened == [1, 1]


def test_every_thread_that_opens_a_device_works_there(opened: list[int]) -> None:
    places = []

    def work() -> None:
        gpu.open_device(1)
        places.append(place_here())

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
        thread.join()
    assert len(places) == 2
    assert len(set(places)) == 1
    assert places[0][0] == 1
    assert len(opened) == 2  # opened once


# On a GPU.

PHOTO = np.random.default_rng(5).integers(0, 256, (1500, 2000, 3), dtype=np.uint8)


def on_gpu(test: Any) -> Any:
    """Mark a test that needs a GPU; what CuPy itself warns of is shown and fails nothing."""
    return pytest.mark.gpu(pytest.mark.filterwarnings("default")(test))


def assert_is_blurred(result: Any, image: Array = PHOTO, size: int = 101) -> None:
    expected = gaussian_blur(image, size=size, backend="scipy").astype(int)
    assert np.abs(np.asarray(result).astype(int) - expected).max() <= 1  # rounded to either side


@on_gpu
def test_an_image_of_many_bands_goes_to_a_gpu_and_back() -> None:
    for _ in range(3):
        assert_is_blurred(gaussian_blur(PHOTO, size=101, backend="cuda"))


@on_gpu
@pytest.mark.parametrize("backend", ["cuda", "cupyx"])
def test_two_streams_of_a_gpu_do_not_disturb_each_other(backend: str) -> None:
    cupy = import_module("cupy")
    streams = [cupy.cuda.Stream(non_blocking=True) for _ in range(2)]
    image, results = cupy.asarray(PHOTO), []
    cupy.cuda.Device().synchronize()
    for turn in range(10):
        with streams[turn % 2]:
            results.append(gaussian_blur(image, size=101, backend=backend))
    cupy.cuda.Device().synchronize()
    assert_is_blurred(results[0].get())
    assert all(bool((one == results[0]).all()) for one in results)


@on_gpu
def test_threads_on_streams_of_a_gpu_do_not_disturb_one_another() -> None:
    cupy = import_module("cupy")

    def work(number: int) -> Any:
        with cupy.cuda.Stream(non_blocking=True):
            return [gaussian_blur(PHOTO, size=101, backend="cuda") for _ in range(5)]

    with ThreadPoolExecutor(3) as pool:
        results = [one for made in pool.map(work, range(3)) for one in made]
    assert_is_blurred(results[0])
    assert all(np.array_equal(one, results[0]) for one in results)


@on_gpu
def test_a_tensor_on_a_gpu_is_taken_and_given_back_without_a_copy() -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("PyTorch cannot use the GPU: install a CUDA build of it")
    tensor = torch.from_numpy(PHOTO).cuda()
    result = torch.from_dlpack(gaussian_blur(tensor, size=101, backend="cuda"))
    assert result.device == tensor.device
    assert_is_blurred(result.cpu().numpy())


@on_gpu
def test_a_dense_sum_in_many_launches_is_right_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(IN_ONE_LAUNCH, "float32", 2**20)
    image = PHOTO[:500, :700]
    plan_cache.clear()
    try:
        assert_is_blurred(
            gaussian_blur(image, size=31, method="direct", backend="cuda"), image, size=31
        )
    finally:
        plan_cache.clear()
