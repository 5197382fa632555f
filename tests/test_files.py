"""Files that are written keep what they replace, and never replace what they should not."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from blurbench.files import check_output, replacing, write_text
from blurbench.image import write_image
from helpers.command import QUICK, run
from helpers.refused import refusal
from helpers.written import Copied

posix = pytest.mark.skipif(os.name != "posix", reason="links and permissions of POSIX")


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def picture(name: str) -> bytes:
    write_image(name, np.zeros((4, 5), np.uint8))
    return Path(name).read_bytes()


def test_a_photograph_is_not_turned_into_csv_where_the_name_of_the_file_was_forgotten() -> None:
    before = picture("photo.png")
    done = run("compare", "--csv", "photo.png")
    assert done.code == 2
    assert "--csv photo.png is another kind of file: name one with .csv" in done.err
    assert Path("photo.png").read_bytes() == before


@pytest.mark.parametrize(
    ("kind", "name"), [("csv", "table.json"), ("json", "page.html"), ("report", "rows.csv")]
)
def test_a_name_of_another_kind_is_refused(kind: str, name: str) -> None:
    assert "another kind of file" in refusal(check_output, name, f"--{kind}", kind)


def test_a_file_that_holds_no_text_is_not_replaced_by_text_whatever_its_name() -> None:
    Path("photo").write_bytes(b"\x89PNG\0\0")
    assert "another kind of file" in refusal(check_output, "photo", "--csv", "csv")


@pytest.mark.parametrize("name", ["rows.csv", "ROWS.CSV", "rows.txt", "rows", "rows.dat"])
def test_text_of_earlier_is_replaced(name: str) -> None:
    Path(name).write_text("size,time\n")
    check_output(name, "--csv", "csv")


@posix
def test_a_link_stays_a_link_to_the_new_content() -> None:
    Path("there.csv").write_text("old")
    Path("here.csv").symlink_to("there.csv")
    write_text("here.csv", "new")
    assert Path("here.csv").is_symlink()
    assert Path("there.csv").read_text() == "new"


@posix
def test_permissions_stay() -> None:
    Path("rows.csv").write_text("old")
    Path("rows.csv").chmod(0o640)
    write_text("rows.csv", "new")
    assert Path("rows.csv").stat().st_mode & 0o777 == 0o640


@posix
def test_a_pipe_is_written_to_and_not_replaced() -> None:
    os.mkfifo("pipe")
    with replacing("pipe") as target:
        assert target == Path("pipe").resolve()
    assert Path("pipe").is_fifo()


def test_the_longest_name_that_a_folder_takes_can_be_written() -> None:
    name = "n" * 251 + ".csv"
    write_text(name, "rows")
    assert [path.name for path in Path().iterdir()] == [name]


def test_nothing_is_left_where_writing_fails() -> None:
    Path("rows.csv").write_text("old")
    with pytest.raises(UnicodeEncodeError), replacing("rows.csv") as partial:
        partial.write_text("half \udcff", "utf-8")
    assert [path.name for path in Path().iterdir()] == ["rows.csv"]
    assert Path("rows.csv").read_text() == "old"


def test_a_name_of_any_bytes_is_written_escaped() -> None:
    write_text("rows.md", "photo \udcff.png")
    assert Path("rows.md").read_text("utf-8") == "photo \\udcff.png"


# What a run keeps, and what a command is given


@pytest.mark.parametrize("command", [("show", "kept"), ("compare", *QUICK)], ids=lambda one: one[0])
@pytest.mark.parametrize("export", [("--csv", "samples.csv"), ("--json", "run.json")])
def test_no_export_takes_the_place_of_what_a_run_keeps(
    command: tuple[str, ...], export: tuple[str, str]
) -> None:
    option, name = export
    Copied("kept", "separable", sizes=(3,)).race(3, {"separable": 0.001}).done()
    before = Path("kept", name).read_bytes()
    done = run(*command, option, f"kept/{name}")
    assert done.code == 2
    assert f"{option} kept/{name} is kept by the run in kept: name another file" in done.err
    assert Path("kept", name).read_bytes() == before


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        ("--csv here --out here", "--out and --csv would both write here"),
        ("--csv run/summary.csv --out run", "--out and --csv would both write run/summary.csv"),
        ("--csv rows --markdown ./rows", "--csv and --markdown would both write ./rows"),
    ],
)
def test_no_two_outputs_take_one_place(outputs: str, said: str) -> None:
    Path("run").mkdir()
    done = run("compare", *QUICK, *outputs.split())
    assert (done.code, done.err.count("\n"), os.listdir("run")) == (2, 1, [])
    assert f"{said}: name another file" in done.err


@pytest.mark.parametrize(
    ("name", "given"),
    [("mine.py", ("--with", "mine.py:blur")), ("digits.pgm", ("digits.pgm",))],
)
@pytest.mark.parametrize("option", ["--csv", "--json", "--markdown"])
def test_no_export_takes_the_place_of_an_input(
    name: str, given: tuple[str, ...], option: str
) -> None:
    Path("mine.py").write_text("def blur(image, taps):\n    return image\n", "utf-8")
    Path("digits.pgm").write_text("P2 2 2 255 1 2 3 4\n", "utf-8")
    before = Path(name).read_bytes()
    done = run("compare", *given, *QUICK, option, f"./{name}")
    assert (done.code, Path(name).read_bytes()) == (2, before)
    assert f"{option} ./{name} is an input of this command: name another file" in done.err


@pytest.mark.parametrize("name", ["numpy-separable.png", "2-numpy-separable.png"])
def test_no_blurred_image_takes_the_place_of_the_one_that_is_given(name: str) -> None:
    before = picture(name)
    done = run("compare", name, *QUICK, "--save", ".")
    assert (done.code, Path(name).read_bytes()) == (2, before)
    assert f"--save . would replace the image {name}: name another folder" in done.err
