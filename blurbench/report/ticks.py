"""Round numbers along an axis, whatever draws it."""

from __future__ import annotations

import math

from blurbench.report.units import brief_duration

STEPS = ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7), (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8))


def log_ticks(low: float, high: float, least: int = 3, most: int = 8) -> list[float]:
    """Round numbers within a range: `least` of them where they are not more than `most`."""
    ticks: list[float] = []
    powers = range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 1)
    for steps in STEPS:
        every = [float(f"{step}e{power}") for power in powers for step in steps]
        found = [one for one in every if low <= one <= high]
        if len(found) > most and ticks:
            break
        ticks = found[:: math.ceil(len(found) / most) or 1]
        if len(ticks) >= least:
            break
    return ticks


def tick_text(seconds: float) -> str:
    """`10 ms`: as few digits as a round number needs."""
    number, unit = brief_duration(seconds).split()
    return f"{float(number):g} {unit}"
