"""Runs that end before their time: killed, interrupted, refused by the disk; and how they go on."""

from __future__ import annotations

import contextlib
import csv
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from blurbench.records.journal import load
from blurbench.report.listeners import PointListener, PointsListener, ShowingListener
from helpers.command import Ran, measure_briefly, run
from helpers.process import (
    COMMAND,
    LISTENING,
    PATIENCE,
    edit,
    errors_of,
    is_one_line,
    posix,
    run_process,
    work_in,
)

RUN = Path("run")
TWO = ("--backend", "numpy,scipy", "--method", "separable")
SWEEP = ("sweep", "photo.png", "--sizes", "3,5", *TWO, "--budget", "20", "--rounds", "6")
BRIEF = ("--budget", "20", "--rounds", "2", *TWO)
ONCE = ("--budget", "20", "--rounds", "1", "--backend", "numpy", "--method", "separable")
REST = pytest.mark.rest("processes")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder of the test's own, with a small image."""
    work_in(tmp_path, monkeypatch)
    measure_briefly(monkeypatch)


def samples_of(run: Path = RUN) -> list[dict[str, str]]:
    with (run / "samples.csv").open(encoding="utf-8", newline="") as stream:
        return [row for row in csv.DictReader(stream, strict=True) if row["elapsed_s"]]


def doubled(run: Path = RUN) -> list[tuple[str, ...]]:
    """Samples of a cell that have the same round in a scope."""
    names = ("cell_id", "scope", "round", "position", "process")
    known = Counter(tuple(row[name] for name in names) for row in samples_of(run))
    return [key for key, number in known.items() if number > 1]


def unmeasured(run: Path = RUN) -> list[tuple[int, str, str]]:
    """Cells that are not complete."""
    rows = load(run).rows()
    return [
        (row.key.size, row.name, row.status)
        for row in rows
        if row.status != "ok" or row.end_to_end_median_s is None
    ]


def contents(run: Path = RUN) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in run.iterdir()}


# Killed at any moment.


def kill_after(seconds: float, *arguments: str) -> None:
    """Begin a command and kill it, so long after it has begun to keep anything."""
    with subprocess.Popen([*COMMAND, *arguments], stdout=-3, stderr=-3) as process:
        deadline = time.monotonic() + PATIENCE
        while not (RUN / "run.json").exists() and time.monotonic() < deadline:
            time.sleep(0.005)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        process.kill()


@posix
@pytest.mark.parametrize("times", [1, pytest.param(5, marks=REST)])
def test_a_run_that_is_killed_again_and_again_goes_on_to_its_end(times: int) -> None:
    rng = random.Random(7)
    kill_after(rng.uniform(0, 0.4), *SWEEP, "--out", "run")
    for _ in range(times):
        kept = (RUN / "samples.csv").read_bytes()
        kill_after(rng.uniform(0.3, 1.0), "sweep", "--resume", "run")
        whole = kept[: kept.rfind(b"\n") + 1]
        assert (RUN / "samples.csv").read_bytes().startswith(whole)
    ended = run("sweep", "--resume", "run")
    assert (ended.code, errors_of(ended)) == (0, [])
    assert (doubled(), unmeasured()) == ([], [])
    shown = run("show", "run", "--csv", "again.csv", "--all-columns")
    assert shown.code == 0
    assert Path("again.csv").read_bytes() == (RUN / "summary.csv").read_bytes()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, not to be changed."""
    place = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        work_in(place, patch)
        measure_briefly(patch)
        assert run("sweep", "photo.png", "--sizes", "3,5", *BRIEF, "--out", "run").code == 0
    return place


@pytest.fixture
def whole(finished: Path) -> Path:
    """A finished run in the working folder, of this folder's image."""
    return copy_here(finished / "run")


def copy_here(kept: Path) -> Path:
    """A run in the working folder, of this folder's image."""
    shutil.copytree(kept, RUN)
    uri = Path("photo.png").absolute().as_uri()
    edit(RUN, lambda told: told["images"][0].update(uri=uri))
    return RUN


@pytest.fixture
def torn(whole: Path) -> Path:
    """A run that was killed within a race, in the middle of a line."""
    lines = (whole / "samples.csv").read_bytes().splitlines(keepends=True)
    (whole / "samples.csv").write_bytes(b"".join(lines[:40]) + lines[40][:33])
    (whole / "summary.csv").unlink()
    return whole


def test_a_torn_run_can_be_shown(torn: Path) -> None:
    before = contents(torn)
    assert run("show", "run", "--csv", "again.csv", "--all-columns").code == 0
    assert contents(torn) == before


def test_a_run_that_was_killed_before_its_first_sample_goes_on(whole: Path) -> None:
    header = (whole / "samples.csv").read_bytes().splitlines(keepends=True)[0]
    (whole / "samples.csv").write_bytes(header)
    assert run("sweep", "--resume", "run").code == 0
    assert unmeasured() == []


def test_a_torn_run_goes_on(torn: Path) -> None:
    ended = run("sweep", "--resume", "run")
    assert ended.code == 0
    assert "Samples are in run" in ended.err.splitlines()[-1]
    assert (unmeasured(), doubled()) == ([], [])


# Refused, and left as it was.


def test_a_run_of_another_machine_is_refused_with_the_difference(torn: Path) -> None:
    def move(told: dict[str, Any]) -> None:
        told["machine_id"] = "elsewhere"
        told["machine"]["cpu"] = "Z80"

    edit(torn, move)
    before = contents(torn)
    ended = run("sweep", "--resume", "run")
    assert is_one_line(ended)
    assert "cpu was Z80 and is" in ended.err
    assert contents(torn) == before


def test_a_run_with_other_versions_is_refused_with_the_difference(torn: Path) -> None:
    edit(torn, lambda told: told["versions"].update(numpy="1.0"))
    before = contents(torn)
    ended = run("sweep", "--resume", "run")
    assert is_one_line(ended)
    assert f"numpy was 1.0 and is {np.__version__}" in ended.err
    assert contents(torn) == before


def test_a_run_of_other_implementations_is_refused_with_the_difference(torn: Path) -> None:
    """As when a package that offered a backend is gone, or another has come."""
    edit(torn, lambda told: told["implementations"].pop())
    before = contents(torn)
    ended = run("sweep", "--resume", "run")
    assert is_one_line(ended)
    assert "scipy:separable" in ended.err
    assert contents(torn) == before


@pytest.mark.parametrize("change", ["a pixel", "its shape", "gone", "no image"])
def test_a_run_whose_image_has_changed_is_refused(torn: Path, change: str) -> None:
    if change == "a pixel":
        pixels = np.asarray(PIL.Image.open("photo.png")).copy()
        pixels[0, 0, 0] ^= 1
        PIL.Image.fromarray(pixels).save("photo.png")
    elif change == "its shape":
        pixels = np.asarray(PIL.Image.open("photo.png")).reshape(32, 24, 3)
        PIL.Image.fromarray(pixels).save("photo.png")
    elif change == "gone":
        Path("photo.png").unlink()
    else:
        Path("photo.png").write_text("not any more")
    before = contents(torn)
    ended = run("sweep", "--resume", "run")
    assert is_one_line(ended)
    assert "photo.png" in ended.err
    assert contents(torn) == before


@pytest.mark.parametrize(
    "more",
    [
        *(("photo.png",), ("--sizes", "3,5"), ("--budget", "5"), ("--out", "other")),
        *(("--rounds", "4"), ("--image-sizes", "16"), ("--seed", "1")),
        *(("--processes", "2"), ("--backend", "numpy"), ("--baseline", "run")),
    ],
    ids=lambda more: more[0],
)
def test_a_run_goes_on_with_no_other_argument(torn: Path, more: tuple[str, ...]) -> None:
    before = contents(torn)
    ended = run("sweep", "--resume", "run", *more)
    assert is_one_line(ended)
    assert "--resume takes no other argument" in ended.err
    assert contents(torn) == before


@pytest.mark.parametrize("command", ["compare", "sweep", "crossover"])
def test_a_folder_that_holds_a_run_is_refused_and_left_alone(torn: Path, command: str) -> None:
    before = contents(torn)
    ended = run(command, "photo.png", "--budget", "1", "--out", "run")
    assert is_one_line(ended)
    assert "sweep --resume run" in ended.err
    assert contents(torn) == before


def test_a_folder_without_a_description_is_a_fresh_start(torn: Path) -> None:
    (torn / "run.json").unlink()
    ended = run("sweep", "photo.png", "--sizes", "3", *BRIEF, "--out", "run")
    assert ended.code == 0
    assert {row["size"] for row in samples_of()} == {"3"}
    assert {row["attempt"] for row in samples_of()} == {"1"}


@pytest.mark.parametrize("command", [("sweep", "--resume"), ("show",)], ids=["resume", "show"])
def test_a_folder_without_a_run_is_refused(command: tuple[str, ...]) -> None:
    ended = run(*command, "nowhere")
    assert is_one_line(ended)
    assert "nowhere" in ended.err


@pytest.mark.parametrize("missing", ["images", "kernels", "options", "versions", "seed"])
def test_a_description_that_lacks_something_is_refused_in_one_line(
    torn: Path, missing: str
) -> None:
    edit(torn, lambda told: told.pop(missing))
    ended = run("sweep", "--resume", "run")
    assert is_one_line(ended)
    assert "run.json" in ended.err


def test_a_description_that_says_too_little_to_be_shown_is_refused_in_one_line(torn: Path) -> None:
    edit(torn, lambda told: told.pop("images"))
    assert is_one_line(run("show", "run"))


# What the command was asked to write.

OUTPUTS = ("--csv", "rows.csv", "--json", "found.json", "--markdown", "table.md")


def tear(run: Path = RUN) -> None:
    """Make it a run that was killed within a race."""
    lines = (run / "samples.csv").read_bytes().splitlines(keepends=True)
    (run / "samples.csv").write_bytes(b"".join(lines[:20]))
    (run / "summary.csv").unlink()


def ended_early(command: str, *outputs: str) -> None:
    """A run that was asked for outputs, and was killed before it wrote them."""
    size = ("--size", "3") if command == "compare" else ("--sizes", "3")
    given = (*size, *ONCE, *outputs, "--out", "run")
    assert run(command, "photo.png", *given).code == 0
    tear()
    for name in outputs[1::2]:
        if Path(name).is_dir():
            shutil.rmtree(name)
        elif Path(name).exists():
            Path(name).unlink()


def shown(kind: str) -> str:
    """What `show` writes of the run."""
    return run("show", "run", f"--{kind}", "-").out


@pytest.mark.parametrize("command", ["compare", "sweep"])
def test_a_run_that_goes_on_writes_what_its_command_was_asked_for(command: str) -> None:
    ended_early(command, *OUTPUTS)
    assert run("sweep", "--resume", "run").code == 0
    for option, name in zip(OUTPUTS[::2], OUTPUTS[1::2], strict=True):
        assert Path(name).read_text("utf-8") == shown(option.removeprefix("--"))


def test_a_run_that_goes_on_writes_the_page_that_its_command_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("blurbench.cli.outputs.check_page", lambda path, what: None)
    monkeypatch.setattr("blurbench.report.show._page", lambda logs: "a page")
    ended_early("sweep", "--report", "page.html")
    assert run("sweep", "--resume", "run").code == 0
    assert Path("page.html").read_text("utf-8") == "a page"


def test_a_comparison_that_goes_on_saves_the_blurred_images() -> None:
    ended_early("compare", "--save", "blurred")
    assert run("sweep", "--resume", "run").code == 0
    assert os.listdir("blurred") == ["numpy-separable.png"]


def test_what_a_command_was_asked_for_is_written_where_it_was_wherever_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended_early("sweep", "--csv", "rows.csv")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert run("sweep", "--resume", tmp_path / "run").code == 0
    assert (tmp_path / "rows.csv").exists()
    assert os.listdir() == []


def test_data_that_was_asked_for_on_stdout_goes_there_again() -> None:
    ended_early("sweep", "--csv", "-", "--all-columns")
    ended = run("sweep", "--resume", "run")
    assert ended.out == (RUN / "summary.csv").read_text("utf-8")
    assert "numpy:separable" in ended.err


def test_further_outputs_can_be_asked_for_and_take_the_place_of_their_kind() -> None:
    ended_early("sweep", *OUTPUTS)
    ended = run("sweep", "--resume", "run", "--csv", "other.csv")
    assert (ended.code, errors_of(ended)) == (0, [])
    assert Path("other.csv").read_text("utf-8") == shown("csv")
    assert Path("found.json").exists()
    assert not Path("rows.csv").exists()


def test_an_output_that_can_no_longer_be_written_is_told_before_anything_is_measured() -> None:
    Path("deep").mkdir()
    ended_early("sweep", "--csv", "deep/rows.csv")
    Path("deep").rmdir()
    before = contents()
    ended = run("sweep", "--resume", "run")
    assert is_one_line(ended)
    assert "--csv folder " in ended.err
    assert contents() == before


def test_the_command_that_makes_a_table_of_the_samples_is_told() -> None:
    ended_early("sweep")
    *_, line, _ = run("sweep", "--resume", "run").err.splitlines()
    told = shlex.split(line.removeprefix("To have the rows as a table: "))
    assert run(*told[1:]).code == 0
    assert Path("rows.csv").read_text("utf-8") == shown("csv")


# A disk that refuses.


def small_files() -> None:
    """No file may grow beyond this; writing more fails as on a full disk."""
    import resource  # POSIX only

    resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ran, Path]:
    """A run that a full disk ended, and its folder, which is not to be changed."""
    place = tmp_path_factory.mktemp("filled")
    with pytest.MonkeyPatch.context() as patch:
        work_in(place, patch)
        ended = run_process(*SWEEP, "--out", "run", preexec_fn=small_files)
    return ended, place / "run"


@posix
def test_a_disk_that_fills_up_ends_the_run_in_one_line(filled: tuple[Ran, Path]) -> None:
    ended, _ = filled
    assert is_one_line(ended)
    assert "folder run cannot be written" in ended.err


@posix
def test_a_run_that_a_full_disk_ended_can_be_shown(filled: tuple[Ran, Path]) -> None:
    _, kept = filled
    assert run("show", kept).code == 0
    assert len(samples_of_whole_lines(kept)) > 10


@posix
def test_a_run_that_a_full_disk_ended_goes_on_when_there_is_room(
    filled: tuple[Ran, Path],
) -> None:
    copy_here(filled[1])
    kept = samples_of_whole_lines()
    assert run("sweep", "--resume", "run").code == 0
    assert samples_of_whole_lines()[: len(kept)] == kept
    assert (unmeasured(), doubled()) == ([], [])


@REST
@posix
def test_a_disk_that_fills_up_is_told_in_one_line_whatever_processes_there_are() -> None:
    ended = run_process(*SWEEP, "--processes", "2", "--out", "run", preexec_fn=small_files)
    assert is_one_line(ended)


def samples_of_whole_lines(run: Path = RUN) -> list[str]:
    text = (run / "samples.csv").read_text("utf-8")
    return text[: text.rfind("\n")].splitlines()[1:]


def refuse_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a folder that may only be read, whoever runs the tests."""
    opened = Path.open

    def refuse(self: Path, mode: str = "r", *arguments: Any, **more: Any) -> Any:
        if set(mode) & set("aw+x"):
            raise PermissionError(13, "Permission denied", str(self))
        return opened(self, mode, *arguments, **more)

    monkeypatch.setattr(Path, "open", refuse)


def test_a_read_only_run_does_not_go_on_and_says_so(
    torn: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(torn)
    refuse_writing(monkeypatch)
    ended = run("sweep", "--resume", "run")
    assert is_one_line(ended)
    assert "folder run cannot be written" in ended.err
    assert contents(torn) == before


def test_a_read_only_run_can_be_shown(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_writing(monkeypatch)
    assert run("show", "run").code == 0


# Interrupted from the keyboard.


def interrupt_group(arguments: tuple[str, ...], when: Callable[[], bool]) -> Ran:
    """Press Ctrl-C: every process of the terminal's foreground group gets it."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*LISTENING, *arguments], stdout=pipe, stderr=pipe, text=True, start_new_session=True
    ) as process:
        deadline = time.monotonic() + PATIENCE
        while not when() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)
        try:
            out, err = process.communicate(timeout=PATIENCE)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return Ran(process.returncode, out, err)


def racing() -> bool:
    """Whether a sample of the control was kept."""
    path = RUN / "samples.csv"
    return path.exists() and b",control," in path.read_bytes()


LONG = ("--budget", "100", "--same", "0", *TWO)


def resume_line(ended: Ran) -> list[str]:
    """The arguments of the line that it says to go on with."""
    lines = [line for line in ended.err.splitlines() if "Go on with: " in line]
    assert lines, ended.err
    return shlex.split(lines[-1].partition("Go on with: ")[2])


@posix
@pytest.mark.parametrize(
    ("command", "out"),
    [pytest.param("compare", "run", marks=REST), ("sweep", "my runs/the 'first'")],
)
def test_an_interrupted_run_prints_the_line_that_goes_on_with_it(command: str, out: str) -> None:
    place = Path(out)

    def begun() -> bool:
        path = place / "samples.csv"
        return path.exists() and b",control," in path.read_bytes()

    ended = interrupt_group((command, "photo.png", *LONG, "--out", out), begun)
    assert ended.code == 130
    assert resume_line(ended) == ["blurbench", "sweep", "--resume", out]
    shown = run("show", out, "--csv", "again.csv", "--all-columns")
    assert shown.code == 0
    assert Path("again.csv").read_bytes() == (place / "summary.csv").read_bytes()


@REST
@posix
def test_a_run_of_several_processes_that_is_interrupted_prints_that_line_too() -> None:
    line = ("sweep", "photo.png", *LONG, "--processes", "2", "--out", "run")
    ended = interrupt_group(line, racing)
    assert ended.code == 130
    assert resume_line(ended) == ["blurbench", "sweep", "--resume", "run"]


@posix
@pytest.mark.parametrize("command", ["compare", "sweep"])
def test_processes_that_are_interrupted_before_the_first_sample_bring_no_traceback(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = Path("interrupted.sh")
    child.write_text("#!/bin/sh\nexit 130\n")
    child.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(child.absolute()))
    line = (command, "photo.png", *BRIEF, "--processes", "2", "--out", "run")
    ended = run(*line)
    assert ended.code == 130
    assert resume_line(ended) == ["blurbench", "sweep", "--resume", "run"]


def interrupting(monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    """Press Ctrl-C at a moment of the second point."""

    def press(*arguments: Any) -> None:
        raise KeyboardInterrupt

    def reached(self: PointsListener, done: int, *others: Any) -> None:
        if done != 1:
            return
        if moment == "between two points":
            raise KeyboardInterrupt
        if moment == "while it estimates":
            monkeypatch.setattr(ShowingListener, "stage", press)
        if moment == "while it closes a point":
            monkeypatch.setattr("blurbench.study.point.recorder.Recorder.close", press)

    monkeypatch.setattr(PointsListener, "points", reached)
    if moment == "while it weighs who is hopeless":
        calls = iter([{}])

        def weigh(smaller: Any) -> dict[str, str]:
            found = next(calls, None)
            if found is None:
                raise KeyboardInterrupt
            return found

        monkeypatch.setattr("blurbench.study.sweep.hopeless", weigh)


MOMENTS = [
    "between two points",
    "while it weighs who is hopeless",
    "while it estimates",
    "while it closes a point",
]


@pytest.fixture(params=MOMENTS)
def interrupted(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Ran:
    """How a sweep ended that was interrupted at a moment of its second point."""
    with monkeypatch.context() as patch:
        interrupting(patch, request.param)
        return run("sweep", "photo.png", "--sizes", "3,5", *ONCE, "--out", "run")


def test_an_interruption_at_any_moment_prints_the_line_to_go_on_with(interrupted: Ran) -> None:
    assert interrupted.code == 130
    assert resume_line(interrupted) == ["blurbench", "sweep", "--resume", "run"]


@pytest.mark.usefixtures("interrupted")
def test_a_run_interrupted_at_any_moment_has_the_summary_of_its_samples() -> None:
    assert (RUN / "summary.csv").read_bytes().decode() == load(RUN).summary()


def test_an_interrupted_run_without_a_named_folder_tells_its_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    interrupting(monkeypatch, "between two points")
    ended = run("sweep", "photo.png", "--sizes", "3,5", *ONCE)
    (place,) = Path("results").iterdir()
    assert resume_line(ended) == ["blurbench", "sweep", "--resume", str(place)]


def test_a_comparison_interrupted_before_its_first_sample_has_the_summary_of_its_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def press(*arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ShowingListener, "stage", press)
        ended = run("compare", "photo.png", *BRIEF, "--out", "run")
    assert ended.code == 130
    shown = run("show", "run", "--csv", "again.csv", "--all-columns")
    assert shown.code == 0
    assert Path("again.csv").read_bytes() == (RUN / "summary.csv").read_bytes()


# Two that would write into one folder.


@REST
@posix
def test_a_run_that_is_still_under_way_does_not_go_on_elsewhere() -> None:
    """Of several processes the one that measures may even outlive the one that started it."""
    line = [*COMMAND, "compare", "photo.png", *TWO, "--same", "0", "--budget", "2", "--out", "run"]
    line += ["--processes", "2"]
    with subprocess.Popen(line, stdout=-3, stderr=-3, start_new_session=True) as process:
        deadline = time.monotonic() + PATIENCE
        while not racing() and time.monotonic() < deadline:
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGSTOP)
        try:
            ended = run("sweep", "--resume", "run")
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    assert is_one_line(ended)
    assert {row["attempt"] for row in samples_of()} == {"1"}


# Images of any name.


@posix
@pytest.mark.parametrize("name", ["two\nlines.png", "caf\udce9.png", 'we,ird "name" größer.png'])
def test_a_run_on_an_image_of_any_name_goes_on(name: str) -> None:
    try:
        Path("photo.png").rename(name)
    except OSError:
        pytest.skip("this file system takes no such name")
    line = ("sweep", name, "--sizes", "3", *ONCE, "--out", "run")
    assert run(*line).code == 0
    lines = (RUN / "samples.csv").read_bytes()
    (RUN / "samples.csv").write_bytes(lines[: len(lines) // 2])
    ended = run("sweep", "--resume", "run")
    assert (ended.code, errors_of(ended)) == (0, [])
    assert unmeasured() == []


# Several processes.


@pytest.mark.parametrize("command", [pytest.param("compare", marks=REST), "sweep"])
def test_a_measurement_is_spread_over_processes(command: str) -> None:
    what = ("--size", "3") if command == "compare" else ("--sizes", "3")
    ended = run(
        *(command, "photo.png", *what, "--processes", "2", *BRIEF, "--out", "run"),
        *("--csv", "out.csv", "--all-columns"),
    )
    assert (ended.code, errors_of(ended)) == (0, [])
    assert {row["process"] for row in samples_of()} == {"1", "2"}
    assert {row.processes for row in load(RUN).rows()} == {2}
    assert doubled() == []
    assert Path("out.csv").read_bytes() == (RUN / "summary.csv").read_bytes()
    assert run("show", "run", "--csv", "again.csv", "--all-columns").code == 0
    assert Path("again.csv").read_bytes() == (RUN / "summary.csv").read_bytes()


@REST
def test_a_comparison_in_processes_needs_no_folder() -> None:
    ended = run("compare", "photo.png", "--size", "3", "--processes", "2", *BRIEF)
    assert (ended.code, errors_of(ended)) == (0, [])
    assert list(Path().iterdir()) == [Path("photo.png")]


@REST
@posix
def test_a_run_of_several_processes_that_is_killed_goes_on() -> None:
    kill_after(
        1.0, "sweep", "photo.png", "--sizes", "3", *BRIEF, "--processes", "2", "--out", "run"
    )
    ended = run("sweep", "--resume", "run")
    assert (ended.code, errors_of(ended)) == (0, [])
    assert {row.processes for row in load(RUN).rows()} == {2}
    assert doubled() == []


# The default budget.


def test_a_comparison_that_goes_on_keeps_its_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it was announced before it starts holds after a resume too."""
    told: list[float] = []
    monkeypatch.setattr(PointListener, "budget", lambda self, seconds: told.append(seconds))
    monkeypatch.setattr(PointsListener, "budget", lambda self, seconds: told.append(seconds))
    line = ("compare", "photo.png", "--rounds", "1", *TWO, "--out", "run")
    assert run(*line).code == 0
    lines = (RUN / "samples.csv").read_bytes().splitlines(keepends=True)
    (RUN / "samples.csv").write_bytes(b"".join(lines[:20]))
    assert run("sweep", "--resume", "run").code == 0
    assert told[0] == told[1]
