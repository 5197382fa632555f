"""What docs/your-own-blur.md shows runs as it stands there, and keeps the exactness contract."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from blurbench.backends import registry
from helpers.command import BRIEF, QUICK, Ran, measure_briefly, run
from helpers.document import files_in

CARD = ("--crop", "40x30", "--quiet")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the document's files."""
    folder = tmp_path_factory.mktemp("shown")
    for name, text in files_in("docs/your-own-blur.md").items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def installed(shown: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The document's package, where Python finds it, with the entry point of its pyproject."""
    project = tomllib.loads((shown / "pyproject.toml").read_text())["project"]
    info = tmp_path / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    lines = [
        line
        for group, points in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in points.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))
    shutil.copy(shown / "blurbench_mine.py", tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    registry.backends.cache_clear()
    yield
    registry.backends.cache_clear()


def raced(*arguments: str | Path) -> Ran:
    with pytest.MonkeyPatch.context() as patch:
        measure_briefly(patch)
        return run("compare", *CARD, *arguments)


@pytest.mark.parametrize("name", ["mine.py:blur", "prepared.py:Blur"])
def test_the_function_and_the_class_keep_the_contract(name: str, shown: Path) -> None:
    found = run("verify", "--quick", "--with", shown / name)
    assert "84 of 84 cases keep the exactness contract" in found.out


def test_both_race_beside_others(shown: Path) -> None:
    found = raced(*QUICK, "--with", shown / "mine.py:blur", "--with", shown / "prepared.py:Blur")
    assert (found.code, found.err) == (0, "")
    for name in ("numpy:separable", "mine:blur", "prepared:Blur"):
        assert f"\n{name}" in found.out


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler is installed here")
def test_the_function_in_c_races(shown: Path) -> None:
    subprocess.run(
        ["cc", "-O3", "-fPIC", "-shared", "native.c", "-o", "native.so"], cwd=shown, check=True
    )
    found = raced(*QUICK, "--border", "nearest", "--with", shown / "native.py:blur")
    assert (found.code, found.err) == (0, "")
    assert "\nnative:blur" in found.out


@pytest.mark.usefixtures("installed")
def test_the_package_keeps_the_contract() -> None:
    found = run("verify", "--quick", "--backend", "mine")
    assert "84 of 84 cases keep the exactness contract" in found.out


@pytest.mark.usefixtures("installed")
def test_the_package_races() -> None:
    found = raced(*BRIEF, "--backend", "mine,numpy", "--method", "separable")
    assert found.code == 0
    assert "\nmine:separable" in found.out


def test_the_function_of_the_readme_races(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(files_in("README.md")["mine.py"])
    found = raced(*QUICK, "--with", tmp_path / "mine.py:blur")
    assert (found.code, found.err) == (0, "")
    assert "\nmine:blur" in found.out


def test_the_package_is_short(shown: Path) -> None:
    code = (shown / "blurbench_mine.py").read_text()
    assert len([line for line in code.splitlines() if line]) <= 35
