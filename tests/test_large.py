"""Images in tiles: the same as blurred whole, within a given memory, whole or not there."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL.ExifTags import IFD, Base

import blurbench
from blurbench import host
from blurbench.backends.backend import Availability
from blurbench.backends.registry import backends, find_backend, find_implementation
from blurbench.blur import gaussian_blur
from blurbench.border import BORDERS
from blurbench.errors import InputError
from blurbench.extras import install
from blurbench.image import blur_with_alpha
from blurbench.kernel import GaussianKernel
from blurbench.large.listener import TilesListener
from blurbench.large.run import blur_large
from blurbench.large.source import LargeImage, open_source
from blurbench.large.tiles import Tiling, choose_tiling, square_tilings
from blurbench.large.window import blur_tile
from blurbench.problem import Problem
from blurbench.recipe import Recipe
from helpers.command import run
from helpers.contract import reference, share_of_allowed
from helpers.covering import covering
from helpers.pictures import profile_of
from helpers.process import dead_process, posix

EXTRA = "the extra is not installed: pip install '.[dask]'"
tifffile = pytest.importorskip("tifffile", reason=EXTRA)
zarr = pytest.importorskip("zarr", reason=EXTRA)
distributed = pytest.importorskip("distributed", reason=EXTRA)

linux = pytest.mark.skipif(not Path("/proc/self").exists(), reason="Linux tells it in /proc")

PATIENCE = 60  # seconds until a process is given up; no test waits for it to pass
PEAKS, CLUSTER = pytest.mark.rest("peak memory"), pytest.mark.rest("the Dask cluster")

Array = np.ndarray[Any, Any]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder of the test's own, from which processes can import the package."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(blurbench.__file__).parent.parent))


def noise(*shape: int, dtype: Any = np.uint16) -> Array:
    values = np.random.default_rng(8).random(shape)
    return (values * (np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 9)).astype(dtype)


def save(name: str, pixels: Array, **options: Any) -> str:
    if name.endswith(".zarr"):
        zarr.create_array(name, data=pixels, chunks=(48, 32, *pixels.shape[2:]))
    else:
        if pixels.ndim == 3 and pixels.shape[2] not in (3, 4) and not options:
            options = {"photometric": "minisblack", "planarconfig": "contig"}
        tifffile.imwrite(name, pixels, **options)
    return name


def load(name: str) -> Array:
    pixels: Array = zarr.open_array(name, mode="r")[:] if ".zarr" in name else tifffile.imread(name)
    return pixels


class Told(TilesListener):
    """Keeps the plan, and calls what a test gives after each tile."""

    def __init__(self, after_each: Callable[[], object]) -> None:
        self.tilings: list[Tiling] = []
        self._after_each = after_each

    def planned(self, source: LargeImage, tiling: Tiling) -> None:
        self.tilings.append(tiling)

    def done(self) -> None:
        self._after_each()


def in_small_tiles(
    image: str,
    output: str,
    recipe: Recipe,
    chunk: int = 16,
    done: Callable[[], object] = lambda: None,
    **options: Any,
) -> Tiling:
    """Blur in tiles of up to 16 chunks; what was planned."""
    told = Told(done)
    blur_large(image, output, recipe, listener=told, chunk=chunk, **options)
    return told.tilings[0]


def whole(pixels: Array, recipe: Recipe) -> Array:
    kernel = recipe.kernel
    result: Array = gaussian_blur(
        pixels,
        size=kernel.size,
        sigma=kernel.sigma,
        allow_even=kernel.even,
        border=recipe.border,
        cval=recipe.cval,
        method=recipe.method,
        backend=recipe.backend,
    )
    return result


def sigma(value: float, **how: Any) -> Recipe:
    return Recipe(GaussianKernel.from_sigma(value), **how)


class InMemory(LargeImage):
    """A source that is an array; only reading windows of files is left out."""

    def __new__(cls, pixels: Array) -> InMemory:
        return object.__new__(cls)

    def __init__(self, pixels: Array) -> None:
        super().__init__("array", pixels.shape, pixels.dtype, (1, 1))
        object.__setattr__(self, "pixels", pixels)

    def _open(self) -> contextlib.AbstractContextManager[Any]:
        return contextlib.nullcontext(self.__dict__["pixels"])


def tile_by_tile(pixels: Array, recipe: Recipe, side: int) -> Array:
    result = np.empty_like(pixels)
    shape = (pixels.shape[0], pixels.shape[1])
    tiling = Tiling(shape, recipe.kernel.radius, recipe.border, side)
    for band in tiling.bands():
        for tile in band:
            result[tile.target] = blur_tile(recipe, InMemory(pixels), 1, tile)
    return result


# Tiles make the same image


problems = given(
    shape=st.tuples(*[st.integers(1, 40)] * 2) | st.tuples(*[st.integers(1, 20)] * 2, st.just(3)),
    kernel=st.builds(
        partial(GaussianKernel.from_size, allow_even=True), st.integers(1, 99), st.just(5.0)
    ),
    border=st.sampled_from(BORDERS),
    dtype=st.sampled_from(["uint8", "uint16", "float32", "float64"]),
    side=st.integers(1, 24),
)


@problems
def test_tiles_make_bit_for_bit_what_the_whole_image_makes(
    shape: tuple[int, ...], kernel: GaussianKernel, border: str, dtype: str, side: int
) -> None:
    pixels, recipe = noise(*shape, dtype=dtype), Recipe(kernel, border, 3.0)
    np.testing.assert_array_equal(tile_by_tile(pixels, recipe, side), whole(pixels, recipe))


@problems
def test_tiles_keep_the_exactness_contract(
    shape: tuple[int, ...],
    kernel: GaussianKernel,
    border: str,
    dtype: str,
    side: int,
) -> None:
    pixels, recipe = noise(*shape, dtype=dtype), Recipe(kernel, border, 3.0)
    problem = Problem(kernel, shape, np.dtype(dtype), border, 3.0)
    result = tile_by_tile(pixels, recipe, side)
    assert share_of_allowed(result, reference(pixels, problem), pixels, problem) <= 1


@covering(
    name=["numpy:separable", "numpy:banded", "scipy:fft", "numba:separable"],
    size=[5, 41, 301],
    border=BORDERS,
)
def test_every_method_keeps_the_contract_in_tiles(name: str, size: int, border: str) -> None:
    backend, method = name.split(":")
    if not find_backend(backend).probe().ok:
        pytest.skip(f"{backend} cannot run here")
    kernel, pixels = GaussianKernel.from_size(size), noise(70, 50, dtype=np.float32)
    recipe = Recipe(kernel, border, 2.0, backend, method)
    problem = Problem(kernel, pixels.shape, pixels.dtype, border, 2.0)
    result = tile_by_tile(pixels, recipe, 32)
    assert share_of_allowed(result, reference(pixels, problem), pixels, problem) <= 1


@pytest.mark.parametrize("border", ["reflect", "mirror"])
def test_cosine_transforms_fit_together_too(border: str) -> None:
    pixels, recipe = noise(90, 70, dtype=np.float32), sigma(2, border=border, method="dct")
    result = tile_by_tile(pixels, recipe, 32)
    np.testing.assert_allclose(result, whole(pixels, recipe), rtol=0, atol=9e-6)


def test_a_gpu_backend_carries_every_window_there_and_back(monkeypatch: pytest.MonkeyPatch) -> None:
    carried: list[tuple[int, ...]] = []

    def carry(plan: Any, window: Array) -> Array:
        carried.append(window.shape)
        result: Array = plan(window)
        return result

    monkeypatch.setitem(backends(), "scipy", replace(find_backend("scipy"), carry=carry))
    pixels, recipe = noise(40, 40), sigma(1)
    np.testing.assert_array_equal(tile_by_tile(pixels, recipe, 20), whole(pixels, recipe))
    assert carried[:4] == [(28, 28)] * 4


def test_a_gpu_gets_one_window_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    inside: list[int] = []
    at_once: list[int] = []

    def carry(plan: Any, window: Array) -> Array:
        inside.append(1)
        at_once.append(len(inside))
        time.sleep(0.01)
        result: Array = plan(window)
        inside.pop()
        return result

    monkeypatch.setitem(backends(), "scipy", replace(find_backend("scipy"), carry=carry))
    monkeypatch.setattr(host, "usable_cpus", lambda: 4)
    tiling = in_small_tiles(save("in.zarr", noise(300, 300)), "soft.zarr", sigma(2))
    assert (tiling.threads > 1, len(at_once), max(at_once)) == (True, tiling.count, 1)


def test_all_threads_of_a_lone_tile_count_in_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    scipy, counted = find_backend("scipy"), set()
    one = find_implementation("scipy", "separable")

    def work_bytes(problem: Problem) -> int:
        counted.add(problem.threads)
        return one.work_bytes(problem)

    counting = replace(scipy, implementations=(replace(one, work_bytes=work_bytes),))
    monkeypatch.setitem(backends(), "scipy", counting)
    monkeypatch.setattr(host, "usable_cpus", lambda: 3)
    in_small_tiles(save("in.zarr", noise(30, 30)), "soft.zarr", sigma(2))
    assert counted == {1, 3}


# Tilings


@given(
    shape=st.tuples(*[st.integers(1, 60)] * 2),
    radius=st.integers(0, 90),
    border=st.sampled_from(BORDERS),
    side=st.integers(1, 30),
)
def test_every_pixel_is_in_one_tile_and_all_windows_are_alike(
    shape: tuple[int, int], radius: int, border: str, side: int
) -> None:
    tiling, covered = Tiling(shape, radius, border, side), np.zeros(shape, int)
    tiles = [tile for band in tiling.bands() for tile in band]
    for tile in tiles:
        covered[tile.target] += 1
        spans = [sum(s.stop - s.start for s in part) for part in (tile.rows, tile.columns)]
        assert tuple(spans) == tiling.window
    assert (covered == 1).all()
    assert len(tiles) == tiling.count


def area(tiling: Tiling) -> int:
    return tiling.window[0] * tiling.window[1]


def choose(memory: int, radius: int = 10, processes: int = 1) -> Tiling:
    """For 4000x4000 pixels of a byte, of which two threads keep a window each."""
    return choose_tiling(
        square_tilings((4000, 4000), radius, "reflect", [1, 2], chunk=100),
        memory,
        lambda tiling: tiling.threads * area(tiling),
        lambda tiling: -(-tiling.count // (tiling.threads * processes)) * area(tiling),
    )


def test_a_tiling_fits_in_the_memory() -> None:
    tiling = choose(10**6)
    assert tiling.threads * area(tiling) <= 10**6


def test_more_memory_makes_larger_tiles() -> None:
    assert choose(10**5).side < choose(10**6).side


def test_a_wide_kernel_is_better_served_by_one_large_tile_than_by_two_small_ones() -> None:
    assert choose(900**2, radius=300).threads == 1


def test_every_process_gets_work() -> None:
    tiling = choose(10**9, processes=8)
    assert tiling.count >= 8 * tiling.threads


def test_where_no_tile_fits_the_memory_that_would_do_is_said_and_does() -> None:
    with pytest.raises(InputError, match="memory 0 MiB is too small for one tile: give 1MiB"):
        choose(100)
    assert choose(2**20).side >= 100


# Files


@covering(
    dtype_and_shape=[
        ("uint8", (300, 230)),
        ("uint16", (300, 230)),
        ("float32", (300, 230)),
        ("uint8", (260, 90, 3)),
        ("uint16", (260, 90, 3)),
        ("float64", (40, 90, 2)),
        ("float32", (40, 50, 5)),
        ("uint8", (1, 1)),
    ],
    source=["in.tif", "in.zarr"],
    target=["soft.tif", "soft.zarr"],
)
def test_a_file_becomes_a_file_of_the_same_kind_of_pixel(
    dtype_and_shape: tuple[str, tuple[int, ...]], source: str, target: str
) -> None:
    dtype, shape = dtype_and_shape
    pixels = noise(*shape, dtype=dtype)
    save(source, pixels)
    in_small_tiles(source, target, sigma(3))
    result = load(target)
    assert (result.dtype, result.shape) == (pixels.dtype, pixels.shape)
    np.testing.assert_array_equal(result, whole(pixels, sigma(3)))


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("size", [9, 601])
def test_every_border_holds_across_files(border: str, size: int) -> None:
    pixels = noise(300, 270)
    save("in.zarr", pixels)
    recipe = Recipe(GaussianKernel.from_size(size), border, 70.0)
    in_small_tiles("in.zarr", "soft.tif", recipe)
    np.testing.assert_array_equal(load("soft.tif"), whole(pixels, recipe))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"rowsperstrip": 7},
        {"rowsperstrip": 7, "compression": "zlib", "predictor": True},
        {"rowsperstrip": 300, "compression": "lzw"},
        {"tile": (64, 48), "compression": "zstd"},
        {"byteorder": ">"},
        {"byteorder": ">", "tile": (64, 48)},
        {"bigtiff": True, "tile": (256, 256)},
    ],
    ids=str,
)
def test_tiff_files_of_many_makes_are_read(options: dict[str, Any]) -> None:
    pixels = noise(300, 270)
    save("in.tif", pixels, **options)
    in_small_tiles("in.tif", "soft.zarr", sigma(3))
    np.testing.assert_array_equal(load("soft.zarr"), whole(pixels, sigma(3)))


def test_an_array_within_a_zarr_group_is_read() -> None:
    pixels = noise(60, 50)
    zarr.open_group("in.zarr", mode="w").create_array("0", data=pixels)
    in_small_tiles("in.zarr/0", "soft.zarr", sigma(3))
    np.testing.assert_array_equal(load("soft.zarr"), whole(pixels, sigma(3)))


def test_hidden_colour_does_not_bleed_across_tiles() -> None:
    pixels = noise(300, 270, 4, dtype=np.uint8)
    save("in.tif", pixels, photometric="rgb", extrasamples=["unassalpha"])
    in_small_tiles("in.tif", "soft.tif", sigma(3))
    expected = blur_with_alpha(pixels, lambda weighted: gaussian_blur(weighted, sigma=3))
    np.testing.assert_array_equal(load("soft.tif"), expected)
    with tifffile.TiffFile("soft.tif") as tiff:
        assert [kind.name for kind in tiff.pages.first.extrasamples] == ["UNASSALPHA"]


def test_the_result_is_a_tiled_bigtiff_that_pillow_reads() -> None:
    pixels = noise(300, 270)
    in_small_tiles(save("in.tif", pixels), "soft.tif", sigma(3))
    with tifffile.TiffFile("soft.tif") as tiff:
        assert (tiff.is_bigtiff, tiff.pages.first.tile) == (True, (16, 16))
    np.testing.assert_array_equal(np.asarray(PIL.Image.open("soft.tif")), load("soft.tif"))


def test_one_channel_of_zarr_becomes_a_grey_tiff() -> None:
    pixels = noise(300, 230, 1)
    in_small_tiles(save("in.zarr", pixels), "soft.tif", sigma(3))
    np.testing.assert_array_equal(load("soft.tif"), whole(pixels, sigma(3))[..., 0])


def save_with_much_to_say(name: str) -> None:
    about = PIL.Image.Exif()
    about[Base.ImageDescription], about[Base.Artist] = "Roofs", "Somebody"
    about[IFD.Exif] = {Base.ExposureTime: 0.125}
    about[Base.Software] = "another"
    PIL.Image.fromarray(noise(70, 60, 3, dtype=np.uint8)).save(
        name, exif=about.tobytes(), icc_profile=profile_of(b"RGB "), dpi=(300, 200)
    )


def test_profile_resolution_and_description_are_carried_from_tiff_to_tiff() -> None:
    save_with_much_to_say("in.tif")
    ran = run("blur", "in.tif", "-o", "soft.tif", "--sigma", "2", "--memory", "2GB")
    assert ran.err.endswith("in.tif: its EXIF on exposure and place is not kept.\n")
    with PIL.Image.open("soft.tif") as soft:
        assert soft.info["icc_profile"] == profile_of(b"RGB ")
        assert soft.info["dpi"] == pytest.approx((300, 200))
    with tifffile.TiffFile("soft.tif") as tiff:
        assert tiff.pages.first.description == "Roofs"
        assert tiff.pages.first.tags[Base.Artist].value == "Somebody"


def test_what_zarr_cannot_keep_is_told() -> None:
    save_with_much_to_say("in.tif")
    ran = run("blur", "in.tif", "-o", "soft.zarr", "--sigma", "2", "--memory", "2GB")
    assert "its colour profile and resolution and description cannot be kept in Zarr.\n" in ran.err


def test_a_description_in_any_language_is_carried() -> None:
    save("in.tif", noise(70, 60), description="Über den Dächern".encode(), metadata=None)
    in_small_tiles("in.tif", "soft.tif", sigma(2))
    with tifffile.TiffFile("soft.tif") as tiff:
        assert tiff.pages.first.description == "Über den Dächern"


def test_a_description_of_other_pages_is_not_carried() -> None:
    save("in.tif", noise(70, 60), imagej=True)
    in_small_tiles("in.tif", "soft.tif", sigma(2))
    with tifffile.TiffFile("soft.tif") as tiff:
        assert tiff.pages.first.description == ""


def test_only_the_tiles_that_a_window_touches_are_decoded() -> None:
    pixels = noise(256, 256)
    save("in.tif", pixels, tile=(64, 64), compression="zlib")
    with tifffile.TiffFile("in.tif") as tiff:
        page = tiff.pages.first
        last, length = page.dataoffsets[-1], page.databytecounts[-1]
    with open("in.tif", "r+b") as file:
        file.seek(last)
        file.write(b"\xff" * length)
    source = open_source("in.tif")
    rows = (slice(10, 190),)
    np.testing.assert_array_equal(source.read(rows, rows), pixels[10:190, 10:190])
    with pytest.raises(InputError, match=r"in\.tif cannot be read"):
        source.read((slice(100, 250),), (slice(100, 250),))


def test_an_image_may_be_blurred_onto_itself() -> None:
    pixels = noise(300, 270)
    in_small_tiles(save("in.zarr", pixels), "in.zarr", sigma(3))
    np.testing.assert_array_equal(load("in.zarr"), whole(pixels, sigma(3)))
    assert os.listdir() == ["in.zarr"]


def stop(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize("output", ["soft.tif", "soft.zarr"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_what_ends_half_way_leaves_nothing_and_what_was_there(
    output: str, error: BaseException
) -> None:
    before = noise(5, 5)
    save(output, before)
    save("in.zarr", noise(700, 700))
    with pytest.raises(type(error)):
        in_small_tiles("in.zarr", output, sigma(1), done=lambda: stop(error))
    assert sorted(os.listdir()) == sorted(["in.zarr", output])
    np.testing.assert_array_equal(load(output), before)


def test_what_was_there_goes_back_where_the_new_cannot_take_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = noise(5, 5)
    save("soft.zarr", before)
    save("in.zarr", noise(70, 70))
    replace_path = os.replace

    def fail_at_the_new(source: Path, target: Path) -> None:
        if source.name.endswith(".partial") and target.name == "soft.zarr":
            raise KeyboardInterrupt
        replace_path(source, target)

    monkeypatch.setattr(os, "replace", fail_at_the_new)
    with pytest.raises(KeyboardInterrupt):
        in_small_tiles("in.zarr", "soft.zarr", sigma(1))
    assert sorted(os.listdir()) == ["in.zarr", "soft.zarr"]
    np.testing.assert_array_equal(load("soft.zarr"), before)


@posix
def test_what_a_killed_run_had_moved_aside_goes_back() -> None:
    pixels = noise(70, 70)
    save("in.zarr", pixels)
    os.replace("in.zarr", f".in.zarr.{dead_process()}.old")
    in_small_tiles("in.zarr", "in.zarr", sigma(1))
    assert os.listdir() == ["in.zarr"]
    np.testing.assert_array_equal(load("in.zarr"), whole(pixels, sigma(1)))


@posix
@pytest.mark.parametrize(
    "output", ["soft.zarr", pytest.param("soft.tif", marks=pytest.mark.rest("processes"))]
)
def test_a_killed_run_leaves_nothing_that_the_next_does_not_clear_away(output: str) -> None:
    pixels = noise(1000, 1000)
    save("in.zarr", pixels)
    command = [sys.executable, "-m", "blurbench", "blur", "in.zarr", "-o", output]
    with subprocess.Popen([*command, "--sigma", "40", "--memory", "300MiB"]) as process:
        wait_for(lambda: list(Path().glob(f".{output}.{process.pid}.partial*")))
        process.kill()
    assert len(os.listdir()) == 2
    assert subprocess.run([*command, "--sigma", "2", "--memory", "300MiB"]).returncode == 0
    assert sorted(os.listdir()) == ["in.zarr", output]
    np.testing.assert_array_equal(load(output), whole(pixels, sigma(2)))


def test_what_a_killed_run_of_the_same_number_left_is_in_nobodys_way() -> None:
    pixels = noise(70, 70)
    save("in.zarr", pixels)
    os.replace(save("half.zarr", pixels), f".soft.zarr.{os.getpid()}.partial")
    in_small_tiles("in.zarr", "soft.zarr", sigma(1))
    assert sorted(os.listdir()) == ["in.zarr", "soft.zarr"]


@posix
def test_what_others_have_there_is_left_to_them() -> None:
    names = [f".soft.zarr.{os.getppid()}.partial", ".soft.zarr.notes", ".soft.zarr.1.txt"]
    for name in names:
        Path(name).touch()
    in_small_tiles(save("in.zarr", noise(70, 70)), "soft.zarr", sigma(1))
    assert sorted(os.listdir()) == sorted([*names, "in.zarr", "soft.zarr"])


def test_every_tile_is_told() -> None:
    told: list[int] = []
    save("in.zarr", noise(700, 600))
    tiling = in_small_tiles("in.zarr", "soft.tif", sigma(1), done=lambda: told.append(1))
    assert len(told) == tiling.count > 1


# The command line


@pytest.mark.parametrize("output", ["soft.zarr", "soft.tif"])
@pytest.mark.parametrize("image", ["in.zarr", "in.tif"])
def test_blur_in_tiles_says_nothing_where_all_is_well(image: str, output: str) -> None:
    pixels = noise(700, 600)
    save(image, pixels)
    ran = run("blur", image, "-o", output, "--sigma", "2", "--memory", "2GB")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    np.testing.assert_array_equal(load(output), whole(pixels, sigma(2)))


def test_a_tiff_that_does_not_fit_in_memory_is_blurred_in_tiles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    save("in.tif", noise(4000, 3000, dtype=np.uint8))
    monkeypatch.setattr("blurbench.host.available_memory", lambda: 14 * 10**7)
    ran = run("blur", "in.tif", "-o", "soft.tif", "--size", "3")
    assert (ran.code, ran.err) == (0, "")
    with tifffile.TiffFile("soft.tif") as tiff:
        assert tiff.is_bigtiff


@pytest.mark.parametrize("force", [(), ("--force",)], ids=["without", "with"])
def test_an_array_that_the_output_names_is_replaced_with_and_without_force(
    force: tuple[str, ...],
) -> None:
    pixels = noise(60, 50)
    save("in.zarr", pixels)
    save("soft.zarr", noise(5, 5))
    assert run("blur", "in.zarr", "-o", "soft.zarr", "--sigma", "2", *force).code == 0
    np.testing.assert_array_equal(load("soft.zarr"), whole(pixels, sigma(2)))


@pytest.mark.parametrize("text", ["0", "much", "2 gibi", "-1GiB", "GiB"])
def test_an_amount_of_memory_that_is_none_is_refused(text: str) -> None:
    ran = run("blur", "in.tif", "-o", "soft.tif", "--sigma", "2", f"--memory={text}")
    assert (ran.code, ran.err) == (
        2,
        f"Error: --memory {text!r} is not usable: give an amount, as in 2GiB\n",
    )


def test_notes_are_told_unless_it_is_to_be_quiet() -> None:
    save("in.tif", noise(3, 20, 20), photometric="minisblack")
    command = ("blur", "in.tif", "-o", "soft.zarr", "--sigma", "2")
    assert "the first of 3 pages" in run(*command).err
    assert run(*command, "--quiet").err == ""


def break_tiff() -> None:
    save("in.tif", noise(64, 64), compression="zlib", tile=(64, 64))
    whole_file = Path("in.tif").read_bytes()
    Path("in.tif").write_bytes(whole_file[: len(whole_file) // 2])


def make_group() -> None:
    zarr.open_group("in.zarr", mode="w").create_array("0", data=noise(4, 4))


REFUSED: dict[str, tuple[Callable[[], object], str, str, tuple[str, ...], str]] = {
    "missing": (lambda: None, "in.tif", "soft.zarr", (), "does not exist"),
    "no-tiff": (lambda: Path("in.tif").write_text("no"), "in.tif", "a.zarr", (), "cannot be read"),
    "broken": (break_tiff, "in.tif", "soft.zarr", (), "cannot be read"),
    "png": (lambda: Path("in.png").touch(), "in.png", "soft.zarr", (), "is no TIFF or Zarr"),
    "to-png": (lambda: save("in.zarr", noise(4, 4)), "in.zarr", "a.png", (), "use one of .zarr"),
    "group": (make_group, "in.zarr", "soft.zarr", (), "is a group of Zarr arrays (0)"),
    "line": (
        lambda: zarr.create_array("in.zarr", data=noise(9)), "in.zarr", "a.zarr", (), "shape (9,)"
    ),
    "complex": (
        lambda: zarr.create_array("in.zarr", data=noise(4, 4).astype(np.complex64)),
        "in.zarr", "soft.zarr", (), "dtype complex64 is not usable",
    ),
    "planes": (
        lambda: save("in.tif", noise(3, 9, 9), photometric="rgb", planarconfig="separate"),
        "in.tif", "soft.zarr", (), "put them together, as tiffcp -p contig does, or blur it whole",
    ),
    "palette": (
        lambda: save("in.tif", np.eye(9, dtype="u1"), colormap=np.eye(3, 256, dtype="u2")),
        "in.tif", "a.tif", (), "convert it to grey or RGB, or blur it whole, without --memory",
    ),
    "signed": (
        lambda: save("in.tif", noise(9, 9).astype(np.int16)), "in.tif", "a.tif", (),
        "holds int16: convert it to one of uint8, uint16",
    ),
    "12-bit": (
        lambda: save("in.tif", noise(9, 9, dtype=np.uint16) >> 4, bitspersample=12), "in.tif",
        "a.tif", (), "has 12 bits a channel: convert it to 8 or 16, or blur it whole",
    ),
    "nan": (
        lambda: save("in.zarr", np.full((4, 4), np.nan)), "in.zarr", "a.tif", (), "NaN or infinite"
    ),
    "box": (
        lambda: save("in.zarr", noise(9, 9)), "in.zarr", "a.tif",
        ("--backend", "numpy", "--method", "box"), "would leave seams between tiles",
    ),
    "folder": (
        lambda: (save("in.zarr", noise(9, 9)), Path("a.zarr").mkdir()), "in.zarr", "a.zarr", (),
        "is a folder and no Zarr array",
    ),
    "onto-group": (make_group, "in.zarr/0", "in.zarr", (), "is a folder and no Zarr array"),
    "nowhere": (
        lambda: save("in.zarr", noise(9, 9)), "in.zarr", "no/a.zarr", (), "does not exist"
    ),
    "memory": (
        lambda: save("in.zarr", noise(9, 9)), "in.zarr", "a.zarr", ("--memory", "1MiB"),
        "is too small for one tile: give",
    ),
    "scheduler": (
        lambda: save("in.zarr", noise(9, 9)), "in.zarr", "a.zarr", ("--dask", "tcp://x:y:z"),
        "scheduler tcp://x:y:z cannot be reached",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_done_is_refused_in_one_line_and_nothing_is_written(case: str) -> None:
    prepare, image, output, options, reason = REFUSED[case]
    prepare()
    before = sorted(os.listdir())
    how = ("--memory", "1GiB") if "--memory" not in options else ()
    ran = run("blur", image, "-o", output, "--sigma", "2", *how, *options)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert ran.err.startswith("Error: ")
    assert reason in ran.err
    assert sorted(os.listdir()) == before


@pytest.mark.parametrize(
    ("module", "image"), [("tifffile", "in.tif"), ("zarr", "in.zarr"), ("dask", "in.zarr")]
)
def test_a_missing_library_is_named_with_the_command_that_installs_it(
    module: str, image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(image, noise(9, 9))
    missing = [name for name in sys.modules if name.partition(".")[0] == module]
    for name in {module, *missing}:
        monkeypatch.setitem(sys.modules, name, None)
    ran = run("blur", image, "-o", "soft.zarr", "--sigma", "2")
    assert ran.code == 2
    assert f"need {module}" in ran.err
    commands = (install("dask"), install("dask", upgrade=True))  # the last where a part is broken
    assert ran.err.endswith(tuple(f": {command}\n" for command in commands))


@pytest.mark.parametrize("method", ["separable", "auto"])
def test_a_backend_that_cannot_run_exits_with_3_and_the_reason(
    method: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state = Availability("no driver was found", "install it")
    backend = replace(find_backend("cupy"), probe=lambda: state)
    monkeypatch.setitem(backends(), "cupy", backend)
    save("in.zarr", noise(9, 9))
    how = ("--sigma", "2", "--backend", "cupy", "--method", method)
    ran = run("blur", "in.zarr", "-o", "soft.zarr", *how)
    assert (ran.code, ran.err) == (3, "Error: cupy cannot run: no driver was found; install it\n")


# What a process's parent had taken counts in what getrusage tells of it, so it is asked itself.
TELLING = """
import atexit, pathlib, re, runpy
status = pathlib.Path("/proc/self/status")
atexit.register(lambda: print(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1]))
runpy.run_module("blurbench", run_name="__main__")
"""


def told_by(output: str, mebibytes: int) -> subprocess.CompletedProcess[str]:
    """A blur of in.tif in a process of its own, which tells its peak."""
    command = [sys.executable, "-c", TELLING, "blur", "in.tif", "-o", output, "--sigma", "8"]
    how = ["--memory", f"{mebibytes}MiB"]
    return subprocess.run([*command, *how], capture_output=True, text=True, check=False)


def save_large(shape: tuple[int, int], **options: Any) -> None:
    save("in.tif", noise(*shape).repeat(64, 0).repeat(64, 1), **options)


@pytest.mark.rest("peak memory")
@linux
def test_the_peak_of_memory_stays_within_little_more_than_the_least() -> None:
    save_large((16, 320))
    least = re.search(r"give (\d+)MiB or more", told_by("soft.zarr", 1).stderr)
    assert least is not None
    given = int(least[1]) + 12  # which depends on the libraries that are loaded
    assert int(told_by("soft.zarr", given).stdout) < given * 2**10


@linux
@PEAKS
@pytest.mark.parametrize("output", ["soft.zarr", "soft.tif"])
@pytest.mark.parametrize(
    ("shape", "options"), [((96, 96), {"tile": (256, 256)}), ((32, 640), {})], ids=["tiles", "rows"]
)
def test_the_peak_of_memory_stays_within_what_was_given(
    shape: tuple[int, int], options: dict[str, Any], output: str
) -> None:
    save_large(shape, **options)
    assert int(told_by(output, 350).stdout) < 350 * 2**10


# On a cluster


class Processes:
    """A scheduler and two workers of one thread each, in processes of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.processes = folder, []
        note = folder / "scheduler.json"
        self.scheduler = self._start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(note)
        )
        self.address = wait_for(partial(address_in, note))
        self.workers = [
            self._start("worker", self.address, "--no-nanny", "--nthreads", "1") for _ in range(2)
        ]

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", *arguments, "--no-dashboard"]
        with open(self.folder / "log", "ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)
        self.processes.append(process)
        return process

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.wait()


def address_in(note: Path) -> str | None:
    with contextlib.suppress(OSError, ValueError):
        return str(json.loads(note.read_text())["address"])
    return None


def wait_for(look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, "never ready"
        time.sleep(0.05)
    return found


def workers_of(address: str) -> int:
    with distributed.Client(address, set_as_default=False) as client:
        return len(client.scheduler_info(n_workers=-1)["workers"])


@pytest.fixture
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    started = Processes(tmp_path_factory.mktemp("cluster"))
    try:
        wait_for(lambda: workers_of(started.address) == 2)
        yield started
    finally:
        started.stop()


@contextlib.contextmanager
def threads(workers: int) -> Iterator[str]:
    """A scheduler and workers that are threads of this process; the scheduler's address."""
    with distributed.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=False,
        protocol="tcp",
        host="127.0.0.1",
        dashboard_address=None,
    ) as started:
        yield started.scheduler_address


@pytest.fixture(params=["threads", pytest.param("processes", marks=CLUSTER)])
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a cluster of two workers."""
    if request.param == "processes":
        yield request.getfixturevalue("processes").address
    else:
        with threads(2) as found:
            yield found


@CLUSTER
def test_a_worker_killed_half_way_costs_nothing_but_time(processes: Processes) -> None:
    pixels, recipe = noise(2000, 2000), sigma(20)
    save("in.tif", pixels, tile=(256, 256))
    left = list(processes.workers)

    def kill_one() -> None:
        if len(left) == 2:
            left.pop().kill()

    tiling = in_small_tiles(
        "in.tif", "s.zarr", recipe, chunk=32, scheduler=processes.address, done=kill_one
    )
    assert (len(left), tiling.count > 8) == (1, True)
    np.testing.assert_array_equal(load("s.zarr"), whole(pixels, recipe))


@pytest.mark.parametrize("output", ["soft.zarr", "soft.tif"])
def test_blur_runs_on_a_cluster(address: str, output: str) -> None:
    pixels = noise(1300, 1100, 3, dtype=np.uint8)
    save("in.tif", pixels, tile=(256, 256))
    command = ("blur", "in.tif", "-o", output, "--sigma", "2", "--dask", address)
    ran = run(*command)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    np.testing.assert_array_equal(load(output), whole(pixels, sigma(2)))


def test_what_ends_half_way_on_a_cluster_leaves_nothing(address: str) -> None:
    save("in.zarr", noise(700, 600))
    with pytest.raises(KeyboardInterrupt):
        in_small_tiles(
            "in.zarr", "soft.zarr", sigma(9), scheduler=address,
            done=lambda: stop(KeyboardInterrupt()),
        )  # fmt: skip
    assert os.listdir() == ["in.zarr"]


@CLUSTER
def test_what_others_run_on_the_cluster_is_not_waited_for(processes: Processes) -> None:
    save("in.zarr", noise(600, 600))
    with distributed.Client(processes.address, set_as_default=False) as another:
        running: list[Any] = []

        def occupy() -> None:
            if not running:
                running.append(another.submit(time.sleep, PATIENCE, pure=False))

        in_small_tiles("in.zarr", "soft.zarr", sigma(2), scheduler=processes.address, done=occupy)
        assert not running[0].done()


@CLUSTER
@linux
def test_workers_that_do_not_see_the_output_are_named(processes: Processes) -> None:
    """Each process has a working folder of its own, and sees it under this path."""
    image = Path(save("in.zarr", noise(9, 9))).absolute()
    output = "/proc/self/cwd/soft.zarr"
    command = ("blur", str(image), "-o", output, "--sigma", "2", "--dask", processes.address)
    ran = run(*command)
    assert ran.code == 2
    assert re.fullmatch(
        rf"Error: worker \S+ does not see the folder of output {output}: put it where .*\n", ran.err
    )
    assert os.listdir() == ["in.zarr"]


@pytest.mark.parametrize("hidden", ["in.zarr", "soft.zarr"])
def test_a_worker_that_does_not_see_a_file_is_named(
    hidden: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    exists = os.path.exists
    monkeypatch.setattr(os.path, "exists", lambda path: hidden not in str(path) and exists(path))
    save("in.zarr", noise(9, 9))
    with threads(1) as address:
        ran = run("blur", "in.zarr", "-o", "soft.zarr", "--sigma", "2", "--dask", address)
    assert ran.code == 2
    assert re.fullmatch(rf"Error: worker \S+ does not see .*{hidden}: put it where .*\n", ran.err)


@CLUSTER
@linux
def test_workers_that_do_not_see_the_image_are_named(processes: Processes) -> None:
    save("in.zarr", noise(9, 9))
    image = "/proc/self/cwd/in.zarr"
    ran = run("blur", image, "-o", "a.zarr", "--sigma", "2", "--dask", processes.address)
    assert ran.code == 2
    assert re.fullmatch(
        rf"Error: worker \S+ does not see image {image}: put it where .*\n", ran.err
    )


def test_an_image_that_turns_out_broken_on_a_worker_is_one_line(address: str) -> None:
    pixels = noise(700, 600).astype(np.float32)
    pixels[-1, -1] = np.nan
    save("in.zarr", pixels)
    ran = run("blur", "in.zarr", "-o", "a.zarr", "--sigma", "2", "--dask", address)
    assert ran.code == 2
    assert re.fullmatch(r"Error: image \S+in\.zarr holds NaN or infinite .*\n", ran.err)
    assert os.listdir() == ["in.zarr"]


def test_a_scheduler_without_workers_says_how_to_start_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("blurbench.large.workers.PATIENCE", 0.2)
    save("in.zarr", noise(9, 9))
    with threads(0) as address:
        ran = run("blur", "in.zarr", "-o", "a.zarr", "--sigma", "2", "--dask", address)
    assert ran.code == 2
    assert f"has no workers: start one with: dask worker {address}\n" in ran.err


def test_a_scheduler_that_is_gone_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with threads(1) as address:
        pass
    monkeypatch.setattr("blurbench.large.workers.PATIENCE", 0.2)
    save("in.zarr", noise(9, 9))
    ran = run("blur", "in.zarr", "-o", "a.zarr", "--sigma", "2", "--dask", address)
    assert ran.code == 2
    assert ran.err.startswith(f"Error: scheduler {address} cannot be reached: ")
    assert ran.err.count("\n") == 1


@CLUSTER
def test_a_scheduler_whose_workers_were_killed_has_none(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for worker in processes.workers:
        worker.kill()
    wait_for(lambda: workers_of(processes.address) == 0)
    monkeypatch.setattr("blurbench.large.workers.PATIENCE", 1)
    save("in.zarr", noise(9, 9))
    ran = run("blur", "in.zarr", "-o", "a.zarr", "--sigma", "2", "--dask", processes.address)
    assert ran.code == 2
    assert f"has no workers: start one with: dask worker {processes.address}\n" in ran.err


@CLUSTER
def test_a_scheduler_that_was_killed_is_said_in_one_line(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes.stop()
    monkeypatch.setattr("blurbench.large.workers.PATIENCE", 1)
    save("in.zarr", noise(9, 9))
    ran = run("blur", "in.zarr", "-o", "a.zarr", "--sigma", "2", "--dask", processes.address)
    assert ran.code == 2
    assert ran.err.startswith(f"Error: scheduler {processes.address} cannot be reached: ")
    assert ran.err.count("\n") == 1
