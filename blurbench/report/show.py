"""Runs as tables: one of a sweep by size, one of a single point, several machines side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import PurePath
from typing import Any

from rich.console import Console

from blurbench.analysis import answer, image_sizes
from blurbench.analysis.crossing import find_crossovers
from blurbench.analysis.ordering import FIRST, SECOND, UNDECIDED
from blurbench.analysis.verdicts import verdicts
from blurbench.records.advice import advice_text
from blurbench.records.export import to_json
from blurbench.records.findings import Findings
from blurbench.records.journal import Log
from blurbench.records.summary import Row, as_written, brief_summary
from blurbench.report import markdown
from blurbench.report.compare import PointFigures, heading_of, show_answers, show_point, show_risks
from blurbench.report.console import error_console, markdown_row, missing_line, say
from blurbench.report.crossover import crossover_markdown, show_crossovers
from blurbench.report.heading import device_lines, machine_line, run_lines
from blurbench.report.image_sizes import image_size_lines
from blurbench.report.point_tables import roofline_texts
from blurbench.report.table import Brackets, Table
from blurbench.report.units import MISSING, brief_duration, duration, ratio
from blurbench.study import crossover

BY_SIZE = ("size", "fastest", "time [95 %]", "vs next", "next")
TOO_DEAR = "not measured: too far behind at smaller sizes, or one run does not fit the budget"
ROOFLINE = ("of copy", "of FMA", "bound")  # of the fastest
OF_THE_COMMAND = ("command", "outputs", "all_columns")  # and no part of what was found


def lines_above(log: Log) -> list[str]:
    """What a run is about and where it was made, as the command that made it said it."""
    answers = answer.answers_of(log) if log.run.about["study"] == "compare" else []
    if len(answers) != 1:
        return [*run_lines(log.run), machine_line(log.run)]
    (found,) = answers
    return [*heading_of(found), machine_line(log.run), *device_lines(found.devices)]


def show_log(console: Console, log: Log, everything: bool = False) -> None:
    """What the command that made a run shows of it, and on stderr what put its figures at risk.

    Args:
        everything: whether every row of a point is shown, and not a screen.
    """
    show_risks(error_console(), log.run.risks)
    study = log.run.about["study"]
    if study == "crossover":
        show_crossovers(console, log.run, crossover.document(log))
    elif study == "compare":
        show_answers(console, answer.answers_of(log), everything)
    else:
        _show_sweep(console, log, everything)


def _show_sweep(console: Console, log: Log, everything: bool) -> None:
    """The tables of each image, and what follows from them."""
    images = by_image(log)
    for label, points in images:
        if len(images) > 1:
            say(console, f"{label}:", "bold")
        if len(points) == 1:
            unavailable = log.run.about["unavailable"] if len(log.points) == 1 else {}
            _show_point(console, points[0], unavailable, everything)
            continue
        _show_sizes(console, points)
        console.print()
        remarks = [*_crossover_lines(points), *_reason_lines(points)]
        for line in remarks:
            say(console, line)
        if remarks:
            console.print()
    if len(log.points) != 1 and log.run.about["unavailable"]:
        say(console, missing_line(log.run.about["unavailable"]))
        console.print()
    for label, points in images:
        where = f"{label}: " if len(images) > 1 else ""
        for line in answers_of(points) if len(points) > 1 else ():
            say(console, f"{where}{line}", "bold")
    for line in image_size_lines(log):
        say(console, line, "bold")


def answers_of(points: Sequence[Findings]) -> list[str]:
    """The last lines on one image: which blur to use at which size, and where FFT and a GPU pay."""
    advice = advice_text(points)
    return [f"{advice[0].upper()}{advice[1:]}.", *verdicts(find_crossovers(points))]


def _crossover_lines(points: Sequence[Findings]) -> list[str]:
    """What is proven of pairs, and in one line of which pairs nothing is."""
    found = find_crossovers(points)
    open_ones = [one for one in found if one.ordering.always_faster == UNDECIDED]
    lines = [f"{one.answer} ({one.reach})." for one in found if one not in open_ones]
    if open_ones:
        pairs = ", ".join(f"{one.name(FIRST)} or {one.name(SECOND)}" for one in open_ones)
        lines.append(f"Which is faster is not proven: {pairs}.")
    return lines


def by_image(log: Log) -> list[tuple[str, list[Findings]]]:
    """The points of each image in order of kernel size, from the smallest image.

    They are called `WIDTHxHEIGHT`; where the run has several images, by the file's name, too,
    and by the folders that tell it from its namesakes.
    """

    def image(one: Findings) -> tuple[int, int, str]:
        return one.point.width, one.point.height, one.point.image

    def label(width: int, height: int, name: str) -> str:
        return f"{names[name]} {width}x{height}" if len(names) > 1 else f"{width}x{height}"

    names = short_names(log.image_numbers)
    ordered = sorted(log.points.values(), key=lambda one: (*image(one), one.point.size))
    return [(label(*one), list(own)) for one, own in groupby(ordered, key=image)]


def short_names(paths: Collection[str]) -> dict[str, str]:
    """Each path without the folders that it takes not to tell it from the others."""

    def tail(path: str, count: int) -> str:
        return PurePath(*PurePath(path).parts[-count:]).as_posix()

    deepest = max((len(PurePath(one).parts) for one in paths), default=0)
    namesakes = [Counter(tail(one, count) for one in paths) for count in range(1, deepest + 1)]

    def short(path: str) -> str:
        tails = ((tail(path, count), own) for count, own in enumerate(namesakes, 1))
        return next((one for one, own in tails if own[one] == 1), path)

    return {path: short(path) for path in paths}


def _show_point(
    console: Console, findings: Findings, unavailable: Mapping[str, str], everything: bool
) -> None:
    found = PointFigures(
        findings.rows(),
        findings.race(),
        findings.race("compute"),
        findings.rules.same,
        unavailable,
    )
    show_point(console, found, everything=everything)


def _show_sizes(console: Console, points: Sequence[Findings]) -> None:
    right = (0, 5, 6)
    least = (Brackets("time [95 %]"), Brackets("vs next"), "next")
    table = Table((*BY_SIZE, *ROOFLINE), right, ("of FMA", "of copy", "bound"), least)
    for one, texts in zip(points, size_rows(points), strict=True):
        lead = one.lead()
        row = None if lead is None else lead.first
        shares = [MISSING] * 3 if row is None else roofline_texts(row, row.end_to_end_bound)
        table.add_row(*texts, *shares)
    table.show(console)


def size_rows(points: Iterable[Findings]) -> list[list[str]]:
    """A line a kernel size: who was the fastest, and by how much."""
    return [[str(one.point.size), *_first_and_next(one)] for one in points]


def _first_and_next(findings: Findings) -> list[str]:
    lead = findings.lead()
    if lead is None:
        return [MISSING] * 4
    first = lead.first
    time_text = duration(
        first.end_to_end_median_s, first.end_to_end_ci95_low_s, first.end_to_end_ci95_high_s
    )
    if lead.second is None:
        return [first.label, time_text, MISSING, MISSING]
    name = first.label if lead.proven else f"{first.label} ?"
    return [
        name,
        time_text,
        ratio(lead.ratio.value, lead.ratio.low, lead.ratio.high),
        lead.second.label,
    ]


def _reason_lines(points: Sequence[Findings]) -> list[str]:
    """Why rows are missing, each reason once, with the sizes that it is about."""
    sizes: dict[str, dict[str, list[int]]] = {}
    for findings in points:
        for row in findings.rows():
            if row.status not in ("ok", "unavailable") and row.reason:
                predicted = row.status == "over_budget" and row.predicted_s is not None
                reason = TOO_DEAR if predicted else row.reason
                own = sizes.setdefault(reason, {}).setdefault(row.label, [])
                own.append(findings.point.size)
    lines = [
        f"{', '.join(f'{name} {_stretch(own)}' for name, own in names.items())}: {reason}."
        for reason, names in sizes.items()
    ]
    if any(line[1].endswith("?") for line in size_rows(points)):
        lines.append("? not proven: the next may be as fast; a longer --budget resolves more.")
    return lines


def _stretch(sizes: Sequence[int]) -> str:
    return f"at {sizes[0]}" if len(sizes) == 1 else f"from {sizes[0]} to {sizes[-1]}"


def texts_of(log: Log, all_columns: bool = False) -> dict[str, Callable[[], str]]:
    """A run as CSV, JSON and Markdown, whichever command made it.

    Args:
        all_columns: whether the CSV is the very summary that the run keeps.
    """
    csv: Callable[[], str] = log.summary if all_columns else lambda: brief_summary(log.rows())
    study = log.run.about["study"]
    if study == "crossover":
        return {
            "csv": csv,
            "json": lambda: to_json(crossover.document(log)),
            "markdown": lambda: crossover_markdown(log.run, crossover.document(log)),
        }
    if study == "compare":
        answers = answer.answers_of(log)
        return {
            "csv": csv,
            "json": lambda: to_json(answer.document(answers)),
            "markdown": lambda: "\n".join(map(markdown.to_markdown, answers)),
        }
    return {
        "csv": csv,
        "json": lambda: to_json(document(log)),
        "markdown": lambda: to_markdown(log),
    }


def document(log: Log) -> dict[str, Any]:
    """A run as `blurbench.sweep/1`; the entries have the names of `summary.csv`."""
    return {
        "schema": "blurbench.sweep/1",
        "run_id": log.run.run_id,
        "machine_id": log.run.machine_id,
        **{name: told for name, told in log.run.about.items() if name not in OF_THE_COMMAND},
        "kernels": [{**one, "sigma": as_written(one["sigma"])} for one in log.run.about["kernels"]],
        "ranking_scope": "end_to_end",
        "implementations": [row.as_told() for row in log.rows()],
        "crossovers": [
            one.as_dict() for _, points in by_image(log) for one in find_crossovers(points)
        ],
        "gpu_by_image_size": image_sizes.document(log),
    }


def to_markdown(log: Log) -> str:
    """A table by size for each image, and the crossovers."""
    lines = [*run_lines(log.run), machine_line(log.run)]
    for label, points in by_image(log):
        lines += [
            "",
            f"{label}:",
            "",
            f"| {' | '.join(BY_SIZE)} |",
            "| ---: | --- | --- | --- | --- |",
        ]
        lines += [markdown_row(texts) for texts in size_rows(points)]
        lines += ["", *(f"- {one.sentence}" for one in find_crossovers(points))]
        lines += ["", *answers_of(points)]
    return "\n".join([*lines, *image_size_lines(log)]) + "\n"


def show_runs(console: Console, logs: Sequence[Log]) -> None:
    """Several runs side by side: a line for each cell that any of them has."""
    for number, log in enumerate(logs, 1):
        say(console, f"[{number}] {machine_line(log.run)}")
        for line in run_lines(log.run):
            say(console, f"    {line}")
    console.print()
    found: dict[tuple[Any, ...], dict[int, Row]] = {}
    for number, log in enumerate(logs):
        images = log.image_numbers
        for row in log.rows():
            found.setdefault(_place(row, images[row.key.image]), {})[number] = row
    times = [f"time [{number}]" for number in range(1, len(logs) + 1)]
    ratios = [f"[{number}]/[1]" for number in range(2, len(logs) + 1)]
    extents = {place[1:3] for place in found}
    # The ratios say what the times of the others are, beside those of the first.
    spare = [*(["image"] if len(extents) == 1 else []), *times[:0:-1], *ratios[:0:-1]]
    headers = ["size", "image", "implementation", *times, *ratios]
    table = Table(headers, (0, *range(3, len(headers))), spare=spare)
    for place, rows in sorted(found.items()):
        size, width, height = place[:3]
        own = [rows.get(number) for number in range(len(logs))]
        if all(row is None or row.end_to_end_median_s is None for row in own):
            continue
        name = next(row.label for row in own if row is not None)
        shown = [*map(_time_or_status, own), *(_ratio_of(row, own[0]) for row in own[1:])]
        table.add_row(str(size), f"{width}x{height}", name, *shown)
    table.show(console)
    say(
        console,
        "\nTimes of different runs are not paired: small differences between them mean nothing.",
    )


def _time_or_status(row: Row | None) -> str:
    if row is None:
        return MISSING
    return brief_duration(row.end_to_end_median_s) if row.status == "ok" else row.status


def _ratio_of(row: Row | None, first: Row | None) -> str:
    times = [one.end_to_end_median_s for one in (row, first) if one and one.status == "ok"]
    if len(times) < 2 or times[0] is None or not times[1]:
        return MISSING
    return f"{times[0] / times[1]:.2f}x"


def _place(row: Row, image: int) -> tuple[Any, ...]:
    key = row.key
    settings = (image, key.channels, key.sigma, key.border, key.cval, key.dtype, key.cache)
    return (key.size, key.width, key.height, key.implementation, *settings)
