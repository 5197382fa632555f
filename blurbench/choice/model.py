"""What a blur takes, from a few figures of each, and which is the fastest.

Nothing but the cost of a transform is imported, of this package's or any other's: `blurbench tune
--policy` writes both files out, with the figures of a machine behind them, for use elsewhere.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from blurbench.methods.transform import line_cost, padded_cost

TERMS = ("launch_s", "line_s", "sample_s", "beyond_s", "work_s")
CONSTANT = ("box", "extended_box", "deriche", "vyv")  # cost, whatever the kernel
ITEM_BYTES = {"uint8": 1, "uint16": 2, "float16": 2, "float32": 4, "float64": 8}


class Case(NamedTuple):
    """A blur that something is to be chosen for: image, kernel, and threads that may be used.

    Of the threads, the figures of the nearest number that was measured decide.
    """

    height: int
    width: int
    channels: int
    dtype: str
    size: int
    sigma: float
    border: str
    threads: int


def ranking(
    table: dict[str, Any],
    case: Case,
    backend: str = "auto",
    method: str = "auto",
    tolerance: float | None = None,
    place: str = "host",
) -> list[tuple[float, str]]:
    """Seconds that each implementation is expected to take, and its name, fastest first.

    Args:
        table: as `blurbench tune` writes it.
        backend, method: `auto`, or the only one that may be chosen.
        tolerance: the error, of the largest value, up to which approximations compete.
        place: of the image: `host`, so that copies to a device count, or `device`.
    """
    height, width, channels, dtype, size, sigma, border, threads = case
    found = []
    for cost in costs_for(table, dtype, size, border, place, threads):
        if backend not in ("auto", cost["backend"]) or method not in ("auto", cost["method"]):
            continue
        if not cost["exact"]:
            error = approximation_error(table["errors"].get(cost["method"], ()), size, sigma)
            if tolerance is None or error > tolerance:
                continue
        terms = terms_of(
            cost["method"], height, width, channels, ITEM_BYTES[dtype], size, table["cache_bytes"]
        )
        seconds = sum(cost[name] * term for name, term in zip(TERMS, terms, strict=True))
        found.append((seconds, cost["backend"] + ":" + cost["method"]))
    return sorted(found)


def costs_for(
    table: dict[str, Any], dtype: str, size: int, border: str, place: str, threads: int
) -> list[dict[str, Any]]:
    """The costs of what can do it, on the number of threads that is nearest by its ratio."""
    half = dtype == "float16"
    able = [
        cost
        for cost in table["costs"]
        if cost["dtype"] == ("float32" if half else dtype)  # it is blurred in float32
        and cost["place"] == place
        and border in cost["borders"]
        and (size % 2 or cost["even"])
        and (cost["half"] or not half)
    ]
    numbers = {cost["threads"] for cost in able}
    nearest = min(numbers, key=lambda number: abs(math.log(number / threads)), default=0)
    return [cost for cost in able if cost["threads"] == nearest]


def terms_of(
    method: str,
    height: int,
    width: int,
    channels: int,
    item_bytes: int,
    size: int,
    cache_bytes: float,
) -> tuple[float, float, float, float, float]:
    """What each figure of a cost is multiplied with.

    One call; its rows and columns; its samples; those beyond the cache; and what the method is
    about: multiply-adds, or transforms of lines as long as they are padded to.
    """
    samples = height * width * channels
    beyond = max(0.0, samples - cache_bytes / item_bytes)
    return 1.0, height + width, samples, beyond, _work(method, height, width, channels, size)


def _work(method: str, height: int, width: int, channels: int, size: int) -> float:
    if method == "direct":
        return height * width * channels * size**2
    if method == "fft":
        tall, wide = (padded_cost(n + size - 1) for n in (height, width))
    elif method == "dct":
        tall, wide = line_cost(height), line_cost(width)
    elif method in CONSTANT:
        return 0.0
    elif method == "multirate":  # a part of the samples, the fewer the larger the kernel
        return height * width * channels / size
    else:  # taps are added along rows and columns, as far as is known
        return height * width * channels * size
    return channels * (width * tall + height * wide)


def approximation_error(errors: list[list[float]], size: int, sigma: float) -> float:
    """At most, of the largest value: measured near this sigma, and what the kernel leaves out.

    Args:
        errors: sigma and error of a line, sorted.
    """
    above = [error for known, error in errors if known >= sigma][:1]
    below = [error for known, error in errors if known <= sigma][-1:]
    if not above or not below:
        return math.inf
    cut = 2 * math.erfc(size / (2 * sigma * math.sqrt(2)))
    return 2 * max(above + below) + cut
