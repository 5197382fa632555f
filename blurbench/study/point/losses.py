"""Who is out of a point, when one fails and may take its device along."""

from __future__ import annotations

import gc

from blurbench import host
from blurbench.backends.backend import Implementation
from blurbench.study.point.point import MeasuredPoint


class Losses:
    """Records why implementations are out, and lets go of their cells."""

    def __init__(self, point: MeasuredPoint) -> None:
        self._point, self._recorder = point, point.recorder
        self._session, self._devices = point.session, point.session.devices

    def fail(self, name: str, error: Exception, scope: str) -> None:
        """One is out; and with its device, if that is lost, all that ran there."""
        one = self._session.implementations[name]
        meaning = self._devices.meaning(error, one, self._point.problem)
        self._recorder.fail(name, meaning, scope)
        self._drop(name)
        self.drop_closed()

    def fail_all(self, backend: str, error: Exception) -> None:
        """All of a backend are out: its device has no place for the image."""
        self.drop_closed()
        for name, one in self._session.implementations.items():
            if one.backend == backend and self._point.may_run(name):
                self.fail(name, error, "setup")

    def find(self, name: str, error: Exception) -> bool:
        """Whether a device was lost while `name` ran; if so, all that ran there is out."""
        self._devices.close_lost(name, error)
        return self.drop_closed()

    def drop_closed(self) -> bool:
        """Those whose device is closed are out; whether one was not before."""
        closed, any_new = self._devices.closed, False
        for name, one in self._session.implementations.items():
            if one.backend not in closed:
                continue
            self._drop(name)
            if self._point.findings.status(name) == "ok":
                reason = closed[one.backend]
                self._recorder.record(name, "setup", status="device_lost", reason=reason)
                any_new = True
        return any_new

    def release(self) -> None:
        """Give back what cells held that are gone; their stopwatches refer to them in cycles."""
        if self._devices:
            gc.collect()
        self._devices.release()
        self.drop_closed()

    def fits(self, one: Implementation) -> bool:
        """Whether its work buffers fit in the memory that is left; else it is out."""
        needed, available = one.work_bytes(self._point.problem), host.available_memory()
        if one.backend in self._devices or available is None or needed <= available:
            return True
        reason = (
            f"it needs {needed / 2**30:.2f} GiB of work buffers, "
            f"{available / 2**30:.2f} GiB is free"
        )
        self._recorder.disqualify(one.name, "setup", "out_of_memory", reason)
        return False

    def _drop(self, name: str) -> None:
        """Let go of a cell."""
        self._devices.keep(self._point.cells.pop(name, None))
