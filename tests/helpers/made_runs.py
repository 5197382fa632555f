"""Runs that nobody measured, for what reads runs: times from a formula, no chance in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from blurbench.measure.judge import Rules
from blurbench.records.declared import Declared
from blurbench.records.journal import Journal, Log, Run
from blurbench.records.record import Record
from blurbench.records.rows import ONCE
from blurbench.records.summary import Key

SIZES = (3, 5, 9, 15, 31, 63, 101)
NAMES = tuple(f"{b}:{m}" for b in ("numpy", "scipy") for m in ("direct", "separable", "fft"))
HOSTILE = "$\\frac_{x}$ <b>&amp; 100 % Straße 照片 \x01\n\ud800" + "long" * 40
ROUNDS = 16
SECONDS = {"direct": 2e-4, "separable": 1e-3, "fft": 2e-2}
POWERS = {"direct": 2, "separable": 1, "fft": 0.1}

Times = Callable[[str, int, tuple[int, int]], float]


def usual(name: str, size: int, extent: tuple[int, int]) -> float:
    """Seconds: FFT overtakes separable near 28 with numpy, near 10 with scipy."""
    backend, method = name.split(":", 1)
    slow = 2.5 if backend == "scipy" and method != "fft" else 1.0
    base, power = SECONDS.get(method, 3e-3), POWERS.get(method, 0.5)
    return base * slow * float(size) ** power * extent[0] * extent[1] / 512**2


def back_and_forth(name: str, size: int, extent: tuple[int, int]) -> float:
    """Seconds: FFT is faster from 9 to 31 alone."""
    fft = 0.002 if 9 <= size <= 31 else 0.02
    return fft if name.endswith("fft") else 0.006


def describe(
    names: Sequence[str], sizes: Sequence[int], extents: Sequence[tuple[int, int]], path: str
) -> Run:
    declared = tuple(Declared(*name.split(":", 1), "ours", True, "cpu") for name in names)
    about = {
        "study": "sweep",
        "started_at_utc": "2026-05-04T10:00:00+00:00",
        "images": [{"path": path, "width": extents[0][0], "height": extents[0][1], "channels": 3}],
        "options": {"border": "reflect", "cval": 0.0, "dtype": "float32", "cache": "hot"},
        "kernels": [{"size": size, "sigma": 1.0} for size in sizes],
        "image_sizes": [list(one) for one in extents] if len(extents) > 1 else [],
        "machine": {"cpu": "Test CPU", "usable_cpus": 2, "gpus": []},
        "versions": {"numpy": "2.4.6", "scipy": "1.17.1"},
        "unavailable": {},
        "seed": 0,
    }
    return Run("run", 2, declared, Rules(comparisons=1), "m1", about)


ABOUT = describe(NAMES, SIZES, ((64, 48),), "photo.png").about  # where it does not matter


def records(
    run: Run,
    times: Times,
    sizes: Sequence[int],
    extents: Sequence[tuple[int, int]],
    apart: Mapping[tuple[str, int], str],
) -> Iterator[Record]:
    """Complete rounds of a race at each point, and what is `apart` from it, with its status."""
    for width, height in extents:
        for size in sizes:
            key = Key(
                "",
                run.images[0]["path"],
                height,
                width,
                3,
                size,
                1.0,
                "reflect",
                0.0,
                "float32",
                2,
                "hot",
            )
            racers = [one.name for one in run.declared if (one.name, size) not in apart]
            for number in range(-2, ROUNDS + 1):
                for place, name in enumerate(racers):
                    seconds = times(name, size, (width, height)) * (1 + 0.004 * (number % 5))
                    yield Record(
                        replace(key, implementation=name),
                        "end_to_end",
                        seconds,
                        round=number,
                        position=place,
                        competitors=len(racers),
                    )
            for (name, where), status in apart.items():
                if where == size:
                    own, seconds = replace(key, implementation=name), times(name, size, (1, 1))
                    yield Record(own, "end_to_end", 1e5 * seconds)
                    if status != ONCE:
                        yield Record(own, "end_to_end", status=status, reason="a reason")


def run_of(
    names: Sequence[str] = NAMES,
    sizes: Sequence[int] = SIZES,
    extents: Sequence[tuple[int, int]] = ((512, 512),),
    times: Times = usual,
    apart: Mapping[tuple[str, int], str] | None = None,
    path: str = "photo.png",
    declare: Callable[[Declared], Declared] = lambda one: one,
) -> Log:
    """A whole run, its implementations on a CPU and exact unless `declare` has it otherwise."""
    run = describe(names, sizes, extents, path)
    log = Log(replace(run, declared=tuple(map(declare, run.declared))))
    for record in records(log.run, times, sizes, extents, apart or {}):
        log.append(record)
    return log


def kept(folder: Path, log_of: Callable[[], Log] = run_of) -> Path:
    """A folder with the records of a small run."""
    log = log_of()
    journal = Journal.create(folder, log.run)
    sizes = sorted({key.size for key in log.points})
    extents = sorted({(key.width, key.height) for key in log.points})
    for record in records(log.run, usual, sizes, extents, {}):
        journal.append(record)
    journal.finish()
    return folder
