"""What a run answers, in a sentence or two."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from blurbench.records.findings import RANKING_SCOPE, Findings, Lead
from blurbench.records.journal import Log
from blurbench.report.show import by_image
from blurbench.study.crossing import find_crossovers

CHANNELS = {1: "grey", 3: "RGB", 4: "RGBA"}


def answers(log: Log) -> list[str]:
    """For each image: which implementation to use at which kernel size, and where FFT overtakes."""
    return [_answer(picture, points) for picture, points in by_image(log)]


def _answer(picture: str, points: Sequence[Findings]) -> str:
    point = points[0].point
    channels = CHANNELS.get(point.channels, f"{point.channels} channels")
    where = f"For {picture} {channels} {point.dtype}, end to end"
    led = [(one.point.size, lead) for one in points if (lead := one.lead()) is not None]
    if not led:
        return f"{where}: nothing could be ranked."
    spells = [list(own) for _, own in groupby(led, key=lambda pair: pair[1].first.name)]
    texts = [_spell(own, n == 0, n == len(spells) - 1) for n, own in enumerate(spells)]
    overtaken = [
        one.answer
        for one in find_crossovers(points)
        if one.scope == RANKING_SCOPE
        and one.ordering.changes
        and (one.first.partition(":")[2], one.second.partition(":")[2]) == ("separable", "fft")
    ]
    return ". ".join([f"{where}: {'; '.join(texts)}", *overtaken]) + "."


def _spell(own: Sequence[tuple[int, Lead]], first: bool, last: bool) -> str:
    """Neighbouring sizes with the same winner."""
    sizes = [size for size, _ in own]
    low, high = (f"{size}x{size}" for size in (sizes[0], sizes[-1]))
    where = f"at {low}" if len(sizes) == 1 else f"from {low} to {high}"
    if first and not last:
        where = f"up to {high}"
    elif last and not first:
        where = f"from {low} on"
    doubtful = [str(size) for size, lead in own if not lead.proven]
    doubt = f" (not proven at {', '.join(doubtful)})" if doubtful else ""
    return f"{where} use {own[0][1].first.name}{doubt}"
