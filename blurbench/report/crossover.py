"""Crossovers on the terminal: the brackets, what others claim, and the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from blurbench.analysis.opponents import FASTEST_GPU, MEANING
from blurbench.analysis.unraced import cannot_run
from blurbench.records.journal import Run
from blurbench.records.kinds import marked
from blurbench.report.console import markdown_row, missing_line, say
from blurbench.report.heading import machine_line, run_lines
from blurbench.report.table import Brackets, Table
from blurbench.report.units import plural

HEADERS = ("first", "second", "scope", "second faster", "sizes")
HELD = {True: "held", False: "did not hold", None: "cannot be told"}
NOT_COMPARABLE = "nothing measured here is comparable"


def show_crossovers(console: Console, run: Run, found: Mapping[str, Any]) -> None:
    """The table, a sentence to quote for each pair, the claims beside them, and the answer."""
    crossovers = found["crossovers"]
    if crossovers:
        crossover_table(crossovers).show(console)
        console.print()
    for one in crossovers:
        say(console, one["sentence"])
        if one["second"] == FASTEST_GPU and one["pays_off_after_images"]:
            size = one["pays_off_at_size"]
            say(
                console,
                f"  Its set-up and first call are paid for after "
                f"{plural(one['pays_off_after_images'], 'image')} at {size}x{size}.",
            )
    for line in note_lines(found):
        say(console, line)
    if run.about["unavailable"]:
        say(console, missing_line(run.about["unavailable"]))
    say(console, "\nWhat others say:", "bold")
    for line in claim_lines(found):
        say(console, line)
    if found["verdicts"]:
        console.print()
    for line in found["verdicts"]:
        say(console, line, "bold")


def crossover_table(crossovers: Sequence[Mapping[str, Any]]) -> Table:
    """A line for each change of a pair, or one where there is none."""
    one_scope = len({one["scope"] for one in crossovers}) == 1
    least = ("sizes", Brackets("second faster"), "scope")
    table = Table(HEADERS, right=(4,), spare=("scope", *least[:2]) if one_scope else least)
    for one in crossovers:
        for texts in _texts(one):
            table.add_row(*texts)
    return table


def _texts(one: Mapping[str, Any]) -> list[list[str]]:
    """A line for each change, or one where there is none."""
    shown = (marked(one[which], one["kinds"].get(one[which], "")) for which in ("first", "second"))
    names = [*shown, one["scope"]]
    places = _places(one)
    others = [[*names, place, ""] for place in places[1:]]
    return [[*names, places[0], _count(one)], *others]


def _count(one: Mapping[str, Any]) -> str:
    """`9`, or `9/127` of the sizes that were asked for."""
    measured, asked = len(one["sizes_measured"]), one["sizes_asked"]
    return str(measured) if measured == asked else f"{measured}/{asked}"


def _places(one: Mapping[str, Any]) -> list[str]:
    """Where the second is faster: the estimate if sizes were pooled, else the proven bracket."""
    places = [each for each in one["estimates"] if None not in (each["low"], each["high"])]
    return [_place(each) for each in places] or [_throughout(one)]


def _place(estimate: Mapping[str, Any]) -> str:
    bracket = f"{estimate['low']}..{estimate['high']}"
    words = f"{estimate['size']:.0f} ({bracket})" if estimate["pooled"] else bracket
    return f"{'from' if estimate['faster_after'] == 'second' else 'until'} {words}"


def _throughout(one: Mapping[str, Any]) -> str:
    """Who is faster at all sizes, if that is proven at the smallest and the largest asked for."""
    proven = [entry["size"] for entry in one["ratios"] if entry["faster"] != "undecided"]
    if not proven:
        return "not proven"
    if one["always_faster"] == "first":
        return "nowhere" if one["proven_at_both_ends"] else f"not by {proven[-1]}"
    return "everywhere" if one["proven_at_both_ends"] else f"from <= {proven[0]}"


def note_lines(found: Mapping[str, Any]) -> list[str]:
    """What the names and the level mean, what is missing, and what would help."""
    crossovers = found["crossovers"]
    names = {name for one in crossovers for name in (one["first"], one["second"])}
    lines = [f"{name} is {words}." for name, words in MEANING.items() if name in names]
    if crossovers:
        lines.append(f"{found['level']}.")
    short = [one for one in crossovers if not one["proven_at_both_ends"]]
    if short:
        least = min(len(one["sizes_measured"]) for one in short)
        lines.append(
            f"Not proven at both ends of the range: {len(short)} of "
            f"{plural(len(crossovers), 'pair')}, "
            f"measured at {least} of {plural(short[0]['sizes_asked'], 'size')} or more; "
            "a longer --budget tells more."
        )
    sharing: dict[str, list[str]] = {}
    for one in found["not_compared"]:
        if one["reason"] == cannot_run(one["first"].partition(":")[0]):
            continue  # which backends cannot run, and why, is a line of its own
        sharing.setdefault(one["reason"], []).append(f"{one['first']} and {one['second']}")
    lines += [f"Not compared: {', '.join(own)}: {reason}." for reason, own in sharing.items()]
    return lines


def claim_lines(found: Mapping[str, Any]) -> list[str]:
    """Each published claim, what it compares, and what was found here of the same pair.

    Those that nothing measured bears on share a line.
    """
    lines = []
    for claim in found["claims"]:
        if claim["here"]:
            lines.append(f'- "{claim["claim"]}": {claim["compares"]} ({claim["source"]})')
            lines += [f"    {HELD[here['held']]}: {here['found']}" for here in claim["here"]]
    others = [f'"{one["claim"]}" ({one["source"]})' for one in found["claims"] if not one["here"]]
    if others:
        lines.append(f"- {NOT_COMPARABLE} with {', '.join(others)}")
    chosen = found["scipy_choose_conv_method_fft_from"]
    choice = "never FFT" if chosen is None else f"FFT from {chosen} on"
    lines.append(f"- scipy.signal.choose_conv_method, FFT or dense sum, for this image: {choice}")
    return lines


def crossover_markdown(run: Run, found: Mapping[str, Any]) -> str:
    """The crossovers as Markdown."""
    lines = [*run_lines(run), machine_line(run), "", f"| {' | '.join(HEADERS)} |"]
    lines.append("| --- | --- | --- | --- | ---: |")
    lines += [markdown_row(texts) for one in found["crossovers"] for texts in _texts(one)]
    lines += ["", *(f"- {one['sentence']}" for one in found["crossovers"])]
    lines += ["", *(f"- {line}" for line in note_lines(found))]
    lines += ["", "What others say:", "", *claim_lines(found)]
    return "\n".join([*lines, "", *found["verdicts"]]).rstrip() + "\n"
