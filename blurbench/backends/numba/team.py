"""Threads that help with a blur, and wait for the next one awake for some ten microseconds.

To wake a thread that sleeps costs as much as it takes to blur a small image. One that is awake
hears a bell, which is rung within compiled code, so that Python's lock is free for it; it needs
that for a few microseconds, to call the same compiled code. Whoever calls for help never waits for
helpers that did not come: what they do not take, he does himself.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from blurbench.backends.numba.shares import Turns

Array = NDArray[np.int64]
Blur = Callable[["Turns", int], None]  # which takes turns, and is told the number of its thread
RINGS = -1


class _Job:
    """One blur, and those who take part in it."""

    def __init__(self, blur: Blur, step: int, threads: int) -> None:
        self.blur, self.step = blur, step
        self.board = np.zeros(2, np.int64)
        self.helpers: Iterator[int] = iter(range(1, threads))
        self.error: BaseException | None = None


class Team:
    """Some threads, and the job that was posted last."""

    def __init__(self) -> None:
        self._bell, self._alone = np.zeros(1, np.int64), np.zeros(1, np.int64)
        self._job: _Job | None = None
        self._posted = 0
        self._asleep: list[threading.Lock] = []
        self._members: list[threading.Thread] = []
        self._hiring = threading.Lock()
        self._is_over = False

    def run(self, blur: Blur, step: int, threads: int) -> None:
        """Have `blur` called in this thread, and in up to `threads - 1` others that are free.

        Raises what it raised in any of them.

        Args:
            step: how many rows are taken at once.
        """
        if threads == 1:
            blur((self._alone, RINGS, np.zeros(2, np.int64), step), 0)
            return
        job = _Job(blur, step, threads)
        if len(self._members) < threads - 1:
            self._hire(threads - 1)
        try:
            self._job = job
            self._posted += 1
            self._wake(threads - 1)
            blur((self._bell, RINGS, job.board, step), 0)
        except BaseException:
            from blurbench.backends.numba.shares import close

            close(job.board)
            raise
        finally:
            while job.board[1] > 0:
                time.sleep(0)
            if self._job is job:
                self._job = None
        if job.error is not None:
            raise job.error

    def _hire(self, members: int) -> None:
        with self._hiring:
            while len(self._members) < members:
                name = f"blurbench-numba-{len(self._members)}"
                self._members.append(threading.Thread(target=self._help, name=name, daemon=True))
                self._members[-1].start()

    def _wake(self, most: int) -> None:
        """Wake up to so many members."""
        try:
            for _ in range(min(most, len(self._asleep))):
                self._asleep.pop().release()
        except IndexError:  # another caller was about to wake the same
            return

    def _help(self) -> None:
        """What a member does: it helps with what was posted, listens, and falls asleep."""
        from blurbench.backends.numba.shares import listen

        bed = threading.Lock()
        bed.acquire()
        heard = seen = 0
        while not self._is_over:
            if seen != self._posted:
                seen = self._posted
                self._take_part(heard)
            before, heard = heard, listen(self._bell, heard)
            # What is posted between this question and sleep is done without this member.
            if before == heard and seen == self._posted:
                self._asleep.append(bed)
                bed.acquire()

    def _take_part(self, heard: int) -> None:
        job = self._job
        number = None if job is None else next(job.helpers, None)
        if job is None or number is None:
            return
        from blurbench.backends.numba.shares import end

        try:
            job.blur((self._bell, heard, job.board, job.step), number)
        except BaseException as error:
            job.error = error
            end(job.board)

    def dismiss(self) -> None:
        """Let all members go, and wait until they are gone."""
        self._is_over = True
        for member in self._members:
            while member.is_alive():  # one may have been about to fall asleep
                self._wake(len(self._members))
                member.join(0.01)


class _Current:
    """The team of this process; a forked child has none of its parent's threads, and a new one."""

    def __init__(self) -> None:
        self.team = Team()
        atexit.register(lambda: self.team.dismiss())
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._renew)

    def _renew(self) -> None:
        self.team = Team()


current = _Current()
