"""Where a call shows its progress: on a terminal, in a notebook, or nowhere."""

from __future__ import annotations

import html
import sys
import time
from collections.abc import Callable
from typing import Any, Protocol

from blurbench.report.console import error_console
from blurbench.report.listeners import Bar, TerminalBar

EVERY_S = 0.25  # at most so often is a notebook's line written anew


class CallBar(Bar, Protocol):
    """A bar that says where it is.

    Attributes:
        on_terminal: whether the processes of a run may show theirs in its place.
    """

    on_terminal: bool


class OnTerminal(TerminalBar):
    """A bar on stderr; it shows nothing where that is no terminal."""

    def __init__(self, quiet: bool) -> None:
        super().__init__(quiet)
        self.on_terminal = not quiet and error_console().is_terminal


class InNotebook:
    """A line below the cell, written anew as the measurement goes on, and emptied in the end."""

    on_terminal = False

    def __init__(
        self, display: Callable[..., Any], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._display, self._now = display, now
        self._handle: Any = None
        self._written_at = -EVERY_S

    def start(self) -> None:
        self.show("starting", 0, None, "")

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.update(_bundle(""), raw=True)

    def show(self, text: str, done: float, total: float | None, left: str) -> None:
        now = self._now()
        if now - self._written_at < EVERY_S:
            return
        self._written_at = now
        share = f"{100 * done / total:.0f} %" if total else ""
        line = " · ".join(part for part in (text, share, left) if part)
        if self._handle is None:
            self._handle = self._display(_bundle(line), raw=True, display_id=True)
        else:
            self._handle.update(_bundle(line), raw=True)


def _bundle(line: str) -> dict[str, str]:
    """A line as a notebook takes it, with and without HTML."""
    return {"text/plain": line, "text/html": f"<pre>{html.escape(line)}</pre>" if line else ""}


def bar_for(quiet: bool) -> CallBar:
    """The bar for a call that is made here."""
    display = None if quiet else notebook_display()
    return OnTerminal(quiet) if display is None else InNotebook(display)


def notebook_display() -> Callable[..., Any] | None:
    """What displays things in the notebook that this runs in; None where it is none."""
    shell: Any = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    from IPython.display import display

    shown: Callable[..., Any] = display
    return shown
