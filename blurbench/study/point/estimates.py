"""Who can run at a point, and what a call of each will take, learnt on crops."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from blurbench.backends.backend import Implementation
from blurbench.study.listener import Listener
from blurbench.study.point.budget import Budget
from blurbench.study.point.losses import Losses
from blurbench.study.point.point import MeasuredPoint
from blurbench.study.point.prediction import predict, smallest_effort
from blurbench.study.point.request import PointRequest

SHORT = 0.1  # of the time for estimates: a call so short is estimated however late
MOST_GAIN = 20  # times the best rate so far: no implementation is that much better


class Estimates:
    """Asks the cheapest first, so that what is hopelessly dear need not be tried."""

    def __init__(
        self,
        point: MeasuredPoint,
        request: PointRequest,
        budget: Budget,
        losses: Losses,
        listener: Listener,
    ) -> None:
        self._point, self._request, self._budget = point, request, budget
        self._losses, self._listener = losses, listener
        self._recorder, self._session = point.recorder, point.session
        self._tried = 0.0  # the effort of the last that was tried: none had more
        self._best_rate = 0.0  # seconds per effort, of the fastest so far

    def runnable(self) -> list[Implementation]:
        """Those that can run and may; of the others it is recorded why not."""
        self._session.devices.reopen()
        self._losses.drop_closed()
        for name, reason in self._session.out.items():
            self._recorder.disqualify(name, None, "unavailable", reason)
        left_out = self._request.left_out
        return [
            one
            for one in self._session.runnable
            if self._point.may_run(one.name)
            and not (one.name in left_out and self._recorder.may_leave(one.name))
        ]

    def costs(self, runnable: Iterable[Implementation]) -> dict[str, float]:
        """Seconds of a call of each, in the session's order; those who fail are out."""
        costs: dict[str, float] = {}
        for one, effort in sorted(self._able(runnable), key=lambda each: each[1]):
            self._listener.stage(f"estimating {one.name}")
            try:
                if one.backend in self._session.devices.closed or not self._losses.fits(one):
                    continue
                if self._is_too_dear(one, effort):
                    costs[one.name] = effort * self._best_rate
                    self._recorder.over_budget(one.name, costs[one.name])
                else:
                    costs[one.name] = self._try(one, effort)
            except Exception as error:
                self._losses.fail(one.name, error, "setup")
        working = [one.name for one in self._session.runnable]
        found = {name: costs[name] for name in working if name in costs}
        self._tell_left_out(min(found.values(), default=None))
        return found

    def _tell_left_out(self, least_s: float | None) -> None:
        """Who is not measured here, and what it takes, given what the fastest is expected to."""
        for name, reason in self._request.left_out.items():
            times = self._request.behind.get(name)
            predicted_s = None if times is None or least_s is None else times * least_s
            self._recorder.leave(name, reason, predicted_s=predicted_s)

    def _able(self, runnable: Iterable[Implementation]) -> Iterator[tuple[Implementation, float]]:
        """Those that can do the problem, each with its effort."""
        for one in runnable:
            try:
                one.check(self._point.problem)
                effort = one.effort(self._point.problem)
            except Exception as error:
                self._losses.fail(one.name, error, "setup")
            else:
                yield one, effort

    def _is_too_dear(self, one: Implementation, effort: float) -> bool:
        """Whether its smallest crop takes too long, or it is late for anything but short calls."""
        longest = self._budget.estimating_s
        least_s = smallest_effort(one, self._point.problem) * self._best_rate / MOST_GAIN
        # Compiling says nothing of those that are yet to be estimated.
        is_late = self._budget.here_s - self._budget.compiled_s > longest
        is_long = effort * self._best_rate > SHORT * longest
        return effort > self._tried > 0 and ((is_late and is_long) or least_s > longest)

    def _try(self, one: Implementation, effort: float) -> float:
        """Seconds of a call, from crops; what compiling took is recorded."""
        self._tried = effort
        device = self._session.devices.get(one.backend)
        trial = partial(predict, one, self._point.problem, self._point.pixels, device)
        found = self._session.devices.call(one.backend, one.name, trial)
        self._budget.compiled_s += found.compilation_s or 0.0
        rate = found.seconds / effort
        self._best_rate = min(rate, self._best_rate or rate)
        self._recorder.record_once(one.name, "compilation", found.compilation_s)
        return found.seconds
