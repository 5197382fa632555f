"""Crossovers on the terminal: the brackets, and what others claim."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from blurbench.records.journal import Run
from blurbench.report.console import markdown_row, plain_table, say, say_missing, show_table
from blurbench.report.heading import machine_line, run_lines
from blurbench.report.units import plural
from blurbench.study.opponents import FASTEST_CPU

HEADERS = ("first", "second", "scope", "second faster", "sizes")
HELD = {True: "held", False: "did not hold", None: "cannot be told"}
NOT_COMPARABLE = "nothing measured here is comparable"


def show_crossovers(console: Console, run: Run, found: Mapping[str, Any]) -> None:
    """The brackets, a sentence to quote for each, the claims beside them."""
    crossovers = found["crossovers"]
    if crossovers:
        table = plain_table(*HEADERS, right=(4,))
        for one in crossovers:
            for texts in _texts(one):
                table.add_row(*map(Text, texts))
        show_table(console, table)
        console.print()
    for one in crossovers:
        say(console, one["sentence"])
        if one["first"] == FASTEST_CPU and one["pays_off_after_images"]:
            size = one["pays_off_at_size"]
            say(
                console,
                f"  Its set-up and first call are paid for after "
                f"{plural(one['pays_off_after_images'], 'image')} at {size}x{size}.",
            )
    say_missing(console, run.about["unavailable"])
    say(console, "\nWhat others say:", "bold")
    for line in claim_lines(found):
        say(console, line)


def _texts(one: Mapping[str, Any]) -> list[list[str]]:
    """A line for each change, or one where there is none."""
    names, count = [one["first"], one["second"], one["scope"]], str(len(one["sizes_measured"]))
    places = _places(one)
    others = [[*names, place, ""] for place in places[1:]]
    return [[*names, places[0], count], *others]


def _places(one: Mapping[str, Any]) -> list[str]:
    """Where the second is faster, as brackets."""
    if one["always_faster"] is not None:
        names = {"first": "nowhere", "second": "everywhere", "undecided": "not proven"}
        return [names[one["always_faster"]]]
    return [
        f"{'from' if change['faster_after'] == 'second' else 'until'} "
        f"{change['last_size_before']}..{change['first_size_after']}"
        for change in one["changes"]
    ]


def claim_lines(found: Mapping[str, Any]) -> list[str]:
    """Each published claim, what it compares, and what was found here of the same pair."""
    lines = []
    for claim in found["claims"]:
        lines.append(f'- "{claim["claim"]}": {claim["compares"]} ({claim["source"]})')
        lines += [f"    {HELD[here['held']]}: {here['found']}" for here in claim["here"]]
        if not claim["here"]:
            lines.append(f"    {NOT_COMPARABLE}")
    chosen = found["scipy_choose_conv_method_fft_from"]
    choice = "never FFT" if chosen is None else f"FFT from {chosen} on"
    lines.append(f"- scipy.signal.choose_conv_method, FFT or dense sum, for this image: {choice}")
    return lines


def crossover_markdown(run: Run, found: Mapping[str, Any]) -> str:
    """The same as Markdown."""
    lines = [*run_lines(run), machine_line(run), "", f"| {' | '.join(HEADERS)} |"]
    lines.append("| --- | --- | --- | --- | ---: |")
    lines += [markdown_row(texts) for one in found["crossovers"] for texts in _texts(one)]
    lines += ["", *(f"- {one['sentence']}" for one in found["crossovers"])]
    return "\n".join([*lines, "", "What others say:", "", *claim_lines(found)]) + "\n"
