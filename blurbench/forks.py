"""What a forked process gets of its parent: all memory, and of the threads only one."""

from __future__ import annotations

import os
import threading

from blurbench.errors import CannotRunError


def keep_from_forks(lock: threading.Lock) -> threading.Lock:
    """Let no fork happen while a thread holds the lock: nobody would release it in the child."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release
        )
    return lock


class Home:
    """The process in which a library first ran: there, and in no fork of it, it has its threads."""

    def __init__(self, backend: str) -> None:
        self._backend, self._process = backend, 0

    @property
    def is_elsewhere(self) -> bool:
        """Whether this process was forked from it; where the library has not run it is here."""
        here = os.getpid()
        self._process = self._process or here
        return self._process != here

    def check(self) -> None:
        """Raise CannotRunError where it is elsewhere; call it before the library runs."""
        if self.is_elsewhere:
            raise CannotRunError(
                f"{self._backend} cannot run in a fork of a process where it has run, for its "
                "threads do not come along: start processes by spawn or forkserver, or take "
                "another backend"
            )
