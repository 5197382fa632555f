"""The ceilings of a point: how fast the image is copied, and how fast CPU and GPU multiply."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from numpy.typing import NDArray

from blurbench.problem import Problem
from blurbench.records.findings import COPY, RANKING_SCOPE
from blurbench.records.roofline import MULTIPLY_ADD
from blurbench.study.point.arithmetic import time_device, time_host
from blurbench.study.point.bandwidth import CopySample, time_copies, time_device_copies
from blurbench.study.point.device_cells import DevicePlace, place_on
from blurbench.study.point.plausibility import least_on_device, least_on_host
from blurbench.study.point.recorder import Recorder
from blurbench.study.session import Session, kind_of


class Ceilings:
    """Measures them by the recorder of a point, as often as an earlier attempt has not.

    Attributes:
        places: where the image lies on a device, by backend.
    """

    def __init__(
        self, recorder: Recorder, session: Session, problem: Problem, images: Sequence[NDArray[Any]]
    ) -> None:
        self._recorder, self._findings = recorder, recorder.findings
        self._session, self._problem, self._images = session, problem, images
        self.places: dict[str, DevicePlace] = {}

    def measure(self) -> list[tuple[str, Exception]]:
        """Copies, then arithmetic; the backends on whose devices the image finds no place."""
        self._copy(lambda threads: self._findings.copies(COPY, self._recorder.process, threads))
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

    def bound(self, backend: str, scope: str, seconds: float) -> tuple[float, str]:
        """The least that a blur can take, and what takes that long."""
        if scope == "compute":
            return least_on_device(self._findings.copy(backend), self.places[backend])
        bound = least_on_host(self._findings.copy())
        if seconds < bound[0]:  # or the machine was slower when the image was copied
            self._copy(lambda threads: 0)
            bound = least_on_host(self._findings.copy())
        return bound

    def _copy(self, done: Callable[[int], int]) -> None:
        for copy in time_copies(self._images, self._problem.threads, done):
            self._record_copy(COPY, RANKING_SCOPE, copy)

    def _settle_on_device(self, backend: str) -> None:
        """Bring the image to a backend's device and copy it there."""
        name, devices = f"{backend}:{COPY}", self._session.devices
        cache = self._session.options.cache
        bring = partial(place_on, devices[backend], self._images[0], cache)
        place = devices.call(backend, "an upload", bring)
        for copy in time_device_copies(
            place, self._findings.copies(name, self._recorder.process, 1)
        ):
            self._record_copy(name, "compute", copy)
        self.places[backend] = place

    def _measure_arithmetic(self) -> None:
        """How fast CPU and GPU multiply and add, once in a run."""
        dtype, threads = self._problem.work_dtype, self._problem.threads
        rates, found = self._recorder.log.rates, {}
        if "cpu" in self._session.kinds.values():
            found["cpu"] = time_host(dtype, threads, rates.count("cpu"))
        for place in self.places.values():
            kind = kind_of(place.device)
            if found.get(kind):  # all backends of a kind share a device
                continue
            try:
                found[kind] = time_device(place.device, dtype, rates.count(kind))
            except Exception:  # then its rows have no such share
                continue
        for kind, samples in found.items():
            name = f"{kind}:{MULTIPLY_ADD}"
            key = replace(self._findings.point, implementation=name, threads=threads)
            for one in samples:
                self._recorder.record(
                    name,
                    "compute",
                    one.elapsed_s,
                    key=key,
                    round=rates.count(kind) + 1,
                    inner_loops=one.loops,
                    multiply_adds=one.multiply_adds,
                )

    def _record_copy(self, name: str, scope: str, copy: CopySample) -> None:
        self._recorder.record(
            name,
            scope,
            copy.elapsed_s,
            key=replace(self._findings.point, implementation=name, threads=copy.threads),
            round=self._findings.copies(name, self._recorder.process, copy.threads) + 1,
            inner_loops=copy.loops,
        )
