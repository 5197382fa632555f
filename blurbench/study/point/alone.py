"""What competes with nothing on a device: transfers, launches, graphs, pipelines."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from blurbench.measure.sampling import Timed, loops_for, samples, shortest
from blurbench.study.point.device_cells import DeviceCell

SAMPLES = 16
SAMPLE_S = 0.005  # least duration of a sample
TRIES = 3  # of which the least tells
DEAR_S = 0.1  # what takes longer is not repeated to learn that
BATCH = 8  # images, the fewest in a pipeline


def time_alone(
    cell: DeviceCell, scope: str, done: int, now: Callable[[], float], end: float
) -> Iterator[Timed]:
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

    def whole(times: int) -> float:
        """Seconds of the budget that so many of the shortest samples take."""
        began = now()
        watch(times * least)
        return now() - began

    took = whole(1)  # the first may be slow
    if took < DEAR_S:
        took = shortest(whole, TRIES)
    loops = least * loops_for(SAMPLE_S, took)
    for one in samples(watch, loops, SAMPLES - done):
        yield one
        if now() + took > end:
            return
