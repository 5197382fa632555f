"""How near a blur comes to what its machine can do, and what it is said to run against."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from blurbench.measure.judge import Rules
from blurbench.records.declared import Declared
from blurbench.records.journal import Log, Run
from blurbench.records.record import Record
from blurbench.records.summary import Key, Row
from blurbench.study.point.arithmetic import SAMPLES, time_device, time_host
from helpers.made_runs import ABOUT

KEY = Key("", "photo.png", 48, 64, 3, 15, 2.6, "reflect", 0.0, "float32", 2, "hot")
CPU, GPU = "cpu:one", "gpu:two"
DECLARED = (
    Declared("cpu", "one", "ours", True, "cpu"),
    Declared("gpu", "two", "ours", True, "gpu"),
)


def told(*records: Record) -> Log:
    log = Log(Run("0123abcd", 2, DECLARED, Rules(), "a machine", ABOUT))
    for record in records:
        log.append(record)
    return log


def sample(name: str, scope: str, elapsed_s: float, **more: Any) -> Record:
    key = replace(more.pop("key", KEY), implementation=name)
    return Record(key, scope, elapsed_s, round=1, **more)


def row_of(name: str, *records: Record) -> Row:
    return next(row for row in told(*records).rows() if row.name == name)


def cpu_row(copy_s: float, multiply_adds: float) -> Row:
    """Of a blur that takes 1 s where the CPU does 1000 multiply-adds a second."""
    return row_of(
        CPU,
        sample("copy", "end_to_end", copy_s),
        sample("cpu:multiply_add", "compute", 2.0, inner_loops=4, multiply_adds=500.0),
        sample(CPU, "setup", 0.5, multiply_adds=multiply_adds),
        sample(CPU, "end_to_end", 1.0),
    )


def gpu_row(**seconds: float) -> Row:
    """Of a blur whose scopes take so long; a copy takes 0.5 s, its multiply-adds at best 0.1 s."""
    return row_of(
        GPU,
        sample("gpu:copy", "compute", 0.5),
        sample("gpu:multiply_add", "compute", 1.0, multiply_adds=1000.0),
        sample(GPU, "setup", 0.5, multiply_adds=100.0),
        *(sample(GPU, scope, elapsed_s) for scope, elapsed_s in seconds.items()),
    )


def test_the_multiply_adds_of_a_row_are_held_against_the_measured_rate() -> None:
    assert cpu_row(copy_s=0.1, multiply_adds=250.0).multiply_add_fraction == 0.25


def test_the_rate_is_the_best_that_was_measured() -> None:
    rates = told(
        sample("cpu:multiply_add", "compute", 1.0, multiply_adds=500.0),
        sample("cpu:multiply_add", "compute", 1.0, multiply_adds=800.0),
        sample("cpu:multiply_add", "compute", 1.0, multiply_adds=700.0),
    ).rates
    assert rates.best("cpu") == 800.0


def test_a_gpu_is_held_against_its_own_rate() -> None:
    assert gpu_row(end_to_end=4.0, compute=2.0).multiply_add_fraction == 0.05


def test_where_no_rate_was_measured_there_is_no_share() -> None:
    row = row_of(CPU, sample(CPU, "setup", 0.5, multiply_adds=9.0), sample(CPU, "end_to_end", 1.0))
    assert (row.multiply_adds, row.multiply_add_fraction) == (9.0, None)


def test_the_rate_of_one_point_serves_all_points_of_a_run() -> None:
    other = replace(KEY, size=31)
    rows = told(
        sample("cpu:multiply_add", "compute", 1.0, multiply_adds=1000.0),
        sample(CPU, "setup", 0.5, multiply_adds=100.0, key=other),
        sample(CPU, "end_to_end", 1.0, key=other),
    ).rows()
    assert next(row.multiply_add_fraction for row in rows if row.key.size == 31) == 0.1


def test_a_method_may_be_called_multiply_add() -> None:
    own = Declared("cpu", "multiply_add", "ours", True, "cpu")
    log = Log(Run("0123abcd", 2, (own,), Rules(), "a machine", ABOUT))
    log.append(sample("cpu:multiply_add", "end_to_end", 0.5))
    assert log.rows()[0].end_to_end_median_s == 0.5


# The bounds.


@pytest.mark.parametrize(
    ("copy_s", "multiply_adds", "bound"),
    [(0.8, 100.0, "bandwidth"), (0.1, 800.0, "arithmetic")],
)
def test_a_row_is_bound_by_the_ceiling_it_comes_nearest_to(
    copy_s: float, multiply_adds: float, bound: str
) -> None:
    assert cpu_row(copy_s, multiply_adds).compute_bound == bound


def test_on_a_cpu_both_bounds_are_one() -> None:
    row = cpu_row(copy_s=0.8, multiply_adds=100.0)
    assert row.end_to_end_bound == row.compute_bound


def test_where_a_ceiling_is_not_known_no_bound_is_named() -> None:
    row = row_of(CPU, sample("copy", "end_to_end", 0.1), sample(CPU, "end_to_end", 1.0))
    assert (row.compute_bound, row.end_to_end_bound) == (None, None)


ALL_OF_A_GPU = {"end_to_end": 4.0, "compute": 1.0, "launch": 0.1, "upload": 0.4, "download": 0.4}


@pytest.mark.parametrize(
    ("times", "compute", "end_to_end"),
    [
        ({}, "bandwidth", "bandwidth"),
        ({"launch": 1.5}, "launch", "launch"),
        ({"upload": 0.7}, "bandwidth", "transfer"),
        ({"upload": 0.7, "launch": 1.5}, "launch", "launch"),
        ({"upload": 2.0, "launch": 1.5}, "launch", "transfer"),
    ],
)
def test_a_gpu_may_be_bound_by_launches_or_transfers(
    times: dict[str, float], compute: str, end_to_end: str
) -> None:
    row = gpu_row(**{**ALL_OF_A_GPU, **times})
    assert (row.compute_bound, row.end_to_end_bound) == (compute, end_to_end)


def test_a_gpu_whose_transfers_are_not_known_has_no_bound_end_to_end() -> None:
    row = gpu_row(end_to_end=4.0, compute=1.0)
    assert (row.compute_bound, row.end_to_end_bound) == ("bandwidth", None)


# The measurement.


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_product_of_matrices_takes_side_cubed_multiply_adds(dtype: str) -> None:
    assert {number for number, _ in time_host(np.dtype(dtype), 1, done=0)} == {512.0**3}


@pytest.mark.parametrize("done", [0, 4, SAMPLES, SAMPLES + 1])
def test_what_was_measured_before_is_not_measured_again(done: int) -> None:
    assert len(time_host(np.dtype("float32"), 1, done)) == max(0, SAMPLES - done)


class Busy:
    """A device that does 1e9 multiply-adds a second."""

    def __init__(self) -> None:
        self.time = 0.0

    def multiply_adds(self, dtype: np.dtype[Any]) -> tuple[Any, float]:
        def queue() -> None:
            self.time += 0.001

        return queue, 1e6

    def synchronize(self) -> None:
        """It works off its queue at once."""

    def hold(self, seconds: float) -> Busy:
        self.time += seconds
        return self

    def let_go(self) -> None:
        """Nothing waits."""

    def lasted(self) -> bool:
        return True

    def record(self) -> float:
        return self.time

    def elapsed_s(self, start: float, stop: float) -> float:
        return stop - start


def test_a_device_is_timed_by_its_events() -> None:
    found = time_device(Busy(), np.dtype("float32"), done=0)  # type: ignore[arg-type]
    rates = [one.loops * number / one.elapsed_s for number, one in found]
    assert rates == pytest.approx([1e9] * SAMPLES)


def test_a_sample_on_a_device_takes_several_milliseconds() -> None:
    found = time_device(Busy(), np.dtype("float32"), done=0)  # type: ignore[arg-type]
    assert all(one.elapsed_s >= 0.0039 for _, one in found)


class Closed(Busy):
    """A device whose library runs no kernel of ours."""

    def multiply_adds(self, dtype: np.dtype[Any]) -> None:  # type: ignore[override]
        return None


def test_a_device_that_runs_no_kernel_of_ours_has_no_such_ceiling() -> None:
    found = time_device(Closed(), np.dtype("float32"), done=0)  # type: ignore[arg-type]
    assert found == []
