"""The tables of a point: five columns in a pipe, and all that is known on a wide terminal."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from blurbench.measure.judge import Result, Standing
from blurbench.measure.stats import Estimate
from blurbench.records.summary import Key, Row
from blurbench.report.compare import PointFigures, show_point
from blurbench.report.point_tables import device_table

KEY = Key("gpu:two", "photo.png", 48, 64, 3, 15, 2.6, "reflect", 0.0, "float32", 2, "hot")
FIVE = ["implementation", "time [95 %]", "vs first", "error", "verdict"]


def row(**more: Any) -> Row:
    return replace(
        Row(KEY, "gpu", "two", "ours", True, rounds=16, verdict="fastest"),
        end_to_end_median_s=0.004,
        compute_median_s=0.001,
        **more,
    )


def ranking() -> Result:
    once = Estimate(0.001, None, None)
    standing = Standing(32, once, once, "fastest")
    return Result("gpu:two", "gpu:two", {"gpu:two": standing}, None, 0, True, 32)


def shown(found: Row, wide: bool = True, on_device: bool = False) -> list[list[str]]:
    """What is printed, line by line, split where two spaces part the columns."""
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=wide, width=160, highlight=False)
    show_point(console, PointFigures([found], None, ranking() if on_device else None, 0.03))
    lines = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue()).splitlines()
    return [re.split(r"\s{2,}", line.strip()) for line in lines]


def figures(lines: list[list[str]], table: int = 0) -> dict[str, str]:
    """The first row of a table, by column."""
    starts = [number for number, texts in enumerate(lines) if texts[0] == "implementation"]
    start = starts[table]
    return dict(zip(lines[start], lines[start + 1], strict=True))


@pytest.mark.parametrize("on_device", [False, True])
def test_in_a_pipe_every_table_has_five_columns(on_device: bool) -> None:
    lines = shown(row(), wide=False, on_device=on_device)
    heads = [texts for texts in lines if texts[0] == "implementation"]
    assert heads == [FIVE] * (1 + on_device)


def test_a_wide_terminal_shows_both_shares_and_the_bound_end_to_end() -> None:
    found = row(
        copy_bandwidth_fraction=0.25,
        multiply_add_fraction=0.5,
        compute_bound="arithmetic",
        end_to_end_bound="transfer",
    )
    shares = figures(shown(found))
    assert [shares[name] for name in ("of copy", "of FMA", "bound")] == ["25 %", "50 %", "transfer"]


def test_what_is_not_known_is_a_dash() -> None:
    shares = figures(shown(row()))
    assert [shares[name] for name in ("of copy", "of FMA", "bound")] == ["-", "-", "-"]


def test_the_table_of_the_device_shows_what_bounds_it_there() -> None:
    found = row(compute_bound="arithmetic", end_to_end_bound="transfer")
    assert figures(shown(found, on_device=True), table=1)["bound"] == "arithmetic"


def test_each_table_counts_the_rounds_of_its_own_race() -> None:
    lines = shown(row(), on_device=True)
    assert [figures(lines, table)["rounds"] for table in (0, 1)] == ["16", "32"]


@pytest.mark.parametrize(
    ("column", "field", "value", "text"),
    [
        ("graph", "compute_graph_median_s", 0.0009, "900 us"),
        ("launch", "launch_median_s", 2e-5, "20.0 us"),
        ("compiling", "compilation_s", 1.5, "1.50 s"),
        ("memory", "peak_device_bytes", 3_000_000, "3.00 MB"),
    ],
)
def test_the_table_of_the_device_shows_what_only_a_device_has(
    column: str, field: str, value: float, text: str
) -> None:
    lines = shown(row(**{field: value}), on_device=True)
    assert figures(lines, table=1)[column] == text


def test_a_wide_terminal_shows_the_way_there_and_back() -> None:
    found = row(
        upload_median_s=0.002,
        upload_pinned_median_s=0.001,
        download_median_s=0.004,
        download_pinned_median_s=0.003,
        end_to_end_pipelined_median_s=0.0015,
    )
    lines = shown(found, on_device=True)
    times = ["2.00 ms", "1.00 ms", "4.00 ms", "3.00 ms", "4.00 ms", "1.50 ms"]
    assert ["gpu:two", *times] in lines


def test_samples_that_were_throttled_are_told() -> None:
    told = [" ".join(texts) for texts in shown(row(throttled_samples=3), wide=False)]
    assert "gpu:two: 3 samples taken while the device was slowed down." in told


def test_samples_in_which_the_device_waited_for_the_host_are_told() -> None:
    told = " ".join(" ".join(texts) for texts in shown(row(stalled_samples=1), wide=False))
    assert "gpu:two: in 1 sample the device waited for the host, so it may be faster." in told


@pytest.mark.parametrize("samples", [None, 0])
def test_where_nothing_was_throttled_or_stalled_nothing_is_said(samples: int | None) -> None:
    found = row(throttled_samples=samples, stalled_samples=samples)
    told = " ".join(" ".join(texts) for texts in shown(found, wide=False))
    assert "slowed down" not in told
    assert "waited" not in told


@pytest.mark.parametrize(
    ("dtype", "error", "text"),
    [
        ("uint8", 0.5, "rounded"),
        ("uint8", 0.5002, "rounded"),
        ("uint16", 0.51, "rounded"),
        ("uint8", 0.51, "5.1e-01"),
        ("uint8", 3.0, "3.0e+00"),
        ("float32", 0.0, "0.0e+00"),
        ("float32", 0.5, "5.0e-01"),
    ],
)
def test_whole_numbers_that_are_only_rounded_do_not_look_wrong(
    dtype: str, error: float, text: str
) -> None:
    found = replace(row(max_abs_error=error), key=replace(KEY, dtype=dtype))
    assert figures(shown(found))["error"] == text


@pytest.mark.parametrize(("share", "text"), [(0.999, "100 %"), (1.23, "120 %"), (0.0123, "1.2 %")])
def test_a_share_is_written_without_an_exponent(share: float, text: str) -> None:
    assert figures(shown(row(copy_bandwidth_fraction=share)))["of copy"] == text


def test_a_race_without_a_round_has_no_ratio() -> None:
    nothing = Estimate(float("nan"), None, None)
    standing = Standing(0, nothing, nothing, "unclear")
    race = replace(ranking(), standings={"gpu:two": standing})
    stream = io.StringIO()
    device_table([row()], race).show(Console(file=stream, width=160))
    assert "nan" not in stream.getvalue()
