"""Work shared out among threads, for array code that lets go of Python's lock."""

from __future__ import annotations

import contextvars
import functools
import itertools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

Share = TypeVar("Share")


@functools.cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="blurbench")


if hasattr(os, "register_at_fork"):  # a forked child has no threads: it makes new ones
    os.register_at_fork(after_in_child=_pool.cache_clear)


def do_all(work: Callable[[Share], object], shares: Sequence[Share]) -> None:
    """Call `work` on every share, each in a thread of its own, and wait for all.

    Raises what the first of the shares that failed raised.
    """
    mine, *others = shares
    if not others:
        work(mine)
        return
    # Each in a copy of the caller's context, so that his `numpy.errstate` holds there, too.
    pool = _pool(len(others))
    begun = [pool.submit(contextvars.copy_context().run, work, share) for share in others]
    try:
        work(mine)
    finally:
        wait(begun)
    for one in begun:
        one.result()


def split_evenly(items: range, shares: int) -> list[range]:
    """Runs of neighbours, as many as asked for or as there are items."""
    shares = min(shares, len(items))
    ends = [len(items) * number // shares for number in range(shares + 1)]
    return [items[start:end] for start, end in itertools.pairwise(ends)]
