"""Who is held against whom where a crossover is sought."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blurbench.analysis.opponents import pairs_of, sides_of
from helpers.written import declared_of

METHODS = ("direct", "separable", "fft")


def test_a_backend_has_the_three_pairs_of_its_methods() -> None:
    assert pairs_of(declared_of(*(f"fake:{name}" for name in METHODS))) == [
        ("fake:direct", "fake:separable"),
        ("fake:direct", "fake:fft"),
        ("fake:separable", "fake:fft"),
    ]


def test_methods_of_different_backends_are_no_pair() -> None:
    assert pairs_of(declared_of("one:direct", "two:fft")) == []


def test_methods_that_have_no_pair_are_not_compared() -> None:
    assert pairs_of(declared_of("fake:magic", "fake:fft", "fake:box")) == []


def test_fft_is_held_against_either_recursive_filter_of_its_backend() -> None:
    assert pairs_of(declared_of("fake:vyv", "fake:fft", "fake:deriche")) == [
        ("fake:fft", "fake:deriche"),
        ("fake:fft", "fake:vyv"),
    ]


def test_across_backends_transforms_are_held_against_recursive_filters() -> None:
    names = ("one:fft", "two:fft", "two:direct", "three:deriche", "four:vyv", "gpu:fft")
    transforms, recursive = sides_of(declared_of(*names))[0]
    assert transforms.members == {"one:fft", "two:fft"}
    assert recursive.members == {"three:deriche", "four:vyv"}


def test_fft_is_held_against_multirate_of_its_backend_and_of_all() -> None:
    assert pairs_of(declared_of("fake:multirate", "fake:fft")) == [("fake:fft", "fake:multirate")]
    found = sides("one:fft", "two:multirate", "three:multirate", "three:deriche")
    assert found["fft:fastest", "multirate:fastest"][1] == {"two:multirate", "three:multirate"}


def test_a_backend_that_has_them_all_has_no_other_to_be_held_against() -> None:
    assert sides_of(declared_of("fake:fft", "fake:deriche", "fake:vyv")) == []


def sides(*names: str) -> dict[tuple[str, str], tuple[set[str], set[str]]]:
    """The members of both sides, by their names."""
    return {
        (one.name, other.name): (set(one.members), set(other.members))
        for one, other in sides_of(declared_of(*names))
    }


def test_the_best_separable_blur_is_held_against_the_best_transform() -> None:
    found = sides("one:separable", "one:banded", "two:fft", "two:dct", "gpu:fft", "gpu:separable")
    assert found["separable:fastest", "fft:fastest"] == (
        {"one:separable", "one:banded"},
        {"two:fft", "two:dct"},
    )


@pytest.mark.parametrize("more", ["one:dct", "two:fft", "two:separable"])
def test_a_pair_of_one_backend_is_not_all_where_there_is_another(more: str) -> None:
    assert ("separable:fastest", "fft:fastest") in sides("one:separable", "one:fft", more)


def test_a_pair_of_one_backend_is_not_compared_twice() -> None:
    assert sides("one:separable", "one:fft") == {}


def test_what_scipy_blurs_with_is_held_against_the_best_transform() -> None:
    found = sides("scipy:separable", "scipy:dct", "numba:separable")
    assert found["scipy:separable", "fft:fastest"] == ({"scipy:separable"}, {"scipy:dct"})


def test_where_scipys_is_the_only_separable_blur_it_is_compared_once() -> None:
    assert list(sides("scipy:separable", "scipy:dct")) == [("separable:fastest", "fft:fastest")]


def test_a_blur_of_ones_own_is_held_against_the_fastest_of_all_others() -> None:
    found = sides("one:separable", "two:fft", "mine:blur")
    assert found["others:fastest", "mine:blur"] == ({"one:separable", "two:fft"}, {"mine:blur"})


def test_blurs_of_ones_own_have_no_method_whatever_they_are_called() -> None:
    assert pairs_of(declared_of("mine:separable", "mine:fft")) == []
    assert list(sides("one:fft", "mine:separable")) == [("others:fastest", "mine:separable")]


def test_software_that_stands_in_for_a_gpu_is_held_against_the_cpu_by_itself() -> None:
    cpu, gpu, other = declared_of("one:box", "gpu:box", "gpu_soft:box")
    found = sides_of([cpu, gpu, replace(other, kind="software")])
    assert [(set(one.members), set(two.members)) for one, two in found] == [
        ({"one:box"}, {"gpu:box"}),
        ({"one:box"}, {"gpu_soft:box"}),
    ]
