"""Progress on stderr, where that is a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeRemainingColumn

from blurbench.files import shown_name
from blurbench.large.listener import TilesListener
from blurbench.large.source import LargeImage
from blurbench.large.tiles import Tiling
from blurbench.report.bar import bar_in_words, open_bar
from blurbench.report.console import error_console, say
from blurbench.report.units import minutes, plural


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
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    with open_bar(*columns, quiet=quiet) as shown:
        task = shown.add_task(what, total=1.0)
        yield lambda share, name: shown.update(task, completed=share, description=f"{what} {name}")


@contextmanager
def piece_by_piece(what: str, total: float) -> Iterator[Callable[[str, float], None]]:
    """Yields what shows, on stderr where that is a terminal, how much of a whole is done.

    The time left is that of the pieces which are done, for as much as is left.

    Args:
        total: what all pieces weigh together; each is told with its name and its own weight.
    """
    started, done = time.perf_counter(), 0.0
    with bar_in_words(quiet=False) as shown:
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
        self._progress = bar_in_words(quiet)
        self._task = self._progress.add_task("looking at the image", total=None, left="")
        self._started, self._done, self._count = 0.0, 0, 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def planned(self, source: LargeImage, tiling: Tiling) -> None:
        for note in () if self._quiet else source.notes:
            say(self._errors, f"Note: {shown_name(source.path)}: {note}.", "yellow")
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
