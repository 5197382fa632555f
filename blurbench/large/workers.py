"""Who blurs the tiles: this process's threads, or the workers of a Dask cluster."""

from __future__ import annotations

import contextlib
import logging
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
from blurbench.errors import InputError
from blurbench.large.extra import load

RETRIES = 3  # of a task that failed; those of a worker that died are run again anyway
PATIENCE = 5  # seconds until a scheduler is given up

Work = Callable[[], Any]


class CannotRunError(RuntimeError):
    """The backend cannot run where the tiles are to be blurred."""


@dataclass(frozen=True)
class Workers:
    """What the workers have, each of them.

    Attributes:
        count: how many there are.
        threads: the numbers of tiles at a time to choose from.
        memory: bytes that a worker may take in all, unless something else is asked for.
        resident: bytes that it takes already.
        run: calls each piece of work, `(works, threads, done)`, and returns what they returned,
            in order; `done()` is called after each.
    """

    count: int
    threads: Sequence[int]
    memory: int
    resident: int
    run: Callable[[Sequence[Work], int, Callable[[], None]], list[Any]]


@dataclass(frozen=True)
class WorkerState:
    """What a worker says of itself."""

    reason: str | None
    sees_image: bool
    free: int | None
    resident: int

    @property
    def half_of_free(self) -> int:
        """Bytes, with those taken already; a modest guess where the system does not say."""
        return self.resident + (2**31 if self.free is None else self.free) // 2


def inspect_worker(backend: str, image: str) -> WorkerState:
    """Whether the backend can run in this process and the image is there; and its memory."""
    state = probe(find_backend(backend))
    reason = None if state.ok else state.explanation
    free = host.available_memory()
    return WorkerState(reason, Path(image).exists(), free, host.resident_memory())


def local_workers(backend: str, image: str) -> Workers:
    """This process.

    Raises:
        CannotRunError: the backend cannot run here.
    """
    load("dask.threaded")
    state = inspect_worker(backend, image)
    if state.reason:
        raise CannotRunError(f"{backend} cannot run: {state.reason}")
    threads = range(1, host.usable_cpus() + 1)
    return Workers(1, threads, state.half_of_free, state.resident, _run_in_threads)


def _run_in_threads(works: Sequence[Work], threads: int, done: Callable[[], None]) -> list[Any]:
    dask = load("dask")
    finished = load("dask.callbacks").Callback(posttask=lambda *_: done())
    # Left only when no thread writes any more, also after Ctrl-C.
    with ThreadPoolExecutor(threads) as pool, finished:
        return list(dask.compute(*_delayed(works), scheduler="threads", pool=pool))


@contextmanager
def cluster_workers(address: str, backend: str, image: str) -> Iterator[Workers]:
    """Those of the cluster whose scheduler listens at `address`.

    Raises:
        InputError: the scheduler cannot be reached, has no workers, or they lack the image.
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
        states = _inspect(client, address, partial(inspect_worker, backend, image))
        for worker, state in states.items():
            if state.reason:
                raise CannotRunError(f"{backend} cannot run on worker {worker}: {state.reason}")
            if not state.sees_image:
                raise InputError(
                    f"worker {worker} does not see image {image}: "
                    "put it where every machine finds it under this path"
                )
        known = client.scheduler_info(n_workers=-1)["workers"].values()
        threads = max(one["nthreads"] for one in known)
        halves = [one["memory_limit"] // 2 for one in known if one["memory_limit"]]
        yield Workers(
            len(known),
            [threads],
            min(halves or [state.half_of_free for state in states.values()]),
            max(state.resident for state in states.values()),
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
    except (distributed.KilledWorker, distributed.client.FutureCancelledError) as error:
        raise InputError(f"the cluster gave up: {' '.join(str(error).split())}") from None
    finally:
        client.cancel(futures)
        _wait_until_idle(client)


def _wait_until_idle(client: Any) -> None:
    """A cancelled task runs to its end, and would write into what is removed."""
    deadline = time.monotonic() + 60
    with contextlib.suppress(Exception):  # a cluster that is gone writes nothing
        while any(client.run(_is_busy).values()) and time.monotonic() < deadline:
            time.sleep(0.1)


def _is_busy(dask_worker: Any) -> bool:
    return bool(dask_worker.active_threads)


def _delayed(works: Sequence[Work]) -> list[Any]:
    delayed = load("dask").delayed
    return [delayed(work, pure=False, traverse=False)() for work in works]
