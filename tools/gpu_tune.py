"""Finds the fastest shapes of `fused.cu` on this card and writes its table; `make gpu-tune`.

At each point (channels and radius) every sensible shape is compiled, on all cores; held against
the float64 reference; and timed side by side with the others, by events of the device. What
spills registers, is wrong or breaks is left out, with the reason in the record. Time that runs out
costs the points that are left: these keep the shapes of any card.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from itertools import cycle, product
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from blurbench.backends import gpu
from blurbench.backends.cuda.compiler import Toolkit, toolkit
from blurbench.backends.cuda.fused import FusedPlan
from blurbench.backends.cuda.plan import INTERLEAVED
from blurbench.backends.cuda.shapes import (
    TABLE,
    Shape,
    TunedShape,
    fused_macros,
    read_table,
    shapes_for,
    table_text,
)
from blurbench.backends.device import EventClock
from blurbench.kernel import GaussianKernel
from blurbench.measure import sampling
from blurbench.problem import Problem
from blurbench.study.exactness import allowed_error, image_scale
from blurbench.study.verify import make_image, reference

RADII = {
    "large": (1, 2, 4, 6, 8, 10, 12, 15, 16, 20, 24, 28, 32, 40, 48),
    "small": (1, 2, 4, 8),
}
SIDES = {"large": 4096, "small": 512}
IMAGES = {"large": 3, "small": 1}  # blurred in turn: what is large is not in the cache
# The extents of images on which a shape has to be right: rows that begin at multiples of four
# values are read and written in another way.
CHECKED = ((150, 1101), (150, 1100))

REGISTERS, SHARED_BYTES = 65_536, 48 * 1024  # of a multiprocessor; of a block
MOST_REGISTERS = 255  # of a thread
ADDRESSES = 12  # registers that are no sums nor pixels, at least
ENOUGH, MOST_SPARE = 512, 2  # threads with fewer registers are tried where few leave half unused
BLOCKS = (  # threads of a block, and blocks that a multiprocessor holds
    *((128, 3), (128, 4), (256, 1), (256, 2), (256, 3), (352, 1)),
    *((384, 1), (384, 2), (512, 1), (640, 1), (736, 1)),
)
QUICK_BLOCKS = ((128, 2), (128, 4), (256, 2), (512, 1))

COMPILING = 0.5  # of the budget, at most
PILOT, ROUNDS, CLOSE = 3, 11, 1.15  # all have the pilot's rounds, what came close to it all rounds
SAMPLE_S, MOST_LOOPS = 0.004, 200
WORTH = 0.99  # of the time of the shape of any card, which stays where nothing is faster than that

Call = Callable[[], object]
Measure = Callable[[Call, int], float]  # seconds that so many calls took together


@dataclass(frozen=True)
class Bench:
    """What the tuner works with; tests bring one that runs on the CPU, with a clock of its own."""

    toolkit: Toolkit
    measure: Measure
    now: Callable[[], float]
    cores: int


@dataclass(frozen=True)
class Point:
    """What a row of the table is for."""

    image: str
    channels: int
    radius: int

    def problem(self, height: int, width: int) -> Problem:
        """A float32 image of this kind, with a border that reflects."""
        shape = (height, width) if self.channels == 1 else (height, width, self.channels)
        kernel = GaussianKernel.from_size(2 * self.radius + 1)
        return Problem(kernel, shape, np.dtype(np.float32))

    def usual(self) -> Shape | None:
        """The shape of any card; None beyond the table's reach."""
        shapes = shapes_for(self.channels, self.image)
        found = next((shape for shape in shapes if self.radius <= shape.radius), None)
        return found and replace(found, radius=self.radius)


@dataclass
class Trial:
    """A shape at a point: seconds of a call, or why there are none."""

    point: Point
    shape: Shape
    seconds: float | None = None
    reason: str = ""


# What is tried.


def sensible(point: Point) -> Iterator[Shape]:
    """The shapes that may be fast at a point, the one of any card first."""
    usual = point.usual()
    if usual is None:
        return
    yield usual
    large = point.image == "large"
    for values, (threads, blocks), rows, pixels, ahead in product(
        (1, 2, 4), BLOCKS if large else QUICK_BLOCKS, (4, 8), (4, 8), (1,) if large else (1, 2)
    ):
        shape = Shape(point.radius, values, threads, rows, blocks, ahead, pixels)
        if shape != usual and _may_be_fast(shape, point.channels):
            yield shape


def _may_be_fast(shape: Shape, channels: int) -> bool:
    """Whether its sums fit the registers, its rows shared memory, and little of it is margin."""
    values, item = shape.threads * shape.values, shape.pixels * channels
    threads = shape.threads * shape.blocks
    given = min(MOST_REGISTERS, REGISTERS // threads // 8 * 8)
    kept = shape.values * (2 * shape.radius + shape.rows * shape.ahead) + item + ADDRESSES
    lines = math.gcd(item, 32) // 4  # rows that neighbouring threads read together
    return (
        kept <= given
        and (threads >= ENOUGH or given <= MOST_SPARE * kept)
        and 2 * shape.rows * (values + 4) * 4 <= SHARED_BYTES
        and shape.columns(channels) * channels >= values // 2
        and shape.rows % lines == 0
    )


# Compiling.


def compile_all(bench: Bench, trials: Sequence[Trial], until: float) -> None:
    """Compile on all cores; what breaks, spills or is not done in time is given its reason."""
    pool = ThreadPoolExecutor(bench.cores)
    begun = {pool.submit(_compile, bench, trial): trial for trial in trials}
    wait(begun, timeout=max(0.0, until - bench.now()))
    pool.shutdown(wait=True, cancel_futures=True)
    for future, trial in begun.items():
        trial.reason = _outcome(future)


def _compile(bench: Bench, trial: Trial) -> int:
    """Bytes that the kernel spills."""
    problem = trial.point.problem(*CHECKED[0])
    kernel: Any = bench.toolkit.kernel("fused", **fused_macros(problem, trial.shape))
    return int(getattr(kernel, "local_size_bytes", 0))


def _outcome(compiled: Future[int]) -> str:
    if compiled.cancelled():
        return "not compiled in time"
    if error := compiled.exception():
        return text_of(error)
    return f"spills {compiled.result()} bytes" if compiled.result() else ""


# Checking and timing.


class Judge:
    """Holds shapes for a problem against the float64 reference."""

    def __init__(self, bench: Bench, problem: Problem) -> None:
        self._toolkit, self._problem = bench.toolkit, problem
        image = make_image(problem, (0.0, 255.0))
        self._expected = reference(image, problem)
        self._allowed = allowed_error(problem.dtype, image_scale(image, problem))
        self._image = bench.toolkit.xp.asarray(image)

    def fault(self, shape: Shape) -> str:
        """What is wrong with its result; nothing where it keeps the contract."""
        result = FusedPlan(self._toolkit, self._problem, shape)(self._image)
        found = result.get() if hasattr(result, "get") else result
        error = float(np.abs(found - self._expected).max())
        if error <= self._allowed:
            return ""
        return f"wrong by {error:.3g}, where {self._allowed:.3g} is allowed"


def time_point(bench: Bench, trials: Sequence[Trial], side: int) -> None:
    """Give the trials of a point their seconds, or the reason why not."""
    calls: dict[int, Call] = {}
    loops: dict[int, int] = {}
    xp, point = bench.toolkit.xp, trials[0].point
    problem = point.problem(side, side)
    noise = np.random.default_rng(0).random(problem.shape, np.float32)
    images = [xp.asarray(noise) for _ in range(IMAGES[point.image])]
    pairs = [(image, xp.empty_like(image)) for image in images]
    judges = [Judge(bench, point.problem(*extent)) for extent in CHECKED]
    for number, trial in enumerate(trials):
        if trial.reason:
            continue
        try:
            trial.reason = next(filter(None, (one.fault(trial.shape) for one in judges)), "")
            call = _blur(FusedPlan(bench.toolkit, problem, trial.shape), pairs)
            loops[number] = loops_for(min(bench.measure(call, 1) for _ in range(2)))
        except Exception as error:  # whatever one raises must not end the others
            trial.reason = text_of(error)
        if not trial.reason:
            calls[number] = call
    for number, seconds in race(calls, loops, bench.measure).items():
        trials[number].seconds = seconds


def _blur(plan: FusedPlan, pairs: Sequence[tuple[Any, Any]]) -> Call:
    turns = cycle(pairs)
    return lambda: plan(*next(turns))


def loops_for(seconds: float) -> int:
    """So many calls that a sample is long beside the clock's ticks."""
    return min(MOST_LOOPS, sampling.loops_for(SAMPLE_S, seconds))


def race(calls: Mapping[int, Call], loops: Mapping[int, int], measure: Measure) -> dict[int, float]:
    """Median seconds of a call of each, in rounds of shuffled order."""
    rng = random.Random(0)
    samples: dict[int, list[float]] = {number: [] for number in calls}
    racing = list(calls)
    for done in range(ROUNDS):
        if done == PILOT:
            fastest = min(median(each) for each in samples.values())
            racing = [one for one in calls if median(samples[one]) <= CLOSE * fastest]
        for number in rng.sample(racing, len(racing)):
            samples[number].append(measure(calls[number], loops[number]) / loops[number])
        if not racing:
            break
    return {number: median(each) for number, each in samples.items()}


# The table.


def best_of(trials: Sequence[Trial]) -> Shape:
    """The fastest; the shape of any card, the first, where nothing is much faster."""
    usual = trials[0]
    timed = [(one.seconds, one) for one in trials if one.seconds is not None]
    if not timed:
        return usual.shape
    seconds, fastest = min(timed, key=lambda pair: pair[0])
    if usual.seconds is not None and seconds > WORTH * usual.seconds:
        return usual.shape
    return fastest.shape


def rows_of(capability: str, points: Mapping[Point, Sequence[Trial]]) -> list[TunedShape]:
    """The card's rows; of neighbours with the same shape the one that reaches further."""
    rows: list[TunedShape] = []
    for point, trials in points.items():
        row = TunedShape(capability, point.image, str(point.channels), best_of(trials))
        last = rows[-1] if rows else None
        if last and replace(last, shape=replace(last.shape, radius=point.radius)) == row:
            rows.pop()
        rows.append(row)
    return rows


def write_table(path: Path, capability: str, rows: Sequence[TunedShape]) -> None:
    """The table with these rows in place of the card's former ones."""
    others = [row for row in read_table() if row.capability != capability]
    path.write_text(table_text((*others, *rows)), "utf-8")


def write_record(path: Path, trials: Sequence[Trial]) -> None:
    """What every shape took, or why it was left out."""
    names = ("radius", "values", "threads", "rows", "blocks", "ahead", "pixels")
    with path.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(("image", "channels", *names, "seconds", "reason"))
        for one in trials:
            numbers = (getattr(one.shape, name) for name in names)
            seconds = "" if one.seconds is None else one.seconds
            rows.writerow((one.point.image, one.point.channels, *numbers, seconds, one.reason))


def text_of(error: BaseException) -> str:
    """An error in a line of bearable length."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]


def told(point: Point, trials: Sequence[Trial]) -> str:
    """A point's outcome in a line."""
    timed = [one for one in trials if one.seconds is not None]
    words = f"{point.image}, {point.channels} channels, size {2 * point.radius + 1}"
    if not timed:
        return f"{words}: none could be timed; {trials[0].reason}"
    best = min(timed, key=lambda one: one.seconds or 0.0)
    usual = trials[0].seconds
    than = f", {usual / best.seconds:.2f}x the usual shape" if usual and best.seconds else ""
    return f"{words}: {len(timed)} of {len(trials)}, {(best.seconds or 0) * 1e6:.1f} us{than}"


# The command.


def open_bench() -> Bench:
    """This machine's first GPU."""
    device = gpu.open_device(0)
    measure = EventClock(device, time.perf_counter).measure
    return Bench(toolkit(), measure, time.perf_counter, os.cpu_count() or 1)


def tune(bench: Bench, given: argparse.Namespace) -> int:
    """Try all points within the time, and write after each; 1 where none could be timed."""
    began, points = bench.now(), points_of(given)
    kinds = {point: list(sensible(point))[:: given.every] for point in points}
    trials = {point: [Trial(point, one) for one in shapes] for point, shapes in kinds.items()}
    every = [trial for each in trials.values() for trial in each]
    print(f"Compiling {len(every)} kernels on {bench.cores} cores", flush=True)
    compile_all(bench, every, began + COMPILING * given.budget)
    for point, each in trials.items():
        if bench.now() > began + given.budget:
            print(f"Time is up before {point}: the rest keeps its shapes")
            break
        try:
            time_point(bench, each, given.side or SIDES[point.image])
        except Exception as error:  # of memory, say: the next point may need less
            each[0].reason = text_of(error)
        print(told(point, each), flush=True)
        capability = bench.toolkit.capability
        write_table(given.table, capability, rows_of(capability, trials))
        write_record(given.record, every)
    return 0 if any(one.seconds is not None for one in every) else 1


def points_of(given: argparse.Namespace) -> list[Point]:
    """Large images first; one and three channels before four."""
    return [
        point
        for image, channels in product(RADII, given.channels)
        for radius in given.radii or RADII[image]
        if (point := Point(image, channels, radius)).usual() is not None
    ]


def numbers(text: str) -> list[int]:
    return [int(each) for each in text.split(",")]


def main(arguments: Sequence[str] | None = None, bench: Bench | None = None) -> int:
    """Tune; 1 where nothing could be timed, 3 where there is no GPU."""
    parser = argparse.ArgumentParser(description="Finds the fastest shapes of the fused kernel.")
    parser.add_argument("--budget", type=float, default=600.0, help="seconds")
    parser.add_argument("--table", type=Path, default=TABLE, help="the table that is written")
    parser.add_argument("--record", type=Path, default=Path("gpu-tune.csv"), help="all times")
    parser.add_argument("--channels", type=numbers, default=INTERLEAVED)
    parser.add_argument("--radii", type=numbers, help="instead of all")
    parser.add_argument("--side", type=int, help="of all images")
    parser.add_argument("--every", type=int, default=1, help="1: all shapes; 10: each tenth")
    given = parser.parse_args(arguments)
    if bench is None:
        state = gpu.probe()
        if not state.ok:
            print(f"No GPU: {state.explanation}")
            return 3
        bench = open_bench()
    return tune(bench, given)


if __name__ == "__main__":
    sys.exit(main())
