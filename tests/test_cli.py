"""The command line from end to end: what each command prints, writes and returns.

Commands run inside this process, on images of a few hundred pixels, with the backends of the GPU
made to say that there is no driver.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

import blurbench
from blurbench.analysis.answer import Answer
from blurbench.backends.backend import Availability, Backend, Implementation
from blurbench.backends.registry import backends, find_backend
from blurbench.blur import gaussian_blur
from blurbench.errors import InputError
from blurbench.image import read_image
from blurbench.kernel import GaussianKernel
from blurbench.names import DTYPES
from blurbench.problem import Problem
from blurbench.records.summary import Key, Row
from blurbench.report.compare import show_answers
from blurbench.report.console import open_console
from blurbench.study.point.cells import rotation_of
from helpers.command import (
    BRIEF,
    ONE,
    OPTIONAL,
    QUICK,
    REASON,
    REMEDY,
    Ran,
    deny_gpu,
    measure_briefly,
    run,
)
from helpers.pictures import noise, save

CPU_ROWS = {
    one.name for b in ("numpy", "scipy") for one in find_backend(b).implementations if one.exact
}
OPTIONAL_ROWS = {
    one.name for name in OPTIONAL for one in backends()[name].implementations if one.exact
}


def address_space() -> int:
    """Bytes of memory that this process has mapped; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def table(text: str) -> list[str]:
    """The table's lines, header first."""
    lines = text.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("implementation "))
    return lines[start : lines.index("", start)]


def names(text: str) -> set[str]:
    """The implementations in the table."""
    return {line.split()[0] for line in table(text)[1:]}


def code_line(text: str) -> str:
    """The call that the answer recommends."""
    return next(line.strip() for line in text.splitlines() if "gaussian_blur(" in line)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def parse(kind: str, text: str) -> set[str]:
    """The implementations in an export; fails if there is anything else in it."""
    if kind == "csv":
        return {row["implementation"] for row in rows_of(text)}
    if kind == "json":
        return {row["implementation"] for row in json.loads(text)["implementations"]}
    rows = [line.split(" | ")[0].removeprefix("| ") for line in text.splitlines() if "|" in line]
    return set(rows[2:])


def add_backend(patch: pytest.MonkeyPatch, name: str, prepare: Any) -> None:
    """Add a CPU backend whose only method is `separable`."""
    own = Implementation(name, "separable", "ours", prepare, lambda p: 1e3, lambda p: 0)
    patch.setitem(backends(), name, Backend(name, "cpu", (own,), Availability))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a colour image, no GPU, and no traces of earlier settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)
    deny_gpu(monkeypatch)
    measure_briefly(monkeypatch)
    save("photo.png", noise(24, 32, 3))
    return tmp_path


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ran, Path]]:
    """One comparison of everything, with every export, and the folder that it ran in."""
    place = tmp_path_factory.mktemp("compared")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        deny_gpu(patch)
        measure_briefly(patch)
        save("photo.png", noise(24, 32, 3))
        exports = ("--csv", "a.csv", "--json", "a.json", "--markdown", "a.md")
        keep = ("--out", "run", "--save", "blurred")
        brief = ("--size", "5", "--budget", "20", "--rounds", "1")
        yield run("compare", "photo.png", *brief, *exports, *keep), place


@pytest.fixture
def answer(compared: tuple[Ran, Path]) -> Ran:
    return compared[0]


@pytest.fixture
def kept(compared: tuple[Ran, Path]) -> Path:
    return compared[1]


# compare: what it prints


def test_a_comparison_exits_with_0(answer: Ran) -> None:
    assert answer.code == 0, answer.err


@pytest.mark.parametrize(
    "words",
    [
        "photo.png: 32x24x3 uint8 timed as float32",
        "Gaussian 5x5, sigma 1.1",
        "border reflect",
        "cache hot",
    ],
)
def test_the_header_says_what_is_measured(answer: Ran, words: str) -> None:
    assert words in "\n".join(answer.out.splitlines()[:2])


def test_the_table_has_a_row_for_each_implementation_that_can_run() -> None:
    assert names(run("compare", "photo.png", *BRIEF, "--all").out) == CPU_ROWS


def test_the_table_has_five_columns_in_a_pipe(answer: Ran) -> None:
    header = re.split(r"\s{2,}", table(answer.out)[0])
    assert header == ["implementation", "time [95 %]", "vs first", "error", "verdict"]


def test_no_line_of_the_table_is_wider_than_80_columns_in_a_pipe(answer: Ran) -> None:
    assert [line for line in table(answer.out) if len(line) > 80] == []


def widest_row(status: str, verdict: str | None) -> Row:
    """A row whose figures all take the most room that their kind can take."""
    key = Key("scipy:separable", "a.png", 6, 9, 1, 5, 1.1, "reflect", 0, "float32", 1, "hot")
    row = Row(key, "scipy", "separable", "library", True, status=status, verdict=verdict)
    row.end_to_end_median_s = 1.023e-3
    row.end_to_end_ci95_low_s, row.end_to_end_ci95_high_s = 0.9512e-3, 1.104e-3
    row.ratio_to_fastest, row.ratio_ci95_low, row.ratio_ci95_high = 1.023, 0.9871, 1.052
    row.max_abs_error = 1.234e-5
    return row


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("ok", "likely fastest"),
        ("ok", "slower here"),
        ("ok", "far slower"),
        ("implausible", None),
        ("wrong", None),
    ],
)
def test_the_widest_figures_fit_into_80_columns(status: str, verdict: str | None) -> None:
    problem = Problem(GaussianKernel.from_size(5), (6, 9), np.dtype("float32"))
    rows = [widest_row(status, verdict)]
    out = io.StringIO()
    with redirect_stdout(out):
        show_answers(open_console(), [Answer("a.png", "uint8", problem, rows)])
    assert max(len(line) for line in table(out.getvalue())) <= 80


def test_nothing_is_elided_in_a_pipe(answer: Ran) -> None:
    assert "…" not in answer.out + answer.err


def test_the_backends_that_cannot_run_are_named_once_with_the_reason(answer: Ran) -> None:
    told = f"Cannot run: {', '.join(OPTIONAL)} ({REASON}); blurbench backends says what to do.\n"
    assert told in answer.out


def test_of_several_images_the_backends_that_cannot_run_are_named_after_the_last() -> None:
    problem = Problem(GaussianKernel.from_size(5), (6, 9), np.dtype("float32"))
    rows, missing = [widest_row("ok", "fastest")], {"cupy": "no driver"}
    out = io.StringIO()
    with redirect_stdout(out):
        show_answers(
            open_console(),
            [Answer(name, "uint8", problem, rows, unavailable=missing) for name in ("a", "b")],
        )
    assert "Cannot run: cupy" not in out.getvalue().partition("b: ")[0]
    assert out.getvalue().count("Cannot run: cupy") == 1


def test_the_difference_between_separable_and_direct_is_printed(answer: Ran) -> None:
    assert "Largest difference between separable and direct: " in answer.out


def test_the_sentence_names_its_scope_and_the_kernel(answer: Ran) -> None:
    lines = answer.out.splitlines()
    assert lines[lines.index(f"  {code_line(answer.out)}") - 1].endswith(", end to end, at 5x5.")


def test_the_code_line_runs_as_it_stands(answer: Ran, kept: Path) -> None:
    img = read_image(kept / "photo.png").pixels
    soft = eval(code_line(answer.out), {"blurbench": blurbench, "img": img})
    np.testing.assert_array_equal(soft, gaussian_blur(img, size=5))


def test_progress_stays_away_where_stderr_is_no_terminal(answer: Ran) -> None:
    assert "racing" not in answer.err


@pytest.mark.parametrize("setting", [{}, {"NO_COLOR": "1"}, {"FORCE_COLOR": "1"}])
def test_there_are_no_escape_codes_in_a_pipe(
    setting: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in setting.items():
        monkeypatch.setenv(name, value)
    ran = run("compare", "photo.png", *QUICK)
    assert "\x1b" not in ran.out + ran.err


def test_quiet_leaves_the_table_and_drops_the_header() -> None:
    ran = run("compare", "photo.png", *QUICK, "--quiet")
    assert ran.out.startswith("implementation ")


def test_a_kernel_that_is_no_gaussian_gets_a_note_on_stderr() -> None:
    assert "Note: 3 taps at sigma 0.8 do not behave" in run("compare", "photo.png", *QUICK).err


def test_what_was_done_to_the_files_pixels_is_noted_on_stderr() -> None:
    PIL.Image.new("CMYK", (9, 7)).save("photo.tif")
    assert "Note: photo.tif: mode CMYK read as RGB." in run("compare", "photo.tif", *QUICK).err


def test_the_test_card_is_blurred_where_no_image_is_named() -> None:
    assert run("compare", "--crop", "20x10", *QUICK).out.startswith(
        "test card: 20x10x3 uint8 timed"
    )


# compare: what it writes


@pytest.mark.parametrize(("kind", "file"), [("csv", "a.csv"), ("json", "a.json")])
def test_an_export_has_a_row_for_every_implementation(kept: Path, kind: str, file: str) -> None:
    assert parse(kind, (kept / file).read_text("utf-8")) == CPU_ROWS | OPTIONAL_ROWS


def test_markdown_has_a_row_for_every_implementation_and_the_code(kept: Path) -> None:
    text = (kept / "a.md").read_text("utf-8")
    assert parse("markdown", text) == CPU_ROWS | OPTIONAL_ROWS
    assert "```python\nblurbench.gaussian_blur(img, size=5, " in text


@pytest.mark.parametrize("kind", ["csv", "json", "markdown"])
def test_data_asked_for_on_stdout_has_it_to_itself(kind: str) -> None:
    ran = run("compare", "photo.png", *QUICK, f"--{kind}", "-")
    assert parse(kind, ran.out) == {"numpy:separable"}


@pytest.mark.parametrize("kind", ["csv", "json", "markdown"])
def test_the_table_goes_to_stderr_where_data_has_stdout(kind: str) -> None:
    ran = run("compare", "photo.png", *QUICK, f"--{kind}", "-")
    assert names(ran.err) == {"numpy:separable"}


def test_an_export_to_a_file_leaves_the_table_on_stdout() -> None:
    ran = run("compare", "photo.png", *QUICK, "--json", "a.json")
    assert names(ran.out) == {"numpy:separable"}


def test_an_export_replaces_an_older_file() -> None:
    Path("a.csv").write_text("old\n" * 1000)
    run("compare", "photo.png", *QUICK, "--csv", "a.csv")
    assert len(rows_of(Path("a.csv").read_text("utf-8"))) == 1


def test_the_json_names_its_schema(kept: Path) -> None:
    assert json.loads((kept / "a.json").read_text("utf-8"))["schema"] == "blurbench.compare/1"


def test_the_json_describes_the_question(kept: Path) -> None:
    document = json.loads((kept / "a.json").read_text("utf-8"))
    image = {"path": "photo.png", "height": 24, "width": 32, "channels": 3, "dtype": "uint8"}
    kernel = {"size": 5, "sigma": pytest.approx(1.1), "radius": 2, "shift_pixels": 0.0}
    assert (document["image"], document["kernel"]) == (image, kernel)


def test_the_json_entries_have_the_names_of_the_summarys_columns(kept: Path) -> None:
    header = (kept / "run/summary.csv").read_text("utf-8").splitlines()[0].split(",")
    entries = json.loads((kept / "a.json").read_text("utf-8"))["implementations"]
    assert [list(entry) for entry in entries] == [header] * len(entries)


def test_json_and_csv_hold_the_same_figures(kept: Path) -> None:
    entries = json.loads((kept / "a.json").read_text("utf-8"))["implementations"]
    rows = rows_of((kept / "a.csv").read_text("utf-8"))
    figures = [row["end_to_end_median_s"] for row in rows]
    assert figures == [
        "" if entry["end_to_end_median_s"] is None else repr(entry["end_to_end_median_s"])
        for entry in entries
    ]


@pytest.mark.parametrize("file", ["a.csv", "run/summary.csv", "run/samples.csv"])
def test_csv_lines_end_in_lf_alone(kept: Path, file: str) -> None:
    assert b"\r" not in (kept / file).read_bytes()


def test_an_unavailable_row_says_why_and_has_no_time(kept: Path) -> None:
    rows = {row["implementation"]: row for row in rows_of((kept / "a.csv").read_text("utf-8"))}
    row = rows["cupy:fft"]
    assert (row["status"], row["reason"], row["end_to_end_median_s"]) == ("unavailable", REASON, "")


def test_out_keeps_samples_summary_and_description(kept: Path) -> None:
    assert {path.name for path in (kept / "run").iterdir()} == {
        "samples.csv",
        "summary.csv",
        "run.json",
    }


def test_the_csv_export_tells_what_the_kept_summary_does_in_fewer_columns(kept: Path) -> None:
    export, summary = (
        rows_of((kept / name).read_text("utf-8")) for name in ("a.csv", "run/summary.csv")
    )
    names = [name for name in export[0] if name != "sigma"]
    assert [[row[name] for name in names] for row in summary] == [
        [row[name] for name in names] for row in export
    ]
    assert len(export[0]) < 50 < len(summary[0])


def test_the_kept_samples_are_of_every_implementation_that_ran(kept: Path) -> None:
    rows = rows_of((kept / "run/samples.csv").read_text("utf-8"))
    measured = {row["implementation"] for row in rows if row["elapsed_s"]}
    assert measured - {"control", "copy", "cpu:multiply_add"} == CPU_ROWS


def test_the_kept_description_holds_the_command(kept: Path) -> None:
    described = json.loads((kept / "run/run.json").read_text("utf-8"))
    assert described["command"][:3] == ["blurbench", "compare", "photo.png"]


def test_the_kept_description_names_its_schema(kept: Path) -> None:
    described = json.loads((kept / "run/run.json").read_text("utf-8"))
    assert described["schema"] == "blurbench.run/1"


def test_the_place_of_the_samples_is_said_on_stderr(answer: Ran) -> None:
    assert "Samples are in run" in answer.err.splitlines()


def test_a_run_is_never_overwritten(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(kept)
    before = (kept / "run/samples.csv").read_bytes()
    ran = run("compare", "photo.png", *QUICK, "--out", "run")
    assert (ran.code, (kept / "run/samples.csv").read_bytes()) == (2, before)


def test_save_writes_an_image_for_each_implementation_that_ran(kept: Path) -> None:
    saved = {path.name for path in (kept / "blurred").iterdir()}
    assert saved == {f"{name.replace(':', '-')}.png" for name in CPU_ROWS}


def test_a_saved_image_is_the_blurred_photograph(kept: Path) -> None:
    saved = np.asarray(PIL.Image.open(kept / "blurred/scipy-separable.png"))
    photo = read_image(kept / "photo.png").pixels
    np.testing.assert_array_equal(saved, gaussian_blur(photo, size=5))


def test_save_writes_float_pixels_as_tiff() -> None:
    save("photo.tif", np.linspace(0, 1, 63, dtype=np.float32).reshape(7, 9))
    run("compare", "photo.tif", *QUICK, "--save", "blurred")
    assert os.listdir("blurred") == ["numpy-separable.tif"]


@pytest.mark.parametrize("export", [("--json", "a.json"), ("--csv", "a.csv"), ("--out", "run")])
def test_an_image_whose_name_is_no_utf_8_can_be_exported(export: tuple[str, str]) -> None:
    name = os.fsdecode(b"\xff.png")
    try:
        Path("photo.png").rename(name)
    except OSError:
        pytest.skip("this file system takes no such name")
    assert run("compare", name, *QUICK, *export).code == 0


# compare: what it can be told


def test_crop_measures_the_middle_of_the_image() -> None:
    assert "photo.png: 10x7x3 " in run("compare", "photo.png", *QUICK, "--crop", "10x7").out


def test_resize_comes_before_crop() -> None:
    ran = run("compare", "photo.png", *QUICK, "--resize", "64x48", "--crop", "50x40")
    assert "photo.png: 50x40x3 " in ran.out


def test_sigma_alone_cuts_the_kernel_at_four_sigmas() -> None:
    ran = run("compare", "photo.png", *ONE, "--budget", "20", "--rounds", "1", "--sigma", "2")
    assert "Gaussian 17x17, sigma 2;" in ran.out


def test_size_and_sigma_together_stand_in_the_code_line() -> None:
    ran = run("compare", "photo.png", *QUICK, "--sigma", "2")
    assert 'img, size=3, sigma=2.0, backend="numpy"' in code_line(ran.out)


def test_integer_plans_need_no_dtype_in_the_code_line() -> None:
    ran = run("compare", "photo.png", *QUICK, "--dtype", "uint8")
    assert "photo.png: 32x24x3 uint8" in ran.out
    assert "dtype" not in code_line(ran.out)


def test_the_constant_border_and_its_value_stand_in_header_and_code() -> None:
    ran = run("compare", "photo.png", *QUICK, "--border", "constant", "--cval", "7")
    assert "border constant 7;" in ran.out
    assert 'border="constant", cval=7.0' in code_line(ran.out)


@pytest.mark.parametrize(
    "options",
    [
        ("--border", "constant", "--cval", "9.5"),
        ("--border", "mirror", "--sigma", "0.7"),
        ("--dtype", "uint8"),
        ("--dtype", "float64", "--border", "wrap"),
    ],
)
def test_the_code_line_computes_what_was_measured(options: tuple[str, ...]) -> None:
    ran = run("compare", "photo.png", *QUICK, *options, "--save", "blurred")
    img = read_image("photo.png").pixels
    soft = eval(code_line(ran.out), {"blurbench": blurbench, "img": img})
    saved = np.asarray(PIL.Image.open("blurred/numpy-separable.png"))
    np.testing.assert_array_equal(np.rint(soft).astype(np.uint8), saved)


def test_a_cold_cache_is_said_and_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blurbench.host.last_level_cache", lambda: 2**14)
    ran = run("compare", "photo.png", *QUICK, "--cache", "cold", "--json", "a.json")
    assert "cache cold" in ran.out
    assert json.loads(Path("a.json").read_text("utf-8"))["cache"] == "cold"


def test_a_cold_cache_is_filled_with_a_few_caches_of_memory_however_small_the_image(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cache = 2**17
    monkeypatch.setattr("blurbench.host.last_level_cache", lambda: cache)
    before = address_space()
    copies = rotation_of(np.zeros((1, 1), np.float32), "cold")
    assert len(copies) > 1
    assert address_space() - before < 2**24 + 8 * cache


def test_threads_are_said_and_recorded() -> None:
    ran = run("compare", "photo.png", *QUICK, "--threads", "1", "--json", "a.json")
    assert "; 1 thread;" in ran.out
    assert json.loads(Path("a.json").read_text("utf-8"))["threads"] == 1


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (("--backend", "numpy,scipy", "--method", "fft"), {"numpy:fft", "scipy:fft"}),
        (
            ("--backend", "numpy", "--backend", "scipy", "--method", "fft"),
            {"numpy:fft", "scipy:fft"},
        ),
        (
            ("--backend", "scipy", "--method", "direct", "--method", "separable"),
            {"scipy:direct", "scipy:separable"},
        ),
        (("--backend", "numpy, numpy", "--method", "fft,fft"), {"numpy:fft"}),
        (("--method", "fft"), {"numpy:fft", "scipy:fft"}),
    ],
)
def test_backends_and_methods_are_named_with_commas_and_repeats(
    choice: tuple[str, ...], expected: set[str]
) -> None:
    ran = run("compare", "photo.png", *BRIEF, *choice)
    assert names(ran.out) == expected
    assert len(table(ran.out)) == 1 + len(expected)


def test_rounds_ends_the_race() -> None:
    ran = run("compare", "photo.png", *QUICK, "--csv", "a.csv")
    assert ran.code == 0
    assert [row["rounds"] for row in rows_of(Path("a.csv").read_text("utf-8"))] == ["1"]


def test_without_enough_rounds_there_is_no_interval() -> None:
    ran = run("compare", "photo.png", *QUICK)
    assert "[" not in table(ran.out)[1]


def test_what_was_measured_is_written_before_the_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(*_: object) -> None:
        raise InputError("the disk is full: free some space")

    monkeypatch.setattr("blurbench.study.blurred.write_image", fill)
    ran = run("compare", "photo.png", *QUICK, "--save", "pictures", "--csv", "a.csv")
    assert (ran.code, Path("a.csv").exists()) == (2, True)


def test_the_seed_is_recorded() -> None:
    run("compare", "photo.png", *QUICK, "--seed", "7", "--json", "a.json")
    assert json.loads(Path("a.json").read_text("utf-8"))["seed"] == 7


# compare: exit codes


@pytest.mark.parametrize("command", [("compare", *BRIEF), ("blur", "-o", "a.png", "--size", "3")])
def test_a_backend_that_cannot_run_exits_with_3_and_the_reason(command: tuple[str, ...]) -> None:
    ran = run(*command, "photo.png", "--backend", "cupy")
    assert ran.code == 3
    assert REASON in ran.err
    assert ran.err.splitlines()[-1].startswith("Error: ")


def test_where_nothing_can_run_the_json_still_says_why() -> None:
    ran = run("compare", "photo.png", *BRIEF, "--backend", "cupy", "--json", "-")
    rows = json.loads(ran.out)["implementations"]
    assert {(row["status"], row["reason"]) for row in rows} == {("unavailable", REASON)}


def wrong(problem: Any) -> Any:
    return lambda image, out=None: np.copyto(out, 0) if out is not None else np.zeros_like(image)


def broken(problem: Any) -> Any:
    raise RuntimeError("the library is\nbroken")


@pytest.mark.parametrize(("prepare", "status"), [(wrong, "wrong"), (broken, "failed")])
def test_a_bad_row_is_shown_never_wins_and_exits_with_1(
    prepare: Any, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_backend(monkeypatch, "other", prepare)
    choice = ("--backend", "numpy,other", "--method", "separable")
    ran = run("compare", "photo.png", *BRIEF, *choice)
    row = next(line for line in table(ran.out) if line.startswith("other:separable"))
    assert (ran.code, row.split()[-1]) == (1, status)
    assert 'backend="numpy"' in code_line(ran.out)


def test_the_reason_of_a_bad_row_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    add_backend(monkeypatch, "other", broken)
    ran = run("compare", "photo.png", *BRIEF, "--backend", "numpy,other", "--method", "separable")
    assert "other:separable: the library is broken." in ran.out


class Interrupted:
    """A plan that is interrupted from the keyboard at a certain call."""

    def __init__(self, at: int) -> None:
        self.left = at

    def __call__(self, problem: Any) -> Any:
        return self._call

    def _call(self, image: Any, out: Any = None) -> Any:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        blurred = gaussian_blur(image, size=3, method="direct")
        if out is None:
            return blurred
        np.copyto(out, blurred)
        return out


@pytest.mark.parametrize("at", [1, 5, 12])
def test_an_interrupted_comparison_exits_with_130_and_says_what_is_kept(
    at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_backend(monkeypatch, "other", Interrupted(at))
    choice = ("--backend", "numpy,other", "--method", "separable")
    ran = run("compare", "photo.png", "--size", "3", "--budget", "9", *choice, "--out", "run")
    assert ran.code == 130
    assert "Go on with: blurbench sweep --resume run" in ran.err
    assert {path.name for path in Path("run").iterdir()} >= {"summary.csv", "run.json"}


# blur


def opaque(*shape: int) -> np.ndarray:
    """Noise whose last channel is full opacity."""
    pixels = noise(*shape)
    pixels[..., -1] = 255
    return pixels


@pytest.mark.parametrize(
    ("file", "pixels"),
    [
        ("soft.png", noise(9, 7)),
        ("soft.png", noise(9, 7, 3)),
        ("soft.png", noise(9, 7, dtype=np.uint16)),
        ("soft.png", opaque(9, 7, 4)),
        ("soft.png", opaque(9, 7, 2)),
        ("soft.tif", noise(9, 7, 3)),
        ("soft.tiff", noise(9, 7, dtype=np.uint16)),
        ("soft.tif", noise(9, 7).astype(np.float32) / 7),
        ("soft.webp", noise(9, 7, 3)),
        ("soft.bmp", noise(9, 7, 3)),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value.dtype}-{value.shape}",
)
def test_blur_keeps_the_type_of_pixel(file: str, pixels: np.ndarray) -> None:
    save("in.tif", pixels)
    ran = run("blur", "in.tif", "-o", file, "--sigma", "1")
    soft = np.asarray(PIL.Image.open(file))
    assert (ran.code, soft.dtype, soft.shape) == (0, pixels.dtype, pixels.shape)
    expected = gaussian_blur(pixels, sigma=1)
    difference = np.abs(soft.astype(np.float64) - expected.astype(np.float64))
    assert difference.max() <= (0 if pixels.dtype.kind == "f" or pixels.ndim == 2 else 1)


def test_blur_writes_a_jpeg_close_to_the_blurred_image() -> None:
    run("blur", "photo.png", "-o", "soft.jpg", "--sigma", "3")
    soft = np.asarray(PIL.Image.open("soft.jpg")).astype(float)
    expected = gaussian_blur(read_image("photo.png").pixels, sigma=3, dtype="float32")
    assert np.abs(soft - expected).mean() < 4


def test_blur_says_nothing_where_all_is_well() -> None:
    ran = run("blur", "photo.png", "-o", "soft.png", "--sigma", "1")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_hidden_colour_does_not_bleed_out_of_a_blurred_file() -> None:
    pixels = np.zeros((9, 9, 4), np.uint8)
    pixels[:, :4] = (255, 0, 0, 0)
    pixels[:, 4:] = (0, 0, 255, 255)
    save("in.png", pixels)
    run("blur", "in.png", "-o", "soft.png", "--sigma", "2")
    soft = np.asarray(PIL.Image.open("soft.png"))
    assert (soft.shape, soft[..., 0].max()) == ((9, 9, 4), 0)


def test_a_blurred_file_stands_upright_and_says_so() -> None:
    picture = PIL.Image.fromarray(noise(6, 9, 3))
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save("in.png", exif=exif)
    ran = run("blur", "in.png", "-o", "soft.png", "--sigma", "1")
    with PIL.Image.open("soft.png") as soft:
        assert (soft.size, dict(soft.getexif())) == ((6, 9), {0x0112: 1})
    assert "Note: in.png: turned upright" in ran.err


@pytest.mark.parametrize("method", ["direct", "separable", "fft"])
@pytest.mark.parametrize("backend", ["numpy", "scipy"])
def test_blur_runs_every_method_of_every_backend(backend: str, method: str) -> None:
    how = ("--size", "5", "--backend", backend, "--method", method)
    run("blur", "photo.png", "-o", "soft.png", *how)
    soft = np.asarray(PIL.Image.open("soft.png")).astype(int)
    expected = gaussian_blur(read_image("photo.png").pixels, size=5).astype(int)
    assert np.abs(soft - expected).max() <= 1


def test_blur_takes_a_border_and_its_value() -> None:
    how = ("--border", "constant", "--cval", "200", "--sigma", "2")
    run("blur", "photo.png", "-o", "soft.png", *how)
    photo = read_image("photo.png").pixels
    np.testing.assert_array_equal(
        np.asarray(PIL.Image.open("soft.png")),
        gaussian_blur(photo, sigma=2, border="constant", cval=200),
    )


def test_blur_may_write_over_its_own_input() -> None:
    photo = read_image("photo.png").pixels
    run("blur", "photo.png", "-o", "photo.png", "--sigma", "1")
    np.testing.assert_array_equal(read_image("photo.png").pixels, gaussian_blur(photo, sigma=1))


def fail_half_way(self: PIL.Image.Image, stream: Any, *_: Any, **__: Any) -> None:
    stream.write(b"half of a picture")
    raise OSError(28, "No space left on device")


def test_a_blur_that_cannot_be_saved_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(PIL.Image.Image, "save", fail_half_way)
    ran = run("blur", "photo.png", "-o", "soft.png", "--sigma", "1")
    assert ran.code == 2
    assert ran.err == "Error: output soft.png cannot be written: No space left on device\n"
    assert os.listdir() == ["photo.png"]


def test_a_blur_that_cannot_be_saved_leaves_the_old_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("soft.png").write_bytes(b"old")
    monkeypatch.setattr(PIL.Image.Image, "save", fail_half_way)
    run("blur", "photo.png", "-o", "soft.png", "--sigma", "1")
    assert Path("soft.png").read_bytes() == b"old"


def test_an_image_too_large_for_its_format_is_refused_in_one_line() -> None:
    save("wide.png", np.zeros((1, 16384), np.uint8))
    ran = run("blur", "wide.png", "-o", "soft.webp", "--sigma", "1")
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert ran.err.startswith("Error: output soft.webp ")


# backends and verify


def test_backends_exits_with_0_and_lists_every_backend() -> None:
    ran = run("backends")
    states = [
        line for line in ran.out.splitlines() if re.match(r"\w+: (available|cannot run)$", line)
    ]
    assert (ran.code, states) == (
        0,
        ["numpy: available", "scipy: available"] + [f"{b}: cannot run" for b in OPTIONAL],
    )


def test_backends_says_why_and_what_mends_it() -> None:
    out = run("backends").out
    assert out.count(f"  reason    {REASON}\n") == len(OPTIONAL)
    assert out.count(f"  remedy    {REMEDY}\n") == len(OPTIONAL)


def test_backends_names_the_methods_of_each() -> None:
    assert "  methods   direct (ours), separable (ours), fft (ours), " in run("backends").out


def test_a_backend_whose_probe_breaks_is_listed_with_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def probe() -> Availability:
        raise OSError("libfast.so is missing")

    monkeypatch.setitem(backends(), "fast", Backend("fast", "cpu", (), probe))
    out = run("backends").out
    assert "libfast.so is missing" in out
    assert "scipy: available" in out


@pytest.fixture
def small_verify(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blurbench.study.verify.SIZES", (1, 5))
    monkeypatch.setattr("blurbench.study.verify.SHAPES", ((5, 3), (7, 6, 3)))


@pytest.mark.usefixtures("small_verify")
def test_verify_exits_with_0_where_the_contract_is_kept() -> None:
    ran = run("verify")
    assert ran.code == 0
    assert re.search(r"^(\d+) of \1 cases keep the exactness contract\.$", ran.out, re.MULTILINE)


@pytest.mark.usefixtures("small_verify")
def test_verify_has_a_line_for_each_implementation_and_dtype() -> None:
    ran = run("verify", "--backend", "numpy", "--method", "fft")
    found = [line.split()[:2] for line in ran.out.splitlines() if line.startswith("numpy:")]
    assert found == [["numpy:fft", dtype] for dtype in DTYPES]


@pytest.mark.usefixtures("small_verify")
def test_verify_tries_only_the_borders_that_are_asked_for() -> None:
    ran, all_of_them = (
        run("verify", "--backend", "numpy", "--method", "fft", *more)
        for more in (("--border", "wrap"), ())
    )
    count, total = (
        int(re.search(r"^(\d+) of", each.out, re.MULTILINE)[1]) for each in (ran, all_of_them)
    )
    assert 0 < 5 * count == total


@pytest.mark.usefixtures("small_verify")
def test_verify_says_how_long_it_takes_and_a_quick_one_takes_less() -> None:
    counts = []
    for more in ((), ("--quick",)):
        ran = run("verify", "--backend", "numpy", "--method", "fft", *more)
        said = re.fullmatch(r"(\d+) cases take about [\d.]+ \w+\.\n", ran.err)
        assert (ran.code, bool(said)) == (0, True), ran.err
        counts.append(int(said[1]))
    assert counts[1] < counts[0] / 2


@pytest.mark.usefixtures("small_verify")
def test_verify_exits_with_1_where_the_contract_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    add_backend(monkeypatch, "other", wrong)
    ran = run("verify", "--backend", "other")
    assert ran.code == 1
    assert "of what is allowed" in ran.out


def test_verify_exits_with_3_where_nothing_can_run() -> None:
    ran = run("verify", "--backend", "cupy")
    assert ran.code == 3
    assert REASON in ran.out + ran.err


# The command line itself


def test_version_is_that_of_the_package() -> None:
    ran = run("--version")
    assert (ran.code, ran.out) == (0, f"blurbench {blurbench.__version__}\n")


@pytest.mark.parametrize("option", ["--help", "-h"])
@pytest.mark.parametrize("heading", ["Measure:", "Understand:", "Use:", "Examples:"])
def test_help_lists_the_groups_and_examples(option: str, heading: str) -> None:
    ran = run(option)
    assert ran.code == 0
    assert heading in [line.strip() for line in ran.out.splitlines()]


@pytest.mark.parametrize("command", ["compare", "inspect", "verify", "backends", "blur"])
def test_help_lists_every_command(command: str) -> None:
    assert re.search(rf"^  {command} ", run("--help").out, re.MULTILINE)


@pytest.mark.parametrize("command", ["compare", "inspect", "blur"])
def test_the_help_of_a_command_ends_in_examples(command: str) -> None:
    ran = run(command, "--help")
    assert ran.code == 0
    assert f"  blurbench {command} " in ran.out[ran.out.index("Examples:") :]


def test_no_command_is_no_error_in_the_shape_of_a_help_page() -> None:
    assert "Error: Usage:" not in run().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion_can_be_installed(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_BLURBENCH_COMPLETE", f"{shell}_source")
    ran = run()
    assert ran.code == 0
    assert f"_BLURBENCH_COMPLETE={shell}_complete" in ran.out


def test_shell_completion_completes_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_BLURBENCH_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "blurbench comp")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert run().out == "plain,compare\n"


def test_an_unknown_command_is_refused_by_name() -> None:
    ran = run("sharpen")
    assert (ran.code, ran.out) == (2, "")
    assert "sharpen" in ran.err


def test_an_error_does_not_command_the_terminal() -> None:
    assert run("compare", "a\x1b[31mred.png").err == (
        r"Error: image a\x1b[31mred.png does not exist: check the path" "\n"
    )
