"""How the runs of each study are shown: one place that knows them by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from blurbench.analysis import answer
from blurbench.files import shown_name
from blurbench.records.journal import Log
from blurbench.report import markdown, sweep
from blurbench.report.compare import answers_below, heading_of, show_answers
from blurbench.report.crossover import crossover_markdown, crossover_table, show_crossovers
from blurbench.report.heading import run_lines
from blurbench.report.point_tables import ranking_table
from blurbench.report.table import Table
from blurbench.study import crossover


@dataclass(frozen=True)
class View:
    """What is shown of a run.

    Attributes:
        above: what it is about.
        show: prints its tables and its answer; the truth is whether to show every row.
        tables: the tables alone, by what they are about.
        answer: the last lines.
        document: all of it, for other programs.
        markdown: the same for people.
    """

    above: Callable[[Log], list[str]]
    show: Callable[[Console, Log, bool], None]
    tables: Callable[[Log], Mapping[str, Table]]
    answer: Callable[[Log], list[str]]
    document: Callable[[Log], dict[str, Any]]
    markdown: Callable[[Log], str]


def view_of(log: Log) -> View:
    """How a run is shown."""
    return VIEWS[log.run.about["study"]]


def _above_comparison(log: Log) -> list[str]:
    answers = answer.answers_of(log)
    return heading_of(answers[0]) if len(answers) == 1 else run_lines(log.run)


def _rankings(log: Log) -> dict[str, Table]:
    return {
        one.image: ranking_table([row for row in one.rows if row.status != "unavailable"])
        for one in answer.answers_of(log)
    }


def _answers(log: Log) -> list[str]:
    answers = answer.answers_of(log)
    lines = []
    for one in answers:
        lines += [f"{shown_name(one.image)}:"] if len(answers) > 1 else []
        lines += answers_below(one.rows, one.same)
    return lines


VIEWS = {
    "compare": View(
        _above_comparison,
        lambda console, log, everything: show_answers(console, answer.answers_of(log), everything),
        _rankings,
        _answers,
        lambda log: answer.document(answer.answers_of(log)),
        lambda log: "\n".join(map(markdown.to_markdown, answer.answers_of(log))),
    ),
    "sweep": View(
        lambda log: run_lines(log.run),
        sweep.show_sweep,
        sweep.tables_of,
        sweep.answer_of,
        sweep.document,
        sweep.to_markdown,
    ),
    "crossover": View(
        lambda log: run_lines(log.run),
        lambda console, log, _: show_crossovers(console, log.run, crossover.document(log)),
        lambda log: {"": crossover_table(crossover.document(log)["crossovers"])},
        lambda log: [
            *(one["sentence"] for one in crossover.document(log)["crossovers"]),
            *crossover.document(log)["verdicts"],
        ],
        crossover.document,
        lambda log: crossover_markdown(log.run, crossover.document(log)),
    ),
}
