"""What `show` makes of runs: one or several, of every command, however their images are called."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from rich.console import Console

from blurbench.cli.main import main
from blurbench.errors import InputError
from blurbench.records.journal import load
from blurbench.records.summary import columns
from blurbench.report.heading import machine_line, run_lines
from blurbench.report.show import show_log, show_runs, texts_of
from blurbench.report.sweep import short_names
from helpers.command import Ran, deny_gpu, measure_briefly, run
from helpers.process import work_in
from helpers.written import COMMON, Copied, Written

LONGEST = ("numpy:separable", "scipy:separable", "cupyx:separable")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder with a small image and no GPU."""
    work_in(tmp_path, monkeypatch)
    deny_gpu(monkeypatch)
    measure_briefly(monkeypatch)


def tables(text: str) -> list[list[str]]:
    """The lines of each table, by the words that their headers begin with."""
    found, inside = [], False
    for line in text.splitlines():
        begins = re.match(r"\s*(size|implementation|first)\s{1,}", line) is not None
        if begins:
            found.append([])
        inside = (inside or begins) and line.strip() != ""
        if inside:
            found[-1].append(line)
    return found


def sweep_of(folder: str = "run", **more: Any) -> str:
    """Two methods at three sizes, of which FFT wins the last."""
    log = Copied(folder, "separable", "fft", sizes=(3, 7, 15), **more)
    for size, separable in ((3, 0.001), (7, 0.004), (15, 0.016)):
        log.race(size, {"separable": separable, "fft": 0.010})
    return log.done()


# One run.


def test_a_sweep_has_a_line_for_every_size() -> None:
    (lines,) = tables(run("show", sweep_of()).out)
    assert lines[0].split()[:2] == ["size", "fastest"]
    assert [line.split()[:2] for line in lines[1:]] == [
        ["3", "fake:separable"],
        ["7", "fake:separable"],
        ["15", "fake:fft"],
    ]


def test_a_wide_terminal_shows_what_bounds_the_fastest_of_every_size() -> None:
    stream = io.StringIO()
    show_log(
        Console(file=stream, force_terminal=True, no_color=True, width=160, highlight=False),
        load(Path(sweep_of())),
    )
    (lines,) = tables(re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue()))
    assert re.split(r"\s{2,}", lines[0].strip())[5:] == ["of copy", "of FMA", "bound"]
    # Neither a copy nor the arithmetic of the machine was measured here.
    assert [line.split()[-3:] for line in lines[1:]] == [["-", "-", "-"]] * 3


def test_what_a_run_is_about_stands_above() -> None:
    ended = run("show", sweep_of())
    for words in ("a picture: 32x24, 3 channels float32", "border mirror", "2 threads", "Z80"):
        assert words in ended.out


def test_a_sweep_tells_its_crossovers() -> None:
    assert "fake:fft overtakes fake:separable between 7 and 15" in run("show", sweep_of()).out


def test_a_lead_that_is_not_proven_has_a_question_mark_and_its_meaning() -> None:
    log = Copied("run", "separable", "fft", sizes=(3, 7))
    log.race(3, {"separable": 0.001, "fft": 0.009})
    log.race(7, {"separable": 0.001, "fft": 0.0010001}, rounds=3)
    text = run("show", log.done()).out
    assert re.search(r"^ *7 +fake:\w+ \? ", text, re.MULTILINE)
    assert "? not proven: the next may be as fast; a longer --budget resolves more." in text


def test_what_did_not_run_says_why() -> None:
    log = Copied("run", "separable", "fft", sizes=(3, 7))
    for size in (3, 7):
        log.race(size, {"separable": 0.001}).out(size, "fft", "failed", "worn out")
    assert "fake:fft from 3 to 7: worn out." in run("show", log.done()).out


def test_a_backend_that_cannot_run_is_told() -> None:
    folder = sweep_of(unavailable={"cupy": "no driver; install it"})
    assert "Cannot run: cupy (no driver); " in run("show", folder).out


def test_a_run_that_has_measured_nothing_can_be_shown() -> None:
    assert run("show", Copied("run", "fft").done()).code == 0


def test_a_size_at_which_nothing_ran_has_dashes() -> None:
    log = Copied("run", "fft", "separable", sizes=(3, 7)).race(3, {"fft": 0.1, "separable": 0.2})
    log.out(7, "fft", "failed").out(7, "separable", "failed")
    (lines,) = tables(run("show", log.done()).out)
    assert lines[2].split() == ["7", "-", "-", "-", "-"]


def test_showing_changes_nothing() -> None:
    folder = Path(sweep_of())
    kept = {path.name: path.read_bytes() for path in folder.iterdir()}
    run("show", folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == kept


@pytest.mark.parametrize("seconds", [1.234e-7, 1.234e-4, 0.1234, 123.4])
def test_a_table_of_sizes_has_at_most_80_columns(seconds: float) -> None:
    log = Copied("run", *LONGEST, sizes=(3, 255))
    for size in (3, 255):
        times = (seconds, seconds, seconds * 123)
        log.race(size, dict(zip(LONGEST, times, strict=True)), spread=0.05)
    (lines,) = tables(run("show", log.done()).out)
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("seconds", [1.234e-7, 1.234e-4, 0.1234, 123.4])
def test_the_table_of_a_point_has_at_most_80_columns(seconds: float) -> None:
    log = Copied("run", *LONGEST, study="compare", sizes=(15,))
    times = (seconds, seconds, seconds * 123)
    log.race(15, dict(zip(LONGEST, times, strict=True)), spread=0.05)
    (lines,) = tables(run("show", log.done()).out)
    assert max(map(len, lines)) <= 80


# Several image sizes.

EXTENTS = [[16, 12], [64, 48]]


def sweep_of_extents(*sizes: int) -> str:
    log = Copied("run", "separable", "fft", sizes=sizes, image_sizes=EXTENTS)
    for width, height in EXTENTS:
        for size in sizes:
            seconds = {"separable": width * size * 1e-5, "fft": width * 1e-4}
            log.race(size, seconds, key={"width": width, "height": height})
    return log.done()


@pytest.mark.parametrize("sizes", [(3, 31), (3,)], ids=["several kernels", "one kernel"])
def test_every_image_size_has_a_table_under_its_name(sizes: tuple[int, ...]) -> None:
    text = run("show", sweep_of_extents(*sizes)).out
    assert len(tables(text)) == 2
    headings = [n for n, line in enumerate(text.splitlines()) if line in ("16x12:", "64x48:")]
    starts = [
        n for n, line in enumerate(text.splitlines()) if line in {one[0] for one in tables(text)}
    ]
    assert [start - 1 for start in starts] == headings


def test_every_image_size_has_its_crossovers() -> None:
    text = run("show", sweep_of_extents(3, 31)).out
    assert text.count("fake:fft overtakes fake:separable between 3 and 31") == 2


def test_the_document_tells_the_image_sizes_apart() -> None:
    found = json.loads(run("show", sweep_of_extents(3, 31), "--json", "-").out)
    assert [(one["width"], one["height"]) for one in found["crossovers"]] == [(16, 12), (64, 48)]


# Exports.


def test_the_csv_of_all_columns_is_the_summary_of_the_folder() -> None:
    folder = sweep_of()
    ended = run("show", folder, "--csv", "-", "--all-columns")
    assert ended.out == (Path(folder) / "summary.csv").read_text("utf-8")
    assert list(next(csv.DictReader(io.StringIO(ended.out)))) == columns()


def test_the_tables_go_to_stderr_where_data_is_on_stdout() -> None:
    ended = run("show", sweep_of(), "--json", "-")
    assert json.loads(ended.out)["implementations"]
    assert tables(ended.err)


def test_the_json_has_the_names_of_the_summary() -> None:
    found = json.loads(run("show", sweep_of(), "--json", "-").out)
    assert all(set(columns()) == set(row) for row in found["implementations"])


def test_several_formats_can_be_written_at_once() -> None:
    ended = run("show", sweep_of(), "--json", "a.json", "--csv", "a.csv", "--markdown", "a.md")
    assert ended.code == 0
    assert all(Path(name).stat().st_size for name in ("a.json", "a.csv", "a.md"))


@pytest.mark.parametrize("kind", ["csv", "json", "markdown"])
def test_several_runs_have_no_export(kind: str) -> None:
    ended = run("show", sweep_of("one"), sweep_of("two"), f"--{kind}", "-")
    assert (ended.code, len(ended.err.splitlines()), ended.out) == (2, 1, "")


def cells_of(line: str) -> list[str]:
    """The cells of a line of a Markdown table."""
    return re.split(r"(?<!\\)\|", line)[1:-1]


@pytest.mark.parametrize("study", ["sweep", "crossover"])
def test_bars_in_names_do_not_split_a_cell_of_markdown(study: str) -> None:
    log = Copied("run", "a|b:separable", "a|b:fft", study=study, sizes=(3, 7))
    for size in (3, 7):
        log.race(size, {"a|b:separable": 0.001, "a|b:fft": 0.009})
    lines = [
        line
        for line in run("show", log.done(), "--markdown", "-").out.splitlines()
        if line.startswith("|")
    ]
    assert len(lines) > 2
    assert {len(cells_of(line)) for line in lines} == {5}


# A comparison, and a search.


def compare_of(folder: str = "run", **more: Any) -> str:
    log = Copied(folder, "separable", "fft", study="compare", sizes=(15,), **more)
    log.race(15, {"separable": 0.002, "fft": 0.010})
    return log.done()


def test_a_comparison_is_shown_as_it_was() -> None:
    (lines,) = tables(run("show", compare_of()).out)
    assert lines[0].split()[0] == "implementation"
    assert [(line.split()[0], line.split()[-1]) for line in lines[1:]] == [
        ("fake:separable", "fastest"),
        ("fake:fft", "slower"),
    ]


def test_a_failed_control_is_told() -> None:
    log = Copied("run", "separable", "fft", study="compare", sizes=(15,))
    log.race(15, {"separable": 0.002, "fft": 0.010}, control=1.3)
    assert "The control failed: fake:separable differs from itself" in run("show", log.done()).out


def test_a_search_is_shown_with_its_claims() -> None:
    text = run("show", sweep_of(study="crossover")).out
    (lines,) = tables(text)
    assert "from 7..15" in lines[1]
    assert "What others say:" in text


def test_a_search_is_exported_as_one() -> None:
    found = json.loads(run("show", sweep_of(study="crossover"), "--json", "-").out)
    assert found["schema"] == "blurbench.crossover/1"


# What a command gave, `show` gives back.

ASKED = ("photo.png", "--backend", "numpy", "--method", "direct,separable,fft", "--budget", "5")
COMMANDS = {
    "compare": ("--size", "3"),
    "sweep": ("--sizes", "3,5"),
    "crossover": ("--sizes", "3:5"),
}
EXPORTS = ("--json", "a.json", "--csv", "a.csv", "--markdown", "a.markdown")


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Ran, Path]]:
    """What each command gave, on a machine that was hot, and its folder."""
    found = {}
    for command, sizes in COMMANDS.items():
        place = tmp_path_factory.mktemp(command)
        with pytest.MonkeyPatch.context() as patch:
            work_in(place, patch)
            deny_gpu(patch)
            measure_briefly(patch)
            patch.setattr("blurbench.study.question.find_risks", lambda *_, **__: ["it is hot"])
            patch.setattr("blurbench.study.run.find_risks", lambda *_, **__: ["it was slowed"])
            line = (command, *ASKED, "--rounds", "1", *sizes, *EXPORTS, "--out", "run")
            found[command] = run(*line), place
    return found


def below_the_heading(text: str) -> list[str]:
    """What stands from the first table on."""
    lines = text.splitlines()
    return lines[next(n for n, line in enumerate(lines) if line in tables(text)[0]) :]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_tables_and_the_answer_are_those_of_the_command(
    given: dict[str, tuple[Ran, Path]], command: str
) -> None:
    ended, place = given[command]
    assert ended.code == 0, ended.err
    assert below_the_heading(run("show", place / "run").out) == below_the_heading(ended.out)


@pytest.mark.parametrize("kind", ["json", "csv", "markdown"])
@pytest.mark.parametrize("command", COMMANDS)
def test_the_exports_are_those_of_the_command(
    given: dict[str, tuple[Ran, Path]], command: str, kind: str
) -> None:
    _, place = given[command]
    shown = run("show", place / "run", f"--{kind}", "-").out
    assert shown == (place / f"a.{kind}").read_text("utf-8")


@pytest.mark.parametrize("command", COMMANDS)
def test_what_put_the_figures_at_risk_is_told_by_the_command_and_by_show(
    given: dict[str, tuple[Ran, Path]], command: str
) -> None:
    ended, place = given[command]
    told = "Warning: it is hot."
    assert told in ended.err.splitlines()
    assert told in run("show", place / "run").err.splitlines()


def test_a_comparison_is_shown_with_its_heading_its_call_and_late_risks(
    given: dict[str, tuple[Ran, Path]],
) -> None:
    ended, place = given["compare"]
    shown = run("show", place / "run")
    assert shown.out.splitlines()[:2] == ended.out.splitlines()[:2]
    assert "  blurbench.gaussian_blur(img, size=3, " in shown.out
    assert "Largest difference between separable and direct: " in shown.out
    assert "Warning: it was slowed." in shown.err


def test_the_json_of_a_comparison_is_that_of_compare(
    given: dict[str, tuple[Ran, Path]],
) -> None:
    found = json.loads(run("show", given["compare"][1] / "run", "--json", "-").out)
    assert found["schema"] == "blurbench.compare/1"
    assert "control" in found


RESULTS = Path(__file__).parent.parent / "results"


@pytest.mark.parametrize("name", ["2026-11-28-testcard-15", "2026-11-29-testcard-15"])
def test_comparisons_that_earlier_versions_kept_are_shown_with_their_answer(name: str) -> None:
    ended = run("show", RESULTS / name)
    assert ended.code == 0
    assert "  blurbench.gaussian_blur(img, size=15, " in ended.out


def test_exports_are_written_where_nobody_reads_the_table() -> None:
    folder = sweep_of()
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", encoding="utf-8") as closed, pytest.raises(SystemExit) as stopped:
        show_into(closed, folder, "--csv", "rows.csv")
    assert stopped.value.code == 141
    assert Path("rows.csv").read_text("utf-8") == run("show", folder, "--csv", "-").out


def show_into(stdout: Any, *arguments: str) -> None:
    with (
        mock.patch.object(sys, "argv", ["blurbench", "show", *arguments]),
        mock.patch.object(sys, "stdout", stdout),
    ):
        main()


# Descriptions that others have edited.


def parts_of(told: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to each part of a document."""
    if not isinstance(told, (dict, list)):
        return []
    inner = [(*path, name) for name in (told if isinstance(told, dict) else range(len(told)))]
    return inner + [way for one in inner for way in parts_of(told[one[-1]], one)]


def test_no_edited_description_ends_in_a_traceback() -> None:
    """Whatever stands in whichever place: it is shown, or refused in one line."""
    more = {"unavailable": {"cupy": "no driver"}, "risks": ["load"], "command": ["x"]}
    log = Copied("run", "separable", "fft", sizes=(3, 7), **more)
    for size, fft in ((3, 0.009), (7, 0.001)):
        log.race(size, {"separable": 0.004, "fft": fft}, rounds=2)
    folder = Path(log.done())
    whole = json.loads((folder / "run.json").read_text("utf-8"))
    ways = parts_of(whole)
    assert len(ways) > 40
    refused = 0
    for way in ways:
        for value in (None, {}, [], "x", 7, True, "gone"):
            told = json.loads(json.dumps(whole))
            place = reduce(lambda inner, name: inner[name], way[:-1], told)
            if value == "gone":
                del place[way[-1]]
            else:
                place[way[-1]] = value
            (folder / "run.json").write_text(json.dumps(told), encoding="utf-8")
            console = Console(file=io.StringIO(), width=200)
            try:
                log = load(folder)
            except InputError as error:
                message = str(error)
                assert message.startswith(f"{folder / 'run.json'} ")
                assert "\n" not in message
                refused += 1
                continue
            run_lines(log.run), machine_line(log.run)
            show_log(console, log)
            show_runs(console, [log, log])
            texts_of(log)["markdown"]()
    assert refused > 100


@pytest.mark.parametrize(
    ("edited", "message"),
    [
        ({"machine": {}}, "machine.cpu is missing"),
        ({"unavailable": []}, "unavailable is [], no object"),
        ({"options": {}}, "options.border is missing"),
        ({"kernels": []}, "kernels has 0 entries"),
        ({"images": [{"path": 3}]}, "images[0].width is missing"),
        ({"started_at_utc": "today"}, "started_at_utc is 'today', no time"),
    ],
)
@pytest.mark.parametrize("command", [("show",), ("report", "-o", "page.html")])
def test_an_edited_description_is_refused_in_one_line(
    command: tuple[str, ...], edited: dict[str, Any], message: str
) -> None:
    path = Path(sweep_of()) / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **edited}), "utf-8")
    ended = run(*command, "run")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        f"Error: {path} is not a run's description: {message}; restore it, or begin a new run\n"
    )


@pytest.mark.parametrize("told", ["{}", "[]", "3", "null"])
def test_a_description_of_nothing_is_refused_in_words_of_its_own(told: str) -> None:
    path = Path(sweep_of()) / "run.json"
    path.write_text(told, "utf-8")
    ended = run("show", "run")
    assert (ended.code, ended.out) == (2, "")
    assert "is not a run's description: its schema is None, not blurbench.run/1; " in ended.err


# Names.


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["x/a.png", "y/b.png"], ["a.png", "b.png"]),
        (["x/a.png", "y/a.png", "y/b.png"], ["x/a.png", "y/a.png", "b.png"]),
        (["1/x/a.png", "2/x/a.png"], ["1/x/a.png", "2/x/a.png"]),
        (["a.png", "x/a.png"], ["a.png", "x/a.png"]),
        (["a.png", "./a.png"], ["a.png", "./a.png"]),
        (["test card"], ["test card"]),
        ([], []),
    ],
)
def test_namesakes_are_told_apart_by_their_folders(paths: list[str], names: list[str]) -> None:
    assert list(short_names(paths).values()) == names


NAMES = ["[bold]x.png", "[/]x.png", "[link=x]y.png", "a|b.png", "größe.png"]
COMMANDING = {
    "two\nlines.png": r"two\nlines.png",
    "\x1b[31mred\t.png": r"\x1b[31mred\t.png",
    "wide\u202fblank.png": "wide\u202fblank.png",
}


def named(name: str) -> dict[str, Any]:
    (about,) = Written("fft").log.run.images
    return {"common": {**COMMON, "image": name}, "images": [{**about, "path": name}]}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("make", [sweep_of, compare_of], ids=["sweep", "comparison"])
def test_any_name_of_an_image_is_shown_as_it_is(make: Callable[..., str], name: str) -> None:
    ended = run("show", make(**named(name)))
    assert ended.code == 0
    assert name in ended.out


@pytest.mark.parametrize(("name", "shown"), COMMANDING.items())
@pytest.mark.parametrize("make", [sweep_of, compare_of], ids=["sweep", "comparison"])
def test_a_name_neither_breaks_a_line_nor_commands_the_terminal(
    make: Callable[..., str], name: str, shown: str
) -> None:
    ended = run("show", make(**named(name)))
    assert ended.code == 0
    assert f"{shown}: " in ended.out


@pytest.mark.parametrize("name", NAMES)
def test_any_name_of_an_image_is_shown_side_by_side(name: str) -> None:
    ended = run("show", sweep_of("one", **named(name)), sweep_of("two", **named(name)))
    assert ended.code == 0
    assert ended.out.count(name) == 2


def test_reasons_that_look_like_markup_are_shown_as_they_are() -> None:
    log = Copied("run", "separable", "fft", sizes=(3, 7))
    for size in (3, 7):
        log.race(size, {"separable": 0.001}).out(size, "fft", "failed", "[red]bad[/red] [/]")
    assert "[red]bad[/red] [/]" in run("show", log.done()).out


# Several runs.


def side_by_side(*folders: str) -> list[list[str]]:
    (lines,) = tables(run("show", *folders).out)
    return [re.split(r"\s{2,}", line.strip()) for line in lines]


def test_two_runs_stand_side_by_side() -> None:
    slower = Copied("two", "separable", "fft", sizes=(3, 7, 15), machine_id="def")
    for size, separable in ((3, 0.002), (7, 0.008), (15, 0.032)):
        slower.race(size, {"separable": separable, "fft": 0.005})
    header, *lines = side_by_side(sweep_of("one"), slower.done())
    assert header == ["size", "image", "implementation", "time [1]", "time [2]", "[2]/[1]"]
    assert [(line[0], line[2], line[-1]) for line in lines] == [
        ("3", "fake:fft", "0.50x"),
        ("3", "fake:separable", "2.00x"),
        ("7", "fake:fft", "0.50x"),
        ("7", "fake:separable", "2.00x"),
        ("15", "fake:fft", "0.50x"),
        ("15", "fake:separable", "2.00x"),
    ]


def test_both_machines_are_named() -> None:
    other = sweep_of("two", machine={"cpu": "6502", "usable_cpus": 1, "gpus": []}, machine_id="def")
    text = run("show", sweep_of("one"), other).out
    assert "[1] Z80" in text
    assert "[2] 6502" in text
    assert "machine abc" in text
    assert "machine def" in text


def test_what_only_one_run_has_stands_beside_a_dash() -> None:
    log = Copied("two", "box", sizes=(3,)).race(3, {"box": 0.001})
    rows = {line[2]: line for line in side_by_side(sweep_of("one"), log.done()) if line[0] == "3"}
    assert rows["fake:box"][3:] == ["-", "1.00 ms", "-"]
    assert rows["fake:fft"][4:] == ["-", "-"]


def test_three_runs_are_held_against_the_first() -> None:
    header, *_ = side_by_side(*(sweep_of(name) for name in ("one", "two", "three")))
    assert header[3:] == ["time [1]", "time [2]", "time [3]", "[2]/[1]", "[3]/[1]"]


def test_another_border_is_another_line() -> None:
    other = sweep_of("two", common={**COMMON, "border": "wrap"})
    lines = side_by_side(sweep_of("one"), other)[1:]
    assert len(lines) == 12
    assert all(line[-1] == "-" for line in lines)


def test_that_such_times_are_not_paired_is_said() -> None:
    assert "not paired" in run("show", sweep_of("one"), sweep_of("two")).out


@pytest.mark.parametrize("status", ["wrong", "implausible"])
def test_a_time_that_must_not_win_is_marked_side_by_side(status: str) -> None:
    log = Copied("two", "separable", "fft", sizes=(3,))
    log.race(3, {"separable": 0.002}).record(3, "fft", "end_to_end", 1e-5, round=1)
    log.out(3, "fft", status, "off by one")
    (lines,) = tables(run("show", sweep_of("one"), log.done()).out)
    (line,) = [line for line in lines if re.match(r"\s*3 .*fake:fft", line)]
    text = run("show", "one", "two").out
    assert "0.00x" not in line
    assert status in text or "too fast" in text


def test_a_search_and_a_sweep_can_stand_side_by_side() -> None:
    lines = side_by_side(sweep_of("one"), sweep_of("two", study="crossover"))
    assert len(lines) == 7


# What cannot be shown.


@pytest.mark.parametrize("folders", [("nowhere",), ("one", "nowhere"), ("photo.png",)])
def test_a_folder_without_a_run_is_refused_in_one_line(folders: tuple[str, ...]) -> None:
    sweep_of("one")
    ended = run("show", *folders)
    assert (ended.code, len(ended.err.splitlines()), ended.out) == (2, 1, "")
    assert folders[-1] in ended.err


def is_usage_error(ended: Ran) -> bool:
    return ended.code == 2 and len(ended.err.splitlines()) == 1


@pytest.mark.parametrize("arguments", [(), ("",), ("--csv", "-")])
def test_without_a_folder_there_is_nothing_to_show(arguments: tuple[str, ...]) -> None:
    assert is_usage_error(run("show", *arguments))


@pytest.mark.parametrize("sizes", [(3, 31), (3,)], ids=["several kernels", "one kernel"])
def test_a_backend_that_cannot_run_is_told_once(sizes: tuple[int, ...]) -> None:
    log = Copied("run", "fft", sizes=sizes, image_sizes=EXTENTS, unavailable={"cupy": "no driver"})
    for width, height in EXTENTS:
        for size in sizes:
            log.race(size, {"fft": 0.001}, key={"width": width, "height": height})
    assert run("show", log.done()).out.count("Cannot run: cupy") == 1
