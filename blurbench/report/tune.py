"""What `tune` found, and why `auto` chooses what it does."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from blurbench.choice.auto import HOST
from blurbench.choice.model import ITEM_BYTES, TERMS, costs_for, terms_of
from blurbench.choice.table import Table
from blurbench.problem import Problem
from blurbench.report.console import say
from blurbench.report.table import Table as TextTable
from blurbench.report.units import brief_duration, ratio

# What a figure of a cost stands for.
PARTS = ("call", "lines", "samples", "past cache", "work")


def show_measured(console: Console, table: Table, path: str) -> None:
    """Each implementation of which there are figures, and how far off they are."""
    headers = ("implementation", "dtype", "threads", "timings", "deviation")
    shown = TextTable(headers, right=(2, 3, 4), spare=("timings",))
    for cost in table["costs"]:
        name = f"{cost['backend']}:{cost['method']}"
        off = f"{100 * cost['median_deviation']:.0f} %"
        counts = str(cost["threads"]), str(cost["timings"])
        shown.add_row(name, cost["dtype"], *counts, off)
    shown.show(console)
    console.print()
    for name, reason in table["left_out"].items():
        say(console, f"{name} was left out: {reason.removesuffix('.')}.")
    say(console, f"{table['problems']} images and kernels were measured.")
    say(console, f"The table is in {path}")


def show_explanation(
    console: Console,
    problem: Problem,
    table: Table,
    where: str,
    found: Sequence[tuple[float, str]],
    ranked: Sequence[tuple[float, str]],
    chosen: str,
) -> None:
    """The expected times, fastest first, in their parts; and the choice in a sentence.

    Args:
        found: expected seconds and name of each implementation.
        ranked: the same of those that can run here.
        chosen: name of the one that `auto` takes.
    """
    shape = "x".join(map(str, (problem.width, problem.height, *problem.shape[2:])))
    kernel = problem.kernel
    say(console, f"{shape} {problem.dtype}, size {kernel.size}, sigma {kernel.sigma:.3g}")
    say(console, f"Figures: {where}")
    console.print()
    if not found:
        say(console, f"There are no figures for this: auto takes {chosen}.")
        return
    costs = {
        f"{cost['backend']}:{cost['method']}": cost
        for cost in costs_for(
            table, problem.dtype.name, kernel.size, problem.border, HOST, problem.threads
        )
    }
    able = {name for _, name in ranked}
    shown = TextTable(("implementation", "expected", *PARTS), right=range(1, 7), spare=PARTS)
    for seconds, name in found:
        terms = terms_of(
            costs[name]["method"],
            problem.height,
            problem.width,
            problem.channels,
            ITEM_BYTES[problem.dtype.name],
            kernel.size,
            table["cache_bytes"],
        )
        parts = [
            costs[name][term] * amount / seconds for term, amount in zip(TERMS, terms, strict=True)
        ]
        figures = [f"{100 * part:.0f} %" for part in parts]
        label = name if name in able else f"{name} (not here)"
        shown.add_row(label, brief_duration(seconds), *figures)
    shown.show(console)
    console.print()
    if len(able) < len(found):
        say(console, "Not here: it cannot run on this machine; see blurbench backends.")
    if not ranked:
        say(console, f"Nothing with figures can run here: auto takes {chosen}.")
        return
    first, *others = ranked
    sentence = f"auto takes {chosen}: {brief_duration(first[0])} expected"
    if others:
        faster = ratio(others[0][0] / first[0]).removesuffix(" [-]")
        sentence += f", {faster} faster than {others[0][1]}"
    say(console, f"{sentence}.")
