"""A person's own function or class: how it is called, and what it can be told."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from blurbench.errors import InputError, text_of
from blurbench.problem import Problem

SETTINGS = ("border", "cval", "threads")  # of a problem, told to whoever has a parameter so named
OUT = "out"


@dataclass(frozen=True)
class OwnCode:
    """A function `blur(image, taps)`, or a class `Blur(taps, shape, dtype)` of such functions.

    Attributes:
        given: as it was named.
        module, name: of which its row's name is made.
        made: the function or class; anything until it is checked.
        file: that holds it; None where that is not known.
        folder: from where it was named; None where it was given as a function.
        sha256: of the file, when it was loaded.
    """

    given: str
    module: str
    name: str
    made: Any
    file: Path | None = None
    folder: Path | None = None
    sha256: str | None = None

    @property
    def is_class(self) -> bool:
        """Whether it is made once for a plan, and called many times."""
        return inspect.isclass(self.made)

    @cached_property
    def settings(self) -> tuple[str, ...]:
        """Those of a problem that it is told, by the names of its parameters."""
        return tuple(name for name in SETTINGS if name in _parameters(self.made))

    @cached_property
    def fills(self) -> bool:
        """Whether it writes into an array that it is given, by its parameter `out`."""
        return OUT in _parameters(self.made.__call__ if self.is_class else self.made)

    def prepare(self, problem: Problem) -> Callable[..., Any]:
        """What is called with an image, and with `out` where it `fills`."""
        taps = problem.kernel.taps.copy()  # nobody else's, should they be written to
        told = {name: getattr(problem, name) for name in self.settings}
        if self.is_class:
            called: Callable[..., Any] = self.made(taps, problem.shape, problem.dtype, **told)
            return called
        return lambda image, **out: self.made(image, taps, **told, **out)

    def check(self) -> None:
        """Raise InputError unless it can be called as it will be."""
        if not callable(self.made):
            raise self._refused(
                f"its type is {type(self.made).__name__}",
                "name a function blur(image, taps), or a class",
            )
        if self.is_class and not any("__call__" in vars(one) for one in self.made.__mro__):
            raise self._refused("the class has no __call__", "give it __call__(self, image)")
        first = ("taps", "shape", "dtype") if self.is_class else ("image", "taps")
        self._check_call(self.made, first, (*self.settings, *([] if self.is_class else self._out)))
        if self.is_class:
            self._check_call(self.made.__call__, ("self", "image"), self._out)

    @property
    def _out(self) -> tuple[str, ...]:
        return (OUT,) if self.fills else ()

    def _check_call(
        self, made: Callable[..., Any], first: Collection[str], named: Collection[str]
    ) -> None:
        try:
            signature = inspect.signature(made)
        except (TypeError, ValueError):  # of compiled code, which does not tell
            return
        try:
            signature.bind(*first, **dict.fromkeys(named))
        except TypeError as error:
            call = f"{self.name}({', '.join(first)})".replace("(self, ", ".__call__(")
            further = ", ".join((*SETTINGS, OUT))
            raise self._refused(
                f"it cannot be called as {call}: {error}",
                f"it may have {further} besides, and what has a default",
            ) from None

    def _refused(self, reason: str, remedy: str) -> InputError:
        return InputError(f"own blur {self.given} cannot be raced, for {reason}: {remedy}")


def happened(error: BaseException, file: Path | None) -> str:
    """What an error says, in one line, and the last line of the file that led to it."""
    kind, text = type(error).__name__, text_of(error)
    lines = [
        line
        for frame, line in traceback.walk_tb(error.__traceback__)
        if file is not None and frame.f_code.co_filename == str(file)
    ]
    said = kind if text == kind else f"{kind}: {text}"
    return f"{said} ({file.name}:{lines[-1]})" if file is not None and lines else said


def _parameters(made: Callable[..., Any]) -> set[str]:
    """The names of those that can be told by name."""
    try:
        known = inspect.signature(made).parameters.values()
    except (TypeError, ValueError):  # of compiled code, which does not tell
        return set()
    return {one.name for one in known if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)}
