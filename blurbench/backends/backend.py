"""What a backend declares, and what is learnt when it is asked whether it can run here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from numpy.typing import NDArray

from blurbench.backends.lanes import Lanes
from blurbench.border import BORDERS
from blurbench.errors import InputError
from blurbench.names import DTYPES
from blurbench.plan import Plan
from blurbench.problem import Problem


@dataclass(frozen=True)
class Implementation:
    """One backend running one method.

    Attributes:
        backend, method: its name is `backend:method`.
        origin: `ours`, `library` where the library's own filter does the work, or `yours`.
        prepare: makes a plan for a problem.
        multiply_adds: that the method takes for an image, by its formula.
        work_bytes: memory that a plan takes beside image and result.
        exact: whether it computes the kernel that it is given, up to rounding.
        compiles: whether a first call on the CPU compiles code; on a GPU it always may.
        borders, dtypes: those that it can do.
        largest: taps of the largest kernel that it can do; None where any size goes.
        own_kernel: whether its library makes the taps itself and does not take ours.
        folds: whether it takes mirrored taps together, and so cannot do an even kernel.
        integer_error: units that an integer result may be off, beside the rounding of float32;
            a library's fixed-point arithmetic may round to the other neighbour.
        slowdown: how many times as long its multiply-adds take on a problem as amid a large image.
        counted: whether its multiply-adds are known; else they only serve to expect times by.
        doubt: what may be why, where its result for a problem is wrong.
    """

    backend: str
    method: str
    origin: Literal["ours", "library", "yours"]
    prepare: Callable[[Problem], Plan]
    multiply_adds: Callable[[Problem], float]
    work_bytes: Callable[[Problem], int]
    exact: bool = True
    compiles: bool = False
    borders: tuple[str, ...] = BORDERS
    dtypes: tuple[str, ...] = DTYPES
    largest: int | None = None
    own_kernel: bool = False
    folds: bool = False
    integer_error: float = 0.5
    slowdown: Callable[[Problem], float] = lambda problem: 1.0
    counted: bool = True
    doubt: Callable[[Problem], str | None] = lambda problem: None

    @property
    def name(self) -> str:
        return f"{self.backend}:{self.method}"

    def effort(self, problem: Problem) -> float:
        """What the time of a call grows with, to predict it by times of other problems."""
        return self.multiply_adds(problem) * self.slowdown(problem)

    @property
    def takes_even(self) -> bool:
        """Whether it can do even sizes."""
        return not (self.folds or self.own_kernel)

    def check(self, problem: Problem) -> None:
        """Raise InputError where it cannot do the problem."""
        for what, given, able in (
            ("border", problem.border, self.borders),
            ("dtype", problem.dtype.name, self.dtypes),
        ):
            if given not in able:
                raise InputError(
                    f"{what} {given!r} does not go with {self.method} of {self.backend}: "
                    f"use {' or '.join(able)}"
                )
        if self.largest is not None and problem.kernel.size > self.largest:
            raise InputError(
                f"size {problem.kernel.size} does not go with {self.method} of {self.backend}: "
                f"use {self.largest} or less"
            )
        if problem.kernel.even and not self.takes_even:
            why = "which makes its own taps" if self.own_kernel else "which folds mirrored taps"
            raise InputError(
                f"even size {problem.kernel.size} does not go with {self.method} of "
                f"{self.backend}, {why}: use an odd size"
            )

    def prepare_sibling(self, problem: Problem) -> Plan:
        """One more plan, of which the adjoint of another is made.

        Raises:
            InputError: it cannot do the problem.
        """
        try:
            self.check(problem)
        except InputError:
            raise InputError(
                f"{self.name} has no adjoint here: it would have to blur {problem.dtype} under "
                f"{problem.border!r}, which it does not; use another method or backend"
            ) from None
        return self.prepare(problem)


@dataclass(frozen=True)
class Availability:
    """Whether a backend can run here.

    Attributes:
        reason: why it cannot, or None where it can.
        remedy: the command or step that mends it.
        versions: of the libraries that it runs on, by name.
        devices: what it runs on, in words.
        software: whether its devices are all programs that run on the CPU: no GPU, so it runs only
            where it is named.
    """

    reason: str | None = None
    remedy: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    devices: tuple[str, ...] = ()
    software: bool = False

    @property
    def ok(self) -> bool:
        return self.reason is None

    @property
    def explanation(self) -> str:
        """The reason and, where there is one, the remedy."""
        return "; ".join(part for part in (self.reason, self.remedy) if part)


def devices_of(states: Iterable[Availability]) -> list[str]:
    """Each device once, though several backends run on it and name it."""
    return [name for names in dict.fromkeys(state.devices for state in states) for name in names]


@dataclass(frozen=True)
class Backend:
    """A named set of implementations on one kind of device.

    Third parties offer one through the entry-point group `blurbench.backends`.

    Attributes:
        probe: says whether it can run here; imports its library, never at import time.
        carry: for GPU backends, runs a plan on a host image: there, blurred, and back.
        open_device: for GPU backends, opens device number N to be timed (see
            `blurbench.backends.device.Device`), once a process; called again, it gives the same
            one, and lets the calling thread work on it.
        lanes: for GPU backends, the devices and streams on which a thread may work.
        own_arrays: for GPU backends, whether plans take arrays of their own and not CuPy's.
        adopt: for GPU backends with arrays of their own, makes one of an array that lies on a GPU
            without a copy (see `blurbench.backends.images_on_gpu`).
        ends_process: for GPU backends, whether its library ends the process when a GPU is lost.
        distributions: the installed packages whose other version may be faster or slower: figures
            that were measured with one do not hold for another.
    """

    name: str
    kind: Literal["cpu", "gpu"]
    implementations: tuple[Implementation, ...]
    probe: Callable[[], Availability]
    carry: Callable[[Plan, NDArray[Any]], NDArray[Any]] | None = None
    open_device: Callable[[int], Any] | None = None
    lanes: Lanes | None = None
    own_arrays: bool = False
    adopt: Callable[[Any], Any] | None = None
    ends_process: bool = False
    distributions: tuple[str, ...] = ()

    def implementation(self, method: str) -> Implementation | None:
        """The implementation of `method`, or None where this backend has none."""
        return next((one for one in self.implementations if one.method == method), None)
