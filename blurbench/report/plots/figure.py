"""Runs as one picture: times and ratios over kernel size, and who wins where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from blurbench.errors import InputError
from blurbench.records.journal import Log
from blurbench.report.plots.best import NOTE, draw_bests, names_of, scale_bests
from blurbench.report.plots.caption import caption_of
from blurbench.report.plots.data import CEILINGS, Column, WinnerMap, columns_of, winner_map
from blurbench.report.plots.labels import LINE, brackets_height, gutter
from blurbench.report.plots.map import draw_map, map_key
from blurbench.report.plots.panels import (
    HEADERS,
    HEADING_RISE,
    TABLE_GAP,
    draw_intervals,
    draw_ratios,
    draw_times,
    interval_rows,
    scale_ratios,
    scale_times,
    table_widths,
    time_values,
)
from blurbench.report.plots.shares import (
    HEADINGS,
    bounds_of,
    draw_key,
    draw_shares,
    scale_shares,
)
from blurbench.report.plots.style import (
    DPI,
    FAINT,
    SIZE,
    SMALL,
    Looks,
    fitted,
    plain,
    style,
    width_of,
)
from blurbench.report.sweep import by_image
from blurbench.report.units import plural

MARGIN = 0.2  # all lengths are inches
TICKS_LEFT = 0.75
WIDTHS = {1: 6.0, 2: 4.2, 3: 3.5}
NARROWEST = 3.2
TIMES, RATIOS, SHARES, MAP_ROW, INTERVAL_ROW = 3.7, 1.7, 1.7, 0.42, 0.3
HEADING, TICKS, AXIS_NAME, KEY = 0.3, 0.3, 0.2, 0.2
CAPTION_LINE = 0.16
BETWEEN = 0.15
UNDATED = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}


@dataclass
class Slot:
    """Where a column stands: its plots begin at `left`."""

    column: Column
    left: float
    width: float
    right_pad: float


@dataclass
class Sheet:
    """A figure that is filled from its top."""

    figure: Figure
    width: float
    height: float
    top: float = MARGIN

    def axes(self, left: float, width: float, height: float) -> Axes:
        """Whose upper edge is where the sheet is filled to."""
        bottom = self.height - self.top - height
        box = (
            left / self.width,
            bottom / self.height,
            width / self.width,
            height / self.height,
        )
        return self.figure.add_axes(box)

    def write(self, left: float, text: str, size: float, colour: str, bold: bool = False) -> None:
        """One line, standing `LINE` below where the sheet is filled to."""
        self.figure.text(
            left / self.width,
            1 - (self.top + LINE) / self.height,
            text,
            fontsize=size,
            fontweight="bold" if bold else "normal",
            color=colour,
            va="baseline",
            parse_math=False,
        )


def draw(logs: Sequence[Log], everything: bool = False, selection: str = "") -> Figure:
    """A column for each run, or for each image of a single run.

    Args:
        logs: each with something measured.
        everything: whether to draw more than the best of each group and the map of winners.
        selection: what was chosen to be drawn of the runs, in words; empty where it is all.
    """
    with style():
        return _draw(columns_of(logs), logs, everything, selection)


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, SVG or PDF, by the ending of the name.

    The same figure gives the same bytes.

    Raises:
        InputError: the file cannot be written.
    """
    try:
        with style():
            figure.savefig(path, dpi=DPI, metadata=UNDATED.get(path.suffix.lower()))
    except OSError as error:
        raise InputError(f"picture {path} cannot be written: {error.strerror or error}") from None


def _draw(
    columns: Sequence[Column], logs: Sequence[Log], everything: bool, selection: str
) -> Figure:
    looks = Looks.of(one.name for log in logs for one in log.run.declared)
    slots = _slots_of(columns, _ticks_width(logs), everything)
    width = slots[-1].left + slots[-1].width + slots[-1].right_pad + MARGIN
    titles = [_titles(slot, number, logs) for number, slot in enumerate(slots, 1)]
    curves = [slot for slot in slots if not slot.column.is_single]
    rest = curves if everything else []
    with_ratios = any(slot.column.ratios for slot in rest)
    ceilings = [one for one in CEILINGS if any(slot.column.reaching(one) for slot in rest)]
    bounds = bounds_of([one.column for one in rest])
    maps = _maps(slots, logs)
    caption = caption_of(columns, logs, everything, selection, width - 2 * MARGIN)

    there = [
        replace(slot, column=slot.column.without_transfers)
        for slot in rest
        if slot.column.without_transfers
    ]

    bests = max([TIMES, *(LINE * (len(names_of(one.column)) + 1) + NOTE for one in curves)])
    times = max([TIMES, *(_room_for_names(slot.column) for slot in (*rest, *there))])
    ratios = max([RATIOS, *(LINE * (len(slot.column.ratios) + 1) for slot in rest)])
    panels = [HEADING + bests + TICKS] * bool(curves)
    panels += [HEADING + times + TICKS] * (bool(rest) + bool(there))
    if with_ratios:
        panels.append(HEADING + ratios + TICKS)
    panels += [HEADING + _shares_height(rest, one) + TICKS for one in ceilings]
    if bounds:
        panels.append(KEY)
    singles = [HEADING + _intervals_height(one) + TICKS for one in columns if one.is_single]
    panels = [*panels, AXIS_NAME] if curves else []
    upper = max(sum(panels), *singles, 0.0)
    lower = max((_map_height(*one) for one in maps), default=0.0)
    height = 2 * MARGIN + len(titles[0]) * (LINE + 0.05) + upper + lower + BETWEEN
    height += CAPTION_LINE * len(caption) + (BETWEEN if maps else 0.0)

    sheet = Sheet(Figure((width, height), dpi=DPI), width, height)
    FigureCanvasAgg(sheet.figure)
    _write_titles(sheet, slots, titles)
    below = sheet.top + upper + (BETWEEN if maps else 0.0)
    _draw_singles(sheet, slots, looks)
    if curves:
        _draw_bests(sheet, curves, bests)
    if rest:
        _draw_times(sheet, rest, looks, times, "end to end")
    if there:
        _draw_times(sheet, there, looks, times, "on its device already, without transfers")
    if with_ratios:
        _draw_ratios(sheet, rest, looks, ratios)
    for number, ceiling in enumerate(ceilings):
        _draw_shares(sheet, rest, ceiling, looks, bounds if number == 0 else [])
    if curves:
        sheet.write(curves[0].left, "kernel size in pixels", SIZE, FAINT)
    sheet.top = below
    for slot, found in maps:
        _draw_map(sheet, slot, found, looks)
    sheet.top = below + lower + BETWEEN
    for line in caption:
        sheet.write(MARGIN, line, SMALL, FAINT)
        sheet.top += CAPTION_LINE
    return sheet.figure


def _room_for_names(column: Column) -> float:
    """The inches that the names of the curves take, and the brackets below them."""
    return LINE * (len(column.curves) + 1) + brackets_height(len(column.brackets))


def _ticks_width(logs: Sequence[Log]) -> float:
    """Room to the left of the first column: for times, and for the rows of the map."""
    extents = [extent for log in logs for extent, _ in by_image(log)]
    return max([TICKS_LEFT, *(width_of(one) + 0.12 for one in extents)])


def _slots_of(columns: Sequence[Column], ticks_width: float, everything: bool) -> list[Slot]:
    """The slots of the columns, from left to right; each has room for its names at the right."""
    width = WIDTHS.get(len(columns), NARROWEST)
    slots: list[Slot] = []
    left = MARGIN
    for number, column in enumerate(columns):
        if column.is_single:
            rows = interval_rows(column)
            name_width, *table = table_widths(rows)
            left += name_width + BETWEEN
            right_pad = sum(table) + TABLE_GAP * len(HEADERS)
            own = width if len(columns) > 1 else 3.6
        else:
            left += ticks_width if number == 0 or columns[number - 1].is_single else BETWEEN
            names = names_of(column) + [one.label for one in column.curves if everything]
            right_pad, own = gutter([plain(one) for one in names]), width
        slots.append(Slot(column, left, own, right_pad))
        left += own + right_pad
    return slots


def _titles(slot: Slot, number: int, logs: Sequence[Log]) -> list[str]:
    """One line, or two where several runs stand side by side."""
    run = slot.column.log.run
    point = slot.column.points[0].point
    extent = f"{point.width}x{point.height}"
    image = plain(point.image)
    room = slot.width + slot.right_pad - BETWEEN
    image = fitted(image, room - width_of(f", {extent}", SIZE + 1, True), SIZE + 1, True)
    first = f"{image}, {extent}"
    if slot.column.is_single:
        first += f", kernel {point.size}x{point.size}"
    if len(logs) == 1:
        return [first]
    machine = run.about["machine"]
    what = plain(
        "; ".join([f"{machine['cpu']}, {plural(machine['usable_cpus'], 'CPU')}", *machine["gpus"]])
    )
    return [fitted(f"[{number}] {what}", room, SIZE + 1, True), first]


def _write_titles(sheet: Sheet, slots: Sequence[Slot], titles: Sequence[Sequence[str]]) -> None:
    for number in range(len(titles[0])):
        for slot, lines in zip(slots, titles, strict=True):
            sheet.write(slot.left, lines[number], SIZE + 1, "black", bold=number == 0)
        sheet.top += LINE + 0.05


def _heading(sheet: Sheet, left: float, text: str) -> None:
    sheet.top += HEADING - LINE - HEADING_RISE
    sheet.write(left, text, SIZE, FAINT)
    sheet.top += LINE + HEADING_RISE


def _sizes(slots: Sequence[Slot]) -> list[int]:
    return sorted({one.point.size for slot in slots for one in slot.column.points})


def _draw_bests(sheet: Sheet, slots: Sequence[Slot], height: float) -> None:
    _heading(
        sheet,
        slots[0].left,
        "time of one image, end to end; thick: the best of each kind; grey: all",
    )
    for slot in slots:
        axes = sheet.axes(slot.left, slot.width, height)
        scale_bests(axes, [one.column for one in slots])
        axes.tick_params(axis="y", labelleft=slot is slots[0])
        draw_bests(axes, slot.column, _sizes(slots))
    sheet.top += height + TICKS


def _draw_times(
    sheet: Sheet, slots: Sequence[Slot], looks: Looks, height: float, what: str
) -> None:
    _heading(sheet, slots[0].left, f"time of one image, {what}; band: 95 % interval")
    most = max(len(slot.column.brackets) for slot in slots)
    for slot in slots:
        axes = sheet.axes(slot.left, slot.width, height)
        scale_times(axes, [one.column for one in slots], most)
        axes.tick_params(axis="y", labelleft=slot is slots[0])
        draw_times(axes, slot.column, looks, _sizes(slots), slot.right_pad)
    sheet.top += height + TICKS


def _draw_ratios(sheet: Sheet, slots: Sequence[Slot], looks: Looks, height: float) -> None:
    _heading(
        sheet, slots[0].left, "time of separable / time of FFT, paired; above 1x FFT is faster"
    )
    for slot in slots:
        axes = sheet.axes(slot.left, slot.width, height)
        scale_ratios(axes, [one.column for one in slots])
        axes.tick_params(axis="y", labelleft=slot is slots[0])
        draw_ratios(axes, slot.column, looks, _sizes(slots))
    sheet.top += height + TICKS


def _shares_height(slots: Sequence[Slot], ceiling: str) -> float:
    return max(SHARES, *(LINE * (len(one.column.reaching(ceiling)) + 1) for one in slots))


def _draw_shares(
    sheet: Sheet,
    slots: Sequence[Slot],
    ceiling: str,
    looks: Looks,
    bounds: Sequence[str],
) -> None:
    """Draw the shares in the columns whose runs know any; above is the key of the bounds."""
    marks = "; markers: the bound" if bounds else ""
    reaching = [slot for slot in slots if slot.column.reaching(ceiling)]
    _heading(sheet, reaching[0].left, HEADINGS[ceiling] + marks)
    sheet.top += KEY if bounds else 0.0
    height = _shares_height(slots, ceiling)
    for slot in reaching:
        axes = sheet.axes(slot.left, slot.width, height)
        scale_shares(axes, [one.column for one in reaching], ceiling)
        axes.tick_params(axis="y", labelleft=slot is reaching[0])
        draw_shares(axes, slot.column, ceiling, looks, _sizes(slots))
        if bounds and slot is reaching[0]:
            draw_key(axes, bounds)
    sheet.top += height + TICKS


def _intervals_height(column: Column) -> float:
    return INTERVAL_ROW * (len(interval_rows(column)) + 0.2)


def _draw_singles(sheet: Sheet, slots: Sequence[Slot], looks: Looks) -> None:
    """Beside the other panels, or all there is."""
    singles = [slot for slot in slots if slot.column.is_single]
    top = sheet.top
    for slot in singles:
        sheet.top = top
        _heading(sheet, slot.left, "time, end to end, and its 95 % interval")
        axes = sheet.axes(slot.left, slot.width, _intervals_height(slot.column))
        draw_intervals(axes, slot.column, looks, time_values([one.column for one in singles]))
    sheet.top = top


def _maps(slots: Sequence[Slot], logs: Sequence[Log]) -> list[tuple[Slot, WinnerMap]]:
    """The maps of winners, each below the columns of its run and as wide."""
    found = []
    for log in logs:
        own = [slot for slot in slots if slot.column.log is log]
        winners = winner_map(log)
        if winners is not None:
            last = own[-1]
            width = last.left + last.width - own[0].left
            found.append((Slot(last.column, own[0].left, width, last.right_pad), winners))
    return found


def _map_height(slot: Slot, found: WinnerMap) -> float:
    key = LINE if map_key(found, slot.width) else 0.0
    return HEADING + MAP_ROW * len(found.extents) + TICKS + AXIS_NAME + key


def _draw_map(sheet: Sheet, slot: Slot, found: WinnerMap, looks: Looks) -> None:
    top = sheet.top
    _heading(sheet, slot.left, "fastest, by image and kernel size; hatched, ?: not proven")
    height = MAP_ROW * len(found.extents)
    draw_map(sheet.axes(slot.left, slot.width, height), found, looks)
    sheet.top += height + TICKS
    key = map_key(found, slot.width)
    sheet.write(slot.left, "kernel size in pixels", SIZE, FAINT)
    sheet.top += LINE
    sheet.write(slot.left, fitted(key, slot.width + slot.right_pad, SMALL), SMALL, FAINT)
    sheet.top = top
