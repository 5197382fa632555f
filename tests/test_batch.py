"""Many files blurred at once: what becomes what, what is kept, what is said, and kills."""

from __future__ import annotations

import os
import re
import signal
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import scipy.ndimage
from PIL.ExifTags import IFD, Base

from blurbench import host
from blurbench.backends.backend import Availability
from blurbench.backends.registry import backends, find_backend
from blurbench.blur import gaussian_blur
from blurbench.files import remove_partials, replacing
from blurbench.folders import batch
from blurbench.image import read_image, write_image
from blurbench.kernel import make_kernel
from helpers.command import Ran, run
from helpers.pictures import profile_of
from helpers.process import (
    COMMAND,
    HIDE_CURSOR,
    LISTENING,
    PATIENCE,
    SHOW_CURSOR,
    dead_process,
    in_terminal,
    plain,
    posix,
)

SIGMA = ("--sigma", "1")
NO_IMAGE = "is no image, or of no type that is read: convert it to PNG or TIFF"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, from which processes can import the package."""
    monkeypatch.chdir(tmp_path)
    root = str(Path(__file__).parent.parent)
    monkeypatch.setenv("PYTHONPATH", root + os.pathsep + os.environ.get("PYTHONPATH", ""))
    return tmp_path


def noise(seed: int = 1, *shape: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, shape or (12, 16, 3), dtype=np.uint8)


def save(*names: str) -> None:
    """Images that differ, each under its name, in folders that are made."""
    for seed, name in enumerate(names):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(noise(seed)).save(name)


def files(folder: str) -> set[str]:
    """The paths of all files below a folder."""
    top = Path(folder)
    return {str(path.relative_to(top)) for path in top.rglob("*") if path.is_file()}


def blur(*arguments: str, to: str = "out") -> Ran:
    return run("blur", *arguments, "-o", to, *SIGMA)


def refusal(*arguments: str, to: str = "out") -> str:
    """The one line with which a command is refused, with nothing written."""
    before = files(".")
    ran = blur(*arguments, to=to)
    assert (ran.code, ran.out, ran.err.count("\n"), files(".")) == (2, "", 1, before)
    assert ran.err.startswith("Error: ")
    return ran.err


# What becomes what


def test_several_files_keep_their_names_in_the_output_folder() -> None:
    save("a.jpg", "far/b.png", "c.tif")
    assert blur("a.jpg", "far/b.png", "c.tif").code == 0
    assert files("out") == {"a.jpg", "b.png", "c.tif"}


def test_a_folder_keeps_its_layout() -> None:
    save("in/a.jpg", "in/deep/er/b.png", "in/deep/c.TIF")
    blur("in")
    assert files("out") == {"a.jpg", "deep/er/b.png", "deep/c.TIF"}


def test_of_a_folder_only_visible_images_that_can_be_written_are_taken() -> None:
    save("in/a.png", "in/.b.png", "in/.hidden/c.png", "in/d.gif")
    Path("in/readme.txt").write_text("hello")
    Path("in/.a.png.123.partial").write_bytes(b"half")
    Path("in/a.png.partial").write_bytes(b"half")
    assert blur("in").code == 0
    assert files("out") == {"a.png"}


@posix
def test_what_is_left_out_of_a_folder_is_counted_by_what_it_is() -> None:
    save("in/a.png", "in/d.gif", "in/.b.png", "in/.hidden/c.png", "in/deep/e.GIF", "far/f.png")
    Path("in/readme.txt").write_text("hello")
    Path("in/Makefile").write_text("hello")
    Path("in/link").symlink_to(Path("far").absolute())
    ran = blur("in", to="in/out")
    assert (ran.code, ran.err, files("in/out")) == (0, "", {"a.png"})
    assert ran.out == (
        "1 blurred, 0 kept, 0 failed.\n"
        "Left out: 2 .gif files, 1 .txt file, 1 hidden file, 1 hidden folder, 1 linked folder, "
        "1 untyped file.\n"
    )


def test_of_many_kinds_that_are_left_out_the_last_are_only_counted() -> None:
    save("in/a.png")
    for kind in "abcdefghij":
        Path(f"in/x.{kind}").write_text("hello")
    assert blur("in").out.endswith("1 .g file, 1 .h file, 2 more.\n")


def test_quiet_does_not_count_what_is_left_out() -> None:
    save("in/a.png", "in/b.gif")
    assert blur("in", "--quiet").out == ""


@posix
def test_names_may_be_of_any_bytes() -> None:
    good, bad = os.fsdecode(b"\xff.png"), os.fsdecode(b"\xfe.png")
    save(f"in/{good}")
    Path(f"in/{bad}").write_text("hello")
    Path(os.fsdecode(b"in/x.\xfd")).write_text("hello")
    for done in ("1 blurred, 0 kept", "0 blurred, 1 kept"):
        ran = blur("in")
        assert (ran.code, files("out")) == (1, {good})
        assert ran.err == f"Error: image in/\\udcfe.png {NO_IMAGE}\n"
        assert ran.out.startswith(done)
        assert ran.out.endswith("\nLeft out: 1 .\\udcfd file.\n")


def test_each_file_is_blurred_as_the_reference_blurs_it() -> None:
    save("in/a.png", "in/b.png", "in/c.png")
    blur("in")
    taps = make_kernel(1.0, None).taps
    for seed, name in enumerate(["a.png", "b.png", "c.png"]):
        expected = noise(seed).astype(np.float64)
        for axis in (0, 1):
            expected = scipy.ndimage.correlate1d(expected, taps, axis, mode="reflect")
        error = np.abs(read_image(f"out/{name}").pixels - expected).max()
        assert error <= 0.5 + 255e-6


def test_a_folder_and_files_go_together() -> None:
    save("in/a.png", "b.png")
    blur("in", "b.png")
    assert files("out") == {"a.png", "b.png"}


def test_one_file_goes_into_a_folder_that_is_there() -> None:
    save("a.png")
    Path("out").mkdir()
    blur("a.png")
    assert files("out") == {"a.png"}


def test_one_file_goes_into_a_new_folder_whose_name_ends_like_one() -> None:
    save("a.png")
    blur("a.png", to="new/out/")
    assert files("new/out") == {"a.png"}


def test_an_output_folder_within_the_input_folder_is_not_blurred_itself() -> None:
    save("a.png")
    for _ in range(2):
        assert blur(".", to="soft").code == 0
    assert files(".") == {"a.png", "soft/a.png"}


@pytest.mark.parametrize("size", ["4", "5"])
def test_options_reach_every_file(size: str) -> None:
    save("in/a.png")
    how = ("--size", size, "--allow-even", "--border", "constant", "--cval", "200")
    run("blur", "in", "-o", "out", *how, "--method", "direct")
    expected = gaussian_blur(
        noise(0), size=int(size), allow_even=True, border="constant", cval=200, method="direct"
    )
    np.testing.assert_array_equal(read_image("out/a.png").pixels, expected)


# What is refused before anything is done


def test_two_inputs_of_one_output_are_refused() -> None:
    save("x/a.png", "y/a.png")
    assert "x/a.png and y/a.png would both become out/a.png" in refusal("x/a.png", "y/a.png")


def test_two_folders_that_share_a_name_are_refused() -> None:
    save("x/a.png", "y/a.png")
    assert "x/a.png and y/a.png would both become out/a.png" in refusal("x", "y")


def test_the_input_folder_is_refused_as_the_output_folder() -> None:
    save("in/a.png")
    assert "output folder in is the input folder" in refusal("in", to="in/")


def test_an_output_that_is_an_input_is_refused() -> None:
    save("in/a.png", "in/b.png")
    assert "output in/a.png is the input in/a.png itself" in refusal(
        "in/a.png", "in/b.png", to="in"
    )


def test_an_output_that_is_another_input_is_refused() -> None:
    save("x/x/a.png", "x/a.png")
    assert "output x/a.png is the input x/a.png itself" in refusal("x/x", "x/a.png", to="x")


def test_several_images_into_one_file_are_refused() -> None:
    save("a.png", "b.png")
    assert "2 images are given, and output c.png is named like a file" in refusal(
        "a.png", "b.png", to="c.png"
    )


@pytest.mark.parametrize("inputs", [("",), ("a.png", "")])
def test_an_empty_name_does_not_mean_the_working_folder(inputs: tuple[str, ...]) -> None:
    save("a.png")
    assert "input '' is no file's name" in refusal(*inputs)


def test_a_folder_without_images_is_refused() -> None:
    Path("in").mkdir()
    Path("in/readme.txt").write_text("hello")
    assert "folder in holds no image of a type that can also be written" in refusal("in")


def test_an_output_folder_that_is_a_file_is_refused() -> None:
    save("a.png", "b.png")
    Path("out").write_text("hello")
    assert "output out is a file: name a folder" in refusal("a.png", "b.png")


def test_an_output_folder_that_cannot_be_written_to_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    save("a.png", "b.png")
    Path("out").mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert "output folder out cannot be written to" in refusal("a.png", "b.png")


def test_a_border_that_the_method_lacks_is_refused_once_for_all() -> None:
    save("in/a.png", "in/b.png")
    ran = run("blur", "in", "-o", "out", *SIGMA, "--method", "dct", "--border", "wrap")
    assert (ran.code, ran.err.count("\n"), Path("out").exists()) == (2, 1, False)


# Bad files among good ones


def test_a_bad_file_is_told_in_one_line_and_the_others_are_done() -> None:
    save("in/a.png", "in/c.png")
    Path("in/b.png").write_text("hello")
    ran = blur("in")
    assert ran.code == 1
    assert ran.err == f"Error: image in/b.png {NO_IMAGE}\n"
    assert ran.out == "2 blurred, 0 kept, 1 failed.\n"
    assert files("out") == {"a.png", "c.png"}


def test_a_missing_file_is_told_and_the_others_are_done() -> None:
    save("a.png")
    ran = blur("a.png", "b.png")
    assert ran.code == 1
    assert ran.err == "Error: image b.png does not exist: check the path\n"
    assert files("out") == {"a.png"}


def test_a_file_whose_pixels_its_type_cannot_hold_is_told() -> None:
    save("a.png")
    PIL.Image.new("RGBA", (6, 5)).save("b.png")
    Path("b.png").rename("b.bmp")
    ran = blur("a.png", "b.bmp")
    assert ran.code == 1
    assert "output out/b.bmp cannot hold uint8 in 4 channels with alpha" in ran.err
    assert files("out") == {"a.png"}


def test_whatever_a_library_raises_at_one_file_does_not_end_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    save("in/a.png", "in/b.png", "in/c.png")
    blur_pixels = batch.blur_file_pixels

    def fail_at_b(image: Any, *how: Any) -> Any:
        if image.name.endswith("b.png"):
            raise RuntimeError("out of\nluck")
        return blur_pixels(image, *how)

    monkeypatch.setattr(batch, "blur_file_pixels", fail_at_b)
    ran = blur("in")
    assert ran.code == 1
    assert ran.err == "Error: image in/b.png cannot be blurred: RuntimeError: out of luck\n"
    assert files("out") == {"a.png", "c.png"}


def test_a_backend_that_cannot_run_exits_with_3_and_makes_no_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    save("in/a.png")
    monkeypatch.setattr("blurbench.backends.registry.probe", lambda _: Availability("no driver"))
    ran = blur("in")
    assert (ran.code, ran.err) == (3, "Error: scipy cannot run: no driver\n")
    assert not Path("out").exists()


def test_auto_of_a_backend_that_cannot_run_exits_with_3_and_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    save("a.png")
    broken = replace(find_backend("cupy"), probe=lambda: Availability("no driver", "install it"))
    monkeypatch.setitem(backends(), "cupy", broken)
    ran = run("blur", "a.png", "-o", "b.png", *SIGMA, "--backend", "cupy", "--method", "auto")
    assert (ran.code, ran.err) == (3, "Error: cupy cannot run: no driver; install it\n")


def test_a_tolerance_lets_auto_take_an_approximation() -> None:
    image = np.zeros((200, 300), np.float32)
    image[60:90, 100:] = 1
    write_image("a.tif", image)
    blur_it = ("blur", "a.tif", "-o", "b.tif", "--sigma", "25", "--backend", "numpy")
    assert run(*blur_it, "--tolerance", "10%").code == 0
    exact = scipy.ndimage.gaussian_filter(image.astype(np.float64), 25, mode="reflect")
    off = np.abs(read_image("b.tif").pixels - exact).max()
    assert 1e-5 < off <= 0.1


def test_notes_are_counted_and_not_repeated() -> None:
    for name in ("a.png", "b.png"):
        PIL.Image.new("1", (9, 7)).save(name)
    assert blur("a.png", "b.png").err == "Note: 2 files: 1 bit a pixel, read as 8-bit grey.\n"


def test_quiet_leaves_only_the_failures() -> None:
    PIL.Image.new("1", (9, 7)).save("a.png")
    ran = blur("a.png", "b.png", "--quiet")
    assert (ran.out, ran.err) == ("", "Error: image b.png does not exist: check the path\n")


# Going on


def test_what_is_there_is_kept() -> None:
    save("in/a.png", "in/b.png")
    Path("out").mkdir()
    Path("out/a.png").write_bytes(b"kept")
    ran = blur("in")
    assert (ran.code, ran.out) == (
        0,
        "1 blurred, 1 kept, 0 failed; --force blurs those kept again.\n",
    )
    assert Path("out/a.png").read_bytes() == b"kept"


def test_a_folder_in_the_place_of_an_output_is_told() -> None:
    save("in/a.png")
    Path("out/a.png").mkdir(parents=True)
    ran = blur("in")
    assert (ran.code, ran.err) == (1, "Error: output out/a.png is a folder: name a file in it\n")


def test_force_blurs_what_is_there_again() -> None:
    save("in/a.png")
    Path("out").mkdir()
    Path("out/a.png").write_bytes(b"old")
    assert blur("in", "--force").out == "1 blurred, 0 kept, 0 failed.\n"
    assert read_image("out/a.png").pixels.shape == (12, 16, 3)


@pytest.mark.parametrize("force", [(), ("--force",)], ids=["without", "with"])
def test_a_file_that_the_output_names_is_replaced_with_and_without_force(
    force: tuple[str, ...],
) -> None:
    save("a.png")
    Path("b.png").write_bytes(b"old")
    assert blur("a.png", *force, to="b.png").code == 0
    assert read_image("b.png").pixels.shape == (12, 16, 3)


@posix
def test_what_a_killed_process_left_is_removed() -> None:
    save("in/deep/a.png")
    Path("out/deep").mkdir(parents=True)
    Path(f"out/deep/.a.png.{dead_process()}.partial").write_bytes(b"half")
    blur("in")
    assert files("out") == {"deep/a.png"}


def test_what_a_killed_process_of_the_same_number_left_is_in_nobodys_way() -> None:
    with replacing("a.png") as left:
        left.write_bytes(b"half")
    left.write_bytes(b"half")
    write_image("a.png", noise())
    assert files(".") == {"a.png"}


@posix
def test_what_a_living_process_writes_is_left_to_it() -> None:
    name = f".a.png.{os.getppid()}.partial"
    Path(name).write_bytes(b"half")
    remove_partials(".")
    assert files(".") == {name}


@pytest.mark.parametrize("name", ["a.partial", ".a.partial", "notes.1.txt", ".a.x.partial"])
def test_files_of_other_names_are_never_removed(name: str) -> None:
    Path(name).write_bytes(b"mine")
    remove_partials(".")
    assert files(".") == {name}


# Kills and interruptions

MANY = 60
REST = pytest.mark.rest("processes")
BLUR = ("blur", "in", "-o", "out", "--sigma", "20")


@contextmanager
def under_way(after: int, *command: str) -> Iterator[subprocess.Popen[str]]:
    """A process that has written some of its outputs and not all of them."""
    for number in range(MANY):
        Path("in").mkdir(exist_ok=True)
        PIL.Image.fromarray(noise(number, 150, 200, 3)).save(f"in/{number:02}.png")
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        deadline = time.monotonic() + PATIENCE
        while len(written()) < after:
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                pytest.fail(f"never ready; stderr: {process.communicate()[1]}")
            time.sleep(0.001)
        yield process


def written() -> list[Path]:
    return sorted(Path("out").glob("*.png"))


def identities() -> dict[str, tuple[int, int]]:
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in written()}


@posix
@pytest.mark.parametrize("after", [pytest.param(1, marks=REST), 7, pytest.param(23, marks=REST)])
def test_a_killed_run_goes_on_where_it_was_and_leaves_no_broken_file(after: int) -> None:
    with under_way(after, *COMMAND, *BLUR) as process:
        process.kill()
    first = identities()
    for path in written():
        assert read_image(path).pixels.shape == (150, 200, 3)
    ended = run(*BLUR)
    assert ended.code == 0
    assert ended.out.startswith(f"{MANY - len(first)} blurred, {len(first)} kept, 0 failed")
    assert files("out") == files("in")
    assert {name: found for name, found in identities().items() if name in first} == first
    for path in written():
        assert read_image(path).pixels.shape == (150, 200, 3)


@posix
def test_an_interrupted_run_says_how_many_are_done_and_how_to_go_on() -> None:
    with under_way(3, *LISTENING, *BLUR) as process:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    done = len(written())
    assert (process.returncode, out) == (130, "")
    assert err == (
        f"Interrupted: {done} blurred, 0 kept, 0 failed, {MANY - done} left. "
        "The same command goes on.\n"
    )
    assert files("out") == {path.name for path in written()}
    for path in written():
        assert read_image(path).pixels.shape == (150, 200, 3)


@posix
@pytest.mark.parametrize(
    ("quiet", "shown"), [((), True), pytest.param(("--quiet",), False, marks=REST)]
)
def test_a_terminal_shows_how_many_are_done_and_the_time_left(
    quiet: tuple[str, ...], shown: bool
) -> None:
    save("in/a.png", "in/b.png")
    code, text = in_terminal("blur", "in", "-o", "out", *SIGMA, *quiet)
    assert (code, "2/2 0 s left" in plain(text)) == (0, shown)


@REST
@posix
def test_an_interrupted_terminal_gets_its_cursor_back() -> None:
    Path("in").mkdir()
    for number in range(MANY):
        PIL.Image.fromarray(noise(number, 150, 200, 3)).save(f"in/{number:02}.png")
    code, text = in_terminal(*BLUR, interrupt_at=" s left")
    assert (code, "Traceback" in text) == (130, False)
    assert text.rindex(SHOW_CURSOR) > text.rindex(HIDE_CURSOR)


# What is said beside the pixels


def photo(**tags: Any) -> bytes:
    """The EXIF that a camera writes of a photograph."""
    exif = PIL.Image.Exif()
    exif[Base.Make], exif[Base.Copyright] = "Maker", "Somebody"
    exif[IFD.Exif] = {Base.ExposureTime: 0.125, Base.MakerNote: b"secret"}
    exif[IFD.GPSInfo] = {1: "N", 2: (1.0, 2.0, 3.5)}
    for name, value in tags.items():
        exif[Base[name]] = value
    return exif.tobytes()


HOLD_EXIF = [".jpg", ".png", ".tif", ".webp"]


@pytest.mark.parametrize("after", HOLD_EXIF)
@pytest.mark.parametrize("before", HOLD_EXIF)
def test_exif_is_carried_between_all_formats_that_hold_it(before: str, after: str) -> None:
    PIL.Image.fromarray(noise()).save(f"a{before}", exif=photo())
    blur(f"a{before}", to=f"b{after}")
    with PIL.Image.open(f"b{after}") as soft:
        exif = soft.getexif()
        assert (exif[Base.Make], exif[Base.Copyright]) == ("Maker", "Somebody")
        assert exif.get_ifd(IFD.Exif)[Base.ExposureTime] == 0.125
        assert exif.get_ifd(IFD.GPSInfo)[2] == (1.0, 2.0, 3.5)


@pytest.mark.parametrize("suffix", HOLD_EXIF)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_pixels_are_turned_upright_and_the_orientation_says_so(
    suffix: str, orientation: int
) -> None:
    PIL.Image.new("RGB", (16, 12)).save(f"a{suffix}", exif=photo(Orientation=orientation))
    blur(f"a{suffix}", to=f"b{suffix}")
    with PIL.Image.open(f"b{suffix}") as soft:
        assert soft.getexif()[Base.Orientation] == 1
        assert soft.size == ((12, 16) if orientation > 4 else (16, 12))


@pytest.mark.parametrize("suffix", HOLD_EXIF)
@pytest.mark.parametrize(
    ("shape", "space"), [((12, 16, 3), b"RGB "), ((12, 16), b"GRAY")], ids=["colour", "grey"]
)
def test_the_colour_profile_is_carried(suffix: str, shape: tuple[int, ...], space: bytes) -> None:
    if (suffix, space) == (".webp", b"GRAY"):
        pytest.skip("WebP has no grey")
    PIL.Image.fromarray(noise(1, *shape)).save(f"a{suffix}", icc_profile=profile_of(space))
    blur(f"a{suffix}", to=f"b{suffix}")
    with PIL.Image.open(f"b{suffix}") as soft:
        assert soft.info["icc_profile"] == profile_of(space)


def test_a_profile_of_other_colours_than_the_pixels_is_not_carried() -> None:
    PIL.Image.new("CMYK", (9, 7)).save("a.jpg", icc_profile=profile_of(b"CMYK"))
    blur("a.jpg", to="b.jpg")
    with PIL.Image.open("b.jpg") as soft:
        assert (soft.mode, soft.info.get("icc_profile")) == ("RGB", None)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".bmp"])
def test_the_resolution_is_carried(suffix: str) -> None:
    PIL.Image.fromarray(noise()).save(f"a{suffix}", dpi=(300, 200))
    blur(f"a{suffix}", to=f"b{suffix}")
    with PIL.Image.open(f"b{suffix}") as soft:
        assert soft.info["dpi"] == pytest.approx((300, 200), rel=1e-3)


def with_thumbnail() -> bytes:
    """EXIF whose second directory points at an embedded picture."""
    make = struct.pack("<HHHI4sI", 1, Base.Make, 2, 4, b"abc\0", 26)
    where = struct.pack("<HHHII", 2, 513, 4, 1, 56) + struct.pack("<HHIII", 514, 4, 1, 6, 0)
    return b"Exif\0\0II*\0" + struct.pack("<I", 8) + make + where + b"secret"


@pytest.mark.parametrize("exif", [photo(), with_thumbnail()], ids=["maker's note", "thumbnail"])
def test_nothing_that_may_show_the_unblurred_image_is_carried(exif: bytes) -> None:
    PIL.Image.fromarray(noise()).save("a.jpg", exif=exif)
    blur("a.jpg", to="b.jpg")
    assert b"secret" in Path("a.jpg").read_bytes()
    assert b"secret" not in Path("b.jpg").read_bytes()
    with PIL.Image.open("b.jpg") as soft:
        assert Base.Make in soft.getexif()


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0nonsense", b"Exif\0\0"], ids=str
)
def test_broken_exif_does_not_spoil_the_pixels(exif: bytes) -> None:
    PIL.Image.fromarray(noise()).save("a.jpg", exif=exif)
    ran = blur("a.jpg", to="b.jpg")
    assert (ran.code, read_image("b.jpg").pixels.shape) == (0, (12, 16, 3))


def test_exif_that_is_too_long_for_a_jpeg_is_left_out() -> None:
    PIL.Image.fromarray(noise()).save("a.png", exif=photo(ImageDescription="long" * 20_000))
    ran = blur("a.png", to="b.jpg")
    assert (ran.code, read_image("b.jpg").pixels.shape) == (0, (12, 16, 3))


def test_the_tags_of_a_tiff_on_its_own_layout_are_not_carried() -> None:
    save("a.tif")
    blur("a.tif", to="b.png")
    with PIL.Image.open("b.png") as soft:
        assert Base.StripOffsets not in soft.getexif()


def test_many_files_carry_it_as_one_does() -> None:
    Path("in").mkdir()
    PIL.Image.fromarray(noise()).save("in/a.jpg", exif=photo(), dpi=(300, 200))
    blur("in")
    blur("in/a.jpg", to="one.jpg")
    assert Path("out/a.jpg").read_bytes() == Path("one.jpg").read_bytes()


# How many at a time


def count_at_once(
    monkeypatch: pytest.MonkeyPatch, meet: Callable[[], None] = lambda: None
) -> list[int]:
    """How many images are being blurred, whenever one begins; it is filled later."""
    inside, seen, lock = [0], [], threading.Lock()
    blur_pixels = batch.blur_file_pixels

    def counting(image: Any, *how: Any) -> Any:
        with lock:
            inside[0] += 1
            seen.append(inside[0])
        try:
            meet()
            return blur_pixels(image, *how)
        finally:
            with lock:
                inside[0] -= 1

    monkeypatch.setattr(batch, "blur_file_pixels", counting)
    return seen


def test_as_many_images_are_under_way_as_there_are_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    save(*(f"in/{number}.png" for number in range(9)))
    monkeypatch.setattr(host, "usable_cpus", lambda: 3)
    meeting = threading.Barrier(3, timeout=PATIENCE)
    seen = count_at_once(monkeypatch, lambda: meeting.wait() and None)
    assert blur("in").code == 0
    assert max(seen) == 3


def test_images_that_do_not_fit_in_memory_together_go_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    save(*(f"in/{number}.png" for number in range(9)))
    monkeypatch.setattr(host, "usable_cpus", lambda: 3)
    one = 12 * 16 * (4 + 3 * (1 + 2 + 16))  # decoded, pixels, the blur's three and its work
    monkeypatch.setattr(host, "available_memory", lambda: 3 * one)
    seen = count_at_once(monkeypatch, lambda: time.sleep(0.02))
    assert blur("in").code == 0
    assert max(seen) == 1


def test_an_image_that_does_not_fit_in_memory_alone_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    save("in/a.png", "in/b.png")
    PIL.Image.new("RGB", (500, 500)).save("in/vast.png")
    monkeypatch.setattr(host, "available_memory", lambda: 2**20)
    ran = blur("in")
    assert (ran.code, files("out")) == (1, {"a.png", "b.png"})
    assert re.fullmatch(r"Error: image in/vast\.png \(500x500\) needs .* GiB is free.*\n", ran.err)
