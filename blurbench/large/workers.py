"""Who blurs the tiles: this process's threads, or the workers of a Dask cluster."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from blurbench import host
from blurbench.backends.registry import find_backend, probe
from blurbench.errors import CannotRunError, InputError
from blurbench.large.extra import load

RETRIES = 3  # of a task that failed; those of a worker that died are run again anyway
PATIENCE = 5  # seconds until a scheduler is given up

M_MMAP_THRESHOLD = -3  # of glibc's malloc.h
LARGE = 2**20  # bytes

Work = Callable[[], Any]


@dataclass(frozen=True)
class Workers:
    """What the workers have, each of them.

    Attributes:
        count: how many there are.
        threads: the numbers of tiles at a time to choose from.
        memory: bytes that a worker may take in all, unless something else is asked for.
        resident: bytes that it takes already.
        cpus: that a plan may use where one tile is blurred at a time.
        check_sees: raises InputError unless all see a file, `(path, what)`.
        run: calls each piece of work, `(works, threads, done)`, and returns what they returned,
            in order; `done()` is called after each.
    """

    count: int
    threads: Sequence[int]
    memory: int
    resident: int
    cpus: int
    check_sees: Callable[[Path, str], None]
    run: Callable[[Sequence[Work], int, Callable[[], None]], list[Any]]

    def threads_of_plan(self, tiles: int) -> int:
        """Threads of each plan, of which so many run at the same time."""
        return self.cpus if tiles == 1 else 1


@dataclass(frozen=True)
class WorkerState:
    """What a worker says of itself."""

    reason: str | None
    free: int | None
    resident: int

    @property
    def half_of_free(self) -> int:
        """Bytes, with those taken already; a modest guess where the system does not say."""
        return self.resident + (2**31 if self.free is None else self.free) // 2


def inspect_worker(backend: str) -> WorkerState:
    """Whether the backend can run in this process; and its memory, kept to what is in use."""
    _give_back_what_is_freed()
    state = probe(find_backend(backend))
    reason = None if state.ok else state.explanation
    return WorkerState(reason, host.available_memory(), host.resident_memory())


def _give_back_what_is_freed() -> None:
    """Have large arrays given back to the system as soon as they are freed.

    glibc would keep them for each thread, and the larger the ones it has seen: this process would
    hold a window or two more than the tiles on their way.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):  # another C library
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE)


def local_workers(backend: str) -> Workers:
    """The threads of this process as workers.

    Raises:
        CannotRunError: the backend cannot run here.
    """
    load("dask.threaded")
    state = inspect_worker(backend)
    if state.reason:
        raise CannotRunError(f"{backend} cannot run: {state.reason}")
    cpus = host.usable_cpus()
    return Workers(
        1,
        range(1, cpus + 1),
        state.half_of_free,
        state.resident,
        cpus,
        lambda path, what: None,
        _run_in_threads,
    )


def _run_in_threads(works: Sequence[Work], threads: int, done: Callable[[], None]) -> list[Any]:
    dask = load("dask")
    finished = load("dask.callbacks").Callback(posttask=lambda *_: done())
    # Left only when no thread writes any more, also after Ctrl-C.
    with ThreadPoolExecutor(threads) as pool, finished:
        return list(dask.compute(*_delayed(works), scheduler="threads", pool=pool))


@contextmanager
def cluster_workers(address: str, backend: str) -> Iterator[Workers]:
    """The workers of the cluster whose scheduler listens at `address`.

    Raises:
        InputError: the scheduler cannot be reached or has no workers.
        CannotRunError: the backend cannot run on one of them.
    """
    distributed = load("distributed")
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters is raised
    try:
        load("distributed.comm.addressing").parse_host_port(address, 8786)
        client = distributed.Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        detail = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"scheduler {address} cannot be reached: {detail}; start it with: dask scheduler"
        ) from None
    with client:
        states = _inspect(client, address, partial(inspect_worker, backend))
        for worker, state in states.items():
            if state.reason:
                raise CannotRunError(f"{backend} cannot run on worker {worker}: {state.reason}")
        known = client.scheduler_info(n_workers=-1)["workers"].values()
        threads = max(one["nthreads"] for one in known)
        halves = [one["memory_limit"] // 2 for one in known if one["memory_limit"]]
        yield Workers(
            len(known),
            [threads],
            min(halves or [state.half_of_free for state in states.values()]),
            max(state.resident for state in states.values()),
            1,
            partial(_check_sees, client),
            partial(_run_on_cluster, client),
        )


def _inspect(client: Any, address: str, look: Callable[[], WorkerState]) -> dict[str, WorkerState]:
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        raise InputError(
            f"scheduler {address} has no workers: start one with: dask worker {address}"
        ) from None
    try:
        states: dict[str, WorkerState] = client.run(look)
    except Exception as error:
        detail = " ".join(str(error).split())
        raise InputError(
            f"the workers of {address} cannot run blurbench: {detail}; "
            "install the same version there"
        ) from None
    return states


def _check_sees(client: Any, path: Path, what: str) -> None:
    for worker, sees in client.run(os.path.exists, str(path)).items():
        if not sees:
            raise InputError(
                f"worker {worker} does not see {what}: "
                "put it where every machine finds it under this path"
            )


def _run_on_cluster(
    client: Any, works: Sequence[Work], threads: int, done: Callable[[], None]
) -> list[Any]:
    distributed = load("distributed")
    futures = client.compute(_delayed(works), retries=RETRIES)
    try:
        for future in distributed.as_completed(futures, loop=client.loop):
            if future.status == "error":
                break
            done()
        return list(client.gather(futures))
    except BaseException as error:
        client.cancel(futures)
        _wait_until_left(client, {future.key for future in futures})
        if isinstance(error, distributed.KilledWorker | distributed.client.FutureCancelledError):
            said = " ".join(str(error).split())
            raise InputError(f"the cluster gave up: {said}") from None
        raise


def _wait_until_left(client: Any, keys: set[str]) -> None:
    """A cancelled task runs to its end, and would write into what is removed."""
    deadline = time.monotonic() + 60
    with contextlib.suppress(Exception):  # a cluster that is gone writes nothing
        while any(client.run(_knows, keys).values()) and time.monotonic() < deadline:
            time.sleep(0.1)


def _knows(keys: set[str], dask_worker: Any) -> bool:
    """Whether a worker runs one of the tasks, or is going to."""
    return not keys.isdisjoint(dask_worker.state.tasks)


def _delayed(works: Sequence[Work]) -> list[Any]:
    delayed = load("dask").delayed
    return [delayed(work, pure=False, traverse=False)() for work in works]
