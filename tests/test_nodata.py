"""`blur --nodata`: what holds no data stays as it is, and weighs nothing in what is around it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from blurbench.blur import gaussian_blur
from blurbench.border import BORDERS
from blurbench.image import read_image
from blurbench.kernel import make_kernel
from blurbench.nodata import blur_around_holes, find_holes
from helpers.command import Ran, run
from helpers.pictures import noise, save

LOWEST = float(np.finfo(np.float32).min)
PADDED = {"reflect": "symmetric", "mirror": "reflect", "nearest": "edge", "wrap": "wrap"}
SIZE = 5


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)


def image(nodata: float, *shape: int) -> np.ndarray:
    """Values of 1 to 2, of which a third hold no data, a whole corner among them."""
    rng = np.random.default_rng(7)
    pixels = rng.uniform(1, 2, shape)
    pixels[rng.uniform(0, 1, shape) < 0.3] = nodata
    pixels[:3, :4] = nodata
    return pixels


def expected(pixels: np.ndarray, nodata: float, border: str, cval: float) -> np.ndarray:
    """Pixel by pixel: the weighted mean of those within the kernel that hold data."""
    taps, radius = make_kernel(None, SIZE).dense(), SIZE // 2
    if border == "constant":
        padded = np.pad(pixels, radius, constant_values=cval)
    else:
        padded = np.pad(pixels, radius, mode=PADDED[border])  # type: ignore[call-overload]
    result = pixels.copy()
    for y, x in np.argwhere(pixels != nodata):
        window = padded[y : y + SIZE, x : x + SIZE]
        weights = np.where(window == nodata, 0, taps)
        result[y, x] = (window * weights).sum() / weights.sum()
    return result


def blurred(pixels: np.ndarray, nodata: float, cval: float = 0.0, **how: str) -> np.ndarray:
    def blur(floats: np.ndarray, outside: float) -> np.ndarray:
        return gaussian_blur(floats, size=SIZE, cval=outside, **how)

    return blur_around_holes(pixels, find_holes(pixels, nodata), blur, cval)


@pytest.mark.parametrize("method", ["separable", "fft"])
@pytest.mark.parametrize("border", BORDERS)
def test_each_pixel_is_the_mean_of_those_that_hold_data(border: str, method: str) -> None:
    pixels = image(-9999.0, 11, 13)
    found = blurred(pixels, -9999.0, 5.0, border=border, method=method)
    np.testing.assert_allclose(found, expected(pixels, -9999.0, border, 5.0), rtol=1e-12)


@pytest.mark.parametrize("method", ["separable", "fft", "dct"])
def test_a_flat_image_stays_flat_whatever_its_holes(method: str) -> None:
    pixels = np.where(image(0.0, 11, 13) == 0, LOWEST, 7).astype(np.float32)
    np.testing.assert_array_equal(blurred(pixels, LOWEST, method=method), pixels)


def test_channels_have_holes_of_their_own() -> None:
    pixels = image(0.0, 11, 13, 3)
    found = blurred(pixels, 0.0)
    for channel in range(3):
        one = np.ascontiguousarray(pixels[..., channel])
        np.testing.assert_allclose(found[..., channel], blurred(one, 0.0), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_integers_are_rounded_to_the_nearest(dtype: type) -> None:
    pixels = (100 * image(0.0, 11, 13)).astype(dtype)
    reference = expected(pixels.astype(float), 0.0, "reflect", 0.0)
    found = blurred(pixels, 0.0)
    assert found.dtype == dtype
    assert np.abs(found - reference).max() <= 0.5 + 1e-9
    np.testing.assert_array_equal(found == 0, pixels == 0)


def test_an_image_without_any_data_stays_as_it_is() -> None:
    pixels = np.full((5, 6), -9999.0)
    np.testing.assert_array_equal(blurred(pixels, -9999.0), pixels)


@pytest.mark.parametrize("value", ["-3.4028234663852886e+38", "-3.4028235e+38", "-3.40282347e38"])
def test_the_value_is_found_as_other_programs_write_it(value: str) -> None:
    pixels = np.array([[1, LOWEST]], np.float32)
    np.testing.assert_array_equal(find_holes(pixels, float(value)), [[False, True]])


def test_a_value_that_the_type_does_not_have_is_nowhere() -> None:
    assert not find_holes(np.array([[3e38, 1]], np.float32), 1e300).any()
    assert not find_holes(np.array([[0, 255]], np.uint8), -1.0).any()
    assert not find_holes(np.array([[0, 255]], np.uint8), 254.5).any()


# The command


def blur(*more: str) -> Ran:
    return run("blur", "dem.tif", "-o", "soft.tif", "--size", str(SIZE), *more)


@pytest.mark.parametrize("method", ["separable", "fft"])
def test_a_file_is_blurred_around_its_holes(method: str) -> None:
    pixels = image(LOWEST, 11, 13).astype(np.float32)
    save("dem.tif", pixels)
    ran = blur("--nodata", str(LOWEST), "--method", method)
    assert (ran.code, ran.err) == (0, "")
    found = read_image("soft.tif").pixels
    reference = expected(pixels.astype(float), LOWEST, "reflect", 0.0)
    np.testing.assert_allclose(found, reference.astype(np.float32), rtol=2e-7)


def test_a_value_that_no_pixel_has_is_told() -> None:
    save("dem.tif", np.ones((6, 5), np.float32))
    ran = blur("--nodata", "-9999")
    assert (ran.code, ran.err) == (0, "Note: dem.tif: no pixel has the no-data value -9999.0.\n")


@pytest.mark.parametrize("method", ["separable", "fft"])
def test_holes_may_be_not_a_number(method: str) -> None:
    pixels = image(LOWEST, 11, 13).astype(np.float32)
    reference = expected(pixels.astype(float), LOWEST, "reflect", 0.0)
    save("dem.tif", np.where(pixels == LOWEST, np.float32(np.nan), pixels))
    ran = blur("--nodata", "nan", "--method", method)
    assert (ran.code, ran.err) == (0, "")
    with PIL.Image.open("soft.tif") as opened:
        found = np.asarray(opened)
    np.testing.assert_array_equal(np.isnan(found), pixels == LOWEST)
    seen = pixels != LOWEST
    np.testing.assert_allclose(found[seen], reference.astype(np.float32)[seen], rtol=2e-7)


def test_pixels_that_are_not_a_number_are_refused_with_the_way_out() -> None:
    save("dem.tif", np.array([[1, np.nan]], np.float32))
    ran = blur()
    assert (ran.code, os.listdir()) == (2, ["dem.tif"])
    assert "1 NaN or infinite pixels: replace them first (blur --nodata nan leaves" in ran.err


def test_infinite_pixels_are_no_holes() -> None:
    save("dem.tif", np.array([[1, np.inf, np.nan]], np.float32))
    ran = blur("--nodata", "nan")
    assert (ran.code, os.listdir()) == (2, ["dem.tif"])
    assert "holds 2 NaN or infinite pixels: replace them first\n" in ran.err


def test_a_value_that_no_pixel_can_have_is_refused() -> None:
    save("dem.tif", np.ones((6, 5), np.float32))
    ran = blur("--nodata", "inf")
    assert (ran.code, os.listdir()) == (2, ["dem.tif"])
    assert ran.err == "Error: no-data value inf is not usable: give a number or nan\n"


def test_an_alpha_channel_says_enough() -> None:
    save("dem.tif", noise(6, 5, 4))
    ran = blur("--nodata", "0")
    assert (ran.code, ran.err.count("\n"), os.listdir()) == (2, 1, ["dem.tif"])
    assert "has an alpha channel" in ran.err


def test_tiles_have_no_holes() -> None:
    save("dem.tif", np.ones((6, 5), np.float32))
    ran = blur("--nodata", "0", "--memory", "2GiB")
    assert (ran.code, ran.err.count("\n"), os.listdir()) == (2, 1, ["dem.tif"])
    assert "--nodata is not for images in tiles" in ran.err
