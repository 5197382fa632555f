"""Every table is whole on a terminal of any width: from made records, nothing is measured."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from blurbench.analysis.against import find_matches
from blurbench.folders.batch import Outcome
from blurbench.inspect.accuracy import Accuracy
from blurbench.inspect.inspection import inspect as look_at
from blurbench.inspect.planning import PaddedSize, Planning
from blurbench.kernel import make_kernel
from blurbench.measure.judge import Result, Standing
from blurbench.measure.stats import Estimate
from blurbench.problem import Problem
from blurbench.records.journal import Log
from blurbench.records.summary import Key, Row
from blurbench.report import accuracy, against, batch, compare, inspect, show, tune, verify
from blurbench.report.backends import show_backends
from blurbench.report.console import say
from blurbench.report.table import Brackets, Table
from blurbench.study.verify import Asked, Check
from helpers.command import deny_gpu
from helpers.covering import covering
from helpers.screens import on, pipe, terminal
from helpers.written import Written

WIDTHS = (60, 80, 100, 120, 200)
USUAL = ("numpy:direct", "scipy:separable", "opencv:separable", "numba:fft")
LONGEST = ("pillow:extended_box", "skimage:separable", "torch_cuda:separable", "torch_cuda:fft")
NAMES = {"usual": USUAL, "longest": LONGEST}
DEVICES = {
    "usual": ("wgpu:separable", "software"),
    "longest": ("torch_cuda:separable", "gpu"),
}
SPREAD = 0.05  # of times, so that intervals are as wide as they get
Show = Callable[[Console], object]


def written(names: str, study: str, *sizes: int, **about: Any) -> Log:
    """A race at each size between four, of which the last overtakes."""
    log = Written(*NAMES[names], study=study, sizes=sizes, **about)
    for size in sizes:
        seconds = (1.023e-3, 1.104e-3, 2.3e-3 * size, 20e-3)
        log.race(size, dict(zip(NAMES[names], seconds, strict=True)), spread=SPREAD)
    return log.log


RISKS = {"risks": ["other work keeps 1.2 of 2 CPUs busy: close it, or measure again later"]}
MISSING = {"unavailable": {"cupy": "CuPy is not installed; pip install cupy", "wgpu": "no adapter"}}


def a_comparison(names: str) -> Show:
    log = written(names, "compare", 15, **RISKS, **MISSING)
    return lambda console: show.show_log(console, log, everything=True)


def a_sweep(names: str) -> Show:
    log = written(names, "sweep", 3, 5, 9, 15, 255, **RISKS, **MISSING)
    return lambda console: show.show_log(console, log)


def a_crossover(names: str) -> Show:
    log = written(names, "crossover", 3, 5, 9, 15, 255, **RISKS, **MISSING)
    return lambda console: show.show_log(console, log)


def three_runs(names: str) -> Show:
    logs = [written(names, "sweep", 3, 15) for _ in range(3)]
    return lambda console: show.show_runs(console, logs)


def a_device(names: str) -> Show:
    """Rows with all that only a device has, and software in place of one."""
    row = device_row(*DEVICES[names])
    standing = Standing(32, estimate(1.1e-3), estimate(1.0), "likely fastest")
    race = Result(row.name, row.name, {row.name: standing}, None, 0, True, 32)
    return lambda console: compare.show_point(
        console, compare.PointFigures([row], None, race, 0.03)
    )


def estimate(value: float) -> Estimate:
    return Estimate(value, value / 1.05, value * 1.05)


def device_row(name: str, kind: str) -> Row:
    key = Key(name, "photo.png", 48, 64, 3, 15, 2.6, "reflect", 0.0, "float32", 2, "hot")
    row = Row(key, *name.split(":"), "ours", True, kind=kind, rounds=16)
    for scope in ("compute", "end_to_end", "upload", "download", "launch", "compute_graph"):
        row.set_times(scope, [1.023e-3, 0.951e-3, 1.104e-3] * 8, 0.05)
    row.ratio_to_fastest, row.ratio_ci95_low, row.ratio_ci95_high = 1.0, 0.987, 1.052
    return replace(
        row, verdict="likely fastest", max_abs_error=1.2e-5, compilation_s=1.5, setup_s=0.1
    )


def the_peers(names: str) -> Show:
    log = Written(*NAMES[names], study="sweep", sizes=(3, 15))
    libraries = NAMES[names][1:3]
    declared = tuple(
        replace(one, origin="library" if one.name in libraries else "ours")
        for one in log.log.run.declared
    )
    log.log = Log(replace(log.log.run, declared=declared))
    for size in (3, 15):
        log.race(size, dict.fromkeys(NAMES[names], 0.1234), spread=SPREAD)
    matches = find_matches([log.log])
    return lambda console: against.show_matches(console, matches, 3)


def the_errors(names: str) -> Show:
    methods = ("box", "extended_box")
    found = [
        Accuracy(method, 3, None, sigma, 1.234e-5)
        for method in methods
        for sigma in (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 123.456)
    ]
    return lambda console: accuracy.show_accuracy(console, found)


@cache
def looked_at(even: bool) -> Any:
    return look_at(make_kernel(size=14 if even else 15, allow_even=True))


def a_kernel(names: str) -> Show:
    padded = [PaddedSize(name, (64, 72), 1.2) for name in ("padded", "fast", "2^n", "256n")]
    shares = dict.fromkeys((one.name for one in padded), 1.23)
    planning = [Planning(name, 0.123, 1.23e-3, shares) for name in NAMES[names]]
    planning.append(Planning("scipy:direct", None, None, shares, 12.3))
    found = replace(looked_at(names == "longest"), paddings=padded, planning=planning)
    return lambda console: inspect.show_inspection(console, found, has_shape=True)


def the_contract(names: str) -> Show:
    checks = [
        Check(name, dtype, 1234, ["border reflect, size 3: 2.1 of what is allowed"], 12.34)
        for name in NAMES[names]
        for dtype in ("uint16", "float32")
    ]
    return lambda console: verify.show_checks(console, Asked([], [], set(), {}), checks)


@cache
def shipped() -> Any:
    text = resources.files("blurbench.choice").joinpath("default.json").read_text("utf-8")
    return json.loads(text)


def the_tuning(names: str) -> Show:
    table = {**shipped(), "left_out": {"torch:fft": "it raised"}}
    return lambda console: tune.show_measured(console, table, "choice.json")


def the_choice(names: str) -> Show:
    problem = Problem(make_kernel(size=15), (1080, 1920, 3), np.dtype("float32"), threads=2)
    found = [(1.23e-3, "numba:separable"), (0.123, "numba:extended_box")]
    return lambda console: tune.show_explanation(
        console, problem, shipped(), "the shipped figures", found, found[:1], found[0][1]
    )


def the_backends(names: str) -> Show:
    def run(console: Console) -> None:
        with pytest.MonkeyPatch.context() as patch:
            deny_gpu(patch)
            show_backends(console)

    return run


def a_folder(names: str) -> Show:
    """A folder of images that were blurred, with notes and failures."""

    def run(console: Console) -> None:
        with pytest.MonkeyPatch.context() as patch:
            for name in ("error_console", "open_console"):
                patch.setattr(batch, name, lambda: console)
            report = batch.FilesReport(4, 1, Counter({".txt file": 2}), force=False, quiet=False)
            report.tell(Outcome(error="a-very-long-name.png cannot be read: it is no image"))
            report.tell(Outcome(notes=("its EXIF was dropped",)))
            report.finish()

    return run


PAGES = {
    "a comparison": a_comparison,
    "a device": a_device,
    "a sweep": a_sweep,
    "a crossover": a_crossover,
    "three runs": three_runs,
    "the peers": the_peers,
    "the errors": the_errors,
    "a kernel": a_kernel,
    "the contract": the_contract,
    "the tuning": the_tuning,
    "the choice": the_choice,
    "the backends": the_backends,
    "a folder": a_folder,
}


@cache
def made(page: str, names: str) -> Show:
    return PAGES[page](names)


by_all = covering(2, page=tuple(PAGES), width=WIDTHS, names=tuple(NAMES))


@cache
def shown(page: str, names: str, width: int) -> tuple[str, ...]:
    return tuple(on(terminal(width), made(page, names)))


@cache
def piped(page: str, names: str) -> tuple[str, ...]:
    return tuple(on(pipe(), made(page, names)))


@by_all
def test_no_line_is_wider_than_the_terminal(page: str, width: int, names: str) -> None:
    assert [line for line in shown(page, names, width) if len(line) > width] == []


@by_all
def test_no_line_ends_in_blanks_and_no_two_are_empty(page: str, width: int, names: str) -> None:
    lines = shown(page, names, width)
    assert [line for line in lines if line != line.rstrip()] == []
    assert "\n\n\n" not in "\n".join(lines)


@by_all
def test_no_word_is_broken(page: str, width: int, names: str) -> None:
    lines = shown(page, names, width)
    whole = words(piped(page, names)) | words(shown(page, names, 1000))
    text = " ".join(lines)
    for note in notes_of(lines):
        text = text.replace(note, "")
    assert set(text.split()) - whole == set()


def words(lines: Sequence[str]) -> set[str]:
    return set(" ".join(lines).split())


def notes_of(lines: Sequence[str]) -> list[str]:
    """What is said of columns for which there is no room, however it was wrapped."""
    text = " ".join(lines)
    return re.findall(r"Not shown in .*?\(\| cat shows all\)\.", text)


@pytest.mark.parametrize("page", PAGES)
def test_a_pipe_leaves_nothing_out(page: str) -> None:
    assert notes_of(piped(page, "longest")) == []


# What goes first.


def table_of_five() -> Table:
    table = Table(
        ("name", "time [95 %]", "ratio [95 %]", "error", "verdict"),
        right=(3,),
        spare=("error", Brackets("time [95 %]"), Brackets("ratio [95 %]")),
    )
    table.add_row("numba:separable", "1.02 ms [0.951, 1.10]", "1", "1.2e-05", "likely fastest")
    table.add_row("scipy:separable", "1.12 ms [1.05, 1.21]", "1.10x [0.987, 1.15]", "-", "unclear")
    return table


WHOLE = ["name", "time [95 %]", "ratio [95 %]", "error", "verdict"]


@pytest.mark.parametrize(
    ("width", "headers"),
    [
        (200, WHOLE),
        (85, WHOLE),
        (79, ["name", "time [95 %]", "ratio [95 %]", "verdict"]),
        (70, ["name", "time", "ratio [95 %]", "verdict"]),
        (60, ["name", "time", "ratio [95 %]", "verdict"]),
        (57, ["name", "time", "ratio", "verdict"]),
        (10, ["name", "time", "ratio", "verdict"]),
    ],
)
def test_the_least_needed_goes_first_and_name_time_ratio_and_verdict_stay(
    width: int, headers: list[str]
) -> None:
    header = on(terminal(width), table_of_five().show)[0]
    kept = [name for name in WHOLE if name in header or name.removesuffix(" [95 %]") in header]
    bare = [name if name in header else name.removesuffix(" [95 %]") for name in kept]
    assert bare == headers


def test_columns_move_together_before_one_of_them_goes() -> None:
    lines = on(terminal(80), table_of_five().show)
    assert (len(lines), max(map(len, lines))) == (3, 80)
    assert "error" in lines[0]


def test_what_there_is_no_room_for_is_told_and_how_to_see_it() -> None:
    lines = on(terminal(70), table_of_five().show)
    assert " ".join(lines[3:]) == (
        "Not shown in 70 columns: error, the interval of time (| cat shows all)."
    )


def test_where_all_is_shown_nothing_is_told() -> None:
    assert len(on(terminal(200), table_of_five().show)) == 3


@pytest.mark.parametrize(("width", "count"), [(119, 1), (120, 2), (140, 3)])
def test_further_columns_are_shown_as_far_as_a_wide_terminal_has_room(
    width: int, count: int
) -> None:
    table = Table(("a" * 80, "b" * 30, "c" * 20), extra=("c" * 20, "b" * 30))
    table.add_row("1", "2", "3")
    lines = on(terminal(width), table.show)
    assert len(lines[0].split()) == count
    assert len(lines) == 2


def test_a_name_is_never_cut_however_narrow_the_terminal() -> None:
    table = Table(("name", "time"), spare=("time",))
    table.add_row("a" * 50, "1 s")
    assert on(terminal(20), table.show)[1] == "a" * 50


def test_columns_are_aligned_where_characters_are_twice_as_wide() -> None:
    table = Table(("name", "time"), right=(1,))
    table.add_row("照片", "1 s")
    table.add_row("abcd", "10 s")
    assert on(pipe(), table.show) == ["name  time", "照片   1 s", "abcd  10 s"]


def test_markup_in_a_text_is_shown_as_it_is() -> None:
    table = Table(("name",))
    table.add_row("[bold]x[/]")
    assert on(terminal(80), table.show)[1] == "[bold]x[/]"


def test_prose_in_the_last_column_is_wrapped_at_words_beside_the_others() -> None:
    table = Table(("what", "meaning"), prose=True)
    table.add_row("aliasing", "the largest difference of the two")
    assert on(terminal(30), table.show) == [
        "what      meaning",
        "aliasing  the largest",
        "          difference of the",
        "          two",
    ]


def test_prose_is_not_wrapped_in_a_pipe() -> None:
    table = Table(("what", "meaning"), prose=True)
    table.add_row("aliasing", "the largest difference " * 9 + "of the two")
    assert len(on(pipe(), table.show)) == 2


def test_what_a_sentence_is_wrapped_to_is_indented_as_its_beginning() -> None:
    lines = on(terminal(20), lambda console: say(console, "a:\n    one two three four"))
    assert lines == ["a:", "    one two three", "    four"]
