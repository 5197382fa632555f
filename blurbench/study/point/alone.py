"""What competes with nothing on a device: transfers, launches, graphs, pipelines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from blurbench.study.point.device_cells import DeviceCell

SAMPLES = 16
SAMPLE_S = 0.005  # least duration of a sample
TRIES = 3  # of which the least tells
DEAR_S = 0.1  # what takes longer is not repeated to learn that
BATCH = 8  # images, the fewest in a pipeline


@dataclass(frozen=True)
class AloneSample:
    """`loops` calls took `elapsed_s` together."""

    loops: int
    elapsed_s: float


def time_alone(
    cell: DeviceCell, scope: str, done: int, now: Callable[[], float], end: float
) -> Iterator[AloneSample]:
    """Samples of a scope, fewer where the time does not allow more; none where it cannot be had.

    Args:
        done: how many there are already.
        now: the clock of the budget, in seconds.
        end: when to end, on that clock.
    """
    least = BATCH if scope == "end_to_end_pipelined" else 1
    if done >= SAMPLES or now() + 2 * least * cell.cost_s > end:
        return
    watch = cell.alone(scope)
    if watch is None:
        return

    def once() -> float:
        began = now()
        watch(least)
        return now() - began

    took = once()  # the first may be slow
    if took < DEAR_S:
        took = min(once() for _ in range(TRIES))
    loops = least * max(1, int(SAMPLE_S / max(took, 1e-6)))
    for _ in range(done, SAMPLES):
        yield AloneSample(loops, watch(loops))
        if now() + took > end:
            return
