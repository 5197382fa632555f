"""The NVIDIA driver: what its library tells, and what is installed or said for it.

Drivers and cards are made up; the commands that would fetch are kept and not run.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import gpu_setup
from blurbench.backends import cupy_packages
from blurbench.backends.driver import INSTALL_DRIVER, NO_DRIVER, Card, Driver, find_driver

ROOT = Path(__file__).parent.parent

H200 = Card("NVIDIA H200", (9, 0))
T4 = Card("Tesla T4", (7, 5))
GTX_1080 = Card("NVIDIA GeForce GTX 1080", (6, 1))
GTX_680 = Card("NVIDIA GeForce GTX 680", (3, 0))

NO_LIBRARY, STUB, NO_DEVICE, NOT_READY, MISMATCH, UNKNOWN = -1, 34, 100, 802, 803, 999


class Library:
    """As much of the driver's library as is asked: CUDA as 12040, cards, what starting gives."""

    def __init__(self, cuda: int, cards: Sequence[Card] = (), error: int = 0) -> None:
        self._cuda, self._cards, self._error = cuda, cards, error

    def cuDriverGetVersion(self, number: Any) -> int:  # noqa: N802
        number._obj.value = self._cuda
        return self._error if self._error == STUB else 0

    def cuInit(self, flags: int) -> int:  # noqa: N802
        return self._error

    def cuDeviceGetCount(self, number: Any) -> int:  # noqa: N802
        number._obj.value = len(self._cards)
        return 0

    def cuDeviceGet(self, device: Any, index: int) -> int:  # noqa: N802
        device._obj.value = index
        return 0

    def cuDeviceGetName(self, name: Any, size: int, device: Any) -> int:  # noqa: N802
        name.value = self._cards[device.value].name.encode()[: size - 1]
        return 0

    def cuDeviceGetAttribute(self, value: Any, attribute: int, device: Any) -> int:  # noqa: N802
        value._obj.value = self._cards[device.value].capability[attribute - 75]
        return 0


def found(
    cuda: int, cards: Sequence[Card] = (), error: int = 0, environment: dict[str, str] | None = None
) -> Driver:
    """What is found where the library tells this; without any where the error is NO_LIBRARY."""

    def load(name: str) -> Library:
        if error == NO_LIBRARY:
            raise OSError(f"{name}: cannot open shared object file")
        return Library(cuda, cards, error)

    return find_driver(load, environment or {}, "linux")


# What the driver tells.


def test_a_driver_tells_its_cuda_and_its_cards() -> None:
    assert found(12040, [H200, T4]) == Driver((12, 4), (H200, T4))


@pytest.mark.parametrize(
    ("platform", "only"),
    [
        ("linux", "libcuda.so.1"),
        ("linux", "/usr/lib/wsl/lib/libcuda.so.1"),
        ("win32", "nvcuda.dll"),
    ],
)
def test_the_library_is_found_where_it_lies(platform: str, only: str) -> None:
    def load(name: str) -> Library:
        if name != only:
            raise OSError(name)
        return Library(13000, [H200])

    assert find_driver(load, {}, platform).usable


def test_where_the_library_is_not_there_is_no_driver() -> None:
    assert find_driver(lambda name: ctypes.CDLL(f"no-such-{Path(name).name}")).reason == NO_DRIVER


@pytest.mark.parametrize(
    ("driver", "reason", "remedy"),
    [
        (found(0, error=NO_LIBRARY), NO_DRIVER, INSTALL_DRIVER),
        (found(0, error=STUB), "a stub to link with", "LD_LIBRARY_PATH"),
        (found(11040, [H200]), "is for CUDA 11.4: 12.0 or newer is needed", "update"),
        (found(12040, error=NO_DEVICE), "the NVIDIA driver sees no GPU", "--gpus all"),
        (found(12040, []), "the NVIDIA driver sees no GPU", "nvidia-smi"),
        (
            found(12040, error=NO_DEVICE, environment={"CUDA_VISIBLE_DEVICES": "-1"}),
            "CUDA_VISIBLE_DEVICES=-1 hides every GPU",
            "unset CUDA_VISIBLE_DEVICES",
        ),
        (
            found(12040, error=NO_DEVICE, environment={"CUDA_VISIBLE_DEVICES": ""}),
            "CUDA_VISIBLE_DEVICES= hides every GPU",
            "unset",
        ),
        (found(12040, error=NOT_READY), "not ready", "nvidia-fabricmanager"),
        (found(12040, error=MISMATCH), "does not match its kernel module", "restart"),
        (found(12040, error=UNKNOWN), "cannot be started (error 999", "nvidia-smi"),
        (found(12040, [GTX_680]), "GTX 680 (compute capability 3.0) is too old", "newer card"),
    ],
    ids=lambda one: one.reason if isinstance(one, Driver) else "",
)
def test_what_is_wrong_is_told_apart(driver: Driver, reason: str, remedy: str) -> None:
    assert reason in driver.reason
    assert remedy in driver.remedy
    assert not driver.usable


# What is installed or said: driver and cards, the choice, a CuPy that works -> extra, words.

NVIDIA, NONE = "An NVIDIA GPU is here", ""


@pytest.mark.parametrize(
    ("driver", "choice", "works", "extra", "words"),
    [
        (found(13000, [H200]), "auto", False, "cuda13", "H200, driver for CUDA 13.0|0.9 GB|GPU=no"),
        (found(13010, [T4]), "auto", False, "cuda13", NVIDIA),
        (found(12040, [H200]), "auto", False, "cuda12", "driver for CUDA 12.4|1.1 GB|GPU=no"),
        (found(13000, [GTX_1080]), "auto", False, "cuda12", NVIDIA),
        (found(13000, [H200, GTX_1080]), "auto", False, "cuda12", NVIDIA),
        (found(13000, [H200, GTX_680]), "auto", False, "cuda13", NVIDIA),
        (found(13000, [H200]), "auto", True, "", "a CuPy that works"),
        (found(12040, [T4]), "auto", True, "", "a CuPy that works"),
        (found(13000, [H200]), "no", False, "", NONE),
        (found(13000, [H200]), "cuda12", True, "cuda12", "GPU=cuda12: fetching|1.1 GB"),
        (found(0, error=NO_LIBRARY), "auto", False, "", NONE),
        (found(0, error=NO_LIBRARY), "cuda13", False, "cuda13", "GPU=cuda13: fetching|0.9 GB"),
        (found(11080, [T4]), "auto", False, "", "without the GPU|CUDA 11.8|update"),
        (
            found(12040, error=NO_DEVICE),
            "auto",
            False,
            "",
            "without the GPU|sees no GPU|--gpus all",
        ),
        (found(0, error=STUB), "auto", False, "", "without the GPU|a stub"),
        (found(13000, [GTX_680]), "auto", False, "", "without the GPU|too old"),
    ],
)
def test_driver_cards_and_what_is_there_decide_what_is_installed(
    driver: Driver, choice: str, works: bool, extra: str, words: str
) -> None:
    decision = gpu_setup.decide(choice, driver, lambda: works)
    assert decision.extra == extra
    assert [word for word in words.split("|") if word not in decision.said] == [], decision.said
    assert bool(decision.said) == bool(words)
    assert len(decision.said.splitlines()) <= 1


class Commands:
    """Keeps commands instead of running them."""

    def __init__(self, cupy_works: bool = False, fetched: bool = True) -> None:
        self.cupy_works, self.fetched = cupy_works, fetched
        self.pip: list[str] = []

    def __call__(self, command: Sequence[str]) -> bool:
        if command[1] == "-c":
            return self.cupy_works
        self.pip.append(" ".join(command).partition("check ")[2].replace("-qq ", ""))
        return self.fetched


@pytest.fixture
def stamp(tmp_path: Path) -> Path:
    return tmp_path / "gpu"


@pytest.fixture
def packages(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets which CuPys are installed."""

    def set_to(*names: str) -> None:
        monkeypatch.setattr(cupy_packages, "installed", lambda: names)

    set_to()
    return set_to


@pytest.mark.usefixtures("packages")
def test_cupy_is_fetched_once(stamp: Path) -> None:
    run = Commands()
    for _ in range(2):
        gpu_setup.set_up("auto", found(13000, [H200]), run, stamp)
    assert run.pip == ["install --editable .[cuda13]"]


@pytest.mark.usefixtures("packages")
def test_a_fetch_that_fails_is_told_and_tried_again(
    stamp: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Commands(fetched=False)
    for _ in range(2):
        gpu_setup.set_up("auto", found(13000, [H200]), run, stamp)
    assert len(run.pip) == 2
    assert capsys.readouterr().out.count("Going on without the GPU (GPU=no stops trying)\n") == 2


@pytest.mark.usefixtures("packages")
def test_a_driver_that_is_installed_later_is_noticed(stamp: Path) -> None:
    run = Commands()
    gpu_setup.set_up("auto", found(0, error=NO_LIBRARY), run, stamp)
    gpu_setup.set_up("auto", found(13000, [H200]), run, stamp)
    assert run.pip == ["install --editable .[cuda13]"]


@pytest.mark.usefixtures("packages")
def test_what_cannot_be_used_is_told_once(stamp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        gpu_setup.set_up("auto", found(11040, [T4]), Commands(), stamp)
    assert capsys.readouterr().out.count("CUDA 11.4") == 1


@pytest.mark.usefixtures("packages")
def test_a_cupy_that_works_is_not_doubled(stamp: Path) -> None:
    run = Commands(cupy_works=True)
    gpu_setup.set_up("auto", found(13000, [H200]), run, stamp)
    assert run.pip == []


def test_a_cupy_for_another_cuda_gives_way(packages: Callable[..., None], stamp: Path) -> None:
    run = Commands()
    packages("cupy-cuda12x", "cupy")
    gpu_setup.set_up("cuda13", found(13000, [H200]), run, stamp)
    assert run.pip[:2] == ["uninstall -y cupy-cuda12x", "install --editable .[cuda13]"]


def test_the_compiler_of_cuda_13_does_not_stay_beside_cupy_for_cuda_12(
    packages: Callable[..., None], stamp: Path
) -> None:
    run = Commands()
    packages("cupy-cuda12x")
    gpu_setup.set_up("auto", found(12040, [H200]), run, stamp)
    assert run.pip == ["install --editable .[cuda12]", "uninstall -y nvidia-cuda-nvrtc"]


@pytest.mark.parametrize(
    ("choice", "driver", "works", "prefix", "options"),
    [
        ("auto", found(13000, [H200]), True, sys.base_prefix, "--system-site-packages"),
        ("auto", found(13000, [H200]), False, sys.base_prefix, ""),
        ("auto", found(13000, [H200]), True, "/home/me/venv", ""),
        ("auto", found(0, error=NO_LIBRARY), True, sys.base_prefix, ""),
        ("no", found(13000, [H200]), True, sys.base_prefix, ""),
        ("cuda13", found(13000, [H200]), True, sys.base_prefix, ""),
    ],
)
def test_the_environment_shows_the_cupy_of_a_python_that_has_a_good_one(
    choice: str,
    driver: Driver,
    works: bool,
    prefix: str,
    options: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "prefix", prefix)
    assert gpu_setup.venv_options(choice, driver, Commands(works)) == options


# The command for the CuPy that is here.


@pytest.mark.parametrize(
    ("here", "cuda", "words"),
    [
        ((), "13", "pip install 'cupy-cuda13x>=14'"),
        (("cupy-cuda12x",), "12", "pip install 'cupy-cuda12x>=14'"),
        (("cupy-cuda13x",), "12", "uninstall -y cupy-cuda13x && "),
        (("cupy-cuda11x",), "12", "uninstall -y cupy-cuda11x && "),
        (("cupy-cuda12x", "cupy-cuda13x"), "13", "uninstall -y cupy-cuda12x cupy-cuda13x && "),
        (("cupy",), "12", "pip install --upgrade 'cupy>=14'"),
    ],
)
def test_the_command_puts_one_right_cupy_there(
    here: tuple[str, ...], cuda: str, words: str, packages: Callable[..., None]
) -> None:
    packages(*here)
    assert words in cupy_packages.command(cuda)


def test_a_cupy_of_conda_is_left_to_conda(
    packages: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages("cupy")
    (tmp_path / "conda-meta").mkdir()
    (tmp_path / "conda-meta" / "cupy-13.6.0-py312_0.json").touch()
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    expected = "conda install -c conda-forge 'cupy>=14' cuda-version=12"
    assert cupy_packages.command("12") == expected


@pytest.mark.parametrize(
    ("here", "driver", "cuda"),
    [
        (("cupy-cuda12x",), found(13000, [H200]), "12"),
        ((), found(12040, [H200]), "12"),
        (("cupy",), found(12040, [H200]), "12"),
        ((), found(0, error=NO_LIBRARY), "13"),
    ],
)
def test_the_cuda_is_that_of_the_cupy_here_or_of_the_driver(
    here: tuple[str, ...],
    driver: Driver,
    cuda: str,
    packages: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    packages(*here)
    monkeypatch.setattr(cupy_packages, "this_driver", lambda: driver)
    assert cupy_packages.cuda() == cuda


# On the way of `make`.


def test_what_runs_before_anything_is_installed_needs_the_standard_library_alone() -> None:
    code = "import sys; sys.path[:0] = ['.', 'tools']; import gpu_setup"
    heavy = "assert not {'numpy', 'cupy', 'click'} & set(sys.modules)"
    subprocess.run([sys.executable, "-S", "-c", f"{code}; {heavy}"], cwd=ROOT, check=True)


needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(*words: str) -> subprocess.CompletedProcess[str]:
    """What `make` would run."""
    words = ("make", "-n", "--always-make", "compare", "PYTHON=python", *words)
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)


@needs_make
@pytest.mark.parametrize(
    ("given", "asked"),
    [
        (["SIGNS=/no-such-file"], False),
        (["SIGNS=/"], True),
        (["SIGNS=/", "GPU=no"], False),
        (["SIGNS=/no-such-file", "GPU=cuda12"], True),
    ],
)
def test_make_asks_for_a_driver_only_where_it_shows_or_is_told(
    given: list[str], asked: bool
) -> None:
    assert ("gpu_setup.py" in make(*given).stdout) is asked


@needs_make
def test_make_refuses_an_unknown_gpu() -> None:
    assert "GPU=yes is unknown: use auto, no, cuda12 or cuda13" in make("GPU=yes").stderr


@needs_make
def test_make_says_which_python_it_needs_before_it_sets_anything_up(tmp_path: Path) -> None:
    old = tmp_path / "python3.10"
    old.write_text('#!/bin/sh\n[ "$1" = -V ] && echo Python 3.10.12\nexit 1\n', "utf-8")
    old.chmod(0o755)
    command = ["make", "-f", str(ROOT / "Makefile"), "compare", f"PYTHON={old}", "GPU=no"]
    (tmp_path / "pyproject.toml").touch()
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert f"needs Python 3.11 or newer, and {old} is Python 3.10.12" in done.stderr
    assert not (tmp_path / ".venv").exists()
