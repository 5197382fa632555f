"""Records what a process measures at a point: times, and why there is none."""

from __future__ import annotations

import time
from typing import Any

from blurbench.errors import DeviceLostError, InputError, lacks_memory, text_of
from blurbench.records.journal import Log
from blurbench.records.record import Record
from blurbench.records.scopes import RANKING_SCOPE
from blurbench.records.summary import Key
from blurbench.study.patience import HungError


class Recorder:
    """Appends to a log what one process finds at one point.

    Attributes:
        findings: what the log knows of the point, from earlier attempts too.
    """

    def __init__(self, log: Log, point: Key, process: int = 1) -> None:
        self.log, self.process = log, process
        self.findings = log.at(point)

    def record(
        self, name: str, scope: str | None, elapsed_s: float | None = None, **more: Any
    ) -> None:
        """One record of an implementation; `more` are its other columns."""
        more = {"started_at": time.time() - (elapsed_s or 0.0), **more}
        key = more.pop("key", None) or self.findings.key(name)
        self.log.append(
            Record(key, scope, elapsed_s, attempt=self.log.attempt, process=self.process, **more)
        )

    def record_once(self, name: str, scope: str, elapsed_s: float | None, **more: Any) -> None:
        """What an earlier attempt of this process may have recorded already."""
        if elapsed_s is not None and not self.findings.alone(name, scope, self.process):
            self.record(name, scope, elapsed_s, **more)

    def disqualify(
        self, name: str, scope: str | None, status: str, reason: str, **more: Any
    ) -> None:
        """Out of the running, unless it is already."""
        if self.findings.status(name) == "ok":
            self.record(name, scope, status=status, reason=reason, **more)

    def fail(self, name: str, error: Exception, scope: str) -> None:
        """The status that an exception stands for."""
        status = "failed"
        if isinstance(error, InputError):
            status = "unsupported"
        elif isinstance(error, HungError):
            status = "timed_out"
        elif isinstance(error, DeviceLostError):
            status = "device_lost"
        elif lacks_memory(error):
            status = "out_of_memory"
        self.record(name, scope, status=status, reason=text_of(error))

    def leave(self, name: str, reason: str, **more: Any) -> None:
        """Out of the budget, unless it was within it before an interruption."""
        if self.may_leave(name):
            self.disqualify(name, RANKING_SCOPE, "over_budget", reason, **more)

    def may_leave(self, name: str) -> bool:
        """Whether nothing of it was measured before an interruption."""
        raced = name in self.findings.racers(RANKING_SCOPE)
        return not (raced or self.findings.timed(name))

    def over_budget(self, name: str, seconds: float, left_s: float | None = None) -> None:
        """Out of the budget, by what one call is expected to take, of the seconds that are left."""
        reason = f"one run is expected to take {seconds:.3g} s"
        if left_s is not None:
            reason += f", and {max(0.0, left_s):.2g} s are left"
        self.leave(name, reason, predicted_s=seconds)

    def close(self) -> None:
        """The status of everyone stands."""
        for one in self.findings.declared:
            status, reason = self.findings.status(one.name), self.findings.reason(one.name)
            self.record(one.name, None, status=status, reason=reason)
