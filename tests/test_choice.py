"""`auto`: by whose figures it chooses, what it may choose, and what it makes of a table."""

from __future__ import annotations

import ast
import json
import math
import re
import runpy
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import blurbench
from blurbench import InputError, gaussian_blur, host, prepare
from blurbench.backends.backend import Availability, Backend
from blurbench.backends.registry import backends, find_implementation
from blurbench.choice import auto
from blurbench.choice import table as tables
from blurbench.choice.auto import choose, expected
from blurbench.choice.model import TERMS, terms_of
from blurbench.choice.policy import policy
from blurbench.choice.table import Table, current, own_path, read_table, write_table
from blurbench.kernel import GaussianKernel
from blurbench.measure.clock import HostClock
from blurbench.methods.transform import line_cost, padded_cost
from blurbench.names import DTYPES
from blurbench.problem import Problem
from blurbench.recipe import Recipe
from blurbench.tune import trials, tuning
from helpers.choices import forget_choices
from helpers.command import deny_gpu, run
from helpers.pictures import save

SHIPPED: Table = json.loads(
    (Path(blurbench.__file__).parent / "choice" / "default.json").read_text("utf-8")
)


def cost(name: str, sample_s: float = 0.0, work_s: float = 0.0, **more: Any) -> dict[str, Any]:
    backend, method = name.split(":")
    figures = {**dict.fromkeys(TERMS, 0.0), "sample_s": sample_s, "work_s": work_s}
    about = {"backend": backend, "method": method, "dtype": "float32", "place": "host"}
    able = {"exact": True, "even": True, "half": True, "borders": list(blurbench.BORDERS)}
    able["threads"] = 2
    return {**about, **able, **figures, "timings": 20, "median_deviation": 0.1, **more}


def table_of(*costs: dict[str, Any], **more: Any) -> Table:
    empty = {**SHIPPED, "costs": list(costs), "errors": {}, "cache_bytes": 1e6}
    return {**empty, **more}


# SciPy's separable blur is the faster up to size 20 or so.
TWO = table_of(cost("scipy:separable", 1e-9, 1e-10), cost("scipy:fft", 3e-9))


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A user without a table, on a machine without a GPU."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    deny_gpu(monkeypatch)
    forget_choices()
    yield tmp_path
    forget_choices()


def allow(patch: pytest.MonkeyPatch, *names: str) -> None:
    """Make backends say that they can run; nothing is run by them."""
    for name in names:
        patch.setitem(backends(), name, replace(backends()[name], probe=Availability))


def keep(table: Table) -> None:
    """Make a table this user's own."""
    write_table(own_path(), table)
    forget_choices()


def problem(size: int = 15, shape: tuple[int, ...] = (64, 96), **more: Any) -> Problem:
    how = {"dtype": np.dtype(more.pop("dtype", "float32")), **more}
    return Problem(GaussianKernel.from_size(size, allow_even=True), shape, **how)


# The model


def test_the_fastest_is_the_one_that_is_expected_to_take_least() -> None:
    assert [name for _, name in expected(TWO, problem(15))] == ["scipy:separable", "scipy:fft"]
    assert [name for _, name in expected(TWO, problem(31))] == ["scipy:fft", "scipy:separable"]


def test_an_expected_time_is_the_sum_of_its_figures_and_terms() -> None:
    figures = dict(zip(TERMS, (1.0, 2.0, 3.0, 4.0, 5.0), strict=True))
    terms = terms_of("separable", 64, 96, 3, 4, 15, 4000)
    found = expected(
        table_of(cost("scipy:separable", **figures), cache_bytes=4000),
        problem(15, (64, 96, 3)),
    )
    assert terms == (1, 160, 18432, 18432 - 1000, 18432 * 15)
    assert found == [(1 + 2 * 160 + 3 * 18432 + 4 * 17432 + 5 * 18432 * 15, "scipy:separable")]


def test_multirate_costs_less_the_larger_the_kernel_is() -> None:
    small, large = (terms_of("multirate", 64, 96, 3, 4, size, 4000) for size in (15, 151))
    assert small[:-1] == large[:-1]
    assert small[-1] > large[-1] > 0


@pytest.mark.parametrize(
    ("able", "asked"),
    [
        ({"borders": ["reflect"]}, {"border": "wrap"}),
        ({"dtype": "float64"}, {}),
        ({"even": False}, {"size": 14}),
        ({"place": "device"}, {}),
        ({"exact": False}, {}),
    ],
)
def test_what_cannot_do_it_is_not_expected_to(able: dict[str, Any], asked: dict[str, Any]) -> None:
    assert expected(table_of(cost("scipy:fft", 1e-9, **able)), problem(**asked)) == []


@pytest.mark.parametrize("backend", ["auto", "wgpu"])
def test_software_that_stands_in_for_a_gpu_is_taken_where_it_is_named_alone(
    monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    software = replace(backends()["wgpu"], probe=lambda: Availability(software=True))
    monkeypatch.setitem(backends(), "wgpu", software)
    quick = table_of(*TWO["costs"], cost("wgpu:separable", 1e-12))
    name = choose(problem(), backend, table=quick).backend
    assert (name == "wgpu") == (backend == "wgpu")


def test_half_precision_is_judged_by_the_figures_of_single() -> None:
    assert expected(TWO, problem(dtype="float16"))[0][1] == "scipy:separable"
    without = table_of(*TWO["costs"], cost("opencv:separable", 1e-12, half=False))
    assert expected(without, problem(dtype="float16"))[0][1] == "scipy:separable"


@pytest.mark.parametrize(("threads", "name"), [(1, "fft"), (2, "fft"), (4, "separable")])
def test_the_figures_of_the_nearest_number_of_threads_decide(threads: int, name: str) -> None:
    alone = cost("scipy:separable", 4e-9, threads=1), cost("scipy:fft", 3e-9, threads=1)
    eight = cost("scipy:separable", 1e-9, threads=8), cost("scipy:fft", 2e-9, threads=8)
    keep(table_of(*alone, *eight))
    assert choose(problem(threads=threads)).method == name
    image = np.random.default_rng(0).random((64, 96), dtype=np.float32)
    blurred = gaussian_blur(image, size=15, method="auto", backend="auto", threads=threads)
    named = gaussian_blur(image, size=15, method=name, backend="scipy")
    np.testing.assert_array_equal(blurred, named)


@given(st.integers(2, 5000))
def test_padding_never_costs_more_than_a_power_of_two(n: int) -> None:
    assert padded_cost(n) <= line_cost(1 << (n - 1).bit_length()) * 1.001


def test_a_line_of_a_large_prime_costs_more_than_one_of_small_factors() -> None:
    assert line_cost(1021) > 2 * line_cost(1024)


def test_approximations_compete_within_the_tolerance_and_near_sigmas_that_were_looked_at() -> None:
    errors = {"deriche": [[4.0, 1e-3], [8.0, 2e-3]]}
    near = table_of(cost("numba:deriche", 1e-9, exact=False), errors=errors)
    wide = Problem(GaussianKernel.from_sigma(5.0), (64, 64), np.dtype("float32"))
    assert expected(near, wide, tolerance=1e-2)
    assert not expected(near, wide, tolerance=4e-3)
    assert not expected(near, replace(wide, kernel=GaussianKernel.from_sigma(9.0)), tolerance=0.1)


def test_a_kernel_that_is_cut_short_is_no_gaussian_that_could_be_approximated() -> None:
    errors = {"deriche": [[4.0, 1e-3], [8.0, 2e-3]]}
    near = table_of(cost("numba:deriche", 1e-9, exact=False), errors=errors)
    cut = Problem(GaussianKernel.from_size(9, 5.0), (64, 64), np.dtype("float32"))
    assert not expected(near, cut, tolerance=0.1)


# The table


def test_without_a_table_the_shipped_one_is_used() -> None:
    table, where = current()
    assert table == SHIPPED
    assert "blurbench tune" in where


def test_the_shipped_table_is_whole() -> None:
    assert read_table(Path(blurbench.__file__).parent / "choice" / "default.json") == SHIPPED


def test_every_implementation_of_the_shipped_table_exists() -> None:
    for one in SHIPPED["costs"]:
        assert find_implementation(one["backend"], one["method"]).exact == one["exact"]


def test_the_table_of_this_machine_goes_before_the_shipped_one(own_folder: Path) -> None:
    keep(TWO)
    table, where = current()
    assert table == TWO
    assert where.startswith(str(own_folder / "blurbench"))


@pytest.mark.parametrize("what", ["machine_id", "versions", "machine"])
def test_another_machine_version_or_number_of_cpus_has_a_table_of_its_own(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, before = tables.here(), own_path()
    fewer = {**found["machine"], "usable_cpus": found["machine"]["usable_cpus"] + 1}
    other = {"machine_id": "m0", "versions": {"numpy": "0.1"}, "machine": fewer}
    monkeypatch.setattr(tables, "here", lambda: {**found, what: other[what]})
    assert own_path() != before


WHOLE = {**TWO, "errors": {"box": [[2.0, 1e-3]]}}
DAMAGES: list[dict[str, Any]] = [
    *({name: None} for name in ("machine", "versions", "measured_at_utc", "threads")),
    *({"cache_bytes": damage} for damage in (None, -1, math.nan, "large")),
    *({"errors": damage} for damage in (None, {"box": None}, {"box": [[1.0]]})),
    *({"costs": damage} for damage in (None, {}, [None], [{}])),
    *(
        {"costs": [{**cost("scipy:fft"), **damage}]}
        for damage in (
            *({name: None} for name in ("backend", "dtype", "exact", "half", "borders")),
            *({name: damage} for name in TERMS for damage in (None, -1.0, math.inf, "1")),
            *({"threads": damage} for damage in (0, 1.5)),
        )
    ),
]


@pytest.mark.parametrize("damage", DAMAGES, ids=json.dumps)
def test_a_damaged_table_is_refused_by_what_is_damaged(
    damage: dict[str, Any], own_folder: Path
) -> None:
    path = own_folder / "table.json"
    path.write_text(json.dumps(WHOLE))
    assert read_table(path) == WHOLE
    path.write_text(json.dumps({**WHOLE, **damage}))
    (where,) = damage
    with pytest.raises(InputError, match=rf"table\.json .*{where}.* damaged.* run blurbench tune"):
        read_table(path)


@pytest.mark.parametrize(
    "text", ["", "{}", '{"schema": "other/1"}', "[1]", '{"schema": "blurbench.choice/2"}']
)
def test_a_file_that_is_no_table_is_refused_in_one_line(text: str, own_folder: Path) -> None:
    path = own_folder / "table.json"
    path.write_text(text)
    with pytest.raises(InputError, match="run blurbench tune") as refused:
        read_table(path)
    assert "\n" not in str(refused.value)


# The choice


def test_auto_runs_what_is_chosen() -> None:
    keep(TWO)
    image = np.random.default_rng(0).random((64, 96), dtype=np.float32)
    for size, method in ((15, "separable"), (31, "fft")):
        blurred = gaussian_blur(image, size=size, method="auto", backend="auto")
        expected_pixels = gaussian_blur(image, size=size, method=method, backend="scipy")
        np.testing.assert_array_equal(blurred, expected_pixels)


def test_a_choice_that_was_made_is_not_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is planned: what it takes then is what it takes to look it up."""
    keep(TWO)
    image, asked = np.zeros((64, 96), np.float32), []
    ranked = auto.ranking
    monkeypatch.setattr(auto, "ranking", lambda *how: asked.append(how) or ranked(*how))
    for _ in range(3):
        gaussian_blur(image, size=15, method="auto", backend="auto")
    assert len(asked) == 1
    gaussian_blur(image, size=17, method="auto", backend="auto")
    assert len(asked) == 2


def test_the_default_never_depends_on_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blurbench.recipe.choose", None)
    image = np.random.default_rng(0).random((32, 32), dtype=np.float32)
    plain = gaussian_blur(image, size=31, method="separable", backend="scipy")
    np.testing.assert_array_equal(gaussian_blur(image, size=31), plain)


def test_a_named_backend_or_method_is_kept() -> None:
    keep(table_of(*TWO["costs"], cost("numpy:fft", 9e-9)))
    assert choose(problem(31), backend="numpy").name == "numpy:fft"
    assert choose(problem(31), method="separable").name == "scipy:separable"


def test_what_has_no_figures_is_chosen_where_nothing_else_can_be() -> None:
    keep(TWO)
    assert choose(problem(), backend="numpy", method="banded").name == "numpy:banded"
    assert choose(problem(dtype="uint8")).name == "scipy:separable"


def test_what_cannot_run_here_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    keep(table_of(cost("cuda:separable", 1e-12), *TWO["costs"]))
    assert choose(problem()).name == "scipy:separable"


def test_what_nobody_offers_any_more_is_passed_over() -> None:
    gone = cost("plugin:separable", 1e-12), cost("scipy:nothing", 1e-12)
    keep(table_of(*gone, *TWO["costs"]))
    assert choose(problem()).name == "scipy:separable"


@pytest.mark.parametrize("method", ["separable", "fft", "dct", "direct"])
def test_without_figures_scipy_is_the_first_of_a_method(method: str) -> None:
    keep(table_of())
    assert choose(problem(), method=method).name == f"scipy:{method}"


@pytest.mark.parametrize("backend", ["torch", "cupy", "cuda"])
def test_without_figures_two_passes_go_before_a_dense_sum(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(monkeypatch, backend)
    assert choose(problem(), backend=backend).name == f"{backend}:separable"


def test_without_figures_an_image_on_a_device_is_blurred_by_our_kernels_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    allow(monkeypatch, "cupy")
    assert choose(problem(), place="device").name == "cupy:separable"
    allow(monkeypatch, "cupyx")
    assert choose(problem(), place="device").name == "cupyx:separable"
    allow(monkeypatch, "cuda")
    assert choose(problem(), place="device").name == "cuda:separable"


def test_a_fixed_point_result_is_not_chosen() -> None:
    keep(table_of(cost("opencv:separable", 1e-12, dtype="uint8")))
    assert choose(problem(dtype="uint8")).name == "scipy:separable"


def test_a_plan_by_auto_takes_arrays_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    card = replace(backends()["scipy"], name="card", kind="gpu", probe=Availability)
    ones = tuple(replace(one, backend="card") for one in card.implementations)
    monkeypatch.setitem(backends(), "card", replace(card, implementations=ones))
    keep(table_of(cost("card:fft", 1e-12), *TWO["costs"]))
    plan = prepare((64, 96), size=15, method="auto", backend="auto")
    expected_plan = prepare((64, 96), size=15, backend="scipy")
    assert type(plan) is type(expected_plan)
    assert choose(problem()).name == "card:fft"


def test_an_image_on_a_device_stays_there(monkeypatch: pytest.MonkeyPatch) -> None:
    on_card = cost("card:separable", 1e-9, place="device")
    card = Backend("card", "gpu", (), Availability)
    one = replace(find_implementation("scipy", "separable"), backend="card")
    monkeypatch.setitem(backends(), "card", replace(card, implementations=(one,)))
    keep(table_of(*TWO["costs"], on_card))
    assert choose(problem(), place="device").name == "card:separable"


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"backend": "nope"}, "nope"),
        ({"method": "nope"}, "nope"),
        ({"tolerance": -1.0}, "tolerance -1.0"),
        ({"tolerance": math.nan}, "tolerance nan"),
        ({"backend": "scipy", "method": "fft", "tolerance": 0.1}, "use method='auto'"),
    ],
)
def test_what_auto_cannot_take_is_refused_in_one_line(how: dict[str, Any], message: str) -> None:
    image = np.zeros((8, 8), np.float32)
    given_how = {"method": "auto", "backend": "auto", **how}
    for call in (
        lambda: gaussian_blur(image, size=3, **given_how),
        lambda: prepare(image.shape, size=3, **given_how),
    ):
        with pytest.raises(InputError, match=message) as refused:
            call()
        assert "\n" not in str(refused.value)


# The policy


def chosen_by(table: Table) -> Any:
    """`choose` of the policy that a table makes."""
    Path("choose.py").write_text(policy(table), encoding="utf-8")
    return runpy.run_path("choose.py")["choose"]


def test_the_policy_needs_nothing_but_python() -> None:
    imported = {
        alias.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(ast.parse(policy(SHIPPED)))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert imported == {"__future__", "functools", "math", "typing"}


@pytest.mark.parametrize("able", [(), tuple(backends())])
def test_the_policy_chooses_as_auto_does(
    able: tuple[str, ...], own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(monkeypatch, *able)
    chosen_by_file = chosen_by(SHIPPED)
    rng = np.random.default_rng(3)
    for _ in range(200):
        height, width = (int(n) for n in np.exp(rng.uniform(np.log(64), np.log(4096), 2)))
        size, channels = int(rng.integers(1, 128)) * 2 + 1, int(rng.choice([1, 3]))
        dtype, tolerance = str(rng.choice(DTYPES)), rng.choice([None, 0.01])
        shape = (height, width) if channels == 1 else (height, width, channels)
        asked = problem(size, shape, dtype=dtype)
        name = choose(asked, tolerance=tolerance).name
        given = {"tolerance": tolerance, "threads": asked.threads}
        assert chosen_by_file(height, width, channels, dtype, size, **given) == name


def test_the_policy_takes_a_sigma_as_gaussian_blur_does(own_folder: Path) -> None:
    kernel = GaussianKernel.from_sigma(30.0)
    own = Problem(kernel, (480, 640), np.dtype("float32"))
    assert chosen_by(SHIPPED)(480, 640, sigma=30.0) == choose(own).name


def test_the_policy_takes_all_threads_unless_it_is_told(own_folder: Path) -> None:
    alone = cost("scipy:fft", 1e-9, threads=1)
    chosen = chosen_by(table_of(cost("scipy:separable", 1e-9), alone, threads=2))
    assert chosen(64, 96, size=3) == "scipy:separable"
    assert chosen(64, 96, size=3, threads=1) == "scipy:fft"


def test_the_policy_takes_scipy_where_there_are_no_figures(own_folder: Path) -> None:
    assert chosen_by(table_of())(64, 96, size=3) == "scipy:separable"
    keep(table_of())
    assert choose(problem(3)).name == "scipy:separable"


# The command


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small images and kernels, timed for microseconds: figures in a second."""
    monkeypatch.setattr(tuning, "SIDES", (16, 64))
    monkeypatch.setattr(tuning, "SIZES", (3, 15))
    monkeypatch.setattr(trials, "SAMPLE_S", 1e-6)


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock on which a call takes 10 ms, and to ask for the time 1 ms; what it shows."""
    now = [0.0]

    def measure(self: HostClock, call: Any, loops: int) -> float:
        now[0] += 2 * loops * 1e-2  # the call before it, too
        return loops * 1e-2

    def monotonic() -> float:
        now[0] += 1e-3
        return now[0]

    monkeypatch.setattr(HostClock, "measure", measure)
    monkeypatch.setattr(tuning, "time", SimpleNamespace(monotonic=monotonic, time=time.time))
    return now


@pytest.fixture(params=["steady", pytest.param("real", marks=pytest.mark.rest("real clocks"))])
def ticking(request: pytest.FixtureRequest) -> str:
    """By either clock, the budget in which there are figures of everyone."""
    if request.param == "real":
        return "5"
    request.getfixturevalue("steady")
    return "160"


SCIPY = ("tune", "--backend", "scipy", "--quiet", "--seed", "1")


def test_tune_measures_and_keeps_a_table(
    quick: None, ticking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "usable_cpus", lambda: 2)
    result = run(*SCIPY, "--budget", ticking)
    assert (result.code, result.err) == (0, "")
    table = read_table(own_path())
    found = {
        (one["backend"], one["method"], one["dtype"], one["threads"]) for one in table["costs"]
    }
    dtypes = ("float32", "float64", "uint8", "uint16")
    assert found >= {("scipy", "separable", dtype, n) for dtype in dtypes for n in (1, 2)}
    assert {backend for backend, *_ in found} == {"scipy"}
    assert str(own_path()) in result.out


def test_tune_keeps_no_table_without_figures() -> None:
    result = run(*SCIPY, "--budget", "1")
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert "within 1 s: give more with --budget" in result.err
    assert not own_path().exists()


def test_tune_keeps_its_budget(quick: None, steady: list[float]) -> None:
    run(*SCIPY, "--budget", "20")
    assert 19.9 < steady[0] < 20.1


def test_tune_says_who_was_left_out_and_why(
    quick: None, ticking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare(given: Problem) -> Any:
        raise RuntimeError("out of order")

    scipy = backends()["scipy"]
    broken = tuple(
        replace(one, prepare=prepare) if one.method == "fft" else one
        for one in scipy.implementations
    )
    monkeypatch.setitem(backends(), "scipy", replace(scipy, implementations=broken))
    result = run(*SCIPY, "--budget", ticking)
    assert result.code == 0
    assert "scipy:fft was left out: out of order." in result.out
    assert "fft" not in {one["method"] for one in read_table(own_path())["costs"]}


def test_tune_ends_early_where_the_budget_is_far_too_short(
    quick: None, steady: list[float]
) -> None:
    result = run(*SCIPY, "--budget", "10")
    assert (result.code, result.err.count("\n")) == (2, 1)
    needed = re.search(r"give more with --budget, about (\d+), or name fewer", result.err)
    assert needed is not None
    assert steady[0] < 10 < int(needed[1])


@pytest.mark.parametrize(("budget", "notes"), [("10", 1), ("160", 0)])
def test_tune_says_before_it_starts_that_a_budget_is_short(
    budget: str, notes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise InputError("it started")

    monkeypatch.setattr(tuning, "tune", stop)
    result = run("tune", "--backend", "scipy", "--budget", budget)
    assert len(re.findall(r"Note: in less than 30 s .*\n", result.err)) == notes


def test_tune_measures_nothing_where_no_table_can_be_kept(
    own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own_folder / "blurbench").write_text("a file")
    monkeypatch.setattr(tuning, "tune", None)
    result = run(*SCIPY)
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert "is a file" in result.err


def test_explain_names_the_choice_and_what_it_is_from() -> None:
    keep(TWO)
    result = run("tune", "--explain", "--image-size", "96x64", "--size", "31")
    assert "auto takes scipy:fft:" in result.out
    assert "(not here)" not in result.out
    assert str(own_path()) in result.out


def test_explain_marks_what_cannot_run_here_and_names_what_is_chosen() -> None:
    keep(table_of(cost("numba:separable", 1e-12), *TWO["costs"]))
    result = run("tune", "--explain", "--image-size", "96x64", "--size", "31")
    assert "numba:separable (not here)" in result.out
    assert f"auto takes {choose(problem(31)).name}:" in result.out
    assert "faster than scipy:separable" in result.out


@pytest.mark.parametrize("table", [table_of(), table_of(cost("numba:separable", 1e-12))])
def test_explain_names_what_is_chosen_without_figures(table: Table) -> None:
    keep(table)
    result = run("tune", "--explain", "--image-size", "96x64", "--size", "31")
    assert result.code == 0
    assert "auto takes scipy:separable." in result.out


def test_policy_writes_the_code_of_a_table(own_folder: Path) -> None:
    write_table(Path("table.json"), TWO)
    result = run("tune", "--out", "table.json", "--policy", "choose.py")
    assert (result.code, result.out, result.err) == (0, "", "")
    assert runpy.run_path("choose.py")["choose"](64, 96, size=31) == "scipy:fft"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--explain", "--size", "3"), "--explain needs an --image-size"),
        (("--explain", "--image-size", "12", "--size", "3"), "--image-size '12'"),
        (("--explain", "--image-size", "12x12"), "no kernel is given"),
        (("--size", "3"), "--size is for --explain"),
        (("--dtype", "uint8"), "--dtype is for --explain"),
        (("--allow-even",), "--allow-even is for --explain"),
        (("--policy", "a.py", "--sigma", "3"), "--sigma is for --explain, not for --policy"),
        (("--policy", "a.py", "--budget", "3"), "--budget is for measuring, not for --policy"),
        (("--explain", "--seed", "3"), "--seed is for measuring, not for --explain"),
        (("--explain", "--backend", "numpy"), "--backend is for measuring"),
        (("--explain", "--policy", "a.py"), "ask one at a time"),
        (("--out", "-"), "--out - is no file"),
        (("--policy", "a.py", "--out", "-"), "--out - is no file"),
        (("--out", "none/table.json"), "none"),
        (("--explain", "--image-size", "9x9", "--size", "3", "--out", "no.json"), "does not exist"),
        (("--policy", "none/choose.py"), "none"),
        (("--backend", "nope"), "nope"),
    ],
)
def test_what_tune_cannot_use_is_one_line(arguments: tuple[str, ...], message: str) -> None:
    result = run("tune", *arguments)
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert message in result.err


@pytest.mark.parametrize(("threads", "name"), [(1, "numpy:fft"), (None, "scipy:fft")])
def test_an_image_file_is_blurred_by_what_is_fastest_on_the_threads_that_it_gets(
    threads: int | None, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "usable_cpus", lambda: 8)
    keep(table_of(cost("numpy:fft", 1e-9, threads=1), cost("scipy:fft", 1e-9, threads=8)))
    recipe = Recipe(GaussianKernel.from_size(5), backend="auto", method="auto")
    problem = recipe.problem((64, 96), np.dtype("float32"), threads)
    assert recipe.implementation(problem).name == name


def test_blur_by_auto_runs_what_is_chosen_for_each_image(own_folder: Path) -> None:
    keep(table_of(cost("numpy:fft", 1e-9, dtype="uint8")))
    Path("photos").mkdir()
    rng = np.random.default_rng(1)
    for name, shape in (("a.png", (20, 30)), ("b.png", (40, 25, 3))):
        save(f"photos/{name}", rng.integers(0, 256, shape, dtype=np.uint8))
    assert run("blur", "photos", "-o", "soft", "--size", "5", "--method", "auto").code == 0
    named = ("--backend", "numpy", "--method", "fft")
    assert run("blur", "photos", "-o", "named", "--size", "5", *named).code == 0
    for name in ("a.png", "b.png"):
        assert Path("soft", name).read_bytes() == Path("named", name).read_bytes()
