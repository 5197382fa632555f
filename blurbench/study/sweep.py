"""Sweep: every point of a question, one after the other, from wherever it was ended."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from blurbench.image import Image
from blurbench.kernel import GaussianKernel
from blurbench.records.findings import Findings
from blurbench.records.journal import Log
from blurbench.study.listener import Listener
from blurbench.study.options import problem_for
from blurbench.study.point.admission import SHORTEST_S as COMPARE_S
from blurbench.study.point.point import point_key
from blurbench.study.point.request import PointRequest
from blurbench.study.point.study import PointStudy
from blurbench.study.question import Question
from blurbench.study.session import Session

SHORTEST_S = 5.0  # of a point, where no budget is given
BEHIND = 10.0  # times the fastest: slower than that and growing, it is not measured further
ALWAYS = 4 * 2**20  # samples of an image that take as long as all that does not depend on them
ONCE_OFF = 2.0  # how far a single measurement may be off, as a factor


def sweep(
    question: Question,
    session: Session,
    log: Log,
    listener: Listener | None = None,
    process: int = 1,
) -> bool:
    """Measure what one process has not measured yet; whether it got to the end.

    A budget counts what was measured in all attempts, and is shared out among the points and
    processes that are left, more of it to larger images.
    """
    listener = listener or Listener()
    started, earlier_s = time.perf_counter(), log.measured_s
    total, done = question.points, 0
    weights = [ALWAYS + samples for samples in question.samples()]
    processes_left = question.options.processes - process + 1
    weight_left = len(question.kernels) * sum(weights) * processes_left
    for image, weight in zip(question.images(), weights, strict=True):
        smaller: list[Findings] = []
        for kernel in question.kernels:
            findings = _findings(question, image, kernel, log)
            if not findings.closed(process):
                budget, spare, left_s = None, 0.0, None
                if question.options.budget is not None:
                    spent = earlier_s + time.perf_counter() - started
                    left_s = question.options.budget - spent
                    budget = max(1e-3, left_s * weight / weight_left)
                    spare = max(0.0, left_s - budget)
                    budget += findings.measured_s.get(process, 0.0)
                height, width = image.pixels.shape[:2]
                text = f"{kernel.size}x{kernel.size} on {width}x{height}"
                listener.points(done, total, text, left_s)
                # Whoever the first process measured, the others measure too.
                behind = hopeless(smaller) if process == 1 else {}
                request = PointRequest(
                    budget=budget,
                    spare=spare,
                    shortest=COMPARE_S if question.study == "compare" else SHORTEST_S,
                    process=process,
                    left_out={name: one.reason for name, one in behind.items()},
                    behind={name: one.times for name, one in behind.items()},
                    yardstick=question.options.processes > 1,
                    with_difference=question.study == "compare" and process == 1,
                )
                study = PointStudy(session, image, kernel, log, listener, request)
                study.run()
                if study.interrupted:
                    return False
            smaller.append(findings)
            weight_left -= weight
            done += 1
    return True


def finished(question: Question, log: Log, process: int) -> bool:
    """Whether a process has closed every point."""
    return all(
        _findings(question, image, kernel, log).closed(process)
        for image in question.images()
        for kernel in question.kernels
    )


def _findings(question: Question, image: Image, kernel: GaussianKernel, log: Log) -> Findings:
    problem = problem_for(image, kernel, question.options)
    return log.at(point_key(problem, image.name, question.options.cache))


@dataclass(frozen=True)
class Behind:
    """Why somebody need not be measured: the times of the fastest that it takes at least."""

    reason: str
    times: float


def hopeless(smaller: Sequence[Findings]) -> dict[str, Behind]:
    """Who need not be measured at larger sizes, and the measurement that says so.

    At two sizes in a row it took `BEHIND` times as long as the fastest, and more times as long
    than at most smaller ones: one of them may have met a slow spell of the fastest. Proven, or
    nearly where it could only be measured once. What catches up, as FFT does, stays.
    """
    found: dict[str, Behind] = {}
    behind: dict[str, int] = {}  # sizes in a row
    smaller_ratios: dict[str, list[float]] = {}  # the most that they may have been
    for findings in smaller:
        for row in findings.rows():
            if row.status != "ok" or row.ratio_to_fastest is None:
                continue
            low = row.ratio_ci95_low or row.ratio_to_fastest / ONCE_OFF
            high = row.ratio_ci95_high or row.ratio_to_fastest * ONCE_OFF
            before = smaller_ratios.setdefault(row.name, [])
            falls_behind = low > BEHIND and bool(before) and low > median(before)
            behind[row.name] = behind.get(row.name, 0) + 1 if falls_behind else 0
            if behind[row.name] == 2:
                size = findings.point.size
                reason = (
                    f"left out: at {size}x{size} it took {row.ratio_to_fastest:.3g} times as long "
                    "as the fastest, and more the larger the kernel"
                )
                found.setdefault(row.name, Behind(reason, row.ratio_to_fastest))
            before.append(high)
    return found
