"""Whether a GPU pays at a point: end to end, with the data already there, and from where on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from blurbench.measure.stats import Estimate
from blurbench.records.break_even import (
    blurs_until_faster,
    ends_of,
    images_until_paid,
    pixels_until_faster,
)
from blurbench.records.lead import best_of, ranked_rows, ratio_between
from blurbench.records.summary import Row


@dataclass(frozen=True)
class There:
    """The GPU's fastest on data that stays on the device.

    Attributes:
        ratio: its time over that of the best on the CPU, not paired.
        blurs: how many pay for one way there and back; infinite where no number does.
    """

    row: Row
    ratio: Estimate
    blurs: Estimate


@dataclass(frozen=True)
class GpuPays:
    """The best on the CPU against the best on a GPU; software that stands in for one is none.

    Attributes:
        ratio: time of the GPU's over that of the CPU's, end to end.
        images: after how many its set-up and first call are paid for; None where it does not pay.
        pixels: between how many of an image the GPU begins to be the faster one; the second is
            infinite where even a larger image may not be enough.
        there: None where nothing was timed on the device alone.
    """

    cpu: Row
    gpu: Row
    ratio: Estimate
    images: int | None
    pixels: tuple[float, float]
    there: There | None

    def as_dict(self) -> dict[str, Any]:
        """As other programs read it; what is infinite is null there."""
        there = self.there
        return {
            "cpu": self.cpu.name,
            "gpu": self.gpu.name,
            "ratio": self.ratio.value,
            "ratio_ci95_low": self.ratio.low,
            "ratio_ci95_high": self.ratio.high,
            "pays_from_images": self.images,
            "pays_from_pixels_least": self.pixels[0],
            "pays_from_pixels_most": self.pixels[1],
            "on_device": there and there.row.name,
            "on_device_ratio": there and there.ratio.value,
            "pays_from_blurs": there and there.blurs.value,
            "pays_from_blurs_least": there and there.blurs.low,
            "pays_from_blurs_most": there and there.blurs.high,
        }


def gpu_pays(rows: Sequence[Row]) -> GpuPays | None:
    """What the rows of a point say of it; None where they are not of both."""
    cpu = best_of(rows, lambda row: row.on_cpu)
    gpu = best_of(rows, lambda row: row.on_gpu)
    if cpu is None or gpu is None:
        return None
    on_cpu = _time_of(cpu, "end_to_end")
    if on_cpu is None:
        return None
    ratio = ratio_between(cpu, gpu)
    launch = (gpu.launch_median_s or 0.0) / on_cpu.value
    return GpuPays(
        cpu,
        gpu,
        ratio,
        images_until_paid(cpu, gpu, "end_to_end"),
        pixels_until_faster(gpu.key.height * gpu.key.width, ratio, launch),
        _there(cpu, on_cpu, [row for row in ranked_rows(rows) if row.on_gpu]),
    )


def _there(cpu: Row, on_cpu: Estimate, rows: Sequence[Row]) -> There | None:
    """The fastest of these on data that stays there."""
    times = [(row, there) for row in rows if (there := time_there(row))]
    if not times:
        return None
    row, there = min(times, key=lambda one: one[1].value)
    ratio = _over(there, on_cpu)
    return There(row, ratio, blurs_until_faster(ratio_between(cpu, row), ratio))


def time_there(row: Row) -> Estimate | None:
    """Seconds of one of many blurs of data that stays on the device.

    That is computing or, if it takes longer, the host's launching; None where computing was not
    measured.
    """
    computing, launching = _time_of(row, "compute"), _time_of(row, "launch")
    if computing is None or launching is None or launching.value <= computing.value:
        return computing
    return launching


def _time_of(row: Row, scope: str) -> Estimate | None:
    """Seconds of a call in a scope; None where it was not measured."""
    value, low, high = (
        getattr(row, f"{scope}_{figure}_s") for figure in ("median", "ci95_low", "ci95_high")
    )
    return None if value is None else Estimate(value, low, high)


def _over(one: Estimate, other: Estimate) -> Estimate:
    """The ratio of two times that were not paired, its interval that of the ends of both."""
    value = one.value / other.value
    if None in (one.low, one.high, other.low, other.high):
        return Estimate(value, None, None)
    (low, high), (other_low, other_high) = ends_of(one), ends_of(other)
    return Estimate(value, low / other_high, high / other_low)
