"""Measures a point: one image at one kernel size, every implementation side by side."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence, Set

from blurbench.image import Image
from blurbench.kernel import GaussianKernel
from blurbench.measure.judge import may_lead
from blurbench.measure.race import NEAR
from blurbench.measure.stats import FIRST_LOOK
from blurbench.measure.threads import limit_threads
from blurbench.records.journal import Log
from blurbench.records.scopes import RANKING_SCOPE
from blurbench.study.listener import Listener
from blurbench.study.point.admission import Admission, admit
from blurbench.study.point.budget import Budget
from blurbench.study.point.ceilings import Ceilings
from blurbench.study.point.estimates import Estimates
from blurbench.study.point.extras import Extras
from blurbench.study.point.losses import Losses
from blurbench.study.point.point import MeasuredPoint
from blurbench.study.point.preparation import Preparation
from blurbench.study.point.races import Races
from blurbench.study.point.request import PointRequest
from blurbench.study.session import Session

EXPECTED = 3.0  # times the least that any is expected to take: who may win
ALONE_SHARE = 1 / 3  # of the time that is left for the device, at most


class PointStudy:
    """Estimates, prepares, races and measures alone, from wherever an earlier attempt was ended.

    Attributes:
        interrupted: from the keyboard; what was measured until then is in the log.

    Raises:
        InputError: an option cannot be used.
    """

    def __init__(
        self,
        session: Session,
        image: Image,
        kernel: GaussianKernel,
        log: Log,
        listener: Listener,
        request: PointRequest,
    ) -> None:
        started = time.perf_counter()
        self._request, self._listener = request, listener
        self.interrupted = False
        self._point = MeasuredPoint(session, image, kernel, log, request.process)
        self._findings, self._keep = self._point.findings, self._point.rules.keep
        self._recorder, self._cells = self._point.recorder, self._point.cells
        earlier_s = self._findings.measured_s.get(request.process, 0.0)
        self._budget = Budget(request, started, earlier_s)
        point, budget, losses = self._point, self._budget, Losses(self._point)
        self._losses = losses
        self._ceilings = Ceilings(point)
        self._estimates = Estimates(point, request, budget, losses, listener)
        self._preparation = Preparation(point, budget, losses, self._ceilings, listener)
        self._races = Races(point, request, budget, losses, self._ceilings, listener)
        self._extras = Extras(point, budget, losses, listener)

    def run(self) -> None:
        """Measure what is not measured yet, and close every cell unless interrupted."""
        with limit_threads(self._point.problem.threads):
            try:
                self._measure()
            except KeyboardInterrupt:
                self.interrupted = True
        self._point.session.devices.keep(self)
        if not self.interrupted:
            self._recorder.close()

    def _measure(self) -> None:
        runnable = self._estimates.runnable()
        self._losses.release()  # what the point before held
        costs = self._estimates.costs(runnable)
        if not runnable:
            return
        self._budget.settle(costs)
        self._listener.budget(self._budget.seconds)
        self._leave_out_by(costs)
        self._listener.stage("measuring a copy")
        for backend, error in self._ceilings.measure():
            self._losses.fail_all(backend, error)
        if self._request.pairs is None and self._keep is None:
            self._race_the_likely(costs)
        self._preparation.prepare(costs)
        if self._request.with_difference:
            self._extras.note_difference(self._preparation.results, costs)
        self._rank(self._racing())
        self._extras.measure_once()

    # Who races.

    def _leave_out_by(self, costs: Mapping[str, float]) -> None:
        """Whoever does not fit the time, as far as estimates go."""
        # An earlier attempt's share was admitted then, and is again.
        admission = self._admit(costs)
        for name in admission.over_budget:
            self._recorder.over_budget(name, costs[name], self._budget.left_s)
        if self._request.pairs is not None:
            self._leave_out(admission.single)

    def _admit(self, costs: Mapping[str, float], aside_s: float = 0.0) -> Admission:
        """What the time that is left pays for; with `keep`, the best of each side first."""
        left_s = self._budget.seconds - self._budget.here_s - aside_s
        return admit(costs, left_s, self._point.near_best(costs, 1.0) if self._keep else ())

    def _leave_out(self, names: Iterable[str]) -> None:
        """Where pairs are compared, a single measurement tells nothing."""
        for name in sorted(names):
            self._recorder.leave(
                name, "a race to the first look does not fit the time for this size"
            )

    def _racing(self) -> list[str]:
        """Who races, now that each has run: as many as the time allows, and who raced before."""
        known = self._point.near_best(self._point.costs(), self._keep or math.inf)
        earlier = self._findings.racers(RANKING_SCOPE)
        self._let_go({*known, *earlier})
        alone_s = sum(cell.cost_s for name, cell in self._cells.items() if name not in known)
        if self._budget.stretch(known, alone_s):
            self._listener.budget(self._budget.seconds)
        racing = list(dict.fromkeys([*earlier, *self._admit(known, alone_s).racing]))
        if self._request.pairs is not None:
            self._leave_out(self._cells.keys() - set(racing))
        return racing

    def _let_go(self, staying: Set[str]) -> None:
        """With `keep`, what is far from the best leaves, and what a warm call of it took stands."""
        if self._keep is None:
            return
        for name in sorted(self._cells.keys() - staying):
            cell = self._cells[name]
            if cell.cost_s < cell.first_call_s:  # so it has been warm
                if self._point.lacks_time(name):
                    self._recorder.record(
                        name, RANKING_SCOPE, cell.cost_s, round=1, **cell.conditions
                    )
                del self._cells[name]

    # The races.

    def _race_the_likely(self, costs: Mapping[str, float]) -> None:
        """Those that are expected to win come to their first look before any dear one runs."""
        self._preparation.prepare(self._within(EXPECTED, costs))
        near = list(self._within(NEAR, self._point.costs()))
        self._races.rank(RANKING_SCOPE, near, self._budget.seconds, most=FIRST_LOOK)

    def _within(self, times: float, costs: Mapping[str, float]) -> dict[str, float]:
        """The costs of those that take at most so many times as long as the best that may win."""
        able = may_lead(costs, self._findings.unranked(costs))
        least = min((costs[name] for name in able), default=0.0)
        return {name: cost for name, cost in costs.items() if cost <= times * least}

    def _rank(self, names: Sequence[str]) -> None:
        """Rank end to end, and then the GPU's implementations on data that is already there."""
        alone = [cell for name, cell in self._cells.items() if name not in names]
        end = self._budget.seconds - sum(cell.costs[RANKING_SCOPE].once_s for cell in alone)
        there = [
            name for name in names if name in self._cells and "compute" in self._cells[name].scopes
        ]
        budget = self._budget
        half = end - (end - budget.spent_s) / 2 if there else end
        if self._races.rank(RANKING_SCOPE, names, half):
            alone_end = budget.spent_s + ALONE_SHARE * (end - budget.spent_s)
            self._extras.measure_alone(there, alone_end)
            self._races.rank("compute", there, end)
