"""`blur` looks at what it writes: a huge value that drowns an image is told, an image is not."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest

from blurbench.backends.registry import find_implementation
from blurbench.blur import gaussian_blur
from blurbench.image import read_image
from blurbench.kernel import make_kernel
from blurbench.lost import count_lost
from blurbench.problem import Problem
from helpers.choices import forget_choices
from helpers.command import Ran, run
from helpers.pictures import save

LOWEST = float(np.finfo(np.float32).min)
SIZE = 5
SPREADING = [("scipy", "fft"), ("numpy", "fft"), ("scipy", "dct"), ("opencv", "fft")]
KEEPING = [("scipy", "direct"), ("scipy", "separable"), ("numpy", "direct")]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)


def heights(hole: float = LOWEST) -> np.ndarray:
    """A terrain of 100 to 300 m with one pixel of no data."""
    pixels = np.random.default_rng(3).uniform(100, 300, (30, 40)).astype(np.float32)
    pixels[10, 20] = hole
    return pixels


def blur(backend: str, method: str, *more: str) -> Ran:
    how = ("--size", str(SIZE), "--backend", backend, "--method", method)
    return run("blur", "dem.tif", "-o", "soft.tif", *how, *more)


def lost_by(
    pixels: np.ndarray, method: str, backend: str = "scipy", border: str = "reflect"
) -> int:
    """How many pixels of a blur of 5x5 are called lost."""
    blurred = gaussian_blur(pixels, size=SIZE, backend=backend, method=method, border=border)
    problem = Problem(make_kernel(None, SIZE), pixels.shape, pixels.dtype, border)
    return count_lost(pixels, blurred, problem)


# What is told


@pytest.mark.parametrize(("backend", "method"), SPREADING)
def test_a_no_data_value_that_spreads_over_the_image_is_refused(backend: str, method: str) -> None:
    save("dem.tif", heights())
    ran = blur(backend, method)
    assert (ran.code, ran.out, os.listdir()) == (2, "", ["dem.tif"])
    told = re.fullmatch(
        rf"Error: image dem\.tif: {backend}:{method} loses (\d+) of 1200 pixels to the value "
        r"(\S+): --backend scipy --method separable spreads it no further than the kernel, "
        r"and --nodata (\S+) leaves it out\n",
        ran.err,
    )
    assert told is not None, ran.err
    assert int(told[1]) > 1100
    assert float(told[2]) == float(told[3]) == LOWEST


@pytest.mark.parametrize("hole", [-1e30, 1e12])
def test_a_finite_value_that_drowns_the_image_in_its_rounding_is_refused(hole: float) -> None:
    save("dem.tif", heights(hole))
    ran = blur("scipy", "fft")
    assert (ran.code, os.listdir()) == (2, ["dem.tif"])
    assert "scipy:fft loses " in ran.err


def test_auto_is_told_by_the_name_of_what_it_chose(monkeypatch: pytest.MonkeyPatch) -> None:
    save("dem.tif", heights())
    chosen = find_implementation("scipy", "fft")
    monkeypatch.setattr("blurbench.choice.auto.choose", lambda *_, **__: chosen)
    monkeypatch.setattr("blurbench.recipe.choose", lambda *_, **__: chosen)
    forget_choices()
    ran = blur("auto", "auto")
    forget_choices()
    assert "scipy:fft loses 1200 of 1200 pixels" in ran.err


def test_of_many_files_the_drowned_one_fails_and_the_others_are_done() -> None:
    save("dem.tif", heights())
    save("flat.tif", np.ones((6, 5), np.float32))
    ran = run("blur", "dem.tif", "flat.tif", "-o", "out", "--sigma", "1", "--method", "fft")
    assert (ran.code, os.listdir("out")) == (1, ["flat.tif"])
    assert ran.err.startswith("Error: image dem.tif: scipy:fft loses ")
    assert ran.out == "1 blurred, 0 kept, 1 failed.\n"


def test_tiles_are_looked_at_too() -> None:
    save("dem.tif", heights())
    ran = blur("scipy", "fft", "--memory", "2GiB")
    assert (ran.code, os.listdir()) == (2, ["dem.tif"])
    assert "scipy:fft loses 1200 of 1200 pixels" in ran.err


def test_a_pixel_of_colour_is_lost_once() -> None:
    pixels = np.stack([heights()] * 3, axis=2)
    assert lost_by(pixels, "fft") == 30 * 40


# What is let through


@pytest.mark.parametrize(("backend", "method"), KEEPING)
def test_what_stays_within_the_kernel_is_written(backend: str, method: str) -> None:
    save("dem.tif", heights())
    assert blur(backend, method).code == 0
    soft, expected = read_image("soft.tif").pixels, gaussian_blur(heights(200.0), size=SIZE)
    near = np.zeros((30, 40), bool)
    near[8:13, 18:23] = True
    np.testing.assert_allclose(soft[~near], expected[~near], rtol=1e-5)
    assert (soft[near] < -1e30).all()


@pytest.mark.parametrize("border", ["reflect", "mirror", "nearest", "wrap", "constant"])
def test_a_value_at_the_side_is_near_wherever_the_border_carries_it(border: str) -> None:
    pixels = heights(200.0)
    pixels[0, 0] = pixels[29, 39] = LOWEST
    assert lost_by(pixels, "separable", border=border) == 0


def test_a_huge_value_outside_is_near_all_sides() -> None:
    how = {"size": SIZE, "border": "constant", "cval": 1e30}
    blurred = gaussian_blur(heights(200.0), **how)
    problem = Problem(make_kernel(None, SIZE), (30, 40), np.dtype(np.float32), "constant", 1e30)
    assert count_lost(heights(200.0), blurred, problem) == 0
    blurred[15, 15] = 1e20
    assert count_lost(heights(200.0), blurred, problem) == 1


def ordinary() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(4)
    dark = np.zeros((30, 40))
    dark[10:20, 10:20] = rng.uniform(0.5, 1, (10, 10))
    return {
        "noise": rng.uniform(0, 1, (30, 40)),
        "black": np.zeros((30, 40)),
        "on black": dark,
        "mask": (dark > 0).astype(float),
        "of both signs": rng.normal(0, 1, (30, 40)),
        "no data of -9999": heights(-9999.0),
        "a sun": heights(1e5),
        "one pixel": np.full((1, 1), 3.0),
        "colour": rng.uniform(0, 1, (30, 40, 3)),
    }


@pytest.mark.parametrize("name", ordinary())
@pytest.mark.parametrize("method", ["fft", "separable"])
def test_an_ordinary_image_loses_nothing(name: str, method: str) -> None:
    pixels = ordinary()[name].astype(np.float32)
    assert lost_by(pixels, method) == 0
    again = gaussian_blur(pixels, size=SIZE, method=method)
    assert lost_by(again, method) == 0


def test_integers_have_no_huge_values() -> None:
    pixels = heights(200.0).astype(np.uint16)
    pixels[10, 20] = 65535
    save("dem.tif", pixels)
    assert blur("scipy", "fft").code == 0
