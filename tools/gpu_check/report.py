"""What was found, on the terminal and as a page that is kept."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpu_check.processes import ROOT

PASS, MISS, OPEN = "PASS", "MISS", "NOT MEASURED"


@dataclass(frozen=True)
class Verdict:
    """What is asked is kept (`PASS`), is not (`MISS`), or nobody knows (`OPEN`)."""

    kept: str
    words: str

    def __str__(self) -> str:
        return f"{self.kept}: {self.words}"


class Report:
    """Lines on the terminal, and in a Markdown page beside the records."""

    def __init__(self, page: Path) -> None:
        self._page = page
        self.verdicts: list[Verdict] = []

    def head(self, text: str, level: int = 2) -> None:
        """Begin a section."""
        print(f"\n{text}", flush=True)
        self._keep(f"\n{'#' * level} {text}\n")

    def say(self, *lines: str) -> None:
        """Sentences, each a line of its own."""
        for line in lines:
            print(line, flush=True)
            self._keep(line if line.startswith("- ") else f"{line}\n")

    def show(self, *lines: str) -> None:
        """Lines that keep their columns."""
        print(*lines, sep="\n", flush=True)
        self._keep("\n".join(("```", *lines, "```\n")).replace(f"{ROOT}{os.sep}", ""))

    def picture(self, name: str) -> None:
        """A picture that lies beside the page."""
        self._keep(f"![{name}]({name})\n")

    def judge(self, *verdicts: Verdict) -> None:
        """Say and remember what was found of what is asked."""
        self.verdicts += verdicts
        self.say(*(f"- {one}" for one in verdicts))

    def attempt(self, words: str, part: Callable[..., None], *given: Any) -> None:
        """A part of the check; one that breaks is told, and the next ones follow."""
        try:
            part(self, *given)
        except Exception as error:  # whatever breaks must not end the others
            self.judge(Verdict(OPEN, f"{words}: {text_of(error)}"))

    def _keep(self, text: str) -> None:
        with self._page.open("a", encoding="utf-8") as kept:
            print(text, file=kept)


def text_of(error: Exception) -> str:
    """An error in a line of bearable length."""
    return shortened(f"{type(error).__name__}: {error}")


def shortened(text: str) -> str:
    """On one line, of bearable length."""
    return " ".join(text.split())[:200]
