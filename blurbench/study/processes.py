"""A run's further processes: begun one after the other, supervised, and ended with this one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile

from blurbench.errors import ProcessFailedError
from blurbench.study.session import Session

PARENT_PIPE = "BLURBENCH_PARENT_PIPE"  # set where standard input closes with the parent
LOST = "BLURBENCH_LOST"  # set where the devices are out, to the reason
# Exit codes of processes that crash; those of Windows are larger than any other.
CRASHES = {
    -one: one.name
    for one in signal.Signals
    if one.name in ("SIGABRT", "SIGBUS", "SIGILL", "SIGSEGV")
}
LARGEST_CODE = 255
INTERRUPTED = 130


def measure_in_processes(folder: Path, numbers: Iterable[int], quiet: bool) -> bool:
    """Let each process go on with the run by itself; True when all have ended.

    Where one crashed, as a driver may do that loses its device, it goes on without devices.

    Args:
        numbers: of the processes, each asked for when the one before has ended.
        quiet: whether they show nothing; else they share this one's stderr.

    Raises:
        KeyboardInterrupt: a process was interrupted.
        ProcessFailedError: a process ended with an error.
    """
    for process in numbers:
        call = partial(call_process, [sys.executable], folder, process, quiet=quiet)
        try:
            call()
        except ProcessFailedError as error:
            crash = _crash_of(error.code)
            if crash is None:
                raise
            call(lost=f"the device was lost as its library ended the process ({crash})")
    return True


def call_process(
    interpreter: Sequence[str],
    folder: Path,
    process: int,
    *,
    quiet: bool,
    lost: str | None = None,
) -> None:
    """Let one process of a run measure its part, and end when this one does.

    Args:
        quiet: whether what it says is told in the error, in place of on this one's stderr.
        lost: why the devices are out, if they are.

    Raises:
        KeyboardInterrupt: it was interrupted.
        ProcessFailedError: it ended with an error.
    """
    command = [*interpreter, "-m", "blurbench", "sweep", "--resume", str(folder)]
    command += ["--process", str(process), *(["--quiet"] if quiet else [])]
    told = {**os.environ, PARENT_PIPE: "stdin", **({LOST: lost} if lost else {})}
    with TemporaryFile() if quiet else nullcontext() as stream:
        code = subprocess.call(command, stdin=subprocess.PIPE, stderr=stream, env=told)
        if code == INTERRUPTED:
            raise KeyboardInterrupt
        if code == 0:
            return
        if stream is None:
            raise ProcessFailedError(code)
        stream.seek(0)
        said = last_line(stream.read().decode(errors="replace"))
    raise ProcessFailedError(code, f"process {process} of {interpreter[0]} failed: {said}")


def last_line(said: str) -> str:
    """What a process said at its end."""
    lines = said.strip().splitlines() or ["it did not say why"]
    return lines[-1].removeprefix("Error: ")


def obey_parent(session: Session) -> None:
    """What the process that began this one wants: to end when it is gone, to leave devices be."""
    if LOST in os.environ:
        session.devices.close_all(os.environ[LOST])


def end_with_parent() -> None:
    """End this process when the one that began it is gone: then its standard input closes."""
    if PARENT_PIPE not in os.environ:
        return

    def wait() -> None:
        while os.read(0, 1):  # not through sys.stdin, whose lock would be held at the exit
            pass
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _crash_of(code: int) -> str | None:
    """How a process with this exit code crashed; None where it ended by itself or was told to."""
    return f"code {code:#x}" if code > LARGEST_CODE else CRASHES.get(code)
