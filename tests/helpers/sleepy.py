"""A backend of another package whose blur takes as long as the environment says."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from blurbench.backends import registry
from blurbench.cli.main import main

PACKAGE = """
import os, time
from blurbench.backends.backend import Availability, Backend, Implementation
from blurbench.backends.registry import find_implementation
from blurbench.plan import Plan

class Sleepy(Plan):
    def __init__(self, problem):
        import numpy
        super().__init__(numpy, problem)
        self._right = find_implementation("numpy", "separable").prepare(problem)

    def _run(self, image, out):
        time.sleep(float(os.environ["SLEEPY_S"]))
        self._right(image, out)

def offers(method):
    return Implementation(
        "sleepy", method, "ours", Sleepy, lambda problem: 1e3, lambda problem: 0
    )

backend = Backend("sleepy", "cpu", (offers("separable"),), Availability)
"""

ASKED = ("--backend", "sleepy", "--rounds", "2", "--budget", "30", "--quiet")
QUICK_S, SLOW_S = "0.001", "0.01"


def plant_package(folder: Path) -> None:
    """A package with a backend, to be found by its entry point."""
    info = folder / "sleepy_blur-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sleepy-blur\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[blurbench.backends]\nsleepy = sleepy_blur:backend\n")
    (folder / "sleepy_blur.py").write_text(PACKAGE)


@contextmanager
def offered(site: Path) -> Iterator[pytest.MonkeyPatch]:
    """The package is there, in this process and in its children, and takes its time quickly."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site)
        patch.setenv("PYTHONPATH", os.pathsep.join([str(site), os.environ["PYTHONPATH"]]))
        patch.setenv("SLEEPY_S", QUICK_S)
        registry.backends.cache_clear()
        yield patch
    registry.backends.cache_clear()


def called(*arguments: str) -> int:
    """The exit code of a command in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["blurbench", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
    assert isinstance(ended.value.code, int)
    return ended.value.code
