"""Who may go on: files by the memory that is there, blurs by that of their device too."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from queue import SimpleQueue
from typing import Any

from blurbench.backends.lanes import Lanes

AT_ONCE = 3  # one image arrives, one is blurred, one leaves


class Room:
    """Memory for the images under way: together they take at most half of what was free.

    An image that is alone is always let in; whether it fits is then judged by itself.
    """

    def __init__(self, free: int | None) -> None:
        self._most = float("inf") if free is None else free / 2
        self._taken = 0
        self._changed = threading.Condition()

    @contextmanager
    def for_one(self) -> Iterator[Callable[[int], None]]:
        """Yields what waits until there is room for so many bytes, and takes it to the end."""
        taken = 0

        def admit(nbytes: int) -> None:
            nonlocal taken
            with self._changed:
                self._changed.wait_for(
                    lambda: self._taken == 0 or self._taken + nbytes <= self._most
                )
                self._taken += nbytes
                taken += nbytes

        try:
            yield admit
        finally:
            with self._changed:
                self._taken -= taken
                self._changed.notify_all()


class Turns:
    """Turns on a device, for many threads: few at a time, each on a lane of its own."""

    def __init__(self, lanes: Lanes) -> None:
        self._room = Room(lanes.free_bytes())
        self._idle: SimpleQueue[AbstractContextManager[Any]] = SimpleQueue()
        for _ in range(AT_ONCE):
            self._idle.put(lanes.open())

    @contextmanager
    def take(self, nbytes: int) -> Iterator[None]:
        """Waits for a lane and for so much memory; inside, the calling thread works on the lane."""
        lane = self._idle.get()
        try:
            with self._room.for_one() as admit:
                admit(nbytes)
                with lane:
                    yield
        finally:
            self._idle.put(lane)


class TurnsOf:
    """The turns on each kind of device, made when a blur first goes there."""

    def __init__(self) -> None:
        self._known: dict[Lanes, Turns] = {}
        self._lock = threading.Lock()

    def __call__(self, lanes: Lanes) -> Turns:
        with self._lock:
            if lanes not in self._known:
                self._known[lanes] = Turns(lanes)
            return self._known[lanes]
