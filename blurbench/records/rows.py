"""Makes the rows of a point: what the records say, with ratios and verdicts beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from blurbench.measure.judge import FAR_SLOWER, LIKELY, UNCLEAR, Result, is_far
from blurbench.records.declared import Declared
from blurbench.records.evidence import Evidence
from blurbench.records.kinds import CPU
from blurbench.records.lead import CLAIMS
from blurbench.records.roofline import set_roofline
from blurbench.records.scopes import RANKING_SCOPE, SCOPES
from blurbench.records.summary import Row

ONCE = "measured once, no time for a race"
FAR = "measured once, far from the best of its side or no time for a race"
_BYTES = {"uint8": 1, "uint16": 2, "float16": 2, "float32": 4, "float64": 8}


class RowMaker:
    """Of one point.

    Args:
        race: how those who raced in the ranking scope stand.
        best: seconds a call of whoever leads them, or would; empty where nothing is timed.
        unranked: the verdict of each that neither wins nor loses.
    """

    def __init__(
        self,
        evidence: Evidence,
        race: Result | None,
        best: Sequence[float],
        unranked: Mapping[str, str],
    ) -> None:
        self._evidence, self._race = evidence, race
        self._best, self._unranked = best, unranked

    def row(self, one: Declared) -> Row:
        """All that is known of an implementation."""
        told, name = self._evidence, one.name
        row = Row(told.key(name), one.backend, one.method, one.origin, one.exact, one.own_kernel)
        row.machine_id, row.kind = told.machine_id, one.kind
        row.throttled_samples = told.throttled.get(name)
        row.stalled_samples = told.stalled.get(name)
        if name in told.out:
            out = told.out[name]
            row.status, row.reason, row.predicted_s = out.status, out.reason, out.predicted_s
        self._set_first_call(row)
        for scope in SCOPES:
            times = told.times(name, scope)
            if times:
                row.set_times(scope, times, told.rules.alpha)
        row.rounds = told.joined(RANKING_SCOPE).count(name) or len(told.alone(name, RANKING_SCOPE))
        self._rank(row)
        self._set_rates(row)
        medians = told.process_medians(name)
        row.processes = len(medians)
        if len(medians) > 1:
            row.process_spread = max(medians.values()) / min(medians.values()) - 1
        if row.status == "ok" and row.end_to_end_median_s is None:
            row.status, row.reason = "interrupted", "interrupted before it was measured"
        return row

    def _set_first_call(self, row: Row) -> None:
        alone = self._evidence.alone
        for compilation in alone(row.name, "compilation")[:1]:
            row.compilation_s = compilation.elapsed_s
        for setup in alone(row.name, "setup")[:1]:
            row.setup_s = setup.elapsed_s
            row.peak_device_bytes = setup.peak_device_bytes
            row.predicted_s = setup.predicted_s if row.predicted_s is None else row.predicted_s
            row.multiply_adds = setup.multiply_adds
        for call in alone(row.name, "first_call")[:1]:
            row.first_call_s = call.elapsed_s
            row.max_abs_error = call.max_abs_error
            row.max_relative_error = call.max_relative_error

    def _rank(self, row: Row) -> None:
        """Its ratio to the leader, and the verdict."""
        race = self._race
        if race is not None:
            row.noise_floor = race.noise_floor
        standing = race.standings.get(row.name) if race else None
        seconds = row.predicted_s if row.status == "over_budget" else row.end_to_end_median_s
        if row.status not in ("ok", "over_budget") or seconds is None:
            return
        if row.status == "ok" and standing is not None and standing.rounds:
            row.ratio_to_fastest = standing.ratio.value
            row.ratio_ci95_low, row.ratio_ci95_high = standing.ratio.low, standing.ratio.high
            row.verdict, row.reason = standing.verdict, self._evidence.surprises.get(row.name)
        else:
            self._rank_unraced(row, seconds)

    def _rank_unraced(self, row: Row, seconds: float) -> None:
        """By one run or a prediction."""
        row.verdict = UNCLEAR
        if self._best:
            row.ratio_to_fastest = seconds / median(self._best)
            has_rounds = self._race is not None and self._race.rounds
            if is_far(seconds, self._best):
                row.verdict = FAR_SLOWER
            elif seconds == median(self._best) and not has_rounds:
                row.verdict = LIKELY
        row.verdict = self._unranked.get(row.name, row.verdict)
        if row.status == "ok":
            once = ONCE if self._evidence.rules.keep is None else FAR
            row.reason = self._evidence.surprises.get(row.name, once)

    def _set_rates(self, row: Row) -> None:
        median_s, point = row.end_to_end_median_s, self._evidence.point
        if median_s is None:
            return
        if row.kind == CPU:
            for figure in ("median", "ci95_low", "ci95_high", "q1", "q3", "min"):
                setattr(row, f"compute_{figure}_s", getattr(row, f"end_to_end_{figure}_s"))
        pixels = point.height * point.width
        image_bytes = pixels * point.channels * _BYTES[point.dtype]
        row.megapixels_per_s = pixels / median_s / 1e6
        row.gigabytes_per_s = 2 * image_bytes / median_s / 1e9
        copy = self._evidence.copies.speed(None if row.kind == CPU else row.backend)
        if copy is not None and row.compute_median_s:
            row.copy_bandwidth_fraction = copy.median_s / row.compute_median_s
        set_roofline(row, row.kind, self._evidence.rates)


def order_of(row: Row) -> tuple[int, bool, float]:
    """Ranked ones by their ratio to the leader, then the others by time."""
    rank = {"ok": 0, "wrong": 1, "implausible": 1, "over_budget": 2}.get(row.status, 3)
    place = row.ratio_to_fastest or row.end_to_end_median_s or row.predicted_s or 0.0
    return rank, row.verdict not in CLAIMS, place
