"""The summary follows from the records alone: the same live and from a file, in whatever order.

Records are made as a run makes them, and then as only a kill, a resume or a failure can.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blurbench.measure.judge import Rules
from blurbench.measure.stats import Estimate
from blurbench.records.declared import Declared
from blurbench.records.findings import Findings
from blurbench.records.journal import Journal, Log, Run, load
from blurbench.records.record import Record
from blurbench.records.summary import Key, Row
from helpers.made_runs import ABOUT

KEY = Key("", "photo.png", 48, 64, 3, 15, 2.6, "reflect", 0.0, "float32", 2, "hot")
STATUSES = (
    "ok",
    "unavailable",
    "unsupported",
    "over_budget",
    "out_of_memory",
    "implausible",
    "wrong",
    "failed",
    "timed_out",
    "device_lost",
    "interrupted",
)
NAMES = ["cpu:one", "cpu:two", "gpu:three"]
DECLARED = (
    Declared("cpu", "one", "ours", True, "cpu"),
    Declared("cpu", "two", "library", True, "cpu", own_kernel=True),
    Declared("gpu", "three", "ours", False, "gpu"),
)
RULES = Rules(pilot=3, alpha=0.4)


def run(**more: Any) -> Run:
    return replace(Run("0123abcd", 2, DECLARED, RULES, "a machine", ABOUT), **more)


def of(name: str, scope: str | None, elapsed_s: float | None = None, **more: Any) -> Record:
    """A record of a cell."""
    key = replace(KEY, implementation=name, size=more.pop("size", KEY.size))
    return Record(more.pop("key", key), scope, elapsed_s, **more)


def raced(number: int, scope: str = "end_to_end", **times: float) -> list[Record]:
    """A round, `cpu_one=0.5` for `cpu:one`."""
    return [
        of(
            name.replace("_", ":"),
            scope,
            elapsed_s,
            round=number,
            position=position,
            competitors=len(times),
        )
        for position, (name, elapsed_s) in enumerate(times.items())
    ]


def a_race(first: float = 0.25, second: float = 0.5, rounds: int = 4) -> list[Record]:
    """A pilot and so many rounds, with a control of the first."""
    records = []
    for number in (-2, -1, 0):
        records += raced(number, cpu_one=first, cpu_two=second)
    for number in range(1, rounds + 1):
        wobble = 1 + number / 1000
        records += raced(number, cpu_one=first * wobble, cpu_two=second, control=first)
    return records


def told(records: Sequence[Record]) -> Log:
    log = Log(run())
    for record in records:
        log.append(record)
    return log


def rows(records: Sequence[Record]) -> dict[str, Row]:
    return {row.name: row for row in told(records).rows()}


def from_file(records: Sequence[Record], torn: bytes = b"") -> tuple[str, Log]:
    """The summary that the run wrote, and the run as its folder tells it."""
    with tempfile.TemporaryDirectory() as place:
        journal = Journal.create(Path(place) / "run", run())
        for record in records:
            journal.append(record)
        journal.finish()
        samples = Path(place) / "run" / "samples.csv"
        samples.write_bytes(samples.read_bytes() + torn)
        summary = (Path(place) / "run" / "summary.csv").read_bytes().decode()
        return summary, load(Path(place) / "run")


# Any records at all.

SECONDS = st.floats(1e-9, 1e3, allow_nan=False)
SCOPES = [
    *("end_to_end", "compute", "upload", "download", "launch", "setup", "first_call"),
    "compilation",
]
TEXT = st.one_of(st.none(), st.text(st.characters(codec="utf-8"), min_size=1, max_size=20))


@st.composite
def any_record(draw: st.DrawFn) -> Record:
    others = ["control", "copy", "gpu:copy", "yardstick", "cpu:multiply_add", "gpu:multiply_add"]
    name = draw(st.sampled_from([*NAMES, *others]))
    scope = draw(st.sampled_from([*SCOPES, None]))
    is_sample = scope is not None and draw(st.booleans())
    return of(
        name,
        scope,
        draw(SECONDS) if is_sample else None,
        size=draw(st.sampled_from([3, 15])),
        attempt=draw(st.integers(1, 3)),
        process=draw(st.integers(1, 2)),
        round=draw(st.integers(-3, 4)),
        position=draw(st.integers(0, 3)),
        competitors=draw(st.integers(0, 3)) if is_sample else 0,
        inner_loops=draw(st.integers(1, 3)),
        status="ok" if is_sample else draw(st.sampled_from(STATUSES)),
        reason=draw(TEXT),
        started_at=draw(st.floats(0, 4e9)),
        predicted_s=draw(st.one_of(st.none(), SECONDS)),
        max_abs_error=draw(st.one_of(st.none(), st.floats(0, 1e3), st.just(float("nan")))),
        multiply_adds=draw(st.one_of(st.none(), st.floats(1, 1e12))),
        peak_device_bytes=draw(st.one_of(st.none(), st.integers(0, 2**40))),
        throttled=draw(st.one_of(st.none(), st.booleans())),
        stalled=draw(st.one_of(st.none(), st.booleans())),
    )


@settings(max_examples=80)
@given(st.lists(any_record(), max_size=40))
def test_the_summary_is_the_same_live_and_from_the_file(records: list[Record]) -> None:
    live = told(records).summary()
    written, again = from_file(records)
    assert live == written == again.summary()


@st.composite
def rounds_of_a_run(draw: st.DrawFn) -> list[Record]:
    """Whole and torn rounds, of several attempts and processes, with failures between them."""
    records: list[Record] = []
    for process in (1, 2):
        for number in range(-2, draw(st.integers(-2, 6))):
            names = ["cpu_one", "cpu_two", *(["control"] if number > 0 else [])]
            one_round = raced(number, **{name: draw(SECONDS) for name in names})
            kept = draw(st.sampled_from([len(one_round)] * 4 + [1, 2]))
            records += [replace(one, process=process) for one in one_round[:kept]]
            if draw(st.integers(0, 9)) == 0:
                name = draw(st.sampled_from(NAMES[:2]))
                status = draw(st.sampled_from(["failed", "implausible", "wrong"]))
                records.append(of(name, "end_to_end", status=status, process=process))
        records += [of(name, None, process=process) for name in NAMES]
    return records


@settings(max_examples=80)
@given(rounds_of_a_run())
def test_races_are_judged_the_same_live_and_from_the_file(records: list[Record]) -> None:
    live = told(records)
    written, again = from_file(records)
    assert live.summary() == written == again.summary()
    for point, findings in live.points.items():
        # As text, for what was not measured is NaN, which from Python 3.13 on makes results differ.
        assert repr(again.points[point].race()) == repr(findings.race())
        assert again.points[point].measured_s == findings.measured_s


@settings(max_examples=50)
@given(rounds_of_a_run(), st.binary(max_size=30).filter(lambda tail: b"\n" not in tail))
def test_a_torn_line_changes_no_summary(records: list[Record], torn: bytes) -> None:
    written, again = from_file(records, torn)
    assert again.summary() == written


@settings(max_examples=50)
@given(st.permutations(a_race(rounds=4)))
def test_within_a_race_the_order_of_the_lines_changes_no_verdict(records: list[Record]) -> None:
    expected, found = rows(a_race(rounds=4)), rows(records)
    assert {name: row.verdict for name, row in found.items()} == {
        name: row.verdict for name, row in expected.items()
    }
    assert {name: row.rounds for name, row in found.items()} == {
        name: row.rounds for name, row in expected.items()
    }


# What a race says.


def test_a_race_ranks_its_rows() -> None:
    found = rows(a_race())
    assert (found["cpu:one"].verdict, found["cpu:one"].rounds) == ("fastest", 4)
    assert found["cpu:two"].ratio_to_fastest == pytest.approx(2.0, rel=0.01)


def test_the_pilot_enters_no_figure() -> None:
    slow_pilot = [replace(one, elapsed_s=100 * one.elapsed_s) for one in a_race(rounds=0)]
    found = rows([*slow_pilot, *a_race()[len(slow_pilot) :]])
    assert found["cpu:one"].end_to_end_median_s == rows(a_race())["cpu:one"].end_to_end_median_s


@pytest.mark.parametrize("kept", [1, 2])
def test_a_torn_round_enters_no_ratio(kept: int) -> None:
    torn = raced(5, cpu_one=99.0, cpu_two=1.0, control=99.0)[:kept]
    assert rows([*a_race(), *torn]) == rows(a_race())


def test_a_torn_round_between_whole_ones_enters_no_ratio() -> None:
    records = a_race()
    torn = raced(5, cpu_one=99.0, cpu_two=1.0, control=99.0)[:2]
    later = raced(6, cpu_one=0.25, cpu_two=0.5, control=0.25)
    assert rows([*records, *torn, *later]) == rows([*records, *later])


@pytest.mark.parametrize("status", ["failed", "implausible"])
def test_a_race_whose_reference_leaves_it_is_void(status: str) -> None:
    found = rows([*a_race(), of("cpu:one", "end_to_end", status=status, reason="why")])
    assert (found["cpu:one"].status, found["cpu:one"].reason) == (status, "why")
    assert (found["cpu:two"].rounds, found["cpu:two"].verdict) == (0, None)


def test_a_race_that_begins_anew_after_that_is_judged_by_itself() -> None:
    again = []
    for number in (-2, -1, 0):
        again += raced(number, cpu_two=0.75)
    for number in (1, 2, 3):
        again += raced(number, cpu_two=0.75, control=0.75)
    found = rows([*a_race(), of("cpu:one", "end_to_end", status="failed"), *again])
    assert (found["cpu:two"].verdict, found["cpu:two"].rounds) == ("fastest", 3)
    assert found["cpu:two"].end_to_end_median_s == 0.75


def test_a_race_goes_on_without_one_that_was_not_its_reference() -> None:
    found = rows([*a_race(), of("cpu:two", "end_to_end", status="failed", reason="worn out")])
    assert (found["cpu:one"].verdict, found["cpu:one"].rounds) == ("fastest", 4)
    assert (found["cpu:two"].status, found["cpu:two"].verdict) == ("failed", None)


def test_a_wrong_one_that_is_measured_once_has_its_time_and_no_verdict() -> None:
    found = rows(
        [
            of("cpu:one", "first_call", 0.5, max_abs_error=3.0),
            of("cpu:one", "first_call", status="wrong", reason="its error"),
            of("cpu:one", "end_to_end", 0.25, round=1),
            of("cpu:one", None, status="wrong", reason="its error"),
        ]
    )["cpu:one"]
    assert (found.status, found.reason, found.verdict) == ("wrong", "its error", None)
    assert (found.end_to_end_median_s, found.max_abs_error) == (0.25, 3.0)


def test_where_the_first_two_share_no_round_their_medians_tell_who_leads() -> None:
    log = told(
        [
            *raced(0, cpu_one=0.25, gpu_three=0.5),
            *raced(1, cpu_one=0.25, gpu_three=0.5),
            of("cpu:two", "end_to_end", 0.5, round=1),
        ]
    )
    (findings,) = log.points.values()
    lead = findings.lead()
    assert lead is not None
    assert lead.second is not None
    assert (lead.first.name, lead.second.name) == ("cpu:one", "cpu:two")
    assert (lead.ratio, lead.proven) == (Estimate(2.0, None, None), False)


def test_the_line_that_closes_a_cell_changes_no_reason() -> None:
    found = rows(
        [
            of("cpu:one", "end_to_end", status="over_budget", reason="first", predicted_s=2.0),
            of("cpu:one", None, status="over_budget", reason="another"),
        ]
    )["cpu:one"]
    assert (found.reason, found.predicted_s) == ("first", 2.0)


def test_what_has_no_time_was_interrupted() -> None:
    assert rows([of("cpu:one", "setup", 0.5)])["cpu:one"].status == "interrupted"


def test_rounds_of_processes_are_joined() -> None:
    second = [replace(one, process=2) for one in a_race() if one.round > 0]
    found = rows([*a_race(), *second])
    assert (found["cpu:one"].rounds, found["cpu:one"].processes) == (8, 2)
    assert found["cpu:one"].process_spread == 0.0


def test_processes_that_differ_tell_by_how_much() -> None:
    second = [
        replace(one, process=2, elapsed_s=1.5 * one.elapsed_s)
        for one in a_race()
        if one.round > 0 and one.elapsed_s
    ]
    assert rows([*a_race(), *second])["cpu:two"].process_spread == pytest.approx(0.5)


def test_a_point_that_nothing_is_known_of_is_in_no_summary() -> None:
    """Asking about a point must not make rows that the file does not have."""
    log = told(a_race())
    before = log.summary()
    log.at(replace(KEY, size=99, implementation="", threads=0))
    assert log.summary() == before


def test_the_copy_by_the_faster_threads_is_the_yardstick() -> None:
    copies = [
        of("copy", "end_to_end", elapsed_s, round=number, key=replace(key, implementation="copy"))
        for key, times in [(replace(KEY, threads=1), (3.0, 2.0, 9.0)), (KEY, (5.0, 5.0, 1.0))]
        for number, elapsed_s in enumerate(times, 1)
    ]
    copy = next(iter(told(copies).points.values())).copies.speed()
    assert copy is not None
    assert (copy.median_s, copy.best_s) == (3.0, 2.0)


def findings(records: Sequence[Record]) -> Findings:
    (found,) = told(records).points.values()
    return found


def test_a_point_is_closed_when_the_last_word_on_every_cell_is_said() -> None:
    records = [of(name, None) for name in NAMES]
    assert findings(records).closed(1)
    assert not findings(records[:2]).closed(1)
    assert not findings(records).closed(2)


def test_what_cannot_run_is_closed_for_every_process_at_once() -> None:
    cannot = of("gpu:three", None, status="unavailable", reason="no driver")
    records = [of(name, None, process=process) for name in NAMES[:2] for process in (1, 2)]
    assert findings([*records, cannot]).closed(2)


def test_measured_seconds_count_what_is_void_and_what_is_torn() -> None:
    records = [*a_race(), of("cpu:one", "end_to_end", status="failed")]
    expected_s = sum(one.elapsed_s or 0.0 for one in records)
    assert findings(records).measured_s == {1: pytest.approx(expected_s)}


def test_a_method_may_be_called_copy() -> None:
    own = Declared("cpu", "copy", "ours", True, "cpu")
    log = Log(run(declared=(own,)))
    log.append(of("cpu:copy", "end_to_end", 0.5, round=1))
    assert log.rows()[0].end_to_end_median_s == 0.5
