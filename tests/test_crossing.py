"""Crossovers from logs that are written by hand; nothing is measured here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blurbench.analysis.crossing import find_crossovers
from blurbench.measure.judge import Rules
from blurbench.study.crossover import crossover_rules
from helpers.orderings import brackets
from helpers.written import Written

METHODS = ("direct", "separable", "fft")

# From logs.


def test_no_points_have_no_crossovers() -> None:
    assert find_crossovers([]) == []


def written_three() -> Written:
    """Direct is fastest at 3, separable at 7, FFT from 15 on."""
    return (
        Written(*METHODS)
        .race(3, {"direct": 0.001, "separable": 0.002, "fft": 0.009})
        .race(7, {"direct": 0.005, "separable": 0.003, "fft": 0.009})
        .race(15, {"direct": 0.02, "separable": 0.010, "fft": 0.009})
    )


def test_each_pair_has_its_own_bracket() -> None:
    found = {key[:2]: brackets(one.ordering) for key, one in written_three().crossovers().items()}
    assert found == {
        ("direct", "separable"): [("second", 3, 7)],
        ("direct", "fft"): [("second", 7, 15)],
        ("separable", "fft"): [("second", 7, 15)],
    }


def test_the_order_of_the_records_does_not_matter() -> None:
    log = Written("direct", "fft")
    log.race(15, {"direct": 0.02, "fft": 0.009}).race(3, {"direct": 0.001, "fft": 0.009})
    assert brackets(log.only().ordering) == [("second", 3, 15)]


def test_a_ratio_is_the_time_of_the_second_over_that_of_the_first() -> None:
    log = Written("direct", "fft").race(3, {"direct": 0.001, "fft": 0.009})
    assert log.only().ordering.ratios[3].value == pytest.approx(9.0, rel=0.01)


@pytest.mark.parametrize("status", ["wrong", "implausible", "failed", "over_budget", "unsupported"])
def test_who_is_out_of_the_running_claims_nothing_at_that_size(status: str) -> None:
    log = written_three().race(33, {"direct": 0.09, "separable": 0.008, "fft": 0.009})
    log.out(33, "fft", status)
    assert {key[:2]: one.sizes for key, one in log.crossovers().items()} == {
        ("direct", "separable"): [3, 7, 15, 33],
        ("direct", "fft"): [3, 7, 15],
        ("separable", "fft"): [3, 7, 15],
    }


def test_who_was_left_out_at_larger_sizes_is_not_spoken_of_there() -> None:
    log = written_three().out(33, "direct", "over_budget").out(73, "direct", "over_budget")
    for size in (33, 73):
        log.race(size, {"separable": 0.02, "fft": 0.009})
    found = log.crossovers()["direct", "separable", "end_to_end"]
    assert found.sizes == [3, 7, 15]
    assert "33" not in found.sentence
    assert "73" not in found.sentence


def test_a_size_at_which_everything_failed_is_not_among_the_measured() -> None:
    log = written_three()
    for name in METHODS:
        log.out(33, name, "failed")
    assert {tuple(one.sizes) for one in log.crossovers().values()} == {(3, 7, 15)}


def test_where_everything_failed_at_every_size_there_is_no_crossover() -> None:
    log = Written(*METHODS)
    for size in (3, 7):
        for name in METHODS:
            log.out(size, name, "failed")
    assert log.crossovers() == {}


def test_what_was_measured_once_and_not_in_a_race_is_not_compared() -> None:
    log = Written("direct", "fft").race(3, {"direct": 0.001, "fft": 0.009})
    log.race(7, {"fft": 0.009}).record(7, "direct", "end_to_end", 0.9, round=1)
    assert log.only().sizes == [3]


def test_who_left_after_the_pilot_is_not_compared() -> None:
    log = Written("direct", "fft").race(3, {"direct": 0.001, "fft": 0.009})
    log.race(7, {"direct": 0.9, "fft": 0.009}, rounds=0)
    for number in range(1, 17):
        log.record(7, "fft", "end_to_end", 0.009, round=number, competitors=1)
    assert log.only().sizes == [3]


def test_too_few_rounds_prove_nothing() -> None:
    log = Written("direct", "fft").race(3, {"direct": 0.001, "fft": 0.009}, rounds=4)
    assert log.only().ordering.always_faster == "undecided"


def test_a_failed_control_proves_nothing_at_its_size_alone() -> None:
    log = (
        Written("direct", "fft")
        .race(3, {"direct": 0.001, "fft": 0.009})
        .race(7, {"direct": 0.018, "fft": 0.009}, control=1.3)
        .race(15, {"direct": 0.09, "fft": 0.009})
    )
    assert log.only().ordering.outcomes == {3: "first", 7: "undecided", 15: "second"}
    assert brackets(log.only().ordering) == [("second", 3, 15)]


def test_a_race_without_a_control_counts() -> None:
    log = Written("direct", "fft").race(3, {"direct": 0.001, "fft": 0.009}, control=None)
    assert log.only().ordering.always_faster == "first"


def test_the_error_rate_is_split_over_the_sizes_measured() -> None:
    seconds = {"direct": 0.001, "fft": 0.009}
    few, many = Written("direct", "fft"), Written("direct", "fft")
    few.race(3, seconds, rounds=6)
    for size in range(3, 43, 2):
        many.race(size, seconds, rounds=6)
    assert few.only().ordering.outcomes[3] == "first"
    assert set(many.only().ordering.outcomes.values()) == {"undecided"}


def test_a_search_splits_the_error_rate_over_all_that_it_may_measure() -> None:
    seconds = {"direct": 0.001, "fft": 0.009}
    log = Written("direct", "fft", rules=crossover_rules(Rules()))
    assert log.race(3, seconds, rounds=6).only().ordering.outcomes[3] == "undecided"
    assert log.race(5, seconds, rounds=16).only().ordering.outcomes[5] == "first"


def test_the_first_look_of_a_search_bears_an_outlier() -> None:
    seconds = {"direct": 0.001, "fft": 0.009}
    log = Written("direct", "fft", rules=crossover_rules(Rules()))
    log.race(3, seconds, rounds=15)
    for position, name in enumerate(("direct", "fft", "control")):
        outlier = {"direct": 1.0}.get(name, 0.01)
        log.record(
            3, name, "end_to_end", outlier, round=16, position=position, competitors=3, process=1
        )
    assert log.only().ordering.outcomes[3] == "first"


def test_one_sigma_at_all_sizes_makes_one_crossover() -> None:
    log = Written("direct", "fft", sigma=2.0)
    log.race(3, {"direct": 0.001, "fft": 0.009}).race(15, {"direct": 0.02, "fft": 0.009})
    assert brackets(log.only().ordering) == [("second", 3, 15)]


def test_rounds_of_several_processes_count_together() -> None:
    log = Written("direct", "fft", rules=crossover_rules(Rules()))
    for process in (1, 2):
        log.race(3, {"direct": 0.001, "fft": 0.009}, rounds=8, process=process)
    assert log.only().ordering.always_faster == "first"


# When set-up and first call are paid for.


def paying(first: tuple[float, float], second: tuple[float, float]) -> tuple[int, int] | None:
    """With set-up and first call of each; a call takes 2 ms and 1 ms."""
    log = Written("direct", "fft").race(3, {"direct": 0.002, "fft": 0.001}, spread=0.0)
    log.begins(3, "direct", *first).begins(3, "fft", *second)
    return log.only().pays_off


def test_a_dearer_set_up_is_paid_for_by_as_many_images_as_it_takes() -> None:
    assert paying((0.0, 0.002), (0.0995, 0.001)) == (3, 100)


def test_a_dearer_first_call_is_paid_for_by_as_many_images_as_it_takes() -> None:
    assert paying((0.0, 0.002), (0.0, 0.0505)) == (3, 50)


def test_a_dear_beginning_of_the_first_pays_for_that_of_the_second() -> None:
    assert paying((0.0500, 0.002), (0.0995, 0.001)) == (3, 50)


def test_a_cheaper_set_up_is_paid_for_by_the_first_image() -> None:
    assert paying((0.5, 0.002), (0.0, 0.001)) == (3, 1)


@given(*(st.integers(0, 50) for _ in range(4)))
def test_after_so_many_images_the_second_has_taken_no_longer(
    setup1: int, call1: int, setup2: int, call2: int
) -> None:
    begin = [
        (setup * 1e-3, call * 1e-3 + 1e-5) for setup, call in ((setup1, call1), (setup2, call2))
    ]
    found = paying(*begin)
    assert found is not None

    def total(which: int, images: int) -> float:
        return sum(begin[which]) + (images - 1) * (0.002, 0.001)[which]

    images = found[1]
    assert total(1, images) <= total(0, images) + 1e-9
    assert images == 1 or total(1, images - 1) > total(0, images - 1) - 1e-9


def test_nothing_is_paid_for_where_the_second_is_faster_nowhere() -> None:
    log = Written("direct", "fft").race(3, {"direct": 0.001, "fft": 0.002})
    log.begins(3, "direct", 0.1, 0.1).begins(3, "fft", 0.0, 0.0)
    assert log.only().pays_off is None


def test_what_is_paid_for_is_told_of_the_smallest_size_where_the_second_is_faster() -> None:
    log = Written("direct", "fft")
    for size, seconds in ((3, 0.001), (7, 0.003), (15, 0.009)):
        log.race(size, {"direct": seconds, "fft": 0.002}, spread=0.0)
        log.begins(size, "direct", 0.0, seconds).begins(size, "fft", 0.0095, 0.002)
    assert log.only().pays_off == (7, 10)


# Across devices.

NEAR, FAR = ("fake:separable", "fake:fft"), ("gpu:separable", "gpu:fft")


def written_across(**more: Any) -> Written:
    """The CPU's separable and FFT against those of a GPU whose transfers take 3 ms."""
    log = Written(*NEAR, *FAR, **more)
    for size, cpu, gpu in ((3, (1, 9), (0.5, 2)), (7, (4, 8), (1, 2)), (15, (9, 7), (3, 2))):
        ms = dict(zip((*NEAR, *FAR), (*cpu, *(one + 3 for one in gpu)), strict=True))
        log.race(size, {name: one / 1000 for name, one in ms.items()})
        log.race(size, {n: one / 1000 for n, one in zip(FAR, gpu, strict=True)}, scope="compute")
    return log


def test_the_fastest_of_the_cpu_is_held_against_the_fastest_of_the_gpu() -> None:
    found = written_across().crossovers()
    assert {key for key in found if key[0] == "cpu:fastest"} == {
        ("cpu:fastest", "gpu:fastest", "compute"),
        ("cpu:fastest", "gpu:fastest", "end_to_end"),
    }


def test_end_to_end_the_transfers_count() -> None:
    found = written_across().crossovers()["cpu:fastest", "gpu:fastest", "end_to_end"]
    values = {size: one.value for size, one in found.ordering.ratios.items()}
    assert values == pytest.approx({3: 3.5, 7: 1.0, 15: 5 / 7}, rel=0.02)


def test_on_the_device_they_do_not() -> None:
    found = written_across().crossovers()["cpu:fastest", "gpu:fastest", "compute"]
    values = {size: one.value for size, one in found.ordering.ratios.items()}
    assert values == pytest.approx({3: 0.5, 7: 0.25, 15: 2 / 7}, rel=0.02)
    assert found.ordering.always_faster == "second"


@pytest.mark.parametrize("scope", ["compute", "end_to_end"])
def test_a_failed_control_proves_nothing_across_devices(scope: str) -> None:
    log = Written("fake:fft", "gpu:fft")
    log.race(3, {"fake:fft": 0.009, "gpu:fft": 0.002}, control=1.5)
    log.race(3, {"gpu:fft": 0.001}, control=1.5, scope="compute")
    found = log.crossovers()["cpu:fastest", "gpu:fastest", scope]
    assert found.ordering.outcomes == {3: "undecided"}


@pytest.mark.parametrize("scope", ["compute", "end_to_end"])
@pytest.mark.parametrize("name", ["fake:fft", "gpu:fft"])
def test_across_devices_a_size_needs_both(scope: str, name: str) -> None:
    log = Written("fake:fft", "gpu:fft")
    for size in (3, 7):
        log.race(size, {"fake:fft": 0.009, "gpu:fft": 0.002})
        log.race(size, {"gpu:fft": 0.001}, scope="compute")
    log.out(7, name, "failed")
    assert log.crossovers()["cpu:fastest", "gpu:fastest", scope].sizes == [3]


def test_a_gpu_that_cannot_run_is_no_device_to_compare_with() -> None:
    log = Written("fake:separable", "fake:fft", "gpu:fft")
    log.race(3, {"separable": 0.001, "fft": 0.009}).record(
        3, "gpu:fft", None, status="unavailable", reason="no driver"
    )
    assert set(log.crossovers()) == {("separable", "fft", "end_to_end")}


def test_the_set_up_of_a_gpu_is_paid_for_after_so_many_images() -> None:
    log = Written("fake:fft", "gpu:fft").race(3, {"fake:fft": 0.009, "gpu:fft": 0.004}, spread=0.0)
    log.race(3, {"gpu:fft": 0.001}, scope="compute", spread=0.0)
    log.begins(3, "fake:fft", 0.0, 0.009).begins(3, "gpu:fft", 0.9, 0.102)
    found = log.crossovers()
    assert found["cpu:fastest", "gpu:fastest", "end_to_end"].pays_off == (3, 200)
    assert found["cpu:fastest", "gpu:fastest", "compute"].pays_off == (3, 126)


# Approximations, and the fastest FFT against the fastest of them.


def written_recursive(tolerance: float | None, error: float = 1e-3) -> Written:
    """FFT of two backends, and a filter of a third that overtakes both between 3 and 15."""
    log = Written("one:fft", "two:fft", "three:deriche", rules=Rules(tolerance=tolerance))
    for size, times in ((3, (2, 3, 4)), (15, (4, 3, 2))):
        seconds = dict(zip(log.names, (one / 1000 for one in times), strict=True))
        log.record(size, "three:deriche", "first_call", 0.01, max_relative_error=error)
        log.race(size, seconds)
    return log


def test_the_fastest_fft_is_held_against_the_fastest_recursive_filter() -> None:
    found = written_recursive(tolerance=1e-2).only()
    assert found.sentence.startswith("recursive:fastest overtakes fft:fastest between 3 and 15")
    values = {size: one.value for size, one in found.ordering.ratios.items()}
    assert values == pytest.approx({3: 2.0, 15: 2 / 3}, rel=0.02)


@pytest.mark.parametrize("tolerance", [1e-9, None])
def test_what_is_further_off_than_the_tolerance_overtakes_nobody(tolerance: float | None) -> None:
    assert written_recursive(tolerance).crossovers() == {}
    log = Written("fft", "deriche", rules=Rules(tolerance=tolerance))
    for size, seconds in ((3, 0.009), (7, 0.001)):
        log.record(size, "deriche", "first_call", 0.01, max_relative_error=1e-3)
        log.race(size, {"fft": 0.003, "deriche": seconds})
    assert log.crossovers() == {}


def test_an_approximation_competes_at_the_sizes_where_it_is_near_enough() -> None:
    log = Written("fft", "deriche", rules=Rules(tolerance=1e-2))
    for size, error in ((3, 1e-1), (7, 1e-3)):
        log.record(size, "deriche", "first_call", 0.01, max_relative_error=error)
        log.race(size, {"fft": 0.003, "deriche": 0.001})
    assert log.only().sizes == [7]


@pytest.mark.parametrize(("error", "ratio"), [(1e-3, 4.0), (1e-1, 2.0)])
def test_the_fastest_of_the_cpu_may_be_an_approximation_if_near_enough(
    error: float, ratio: float
) -> None:
    log = Written("fake:fft", "fake:deriche", "gpu:fft", rules=Rules(tolerance=1e-2))
    log.record(3, "fake:deriche", "first_call", 0.01, max_relative_error=error)
    seconds = {"fake:fft": 0.002, "fake:deriche": 0.001, "gpu:fft": 0.004}
    log.race(3, seconds, control=None)
    found = log.crossovers()["cpu:fastest", "gpu:fastest", "end_to_end"]
    assert found.ordering.ratios[3].value == pytest.approx(ratio, rel=0.01)


# What is said of them.


def test_the_sentence_names_who_overtakes_whom_where() -> None:
    found = written_three().crossovers()["direct", "fft", "end_to_end"]
    assert found.sentence == (
        "fake:fft overtakes fake:direct between 7 and 15 (about 10) "
        "(32x24, end to end; 3 sizes measured from 3 to 15)."
    )


def test_the_sentence_names_every_change() -> None:
    log = Written("direct", "fft")
    for size, seconds in ((3, 0.001), (7, 0.02), (15, 0.001), (33, 0.02)):
        log.race(size, {"direct": seconds, "fft": 0.009})
    assert log.only().sentence.startswith(
        "fake:fft overtakes fake:direct between 3 and 7 (about 6), "
        "fake:direct overtakes fake:fft between 7 and 15 (about 9), "
        "fake:fft overtakes fake:direct between 15 and 33 (about 27) ("
    )


@pytest.mark.parametrize(
    ("direct", "winner", "loser"), [(1, "direct", "fft"), (90, "fft", "direct")]
)
def test_the_sentence_says_who_is_faster_throughout(direct: int, winner: str, loser: str) -> None:
    log = Written("direct", "fft")
    for size in (3, 7):
        log.race(size, {"direct": direct / 1000, "fft": 0.009})
    assert log.only().sentence.startswith(
        f"fake:{winner} is faster than fake:{loser} from 3 to 7 ("
    )


def test_the_sentence_speaks_of_one_size_as_one() -> None:
    sentence = Written("direct", "fft").race(3, {"direct": 0.001, "fft": 0.009}).only().sentence
    assert "sizes" not in sentence
    assert "from 3 to 3" not in sentence


def test_the_sentence_says_that_nothing_is_proven() -> None:
    log = Written("direct", "fft").race(3, {"direct": 0.009, "fft": 0.009})
    assert "nothing is proven" in log.only().sentence


def test_the_sentence_does_not_claim_the_sizes_where_nothing_is_proven() -> None:
    log = Written("direct", "fft").race(3, {"direct": 0.001, "fft": 0.009})
    log.race(7, {"direct": 0.009, "fft": 0.009}).race(15, {"direct": 0.009, "fft": 0.009})
    log.race(33, {"direct": 0.001, "fft": 0.009})
    sentence = log.only().sentence
    assert "fake:direct" in sentence
    assert "is faster than fake:fft from 3 to 33 (" not in sentence


def test_the_entry_of_a_crossover_has_what_was_promised() -> None:
    log = written_three()
    entry = log.crossovers()["direct", "fft", "end_to_end"].as_dict()
    expected = {
        "first": "fake:direct",
        "second": "fake:fft",
        "scope": "end_to_end",
        "height": 24,
        "width": 32,
        "channels": 3,
        "dtype": "float32",
        "border": "mirror",
        "threads": 2,
        "changes": [
            {
                "faster_before": "first",
                "faster_after": "second",
                "last_size_before": 7,
                "first_size_after": 15,
            }
        ],
        "always_faster": None,
        "sizes_measured": [3, 7, 15],
        "sentence": log.crossovers()["direct", "fft", "end_to_end"].sentence,
    }
    assert {name: entry[name] for name in expected} == expected


def test_the_entry_of_one_without_changes_says_who_is_always_faster() -> None:
    entry = Written("direct", "fft").race(3, {"direct": 0.009, "fft": 0.001}).only().as_dict()
    assert (entry["changes"], entry["always_faster"]) == ([], "second")


def test_the_entry_of_one_without_proof_is_undecided() -> None:
    entry = Written("direct", "fft").race(3, {"direct": 0.009, "fft": 0.009}).only().as_dict()
    assert (entry["changes"], entry["always_faster"]) == ([], "undecided")


def test_the_entry_holds_the_ratio_at_every_size() -> None:
    ratios = written_three().crossovers()["direct", "fft", "end_to_end"].as_dict()["ratios"]
    assert [(one["size"], one["faster"]) for one in ratios] == [
        (3, "first"),
        (7, "first"),
        (15, "second"),
    ]
    assert all(one["ratio_ci95_low"] <= one["ratio"] <= one["ratio_ci95_high"] for one in ratios)


def test_a_wider_margin_proves_less() -> None:
    log = Written("direct", "fft", rules=replace(Rules(), same=0.5))
    log.race(3, {"direct": 0.0010, "fft": 0.0014}).race(7, {"direct": 0.001, "fft": 0.002})
    assert log.only().ordering.outcomes == {3: "undecided", 7: "first"}
