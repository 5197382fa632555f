"""What is shown while a measurement goes on: the question, then progress on stderr."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from blurbench.image import Image
from blurbench.large.listener import TilesListener
from blurbench.large.source import LargeImage
from blurbench.large.tiles import Tiling
from blurbench.measure.race import Ranking
from blurbench.problem import Problem
from blurbench.report.compare import header_lines
from blurbench.report.console import error_console, say
from blurbench.report.heading import device_lines
from blurbench.report.units import brief_duration, minutes, plural
from blurbench.study.listener import Listener

SHOWN = 2  # of the ranking, while it is under way


@contextmanager
def step_by_step(what: str) -> Iterator[Callable[[str], None]]:
    """Yields what shows, on stderr where that is a terminal, the name of the step that began."""
    errors = error_console()
    if not errors.is_terminal:
        yield lambda name: None
        return
    with errors.status(what) as status:
        yield lambda name: status.update(f"{what} {name}")


@contextmanager
def share_by_share(what: str, quiet: bool = False) -> Iterator[Callable[[float, str], None]]:
    """Yields what shows, on stderr where that is a terminal, how much is done and what is next."""
    errors = error_console()
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    hidden = quiet or not errors.is_terminal
    with Progress(*columns, console=errors, transient=True, disable=hidden) as shown:
        task = shown.add_task(what, total=1.0)
        yield lambda share, name: shown.update(task, completed=share, description=f"{what} {name}")


@contextmanager
def piece_by_piece(what: str, total: float) -> Iterator[Callable[[str, float], None]]:
    """Yields what shows, on stderr where that is a terminal, how much of a whole is done.

    The time left is that of the pieces which are done, for as much as is left.

    Args:
        total: what all pieces weigh together; each is told with its name and its own weight.
    """
    errors = error_console()
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[left]}")
    started, done = time.perf_counter(), 0.0
    with Progress(
        *columns, console=errors, transient=True, disable=not errors.is_terminal
    ) as shown:
        task = shown.add_task(what, total=total, left="")

        def advance(name: str, weight: float) -> None:
            nonlocal done
            done += weight
            left_s = (time.perf_counter() - started) * (total - done) / done
            left = f"{minutes(left_s)} left"
            shown.update(task, completed=done, description=f"{what} {name}", left=left)

        yield advance


class TilesProgress(TilesListener):
    """The progress of a large image: its notes, how many tiles are done, and the time left."""

    def __init__(self, quiet: bool) -> None:
        self._errors, self._quiet = error_console(), quiet
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[left]}"),
            console=self._errors,
            transient=True,
            disable=quiet or not self._errors.is_terminal,
        )
        self._task = self._progress.add_task("looking at the image", total=None, left="")
        self._started, self._done, self._count = 0.0, 0, 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def planned(self, source: LargeImage, tiling: Tiling) -> None:
        for note in () if self._quiet else source.notes:
            say(self._errors, f"Note: {source.path}: {note}.", "yellow")
        self._started, self._count = time.perf_counter(), tiling.count
        self._show()

    def done(self) -> None:
        self._done += 1
        self._show()

    def _show(self) -> None:
        spent = time.perf_counter() - self._started
        each = spent / max(1, self._done)
        self._progress.update(
            self._task,
            description=f"{self._done} of {plural(self._count, 'tile')}",
            total=self._count,
            completed=self._done,
            left=f"{minutes(each * (self._count - self._done))} left" if self._done else "",
        )


class TerminalListener(Listener):
    """Shows the header on `console`, and progress on stderr where that is a terminal."""

    def __init__(self, images: Sequence[Image], console: Console, cache: str, quiet: bool) -> None:
        self._images, self._console, self._cache, self._quiet = images, console, cache, quiet
        errors = error_console()
        self._errors = errors
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[left]}"),
            console=errors,
            transient=True,
            disable=quiet or not errors.is_terminal,
        )
        self._task = self._progress.add_task("starting", total=None, left="")
        self._started = time.perf_counter()
        self._seconds = 0.0
        self._leading = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def start(self) -> None:
        """Progress is shown from now on: not while others print, or have bars of their own."""
        self._progress.start()

    def stop(self) -> None:
        """No more progress is shown."""
        try:
            self._progress.stop()
        except IndexError:  # Ctrl-C came while Rich was putting its display up
            self._errors.show_cursor()

    def header(self, problem: Problem) -> None:
        if self._quiet:
            return
        image = self._images[0]
        file_type = image.pixels.dtype.name
        self._print(*header_lines(image.name, problem, self._cache, file_type))
        if problem.kernel.note:
            say(self._errors, f"Note: {problem.kernel.note}.", "yellow")
        self._tell_notes()

    def ran_on(self, devices: Mapping[str, str]) -> None:
        """End the header with the names of the devices, by backend."""
        if not self._quiet:
            self._print(*device_lines(devices), "")

    def _tell_notes(self) -> None:
        for image in self._images:
            for note in image.notes:
                say(self._errors, f"Note: {image.name}: {note}.", "yellow")

    def budget(self, seconds: float) -> None:
        self._seconds = seconds
        self._progress.update(self._task, total=seconds)

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
        spent = time.perf_counter() - self._started
        left = f"up to {max(0.0, self._seconds - spent):.0f} s left" if self._seconds else ""
        self._progress.update(
            self._task, description=text, completed=min(spent, self._seconds), left=left
        )

    def _print(self, *lines: str) -> None:
        """Print results; between two spells of progress, which may share the terminal."""
        is_shown = self._progress.live.is_started
        self._progress.stop()
        for line in lines:
            say(self._console, line)
        self._console.file.flush()
        if is_shown:
            self._progress.start()


class PointsListener(TerminalListener):
    """Tells of many points how many are done, and how long the others may take."""

    def __init__(self, images: Sequence[Image], console: Console, cache: str, quiet: bool) -> None:
        super().__init__(images, console, cache, quiet)
        self.start()
        self._first: int | None = None
        self._done, self._total, self._point = 0, 0, ""
        self._end: float | None = None

    def announce(self, lines: Sequence[str], note: str | None = None) -> None:
        """Say what is asked, and what is to be known of it, before anything is measured."""
        if not self._quiet:
            self._print(*lines, "")
            if note:
                say(self._errors, f"Note: {note}.", "yellow")
            self._tell_notes()

    def header(self, problem: Problem) -> None:
        """Each point has its own; none is shown."""

    def budget(self, seconds: float) -> None:
        """The budget of one point is not shown."""

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
        self._progress.update(
            self._task,
            description=f"{self._point} {text}".strip(),
            completed=self._done,
            total=self._total or None,
            left="" if left is None else f"{minutes(left)} left",
        )
