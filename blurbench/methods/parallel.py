"""Work in several threads, for array code that lets go of Python's lock."""

from __future__ import annotations

import contextvars
import functools
import itertools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

Part = TypeVar("Part")


@functools.cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="blurbench")


if hasattr(os, "register_at_fork"):  # a forked child has no threads: it makes new ones
    os.register_at_fork(after_in_child=_pool.cache_clear)


def run_in_threads(work: Callable[[Part], object], parts: Sequence[Part]) -> None:
    """Call `work` on every part, each in a thread of its own, and wait for all.

    Raises what the first of the parts that failed raised.
    """
    mine, *others = parts
    if not others:
        work(mine)
        return
    # Each in a copy of the caller's context, so that his `numpy.errstate` holds there, too.
    pool = _pool(len(others))
    begun = [pool.submit(contextvars.copy_context().run, work, part) for part in others]
    try:
        work(mine)
    finally:
        wait(begun)
    for one in begun:
        one.result()


def split_evenly(items: range, parts: int) -> list[range]:
    """Runs of neighbours, as many as asked for or as there are items."""
    parts = min(parts, len(items))
    ends = [len(items) * number // parts for number in range(parts + 1)]
    return [items[start:end] for start, end in itertools.pairwise(ends)]
