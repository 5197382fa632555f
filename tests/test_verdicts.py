"""The sentences that answer, best against best, from logs that are written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from blurbench.analysis.crossing import find_crossovers
from blurbench.analysis.verdicts import verdicts
from blurbench.study.crossover import points_of
from helpers.written import Written

PAIR = ("separable", "fft")
BEST = ("scipy:separable", "numba:separable", "scipy:fft", "scipy:dct")


def said(
    names: Sequence[str],
    milliseconds: dict[int, Sequence[float]],
    asked: Sequence[int] | None = None,
    **more: Any,
) -> str:
    log = Written(*names)
    for size, times in milliseconds.items():
        log.race(size, {name: ms / 1000 for name, ms in zip(names, times, strict=True)}, **more)
    return "\n".join(verdicts(find_crossovers(points_of(log.log), asked)))


def test_fft_pays_from_where_it_overtakes() -> None:
    assert said(PAIR, {3: (1, 2), 27: (4, 2)}) == (
        "FFT pays from about 9 (3 to 27 at 95 %): the best FFT against the best separable blur."
    )


def test_fft_may_pay_in_between_only() -> None:
    assert said(PAIR, {3: (1, 2), 27: (4, 2), 65: (4, 8)}) == (
        "FFT pays from about 9 (3 to 27 at 95 %), up to about 42 (27 to 65 at 95 %): "
        "the best FFT against the best separable blur."
    )


def test_fft_that_pays_nowhere_is_told_with_the_names_of_the_best() -> None:
    times = {3: (4, 1, 9, 8), 101: (5, 1, 9, 8)}
    assert said(BEST, times) == (
        "FFT does not pay up to 101x101: the best FFT (scipy:dct) takes 8x the best separable blur "
        "(numba:separable) at 101."
    )


def test_where_it_does_not_pay_it_may_against_scipys_own_filter() -> None:
    times = {3: (4, 1, 9, 8), 27: (16, 1, 9, 8), 101: (50, 1, 9, 8)}
    assert said(BEST, times).endswith(
        "at 101; against SciPy's own filter it pays from about 9 (3 to 27 at 95 %)."
    )


def test_against_scipys_own_filter_it_may_pay_from_the_first_size_on() -> None:
    times = {3: (20, 1, 9, 8), 101: (50, 1, 9, 8)}
    assert said(BEST, times).endswith("; against SciPy's own filter it pays from 3.")


def test_fft_may_pay_from_the_smallest_size_on() -> None:
    assert said(PAIR, {3: (4, 2), 27: (9, 2)}) == (
        "FFT pays from 3x3 on: the best FFT (fake:fft) takes 0.5x the best separable blur "
        "(fake:separable) at 3."
    )


def test_what_is_not_proven_is_not_said_to_be() -> None:
    assert said(PAIR, {3: (1, 1), 27: (1, 1)}) == (
        "Whether FFT pays is not proven up to 27x27: the best FFT against the best separable blur."
    )


def test_a_range_of_which_little_was_measured_is_said_to_be() -> None:
    text = said(PAIR, {3: (1, 2), 7: (1, 2)}, asked=range(3, 256, 2))
    assert text.startswith("FFT does not pay up to 7x7 (measured at 2 of 127 sizes): ")


@pytest.mark.parametrize("names", [("direct", "fft"), ("direct", "separable")])
def test_without_both_there_is_nothing_to_say(names: tuple[str, str]) -> None:
    assert said(names, {3: (1, 2), 27: (4, 2)}) == ""


def test_the_gpu_pays_from_where_it_overtakes() -> None:
    assert said(("fake:fft", "gpu:fft"), {3: (1, 2), 27: (4, 2)}) == (
        "The GPU pays from about 9 (3 to 27 at 95 %): "
        "the best on the GPU with transfers against the best CPU blur."
    )


def test_the_gpu_may_pay_earlier_with_the_data_already_there() -> None:
    log = Written("fake:fft", "gpu:fft")
    for size, cpu in ((3, 0.001), (27, 0.004)):
        log.race(size, {"fake:fft": cpu, "gpu:fft": 0.008})
        log.race(size, {"gpu:fft": 0.002}, scope="compute")
    there = verdicts(find_crossovers(points_of(log.log)))[-1]
    assert there.startswith("The GPU with the data already there pays from about ")


def test_without_measurements_there_is_nothing_to_say() -> None:
    assert verdicts([]) == []
