"""A sweep over borders, dtypes and numbers of threads: a run of its own for each combination.

Times of different dtypes or borders are no race, so each combination has a run, in a folder below
the one of the sweep. Whatever takes several runs takes these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

from blurbench.backends.words import read_border, read_dtype
from blurbench.files import DESCRIPTION
from blurbench.records.journal import Journal
from blurbench.study.options import Options
from blurbench.study.question import Question
from blurbench.study.run import describe
from blurbench.study.session import Session
from blurbench.study.settings import options_of


def combinations_of(given: Mapping[str, Any]) -> dict[str, Options]:
    """The options of each run, by the name of its folder; there may be but one, of no name.

    A budget is shared out evenly.

    Args:
        given: settings as `options_of` takes them, but several values of border, dtype, threads.

    Raises:
        InputError: a name is unknown or a value cannot be used.
    """
    cval = given.get("cval", 0.0)
    values: dict[str, Iterable[Any]] = {
        "border": [read_border(word, cval) for word in given["border"]],
        "dtype": [read_dtype(word) for word in given["dtype"]],
        "threads": given["threads"] or [None],
    }
    axes = {name: list(dict.fromkeys(own)) for name, own in values.items()}
    several = [name for name, own in axes.items() if len(own) > 1]
    budget, count = given["budget"], prod(map(len, axes.values()))
    shared = {**given, "budget": budget and budget / count}
    found: dict[str, Options] = {}
    for chosen in product(*axes.values()):
        place = dict(zip(axes, chosen, strict=True))
        label = "-".join(_label(name, place[name]) for name in several)
        found[label] = options_of({**shared, **place})
    return found


def _label(axis: str, value: Any) -> str:
    return f"{value}-threads" if axis == "threads" else str(value)


def begin_each(questions: Mapping[str, Question], folder: Path, command: Sequence[str]) -> None:
    """Begin a run for each question, in a folder of its own.

    Raises:
        InputError: a folder cannot be written, or holds a run already.
    """
    session = Session(next(iter(questions.values())).options)
    for label, question in questions.items():
        Journal.create(folder / label, describe(question, session, command)).close()


def runs_in(folder: Path) -> list[Path]:
    """The folders of the runs below that of a sweep, in the order of their making."""
    if (folder / DESCRIPTION).exists():
        return []
    found: Iterable[Path] = (path.parent for path in folder.glob(f"*/{DESCRIPTION}"))
    return sorted(found, key=lambda one: (one / DESCRIPTION).stat().st_mtime_ns)
