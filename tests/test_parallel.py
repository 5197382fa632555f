"""Work in several threads: of a blur, and after the process has forked."""

from __future__ import annotations

import multiprocessing

import numpy as np
import pytest

import blurbench
from blurbench.methods.parallel import run_in_threads, split_evenly

IMAGE = np.random.default_rng(0).uniform(0, 1, (200, 150)).astype(np.float32)


def blur(threads: int) -> np.ndarray:
    plan = blurbench.prepare(
        IMAGE.shape, size=21, method="banded", backend="numpy", threads=threads
    )
    return plan(IMAGE)


@pytest.mark.parametrize(("items", "parts"), [(1, 1), (10, 3), (3, 10), (128, 2)])
def test_every_item_is_in_one_part_and_none_is_empty(items: int, parts: int) -> None:
    found = split_evenly(range(items), parts)
    assert [item for part in found for item in part] == list(range(items))
    assert min(map(len, found)) > 0


def test_parts_are_as_many_as_asked_for() -> None:
    assert len(split_evenly(range(10), 3)) == 3


@pytest.mark.parametrize("parts", [1, 3])
def test_work_is_done_on_every_part(parts: int) -> None:
    done: set[int] = set()
    run_in_threads(done.add, range(parts))
    assert done == set(range(parts))


@pytest.mark.parametrize("parts", [1, 3])
def test_what_the_work_raises_is_raised(parts: int) -> None:
    with pytest.raises(ZeroDivisionError):
        run_in_threads(lambda part: 1 // part, range(parts))


@pytest.mark.parametrize("threads", [2, 3, 100])
def test_the_number_of_threads_changes_nothing_in_the_result(threads: int) -> None:
    assert np.array_equal(blur(threads), blur(1))


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system does not fork"
)
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_blurs_with_threads_of_its_own() -> None:
    blur(threads=2)
    child = multiprocessing.get_context("fork").Process(target=blur, args=(2,), daemon=True)
    child.start()
    child.join(30)
    assert child.exitcode == 0
