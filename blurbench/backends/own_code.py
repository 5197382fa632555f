"""A person's own function or class: found by its name, loaded, and what it can be told."""

from __future__ import annotations

import hashlib
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Collection
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from blurbench.errors import InputError, text_of
from blurbench.plan import Problem

SETTINGS = ("border", "cval", "threads")  # of a problem, told to whoever has a parameter so named
OUT = "out"
HOW = "give FILE.py:NAME or package.module:NAME, as in mine.py:blur"


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


def find_code(given: str, folder: Path) -> OwnCode:
    """The function or class that is named `FILE.py:NAME` or `package.module:NAME`; runs that code.

    Args:
        folder: in which the file or the package lies, unless the one is named in full and the
            other installed.

    Raises:
        InputError: there is none, or its module cannot be loaded.
    """
    place, _, name = given.rpartition(":")
    if not (place and name.isidentifier()):
        raise InputError(f"own blur {given!r} names no function: {HOW}")
    is_file = place.endswith(".py") or os.sep in place
    module = _load_file(given, folder / place) if is_file else _load_module(given, place, folder)
    if not hasattr(module, name):
        own = [
            one
            for one, value in vars(module).items()
            if callable(value) and getattr(value, "__module__", "") == module.__name__
        ]
        listed = f"it has {', '.join(own)}" if own else "it has no function"
        raise InputError(f"own blur {given}: {place} has no {name}: {listed}")
    file = None if module.__file__ is None else Path(module.__file__)
    sha256 = None if file is None else _sha256(file)
    short = file.stem if is_file and file else place.rpartition(".")[2]
    return OwnCode(given, short, name, getattr(module, name), file, folder, sha256)


def code_of(made: Callable[..., Any]) -> OwnCode:
    """A function or class that is given as such."""
    try:
        source = inspect.getsourcefile(made)
    except TypeError:  # of compiled code
        source = None
    file = None if source is None or not Path(source).is_file() else Path(source)
    module = str(getattr(made, "__module__", "python")).rpartition(".")[2].strip("_")
    name = str(getattr(made, "__name__", type(made).__name__)).strip("<>")
    short = file.stem if file else module
    return OwnCode(f"{short}:{name}", short, name, made, file)


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


def _load_file(given: str, file: Path) -> ModuleType:
    if not file.is_file():
        raise InputError(f"own blur {given}: there is no file {file}: {HOW}")
    try:
        return _run_file(file, _sha256(file))
    except (Exception, SystemExit) as error:
        raise _broken(given, error, file) from None


@cache
def _run_file(file: Path, sha256: str) -> ModuleType:
    """The file as a module, run once as long as it stays the same.

    What lies beside it can be imported, after all that is installed.
    """
    module = ModuleType(f"blurbench_own_{sha256[:12]}")
    module.__file__ = str(file)
    _may_import_from(file.parent)
    sys.modules[module.__name__] = module  # where dataclasses look
    with redirect_stdout(sys.stderr):  # standard output is for data
        exec(compile(file.read_bytes(), str(file), "exec"), vars(module))
    return module


def _load_module(given: str, place: str, folder: Path) -> ModuleType:
    _may_import_from(folder)
    try:
        with redirect_stdout(sys.stderr):
            return import_module(place)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{place}.".startswith(f"{error.name}."):
            raise InputError(f"own blur {given}: there is no module {place}: {HOW}") from None
        raise _broken(given, error) from None
    except (Exception, SystemExit) as error:
        raise _broken(given, error) from None


def _broken(given: str, error: BaseException, file: Path | None = None) -> InputError:
    return InputError(f"own blur {given} cannot be loaded: {happened(error, file)}; mend it")


def _may_import_from(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
