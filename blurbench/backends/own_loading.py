"""Finds a person's own function or class by its name, and runs the code that makes it."""

from __future__ import annotations

import hashlib
import inspect
import os
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from blurbench.backends.own_code import OwnCode, happened
from blurbench.errors import InputError

HOW = "give FILE.py:NAME or package.module:NAME, as in mine.py:blur"


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
