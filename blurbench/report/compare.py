"""A comparison on the terminal: header, table, and the sentence to quote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from blurbench.measure.judge import Result
from blurbench.plan import Problem
from blurbench.records.summary import Row
from blurbench.report.console import is_wide, say, say_missing
from blurbench.report.rows import show_on_device, show_ranking, show_transfers
from blurbench.report.units import MISSING, brief_duration, count_bytes, digits, plural, ratio
from blurbench.study.answer import Answer


def header_lines(name: str, problem: Problem, cache: str) -> list[str]:
    """What is measured, in two lines."""
    kernel = problem.kernel
    border = problem.border
    if border == "constant":
        border += f" {problem.cval:g}"
    shape = f"{problem.width}x{problem.height}"
    if len(problem.shape) == 3:
        shape += f"x{problem.channels}"
    return [
        f"{name}: {shape} {problem.dtype.name}, {count_bytes(problem.image_bytes)}",
        f"Gaussian {kernel.size}x{kernel.size}, sigma {kernel.sigma:.4g}; border {border}; "
        f"{plural(problem.threads, 'thread')}; cache {cache}",
    ]


def show_answer(console: Console, answer: Answer) -> None:
    """The table, who could not run and why, the verdict and the code that uses it."""
    show_rows(console, answer.rows, answer.on_device, answer.unavailable)
    for line in conclusions(answer):
        say(console, line)
    code = code_line(answer)
    if code:
        say(console, f"\n{sentence(answer)}", "bold")
        say(console, f"  {code}", "cyan")


def show_answers(console: Console, answers: Sequence[Answer]) -> None:
    """Each below its image, if there are several."""
    for number, answer in enumerate(answers):
        if len(answers) > 1:
            title, *_ = header_lines(answer.image.name, answer.problem, answer.options.cache)
            say(console, f"\n{title}" if number else title, "bold")
        show_answer(console, answer)


def show_rows(
    console: Console, rows: list[Row], on_device: Result | None, unavailable: Mapping[str, str]
) -> None:
    """The table of one point, and why rows are not in the running."""
    ran = [row for row in rows if row.status != "unavailable"]
    if ran:
        show_ranking(console, ran)
        if on_device is not None:
            there = [row for row in ran if row.name in on_device.standings]
            say(console, "\nData already on the device (compute):", "bold")
            show_on_device(console, there, on_device)
            if is_wide(console):
                say(console, "\nThere and back, an image:", "bold")
                show_transfers(console, there)
        console.print()
    for row in ran:
        if row.reason:
            say(console, f"{row.name}: {row.reason}.")
        if row.throttled_samples:
            taken = plural(row.throttled_samples, "sample")
            say(console, f"{row.name}: {taken} taken while the device was slowed down.")
    say_missing(console, unavailable)


def show_risks(console: Console, answers: Sequence[Answer]) -> None:
    """What put the figures at risk."""
    for risk in dict.fromkeys(risk for answer in answers for risk in answer.risks):
        say(console, f"Warning: {risk}.", "yellow")


def conclusions(answer: Answer) -> list[str]:
    """What else one must know to read the table."""
    lines = []
    if answer.difference is not None:
        lines.append(
            f"Largest difference between separable and direct: {answer.difference:.2g} "
            f"(pixel values up to {answer.image.pixels.max():.4g})."
        )
    if answer.control_failure is not None:
        lines.append(f"No control could run: {answer.control_failure}.")
    lines += control_lines(answer.race)
    lines += control_lines(answer.on_device, " on the device")
    lines += _process_lines(answer.rows)
    widest = _resolution(answer)
    if widest is not None:
        lines.append(
            f"Undecided: this run resolves differences of about {100 * widest:.0f} % there; "
            "a longer --budget resolves less."
        )
    return lines


def control_lines(race: Result | None, where: str = "") -> list[str]:
    """What the control of a race says of the noise."""
    if race is None or race.control is None:
        return []
    found = race.control.ratio
    if found.low is None or found.high is None:
        return [
            f"After {plural(race.rounds, 'round')}{where} no interval exists yet: "
            "16 rounds are the least (a longer --budget allows more)."
        ]
    if race.control_passed:
        return [
            f"Control: {race.reference} against itself {ratio(found.value, found.low, found.high)} "
            f"in {plural(race.control.rounds, 'round')}{where}."
        ]
    return [
        f"Control failed{where}: {race.reference} differs from itself, "
        f"{ratio(found.value, found.low, found.high)}. Verdicts are withheld: below "
        f"{100 * (race.noise_floor or 0):.0f} % nothing is told apart here. Measure again."
    ]


def _process_lines(rows: list[Row]) -> list[str]:
    spreads = [row.process_spread for row in rows if row.process_spread is not None]
    if not spreads:
        return []
    processes = max(row.processes for row in rows)
    return [
        f"Between {processes} processes the medians of one row differ by up to "
        f"{100 * max(spreads):.2g} %."
    ]


def _resolution(answer: Answer) -> float | None:
    """Half the width of the widest undecided interval."""
    widths = [
        (row.ratio_ci95_high / row.ratio_ci95_low) ** 0.5 - 1
        for row in answer.rows
        if row.verdict == "undecided" and row.ratio_ci95_low and row.ratio_ci95_high
    ]
    return max(widths, default=None)


def winner(answer: Answer) -> Row | None:
    """The row to recommend: the one that overtook the pilot's best, or that best."""
    ranked = [row for row in answer.rows if row.may_win and row.ratio_to_fastest]
    by_ratio = sorted(ranked, key=lambda row: row.ratio_to_fastest or 0.0)
    faster = [row for row in by_ratio if row.verdict == "faster"]
    first = [row for row in by_ratio if row.verdict in ("fastest", "withheld")]
    return next(iter(faster + first), None)


def sentence(answer: Answer) -> str:
    """One sentence that a person can quote; it names its scope."""
    best = winner(answer)
    if best is None:
        return "Nothing could be ranked."
    where = f"end to end, at {best.key.size}x{best.key.size}"
    others = [
        row
        for row in answer.rows
        if row is not best and row.may_win and row.ratio_to_fastest is not None
    ]
    if not others:
        took = brief_duration(best.end_to_end_median_s)
        return f"{best.name} took {took}, {where}."
    if best.verdict == "withheld":
        return f"No winner is named: the control failed, {where}."
    if best.verdict == "faster" and answer.race is not None:
        # It was measured against the reference, which it overtook.
        times = _inverse(best.ratio_to_fastest, best.ratio_ci95_high, best.ratio_ci95_low)
        return _ran_faster(best, answer.race.reference, times, where)
    second = min(others, key=lambda row: row.ratio_to_fastest or 0.0)
    times = (second.ratio_to_fastest, second.ratio_ci95_low, second.ratio_ci95_high)
    if second.verdict == "same":
        within = 100 * answer.options.same
        return f"{best.name} and {second.name} ran equally fast (within {within:g} %), {where}."
    if second.verdict == "slower":
        return _ran_faster(best, second.name, times, where)
    return (
        f"Not proven: {best.name} seems the fastest; {second.name} took "
        f"{ratio(*times)} its time, {where}."
    )


Times = tuple[float | None, float | None, float | None]  # a ratio and its interval


def _inverse(*ratios: float | None) -> Times:
    value, low, high = (None if one is None else 1 / one for one in ratios)
    return value, low, high


def _ran_faster(best: Row, other: str, times: Times, where: str) -> str:
    value, low, high = (MISSING if one is None else digits(one) for one in times)
    return f"{best.name} ran {value}x ({low} to {high}) faster than {other}, {where}."


def code_line(answer: Answer) -> str | None:
    """The call that uses the winner."""
    best = winner(answer)
    if best is None:
        return None
    kernel = answer.problem.kernel
    arguments: list[tuple[str, Any]] = [("size", kernel.size)]
    if kernel.sigma != type(kernel).from_size(kernel.size, allow_even=True).sigma:
        arguments.append(("sigma", kernel.sigma))
    if kernel.even:
        arguments.append(("allow_even", True))
    if best.key.border != "reflect":
        arguments.append(("border", best.key.border))
    if best.key.border == "constant":
        arguments.append(("cval", best.key.cval))
    arguments += [("backend", best.backend), ("method", best.method)]
    if answer.problem.dtype != answer.image.pixels.dtype:
        arguments.append(("dtype", answer.problem.dtype.name))
    shown = ", ".join(
        f'{name}="{value}"' if isinstance(value, str) else f"{name}={value!r}"
        for name, value in arguments
    )
    return f"blurbench.gaussian_blur(img, {shown})"
