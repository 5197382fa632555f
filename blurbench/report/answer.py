"""What a point answers, in the last lines of a comparison: the sentence, the call, FFT, GPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from blurbench.inspect.equivalents import native_call
from blurbench.kernel import GaussianKernel, make_kernel
from blurbench.measure.judge import FASTEST_HERE, TIED
from blurbench.measure.stats import Estimate
from blurbench.names import FFT, SEPARABLE, YOURS
from blurbench.records.gpu_pays import gpu_pays
from blurbench.records.kinds import SOFTWARE
from blurbench.records.lead import (
    best_of,
    lead_of,
    ranked_rows,
    ratio_between,
    ratio_to_leader,
)
from blurbench.records.summary import Row
from blurbench.report.gpu_answer import gpu_lines
from blurbench.report.units import brief_duration, digits, either, is_vast, ratio

CLOSE = 1.5  # times the fastest: a library that is within it is worth its own call


def sentence(rows: Sequence[Row], same: float) -> str:
    """One sentence that a person can quote; it names its scope."""
    lead = lead_of(rows)
    if lead is None:
        return "Nothing could be ranked."
    best, second = lead.first, lead.second
    where = f"end to end, at {_extent(best)}"
    if second is None:
        return f"{best.label} took {brief_duration(best.end_to_end_median_s)}, {where}."
    if lead.claim == TIED:
        both = f"{best.label} and {second.label}"
        return f"{both} ran equally fast (within {100 * same:g} %), {where}."
    if lead.proven:
        here = " in this run" if lead.claim == FASTEST_HERE else ""
        return f"{best.label} ran {_times(lead.ratio)} faster than {second.label}{here}, {where}."
    seen = ratio(lead.ratio.value, lead.ratio.low, lead.ratio.high)
    return (
        f"{best.label} is likely the fastest; not proven: {second.label} took {seen} its time, "
        f"{where}."
    )


def code_line(rows: Sequence[Row]) -> str | None:
    """The call that uses the winner, in the type of the pixels that it is given.

    Of a person's own blur its name and the taps, for how it is called that person knows.
    """
    lead = lead_of(rows)
    if lead is None:
        return None
    key = lead.first.key
    arguments: list[tuple[str, Any]] = [("size", key.size)]
    if key.sigma != GaussianKernel.from_size(key.size, allow_even=True).sigma:
        arguments.append(("sigma", key.sigma))
    if key.size % 2 == 0:
        arguments.append(("allow_even", True))
    if lead.first.origin == YOURS:
        taps = f"blurbench.GaussianKernel.from_size({_written(arguments)}).taps"
        return f"{lead.first.backend}.{lead.first.method}  # yours, with {taps}"
    if key.border != "reflect":
        arguments.append(("border", key.border))
    if key.border == "constant":
        arguments.append(("cval", key.cval))
    arguments += [("backend", lead.first.backend), ("method", lead.first.method)]
    return f"blurbench.gaussian_blur(img, {_written(arguments)})"


def _written(arguments: Sequence[tuple[str, Any]]) -> str:
    """As they stand in a call."""
    return ", ".join(
        f'{name}="{value}"' if isinstance(value, str) else f"{name}={value!r}"
        for name, value in arguments
    )


def native_line(rows: Sequence[Row]) -> str | None:
    """The own call of the best library, where one wins or comes close.

    It does the same as its row only on pixels of the type that was timed, and integer ones the
    libraries round in their own ways.
    """
    for row in ranked_rows(rows):
        key = row.key
        if ratio_to_leader(row).value > CLOSE:
            return None
        call = native_call(
            row.backend, row.method, _kernel(row), key.border, key.cval, color=key.channels > 1
        )
        if call is not None and key.dtype in ("float32", "float64"):
            return f"{call}  # {key.dtype}"
    return None


def answer_lines(rows: Sequence[Row]) -> list[str]:
    """Whether FFT pays, best against best, and whether a GPU does; software is none."""
    separable, transform = _best_two(rows)
    lines = []
    if separable is not None and transform is not None:
        found, where = ratio_between(separable, transform), _extent(separable)
        says = either(found, f"FFT does not pay at {where}", f"FFT pays at {where}")
        times = f"{digits(found.value)}x the best separable"
        lines.append(f"{says}: its best, {transform.label}, takes {times}.")
    found_of_gpu = gpu_pays(rows)
    return lines if found_of_gpu is None else [*lines, *gpu_lines(found_of_gpu)]


def spoken_of(rows: Sequence[Row]) -> set[str]:
    """The names of the rows that the last lines speak of."""
    lead, pays = lead_of(rows), gpu_pays(rows)
    spoken = [*_best_two(rows)]
    if lead is not None:
        spoken += [lead.first, lead.second]
    if pays is not None:
        spoken += [pays.cpu, pays.gpu, pays.there.row if pays.there else None]
    return {row.name for row in spoken if row is not None}


def _best_two(rows: Sequence[Row]) -> tuple[Row | None, Row | None]:
    """The best separable blur and the best transform; software is neither."""
    real = [row for row in rows if row.kind != SOFTWARE]
    return (
        best_of(real, lambda row: row.group == SEPARABLE),
        best_of(real, lambda row: row.group == FFT),
    )


def _kernel(row: Row) -> GaussianKernel:
    return make_kernel(row.key.sigma, row.key.size, allow_even=True)


def _extent(row: Row) -> str:
    return f"{row.key.size}x{row.key.size}"


def _times(found: Estimate) -> str:
    if found.low is None or found.high is None or is_vast(found.low, found.high):
        return f"{digits(found.value)}x"
    return f"{digits(found.value)}x ({digits(found.low)} to {digits(found.high)})"
