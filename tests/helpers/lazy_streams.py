"""A device whose streams do their work as early, or as late, as events let them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
ORDERS = ("early", "late", "late, own stream first")
GARBAGE = 93


@dataclass
class Step:
    """Queued work: what it does, and the steps that are done before it."""

    kind: str
    work: Callable[[], None]
    before: list[Step]
    done: bool = False

    def finish(self) -> None:
        """Do it, and first all that it waits for, and nothing else."""
        if not self.done:
            for one in self.before:
                one.finish()
            self.work()
            self.done = True


class LazyStreams:
    """Queues steps; late, a step is done when the host waits for what needs it.

    Memory of the device was another's before, whose last step on the stream of the work writes
    into it still.

    Args:
        dropped: which of its waits, of streams and of the host, does nothing.
    """

    def __init__(self, order: str, dropped: int | None = None) -> None:
        self.steps: list[Step] = []
        self.pinned_bytes = 0
        self.most_on_their_way = 0
        self.waits = 0
        self._early, self._own_first = order == "early", order.endswith("own stream first")
        self._dropped = dropped
        self._last: dict[str | None, Step] = {}

    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        array = np.zeros(shape, dtype)
        self.queue("another's", lambda: array.fill(GARBAGE))
        return array

    def pinned(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        array = np.full(shape, GARBAGE, dtype)
        self.pinned_bytes += array.nbytes
        return array

    def stream(self, name: str) -> str:
        return name

    def upload(self, host: Array, device: Array, stream: str | None = None) -> None:
        self.queue("copy", lambda: np.copyto(device, host), stream)

    def download(self, device: Array, host: Array, stream: str | None = None) -> None:
        self.queue("copy", lambda: np.copyto(host, device), stream)

    def synchronize(self) -> None:
        self.record().finish()

    def record(self, stream: str | None = None) -> Step:
        return self.queue("event", lambda: None, stream)

    def wait(self, event: Step, stream: str | None = None) -> None:
        if self._counts():
            self.queue("wait", lambda: None, stream, event)

    def finish(self, event: Step) -> None:
        if self._counts():
            event.finish()

    def queue(
        self, kind: str, work: Callable[[], None], stream: str | None = None, *events: Step
    ) -> Step:
        """Put a step at the end of a stream."""
        own = [self._last[stream]] if stream in self._last else []
        step = Step(kind, work, [*own, *events] if self._own_first else [*events, *own])
        self._last[stream] = step
        self.steps.append(step)
        if self._early:
            step.finish()
        on_their_way = sum(one.kind == "copy" for one in self.left)
        self.most_on_their_way = max(self.most_on_their_way, on_their_way)
        return step

    @property
    def left(self) -> list[Step]:
        """What is not done yet."""
        return [one for one in self.steps if not one.done]

    def _counts(self) -> bool:
        self.waits += 1
        return self.waits - 1 != self._dropped
