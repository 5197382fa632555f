"""`make gpu-tune`, rehearsed on the CPU with a clock that only launches move."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import gpu_tune
from blurbench.backends.backend import Availability
from blurbench.backends.cuda.compiler import Kernel, Toolkit
from blurbench.backends.cuda.shapes import Shape, read_table
from gpu_tune import Bench, Point, Trial, best_of, rows_of, sensible, write_table
from helpers import cuda_on_cpu

POINT = Point("large", 1, 6)
SHAPE = Shape(6, values=2, threads=256, rows=8, blocks=2)


class Card:
    """The emulator with a clock: a launch takes as long as a block has values.

    Where a thread sums four, the result is wrong in images whose rows are multiples of four.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._emulated = cuda_on_cpu.toolkit()

    def bench(self) -> Bench:
        made = replace(self._emulated, compile=self._compile, capability="90")
        return Bench(made, self.measure, lambda: self.now, cores=2)

    def measure(self, call: Callable[[], object], loops: int) -> float:
        before = self.now
        call()
        return (self.now - before) * loops

    def _compile(self, text: str, name: str, given: tuple[str, ...]) -> Kernel:
        macros = {key: int(value) for key, value in re.findall(r"-D(\w+)=(\d+)", " ".join(given))}
        if macros["THREADS"] == 128:
            raise RuntimeError("the compiler broke")
        kernel = self._emulated.compile(text, name, given)

        def launch(grid: Any, block: Any, arguments: tuple[Any, ...]) -> None:
            kernel(grid, block, arguments)
            self.now += 1e-7 * macros["THREADS"] * macros["V"]
            if macros["V"] == 4 and arguments[1].shape[1] % 4 == 0:
                arguments[1][-1, -1] += 1

        return launch


@pytest.mark.skipif(cuda_on_cpu.COMPILER is None, reason="g++ is not installed")
@pytest.mark.rest("rehearsals")
def test_the_fastest_right_shape_of_each_point_gets_into_the_table(tmp_path: Path) -> None:
    table, record = tmp_path / "shapes.csv", tmp_path / "all.csv"
    files = ["--table", str(table), "--record", str(record)]
    small = ["--channels", "1,3", "--radii", "2,6", "--side", "64", "--every", "14"]
    assert gpu_tune.main([*files, *small], Card().bench()) == 0

    with record.open() as stream:
        tried = list(csv.DictReader(stream))
    reasons = {row["reason"].split(" by ")[0] for row in tried}
    assert reasons == {"", "wrong", "RuntimeError: the compiler broke"}
    assert all(bool(row["seconds"]) != bool(row["reason"]) for row in tried)
    own = [row for row in read_table(table) if row.capability == "90"]
    assert {(row.image, row.channels) for row in own} == {
        (image, channels) for image in ("large", "small") for channels in "13"
    }
    for row in own:
        right = [
            int(one["threads"]) * int(one["values"])
            for one in tried
            if one["image"] == row.image
            and one["channels"] == row.channels
            and int(one["radius"]) == row.shape.radius
            and not one["reason"]
        ]
        assert row.shape.threads * row.shape.values == min(right)


def test_time_that_is_up_costs_the_points_that_are_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moments = iter((0.0, 0.0, 700.0))
    bench = replace(Card().bench(), now=lambda: next(moments))
    bench = replace(bench, toolkit=Toolkit(None, _unable, 4, "90"))
    given = ["--table", str(tmp_path / "shapes.csv"), "--record", str(tmp_path / "all.csv")]
    assert gpu_tune.main([*given, "--radii", "2"], bench) == 1
    assert "Time is up" in capsys.readouterr().out


def _unable(*_: object) -> Kernel:
    raise RuntimeError("no kernel")


def test_the_usual_shape_stays_where_another_is_hardly_faster() -> None:
    usual, other = Trial(POINT, SHAPE, 1.0), Trial(POINT, replace(SHAPE, threads=512), 0.995)
    assert best_of([usual, other]) == usual.shape
    other.seconds = 0.9
    assert best_of([usual, other]) == other.shape
    usual.seconds = None
    assert best_of([usual, other]) == other.shape


def test_neighbours_of_the_same_shape_are_one_row() -> None:
    points = [Point("large", 1, 4), Point("large", 1, 6), Point("large", 3, 8)]
    trials = {point: [Trial(point, replace(SHAPE, radius=point.radius), 1.0)] for point in points}
    rows = rows_of("90", trials)
    assert [(row.channels, row.shape.radius) for row in rows] == [("1", 6), ("3", 8)]


def test_other_cards_keep_their_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trials = {POINT: [Trial(POINT, SHAPE, 1.0)]}
    others = [row for row in read_table() if row.capability not in ("75", "90")]
    others += rows_of("75", trials)
    known = (*others, *rows_of("90", trials))
    monkeypatch.setattr(gpu_tune, "read_table", lambda: known)
    rows = rows_of("90", {POINT: [Trial(POINT, replace(SHAPE, threads=384), 1.0)]})
    write_table(tmp_path / "shapes.csv", "90", rows)
    after = read_table(tmp_path / "shapes.csv")
    assert [row for row in after if row.capability == "90"] == rows
    assert {row for row in after if row.capability != "90"} == set(others)


@pytest.mark.parametrize(
    "point", [Point("large", 1, 2), Point("large", 3, 15), Point("small", 4, 8)], ids=str
)
def test_what_is_tried_begins_with_the_usual_shape_and_has_each_once(point: Point) -> None:
    shapes = list(sensible(point))
    assert shapes[0] == point.usual()
    assert len(set(shapes)) == len(shapes) > 10


def test_without_a_gpu_it_says_why(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    state = Availability(False, "no driver", "install one")
    monkeypatch.setattr("blurbench.backends.gpu.probe", lambda: state)
    assert gpu_tune.main([]) == 3
    assert "no driver" in capsys.readouterr().out
