"""NVIDIA's own tools, where they are installed: races and bad addresses, and what a kernel does."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from gpu_check.processes import run
from gpu_check.report import MISS, OPEN, PASS, Report, Verdict

SANITIZER, PROFILER = "compute-sanitizer", "ncu"
KINDS = ("memcheck", "racecheck")
FAULT = 9  # the exit code that we ask the sanitizer for
SECTIONS = ("SpeedOfLight", "Occupancy", "LaunchStats", "WarpStateStats")


def look_inside(report: Report, folder: Path, blurs: Sequence[str], seconds: float) -> None:
    """Our kernels on small images under each tool.

    Args:
        blurs: the command that blurs.
    """
    each = seconds / (len(KINDS) + 1)
    if shutil.which(SANITIZER) is None:
        report.say(f"{SANITIZER} is not installed: it comes with the CUDA toolkit")
    else:
        for kind in KINDS:
            options = ("--tool", kind, "--error-exitcode", str(FAULT))
            ended = run([SANITIZER, *options, *blurs], each)
            kept = {0: PASS, FAULT: MISS}.get(-1 if ended.code is None else ended.code, OPEN)
            how = ended.last if ended.code in (0, FAULT) else ended.how
            report.judge(Verdict(kept, f"{SANITIZER} {kind}: {how}"))
            if kept == MISS:
                report.show(*ended.output.splitlines()[:40])
    if shutil.which(PROFILER) is None:
        report.say(f"{PROFILER} is not installed: it comes with the CUDA toolkit")
        return
    sections = [text for name in SECTIONS for text in ("--section", name)]
    options = ("--clock-control", "none", "--csv", *sections)  # leaves the clocks alone
    ended = run([PROFILER, *options, *blurs], each)
    table = [line for line in ended.output.splitlines() if line.startswith('"')]
    (folder / "ncu.csv").write_text("".join(f"{line}\n" for line in table), "utf-8")
    report.say(f"{PROFILER}: {'ncu.csv' if ended.code == 0 else ended.how + ', ' + ended.last}")
