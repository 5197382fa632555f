"""The memory of large results: whose it is, and when it serves another."""

import threading

import numpy as np
import pytest

from blurbench import gaussian_blur, result_memory
from blurbench.memory import LARGE_PAGE, LEAST, ResultMemory

BYTES = np.dtype(np.uint8)


def lend(memory, nbytes=LEAST):
    result, _ = memory.lend((nbytes,), BYTES)
    return result


@pytest.fixture
def image():
    result_memory.clear()
    return np.random.default_rng(0).random((512, 1100), np.float32)


def test_the_memory_of_a_result_that_is_gone_serves_the_next(image):
    first = gaussian_blur(image, size=5).ctypes.data
    assert gaussian_blur(image, size=7).ctypes.data == first


def test_a_result_that_is_still_wanted_is_not_written_over(image):
    blurred = gaussian_blur(image, size=5)
    before = blurred.copy()
    gaussian_blur(image, size=9)
    np.testing.assert_array_equal(blurred, before)


def test_a_view_keeps_the_result_that_it_is_of(image):
    view = memoryview(gaussian_blur(image, size=5)[1:, 3:])
    before = np.array(view)
    gaussian_blur(image, size=9)
    np.testing.assert_array_equal(view, before)


def test_a_result_of_memory_that_was_used_holds_nothing_of_it(image):
    blurred = gaussian_blur(image, size=5)
    wanted = blurred.copy()
    blurred[...] = np.nan
    del blurred
    np.testing.assert_array_equal(gaussian_blur(image, size=5), wanted)


def test_what_writes_a_result_may_hold_it_for_longer_than_its_user():
    memory = ResultMemory(LEAST)
    result, target = memory.lend((LEAST,), BYTES)
    assert np.shares_memory(result, target)
    del result
    assert memory.nbytes == LEAST


def test_memory_serves_results_that_need_about_as_much():
    memory = ResultMemory(8 * LARGE_PAGE)
    first = lend(memory, LARGE_PAGE + 1).ctypes.data
    assert lend(memory, LARGE_PAGE).ctypes.data != first
    assert lend(memory, 2 * LARGE_PAGE).ctypes.data == first


def test_small_results_are_left_to_the_allocator():
    memory = ResultMemory(LEAST)
    lend(memory, LEAST - 1)
    assert memory.nbytes == 0


def test_of_results_that_end_only_the_last_are_kept_as_far_as_there_is_room():
    memory = ResultMemory(2 * LEAST)
    results = [lend(memory) for _ in range(4)]
    places = [one.ctypes.data for one in results]
    while results:
        del results[0]
    assert memory.nbytes == 2 * LEAST
    again = [lend(memory), lend(memory)]
    assert [one.ctypes.data for one in again] == [places[3], places[2]]
    assert memory.nbytes == 0


def test_a_result_larger_than_the_room_is_not_kept():
    memory = ResultMemory(LEAST)
    lend(memory, 2 * LEAST)
    assert memory.nbytes == 0


def test_all_that_is_kept_can_be_let_go():
    memory = ResultMemory(LEAST)
    lend(memory)
    memory.clear()
    assert memory.nbytes == 0


def test_a_result_that_ends_while_another_is_being_taken_back_is_let_go():
    class Room(int):
        def __lt__(self, nbytes):
            others.clear()  # as a collection of garbage might
            return super().__lt__(nbytes)

    memory = ResultMemory(Room(2 * LEAST))
    others = [lend(memory)]
    result = lend(memory)
    del result
    assert memory.nbytes == LEAST


def test_threads_never_share_the_memory_of_a_result():
    memory, wrong = ResultMemory(2 * LEAST), []

    def use(value):
        for _ in range(300):
            result = lend(memory)
            result[::4096] = value
            if (result[::4096] != value).any():
                wrong.append(value)

    threads = [threading.Thread(target=use, args=(value,)) for value in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
