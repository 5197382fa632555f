"""Whether a run can be used: what is wrong with it, or why nothing ran."""

from __future__ import annotations

from collections.abc import Sequence

from blurbench.records.journal import Log
from blurbench.records.summary import Row

# Statuses of rows that are no answer.
WRONG = ("wrong", "implausible", "failed", "timed_out", "device_lost")


def is_wrong(rows: Sequence[Row]) -> bool:
    """Whether something ran that cannot be trusted."""
    return any(row.status in WRONG for row in rows)


def is_whole(log: Log) -> bool:
    """Whether a run got to its end, as far as its records tell.

    A search for crossovers ends when its time is over, which shows only at a size that it left.
    """
    about = log.run.about
    points = log.points.values()
    if about["study"] == "crossover":
        return bool(points) and all(one.closed(1) for one in points)
    processes = range(1, about["options"].get("processes", 1) + 1)
    asked = len(log.run.images) * max(1, len(about["image_sizes"])) * len(about["kernels"])
    return len(points) >= asked and all(all(map(one.closed, processes)) for one in points)


def why_nothing_ran(rows: Sequence[Row]) -> str | None:
    """A reason for each backend, or the budget alone where that is one; None if something ran."""
    if any(row.end_to_end_median_s is not None for row in rows):
        return None
    if any(row.status == "over_budget" for row in rows):
        return "nothing fits the budget: give a longer one, or name fewer backends"
    reasons: dict[str, str | None] = {}
    for row in rows:
        reasons.setdefault(row.backend, row.reason)
    told = "; ".join(f"{backend}: {reason}" for backend, reason in reasons.items())
    return f"no implementation could run: {told}"
