"""What stands below a picture: what was measured, where and when, and how the picture is read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from blurbench.measure.judge import APPROXIMATE, STAND_IN
from blurbench.records.journal import Log
from blurbench.records.roofline import ARITHMETIC
from blurbench.report.heading import machine_line, run_lines
from blurbench.report.plots.data import CEILINGS, Column
from blurbench.report.plots.style import plain, wrapped

DASHED = {APPROXIMATE: "approximate", STAND_IN: "software that stands in for a GPU"}


def caption_of(
    columns: Sequence[Column],
    logs: Sequence[Log],
    everything: bool,
    selection: str,
    width: float,
) -> list[str]:
    """What was measured, where and when; then how the picture is read."""
    lines = []
    for number, log in enumerate(logs, 1):
        prefix = f"[{number}] " if len(logs) > 1 else ""
        day = datetime.fromisoformat(log.run.about["started_at_utc"]).date().isoformat()
        about, gaussian = (plain(line) for line in run_lines(log.run))
        text = f"{prefix}{about}. {gaussian}. {plain(machine_line(log.run))}; {day}."
        lines += wrapped(text, width)
    curves = [one for one in columns if not one.is_single]
    notes = [
        *([f"Drawn: only {plain(selection)}."] if selection else []),
        *_notes_of_bests(curves),
        *_notes_of_marks(columns if everything else [one for one in columns if one.is_single]),
    ]
    if everything:
        notes += _notes_of_panels(curves)
    return [*lines, *wrapped(" ".join(notes), width)]


def _notes_of_bests(curves: Sequence[Column]) -> list[str]:
    """How the first panel is read."""
    if not curves:
        return []
    notes = ["Bands: 95 % intervals."]
    if len(curves) == 1:
        changes = [plain(one.changes) for one in curves[0].bests if one.changes]
        notes += [f"The best {one}." for one in changes]
    words = sorted({word for one in curves for word in one.unranked.values()})
    notes += [f"Dashed: {DASHED[word]}, which never wins." for word in words]
    return notes


def _notes_of_marks(columns: Sequence[Column]) -> list[str]:
    """How the marks of implementations are read."""
    marks = [mark for one in columns for curve in one.curves for mark in curve.marks]
    notes = []
    if any(not mark.raced for mark in marks):
        notes.append("Open markers: measured once, without an interval.")
    barred = sorted({mark.barred for mark in marks if mark.barred})
    if barred:
        notes.append(f"Crosses: {', '.join(barred).replace('_', ' ')}; they never win.")
    return notes


def _notes_of_panels(curves: Sequence[Column]) -> list[str]:
    """How the other panels are read."""
    notes = []
    if any(one.brackets for one in curves):
        notes.append(
            "Brackets: the kernel sizes between which the faster changes; both ends are proven."
        )
    if any(one.ratios for one in curves):
        same = curves[0].log.run.rules.same
        notes.append(f"Grey strip: the same speed, within {100 * same:g} %.")
    if any(one.reaching(ceiling) for one in curves for ceiling in CEILINGS):
        notes.append("Shares: while computing, without transfers.")
    if any(one.reaching(ARITHMETIC) for one in curves):
        notes.append(
            "Multiply-adds are counted by each method's formula: a share may exceed 100 %."
        )
    return notes
