"""Calls that may never return, as into a driver that hangs while it compiles."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

PATIENCE_S = 120.0  # for what loads, compiles and starts; what the work itself takes comes on top

Returned = TypeVar("Returned")

_left_behind: list[threading.Event] = []  # of the calls that were given up; set if one returns


class HungError(RuntimeError):
    """A call did not return in time."""


def within(seconds: float, call: Callable[[], Returned]) -> Returned:
    """What a call returns or raises, made in a thread of its own.

    A thread cannot be stopped: where the call does not return, its thread is left behind, and what
    it uses had better be left alone.

    Raises:
        HungError: it does not return in so many seconds.
    """
    ended = threading.Event()
    returned: list[Returned] = []
    raised: list[BaseException] = []

    def make() -> None:
        try:
            returned.append(call())
        except BaseException as error:
            raised.append(error)
        ended.set()

    threading.Thread(target=make, daemon=True).start()
    came = False
    try:
        came = comes(ended, seconds)
    finally:
        if not came:
            _left_behind.append(ended)
    if not came:
        raise HungError(f"it did not return within {seconds:.0f} s")
    if raised:
        raise raised.pop()  # nothing here may keep what the error's frames hold
    return returned.pop()


def comes(event: threading.Event, seconds: float) -> bool:
    """Whether an event comes in so many seconds."""
    return event.wait(seconds)


def any_left_behind() -> bool:
    """Whether a call that was given up has not returned yet."""
    return any(not ended.is_set() for ended in _left_behind)
