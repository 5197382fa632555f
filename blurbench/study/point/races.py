"""The races of a point: end to end, and of what is on a device already."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from blurbench.analysis.opponents import sides_of
from blurbench.measure.contest import Contender, ContenderError, Contest
from blurbench.measure.judge import Result
from blurbench.measure.race import Ranking, race
from blurbench.measure.rounds import CONTROL, Sample
from blurbench.records.kinds import YARDSTICK
from blurbench.records.scopes import RANKING_SCOPE
from blurbench.study.listener import Listener
from blurbench.study.point.budget import Budget
from blurbench.study.point.ceilings import Ceilings
from blurbench.study.point.cells import Cell
from blurbench.study.point.losses import Losses
from blurbench.study.point.point import MeasuredPoint
from blurbench.study.point.preparation import surprise
from blurbench.study.point.request import PointRequest
from blurbench.study.point.yardstick import make_yardstick


class Races:
    """Races cells against each other; samples go to the recorder one by one."""

    def __init__(
        self,
        point: MeasuredPoint,
        request: PointRequest,
        budget: Budget,
        losses: Losses,
        ceilings: Ceilings,
        listener: Listener,
    ) -> None:
        self._point, self._request, self._budget = point, request, budget
        self._losses, self._ceilings, self._listener = losses, ceilings, listener
        self._session, self._recorder = point.session, point.recorder
        self._findings = point.findings
        self._controls: dict[str, Cell] = {}  # the double of the reference, by its name
        self._doubled = ""  # that name, also where no double could be made
        self._has_control = True

    def rank(self, scope: str, names: Sequence[str], end: float, most: int | None = None) -> bool:
        """Race until nobody fails and every time can be believed; whether there was a result.

        Args:
            end: of the race, in seconds of the point's measuring.
            most: rounds after which it ends, if not by the rules.

        Raises:
            KeyboardInterrupt: what was measured until then is recorded.
        """
        while True:
            ready = [name for name in names if self._point.is_ok(name)]
            if not ready:
                return False
            try:
                result = self._race(scope, ready, end - self._budget.spent_s, most)
            except ContenderError as failure:
                self._take_out(failure, scope)
            else:
                if result.interrupted:
                    raise KeyboardInterrupt
                believed = [name for name in ready if self._is_believed(scope, name, result)]
                if believed == ready:
                    return True
            self._losses.release()
            # Rounds may have to be counted anew.
            self._recorder.log.attempt += 1

    def _take_out(self, failure: ContenderError, scope: str) -> None:
        if failure.name not in (CONTROL, YARDSTICK):
            self._losses.fail(failure.name, failure.error, scope)
        elif not self._losses.find(self._doubled, failure.error):
            self._has_control = False
            self._recorder.fail(CONTROL, failure.error, scope)
        self._session.devices.keep(self._controls)
        self._controls = {}

    def _is_believed(self, scope: str, name: str, result: Result) -> bool:
        standing = result.standings[name]
        if standing.rounds == 0:
            return True
        return self._ceilings.allow(name, scope, standing.time.value)

    def _race(self, scope: str, names: list[str], seconds: float, most: int | None) -> Result:
        self._listener.stage("racing" if scope == RANKING_SCOPE else "racing on the device")
        # Later processes hold everyone against the reference of the first.
        known = self._findings.race(scope) if self._request.process > 1 else None
        rules = self._point.rules
        has_yardstick = self._request.yardstick and scope == RANKING_SCOPE
        contest = Contest(
            [_contender(name, scope, self._point.cells[name]) for name in names],
            rules if most is None else replace(rules, most=min(most, rules.most or most)),
            make_control=partial(self._make_control, scope),
            pairs=self._pairs_among(names, scope),
            fixtures=[make_yardstick()] if has_yardstick else (),
            unranked=self._findings.unranked(names),
            history=self._findings.history(scope, self._request.process),
            reference=known.reference if known and known.reference in names else None,
        )
        return race(
            contest,
            seconds=seconds,
            rng=self._session.rng,
            keep=partial(self._keep, scope),
            progress=self._progress,
        )

    def _make_control(self, scope: str, reference: str) -> Contender | None:
        """The double of the reference; None where one failed before."""
        if not self._has_control:
            return None
        self._doubled = reference
        if reference not in self._controls:
            expected_s = self._point.cells[reference].cost_s
            one = self._session.implementations[reference]
            self._controls = {reference: self._point.make_cell(one, expected_s)}
        return _contender(CONTROL, scope, self._controls[reference])

    def _progress(self, rounds: int, left_s: float, ranking: Ranking) -> None:
        if ranking:
            self._listener.ranking(ranking)
        self._listener.rounds(rounds, left_s)

    def _keep(self, scope: str, sample: Sample) -> None:
        name, expected_s = sample.contender, math.inf
        cell = self._point.cells.get(name)
        if cell is not None:
            expected_s = cell.costs[scope].call_s
        elif name == CONTROL:
            cell = self._controls[self._doubled]
        self._recorder.record(
            name,
            scope,
            sample.elapsed_s,
            round=sample.round,
            position=sample.position,
            competitors=sample.competitors,
            inner_loops=sample.loops,
            started_at=sample.started_at,
            reason=surprise(sample.elapsed_s, sample.loops * expected_s),
            **({} if cell is None else cell.conditions),
        )

    def _pairs_among(self, names: Sequence[str], scope: str) -> list[tuple[str, str]] | None:
        """The comparisons that matter: also of the fastest of either side."""
        if self._request.pairs is None:
            return None
        competing = set(names) - self._findings.approximate
        found = [pair for pair in self._request.pairs if set(pair) <= competing]

        def call_s(name: str) -> float:
            return self._point.cells[name].costs[scope].call_s

        for sides in sides_of(self._findings.declared):
            one, other = (min(side.members & competing, key=call_s, default="") for side in sides)
            if one and other:
                found.append((other, one))
        return found


def _contender(name: str, scope: str, cell: Cell) -> Contender:
    cost = cell.costs[scope]
    return Contender(name, cell.scopes[scope], cost.call_s, cost.untimed_s, cost.launch_s)
