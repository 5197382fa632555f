"""What is shown while a run goes on: the question, then progress."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol, Self

from rich.console import Console

from blurbench.files import shown_name
from blurbench.measure.race import Ranking
from blurbench.records.journal import Run
from blurbench.report.bar import bar_in_words
from blurbench.report.compare import header_lines
from blurbench.report.console import error_console, say
from blurbench.report.heading import cut_note, device_lines, run_lines
from blurbench.report.units import brief_duration, minutes, plural
from blurbench.study.listener import Listener
from blurbench.study.options import problem_for
from blurbench.study.question import Question

SHOWN = 2  # of the ranking, while it is under way


class Bar(Protocol):
    """Where progress is shown."""

    def start(self) -> None:
        """From now on."""

    def stop(self) -> None:
        """No longer; nothing of it is left."""

    def show(self, text: str, done: float, total: float | None, left: str) -> None:
        """What happens, how much of how much is done, and how long the rest takes, in words."""


class TerminalBar:
    """A bar on stderr, where that is a terminal."""

    def __init__(self, quiet: bool) -> None:
        self._errors = error_console()
        self._progress = bar_in_words(quiet)
        self._task = self._progress.add_task("starting", total=None, left="")

    def start(self) -> None:
        self._progress.start()

    def stop(self) -> None:
        try:
            self._progress.stop()
        except IndexError:  # Ctrl-C came while Rich was putting its display up
            self._errors.show_cursor()

    def show(self, text: str, done: float, total: float | None, left: str) -> None:
        self._progress.update(self._task, description=text, completed=done, total=total, left=left)


class ShowingListener(Listener):
    """What the listeners to one point and to many share: a bar while this process measures."""

    def __init__(self, question: Question, bar: Bar, console: Console | None) -> None:
        self._question, self._bar, self._console = question, bar, console
        self._started = time.perf_counter()
        self._leading = ""

    def __enter__(self) -> Self:
        try:
            self._bar.start()
        except KeyboardInterrupt:  # while it was being put up, after the cursor was hidden
            self._bar.stop()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def part(self, process: int, processes: int) -> None:
        self._bar.show(f"process {process} of {processes}", process - 1, processes, "")

    def ends(self) -> None:
        self._bar.stop()

    def stage(self, text: str) -> None:
        self._show(text)

    def ranking(self, ranking: Ranking) -> None:
        self._leading = ", ".join(
            f"{number} {name} {brief_duration(seconds)}"
            for number, (name, seconds) in enumerate(ranking[:SHOWN], 1)
        )

    def rounds(self, done: int, left_s: float) -> None:
        self._show(self._leading or plural(done, "round"))

    def _show(self, text: str) -> None:
        """Bring the bar up to date; the text says what happens now."""
        raise NotImplementedError

    def _print(self, *lines: str) -> None:
        """Print what belongs above the tables, where that is wanted."""
        if self._console is not None:
            for line in lines:
                say(self._console, line)
            self._console.file.flush()

    def _tell(self, lines: Sequence[str], note: str | None) -> None:
        """Say what is asked, and what a user should know of the kernels and the images."""
        if self._console is None:
            return
        self._print(*lines)
        notes = [f"{note}."] if note else []
        for image in self._question.originals:
            notes += [f"{shown_name(image.name)}: {own}." for own in image.notes]
        for text in notes:
            say(error_console(), f"Note: {text}", "yellow")


class PointListener(ShowingListener):
    """Of one point: who leads, and how long it may take at most."""

    def __init__(self, question: Question, bar: Bar, console: Console | None) -> None:
        super().__init__(question, bar, console)
        self._seconds = 0.0

    def asked(self) -> None:
        question = self._question
        (image,), (kernel,) = question.originals, question.kernels
        problem = problem_for(image, kernel, question.options)
        lines = header_lines(image.name, problem, question.options.cache, image.pixels.dtype.name)
        self._tell(lines, kernel.note)

    def begins(self, run: Run) -> None:
        self._print(*device_lines(run.about.get("devices", {})), "")

    def budget(self, seconds: float) -> None:
        self._seconds = seconds

    def _show(self, text: str) -> None:
        spent = time.perf_counter() - self._started
        left = f"up to {max(0.0, self._seconds - spent):.0f} s left" if self._seconds else ""
        self._bar.show(text, min(spent, self._seconds), self._seconds or None, left)


class PointsListener(ShowingListener):
    """Of many points: how many are done, and how long the others may take."""

    def __init__(self, question: Question, bar: Bar, console: Console | None) -> None:
        super().__init__(question, bar, console)
        self._first: int | None = None
        self._done, self._total, self._point = 0, 0, ""
        self._end: float | None = None

    def begins(self, run: Run) -> None:
        lines = [*run_lines(run), *device_lines(run.about.get("devices", {})), ""]
        self._tell(lines, cut_note(self._question.kernels))

    def points(self, done: int, total: int, text: str, left_s: float | None = None) -> None:
        now = time.perf_counter()
        if self._first is None:
            self._first, self._started = done, now
        self._done, self._total, self._point = done, total, text
        measured = done - self._first
        if left_s is not None:
            self._end = now + left_s
        elif measured:  # as long as those before, on average
            self._end = now + (now - self._started) / measured * (total - done)
        self._show("")

    def _show(self, text: str) -> None:
        left = None if self._end is None else self._end - time.perf_counter()
        self._bar.show(
            f"{self._point} {text}".strip(),
            self._done,
            self._total or None,
            "" if left is None else f"{minutes(left)} left",
        )


def open_listener(
    question: Question, bar: Bar, console: Console | None = None
) -> PointListener | PointsListener:
    """Who shows how a run goes on.

    Args:
        console: for what is asked; None says nothing of it.
    """
    one = question.study == "compare" and question.points == 1
    return (PointListener if one else PointsListener)(question, bar, console)
