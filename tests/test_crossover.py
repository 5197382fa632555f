"""Searches for crossovers: planted backends whose costs depend on the kernel, on a simulated clock.

What is planted is known, so what is found can be held against it; nobody waits.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from scipy.signal import choose_conv_method

from blurbench.analysis.claims import held_against, scipy_chooses_fft_from
from blurbench.analysis.crossing import Crossover, find_crossovers
from blurbench.backends.backend import Availability, Backend, Implementation
from blurbench.image import Image
from blurbench.kernel import GaussianKernel
from blurbench.measure.judge import Rules
from blurbench.records.export import to_json
from blurbench.records.journal import Log, load
from blurbench.report.console import open_console
from blurbench.report.crossover import show_crossovers
from blurbench.study.crossover import crossover, crossover_rules, document, points_of
from blurbench.study.listener import Listener
from blurbench.study.options import Options
from blurbench.study.question import Question
from blurbench.study.session import Session
from blurbench.study.source import ImageSource
from helpers.command import Ran, deny_gpu, run
from helpers.moments import Killed, Moments, Stoppable, doubled
from helpers.planted import (
    SMALL,
    Behaviour,
    Planted,
    add_half,
    backend_of,
    picture,
    planted,
    recalled,
    then,
)
from helpers.process import work_in
from helpers.simulated import DOWNLOAD_S, LAUNCH_S, UPLOAD_S, Clock, FakeDevice, world
from helpers.written import Written, order

Cost = Callable[[int], float]  # seconds on a SMALL image, by kernel size


def steady(seconds: float) -> Cost:
    return lambda size: seconds


def rising(seconds: float, per: int, power: float = 1) -> Cost:
    """So many seconds at a size, and in proportion to a power of the size at others."""
    return lambda size: seconds * (size / per) ** power


def stairs(*steps: tuple[int, float]) -> Cost:
    """So many seconds from a size on, until the next."""
    return lambda size: [seconds for least, seconds in steps if least <= size][-1]


def sized(clock: Clock, cost: Cost, noise: float = 0.01, seed: int = 5) -> Behaviour:
    """A right blur that takes as long as its kernel asks for."""
    rng = random.Random(seed)

    def behave(blur: Any, image: Any, out: Any) -> None:
        recalled(blur, image, out)
        share = image.size / SMALL.pixels.size
        clock.now += cost(blur.problem.kernel.size) * share * math.exp(rng.gauss(0, noise))

    return behave


def costing(method: str, behave: Behaviour, cost: Cost, **more: Any) -> Implementation:
    """An implementation whose declared multiply-adds are in proportion to what it takes."""
    return replace(
        planted(method, behave, **more),
        multiply_adds=lambda problem: (
            1e9 * cost(problem.kernel.size) * problem.height * problem.width
        ),
    )


def cpu_of(clock: Clock, noise: float = 0.01, name: str = "fake", **costs: Cost) -> Backend:
    """A backend whose methods cost so much."""
    made = [
        costing(method, sized(clock, cost, noise, seed), cost, backend=name)
        for seed, (method, cost) in enumerate(costs.items())
    ]
    return backend_of(*made, name=name)


def asking(
    smallest: int = 3,
    largest: int = 63,
    *,
    image: Image = SMALL,
    sigma: float | None = None,
    **given: Any,
) -> Question:
    options = Options(**{"backends": ("fake",), "threads": 1, "seed": 1, "budget": 600.0, **given})
    kernels = (GaussianKernel.from_size(size, sigma) for size in range(smallest, largest + 1, 2))
    return Question("crossover", (ImageSource(),), (image,), tuple(kernels), options)


def search_with(question: Question, listener: Listener | None = None) -> Log:
    """The log of a whole search, each of its processes in turn."""
    session = Session(question.options)
    rules = crossover_rules(question.options.rules)
    log = Log(question.describe(session, [], rules))
    for process in range(1, question.options.processes + 1):
        assert crossover(question, session, log, listener, process)
    return log


def found_in(log: Log) -> dict[tuple[str, str], Crossover]:
    """By the methods of the two."""
    return {
        (one.first.split(":")[1], one.second.split(":")[1]): one
        for one in find_crossovers(points_of(log))
    }


def brackets(one: Crossover) -> list[tuple[str, int, int]]:
    """Who is faster from then on, and the two ends."""
    return [
        (change.faster_after, change.last_size_before, change.first_size_after)
        for change in one.ordering.changes
    ]


def measured(log: Log, method: str) -> list[int]:
    """The sizes at which a method has a time."""
    return [
        one.point.size
        for one in points_of(log)
        for row in one.rows()
        if row.method == method and row.end_to_end_median_s is not None
    ]


def variants(*values: Any) -> list[Any]:
    """What the quick run leaves out: what differs by more or less from what it has."""
    return [pytest.param(value, marks=pytest.mark.rest("variants")) for value in values]


# What was planted is found.


@pytest.mark.parametrize("size", [5, 21, 61, *variants(9, 45)])
def test_a_planted_crossover_lies_in_its_bracket(plant, clock: Clock, size: int) -> None:
    plant(cpu_of(clock, direct=rising(0.03, per=size, power=2), fft=steady(0.03)))
    ((who, before, after),) = brackets(found_in(search_with(asking()))["direct", "fft"])
    assert who == "second"
    assert before <= size <= after


def test_a_planted_crossover_is_closed_in_on_as_far_as_the_margin_allows(
    plant, clock: Clock
) -> None:
    plant(cpu_of(clock, direct=rising(0.03, per=30, power=2), fft=steady(0.03)))
    assert brackets(found_in(search_with(asking()))["direct", "fft"]) == [("second", 29, 31)]


def test_the_second_may_fall_behind_too(plant, clock: Clock) -> None:
    plant(cpu_of(clock, separable=steady(0.03), fft=rising(0.03, per=20)))
    ((who, before, after),) = brackets(found_in(search_with(asking()))["separable", "fft"])
    assert who == "first"
    assert before <= 20 <= after


def test_each_pair_of_methods_has_its_own_crossover(plant, clock: Clock) -> None:
    plant(
        cpu_of(
            clock,
            direct=rising(0.02, per=8, power=2),
            separable=rising(0.02, per=8),
            fft=steady(0.06),
        )
    )
    found = found_in(search_with(asking()))
    planted_at = {("direct", "separable"): 8, ("direct", "fft"): 13.9, ("separable", "fft"): 24}
    assert found.keys() == planted_at.keys()
    for pair, size in planted_at.items():
        ((who, before, after),) = brackets(found[pair])
        assert who == "second"
        assert before <= size <= after <= before + 4


def test_steps_of_the_transform_make_several_changes(plant, clock: Clock) -> None:
    steps = stairs((1, 0.03), (13, 0.012), (25, 0.05), (51, 0.01))
    plant(cpu_of(clock, separable=steady(0.02), fft=steps))
    assert brackets(found_in(search_with(asking()))["separable", "fft"]) == [
        ("second", 11, 13),
        ("first", 23, 25),
        ("second", 49, 51),
    ]


@pytest.mark.parametrize(("direct", "who"), [(0.01, "first"), (0.04, "second")])
def test_one_may_be_faster_at_all_sizes(plant, clock: Clock, direct: float, who: str) -> None:
    plant(cpu_of(clock, direct=steady(direct), fft=steady(0.02)))
    one = found_in(search_with(asking()))["direct", "fft"]
    assert (one.ordering.changes, one.ordering.always_faster) == ([], who)
    assert (one.sizes[0], one.sizes[-1]) == (3, 63)


def test_equal_speeds_prove_nothing(plant, clock: Clock) -> None:
    plant(cpu_of(clock, direct=steady(0.03), fft=steady(0.03)))
    one = found_in(search_with(asking(3, 15)))["direct", "fft"]
    assert one.ordering.always_faster == "undecided"
    assert one.pays_off is None


def test_noise_that_hides_the_order_proves_nothing(plant, clock: Clock) -> None:
    plant(cpu_of(clock, noise=1.0, direct=rising(0.031, per=20), fft=rising(0.03, per=20)))
    assert (
        found_in(search_with(asking(3, 15)))["direct", "fft"].ordering.always_faster == "undecided"
    )


def test_every_backend_has_its_own_crossovers(plant, clock: Clock) -> None:
    plant(
        cpu_of(clock, direct=rising(0.03, per=9, power=2), fft=steady(0.03)),
        cpu_of(clock, name="other", direct=rising(0.03, per=31, power=2), fft=steady(0.03)),
    )
    found = find_crossovers(points_of(search_with(asking(backends=("fake", "other")))))
    assert [(one.first, one.second) for one in found] == [
        ("fake:direct", "fake:fft"),
        ("other:direct", "other:fft"),
    ]
    for one, size in zip(found, (9, 31), strict=True):
        ((_, before, after),) = brackets(one)
        assert before <= size <= after


def recursive_of(clock: Clock, cost: Cost) -> Backend:
    """Another backend, with an approximation that is as good as exact."""
    one = replace(costing("deriche", sized(clock, cost), cost, backend="other"), exact=False)
    return backend_of(one, name="other")


def test_the_fastest_fft_and_the_fastest_recursive_filter_cross(plant, clock: Clock) -> None:
    plant(
        cpu_of(clock, direct=rising(0.03, per=3, power=2), fft=rising(0.03, per=21)),
        recursive_of(clock, steady(0.03)),
    )
    log = search_with(asking(backends=("fake", "other"), tolerance=1e-2))
    found = {one.first: one for one in find_crossovers(points_of(log))}
    assert found.keys() == {"fake:direct", "fft:fastest"}
    one = found["fft:fastest"]
    assert (one.second, brackets(one)) == ("recursive:fastest", [("second", 19, 23)])
    assert max(measured(log, "direct")) < 63  # nobody asks for it where only filters compete


def test_one_sigma_may_hold_at_all_sizes(plant, clock: Clock) -> None:
    plant(cpu_of(clock, direct=rising(0.03, per=20, power=2), fft=steady(0.03)))
    log = search_with(asking(sigma=2.0))
    assert {one.point.sigma for one in points_of(log)} == {2.0}
    ((_, before, after),) = brackets(found_in(log)["direct", "fft"])
    assert before <= 20 <= after


def test_only_sizes_that_may_be_looked_at_are(plant, clock: Clock) -> None:
    plant(cpu_of(clock, direct=rising(0.03, per=20, power=2), fft=steady(0.03)))
    sizes = [one.point.size for one in points_of(search_with(asking(9, 41)))]
    assert (sizes[0], sizes[-1]) == (9, 41)
    assert all(size % 2 == 1 for size in sizes)


def test_two_sizes_are_enough_to_ask(plant, clock: Clock) -> None:
    plant(cpu_of(clock, direct=rising(0.03, per=4, power=2), fft=steady(0.03)))
    assert brackets(found_in(search_with(asking(3, 5)))["direct", "fft"]) == [("second", 3, 5)]


def test_most_sizes_lie_where_the_order_changes(plant, clock: Clock) -> None:
    plant(cpu_of(clock, direct=rising(0.03, per=45, power=2), fft=steady(0.03)))
    sizes = found_in(search_with(asking()))["direct", "fft"].sizes
    assert len([size for size in sizes if 33 <= size <= 63]) > len(sizes) / 2


# What fails.


def failing_at(sizes: range, behave: Behaviour, spoil: Callable[[Any], None]) -> Behaviour:
    """Behaves at all sizes but some."""
    badly = then(behave, spoil)

    def behave_by_size(blur: Any, image: Any, out: Any) -> None:
        (badly if blur.problem.kernel.size in sizes else behave)(blur, image, out)

    return behave_by_size


def break_down(out: Any) -> None:
    raise RuntimeError("worn out")


@pytest.mark.parametrize("spoil", [break_down, add_half], ids=["broken", "wrong"])
def test_a_pair_claims_nothing_where_one_fails(
    plant, clock: Clock, spoil: Callable[[Any], None]
) -> None:
    fft = sized(clock, steady(0.03))
    plant(
        backend_of(
            costing("direct", sized(clock, rising(0.03, 20, 2)), rising(0.03, 20, 2)),
            costing("fft", failing_at(range(10, 30), fft, spoil), steady(0.03)),
        )
    )
    one = found_in(search_with(asking()))["direct", "fft"]
    assert not [size for size in one.sizes if 10 <= size < 30]
    ((_, before, after),) = brackets(one)
    assert before <= 20 <= after


def test_a_search_in_which_everything_fails_ends(plant, clock: Clock) -> None:
    broken = then(sized(clock, steady(0.03)), break_down)
    plant(backend_of(planted("direct", broken), planted("fft", broken)))
    log = search_with(asking())
    assert found_in(log) == {}
    assert {row.status for row in log.rows()} == {"failed"}


@pytest.fixture(scope="module")
def outrun() -> Log:
    """A search in which the dense sum falls ever further behind the others."""
    with world() as (simulated, offer):
        offer(
            cpu_of(
                simulated,
                direct=rising(0.03, per=3, power=2),
                separable=rising(0.05, per=31),
                fft=steady(0.05),
            )
        )
        return search_with(asking())


def test_who_falls_ever_further_behind_is_left_out_and_not_spoken_of(outrun: Log) -> None:
    assert max(measured(outrun, "direct")) < 63
    assert max(measured(outrun, "separable")) == 63
    assert found_in(outrun)["direct", "fft"].sizes[-1] < 63


def test_what_is_left_out_says_why(outrun: Log) -> None:
    rows = [row for row in outrun.rows() if row.status == "over_budget"]
    assert rows
    assert all(row.reason and row.reason.startswith("left out: ") for row in rows)


def test_whose_order_is_in_question_is_never_left_out(plant, clock: Clock) -> None:
    plant(
        cpu_of(
            clock,
            direct=rising(0.03, per=45, power=2),
            separable=rising(0.03, per=15),
            fft=steady(0.031),
        )
    )
    found = found_in(search_with(asking()))
    for pair, size in ((("separable", "fft"), 15), (("direct", "fft"), 45)):
        ((_, before, after),) = brackets(found[pair])
        assert before <= size <= after <= before + 4


# The budget.


class Told(Listener):
    """Remembers the points that it is told of."""

    def __init__(self) -> None:
        self.sizes: list[str] = []

    def points(self, done: int, total: int, text: str, left_s: float | None = None) -> None:
        self.sizes.append(text)


@pytest.mark.parametrize("noise", [0.3, *variants(0.01)])
@pytest.mark.parametrize("budget", [5.0, 60.0, *variants(20.0)])
def test_a_budget_is_kept(plant, clock: Clock, budget: float, noise: float) -> None:
    plant(
        cpu_of(
            clock,
            noise,
            direct=rising(0.03, 20, 2),
            separable=rising(0.03, 20),
            fft=steady(0.03),
        )
    )
    began = clock.now
    search_with(asking(budget=budget))
    assert clock.now - began <= budget * 1.05 + 0.5


def test_without_a_budget_a_minute_is(plant, clock: Clock) -> None:
    plant(cpu_of(clock, 0.3, direct=steady(0.03), fft=steady(0.03)))
    began = clock.now
    search_with(asking(budget=None))
    assert 40 <= clock.now - began <= 63


def test_a_budget_is_kept_where_every_call_is_dear(plant, clock: Clock) -> None:
    plant(cpu_of(clock, direct=rising(0.5, 3, 2), separable=rising(0.5, 3), fft=steady(0.5)))
    began = clock.now
    search_with(asking(budget=20.0))
    assert clock.now - began <= 22


@pytest.mark.parametrize("processes", [1, 6, *variants(2)])
def test_a_minute_is_enough_for_two_quick_methods(plant, clock: Clock, processes: int) -> None:
    plant(cpu_of(clock, direct=rising(0.03, 20, 1.9), fft=steady(0.03)))
    began = clock.now
    log = search_with(asking(budget=60.0, processes=processes))
    ((_, before, after),) = brackets(found_in(log)["direct", "fft"])
    assert before <= 20 <= after
    assert found_in(log)["direct", "fft"].sizes[-1] == 63
    assert clock.now - began <= 63


def test_every_size_of_the_grid_is_measured_however_many_processes(plant, clock: Clock) -> None:
    plant(
        cpu_of(
            clock,
            direct=rising(0.03, per=20, power=2),
            separable=rising(0.03, per=10),
            fft=steady(0.03),
        )
    )
    log = search_with(asking(budget=60.0, processes=6))
    assert set(measured(log, "fft")) >= {3, 7, 15, 33, 63}


# Killed, and continued.


def attempt(question: Question, folder: Path, moments: Moments | None = None) -> bool:
    """Begin or go on; whether it came to its end."""
    moments = moments or Moments()
    session = Session(question.options)
    if (folder / "run.json").exists():
        journal = Stoppable.reopen(folder)
    else:
        rules = crossover_rules(question.options.rules)
        journal = Stoppable.create(folder, question.describe(session, [], rules))
    assert isinstance(journal, Stoppable)
    journal.moments = moments
    try:
        return crossover(question, session, journal, moments)
    except Killed:
        return False
    finally:
        journal.close()


def plant_two(plant: Callable[..., None], clock: Clock) -> None:
    plant(cpu_of(clock, direct=rising(0.03, 20, 2), fft=steady(0.03)))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> int:
    """The moments of a search that nothing stops."""
    moments = Moments()
    with world() as (simulated, offer):
        plant_two(offer, simulated)
        assert attempt(asking(), tmp_path_factory.mktemp("whole") / "run", moments)
    return moments.count


LATER = [pytest.param(share, marks=pytest.mark.rest("moments")) for share in (0.05, 0.55, 0.8)]


@pytest.fixture(scope="module", params=[0.3, 0.7, 0.9, *LATER])
def resumed(
    whole: int, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The folder of a search that was killed when so much was done, and went on."""
    folder = tmp_path_factory.mktemp("resumed") / "run"
    with world() as (simulated, offer):
        plant_two(offer, simulated)
        assert not attempt(asking(), folder, Moments(int(request.param * whole)))
        assert attempt(asking(), folder)
    return folder


def test_a_search_goes_on_from_any_moment(resumed: Path) -> None:
    ((_, before, after),) = brackets(found_in(load(resumed))["direct", "fft"])
    assert before <= 20 <= after <= before + 4
    assert doubled(resumed) == []


def test_a_size_in_which_a_search_was_killed_is_completed(resumed: Path) -> None:
    points = points_of(load(resumed))
    assert [one.point.size for one in points if not one.closed(1)] == []


def test_a_finished_search_has_nothing_left_to_measure(plant, clock: Clock, tmp_path: Path) -> None:
    plant_two(plant, clock)
    assert attempt(asking(), tmp_path / "run")
    kept = (tmp_path / "run" / "samples.csv").read_bytes()
    assert attempt(asking(), tmp_path / "run")
    assert (tmp_path / "run" / "samples.csv").read_bytes() == kept


def test_an_interrupted_search_says_so_and_keeps_what_it_measured(
    plant, clock: Clock, tmp_path: Path, whole: int
) -> None:
    plant_two(plant, clock)
    moments = Moments(whole // 2, KeyboardInterrupt())
    assert not attempt(asking(), tmp_path / "run", moments)
    assert found_in(load(tmp_path / "run"))["direct", "fft"].sizes


# A device.

UPLOAD_AND_DOWNLOAD_S = UPLOAD_S + DOWNLOAD_S


def on_device(device: FakeDevice, clock: Clock, cost: Cost, seed: int = 6) -> Behaviour:
    """A right blur that takes as long as its kernel asks for, on the device."""
    rng = random.Random(seed)

    def behave(blur: Any, image: Any, out: Any) -> None:
        import numpy as np

        clock.now += LAUNCH_S
        recalled(blur, np.asarray(image), np.asarray(out))
        share = image.size / SMALL.pixels.size
        seconds = cost(blur.problem.kernel.size) * math.exp(rng.gauss(0, 0.01))
        device.queue(seconds * share)

    return behave


def gpu_backend(device: FakeDevice, clock: Clock, **costs: Cost) -> Backend:
    made = [
        costing(method, on_device(device, clock, cost, seed), cost, backend="gpu")
        for seed, (method, cost) in enumerate(costs.items(), 6)
    ]
    return backend_of(*made, name="gpu", kind="gpu", open_device=lambda number: device)


BOTH = {"backends": ("fake", "gpu")}


@pytest.fixture(scope="module")
def across() -> Log:
    """A CPU that a GPU overtakes at 10 on its own, and at 25 with transfers of 3 ms."""
    with world() as (simulated, offer):
        offer(
            cpu_of(simulated, separable=rising(0.005, per=25), fft=steady(0.02)),
            gpu_backend(
                FakeDevice(simulated), simulated, separable=steady(0.002), fft=steady(0.009)
            ),
        )
        return search_with(asking(budget=100.0, **BOTH))


def of_devices(log: Log) -> dict[str, Crossover]:
    """From the fastest of the CPU to that of the GPU, by scope."""
    found = find_crossovers(points_of(log))
    return {one.scope: one for one in found if one.first == "cpu:fastest"}


@pytest.mark.parametrize(("scope", "size"), [("compute", 10), ("end_to_end", 25)])
def test_the_gpu_overtakes_the_cpu_where_it_was_planted(across: Log, scope: str, size: int) -> None:
    one = of_devices(across)[scope]
    assert (one.first, one.second) == ("cpu:fastest", "gpu:fastest")
    ((who, before, after),) = brackets(one)
    assert who == "second"
    assert before <= size <= after


def test_both_scopes_are_reported(across: Log) -> None:
    assert of_devices(across).keys() == {"compute", "end_to_end"}


def test_the_methods_of_each_device_are_compared_too(across: Log) -> None:
    found = {(one.first, one.second) for one in find_crossovers(points_of(across))}
    assert found >= {("fake:separable", "fake:fft"), ("gpu:separable", "gpu:fft")}


def test_methods_of_the_gpu_are_compared_with_and_without_transfers(across: Log) -> None:
    found = {
        one.scope: one
        for one in find_crossovers(points_of(across))
        if (one.first, one.second) == ("gpu:separable", "gpu:fft")
    }
    for scope, transfers in (("compute", 0.0), ("end_to_end", UPLOAD_AND_DOWNLOAD_S)):
        ratios = [one.value for one in found[scope].ordering.ratios.values()]
        expected = (0.009 + transfers) / (0.002 + transfers)
        assert ratios == pytest.approx([expected] * len(ratios), rel=0.05)


def test_claims_name_the_scope_where_transfers_are_left_out(across: Log) -> None:
    told = [
        here["found"]
        for claim in held_against(find_crossovers(points_of(across)))
        for here in claim["here"]
        if here["first"] == "gpu:separable"
    ]
    assert any(text.endswith("(compute)") for text in told)
    assert not all(text.endswith("(compute)") for text in told)


def test_the_images_that_pay_for_the_set_up_are_told(across: Log) -> None:
    size, images = of_devices(across)["end_to_end"].pays_off
    assert size >= 25
    assert images >= 1
    entry = of_devices(across)["end_to_end"].as_dict()
    assert (entry["pays_off_at_size"], entry["pays_off_after_images"]) == (size, images)


def test_a_dear_set_up_takes_as_many_images_as_planted(
    plant, clock: Clock, device: FakeDevice
) -> None:
    behave = on_device(device, clock, steady(0.002))

    def prepare(problem: Any) -> Any:
        clock.now += 1.0
        return Planted(problem, behave)

    plant(
        cpu_of(clock, fft=steady(0.015)),
        backend_of(
            costing("fft", behave, steady(0.002), backend="gpu", prepare=prepare),
            name="gpu",
            kind="gpu",
            open_device=lambda number: device,
        ),
    )
    found = of_devices(search_with(asking(3, 9, **BOTH)))["end_to_end"]
    assert found.pays_off == (3, pytest.approx(100, abs=6))


def test_across_devices_rounds_go_on_until_the_order_is_proven(
    plant, clock: Clock, device: FakeDevice
) -> None:
    plant(
        cpu_of(clock, 0.05, fft=steady(0.0400)),
        gpu_backend(device, clock, fft=steady(0.0335)),
    )
    found = of_devices(search_with(asking(3, 9, **BOTH)))["end_to_end"]
    assert set(found.ordering.outcomes.values()) == {"second"}


def test_a_gpu_that_cannot_run_leaves_the_cpus_crossovers(plant, clock: Clock) -> None:
    absent = Availability("no driver", "install it")
    plant(
        cpu_of(clock, direct=rising(0.03, 20, 2), fft=steady(0.03)),
        backend_of(planted("fft", backend="gpu"), name="gpu", kind="gpu", probe=lambda: absent),
    )
    log = search_with(asking(**BOTH))
    assert of_devices(log) == {}
    assert brackets(found_in(log)["direct", "fft"])


# Claims.

FFT_CLAIMS = {
    "49": "don't bother below 49x49",
    "141": "about 141, on 2k RGB",
    "27": "27 to 33, for images of 512 to 4096",
    "11": "about 11x11",
    "3": "3 already, for images of 128 to 8192",
}


def held(claim: str, ratios: dict[int, float]) -> bool | None:
    """What is said of a claim, given the time of FFT over that of the other, by size."""
    first = "direct" if claim in ("3", "11") else "separable"
    log = Written(first, "fft").race(3, {first: 0.001, "fft": 0.002})
    one = replace(log.only(), ordering=order(ratios))
    (found,) = [entry for entry in held_against([one]) if entry["claim"] == FFT_CLAIMS[claim]]
    (here,) = found["here"]
    assert (here["first"], here["second"]) == (f"fake:{first}", "fake:fft")
    judgement = here["held"]
    assert judgement is None or isinstance(judgement, bool)
    return judgement


@pytest.mark.parametrize(
    ("claim", "ratios", "expected"),
    [
        ("49", {47: 2.0, 51: 0.5}, True),
        ("49", {47: 2.0, 49: 0.5}, True),
        ("49", {15: 2.0, 33: 0.5}, False),
        ("49", {55: 2.0, 73: 0.5}, False),
        ("27", {29: 2.0, 31: 0.5}, True),
        ("27", {25: 2.0, 29: 0.5}, True),
        ("27", {35: 2.0, 39: 0.5}, False),
        ("11", {7: 2.0, 11: 0.5}, True),
        ("11", {15: 2.0, 17: 0.5}, False),
        ("141", {33: 2.0, 35: 0.5, 101: 0.5, 103: 2.0, 139: 2.0, 143: 0.5}, True),
    ],
)
def test_a_claim_held_where_a_bracket_lies_within_it(
    claim: str, ratios: dict[int, float], expected: bool
) -> None:
    assert held(claim, ratios) is expected


@pytest.mark.parametrize("claim", ["49", "27", "11"])
def test_a_bracket_wider_than_a_claim_cannot_tell(claim: str) -> None:
    assert held(claim, {3: 2.0, 73: 0.5}) is None


def test_a_claim_whose_smallest_size_is_the_smallest_proven_cannot_be_told() -> None:
    assert held("11", {7: 0.5, 255: 0.1}) is None


def test_an_overtaking_below_what_is_proven_cannot_be_told() -> None:
    assert held("27", {47: 0.5, 51: 2.0}) is None


def test_a_change_to_the_first_is_no_claim_of_fft() -> None:
    assert held("49", {47: 0.5, 51: 2.0}) is False


@pytest.mark.parametrize("claim", ["49", "141", "27", "11"])
def test_a_claim_did_not_hold_where_fft_is_faster_from_the_smallest_size_on(claim: str) -> None:
    assert held(claim, {3: 0.9, 7: 0.5, 255: 0.1}) is False


def test_the_claim_of_3_held_where_fft_is_faster_from_3_on() -> None:
    assert held("3", {3: 0.9, 7: 0.5}) is True


def test_the_claim_of_3_did_not_hold_where_the_dense_sum_is_faster_at_3() -> None:
    assert held("3", {3: 2.0, 5: 0.5}) is False


@pytest.mark.parametrize("claim", ["49", "141", "27", "11", "3"])
def test_a_claim_did_not_hold_where_fft_is_never_faster(claim: str) -> None:
    assert held(claim, {3: 2.0, 255: 2.0}) is False


@pytest.mark.parametrize("claim", ["49", "141", "27", "11"])
def test_a_claim_beyond_the_sizes_cannot_be_told(claim: str) -> None:
    assert held(claim, {3: 2.0, 5: 2.0}) is None


def test_a_claim_that_the_sizes_reach_in_part_cannot_be_told() -> None:
    assert held("27", {3: 2.0, 29: 2.0}) is None


@pytest.mark.parametrize("claim", ["49", "27", "11", "3"])
def test_a_claim_below_the_sizes_cannot_be_told(claim: str) -> None:
    assert held(claim, {101: 0.5, 255: 0.1}) is None


@pytest.mark.parametrize("claim", FFT_CLAIMS)
def test_a_claim_cannot_be_told_where_nothing_is_proven(claim: str) -> None:
    assert held(claim, {3: 1.0, 255: 1.0}) is None


def test_every_claim_says_what_it_compares_and_where_it_stands() -> None:
    for entry in held_against([]):
        assert all(entry[name] for name in ("claim", "compares", "source"))
        assert entry["here"] == []


def test_claims_about_something_else_are_held_against_nothing() -> None:
    log = Written("direct", "separable", "fft")
    log.race(3, {"direct": 0.001, "separable": 0.002, "fft": 0.003})
    compared = {
        entry["claim"]: [(one["first"], one["second"]) for one in entry["here"]]
        for entry in held_against(find_crossovers(points_of(log.log)))
    }
    assert {claim for claim, pairs in compared.items() if pairs} == set(FFT_CLAIMS.values())


def test_claims_are_held_against_every_backend() -> None:
    log = Written("one:direct", "one:fft", "two:direct", "two:fft")
    log.race(3, {"one:direct": 0.001, "one:fft": 0.002, "two:direct": 0.003, "two:fft": 0.004})
    claims = held_against(find_crossovers(points_of(log.log)))
    (entry,) = [one for one in claims if one["claim"] == FFT_CLAIMS["11"]]
    assert [one["first"] for one in entry["here"]] == ["one:direct", "two:direct"]


@pytest.mark.parametrize(("height", "width"), [(1, 1), (16, 512), (128, 128), (512, 640)])
def test_scipys_own_choice_is_what_scipy_says(height: int, width: int) -> None:
    import numpy as np

    sizes = range(3, 64, 2)
    image = np.ones((height, width), np.float32)
    says = [
        size
        for size in sizes
        if size <= min(height, width)
        and choose_conv_method(image, np.ones((size, size), np.float32), "same") == "fft"
    ]
    assert scipy_chooses_fft_from(height, width, sizes) == min(says, default=None)


# The document.

ENTRY = {
    *("first", "second", "scope", "height", "width", "channels", "dtype", "border", "threads"),
    *("changes", "always_faster", "sizes_measured", "sentence"),
    *("estimates", "paired", "proven_at_both_ends", "sizes_asked"),
}


def test_the_document_has_what_was_promised(plant, clock: Clock) -> None:
    plant_two(plant, clock)
    found = json.loads(to_json(document(search_with(asking()))))
    assert found["schema"] == "blurbench.crossover/1"
    assert {"crossovers", "claims", "verdicts", "not_compared", "level"} <= set(found)
    (entry,) = found["crossovers"]
    assert set(entry) >= ENTRY
    (change,) = entry["changes"]
    assert set(change) == {"faster_before", "faster_after", "last_size_before", "first_size_after"}
    assert (entry["height"], entry["width"], entry["channels"]) == (16, 16, 1)


def test_the_document_of_a_folder_is_that_of_the_run(plant, clock: Clock, tmp_path: Path) -> None:
    plant_two(plant, clock)
    question = asking()
    assert attempt(question, tmp_path / "run")
    shown = to_json(document(load(tmp_path / "run")))
    log = search_in_memory_from(tmp_path / "run")
    assert shown == to_json(document(log))


def search_in_memory_from(folder: Path) -> Log:
    """The same records, one by one."""
    from blurbench.records.record import read_records

    log = Log(load(folder).run)
    for record in read_records((folder / "samples.csv").read_text("utf-8")):
        log.append(record)
    return log


# On the terminal.


def shown(log: Log) -> list[str]:
    with redirect_stdout(StringIO()) as out:
        show_crossovers(open_console(), log.run, document(log))
    return out.getvalue().splitlines()


def table_of(lines: list[str]) -> list[str]:
    return lines[: lines.index("")]


LONG = ("cupyx:separable", "cupyx:fft")  # as long as the shipped names are


def flickering(changes: int) -> Log:
    """Two that overtake one another so often."""
    log = Written(*LONG, sizes=range(3, 256, 2))
    for number in range(changes + 1):
        seconds = (0.001, 0.002) if number % 2 == 0 else (0.002, 0.001)
        log.race(101 + 2 * number, dict(zip(LONG, seconds, strict=True)))
    return log.log


@pytest.mark.parametrize("changes", [0, 1, 2, 3, 6])
def test_a_table_has_at_most_80_columns(changes: int) -> None:
    assert max(map(len, table_of(shown(flickering(changes))))) <= 80


@pytest.mark.parametrize("changes", [1, 3])
def test_every_change_is_in_the_table(changes: int) -> None:
    text = "\n".join(table_of(shown(flickering(changes))))
    for number in range(changes):
        assert f"{101 + 2 * number}..{103 + 2 * number}" in text


@pytest.mark.parametrize(
    ("seconds", "sizes", "words"),
    [
        ((0.001, 0.002), (3, 5, 7), "nowhere"),
        ((0.002, 0.001), (3, 5, 7), "everywhere"),
        ((0.001, 0.002), (3, 5), "not by 5"),
        ((0.001, 0.002), (5, 7), "not by 7"),
        ((0.002, 0.001), (5, 7), "from <= 5"),
        ((0.002, 0.001), (3, 5), "from <= 3"),
        ((1.0, 1.0), (3, 7), "not proven"),
    ],
)
def test_the_table_speaks_of_everywhere_only_where_both_ends_are_proven(
    seconds: tuple[float, float], sizes: tuple[int, ...], words: str
) -> None:
    log = Written("direct", "fft", sizes=(3, 5, 7))
    for size in sizes:
        log.race(size, dict(zip(("direct", "fft"), seconds, strict=True)))
    (line,) = [one for one in table_of(shown(log.log)) if one.startswith("fake:direct")]
    assert f"  {words}  " in line


def test_the_table_says_of_how_many_sizes_it_speaks() -> None:
    log = Written("direct", "fft", sizes=range(3, 256, 2)).race(3, {"direct": 0.001, "fft": 0.002})
    lines = shown(log.log)
    assert table_of(lines)[1].rstrip().endswith("1/127")
    assert any("a longer --budget tells more" in line for line in lines)


def test_a_pair_that_never_raced_is_named_with_its_reason() -> None:
    log = Written("direct", "separable", "fft").race(3, {"direct": 0.001, "fft": 0.002})
    log.out(3, "separable", "failed", "worn out")
    (line,) = [one for one in shown(log.log) if one.startswith("Not compared")]
    assert line == (
        "Not compared: fake:direct and fake:separable, fake:separable and fake:fft: "
        "fake:separable failed (worn out)."
    )


def test_that_a_backend_cannot_run_is_not_said_again_of_its_pairs() -> None:
    log = Written("direct", "separable", "fft").race(3, {"direct": 0.001, "fft": 0.002})
    log.out(3, "separable", "unavailable", "its library is missing")
    assert [one for one in shown(log.log) if one.startswith("Not compared")] == []


def test_claims_that_nothing_bears_on_share_a_line() -> None:
    lines = shown(flickering(1))
    assert len([one for one in lines if "ArrayFire" in one or "DIPlib" in one]) == 1


def test_the_answer_comes_last() -> None:
    assert shown(flickering(1))[-1].startswith("FFT pays from about 102 ")


def test_a_ratio_across_devices_is_said_not_to_be_paired(across: Log) -> None:
    found = of_devices(across)
    assert "not paired" in found["compute"].sentence
    assert "not paired" not in found["end_to_end"].sentence


def test_the_claims_are_printed_beside() -> None:
    text = "\n".join(shown(flickering(1)))
    for words in ("FFT against anything", "chaiNNer", "choose_conv_method", "What others say"):
        assert words in text


def test_a_run_without_crossovers_can_be_shown() -> None:
    assert "What others say:" in shown(Written("direct", "fft").log)


# The command.


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder with a small image and no GPU."""
    work_in(tmp_path, monkeypatch)
    deny_gpu(monkeypatch)


ASKED = ("photo.png", "--sizes", "3:7", "--budget", "60", "--threads", "1")


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ran, Path]:
    """A short search from end to end, and where its folder is."""
    place = tmp_path_factory.mktemp("command")
    with pytest.MonkeyPatch.context() as patch, world() as (simulated, offer):
        work_in(place, patch)
        offer(cpu_of(simulated, direct=steady(1e-3), separable=steady(2e-3), fft=steady(3e-3)))
        more = ("--out", "run", "--json", "found.json", "--csv", "-", "--all-columns")
        more += ("--markdown", "found.md")
        return run("crossover", *ASKED, "--backend", "fake", *more), place


def test_the_command_ends_well(command: tuple[Ran, Path]) -> None:
    assert command[0].code == 0
    assert "Error" not in command[0].err


def test_the_command_writes_the_document(command: tuple[Ran, Path]) -> None:
    found = json.loads((command[1] / "found.json").read_text("utf-8"))
    assert [(one["first"], one["second"]) for one in found["crossovers"]] == [
        ("fake:direct", "fake:separable"),
        ("fake:direct", "fake:fft"),
        ("fake:separable", "fake:fft"),
    ]
    assert (found["crossovers"][0]["width"], found["crossovers"][0]["channels"]) == (32, 3)


def test_the_command_writes_the_summary_of_its_folder(command: tuple[Ran, Path]) -> None:
    assert command[0].out == (command[1] / "run" / "summary.csv").read_text("utf-8")


def test_the_command_writes_a_table_in_markdown(command: tuple[Ran, Path]) -> None:
    text = (command[1] / "found.md").read_text("utf-8")
    assert "| first | second | scope | second faster | sizes |" in text
    assert "| fake:direct | fake:fft | end_to_end |" in text


def test_the_commands_table_has_at_most_80_columns(command: tuple[Ran, Path]) -> None:
    lines = command[0].err.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("first "))
    table = lines[start : lines.index("", start)]
    assert len(table) == 4
    assert max(map(len, table)) <= 80


def test_the_folder_can_be_shown(command: tuple[Ran, Path], here: None) -> None:
    ended = run("show", command[1] / "run", "--json", "-")
    assert ended.code == 0
    assert json.loads(ended.out) == json.loads((command[1] / "found.json").read_text("utf-8"))


@pytest.mark.parametrize(
    "sizes",
    [
        *("3", "7:3", "3:3", "4:8", "3:8", "2:9", "0:9", "-3:9", "a:b", "3:", ":9", "3:9:2", ""),
        *("3,5,9", "3:9:x1.3", "3.0:9", "3:1000000001"),
    ],
)
def test_sizes_that_cannot_be_used_are_refused_in_one_line(sizes: str, here: None) -> None:
    ended = run("crossover", "photo.png", f"--sizes={sizes}", "--budget", "1", "--backend", "numpy")
    assert ended.code == 2
    assert len(ended.err.splitlines()) == 1
    assert ended.err.startswith("Error: ")
    assert ended.out == ""


def test_one_method_alone_has_nothing_to_cross(here: None) -> None:
    ended = run("crossover", *ASKED, "--backend", "numpy", "--method", "fft")
    assert ended.code == 2
    assert len(ended.err.splitlines()) == 1


def test_approximations_have_nothing_to_cross_without_a_tolerance(here: None) -> None:
    ended = run("crossover", *ASKED, "--backend", "numpy", "--method", "fft,deriche")
    assert ended.code == 2
    assert ended.err == (
        "Error: there is nothing to cross: "
        "approximations compete only within a --tolerance: give one, as in 1%\n"
    )


def test_the_rules_split_the_error_rate_over_the_sizes_of_a_search() -> None:
    assert crossover_rules(Rules()).share(99) == pytest.approx(0.05 / 24)


def test_a_colour_image_is_measured_with_its_channels(plant, clock: Clock) -> None:
    plant_two(plant, clock)
    log = search_with(asking(3, 9, image=picture(12, 20, 3)))
    entry = found_in(log)["direct", "fft"].as_dict()
    assert (entry["height"], entry["width"], entry["channels"]) == (12, 20, 3)
