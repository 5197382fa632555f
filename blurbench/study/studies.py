"""The three studies by name: how each is judged, measured, and known to be done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from blurbench.measure.judge import Rules
from blurbench.records.journal import Log
from blurbench.study.crossover import crossover, crossover_rules
from blurbench.study.listener import Listener
from blurbench.study.options import Options
from blurbench.study.question import Question
from blurbench.study.session import Session
from blurbench.study.sweep import finished, sweep


@dataclass(frozen=True)
class Study:
    """What a command measures.

    Attributes:
        measure: does so, from wherever the log ends; whether it got to the end. The number is that
            of the process, of several.
        rules: by which it is judged.
        finished: whether a process has nothing more to measure, as far as the log tells.
    """

    measure: Callable[[Question, Session, Log, Listener, int], bool]
    rules: Callable[[Options], Rules]
    finished: Callable[[Question, Log, int], bool]


def _rules(options: Options) -> Rules:
    return options.rules


# A comparison is a sweep over one size. A search is over when its time is: no log tells that.
STUDIES = {
    "compare": Study(sweep, _rules, finished),
    "sweep": Study(sweep, _rules, finished),
    "crossover": Study(crossover, lambda options: crossover_rules(options.rules), lambda *_: False),
}
