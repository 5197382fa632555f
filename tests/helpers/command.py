"""The command line inside this process."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from unittest import mock

import pytest

from blurbench.backends.backend import Availability
from blurbench.backends.registry import backends
from blurbench.cli.main import main
from blurbench.measure.judge import Rules

REASON, REMEDY = "no NVIDIA driver was found on this machine", "install the NVIDIA driver"
OPTIONAL = [name for name in backends() if name not in ("numpy", "scipy")]
ONE = ("--backend", "numpy", "--method", "separable")
BRIEF = ("--budget", "20", "--rounds", "1", "--size", "3")
QUICK = (*BRIEF, *ONE)


@dataclass(frozen=True)
class Ran:
    """What a command left: its exit code, stdout and stderr, and stdout as bytes."""

    code: int
    out: str
    err: str
    sent: bytes = field(default=b"", compare=False, repr=False)


def run(*arguments: str | Path) -> Ran:
    """Run `blurbench ARGUMENTS` in this process."""
    out, err = (
        io.TextIOWrapper(io.BytesIO(), "utf-8", "surrogateescape", newline="") for _ in range(2)
    )
    with (
        mock.patch.object(sys, "argv", ["blurbench", *map(str, arguments)]),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as stopped,
    ):
        main()
    code = stopped.value.code or 0
    assert isinstance(code, int)
    return Ran(code, text_of(out), text_of(err), out.buffer.getvalue())


def text_of(stream: io.TextIOWrapper) -> str:
    """What was written to a stream."""
    stream.seek(0)
    return stream.read()


def measure_briefly(patch: pytest.MonkeyPatch) -> None:
    """Let samples be far too short to judge by, where what is done with them is looked at."""
    patch.setattr("blurbench.study.options.Rules", partial(Rules, sample_s=1e-4))
    patch.setattr("blurbench.study.point.cells.WARM_UP_S", 1e-4)
    patch.setattr("blurbench.study.point.bandwidth.SAMPLE_S", 1e-4)
    patch.setattr("blurbench.study.point.arithmetic.SAMPLES", 1)


def deny_gpu(patch: pytest.MonkeyPatch) -> None:
    """Make all optional backends say that there is no driver, whatever machine this is."""
    absent = Availability(REASON, REMEDY)
    for name in OPTIONAL:
        patch.setitem(backends(), name, replace(backends()[name], probe=lambda: absent))
