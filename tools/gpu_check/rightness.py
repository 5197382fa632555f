"""Is it right? The tests that need a GPU, and `blurbench verify` for every backend and border."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from importlib.util import find_spec
from itertools import product
from pathlib import Path

from blurbench import host
from blurbench.border import BORDERS
from gpu_check.processes import ROOT, Ended, run_beside
from gpu_check.report import MISS, OPEN, PASS, Report, Verdict
from gpu_check.shard import COLLECTED, STARTED
from gpu_check.tensors import OF_TENSORS

TOLD = "tests.tsv"  # what became of each test
NEEDED = ("pytest", "hypothesis")
OF_TENSORS_SHARDS = 3
BYTES_EACH = 2**30  # of device memory, for a process with its context
NAMED = 4  # tests that are named where some failed or were not reached; all are in TOLD


def workers(free_bytes: int) -> int:
    """Processes at a time: what CPUs and the device's memory allow."""
    return max(1, min(host.usable_cpus(), free_bytes // BYTES_EACH))


def test_commands(folder: Path, shards: int, names: Iterable[str]) -> dict[str, list[str]]:
    """pytest for each shard of the tests that need a GPU, and for those of PyTorch's device."""
    files = [
        str(path)
        for path in sorted((ROOT / "tests").glob("test_*.py"))
        if re.search(r"mark\.gpu|@on_gpu|params=WAYS", path.read_text("utf-8"))
    ]
    quiet = ("-q", "--tb=short", "-p", "no:cacheprovider", "-p", "gpu_check.shard")
    pytest = (sys.executable, "-m", "pytest", "--checks", "all", *quiet)
    told = ("--told", str(folder / TOLD), *files)
    chosen = {
        f"tests {number}": ("-m", "gpu", "--shard", f"{number}/{shards}")
        for number in range(shards)
    }
    for number in range(OF_TENSORS_SHARDS if OF_TENSORS in names else 0):
        which = ("-m", "not gpu", "-k", f"[{OF_TENSORS}")
        shard = ("--shard", f"{number}/{OF_TENSORS_SHARDS}")
        chosen[f"tests of {OF_TENSORS} {number}"] = (*which, *shard)
    return {name: [*pytest, *which, *told] for name, which in chosen.items()}


def verify_commands(names: Iterable[str]) -> dict[str, list[str]]:
    """`blurbench verify` for each backend and border."""
    verify = (sys.executable, "-m", "blurbench", "verify")
    return {
        f"{name} under {border}": [*verify, "--backend", name, "--border", border]
        for name, border in product(names, BORDERS)
    }


def check_rightness(
    report: Report, folder: Path, names: Collection[str], free_bytes: int, seconds: float
) -> None:
    """The tests first, `verify` as processes become free."""
    count = workers(free_bytes)
    missing = [name for name in NEEDED if find_spec(name) is None]
    tests = {} if missing else test_commands(folder, count, names)
    ended = run_beside({**tests, **verify_commands(names)}, seconds, count)
    if missing:
        lacking = " and ".join(missing)
        report.judge(Verdict(OPEN, f"GPU tests: install {lacking} for this Python first"))
    else:
        judge_tests(report, folder / TOLD, [ended[name] for name in tests], seconds)
    judge_verify(report, {what: one for what, one in ended.items() if what not in tests}, seconds)


def judge_tests(report: Report, told: Path, ended: Sequence[Ended], seconds: float) -> None:
    """What failed and what was not reached, by name; where something failed, pytest's words."""
    became = outcomes(told)
    failed = [test for test, what in became.items() if what == "failed"]
    running = [test for test, what in became.items() if what == STARTED]
    waiting = [test for test, what in became.items() if what == COLLECTED]
    done = len(became) - len(running) - len(waiting)
    skipped = sum(what == "skipped" for what in became.values())
    words = f"GPU tests: {done - skipped} ran, {skipped} were skipped, {len(failed)} failed"
    broken = [one for one in ended if one.code not in (0, 1, 5, None)]  # 5: an empty shard
    if failed:
        report.judge(Verdict(MISS, f"{words}: {_named(failed)}"))
    elif broken:
        at = f" at {_named(running)}" if running else ""
        report.judge(Verdict(MISS, f"{words}; a process broke down, {broken[0].how}{at}"))
    elif done == skipped:
        report.judge(Verdict(OPEN, words))
    else:
        report.judge(Verdict(PASS, words))
    if running or waiting:
        left = _named([*running, *waiting])
        count = len(running) + len(waiting)
        report.judge(Verdict(OPEN, f"GPU tests: {count} not finished in {seconds:.0f} s: {left}"))
    for one in ended:
        if one.code not in (0, 5, None):
            report.show(*one.output.rstrip().splitlines()[-40:])


def outcomes(told: Path) -> Mapping[str, str]:
    """The last that was told of each test."""
    lines = told.read_text("utf-8").splitlines() if told.exists() else []
    found: dict[str, str] = {}
    for what, test in (line.split("\t", 1) for line in lines):
        if found.get(test) != "failed":  # what fails when it is taken down has failed
            found[test] = what
    return found


def judge_verify(report: Report, ended: Mapping[str, Ended], seconds: float) -> None:
    """The last line of each; more of it where an implementation is outside the contract."""
    for what, one in ended.items():
        if one.code == 0:
            report.judge(Verdict(PASS, f"verify of {what}: {one.last}"))
        elif one.code is not None:
            report.judge(Verdict(MISS, f"verify of {what}: {one.last} ({one.how})"))
            report.show(*one.output.rstrip().splitlines()[-20:])
    left = [what for what, one in ended.items() if one.code is None]
    if left:
        words = f"{len(left)} of {len(ended)} runs of `verify` not finished in {seconds:.0f} s"
        report.judge(Verdict(OPEN, f"{words}: {', '.join(left)}"))


def _named(tests: Sequence[str]) -> str:
    more = f" and {len(tests) - NAMED} more" if len(tests) > NAMED else ""
    return ", ".join(test.rpartition("/")[2] for test in tests[:NAMED]) + more
