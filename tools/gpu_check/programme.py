"""The order of the questions, the time that each may take, and the page of answers."""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from gpu_check.clocks_part import CLOCKS, compare_clocks
from gpu_check.compiling import compile_all, to_look_into, to_verify
from gpu_check.criteria import CRITERIA, judge_clocks
from gpu_check.crossovers import find_crossovers
from gpu_check.device_part import DeviceFound, find, from_json, to_json
from gpu_check.graphs_part import FLOOR, GRAPHS, replay_graphs
from gpu_check.instruments import look_inside
from gpu_check.picture import draw_times
from gpu_check.processes import Ended, run
from gpu_check.races import Race, disturbed, read_races, table, write_times
from gpu_check.report import MISS, OPEN, PASS, Report, Verdict
from gpu_check.rightness import check_rightness
from gpu_check.scale import CHANNELS, EVERY_PART, LIBRARY, OWN, OWN_PART, SIZES, Scale
from gpu_check.times_part import SAMPLES, blur_small_images, points_left, race_backend

# Shares of the budget; the races of the rivals take what the others leave.
COMPILING, RIGHT, OURS, CLOCKS_SHARE, GRAPHS_SHARE = 0.06, 0.28, 0.08, 0.04, 0.02
ODD, CROSSING, INSIDE = 0.05, 0.17, 0.05
EVERY = 3  # times as much as another rival's race takes that at every odd size
FINDING_S = 150  # to import everything and compile the probe's kernel
STARTING_S = 15  # of a part's process, beside the time that it may take
LOADING_S, LEAST_S = 5, 20  # of these to load a library; what is worth beginning with one
NO_GPU = 3
PARTS = ("device", "compile", "times", "clocks", "graphs", "blur")


class Programme:
    """Puts the questions to one device."""

    def __init__(self, report: Report, folder: Path, found: DeviceFound, scale: Scale) -> None:
        self._report, self._folder = report, folder
        self._found, self._scale = found, scale
        self._until = time.perf_counter() + scale.budget_s

    def run(self) -> None:
        """All questions, each guarded."""
        share, ask = self._scale.budget_s, self._report.attempt
        ask("is it right", self._rightness, COMPILING * share, RIGHT * share)
        ask("our times", self._ours, OURS * share)
        ask("times of the others", self._others)
        ask("times at an odd width", self._odd_width, ODD * share)
        ask("clocks", self._clocks, CLOCKS_SHARE * share)
        ask("graphs", self._graphs, GRAPHS_SHARE * share)
        ask("what is asked", self._criteria)
        ask("crossovers", self._crossovers, CROSSING * share)
        ask("NVIDIA's tools", self._instruments, INSIDE * share)
        ask("times as a picture", self._picture)

    def _left_s(self) -> float:
        return self._until - time.perf_counter()

    def _part(self, name: str, seconds: float, *given: str) -> Ended:
        """A part in a process of its own, which may take so long beside its start."""
        return self._part_at(self._scale, name, seconds, *given)

    def _part_at(self, scale: Scale, name: str, seconds: float, *given: str) -> Ended:
        command = part_command(name, scale, self._folder, seconds, *given)
        return run(command, seconds + STARTING_S)

    def _told(self, what: str, ended: Ended) -> None:
        """What a part said, and how it ended where it did not end well."""
        self._report.say(f"{what}: {ended.last if ended.code == 0 else ended.how}")
        if ended.code != 0 and ended.output.strip():
            self._report.show(*ended.output.rstrip().splitlines()[-20:])

    def _rightness(self, report: Report, compiling_s: float, seconds: float) -> None:
        report.head("Is it right?")
        if OWN_PART in self._found.usable:
            self._told("Kernels for what follows", self._part("compile", compiling_s))
        free = self._found.free_bytes
        check_rightness(report, self._folder, self._found.usable, free, seconds)

    def _ours(self, report: Report, seconds: float) -> None:
        report.head(f"Times at {self._scale.side}x{self._scale.side}, float32, reflect, cold")
        self.race(OWN_PART, seconds)

    def _others(self, report: Report) -> None:
        """The libraries, then our array code; each may take its part of what is left."""
        later = (ODD + CLOCKS_SHARE + GRAPHS_SHARE + CROSSING + INSIDE) * self._scale.budget_s
        libraries = self._found.libraries
        others = [*libraries, *(name for name in self._found.raced if name not in libraries)]
        others = [name for name in others if name != OWN_PART]
        for name in self._found.apart:
            report.say(f"{name}: not raced here, since its arrays are not CUDA's")
        weights = [EVERY if name == EVERY_PART else 1 for name in others]
        for number, name in enumerate(others):
            free = self._left_s() - later
            part = free * weights[number] / sum(weights[number:])
            seconds = max(part, min(free, LEAST_S)) - LOADING_S
            if seconds > 0:
                self.race(name, seconds)
            else:
                report.say(f"{name}: no time is left")

    def _odd_width(self, report: Report, seconds: float) -> None:
        scale = self._scale.of_odd_width()
        report.head(f"Times at {scale.side}x{scale.side}, whose rows begin anywhere")
        self.race(OWN_PART, seconds - LOADING_S, scale)

    def race(self, name: str, seconds: float, scale: Scale | None = None) -> None:
        """Race a backend; where its process breaks, another goes on with the points left."""
        scale = scale or self._scale
        until = time.perf_counter() + seconds
        before, again = None, ()
        while (left := points_left(name, scale, self._folder)) and left != before:
            before = left
            left_s = until - time.perf_counter()
            ended = self._part_at(scale, "times", left_s, "--name", name, *again)
            self._told(name, ended)
            if ended.code in (0, None):
                break
            again = ("--again",)
        for channels in CHANNELS:
            here = [
                one
                for one in self._races(scale)
                if (one.part, one.channels) == (name, channels) and one.size in scale.sizes
            ]
            if here:
                self._report.say(f"\nBeside {name}, channels {channels}: us (share of the copy)")
                self._report.show(*table(here))

    def _races(self, scale: Scale) -> list[Race]:
        """Those at the scale's side."""
        races = read_races(self._folder / SAMPLES)
        return [one for one in races if one.side == scale.side]

    def _clocks(self, report: Report, seconds: float) -> None:
        report.head("Three clocks")
        usable = self._found.usable
        names = [name for name in (OWN, LIBRARY) if name.partition(":")[0] in usable]
        ended = self._part("clocks", seconds, "--name", ",".join(names))
        found = self._json(CLOCKS)
        for name, each in found.items():
            report.judge(*judge_clocks(name, each))
        if len(found) < len(names):
            report.judge(Verdict(OPEN, f"clocks of {', '.join(names)}: {ended.how}"))
            self._told("clocks", ended)

    def _graphs(self, report: Report, seconds: float) -> None:
        report.head("A small image from a CUDA graph")
        ended = self._part("graphs", seconds)
        found = self._json(GRAPHS)
        for name, each in found.items():
            times = f", {each / found[FLOOR]:.2f} of {FLOOR}'s" if name != FLOOR else ""
            report.say(f"- {name}: {each * 1e6:.2f} us a replay{times}")
        if not found:
            self._told("graphs", ended)

    def _criteria(self, report: Report) -> None:
        report.head(f"What is asked of {OWN} on {self._found.name}")
        samples = self._folder / SAMPLES
        write_times(self._folder / "times.csv", read_races(samples))
        raced, stalled, throttled = disturbed(samples)
        report.say(
            f"Of {raced} samples, in {stalled} the device may have waited for the host, and "
            f"{throttled} were taken while it was slowed down."
        )
        report.say(f"At kernel sizes {', '.join(map(str, self._scale.sizes))}:")
        races = self._races(self._scale)
        for one in CRITERIA:
            report.judge(one.judge(races, self._scale, self._found.libraries))

    def _crossovers(self, report: Report, seconds: float) -> None:
        report.head("Where the GPU overtakes the CPU")
        seconds = max(seconds, self._left_s() - INSIDE * self._scale.budget_s)
        find_crossovers(report, self._folder, self._found.usable, self._scale, seconds)

    def _instruments(self, report: Report, seconds: float) -> None:
        report.head("NVIDIA's tools")
        blurs = part_command("blur", self._scale, self._folder, seconds)
        look_inside(report, self._folder, blurs, max(seconds, self._left_s()))

    def _picture(self, report: Report) -> None:
        shown = (OWN_PART, *self._found.libraries)
        best = [one for one in self._races(self._scale) if one.part in shown]
        try:
            draw_times(self._folder / "times.png", best, self._found.name)
        except ImportError:
            report.say("No times.png: Matplotlib is not installed")
        else:
            report.picture("times.png")

    def _json(self, name: str) -> dict:
        path = self._folder / name
        return json.loads(path.read_text("utf-8")) if path.exists() else {}


def part_command(part: str, scale: Scale, folder: Path, seconds: float, *given: str) -> list[str]:
    """What runs one part in a process of its own."""
    own = (sys.executable, "-m", "gpu_check", "--part", part, "--out", str(folder))
    return [*own, *scale.arguments(), "--seconds", f"{seconds:.1f}", *given]


def run_part(part: str, given: argparse.Namespace, scale: Scale) -> int:
    """One part, in this process."""
    folder, seconds = given.out, given.seconds
    if part == "device":
        try:
            print(to_json(find()))
        except RuntimeError as error:
            print(error)
            return NO_GPU
    elif part == "compile":
        works = chain(to_verify(), to_look_into(scale))
        print(f"compiled for {compile_all(works, seconds)} problems")
    elif part == "times":
        race_backend(given.name, scale, folder, seconds, given.again)
    elif part == "clocks":
        compare_clocks(given.name.split(","), scale, folder)
    elif part == "graphs":
        replay_graphs(scale, folder)
    elif part == "blur":
        blur_small_images(scale)
    return 0


def new_folder(out: Path, device: str, today: datetime) -> Path:
    """`<date>-gpu-<device>`, of letters, digits, dots and hyphens; numbered where it exists."""
    plain = re.sub(r"[^A-Za-z0-9.]+", "-", device).strip("-.") or "device"
    name, number = f"{today:%Y-%m-%d}-gpu-{plain}", 1
    folder = out / name
    while folder.exists():
        number += 1
        folder = out / f"{name}-{number}"
    folder.mkdir(parents=True)
    return folder


def check(out: Path, scale: Scale) -> int:
    """Find the device and put all questions; 1 where something is missed or was not measured."""
    ended = run(part_command("device", scale, out, FINDING_S), FINDING_S)
    if ended.code != 0:
        print(f"No GPU: {ended.last if ended.code == NO_GPU else ended.output or ended.how}")
        return NO_GPU
    told = next(line for line in ended.output.splitlines() if line.startswith("{"))
    found = from_json(told)
    folder = new_folder(out.resolve(), found.name, datetime.now(UTC))
    (folder / "device.json").write_text(told + "\n", "utf-8")
    report = Report(folder / "README.md")
    report.head(f"What the GPU backends reach on {found.name}", level=1)
    versions = ", ".join(f"{name} {version}" for name, version in found.versions.items())
    gib = found.total_bytes / 2**30
    report.say(f"Compute capability {found.compute_capability}, {gib:.0f} GiB; {versions}.")
    for name, why in found.unusable.items():
        report.say(f"- {name} cannot run: {why}")
    Programme(report, folder, found, scale).run()
    kept = {what: sum(one.kept == what for one in report.verdicts) for what in (PASS, MISS, OPEN)}
    report.head(f"In short, on {found.name}")
    report.say(*(f"- {one}" for one in report.verdicts if one.kept != PASS))
    report.say(", ".join(f"{count} {what}" for what, count in kept.items()))
    print(f"See {folder}")
    return 1 if kept[MISS] or kept[OPEN] else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """The whole check, or one part; 3 where there is no GPU."""
    parser = argparse.ArgumentParser("gpu_check", description=sys.modules["gpu_check"].__doc__)
    parser.add_argument("--out", type=Path, default=Path("results"), help="the folder goes here")
    parser.add_argument("--budget", type=float, default=Scale.budget_s, help="seconds for it all")
    parser.add_argument("--side", type=int, default=Scale.side, help="of the large images")
    parser.add_argument("--rounds", type=int, default=Scale.rounds, help="of a race")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="of the kernels")
    parser.add_argument("--part", choices=PARTS, help="that part alone, in this process")
    parser.add_argument("--name", default="", help="of what the part is about")
    parser.add_argument("--again", action="store_true", help="a process of that part broke down")
    parser.add_argument("--seconds", type=float, default=60.0, help="that the part may take")
    given = parser.parse_args(arguments)
    sizes = tuple(map(int, given.sizes.split(",")))
    scale = Scale(given.side, sizes, given.rounds, given.budget)
    if given.part is None:
        return check(given.out, scale)
    return run_part(given.part, given, scale)
