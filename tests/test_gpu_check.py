"""What `make gpu-check` measures and judges, on a device that is made up."""

from __future__ import annotations

import csv
import math
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from blurbench.backends.backend import Implementation
from blurbench.backends.device import Clocks
from blurbench.border import BORDERS
from blurbench.problem import Problem
from gpu_check import crossovers, graphs_part, instruments, processes, programme, rightness
from gpu_check.copying import COPY
from gpu_check.criteria import CRITERIA, Criterion, judge_clocks, of_copy
from gpu_check.device_part import DeviceFound, from_json, to_json
from gpu_check.processes import Ended
from gpu_check.races import (
    Race,
    Racers,
    TimedCalls,
    Timekeeper,
    disturbed,
    medians,
    race,
    read_races,
    table,
    write_samples,
    write_times,
)
from gpu_check.report import MISS, OPEN, PASS, Report, Verdict
from gpu_check.scale import LIBRARY, OWN, OWN_PART, SIZES, Scale, spread
from gpu_check.tensors import on_cupy
from gpu_check.times_part import points_left

ROUNDS = 3
SMALL = Scale(side=8, rounds=ROUNDS)


class FakeDevice:
    """Time that only work moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: list[str] = []
        self.stalled = False

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

    def racers(self, *ones: Implementation) -> Racers:
        copies = {"copy by driver": self.work(COPY, 1e-3), "copy by kernel": self.work(COPY, 2e-3)}
        return Racers(ones, copies, Timekeeper(self), ROUNDS)


@pytest.fixture
def device() -> FakeDevice:
    return FakeDevice()


@pytest.fixture
def report(tmp_path: Path) -> Report:
    return Report(tmp_path / "README.md")


def raced(racers: Racers, folder: Path, size: int) -> Race:
    """What the record says of a race at a size."""
    problem = SMALL.problem(size, 1)
    path = folder / f"{size}.csv"
    write_samples(path, "a", problem, racers.at(problem, [(None, None)]))
    (found,) = read_races(path)
    return found


# Races.


def test_a_race_gives_the_median_of_a_call(device: FakeDevice) -> None:
    calls = {"slow": device.work("slow", 0.5), "quick": device.work("quick", 1e-4)}
    found = medians(race(calls, Timekeeper(device), ROUNDS))
    assert found == pytest.approx({"slow": 0.5, "quick": 1e-4})


def test_a_race_goes_round_by_round(device: FakeDevice) -> None:
    race({name: device.work(name, 1.0) for name in "abc"}, Timekeeper(device), ROUNDS)
    calls = device.calls[3:]
    rounds = [set(calls[start : start + 3]) for start in range(0, len(calls), 3)]
    assert rounds == [set("abc")] * ROUNDS


def test_the_faster_copy_is_the_yardstick_of_every_race(device: FakeDevice, tmp_path: Path) -> None:
    found = raced(device.racers(device.implementation("a:x", 1e-3)), tmp_path, 3)
    assert found.seconds == pytest.approx({"a:x": 3e-3, COPY: 1e-3})


def test_what_is_far_slower_than_the_fastest_is_left_out(
    device: FakeDevice, tmp_path: Path
) -> None:
    ones = [device.implementation("a:x", 1e-3), device.implementation("b:x", 0.06)]
    found = raced(device.racers(*ones), tmp_path, 3)
    assert found.seconds["b:x"] == math.inf
    assert found.reasons == {"b:x": "a call took 0.18 s"}


def test_what_is_expected_to_be_too_dear_is_not_even_tried(
    device: FakeDevice, tmp_path: Path
) -> None:
    racers = device.racers(device.implementation("a:x", 0.01))
    raced(racers, tmp_path, 3)
    device.calls.clear()
    found = raced(racers, tmp_path, 101)
    assert "a:x" not in device.calls
    assert found.reasons == {"a:x": "expected to take 1 s a call"}


@pytest.mark.parametrize("pointer", [0, 42])
def test_pytorch_is_raced_on_cupys_arrays_and_stream(
    monkeypatch: pytest.MonkeyPatch, device: FakeDevice, pointer: int
) -> None:
    used: list[Any] = []
    cupy, torch = ModuleType("cupy"), ModuleType("torch")
    cupy.__dict__["cuda"] = SimpleNamespace(
        runtime=SimpleNamespace(getDevice=lambda: 1),
        get_current_stream=lambda: SimpleNamespace(ptr=pointer),
    )
    torch.__dict__.update(
        device=lambda *place: place,
        as_tensor=lambda array, device: (array, device),
        cuda=SimpleNamespace(
            get_stream_from_external=lambda pointer, device: (pointer, device),
            stream=lambda stream: nullcontext(used.append(stream)),
        ),
    )
    for module in (cupy, torch):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    one = device.implementation("torch_gpu:x", 1e-3)
    plan = on_cupy(replace(one, prepare=lambda problem: lambda *given: used.append(given)))
    plan.prepare(SMALL.problem(3, 1))("image", "out")
    place = ("cuda", 1)
    assert used == [(pointer, place), (("image", place), ("out", place))]


def test_what_takes_cupys_arrays_is_raced_as_it_is(device: FakeDevice) -> None:
    one = device.implementation("cupyx:x", 1e-3)
    assert on_cupy(one) is one


def test_our_blur_is_raced_however_slow_it_is(device: FakeDevice, tmp_path: Path) -> None:
    ones = [device.implementation("a:x", 1e-3), device.implementation(OWN, 1.0)]
    racers = device.racers(*ones)
    raced(racers, tmp_path, 3)
    assert raced(racers, tmp_path, 5).seconds[OWN] == pytest.approx(5.0)


def test_what_raises_is_told_and_ends_no_one_else(device: FakeDevice, tmp_path: Path) -> None:
    def refuse(problem: Problem) -> Any:
        raise MemoryError("Out of memory\nallocating")

    broken = Implementation("b", "x", "library", refuse, lambda p: 1.0, lambda p: 0)
    found = raced(device.racers(broken, device.implementation("a:x", 1e-3)), tmp_path, 3)
    assert found.reasons == {"b:x": "MemoryError: Out of memory allocating"}
    assert set(found.seconds) == {"a:x", COPY}


def test_what_breaks_the_device_is_told_of_all_that_were_to_race(
    monkeypatch: pytest.MonkeyPatch, device: FakeDevice, tmp_path: Path
) -> None:
    lost = iter([False] * 6)  # the first calls, and a second of each
    measure = device.measure

    def measure_or_break(call: Callable[[], object], loops: int) -> float:
        if next(lost, True):
            raise RuntimeError("cudaErrorIllegalAddress")
        return measure(call, loops)

    monkeypatch.setattr(device, "measure", measure_or_break)
    found = raced(device.racers(device.implementation("a:x", 1e-3)), tmp_path, 3)
    assert found.seconds == {}
    assert found.reasons["a:x"] == "RuntimeError: cudaErrorIllegalAddress"


def test_a_line_that_a_process_did_not_finish_is_left_out(
    device: FakeDevice, tmp_path: Path
) -> None:
    before = raced(device.racers(device.implementation("a:x", 1e-3)), tmp_path, 3)
    path = tmp_path / "3.csv"
    with path.open("a", encoding="utf-8") as stream:
        stream.write("a,a:x,8,8,1,3,raced,4,1")
    assert read_races(path) == [before]


def test_points_that_were_kept_are_not_raced_again(tmp_path: Path) -> None:
    scale = Scale(sizes=(3, 5))
    write_samples(
        tmp_path / "samples.csv", "cupyx", scale.problem(5, 3), [TimedCalls("a", "failed")]
    )
    assert points_left("cupyx", scale, tmp_path) == [(3, 1), (3, 3), (5, 1)]
    other_side = replace(scale, side=scale.side - 1)
    assert points_left("cupyx", other_side, tmp_path) == scale.points("cupyx")
    assert points_left("cucim", scale, tmp_path) == scale.points("cucim")


def test_beside_cupyx_every_odd_size_is_raced_those_of_the_check_first() -> None:
    scale = Scale(sizes=(3, 11))
    assert scale.points("cucim") == [(3, 1), (3, 3), (11, 1), (11, 3)]
    assert scale.points("cupyx")[:4] == scale.points("cucim")
    assert sorted(scale.points("cupyx")) == [(size, c) for size in range(3, 13, 2) for c in (1, 3)]


def test_a_sample_tells_what_was_in_its_way(device: FakeDevice, tmp_path: Path) -> None:
    device.stalled = True
    slow = Timekeeper(device, lambda: Clocks(1000, throttled=True))
    samples = [
        one.sample("a", 1, device.work("a", 1.0), 1)
        for one in (
            slow,
            Timekeeper(device, lambda: Clocks(2000, throttled=False)),
            Timekeeper(device),
        )
    ]
    assert [(one.stalled, one.throttled) for one in samples] == [
        (True, True),
        (True, False),
        (True, None),
    ]
    write_samples(tmp_path / "samples.csv", "a", SMALL.problem(3, 1), samples)
    assert disturbed(tmp_path / "samples.csv") == (3, 3, 1)


def test_any_beginning_of_the_sizes_covers_them_all() -> None:
    found = spread(SIZES)
    assert found[:3] == [3, 255, 21]
    assert sorted(found) == sorted(SIZES)


def test_the_table_has_a_row_for_each_size_and_a_dash_for_what_was_left_out() -> None:
    lines = table([Race("cuda", 8, 1, 3, {COPY: 8e-6, OWN: 10e-6, "b:x": math.inf})])
    assert [line.split() for line in lines] == [
        ["size", "copy", OWN, "b:x"],
        ["3", "8.0", "10.0", "(80%)", "-"],
    ]


def test_the_times_are_kept_with_what_was_left_out_and_why(tmp_path: Path) -> None:
    reasons = {"b:x": "too slow", "c:x": "MemoryError"}
    found = Race("a", 8, 3, 5, {COPY: 1.0, "a:x": 2.0, "b:x": math.inf}, reasons)
    write_times(tmp_path / "times.csv", [found])
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


# What is asked.

LIBRARIES = ["cupyx", "cucim"]
FULL = Scale()


def races(**others: float) -> list[Race]:
    """All points; the copy takes 8 and our blur 10."""
    common = {COPY: 8.0, OWN: 10.0}
    beside = {OWN_PART: {"cuda:direct": 9.0}, "cupyx": {LIBRARY: 20.0}, "cucim": {"cucim:x": 9.8}}
    return [
        Race(part, FULL.side, channels, size, {**common, **others, **rivals})
        for part, rivals in beside.items()
        for size, channels in FULL.points(part)
    ]


def judged(found: Sequence[Race]) -> list[str]:
    return [one.judge(found, FULL, LIBRARIES).kept for one in CRITERIA]


def test_what_is_just_reached_is_kept() -> None:
    assert judged(races()) == [PASS] * 4


@pytest.mark.parametrize(
    ("index", "part", "size", "name", "seconds"),
    [
        (0, OWN_PART, 17, OWN, 10.1),
        (1, OWN_PART, 31, OWN, 13.4),
        (2, "cupyx", 253, LIBRARY, 19.9),
        (3, "cucim", 63, "cucim:x", 9.6),
    ],
)
def test_what_is_asked_is_missed_at_a_single_size(
    index: int, part: str, size: int, name: str, seconds: float
) -> None:
    found = races()
    one = next(one for one in found if (one.part, one.size) == (part, size))
    one.seconds[name] = seconds
    verdict = CRITERIA[index].judge(found, FULL, LIBRARIES)
    assert verdict.kept == MISS
    assert f"(size {size}, channels 1, beside {part})" in verdict.words


def test_our_own_array_code_is_no_rival() -> None:
    assert judged(races(**{"cupy:fft": 1.0})) == [PASS] * 4


def test_a_library_is_held_against_the_best_of_ours() -> None:
    found = races(**{"cuda:fft": 4.0})
    for one in found:
        one.seconds |= {LIBRARY: 9.0} if one.part == "cupyx" else {}
        one.seconds |= {"cucim:x": 5.0} if one.part == "cucim" else {}
    assert judged(found) == [PASS] * 4


def test_a_library_that_is_too_slow_to_be_measured_is_beaten() -> None:
    found = races()
    for one in found:
        if one.part == "cupyx":
            one.seconds[LIBRARY] = math.inf
    assert judged(found) == [PASS] * 4


def test_where_a_point_is_lacking_nobody_knows() -> None:
    found = [one for one in races() if (one.part, one.size) != ("cupyx", 255)]
    assert judged(found) == [PASS, PASS, OPEN, OPEN]


def test_where_an_odd_size_in_between_is_lacking_nobody_knows() -> None:
    found = [one for one in races() if (one.part, one.size) != ("cupyx", 253)]
    assert judged(found) == [PASS, PASS, OPEN, PASS]


def test_where_a_point_is_lacking_and_another_is_missed_it_is_missed() -> None:
    found = [one for one in races() if one.size != 3]
    next(one for one in found if one.size == 5).seconds[OWN] = 11.0
    assert judged(found)[0] == MISS


def test_where_a_library_failed_nobody_knows() -> None:
    found = races()
    del next(one for one in found if one.part == "cupyx").seconds[LIBRARY]
    assert judged(found) == [PASS, PASS, OPEN, OPEN]


def test_where_nothing_was_measured_nobody_knows() -> None:
    assert judged([]) == [OPEN] * 4


def test_a_criterion_looks_at_its_own_sizes_alone() -> None:
    found = races()
    for one in found:
        one.seconds[COPY] = 10.0 if one.size == 63 else 1.0
    asked = Criterion("at 63", 1.0, of_copy, OWN_PART, first=63, last=63)
    assert asked.judge(found, FULL, []).kept == PASS


@pytest.mark.parametrize(("wall", "kept"), [(1.02, PASS), (0.96, MISS)])
def test_clocks_are_held_against_our_events(wall: float, kept: str) -> None:
    found = judge_clocks(OWN, {"events": 1.0, "benchmark": 1.0, "wall": wall})
    assert [one.kept for one in found] == [PASS, kept]


def crossing(scope: str, changes: Sequence[Any], at_both_ends: bool) -> dict[str, Any]:
    names = {"first": "cpu:fastest", "second": "gpu:fastest"}
    proven = {"changes": changes, "proven_at_both_ends": at_both_ends}
    return {**names, **proven, "scope": scope, "sentence": "between 9 and 11"}


def test_crossovers_are_wanted_with_copies_and_without() -> None:
    found = crossovers.judge_crossovers([crossing("compute", ["one"], False)], "256x256")
    assert [one.kept for one in found] == [OPEN, PASS]
    assert "without" not in found[0].words
    assert "between 9 and 11" in found[1].words


@pytest.mark.parametrize(("at_both_ends", "kept"), [(True, PASS), (False, OPEN)])
def test_who_is_always_faster_is_known_where_both_ends_are_proven(
    at_both_ends: bool, kept: str
) -> None:
    found = crossovers.judge_crossovers([crossing("compute", [], at_both_ends)], "256x256")
    assert found[1].kept == kept
    assert "between 9 and 11" in found[1].words


# Graphs.


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
    replay = graphs_part.captured(stream, lambda: stream.log.append("call"))
    replay()
    assert stream.log == ["call", "synchronize", "begin", "call", "end", "launch"]


def test_a_capture_that_fails_is_ended() -> None:
    stream = FakeStream()

    def call() -> None:
        if "begin" in stream.log:
            raise RuntimeError("not while capturing")

    with pytest.raises(RuntimeError, match="not while capturing"):
        graphs_part.captured(stream, call)
    assert stream.log[-1] == "end"


# Processes.

SLEEPS = [sys.executable, "-c", "print('begun', flush=True); import time; time.sleep(600)"]


def test_a_command_that_takes_too_long_is_ended_and_what_it_said_is_kept() -> None:
    assert processes.run(SLEEPS, 1.0) == Ended(None, "begun\n")


def test_what_a_command_started_is_ended_with_it() -> None:
    child = "import time; print('begun', flush=True); time.sleep(20); print('alive')"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    assert processes.run([sys.executable, "-c", parent], 1.0).output == "begun\n"


def test_a_process_that_breaks_down_is_told_from_one_that_says_no() -> None:
    aborted = processes.run([sys.executable, "-c", "import os; os.abort()"], 60)
    refused = processes.run([sys.executable, "-c", "raise SystemExit('no')"], 60)
    assert (aborted.how, refused.how) == ("ended by signal 6", "exit code 1")


def test_what_is_not_begun_in_time_is_not_finished() -> None:
    found = processes.run_beside({"a": SLEEPS, "b": SLEEPS}, 0.5, workers=1)
    assert [one.code for one in found.values()] == [None, None]


# Is it right?

SOME_TESTS = """
import os, pytest
@pytest.mark.parametrize("number", range(4))
def test_one(number):
    assert number != {failing}
    if number == {ending}:
        os._exit(1)
"""
PYTEST = """
import os, sys
sys.path.insert(0, {tools!r})
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
import pytest
pytest.main(["-q", "-p", "gpu_check.shard", "--told", "told.tsv", "test_some.py", *sys.argv[1:]])
"""


def run_pytest(folder: Path, *given: str) -> None:
    """Run the folder's tests, and tell what became of them."""
    code = PYTEST.format(tools=str(Path(processes.__file__).parents[1]))
    command = [sys.executable, "-c", code, *given]
    subprocess.run(command, cwd=folder, capture_output=True, check=False)


def what_was_told(folder: Path, failing: int | None = None, ending: int | None = None) -> Path:
    """What a run told of four tests, of which one may fail and another end the process."""
    tests = SOME_TESTS.format(failing=failing, ending=ending)
    (folder / "test_some.py").write_text(tests, "utf-8")
    (folder / "pytest.ini").write_text("[pytest]", "utf-8")
    run_pytest(folder)
    return folder / "told.tsv"


def test_a_test_that_fails_is_named_and_those_that_ran_are_counted(
    tmp_path: Path, report: Report
) -> None:
    rightness.judge_tests(report, what_was_told(tmp_path, failing=1), [Ended(1, "assert")], 60)
    (verdict,) = report.verdicts
    assert verdict.kept == MISS
    assert verdict.words == "GPU tests: 4 ran, 0 were skipped, 1 failed: test_some.py::test_one[1]"


def test_tests_that_were_not_reached_are_named_and_have_not_failed(
    tmp_path: Path, report: Report
) -> None:
    rightness.judge_tests(report, what_was_told(tmp_path, ending=2), [Ended(None, "")], 5)
    passed, left = report.verdicts
    assert (passed.kept, left.kept) == (PASS, OPEN)
    assert "2 not finished in 5 s: test_some.py::test_one[2], " in left.words


def test_a_shard_that_breaks_down_is_missed_with_the_test_that_ran(
    tmp_path: Path, report: Report
) -> None:
    told = tmp_path / "told.tsv"
    told.write_text("collected\ta\ncollected\tb\nstarted\ta\npassed\ta\nstarted\tb\n")
    rightness.judge_tests(report, told, [Ended(-11, "Segmentation fault")], 60)
    assert report.verdicts[0] == Verdict(
        MISS,
        "GPU tests: 1 ran, 0 were skipped, 0 failed; a process broke down, ended by signal 11 at b",
    )


def test_tests_that_are_all_skipped_say_nothing(tmp_path: Path, report: Report) -> None:
    told = tmp_path / "told.tsv"
    told.write_text("collected\ta\nskipped\ta\n")
    rightness.judge_tests(report, told, [Ended(0, "")], 60)
    assert [one.kept for one in report.verdicts] == [OPEN]


def test_the_shards_are_all_tests_once(tmp_path: Path) -> None:
    commands = rightness.test_commands(tmp_path, 3, ["cuda"])
    shards = [command[command.index("--shard") + 1] for command in commands.values()]
    assert shards == ["0/3", "1/3", "2/3"]
    assert all(any(path.endswith("test_gpu.py") for path in one) for one in commands.values())


def test_tests_that_share_what_takes_long_go_to_one_shard(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]", "utf-8")
    shared = "".join(f"def test_{name}(compared): pass\n" for name in "abc")
    text = f"import pytest\n@pytest.fixture(scope='session')\ndef compared(): pass\n{shared}"
    (tmp_path / "test_some.py").write_text(text + "def test_other(): pass\n", "utf-8")
    shards = []
    for number in range(2):
        run_pytest(tmp_path, "--shard", f"{number}/2")
        shards.append([test[-1] for test in rightness.outcomes(tmp_path / "told.tsv")])
        (tmp_path / "told.tsv").unlink()
    assert shards == [["a", "b", "c"], ["r"]]


def test_the_tests_of_pytorchs_device_run_where_it_is_one(tmp_path: Path) -> None:
    commands = rightness.test_commands(tmp_path, 1, ["cuda", "torch_gpu"])
    assert len(commands) == 1 + rightness.OF_TENSORS_SHARDS
    own = commands["tests of torch_gpu 0"]
    assert own[own.index("-k") + 1] == "[torch_gpu"


def test_every_backend_is_verified_under_every_border() -> None:
    commands = rightness.verify_commands(["cuda"])
    assert list(commands) == [f"cuda under {border}" for border in BORDERS]
    assert commands["cuda under wrap"][-4:] == ["--backend", "cuda", "--border", "wrap"]


def test_verify_that_did_not_end_has_not_failed(report: Report) -> None:
    ended = {"wrap": Ended(0, "all\n"), "mirror": Ended(1, "bad\n"), "nearest": Ended(None, "")}
    rightness.judge_verify(report, ended, 60)
    assert [one.kept for one in report.verdicts] == [PASS, MISS, OPEN]
    assert report.verdicts[2].words == "1 of 3 runs of `verify` not finished in 60 s: nearest"


def test_a_device_of_little_memory_runs_few_processes() -> None:
    assert rightness.workers(free_bytes=2**29) == 1


# NVIDIA's tools.


@pytest.mark.parametrize(
    ("code", "kept"), [(0, PASS), (instruments.FAULT, MISS), (1, OPEN), (None, OPEN)]
)
def test_the_sanitizer_is_believed_where_it_ran(
    monkeypatch: pytest.MonkeyPatch, report: Report, tmp_path: Path, code: int | None, kept: str
) -> None:
    monkeypatch.setattr(instruments.shutil, "which", lambda name: "/bin/it")
    monkeypatch.setattr(instruments, "run", lambda command, seconds: Ended(code, "0 errors"))
    instruments.look_inside(report, tmp_path, ["blur"], 30)
    assert [one.kept for one in report.verdicts] == [kept] * len(instruments.KINDS)


# The programme.

USABLE = {"cuda": False, "cupyx": True, "opencv_ocl": True}
FOUND = DeviceFound(
    "Made up", {"cupy": "14.2"}, 0, 2**33, 2**33, "90", USABLE, {}, apart=["opencv_ocl"]
)


def test_what_the_device_is_goes_from_one_process_to_another() -> None:
    assert from_json(to_json(FOUND)) == FOUND


def test_parts_that_break_leave_the_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []

    def run(command: Sequence[str], seconds: float) -> Ended:
        part = command[command.index("--part") + 1]
        asked.append(part)
        device = f"a library warns\n{to_json(FOUND)}\nat its exit, too"
        return Ended(0, device) if part == "device" else Ended(-11, "Segmentation fault")

    monkeypatch.setattr(programme, "run", run)
    for name in ("check_rightness", "find_crossovers", "look_inside", "draw_times"):
        monkeypatch.setattr(programme, name, raising)
    assert programme.main(["--out", str(tmp_path), "--sizes", "3,5"]) == 1
    assert asked == ["device", "compile", "times", "times", "times", "clocks", "graphs"]
    (page,) = tmp_path.glob("*/README.md")
    text = page.read_text("utf-8")
    assert text.count("ValueError: not today") == 2 * 4  # at its place, and in short
    assert text.count("none of 4 points was measured") == 2 * 3


def test_what_blurs_no_array_of_cudas_is_held_against_nothing() -> None:
    assert (FOUND.raced, FOUND.libraries) == (["cuda", "cupyx"], ["cupyx"])


def raising(*_: Any) -> None:
    raise ValueError("not\ntoday")


def test_a_backend_whose_process_breaks_goes_on_with_the_points_that_are_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, report: Report
) -> None:
    scale = Scale(sizes=(3,))

    def run(command: Sequence[str], seconds: float) -> Ended:
        size, channels = points_left("cuda", scale, tmp_path)[0]
        problem = scale.problem(size, channels)
        write_samples(tmp_path / "samples.csv", "cuda", problem, [TimedCalls("a", "failed")])
        return Ended(-11, "Segmentation fault")

    monkeypatch.setattr(programme, "run", run)
    found = DeviceFound("Made up", {}, 0, 0, 0, "90", {"cuda": False}, {})
    made = programme.Programme(report, tmp_path, found, scale)
    made.race(OWN_PART, 60)
    assert points_left("cuda", scale, tmp_path) == []


@pytest.mark.parametrize(
    ("device", "name"),
    [
        ("NVIDIA GeForce RTX 4090 (Laptop)", "2026-11-23-gpu-NVIDIA-GeForce-RTX-4090-Laptop"),
        ("../é", "2026-11-23-gpu-device"),
    ],
)
def test_the_folder_is_named_after_date_and_device(device: str, name: str, tmp_path: Path) -> None:
    today = datetime(2026, 11, 23, tzinfo=UTC)
    folders = [programme.new_folder(tmp_path, device, today) for _ in range(2)]
    assert [one.name for one in folders] == [name, f"{name}-2"]


def test_without_a_gpu_the_check_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    absent = Ended(programme.NO_GPU, "no driver; install it\n")
    monkeypatch.setattr(programme, "run", lambda command, seconds: absent)
    assert programme.main(["--out", str(tmp_path)]) == programme.NO_GPU
    assert capsys.readouterr().out == "No GPU: no driver; install it\n"
    assert list(tmp_path.iterdir()) == []
