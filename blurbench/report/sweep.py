"""A sweep as tables: a line a kernel size for each image, and what follows from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import PurePath
from typing import Any

from rich.console import Console

from blurbench.analysis import image_sizes
from blurbench.analysis.crossing import find_crossovers
from blurbench.analysis.ordering import FIRST, SECOND, UNDECIDED
from blurbench.analysis.verdicts import verdicts
from blurbench.files import shown_name
from blurbench.records.advice import advice_text
from blurbench.records.findings import Findings
from blurbench.records.journal import Log
from blurbench.records.summary import as_written
from blurbench.report.compare import PointFigures, show_point
from blurbench.report.console import markdown_row, missing_line, say
from blurbench.report.heading import machine_line, run_lines
from blurbench.report.image_sizes import image_size_lines
from blurbench.report.point_tables import roofline_texts
from blurbench.report.table import Brackets, Table
from blurbench.report.units import MISSING, duration, ratio

BY_SIZE = ("size", "fastest", "time [95 %]", "vs next", "next")
TOO_DEAR = "not measured: too far behind at smaller sizes, or one run does not fit the budget"
ROOFLINE = ("of copy", "of FMA", "bound")  # of the fastest
OF_THE_COMMAND = ("command", "outputs", "all_columns")  # and no part of what was found


def show_sweep(console: Console, log: Log, everything: bool = False) -> None:
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
    for line in answer_of(log):
        say(console, line, "bold")


def answer_of(log: Log) -> list[str]:
    """The last lines on each image that has several sizes, and on image sizes."""
    images, lines = by_image(log), []
    for label, points in images:
        where = f"{label}: " if len(images) > 1 else ""
        lines += [f"{where}{line}" for line in answers_of(points)] if len(points) > 1 else []
    return lines + image_size_lines(log)


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
        extent = f"{width}x{height}"
        return f"{shown_name(names[name])} {extent}" if len(names) > 1 else extent

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
    _sizes_table(points).show(console)


def _sizes_table(points: Sequence[Findings]) -> Table:
    right = (0, 5, 6)
    least = (Brackets("time [95 %]"), Brackets("vs next"), "next")
    table = Table((*BY_SIZE, *ROOFLINE), right, ("of FMA", "of copy", "bound"), least)
    for one, texts in zip(points, size_rows(points), strict=True):
        lead = one.lead()
        row = None if lead is None else lead.first
        shares = [MISSING] * 3 if row is None else roofline_texts(row, row.end_to_end_bound)
        table.add_row(*texts, *shares)
    return table


def tables_of(log: Log) -> dict[str, Table]:
    """A table for each image, a line a kernel size, by the image's label."""
    return {label: _sizes_table(points) for label, points in by_image(log)}


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
