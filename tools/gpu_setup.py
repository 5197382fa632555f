"""Puts CuPy into .venv where an NVIDIA driver can be used; `make` runs it.

A CuPy that works already, of conda or of a notebook, is used and not doubled.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from blurbench.backends import cupy_packages
from blurbench.backends.driver import NO_DRIVER, Driver, this_driver

ROOT = Path(__file__).parent.parent
STAMP = ROOT / ".venv" / "gpu"
CHOICES = ("auto", "no", "cuda12", "cuda13")
TO_FETCH = {"cuda12": "1.1 GB", "cuda13": "0.9 GB"}  # all wheels together
WORKS = "import sys; from blurbench.backends import gpu; sys.exit(not gpu.probe().ok)"
FOREIGN_COMPILER = "nvidia-cuda-nvrtc"  # of CUDA 13; CuPy for CUDA 12 would load it before its own

Run = Callable[[Sequence[str]], bool]


@dataclass(frozen=True)
class Decision:
    """What to install, an extra or nothing, and what to say of it."""

    extra: str = ""
    said: str = ""


def decide(choice: str, driver: Driver, works: Callable[[], bool]) -> Decision:
    """What a machine with this driver gets.

    Args:
        choice: one of CHOICES.
        works: whether there is a CuPy that works; asked only where it matters.
    """
    if choice == "no":
        return Decision()
    if choice != "auto":
        return Decision(choice, f"GPU={choice}: {_fetching(choice)}")
    if driver.reason == NO_DRIVER:
        return Decision()
    if not driver.usable:
        return Decision("", f"Going on without the GPU: {driver.reason}; {driver.remedy}")
    if works():
        return Decision("", f"An NVIDIA GPU is here ({driver}), and a CuPy that works")
    extra = f"cuda{driver.cuda}"
    said = f"An NVIDIA GPU is here ({driver}): {_fetching(extra)} (GPU=no leaves them out)"
    return Decision(extra, said)


def _fetching(extra: str) -> str:
    return f"fetching CuPy and CUDA's libraries, about {TO_FETCH[extra]}, once"


def set_up(choice: str, driver: Driver, run: Run, stamp: Path) -> None:
    """Do and say what is decided, unless the stamp tells that nothing has changed since.

    A fetch that fails leaves no stamp: the next call tries again.
    """
    state = f"{choice}; {driver}; {driver.reason}"
    if stamp.is_file() and stamp.read_text("utf-8") == state:
        return
    decision = decide(choice, driver, lambda: run([sys.executable, "-c", WORKS]))
    if decision.said:
        print(decision.said, flush=True)
    if decision.extra and not fetch(decision.extra, run):
        print("Going on without the GPU (GPU=no stops trying)", flush=True)
        return
    stamp.write_text(state, "utf-8")


def fetch(extra: str, run: Run) -> bool:
    """Install the extra, and whether that went well; a CuPy for another CUDA gives way."""
    kept = f"cupy-{extra}x"
    others = [name for name in cupy_packages.installed() if name not in (kept, "cupy")]
    if others:
        run(pip("uninstall", "-y", "-qq", *others))
    done = run(pip("install", "-qq", "--editable", f".[{extra}]"))
    drop_foreign_compiler(run)
    return done


def drop_foreign_compiler(run: Run) -> None:
    """Take CUDA 13's compiler, which the tests bring along, away beside CuPy for CUDA 12."""
    if "cupy-cuda12x" in cupy_packages.installed():
        run(pip("uninstall", "-y", "-qq", FOREIGN_COMPILER))


def venv_options(choice: str, driver: Driver, run: Run) -> str:
    """The options with which `venv` shows a CuPy that works in this Python; empty where none does.

    That of an environment made by `venv` itself is not shown to another.
    """
    if choice != "auto" or not driver.usable or sys.prefix != sys.base_prefix:
        return ""
    return "--system-site-packages" if run([sys.executable, "-c", WORKS]) else ""


def pip(*words: str) -> list[str]:
    return [sys.executable, "-m", "pip", "--disable-pip-version-check", *words]


def run_quietly(command: Sequence[str]) -> bool:
    """Run a command in the tree; whether it went well. Of pip, what goes wrong is shown."""
    quiet = subprocess.DEVNULL if command[1] == "-c" else None
    return (
        subprocess.run(command, cwd=ROOT, stdout=quiet, stderr=quiet, check=False).returncode == 0
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=["venv-options", "set-up", "tidy"])
    parser.add_argument("--gpu", choices=CHOICES, default="auto")
    given = parser.parse_args()
    if given.action == "venv-options":
        print(venv_options(given.gpu, this_driver(), run_quietly))
    elif given.action == "set-up":
        set_up(given.gpu, this_driver(), run_quietly, STAMP)
    else:
        drop_foreign_compiler(run_quietly)


if __name__ == "__main__":
    main()
