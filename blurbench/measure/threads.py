"""Thread counts of the libraries that keep thread pools of their own (BLAS, OpenMP)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def limit_threads(threads: int) -> Iterator[dict[str, int]]:
    """Hold BLAS and OpenMP pools to `threads` inside the block.

    Yields the count of each pool by library name; empty where threadpoolctl, which sets them,
    is not installed.
    """
    try:
        from threadpoolctl import threadpool_info, threadpool_limits
    except ImportError:
        yield {}
        return
    with threadpool_limits(limits=threads):
        yield {pool["internal_api"]: pool["num_threads"] for pool in threadpool_info()}
