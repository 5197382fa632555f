"""Wheel and source distribution: what they hold, and that they work where nothing else is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from blurbench import __version__

ROOT = Path(__file__).parents[1]
WHEEL, SOURCE = f"blurbench-{__version__}-py3-none-any.whl", f"blurbench-{__version__}.tar.gz"
UNREACHED = ("No matching distribution", "Could not find a version", "Failed to establish")
FOR_A_CHANGE = {"Makefile", "pyproject.toml", "README.md", "LICENSE", "tests/conftest.py"}
# The files beside Python's own: kernels for CUDA and WebGPU, the page's parts, tables.
READ_DATA = """
import sys
from importlib.resources import files

for name in sys.argv[1:]:
    files("blurbench").joinpath(name).read_bytes()
"""

pytestmark = pytest.mark.rest("releases")


def of_package() -> set[str]:
    """Every file of the package's folder, but what is compiled at run time."""
    files = (path for path in (ROOT / "blurbench").rglob("*") if path.is_file())
    return {path.relative_to(ROOT).as_posix() for path in files if "__pycache__" not in path.parts}


def output_of(*command: str | Path, folder: Path) -> str:
    """What a command prints that runs in a folder, with no path to this tree."""
    told = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        list(map(str, command)), cwd=folder, env=told, capture_output=True, text=True
    )
    if any(words in done.stderr for words in UNREACHED):
        pytest.skip("no package index can be reached")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds both distributions; the wheel is built from the source's."""
    folder = tmp_path_factory.mktemp("built")
    output_of(sys.executable, "-m", "build", "--outdir", folder, ROOT, folder=folder)
    return folder


@pytest.fixture(scope="module")
def scripts(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of an environment that holds the wheel and what it depends on alone."""
    folder = tmp_path_factory.mktemp("empty") / "environment"
    venv.create(folder, with_pip=True)
    found = folder / ("Scripts" if os.name == "nt" else "bin")
    output_of(found / "pip", "install", "--quiet", built / WHEEL, folder=built)
    return found


def test_the_wheel_holds_the_whole_package(built: Path) -> None:
    with zipfile.ZipFile(built / WHEEL) as archive:
        held = {name for name in archive.namelist() if name.startswith("blurbench/")}
    assert held == of_package()


def test_the_source_holds_all_that_a_change_needs(built: Path) -> None:
    with tarfile.open(built / SOURCE) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    assert of_package() | FOR_A_CHANGE <= held


@pytest.mark.parametrize("distribution", [WHEEL, SOURCE])
def test_a_distribution_works_in_an_empty_environment_and_another_folder(
    distribution: str, built: Path, scripts: Path, tmp_path: Path
) -> None:
    again = ("--quiet", "--force-reinstall", "--no-deps", built / distribution)
    output_of(scripts / "pip", "install", *again, folder=tmp_path)
    data = [name.partition("/")[2] for name in of_package() if not name.endswith(".py")]
    output_of(scripts / "python", "-c", READ_DATA, *data, folder=tmp_path)
    asked = ("compare", "--size", "3", "--budget", "3", "--json", "-")
    found = json.loads(output_of(scripts / "blurbench", *asked, folder=tmp_path))
    rows = found["implementations"]
    assert {row["backend"] for row in rows if row["status"] == "ok"} >= {"numpy", "scipy"}
