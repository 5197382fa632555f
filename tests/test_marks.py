"""Software that stands in for a GPU: marked wherever it is shown, and ranked beside nothing."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from blurbench.analysis.claims import held_against
from blurbench.analysis.crossing import find_crossovers
from blurbench.analysis.verdicts import verdicts
from blurbench.records.declared import Declared
from blurbench.records.journal import Log
from blurbench.records.kinds import marked
from blurbench.report.crossover import crossover_markdown, show_crossovers
from blurbench.report.show import show_log, show_runs
from blurbench.report.sweep import to_markdown
from blurbench.study.crossover import document, points_of
from helpers.made_runs import SIZES, run_of, usual

CPU = ("numpy:separable", "numpy:fft")
SOFTWARE = ("wgpu:separable", "wgpu:fft")
MARKED = tuple(f"{name} (software)" for name in SOFTWARE)


def on_software(one: Declared) -> Declared:
    return replace(one, kind="software" if one.backend == "wgpu" else "cpu")


def quick(name: str, size: int, extent: tuple[int, int]) -> float:
    """Seconds: software takes a tenth of what the CPU takes."""
    return usual(name, size, extent) / (10 if name in SOFTWARE else 1)


def run(names: Sequence[str] = (*CPU, *SOFTWARE), sizes: Sequence[int] = SIZES) -> Log:
    return run_of(names, sizes, times=quick, declare=on_software)


def shown(log: Log) -> str:
    stream = StringIO()
    show_log(Console(file=stream, width=1000), log)
    return stream.getvalue()


def test_only_what_is_software_is_marked() -> None:
    assert [marked("a:b", kind) for kind in ("cpu", "gpu", "software")] == [
        *("a:b", "a:b"),
        "a:b (software)",
    ]


# It neither wins nor loses.


def test_beside_a_cpu_it_neither_leads_nor_is_the_reference() -> None:
    (point,) = run(sizes=(15,)).points.values()
    race, lead = point.race(), point.lead()
    assert race is not None
    assert lead is not None
    assert race.reference in CPU
    assert (race.leader, lead.first.name, lead.claim) == (*["numpy:separable"] * 2, "fastest")


def test_beside_a_cpu_its_verdict_says_what_it_is() -> None:
    (point,) = run(sizes=(15,)).points.values()
    found = {row.name: row.verdict for row in point.rows()}
    assert {found[name] for name in SOFTWARE} == {"software"}


def test_beside_a_cpu_it_is_held_against_the_fastest_all_the_same() -> None:
    (point,) = run(sizes=(15,)).points.values()
    ratios = {row.name: row.ratio_to_fastest for row in point.rows()}
    assert ratios["wgpu:separable"] == pytest.approx(0.1, rel=0.01)


def test_alone_it_is_ranked_as_anything_else() -> None:
    (point,) = run(SOFTWARE, sizes=(15,)).points.values()
    assert [row.verdict for row in point.rows()] == ["fastest", "slower"]


def test_it_is_in_no_answer_of_a_sweep_beside_a_cpu() -> None:
    text = shown(run())
    answers = [line for line in text.splitlines() if line.startswith(("Use ", "FFT ", "The GPU"))]
    assert len(answers) == 2
    assert not any("wgpu" in line for line in answers)


@pytest.mark.parametrize("names", [SOFTWARE, ("numpy:separable", *SOFTWARE)])
def test_its_fft_is_not_said_to_pay(names: Sequence[str]) -> None:
    found = find_crossovers(points_of(run(names)))
    assert any(one.on_software for one in found)
    assert verdicts(found) == []


def test_no_claim_of_others_is_held_against_it() -> None:
    found = held_against(find_crossovers(points_of(run(SOFTWARE))))
    assert not any(claim["here"] for claim in found)


# It is marked.


def test_a_sweep_of_it_alone_marks_it_in_its_table_and_its_advice() -> None:
    text = shown(run(SOFTWARE))
    assert f" {MARKED[0]} " in text
    assert f"Use {MARKED[0]} up to " in text


def test_a_point_marks_it_in_its_table_and_says_what_the_mark_means() -> None:
    text = shown(run(sizes=(15,)))
    assert all(name in text for name in MARKED)
    assert "software: stands in for a GPU, not ranked" in text


def test_its_crossovers_are_marked_in_table_sentence_and_markdown() -> None:
    log, stream = run(), StringIO()
    about = {**log.run.about, "study": "crossover"}
    log.run = replace(log.run, about=about)
    found = document(log)
    show_crossovers(Console(file=stream, width=1000), log.run, found)
    text = stream.getvalue()
    assert f"{MARKED[1]} overtakes {MARKED[0]} between 15 and 31" in text
    assert [line for line in text.splitlines() if line.startswith(f"{MARKED[0]}  {MARKED[1]}  ")]
    assert f"| {MARKED[0]} | {MARKED[1]} |" in crossover_markdown(log.run, found)


def test_it_is_held_against_the_cpu_under_its_own_name() -> None:
    found = find_crossovers(points_of(run()))
    pairs = [(one.first, one.second) for one in found]
    assert ("cpu:fastest", "software:fastest") in pairs
    assert not any("gpu:fastest" in pair for pair in pairs)


def test_a_record_of_a_crossover_says_what_its_two_run_on() -> None:
    entries = [one.as_dict()["kinds"] for one in find_crossovers(points_of(run()))]
    assert dict.fromkeys(SOFTWARE, "software") in entries
    assert dict.fromkeys(CPU, "cpu") in entries


def test_markdown_of_a_sweep_marks_it() -> None:
    assert f"- {MARKED[1]} overtakes {MARKED[0]} " in to_markdown(run())


def test_runs_side_by_side_mark_it() -> None:
    stream = StringIO()
    show_runs(Console(file=stream, width=1000), [run(sizes=(15,)), run(sizes=(15,))])
    assert all(name in stream.getvalue() for name in MARKED)


def test_a_line_of_csv_says_what_it_ran_on() -> None:
    lines = list(csv.DictReader(StringIO(run(sizes=(15,)).summary())))
    assert {line["implementation"]: line["kind"] for line in lines} == {
        **dict.fromkeys(CPU, "cpu"),
        **dict.fromkeys(SOFTWARE, "software"),
    }
