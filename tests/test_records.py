"""What is kept can be read back: CSV, JSON, the journal of a run, and the names of cells."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blurbench.errors import InputError
from blurbench.files import check_output
from blurbench.measure.judge import Rules
from blurbench.records.declared import Declared
from blurbench.records.export import to_csv, to_json
from blurbench.records.journal import Journal, Run, check_folder, load
from blurbench.records.record import SAMPLE_COLUMNS, Record, read_records, utc
from blurbench.records.scopes import SCOPES
from blurbench.records.summary import Key, Row, as_written, brief_summary, columns
from helpers.made_runs import ABOUT
from helpers.refused import refusal

KEY = Key(
    implementation="numpy:fft",
    image="photo.png",
    height=480,
    width=640,
    channels=3,
    size=15,
    sigma=2.6,
    border="reflect",
    cval=0.0,
    dtype="float32",
    threads=2,
    cache="hot",
)
KEY_COLUMNS = [field.name for field in dataclasses.fields(Key)]
TEXT = st.text(st.characters(codec="utf-8"))
OTHER_VALUES = {
    "implementation": "scipy:fft",
    "image": "other.png",
    "height": 481,
    "width": 641,
    "channels": 1,
    "size": 17,
    "sigma": 2.7,
    "border": "wrap",
    "cval": 1.0,
    "dtype": "uint8",
    "threads": 1,
    "cache": "cold",
}


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def cell(value: Any) -> str:
    """How a value stands in CSV."""
    return to_csv(["a", "b"], [{"a": value, "b": 1}], header=False).removesuffix(",1\n")


# CSV.


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain words", "plain words"),
        ("a,b", '"a,b"'),
        ('say "no"', '"say ""no"""'),
        ("two\nlines", '"two\nlines"'),
        ("two\r\nlines", '"two\r\nlines"'),
        ("a\rb", '"a\rb"'),
        (None, ""),
        (math.nan, ""),
        (math.inf, ""),
        (-math.inf, ""),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (0.1, "0.1"),
        (1e-9, "1e-09"),
        ("größer µs", "größer µs"),
    ],
)
def test_a_value_in_csv(value: Any, text: str) -> None:
    assert cell(value) == text


def test_lines_end_with_a_line_feed() -> None:
    text = to_csv(["a", "b"], [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}])
    assert text == "a,b\n1,x\n2,y\n"


def test_the_header_can_be_left_out() -> None:
    assert to_csv(["a"], [{"a": 1}], header=False) == "1\n"


def test_a_column_that_a_row_lacks_is_empty() -> None:
    assert to_csv(["a", "b"], [{"b": 1}], header=False) == ",1\n"


def test_a_column_that_nobody_declared_is_refused() -> None:
    with pytest.raises(ValueError, match="surprise"):
        to_csv(["a"], [{"a": 1, "surprise": 2}])


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_read_back_the_same(value: float) -> None:
    (row,) = read_csv(to_csv(["a", "b"], [{"a": value, "b": 0}]))
    assert float(row["a"]) == value


@given(TEXT, TEXT)
def test_text_reads_back_the_same(first: str, second: str) -> None:
    (row,) = read_csv(to_csv(["a", "b"], [{"a": first, "b": second}]))
    assert row == {"a": first, "b": second}


# JSON.


@pytest.mark.parametrize("missing", [math.nan, math.inf, -math.inf, None])
def test_what_is_no_number_is_null_at_any_depth(missing: float | None) -> None:
    nested = {"a": missing, "b": [1.5, missing], "c": {"d": (missing, {"e": missing})}}
    expected = {"a": None, "b": [1.5, None], "c": {"d": [None, {"e": None}]}}
    assert json.loads(to_json(nested)) == expected


def test_json_is_valid_for_strict_readers() -> None:
    def refuse(name: str) -> None:
        raise AssertionError(name)

    json.loads(to_json({"a": math.nan, "b": [math.inf]}), parse_constant=refuse)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_keep_their_precision_in_json(value: float) -> None:
    assert json.loads(to_json({"a": value})) == {"a": value}


def test_json_keeps_order_and_ends_its_last_line() -> None:
    text = to_json({"z": 1, "a": "größer"})
    assert text == '{\n  "z": 1,\n  "a": "größer"\n}\n'


# The names of cells, and the columns.


def test_the_name_of_a_cell_is_the_same_in_every_run() -> None:
    assert KEY.cell_id == "cb3663be43bc"


@pytest.mark.parametrize("column", KEY_COLUMNS)
def test_a_cell_that_differs_in_any_column_has_another_name(column: str) -> None:
    assert replace(KEY, **{column: OTHER_VALUES[column]}).cell_id != KEY.cell_id


def test_neighbouring_columns_do_not_run_into_each_other() -> None:
    assert replace(KEY, height=48, width=640).cell_id != replace(KEY, height=4, width=8640).cell_id


@pytest.mark.parametrize(("column", "value"), [("cval", 0), ("cval", -0.0), ("sigma", 3)])
def test_equal_cells_have_one_name(column: str, value: float) -> None:
    written = replace(KEY, **{column: value})
    as_float = replace(KEY, **{column: float(value) + 0.0})
    assert written == as_float
    assert written.cell_id == as_float.cell_id


def test_an_image_whose_name_is_no_unicode_has_a_cell() -> None:
    assert replace(KEY, image="caf\udce9.png").cell_id != KEY.cell_id


def test_the_columns_start_with_those_of_the_key() -> None:
    assert columns()[: len(KEY_COLUMNS)] == KEY_COLUMNS


def test_a_row_has_exactly_the_columns() -> None:
    assert list(Row(KEY, "numpy", "fft", "ours", True).as_dict()) == columns()


def test_every_scope_has_six_columns() -> None:
    times = [5.0, 1.0, 9.0, 3.0, 7.0, 2.0, 8.0, 4.0, 6.0]
    for scope in SCOPES:
        row = Row(KEY, "numpy", "fft", "ours", True)
        row.set_times(scope, times, 0.05)
        own = {
            name: value
            for name, value in row.as_dict().items()
            if name.startswith(scope) and value is not None
        }
        assert own == {
            f"{scope}_median_s": 5.0,
            f"{scope}_ci95_low_s": 2.0,
            f"{scope}_ci95_high_s": 8.0,
            f"{scope}_q1_s": 3.0,
            f"{scope}_q3_s": 7.0,
            f"{scope}_min_s": 1.0,
        }


# The columns that say something.


def measured_row(**more: Any) -> Row:
    row = Row(replace(KEY, sigma=2.5999999999999996), "numpy", "fft", "ours", True, rounds=3)
    for scope in ("compute", "end_to_end"):
        row.set_times(scope, [1 / 3, 0.25, 0.5], 0.05)
    return replace(row, **more)


def brief(*rows: Row) -> list[dict[str, str]]:
    return read_csv(brief_summary(rows))


def test_columns_that_are_empty_in_every_row_are_left_out() -> None:
    one, other = brief(measured_row(), measured_row(setup_s=0.125))
    assert (one["setup_s"], other["setup_s"]) == ("", "0.125")
    assert "first_call_s" not in one
    assert "setup_s" not in brief(measured_row())[0]


def test_the_columns_keep_their_names_and_their_order() -> None:
    names = list(brief(measured_row())[0])
    assert names == [name for name in columns() if name in names]


def test_the_question_and_the_five_columns_of_every_table_are_always_there() -> None:
    (header,) = csv.reader(io.StringIO(brief_summary([])))
    asked = ["end_to_end_median_s", "ratio_to_fastest", "max_abs_error", "verdict", "reason"]
    assert set(header) >= {*KEY_COLUMNS, *asked}


def test_what_a_device_computes_has_columns_only_where_it_is_not_end_to_end() -> None:
    (on_cpu,) = brief(measured_row())
    (on_device,) = brief(measured_row(compute_median_s=0.125, kind="gpu"))
    assert "compute_median_s" not in on_cpu
    assert on_device["compute_median_s"] == "0.125"


def test_sigma_is_written_as_people_do_and_times_in_full() -> None:
    (found,) = brief(measured_row())
    assert (found["sigma"], found["end_to_end_median_s"]) == ("2.6", repr(1 / 3))


@given(st.integers(0, 5000), st.integers(1, 999))
def test_a_sigma_of_up_to_seven_digits_is_written_with_those(whole: int, part: int) -> None:
    written = float(f"{whole}.{part:03}")
    assert as_written(written * (1 + 2e-16)) == written


# The journal of a run.

FFT = Declared("numpy", "fft", "ours", True, "cpu")


def make_run(*declared: Declared, **about: Any) -> Run:
    """The description of a run of 2 threads."""
    about = {**ABOUT, **about}
    return Run("0123abcd", 2, declared or (FFT,), Rules(), "a machine", about)


def measured(elapsed_s: float = 0.5, scope: str = "end_to_end", **more: Any) -> Record:
    """A sample of `KEY`."""
    return Record(more.pop("key", KEY), scope, elapsed_s, **more)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A journal in a folder of its own, closed afterwards."""
    opened = Journal.create(tmp_path / "deep" / "run", make_run())
    yield opened
    opened.close()


def samples_of(journal: Journal) -> list[dict[str, str]]:
    """What another reader finds in the file now."""
    return read_csv((journal.folder / "samples.csv").read_text(encoding="utf-8"))


@pytest.mark.parametrize("condition", ["throttled", "stalled"])
@pytest.mark.parametrize("found", [None, True, False])
def test_the_conditions_of_a_sample_are_read_back(
    journal: Journal, condition: str, found: bool | None
) -> None:
    written = measured(clock_before_mhz=1980, clock_after_mhz=1200, **{condition: found})
    journal.append(written)
    text = (journal.folder / "samples.csv").read_text(encoding="utf-8")
    assert list(read_records(text)) == [written]


# Columns that were added after runs had been kept.
ADDED = (
    *("peak_device_bytes", "clock_before_mhz", "clock_after_mhz", "throttled"),
    *("multiply_adds", "stalled"),
)


def without_added_columns(folder: Path) -> None:
    """Make the file what an earlier version wrote."""
    path = folder / "samples.csv"
    rows = read_csv(path.read_text(encoding="utf-8"))
    kept = [name for name in SAMPLE_COLUMNS if name not in ADDED]
    lines = [",".join(kept), *(",".join(row[name] for name in kept) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_columns_are_only_ever_added_at_the_end() -> None:
    assert tuple(SAMPLE_COLUMNS[-len(ADDED) :]) == ADDED


def test_a_run_without_the_columns_added_since_can_be_read(journal: Journal) -> None:
    journal.append(measured())
    journal.close()
    without_added_columns(journal.folder)
    (row,) = load(journal.folder).rows()
    assert (row.end_to_end_median_s, row.throttled_samples) == (0.5, None)


def test_a_run_without_the_columns_added_since_is_not_gone_on_with(journal: Journal) -> None:
    journal.append(measured())
    journal.close()
    without_added_columns(journal.folder)
    with pytest.raises(InputError, match="another version"):
        Journal.reopen(journal.folder)


def test_a_new_journal_holds_its_header(journal: Journal) -> None:
    text = (journal.folder / "samples.csv").read_text(encoding="utf-8")
    assert text == ",".join(SAMPLE_COLUMNS) + "\n"


def test_the_promised_columns_come_first() -> None:
    promised = ["schema_version", "run_id", "attempt", "cell_id", "round", "position"]
    promised += [*KEY_COLUMNS, "scope", "inner_loops", "elapsed_s", "status", "reason"]
    promised += ["started_at_utc"]
    assert SAMPLE_COLUMNS[: len(promised)] == promised


def test_every_sample_is_on_disk_before_the_call_returns(journal: Journal) -> None:
    for number in range(1, 4):
        journal.append(measured(0.1 * number, round=number))
        assert [row["round"] for row in samples_of(journal)] == [
            str(one) for one in range(1, number + 1)
        ]


def test_a_sample_holds_the_columns_of_its_key(journal: Journal) -> None:
    journal.append(measured())
    (row,) = samples_of(journal)
    expected = {name: str(value) for name, value in dataclasses.asdict(KEY).items()}
    assert {name: row[name] for name in KEY_COLUMNS} == expected


def test_a_sample_holds_what_was_measured(journal: Journal) -> None:
    journal.append(
        measured(
            0.1 + 0.2,
            "compute",
            round=-2,
            position=3,
            inner_loops=7,
            started_at=1.5,
            competitors=5,
            attempt=3,
            process=2,
        )
    )
    (row,) = samples_of(journal)
    found = {name: text for name, text in row.items() if name not in KEY_COLUMNS}
    assert found == {
        "schema_version": "1",
        "run_id": "0123abcd",
        "attempt": "3",
        "cell_id": KEY.cell_id,
        "round": "-2",
        "position": "3",
        "scope": "compute",
        "inner_loops": "7",
        "elapsed_s": "0.30000000000000004",
        "status": "ok",
        "reason": "",
        "started_at_utc": "1970-01-01T00:00:01.500000+00:00",
        "process": "2",
        "competitors": "5",
        "predicted_s": "",
        "max_abs_error": "",
        "max_relative_error": "",
        **dict.fromkeys(ADDED, ""),
    }


@pytest.mark.parametrize("image", ['a "b", c.png', "größer.png", "two\nlines.png", "caf\udce9.png"])
def test_any_name_that_a_file_can_have_is_kept(journal: Journal, image: str) -> None:
    for elapsed_s in (0.5, 0.25):
        journal.append(measured(elapsed_s, key=replace(KEY, image=image)))
    assert [row["elapsed_s"] for row in samples_of(journal)] == ["0.5", "0.25"]
    assert load(journal.folder).summary() == journal.summary()


def test_what_a_journal_holds_is_read_back_the_same(journal: Journal) -> None:
    records = [
        measured(1 / 3, round=1, competitors=2, position=1, started_at=12.25),
        measured(2e-9, "first_call", max_abs_error=1e-7, max_relative_error=4e-10),
        Record(KEY, "end_to_end", status="over_budget", reason="a, b", predicted_s=12.5),
        Record(KEY, None),
    ]
    for record in records:
        journal.append(record)
    text = (journal.folder / "samples.csv").read_text("utf-8")
    assert list(read_records(text)) == records


def test_a_finished_run_has_a_summary(journal: Journal) -> None:
    for number, elapsed_s in enumerate((0.25, 1 / 3, 0.5)):
        journal.append(measured(elapsed_s, round=number - 2, competitors=1))
        journal.append(measured(elapsed_s, round=number + 1, competitors=1))
    journal.finish()
    (found,) = read_csv((journal.folder / "summary.csv").read_text(encoding="utf-8"))
    assert list(found) == columns()
    assert float(found["end_to_end_median_s"]) == 1 / 3
    assert (found["rounds"], found["machine_id"]) == ("3", "a machine")


def test_a_run_is_described_before_anything_is_measured(tmp_path: Path) -> None:
    Journal.create(tmp_path, make_run(machine={"cpu": "größer"}, copy_median_s=math.nan)).close()
    described = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert described["schema"] == "blurbench.run/1"
    assert described["run_id"] == "0123abcd"
    assert described["machine"] == {"cpu": "größer"}
    assert described["copy_median_s"] is None


def test_what_turns_out_to_be_a_risk_is_kept_with_those_that_were_known(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path, make_run(risks=["it runs on battery"]))
    journal.add_risks(["it was stopped", "it runs on battery"])
    journal.close()
    assert load(tmp_path).run.risks == ["it runs on battery", "it was stopped"]


def test_the_files_of_a_run_end_their_lines_with_a_line_feed(journal: Journal) -> None:
    journal.append(measured())
    journal.finish()
    for name in ("samples.csv", "summary.csv", "run.json"):
        content = (journal.folder / name).read_bytes()
        assert content.endswith(b"\n")
        assert b"\r" not in content


def test_a_folder_that_holds_a_run_is_refused_and_left_alone(journal: Journal) -> None:
    journal.append(measured())
    with pytest.raises(InputError, match="holds a run already: name another"):
        Journal.create(journal.folder, make_run())
    assert len(samples_of(journal)) == 1


def test_other_files_in_the_folder_are_no_run(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    Journal.create(tmp_path, make_run()).close()
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_samples_without_a_description_are_no_run(tmp_path: Path) -> None:
    (tmp_path / "samples.csv").write_text("begun and killed")
    Journal.create(tmp_path, make_run()).close()
    assert load(tmp_path).rows() == []


def test_an_instant_is_told_in_utc() -> None:
    assert utc(0.25) == "1970-01-01T00:00:00.250000+00:00"


# Reopening a run that was ended at any moment.


def test_every_torn_end_is_cut_and_nothing_before_it_is_lost(journal: Journal) -> None:
    key = replace(KEY, image='a "b",\nc.png')
    journal.append(measured(0.5, key=key, round=1))
    path = journal.folder / "samples.csv"
    whole = path.read_bytes()
    journal.append(measured(0.25, key=key, round=2))
    longer = path.read_bytes()
    for end in range(len(whole), len(longer)):
        path.write_bytes(longer[:end])
        journal.close()
        Journal.reopen(journal.folder).close()
        assert path.read_bytes() == whole


def test_a_torn_header_is_written_anew(journal: Journal) -> None:
    path = journal.folder / "samples.csv"
    whole = path.read_bytes()
    path.write_bytes(whole[:20])
    journal.close()
    Journal.reopen(journal.folder).close()
    assert path.read_bytes() == whole


def test_a_reopened_run_counts_another_attempt_and_knows_what_was_measured(
    journal: Journal,
) -> None:
    journal.append(measured(0.5, round=1))
    journal.append(measured(0.25, round=2))
    journal.close()
    again = Journal.reopen(journal.folder)
    again.append(measured(0.125, round=3, attempt=again.attempt))
    again.close()
    third = Journal.reopen(journal.folder)
    third.close()
    assert (again.attempt, third.attempt) == (2, 3)
    assert third.measured_s == 0.875


def test_a_run_that_is_under_way_is_not_reopened(journal: Journal) -> None:
    assert "is in use" in refusal(Journal.reopen, journal.folder)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("run.json", b"{"),
        ("run.json", b"[]"),
        ("run.json", b'{"schema": "blurbench.run/2"}'),
        ("samples.csv", b"a,b\n1,2\n"),
        ("samples.csv", b"\xff\xfe\n"),
    ],
)
def test_a_run_that_cannot_be_read_is_refused(journal: Journal, name: str, content: bytes) -> None:
    (journal.folder / name).write_bytes(content)
    assert str(journal.folder / name) in refusal(Journal.reopen, journal.folder)


def test_a_folder_without_a_run_cannot_be_reopened(tmp_path: Path) -> None:
    assert f"folder {tmp_path} holds no run" in refusal(Journal.reopen, tmp_path)


# What cannot be written is refused in one line.


@pytest.fixture
def _read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who may write nowhere, whoever runs the tests."""
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)


@pytest.mark.usefixtures("_read_only")
def test_a_folder_without_permission_is_refused(tmp_path: Path) -> None:
    assert "cannot be written" in refusal(Journal.create, tmp_path / "run", make_run())
    assert not (tmp_path / "run").exists()


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    assert "is a file" in refusal(Journal.create, tmp_path / "run", make_run())


def test_a_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert str(tmp_path / "file" / "run") in refusal(
        Journal.create, tmp_path / "file" / "run", make_run()
    )


def test_a_disk_that_fills_up_meanwhile_is_told_in_one_line(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        def write(self, text: str) -> None:
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        stream = journal._stream
        patch.setattr(journal, "_stream", Full())
        message = refusal(journal.append, measured())
        assert "No space left on device" in message
    assert journal._stream is stream


def test_a_folder_that_vanished_meanwhile_is_told_in_one_line(journal: Journal) -> None:
    shutil.rmtree(journal.folder)
    assert str(journal.folder) in refusal(journal.finish)


@pytest.mark.parametrize("name", ["new", "there", "deep/er/still"])
def test_a_folder_that_is_there_or_can_be_made_is_welcome(tmp_path: Path, name: str) -> None:
    (tmp_path / "there").mkdir()
    check_folder(tmp_path / name, "run")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["new.csv", "there.csv"])
def test_a_file_that_can_be_written_is_welcome_and_not_touched(tmp_path: Path, name: str) -> None:
    (tmp_path / "there.csv").write_text("before")
    check_output(str(tmp_path / name), "--csv")
    assert {one.name for one in tmp_path.iterdir()} == {"there.csv"}
    assert (tmp_path / "there.csv").read_text() == "before"


@pytest.mark.usefixtures("_read_only")
def test_standard_output_is_always_welcome() -> None:
    check_output("-", "--json")


def test_a_file_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    message = refusal(check_output, str(tmp_path), "--csv")
    assert f"--csv {tmp_path} is a folder" in message


def test_a_file_in_a_missing_folder_is_refused(tmp_path: Path) -> None:
    message = refusal(check_output, str(tmp_path / "no" / "out.csv"), "--csv")
    assert f"--csv folder {tmp_path / 'no'} does not exist" in message


@pytest.mark.usefixtures("_read_only")
@pytest.mark.parametrize("name", ["new.csv", "there.csv"])
def test_a_file_without_permission_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "there.csv").write_text("")
    message = refusal(check_output, str(tmp_path / name), "--csv")
    assert f"--csv {tmp_path / name} cannot be written to" in message
