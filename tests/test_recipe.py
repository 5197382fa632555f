"""The request for a blur: one value that compares, travels and poses problems."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from blurbench import InputError, gaussian_blur, host, prepare
from blurbench.blur import blur_array
from blurbench.kernel import GaussianKernel, make_kernel
from blurbench.problem import Problem
from blurbench.recipe import Recipe

KERNEL = GaussianKernel.from_size(9)
FLOATS = np.dtype(np.float32)
IMAGE = np.random.default_rng(3).random((20, 30, 3), dtype=np.float32)


def test_a_recipe_blurs_as_its_words_do() -> None:
    recipe = Recipe(KERNEL, "constant", 0.5, "numpy", "fft")
    said = gaussian_blur(IMAGE, size=9, border="constant", cval=0.5, backend="numpy", method="fft")
    np.testing.assert_array_equal(blur_array(IMAGE, recipe), said)


def test_the_words_of_a_recipe_are_those_of_a_blur() -> None:
    np.testing.assert_array_equal(blur_array(IMAGE, Recipe(KERNEL)), gaussian_blur(IMAGE, size=9))


def test_a_recipe_poses_the_problem_of_a_plan() -> None:
    problem = Recipe(KERNEL, "wrap").problem(IMAGE.shape, FLOATS, threads=2)
    assert problem == prepare(IMAGE.shape, size=9, border="wrap", threads=2).problem


def test_a_problem_takes_the_cpus_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "usable_cpus", lambda: 5)
    assert Recipe(KERNEL).problem((4, 4), FLOATS) == Problem(KERNEL, (4, 4), FLOATS, threads=5)


def test_recipes_of_one_meaning_are_one_key() -> None:
    kernels = make_kernel(size=9), make_kernel(size=9, sigma=KERNEL.sigma)
    assert len({Recipe(kernel, cval=cval) for kernel in kernels for cval in (0, 0.0)}) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"kernel": GaussianKernel.from_size(11)},
        {"border": "wrap"},
        {"cval": 1.0},
        {"backend": "numpy"},
        {"method": "fft"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_recipes_that_differ_are_told_apart(change: dict[str, object]) -> None:
    recipe = Recipe(KERNEL)
    assert replace(recipe, **change) != recipe


def test_a_recipe_can_be_sent_to_another_process() -> None:
    recipe = Recipe(KERNEL, "mirror", backend="auto", method="auto", tolerance=0.01)
    arrived = pickle.loads(pickle.dumps(recipe))
    assert (arrived, hash(arrived)) == (recipe, hash(recipe))
    np.testing.assert_array_equal(arrived.kernel.taps, KERNEL.taps)


def test_a_settled_recipe_names_what_auto_chose() -> None:
    recipe = Recipe(KERNEL, method="auto", tolerance=0.01)
    problem = recipe.problem((64, 64), FLOATS)
    settled = recipe.settled(problem)
    assert (recipe.is_open, settled.is_open, settled.tolerance) == (True, False, None)
    assert settled.implementation(problem) is recipe.implementation(problem)


def test_a_tolerance_is_refused_where_nothing_is_chosen() -> None:
    with pytest.raises(InputError, match=r"tolerance 0\.1 is for what auto may choose"):
        Recipe(KERNEL, tolerance=0.1)


def test_a_tolerance_beside_an_approximate_method_is_to_be_left_out() -> None:
    with pytest.raises(InputError, match="or leave tolerance out"):
        Recipe(KERNEL, method="box", backend="numpy", tolerance=0.1)
