"""The first chart of the page: the best of each kind of blur, and from where on FFT pays."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import altair as alt

from blurbench.report.groups import GROUPS
from blurbench.report.page.chart_parts import (
    END_TO_END,
    PICTURED,
    PLACE,
    TALL,
    TIME,
    VALID,
    WORTH,
    Chart,
    drawing,
    finished,
    log_axis,
    named,
    size_axis,
    tooltips_of,
    values_of,
)
from blurbench.report.page.palette import Palette
from blurbench.report.page.tables import BEST_OF, CELLS, PAYOFF, PAYS_FROM, Tables
from blurbench.report.palette import NEUTRAL
from blurbench.report.units import brief_duration


def best_chart(tables: Tables, palette: Palette, run: int) -> Chart | None:
    """The chart of the bests; None at a single size, where the chart of times shows as much."""
    sizes = sorted(values_of(tables, CELLS, run, "size"))
    if len(sizes) < 2 or not values_of(tables, CELLS, run, TIME[0]):
        return None
    several = len(values_of(tables, CELLS, run, "picture")) > 1
    times = [one for name in TIME for one in values_of(tables, CELLS, run, name)]
    base = drawing(CELLS, PICTURED, f"isValid(datum.{TIME[0]})").encode(
        x=size_axis(sizes),
        y=log_axis(alt.Y, END_TO_END, times),
    )
    if several:
        base = base.properties(title=alt.Title(alt.expr("picture"), anchor="start"))
    rest = (
        base.transform_filter("datum.status == 'ok'")
        .mark_line(strokeWidth=1, color=NEUTRAL, opacity=0.5)
        .encode(
            detail="implementation:N",
            strokeDash=alt.condition(VALID, alt.value([1, 0]), alt.value([4, 3])),
        )
    )
    best = base.transform_filter(f"isValid(datum.{BEST_OF})").encode(
        color=palette.best_of(alt.Color)
    )
    bands = (
        best.transform_filter(f"isValid(datum.{TIME[1]}) && isValid(datum.{TIME[2]})")
        .mark_area(opacity=0.2)
        .encode(y=alt.Y(f"{TIME[1]}:Q"), y2=f"{TIME[2]}:Q")
    )
    marks = best.mark_point(filled=True, size=80, opacity=1).encode(
        shape=palette.best_of(alt.Shape),
        tooltip=tooltips_of(BEST_OF, "implementation", "size", *TIME, "rounds", *WORTH),
    )
    return Chart(
        "best",
        "The best of each kind of blur",
        "Thick lines: the time of the fastest direct, separable, FFT and GPU blur, chosen anew at "
        "each kernel size, with its 95 % interval; in grey every implementation, dashed if "
        "it never wins; dotted, where there is one, the size from which on FFT pays.",
        "",
        _bests(tables[CELLS].entries(run)),
        CELLS,
        (*PLACE, BEST_OF, PAYOFF, PAYS_FROM, *TIME, "rounds", *WORTH),
        run,
        finished(
            alt.layer(rest, bands, best.mark_line(strokeWidth=3.5), marks, *_payoff(base, sizes))
        ),
    )


def _payoff(base: alt.Chart, sizes: Sequence[int]) -> list[alt.Chart]:
    """A line where FFT begins to pay, and at its foot a note, on the side that has room for it."""
    mark = base.transform_filter(f"isValid(datum.{PAYOFF})").encode(x=size_axis(sizes, PAYS_FROM))
    middle = (sizes[0] * sizes[-1]) ** 0.5
    note = mark.encode(y=alt.value(TALL - 10), text=f"{PAYOFF}:N")
    return [
        mark.mark_rule(strokeDash=[2, 3], color="currentColor").encode(
            y=alt.value(0), y2=alt.value(TALL)
        ),
        note.transform_filter(f"datum.{PAYS_FROM} < {middle}").mark_text(align="left", dx=6),
        note.transform_filter(f"datum.{PAYS_FROM} >= {middle}").mark_text(align="right", dx=-6),
    ]


def _bests(rows: Sequence[dict[str, Any]]) -> str:
    """`512x512: separable from 1 ms (a at 3x3) to 9 ms (b at 31x31); FFT pays from 31.`"""
    texts = []
    for picture, own in groupby(rows, key=lambda row: row["picture"]):
        bests = sorted((row for row in own if row[BEST_OF]), key=lambda row: row["size"])
        parts = []
        for group in GROUPS:
            found = [row for row in bests if row[BEST_OF] == group]
            if found:
                ends = [
                    f"{brief_duration(row[TIME[0]])} ({named(row)} at {row['size']}x{row['size']})"
                    for row in (found[0], found[-1])
                ]
                parts.append(f"{group} from {' to '.join(ends)}")
        parts += [row[PAYOFF] for row in bests if row[PAYOFF]]
        texts.append(f"{picture}: {'; '.join(parts)}.")
    return " ".join(texts)
