"""Our best blur against the best peer, cell by cell, from runs that are written by hand."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from blurbench.records.journal import Journal, Log
from helpers.command import deny_gpu, run
from helpers.process import work_in
from helpers.written import COMMON, Written

CELL = [
    *("height", "width", "channels", "dtype", "size", "border", "threads"),
    *("ours", "peer", "ratio", "ratio_ci95_low", "ratio_ci95_high"),
]


class Duel(Written):
    """A run in a folder; backends whose names begin with `peer` are libraries, `mine` is yours."""

    def __init__(self, folder: str, *names: str, approximate: str = "", **more: Any) -> None:
        super().__init__(*names, **{"study": "sweep", "sizes": (3, 7), **more})
        declared = tuple(
            replace(
                one,
                origin="library" if one.backend.startswith("peer") else one.origin,
                exact=one.name != approximate,
            )
            for one in self.log.run.declared
        )
        self.folder = folder
        self.log: Log = Journal.create(Path(folder), replace(self.log.run, declared=declared))

    def done(self) -> str:
        for findings in list(self.log.points.values()):
            self.closes(findings.point.size)
        assert isinstance(self.log, Journal)
        self.log.finish()
        return self.folder


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work_in(tmp_path, monkeypatch)
    deny_gpu(monkeypatch)


def two_sizes(folder: str = "run", **more: Any) -> str:
    """We take an eighth of the peer's time at 3, and twice its time at 7."""
    log = Duel(folder, "we:a", "we:b", "peer:c", "peer:d", **more)
    log.race(3, {"we:a": 0.001, "we:b": 0.004, "peer:c": 0.009, "peer:d": 0.008})
    log.race(7, {"we:a": 0.009, "we:b": 0.004, "peer:c": 0.002, "peer:d": 0.006})
    return log.done()


def cells(*folders: str) -> list[dict[str, Any]]:
    found = json.loads(run("show", *folders, "--against", "peers", "--json", "-").out)["cells"]
    assert all(list(cell) == CELL for cell in found)
    return list(found)


def only(folder: str) -> dict[str, Any]:
    (cell,) = cells(folder)
    return cell


def test_a_blur_of_ones_own_is_on_neither_side() -> None:
    log = Duel("run", "we:a", "peer:c", "mine:blur")
    log.race(3, {"we:a": 0.001, "peer:c": 0.009, "mine:blur": 0.0001})
    assert (only(log.done())["ours"], only("run")["peer"]) == ("we:a", "peer:c")


def test_a_blur_of_ones_own_is_no_peer() -> None:
    log = Duel("run", "we:a", "mine:blur")
    log.race(3, {"we:a": 0.001, "mine:blur": 0.0001})
    assert "no exact peer was timed" in run("show", log.done(), "--against", "peers").err


def test_the_best_of_both_sides_meet_in_every_cell() -> None:
    found = [(one["size"], one["ours"], one["peer"]) for one in cells(two_sizes())]
    assert found == [(3, "we:a", "peer:d"), (7, "we:b", "peer:c")]


def test_a_ratio_is_the_peers_time_over_ours_inside_its_interval() -> None:
    for cell, expected in zip(cells(two_sizes()), (8.0, 0.5), strict=True):
        assert cell["ratio"] == pytest.approx(expected, rel=0.01)
        assert cell["ratio_ci95_low"] <= cell["ratio"] <= cell["ratio_ci95_high"]
        assert cell["ratio_ci95_high"] / cell["ratio_ci95_low"] < 1.05


def test_a_cell_says_where_it_is() -> None:
    first = cells(two_sizes())[0]
    expected = {name: COMMON[name] for name in ("height", "width", "channels", "dtype", "border")}
    assert {name: first[name] for name in expected} == expected
    assert first["threads"] == 2


def test_the_last_lines_are_the_worst_cell_and_the_geometric_mean() -> None:
    *_, worst, mean = run("show", two_sizes(), "--against", "peers").out.splitlines()
    assert worst == "worst 0.500 at 32x24x3 float32, border mirror, 2 threads, size 7"
    assert mean == "geometric mean 2.00 over 2 cells"


def test_both_names_stand_in_every_line_within_80_columns() -> None:
    log = Duel("run", "numba:separable", "peer-opencv:separable")
    log.race(7, {"numba:separable": 0.001, "peer-opencv:separable": 0.1234}, spread=0.3)
    lines = run("show", log.done(), "--against", "peers").out.splitlines()
    (line,) = [line for line in lines if "peer-opencv" in line]
    assert line.split()[:3] == ["7", "numba:separable", "peer-opencv:separable"]
    assert max(map(len, lines[1:])) <= 80


def test_several_runs_make_one_table_with_one_mean() -> None:
    other = two_sizes("two", common={**COMMON, "dtype": "uint8"})
    ended = run("show", two_sizes("one"), other, "--against", "peers")
    assert ended.out.count("geometric mean 2.00 over 4 cells") == 1
    assert [one["dtype"] for one in cells("one", "two")] == 2 * ["float32"] + 2 * ["uint8"]


def test_who_left_the_race_early_keeps_its_figures() -> None:
    log = Duel("run", "we:a", "peer:c").race(3, {"we:a": 0.001, "peer:c": 0.004})
    for number in range(17, 33):
        log.record(3, "we:a", "end_to_end", 0.001, round=number, competitors=1)
    assert only(log.done())["ratio"] == pytest.approx(4, rel=0.01)


def test_two_that_never_raced_each_other_have_a_ratio_without_an_interval() -> None:
    log = Duel("run", "we:a", "we:b", "peer:c").race(3, {"we:a": 0.001, "we:b": 0.002})
    log.record(3, "peer:c", "end_to_end", 0.006, round=1)
    cell = only(log.done())
    assert cell["ratio"] == pytest.approx(6, rel=0.01)
    assert (cell["ratio_ci95_low"], cell["ratio_ci95_high"]) == (None, None)


def test_a_failed_control_leaves_no_interval() -> None:
    log = Duel("run", "we:a", "peer:c")
    log.race(3, {"we:a": 0.001, "peer:c": 0.002}, control=1.3)
    cell = only(log.done())
    assert cell["ratio"] == pytest.approx(2, rel=0.01)
    assert cell["ratio_ci95_low"] is None


@pytest.mark.parametrize("status", ["wrong", "implausible", "over_budget", "failed"])
def test_what_is_not_ok_never_counts(status: str) -> None:
    log = Duel("run", "we:a", "peer:c", "peer:d").race(3, {"we:a": 0.001, "peer:c": 0.002})
    log.record(3, "peer:d", "end_to_end", 1e-4, round=1)
    log.record(3, "peer:d", "end_to_end", status=status, reason="so it is", predicted_s=1e-4)
    assert only(log.done())["peer"] == "peer:c"


def test_what_is_approximate_never_counts() -> None:
    log = Duel("run", "we:a", "peer:c", "peer:d", approximate="peer:d")
    log.race(3, {"we:a": 0.001, "peer:c": 0.002, "peer:d": 0.0001})
    assert only(log.done())["peer"] == "peer:c"


def test_a_cell_that_lacks_one_side_is_counted_and_left_out() -> None:
    log = Duel("run", "we:a", "peer:c").race(3, {"we:a": 0.001, "peer:c": 0.002})
    log.race(7, {"we:a": 0.001}).out(7, "peer:c", "over_budget")
    folder = log.done()
    assert [one["size"] for one in cells(folder)] == [3]
    text = run("show", folder, "--against", "peers").out
    assert "1 cell without an exact time of both sides" in text
    assert "over 1 cell\n" in text


@pytest.mark.parametrize(
    ("names", "lacking"),
    [(("we:a", "we:b"), "no exact peer"), (("peer:a", "peer:b"), "no exact blur of ours")],
)
def test_a_run_without_a_side_is_refused_in_one_line(names: tuple[str, ...], lacking: str) -> None:
    log = Duel("run", *names).race(3, dict.fromkeys(names, 0.001))
    ended = run("show", log.done(), "--against", "peers")
    assert (ended.code, len(ended.err.splitlines()), ended.out) == (2, 1, "")
    assert lacking in ended.err


def test_only_the_peers_can_be_asked_for() -> None:
    ended = run("show", two_sizes(), "--against", "windmills")
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)


def test_the_document_holds_the_worst_and_the_mean() -> None:
    found = json.loads(run("show", two_sizes(), "--against", "peers", "--json", "-").out)
    assert found["schema"] == "blurbench.against/1"
    assert found["worst"]["size"] == 7
    ratios = [one["ratio"] for one in found["cells"]]
    assert found["geometric_mean"] == pytest.approx(math.sqrt(math.prod(ratios)))


def test_the_cells_can_be_had_as_csv_and_markdown() -> None:
    folder = two_sizes()
    text = run("show", folder, "--against", "peers", "--csv", "-").out
    assert list(next(csv.DictReader(io.StringIO(text)))) == CELL
    markdown = run("show", folder, "--against", "peers", "--markdown", "-").out
    assert "| 3 | we:a | peer:d |" in markdown
    assert "- geometric mean 2.00 over 2 cells" in markdown
