"""A sweep over several borders, dtypes and numbers of threads."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from blurbench.records.journal import load
from helpers.command import ONE, Ran, measure_briefly, run
from helpers.pictures import noise, save

BRIEF = ("--sizes", "3,5", "--budget", "20", "--rounds", "1", *ONE)
TWO_DTYPES = ("sweep", "photo.png", *BRIEF, "--dtype", "uint8,float32", "--out", "run")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder with a small image."""
    monkeypatch.chdir(tmp_path)
    measure_briefly(monkeypatch)
    save("photo.png", noise(12, 16))


def names() -> set[str]:
    """The folders below that of the sweep."""
    return {path.name for path in Path("run").iterdir() if path.is_dir()}


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_each_combination_is_a_run_of_its_own() -> None:
    axes = ("--dtype", "uint8,float32", "--border", "edge,mirror", "--threads", "1,2")
    assert run("sweep", "photo.png", *BRIEF, *axes, "--out", "run").code == 0
    borders, dtypes = ("nearest", "mirror"), ("uint8", "float32")
    assert names() == {f"{b}-{d}-{t}-threads" for b in borders for d in dtypes for t in (1, 2)}
    one = load(Path("run/mirror-uint8-2-threads")).run
    asked = one.about["options"]
    assert (asked["border"], asked["dtype"], one.threads) == ("mirror", "uint8", 2)


def test_an_axis_of_one_value_stands_in_no_name() -> None:
    run(*TWO_DTYPES, "--border", "wrap", "--threads", "1")
    assert names() == {"uint8", "float32"}


def test_one_combination_is_a_run_as_ever() -> None:
    assert run("sweep", "photo.png", *BRIEF, "--dtype", "uint8,uint8", "--out", "run").code == 0
    assert Path("run/run.json").is_file()


def test_the_budget_is_shared_out() -> None:
    run(*TWO_DTYPES)
    assert [load(Path("run", name)).run.about["options"]["budget"] for name in names()] == [10, 10]


def test_the_tables_say_which_run_they_are_of() -> None:
    ran = run(*TWO_DTYPES)
    heads = [line for line in ran.out.splitlines() if line.startswith("photo.png: 16x12")]
    assert heads == ["photo.png: 16x12 uint8", "photo.png: 16x12 float32"]


def test_the_exports_hold_all_runs() -> None:
    ran = run(*TWO_DTYPES, "--csv", "-", "--json", "a.json", "--markdown", "a.md")
    cells = [(row["dtype"], row["size"]) for row in rows_of(ran.out) if row["status"] == "ok"]
    assert cells == [("uint8", "3"), ("uint8", "5"), ("float32", "3"), ("float32", "5")]
    document = json.loads(Path("a.json").read_text("utf-8"))
    assert document["schema"] == "blurbench.sweeps/1"
    assert [one["options"]["dtype"] for one in document["runs"]] == ["uint8", "float32"]
    assert Path("a.md").read_text("utf-8").count("photo.png: 16x12") == 2


def test_the_sweep_goes_on_where_it_was_ended() -> None:
    run(*TWO_DTYPES)
    samples = {name: Path("run", name, "samples.csv") for name in ("uint8", "float32")}
    whole = samples["uint8"].read_bytes()
    header = samples["float32"].read_text("utf-8").splitlines(keepends=True)[0]
    samples["float32"].write_text(header, "utf-8")
    assert run("sweep", "--resume", "run").code == 0
    assert samples["uint8"].read_bytes() == whole
    assert {row.key.size for row in load(Path("run/float32")).rows() if row.rounds} == {3, 5}


def test_the_exports_survive_a_resume() -> None:
    run(*TWO_DTYPES, "--csv", "a.csv")
    whole = Path("a.csv").read_bytes()
    Path("a.csv").unlink()
    assert run("sweep", "--resume", "run").code == 0
    assert Path("a.csv").read_bytes() == whole


def test_an_interrupted_sweep_says_how_all_of_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def press(*_: object, **__: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr("blurbench.study.run.measure_here", press)
    ran = run(*TWO_DTYPES)
    assert ran.code == 130
    assert ran.err.splitlines()[-1] == "With all of them: blurbench sweep --resume run"
    assert names() == {"uint8", "float32"}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--dtype", "uint8,int3"), "dtype 'int3' is unknown"),
        (("--border", "wrap,torus"), "border 'torus' is unknown"),
        (("--threads", "1,two"), "--threads 'two' is not usable: give a whole number"),
        (("--threads", "1,0"), "--threads 0 is out of range"),
        (("--dtype", "uint8,float32", "--baseline", "before"), "--baseline takes one run"),
        (("--dtype", "uint8,float32", "--against", "python"), "--against takes one run"),
    ],
)
def test_what_cannot_be_an_axis_is_refused_before_anything_is_written(
    more: tuple[str, ...], words: str
) -> None:
    ran: Ran = run("sweep", "photo.png", *BRIEF, *more, "--out", "run")
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert words in ran.err
    assert not Path("run").exists()


def test_show_takes_the_runs_below_and_says_so() -> None:
    run(*TWO_DTYPES)
    assert "name those below, run/*/" in run("show", "run").err
    assert run("show", "run/uint8", "run/float32").code == 0
