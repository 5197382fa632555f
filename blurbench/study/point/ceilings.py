"""The ceilings of a point: how fast the image is copied, and how fast CPU and GPU multiply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from blurbench.measure.sampling import Timed
from blurbench.records.roofline import MULTIPLY_ADD
from blurbench.records.scopes import COPY, RANKING_SCOPE
from blurbench.study.point.arithmetic import time_device, time_host
from blurbench.study.point.bandwidth import time_copies, time_device_copies
from blurbench.study.point.device_cells import place_on
from blurbench.study.point.plausibility import least_on_device, least_on_host
from blurbench.study.point.point import MeasuredPoint
from blurbench.study.session import kind_of


class Ceilings:
    """Measures them as often as an earlier attempt has not, and tells what is above them."""

    def __init__(self, point: MeasuredPoint) -> None:
        self._point, self._problem, self._session = point, point.problem, point.session
        self._recorder, self._findings = point.recorder, point.findings

    def measure(self) -> list[tuple[str, Exception]]:
        """Copies, then arithmetic; the backends on whose devices the image finds no place."""
        self._copy(
            lambda threads: self._findings.copies.count(COPY, self._recorder.process, threads)
        )
        failed = []
        for backend in list(self._session.devices):
            if backend not in self._session.devices:  # it was closed with the one before
                continue
            try:
                self._settle_on_device(backend)
            except Exception as error:
                failed.append((backend, error))
        self._measure_arithmetic()
        return failed

    def allow(self, name: str, scope: str, seconds: float) -> bool:
        """Whether the time can be believed; if not, the cell is out of the running."""
        backend = self._session.implementations[name].backend
        least_s, what = self._bound(backend, scope, seconds)
        if seconds >= least_s:
            return True
        reason = f"{seconds:.3g} s is faster than {what}"
        if self._findings.status(name) != "implausible":
            self._recorder.record(name, scope, status="implausible", reason=reason)
        return False

    def _bound(self, backend: str, scope: str, seconds: float) -> tuple[float, str]:
        """The least that a blur can take, and what takes that long."""
        if scope == "compute":
            return least_on_device(
                self._findings.copies.speed(backend), self._point.on_devices[backend]
            )
        bound = least_on_host(self._findings.copies.speed())
        if seconds < bound[0]:  # or the machine was slower when the image was copied
            self._copy(lambda threads: 0)
            bound = least_on_host(self._findings.copies.speed())
        return bound

    def _copy(self, done: Callable[[int], int]) -> None:
        for threads, copy in time_copies(self._point.images, self._problem.threads, done):
            self._record_copy(COPY, RANKING_SCOPE, threads, copy)

    def _settle_on_device(self, backend: str) -> None:
        """Bring the image to a backend's device and copy it there."""
        name, devices = f"{backend}:{COPY}", self._session.devices
        cache = self._session.options.cache
        bring = partial(place_on, devices[backend], self._point.images[0], cache)
        there = devices.call(backend, "an upload", bring)
        for copy in time_device_copies(
            there, self._findings.copies.count(name, self._recorder.process, 1)
        ):
            self._record_copy(name, "compute", 1, copy)
        self._point.on_devices[backend] = there

    def _measure_arithmetic(self) -> None:
        """How fast CPU and GPU multiply and add, once in a run."""
        dtype, threads = self._problem.work_dtype, self._problem.threads
        rates, found = self._recorder.log.rates, {}
        if "cpu" in self._session.kinds.values():
            found["cpu"] = time_host(dtype, threads, rates.count("cpu"))
        for there in self._point.on_devices.values():
            kind = kind_of(there.device)
            if found.get(kind):  # all backends of a kind share a device
                continue
            try:
                found[kind] = time_device(there.device, dtype, rates.count(kind))
            except Exception:  # then its rows have no such share
                continue
        for kind, samples in found.items():
            name = f"{kind}:{MULTIPLY_ADD}"
            key = replace(self._findings.point, implementation=name, threads=threads)
            for multiply_adds, one in samples:
                self._recorder.record(
                    name,
                    "compute",
                    one.elapsed_s,
                    key=key,
                    round=rates.count(kind) + 1,
                    inner_loops=one.loops,
                    multiply_adds=multiply_adds,
                )

    def _record_copy(self, name: str, scope: str, threads: int, copy: Timed) -> None:
        self._recorder.record(
            name,
            scope,
            copy.elapsed_s,
            key=replace(self._findings.point, implementation=name, threads=threads),
            round=self._findings.copies.count(name, self._recorder.process, threads) + 1,
            inner_loops=copy.loops,
        )
