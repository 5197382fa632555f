"""`blurbench.compare`, `sweep`, `crossover` and `load`, and the results that they give."""

from __future__ import annotations

import csv
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from matplotlib.figure import Figure

import blurbench
from blurbench.api.bars import InNotebook, bar_for
from blurbench.cli.main import cli
from blurbench.errors import InputError
from blurbench.records.export import to_csv
from blurbench.report.listeners import open_listener
from blurbench.study.options import Options
from blurbench.study.question import Question
from blurbench.study.source import ImageSource
from helpers.command import measure_briefly, run
from helpers.planted import SMALL, backend_of, failing_after, planted, raising
from helpers.process import posix, work_in
from helpers.simulated import Clock

IMAGE = np.random.default_rng(6).uniform(0, 255, (16, 16)).astype(np.float32)
FAST, SLOW = 0.002, 0.005
SOON: dict[str, Any] = {"backend": "fake", "budget": 5, "threads": 1, "seed": 1}
REAL: dict[str, Any] = {"backend": "numpy", "method": "separable", "budget": 20, "rounds": 1}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    work_in(tmp_path, monkeypatch)
    return tmp_path


@pytest.fixture
def two(plant: Callable[..., None], clock: Clock) -> None:
    """A backend with two blurs, of which one takes longer."""
    plant(backend_of(planted("fast", clock.takes(FAST)), planted("slow", clock.takes(SLOW))))


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    measure_briefly(monkeypatch)


# What is asked.


@pytest.mark.usefixtures("two")
def test_a_comparison_of_an_array_names_the_fastest() -> None:
    result = blurbench.compare(IMAGE, size=5, **SOON)
    assert [row["method"] for row in result.rows] == ["fast", "slow"]
    assert "fake:fast ran" in result.answer
    assert result.to_dict()["image"]["path"] == "array"


@pytest.mark.usefixtures("two")
def test_without_an_image_and_a_size_it_is_the_test_card_at_fifteen() -> None:
    found = blurbench.compare(crop=(16, 16), **SOON).to_dict()
    assert (found["image"]["path"], found["image"]["width"]) == ("test card", 16)
    assert found["kernel"]["size"] == 15


@pytest.mark.usefixtures("two")
def test_several_images_are_compared_one_after_the_other() -> None:
    result = blurbench.compare(["photo.png", IMAGE, IMAGE.astype(np.uint8)], 5, **SOON)
    names = [one["image"]["path"] for one in result.to_dict()["images"]]
    assert names == ["photo.png", "array 2", "array 3"]


@pytest.mark.parametrize("sizes", [[5, 3, 7], "3:7:2", (3, 5, 7)])
@pytest.mark.usefixtures("two")
def test_sizes_are_a_list_or_as_on_the_command_line(sizes: Any) -> None:
    result = blurbench.sweep(IMAGE, sizes, **SOON)
    assert sorted({row["size"] for row in result.rows}) == [3, 5, 7]


@pytest.mark.parametrize("image_sizes", [[8, (16, 12)], "8,16x12"])
@pytest.mark.usefixtures("two")
def test_image_sizes_are_numbers_and_pairs_or_as_on_the_command_line(image_sizes: Any) -> None:
    result = blurbench.sweep(IMAGE, [3], image_sizes=image_sizes, **SOON)
    assert {(row["width"], row["height"]) for row in result.rows} == {(8, 8), (16, 12)}


@pytest.mark.parametrize("sizes", [(3, 7), "3:7"])
def test_a_crossover_looks_between_two_sizes(plant: Any, clock: Clock, sizes: Any) -> None:
    plant(backend_of(planted("separable", clock.takes(FAST)), planted("fft", clock.takes(SLOW))))
    result = blurbench.crossover(IMAGE, sizes, **SOON)
    assert result.study == "crossover"
    assert {row["size"] for row in result.rows} <= {3, 5, 7}
    assert "fake:separable is faster than fake:fft" in result.answer


@pytest.mark.usefixtures("two")
def test_settings_are_values_or_words_as_on_the_command_line() -> None:
    asked = {**SOON, "same": "4%", "dtype": np.float64, "border": "replicate", "tolerance": "1%"}
    found = blurbench.compare(IMAGE, 5, **asked).to_dict()
    assert (found["dtype"], found["border"]) == ("float64", "nearest")


@pytest.mark.parametrize("command", ["compare", "sweep", "crossover"])
def test_every_option_of_a_command_is_a_keyword_of_its_call(command: str) -> None:
    of_the_command_line = {
        *("csv", "json", "markdown", "report", "all", "all-columns", "save"),
        *("baseline", "against", "fail-if-slower", "resume", "process"),
    }
    options = {opt for one in cli.commands[command].params for opt in one.opts if opt[:2] == "--"}
    options = {"--own" if opt == "--with" else opt for opt in options}  # a word of Python
    named = {opt.removeprefix("--") for opt in options} - of_the_command_line
    call = inspect.signature(getattr(blurbench, command)).parameters
    assert {name.replace("-", "_") for name in named} | {"image"} == set(call)


def test_the_defaults_that_are_shown_are_those_of_the_command() -> None:
    call = inspect.signature(blurbench.compare).parameters
    assert (call["same"].default, call["border"].default) == (0.03, "reflect")


@pytest.mark.usefixtures("brief")
def test_a_function_of_one_s_own_is_raced() -> None:
    def still(image: Any, taps: Any) -> Any:
        return image.copy()

    result = blurbench.compare(np.full((16, 16), 3.0), 3, own=still, **REAL)
    assert {row["method"]: row["status"] for row in result.rows} == {
        "separable": "ok",
        "still": "ok",
    }


# What cannot be meant.


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"image": "gone.png"}, "gone.png does not exist"),
        ({"image": np.zeros((3, 4, 5, 6))}, "shape (3, 4, 5, 6)"),
        ({"image": np.zeros((4, 4), dtype=complex)}, "complex128 is not usable"),
        ({"image": np.ma.array(IMAGE)}, "image is a masked array"),
        ({"image": [IMAGE, np.ma.array(IMAGE)]}, "give image.filled(value)"),
        ({"image": np.full((4, 4), np.nan)}, "16 NaN or infinite"),
        ({"image": IMAGE[:0]}, "has shape (0, 16): give (H, W) or (H, W, C), no side 0"),
        ({"image": []}, "no image in the list"),
        ({"image": [IMAGE, [1.0, 2.0]]}, "image array 2 has shape (2,)"),
        ({"image": object()}, "dtype object is not usable"),
        ({"size": 4}, "4"),
        ({"budget": 0}, "budget 0 is out of range"),
        ({"budget": "long"}, "budget 'long' is not usable: give a number"),
        ({"same": 3}, "same 3 is ambiguous"),
        ({"backend": "numpi"}, "numpi"),
        ({"dtype": "int3"}, "int3"),
        ({"threads": 5000}, "threads 5000 is out of range"),
        ({"cache": "warm"}, "cache 'warm' is unknown"),
        ({"cache": 3}, "cache 3 is no name"),
        ({"border": ["wrap"]}, "border ['wrap'] is no name"),
        ({"method": 3}, "method 3 is no name"),
        ({"method": ["fft", 3]}, "method 3 is no name"),
        ({"backend": 3}, "backend 3 is no name"),
        ({"crop": 5}, "crop 5 is not usable"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_line(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=re.escape(words)) as raised:
        blurbench.compare(**{"image": IMAGE, "quiet": True, **asked})
    assert "\n" not in str(raised.value)


def test_a_keyword_that_is_misspelt_is_told_with_the_right_one() -> None:
    misspelt: Any = {"bugdet": 3}
    with pytest.raises(TypeError, match=r"compare\(\) has no keyword 'bugdet': did you mean budg"):
        blurbench.compare(IMAGE, **misspelt)


def test_a_folder_that_holds_a_run_is_refused_before_anything_is_measured(folder: Path) -> None:
    (folder / "kept").mkdir()
    (folder / "kept" / "run.json").write_text("{}")
    with pytest.raises(InputError, match="holds a run already"):
        blurbench.compare(IMAGE, out="kept")


def test_a_crossover_takes_one_image() -> None:
    with pytest.raises(InputError, match="takes one image, not 2"):
        blurbench.crossover([IMAGE, IMAGE], (3, 5))


# What comes back.


@pytest.fixture
def result(two: None) -> blurbench.RunResult:
    return blurbench.compare(IMAGE, 5, **SOON)


def test_the_rows_have_the_columns_of_the_command_s_csv(result: blurbench.RunResult) -> None:
    result.save("run")
    shown = run("show", "run", "--csv", "-").out
    assert to_csv(list(result.rows[0]), result.rows) == shown
    assert len(list(csv.DictReader(shown.splitlines()))) == 2


def test_the_document_is_that_of_the_command(result: blurbench.RunResult) -> None:
    result.save("run")
    assert json.loads(run("show", "run", "--json", "-").out) == result.to_dict()


def test_what_is_saved_is_loaded_as_it_was(result: blurbench.RunResult) -> None:
    result.save("run")
    loaded = blurbench.load("run")
    assert loaded.rows == result.rows
    assert loaded.answer == result.answer
    assert not loaded.interrupted


def test_a_result_is_not_saved_over_another(result: blurbench.RunResult) -> None:
    result.save("run")
    with pytest.raises(InputError, match="holds a run already"):
        result.save("run")


@pytest.mark.usefixtures("brief")
def test_what_a_command_kept_is_loaded() -> None:
    assert (
        run(
            "compare",
            "photo.png",
            "--budget",
            "20",
            "--rounds",
            "1",
            "--size",
            "3",
            "--backend",
            "numpy",
            "--method",
            "separable",
            "--out",
            "run",
        ).code
        == 0
    )
    assert [row["image"] for row in blurbench.load("run").rows] == ["photo.png"]


def test_a_folder_of_runs_names_those_to_load(result: blurbench.RunResult) -> None:
    result.save("several/one")
    with pytest.raises(InputError, match=r"name those below, several/\*/"):
        blurbench.load("several")


@pytest.mark.usefixtures("two")
def test_a_run_that_is_kept_as_it_goes_is_the_result() -> None:
    result = blurbench.compare(IMAGE, 5, out="run", **SOON)
    assert blurbench.load("run").rows == result.rows


def test_the_rows_become_a_table_of_pandas(result: blurbench.RunResult) -> None:
    table = result.to_pandas()
    assert isinstance(table, pandas.DataFrame)
    assert table.set_index("method")["end_to_end_median_s"]["fast"] == pytest.approx(FAST, 0.1)


def test_without_pandas_the_error_says_how_to_have_it(
    result: blurbench.RunResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(InputError, match=r"to_pandas needs pandas.*pip install .*pandas>="):
        result.to_pandas()


def test_a_result_is_drawn(result: blurbench.RunResult) -> None:
    assert isinstance(result.plot(), Figure)


def test_without_matplotlib_the_error_says_how_to_have_it(
    result: blurbench.RunResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InputError, match=r"plot needs matplotlib.*pip install .*matplotlib>="):
        result.plot()


def test_its_text_is_the_question_and_the_answer(result: blurbench.RunResult) -> None:
    first, *others = repr(result).splitlines()
    assert first == "<blurbench compare: array: 16x16 float32, 1.02 kB>"
    assert others == result.answer.splitlines()


def test_a_library_s_own_call_is_in_the_answer(result: blurbench.RunResult) -> None:
    assert '  blurbench.gaussian_blur(img, size=5, backend="fake", method="fast")' in result.answer


@pytest.mark.parametrize("call", ["compare", "sweep", "crossover"])
def test_where_nothing_can_run_the_answer_says_why(plant: Any, clock: Clock, call: str) -> None:
    broken = raising(ValueError("out of order"))
    plant(backend_of(planted("separable", broken), planted("fft", broken)))
    sizes: Any = {"compare": 5, "sweep": [3, 5], "crossover": (3, 5)}[call]
    result = getattr(blurbench, call)(IMAGE, sizes, **SOON)
    assert "There is no answer: no implementation could run: fake: " in result.answer
    assert "out of order" in repr(result)


@pytest.mark.usefixtures("two")
def test_what_put_a_sweep_at_risk_meanwhile_is_told_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blurbench.study.run.find_risks", lambda *_, **__: ["it was slowed"])
    answer = blurbench.sweep(IMAGE, [3], **SOON).answer
    assert answer.startswith("Warning: it was slowed.")


# Ctrl-C.


@pytest.mark.parametrize("call", ["compare", "sweep"])
def test_an_interruption_gives_back_what_was_measured(plant: Any, clock: Clock, call: str) -> None:
    stopping = failing_after(20, clock.takes(SLOW), KeyboardInterrupt())
    plant(backend_of(planted("fast", clock.takes(FAST)), planted("slow", stopping)))
    sizes: Any = 5 if call == "compare" else [5, 7]
    result = getattr(blurbench, call)(IMAGE, sizes, **SOON)
    assert result.interrupted
    assert result.answer.startswith("Interrupted: this is what was measured until then.")
    assert {row["method"] for row in result.rows if row["rounds"]} == {"fast", "slow"}
    result.save("run")
    assert blurbench.load("run").interrupted


# Processes.


@pytest.mark.rest("processes")
@pytest.mark.usefixtures("brief")
def test_further_processes_measure_an_array_too() -> None:
    result = blurbench.compare(IMAGE, 3, processes=2, **REAL)
    assert [row["processes"] for row in result.rows] == [2]


@posix
@pytest.mark.rest("processes")
def test_a_run_of_an_array_is_gone_on_with_from_its_folder() -> None:
    blurbench.sweep(IMAGE, [3, 5], out="run", **REAL)
    ended = run("sweep", "--resume", "run")
    assert (ended.code, "array" in ended.out) == (0, True)
    (Path("run") / "image-1.npy").unlink()
    refused = run("sweep", "--resume", "run")
    assert refused.code == 2
    assert "array was an array, and the run's folder does not keep it" in refused.err


# In notebooks, and elsewhere.


class Tags(HTMLParser):
    """The tags and the text of a piece of HTML."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.mark.usefixtures("two")
def test_in_a_notebook_it_is_the_table_and_the_answer() -> None:
    result = blurbench.sweep(IMAGE, [3, 5], **SOON)
    found = Tags(result._repr_html_())
    assert found.tags.count("tr") == 3
    assert set(result.answer.splitlines()) <= set(found.texts)


@pytest.mark.usefixtures("two")
def test_what_an_image_is_called_cannot_become_html() -> None:
    name = "<img src=x onerror=alert(1)>.png"
    Path("photo.png").rename(name)
    found = Tags(blurbench.compare(name, 3, **SOON)._repr_html_())
    assert "img" not in found.tags
    assert any(name in text for text in found.texts)


def test_a_notebook_s_page_decides_on_the_colours(result: blurbench.RunResult) -> None:
    shown = result._repr_html_()
    assert set(re.findall(r"(?<![-\w])color:([^;\"]+)", shown)) == {"inherit"}
    assert set(re.findall(r"background:([^;\"]+)", shown)) == {
        "transparent",
        "rgba(128,128,128,.15)",
    }


class Display:
    """What a notebook showed."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, bundle: dict[str, str], **_: Any) -> Display:
        self.lines.append(bundle["text/plain"])
        return self

    update = __call__


def test_in_a_notebook_a_line_is_written_anew_now_and_then_and_emptied_in_the_end() -> None:
    display, times = Display(), iter([0.0, 0.1, 0.3])
    bar = InNotebook(display, lambda: next(times))
    bar.start()
    bar.show("too soon", 1, 4, "")
    bar.show("15x15", 1, 4, "8 s left")
    bar.stop()
    assert display.lines == ["starting", "15x15 · 25 % · 8 s left", ""]


class PressedEarly:
    """A bar at whose start somebody presses Ctrl-C."""

    shown = False

    def start(self) -> None:
        self.shown = True
        raise KeyboardInterrupt

    def stop(self) -> None:
        self.shown = False

    def show(self, text: str, done: float, total: float | None, left: str) -> None:
        """Nothing happens."""


def test_a_bar_that_was_only_half_put_up_is_taken_down() -> None:
    question = Question("sweep", (ImageSource(),), (SMALL,), (), Options())
    bar = PressedEarly()
    with pytest.raises(KeyboardInterrupt), open_listener(question, bar):
        pytest.fail("nothing is measured")
    assert not bar.shown


def test_without_a_terminal_and_a_notebook_nothing_is_shown(
    result: blurbench.RunResult, capfd: pytest.CaptureFixture[str]
) -> None:
    assert not bar_for(quiet=False).on_terminal
    blurbench.compare(IMAGE, 5, **SOON)
    assert capfd.readouterr() == ("", "")


def test_importing_the_package_loads_no_array_library_and_its_calls_are_no_modules() -> None:
    code = (
        "import sys, blurbench\n"
        "assert not {'numpy', 'rich', 'PIL'} & set(sys.modules)\n"
        "import blurbench.study.compare, blurbench.study.sweep, blurbench.report.compare\n"
        "assert all(map(callable, (blurbench.compare, blurbench.sweep, blurbench.crossover)))\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_module_has_the_name_of_a_call() -> None:
    home = Path(blurbench.__file__).parent
    parts = {path.stem for path in home.iterdir()}
    assert parts & {"compare", "sweep", "crossover", "load"} == set()
