"""What a run answers, in a sentence or two."""

from __future__ import annotations

from collections.abc import Sequence

from blurbench.records.advice import advice_text
from blurbench.records.findings import Findings
from blurbench.records.journal import Log
from blurbench.report.show import by_image
from blurbench.study.crossing import find_crossovers
from blurbench.study.verdicts import verdicts

CHANNELS = {1: "grey", 3: "RGB", 4: "RGBA"}


def answers(log: Log) -> list[str]:
    """For each image: which implementation to use at which kernel size, and where FFT overtakes."""
    return [_answer(picture, points) for picture, points in by_image(log)]


def _answer(picture: str, points: Sequence[Findings]) -> str:
    point = points[0].point
    channels = CHANNELS.get(point.channels, f"{point.channels} channels")
    where = f"For {picture} {channels} {point.dtype}, end to end"
    return " ".join([f"{where}: {advice_text(points)}.", *verdicts(find_crossovers(points))])
