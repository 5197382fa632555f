"""Begin the run that another asks for, as this interpreter and its libraries would.

The interpreter of another environment runs the text of this file: it imports the blurbench of
that environment, whichever version that is.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from blurbench.records.journal import Journal
from blurbench.study.question import ask_again
from blurbench.study.session import Session


def begin_likewise(asked: Mapping[str, Any], folder: Path) -> None:
    """Ask in a new folder what a run's description asks, by this version's rules.

    Raises:
        InputError: an image has changed, or the folder cannot be written.
        KeyError, TypeError, ValueError: this version cannot understand the description.
    """
    question = ask_again(asked)
    session = Session(replace(question.options, seed=asked["seed"]))
    run = question.describe(session, asked["command"], question.options.rules)
    Journal.create(folder, run).close()


if __name__ == "__main__":
    begin_likewise(json.load(sys.stdin), Path(sys.argv[1]))
