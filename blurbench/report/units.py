"""Figures as people read them: three digits, a unit that suits, an interval beside."""

from __future__ import annotations

import math

from blurbench.measure.judge import FAR_TIMES, FEW_OFF
from blurbench.measure.stats import Estimate

MISSING = "-"
FAR = FAR_TIMES * FEW_OFF  # times, that a ratio of few runs does not come about by
VAST = 1000  # times the lower end of an interval
_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))


def duration(seconds: float | None, low: float | None = None, high: float | None = None) -> str:
    """`13.8 ms [13.6, 14.1]`; without an interval `13.8 ms`, missing `-`."""
    if seconds is None:
        return MISSING
    scale, unit = next(((scale, unit) for scale, unit in _UNITS if seconds >= scale), _UNITS[-1])
    return f"{digits(seconds / scale)} {unit} {interval(low, high, scale)}".rstrip()


def brief_duration(seconds: float | None) -> str:
    """`13.8 ms`, or `-` where there is none."""
    return duration(seconds)


def minutes(seconds: float) -> str:
    """`12 s`, `3 min`, `1 h 20 min`."""
    if seconds < 90:
        return f"{max(0.0, seconds):.0f} s"
    whole = round(seconds / 60)
    return f"{whole} min" if whole < 90 else f"{whole // 60} h {whole % 60} min"


def ratio(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """`1.40x [1.28, 1.57]`; without an interval `1.40x`, missing `-`."""
    if value is None or not math.isfinite(value):
        return MISSING
    return f"{digits(value)}x {interval(low, high)}".rstrip()


def interval(low: float | None, high: float | None, scale: float = 1.0) -> str:
    """`[1.28, 1.57]`, or nothing for an interval that does not exist or tells nothing."""
    if low is None or high is None or is_vast(low, high):
        return ""
    return f"[{digits(low / scale)}, {digits(high / scale)}]"


def is_vast(low: float, high: float) -> bool:
    """Whether an interval is so wide that its ends tell nothing, as those of two processes are."""
    return high > VAST * low


def either(found: Estimate, slower: str, faster: str) -> str:
    """Which of two sentences a ratio says; with a doubt where interval or few runs hold both."""
    said = slower if found.value >= 1 else faster
    if found.low is None or found.high is None:
        doubtful = 1 / FAR < found.value < FAR
    else:
        doubtful = found.low <= 1 <= found.high
    return f"{said}, not proven" if doubtful else said


def digits(value: float) -> str:
    """Three significant digits, without an exponent below a million."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if abs(value) >= 1e6:
        return f"{value:.2e}"
    places = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{places}f}"


def rough(value: float) -> str:
    """Two significant digits, without an exponent below a million."""
    return f"{float(f'{value:.2g}'):g}"


def count_bytes(number: float) -> str:
    """`18.7 MB`, in powers of ten."""
    for scale, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if number >= scale:
            return f"{digits(number / scale)} {unit}"
    return f"{number:.0f} B"


def megapixels(pixels: float) -> str:
    """`0.26 MP`, or `2035 pixels` where there are few."""
    if pixels < 10_000:
        return f"{pixels:.0f} pixels"
    return f"{pixels / 1e6:.2g} MP" if pixels < 1e8 else f"{pixels / 1e6:.0f} MP"


def plural(number: int, noun: str) -> str:
    """`1 thread`, `2 threads`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
