"""What is dear to make and may be used again: kept while it is idle."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any

from blurbench.forks import keep_from_forks


class IdleCache:
    """Keeps what was used last and serves one thread at a time, up to `max_bytes` of memory.

    What is borrowed is out of the cache, so a second thread that wants the same gets another.
    Each has `nbytes`, the memory that it holds.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.nbytes = 0
        self._idle: OrderedDict[Hashable, list[Any]] = OrderedDict()
        self._lock = keep_from_forks(threading.Lock())

    @contextmanager
    def borrow(self, key: Hashable, make: Callable[[], Any]) -> Iterator[Any]:
        """One for `key`, made if none is idle; kept again afterwards if it fits."""
        with self._lock:
            idle = self._idle.get(key)
            one = idle.pop() if idle else None
            if one is not None:
                self.nbytes -= one.nbytes
        if one is None:
            one = make()
        try:
            yield one
        finally:
            with self._lock:
                self._keep(key, one)

    def _keep(self, key: Hashable, one: Any) -> None:
        self._idle.setdefault(key, []).append(one)
        self._idle.move_to_end(key)
        self.nbytes += one.nbytes
        while self.nbytes > self.max_bytes:
            oldest, idle = next(iter(self._idle.items()))
            if idle:
                self.nbytes -= idle.pop().nbytes
            if not idle:
                del self._idle[oldest]

    def clear(self) -> None:
        """Let go of all that are idle."""
        with self._lock:
            self._idle.clear()
            self.nbytes = 0
