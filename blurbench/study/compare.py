"""Compare: every implementation on one image at one kernel size, and which is the fastest."""

from __future__ import annotations

import time

from blurbench.analysis.answer import Answer, answers_of
from blurbench.image import Image
from blurbench.kernel import GaussianKernel
from blurbench.records.journal import Log
from blurbench.study.listener import Listener
from blurbench.study.options import Options
from blurbench.study.question import Question
from blurbench.study.run import describe, measure_here
from blurbench.study.session import Session
from blurbench.study.source import ImageSource


def compare(
    image: Image,
    kernel: GaussianKernel,
    options: Options,
    listener: Listener | None = None,
    log: Log | None = None,
    session: Session | None = None,
) -> Answer:
    """Time the chosen implementations on the image in this process, and judge them.

    An interruption from the keyboard ends it early; the answer holds what was measured.

    Args:
        log: where every sample is kept; by default in memory.
        session: what can run here; by default it is found out.

    Raises:
        InputError: an option cannot be used, or the work does not fit in memory.
    """
    started = time.perf_counter()
    question = Question("compare", (ImageSource(array=image),), (image,), (kernel,), options)
    session = session or Session(options)
    if log is None:
        log = Log(describe(question, session))
    measure_here(question, session, log, listener or Listener())
    (answer,) = answers_of(log)
    answer.seconds = time.perf_counter() - started
    return answer
