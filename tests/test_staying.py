"""Who is left out at a size of a search, from logs that are written by hand."""

from __future__ import annotations

from blurbench.analysis.staying import BEHIND, SETTLED, TOO_DEAR, left_out
from blurbench.study.crossover import points_of
from helpers.written import Written

ALL = ("direct", "separable", "fft")
TIME_S = 6.0  # of a size


def out(log: Written, size: int) -> dict[str, str]:
    """Who is left out at a size, and why."""
    found = left_out(points_of(log.log), size, TIME_S)
    return {name.removeprefix("fake:"): why for name, why in found.items()}


def settled() -> Written:
    """Direct falls ever further behind, and FFT overtakes separable between 15 and 33."""
    log = Written(*ALL)
    for size, ms in ((3, (2, 1, 9)), (7, (9, 2, 9)), (15, (40, 4, 9)), (33, (200, 11, 9))):
        log.race(size, {name: one / 1000 for name, one in zip(ALL, ms, strict=True)})
    return log


def test_before_anything_is_known_everyone_is_measured() -> None:
    assert out(Written(*ALL), 3) == {}


def test_who_falls_ever_further_behind_is_left_out() -> None:
    assert out(settled(), 73) == {"direct": BEHIND}


def test_a_winner_of_pairs_that_are_settled_stays() -> None:
    log = Written("direct", "separable")
    for size, direct in ((3, 0.002), (7, 0.009), (15, 0.04)):
        log.race(size, {"direct": direct, "separable": 0.001})
    assert out(log, 33) == {"direct": BEHIND}


def test_the_best_of_its_methods_stays_where_nothing_is_in_question() -> None:
    names = ("one:separable", "one:fft", "two:separable", "two:fft")
    log = Written(*names)
    for size, ms in ((3, (1, 9, 4, 40)), (15, (8, 9, 4, 41)), (33, (20, 9, 4, 42))):
        log.race(size, {name: one / 1000 for name, one in zip(names, ms, strict=True)})
    # FFT overtakes within the first backend between 15 and 33, and nothing is open at 9.
    assert out(log, 9) == {"two:fft": SETTLED}


def test_who_may_be_the_best_stays_too() -> None:
    names = ("one:separable", "one:fft", "two:separable", "two:fft", "three:fft")
    log = Written(*names)
    for size, ms in ((3, (4, 9, 1, 9.1, 40)), (15, (5, 9, 1, 9.1, 41))):
        log.race(size, {name: one / 1000 for name, one in zip(names, ms, strict=True)})
    assert not {"one:fft", "two:fft", "two:separable"} & out(log, 7).keys()


def test_what_did_not_fit_at_a_smaller_size_is_not_tried_at_larger_ones() -> None:
    log = Written(*ALL).race(15, {"separable": 0.004, "fft": 0.009})
    log.record(15, "direct", "end_to_end", status="over_budget", reason="too dear", predicted_s=1.0)
    assert out(log, 33) == {"direct": TOO_DEAR}
    assert out(log, 7) == {}


def test_what_others_crowded_out_is_tried_again() -> None:
    log = Written(*ALL).race(15, {"separable": 0.004, "fft": 0.009})
    log.record(15, "direct", "end_to_end", status="over_budget", reason="crowded", predicted_s=0.02)
    assert out(log, 33) == {}
