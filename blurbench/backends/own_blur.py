"""A person's own blur as a backend: raced beside all others, listed nowhere, never chosen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from blurbench.backends.backend import Availability, Backend, Implementation
from blurbench.backends.own_code import OwnCode, happened
from blurbench.backends.own_loading import code_of, find_code
from blurbench.backends.registry import KINDS, backends
from blurbench.errors import InputError
from blurbench.methods import separable
from blurbench.names import YOURS
from blurbench.plan import Plan, store
from blurbench.problem import Problem


class OwnCodeError(RuntimeError):
    """What a person's own code raised or returned, in one line."""


class OwnPlan(Plan):
    """A person's function with its taps and settings, or an object of a person's class."""

    def __init__(self, code: OwnCode, problem: Problem) -> None:
        super().__init__(np, problem)
        self._code, self._is_new = code, True
        self._blur = self._attempt(partial(code.prepare, problem))

    def _run(self, image: Any, out: Any) -> None:
        if self._is_new:
            self._run_first(image, out)
        else:
            self._call(image, out)

    def _run_first(self, image: Any, out: Any) -> None:
        """A blur that changes its image would change that of all others, who share it."""
        before = image.tobytes()
        try:
            self._call(image, out)
        finally:
            changed = image.tobytes() != before
            if changed:
                image[...] = np.frombuffer(before, image.dtype).reshape(image.shape)
        if changed:
            raise OwnCodeError("it writes into the image that it is given: work on a copy")
        self._is_new = False

    def _call(self, image: Any, out: Any) -> None:
        fills = self._code.fills
        call = partial(self._blur, image, out=out) if fills else partial(self._blur, image)
        result = self._attempt(call)
        if fills and (result is None or result is out):
            return
        self._check_result(result)
        if result.dtype == out.dtype:
            out[...] = result
        else:
            store(np, result, out)

    def _attempt(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except (InputError, MemoryError):  # it cannot do the problem, and says so
            raise
        except (Exception, SystemExit) as error:
            raise OwnCodeError(happened(error, self._code.file)) from None

    def _check_result(self, result: Any) -> None:
        if not isinstance(result, np.ndarray):
            said = "nothing" if result is None else f"a {type(result).__name__}"
            raise OwnCodeError(f"it returned {said}: return the blurred image, a NumPy array")
        if result.shape != self.problem.shape:
            raise OwnCodeError(
                f"it returned an array of shape {result.shape}: that of the image is "
                f"{self.problem.shape}"
            )
        if result.dtype.kind not in "fiu":
            raise OwnCodeError(f"it returned {result.dtype}: return {self.problem.dtype}")


@dataclass(frozen=True)
class OwnBlur:
    """A person's own blur, and the backend that runs it."""

    code: OwnCode
    backend: Backend

    @property
    def implementation(self) -> Implementation:
        return self.backend.implementations[0]

    def as_told(self) -> dict[str, str | None]:
        """What a run's description keeps, by which `find_again` finds it."""
        folder = self.code.folder
        return {
            "given": self.code.given,
            "folder": None if folder is None else folder.as_uri(),
            "sha256": self.code.sha256,
        }


def own_blurs(given: Iterable[str | Callable[..., Any]]) -> tuple[OwnBlur, ...]:
    """Each of `FILE.py:NAME`, `package.module:NAME`, functions and classes as a backend of its own.

    This runs the code of the files and modules.

    Raises:
        InputError: one cannot be loaded or called, or would be named as another is.
    """
    codes = [find_code(one, Path.cwd()) if isinstance(one, str) else code_of(one) for one in given]
    found = tuple(map(_own_blur, codes))
    names = [one.implementation.name for one in found]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise InputError(f"two own blurs would be called {name}: rename one of them")
    return found


def find_again(told: Mapping[str, Any], folder: Path | None) -> OwnBlur:
    """The blur of which a run's description tells, from the folder that it names.

    Raises:
        InputError: it is gone or has changed, or was given as a function.
    """
    given = told["given"]
    if folder is None:
        raise InputError(
            f"own blur {given} was given as a function, which no other process has: "
            "name it as FILE.py:NAME"
        )
    code = find_code(given, folder)
    if code.sha256 != told["sha256"]:
        raise InputError(
            f"own blur {given} has changed since the run began: restore it, or begin a new run"
        )
    return _own_blur(code)


def _own_blur(code: OwnCode) -> OwnBlur:
    code.check()
    if not re.fullmatch(r"[\w.-]+", code.module):
        raise InputError(f"own blur {code.given}: rename the file to letters, digits, _ and -")
    if code.module in (*backends(), *KINDS):
        raise InputError(
            f"own blur {code.given} would be called as backend {code.module} is: rename its file"
        )
    one = Implementation(
        code.module,
        code.name,
        YOURS,
        partial(OwnPlan, code),
        separable.operations,
        lambda problem: problem.image_bytes,  # the result, before it is where it belongs
        compiles=True,  # it may
        counted=False,
        doubt=partial(_doubt, code),
    )
    return OwnBlur(code, Backend(code.module, "cpu", (one,), Availability))


def _doubt(code: OwnCode, problem: Problem) -> str | None:
    """Which setting its author may have forgotten."""
    asked = {"border": problem.border}
    if problem.border == "constant" and problem.cval != 0:
        asked["cval"] = f"{problem.cval:g}"
    for name, value in asked.items():
        if name not in code.settings:
            return f"{code.name} has no parameter {name}, and {value} was asked"
    return None
