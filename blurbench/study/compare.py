"""Compare: every implementation on one image at one kernel size, and which is the fastest."""

from __future__ import annotations

import time

from blurbench import host
from blurbench.image import Image
from blurbench.kernel import GaussianKernel
from blurbench.measure.risks import find_risks
from blurbench.records.findings import RANKING_SCOPE
from blurbench.records.journal import Log
from blurbench.records.machine import describe_machine
from blurbench.study.answer import Answer
from blurbench.study.listener import Listener
from blurbench.study.options import Options, problem_for
from blurbench.study.point import PointStudy, point_key
from blurbench.study.question import Question, Source
from blurbench.study.session import Session


def compare(
    image: Image,
    kernel: GaussianKernel,
    options: Options,
    listener: Listener | None = None,
    log: Log | None = None,
    session: Session | None = None,
) -> Answer:
    """Time the chosen implementations on the image, side by side, and judge them.

    An interruption from the keyboard ends it early; the answer holds what was measured.

    Args:
        log: where every sample is kept; by default in memory.
        session: what can run here; by default it is found out.

    Raises:
        InputError: an option cannot be used, or the work does not fit in memory.
    """
    started = time.perf_counter()
    listener = listener or Listener()
    question = Question("compare", (Source(),), (image,), (kernel,), options)
    session = session or Session(options)
    if log is None:
        log = Log(question.describe(session, [], options.rules))
    throttled = host.throttled_periods()
    study = PointStudy(
        session, image, kernel, log, listener, budget=options.budget, with_difference=True
    )
    study.run()
    after = find_risks(host.usable_cpus(), throttled=throttled)
    answer = answer_from(log, image, kernel, session)
    answer.control_failure, answer.difference = study.control_failure, study.difference
    answer.risks += [risk for risk in after if risk not in answer.risks]
    answer.interrupted = study.interrupted
    answer.seconds = time.perf_counter() - started
    return answer


def answers_from(log: Log, question: Question, session: Session) -> list[Answer]:
    """What a log says of each image; those that were not begun are left out."""
    (kernel,) = question.kernels
    found = [answer_from(log, image, kernel, session) for image in question.images()]
    return [one for one in found if one.image.name in log.image_numbers] or found


def answer_from(log: Log, image: Image, kernel: GaussianKernel, session: Session) -> Answer:
    """What a log says of its only point."""
    problem = problem_for(image, kernel, session.options)
    findings = log.at(point_key(problem, image.name, session.options.cache))
    return Answer(
        image,
        problem,
        session.options,
        findings.rows(),
        race=findings.race(RANKING_SCOPE),
        on_device=findings.race("compute"),
        copy=findings.copy(),
        machine=describe_machine(session.device_names),
        devices=session.names_of_devices,
        versions=session.versions,
        risks=list(log.run.about["risks"]),
        unavailable=session.unavailable,
        seed=session.seed,
    )
