"""What a run answers, in a sentence or two."""

from __future__ import annotations

from collections.abc import Sequence

from blurbench.analysis.crossing import find_crossovers
from blurbench.analysis.verdicts import verdicts
from blurbench.records.advice import advice_text
from blurbench.records.findings import Findings
from blurbench.records.gpu_pays import gpu_pays
from blurbench.records.journal import Log
from blurbench.report.gpu_answer import gpu_lines
from blurbench.report.image_sizes import image_size_lines
from blurbench.report.sweep import by_image

CHANNELS = {1: "grey", 3: "RGB", 4: "RGBA"}


def answers(log: Log) -> list[str]:
    """For each image which implementation to use at which size, and where FFT and a GPU pay."""
    return [
        *(_answer(picture, points) for picture, points in by_image(log)),
        *image_size_lines(log),
    ]


def _answer(picture: str, points: Sequence[Findings]) -> str:
    point = points[0].point
    channels = CHANNELS.get(point.channels, f"{point.channels} channels")
    where = f"For {picture} {channels} {point.dtype}, end to end"
    found = gpu_pays(points[0].rows()) if len(points) == 1 else None
    more = gpu_lines(found)[1:] if found is not None else []  # the first is the verdict on the GPU
    said = verdicts(find_crossovers(points))
    return " ".join([f"{where}: {advice_text(points)}.", *said, *more])
