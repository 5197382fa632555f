"""A point: one image at one kernel size, every implementation measured side by side."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench import host
from blurbench.analysis.opponents import sides_of
from blurbench.backends.backend import Implementation
from blurbench.errors import InputError, text_of
from blurbench.image import Image
from blurbench.kernel import GaussianKernel
from blurbench.measure.judge import CONTROL, Result, Sample, may_lead
from blurbench.measure.race import (
    FIRST_LOOK,
    NEAR,
    Contender,
    ContenderError,
    Ranking,
    explodes,
    race,
)
from blurbench.measure.threads import limit_threads
from blurbench.names import YOURS
from blurbench.problem import Problem
from blurbench.records.findings import ALONE, DIFFERENCE, RANKING_SCOPE
from blurbench.records.journal import Log
from blurbench.records.kinds import SOFTWARE, YARDSTICK
from blurbench.records.summary import Key
from blurbench.study.exactness import (
    allowed_error,
    image_scale,
    reference_sample,
    take_sample,
)
from blurbench.study.listener import Listener
from blurbench.study.options import problem_for
from blurbench.study.point.admission import (
    LONGEST_S,
    SHORTEST_S,
    Admission,
    admit,
    default_budget,
    near_best,
    race_seconds,
)
from blurbench.study.point.alone import time_alone
from blurbench.study.point.ceilings import Ceilings
from blurbench.study.point.cells import Cell, rotation_of
from blurbench.study.point.device_cells import DeviceCell
from blurbench.study.point.difference import separable_against_direct
from blurbench.study.point.losses import Losses
from blurbench.study.point.prediction import predict, smallest_effort
from blurbench.study.point.recorder import Recorder
from blurbench.study.point.yardstick import make_yardstick
from blurbench.study.session import Session

RUNNABLE = ("ok", "wrong", "implausible")  # what must not win is measured once all the same
SHORT = 0.1  # of the time for estimates: a call so short is estimated however late
HOPELESS = 20  # times the best rate so far: no implementation is that much better
EXPECTED = 3.0  # times the least that any is expected to take: who may win
PROMISING = 10.0  # times the best of a side, as expected: none that took more was ever the best
PILOT_CALLS = 4  # that a pilot costs: cold, warm, and what is checked of them
PREPARING_S = 0.5  # about what copies, set-up and first calls take before a race
ALONE_SHARE = 1 / 3  # of the time that is left for the device, at most


def surprise(elapsed_s: float, expected_s: float) -> str | None:
    """What is said of a run that took far longer than expected."""
    if not explodes(elapsed_s, expected_s):
        return None
    return f"a run took {elapsed_s:.3g} s where {expected_s:.2g} s was expected"


def point_key(problem: Problem, image: str, cache: str) -> Key:
    """What all cells of a point share."""
    return Key(
        implementation="",
        image=image,
        height=problem.height,
        width=problem.width,
        channels=problem.channels,
        size=problem.kernel.size,
        sigma=problem.kernel.sigma,
        border=problem.border,
        cval=problem.cval,
        dtype=problem.dtype.name,
        threads=0,
        cache=cache,
    )


class PointStudy:
    """Measures a point into a log, from wherever an earlier attempt was ended.

    Args:
        budget: seconds; None decides by what the calls cost, from `shortest` to `longest`.
        spare: seconds beyond a budget that compiling may take.
        process: the restart that this is, from 1.
        left_out: who is not measured here, and why.
        behind: times as long as the fastest that those take at least, where that is known.
        pairs: the comparisons that matter; by default everyone against the fastest.
        yardstick: whether the fixed work of `make_yardstick` runs in every round.
        with_difference: whether separable and direct are held against each other.

    Attributes:
        interrupted: from the keyboard; what was measured until then is in the log.
        control_failure: why no control could run, if none could.

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
        *,
        budget: float | None = None,
        spare: float = 0.0,
        shortest: float = SHORTEST_S,
        longest: float = LONGEST_S,
        process: int = 1,
        left_out: Mapping[str, str] | None = None,
        behind: Mapping[str, float] | None = None,
        pairs: Sequence[tuple[str, str]] | None = None,
        yardstick: bool = False,
        with_difference: bool = False,
    ) -> None:
        self.started = time.perf_counter()
        self.session, self.log, self.listener = session, log, listener
        self.given_budget, self.spare, self.process = budget, spare, process
        self.shortest, self.longest = shortest, longest
        self.left_out, self.behind = left_out or {}, behind or {}
        self.pairs, self.yardstick = pairs, yardstick
        self.with_difference = with_difference
        self._keep = log.run.rules.keep
        self.problem = problem_for(image, kernel, session.options)
        self.point = point_key(self.problem, image.name, session.options.cache)
        self.recorder = Recorder(log, self.point, process)
        self.findings = self.recorder.findings
        self.pixels = image.pixels.astype(self.problem.dtype)
        self.earlier_s = self.findings.measured_s.get(process, 0.0)
        self.interrupted = False
        self.control_failure: str | None = None
        self.images: list[NDArray[Any]] = []
        self.cells: dict[str, Cell] = {}
        self.controls: dict[str, Cell] = {}  # the double of the reference, by its name
        self.doubled = ""  # that name, also where no double could be made
        self.losses = Losses(session, self.recorder, self.problem, self.cells)
        self.samples: dict[str, NDArray[np.float64]] = {}
        self.budget = self.compiled_s = 0.0

    def run(self) -> None:
        """Measure what is not measured yet, and close every cell unless interrupted."""
        with limit_threads(self.problem.threads):
            try:
                self._measure()
            except KeyboardInterrupt:
                self.interrupted = True
        self.session.devices.keep(self)
        if not self.interrupted:
            self.recorder.close()

    def _measure(self) -> None:
        runnable = self._admit_session()
        self._release_devices()  # of what the point before held
        costs = self._predict(runnable)
        self._tell_left_out(min(costs.values(), default=None))
        if not runnable:
            return
        if self.given_budget:
            self.budget = self.given_budget + min(self.compiled_s, self.spare)
        else:
            spent = time.perf_counter() - self.started
            self.budget = default_budget(costs, self.shortest, self.longest, spent + PREPARING_S)
        self.listener.budget(self.budget)
        # An earlier attempt's share was admitted then, and is again.
        admission = self._admit(costs)
        for name in admission.over_budget:
            self.recorder.over_budget(name, costs[name], self._left())
        if self.pairs is not None:
            self._leave_out(admission.single)
        self.images = rotation_of(self.pixels, self.session.options.cache)
        self.listener.stage("measuring a copy")
        self.ceilings = Ceilings(self.recorder, self.session, self.problem, self.images)
        for backend, error in self.ceilings.measure():
            self._fail_all(backend, error)
        if self.pairs is None and self._keep is None:
            self._race_the_likely(costs)
        self._prepare_all(costs)
        if self.with_difference:
            self._note_difference(costs)
        known = self._worth_racing()
        earlier = self.findings.racers(RANKING_SCOPE)
        self._let_go({*known, *earlier})
        alone_s = sum(cell.cost_s for name, cell in self.cells.items() if name not in known)
        if not self.given_budget:
            self._stretch_budget(known, alone_s)
        racing = list(dict.fromkeys([*earlier, *self._admit(known, alone_s).racing]))
        if self.pairs is not None:
            self._leave_out(self.cells.keys() - set(racing))
        self._rank_all(racing)
        for name, cell in list(self.cells.items()):
            if self._may_run(name) and not self.interrupted:
                self._measure_once(name, cell)

    def _race_the_likely(self, costs: Mapping[str, float]) -> None:
        """Those that are expected to win come to their first look before any dear one runs."""
        able = may_lead(costs, self.findings.unranked(costs))
        least = min((costs[name] for name in able), default=0.0)
        likely = {name: cost for name, cost in costs.items() if cost <= EXPECTED * least}
        self._prepare_all(likely)
        found = self._costs()
        able = may_lead(found, self.findings.unranked(found))
        least = min((found[name] for name in able), default=0.0)
        near = [name for name, cost in found.items() if cost <= NEAR * least]
        self._rank(RANKING_SCOPE, near, self.budget, most=FIRST_LOOK)
        if self.interrupted:
            raise KeyboardInterrupt

    def _admit(self, costs: Mapping[str, float], aside_s: float = 0.0) -> Admission:
        """What the time that is left pays for; with `keep`, the best of each side first."""
        left_s = self.budget - (time.perf_counter() - self.started) - aside_s
        return admit(costs, left_s, self._near_best(costs, 1.0) if self._keep else ())

    def _prepare_all(self, costs: Mapping[str, float]) -> None:
        """With `keep`, what is expected to be far comes last, and only beside a race."""
        likely = self._near_best(costs, PROMISING) if self._keep else costs
        for name in sorted(costs, key=lambda name: (name not in likely, costs[name])):
            if name not in likely and self._crowds_out(costs[name]):
                self.recorder.over_budget(name, costs[name], self._left())
            if self.findings.status(name) in RUNNABLE and name not in self.cells:
                self.listener.stage(f"preparing {name}")
                self._prepare(self.session.implementations[name], costs[name])

    def _crowds_out(self, cost_s: float) -> bool:
        """Whether there is time for the race, but not for a pilot of something so dear as well."""
        race_s = race_seconds(self._near_best(self._costs(), 1.0))
        left_s = self.budget - (time.perf_counter() - self.started)
        return race_s < left_s < race_s + PILOT_CALLS * cost_s

    def _stretch_budget(self, known: Mapping[str, float], alone_s: float) -> None:
        """Leave what the race needs, whatever compiling took until now."""
        spent = time.perf_counter() - self.started + alone_s
        needed = default_budget(known, self.shortest, self.longest, spent)
        if needed > self.budget:
            self.budget = needed
            self.listener.budget(needed)

    def _leave_out(self, names: Iterable[str]) -> None:
        """Where pairs are compared, a single measurement tells nothing."""
        for name in sorted(names):
            self.recorder.leave(
                name, "a race to the first look does not fit the time for this size"
            )

    def _admit_session(self) -> list[Implementation]:
        """Those that can run and may; the others are told why not."""
        self.session.devices.reopen()
        self.losses.drop_closed()
        for name, reason in self.session.out.items():
            self.recorder.disqualify(name, None, "unavailable", reason)
        return [
            one
            for one in self.session.runnable
            if self.findings.status(one.name) in RUNNABLE
            and not (one.name in self.left_out and self.recorder.may_leave(one.name))
        ]

    def _tell_left_out(self, least_s: float | None) -> None:
        """Who is not measured here, and what it takes, given what the fastest is expected to."""
        for name, reason in self.left_out.items():
            times = self.behind.get(name)
            predicted_s = None if times is None or least_s is None else times * least_s
            self.recorder.leave(name, reason, predicted_s=predicted_s)

    def _worth_racing(self) -> dict[str, float]:
        """What a call of each takes now that each has run; with `keep`, of the best alone."""
        return self._near_best(self._costs(), self._keep or math.inf)

    def _costs(self) -> dict[str, float]:
        """Of a call of whoever may win."""
        return {name: cell.cost_s for name, cell in self.cells.items() if self._is_ok(name)}

    def _near_best(self, costs: Mapping[str, float], times: float) -> dict[str, float]:
        """The costs of those that take at most so many times as long as the best of their side."""
        ones = self.session.implementations
        kinds = self.session.kinds
        sides = {
            name: (ones[name].origin, ones[name].exact, kinds[name] == SOFTWARE) for name in costs
        }
        return near_best(costs, sides, times)

    def _let_go(self, staying: Set[str]) -> None:
        """With `keep`, what is far from the best leaves, and what a warm call of it took stands."""
        if self._keep is None:
            return
        for name in sorted(self.cells.keys() - staying):
            cell = self.cells[name]
            if cell.cost_s < cell.first_call_s:  # so it has been warm
                if self._may_run(name):
                    self.recorder.record(
                        name, RANKING_SCOPE, cell.cost_s, round=1, **cell.conditions
                    )
                del self.cells[name]

    def _may_run(self, name: str) -> bool:
        """Whether a prepared cell has no time yet and did not fail."""
        timed = self.findings.timed(name, self.process)
        return self.findings.status(name) in RUNNABLE and not timed

    def _spent(self) -> float:
        return self.earlier_s + time.perf_counter() - self.started

    def _left(self) -> float:
        return self.budget - self._spent()

    def _predict(self, runnable: list[Implementation]) -> dict[str, float]:
        costs: dict[str, float] = {}
        sizes: dict[str, float] = {}
        for one in runnable:
            try:
                one.check(self.problem)
                sizes[one.name] = one.effort(self.problem)
            except Exception as error:
                self.losses.fail(one.name, error, "setup")
        known = [one for one in runnable if one.name in sizes]
        tried = 0.0  # operations of the last that was estimated: none had more
        best_rate = 0.0  # seconds a multiply-add, of the fastest so far
        # Under a huge kernel even the smallest crop may cost more than an estimate is worth.
        longest = (self.given_budget or self.shortest) / 4  # that estimates may take
        for one in sorted(known, key=lambda one: sizes[one.name]):
            self.listener.stage(f"estimating {one.name}")
            operations = sizes[one.name]
            try:
                if one.backend in self.session.devices.closed or not self._fits(one):
                    continue
                least_s = smallest_effort(one, self.problem) * best_rate / HOPELESS
                # Compiling says nothing of those that are yet to be estimated.
                spent = time.perf_counter() - self.started - self.compiled_s
                expected_s = operations * best_rate
                late = spent > longest and expected_s > SHORT * longest
                if operations > tried > 0 and (late or least_s > longest):
                    costs[one.name] = expected_s
                    self.recorder.over_budget(one.name, expected_s)
                    continue
                device = self.session.devices.get(one.backend)
                tried = operations
                trial = partial(predict, one, self.problem, self.pixels, device)
                found = self.session.devices.call(one.backend, one.name, trial)
                costs[one.name] = found.seconds
                self.compiled_s += found.compilation_s or 0.0
                rate = found.seconds / operations
                best_rate = min(rate, best_rate or rate)
                self.recorder.record_once(one.name, "compilation", found.compilation_s)
            except Exception as error:
                self.losses.fail(one.name, error, "setup")
        return {one.name: costs[one.name] for one in self.session.runnable if one.name in costs}

    def _fits(self, one: Implementation) -> bool:
        """Whether its work buffers fit in the memory that is left; else it is told."""
        needed, available = one.work_bytes(self.problem), host.available_memory()
        if one.backend in self.session.devices or available is None or needed <= available:
            return True
        reason = (
            f"it needs {needed / 2**30:.2f} GiB of work buffers, "
            f"{available / 2**30:.2f} GiB is free"
        )
        self.recorder.disqualify(one.name, "setup", "out_of_memory", reason)
        return False

    def _fail_all(self, backend: str, error: Exception) -> None:
        """Of a backend, whose device has no place for the image."""
        self.losses.drop_closed()
        for name, one in self.session.implementations.items():
            if one.backend == backend and self.findings.status(name) in RUNNABLE:
                self.losses.fail(name, error, "setup")

    def _prepare(self, one: Implementation, expected_s: float) -> None:
        """Make the cell, and hold its first result against the reference."""
        name = one.name
        if not self._fits(one):
            return
        device = self.session.devices.get(one.backend)
        self._release_devices()  # what failed before leaves its memory to this one
        if one.backend in self.session.devices.closed:
            return
        held = device.held_bytes() if device is not None else 0
        try:
            cell = self._make_cell(one, expected_s)
        except Exception as raised:
            self.losses.fail(name, raised, "first_call")
            return
        # The pool keeps what the cell gave back meanwhile, so this was its peak.
        peak = device.held_bytes() - held if device is not None else None
        self.cells[name] = cell
        sample = self.samples[name] = take_sample(cell.out)
        if not hasattr(self, "reference"):
            self.reference = reference_sample(self.pixels, self.problem)
            self.scale = image_scale(self.pixels, self.problem)
        error = float(np.abs(sample - self.reference).max())
        relative = error / self.scale if self.scale else None
        self.recorder.record_once(
            name,
            "setup",
            cell.setup_s,
            peak_device_bytes=peak,
            predicted_s=expected_s,
            multiply_adds=one.multiply_adds(self.problem) if one.counted else None,
        )
        self.recorder.record_once(
            name,
            "first_call",
            cell.first_call_s,
            max_abs_error=error,
            max_relative_error=relative,
            reason=surprise(cell.first_call_s, expected_s),
        )
        allowed = allowed_error(self.problem.dtype, self.scale, one.integer_error)
        if one.exact and not error <= allowed:
            reason = f"its error {error:.2g} is above the {allowed:.2g} that is allowed"
            if doubt := one.doubt(self.problem):
                reason += f"; {doubt}"
            self.recorder.disqualify(name, "first_call", "wrong", reason)
        for scope, cost in cell.costs.items():
            if not self._check_plausible(name, scope, cost.call_s):
                break

    def _release_devices(self) -> None:
        """Give back what cells held that are gone; their stopwatches refer to them in cycles."""
        if self.session.devices:
            gc.collect()
        self.session.devices.release()
        self.losses.drop_closed()

    def _make_cell(self, one: Implementation, expected_s: float) -> Cell:
        if one.backend not in self.session.devices:
            return Cell(one, self.problem, self.images)
        place = self.ceilings.places[one.backend]
        make = partial(DeviceCell, one, self.problem, self.images, place)
        return self.session.devices.call(one.backend, one.name, make, expected_s)

    def _check_plausible(self, name: str, scope: str, seconds: float) -> bool:
        """Whether the time can be believed; if not, the cell is out of the running."""
        backend = self.session.implementations[name].backend
        least_s, what = self.ceilings.bound(backend, scope, seconds)
        if seconds >= least_s:
            return True
        reason = f"{seconds:.3g} s is faster than {what}"
        if self.findings.status(name) != "implausible":
            self.recorder.record(name, scope, status="implausible", reason=reason)
        return False

    def _rank_all(self, names: Sequence[str]) -> None:
        """Rank end to end, and then the GPU's implementations on data that is already there."""
        alone = [cell for name, cell in self.cells.items() if name not in names]
        single = sum(cell.costs[RANKING_SCOPE].once_s for cell in alone)
        there = [
            name for name in names if name in self.cells and "compute" in self.cells[name].scopes
        ]
        end = self.budget - single
        half = end - (end - self._spent()) / 2 if there else end
        if not self._rank(RANKING_SCOPE, names, half):
            return
        self._measure_all_alone(there, self._spent() + ALONE_SHARE * (end - self._spent()))
        self._rank("compute", there, end)

    def _rank(self, scope: str, names: Sequence[str], end: float, most: int | None = None) -> bool:
        """Race until nobody fails and every time can be believed; whether there was a result.

        Args:
            end: of the race, in seconds of the point's measuring.
            most: rounds after which it ends, if not by the rules.
        """
        while True:
            ready = [name for name in names if self._is_ok(name)]
            if not ready:
                return False
            try:
                result = self._race(scope, ready, end - self._spent(), most)
            except ContenderError as failure:
                if failure.name not in (CONTROL, YARDSTICK):
                    self.losses.fail(failure.name, failure.error, scope)
                elif not self.losses.find(self.doubled, failure.error):
                    self.control_failure = text_of(failure.error)
                    self.recorder.fail(CONTROL, failure.error, scope)
                self.session.devices.keep(self.controls)
                self.controls = {}
            else:
                if result.interrupted:
                    self.interrupted = True
                    return False
                believed = [name for name in ready if self._believe(scope, name, result)]
                if believed == ready:
                    return True
            self._release_devices()
            # Rounds may have to be counted anew.
            self.log.attempt += 1

    def _believe(self, scope: str, name: str, result: Result) -> bool:
        standing = result.standings[name]
        if standing.rounds == 0:
            return True
        return self._check_plausible(name, scope, standing.time.value)

    def _race(
        self, scope: str, names: list[str], seconds: float, most: int | None = None
    ) -> Result:
        self.listener.stage("racing" if scope == RANKING_SCOPE else "racing on the device")

        cells = {name: self.cells[name] for name in names}

        def contender(name: str, cell: Cell) -> Contender:
            cost = cell.costs[scope]
            watch = cell.scopes[scope]
            return Contender(name, watch, cost.call_s, cost.untimed_s, cost.launch_s)

        def make_control(reference: str) -> Contender | None:
            if self.control_failure is not None:
                return None
            self.doubled = reference
            if reference not in self.controls:
                expected_s = self.cells[reference].cost_s
                own = self._make_cell(self.session.implementations[reference], expected_s)
                self.controls = {reference: own}
            cells[CONTROL] = self.controls[reference]
            return contender(CONTROL, cells[CONTROL])

        def progress(rounds: int, left_s: float, ranking: Ranking) -> None:
            if ranking:
                self.listener.ranking(ranking)
            self.listener.rounds(rounds, left_s)

        expected = {name: cell.costs[scope].call_s for name, cell in cells.items()}

        def keep(sample: Sample) -> None:
            self.recorder.record(
                sample.contender,
                scope,
                sample.elapsed_s,
                round=sample.round,
                position=sample.position,
                competitors=sample.competitors,
                inner_loops=sample.loops,
                started_at=sample.started_at,
                reason=surprise(
                    sample.elapsed_s, sample.loops * expected.get(sample.contender, math.inf)
                ),
                **(cells[sample.contender].conditions if sample.contender in cells else {}),
            )

        # Later processes hold everyone against the reference of the first.
        known = self.findings.race(scope) if self.process > 1 else None
        rules = self.log.run.rules
        return race(
            [contender(name, cell) for name, cell in cells.items()],
            make_control,
            rules if most is None else replace(rules, most=min(most, rules.most or most)),
            seconds=seconds,
            rng=self.session.rng,
            keep=keep,
            progress=progress,
            history=self.findings.history(scope, self.process),
            reference=known.reference if known and known.reference in names else None,
            pairs=self._pairs_among(names, scope),
            unranked=self.findings.unranked(names),
            fixtures=[make_yardstick()] if self.yardstick and scope == RANKING_SCOPE else (),
        )

    def _pairs_among(self, names: Sequence[str], scope: str) -> list[tuple[str, str]] | None:
        """The comparisons that matter: also of the fastest of either side."""
        if self.pairs is None:
            return None
        competing = set(names) - self.findings.approximate
        found = [pair for pair in self.pairs if set(pair) <= competing]

        def call_s(name: str) -> float:
            return self.cells[name].costs[scope].call_s

        for sides in sides_of(self.findings.declared):
            one, other = (min(side.members & competing, key=call_s, default="") for side in sides)
            if one and other:
                found.append((other, one))
        return found

    def _measure_all_alone(self, names: Sequence[str], end: float) -> None:
        """What competes with nothing, until `end`, in seconds of the point's measuring."""
        pairs = [(name, scope) for name, scope in product(names, ALONE) if self._is_ok(name)]
        for left, (name, scope) in zip(range(len(pairs), 0, -1), pairs, strict=True):
            self.listener.stage(f"measuring {scope} of {name}")
            now = self._spent()
            try:
                self._measure_alone(name, scope, now + (end - now) / left)
            except InputError:  # the journal's
                raise
            except Exception as error:  # a figure beside the ranking that cannot be had is left out
                self.losses.find(name, error)

    def _is_ok(self, name: str) -> bool:
        return self.findings.status(name) == "ok" and name in self.cells

    def _measure_alone(self, name: str, scope: str, end: float) -> None:
        cell, done = self.cells[name], len(self.findings.alone(name, scope, self.process))
        assert isinstance(cell, DeviceCell)
        samples = time_alone(cell, scope, done, self._spent, end)
        for number, one in enumerate(samples, done + 1):
            conditions = {"inner_loops": one.loops, **cell.conditions}
            self.recorder.record(name, scope, one.elapsed_s, round=number, **conditions)

    def _measure_once(self, name: str, cell: Cell) -> None:
        """One sample, where a race did not fit or what was measured must not win.

        Where there is no time even for that, what a call took before stands.
        """
        elapsed = cell.cost_s
        if elapsed <= self._left():
            try:
                elapsed = cell.scopes[RANKING_SCOPE](1)
            except Exception as error:
                self.losses.fail(name, error, RANKING_SCOPE)
                return
        self.recorder.record(name, RANKING_SCOPE, elapsed, round=1, **cell.conditions)

    def _note_difference(self, costs: Mapping[str, float]) -> None:
        """How far separable and direct lie apart, once for a point."""
        if self.findings.difference is not None:
            return
        ones = self.session.implementations
        right = (name for name in self.samples if self.findings.status(name) != "wrong")
        found = separable_against_direct(
            (
                (ones[name].method, self.samples[name])
                for name in right
                if ones[name].origin != YOURS
            ),
            self.problem,
            self.pixels,
            costs.get("numpy:direct", math.inf),
        )
        if found is not None:
            scale = image_scale(self.pixels, self.problem)
            relative = found / scale if scale else None
            self.recorder.record(
                DIFFERENCE, DIFFERENCE, max_abs_error=found, max_relative_error=relative
            )
