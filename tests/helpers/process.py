"""The command line in processes of its own: pipes, signals and terminals."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

import blurbench
from helpers.command import Ran

COMMAND = (sys.executable, "-m", "blurbench")
PATIENCE = 60  # seconds until a process is given up; no test waits for it to pass
SHOW_CURSOR, HIDE_CURSOR = "\x1b[?25h", "\x1b[?25l"
LISTENING = (
    sys.executable,
    "-c",
    "import runpy, signal\n"
    "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "runpy.run_module('blurbench', run_name='__main__')",
)


posix = pytest.mark.skipif(os.name != "posix", reason="pipes, signals and terminals of POSIX")


def work_in(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Go to a folder with a small image, from which processes can import the package."""
    patch.chdir(folder)
    path = os.pathsep.join(
        [str(Path(blurbench.__file__).parent.parent), os.environ.get("PYTHONPATH", "")]
    )
    patch.setenv("PYTHONPATH", path.rstrip(os.pathsep))
    patch.delenv("NO_COLOR", raising=False)
    pixels = np.random.default_rng(4).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    PIL.Image.fromarray(pixels).save("photo.png")


def start(*arguments: str) -> subprocess.Popen[str]:
    """A command under way, with pipes; SIGINT reaches it."""
    pipe = subprocess.PIPE
    return subprocess.Popen([*LISTENING, *arguments], stdout=pipe, stderr=pipe, text=True)


def interrupt(process: subprocess.Popen[str], when: Callable[[], bool]) -> Ran:
    """Send SIGINT as soon as `when` is true, and wait for the end."""
    with process:
        wait_until(when, process)
        process.send_signal(signal.SIGINT)
        try:
            out, err = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    return Ran(process.returncode, out, err)


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            pytest.fail(f"never ready; stderr: {process.communicate()[1]}")
        time.sleep(0.02)


def in_terminal(
    *arguments: str, columns: int = 100, interrupt_at: str | None = None, **environment: str
) -> tuple[int, str]:
    """Run a command whose stdout and stderr are a terminal; its exit code and all it showed."""
    import fcntl
    import pty
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    settings = {name: text for name, text in os.environ.items() if name not in ("COLUMNS", "CI")}
    with subprocess.Popen(
        [*LISTENING, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env={**settings, "TERM": "xterm-256color", **environment},
    ) as process:
        os.close(theirs)
        shown = b""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if not select.select([ours], [], [], 1)[0]:
                continue
            with contextlib.suppress(OSError):  # Linux: the other end is closed
                part = os.read(ours, 65536)
                if part:
                    shown += part
                    if interrupt_at is not None and interrupt_at in shown.decode(errors="replace"):
                        process.send_signal(signal.SIGINT)
                        interrupt_at = None
                    continue
            break
        os.close(ours)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
        process.kill()
    return process.returncode, shown.decode().replace("\r\n", "\n")


def plain(shown: str) -> str:
    """What a terminal showed, without its control sequences."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)


def run_process(*arguments: str, **more: Any) -> Ran:
    """A whole command in a process of its own."""
    done = subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, **{"timeout": PATIENCE, **more}
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def errors_of(ended: Ran) -> list[str]:
    return [line for line in ended.err.splitlines() if line.startswith("Error")]


def is_one_line(ended: Ran) -> bool:
    """Whether bad input was told as promised."""
    lines = ended.err.splitlines()
    return ended.code == 2 and len(errors_of(ended)) == 1 and "Traceback" not in "\n".join(lines)


def edit(run: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a run's description."""
    document = json.loads((run / "run.json").read_text("utf-8"))
    change(document)
    (run / "run.json").write_text(json.dumps(document), encoding="utf-8")


def dead_process() -> int:
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return process.pid
