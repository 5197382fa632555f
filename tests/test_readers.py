"""What others read from a run's folder with no options: pandas, DuckDB and a plain CSV reader."""

from __future__ import annotations

import csv
import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from blurbench.records.journal import load
from blurbench.records.record import SAMPLE_COLUMNS, Record
from blurbench.records.summary import Key, Row, columns
from helpers import command
from helpers.pictures import noise, save

NAME = 'we,ird "name" größer.png'
FILES = ["samples.csv", "summary.csv"]

TEXT = {
    "samples.csv": [
        *("run_id", "cell_id", "implementation", "image", "border", "dtype", "cache"),
        *("scope", "status"),
    ],
    "summary.csv": [
        *("implementation", "image", "border", "dtype", "cache", "backend", "method", "origin"),
        *("status", "verdict", "machine_id"),
    ],
}
WHOLE = {
    "samples.csv": [
        *("schema_version", "attempt", "round", "position", "height", "width", "channels", "size"),
        *("threads", "inner_loops", "process", "competitors"),
    ],
    "summary.csv": [
        *("height", "width", "channels", "size", "threads", "rounds", "processes"),
    ],
}
NUMBERS = {
    "samples.csv": ["sigma", "cval", "elapsed_s", "max_abs_error", "max_relative_error"],
    "summary.csv": [
        *("sigma", "cval", "first_call_s", "setup_s", "end_to_end_median_s", "end_to_end_min_s"),
        *("end_to_end_q1_s", "end_to_end_q3_s", "compute_median_s", "ratio_to_fastest"),
        *("megapixels_per_s", "gigabytes_per_s", "copy_bandwidth_fraction", "max_abs_error"),
        *("max_relative_error",),
    ],
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on an image whose name has a comma, quotes and an umlaut."""
    place = tmp_path_factory.mktemp("readers")
    save(place / NAME, noise(24, 32, 3))
    what = ("--sizes", "3,5", "--backend", "numpy,scipy", "--method", "separable")
    how = ("--rounds", "8", "--budget", "4", "--out", place / "run")
    assert command.run("sweep", place / NAME, *what, *how).code == 0
    return place / "run"


@pytest.fixture
def pandas() -> Any:
    return pytest.importorskip("pandas")


@pytest.fixture
def duckdb() -> Iterator[Any]:
    module = pytest.importorskip("duckdb")
    with module.connect() as connection:
        yield connection


def lines_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


@pytest.mark.parametrize("name", FILES)
def test_every_line_has_as_many_columns_as_the_header(run: Path, name: str) -> None:
    header, *lines = lines_of(run / name)
    assert lines
    assert {len(line) for line in lines} == {len(header)}


@pytest.mark.parametrize("name", FILES)
def test_no_column_stands_twice(run: Path, name: str) -> None:
    header = lines_of(run / name)[0]
    assert len(set(header)) == len(header)


@pytest.mark.parametrize("name", FILES)
def test_pandas_reads_numbers_as_numbers(run: Path, name: str, pandas: Any) -> None:
    kinds = pandas.read_csv(run / name).dtypes
    assert [one for one in WHOLE[name] if kinds[one].kind != "i"] == []
    assert [one for one in NUMBERS[name] if kinds[one].kind != "f"] == []


@pytest.mark.parametrize("name", FILES)
def test_pandas_reads_text_as_text(run: Path, name: str, pandas: Any) -> None:
    table = pandas.read_csv(run / name)
    kind = pandas.api.types.is_string_dtype
    assert [one for one in TEXT[name] if not kind(table[one].dropna())] == []


def test_pandas_reads_truth_values_as_such(run: Path, pandas: Any) -> None:
    kinds = pandas.read_csv(run / "summary.csv").dtypes
    assert (kinds["exact"], kinds["own_kernel"]) == (bool, bool)


def test_pandas_reads_instants(run: Path, pandas: Any) -> None:
    table = pandas.read_csv(run / "samples.csv")
    instants = pandas.to_datetime(table["started_at_utc"])
    assert str(instants.dt.tz) == "UTC"
    assert instants.notna().all()


@pytest.mark.parametrize("name", FILES)
def test_pandas_reads_the_name_of_the_image(run: Path, name: str, pandas: Any) -> None:
    (image,) = set(pandas.read_csv(run / name)["image"])
    assert Path(image).name == NAME


def test_pandas_reads_every_float_as_it_was_written(run: Path, pandas: Any) -> None:
    table = pandas.read_csv(run / "summary.csv")
    expected = [row.end_to_end_median_s for row in load(run).rows()]
    assert list(table["end_to_end_median_s"]) == pytest.approx(expected, rel=1e-14)


def kinds_in(duckdb: Any, path: Path) -> dict[str, str]:
    """The type that DuckDB gives each column."""
    found = duckdb.execute("DESCRIBE SELECT * FROM read_csv(?)", [str(path)]).fetchall()
    return {row[0]: row[1] for row in found}


@pytest.mark.parametrize("name", FILES)
def test_duckdb_finds_every_column_and_line(run: Path, name: str, duckdb: Any) -> None:
    header, *lines = lines_of(run / name)
    assert list(kinds_in(duckdb, run / name)) == header
    query = f"SELECT count(*) FROM '{run / name}'"
    assert duckdb.execute(query).fetchall() == [(len(lines),)]


@pytest.mark.parametrize("name", FILES)
def test_duckdb_reads_numbers_as_numbers(run: Path, name: str, duckdb: Any) -> None:
    kinds = kinds_in(duckdb, run / name)
    assert [one for one in WHOLE[name] if kinds[one] != "BIGINT"] == []
    assert [one for one in NUMBERS[name] if kinds[one] != "DOUBLE"] == []


@pytest.mark.parametrize("name", FILES)
def test_duckdb_reads_text_as_text(run: Path, name: str, duckdb: Any) -> None:
    kinds = kinds_in(duckdb, run / name)
    assert [one for one in TEXT[name] if kinds[one] != "VARCHAR"] == []


def test_duckdb_reads_truth_values_as_such(run: Path, duckdb: Any) -> None:
    kinds = kinds_in(duckdb, run / "summary.csv")
    assert (kinds["exact"], kinds["own_kernel"]) == ("BOOLEAN", "BOOLEAN")


def test_duckdb_reads_instants(run: Path, duckdb: Any) -> None:
    assert kinds_in(duckdb, run / "samples.csv")["started_at_utc"].startswith("TIMESTAMP")


@pytest.mark.parametrize("name", FILES)
def test_duckdb_reads_the_name_of_the_image(run: Path, name: str, duckdb: Any) -> None:
    ((image,),) = duckdb.execute(f"SELECT DISTINCT image FROM '{run / name}'").fetchall()
    assert Path(image).name == NAME


def test_duckdb_finds_the_summarys_medians_in_the_samples(run: Path, duckdb: Any) -> None:
    query = f"""
        SELECT summary.implementation, summary.size, end_to_end_median_s,
               median(elapsed_s / inner_loops)
        FROM '{run / "summary.csv"}' AS summary JOIN '{run / "samples.csv"}' AS samples
        ON samples.implementation = summary.implementation AND samples.size = summary.size
        WHERE scope = 'end_to_end' AND round > 0 GROUP BY ALL
    """
    found = duckdb.execute(query).fetchall()
    assert len(found) == 4
    # Of autocorrelated samples the summary tells the median of the medians of blocks.
    assert all(recomputed == pytest.approx(told, rel=0.5) for *_, told, recomputed in found)


# Names made of digits: a reader without options takes them for numbers, and drops leading zeros.


def number_like(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True


def test_no_name_of_a_cell_can_be_taken_for_a_number() -> None:
    key = Key("numpy:fft", "a", 1, 1, 1, 3, 0.8, "reflect", 0.0, "float32", 1, "hot")
    names = [dataclasses.replace(key, size=size).cell_id for size in range(3, 3003)]
    assert [name for name in names if number_like(name)] == []


def test_no_name_of_a_machine_can_be_taken_for_a_number() -> None:
    from blurbench.records.machine import machine_id

    names = [machine_id({"cpu": f"model {number}"}) for number in range(3000)]
    assert [name for name in names if number_like(name)] == []


def test_the_name_of_a_machine_is_short() -> None:
    from blurbench.records.machine import machine_id

    assert len(machine_id({"cpu": "a model of a very long name"})) == 12


# Columns that happen to be empty.


def test_a_run_without_samples_has_its_columns(run: Path, tmp_path: Path, pandas: Any) -> None:
    shutil.copy(run / "run.json", tmp_path)
    log = load(tmp_path)
    (tmp_path / "summary.csv").write_text(log.summary(), "utf-8")
    assert list(pandas.read_csv(tmp_path / "summary.csv").columns) == columns()


def test_a_record_has_the_columns_of_the_header() -> None:
    key = Key("numpy:fft", NAME, 1, 1, 1, 3, 0.8, "reflect", 0.0, "float32", 1, "hot")
    (line,) = csv.reader([Record(key, "end_to_end", 0.5).line("run")])
    assert len(line) == len(SAMPLE_COLUMNS)
    assert len(Row(key, "numpy", "fft", "ours", True).as_dict()) == len(columns())
