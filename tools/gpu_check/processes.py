"""Commands in processes of their own, each ended with all that it started when its time is up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]  # of the tree: the commands run here


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: None where it was stopped, its time being up.
    """

    code: int | None
    output: str

    @property
    def last(self) -> str:
        """Its last line."""
        return (self.output.strip().splitlines() or ["nothing was said"])[-1]

    @property
    def how(self) -> str:
        """In words, where it did not end well."""
        if self.code is None:
            return "not finished in its time"
        return f"ended by signal {-self.code}" if self.code < 0 else f"exit code {self.code}"


def run(command: Sequence[str], seconds: float, folder: Path = ROOT) -> Ended:
    """Run a command in a folder for at most so long; standard error is part of its output."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(_paths())},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=max(0.1, seconds))
        except subprocess.TimeoutExpired:
            _end(process)
            return Ended(None, process.communicate()[0])
        except BaseException:  # who interrupts us does not reach it
            _end(process)
            raise
        return Ended(process.returncode, output)


def _paths() -> Iterator[str]:
    """Where modules are found, whatever the folder: in the tree, and where they were before."""
    yield from (str(ROOT), str(ROOT / "tools"))
    yield from (str(ROOT / path) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep))


def _end(process: subprocess.Popen[str]) -> None:
    """Kill it and what it started, which would hold the pipe and the GPU."""
    with suppress(ProcessLookupError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)


def run_beside(
    commands: Mapping[str, Sequence[str]], seconds: float, workers: int
) -> dict[str, Ended]:
    """Run them all, so many at a time; what is not done by then is ended."""
    until = time.perf_counter() + seconds

    def run_one(command: Sequence[str]) -> Ended:
        left = until - time.perf_counter()
        return run(command, left) if left > 0 else Ended(None, "")

    with ThreadPoolExecutor(max(1, workers)) as pool:
        return dict(zip(commands, pool.map(run_one, commands.values()), strict=True))
