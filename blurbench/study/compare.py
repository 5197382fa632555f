"""Compare: every implementation on one image at one kernel size, and which is the fastest."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench import host
from blurbench.backends.backend import Backend, Implementation
from blurbench.backends.gpu import Device
from blurbench.backends.registry import backends, find_implementation, probe
from blurbench.errors import InputError
from blurbench.image import Image
from blurbench.kernel import GaussianKernel
from blurbench.measure.race import (
    CONTROL,
    Contender,
    ContenderError,
    Result,
    Rules,
    Sample,
    looks_within,
    race,
)
from blurbench.measure.risks import find_risks
from blurbench.measure.stats import estimate_median
from blurbench.measure.threads import limit_threads
from blurbench.plan import Problem
from blurbench.records.journal import Journal
from blurbench.records.machine import describe_machine, describe_versions
from blurbench.records.summary import Key, Row
from blurbench.study.admission import SHORTEST_S, admit, default_budget
from blurbench.study.answer import RANKING_SCOPE, Answer
from blurbench.study.bandwidth import CopySpeed, measure_copy, measure_device_copy
from blurbench.study.cells import Cell, Stopwatch, predict_seconds, rotation_of, smallest_operations
from blurbench.study.exactness import (
    allowed_error,
    image_scale,
    reference_sample,
    sampled_positions,
    take_sample,
)
from blurbench.study.options import Options, chosen, problem_for

IMPLAUSIBLE = 1.1  # times the best copy
HOPELESS = 20  # times the best rate so far: no implementation is that much better
TRANSFER_SAMPLES = 16
TRANSFER_S = 0.005  # least duration of such a sample
DIFFERENCE_S = 2.0  # longest that the dense sum may take only to be held against the separable one


class Listener:
    """Is told how a comparison goes on. This one ignores it all."""

    def header(self, problem: Problem) -> None:
        """The question is settled; nothing has run."""

    def budget(self, seconds: float) -> None:
        """At most this long will it take."""

    def stage(self, text: str) -> None:
        """What happens now."""

    def rounds(self, done: int, left_s: float) -> None:
        """A round was completed; so many seconds of the budget are left."""


def compare(
    image: Image,
    kernel: GaussianKernel,
    options: Options,
    listener: Listener | None = None,
    journal: Journal | None = None,
) -> Answer:
    """Time the chosen implementations on the image, side by side, and judge them.

    An interruption from the keyboard ends it early; the answer holds what was measured.

    Raises:
        InputError: an option cannot be used, or the work does not fit in memory.
    """
    return _Comparison(image, kernel, options, listener or Listener(), journal).run()


class _Comparison:
    """The state of a comparison: rows by name, prepared cells, their sampled outputs."""

    def __init__(
        self,
        image: Image,
        kernel: GaussianKernel,
        options: Options,
        listener: Listener,
        journal: Journal | None,
    ) -> None:
        self.started = time.perf_counter()
        self.options, self.listener, self.journal = options, listener, journal
        self.problem = problem_for(image, kernel, options)
        self.pairs = chosen(options)
        seed = random.SystemRandom().getrandbits(32) if options.seed is None else options.seed
        self.rng = random.Random(seed)
        self.pixels = image.pixels.astype(self.problem.dtype)
        self.rows = {one.name: self._new_row(one, image.name) for _, one in self.pairs}
        self.answer = Answer(image, self.problem, options, list(self.rows.values()), seed=seed)
        self.implementations = {one.name: one for _, one in self.pairs}
        self.images: list[NDArray[Any]] = []
        self.devices: dict[str, Device] = {}
        self.device_copies: dict[str, CopySpeed] = {}
        self.cells: dict[str, Cell] = {}
        self.samples: dict[str, NDArray[np.float64]] = {}
        self.budget = 0.0
        self.attempt = 0  # races so far; one that failed is raced again

    def _new_row(self, one: Implementation, image: str) -> Row:
        problem = self.problem
        key = Key(
            implementation=one.name,
            image=image,
            height=problem.height,
            width=problem.width,
            channels=problem.channels,
            size=problem.kernel.size,
            sigma=problem.kernel.sigma,
            border=problem.border,
            cval=problem.cval,
            dtype=problem.dtype.name,
            threads=problem.threads,
            cache=self.options.cache,
        )
        return Row(key, one.backend, one.method, one.origin, one.exact)

    def run(self) -> Answer:
        answer, problem = self.answer, self.problem
        self.listener.header(problem)
        answer.risks = find_risks(host.usable_cpus())
        throttled = host.throttled_periods()
        with limit_threads(problem.threads):
            try:
                self._measure()
            except KeyboardInterrupt:
                answer.interrupted = True
        self._finish_rows()
        after = find_risks(host.usable_cpus(), load=0.0, throttled=throttled)
        answer.risks += [risk for risk in after if risk not in answer.risks]
        answer.machine = describe_machine()
        answer.seconds = self._spent()
        return answer

    def _measure(self) -> None:
        runnable = self._probe()
        if not runnable:
            return
        costs = self._predict(runnable)
        self.budget = self.options.budget or default_budget(costs)
        self.listener.budget(self.budget)
        admission = admit(costs, self._left())
        for name in admission.over_budget:
            self._over_budget(name, costs[name])
        self.images = rotation_of(self.pixels, self.options.cache)
        self.listener.stage("measuring a copy")
        self.answer.copy = measure_copy(self.images, self.problem.threads)
        for backend, device in self.devices.items():
            self.device_copies[backend] = measure_device_copy(self.images, device)
        for name in (*admission.racing, *admission.single):
            self.listener.stage(f"preparing {name}")
            self._prepare(self.implementations[name])
        self._separable_against_direct(costs)
        # Now that each has run, its cost is known rather than predicted.
        known = {name: cell.cost_s for name, cell in self.cells.items()}
        self._rank_all(admit(known, self._left()).racing)
        for name, cell in self.cells.items():
            if self._may_run(name) and not self.answer.interrupted:
                self._measure_once(name, cell)

    def _may_run(self, name: str) -> bool:
        """Whether a prepared cell has no time yet and did not fail."""
        row = self.rows[name]
        return row.end_to_end_median_s is None and row.status in ("ok", "wrong", "implausible")

    def _spent(self) -> float:
        return time.perf_counter() - self.started

    def _left(self) -> float:
        return self.budget - self._spent()

    def _probe(self) -> list[tuple[Backend, Implementation]]:
        """Those that can run; the others' rows say why not."""
        runnable = []
        libraries: dict[str, str] = {}
        owners = [backends()[name] for name in dict.fromkeys(self.options.backends or backends())]
        for backend in owners:
            state = probe(backend)
            libraries.update(state.versions)
            own = [pair for pair in self.pairs if pair[0] is backend]
            if state.ok and own and backend.open_device is not None:
                try:
                    self.devices[backend.name] = backend.open_device(self.options.device)
                except Exception as error:
                    reason = f"device {self.options.device} cannot be opened: {_text(error)}"
                    state = replace(state, reason=reason, remedy="see blurbench backends")
            if state.ok:
                runnable += own
                continue
            self.answer.unavailable[backend.name] = state.explanation
            for _, one in own:
                row = self.rows[one.name]
                row.status, row.reason = "unavailable", state.reason
        self.answer.versions = describe_versions(libraries)
        return runnable

    def _predict(self, runnable: list[tuple[Backend, Implementation]]) -> dict[str, float]:
        costs: dict[str, float] = {}
        sizes: dict[str, float] = {}
        for _, one in runnable:
            try:
                sizes[one.name] = one.operations(self.problem)
            except Exception as error:
                self._fail(one.name, error)
        known = [pair for pair in runnable if pair[1].name in sizes]
        tried = 0.0  # operations of the last that was estimated: none had more
        best_rate = 0.0  # seconds a multiply-add, of the fastest so far
        # Under a huge kernel even the smallest crop may cost more than an estimate is worth.
        longest = (self.options.budget or SHORTEST_S) / 4  # that estimates may take
        for backend, one in sorted(known, key=lambda pair: sizes[pair[1].name]):
            self.listener.stage(f"estimating {one.name}")
            operations = sizes[one.name]
            try:
                if not self._fits(one):
                    continue
                least_s = smallest_operations(one, self.problem) * best_rate / HOPELESS
                if operations > tried > 0 and max(self._spent(), least_s) > longest:
                    self._over_budget(one.name, operations * best_rate)
                    continue
                device = self.devices.get(backend.name)
                tried = operations
                costs[one.name] = predict_seconds(one, self.problem, self.pixels, device)
                rate = costs[one.name] / operations
                best_rate = min(rate, best_rate or rate)
            except Exception as error:
                self._fail(one.name, error)
        return costs

    def _over_budget(self, name: str, seconds: float) -> None:
        row = self.rows[name]
        row.status, row.predicted_s = "over_budget", seconds
        row.reason = f"one run is expected to take {seconds:.3g} s"

    def _fits(self, one: Implementation) -> bool:
        """Whether its work buffers fit in the memory that is left; else its row says so."""
        needed, available = one.work_bytes(self.problem), host.available_memory()
        if one.backend in self.devices or available is None or needed <= available:
            return True
        row = self.rows[one.name]
        row.status = "out_of_memory"
        row.reason = (
            f"it needs {needed / 2**30:.2f} GiB of work buffers, "
            f"{available / 2**30:.2f} GiB is free"
        )
        return False

    def _fail(self, name: str, error: Exception) -> None:
        row = self.rows[name]
        if isinstance(error, InputError):
            row.status = "unsupported"
        elif isinstance(error, MemoryError) or "OutOfMemory" in type(error).__name__:
            row.status = "out_of_memory"
        else:
            row.status = "failed"
        row.reason = _text(error)
        row.clear_ranking()

    def _prepare(self, one: Implementation) -> None:
        """Make the cell, and hold its first result against the reference."""
        row = self.rows[one.name]
        if not self._fits(one):
            return
        try:
            cell = self._make_cell(one)
        except Exception as raised:
            self._fail(one.name, raised)
            return
        self.cells[one.name] = cell
        row.setup_s, row.first_call_s = cell.setup_s, cell.first_call_s
        self._record(row.key, "setup", cell.setup_s)
        self._record(row.key, "first_call", cell.first_call_s)
        sample = self.samples[one.name] = take_sample(cell.out)
        if not hasattr(self, "reference"):
            self.reference = reference_sample(self.pixels, self.problem)
            self.scale = image_scale(self.pixels, self.problem)
        error = float(np.abs(sample - self.reference).max())
        row.max_abs_error = error
        row.max_relative_error = error / self.scale if self.scale else None
        allowed = allowed_error(self.problem.dtype, self.scale)
        if one.exact and not error <= allowed:
            row.status = "wrong"
            row.reason = f"its error {error:.2g} is above the {allowed:.2g} that is allowed"
        if self._check_plausible(row, cell.cost_s, self.answer.copy) and "compute" in cell.scopes:
            copy = self.device_copies.get(one.backend)
            self._check_plausible(row, cell.scopes["compute"](1), copy)

    def _record(self, key: Key, scope: str, elapsed_s: float) -> None:
        if self.journal is not None:
            self.journal.sample(key, scope, elapsed_s, started_at=time.time() - elapsed_s)

    def _make_cell(self, one: Implementation) -> Cell:
        return Cell(one, self.problem, self.images, self.devices.get(one.backend))

    def _check_plausible(self, row: Row, seconds: float, copy: CopySpeed | None) -> bool:
        """Whether the time can be believed; if not, the row says so and is out of the running."""
        if copy is None or seconds * IMPLAUSIBLE >= copy.best_s:
            return True
        row.status = "implausible"
        row.clear_ranking()
        row.reason = f"{seconds:.3g} s is faster than a copy of the image, {copy.best_s:.3g} s"
        return False

    def _rank_all(self, names: tuple[str, ...]) -> None:
        """Rank end to end, and then the GPU's implementations on data that is already there."""
        single = sum(self.cells[name].cost_s for name in self.cells if name not in names)
        there = [name for name in names if "compute" in self.cells[name].scopes]
        end = self.budget - single
        half = end - (end - self._spent()) / 2 if there else end
        self.answer.race = self._rank(RANKING_SCOPE, names, half)
        if self.answer.race is None or self.answer.interrupted:
            return
        for name, scope in product(there, ("upload", "download")):
            if self.rows[name].status == "ok":
                self._measure_alone(name, scope)
        self.answer.on_device = self._rank("compute", there, end)

    def _rank(self, scope: str, names: Sequence[str], end: float) -> Result | None:
        """Race until nobody fails and every time can be believed; who leaves is not raced again.

        Args:
            end: of the race, in seconds since the comparison began.
        """
        names = [name for name in names if self.rows[name].status == "ok"]
        while names:
            try:
                result = self._race(scope, names, end - self._spent())
            except ContenderError as failure:
                if failure.name == CONTROL:
                    self.answer.control_failure = _text(failure.error)
                else:
                    self._fail(failure.name, failure.error)
                    names.remove(failure.name)
                continue
            believed = [name for name in names if self._set_standing(scope, name, result)]
            if believed == names or result.interrupted:
                return result
            names = believed
        return None

    def _race(self, scope: str, names: list[str], seconds: float) -> Result:
        self.listener.stage("racing" if scope == RANKING_SCOPE else "racing on the device")
        rules = Rules(same=self.options.same)
        if self.options.rounds is not None:
            rules = replace(rules, looks=looks_within(self.options.rounds))

        def contender(name: str, cell: Cell) -> Contender:
            return Contender(name, cell.scopes[scope], cell.cost_s)

        def make_control(reference: str) -> Contender | None:
            if self.answer.control_failure is not None:
                return None
            return contender(CONTROL, self._make_cell(self.implementations[reference]))

        def keep(sample: Sample) -> None:
            if self.journal is None:
                return
            self.journal.sample(
                replace(self.rows[names[0]].key, implementation=sample.contender),
                scope,
                sample.elapsed_s,
                round_number=sample.round,
                position=sample.position,
                inner_loops=sample.loops,
                started_at=sample.started_at,
                attempt=self.attempt,
            )

        self.attempt += 1
        result = race(
            [contender(name, self.cells[name]) for name in names],
            make_control,
            rules,
            seconds=seconds,
            rng=self.rng,
            keep=keep,
            progress=self.listener.rounds,
        )
        self.answer.interrupted |= result.interrupted
        return result

    def _set_standing(self, scope: str, name: str, result: Result) -> bool:
        """Fill a row from a race; whether its time can be believed."""
        row, standing = self.rows[name], result.standings[name]
        if standing.rounds == 0:
            return True
        time_s, ratio = standing.time, standing.ratio
        row.set_times(scope, time_s.value, time_s.low, time_s.high, standing.min_s)
        if scope != RANKING_SCOPE:
            return self._check_plausible(row, time_s.value, self.device_copies.get(row.backend))
        row.rounds = standing.rounds
        row.ratio_to_fastest = ratio.value
        if name != result.reference:
            row.ratio_ci95_low, row.ratio_ci95_high = ratio.low, ratio.high
        row.verdict = standing.verdict if result.control_passed else "withheld"
        return self._check_plausible(row, time_s.value, self.answer.copy)

    def _measure_alone(self, name: str, scope: str) -> None:
        """A transfer: it competes with nothing, so its samples need no rounds."""
        watch: Stopwatch = self.cells[name].scopes[scope]
        loops = max(1, int(TRANSFER_S / max(watch(1), 1e-6)))
        times = []
        for number in range(1, TRANSFER_SAMPLES + 1):
            started, elapsed = time.time(), watch(loops)
            times.append(elapsed / loops)
            if self.journal is not None:
                self.journal.sample(
                    self.rows[name].key,
                    scope,
                    elapsed,
                    round_number=number,
                    inner_loops=loops,
                    started_at=started,
                )
        found = estimate_median(times, Rules.alpha)
        self.rows[name].set_times(scope, found.value, found.low, found.high, min(times))

    def _measure_once(self, name: str, cell: Cell) -> None:
        """One sample, where a race did not fit or what was measured must not win."""
        row = self.rows[name]
        try:
            elapsed = cell.scopes[RANKING_SCOPE](1)
        except Exception as error:
            self._fail(name, error)
            return
        self._record(row.key, RANKING_SCOPE, elapsed)
        row.rounds = 1
        row.set_times(RANKING_SCOPE, elapsed, None, None, elapsed)
        if row.status == "ok":
            row.reason = "measured once: a race to the first look does not fit the budget"
            row.verdict = "undecided"
            fastest = self.answer.race and self.answer.race.standings[self.answer.race.reference]
            if fastest and fastest.rounds:
                row.ratio_to_fastest = elapsed / fastest.time.value

    def _separable_against_direct(self, costs: dict[str, float]) -> None:
        """The largest difference between the two: on what has run, or on a crop of the image."""
        ran: dict[str, list[NDArray[np.float64]]] = {"separable": [], "direct": []}
        for name, sample in self.samples.items():
            if self.rows[name].method in ran and self.rows[name].status != "wrong":
                ran[self.rows[name].method].append(sample)
        if not (ran["separable"] and ran["direct"]):
            rows, columns = (len(sampled_positions(n)) for n in self.problem.shape[:2])
            crop = np.ascontiguousarray(self.pixels[:rows, :columns])
            small = replace(self.problem, shape=crop.shape)
            dense = find_implementation("numpy", "direct")
            share = dense.operations(small) / dense.operations(self.problem)
            if share * costs.get("numpy:direct", float("inf")) > DIFFERENCE_S:
                return
            for method in ran:
                plan = find_implementation("numpy", method).prepare(small)
                ran[method] = [plan(crop).astype(np.float64)]
        self.answer.difference = max(
            float(np.abs(a - b).max()) for a, b in product(ran["separable"], ran["direct"])
        )

    def _finish_rows(self) -> None:
        """Derive the rates, and put the rows in order."""
        on_cpu = {name for name, cell in self.cells.items() if "compute" not in cell.scopes}
        for name, row in self.rows.items():
            median_s = row.end_to_end_median_s
            if median_s is None:
                if row.status == "ok":
                    row.status, row.reason = "interrupted", "interrupted before it was measured"
                continue
            if name in on_cpu:
                low, high = row.end_to_end_ci95_low_s, row.end_to_end_ci95_high_s
                least = row.end_to_end_min_s
                assert least is not None
                row.set_times("compute", median_s, low, high, least)
            row.megapixels_per_s = self.problem.height * self.problem.width / median_s / 1e6
            row.gigabytes_per_s = 2 * self.problem.image_bytes / median_s / 1e9
            copy, used_s = self.answer.copy, median_s
            if row.backend in self.devices:
                copy, used_s = self.device_copies.get(row.backend), row.compute_median_s or 0.0
            if copy is not None and used_s:
                row.copy_bandwidth_fraction = copy.median_s / used_s
        self.answer.rows = sorted(self.rows.values(), key=_order)


def _text(error: Exception) -> str:
    """What an error says, in one line."""
    return " ".join(str(error).split()) or type(error).__name__


def _order(row: Row) -> tuple[int, float]:
    """Ranked rows by time, then what must not win, then what did not run."""
    rank = {"ok": 0, "wrong": 1, "implausible": 1, "over_budget": 2}.get(row.status, 3)
    return rank, row.end_to_end_median_s or row.predicted_s or 0.0
