"""Makes the cells of a point, and holds the first result of each against the reference."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from blurbench.backends.backend import Implementation
from blurbench.measure.race import explodes
from blurbench.study.exactness import allowed_error, take_sample
from blurbench.study.listener import Listener
from blurbench.study.point.admission import race_seconds
from blurbench.study.point.budget import Budget
from blurbench.study.point.ceilings import Ceilings
from blurbench.study.point.cells import Cell
from blurbench.study.point.losses import Losses
from blurbench.study.point.point import MeasuredPoint

PROMISING = 10.0  # times the best of a side, as expected: none that took more was ever the best
PILOT_CALLS = 4  # that a pilot costs: cold, warm, and what is checked of them


def surprise(elapsed_s: float, expected_s: float) -> str | None:
    """What is said of a run that took far longer than expected."""
    if not explodes(elapsed_s, expected_s):
        return None
    return f"a run took {elapsed_s:.3g} s where {expected_s:.2g} s was expected"


class Preparation:
    """Prepares whom the time allows; who is wrong or too fast to be true must not win.

    Attributes:
        results: the sampled pixels of each first result, by implementation.
    """

    def __init__(
        self,
        point: MeasuredPoint,
        budget: Budget,
        losses: Losses,
        ceilings: Ceilings,
        listener: Listener,
    ) -> None:
        self._point, self._budget, self._losses = point, budget, losses
        self._ceilings, self._listener = ceilings, listener
        self._session, self._recorder = point.session, point.recorder
        self._keep = point.rules.keep
        self.results: dict[str, NDArray[np.float64]] = {}

    def prepare(self, costs: Mapping[str, float]) -> None:
        """The cheapest first; with `keep`, what is expected to be far last, and only beside a race.

        Args:
            costs: seconds that a call of each is expected to take.
        """
        likely = self._point.near_best(costs, PROMISING) if self._keep else costs
        for name in sorted(costs, key=lambda name: (name not in likely, costs[name])):
            if name not in likely and self._crowds_out(costs[name]):
                self._recorder.over_budget(name, costs[name], self._budget.left_s)
            if self._point.may_run(name) and name not in self._point.cells:
                self._listener.stage(f"preparing {name}")
                self._prepare(self._session.implementations[name], costs[name])

    def _crowds_out(self, cost_s: float) -> bool:
        """Whether there is time for the race, but not for a pilot of something so dear as well."""
        race_s = race_seconds(self._point.near_best(self._point.costs(), 1.0))
        left_s = self._budget.seconds - self._budget.here_s
        return race_s < left_s < race_s + PILOT_CALLS * cost_s

    def _prepare(self, one: Implementation, expected_s: float) -> None:
        if not self._losses.fits(one):
            return
        device = self._session.devices.get(one.backend)
        self._losses.release()  # what failed before leaves its memory to this one
        if one.backend in self._session.devices.closed:
            return
        held = device.held_bytes() if device is not None else 0
        try:
            cell = self._point.make_cell(one, expected_s)
        except Exception as raised:
            self._losses.fail(one.name, raised, "first_call")
            return
        # The pool keeps what the cell gave back meanwhile, so this was its peak.
        peak = device.held_bytes() - held if device is not None else None
        self._point.cells[one.name] = cell
        self.results[one.name] = take_sample(cell.out)
        error = float(np.abs(self.results[one.name] - self._point.truth).max())
        self._record(one, cell, expected_s, error, peak)
        self._check(one, cell, error)

    def _record(
        self, one: Implementation, cell: Cell, expected_s: float, error: float, peak: int | None
    ) -> None:
        self._recorder.record_once(
            one.name,
            "setup",
            cell.setup_s,
            peak_device_bytes=peak,
            predicted_s=expected_s,
            multiply_adds=one.multiply_adds(self._point.problem) if one.counted else None,
        )
        self._recorder.record_once(
            one.name,
            "first_call",
            cell.first_call_s,
            max_abs_error=error,
            max_relative_error=self._point.relative(error),
            reason=surprise(cell.first_call_s, expected_s),
        )

    def _check(self, one: Implementation, cell: Cell, error: float) -> None:
        """Whether it computes what it should, and takes as long as that must take."""
        allowed = allowed_error(self._point.problem.dtype, self._point.scale, one.integer_error)
        if one.exact and not error <= allowed:
            reason = f"its error {error:.2g} is above the {allowed:.2g} that is allowed"
            if doubt := one.doubt(self._point.problem):
                reason += f"; {doubt}"
            self._recorder.disqualify(one.name, "first_call", "wrong", reason)
        for scope, cost in cell.costs.items():
            if not self._ceilings.allow(one.name, scope, cost.call_s):
                break
