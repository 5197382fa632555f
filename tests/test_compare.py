"""Comparisons end to end: of the shipped CPU rows, and of planted ones on a simulated clock.

Planted backends come in as a stranger's would, through the entry points. Where time matters it is
simulated: `time.perf_counter` moves only by what the planted implementations say they take.
"""

from __future__ import annotations

import csv
import json
import math
import re
import weakref
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from itertools import count, pairwise, repeat
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blurbench.analysis.answer import Answer
from blurbench.backends import registry
from blurbench.backends.backend import Availability, Implementation
from blurbench.backends.device import Clocks
from blurbench.errors import InputError
from blurbench.image import Image
from blurbench.kernel import GaussianKernel
from blurbench.measure.judge import (
    FAR_SLOWER,
    FASTEST,
    FASTEST_HERE,
    LIKELY,
    SLOWER,
    SLOWER_HERE,
    TIED,
    UNCLEAR,
    Rules,
)
from blurbench.measure.sampling import Timed
from blurbench.measure.stats import FIRST_LOOK
from blurbench.plan import Plan
from blurbench.problem import Problem
from blurbench.records.export import to_json
from blurbench.records.journal import Journal, Log
from blurbench.records.lead import lead_of
from blurbench.records.record import Record
from blurbench.records.scopes import ALONE
from blurbench.records.summary import Row
from blurbench.study.compare import compare
from blurbench.study.exactness import allowed_error
from blurbench.study.listener import Listener
from blurbench.study.options import Options
from blurbench.study.point.bandwidth import time_copies
from blurbench.study.question import Question
from blurbench.study.session import Session
from blurbench.study.source import ImageSource
from helpers.planted import (
    SMALL,
    Behaviour,
    Planted,
    add_half,
    backend_of,
    blot,
    failing_after,
    picture,
    planted,
    raising,
    then,
)
from helpers.simulated import (
    DOWNLOAD_S,
    LAUNCH_S,
    MULTIPLY_ADD_RATE,
    UPLOAD_S,
    Clock,
    FakeDevice,
    Lazy,
    gpu_of,
    world,
)

SCOPES = ("compute", "upload", "download", "end_to_end")
FIGURES = ("median", "ci95_low", "ci95_high", "min")
ROW_KEYS = {
    *("implementation", "backend", "method", "origin", "exact", "status", "reason", "rounds"),
    *("first_call_s", "setup_s"),
    *(f"{scope}_{figure}_s" for scope in SCOPES for figure in FIGURES),
    *("ratio_to_fastest", "ratio_ci95_low", "ratio_ci95_high"),
    *("megapixels_per_s", "gigabytes_per_s", "copy_bandwidth_fraction"),
    *("max_abs_error", "max_relative_error", "verdict"),
}
TOP_KEYS = {
    *("schema", "image", "kernel", "border", "dtype", "machine", "ranking_scope", "control"),
    *("separable_direct_max_abs_difference", "implementations"),
}
VERDICTS = {
    *(FASTEST, FASTEST_HERE, LIKELY, TIED),
    *(SLOWER, SLOWER_HERE, FAR_SLOWER, UNCLEAR),
}
KERNEL = GaussianKernel.from_size(5)
PILOT = range(1 - Rules().pilot, 1)  # the numbers of its rounds


class Kept(Log):
    """Remembers the samples in the order of their taking."""

    def __init__(self, run: Any) -> None:
        super().__init__(run)
        self.samples: list[tuple[str, str | None, int]] = []

    def append(self, record: Record) -> None:
        super().append(record)
        if record.elapsed_s is not None:
            self.samples.append((record.key.implementation, record.scope, record.round))

    def rounds_of(self, name: str, scope: str = "end_to_end") -> list[int]:
        return [number for one, where, number in self.samples if (one, where) == (name, scope)]


class Told(Listener):
    """Remembers what it is told, and calls back after each round."""

    def __init__(self, on_round: Callable[[int], None] = lambda done: None) -> None:
        self.seconds: list[float] = []
        self.stages: list[str] = []
        self._on_round = on_round

    @property
    def racing(self) -> bool:
        """Whether a race is on, or was."""
        return "racing" in self.stages

    def budget(self, seconds: float) -> None:
        self.seconds.append(seconds)

    def stage(self, text: str) -> None:
        self.stages.append(text)

    def rounds(self, done: int, left_s: float) -> None:
        self._on_round(done)


def simulate(budget: float | None = 30.0, **options: Any) -> Answer:
    """Compare the planted implementations on the small image."""
    return simulate_into(Log, budget, **options)[0]


def simulate_into(
    make_log: Callable[[Any], Any],
    budget: float | None = 30.0,
    listener: Listener | None = None,
    **given: Any,
) -> tuple[Answer, Any]:
    """The same, into a log of the test's own."""
    options = Options(**{"backends": ("fake",), "threads": 1, "seed": 1, "budget": budget, **given})
    session = Session(options)
    question = Question("compare", (ImageSource(),), (SMALL,), (KERNEL,), options)
    log = make_log(question.describe(session, [], options.rules))
    return compare(SMALL, KERNEL, options, listener, log, session), log


def rows(answer: Answer) -> dict[str, Row]:
    """The rows by method."""
    return {row.method: row for row in answer.rows}


def column(answer: Answer, name: str) -> dict[str, Any]:
    """A column by method."""
    return {row.method: getattr(row, name) for row in answer.rows}


# The implementations that are shipped, on this CPU and on its clock.


@pytest.fixture(scope="module")
def shipped() -> Answer:
    options = Options(backends=("numpy", "scipy"), budget=8.0, seed=3)  # on a busy machine
    return compare(picture(64, 48, 3), KERNEL, options)


def test_every_shipped_implementation_runs_on_a_cpu(shipped: Answer) -> None:
    assert {row.name: row.status for row in shipped.rows} == {
        one.name: "ok"
        for name in ("numpy", "scipy")
        for one in registry.find_backend(name).implementations
        if one.exact
    }


def test_every_row_has_a_verdict(shipped: Answer) -> None:
    assert {row.verdict for row in shipped.rows} <= VERDICTS


def test_the_first_row_is_the_one_that_all_are_held_against(shipped: Answer) -> None:
    first = shipped.rows[0]
    assert (first.name, first.ratio_to_fastest) == (shipped.race.leader, 1.0)


def test_every_error_is_within_the_contract(shipped: Answer) -> None:
    allowed = allowed_error(shipped.problem.dtype, 255.0)
    assert all(0 <= row.max_abs_error <= allowed for row in shipped.rows)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float64"])
def test_every_error_is_within_the_contract_in_other_dtypes(dtype: str) -> None:
    options = Options(
        backends=("numpy", "scipy"),
        budget=0.5,
        rounds=1,
        dtype=dtype,
        border="constant",
        cval=300.0 if dtype != "uint8" else 255.0,
    )
    answer = compare(picture(21, 18), KERNEL, options)
    allowed = allowed_error(np.dtype(dtype), 300.0)
    ran = [row for row in answer.rows if row.status != "unsupported"]
    assert all(row.max_abs_error <= allowed for row in ran)
    assert {row.status for row in ran} == {"ok"}


def test_separable_and_direct_are_said_to_differ_by_rounding_only(shipped: Answer) -> None:
    assert 0 < shipped.difference.absolute <= 2 * allowed_error(shipped.problem.dtype, 255.0)


def test_the_rows_stand_in_the_order_of_their_ratios(shipped: Answer) -> None:
    ratios = [row.ratio_to_fastest for row in shipped.rows]
    assert ratios == sorted(ratios)


def test_on_a_cpu_compute_is_what_end_to_end_is(shipped: Answer) -> None:
    for row in shipped.rows:
        for figure in FIGURES:
            assert getattr(row, f"compute_{figure}_s") == getattr(row, f"end_to_end_{figure}_s")


def test_on_a_cpu_nothing_is_uploaded(shipped: Answer) -> None:
    assert {row.upload_median_s for row in shipped.rows} == {None}
    assert shipped.on_device is None


def test_the_rates_follow_from_the_median(shipped: Answer) -> None:
    for row in shipped.rows:
        median_s = row.end_to_end_median_s
        assert row.megapixels_per_s == pytest.approx(64 * 48 / median_s / 1e6)
        assert row.gigabytes_per_s == pytest.approx(2 * 64 * 48 * 3 * 4 / median_s / 1e9)
        assert row.copy_bandwidth_fraction == pytest.approx(shipped.copy.median_s / median_s)


def test_the_first_call_and_the_setup_are_told(shipped: Answer) -> None:
    assert all(row.first_call_s > 0 and row.setup_s > 0 for row in shipped.rows)


def test_the_document_has_what_was_promised(shipped: Answer) -> None:
    document = shipped.document()
    assert set(document) >= TOP_KEYS
    assert document["schema"] == "blurbench.compare/1"
    assert document["ranking_scope"] == "end_to_end"


def test_the_document_describes_the_question(shipped: Answer) -> None:
    document = shipped.document()
    assert document["image"] == {
        "path": "a picture",
        "height": 64,
        "width": 48,
        "channels": 3,
        "dtype": "uint8",
    }
    assert document["kernel"] == {
        "size": 5,
        "sigma": KERNEL.sigma,
        "radius": 2,
        "shift_pixels": 0.0,
    }
    assert (document["border"], document["dtype"]) == ("reflect", "float32")


def test_the_document_names_the_leader_and_how_sure_that_is(shipped: Answer) -> None:
    lead, first = shipped.document()["lead"], shipped.rows[0]
    assert (lead["implementation"], lead["claim"]) == (first.name, first.verdict)


def test_the_document_describes_the_control(shipped: Answer) -> None:
    control = shipped.document()["control"]
    assert set(control) == {
        *("implementation", "ratio", "ratio_ci95_low", "ratio_ci95_high"),
        *("noise_floor", "passed", "rounds"),
    }
    assert control["implementation"] == shipped.race.reference


def test_every_entry_of_the_document_has_the_promised_columns(shipped: Answer) -> None:
    for entry in shipped.document()["implementations"]:
        assert set(entry) >= ROW_KEYS


def test_the_document_is_json(shipped: Answer) -> None:
    entries = json.loads(to_json(shipped.document()))["implementations"]
    assert [entry["implementation"] for entry in entries] == [row.name for row in shipped.rows]


# Verdicts.


def test_the_faster_of_two_wins(plant, clock: Clock) -> None:
    plant(backend_of(planted("quick", clock.takes(0.004)), planted("slow", clock.takes(0.008))))
    answer = simulate()
    assert column(answer, "verdict") == {"quick": "fastest", "slow": "slower"}
    assert rows(answer)["slow"].ratio_to_fastest == pytest.approx(2.0, rel=0.02)
    assert rows(answer)["slow"].ratio_ci95_low < 2.0 < rows(answer)["slow"].ratio_ci95_high


def test_the_fastest_has_no_interval_against_itself(plant, clock: Clock) -> None:
    plant(backend_of(planted("quick", clock.takes(0.004)), planted("slow", clock.takes(0.008))))
    quick = rows(simulate())["quick"]
    assert (quick.ratio_to_fastest, quick.ratio_ci95_low, quick.ratio_ci95_high) == (1, None, None)


def test_a_known_time_lies_in_its_interval(plant, clock: Clock) -> None:
    plant(backend_of(planted("only", clock.takes(0.004, noise=0.05))))
    row = rows(simulate(seed=2))["only"]
    assert row.end_to_end_min_s <= row.end_to_end_ci95_low_s
    assert row.end_to_end_ci95_low_s < 0.004 < row.end_to_end_ci95_high_s


def test_equal_speeds_are_tied(plant, clock: Clock) -> None:
    steady = partial(clock.takes, noise=0.002)
    plant(backend_of(planted("one", steady(0.004)), planted("two", steady(0.004))))
    assert column(simulate(), "verdict") == {"one": "tied", "two": "tied"}


def compare_beside_a_slow_control(plant, clock: Clock, slow: float) -> Answer:
    """The control takes a fifth longer than its reference, of 4 ms."""
    listener = Told()

    def prepare(problem: Problem) -> Plan:
        # The control is the only plan that is made when the race is on.
        return Planted(problem, clock.takes(0.0048 if listener.racing else 0.004))

    quick = planted("quick", prepare=prepare)
    plant(backend_of(quick, planted("slow", clock.takes(slow))))
    return simulate(listener=listener, seed=4)


def test_a_control_unlike_its_reference_is_told(plant, clock: Clock) -> None:
    control = compare_beside_a_slow_control(plant, clock, 0.007).document()["control"]
    assert control["passed"] is False
    assert control["noise_floor"] == pytest.approx(0.2, abs=0.03)


@pytest.mark.parametrize(
    ("slow", "verdicts"),
    [
        (0.0052, {"quick": "likely fastest", "slow": "unclear"}),
        (0.007, {"quick": "fastest", "slow": "slower"}),
    ],
    ids=["within twice its error", "beyond"],
)
def test_a_control_unlike_its_reference_asks_for_larger_differences(
    plant, clock: Clock, slow: float, verdicts: dict[str, str]
) -> None:
    assert column(compare_beside_a_slow_control(plant, clock, slow), "verdict") == verdicts


def test_a_given_number_of_rounds_is_not_exceeded(plant, clock: Clock) -> None:
    noisy = partial(clock.takes, noise=0.3)
    plant(backend_of(planted("one", noisy(0.004)), planted("two", noisy(0.004))))
    assert simulate(rounds=20).race.rounds == 20


def test_the_same_seed_is_told_and_repeats_the_order(plant, clock: Clock) -> None:
    plant(backend_of(planted("one", clock.takes(0.004)), planted("two", clock.takes(0.006))))
    (one, kept), (two, again) = (simulate_into(Kept, seed=9, rounds=5) for _ in range(2))
    assert (one.seed, two.seed) == (9, 9)
    assert kept.samples == again.samples


# What cannot run says why, and disturbs nobody.


def test_an_unavailable_backend_has_rows_with_its_reason(plant, clock: Clock) -> None:
    absent = Availability("its library is not installed", "pip install it")
    plant(
        backend_of(planted("quick", clock.takes(0.004))),
        backend_of(
            planted("one", backend="absent"),
            planted("two", backend="absent"),
            name="absent",
            probe=lambda: absent,
        ),
    )
    answer = simulate(backends=("fake", "absent"))
    assert column(answer, "status") == {"quick": "ok", "one": "unavailable", "two": "unavailable"}
    assert rows(answer)["two"].reason == "its library is not installed"
    assert answer.unavailable == {"absent": "its library is not installed; pip install it"}


def test_a_reason_without_a_remedy_is_told_as_it_is(plant) -> None:
    plant(backend_of(planted("one"), probe=lambda: Availability("it is too old")))
    assert simulate().unavailable == {"fake": "it is too old"}


def test_a_backend_whose_probe_breaks_is_unavailable(plant) -> None:
    def broken() -> Availability:
        raise OSError("no such\nlibrary")

    plant(backend_of(planted("one"), probe=broken))
    row = rows(simulate())["one"]
    assert (row.status, row.reason) == ("unavailable", "its probe failed: no such library")


def test_a_device_that_cannot_be_opened_makes_its_rows_unavailable(plant, clock: Clock) -> None:
    def missing(number: int) -> Any:
        raise RuntimeError(f"no device {number}")

    plant(
        backend_of(planted("quick", clock.takes(0.004))),
        backend_of(planted("one", backend="far"), name="far", kind="gpu", open_device=missing),
    )
    answer = simulate(backends=("fake", "far"), device=3)
    assert column(answer, "status") == {"quick": "ok", "one": "unavailable"}
    assert "device 3 cannot be opened: no device 3" in rows(answer)["one"].reason


def test_where_nothing_can_run_there_is_an_answer_without_figures(plant) -> None:
    plant(backend_of(planted("one"), probe=lambda: Availability("it is not here", "fetch it")))
    document = json.loads(to_json(simulate().document()))
    assert (document["control"], document["separable_direct_max_abs_difference"]) == (None, None)
    assert document["implementations"][0]["end_to_end_median_s"] is None


# Implementations that fail, err or cheat.


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (RuntimeError("the library\nis broken"), "failed", "the library is broken"),
        (AssertionError(), "failed", "AssertionError"),
        (MemoryError(), "out_of_memory", "MemoryError"),
        (MemoryError("1 TiB"), "out_of_memory", "1 TiB"),
        (type("OutOfMemoryError", (Exception,), {})("of the device"), "out_of_memory", "of the "),
        (InputError("it takes no wrap border"), "unsupported", "it takes no wrap border"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
@pytest.mark.parametrize("when", ["prepared", "called"])
def test_one_that_raises_says_why_and_the_others_run(
    plant, clock: Clock, error: Exception, status: str, reason: str, when: str
) -> None:
    def refuse(problem: Problem) -> Plan:
        raise error

    prepare = refuse if when == "prepared" else None
    plant(
        backend_of(
            planted("bad", raising(error), prepare=prepare), planted("good", clock.takes(0.004))
        )
    )
    found = rows(simulate(rounds=1))
    assert found["bad"].status == status
    assert reason in found["bad"].reason
    assert "\n" not in found["bad"].reason
    assert (found["bad"].end_to_end_median_s, found["bad"].verdict) == (None, None)
    assert (found["good"].status, found["good"].verdict) == ("ok", "fastest")


def test_one_that_lacks_the_border_says_so_and_the_others_run(plant, clock: Clock) -> None:
    folding = replace(planted("folding", clock.takes(0.002)), borders=("reflect", "mirror"))
    plant(backend_of(folding, planted("any", clock.takes(0.004))))
    found = rows(simulate(border="wrap"))
    assert (found["any"].status, found["folding"].status) == ("ok", "unsupported")
    assert "'wrap' does not go with folding of fake: use reflect or mirror" in (
        found["folding"].reason
    )


def test_one_that_lacks_the_dtype_says_so_and_the_others_run(plant, clock: Clock) -> None:
    narrow = replace(planted("narrow", clock.takes(0.002)), dtypes=("uint8", "float32"))
    plant(backend_of(narrow, planted("any", clock.takes(0.004))))
    found = rows(simulate(dtype="float16"))
    assert (found["any"].status, found["narrow"].status) == ("ok", "unsupported")
    assert "'float16' does not go with narrow of fake: use uint8 or float32" in (
        found["narrow"].reason
    )


@pytest.mark.parametrize("calls", [5, 40], ids=["while it warms up", "while it races"])
def test_one_that_fails_late_does_not_disturb_the_others(plant, clock: Clock, calls: int) -> None:
    fragile = failing_after(calls, clock.takes(0.004), RuntimeError("worn out"))
    plant(backend_of(planted("bad", fragile), planted("good", clock.takes(0.008))))
    found = rows(simulate())
    assert (found["bad"].status, found["bad"].reason) == ("failed", "worn out")
    assert found["good"].status == "ok"
    assert found["good"].end_to_end_median_s == pytest.approx(0.008, rel=0.05)


def test_samples_of_a_race_that_was_void_can_be_told_from_the_others(
    plant, clock: Clock, tmp_path: Path
) -> None:
    fragile = failing_after(60, clock.takes(0.004), RuntimeError("worn out"))
    plant(backend_of(planted("bad", fragile), planted("good", clock.takes(0.008))))
    simulate_into(partial(Journal.create, tmp_path))[1].finish()
    with (tmp_path / "samples.csv").open(encoding="utf-8", newline="") as stream:
        samples = list(csv.DictReader(stream))
    names = ("cell_id", "scope", "round", "position", "attempt")
    known = Counter(
        tuple(sample[name] for name in names) for sample in samples if sample["elapsed_s"]
    )
    assert max(known.values()) == 1


def test_no_memory_for_the_control_does_not_disturb_the_others(plant, clock: Clock) -> None:
    listener = Told()

    def prepare(problem: Problem) -> Plan:
        if listener.racing:
            raise MemoryError
        return Planted(problem, clock.takes(0.004))

    large = planted("large", prepare=prepare)
    plant(backend_of(large, planted("good", clock.takes(0.008))))
    good = rows(simulate(listener=listener))["good"]
    assert good.status == "ok"
    assert good.end_to_end_median_s == pytest.approx(0.008, rel=0.05)


@pytest.mark.parametrize("spoil", [add_half, blot])
def test_a_wrong_one_is_shown_and_never_wins(plant, clock: Clock, spoil) -> None:
    bad = planted("bad", then(clock.takes(0.002), spoil))
    plant(backend_of(bad, planted("good", clock.takes(0.004))))
    answer = simulate()
    found = rows(answer)
    assert (found["bad"].status, found["bad"].verdict) == ("wrong", None)
    assert "above the 0.00025 that is allowed" in found["bad"].reason
    assert found["bad"].end_to_end_median_s is not None
    assert not found["bad"].max_abs_error <= allowed_error(np.dtype("float32"), 255.0)
    assert (found["good"].verdict, list(answer.race.standings)) == ("fastest", ["fake:good"])


def test_a_wrong_one_may_say_that_it_is_no_exact_blur(plant, clock: Clock) -> None:
    one = planted("approximate", then(clock.takes(0.004), add_half))
    plant(backend_of(replace(one, exact=False)))
    row = rows(simulate(rounds=1))["approximate"]
    assert (row.status, row.exact) == ("ok", False)
    assert row.max_abs_error == pytest.approx(0.5, rel=1e-3)


@pytest.mark.parametrize(
    ("tolerance", "verdicts"),
    [
        (None, {"rough": "approximate", "right": "fastest"}),
        (1e-3, {"rough": "approximate", "right": "fastest"}),
        (1e-2, {"rough": "fastest", "right": "slower"}),
    ],
)
def test_an_approximation_competes_where_its_error_is_tolerable(
    plant, clock: Clock, tolerance: float | None, verdicts: dict[str, str]
) -> None:
    """Half a grey level of 255 is an error of 0.002."""
    rough = planted("rough", then(clock.takes(0.004), add_half))
    plant(backend_of(replace(rough, exact=False), planted("right", clock.takes(0.02))))
    answer = simulate(tolerance=tolerance, methods=("rough", "right"))
    assert {row.method: row.verdict for row in answer.rows} == verdicts
    lead = lead_of(answer.rows)
    assert lead is not None
    assert lead.first.method == ("rough" if tolerance == 1e-2 else "right")


def test_one_that_asks_for_more_memory_than_there_is_is_not_tried(
    plant, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blurbench.host.available_memory", lambda: 2 * 2**30)
    greedy = planted("greedy", raising(AssertionError("it ran")), work_bytes=3 * 2**30)
    plant(backend_of(greedy, planted("good", clock.takes(0.004))))
    found = rows(simulate(rounds=1))
    assert found["greedy"].status == "out_of_memory"
    assert "3.00 GiB" in found["greedy"].reason
    assert "2.00 GiB" in found["greedy"].reason
    assert found["good"].status == "ok"


def compare_large(listener: Listener | None = None) -> dict[str, Row]:
    """Compare on an image whose copy takes far longer than a call that does nothing."""
    options = Options(backends=("fake",), threads=1, seed=1, budget=5.0, rounds=1)
    return rows(compare(picture(512, 512), GaussianKernel.from_size(3), options, listener))


def test_one_that_does_not_do_the_work_is_implausible_and_never_wins(plant) -> None:
    plant(backend_of(planted("lazy", Lazy()), planted("good")))
    found = compare_large()
    assert found["lazy"].max_abs_error <= 2.55e-4
    assert (found["lazy"].status, found["lazy"].verdict) == ("implausible", None)
    assert "faster than a copy" in found["lazy"].reason
    assert found["lazy"].end_to_end_median_s < found["good"].end_to_end_median_s
    assert (found["good"].status, found["good"].verdict) == ("ok", "fastest")


def test_a_copy_that_met_a_slow_moment_makes_nobody_implausible(
    plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(backend_of(planted("good")))
    copies = iter([repeat((1, Timed(1, 1000.0)), 7)])

    def timed(*given: Any) -> Iterable[tuple[int, Timed]]:
        return next(copies, time_copies(*given))

    monkeypatch.setattr("blurbench.study.point.ceilings.time_copies", timed)
    found = compare_large()["good"]
    assert (found.status, found.verdict) == ("ok", "fastest")


def test_one_that_becomes_lazy_in_the_race_does_not_win_it(plant) -> None:
    listener = Told()
    lazy = Lazy(honest=lambda: not listener.racing)
    plant(backend_of(planted("lazy", lazy), planted("good")))
    found = compare_large(listener)
    assert found["lazy"].status == "implausible"
    assert found["lazy"].verdict != "fastest"


# The budget.


def test_what_is_too_dear_is_over_budget_with_its_prediction(plant, clock: Clock) -> None:
    plant(backend_of(planted("dear", clock.takes(40.0)), planted("good", clock.takes(0.004))))
    found = rows(simulate(budget=20.0))
    assert found["dear"].status == "over_budget"
    assert found["dear"].predicted_s == pytest.approx(40.0, rel=0.1)
    assert (found["dear"].end_to_end_median_s, found["dear"].verdict) == (None, "far slower")
    assert found["good"].status == "ok"
    assert found["good"].predicted_s == pytest.approx(0.004, rel=0.1)


def test_what_a_library_loads_at_its_first_call_does_not_count_as_work(plant, clock: Clock) -> None:
    quick, calls = clock.takes(0.004), count()

    def load(blur: Plan, image: Any, out: Any) -> None:
        quick(blur, image, out)
        clock.now += 0.9 if next(calls) == 0 else 0.0

    plant(backend_of(planted("one", load)))
    assert rows(simulate(budget=3.0))["one"].status == "ok"


def test_a_short_call_is_estimated_however_long_another_took(plant, clock: Clock) -> None:
    """Else it is over a budget of 6 s for being expected to take 8 ms."""

    def stall(blur: Plan, image: Any, out: Any) -> None:
        clock.takes(0.004)(blur, image, out)
        clock.now += 2.0

    def of_effort(times: float, one: Implementation) -> Implementation:
        return replace(one, multiply_adds=lambda problem: times * one.multiply_adds(problem))

    plant(
        backend_of(
            planted("quick", clock.takes(0.004)),
            of_effort(1.5, planted("stalled", stall)),
            of_effort(2.0, planted("late", clock.takes(0.008))),
        )
    )
    found = rows(simulate(budget=6.0))
    assert (found["stalled"].status, found["late"].status) == ("over_budget", "ok")


def test_what_is_over_budget_says_how_much_of_it_is_left(plant, clock: Clock) -> None:
    plant(backend_of(planted("dear", clock.takes(40.0)), planted("good", clock.takes(0.004))))
    reason = rows(simulate(budget=20.0))["dear"].reason
    assert re.fullmatch(
        r"one run is expected to take [34]\d(\.\d)? s, and [12]\d s are left", reason
    )


def test_where_nothing_fits_the_budget_every_row_says_so(plant, clock: Clock) -> None:
    plant(backend_of(planted("one", clock.takes(40.0)), planted("two", clock.takes(50.0))))
    answer = simulate(budget=20.0)
    assert set(column(answer, "status").values()) == {"over_budget"}
    assert answer.document()["control"] is None


def test_what_can_run_only_once_and_is_far_is_called_so(plant, clock: Clock) -> None:
    plant(
        backend_of(
            planted("once", clock.takes(3.0)),
            planted("one", clock.takes(0.004)),
            planted("two", clock.takes(0.008)),
        )
    )
    once = rows(simulate(budget=20.0))["once"]
    assert (once.status, once.rounds, once.verdict) == ("ok", 1, "far slower")
    assert "measured once" in once.reason
    assert once.end_to_end_median_s == pytest.approx(3.0, rel=0.1)
    assert (once.end_to_end_ci95_low_s, once.end_to_end_ci95_high_s) == (None, None)
    assert once.ratio_to_fastest == pytest.approx(750, rel=0.1)


@pytest.fixture
def undecidable(clock: Clock) -> list[Implementation]:
    """Two that race for as long as they may."""
    return [planted(name, clock.takes(0.004, noise=0.3)) for name in ("one", "two")]


def test_a_budget_is_kept_where_everything_races(plant, undecidable) -> None:
    plant(backend_of(*undecidable))
    seconds = simulate(budget=3.0).seconds
    assert seconds <= 3.0 + 0.2


def test_a_budget_is_kept_where_something_runs_only_once(plant, clock: Clock, undecidable) -> None:
    plant(backend_of(*undecidable, planted("once", clock.takes(1.5))))
    answer = simulate(budget=6.0)
    seconds, once = answer.seconds, rows(answer)["once"]
    assert once.rounds == 1
    assert seconds <= 6.0 + 0.2


@pytest.mark.parametrize(
    ("given", "seconds", "announced"),
    [(7.0, 0.004, 7.0), (None, 0.004, 15.0), (None, 9.0, 60.0)],
    ids=["given", "short", "long"],
)
def test_the_budget_is_announced(
    plant, clock: Clock, given: float | None, seconds: float, announced: float
) -> None:
    plant(backend_of(planted("one", clock.takes(seconds))))
    listener = Told()
    simulate(budget=given, rounds=1, listener=listener)
    assert listener.seconds == pytest.approx([announced], rel=1e-4)


# The cache, and what is kept.


@pytest.mark.parametrize(("cache", "images"), [("hot", 1), ("cold", 1 + 8)])
def test_a_cold_cache_rotates_images_through_more_than_the_cache(
    plant, clock: Clock, monkeypatch: pytest.MonkeyPatch, cache: str, images: int
) -> None:
    monkeypatch.setattr("blurbench.host.last_level_cache", lambda: 4 * SMALL.pixels.size * 4)
    listener, takes = Told(), clock.takes(0.004)
    seen = set()

    def note(blur: Plan, image: Any, out: Any) -> None:
        takes(blur, image, out)
        if listener.racing:
            seen.add(image.ctypes.data)

    plant(backend_of(planted("one", note)))
    simulate(cache=cache, listener=listener)
    assert len(seen) == images


def test_every_sample_is_kept_with_its_scope(plant, clock: Clock) -> None:
    plant(backend_of(planted("one", clock.takes(0.004)), planted("two", clock.takes(0.006))))
    answer, kept = simulate_into(Kept)
    for name in ("fake:one", "fake:two"):
        assert kept.rounds_of(name, "setup") == kept.rounds_of(name, "first_call") == [0]
        rounds = rows(answer)[name.removeprefix("fake:")].rounds
        assert set(kept.rounds_of(name)) == {*PILOT, *range(1, rounds + 1)}
    assert kept.rounds_of("control") == list(range(1, answer.race.rounds + 1))


def test_what_ran_once_is_kept_too(plant, clock: Clock) -> None:
    bad = planted("bad", then(clock.takes(0.002), add_half))
    plant(backend_of(bad, planted("good", clock.takes(0.004))))
    kept = simulate_into(Kept, rounds=1)[1]
    assert len(kept.rounds_of("fake:bad")) == 1


# Interruptions.


def test_an_interrupted_race_keeps_its_complete_rounds(plant, clock: Clock) -> None:
    def press(done: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    plant(backend_of(planted("one", clock.takes(0.004)), planted("two", clock.takes(0.006))))
    answer = simulate(listener=Told(press))
    assert answer.interrupted
    assert column(answer, "rounds") == {"one": 5, "two": 5}
    assert column(answer, "status") == {"one": "ok", "two": "ok"}
    assert rows(answer)["two"].end_to_end_median_s == pytest.approx(0.006, rel=0.05)


def test_an_interruption_within_a_call_keeps_what_is_complete(plant, clock: Clock) -> None:
    # Enough calls for the pilot, too few for the first look.
    stopping = failing_after(110, clock.takes(0.004), KeyboardInterrupt())
    plant(backend_of(planted("one", stopping), planted("two", clock.takes(0.006))))
    answer = simulate()
    assert answer.interrupted
    assert 0 < answer.race.rounds < FIRST_LOOK
    assert column(answer, "rounds") == {"one": answer.race.rounds, "two": answer.race.rounds}
    assert json.loads(to_json(answer.document()))["interrupted"] is True


@pytest.mark.parametrize("calls", [0, 3], ids=["while it predicts", "while it warms up"])
def test_an_interruption_before_the_race_leaves_rows_that_say_so(
    plant, clock: Clock, calls: int
) -> None:
    stopping = failing_after(calls, clock.takes(0.004), KeyboardInterrupt())
    plant(backend_of(planted("one", stopping), planted("two", clock.takes(0.008))))
    answer = simulate()
    assert answer.interrupted
    assert column(answer, "status") == {"one": "interrupted", "two": "interrupted"}
    assert json.loads(to_json(answer.document()))["control"] is None


def test_a_comparison_that_ran_to_its_end_was_not_interrupted(plant, clock: Clock) -> None:
    plant(backend_of(planted("one", clock.takes(0.004))))
    assert not simulate(rounds=1).interrupted


# A device that is injected: its queue, its memory and its transfers are simulated.


@pytest.fixture(scope="module")
def both_kinds() -> Answer:
    """Two GPU rows, of which the dearer transfers are the same, and a CPU row."""
    with world() as (simulated, offer):
        device = FakeDevice(simulated)
        offer(
            backend_of(planted("host", simulated.takes(0.006))),
            gpu_of(device, quick=device.takes(0.002), slow=device.takes(0.010)),
        )
        return simulate(backends=("fake", "gpu"), budget=60.0)


def test_rows_of_a_gpu_are_ranked_end_to_end_with_the_cpus(both_kinds: Answer) -> None:
    assert column(both_kinds, "verdict") == {"quick": "fastest", "host": "slower", "slow": "slower"}
    found = column(both_kinds, "end_to_end_median_s")
    transfers = UPLOAD_S + DOWNLOAD_S
    expected = {"quick": 0.002 + transfers, "host": 0.006, "slow": 0.010 + transfers}
    assert found == pytest.approx(expected, rel=0.05)


def test_compute_is_ranked_among_the_gpus_rows_only(both_kinds: Answer) -> None:
    on_device = both_kinds.document()["on_device"]
    assert {entry["implementation"]: entry["verdict"] for entry in on_device} == {
        "gpu:quick": "fastest",
        "gpu:slow": "slower",
    }
    ratios = {entry["implementation"]: entry["ratio_to_fastest"] for entry in on_device}
    assert ratios["gpu:slow"] == pytest.approx(5.0, rel=0.05)


def test_compute_is_device_time_without_transfers_and_launches(both_kinds: Answer) -> None:
    found = column(both_kinds, "compute_median_s")
    assert found == pytest.approx({"quick": 0.002, "host": 0.006, "slow": 0.010}, rel=0.02)


@pytest.mark.parametrize(("scope", "seconds"), [("upload", UPLOAD_S), ("download", DOWNLOAD_S)])
def test_transfers_are_measured_for_the_gpus_rows_only(
    both_kinds: Answer, scope: str, seconds: float
) -> None:
    found = rows(both_kinds)
    assert getattr(found["host"], f"{scope}_median_s") is None
    for row in (found["quick"], found["slow"]):
        figures = [getattr(row, f"{scope}_{figure}_s") for figure in FIGURES]
        assert figures == pytest.approx([seconds] * 4, rel=0.05)


def test_results_of_a_gpu_are_held_against_the_reference(both_kinds: Answer) -> None:
    assert all(row.max_abs_error <= 2.55e-4 for row in both_kinds.rows)


def test_samples_of_every_scope_are_kept(plant, device: FakeDevice) -> None:
    plant(gpu_of(device, quick=device.takes(0.002), slow=device.takes(0.010)))
    answer, kept = simulate_into(Kept, backends=("gpu",), budget=60.0)
    rounds = range(1, answer.on_device.rounds + 1)
    assert set(kept.rounds_of("control", "compute")) == {*rounds}
    assert set(kept.rounds_of("gpu:quick", "compute")) == {*PILOT, *rounds}
    for scope in ("upload", "download"):
        assert kept.rounds_of("gpu:slow", scope) == list(range(1, 17))


KERNEL_S = 3e-5


def test_the_device_race_repeats_by_what_a_call_takes_there(plant, device: FakeDevice) -> None:
    plant(gpu_of(device, quick=device.takes(KERNEL_S), slow=device.takes(2 * KERNEL_S)))
    _, log = simulate_into(Log, backends=("gpu",))
    raced = [one for one in log.records if one.scope == "compute" and one.competitors]
    # The way there and back takes a hundred times as long.
    assert all(one.inner_loops * (KERNEL_S + LAUNCH_S) > 0.01 for one in raced)


@pytest.mark.parametrize("stalled", [False, True])
def test_the_samples_in_which_the_device_waited_for_the_host_are_counted(
    plant, device: FakeDevice, stalled: bool
) -> None:
    def wait(out: Any) -> None:
        if stalled:
            device.synchronize()

    plant(gpu_of(device, one=then(device.takes(0.002), wait)))
    answer, log = simulate_into(Log, backends=("gpu",))
    own = [one.stalled for one in log.records if one.key.implementation == "gpu:one"]
    assert rows(answer)["one"].stalled_samples == own.count(True)
    assert (own.count(True) > 0) is stalled


def test_what_makes_a_devices_times_less_trustworthy_is_a_risk(plant, device: FakeDevice) -> None:
    device.caution = "its launches go in batches: use another driver"
    plant(gpu_of(device, quick=device.takes(0.002)))
    assert device.caution in simulate(backends=("gpu",)).risks


def test_what_competes_with_nothing_is_measured_for_the_gpus_rows_only(
    both_kinds: Answer,
) -> None:
    for scope in ALONE:
        times = column(both_kinds, f"{scope}_median_s")
        assert [name for name, value in times.items() if value is None] == ["host"], scope


def test_a_launch_is_the_hosts_time_alone(both_kinds: Answer) -> None:
    for row in (rows(both_kinds)["quick"], rows(both_kinds)["slow"]):
        assert row.launch_median_s == pytest.approx(LAUNCH_S, rel=0.6)


def test_a_graph_is_the_devices_time_alone(both_kinds: Answer) -> None:
    for name, seconds in (("quick", 0.002), ("slow", 0.010)):
        row = rows(both_kinds)[name]
        assert row.compute_graph_median_s == pytest.approx(seconds, rel=0.05)


def test_a_pipeline_is_told_an_image(both_kinds: Answer) -> None:
    """All work of this device is in one queue, so nothing overlaps."""
    for name, seconds in (("quick", 0.002), ("slow", 0.010)):
        found = rows(both_kinds)[name].end_to_end_pipelined_median_s
        assert found == pytest.approx(seconds + UPLOAD_S + DOWNLOAD_S, rel=0.05)


def test_what_cannot_be_captured_has_no_graph_and_nothing_is_said(
    plant, device: FakeDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "capture", lambda call: None)
    plant(gpu_of(device, quick=device.takes(0.002)))
    row = rows(simulate(backends=("gpu",)))["quick"]
    assert (row.compute_graph_median_s, row.status, row.reason) == (None, "ok", None)


def test_what_only_fails_beside_the_ranking_is_left_out(
    plant, device: FakeDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bands_alone(shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
        if len(shape) > 1:
            raise RuntimeError("no page can be locked for a whole image")
        return np.empty(shape, dtype)

    monkeypatch.setattr(device, "pinned", bands_alone)
    plant(gpu_of(device, quick=device.takes(0.002)))
    row = rows(simulate(backends=("gpu",)))["quick"]
    assert (row.upload_pinned_median_s, row.status) == (None, "ok")
    assert row.upload_median_s == pytest.approx(UPLOAD_S, rel=0.05)


def test_a_device_without_page_locked_memory_has_no_figures_of_it(
    plant, device: FakeDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "pinned", lambda shape, dtype: None)
    plant(gpu_of(device, quick=device.takes(0.002)))
    row = rows(simulate(backends=("gpu",)))["quick"]
    assert (row.upload_pinned_median_s, row.download_pinned_median_s) == (None, None)
    whole = 0.002 + UPLOAD_S + DOWNLOAD_S
    assert row.end_to_end_pipelined_median_s == pytest.approx(whole, rel=0.05)


def test_what_cannot_be_kept_ends_the_comparison(plant, device: FakeDevice) -> None:
    class Full(Log):
        """A disk that fills up in the middle of the transfers."""

        def append(self, record: Record) -> None:
            if record.scope == "upload_pinned":
                raise InputError("folder run cannot be written")
            super().append(record)

    plant(gpu_of(device, quick=device.takes(0.002)))
    with pytest.raises(InputError, match="cannot be written"):
        simulate_into(Full, backends=("gpu",))


def test_a_sample_taken_while_the_device_is_slowed_down_is_marked_and_kept(
    plant, device: FakeDevice
) -> None:
    device.reading = Clocks(1200, throttled=True)
    plant(gpu_of(device, quick=device.takes(0.002)))
    answer, log = simulate_into(Log, backends=("gpu",))
    raced = [one for one in log.records if one.competitors and one.elapsed_s]
    assert {one.throttled for one in raced} == {True}
    assert rows(answer)["quick"].rounds > 0


def test_the_samples_of_a_row_that_were_throttled_are_counted(plant, device: FakeDevice) -> None:
    device.reading = Clocks(1200, throttled=True)
    plant(gpu_of(device, quick=device.takes(0.002)))
    answer, log = simulate_into(Log, backends=("gpu",))
    own = [one for one in log.records if one.key.implementation == "gpu:quick" and one.throttled]
    assert rows(answer)["quick"].throttled_samples == len(own)


@pytest.mark.parametrize(("reading", "count"), [(None, None), (Clocks(1980, False), 0)])
def test_what_was_not_throttled_is_told_from_what_is_not_known(
    plant, device: FakeDevice, reading: Clocks | None, count: int | None
) -> None:
    device.reading = reading
    plant(gpu_of(device, quick=device.takes(0.002)))
    assert rows(simulate(backends=("gpu",)))["quick"].throttled_samples == count


def test_the_peak_of_the_devices_memory_is_told_for_the_gpus_rows_only(
    both_kinds: Answer,
) -> None:
    # Image, result and landing are there before, and all rows share them.
    assert column(both_kinds, "peak_device_bytes") == {"quick": 0, "host": None, "slow": 0}


def test_what_a_plan_takes_of_the_devices_memory_is_its_peak(plant, device: FakeDevice) -> None:
    def prepare(problem: Problem) -> Plan:
        device.empty(problem.shape, problem.dtype)
        return Planted(problem, device.takes(0.002))

    one = planted("one", backend="gpu", prepare=prepare)
    plant(backend_of(one, name="gpu", kind="gpu", open_device=lambda number: device))
    assert column(simulate(backends=("gpu",)), "peak_device_bytes") == {"one": 1000}


def test_a_row_tells_the_multiply_adds_however_slow_they_are(plant, clock: Clock) -> None:
    plant(backend_of(replace(planted("one", clock.takes(0.004)), slowdown=lambda problem: 6.0)))
    assert column(simulate(), "multiply_adds") == {"one": SMALL.pixels.size}


def test_what_compiles_for_long_keeps_nobody_from_being_tried(plant, clock: Clock) -> None:
    compiled: list[int] = []

    def prepare(problem: Problem) -> Plan:
        clock.now += 0.0 if compiled else 9.0
        compiled.append(1)
        return Planted(problem, clock.takes(0.004))

    first = replace(planted("first", prepare=prepare), compiles=True)
    later = replace(
        planted("later", clock.takes(0.006)),
        multiply_adds=lambda problem: 2.0 * problem.height * problem.width,
    )
    plant(backend_of(first, later))
    answer = simulate(budget=20.0)
    assert {row.method: row.status for row in answer.rows} == {"first": "ok", "later": "ok"}


def test_what_compiles_after_the_estimates_leaves_the_race_its_time(plant, clock: Clock) -> None:
    prepared: list[Problem] = []

    def prepare(problem: Problem) -> Plan:
        clock.now += 14.0 if prepared.count(problem) == 1 else 0.0  # once it is known what it costs
        prepared.append(problem)
        return Planted(problem, clock.takes(0.1))

    plant(backend_of(planted("one", prepare=prepare), planted("two", clock.takes(0.15))))
    listener = Told()
    answer = simulate(budget=None, listener=listener)
    assert column(answer, "verdict") == {"one": "fastest", "two": "slower"}
    assert listener.seconds[0] == 15.0 < listener.seconds[1] < 60.0


def test_compiling_is_told_apart_from_making_a_plan(
    plant, clock: Clock, device: FakeDevice
) -> None:
    compiled: list[int] = []

    def prepare(problem: Problem) -> Plan:
        clock.now += 0.25 + (0.0 if compiled else 3.0)
        compiled.append(1)
        return Planted(problem, device.takes(0.002))

    one = planted("one", backend="gpu", prepare=prepare)
    plant(backend_of(one, name="gpu", kind="gpu", open_device=lambda number: device))
    row = rows(simulate(backends=("gpu",)))["one"]
    assert row.compilation_s == pytest.approx(3.0, rel=0.01)
    assert row.setup_s == pytest.approx(0.25, rel=0.01)


def crowding(device: FakeDevice, calls: int) -> Behaviour:
    error = type("OutOfMemoryError", (Exception,), {})("of the device")
    return failing_after(calls, device.takes(0.002), error)


@pytest.mark.parametrize("calls", [0, 8, 60], ids=["predicting", "preparing", "racing"])
def test_out_of_memory_is_the_status_of_that_row_alone(
    plant, device: FakeDevice, calls: int
) -> None:
    plant(gpu_of(device, greedy=crowding(device, calls), good=device.takes(0.002)))
    answer = simulate(backends=("gpu",))
    assert column(answer, "status") == {"good": "ok", "greedy": "out_of_memory"}


@pytest.mark.parametrize("calls", [8, 60], ids=["preparing", "racing"])
def test_what_ran_out_of_memory_leaves_it_to_the_next(
    plant, device: FakeDevice, calls: int
) -> None:
    plans: list[weakref.ref[Plan]] = []

    def prepare(problem: Problem) -> Plan:
        plan = Planted(problem, crowding(device, calls))
        plans.append(weakref.ref(plan))
        return plan

    def count() -> None:
        held.append(sum(plan() is not None for plan in plans))

    held: list[int] = []
    device.on_release = count
    greedy = planted("greedy", backend="gpu", prepare=prepare)
    good = planted("good", device.takes(0.004), backend="gpu")  # it is prepared later
    plant(backend_of(greedy, good, name="gpu", kind="gpu", open_device=lambda number: device))
    assert rows(simulate(backends=("gpu",)))["greedy"].status == "out_of_memory"
    assert held[-1] == 0


def test_an_image_that_does_not_fit_on_the_device_leaves_the_cpu_rows(
    plant, clock: Clock, device: FakeDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(
        backend_of(planted("host", clock.takes(0.006))),
        gpu_of(device, one=device.takes(0.002), two=device.takes(0.002)),
    )
    full = "blurbench.study.point.ceilings.place_on"
    monkeypatch.setattr(full, raising(RuntimeError("cudaErrorMemoryAllocation: out of memory")))
    answer = simulate(backends=("fake", "gpu"))
    full_rows = dict.fromkeys(("one", "two"), "out_of_memory")
    assert column(answer, "status") == {"host": "ok", **full_rows}


def test_the_multiply_adds_of_a_gpus_row_are_held_against_its_device(both_kinds: Answer) -> None:
    # A planted implementation does one multiply-add a pixel.
    row = rows(both_kinds)["quick"]
    expected = SMALL.pixels.size / 0.002 / MULTIPLY_ADD_RATE
    assert row.multiply_add_fraction == pytest.approx(expected, rel=0.05)


def test_transfers_bound_what_is_quick_on_the_device(both_kinds: Answer) -> None:
    bounds = column(both_kinds, "end_to_end_bound")
    assert (bounds["quick"], bounds["slow"]) == ("transfer", "bandwidth")


def test_launching_bounds_what_takes_the_device_no_time(plant, device: FakeDevice) -> None:
    plant(gpu_of(device, one=device.takes(LAUNCH_S)))
    both = rows(simulate(backends=("gpu",)))["one"]
    assert both.launch_median_s > both.compute_median_s
    assert both.compute_bound == "launch"


def test_the_arithmetic_is_measured_once_a_run(plant, clock: Clock, device: FakeDevice) -> None:
    plant(
        backend_of(planted("host", clock.takes(0.006))),
        gpu_of(device, quick=device.takes(0.002)),
    )
    log = simulate_into(Kept, backends=("fake", "gpu"), rounds=1)[1]
    for kind in ("cpu", "gpu"):
        own = log.rounds_of(f"{kind}:multiply_add", "compute")
        assert own == list(range(1, len(own) + 1))
        assert own


def test_a_device_whose_arithmetic_cannot_be_measured_has_no_share_of_it(
    plant, device: FakeDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "multiply_adds", raising(RuntimeError("no compiler")))
    plant(gpu_of(device, quick=device.takes(0.002)))
    row = rows(simulate(backends=("gpu",)))["quick"]
    assert (row.status, row.multiply_add_fraction) == ("ok", None)


def test_a_device_that_runs_no_kernel_of_ours_leaves_its_ceiling_to_another_backend(
    plant, clock: Clock, device: FakeDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = FakeDevice(clock)
    monkeypatch.setattr(closed, "multiply_adds", lambda dtype: None)
    one = planted("shut", closed.takes(0.002), backend="closed")
    plant(
        backend_of(one, name="closed", kind="gpu", open_device=lambda number: closed),
        gpu_of(device, quick=device.takes(0.002)),
    )
    fractions = column(simulate(backends=("closed", "gpu")), "multiply_add_fraction")
    assert fractions["shut"] == pytest.approx(fractions["quick"], rel=0.05)


@pytest.mark.parametrize(
    ("peak", "status"), [(1e6, "implausible"), (2e6, "ok")], ids=["beyond", "within"]
)
def test_faster_than_the_devices_memory_can_be_is_implausible(
    plant, device: FakeDevice, peak: float, status: str
) -> None:
    # Image and result have 1 KiB each, and the cache holds nothing of them.
    device.peak_bytes_per_s, device.cache_bytes = peak, 0
    plant(gpu_of(device, one=device.takes(0.0015)))
    assert rows(simulate(backends=("gpu",)))["one"].status == status


def test_what_lies_in_the_devices_cache_may_be_faster_than_its_memory(
    plant, device: FakeDevice
) -> None:
    device.peak_bytes_per_s, device.cache_bytes = 1e6, 10_000
    plant(gpu_of(device, one=device.takes(0.0015)))
    assert rows(simulate(backends=("gpu",)))["one"].status == "ok"


def test_a_copy_that_is_all_launch_is_no_bound(
    plant, device: FakeDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("helpers.simulated.COPY_S", 8e-6)
    plant(gpu_of(device, one=device.takes(2e-6)))
    assert rows(simulate(backends=("gpu",)))["one"].status == "ok"


def test_a_cold_device_goes_through_more_images_than_its_cache_holds(
    plant, device: FakeDevice
) -> None:
    seen: list[int] = []

    def look(blur: Plan, image: Any, out: Any) -> None:
        device.takes(0.002)(blur, image, out)
        seen.append(id(image))

    device.cache_bytes = 16 * 1024
    plant(gpu_of(device, one=look))
    simulate(backends=("gpu",), cache="cold", budget=20.0)
    assert len(set(seen)) * SMALL.pixels.size * 4 > 2 * device.cache_bytes


def test_nothing_is_measured_after_an_interrupted_race_on_the_device(
    plant, device: FakeDevice
) -> None:
    def press(done: int) -> None:
        if listener.stages[-1] == "racing on the device":
            raise KeyboardInterrupt

    plant(gpu_of(device, quick=device.takes(0.002), slow=device.takes(0.010)))
    listener = Told(press)
    answer, kept = simulate_into(Kept, backends=("gpu",), budget=60.0, listener=listener)
    assert answer.interrupted
    assert kept.samples[-1][1] == "compute"


def test_a_wrong_row_of_a_gpu_races_nowhere(plant, device: FakeDevice) -> None:
    bad = then(device.takes(0.001), add_half)
    plant(gpu_of(device, bad=bad, good=device.takes(0.002)))
    answer = simulate(backends=("gpu",), budget=60.0)
    assert column(answer, "status") == {"bad": "wrong", "good": "ok"}
    assert set(answer.on_device.standings) == {"gpu:good"}


def test_one_that_pretends_on_the_device_does_not_win_there(plant, device: FakeDevice) -> None:
    plant(gpu_of(device, lazy=device.pretends(), good=device.takes(0.002)))
    on_device = simulate(backends=("gpu",), budget=60.0).document()["on_device"]
    winners = [one["implementation"] for one in on_device if one["verdict"] == "fastest"]
    assert winners == ["gpu:good"]


def test_one_that_pretends_on_the_device_does_not_win_end_to_end(plant, device: FakeDevice) -> None:
    plant(gpu_of(device, lazy=device.pretends(), good=device.takes(0.002)))
    answer = simulate(backends=("gpu",), budget=60.0)
    assert column(answer, "status") == {"lazy": "implausible", "good": "ok"}
    assert column(answer, "verdict") == {"lazy": None, "good": "fastest"}


def test_one_that_fails_on_the_device_does_not_win(plant, device: FakeDevice) -> None:
    def fail_there(out: Any) -> None:
        if listener.stages[-1] == "racing on the device":
            raise RuntimeError("worn out")

    bad = then(device.takes(0.001), fail_there)
    plant(gpu_of(device, bad=bad, good=device.takes(0.002)))
    listener = Told()
    answer = simulate(backends=("gpu",), budget=60.0, listener=listener)
    assert column(answer, "status") == {"bad": "failed", "good": "ok"}
    assert rows(answer)["bad"].verdict != "fastest"
    assert list(answer.on_device.standings) == ["gpu:good"]


def test_a_budget_is_kept_where_a_gpu_is_measured(plant, device: FakeDevice) -> None:
    undecidable = {name: device.takes(0.002, noise=0.3) for name in "abcdef"}
    plant(gpu_of(device, **undecidable))
    seconds = simulate(backends=("gpu",), budget=10.0).seconds
    assert seconds <= 10.0 + 0.5


# What cannot be asked.


@pytest.mark.parametrize(
    ("pixels", "dtype"), [("uint16", "uint8"), ("float32", "uint8"), ("float32", "uint16")]
)
def test_an_integer_dtype_that_cannot_hold_the_image_is_refused(pixels: str, dtype: str) -> None:
    with pytest.raises(InputError, match=f"dtype {dtype} cannot hold this image's {pixels} pixels"):
        compare(picture(8, 8, dtype=pixels), KERNEL, Options(backends=("numpy",), dtype=dtype))


def test_an_unknown_backend_is_refused_with_those_that_are_known(plant) -> None:
    plant(backend_of(planted("one")))
    with pytest.raises(InputError) as raised:
        simulate(backends=("nonesuch",))
    message = str(raised.value)
    assert "'nonesuch' is unknown" in message
    assert all(name in message for name in ("numpy", "scipy", "cupy", "cupyx", "fake"))


def test_an_unknown_method_is_refused_with_those_that_are_known(plant) -> None:
    plant(backend_of(planted("magic")))
    with pytest.raises(InputError, match=r"'mystery' is unknown.*separable, fft.*, magic"):
        simulate(methods=("mystery",))


def test_a_method_that_no_chosen_backend_has_is_refused(plant) -> None:
    plant(backend_of(planted("magic")))
    with pytest.raises(InputError, match="no method magic in numpy"):
        simulate(backends=("numpy",), methods=("magic",))


@pytest.mark.parametrize("option", [{"border": "mirrored"}, {"cval": math.nan}])
def test_an_unusable_border_is_refused(plant, option: dict[str, Any]) -> None:
    plant(backend_of(planted("one")))
    with pytest.raises(InputError, match="border"):
        simulate(**option)


def test_methods_that_are_not_asked_for_do_not_run(plant, clock: Clock) -> None:
    plant(backend_of(planted("one", clock.takes(0.004)), planted("two", clock.takes(0.004))))
    assert list(rows(simulate(methods=("two",), rounds=1))) == ["two"]


def test_a_backend_that_is_named_twice_runs_once(plant, clock: Clock) -> None:
    plant(backend_of(planted("one", clock.takes(0.004))))
    assert len(simulate(backends=("fake", "fake"), rounds=1).rows) == 1


def test_rows_that_ran_stand_before_those_that_did_not(plant, clock: Clock) -> None:
    plant(
        backend_of(
            planted("bad", then(clock.takes(0.002), add_half)),
            planted("broken", raising(RuntimeError("no"))),
            planted("dear", clock.takes(50.0)),
            planted("slow", clock.takes(0.008)),
            planted("quick", clock.takes(0.004)),
        )
    )
    answer = simulate(budget=20.0)
    assert [row.method for row in answer.rows] == ["quick", "slow", "bad", "dear", "broken"]
    medians = [row.end_to_end_median_s for row in answer.rows[:2]]
    assert all(first < second for first, second in pairwise(medians))


def test_an_image_beyond_the_range_of_float16_is_refused() -> None:
    bright = Image("bright", np.full((8, 8), 65535, np.uint16))
    with pytest.raises(InputError, match="float16 ends at 65504"):
        compare(bright, KERNEL, Options(backends=("numpy",), dtype="float16"))


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_float16_is_compared_where_it_holds_the_image(dtype: str) -> None:
    options = Options(backends=("numpy",), methods=("separable",), dtype="float16", rounds=1)
    answer = compare(picture(8, 8, dtype=dtype), KERNEL, options)
    assert [row.status for row in answer.rows] == ["ok"]
