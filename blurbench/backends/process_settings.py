"""Settings of a whole process that a library keeps, lent to plans while they run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from blurbench.forks import keep_from_forks

Value = TypeVar("Value")


class ProcessSetting(Generic[Value]):
    """One such setting: the first plan to come notes the user's, the last to go puts it back.

    Plans that run at the same time are not held up; the one that came last has set it for all.
    """

    def __init__(self, get: Callable[[], Value], put: Callable[[Value], object]) -> None:
        self._get, self._put = get, put
        self._lock = keep_from_forks(threading.Lock())
        self._inside = 0

    @contextmanager
    def to(self, value: Value) -> Iterator[None]:
        """The setting at `value` inside the block."""
        with self._lock:
            if self._inside == 0:
                self._users = self._get()
            self._inside += 1
            self._put(value)
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if self._inside == 0:
                    self._put(self._users)
