"""Where the GPU overtakes the CPU, with copies and without: `blurbench crossover`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from blurbench.analysis.opponents import FASTEST_CPU, FASTEST_GPU
from blurbench.records.scopes import RANKING_SCOPE
from gpu_check.processes import Ended, run
from gpu_check.report import MISS, OPEN, PASS, Report, Verdict, shortened
from gpu_check.scale import Scale

RIVALS = ("scipy", "numba", "opencv")  # on the CPU
METHODS = "separable,fft,dct"  # that lead somewhere
LEAST_SIDE = 32
SMALLER = (16, 4)  # than the large images, a side of the test card is so many times
WITH, WITHOUT = RANKING_SCOPE, "compute"  # copies
WORDS = {WITH: "with copies there and back", WITHOUT: "with the image there already"}
SHOWING_S = 30  # for a picture
LONGER, STARTING_S = 1.25, 20  # than its budget, for a size that was begun; to load libraries


def find_crossovers(
    report: Report, folder: Path, names: Iterable[str], scale: Scale, seconds: float
) -> None:
    """The command itself on a small and on a large image; its records, pictures and pages."""
    backends = ",".join((*RIVALS, *names))
    for side in sorted({max(LEAST_SIDE, scale.side // times) for times in SMALLER}):
        kept = folder / f"crossover-{side}"
        budget = max(1.0, seconds / len(SMALLER) - 5)
        given = ("--backend", backends, "--method", METHODS, "--resize", f"{side}x{side}")
        sizes = f"{min(scale.sizes)}:{max(scale.sizes)}"
        limits = ("--sizes", sizes, "--budget", f"{budget:.1f}", "--quiet")
        limit = LONGER * budget + STARTING_S
        ended = blurbench(folder, limit, "crossover", *given, *limits, "--out", kept.name)
        report.say(f"\nThe test card at {side}x{side}:")
        if ended.code != 0:
            words = f"crossovers at {side}x{side}: {ended.how}, {shortened(ended.last)}"
            report.judge(Verdict(OPEN, words))
            continue
        report.show(*ended.output.partition("\n\n")[0].splitlines())
        answer = f"{kept.name}.json"
        blurbench(folder, SHOWING_S, "show", kept.name, "--json", answer)
        document = json.loads((folder / answer).read_text("utf-8"))
        report.judge(*judge_crossovers(document["crossovers"], f"{side}x{side}"))
        show_run(report, kept, folder)


def blurbench(folder: Path, seconds: float, *words: str) -> Ended:
    """Run a command in a folder, whose own place then is in no record."""
    return run([sys.executable, "-m", "blurbench", *words], seconds, folder)


def judge_crossovers(crossovers: Sequence[dict[str, Any]], image: str) -> list[Verdict]:
    """The answer of the fastest on the CPU against the fastest on the GPU, in both scopes.

    It is known where a change is proven, or at both ends who is faster.
    """
    found = {
        one["scope"]: one
        for one in crossovers
        if {one["first"], one["second"]} == {FASTEST_CPU, FASTEST_GPU}
    }
    verdicts = []
    for scope, words in WORDS.items():
        words = f"crossover CPU to GPU at {image}, {words}"
        one = found.get(scope)
        if one is None:
            verdicts.append(Verdict(OPEN, words))
            continue
        known = one["proven_at_both_ends"] or one["changes"]
        verdicts.append(Verdict(PASS if known else OPEN, f"{words}: {one['sentence']}"))
    return verdicts


def show_run(report: Report, kept: Path, folder: Path) -> None:
    """A picture where Matplotlib is installed, and a page where Altair is."""
    for needed, command, suffix in (("matplotlib", "plot", ".png"), ("altair", "report", ".html")):
        name = f"{kept.name}{suffix}"
        if find_spec(needed) is None:
            report.say(f"No {name}: {needed} is not installed")
            continue
        ended = blurbench(folder, SHOWING_S, command, kept.name, "-o", name)
        if ended.code != 0:
            report.judge(Verdict(MISS, f"{name}: {ended.how}, {ended.last}"))
        elif suffix == ".png":
            report.picture(name)
        else:
            report.say(f"[{name}]({name})")
