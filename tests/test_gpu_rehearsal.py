"""`make gpu-check` from beginning to end, on a CuPy that is emulated; its figures say nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gpu_check.races import read_races
from gpu_check.rightness import TOLD, outcomes
from gpu_check.scale import OWN, Scale
from gpu_check.times_part import SAMPLES, points_left
from helpers import cuda_on_cpu

ROOT = Path(__file__).parents[1]
TREE = ("blurbench", "tests", "tools", "Makefile", "README.md", "pyproject.toml")
SMALL = Scale(side=64, sizes=(3, 17), rounds=3, budget_s=75.0)
EMULATED = Path("tests/helpers/emulated")
TOOLS = ("compute-sanitizer", "ncu")
PASSES_ON = '#!/bin/sh\nwhile [ "$1" != "{python}" ]; do shift; done\nexec "$@"\n'
QUESTIONS = (
    "Is it right?",
    "Times at 64x64, float32, reflect, cold",
    "Three clocks",
    "A small image from a CUDA graph",
    f"What is asked of {OWN} on Emulated GPU",
    "Where the GPU overtakes the CPU",
    "NVIDIA's tools",
    "In short, on Emulated GPU",
)
# What the emulation cannot: a GPU's rate.
BEYOND = ("multiply_adds_of_a_gpu_can_be_timed",)
PATIENCE_S = 8 * SMALL.budget_s  # of those who wait, on a machine that is busy

pytestmark = [
    pytest.mark.rest("rehearsals"),
    pytest.mark.skipif(
        None in (cuda_on_cpu.COMPILER, shutil.which("make")), reason="g++ or make is not installed"
    ),
]


def bare_tree(folder: Path) -> Path:
    """The tree as it is handed over: no history, nothing installed; compiled kernels are shared."""
    tree = folder / "tree"
    tree.mkdir()
    for name in TREE:
        if (ROOT / name).is_dir():
            unneeded = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, tree / name, ignore=unneeded)
        else:
            shutil.copy(ROOT / name, tree / name)
    cuda_on_cpu.FOLDER.mkdir(parents=True, exist_ok=True)
    (tree / ".pytest_cache").symlink_to(cuda_on_cpu.FOLDER.parent)
    return tree


def tools_that_pass_on(folder: Path) -> Path:
    """NVIDIA's tools, of which nothing is left but that they run what they are given."""
    folder.mkdir()
    for name in TOOLS:
        (folder / name).write_text(PASSES_ON.format(python=sys.executable), "utf-8")
        (folder / name).chmod(0o755)
    return folder


def test_the_whole_check_runs_from_a_bare_tree_and_answers_every_question(tmp_path: Path) -> None:
    tree, out = bare_tree(tmp_path), tmp_path / "out"
    paths = {
        "PYTHONPATH": os.pathsep.join(map(str, (tree / EMULATED, tree / "tests"))),
        "PATH": os.pathsep.join((str(tools_that_pass_on(tmp_path / "bin")), os.environ["PATH"])),
    }
    given = (f"PYTHON={sys.executable}", f"OUT={out}", f"ARGS={' '.join(SMALL.arguments())}")
    done = subprocess.run(
        ["make", "gpu-check", *given],
        cwd=tree,
        env=os.environ | paths,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    (folder,) = out.iterdir()
    page = (folder / "README.md").read_text("utf-8")
    told = done.stdout + done.stderr
    assert [one for one in QUESTIONS if f"## {one}" not in page] == [], told
    assert "Traceback" not in page, told
    # How far it comes depends on how busy the machine is; what it did not reach, it says.
    for part in ("cuda", "cupyx", "cupy"):
        unsaid = not re.search(f"^{part}: .*(time is|not finished)", page, re.MULTILINE)
        assert not (points_left(part, SMALL, folder) and unsaid), told
    assert all(OWN in one.seconds for one in read_races(folder / SAMPLES)), told
    for what in ("clocks?", "compute-sanitizer memcheck", "crossovers? .*at 32x32"):
        assert re.search(f"^- (PASS|MISS|NOT MEASURED): .*{what}", page, re.MULTILINE), told
    failed = [test for test, what in outcomes(folder / TOLD).items() if what == "failed"]
    assert [test for test in failed if not any(one in test for one in BEYOND)] == [], told
    assert (folder / "ncu.csv").exists(), told


def test_what_nvidias_tools_look_into_blurs(tmp_path: Path) -> None:
    paths = map(str, (ROOT / EMULATED, ROOT / "tests", ROOT / "tools", ROOT))
    done = subprocess.run(
        [sys.executable, "-m", "gpu_check", "--part", "blur", *SMALL.arguments()],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.stdout == "all were blurred\n", done.stderr
