"""What the GPU backends reach on this machine; `make gpu-check` runs it, from the bare tree.

First whether all is right: the tests that need a GPU, and `blurbench verify` for every backend and
border, side by side in processes of their own. Then four questions: the times of every
implementation on large images, against a copy inside the device's memory and against the other
libraries; a small image replayed from a CUDA graph, against the launch of an empty kernel; our
event times against two other clocks; and `blurbench crossover`. What is asked of `cuda:separable`
is judged.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import importlib.util
import math
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from itertools import cycle, product
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from blurbench import host
from blurbench.backends import gpu
from blurbench.backends.backend import Implementation
from blurbench.backends.device import EventClock
from blurbench.backends.registry import backends, probe
from blurbench.border import BORDERS
from blurbench.kernel import GaussianKernel
from blurbench.plan import Problem

OWN, LIBRARY, COPY = "cuda:separable", "cupyx:separable", "copy"

SIZES = (3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 25, 31, 41, 63, 101, 151, 255)
SIDE, CHANNELS = 4096, (1, 3)
ROUNDS, SAMPLE_S, MOST_LOOPS = 11, 0.004, 200
TOO_SLOW, TOO_DEAR_S = 50, 0.5  # times the fastest; seconds of a call

GRAPH_SIDE, GRAPH_SIZES, GRAPH_LIMIT = 512, (3, 7, 15), 1.3
CLOCK_SIZE, CLOCK_CALLS, CLOCK_WALL_S, CLOCK_LIMIT = 63, 20, 0.4, 0.03
SAME = 0.03  # times this close count as the same
COLUMNS = (
    *("implementation", "height", "width", "channels", "size"),
    *("compute_median_s", "copy_bandwidth_fraction", "reason"),
)
TESTS = Path(__file__).parents[1] / "tests"
RIGHT_S = 170  # the tests and `verify`
CROSSOVER_S, REST_S = 110, 40  # the search for crossovers; graphs, clocks and the start of Python
RIVALS = ("numpy", "scipy", "numba", "opencv")  # on the CPU
CROSSING = "separable,fft,banded,dct"

Call = Callable[[], object]
Measure = Callable[[Call, int], float]  # seconds that so many calls took together
Images = Sequence[tuple[Any, Any]]  # an input and a result each, on the device
Outcome = tuple[bool, str]  # whether a command passed, and what it said


def race(calls: Mapping[str, Call], measure: Measure) -> dict[str, float]:
    """Median seconds of a call of each, in rounds of shuffled order."""
    rng = random.Random(0)
    loops = {
        name: min(MOST_LOOPS, max(1, int(SAMPLE_S / max(measure(call, 1), 1e-9))))
        for name, call in calls.items()
    }
    samples: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name in rng.sample(list(calls), len(calls)):
            samples[name].append(measure(calls[name], loops[name]) / loops[name])
    return {name: median(seconds) for name, seconds in samples.items()}


def rotating(work: Callable[[Any, Any], object], images: Images) -> Call:
    """Calls `work` on one pair after the other."""
    rotation = cycle(images)
    return lambda: work(*next(rotation))


def copy_by_driver(source: Any, target: Any) -> None:
    """A copy as the driver makes it."""
    target.data.copy_from_device_async(source.data, source.nbytes)


def copy_by_kernel(source: Any, target: Any) -> None:
    """A copy by CuPy's kernel."""
    target[...] = source


COPIES = {"copy by the driver": copy_by_driver, "copy by a kernel": copy_by_kernel}


def problem_of(side: int, channels: int, size: int) -> Problem:
    """A float32 image with a border that reflects."""
    shape = (side, side) if channels == 1 else (side, side, channels)
    return Problem(GaussianKernel.from_size(size), shape, np.dtype(np.float32))


def images_for(device: Any, problem: Problem, cache_bytes: int) -> Images:
    """Noise, in so many pairs that twice the cache lies between two uses of one."""
    noise = np.random.default_rng(0).random(problem.shape, np.float32)
    pairs = []
    for _ in range(1 + math.ceil(2 * cache_bytes / noise.nbytes)):
        pair = (
            device.empty(problem.shape, problem.dtype),
            device.empty(problem.shape, problem.dtype),
        )
        device.upload(noise, pair[0])
        pairs.append(pair)
    device.synchronize()
    return pairs


# 0. Is it right?


def checks_of(names: Iterable[str]) -> dict[str, list[str]]:
    """What to run for the backends, by what it is; the longest first."""
    tests = [
        str(path)
        for path in sorted(TESTS.glob("test_*.py"))
        if re.search(r"mark\.gpu|@on_gpu", path.read_text("utf-8"))
    ]
    pytest = ("-m", "pytest", "-m", "gpu", "--checks", "all", "-q", "-p", "no:cacheprovider")
    verify = ("-m", "blurbench", "verify")
    return {
        "GPU tests": [sys.executable, *pytest, *tests],
        **{
            f"verify of {name}, {border}": [
                *(sys.executable, *verify, "--backend", name, "--border", border)
            ]
            for name, border in product(names, BORDERS)
        },
    }


def run_beside(commands: Mapping[str, Sequence[str]], seconds: float) -> dict[str, Outcome]:
    """Run them all, as many at a time as there are CPUs; what is not done by then is ended."""
    until = time.perf_counter() + seconds

    def run(command: Sequence[str]) -> Outcome:
        left = max(0.0, until - time.perf_counter())
        try:
            done = subprocess.run(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=left,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False, f"not finished in {seconds:.0f} s"
        return done.returncode == 0, done.stdout

    with ThreadPoolExecutor(host.usable_cpus()) as pool:
        return dict(zip(commands, pool.map(run, commands.values()), strict=True))


def report_right(report: Report, commands: Mapping[str, Sequence[str]], seconds: float) -> None:
    """The last line of each; all of it, where one failed."""
    for what, (passed, output) in run_beside(commands, seconds).items():
        last = (output.strip().splitlines() or ["nothing was said"])[-1]
        report.judge(passed, f"{what}: {last}")
        if not passed and output.strip() != last:
            report.say(output.rstrip())


# 1. Times.


@dataclass
class Point:
    """Medians at a kernel size, of the faster copy too; infinite for what is too slow."""

    channels: int
    size: int
    seconds: dict[str, float] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)


class Times:
    """Races the implementations at one size after the other."""

    def __init__(self, implementations: Sequence[Implementation], measure: Measure) -> None:
        self._implementations, self._measure = implementations, measure
        self._rates: dict[str, float] = {}  # seconds an operation, at the size before

    def at(self, problem: Problem, images: Images) -> Point:
        """Measure at the problem's size."""
        point = Point(problem.channels, problem.kernel.size)
        calls: dict[str, Call] = {}
        for one in self._implementations:
            if self._is_expected_slow(one, problem):
                point.seconds[one.name] = math.inf
                point.reasons[one.name] = "expected to be too slow"
                continue
            try:
                call = rotating(one.prepare(problem), images)
                call()  # the first call compiles
                seconds = self._measure(call, 1)
            except Exception as error:  # whatever a library raises must not end the others
                point.reasons[one.name] = text_of(error)
                continue
            calls[one.name], point.seconds[one.name] = call, seconds
            self._rates[one.name] = seconds / one.effort(problem)
        longest = TOO_SLOW * min(point.seconds.values(), default=math.inf)
        for name in [name for name in calls if point.seconds[name] > longest]:
            point.reasons[name] = f"a call took {point.seconds[name]:.3g} s: too slow"
            point.seconds[name] = math.inf
            del calls[name]
        copies = {name: rotating(copy, images) for name, copy in COPIES.items()}
        measured = race({**copies, **calls}, self._measure)
        fastest_copy = min(measured.pop(name) for name in copies)
        point.seconds |= {COPY: fastest_copy, **measured}
        return point

    def _is_expected_slow(self, one: Implementation, problem: Problem) -> bool:
        expected = {
            other.name: self._rates[other.name] * other.effort(problem)
            for other in self._implementations
            if other.name in self._rates
        }
        longest = min(TOO_DEAR_S, TOO_SLOW * min(expected.values(), default=math.inf))
        return expected.get(one.name, 0.0) > longest


def table(points: Sequence[Point]) -> list[str]:
    """Microseconds, a row for each size; the share of the copy's bandwidth in brackets."""
    names = list(dict.fromkeys(name for one in points for name in one.seconds if name != COPY))
    lines = ["".join(f"{one:>{max(15, len(one) + 2)}}" for one in ("size, copy", *names))]
    for point in points:
        cells = [f"{point.size} {point.seconds[COPY] * 1e6:8.1f}"]
        for name in names:
            seconds = point.seconds.get(name, math.inf)
            share = point.seconds[COPY] / seconds
            cells.append(f"{seconds * 1e6:.1f} ({share:4.0%})" if share else "-")
        widths = (max(15, len(name) + 2) for name in ("size, copy", *names))
        lines.append("".join(f"{c:>{w}}" for c, w in zip(cells, widths, strict=True)))
    return lines


@dataclass(frozen=True)
class Limit:
    """The least that `ratio` has to be at all sizes from `first` to `last`."""

    words: str
    least: float
    ratio: Callable[[Point, set[str]], float]
    first: int = SIZES[0]
    last: int = SIZES[-1]

    def judge(self, points: Iterable[Point], libraries: set[str]) -> tuple[bool, str]:
        """Whether it is kept, and the worst size in words."""
        found = [
            (self.ratio(one, libraries), one)
            for one in points
            if self.first <= one.size <= self.last and OWN in one.seconds
        ]
        sizes = [size for size in SIZES if self.first <= size <= self.last]
        if len(found) < len(sizes) * len(CHANNELS):
            return False, f"{self.words}: only {len(found)} points of {OWN} were measured"
        worst, point = min(found, key=lambda one: one[0])
        where = f"least at size {point.size}, channels {point.channels}"
        return worst >= self.least, f"{self.words}: {worst:.2f} ({where}), limit {self.least:.2f}"


def of_copy(point: Point, libraries: set[str]) -> float:
    """The share of the copy's bandwidth."""
    return point.seconds[COPY] / point.seconds[OWN]


def of_cupyx(point: Point, libraries: set[str]) -> float:
    """How many times as fast as CuPy's own filters; not at all, where these failed."""
    return point.seconds.get(LIBRARY, 0.0) / point.seconds[OWN]


def of_best_library(point: Point, libraries: set[str]) -> float:
    """How many times as fast as the fastest filter of a library."""
    others = [seconds for name, seconds in point.seconds.items() if name in libraries]
    return min(others, default=0.0) / point.seconds[OWN]


LIMITS = (
    Limit("share of the copy's bandwidth up to 17", 0.8, of_copy, last=17),
    Limit("share of the copy's bandwidth from 19 to 31", 0.6, of_copy, first=19, last=31),
    Limit("times as fast as cupyx", 2.0, of_cupyx),
    Limit("times as fast as the best library", 1 / (1 + SAME), of_best_library),
)


def write_times(path: Path, points: Iterable[Point]) -> None:
    """All medians, in the words of the project's records."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(COLUMNS)
        for point in points:
            for name in dict.fromkeys((*point.seconds, *point.reasons)):
                seconds = point.seconds.get(name, math.inf)
                share = point.seconds[COPY] / seconds
                figures = (seconds, share) if share else ("", "")
                where = (name, SIDE, SIDE, point.channels, point.size)
                rows.writerow((*where, *figures, point.reasons.get(name, "")))


# 2. A small image from a CUDA graph.


def captured(stream: Any, call: Call) -> Call:
    """What replays the work of a call on the stream."""
    call()  # allocates and compiles beforehand
    stream.synchronize()
    stream.begin_capture()
    try:
        call()
    except Exception:
        with contextlib.suppress(Exception):  # the capture is void
            stream.end_capture()
        raise
    graph = stream.end_capture()
    return lambda: graph.launch(stream)


def replays(
    cupy: Any, device: Any, measure: Measure, implementation: Implementation
) -> dict[str, float]:
    """Seconds of a replay, by kernel size, and of one of an empty kernel (`floor`)."""
    nothing = cupy.RawKernel('extern "C" __global__ void nothing() {}', "nothing")
    works: dict[str, Call] = {"floor": lambda: nothing((1,), (1,), ())}
    for size in GRAPH_SIZES:
        problem = problem_of(GRAPH_SIDE, 1, size)
        plan, images = implementation.prepare(problem), images_for(device, problem, 0)
        works[str(size)] = rotating(plan, images)
    stream = cupy.cuda.get_current_stream()
    # A graph does not keep alive what it works on; `works` does.
    return race({name: captured(stream, work) for name, work in works.items()}, measure)


# 3. Three clocks.


def three_clocks(device: Any, measure: Measure, call: Call) -> dict[str, float]:
    """Seconds of a call by our events, by CuPy's benchmark and by the wall clock."""
    benchmark = import_module("cupyx.profiler").benchmark

    def batch() -> None:
        for _ in range(CLOCK_CALLS):
            call()

    def wall() -> float:
        calls = math.ceil(CLOCK_WALL_S / ours[0])
        device.synchronize()
        start = time.perf_counter()
        for _ in range(calls):
            call()
        device.synchronize()
        return (time.perf_counter() - start) / calls

    measure(call, CLOCK_CALLS)
    ours: list[float] = []
    theirs: list[float] = []
    walls: list[float] = []
    for _ in range(5):
        ours.append(measure(call, CLOCK_CALLS) / CLOCK_CALLS)
        result = benchmark(batch, n_repeat=5, n_warmup=1)
        theirs.append(float(np.median(result.gpu_times[0])) / CLOCK_CALLS)
        walls.append(wall())
    return {"events": median(ours), "benchmark": median(theirs), "wall": median(walls)}


# The report.


class Report:
    """Lines on the terminal and in a file, and whether a limit was missed."""

    def __init__(self, path: Path) -> None:
        self._path, self.failed = path, False

    def say(self, *lines: str) -> None:
        """Print and keep lines."""
        print(*lines, sep="\n", flush=True)
        with self._path.open("a", encoding="utf-8") as kept:
            print(*lines, sep="\n", file=kept)

    def judge(self, kept: bool, words: str) -> None:
        """Say whether a limit is kept."""
        self.failed |= not kept
        self.say(f"{'PASS' if kept else 'FAIL'} {words}")

    def attempt(self, words: str, part: Callable[..., None], *given: Any) -> None:
        """A part of the check; one that breaks fails, and the next ones follow."""
        try:
            part(self, *given)
        except Exception as error:
            self.judge(False, f"{words}: {text_of(error)}")


def text_of(error: Exception) -> str:
    """An error in a line of bearable length."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]


def folder_name(device: str, now: datetime) -> str:
    """Letters, digits, dots and hyphens alone."""
    plain = re.sub(r"[^A-Za-z0-9.]+", "-", device).strip("-.")
    return f"{plain or 'device'}-{now:%Y%m%dT%H%M%SZ}"


def report_times(
    report: Report, device: Any, measure: Measure, cache_bytes: int, seconds: float
) -> list[Point]:
    """Measure and show, until time is up."""
    until = time.perf_counter() + seconds
    found = []
    for channels in CHANNELS:
        times = Times(usable_implementations(), measure)
        images = images_for(device, problem_of(SIDE, channels, 1), cache_bytes)
        points: list[Point] = []
        for size in SIZES:
            if time.perf_counter() > until:
                report.say(f"Time is up: size {size} and larger, channels {channels}, are left out")
                break
            points.append(times.at(problem_of(SIDE, channels, size), images))
        report.say(f"\n{SIDE}x{SIDE}x{channels} float32, reflect, cold: us (share of a copy)")
        report.say(*table(points))
        found += points
    return found


def report_graphs(report: Report, cupy: Any, device: Any, measure: Measure) -> None:
    """How near to the floor the replays come."""
    found = replays(cupy, device, measure, named(OWN))
    for size in map(str, GRAPH_SIZES):
        ratio = found[size] / found["floor"]
        words = f"{GRAPH_SIDE}x{GRAPH_SIDE} replayed, size {size}: {found[size] * 1e6:.2f} us"
        report.judge(
            ratio <= GRAPH_LIMIT,
            f"{words}, {ratio:.2f} of an empty kernel's, limit {GRAPH_LIMIT}",
        )


def report_clocks(report: Report, device: Any, measure: Measure, name: str) -> None:
    """How far the other clocks are from ours."""
    problem = problem_of(SIDE, CHANNELS[-1], CLOCK_SIZE)
    work = rotating(named(name).prepare(problem), images_for(device, problem, 0))
    found = three_clocks(device, measure, work)
    words = f"{name}, size {CLOCK_SIZE}: events {found['events'] * 1e6:.1f} us"
    for clock in ("benchmark", "wall"):
        off = found[clock] / found["events"] - 1
        report.judge(
            abs(off) <= CLOCK_LIMIT, f"{words}, {clock} {off:+.1%}, limit {CLOCK_LIMIT:.0%}"
        )


def report_crossovers(report: Report, folder: Path, names: Iterable[str]) -> None:
    """The command itself; its answer in a file, and a plot where Matplotlib is installed."""
    run, blurbench = folder / "crossover", (sys.executable, "-m", "blurbench")
    given = ("--backend", ",".join(names), "--method", CROSSING, "--budget", str(CROSSOVER_S))
    command = [*blurbench, "crossover", *given, "--out", str(run), "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    (folder / "crossover.txt").write_text(done.stdout + done.stderr, "utf-8")
    print(done.stdout, flush=True)
    last = (done.stderr.strip().splitlines() or [""])[-1]
    report.judge(done.returncode == 0, f"blurbench crossover, {done.returncode} {last}".rstrip())
    if importlib.util.find_spec("matplotlib") is None:
        report.say("No plot: Matplotlib is not installed")
    elif done.returncode == 0:
        plot = [*blurbench, "plot", str(run), "-o", str(folder / "crossover.png")]
        report.judge(subprocess.run(plot, check=False).returncode == 0, "blurbench plot")


def usable_implementations() -> list[Implementation]:
    """The exact ones on the GPU whose libraries are here."""
    return [
        one
        for backend in backends().values()
        if backend.kind == "gpu" and probe(backend).ok
        for one in backend.implementations
        if one.exact
    ]


def named(name: str) -> Implementation:
    """A usable implementation."""
    return next(one for one in usable_implementations() if one.name == name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Check and put the questions; 1 where something is missed, 3 where there is no GPU."""
    began = time.perf_counter()
    parser = argparse.ArgumentParser(description="What the GPU backends reach on this machine.")
    parser.add_argument("--out", type=Path, default=Path("results"), help="the folder goes here")
    parser.add_argument("--budget", type=float, default=470.0, help="seconds for all of it")
    given = parser.parse_args(arguments)
    state = gpu.probe()
    if not state.ok:
        print(f"No GPU: {state.explanation}")
        return 3
    cupy, device = import_module("cupy"), gpu.open_device(0)
    measure = EventClock(device, time.perf_counter).measure
    folder = given.out.resolve() / folder_name(device.name, datetime.now(UTC))
    folder.mkdir(parents=True)
    report = Report(folder / "report.txt")
    report.say(f"{device.name}; " + ", ".join(f"{k} {v}" for k, v in state.versions.items()))
    states = {name: probe(one) for name, one in backends().items() if one.kind == "gpu"}
    for name, state in states.items():
        if not state.ok:
            report.say(f"{name} cannot run: {state.explanation}")

    report.say("")
    on_gpu = [name for name, state in states.items() if state.ok]
    report_right(report, checks_of(on_gpu), RIGHT_S)
    cache = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.runtime.getDevice())["l2CacheSize"]
    left = given.budget - (time.perf_counter() - began) - CROSSOVER_S - REST_S
    points = report_times(report, device, measure, cache, left)
    write_times(folder / "times.csv", points)
    usable = usable_implementations()
    own = any(one.name == OWN for one in usable)
    report.say("")
    if own:
        libraries = {one.name for one in usable if one.origin == "library"}
        for limit in LIMITS:
            report.judge(*limit.judge(points, libraries))
        report.attempt("graphs", report_graphs, cupy, device, measure)
        report.attempt("clocks", report_clocks, device, measure, OWN)
    else:
        report.say(f"Not judged: {OWN} cannot run here")
    report.attempt("clocks", report_clocks, device, measure, LIBRARY)
    report.attempt("crossovers", report_crossovers, folder, (*RIVALS, *on_gpu))
    report.say(f"\n{'FAIL: see above' if report.failed else 'PASS'}; see {folder}")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
