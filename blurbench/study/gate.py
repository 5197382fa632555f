"""The gate: has a run become slower than a baseline, beyond what processes differ by anyway?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from scipy.stats import mannwhitneyu

from blurbench.measure.judge import Rounds
from blurbench.records.findings import RANKING_SCOPE, Findings
from blurbench.records.journal import Log, Run
from blurbench.records.machine import differences
from blurbench.study.yardstick import YARDSTICK

LEAST_PROCESSES = 5
ALPHA = 0.05
NOT_SLOWER, SLOWER, UNDECIDED, NOT_COMPARABLE = 0, 10, 11, 12

_MACHINE = ("cpu", "cpus", "caches", "memory_gib", "architecture", "gpus")


@dataclass(frozen=True)
class Ruling:
    """What the gate says: an exit code, and why, in sentences."""

    code: int
    reasons: tuple[str, ...]


def not_comparable(baseline: Run, run: Run) -> list[str]:
    """In what two runs differ so that their times cannot be held against each other."""
    there, here = baseline.about, run.about
    found = []
    if baseline.machine_id != run.machine_id:
        machines = ({name: one["machine"].get(name) for name in _MACHINE} for one in (there, here))
        found += differences(*machines) or ["another machine"]
    pixels = ("sha256", "height", "width", "channels")
    known, now = (
        [[one[name] for name in pixels] for one in each.images] for each in (baseline, run)
    )
    if known != now:
        before, after = (", ".join(one["path"] for one in each.images) for each in (baseline, run))
        found.append(f"image was {before} and is {after}")
    if there["image_sizes"] != here["image_sizes"]:
        found.append("image sizes are others")
    if there["kernels"] != here["kernels"]:
        found.append(f"kernel was {_kernels(there)} and is {_kernels(here)}")
    settings = ("border", "cval", "dtype", "cache")
    found += differences(
        *({name: one["options"][name] for name in settings} for one in (there, here))
    )
    if baseline.threads != run.threads:
        found.append(f"threads were {baseline.threads} and are {run.threads}")
    # blurbench itself may differ: whether it became slower is the question.
    versions = (
        {name: text for name, text in one["versions"].items() if name != "blurbench"}
        for one in (there, here)
    )
    return found + differences(*versions)


def _kernels(about: Mapping[str, Any]) -> str:
    sizes = [f"{one['size']} (sigma {one['sigma']:.4g})" for one in about["kernels"]]
    return sizes[0] if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}, {len(sizes)} sizes"


def rule(baseline: Log, now: Log, margin: float) -> Ruling:
    """Hold every cell that both runs timed against its baseline.

    Each process gives one figure a cell: its median over that of the yardstick in the same
    process. The figures of two runs are compared by the exact rank-sum test (Mann and Whitney
    1947), those of the baseline times 1 + margin: one cell proven slower, at its share of the
    error rate, is enough; not slower takes proof from every cell.
    """
    obstacles = not_comparable(baseline.run, now.run)
    if obstacles:
        return Ruling(NOT_COMPARABLE, tuple(f"not comparable: {one}" for one in obstacles))
    cells: dict[str, tuple[list[float], list[float]]] = {}
    lost, missing = [], []
    for title, before, findings, name in _pairs(baseline, now):
        row = next(row for row in findings.rows() if row.name == name)
        if row.status == "ok":
            cells[title] = (normalised(before, name), normalised(findings, name))
        elif row.status == "over_budget":
            missing.append(f"undecided: {title} was measured, and now is not: {row.reason}")
        else:
            lost.append(f"not comparable: {title} ran, and now is {row.status}: {row.reason}")
    if lost:
        return Ruling(NOT_COMPARABLE, tuple(lost))
    if not cells and not missing:
        return Ruling(NOT_COMPARABLE, ("not comparable: no cell was measured in both runs",))
    fewest = min(_processes(baseline), _processes(now))
    if fewest < LEAST_PROCESSES:
        return Ruling(
            UNDECIDED,
            (
                f"undecided: {fewest} of at least {LEAST_PROCESSES} processes: "
                f"give --processes {LEAST_PROCESSES} to this run and to the baseline",
            ),
        )
    return _rule(cells, missing, margin)


def _pairs(baseline: Log, now: Log) -> Iterator[tuple[str, Findings, Findings, str]]:
    """Each cell that the baseline timed and that was asked for again, with a title."""
    # The same images may have other names now.
    there, here = baseline.image_numbers, now.image_numbers
    known = {
        (there[point.image], replace(point, image="")): findings
        for point, findings in baseline.points.items()
    }
    for point, findings in now.points.items():
        before = known.get((here[point.image], replace(point, image="")))
        if before is None:
            continue
        for row in before.rows():
            if row.status == "ok" and any(row.name == one.name for one in findings.declared):
                where = f"{point.size}x{point.size} on {point.width}x{point.height}"
                where += f" of {point.image}" if len(here) > 1 else ""
                yield f"{row.name} at {where}", before, findings, row.name


def _rule(
    cells: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    unproven: list[str],
    margin: float,
) -> Ruling:
    share = ALPHA / max(1, len(cells))
    slower, telling = [], []
    for title, (then, now) in cells.items():
        if min(len(then), len(now)) < LEAST_PROCESSES:
            unproven.append(f"undecided: {title} lacks a time or a yardstick in some process")
            continue
        telling.append(min(len(then), len(now)))
        limits = [(1 + margin) * one for one in then]
        change = 100 * (median(now) / median(then) - 1)
        text = f"{title}: {change:+.1f} % in {len(now)} processes"
        if mannwhitneyu(now, limits, alternative="greater", method="exact").pvalue <= share:
            slower.append(f"slower: {text}")
        elif mannwhitneyu(now, limits, alternative="less", method="exact").pvalue > ALPHA:
            unproven.append(f"undecided: {text}")
    if slower:
        return Ruling(SLOWER, tuple(slower))
    fewest = min(telling, default=LEAST_PROCESSES)
    if unproven and 1 / math.comb(2 * fewest, fewest) > share:
        unproven.append(
            f"undecided: {fewest} processes cannot prove that one of {len(cells)} cells became "
            f"slower: give --processes {_enough(share)} to both runs"
        )
    if unproven:
        return Ruling(UNDECIDED, tuple(unproven))
    return Ruling(NOT_SLOWER, (f"not slower by {100 * margin:g} %: {', '.join(cells)}",))


def _processes(log: Log) -> int:
    """How many processes measured anything."""
    return len({process for one in log.points.values() for process in one.measured_s})


def _enough(share: float) -> int:
    """Processes on each side whose complete separation is as unlikely as that."""
    count = LEAST_PROCESSES
    while 1 / math.comb(2 * count, count) > share:
        count += 1
    return count


def normalised(findings: Findings, name: str) -> list[float]:
    """A cell's median over the yardstick's, in each process that has both."""
    medians = findings.process_medians(name)
    found = []
    for process, own in medians.items():
        times = Rounds.of(findings.history(RANKING_SCOPE, process)).times(YARDSTICK)
        if times:
            found.append(own / median(times))
    return found
