"""Crossover: search the kernel sizes at which the faster implementation changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

from blurbench.analysis.claims import held_against, scipy_chooses_fft_from
from blurbench.analysis.crossing import find_crossovers
from blurbench.analysis.next_size import coarse_sizes, next_size
from blurbench.analysis.opponents import pairs_of, sides_of
from blurbench.analysis.ordering import Ordering
from blurbench.analysis.staying import left_out
from blurbench.analysis.unraced import unraced
from blurbench.analysis.verdicts import verdicts
from blurbench.errors import InputError
from blurbench.measure.judge import Rules
from blurbench.records.declared import Declared
from blurbench.records.findings import Findings
from blurbench.records.journal import Log
from blurbench.records.scopes import RANKING_SCOPE
from blurbench.study.listener import Listener
from blurbench.study.options import Options, chosen, problem_for
from blurbench.study.point.point import point_key
from blurbench.study.point.request import PointRequest
from blurbench.study.point.study import PointStudy
from blurbench.study.question import Question
from blurbench.study.session import Session, declare

DEFAULT_S = 60.0
MOST_SIZES = 24  # that the error rate is split over; 16 rounds then bear one outlier
MOST_ROUNDS = 128  # of a size
SETTLED = 0.05  # uncertainty below which no further size is measured
COARSE_SHARE = 1 / 2  # of the budget, for the coarse grid
SIZE_SHARE = 1 / 10  # of the budget, at most, for one size beyond it
FIRST_SHARE = 1 / 6  # for the first size, where libraries compile and load
LARGEST_SHARE = 1 / 3  # for one size, where 16 rounds need it
LEVEL = (
    "95 % is of each pair by itself: of its pointwise bracket at all sizes together, "
    "and of its estimate; not of all pairs at once"
)


def crossover_rules(rules: Rules) -> Rules:
    """The error rate split over the sizes that a search may measure; the next one tells more."""
    return replace(rules, comparisons=MOST_SIZES, most=rules.most or MOST_ROUNDS)


def check_pairs(options: Options) -> None:
    """Raise InputError where the options leave nothing to be held against anything.

    A GPU that cannot run here is no opponent, unless nothing can: that is told with the reasons.
    """
    named = [declare(one, backend.kind) for backend, one in chosen(options)]
    if _cross([one for one in named if one.kind == "cpu"], options):
        return
    session = Session(options)
    able = [one for one in session.declared if one.name not in session.out]
    declared = able or named
    if _cross(declared, options):
        return
    remedy = "name two methods of a backend, or a CPU and a GPU backend"
    if pairs_of(declared) or sides_of(declared):
        remedy = "approximations compete only within a --tolerance: give one, as in 1%"
    out = ", ".join(session.unavailable)
    where = f" where {out} cannot run" if out else ""
    raise InputError(f"there is nothing to cross{where}: {remedy}")


def _cross(declared: Sequence[Declared], options: Options) -> bool:
    """Whether any of those that may compete is held against another."""
    competing = [one for one in declared if one.exact or options.tolerance is not None]
    return bool(pairs_of(competing) or sides_of(competing))


def crossover(
    question: Question,
    session: Session,
    log: Log,
    listener: Listener | None = None,
    process: int = 1,
) -> bool:
    """Measure sizes, from wherever the log ends, until the brackets are narrow or time is up.

    Args:
        question: its kernels are all the sizes that may be measured.
        process: of several that share the budget; each goes on where the one before ended.

    Returns:
        Whether it was not interrupted.
    """
    listener = listener or Listener()
    started, earlier_s = time.perf_counter(), log.measured_s
    budget = question.options.budget or DEFAULT_S
    share = budget * process / question.options.processes
    (image,) = question.originals
    kernels = {kernel.size: kernel for kernel in question.kernels}
    coarse = coarse_sizes(min(kernels), max(kernels))
    pairs = [(second, first) for first, second in pairs_of(session.declared)]
    interrupted = False

    def measure(size: int) -> bool:
        """Whether there is time for another size."""
        nonlocal interrupted
        left_s = share - earlier_s - (time.perf_counter() - started)
        part = COARSE_SHARE / len(coarse) if size in coarse else SIZE_SHARE
        # Another process will have time for what this one could only begin.
        least_s = budget * part if process < question.options.processes else 0.0
        if left_s <= least_s:
            return False
        listener.points(len(log.points), 0, f"{size}x{size}", left_s)
        problem = problem_for(image, kernels[size], session.options)
        point = point_key(problem, image.name, session.options.cache)
        # What an earlier attempt measured here is counted once, by the study of the point.
        earlier_here_s = log.at(point).measured_s.get(1, 0.0)
        # A size that is begun may take what the later processes have.
        longest = min(left_s + budget - share, budget * LARGEST_SHARE) + earlier_here_s
        least_part = part if log.points else max(part, FIRST_SHARE)
        request = PointRequest(
            shortest=min(longest, budget * least_part),
            longest=longest,
            left_out=left_out(points_of(log), size, budget * SIZE_SHARE),
            pairs=pairs,
        )
        study = PointStudy(session, image, kernels[size], log, listener, request)
        study.run()
        interrupted = study.interrupted
        return not interrupted

    search(
        coarse,
        measure,
        lambda: [one.ordering for one in find_crossovers(points_of(log))],
        done=[one.point.size for one in points_of(log) if one.closed(1)],
        begun=[one.point.size for one in points_of(log) if not one.closed(1)],
    )
    return not interrupted


def search(
    coarse: Sequence[int],
    measure: Callable[[int], bool],
    look: Callable[[], Sequence[Ordering]],
    done: Iterable[int] = (),
    begun: Iterable[int] = (),
) -> None:
    """The coarse grid first, then one size after the other where the answer is least certain.

    Args:
        coarse: sizes in ascending order; no others are looked for beyond their ends.
        measure: measures a size; whether there may be another.
        look: the orderings as they are known now.
        done, begun: sizes that were measured earlier, to the end or not.
    """
    tried = set(done)
    for size in (*begun, *coarse):
        if size not in tried and not measure(size):
            return
        tried.add(size)
    while len(tried) < MOST_SIZES:
        weight, size = max((next_size(one, tried) for one in look()), default=(0.0, 0))
        if weight < SETTLED or not measure(size):
            return
        tried.add(size)


def points_of(log: Log) -> list[Findings]:
    """What is known, in order of kernel size."""
    return sorted(log.points.values(), key=lambda one: one.point.size)


def document(log: Log) -> dict[str, Any]:
    """What was found, as `blurbench.crossover/1`; `level` says what the 95 % speak of."""
    points = points_of(log)
    sizes = [kernel["size"] for kernel in log.run.about["kernels"]]
    crossovers = find_crossovers(points, sizes)
    missing = unraced(log.run.declared, log.run.rules, points, crossovers)
    (image,) = log.run.images
    return {
        "schema": "blurbench.crossover/1",
        "image": image,
        **{name: log.run.about[name] for name in ("options", "seed", "machine")},
        "versions": log.run.about["versions"],
        "machine_id": log.run.machine_id,
        "risks": log.run.risks,
        "ranking_scope": RANKING_SCOPE,
        "level": LEVEL,
        "verdicts": verdicts(crossovers),
        "crossovers": [one.as_dict() for one in crossovers],
        "not_compared": [asdict(one) for one in missing],
        "claims": held_against(crossovers),
        "scipy_choose_conv_method_fft_from": scipy_chooses_fft_from(
            image["height"], image["width"], sizes
        ),
    }
