"""The commands that the tool prints to install what is missing: they run as they are printed."""

from __future__ import annotations

import io
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from blurbench.backends import (
    cucim,
    cupy_packages,
    gpu,
    halide,
    numba,
    opencv,
    optional,
    pillow,
    pyvips,
    skimage,
    torch,
)
from blurbench.backends.backend import Availability, Backend
from blurbench.backends.registry import backends
from blurbench.extras import EXTRAS, install, uninstall
from blurbench.report.backends import show_backends
from blurbench.report.console import say_missing

PROJECT = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text("utf-8"))
DECLARED: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]

REMEDY = "/opt/a-folder-of-environments/.venv/bin/python -m pip install 'first>=1' 'second>=2'"


def spelled_out(extra: str) -> list[str]:
    """The requirements of an extra as declared, those of nested ones in their place."""
    found: list[str] = []
    for requirement in DECLARED[extra]:
        nested = re.fullmatch(r"blurbench\[(\w+)\]", requirement)
        found += spelled_out(nested[1]) if nested else [requirement]
    return found


def missing(name: str) -> Any:
    raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def terminal(columns: int = 80) -> Console:
    return Console(
        file=io.StringIO(), width=columns, force_terminal=True, no_color=True, highlight=False
    )


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return re.sub(r"\x1b\[[\d;]*m", "", console.file.getvalue())


@pytest.fixture(autouse=True)
def _with_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blurbench.extras.find_spec", lambda name: SimpleNamespace(name=name))


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets the interpreter that runs."""
    return lambda path: monkeypatch.setattr(sys, "executable", str(path))


@pytest.fixture
def cupy_for_cuda_12(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cupy_packages, "installed", lambda: ("cupy-cuda12x",))


# The table.


def test_every_extra_for_users_is_known() -> None:
    assert set(EXTRAS) == set(DECLARED) - {"dev"}


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_has_the_requirements_that_the_project_declares(extra: str) -> None:
    assert list(EXTRAS[extra]) == spelled_out(extra)


def test_no_requirement_is_of_a_package_that_no_index_has() -> None:
    assert "blurbench" not in str(EXTRAS)


# The command.


@pytest.mark.parametrize("wanted", [*EXTRAS, "pillow"])
def test_a_shell_hands_the_requirements_over_as_they_are(wanted: str) -> None:
    each = ["sh", "-c", f"printf '%s\\n' {install(wanted)}"]
    done = subprocess.run(each, capture_output=True, text=True, check=True)
    assert tuple(done.stdout.splitlines()[4:]) == EXTRAS.get(wanted, (wanted,))


def test_where_there_is_pip_the_command_is_its() -> None:
    words = shlex.split(install("threads"))
    assert words[1:] == ["-m", "pip", "install", "threadpoolctl>=3.5"]


def test_the_command_is_one_that_the_running_interpreter_takes() -> None:
    pytest.importorskip("pip", reason="this environment was made without pip")
    pip = shlex.split(install("threads"))[:3]
    done = subprocess.run([*pip, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("pip ")


def test_an_upgrade_asks_for_the_newest() -> None:
    assert shlex.split(install("numba", upgrade=True))[3:] == [
        "install",
        "--upgrade",
        "numba>=0.61",
    ]


def test_what_is_in_the_way_is_uninstalled_first() -> None:
    first, then = install("cuda12", instead_of=["cupy-cuda13x"]).split(" && ")
    assert shlex.split(first)[1:] == ["-m", "pip", "uninstall", "-y", "cupy-cuda13x"]
    assert then == install("cuda12")


def test_an_interpreter_below_the_current_folder_is_named_from_there(
    at: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    at(tmp_path / ".venv" / "bin" / "python")
    assert install("torch") == ".venv/bin/python -m pip install 'torch>=2.9'"


def test_the_link_in_a_virtual_environment_is_not_followed(
    at: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "env").mkdir()
    link = tmp_path / "env" / "python"
    link.symlink_to(sys.executable)
    monkeypatch.chdir(tmp_path)
    at(link)
    assert install("torch").startswith("env/python ")


def test_an_interpreter_elsewhere_is_named_in_full(
    at: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    at("/opt/python/bin/python3")
    assert install("torch").startswith("/opt/python/bin/python3 -m pip ")


def test_an_interpreter_in_the_current_folder_is_not_looked_up_in_the_path(
    at: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    at(tmp_path / "python")
    assert install("torch").startswith(f"{tmp_path}/python ")


def test_where_the_current_folder_is_gone_the_interpreter_is_named_in_full(
    at: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    at("/opt/python/bin/python3")
    assert install("torch").startswith("/opt/python/bin/python3 -m pip ")


def test_an_interpreter_whose_path_has_spaces_is_quoted(at: Any) -> None:
    at("/opt/my python/bin/python")
    assert shlex.split(install("numba"))[0] == "/opt/my python/bin/python"


def test_on_windows_what_its_shell_would_take_for_a_redirection_is_in_double_quotes(
    at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    at(r"C:\env\Scripts\python.exe")
    assert install("torch") == r'C:\env\Scripts\python.exe -m pip install "torch>=2.9"'
    at(r"C:\my env\python.exe")
    assert install("pillow") == r'"C:\my env\python.exe" -m pip install pillow'


def test_an_environment_without_pip_is_filled_from_outside(
    at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blurbench.extras.find_spec", lambda name: None)
    at("/opt/env/bin/python")
    expected = "uv pip install --python /opt/env/bin/python 'torch>=2.9'"
    assert install("torch") == expected
    assert uninstall("torch") == "uv pip uninstall --python /opt/env/bin/python torch"


# Who prints which.


@pytest.mark.parametrize(
    ("owner", "package", "wanted"),
    [
        (torch, "torch", "torch"),
        (opencv, "cv2", "peers"),
        (skimage, "skimage", "peers"),
        (pyvips, "pyvips", "peers"),
        (halide, "halide", "halide"),
        (pillow, "PIL", "pillow"),
        (numba, "numba", "numba"),
    ],
    ids=lambda one: getattr(one, "__name__", one),
)
def test_a_missing_library_of_the_cpu_is_to_be_installed(
    owner: Any, package: str, wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, "import_module", missing)
    assert owner.probe.__wrapped__().remedy == install(wanted)


def test_a_library_that_is_there_but_broken_is_to_be_upgraded() -> None:
    def broken() -> Any:
        raise ImportError("Numba needs NumPy 2.3 or less")

    found = optional.examine(broken, "numba", "Numba", "numba")
    assert found.remedy == install("numba", upgrade=True)


@pytest.mark.usefixtures("cupy_for_cuda_12")
def test_a_broken_cupy_is_not_joined_by_that_of_another_cuda() -> None:
    def broken() -> Any:
        raise ImportError("broken")

    assert gpu.examine(broken).remedy == install("cuda12", upgrade=True)


@pytest.mark.usefixtures("cupy_for_cuda_12")
def test_cucim_is_to_be_installed_for_the_cuda_of_the_cupy_beside_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gpu, "probe", lambda: Availability(devices=("Device 0",)))
    monkeypatch.setattr(cucim, "import_module", lambda name: missing("cucim"))
    assert cucim.probe.__wrapped__().remedy == install("cucim12")


def test_cucim_is_left_to_conda_where_cupy_is_conda_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "probe", lambda: Availability(devices=("Device 0",)))
    monkeypatch.setattr(cucim, "import_module", lambda name: missing("cucim"))
    monkeypatch.setattr(cupy_packages, "by_conda", lambda name: True)
    assert cucim.probe.__wrapped__().remedy == "conda install -c rapidsai -c conda-forge cucim"


def test_missing_thread_pools_are_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    console = terminal()
    show_backends(console)
    assert f"\nThread pools cannot be set: {install('threads')}\n" in printed(console)


# On the terminal.


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_no_line_break_is_put_into_a_command(columns: int) -> None:
    console = terminal(columns)
    say_missing(console, dict.fromkeys(["one", "two"], f"it is not installed; {REMEDY}"))
    assert printed(console) == f"one, two cannot run: it is not installed; {REMEDY}\n"


def test_the_list_of_backends_puts_no_line_break_into_a_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    absent = Backend("absent", "cpu", (), lambda: Availability("it is not installed", REMEDY))
    monkeypatch.setitem(backends(), "absent", absent)
    console = terminal()
    show_backends(console)
    assert f"\n  remedy    {REMEDY}\n" in printed(console)


def test_no_command_is_spelled_out_elsewhere() -> None:
    sources = (Path(__file__).parent.parent / "blurbench").rglob("*.py")
    assert [one.name for one in sources if "pip install" in one.read_text("utf-8")] == []
