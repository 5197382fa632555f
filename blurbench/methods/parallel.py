"""Work in several threads, for array code that lets go of Python's lock."""

from __future__ import annotations

import contextvars
import functools
import itertools
import os
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import TypeVar

Part = TypeVar("Part")


class _Errand:
    """Work on one part, for another thread to do."""

    def __init__(self, do: Callable[[], object]) -> None:
        self._do = do
        self._error: BaseException | None = None
        self._doing = threading.Lock()
        self._doing.acquire()

    def run(self) -> None:
        try:
            self._do()
        except BaseException as error:  # whatever it is, the caller is waiting
            self._error = error
        finally:
            self._doing.release()

    def wait(self) -> None:
        self._doing.acquire()

    def check(self) -> None:
        """Raise what it raised."""
        if self._error is not None:
            raise self._error


@functools.cache
def _errands(threads: int) -> SimpleQueue[_Errand]:
    """Where so many threads wait for errands.

    An executor's futures take longer than a small blur: what the caller does between waking a
    thread and letting go of Python's lock, that thread waits for once more.
    """
    queue: SimpleQueue[_Errand] = SimpleQueue()

    def serve() -> None:
        while True:
            queue.get().run()

    for _ in range(threads):
        threading.Thread(target=serve, name="blurbench", daemon=True).start()
    return queue


if hasattr(os, "register_at_fork"):  # a forked child has no threads: it makes new ones
    os.register_at_fork(after_in_child=_errands.cache_clear)


def run_in_threads(work: Callable[[Part], object], parts: Sequence[Part]) -> None:
    """Call `work` on every part, each in a thread of its own, and wait for all.

    Raises what the first of the parts that failed raised.
    """
    mine, *others = parts
    if not others:
        work(mine)
        return
    # Each in a copy of the caller's context, so that his `numpy.errstate` holds there, too.
    begun = [
        _Errand(functools.partial(contextvars.copy_context().run, work, part)) for part in others
    ]
    queue = _errands(len(others))
    for one in begun:
        queue.put(one)
    try:
        work(mine)
    finally:
        for one in begun:
            one.wait()
    for one in begun:
        one.check()


def split_evenly(items: range, parts: int) -> list[range]:
    """Runs of neighbours, as many as asked for or as there are items."""
    parts = min(parts, len(items))
    ends = [len(items) * number // parts for number in range(parts + 1)]
    return [items[start:end] for start, end in itertools.pairwise(ends)]
