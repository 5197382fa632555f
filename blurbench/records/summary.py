"""The columns of a summary row: one vocabulary for CSV, JSON and every table."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import quantiles
from typing import Any

from blurbench.measure.judge import UNRANKED
from blurbench.measure.stats import estimate_median
from blurbench.names import group_of
from blurbench.records.export import printable, to_csv
from blurbench.records.kinds import CPU, GPU, marked

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Key:
    """What makes a cell: its columns stand in every record."""

    implementation: str
    image: str
    height: int
    width: int
    channels: int
    size: int
    sigma: float
    border: str
    cval: float
    dtype: str
    threads: int
    cache: str

    def __post_init__(self) -> None:
        # Equal keys are written the same: 3 as 3.0, -0.0 as 0.0, names as UTF-8 can hold them.
        object.__setattr__(self, "sigma", float(self.sigma))
        object.__setattr__(self, "cval", float(self.cval) + 0.0)
        object.__setattr__(self, "image", printable(self.image))

    @property
    def point(self) -> Key:
        """What all cells share that are measured side by side."""
        return replace(self, implementation="", threads=0)

    @property
    def cell_id(self) -> str:
        """A short name for the key, the same in every run; never to be taken for a number."""
        text = "\x1f".join(str(value) for value in dataclasses.astuple(self))
        return "c" + hashlib.sha256(text.encode()).hexdigest()[:11]


@dataclass
class Row:
    """One implementation's figures; None is missing. Units are in the names.

    `ratio_to_fastest` is the paired ratio to the leader of the ranking scope, whose `verdict` says
    how sure its lead is; the intervals of a whole column hold at once, in 95 of 100 races;
    `predicted_s` is what a call was expected to take before any ran on the whole image;
    `gigabytes_per_s` counts the bytes of image and result, whatever is really moved;
    `process_spread` is the largest median of a process over the smallest, less 1;
    `throttled_samples` of the cell were taken while the device was slowed down;
    in `stalled_samples` the device may have waited for the host, so it took no more than is told;
    `multiply_add_fraction` is the share of the measured rate that `compute` reaches, counting the
    `multiply_adds` of the method's formula, whatever is really done.
    """

    key: Key
    backend: str
    method: str
    origin: str
    exact: bool
    own_kernel: bool = False
    status: str = "ok"
    reason: str | None = None
    rounds: int = 0
    predicted_s: float | None = None
    first_call_s: float | None = None
    setup_s: float | None = None
    compute_median_s: float | None = None
    compute_ci95_low_s: float | None = None
    compute_ci95_high_s: float | None = None
    compute_q1_s: float | None = None
    compute_q3_s: float | None = None
    compute_min_s: float | None = None
    upload_median_s: float | None = None
    upload_ci95_low_s: float | None = None
    upload_ci95_high_s: float | None = None
    upload_q1_s: float | None = None
    upload_q3_s: float | None = None
    upload_min_s: float | None = None
    download_median_s: float | None = None
    download_ci95_low_s: float | None = None
    download_ci95_high_s: float | None = None
    download_q1_s: float | None = None
    download_q3_s: float | None = None
    download_min_s: float | None = None
    end_to_end_median_s: float | None = None
    end_to_end_ci95_low_s: float | None = None
    end_to_end_ci95_high_s: float | None = None
    end_to_end_q1_s: float | None = None
    end_to_end_q3_s: float | None = None
    end_to_end_min_s: float | None = None
    ratio_to_fastest: float | None = None
    ratio_ci95_low: float | None = None
    ratio_ci95_high: float | None = None
    megapixels_per_s: float | None = None
    gigabytes_per_s: float | None = None
    copy_bandwidth_fraction: float | None = None
    max_abs_error: float | None = None
    max_relative_error: float | None = None
    verdict: str | None = None
    noise_floor: float | None = None
    processes: int = 0
    process_spread: float | None = None
    machine_id: str | None = None
    upload_pinned_median_s: float | None = None
    upload_pinned_ci95_low_s: float | None = None
    upload_pinned_ci95_high_s: float | None = None
    upload_pinned_q1_s: float | None = None
    upload_pinned_q3_s: float | None = None
    upload_pinned_min_s: float | None = None
    download_pinned_median_s: float | None = None
    download_pinned_ci95_low_s: float | None = None
    download_pinned_ci95_high_s: float | None = None
    download_pinned_q1_s: float | None = None
    download_pinned_q3_s: float | None = None
    download_pinned_min_s: float | None = None
    end_to_end_pipelined_median_s: float | None = None
    end_to_end_pipelined_ci95_low_s: float | None = None
    end_to_end_pipelined_ci95_high_s: float | None = None
    end_to_end_pipelined_q1_s: float | None = None
    end_to_end_pipelined_q3_s: float | None = None
    end_to_end_pipelined_min_s: float | None = None
    launch_median_s: float | None = None
    launch_ci95_low_s: float | None = None
    launch_ci95_high_s: float | None = None
    launch_q1_s: float | None = None
    launch_q3_s: float | None = None
    launch_min_s: float | None = None
    compute_graph_median_s: float | None = None
    compute_graph_ci95_low_s: float | None = None
    compute_graph_ci95_high_s: float | None = None
    compute_graph_q1_s: float | None = None
    compute_graph_q3_s: float | None = None
    compute_graph_min_s: float | None = None
    compilation_s: float | None = None
    peak_device_bytes: int | None = None
    throttled_samples: int | None = None
    stalled_samples: int | None = None
    multiply_adds: float | None = None
    multiply_add_fraction: float | None = None
    compute_bound: str | None = None
    end_to_end_bound: str | None = None
    kind: str = CPU

    @property
    def name(self) -> str:
        return self.key.implementation

    @property
    def label(self) -> str:
        """Its name as people read it."""
        return marked(self.name, self.kind)

    @property
    def group(self) -> str | None:
        """Of its method; None where that is not known."""
        return group_of(self.method, self.origin)

    @property
    def on_cpu(self) -> bool:
        return self.kind == CPU

    @property
    def on_gpu(self) -> bool:
        return self.kind == GPU

    @property
    def may_win(self) -> bool:
        """Whether it can be the fastest: it ran, and does the blur that was asked for."""
        competes = self.exact or self.verdict is not None
        return self.status == "ok" and competes and self.verdict not in UNRANKED

    def set_times(self, scope: str, times: Sequence[float], alpha: float) -> None:
        """Fill the columns of a scope from seconds a call, in the order of their taking."""
        found = estimate_median(times, alpha)
        q1, _, q3 = quantiles(times, n=4, method="inclusive") if len(times) > 1 else 3 * [None]
        for column, value in (
            ("median", found.value),
            ("ci95_low", found.low),
            ("ci95_high", found.high),
            ("q1", q1),
            ("q3", q3),
            ("min", min(times)),
        ):
            setattr(self, f"{scope}_{column}_s", value)

    def as_dict(self) -> dict[str, Any]:
        """The row by column name, keys first."""
        own = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {**dataclasses.asdict(own.pop("key")), **own}

    def as_told(self) -> dict[str, Any]:
        """The same for people and their programs: sigma as they write it, times in full."""
        return {**self.as_dict(), "sigma": as_written(self.key.sigma)}


def as_written(value: float) -> float:
    """A number as a person writes it: 2.6 for 2.5999999999999996."""
    return float(f"{value:.12g}")


def columns() -> list[str]:
    """The column names of a summary, in order."""
    keys = [field.name for field in dataclasses.fields(Key)]
    return keys + [field.name for field in dataclasses.fields(Row) if field.name != "key"]


# What readers may count on, whatever was measured: the question, the five columns of every table.
_ALWAYS = (
    *(field.name for field in dataclasses.fields(Key)),
    *("backend", "method", "status", "reason", "rounds", "end_to_end_median_s"),
    *("end_to_end_ci95_low_s", "end_to_end_ci95_high_s", "ratio_to_fastest"),
    *("ratio_ci95_low", "ratio_ci95_high", "max_abs_error", "verdict"),
)


def summary_of(rows: Sequence[Row]) -> str:
    """The rows as the CSV that a run keeps: every column, and every digit."""
    return to_csv(columns(), (row.as_dict() for row in rows))


def brief_summary(rows: Sequence[Row]) -> str:
    """The rows as CSV for people, in the columns of `brief_rows`."""
    found = brief_rows(rows)
    return to_csv(list(found[0]) if found else _columns_of([]), found)


def brief_rows(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows by column, without the columns that say nothing of any of them.

    Those are empty, or repeat `end_to_end` for `compute` where all is done on a CPU.
    """
    told = [row.as_told() for row in rows]
    names = _columns_of(told)
    return [{name: row[name] for name in names} for row in told]


def _columns_of(told: Sequence[dict[str, Any]]) -> list[str]:
    return [name for name in columns() if name in _ALWAYS or _says_something(name, told)]


def _says_something(name: str, rows: Sequence[dict[str, Any]]) -> bool:
    original = name.replace("compute_", "end_to_end_", 1)
    return any(row[name] is not None for row in rows) and not (
        original != name and all(row.get(original) == row[name] for row in rows)
    )
