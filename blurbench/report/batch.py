"""Many files being blurred: progress on stderr, and at the end what became of them."""

from __future__ import annotations

import time
from collections import Counter
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn

from blurbench.files import shown_name
from blurbench.folders.batch import Outcome
from blurbench.report.bar import open_bar
from blurbench.report.console import error_console, open_console, say
from blurbench.report.units import minutes, plural

MOST_KINDS = 8  # of what is left out, that are named


class FilesReport:
    """Counts files as they are done; shows progress where stderr is a terminal.

    Args:
        total: files to blur.
        kept: files that were there already.
        left_out: what else is in the folders, by what it is (see `jobs.Found`).
        force: whether files that were there are blurred again, too.
    """

    def __init__(
        self, total: int, kept: int, left_out: Counter[str], *, force: bool, quiet: bool
    ) -> None:
        self.done = 0
        self._left_out = left_out
        self._total, self._kept, self._force, self._quiet = total, kept, force, quiet
        self._failures: list[str] = []
        self._notes: Counter[str] = Counter()
        self._errors = error_console()
        columns = BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}")
        self._progress = open_bar(SpinnerColumn(), *columns, quiet=quiet)
        self._task = self._progress.add_task("blurring", total=total, left="")
        self._started = time.perf_counter()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def tell(self, outcome: Outcome) -> None:
        """Take in what became of a file."""
        if outcome.error is None:
            self.done += 1
        else:
            self._failures.append(outcome.error)
        self._notes.update(outcome.notes)
        ended = self.done + len(self._failures)
        left = (time.perf_counter() - self._started) / ended * (self._total - ended)
        self._progress.update(self._task, completed=ended, left=f"{minutes(left)} left")

    def finish(self, cut_short: str | None = None) -> int:
        """Say how many were blurred, were kept or failed, and why; the exit code.

        Args:
            cut_short: how it ended, in a word, where some are left.
        """
        if not self._quiet:
            for note, count in self._notes.items():
                say(self._errors, f"Note: {plural(count, 'file')}: {note}.", "yellow")
        for failure in self._failures:
            say(self._errors, f"Error: {shown_name(failure)}", "red")
        counts = f"{self.done} blurred, {self._kept} kept, {len(self._failures)} failed"
        if cut_short is not None:
            left = self._total - self.done - len(self._failures)
            again = "begins anew" if self._force else "goes on"
            say(self._errors, f"{cut_short}: {counts}, {left} left. The same command {again}.")
        elif not self._quiet:
            kept = "; --force blurs those kept again" if self._kept else ""
            say(open_console(), f"{counts}{kept}.")
            if self._left_out:
                say(open_console(), f"Left out: {_listed(self._left_out)}.")
        return 1 if self._failures else 0


def _listed(left_out: Counter[str]) -> str:
    """`3 .txt files, 1 hidden file`, the most frequent first."""
    ordered = sorted(left_out.items(), key=lambda one: (-one[1], one[0]))
    texts = [plural(count, kind) for kind, count in ordered[:MOST_KINDS]]
    if others := sum(count for _, count in ordered[MOST_KINDS:]):
        texts.append(f"{others} more")
    return ", ".join(texts)
