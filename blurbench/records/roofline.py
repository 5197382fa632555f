"""How near a blur comes to what its machine can do, and what it comes nearest to.

The roofline model (Williams, Waterman and Patterson 2009), with ceilings that were measured in
the same run: a copy for memory, multiply-adds for arithmetic.
"""

from __future__ import annotations

from blurbench.records.record import Record
from blurbench.records.summary import Row

MULTIPLY_ADD = "multiply_add"
LAUNCH, TRANSFER, BANDWIDTH, ARITHMETIC = "launch", "transfer", "bandwidth", "arithmetic"


class Rates:
    """Multiply-adds a second of a run's CPU and GPU, from records named `KIND:multiply_add`."""

    def __init__(self) -> None:
        self._found: dict[str, list[float]] = {}

    def add(self, record: Record) -> None:
        """Take a sample in."""
        rates = self._found.setdefault(record.key.implementation, [])
        if record.multiply_adds is not None and record.elapsed_s:
            rates.append(record.multiply_adds / record.seconds)

    def count(self, kind: str) -> int:
        """How many samples there are of a `cpu`, a `gpu` or `software`."""
        return len(self._found.get(f"{kind}:{MULTIPLY_ADD}", []))

    def best(self, kind: str) -> float | None:
        """The highest rate, or None where it was not measured."""
        return max(self._found.get(f"{kind}:{MULTIPLY_ADD}", []), default=None)


def set_roofline(row: Row, kind: str, rates: Rates) -> None:
    """Fill the columns that follow from a row's times, its multiply-adds and the ceilings."""
    rate = rates.best(kind)
    if row.multiply_adds is not None and row.compute_median_s and rate:
        row.multiply_add_fraction = row.multiply_adds / row.compute_median_s / rate
    row.compute_bound = _compute_bound(row)
    row.end_to_end_bound = row.compute_bound if kind == "cpu" else _end_to_end_bound(row)


def _compute_bound(row: Row) -> str | None:
    """Launching, where that takes the host longer than the device works; or the nearer ceiling."""
    if row.compute_median_s is None:
        return None
    if row.launch_median_s is not None and row.launch_median_s > row.compute_median_s:
        return LAUNCH
    if row.copy_bandwidth_fraction is None or row.multiply_add_fraction is None:
        return None
    by_memory = row.copy_bandwidth_fraction >= row.multiply_add_fraction
    return BANDWIDTH if by_memory else ARITHMETIC


def _end_to_end_bound(row: Row) -> str | None:
    """The transfers, where they take longer than what is between them."""
    if None in (row.upload_median_s, row.download_median_s, row.compute_median_s):
        return None
    transfers = (row.upload_median_s or 0.0) + (row.download_median_s or 0.0)
    between = max(row.compute_median_s or 0.0, row.launch_median_s or 0.0)
    return TRANSFER if transfers > between else row.compute_bound
