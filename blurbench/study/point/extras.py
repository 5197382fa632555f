"""What is measured at a point beside its races."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from blurbench.errors import InputError
from blurbench.names import YOURS
from blurbench.records.scopes import ALONE, DIFFERENCE, RANKING_SCOPE
from blurbench.study.listener import Listener
from blurbench.study.point.alone import time_alone
from blurbench.study.point.budget import Budget
from blurbench.study.point.cells import Cell
from blurbench.study.point.device_cells import DeviceCell
from blurbench.study.point.difference import separable_against_direct
from blurbench.study.point.losses import Losses
from blurbench.study.point.point import MeasuredPoint


class Extras:
    """Single runs, what a device does alone, and how far two methods lie apart."""

    def __init__(
        self, point: MeasuredPoint, budget: Budget, losses: Losses, listener: Listener
    ) -> None:
        self._point, self._budget, self._losses = point, budget, losses
        self._listener, self._recorder = listener, point.recorder
        self._findings = point.findings

    def measure_alone(self, names: Sequence[str], end: float) -> None:
        """What competes with nothing, until `end`, in seconds of the point's measuring."""
        pairs = [(name, scope) for name, scope in product(names, ALONE) if self._point.is_ok(name)]
        for left, (name, scope) in zip(range(len(pairs), 0, -1), pairs, strict=True):
            self._listener.stage(f"measuring {scope} of {name}")
            now = self._budget.spent_s
            try:
                self._measure_alone(name, scope, now + (end - now) / left)
            except InputError:  # the journal's
                raise
            except Exception as error:  # a figure beside the ranking that cannot be had is left out
                self._losses.find(name, error)

    def _measure_alone(self, name: str, scope: str, end: float) -> None:
        cell = self._point.cells[name]
        done = len(self._findings.alone(name, scope, self._recorder.process))
        assert isinstance(cell, DeviceCell)
        samples = time_alone(cell, scope, done, lambda: self._budget.spent_s, end)
        for number, one in enumerate(samples, done + 1):
            conditions = {"inner_loops": one.loops, **cell.conditions}
            self._recorder.record(name, scope, one.elapsed_s, round=number, **conditions)

    def measure_once(self) -> None:
        """One sample each, where a race did not fit or what was measured must not win."""
        for name, cell in list(self._point.cells.items()):
            if self._point.lacks_time(name):
                self._measure_once(name, cell)

    def _measure_once(self, name: str, cell: Cell) -> None:
        """Where there is no time even for that, what a call took before stands."""
        elapsed = cell.cost_s
        if elapsed <= self._budget.left_s:
            try:
                elapsed = cell.scopes[RANKING_SCOPE](1)
            except Exception as error:
                self._losses.fail(name, error, RANKING_SCOPE)
                return
        self._recorder.record(name, RANKING_SCOPE, elapsed, round=1, **cell.conditions)

    def note_difference(
        self, results: Mapping[str, NDArray[np.float64]], costs: Mapping[str, float]
    ) -> None:
        """How far separable and direct lie apart, once for a point.

        Args:
            results: what was sampled of each first result.
            costs: seconds that a call of each is expected to take.
        """
        if self._findings.difference is not None:
            return
        ones = self._point.session.implementations
        right = (name for name in results if self._findings.status(name) != "wrong")
        found = separable_against_direct(
            ((ones[name].method, results[name]) for name in right if ones[name].origin != YOURS),
            self._point.problem,
            self._point.pixels,
            costs.get("numpy:direct", math.inf),
        )
        if found is not None:
            self._recorder.record(
                DIFFERENCE,
                DIFFERENCE,
                max_abs_error=found,
                max_relative_error=self._point.relative(found),
            )
