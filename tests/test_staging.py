"""The way of a host image to a GPU and back, on streams that are as early or late as may be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from blurbench.backends.registry import find_implementation
from blurbench.backends.staging import SLOTS, Staging
from helpers.contract import problem_of
from helpers.lazy_streams import ORDERS, LazyStreams

Array = np.ndarray[Any, Any]
BAND = 64  # bytes
FIVE = (4, 5, 4)  # float32: four bands and a fifth in part

each_order = pytest.mark.parametrize("order", ORDERS)


class AddOne:
    """A plan whose work is queued on the stream of the work."""

    def __init__(self, streams: LazyStreams) -> None:
        self._streams = streams

    def __call__(self, image: Array, out: Array) -> None:
        self._streams.queue("blur", lambda: np.copyto(out, image + 1))


def image_of(shape: tuple[int, ...], dtype: str = "float32") -> Array:
    return np.arange(np.prod(shape), dtype=dtype).reshape(shape)


def staged(streams: LazyStreams, image: Array, out: Array | None = None) -> Any:
    plan: Any = AddOne(streams)
    return Staging(streams, BAND).blur(plan, image, out)


@each_order
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (2, 8, 2), FIVE, (31, 17), (3, 99)])
def test_what_comes_back_is_the_plan_s_result(
    order: str, shape: tuple[int, ...], dtype: str
) -> None:
    image = image_of(shape, dtype)
    result = staged(LazyStreams(order), image)
    assert result.dtype == image.dtype
    np.testing.assert_array_equal(result, image + image.dtype.type(1))


@each_order
def test_the_same_memory_takes_image_after_image(order: str) -> None:
    streams = LazyStreams(order)
    staging, plan = Staging(streams, BAND), AddOne(streams)
    for shape in (FIVE, (2, 2), (9, 11)):
        image: Any = image_of(shape)
        np.testing.assert_array_equal(staging.blur(plan, image), image + 1)  # type: ignore[arg-type]
    assert streams.pinned_bytes == staging.nbytes == SLOTS * BAND


@each_order
def test_an_image_of_any_layout_is_taken(order: str) -> None:
    image = image_of((8, 12))[::2, ::3].T
    np.testing.assert_array_equal(staged(LazyStreams(order), image), image + 1)


def test_a_result_may_have_its_place_already() -> None:
    image, out = image_of(FIVE), np.zeros(FIVE, np.float32)
    assert staged(LazyStreams("late"), image, out) is out
    np.testing.assert_array_equal(out, image + 1)


@pytest.mark.parametrize("dropped", range(3 + 3 + 5))
def test_each_wait_is_needed(dropped: int) -> None:
    image = image_of(FIVE)
    results = [staged(LazyStreams(order, dropped), image) for order in ORDERS]
    assert any(not np.array_equal(result, image + 1) for result in results)


def test_there_are_no_other_waits_but_those_for_the_end() -> None:
    streams = LazyStreams("late")
    staged(streams, image_of(FIVE))
    assert streams.waits == 3 + 3 + 5 + 3


def test_every_slot_is_on_its_way_while_the_host_copies() -> None:
    streams = LazyStreams("late")
    staged(streams, image_of(FIVE))
    # The last bands to go there and the first to come back.
    assert streams.most_on_their_way == 2 * SLOTS


@each_order
def test_nothing_is_on_its_way_in_the_end(order: str) -> None:
    streams = LazyStreams(order)
    staged(streams, image_of(FIVE))
    assert streams.left == []


@each_order
def test_nothing_is_on_its_way_after_a_plan_that_failed(order: str) -> None:
    streams = LazyStreams(order)

    def fail(image: Array, out: Array) -> None:
        raise MemoryError("no room on the device")

    plan: Any = fail
    with pytest.raises(MemoryError):
        Staging(streams, BAND).blur(plan, image_of(FIVE))
    assert streams.left == []


def test_a_large_result_lies_where_one_lay_that_is_gone() -> None:
    streams, image = LazyStreams("early"), np.zeros((1024, 1024), np.float32)
    plan: Any = AddOne(streams)
    staging = Staging(streams, image.nbytes)
    result = staging.blur(plan, image)
    place = result.ctypes.data
    del result
    assert staging.blur(plan, image).ctypes.data == place


def test_a_plan_of_our_own_is_served() -> None:
    problem = problem_of(5, (40, 50), "uint8")
    plan = find_implementation("numpy", "separable").prepare(problem)
    image = image_of((40, 50), "uint16").astype("uint8")
    result = Staging(LazyStreams("early"), BAND).blur(plan, image)
    np.testing.assert_array_equal(result, plan(image))
