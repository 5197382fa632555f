"""What `make gpu-check` measures and judges, on a device that is made up."""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import gpu_check
from blurbench.backends.backend import Implementation
from blurbench.border import BORDERS
from blurbench.plan import Problem
from gpu_check import CHANNELS, COPY, LIBRARY, LIMITS, OWN, SIZES, Limit, Point, Report, Times


class FakeDevice:
    """Time that only work moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: list[str] = []

    def work(self, name: str, seconds: float) -> Callable[..., None]:
        def call(*_: Any) -> None:
            self.calls.append(name)
            self.now += seconds

        return call

    def measure(self, call: Callable[[], object], loops: int) -> float:
        start = self.now
        for _ in range(loops):
            call()
        return self.now - start

    def implementation(self, name: str, seconds: float) -> Implementation:
        """One whose multiply-adds are its taps, a `seconds` each."""
        backend, method = name.split(":")
        return Implementation(
            backend,
            method,
            "library",
            lambda problem: self.work(name, seconds * problem.kernel.size),
            lambda problem: float(problem.kernel.size),
            lambda problem: 0,
        )


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> FakeDevice:
    made = FakeDevice()
    copies = {"by driver": made.work(COPY, 1e-3), "by kernel": made.work(COPY, 2e-3)}
    monkeypatch.setattr(gpu_check, "COPIES", copies)
    return made


def at(device: FakeDevice, size: int, **seconds: float) -> Point:
    """A point at which implementations `a:x` and so on take so long a tap."""
    ones = [device.implementation(f"{name}:x", each) for name, each in seconds.items()]
    return Times(ones, device.measure).at(gpu_check.problem_of(8, 1, size), [(None, None)])


def test_a_race_gives_the_median_of_a_call(device: FakeDevice) -> None:
    calls = {"slow": device.work("slow", 0.5), "quick": device.work("quick", 1e-4)}
    assert gpu_check.race(calls, device.measure) == pytest.approx({"slow": 0.5, "quick": 1e-4})


def test_a_race_goes_round_by_round(device: FakeDevice) -> None:
    gpu_check.race({name: device.work(name, 1.0) for name in "abc"}, device.measure)
    calls = device.calls[3:]
    rounds = [set(calls[start : start + 3]) for start in range(0, len(calls), 3)]
    assert rounds == [set("abc")] * gpu_check.ROUNDS


def test_the_faster_copy_is_the_yardstick_of_every_race(device: FakeDevice) -> None:
    assert at(device, 3, a=1e-3).seconds == pytest.approx({"a:x": 3e-3, COPY: 1e-3})


def test_what_is_far_slower_than_the_fastest_is_left_out(device: FakeDevice) -> None:
    point = at(device, 3, a=1e-3, b=0.06)
    assert point.seconds["b:x"] == math.inf
    assert "too slow" in point.reasons["b:x"]


def test_what_is_expected_to_be_too_dear_is_not_even_tried(device: FakeDevice) -> None:
    ones = [device.implementation("a:x", 0.01)]
    times = Times(ones, device.measure)
    times.at(gpu_check.problem_of(8, 1, 3), [(None, None)])
    device.calls.clear()
    point = times.at(gpu_check.problem_of(8, 1, 101), [(None, None)])
    assert "a:x" not in device.calls
    assert point.reasons == {"a:x": "expected to be too slow"}


def test_what_raises_is_told_and_ends_no_one_else(device: FakeDevice) -> None:
    def refuse(problem: Problem) -> Any:
        raise MemoryError("Out of memory\nallocating")

    broken = Implementation("b", "x", "library", refuse, lambda p: 1.0, lambda p: 0)
    times = Times([broken, device.implementation("a:x", 1e-3)], device.measure)
    point = times.at(gpu_check.problem_of(8, 1, 3), [(None, None)])
    assert point.reasons == {"b:x": "MemoryError: Out of memory allocating"}
    assert set(point.seconds) == {"a:x", COPY}


def points(**others: float) -> list[Point]:
    """All points; the copy takes 8 and our implementation 10."""
    seconds = {COPY: 8.0, OWN: 10.0, LIBRARY: 20.0, **others}
    return [Point(channels, size, dict(seconds)) for channels in CHANNELS for size in SIZES]


def kept(found: list[Point]) -> list[bool]:
    return [limit.judge(found, {LIBRARY, "cucim:separable"})[0] for limit in LIMITS]


def test_limits_that_are_just_reached_are_kept() -> None:
    assert kept(points()) == [True, True, True, True]


@pytest.mark.parametrize(
    ("index", "size", "name", "seconds"),
    [(0, 17, OWN, 10.1), (1, 31, OWN, 13.4), (2, 255, LIBRARY, 19.9), (3, 63, "cucim:x", 9.6)],
)
def test_a_limit_is_missed_at_a_single_size(
    index: int, size: int, name: str, seconds: float
) -> None:
    found = points()
    one = next(point for point in found if point.size == size)
    one.seconds[name] = seconds
    result, words = LIMITS[index].judge(found, {LIBRARY, "cucim:x"})
    assert not result
    assert f"least at size {size}, channels 1" in words


def test_our_own_array_code_is_no_rival() -> None:
    assert kept(points(**{"cupy:fft": 1.0})) == [True, True, True, True]


def test_a_library_that_is_too_slow_to_be_measured_is_beaten() -> None:
    assert kept(points(**{LIBRARY: math.inf})) == [True, True, True, True]


def test_a_limit_without_all_its_points_is_missed() -> None:
    assert kept(points()[:-1]) == [True, True, False, False]


def test_a_limit_without_what_it_is_held_against_is_missed() -> None:
    found = points()
    del found[5].seconds[LIBRARY]
    assert kept(found) == [True, True, False, False]


def test_limits_look_at_their_own_sizes_alone() -> None:
    limit = Limit("at 63", 1.0, gpu_check.of_copy, first=63, last=63)
    found = points()
    for point in found:
        point.seconds[COPY] = 10.0 if point.size == 63 else 1.0
    assert limit.judge(found, set())[0]


def test_the_table_has_a_row_for_each_size_and_a_dash_for_what_was_left_out() -> None:
    lines = gpu_check.table([Point(1, 3, {COPY: 8e-6, OWN: 10e-6, "b:x": math.inf})])
    assert [line.split() for line in lines] == [
        ["size,", "copy", OWN, "b:x"],
        ["3", "8.0", "10.0", "(", "80%)", "-"],
    ]


def test_the_times_are_kept_with_what_was_left_out_and_why(tmp_path: Path) -> None:
    reasons = {"b:x": "too slow", "c:x": "MemoryError"}
    point = Point(3, 5, {COPY: 1.0, "a:x": 2.0, "b:x": math.inf}, reasons)
    gpu_check.write_times(tmp_path / "times.csv", [point])
    with (tmp_path / "times.csv").open(encoding="utf-8", newline="") as stream:
        rows = {row["implementation"]: row for row in csv.DictReader(stream)}
    kept = {name: (row["compute_median_s"], row["reason"]) for name, row in rows.items()}
    assert kept == {
        COPY: ("1.0", ""),
        "a:x": ("2.0", ""),
        "b:x": ("", "too slow"),
        "c:x": ("", "MemoryError"),
    }
    assert rows["a:x"]["copy_bandwidth_fraction"] == "0.5"


class FakeStream:
    """A stream that keeps what it is asked."""

    def __init__(self) -> None:
        self.log: list[str] = []

    def synchronize(self) -> None:
        self.log.append("synchronize")

    def begin_capture(self) -> None:
        self.log.append("begin")

    def end_capture(self) -> Any:
        self.log.append("end")
        return self

    def launch(self, stream: FakeStream) -> None:
        assert stream is self
        self.log.append("launch")


def test_a_call_is_warmed_captured_and_replayed() -> None:
    stream = FakeStream()
    replay = gpu_check.captured(stream, lambda: stream.log.append("call"))
    replay()
    assert stream.log == ["call", "synchronize", "begin", "call", "end", "launch"]


def test_a_capture_that_fails_is_ended() -> None:
    stream = FakeStream()

    def call() -> None:
        if "begin" in stream.log:
            raise RuntimeError("not while capturing")

    with pytest.raises(RuntimeError, match="not while capturing"):
        gpu_check.captured(stream, call)
    assert stream.log[-1] == "end"


def test_a_part_that_breaks_fails_and_the_next_follows(tmp_path: Path) -> None:
    report = Report(tmp_path / "report.txt")

    def broken(report: Report) -> None:
        raise ValueError("first\nsecond")

    report.attempt("clocks", broken)
    report.judge(True, "crossover")
    assert report.failed
    text = (tmp_path / "report.txt").read_text("utf-8")
    assert text == "FAIL clocks: ValueError: first second\nPASS crossover\n"


def test_a_check_passes_with_its_last_line(tmp_path: Path) -> None:
    report = Report(tmp_path / "report.txt")
    gpu_check.report_right(report, {"tests": [sys.executable, "-c", "print('one\\ntwo')"]}, 60)
    assert not report.failed
    assert (tmp_path / "report.txt").read_text("utf-8") == "PASS tests: two\n"


def test_of_a_check_that_fails_everything_is_told(tmp_path: Path) -> None:
    report = Report(tmp_path / "report.txt")
    fails = [sys.executable, "-c", "print('one'); raise SystemExit('two')"]
    gpu_check.report_right(report, {"tests": fails, "verify": [sys.executable, "-c", ""]}, 60)
    assert report.failed
    text = (tmp_path / "report.txt").read_text("utf-8")
    assert text == "FAIL tests: two\none\ntwo\nPASS verify: nothing was said\n"


def test_a_check_that_takes_too_long_fails_and_is_ended(tmp_path: Path) -> None:
    sleeps = [sys.executable, "-c", "import time; time.sleep(600)"]
    found = gpu_check.run_beside({"verify": sleeps}, 0.2)
    assert found == {"verify": (False, "not finished in 0 s")}


def test_the_tests_and_every_backend_under_every_border_are_checked() -> None:
    checks = gpu_check.checks_of(["cuda"])
    assert list(checks) == ["GPU tests", *(f"verify of cuda, {border}" for border in BORDERS)]
    assert any(path.endswith("test_gpu.py") for path in checks["GPU tests"])
    assert checks["verify of cuda, wrap"][-4:] == ["--backend", "cuda", "--border", "wrap"]


@pytest.mark.parametrize(
    ("device", "name"),
    [
        ("NVIDIA GeForce RTX 4090 (Laptop)", "NVIDIA-GeForce-RTX-4090-Laptop-20261123T101500Z"),
        ("../é", "device-20261123T101500Z"),
    ],
)
def test_the_folder_is_named_after_device_and_date(device: str, name: str) -> None:
    assert gpu_check.folder_name(device, datetime(2026, 11, 23, 10, 15, tzinfo=UTC)) == name


def test_without_a_gpu_the_check_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    absent = gpu_check.gpu.Availability("no driver", "install it")
    monkeypatch.setattr(gpu_check.gpu, "probe", lambda: absent)
    assert gpu_check.main(["--out", str(tmp_path)]) == 3
    assert capsys.readouterr().out == "No GPU: no driver; install it\n"
    assert list(tmp_path.iterdir()) == []
