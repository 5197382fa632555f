"""`--against PYTHON`: two environments in turns, from end to end."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers.command import Ran
from helpers.process import errors_of, interrupt, is_one_line, posix, run_process, start, work_in
from helpers.sleepy import ASKED, QUICK_S, SLOW_S, called, offered, plant_package

NOT_SLOWER, SLOWER, UNDECIDED = 0, 10, 11
OTHER = Path("other")


def make_other(script: str = "") -> str:
    """The Python of another environment, which does something first."""
    OTHER.write_text(f'#!/bin/sh\n{script}\nexec "{sys.executable}" "$@"\n')
    OTHER.chmod(0o755)
    return "./other"


class Turns:
    """Runs what would run in a child here, which takes less long, and notes whose turn it was.

    Attributes:
        seconds: that the blur takes on this side; on the other it is quick.
        taken: side and process, in the order of their launch.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch
        self.seconds = QUICK_S
        self.taken: list[tuple[str, int]] = []

    def call(self, command: list[str], **more: Any) -> int:
        side = "here" if command[0] == sys.executable else "there"
        self._patch.setenv("SLEEPY_S", self.seconds if side == "here" else QUICK_S)
        self.taken.append((side, int(command[command.index("--process") + 1])))
        return called(*command[command.index("blurbench") + 1 :])


@pytest.fixture
def working(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A folder with a small image, and a package with a backend on both sides."""
    work_in(tmp_path, monkeypatch)
    plant_package(tmp_path / "site")
    with offered(tmp_path / "site") as patch:
        yield patch


@pytest.fixture
def turns(working: pytest.MonkeyPatch) -> Turns:
    made = Turns(working)
    working.setattr("subprocess.call", made.call)
    return made


@pytest.fixture
def compare(turns: Turns, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Compares with the other Python, which blurs quickly."""

    def run(*more: str, seconds: str = QUICK_S, command: str = "compare") -> Ran:
        turns.seconds = seconds
        code = called(command, "photo.png", *ASKED, "--against", make_other(), *more)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run


@posix
def test_what_is_slower_here_exits_with_10_and_is_named(compare: Callable[..., Ran]) -> None:
    ended = compare("--processes", "5", seconds=SLOW_S)
    assert ended.code == SLOWER
    assert "slower: sleepy:separable at 15x15 on 32x24" in ended.err
    assert "in 5 pairs of processes" in ended.err


@pytest.mark.rest("processes")
@posix
def test_what_is_not_slower_here_exits_with_0(compare: Callable[..., Ran]) -> None:
    ended = compare("--processes", "5", "--fail-if-slower", "400%")
    assert (ended.code, errors_of(ended)) == (NOT_SLOWER, [])
    assert "not slower by 400 %" in ended.err


@pytest.mark.rest("processes")
@posix
def test_a_sweep_is_held_against_the_other_too(compare: Callable[..., Ran]) -> None:
    more = ("--sizes", "3", "--processes", "5", "--fail-if-slower", "400%")
    assert compare(*more, command="sweep").code == NOT_SLOWER


@pytest.mark.rest("processes")
@posix
def test_too_few_pairs_exit_with_11(compare: Callable[..., Ran]) -> None:
    ended = compare("--processes", "1")
    assert ended.code == UNDECIDED
    assert "--processes 5" in ended.err


@pytest.mark.rest("processes")
@posix
def test_the_sides_take_turns_so_that_neighbours_are_pairs(
    compare: Callable[..., Ran], turns: Turns
) -> None:
    compare("--processes", "3")
    assert turns.taken == [
        *(("there", 1), ("here", 1)),
        *(("here", 2), ("there", 2)),
        *(("there", 3), ("here", 3)),
    ]


@pytest.mark.rest("processes")
@posix
def test_each_side_keeps_its_samples_and_spends_half_of_the_budget(
    compare: Callable[..., Ran],
) -> None:
    compare("--processes", "1", "--out", "kept")
    abouts = [json.loads(Path("kept", side, "run.json").read_text()) for side in ("here", "there")]
    assert [about["options"]["budget"] for about in abouts] == [15.0, 15.0]
    assert all(Path("kept", side, "summary.csv").exists() for side in ("here", "there"))


@pytest.mark.rest("processes")
@posix
def test_data_on_stdout_is_of_this_side_alone(compare: Callable[..., Ran]) -> None:
    ended = compare("--processes", "1", "--json", "-")
    (row,) = json.loads(ended.out)["implementations"]
    assert row["processes"] == 1


@pytest.mark.rest("processes")
@posix
def test_sides_that_do_not_differ_are_told_to_be_so(compare: Callable[..., Ran]) -> None:
    assert "differ in: nothing that is known" in compare("--processes", "1").err


@posix
@pytest.mark.rest("processes")
def test_the_sides_measure_in_processes_of_their_own(working: pytest.MonkeyPatch) -> None:
    working.setenv("SLEEPY_S", SLOW_S)
    other = make_other(f"export SLEEPY_S={QUICK_S}")
    ended = run_process("compare", "photo.png", *ASKED, "--against", other, "--processes", "5")
    assert ended.code == SLOWER
    assert "slower: sleepy:separable at 15x15 on 32x24" in ended.err


# Refused in one line, before anything is measured.


def refused(*arguments: str) -> Ran:
    """A comparison with what cannot be compared with."""
    return run_process("compare", "photo.png", *ASKED, "--out", "kept", *arguments)


@pytest.mark.usefixtures("working")
@pytest.mark.parametrize("python", ["nowhere/python", ".", "photo.png"])
def test_what_cannot_be_run_is_refused(python: str) -> None:
    ended = refused("--against", python)
    assert is_one_line(ended)
    assert f"--against {python} cannot be run" in ended.err
    assert not Path("kept").exists()


@posix
@pytest.mark.usefixtures("working")
@pytest.mark.parametrize(
    ("script", "told"),
    [
        ('unset PYTHONPATH; set -- -S "$@"', "has no blurbench: install"),
        ("exit 0", "cannot ask the same: it did not say why"),
        ("echo worn out >&2; exit 3", "cannot ask the same: worn out"),
    ],
    ids=["no blurbench", "no Python", "broken"],
)
def test_an_interpreter_that_cannot_ask_the_same_is_refused(script: str, told: str) -> None:
    ended = refused("--against", make_other(script))
    assert is_one_line(ended)
    assert told in ended.err
    assert not Path("kept").exists()


@pytest.mark.usefixtures("working")
def test_two_gates_at_once_are_refused() -> None:
    ended = refused("--against", sys.executable, "--baseline", "before")
    assert is_one_line(ended)
    assert "--baseline and --against" in ended.err


# Ended before their time.


@posix
@pytest.mark.usefixtures("working")
def test_a_process_that_fails_is_told_in_one_line() -> None:
    script = 'case "$*" in *--process*) echo "Error: worn out" >&2; exit 3;; esac'
    ended = refused("--against", make_other(script))
    assert ended.code == 3
    assert errors_of(ended) == ["Error: process 1 of ./other failed: worn out"]


@pytest.mark.rest("processes")
@posix
@pytest.mark.usefixtures("working")
def test_unless_told_otherwise_eight_pairs_are_measured() -> None:
    refused("--against", make_other('case "$*" in *--process*) exit 3;; esac'))
    about = json.loads(Path("kept/here/run.json").read_text())
    assert about["options"]["processes"] == 8


@pytest.mark.rest("processes")
@posix
@pytest.mark.usefixtures("working")
def test_a_process_that_is_killed_is_told_in_one_line() -> None:
    ended = refused("--against", make_other('case "$*" in *--process*) kill -9 $$;; esac'))
    assert ended.code == 1
    assert errors_of(ended) == ["Error: process 1 of ./other failed: it did not say why"]


@pytest.mark.rest("processes")
@posix
@pytest.mark.usefixtures("working")
@pytest.mark.parametrize(
    ("kept", "told"),
    [(("--out", "kept"), "every sample until then is kept in kept"), ((), "nothing was kept.")],
)
def test_ctrl_c_ends_both_sides_with_one_line(kept: tuple[str, ...], told: str) -> None:
    script = 'case "$*" in *--process*) touch begun; exec sleep 60;; esac'
    process = start("compare", "photo.png", *ASKED, "--against", make_other(script), *kept)
    ended = interrupt(process, Path("begun").exists)
    assert ended.code == 130
    assert ended.err.splitlines()[1:] == [f"Interrupted: {told}"]
