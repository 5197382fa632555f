"""The gate: has a run become slower than another, beyond what processes differ by anyway?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from statistics import median

from blurbench.analysis.comparable import apart, not_comparable, same_yardstick
from blurbench.analysis.proof import GROUPS, PAIRS, Proof, Sides, steadier
from blurbench.measure.rounds import Rounds
from blurbench.records.findings import Findings
from blurbench.records.journal import Log
from blurbench.records.kinds import YARDSTICK
from blurbench.records.scopes import RANKING_SCOPE

LEAST_PROCESSES = 5
USUAL_PAIRS = 8
ALPHA = 0.05
NOT_SLOWER, SLOWER, UNDECIDED, NOT_COMPARABLE = 0, 10, 11, 12
OF_ANOTHER_DAY = (
    "a day's effect of about 2 % is not told from a change: use --against PYTHON for small ones"
)

Cells = Mapping[str, Sides]  # by title


@dataclass(frozen=True)
class Ruling:
    """What the gate says: an exit code, and why, in sentences."""

    code: int
    reasons: tuple[str, ...]


def not_comparable_by(obstacles: list[str]) -> Ruling:
    """What is said where two runs cannot be held against each other."""
    return Ruling(NOT_COMPARABLE, tuple(f"not comparable: {one}" for one in obstacles))


def rule(baseline: Log, now: Log, margin: float) -> Ruling:
    """Hold every cell that both runs timed against its baseline of another time.

    Each process gives one figure a cell: its median over that of the yardstick in the same
    process. The figures of two runs are compared by the exact rank-sum test (Mann and Whitney
    1947). What the day does to all processes of a run looks like a change: the ruling says so.
    """
    if obstacles := not_comparable(baseline.run, now.run):
        return not_comparable_by(obstacles)
    ruling = _rule_logs(baseline, now, margin, GROUPS, _yardstick_figures)
    if ruling.code not in (SLOWER, NOT_SLOWER):
        return ruling
    return replace(ruling, reasons=(*ruling.reasons, OF_ANOTHER_DAY))


def rule_against(there: Log, here: Log, margin: float) -> Ruling:
    """Hold every cell that both sides timed against the other side, process by process.

    The processes of both sides took turns, so that the k-th of each are neighbours.
    """
    if obstacles := apart(there.run, here.run):
        return not_comparable_by(obstacles)
    alike = same_yardstick(there.run, here.run)
    figures = partial(_paired_figures, margin=margin, same_yardstick=alike)
    return _rule_logs(there, here, margin, PAIRS, figures)


def rule_pairs(cells: Cells, margin: float) -> Ruling:
    """Whether any cell is slower by more than the margin, from figures in the order of launch.

    The k-th figures of both sides are those of neighbours: what the day does to both cancels.
    They are compared by the exact signed-rank test of their log ratios.
    """
    return _rule(cells, [], margin, PAIRS)


def pairs_for(cells: int) -> int:
    """Processes a side that can prove one of so many cells slower, and no fewer than usual."""
    return PAIRS.enough(ALPHA / max(1, cells), USUAL_PAIRS)


def _rule_logs(
    before: Log,
    now: Log,
    margin: float,
    proof: Proof,
    figures: Callable[[Findings, Findings, str], Sides],
) -> Ruling:
    cells: dict[str, Sides] = {}
    lost, missing = [], []
    for title, known, findings, name in _common(before, now):
        row = next(row for row in findings.rows() if row.name == name)
        if row.status == "ok":
            cells[title] = figures(known, findings, name)
        elif row.status == "over_budget":
            missing.append(f"undecided: {title} was measured, and now is not: {row.reason}")
        else:
            lost.append(f"not comparable: {title} ran, and now is {row.status}: {row.reason}")
    if lost:
        return Ruling(NOT_COMPARABLE, tuple(lost))
    if not cells and not missing:
        return Ruling(NOT_COMPARABLE, ("not comparable: no cell was measured in both runs",))
    fewest = min(_processes(before), _processes(now))
    if fewest < LEAST_PROCESSES:
        return Ruling(
            UNDECIDED,
            (
                f"undecided: {fewest} of at least {LEAST_PROCESSES} processes: "
                f"give --processes {LEAST_PROCESSES} to {proof.sides}",
            ),
        )
    return _rule(cells, missing, margin, proof)


def _common(baseline: Log, now: Log) -> Iterator[tuple[str, Findings, Findings, str]]:
    """Each cell that the baseline timed and that was asked for again, with a title."""
    # The same images may have other names now.
    there, here = baseline.image_numbers, now.image_numbers
    known = {
        (there[point.image], replace(point, image="")): findings
        for point, findings in baseline.points.items()
    }
    for point, findings in now.points.items():
        before = known.get((here[point.image], replace(point, image="")))
        if before is None:
            continue
        for row in before.rows():
            if row.status == "ok" and any(row.name == one.name for one in findings.declared):
                where = f"{point.size}x{point.size} on {point.width}x{point.height}"
                where += f" of {point.image}" if len(here) > 1 else ""
                yield f"{row.name} at {where}", before, findings, row.name


def _rule(cells: Cells, unproven: list[str], margin: float, proof: Proof) -> Ruling:
    """One cell proven slower, at its share of the error rate, is enough.

    Not slower takes proof from every cell.
    """
    share = ALPHA / max(1, len(cells))
    slower, telling = [], []
    for title, (then, now) in cells.items():
        count = min(len(then), len(now))
        if count < LEAST_PROCESSES:
            unproven.append(f"undecided: {title} lacks a figure in some process")
            continue
        telling.append(count)
        limits = [(1 + margin) * one for one in then]
        change = 100 * (proof.change(now, then) - 1)
        text = f"{title}: {change:+.1f} % in {len(now)} {proof.unit}"
        if proof.probability(now, limits) <= share:
            slower.append(f"slower: {text}")
        elif proof.probability(limits, now) > ALPHA:
            unproven.append(f"undecided: {text}")
    if slower:
        return Ruling(SLOWER, tuple(slower))
    fewest = min(telling, default=LEAST_PROCESSES)
    if unproven and proof.least(fewest) > share:
        unproven.append(
            f"undecided: {fewest} processes cannot prove that one of {len(cells)} cells became "
            f"slower: give --processes {proof.enough(share, LEAST_PROCESSES)} to {proof.sides}"
        )
    if unproven:
        return Ruling(UNDECIDED, tuple(unproven))
    return Ruling(NOT_SLOWER, (f"not slower by {100 * margin:g} %: {', '.join(cells)}",))


def _processes(log: Log) -> int:
    """How many processes measured anything."""
    return len({process for one in log.points.values() for process in one.measured_s})


def normalised(findings: Findings, name: str) -> dict[int, float]:
    """A cell's median over the yardstick's, in each process that has both."""
    medians = findings.process_medians(name)
    found = {}
    for process, own in medians.items():
        times = Rounds.of(findings.history(RANKING_SCOPE, process)).times(YARDSTICK)
        if times:
            found[process] = own / median(times)
    return found


def _yardstick_figures(before: Findings, now: Findings, name: str) -> Sides:
    there, here = normalised(before, name), normalised(now, name)
    return list(there.values()), list(here.values())


def _paired_figures(
    there: Findings, here: Findings, name: str, *, margin: float, same_yardstick: bool
) -> Sides:
    """A cell's medians in the processes that have one on both sides.

    Over those of the yardstick where that is steadier: neighbours share the day, but not always
    the pace, and the yardstick has a scatter of its own. Never where what it runs with differs.
    """
    plain = _in_pairs(there.process_medians(name), here.process_medians(name))
    over = _in_pairs(normalised(there, name), normalised(here, name))
    if not same_yardstick or len(over[0]) < len(plain[0]):
        return plain
    return steadier([plain, over], margin)


def _in_pairs(there: Mapping[int, float], here: Mapping[int, float]) -> Sides:
    both = [process for process in there if process in here]
    return [there[one] for one in both], [here[one] for one in both]
