"""A comparison on the terminal: header, table, what its words mean, and the answer last."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from rich.console import Console

from blurbench.analysis.answer import Answer
from blurbench.files import shown_name
from blurbench.measure.judge import (
    APPROXIMATE,
    FAR_SLOWER,
    FASTEST,
    FASTEST_HERE,
    LIKELY,
    SLOWER,
    SLOWER_HERE,
    STAND_IN,
    TIED,
    UNCLEAR,
    Result,
)
from blurbench.problem import Problem
from blurbench.records.summary import Row
from blurbench.report.answer import answer_lines, code_line, native_line, sentence, spoken_of
from blurbench.report.console import (
    is_wide,
    missing_line,
    room_of,
    say,
    say_unbroken,
    wrapped,
)
from blurbench.report.heading import device_lines
from blurbench.report.point_tables import device_table, ranking_table, row_texts, transfer_table
from blurbench.report.units import count_bytes, digits, plural, ratio

MOST_LINES = 24  # of a screen
# Rows of the table, and of the one on the device, from the most that are shown to the fewest.
SIZES = [*((rows, 4) for rows in range(12, 3, -1)), (4, 3), (4, 2), (4, 1), (3, 1), (2, 1)]
_FIGURE = re.compile(r"\d[\d.e+-]*( [num]?s\b)?")  # with its unit of time
_PROVEN, _HERE = "proven, by more than {same:g} %", "proven, but a new run may differ by {same:g} %"
WORDS = {
    FASTEST: _PROVEN,
    SLOWER: _PROVEN,
    FASTEST_HERE: _HERE,
    SLOWER_HERE: _HERE,
    LIKELY: "ahead, not proven",
    TIED: "within {same:g} %, proven",
    UNCLEAR: "may be as fast as the first",
    FAR_SLOWER: "9x or more in one run or as predicted",
    APPROXIMATE: "another filter, not ranked",
    STAND_IN: "stands in for a GPU, not ranked",
}
# What is shown, however little room there is.
BAD = ("wrong", "implausible", "failed", "out_of_memory", "timed_out", "device_lost")


def header_lines(name: str, problem: Problem, cache: str, file_type: str = "") -> list[str]:
    """What is measured, in two lines.

    Args:
        file_type: of the file's pixels, where others are blurred.
    """
    kernel = problem.kernel
    border = problem.border
    if border == "constant":
        border += f" {problem.cval:g}"
    shape = f"{problem.width}x{problem.height}"
    if len(problem.shape) == 3:
        shape += f"x{problem.channels}"
    kind = problem.dtype.name
    if file_type not in ("", kind):
        kind = f"{file_type} timed as {kind}"
    return [
        f"{shown_name(name)}: {shape} {kind}, {count_bytes(problem.image_bytes)}",
        f"Gaussian {kernel.size}x{kernel.size}, sigma {kernel.sigma:.4g}; border {border}; "
        f"{plural(problem.threads, 'thread')}; cache {cache}",
    ]


def show_answers(console: Console, answers: Sequence[Answer], everything: bool = False) -> None:
    """Each below its image, if there are several; what cannot run is the same for all."""
    for number, answer in enumerate(answers):
        title, *_ = heading_of(answer)
        if len(answers) > 1:
            say(console, f"\n{title}" if number else title, "bold")
        above = [*device_lines(answer.devices), *map(_warning, answer.risks)]
        missing = answer.unavailable if answer is answers[-1] else {}
        found = PointFigures(answer.rows, answer.race, answer.on_device, answer.same, missing)
        show_point(
            console,
            found,
            notes=_notes(answer),
            above=sum(_height(console, line) for line in above),
            everything=everything,
        )


def heading_of(answer: Answer) -> list[str]:
    """What was measured, in two lines."""
    return header_lines(answer.image, answer.problem, answer.cache, answer.file_type)


@dataclass(frozen=True)
class PointFigures:
    """What is shown of one point.

    Attributes:
        race, on_device: what the rounds prove, from end to end and of the computation alone.
        same: ratios within 1/(1+same)..1+same are the same speed.
        unavailable: the backends that cannot run, and why.
    """

    rows: Sequence[Row]
    race: Result | None
    on_device: Result | None
    same: float
    unavailable: Mapping[str, str] = field(default_factory=dict)


def show_point(
    console: Console,
    point: PointFigures,
    notes: Sequence[str] = (),
    above: int = 0,
    everything: bool = False,
) -> None:
    """The table of one point, why rows are not in the running, and the answer at the end.

    Args:
        notes: what else one must know to read the table.
        above: lines that stand above it, beside the header.
        everything: whether there are more lines than a screen has.
    """
    ran = [row for row in point.rows if row.status != "unavailable"]
    on_device, same = point.on_device, point.same
    raced_there = _on_device(ran, on_device)
    labels = {row.name: row.label for row in ran}
    always = [*notes, *control_lines(point.race, labels), *_process_lines(ran)]
    if on_device is not None and (everything or not on_device.control_passed):
        always += control_lines(on_device, labels, " on the device")
    if point.unavailable:
        always.append(missing_line(point.unavailable))
    answers, spoken = answers_below(point.rows, same), spoken_of(point.rows)
    # The less rows, the less there is to say of them: as many as all of it has room for.
    sizes = [(len(ran), len(raced_there))] if everything else SIZES
    for room, room_there in sizes:
        shown, folded = _fold(ran, room, spoken)
        there = raced_there[:room_there]
        remarks = [*_remarks(shown), *always, *_word_lines(shown, there, on_device, same)]
        taken = 6 + above + len(shown) + bool(folded) + (3 + len(there) if there else 0)
        tables = [ranking_table(shown)]
        if on_device is not None:
            tables.append(device_table(there, on_device))
        taken += 2 * sum(bool(table.missing(console)) for table in tables)
        if taken + sum(_height(console, line) for line in (*remarks, *answers)) <= MOST_LINES:
            break
    if shown:
        tables[0].show(console)
        if folded:
            say(console, _folded_line(folded))
        if on_device is not None:
            best = f", the best {len(there)} of {len(raced_there)}" if there != raced_there else ""
            say(console, f"\nData already on the device (compute){best}:", "bold")
            tables[1].show(console)
            if is_wide(console):
                say(console, "\nThere and back, an image:", "bold")
                transfer_table(there).show(console)
        console.print()
    for line in remarks:
        say(console, line)
    console.print()
    for number, line in enumerate(answers):
        if line.startswith(" "):
            say_unbroken(console, line, "cyan")
        else:
            say(console, line, "bold" if number == 0 else "")


def _on_device(rows: Sequence[Row], race: Result | None) -> list[Row]:
    """The rows that raced on the device, the fastest first."""
    named = {row.name: row for row in rows}
    return [named[name] for name in race.standings if name in named] if race else []


def _fold(rows: Sequence[Row], room: int, spoken: Set[str]) -> tuple[list[Row], list[Row]]:
    """The rows that are shown, and those that are left out: the last, except what is bad.

    Args:
        spoken: the names of those that the answer speaks of, for which there is room first.
    """
    bad = [row for row in rows if row.status in BAD]
    others = sorted((row for row in rows if row not in bad), key=lambda row: row.name not in spoken)
    folded = others[max(1, room - len(bad)) :]
    return [row for row in rows if row not in folded], folded


def answers_below(rows: Sequence[Row], same: float) -> list[str]:
    """The last lines: which blur to use, with the calls, and whether FFT and a GPU pay."""
    code, native = code_line(rows), native_line(rows)
    calls = [f"  {line}" for line in (code, native) if line]
    return [sentence(rows, same), *calls, *answer_lines(rows)]


def _height(console: Console, line: str) -> int:
    """How many lines of a terminal a sentence takes."""
    return len(wrapped(console, line, room_of(console)))


def _folded_line(rows: Sequence[Row]) -> str:
    timed = [row.ratio_to_fastest for row in rows if row.ratio_to_fastest]
    reach = f", {digits(min(timed))}x and more" if timed else ""
    return f"... and {plural(len(rows), 'row')}{reach} (--all shows all)"


def _remarks(rows: Sequence[Row]) -> list[str]:
    """Why rows are not in the running, or were hardly measured; a line for each kind."""
    kinds: dict[str, list[tuple[str, str]]] = {}

    def remark(row: Row, reason: str) -> None:
        kinds.setdefault(_FIGURE.sub("", reason), []).append((row.label, reason))

    for row in rows:
        if row.throttled_samples:
            taken = plural(row.throttled_samples, "sample")
            remark(row, f"{taken} taken while the device was slowed down")
        if row.stalled_samples:
            taken = plural(row.stalled_samples, "sample")
            remark(row, f"in {taken} the device waited for the host, so it may be faster")
        # What far slower means says it all.
        if row.reason and row.verdict != FAR_SLOWER:
            remark(row, row.reason)
    return [_remark_line(own) for own in kinds.values()]


def _remark_line(remarks: Sequence[tuple[str, str]]) -> str:
    """One line for remarks that differ in figures alone: it gives those of the first."""
    names = ", ".join(name for name, _ in remarks)
    first, reason = remarks[0]
    whose = f" ({first})" if any(other != reason for _, other in remarks) else ""
    return f"{names}: {reason}{whose}."


def _word_lines(
    rows: Iterable[Row], there: Iterable[Row], on_device: Result | None, same: float
) -> list[str]:
    """What the verdicts that occur in the tables mean; those of one meaning together."""
    seen = {row_texts(row)[4] for row in rows}
    if on_device is not None:
        seen |= {on_device.standings[row.name].verdict for row in there}
    meanings: dict[str, list[str]] = {}
    for word, meaning in WORDS.items():
        if word in seen:
            meanings.setdefault(meaning.format(same=100 * same), []).append(word)
    texts = [f"{', '.join(words)}: {meaning}" for meaning, words in meanings.items()]
    return [f"{'; '.join(texts)}."] if texts else []


def show_risks(console: Console, risks: Sequence[str]) -> None:
    """What put the figures at risk."""
    for risk in risks:
        say(console, _warning(risk), "yellow")


def _warning(risk: str) -> str:
    return f"Warning: {risk}."


def _notes(answer: Answer) -> list[str]:
    """What else one must know of the answer."""
    lines = []
    found = answer.difference
    if found is not None:
        pixels = "" if found.scale is None else f" (pixels up to {found.scale:.4g})"
        lines.append(
            f"Largest difference between separable and direct: {found.absolute:.2g}{pixels}."
        )
    has_control = answer.race is not None and answer.race.control is not None
    if answer.control_failure is not None and not has_control:
        lines.append(f"No control could run: {answer.control_failure}.")
    return lines


def control_lines(race: Result | None, labels: Mapping[str, str], where: str = "") -> list[str]:
    """What the control of a race says of the noise, under the labels of its contenders."""
    if race is None or race.control is None:
        return []
    found = race.control
    name, text = labels[race.reference], ratio(found.value, found.low, found.high)
    if race.control_passed:
        rounds = plural(race.control_rounds, "round")
        return [f"Control: {name} against itself {text} in {rounds}{where}."]
    return [
        f"The control failed{where}: {name} differs from itself, {text}: nothing below "
        f"{200 * (race.noise_floor or 0):.0f} % is told apart. Measure again on a quieter machine."
    ]


def _process_lines(rows: Sequence[Row]) -> list[str]:
    spreads = [row.process_spread for row in rows if row.process_spread is not None]
    if not spreads:
        return []
    processes = max(row.processes for row in rows)
    return [
        f"Between {processes} processes the medians of one row differ by up to "
        f"{100 * max(spreads):.2g} %."
    ]
