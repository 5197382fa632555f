"""The best of each kind of blur, and from where on FFT pays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from blurbench.records.declared import Declared
from blurbench.records.journal import Log
from blurbench.report.groups import bests_of, groups_of, payoff_of
from blurbench.report.sweep import by_image
from helpers.made_runs import SIZES, back_and_forth, run_of

BOTH = ("numpy:separable", "numpy:fft")


def declared(*names: str) -> list[Declared]:
    """On a GPU where the backend's name begins with `cu`."""
    return [
        Declared(*name.split(":"), "ours", True, "gpu" if name.startswith("cu") else "cpu")
        for name in names
    ]


def bests(log: Log) -> list[dict[str, str]]:
    """Who is the best of each group, size by size."""
    ((_, points),) = by_image(log)
    return [{group: row.name for group, row in bests_of(one).items()} for one in points]


def payoff(log: Log) -> str | None:
    ((_, points),) = by_image(log)
    found = payoff_of(points)
    return found and found.text


def steady(*faster: int) -> Callable[[str, int, tuple[int, int]], float]:
    """Seconds: FFT is twice as fast at these sizes, and half as fast at all others."""
    return lambda name, size, extent: (
        1e-3 if name.endswith("separable") else 5e-4 if size in faster else 2e-3
    )


def test_a_blur_of_ones_own_is_in_no_group_whatever_it_is_called() -> None:
    numpy, mine = declared("numpy:fft", "mine:fft")
    assert groups_of([numpy, replace(mine, origin="yours")]) == {"numpy:fft": "FFT"}


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        (("a:direct", "a:separable", "a:fft"), ["direct", "separable", "FFT"]),
        (("a:dct", "a:banded", "a:vyv"), ["FFT", "separable", "approximate"]),
        (("a:fft", "cupy:fft", "cupy:new"), ["FFT", "GPU", "GPU"]),
        (("cupy:fft", "cuda:separable"), ["FFT", "separable"]),
    ],
)
def test_a_gpu_is_a_group_of_its_own_beside_a_cpu_alone(
    names: Sequence[str], groups: list[str]
) -> None:
    assert groups_of(declared(*names)) == dict(zip(names, groups, strict=True))


def test_software_that_stands_in_for_a_gpu_is_in_no_group_beside_a_cpu() -> None:
    cpu, soft = declared("a:fft", "cuda:fft")
    assert groups_of([cpu, replace(soft, kind="software")]) == {"a:fft": "FFT"}


def test_a_method_that_nobody_knows_has_no_group() -> None:
    assert groups_of(declared("a:new")) == {}


def test_the_best_of_a_group_is_chosen_anew_at_each_size() -> None:
    def times(name: str, size: int, extent: tuple[int, int]) -> float:
        return 1e-3 if (name == "numpy:fft") == (size < 9) else 2e-3

    found = bests(run_of(("numpy:fft", "scipy:dct"), (3, 5, 9), times=times))
    assert found == [{"FFT": "numpy:fft"}, {"FFT": "numpy:fft"}, {"FFT": "scipy:dct"}]


@pytest.mark.parametrize("status", ["wrong", "implausible"])
def test_what_must_not_win_is_never_the_best(status: str) -> None:
    names = ("numpy:fft", "scipy:fft")
    found = bests(run_of(names, (3, 5), apart={("numpy:fft", 5): status}))
    assert found[1] == {"FFT": "scipy:fft"}


def test_what_is_only_approximate_is_never_the_best() -> None:
    def inexact(one: Declared) -> Declared:
        return replace(one, exact=one.method != "box")

    log = run_of(("numpy:separable", "numpy:box"), (3,), declare=inexact)
    assert bests(log) == [{"separable": "numpy:separable"}]


@pytest.mark.parametrize(
    ("faster", "text"),
    [
        ((31, 63, 101), "FFT pays from about 22"),
        (SIZES, "FFT pays from 3"),
        ((5, 31, 63, 101), "FFT pays from about 22"),
        ((9, 15), "FFT pays from about 7 to about 22"),
        ((3, 5), "FFT pays from 3 to about 7"),
        ((), "FFT not ahead at any size compared"),
    ],
)
def test_fft_pays_from_where_it_stays_ahead_of_the_best_separable_blur(
    faster: tuple[int, ...], text: str
) -> None:
    assert payoff(run_of(BOTH, times=steady(*faster))) == text


def test_a_lead_within_the_margin_does_not_pay() -> None:
    def nearly_equal(name: str, size: int, extent: tuple[int, int]) -> float:
        return 0.99e-3 if name.endswith("fft") and size >= 31 else 1e-3

    assert payoff(run_of(BOTH, times=nearly_equal)) == "FFT not ahead at any size compared"


@pytest.mark.parametrize("names", [("numpy:direct", "numpy:fft"), ("numpy:separable",)])
def test_without_one_of_the_two_nothing_is_said_of_fft(names: Sequence[str]) -> None:
    assert payoff(run_of(names)) is None


def test_back_and_forth_is_told_by_both_ends() -> None:
    assert payoff(run_of(BOTH, times=back_and_forth)) == "FFT pays from about 7 to about 43"
