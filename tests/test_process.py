"""What only a process can show: pipes that close, signals, terminals, and what is imported."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.command import Ran
from helpers.process import (
    COMMAND,
    HIDE_CURSOR,
    PATIENCE,
    SHOW_CURSOR,
    in_terminal,
    interrupt,
    plain,
    posix,
    start,
    work_in,
)

CPU = ("--backend", "numpy,scipy")
ONE = ("--backend", "numpy", "--method", "separable")
BRIEF = ("--budget", "20", "--rounds", "1", "--size", "3")
LONG = ("--budget", "300", "--same", "0", *CPU)
REST = pytest.mark.rest("processes")
HEAVY = ("numpy", "scipy", "cupy", "cupyx", "PIL", "rich", "matplotlib")


COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7])(?:;\d+)*m")

# Shells start background jobs with SIGINT ignored, and children inherit that.


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder of the test's own."""
    work_in(tmp_path, monkeypatch)


# Pipes


COMPARE, AS_JSON = ("compare", "photo.png", *BRIEF, *ONE), ("--json", "-")


@posix
@pytest.mark.parametrize(
    ("arguments", "reader"),
    [
        pytest.param(COMPARE, "head -1", id="compare | head"),
        pytest.param(("backends",), "true", id="backends | true"),
        pytest.param(COMPARE, "true", id="compare | true", marks=REST),
        pytest.param(("backends",), "head -1", id="backends | head", marks=REST),
        pytest.param((*COMPARE, *AS_JSON), "head -1", id="json | head", marks=REST),
        pytest.param((*COMPARE, *AS_JSON), "true", id="json | true", marks=REST),
        pytest.param(("--help",), "head -1", id="help | head", marks=REST),
        pytest.param(("--help",), "true", id="help | true", marks=REST),
    ],
)
def test_a_closed_pipe_brings_no_traceback(arguments: tuple[str, ...], reader: str) -> None:
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=-1)
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        subprocess.run(reader.split(), stdin=process.stdout, stdout=-1, check=True, timeout=60)
        process.stdout.close()
        err = process.stderr.read().decode()
    assert "Traceback" not in err
    assert "BrokenPipe" not in err


@posix
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    "arguments",
    [COMPARE, pytest.param(("backends",), marks=REST), ("--version",)],
    ids=lambda arguments: arguments[0],
)
def test_a_full_disk_behind_stdout_is_one_line_and_exit_code_2(arguments: tuple[str, ...]) -> None:
    with open("/dev/full", "w") as full:
        line = [*COMMAND, *arguments]
        done = subprocess.run(line, stdout=full, stderr=subprocess.PIPE, timeout=PATIENCE)
    err = done.stderr.decode()
    assert "Traceback" not in err
    assert done.returncode == 2
    assert err.splitlines()[-1].startswith("Error: ")


@posix
def test_a_closed_stdout_brings_no_traceback() -> None:
    line = ["/bin/sh", "-c", 'exec "$@" >&-', "sh", *COMMAND, "--version"]
    done = subprocess.run(line, stderr=subprocess.PIPE, timeout=PATIENCE)
    assert "Traceback" not in done.stderr.decode()


@posix
@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        pytest.param("übung.png", "ascii:strict", marks=REST),
        ("\udcff.png", "utf-8:strict"),
    ],
)
def test_an_image_name_that_stdout_cannot_encode_brings_no_traceback(
    name: str, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        Path("photo.png").rename(name)
    except OSError:
        pytest.skip("this file system takes no such name")
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    line = [*COMMAND, "compare", name, *BRIEF, *ONE]
    done = subprocess.run(line, capture_output=True, timeout=PATIENCE)
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)


# Interruptions


@REST
@posix
def test_an_interruption_right_after_the_header_exits_with_130_and_says_so() -> None:
    process = start("compare", "photo.png", *LONG)
    assert process.stdout is not None
    header = process.stdout.readline()
    ended = interrupt(process, lambda: True)
    assert header.startswith("photo.png: 32x24x3 ")
    assert ended.code == 130
    assert ended.err.splitlines()[-1].startswith("Interrupted: ")
    assert "Traceback" not in ended.err


def measured(rounds: int) -> bool:
    """Whether the kept samples have reached a round."""
    file = Path("run/samples.csv")
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    return any(re.search(rf",{rounds},\d+,control,", line) for line in lines)


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ran, Path]:
    """A comparison interrupted in its second round, and the folder that it kept."""
    place = tmp_path_factory.mktemp("interrupted")
    with pytest.MonkeyPatch.context() as patch:
        work_in(place, patch)
        process = start("compare", "photo.png", *LONG, "--out", "run")
        return interrupt(process, lambda: measured(2)), place / "run"


@pytest.fixture
def ended(interrupted: tuple[Ran, Path]) -> Ran:
    return interrupted[0]


@pytest.fixture
def kept(interrupted: tuple[Ran, Path]) -> Path:
    return interrupted[1]


@posix
def test_an_interrupted_race_exits_with_130(ended: Ran) -> None:
    assert ended.code == 130


@posix
def test_an_interrupted_race_shows_the_table_of_what_was_measured(ended: Ran) -> None:
    rows = [line for line in ended.out.splitlines() if re.match(r"(numpy|scipy):\w+ ", line)]
    assert re.search(r"\d [num]?s .*likely fastest$", rows[0])


@posix
def test_an_interrupted_race_says_on_stderr_how_to_go_on(ended: Ran) -> None:
    assert "Go on with: blurbench sweep --resume run" in ended.err


@posix
def test_an_interrupted_race_brings_no_traceback(ended: Ran) -> None:
    assert "Traceback" not in ended.out + ended.err


@posix
def test_an_interrupted_race_leaves_no_control_sequences_in_a_pipe(ended: Ran) -> None:
    assert re.findall(r"[\x00-\x08\x0b-\x1f\x7f]", ended.out + ended.err) == []


@posix
def test_an_interrupted_race_keeps_the_whole_run(kept: Path) -> None:
    assert {path.name for path in kept.iterdir()} == {"samples.csv", "summary.csv", "run.json"}


@posix
@pytest.mark.parametrize(
    "moment",
    [pytest.param("starting", marks=REST), "racing", pytest.param(" 1 scipy:", marks=REST)],
)
def test_an_interrupted_terminal_gets_its_cursor_back(moment: str) -> None:
    code, shown = in_terminal("compare", "photo.png", *LONG, interrupt_at=moment)
    assert code == 130
    assert HIDE_CURSOR in shown
    assert shown.rindex(SHOW_CURSOR) > shown.rindex(HIDE_CURSOR)
    assert "Traceback" not in shown


# Terminals


@posix
def test_the_ranking_so_far_is_on_the_screen_while_it_races() -> None:
    code, _ = in_terminal("compare", "photo.png", *LONG, interrupt_at=" 1 scipy:separable ")
    assert code == 130


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a comparison shows on a terminal from its beginning to its end."""
    with pytest.MonkeyPatch.context() as patch:
        work_in(tmp_path_factory.mktemp("shown"), patch)
        code, shown = in_terminal(*COMPARE, columns=120)
    assert code == 0
    return shown


@posix
def test_a_finished_comparison_gives_the_cursor_back(shown: str) -> None:
    assert shown.rindex(SHOW_CURSOR) > shown.rindex(HIDE_CURSOR)


@posix
def test_a_quiet_comparison_shows_no_progress() -> None:
    _, shown = in_terminal(*COMPARE, "--quiet")
    assert HIDE_CURSOR not in shown
    assert "racing" not in shown


@posix
def test_no_color_is_kept_to_on_a_terminal() -> None:
    _, shown = in_terminal(*COMPARE, NO_COLOR="1")
    assert COLOUR.findall(shown) == []


@posix
def test_a_terminal_has_colour_otherwise(shown: str) -> None:
    assert COLOUR.findall(shown) != []


def table(shown: str) -> list[str]:
    """The last table that a terminal showed, header first."""
    lines = plain(shown).splitlines()
    start = max(n for n, line in enumerate(lines) if line.lstrip().startswith("implementati"))
    return lines[start : lines.index("", start)]


RACE = ("--budget", "20", "--rounds", "8", "--size", "5", *CPU, "--method", "separable")


@posix
@pytest.mark.parametrize("columns", [50, *(pytest.param(n, marks=REST) for n in (79, 80, 120))])
def test_a_table_is_never_cut_or_wrapped_however_narrow_the_terminal(columns: int) -> None:
    _, shown = in_terminal("compare", "photo.png", *RACE, columns=columns)
    header, *lines = table(shown)
    rows = [line for line in lines if ":separable" in line]
    assert "…" not in shown
    assert re.match(r"implementation +time( \[95 %\])? +vs first( +error)? +verdict", header)
    row = re.compile(
        r"(numpy|scipy):separable +"
        r"[\d.]+ [num]?s( \[[\d.]+, [\d.]+\])? +"
        r"(1|[\d.]+x( \[[\d.]+, [\d.]+\])?) +"
        r"([\d.]+e-\d\d +)?"
        r"((likely )?fastest( here)?|tied|(far )?slower( here)?|unclear)\b"
    )
    assert [line for line in rows if not row.match(line) or len(line) > columns] == []
    assert len(rows) == 2


MORE = ("first call", "setup", "MP/s", "GB/s", "rounds")


@posix
def test_a_terminal_of_120_columns_shows_more_of_them(shown: str) -> None:
    assert [name for name in MORE if name not in table(shown)[0]] == []


@posix
def test_a_terminal_of_119_columns_shows_none_of_these() -> None:
    _, shown = in_terminal(*COMPARE, columns=119)
    assert [name for name in MORE if name in table(shown)[0]] == []


# Imports


def imported_by(*command: str) -> set[str]:
    """The top-level packages that a Python process imports."""
    line = [sys.executable, "-X", "importtime", *command]
    done = subprocess.run(line, capture_output=True, text=True, check=True, timeout=PATIENCE)
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


HELP = """
from blurbench.cli.main import cli
for one in (["--help"], ["--version"], ["compare", "--help"], ["blur", "--help"]):
    cli.main(one, standalone_mode=False)
"""


def test_help_imports_no_heavy_library() -> None:
    loaded = imported_by("-c", HELP)
    assert "click" in loaded
    assert loaded & set(HEAVY) == set()


def test_a_comparison_on_the_cpu_draws_no_plots() -> None:
    loaded = imported_by("-m", "blurbench", *COMPARE)
    assert "numpy" in loaded
    assert loaded & {"cupy", "matplotlib"} == set()
