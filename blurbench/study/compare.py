"""Compare: every implementation on one image at one kernel size, and which is the fastest."""

from __future__ import annotations

import time

from blurbench import host
from blurbench.analysis.answer import Answer, answers_of
from blurbench.image import Image
from blurbench.kernel import GaussianKernel
from blurbench.measure.risks import find_risks
from blurbench.records.journal import Log
from blurbench.study.listener import Listener
from blurbench.study.options import Options
from blurbench.study.point.request import PointRequest
from blurbench.study.point.study import PointStudy
from blurbench.study.question import ImageSource, Question
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
    question = Question("compare", (ImageSource(),), (image,), (kernel,), options)
    session = session or Session(options)
    if log is None:
        log = Log(question.describe(session, [], options.rules))
    throttled = host.throttled_periods()
    request = PointRequest(budget=options.budget, with_difference=True)
    PointStudy(session, image, kernel, log, listener, request).run()
    log.add_risks(find_risks(host.usable_cpus(), throttled=throttled))
    (answer,) = answers_of(log)
    answer.seconds = time.perf_counter() - started
    return answer
