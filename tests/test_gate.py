"""The gate: what it rules on figures written by hand, and its exit codes from end to end."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from blurbench.analysis.comparable import not_comparable, other_code
from blurbench.analysis.gate import Ruling, normalised, rule, rule_against
from blurbench.records.findings import Findings
from blurbench.records.journal import Log, Run
from helpers.command import Ran
from helpers.process import edit, errors_of, is_one_line, run_process, work_in
from helpers.sleepy import ASKED, QUICK_S, SLOW_S, called, offered, plant_package
from helpers.written import COMMON, Written

NOT_SLOWER, SLOWER, UNDECIDED, NOT_COMPARABLE = 0, 10, 11, 12
JITTER = (1.0, 1.01, 0.99, 1.005, 0.995, 1.002, 0.998)  # of whole processes, beyond the yardstick


def ran(
    seconds: Mapping[str, float] | None = None,
    *,
    processes: int = 5,
    sizes: tuple[int, ...] = (5,),
    pace: Callable[[int], float] = lambda process: 1.0,
    yardstick: Callable[[int], float | None] = lambda process: 0.001,
    jitter: tuple[float, ...] = JITTER,
    skipped: Mapping[str, int] | None = None,
    **more: Any,
) -> Written:
    """A run in several processes.

    Args:
        pace: by how much everything is slower in a process.
        yardstick: its seconds; None where it did not run.
        skipped: in so many of the processes, the last ones, an implementation did not run.
    """
    seconds = {"separable": 0.004, "fft": 0.009} if seconds is None else seconds
    log = Written(*seconds, study="sweep", sizes=sizes, **more)
    for process in range(1, processes + 1):
        shift = jitter[(process - 1) % len(jitter)]
        times = {
            name: one * shift * pace(process)
            for name, one in seconds.items()
            if process <= processes - (skipped or {}).get(name, 0)
        }
        known = yardstick(process)
        if known is not None:
            times["yardstick"] = known * pace(process)
        for size in sizes:
            log.race(size, times, rounds=4, process=process, control=None)
            log.closes(size, process)
    return log


def decide(before: Written, now: Written, margin: float = 0.05) -> Ruling:
    return rule(before.log, now.log, margin)


def reasons(ruling: Ruling) -> str:
    return "\n".join(ruling.reasons)


# One figure a process.


def only_point(log: Log) -> Findings:
    (findings,) = log.points.values()
    return findings


def test_a_figure_is_the_median_over_that_of_the_yardstick() -> None:
    found = normalised(only_point(ran(jitter=(1.0,)).log), "fake:fft")
    assert found == pytest.approx(dict.fromkeys(range(1, 6), 9.0), rel=0.01)


def test_what_slows_a_whole_process_leaves_its_figure_alone() -> None:
    steady = normalised(only_point(ran().log), "fake:fft")
    paced = normalised(only_point(ran(pace=lambda process: process**2).log), "fake:fft")
    assert paced == pytest.approx(steady)


def test_a_process_without_the_yardstick_has_no_figure() -> None:
    log = ran(yardstick=lambda process: None if process == 3 else 0.001).log
    assert len(normalised(only_point(log), "fake:fft")) == 4


def test_what_was_measured_once_in_a_process_has_a_figure() -> None:
    log = ran({"fft": 0.009})
    for process in range(1, 6):
        log.record(5, "direct", "end_to_end", 0.5, round=1, process=process)
    found = normalised(only_point(log.log), "fake:direct")
    assert found == pytest.approx(dict.fromkeys(range(1, 6), 500.0), rel=0.01)


# What is proven.


def test_the_same_speed_is_not_slower() -> None:
    assert decide(ran(), ran()).code == NOT_SLOWER


def test_faster_is_not_slower() -> None:
    now = ran({"separable": 0.002, "fft": 0.001})
    assert decide(ran(), now).code == NOT_SLOWER


def test_slower_beyond_the_margin_is_slower() -> None:
    now = ran({"separable": 0.005, "fft": 0.012})
    assert decide(ran(), now).code == SLOWER


def test_slower_within_the_margin_is_not_slower() -> None:
    now = ran({"separable": 0.0044, "fft": 0.0099})
    assert decide(ran(), now, margin=0.2).code == NOT_SLOWER


def test_about_as_slow_as_the_margin_allows_is_undecided() -> None:
    now = ran({"separable": 0.004 * 1.05, "fft": 0.009 * 1.05})
    assert decide(ran(), now).code == UNDECIDED


@pytest.mark.parametrize(("margin", "code"), [(0.0, 10), (0.05, 10), (0.25, 0), (3.0, 0)])
def test_the_margin_is_what_it_is_told(margin: float, code: int) -> None:
    now = ran({"separable": 0.0046, "fft": 0.0104})
    assert decide(ran(), now, margin).code == code


def test_a_slower_machine_is_no_slower_implementation() -> None:
    now = ran(pace=lambda process: 1.5 + 0.1 * process)
    assert decide(ran(), now).code == NOT_SLOWER


def test_a_slower_implementation_on_a_faster_machine_is_slower() -> None:
    now = ran({"separable": 0.006, "fft": 0.0135}, pace=lambda process: 0.5)
    assert decide(ran(), now).code == SLOWER


def test_one_stalled_process_is_no_proof() -> None:
    stalled = ran(jitter=(1.0, 1.01, 0.99, 1.005, 9.0))
    assert decide(ran(), stalled).code != SLOWER


def test_a_baseline_of_which_one_process_stalled_is_no_excuse() -> None:
    before = ran(processes=7, jitter=(1.0, 1.01, 0.99, 1.005, 0.995, 1.002, 9.0))
    now = ran({"separable": 0.006, "fft": 0.0135}, processes=7)
    assert decide(before, now).code == SLOWER


def test_one_slower_cell_is_enough_and_is_named_with_its_change() -> None:
    now = ran({"separable": 0.004, "fft": 0.0135})
    ruling = decide(ran(), now)
    assert ruling.code == SLOWER
    assert ruling.reasons[:-1] == ("slower: fake:fft at 5x5 on 32x24: +50.0 % in 5 processes",)


@pytest.mark.parametrize(("times", "code"), [(1.0, NOT_SLOWER), (1.5, SLOWER)])
def test_a_ruling_says_that_the_day_is_not_told_from_a_change(times: float, code: int) -> None:
    ruling = decide(ran({"fft": 0.009}), ran({"fft": 0.009 * times}))
    assert ruling.code == code
    assert "use --against PYTHON" in ruling.reasons[-1]


def test_one_cell_is_spoken_of_as_one() -> None:
    assert "1 cells" not in reasons(decide(ran({"fft": 0.009}), ran({"fft": 0.009})))


def test_not_slower_takes_proof_from_every_cell() -> None:
    now = ran({"separable": 0.004, "fft": 0.009 * 1.05})
    ruling = decide(ran(), now)
    assert ruling.code == UNDECIDED
    assert "fake:fft" in reasons(ruling)
    assert "fake:separable" not in reasons(ruling)


def test_a_size_at_which_it_became_slower_is_named() -> None:
    before, now = ran(sizes=(5, 9)), ran(sizes=(5, 9), jitter=(2.0, 2.01, 1.99, 2.005, 1.995))
    ruling = decide(before, now)
    assert ruling.code == SLOWER
    assert [re.findall(r"at (\d+x\d+)", one) for one in ruling.reasons[:-1]] == [
        *(["5x5"], ["5x5"], ["9x9"], ["9x9"])
    ]


def many(cells: int, slower: float = 1.0) -> dict[str, float]:
    """So many implementations, of which the first may be slower than it was."""
    return {f"m{n}": 0.004 * (slower if n == 0 else 1.0) for n in range(cells)}


@pytest.mark.parametrize(("cells", "code"), [(1, 10), (12, 10), (13, 11)])
def test_the_error_rate_is_shared_by_all_cells(cells: int, code: int) -> None:
    assert decide(ran(many(cells)), ran(many(cells, slower=2.0))).code == code


def test_how_many_processes_it_takes_is_told() -> None:
    ruling = decide(ran(many(13)), ran(many(13, slower=2.0)))
    (enough,) = re.findall(r"--processes (\d+)", reasons(ruling))
    again = [ran(many(13, slower), processes=int(enough)) for slower in (1.0, 2.0)]
    assert decide(*again).code == SLOWER


# Side by side.


def test_a_change_of_the_same_size_in_every_pair_of_processes_is_slower() -> None:
    there, here = ran({"fft": 0.009}, processes=8), ran({"fft": 0.0095}, processes=8)
    ruling = rule_against(there.log, here.log, 0.0)
    assert ruling.code == SLOWER
    assert ruling.reasons == ("slower: fake:fft at 5x5 on 32x24: +5.6 % in 8 pairs of processes",)


def test_side_by_side_other_libraries_are_compared() -> None:
    here = ran(versions={"numpy": "3"})
    assert rule_against(ran().log, here.log, 0.05).code == NOT_SLOWER


def test_side_by_side_the_pace_of_whole_processes_does_not_matter() -> None:
    there = ran({"fft": 0.009}, processes=8, pace=lambda process: 1.0 + process % 3)
    here = ran({"fft": 0.0095}, processes=8, pace=lambda process: 1.0 + process % 5)
    assert rule_against(there.log, here.log, 0.0).code == SLOWER


def test_side_by_side_a_yardstick_of_its_own_scatter_does_not_matter() -> None:
    there = ran({"fft": 0.009}, processes=8, yardstick=lambda process: 0.001 * (1 + process % 3))
    here = ran({"fft": 0.0095}, processes=8, yardstick=lambda process: 0.001 * (1 + process % 5))
    assert rule_against(there.log, here.log, 0.0).code == SLOWER


def test_side_by_side_a_yardstick_that_its_library_slows_down_hides_nothing() -> None:
    here = ran({"fft": 0.018}, yardstick=lambda process: 0.002, versions={"numpy": "3"})
    assert rule_against(ran({"fft": 0.009}).log, here.log, 0.05).code == SLOWER


def test_side_by_side_other_kernels_are_not_comparable() -> None:
    ruling = rule_against(ran().log, ran(sizes=(7,)).log, 0.05)
    assert ruling.code == NOT_COMPARABLE
    assert "kernel" in reasons(ruling)


def test_side_by_side_a_process_that_lacks_a_cell_leaves_its_pair_out() -> None:
    here = ran({"fft": 0.018}, processes=8, skipped={"fft": 1})
    ruling = rule_against(ran({"fft": 0.009}, processes=8).log, here.log, 0.05)
    assert "in 7 pairs" in reasons(ruling)


# Too few processes.


@pytest.mark.parametrize(("before", "now"), [(4, 5), (5, 4), (1, 1), (1, 9), (4, 50)])
def test_fewer_than_five_processes_are_undecided(before: int, now: int) -> None:
    slow = {"separable": 0.4, "fft": 0.9}
    ruling = decide(ran(processes=before), ran(slow, processes=now))
    assert ruling.code == UNDECIDED
    assert "--processes 5" in reasons(ruling)


def test_five_processes_without_a_yardstick_are_undecided() -> None:
    assert decide(ran(yardstick=lambda process: None), ran()).code == UNDECIDED


def test_five_processes_of_which_one_lacks_the_yardstick_are_undecided() -> None:
    lacking = ran(yardstick=lambda process: None if process == 5 else 0.001)
    assert decide(ran(), lacking).code == UNDECIDED


def test_five_processes_are_not_told_to_be_five() -> None:
    lacking = ran(yardstick=lambda process: None if process == 5 else 0.001)
    assert "--processes 5" not in reasons(decide(ran(), lacking))


def test_a_cell_that_some_processes_lack_does_not_hide_that_another_is_slower() -> None:
    lacking = ran({"separable": 0.008, "fft": 0.009}, skipped={"fft": 1})
    assert decide(ran(), lacking).code == SLOWER


def test_a_cell_that_some_processes_lack_is_not_proven() -> None:
    assert decide(ran(), ran(skipped={"fft": 1})).code == UNDECIDED


# Cells that only one of the runs has.


def test_what_only_the_baseline_measured_is_not_ruled_on() -> None:
    assert decide(ran(), ran({"fft": 0.009})).code == NOT_SLOWER


def test_what_is_new_is_not_ruled_on() -> None:
    assert decide(ran({"fft": 0.009}), ran()).code == NOT_SLOWER


def test_without_a_common_cell_nothing_is_comparable() -> None:
    ruling = decide(ran({"separable": 0.004}), ran({"fft": 0.009}))
    assert ruling.code == NOT_COMPARABLE
    assert "processes" not in reasons(ruling)


def test_runs_that_hold_nothing_are_no_proof() -> None:
    assert decide(ran(processes=0), ran(processes=0)).code in (UNDECIDED, NOT_COMPARABLE)


@pytest.mark.parametrize("status", ["failed", "wrong", "unavailable", "out_of_memory"])
def test_what_ran_and_now_does_not_is_not_comparable_and_says_why(status: str) -> None:
    now = ran().record(5, "fft", "end_to_end", status=status, reason="worn out")
    ruling = decide(ran(), now)
    assert ruling.code == NOT_COMPARABLE
    assert all(text in reasons(ruling) for text in ("fake:fft", status, "worn out"))


def test_what_ran_and_now_does_not_fit_the_budget_is_no_proof() -> None:
    now = Written("separable", "fft", study="sweep", sizes=(5,))
    for process in range(1, 6):
        now.race(5, {"separable": 0.004, "yardstick": 0.001}, process=process, control=None)
    now.out(5, "fft", "over_budget", "one run is expected to take 900 s")
    ruling = decide(ran(), now)
    assert ruling.code != NOT_SLOWER
    assert "fake:fft" in reasons(ruling)


def test_what_did_not_run_in_the_baseline_is_not_ruled_on() -> None:
    before = ran().record(5, "fft", "end_to_end", status="wrong", reason="off by one")
    assert decide(before, ran({"separable": 0.004, "fft": 0.9})).code == NOT_SLOWER


# What cannot be compared.


def described(**more: Any) -> Run:
    return Written("fft", **more).log.run


def test_runs_that_differ_in_nothing_are_comparable() -> None:
    assert not_comparable(described(), described()) == []


def test_runs_that_differ_are_not_ruled_on() -> None:
    ruling = decide(ran(), ran({"separable": 9.0, "fft": 9.0}, threads=1))
    assert ruling.code == NOT_COMPARABLE
    assert "threads" in reasons(ruling)


@pytest.mark.parametrize(
    ("fact", "there", "here"),
    [("cpu", "Z80", "6502"), ("cpus", 1, 2), ("gpus", [], ["a GPU"]), ("memory_gib", 8, 16)],
)
def test_another_machine_is_told_by_what_differs(fact: str, there: Any, here: Any) -> None:
    machine = {"cpu": "Z80", "cpus": 1, "usable_cpus": 1, "gpus": [], "memory_gib": 8}
    runs = [
        described(machine={**machine, fact: value}, machine_id=str(value))
        for value in (there, here)
    ]
    assert not_comparable(*runs) == [f"{fact} was {there} and is {here}"]


def test_another_machine_that_differs_in_nothing_known_is_another_machine() -> None:
    assert not_comparable(described(machine_id="a"), described(machine_id="b")) == [
        "another machine"
    ]


def test_what_of_a_machine_changes_by_the_hour_does_not_matter() -> None:
    machine = {"cpu": "Z80", "cpus": 1, "usable_cpus": 1, "gpus": []}
    runs = [described(machine={**machine, "cpu_mhz": mhz}) for mhz in (2000, 3000)]
    assert not_comparable(*runs) == []


def test_other_kernels_are_told() -> None:
    (found,) = not_comparable(described(sizes=(5,)), described(sizes=(7,)))
    assert "kernel was 5" in found
    assert "is 7" in found


def test_another_sigma_is_another_kernel() -> None:
    (found,) = not_comparable(described(sizes=(5,), sigma=1.0), described(sizes=(5,), sigma=2.0))
    assert "kernel" in found
    assert "sigma 1" in found
    assert "sigma 2" in found


@pytest.mark.parametrize(
    ("name", "value"), [("border", "wrap"), ("cval", 1.0), ("dtype", "uint8"), ("cache", "cold")]
)
def test_other_settings_are_told(name: str, value: Any) -> None:
    (found,) = not_comparable(described(), described(common={**COMMON, name: value}))
    assert found == f"{name} was {COMMON[name]} and is {value}"


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ({"numpy": "3"}, ["numpy was 2 and is 3"]),
        ({"numpy": "2", "blurbench": "9"}, []),
        ({"numpy": "2", "blurbench": "1", "scipy": "1"}, ["scipy was None and is 1"]),
    ],
)
def test_other_versions_are_told_but_for_those_of_blurbench(
    versions: dict[str, str], expected: list[str]
) -> None:
    assert not_comparable(described(), described(versions=versions)) == expected


def test_what_the_code_of_two_sides_differs_in_is_told() -> None:
    there = described(versions={"blurbench": "1", "numpy": "2"}, git_revision="abc")
    here = described(versions={"blurbench": "1", "numpy": "3"}, git_revision="def")
    assert other_code(there, here) == ["commit was abc and is def", "numpy was 2 and is 3"]


def image_of(**more: Any) -> dict[str, Any]:
    (image,) = described().images
    return {**image, **more}


def test_another_image_is_told() -> None:
    other = described(images=[image_of(path="b.png", sha256="4567")])
    assert not_comparable(described(), other) == ["image was a picture and is b.png"]


def test_an_image_of_another_shape_is_another_image_though_its_bytes_are_the_same() -> None:
    assert not_comparable(described(), described(images=[image_of(height=32, width=24)]))


def test_other_image_sizes_are_told() -> None:
    assert not_comparable(described(), described(image_sizes=[[16, 16]]))


def test_the_same_image_under_another_name_is_the_same() -> None:
    moved = ran(
        common={**COMMON, "image": "elsewhere/picture"}, images=[image_of(path="elsewhere")]
    )
    assert decide(ran(), moved).code == NOT_SLOWER


# From end to end, with an implementation that takes as long as the environment says.


def call_here(command: list[str], **more: Any) -> int:
    """What would run in a child runs here, which takes less long."""
    assert command[:3] == [sys.executable, "-m", "blurbench"]
    return called(*command[3:])


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package in `site` and a baseline in `before`, not to be changed."""
    place = tmp_path_factory.mktemp("gate")
    plant_package(place / "site")
    with pytest.MonkeyPatch.context() as patch:
        work_in(place, patch)
        with offered(place / "site") as offer:
            offer.setattr("subprocess.call", call_here)
            made = ("compare", "photo.png", *ASKED, "--processes", "5", "--out", "before")
            assert called(*made) == 0
    return place


@pytest.fixture
def gated(
    before: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Callable[..., Ran]]:
    """Compares in a folder that has the baseline."""
    work_in(tmp_path, monkeypatch)
    shutil.copytree(before / "before", "before")
    with offered(before / "site") as patch:
        patch.setattr("subprocess.call", call_here)

        def compare(*more: str, seconds: str = QUICK_S, command: str = "compare") -> Ran:
            patch.setenv("SLEEPY_S", seconds)
            capsys.readouterr()
            code = called(command, "photo.png", *ASKED, "--baseline", "before", *more)
            captured = capsys.readouterr()
            return Ran(code, captured.out, captured.err)

        yield compare


def test_a_slowed_implementation_exits_with_10_and_is_named(gated: Callable[..., Ran]) -> None:
    ended = gated(seconds=SLOW_S)
    assert ended.code == SLOWER
    assert "slower: sleepy:separable at 15x15 on 32x24" in ended.err


@pytest.mark.rest("processes")
def test_a_gate_measures_in_processes_of_its_own(
    gated: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLEEPY_S", SLOW_S)
    ended = run_process("compare", "photo.png", *ASKED, "--baseline", "before")
    assert ended.code == SLOWER
    assert "slower: sleepy:separable at 15x15 on 32x24" in ended.err


def test_one_that_is_not_slower_exits_with_0(gated: Callable[..., Ran]) -> None:
    ended = gated("--fail-if-slower", "400%")
    assert (ended.code, errors_of(ended)) == (NOT_SLOWER, [])
    assert "not slower by 400 %" in ended.err


@pytest.mark.rest("processes")
def test_a_gate_measures_in_five_processes_unless_told_otherwise(
    gated: Callable[..., Ran],
) -> None:
    (row,) = json.loads(gated("--json", "-").out)["implementations"]
    assert row["processes"] == 5


@pytest.mark.rest("processes")
def test_a_sweep_is_a_gate_too(gated: Callable[..., Ran]) -> None:
    edit(Path("before"), lambda about: about.update(study="sweep"))
    more = ("--sizes", "15", "--out", "now", "--fail-if-slower", "400%")
    assert gated(*more, command="sweep").code == NOT_SLOWER


def test_a_gate_of_too_few_processes_exits_with_11(gated: Callable[..., Ran]) -> None:
    ended = gated("--processes", "2", seconds=SLOW_S)
    assert ended.code == UNDECIDED
    assert "--processes 5" in ended.err


def test_a_gate_of_one_process_exits_with_11(gated: Callable[..., Ran]) -> None:
    ended = gated("--processes", "1", seconds=SLOW_S)
    assert ended.code == UNDECIDED
    assert "--processes 5" in ended.err


def is_refused_unmeasured(ended: Ran, *, out: str = "now") -> bool:
    """Whether it was not comparable, and nothing was kept."""
    return ended.code == NOT_COMPARABLE and not Path(out).exists()


def test_another_kernel_exits_with_12_before_anything_is_measured(
    gated: Callable[..., Ran],
) -> None:
    ended = gated("--size", "3", "--out", "now")
    assert is_refused_unmeasured(ended)
    assert "kernel was 15" in ended.err


def test_another_image_exits_with_12_before_anything_is_measured(
    gated: Callable[..., Ran],
) -> None:
    PIL.Image.fromarray(np.zeros((24, 32, 3), np.uint8)).save("photo.png")
    ended = gated("--out", "now")
    assert is_refused_unmeasured(ended)
    assert "image" in ended.err


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda about: about.update(machine_id="other"), "another machine"),
        (lambda about: about["versions"].update(numpy="0.1"), "numpy was 0.1"),
        (lambda about: about.update(threads=77), "threads were 77"),
    ],
    ids=["machine", "versions", "threads"],
)
def test_a_baseline_from_elsewhere_exits_with_12_and_says_from_where(
    gated: Callable[..., Ran], change: Callable[[dict[str, Any]], None], told: str
) -> None:
    edit(Path("before"), change)
    ended = gated("--out", "now")
    assert is_refused_unmeasured(ended)
    assert told in ended.err


@pytest.mark.parametrize("command", ["compare", "sweep"])
@pytest.mark.parametrize("state", ["missing", "empty", "a file", "no JSON", "torn JSON"])
def test_a_baseline_that_is_no_run_is_refused_in_one_line(
    gated: Callable[..., Ran], command: str, state: str
) -> None:
    for path in Path("before").iterdir():
        path.unlink()
    if state in ("missing", "a file"):
        Path("before").rmdir()
    if state == "a file":
        Path("before").write_text("not a folder")
    if state == "no JSON":
        Path("before/run.json").write_text("not JSON")
    if state == "torn JSON":
        Path("before/run.json").write_text('{"schema": "blurbench.run/1"')
    ended = gated("--out", "now", command=command)
    assert is_one_line(ended)
    assert "before" in ended.err
    assert not Path("now").exists()


@pytest.mark.parametrize("missing", ["images", "kernels", "versions", "options"])
def test_a_baseline_whose_description_lacks_something_is_refused_in_one_line(
    gated: Callable[..., Ran], missing: str
) -> None:
    edit(Path("before"), lambda about: about.pop(missing))
    assert is_one_line(gated())


@pytest.mark.parametrize("margin", ["-1%", "5", "much", "nan", "", "inf"])
def test_a_margin_that_is_none_is_refused_in_one_line(
    gated: Callable[..., Ran], margin: str
) -> None:
    ended = gated("--fail-if-slower", margin)
    assert is_one_line(ended)
    assert "--fail-if-slower" in ended.err


def test_the_baseline_is_left_as_it_was(gated: Callable[..., Ran], before: Path) -> None:
    gated("--processes", "1", "--out", "now")
    assert {path.name: path.read_bytes() for path in Path("before").iterdir()} == {
        path.name: path.read_bytes() for path in (before / "before").iterdir()
    }


def test_data_on_stdout_is_not_mixed_with_the_ruling(gated: Callable[..., Ran]) -> None:
    ended = gated("--processes", "1", "--json", "-")
    assert json.loads(ended.out)["schema"] == "blurbench.compare/1"
