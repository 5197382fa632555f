"""One judge: every surface tells the same name and the same word of the same records."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from blurbench.records.advice import advise
from blurbench.records.findings import Findings
from blurbench.report.answer import code_line, sentence
from blurbench.report.groups import bests_of
from blurbench.report.page.answer import answers
from blurbench.report.page.tables import WINNERS, tables_of
from blurbench.report.point_tables import row_texts
from blurbench.report.sweep import document, size_rows, to_markdown
from helpers.written import Written

SIZES = (3, 7)
NAMES = ("fake:separable", "other:separable", "fake:fft", "fake:deriche")


@dataclass(frozen=True)
class Case:
    """What happens at both sizes, who leads, and in which word."""

    happens: Callable[[Written, int], object]
    leader: str
    claim: str


def races(a: float, b: float, **more: float) -> Callable[[Written, int], object]:
    """The two separable blurs race."""
    return lambda log, size: log.race(size, {NAMES[0]: a, NAMES[1]: b}, **more)


def overtakes(log: Written, size: int) -> None:
    """The second is slow in the pilot alone."""
    for number in range(-2, 17):
        second = 0.02 if number < 1 else 0.008
        times = {NAMES[0]: 0.01, NAMES[1]: second} | ({"control": 0.01} if number > 0 else {})
        for position, (name, seconds) in enumerate(times.items()):
            log.record(
                size,
                name,
                "end_to_end",
                seconds,
                round=number,
                position=position,
                competitors=len(times),
            )


def beside(name: str, seconds: float) -> Callable[[Written, int], object]:
    """A race with a clear winner, and one that was measured once."""

    def happens(log: Written, size: int) -> None:
        races(0.010, 0.012)(log, size)
        log.record(size, name, "end_to_end", seconds, round=1)

    return happens


def predicted(seconds: float) -> Callable[[Written, int], object]:
    """A race with a clear winner, and one that did not fit the budget."""

    def happens(log: Written, size: int) -> None:
        races(0.010, 0.012)(log, size)
        log.record(size, NAMES[2], "end_to_end", status="over_budget", predicted_s=seconds)

    return happens


def approximated(log: Written, size: int) -> None:
    log.race(size, {NAMES[0]: 0.010, NAMES[1]: 0.012, NAMES[3]: 0.002}, control=None)


CASES = {
    "a clear winner": Case(races(0.010, 0.012), NAMES[0], "fastest"),
    "a near tie": Case(races(0.010, 0.0101), NAMES[0], "tied"),
    "about the margin": Case(races(0.010, 0.0103), NAMES[0], "fastest here"),
    "overtaken": Case(overtakes, NAMES[1], "fastest"),
    "a failed control": Case(races(0.010, 0.014, control=1.3), NAMES[0], "likely fastest"),
    "an approximation": Case(approximated, NAMES[0], "fastest"),
    "near, measured once": Case(beside(NAMES[2], 0.02), NAMES[0], "likely fastest"),
    "far, measured once": Case(beside(NAMES[2], 0.2), NAMES[0], "fastest"),
    "near, predicted": Case(predicted(0.02), NAMES[0], "likely fastest"),
    "far, predicted": Case(predicted(0.2), NAMES[0], "fastest"),
}


@pytest.fixture(params=CASES.values(), ids=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    found = request.param
    assert isinstance(found, Case)
    return found


@pytest.fixture
def log(case: Case) -> Written:
    made = Written(*NAMES, study="sweep", sizes=SIZES)
    for size in SIZES:
        case.happens(made, size)
        measured = {
            row.name for row in made.log.rows() if row.end_to_end_median_s or row.predicted_s
        }
        for name in set(NAMES) - measured:
            made.out(size, name, "unsupported")
        made.closes(size)
    return made


def first_point(log: Written) -> Findings:
    return next(iter(log.log.points.values()))


def test_the_race_and_the_lead_name_the_same(case: Case, log: Written) -> None:
    findings = first_point(log)
    race, lead = findings.race(), findings.lead()
    assert race is not None
    assert lead is not None
    assert (race.leader, race.standings[race.leader].verdict) == (case.leader, case.claim)
    assert (lead.first.name, lead.claim) == (case.leader, case.claim)


def test_the_pictures_draw_the_same_as_the_best_of_its_kind(case: Case, log: Written) -> None:
    assert bests_of(first_point(log))["separable"].name == case.leader


def test_the_sentence_begins_with_the_name_and_has_the_word(case: Case, log: Written) -> None:
    text = sentence(first_point(log).rows(), 0.03)
    words = {
        "fastest": "faster than",
        "fastest here": "in this run",
        "tied": "equally fast",
        "likely fastest": "is likely the fastest",
    }
    assert text.startswith(case.leader)
    assert words[case.claim] in text
    assert ("in this run" in text) == (case.claim == "fastest here")


def test_the_call_uses_the_name(case: Case, log: Written) -> None:
    backend, method = case.leader.split(":")
    line = code_line(first_point(log).rows())
    assert line is not None
    assert f'backend="{backend}", method="{method}"' in line


def test_csv_gives_the_word_to_the_name(case: Case, log: Written) -> None:
    rows = list(csv.DictReader(io.StringIO(log.log.summary())))
    assert (rows[0]["implementation"], rows[0]["verdict"]) == (case.leader, case.claim)


def test_json_gives_the_word_to_the_name(case: Case, log: Written) -> None:
    first = document(log.log)["implementations"][0]
    assert (first["implementation"], first["verdict"]) == (case.leader, case.claim)


def test_the_table_of_a_point_gives_the_word_to_the_name(case: Case, log: Written) -> None:
    name, _, _, _, verdict = row_texts(first_point(log).rows()[0])
    assert (name, verdict) == (case.leader, case.claim)


def shown(case: Case) -> str:
    """The name, with a doubt where nothing is proven."""
    return case.leader if case.claim in ("fastest", "fastest here") else f"{case.leader} ?"


def test_the_table_by_size_shows_the_name_and_the_doubt(case: Case, log: Written) -> None:
    assert [line[1] for line in size_rows(log.log.points.values())] == [shown(case)] * 2


def test_markdown_shows_the_name_and_the_doubt(case: Case, log: Written) -> None:
    text = to_markdown(log.log)
    assert all(f"| {size} | {shown(case)} |" in text for size in SIZES)


def test_the_page_shows_the_name_and_whether_it_is_proven(case: Case, log: Written) -> None:
    winners = tables_of([log.log])[WINNERS]
    assert winners.values("fastest") == [case.leader] * 2
    assert winners.values("proven") == [case.claim in ("fastest", "fastest here")] * 2


def test_the_answer_of_the_page_uses_the_name(case: Case, log: Written) -> None:
    (text,) = answers(log.log)
    assert f"use {case.leader}" in text


def test_the_advice_is_the_name_and_counts_what_is_not_proven(case: Case, log: Written) -> None:
    (spell,) = advise(list(log.log.points.values()))
    unproven = () if case.claim in ("fastest", "fastest here") else SIZES
    assert (spell.name, spell.unproven) == (case.leader, unproven)
