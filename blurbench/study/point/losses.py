"""Which rows of a point are out, when one fails and may take its device along."""

from __future__ import annotations

from blurbench.problem import Problem
from blurbench.study.point.cells import Cell
from blurbench.study.point.recorder import Recorder
from blurbench.study.session import Session


class Losses:
    """Recorder why rows are out, and lets go of their cells.

    Args:
        cells: of the rows that are prepared, by name.
    """

    def __init__(
        self, session: Session, recorder: Recorder, problem: Problem, cells: dict[str, Cell]
    ) -> None:
        self._session, self._recorder, self._problem = session, recorder, problem
        self._cells = cells

    def fail(self, name: str, error: Exception, scope: str) -> None:
        """A row is out; and with its device, if that is lost, all that ran there."""
        one = self._session.implementations[name]
        meaning = self._session.devices.meaning(error, one, self._problem)
        self._recorder.fail(name, meaning, scope)
        self._drop(name)
        self.drop_closed()

    def find(self, name: str, error: Exception) -> bool:
        """Whether a device was lost while `name` ran; if so, all that ran there is out."""
        self._session.devices.close_lost(name, error)
        return self.drop_closed()

    def drop_closed(self) -> bool:
        """The rows whose device is closed are out; whether one was not before."""
        closed, any_new = self._session.devices.closed, False
        for name, one in self._session.implementations.items():
            if one.backend not in closed:
                continue
            self._drop(name)
            if self._recorder.findings.status(name) == "ok":
                reason = closed[one.backend]
                self._recorder.record(name, "setup", status="device_lost", reason=reason)
                any_new = True
        return any_new

    def _drop(self, name: str) -> None:
        """Let go of a cell."""
        self._session.devices.keep(self._cells.pop(name, None))
