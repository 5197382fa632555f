"""Image files: what each kind holds when read, what is refused, and how files are written."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from blurbench import host
from blurbench.errors import InputError
from blurbench.image import (
    Image,
    blur_with_alpha,
    check_writable,
    crop,
    read_image,
    resize,
    write_image,
)
from blurbench.image import testcard_image as built_in_image
from blurbench.image.values import check_summable
from helpers.pictures import noise
from helpers.png_files import png

ORIENTATION = 0x0112
GIB = 2**30


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def smooth(height: int = 16, width: int = 24) -> np.ndarray:
    """A colour ramp that lossy formats keep closely."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([8 * y, 10 * x, 4 * (x + y)], axis=2).astype(np.uint8)


def save(path: str, pixels: np.ndarray, mode: str | None = None, **options: Any) -> None:
    picture = PIL.Image.fromarray(pixels)
    (picture if mode is None else picture.convert(mode)).save(path, **options)


def assert_read(path: str, pixels: np.ndarray) -> None:
    """The file holds exactly these pixels, in this type."""
    found = read_image(path).pixels
    assert found.dtype == pixels.dtype
    np.testing.assert_array_equal(found, pixels)


# Formats and modes


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff", ".bmp"])
@pytest.mark.parametrize("shape", [(7, 9), (7, 9, 3)], ids=["grey", "RGB"])
def test_eight_bits_are_read_as_they_are(suffix: str, shape: tuple[int, ...]) -> None:
    save(f"a{suffix}", noise(*shape))
    assert_read(f"a{suffix}", noise(*shape))


def test_a_lossless_webp_is_read_as_it_is() -> None:
    save("a.webp", noise(7, 9, 3), lossless=True)
    assert_read("a.webp", noise(7, 9, 3))


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".webp"])
def test_a_lossy_file_is_read_closely(suffix: str) -> None:
    save(f"a{suffix}", smooth(), quality=95)
    found = read_image(f"a{suffix}").pixels.astype(int)
    assert np.abs(found - smooth()).mean() < 3


def test_a_grey_jpeg_stays_grey() -> None:
    save("a.jpg", smooth()[..., 0])
    assert read_image("a.jpg").pixels.shape == (16, 24)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_one_bit_becomes_black_and_white_in_eight_bits(suffix: str) -> None:
    bits = noise(7, 9) > 127
    PIL.Image.fromarray(bits).save(f"a{suffix}")
    assert_read(f"a{suffix}", np.where(bits, 255, 0).astype(np.uint8))


def test_one_bit_is_noted() -> None:
    PIL.Image.new("1", (9, 7)).save("a.png")
    assert read_image("a.png").notes == ("1 bit a pixel, read as 8-bit grey",)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bit_grey_keeps_every_value(suffix: str) -> None:
    pixels = np.array([[0, 1, 255], [256, 65534, 65535]], np.uint16)
    save(f"a{suffix}", pixels)
    assert_read(f"a{suffix}", pixels)


def test_sixteen_bit_grey_of_the_other_byte_order_keeps_every_value() -> None:
    pixels = np.array([[0, 1, 255], [256, 65534, 65535]], np.uint16)
    picture = PIL.Image.frombytes("I;16B", (3, 2), pixels.astype(">u2").tobytes())
    picture.save("a.tif")
    assert_read("a.tif", pixels)


def test_thirty_two_bit_values_that_fit_are_read_as_sixteen() -> None:
    pixels = np.array([[0, 70], [65535, 3]])
    save("a.tif", pixels.astype(np.int32))
    assert_read("a.tif", pixels.astype(np.uint16))


@pytest.mark.parametrize("value", [65536, -1])
def test_thirty_two_bit_values_that_do_not_fit_are_refused(value: int) -> None:
    save("a.tif", np.full((4, 5), value, np.int32))
    with pytest.raises(InputError, match=rf"a\.tif holds 32-bit values from {value} "):
        read_image("a.tif")


def test_float_grey_keeps_every_value() -> None:
    pixels = np.array([[0.1, -3.5e8], [1e-30, 7.25]], np.float32)
    save("a.tif", pixels)
    assert_read("a.tif", pixels)


@pytest.mark.parametrize("channels", [2, 4], ids=["LA", "RGBA"])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_opacity_is_the_last_channel(suffix: str, channels: int) -> None:
    pixels = noise(7, 9, channels)
    options = {"lossless": True, "exact": True} if suffix == ".webp" else {}
    save(f"a{suffix}", pixels, **options)
    found = read_image(f"a{suffix}")
    assert found.alpha
    np.testing.assert_array_equal(found.pixels[..., -1], pixels[..., -1])
    np.testing.assert_array_equal(found.pixels[..., 0], pixels[..., 0])


def test_an_image_without_opacity_says_so() -> None:
    save("a.png", noise(7, 9, 3))
    assert not read_image("a.png").alpha


@pytest.mark.parametrize("suffix", [".png", ".gif", ".tif", ".bmp"])
def test_a_palette_becomes_its_colours(suffix: str) -> None:
    pixels = noise(7, 9, 3) // 128 * 255
    save(f"a{suffix}", pixels, "P", palette=PIL.Image.Palette.ADAPTIVE)
    assert_read(f"a{suffix}", pixels)


def test_the_transparent_entry_of_a_palette_becomes_opacity() -> None:
    index = noise(7, 9) % 3
    picture = PIL.Image.fromarray(index).convert("P")
    picture.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    picture.save("a.png", transparency=1)
    found = read_image("a.png")
    assert (found.alpha, found.pixels.shape) == (True, (7, 9, 4))
    np.testing.assert_array_equal(found.pixels[..., 3], np.where(index == 1, 0, 255))


@pytest.mark.parametrize("shape", [(7, 9), (7, 9, 3)], ids=["grey", "RGB"])
def test_the_transparent_colour_of_a_png_becomes_opacity(shape: tuple[int, ...]) -> None:
    pixels = noise(*shape)
    hidden = pixels[2, 3]
    colour = tuple(int(v) for v in hidden) if pixels.ndim == 3 else int(hidden)
    save("a.png", pixels, transparency=colour)
    found = read_image("a.png")
    same = np.atleast_3d(pixels == hidden).all(axis=2)
    assert found.alpha
    np.testing.assert_array_equal(found.pixels[..., -1], np.where(same, 0, 255))


@pytest.mark.parametrize("suffix", [".tif", ".jpg"])
def test_cmyk_becomes_rgb_and_is_noted(suffix: str) -> None:
    PIL.Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(f"a{suffix}")
    found = read_image(f"a{suffix}")
    assert found.notes == ("mode CMYK read as RGB",)
    assert np.abs(found.pixels.astype(int) - [255, 0, 0]).max() <= 4


def test_a_mode_that_cannot_be_blurred_is_refused_with_what_can() -> None:
    PIL.Image.new("LAB", (9, 7)).save("a.tif")
    with pytest.raises(InputError, match=r"a\.tif has mode LAB: convert it to RGB or grey"):
        read_image("a.tif")


# Orientation


def upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """What a viewer shows of stored pixels, by the table of the EXIF standard."""
    turned = np.swapaxes(pixels, 0, 1) if orientation >= 5 else pixels
    flip_rows, flip_columns = {
        1: (False, False),
        2: (False, True),
        3: (True, True),
        4: (True, False),
        5: (False, False),
        6: (False, True),
        7: (True, True),
        8: (True, False),
    }[orientation]
    turned = turned[::-1] if flip_rows else turned
    return turned[:, ::-1] if flip_columns else turned


STORED = {
    "RGB PNG": ("a.png", noise(6, 9, 3), {}),
    "RGBA PNG": ("a.png", noise(6, 9, 4), {}),
    "16-bit PNG": ("a.png", noise(6, 9, dtype=np.uint16), {}),
    "RGB WebP": ("a.webp", noise(6, 9, 3), {"lossless": True}),
    "RGB TIFF": ("a.tif", noise(6, 9, 3), {}),
    "grey TIFF": ("a.tif", noise(6, 9), {}),
    "packed grey TIFF": ("a.tif", noise(6, 9), {"compression": "tiff_lzw"}),
    "16-bit TIFF": ("a.tif", noise(6, 9, dtype=np.uint16), {}),
    "float TIFF": ("a.tif", noise(6, 9).astype(np.float32), {}),
}


def save_turned(path: str, pixels: np.ndarray, orientation: int, **options: Any) -> None:
    picture = PIL.Image.fromarray(pixels)
    exif = picture.getexif()
    exif[ORIENTATION] = orientation
    picture.save(path, exif=exif, **options)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", STORED)
def test_the_orientation_is_applied(kind: str, orientation: int) -> None:
    path, pixels, options = STORED[kind]
    save_turned(path, pixels, orientation, **options)
    assert_read(path, upright(pixels, orientation))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_of_a_jpeg_is_applied(orientation: int) -> None:
    save_turned("a.jpg", smooth(), orientation, quality=95)
    found = read_image("a.jpg").pixels.astype(int)
    assert np.abs(found - upright(smooth(), orientation)).mean() < 3


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
@pytest.mark.parametrize("orientation", [2, 6])
def test_turning_is_noted(suffix: str, orientation: int) -> None:
    save_turned(f"a{suffix}", noise(6, 9, 3), orientation)
    assert read_image(f"a{suffix}").notes == ("turned upright as its EXIF orientation says",)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_an_upright_image_has_no_note(suffix: str) -> None:
    save_turned(f"a{suffix}", noise(6, 9, 3), 1)
    assert read_image(f"a{suffix}").notes == ()


def test_opacity_is_turned_with_the_colour() -> None:
    pixels = noise(6, 9, 3)
    save_turned("a.png", pixels, 6, transparency=tuple(int(v) for v in pixels[0, 0]))
    found = read_image("a.png").pixels
    assert found[0, -1].tolist() == [*pixels[0, 0].tolist(), 0]


# Animations


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".tif"])
def test_the_first_frame_of_an_animation_is_read_and_noted(suffix: str) -> None:
    frames = [PIL.Image.new("RGB", (9, 7), (level, 0, 0)) for level in (10, 100, 200)]
    options = {"lossless": True} if suffix == ".webp" else {}
    frames[0].save(f"a{suffix}", save_all=True, append_images=frames[1:], **options)
    found = read_image(f"a{suffix}")
    assert "the first of 3 frames" in found.notes
    np.testing.assert_array_equal(found.pixels[..., 0], np.full((7, 9), 10))


# What is refused


def test_a_missing_file_is_refused() -> None:
    with pytest.raises(InputError, match=r"a\.png does not exist"):
        read_image("a.png")


def test_a_folder_is_refused() -> None:
    Path("a.png").mkdir()
    with pytest.raises(InputError, match=r"a\.png is a folder"):
        read_image("a.png")


@pytest.mark.parametrize("content", [b"", b"hello, this is no picture\n"], ids=["empty", "text"])
def test_a_file_that_is_no_image_is_refused(content: bytes) -> None:
    Path("a.png").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.png is (an empty file|no image)"):
        read_image("a.png")


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp", ".bmp", ".gif"])
def test_a_truncated_file_is_refused_and_named(suffix: str) -> None:
    save(f"a{suffix}", noise(60, 90, 3))
    content = Path(f"a{suffix}").read_bytes()
    Path(f"a{suffix}").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=rf"image a\{suffix} cannot be read: "):
        read_image(f"a{suffix}")


@pytest.mark.parametrize("cut", [0.001, 0.1, 0.4, 0.9])
def test_wherever_a_file_is_cut_it_is_an_input_error(cut: float) -> None:
    save("a.png", noise(60, 90, 3))
    content = Path("a.png").read_bytes()
    Path("a.png").write_bytes(content[: int(len(content) * cut)])
    with pytest.raises(InputError, match=r"image a\.png "):
        read_image("a.png")


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("a.png", png(0, 5, 8, 0, b"\0" * 5)),
        ("a.png", png(5, 0, 8, 0, b"")),
        ("a.pgm", b"P5 0 5 255\n"),
        ("a.gif", b"GIF89a\0\0\5\0\0\0\0,\0\0\0\0\0\0\5\0\0\2\2D\1\0;"),
    ],
)
def test_an_image_of_no_pixels_is_refused(file: str, content: bytes) -> None:
    Path(file).write_bytes(content)
    with pytest.raises(InputError, match=f"image {file} "):
        read_image(file)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_pixels_that_are_no_finite_numbers_are_counted_and_refused(value: float) -> None:
    pixels = np.zeros((4, 5), np.float32)
    pixels[1:3, 2] = value
    save("a.tif", pixels)
    with pytest.raises(InputError, match=r"a\.tif holds 2 NaN or infinite pixels: replace them"):
        read_image("a.tif")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_the_largest_values_of_half_floats_can_be_summed_in_the_arithmetic(dtype: str) -> None:
    check_summable("image", np.full((500, 400), np.finfo(np.float16).max, dtype))


def test_an_error_is_one_line() -> None:
    Path("a.png").write_bytes(png(4, 4, 8, 0, b"\0"))
    with pytest.raises(InputError) as raised:
        read_image("a.png")
    assert "\n" not in str(raised.value)


# Memory, in place of Pillow's limit


def test_an_image_that_does_not_fit_in_memory_is_refused_before_it_is_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("a.png").write_bytes(png(60000, 60000, 1, 0, b""))
    monkeypatch.setattr(host, "available_memory", lambda: GIB)
    with pytest.raises(InputError, match=r"needs 16\.76 GiB .* 1\.00 GiB is free"):
        read_image("a.png")


def test_the_work_beside_the_image_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    save("a.png", noise(7, 9, 3))
    monkeypatch.setattr(host, "available_memory", lambda: GIB)
    with pytest.raises(InputError, match=r"a\.png \(9x7\) needs 3\.00 GiB"):
        read_image("a.png", lambda shape, dtype: 3 * GIB)


def test_the_work_is_asked_for_the_shape_and_type_to_be_blurred() -> None:
    asked = []
    save("a.png", noise(7, 9, dtype=np.uint16))
    read_image("a.png", lambda shape, dtype: asked.append((shape, dtype)) or 0)
    assert asked == [((7, 9), np.uint16)]


def test_an_image_is_read_where_the_system_does_not_say_how_much_memory_there_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    save("a.png", noise(7, 9))
    monkeypatch.setattr(host, "available_memory", lambda: None)
    assert_read("a.png", noise(7, 9))


def test_pillows_own_limit_refuses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    save("a.png", noise(20, 30))
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 10)
    assert_read("a.png", noise(20, 30))


@pytest.mark.parametrize("file", ["a.png", "text.png"])
def test_pillows_limit_is_put_back(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    save("a.png", noise(20, 30))
    Path("text.png").write_text("no image")
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 10)
    try:
        read_image(file)
    except InputError:
        assert file == "text.png"
    assert PIL.Image.MAX_IMAGE_PIXELS == 10


def test_threads_that_read_at_once_leave_pillows_limit_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    save("a.png", noise(20, 30))
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 1000)
    threads = [threading.Thread(target=read_image, args=("a.png",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert PIL.Image.MAX_IMAGE_PIXELS == 1000


# Writing

LOSSLESS = {
    ".png": ["L", "LA", "RGB", "RGBA", "16"],
    ".tif": ["L", "LA", "RGB", "RGBA", "16", "F"],
    ".tiff": ["L", "LA", "RGB", "RGBA", "16", "F"],
    ".webp": ["RGB"],
    ".bmp": ["L", "RGB"],
}
PIXELS = {
    "L": noise(7, 9),
    "LA": noise(7, 9, 2),
    "RGB": noise(7, 9, 3),
    "RGBA": noise(7, 9, 4),
    "16": noise(7, 9, dtype=np.uint16),
    "F": noise(7, 9).astype(np.float32) / 7,
}
UNABLE = {
    ".png": ["F"],
    ".webp": ["16", "F"],
    ".jpg": ["LA", "RGBA", "16", "F"],
    ".jpeg": ["LA", "RGBA", "16", "F"],
    ".bmp": ["LA", "RGBA", "16", "F"],
}


def pairs(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(suffix, kind) for suffix, kinds in table.items() for kind in kinds]


@pytest.mark.parametrize(("suffix", "kind"), pairs(LOSSLESS))
def test_what_is_written_is_read_back(suffix: str, kind: str) -> None:
    write_image(f"a{suffix}", PIXELS[kind])
    assert_read(f"a{suffix}", PIXELS[kind])


def test_grey_written_as_webp_is_read_back_as_equal_colours() -> None:
    write_image("a.webp", PIXELS["L"])
    np.testing.assert_array_equal(read_image("a.webp").pixels, np.dstack([PIXELS["L"]] * 3))


@pytest.mark.parametrize("kind", ["LA", "RGBA"])
def test_opacity_and_visible_colour_written_as_webp_are_read_back(kind: str) -> None:
    pixels = PIXELS[kind]
    write_image("a.webp", pixels)
    found = read_image("a.webp").pixels
    np.testing.assert_array_equal(found[..., -1], pixels[..., -1])
    visible = pixels[..., -1] > 0
    np.testing.assert_array_equal(found[visible][:, 0], pixels[visible][:, 0])


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg"])
@pytest.mark.parametrize("pixels", [smooth(), smooth()[..., 0]], ids=["RGB", "grey"])
def test_what_is_written_as_jpeg_is_read_back_closely(suffix: str, pixels: np.ndarray) -> None:
    write_image(f"a{suffix}", pixels)
    found = read_image(f"a{suffix}").pixels
    assert found.shape == pixels.shape
    assert np.abs(found.astype(int) - pixels).mean() < 2


def test_the_suffix_may_be_in_capitals() -> None:
    write_image("A.PNG", PIXELS["RGB"])
    assert_read("A.PNG", PIXELS["RGB"])


def test_pixels_need_not_be_contiguous() -> None:
    write_image("a.png", PIXELS["RGB"][::-2, ::3])
    assert_read("a.png", PIXELS["RGB"][::-2, ::3])


@pytest.mark.parametrize(("suffix", "kind"), pairs(UNABLE))
def test_what_a_format_cannot_hold_is_refused_with_those_that_can(suffix: str, kind: str) -> None:
    pixels = PIXELS[kind]
    able = [end for end, kinds in LOSSLESS.items() if kind in kinds]
    with pytest.raises(InputError, match=rf"a\{suffix} cannot hold {pixels.dtype}") as raised:
        write_image(f"a{suffix}", pixels)
    offered = str(raised.value).rpartition("use one of ")[2]
    assert set(able) <= set(offered.split(", "))


@pytest.mark.parametrize("dtype", [np.int32, bool])
def test_pixels_that_no_format_holds_are_refused(dtype: Any) -> None:
    with pytest.raises(InputError, match=r"a\.png cannot hold .* use one of none"):
        write_image("a.png", np.zeros((7, 9), dtype))


@pytest.mark.parametrize("file", ["a", "a.xyz", "a.png.part"])
def test_an_unknown_suffix_is_refused_with_the_known_ones(file: str) -> None:
    with pytest.raises(InputError, match=rf"{file} has an unknown type: use one of .*\.png"):
        write_image(file, PIXELS["RGB"])


def test_a_missing_folder_is_refused() -> None:
    with pytest.raises(InputError, match="folder nowhere does not exist"):
        write_image("nowhere/a.png", PIXELS["RGB"])


@pytest.mark.parametrize(("suffix", "shape"), [(".webp", (1, 16384)), (".jpg", (1, 65501))])
def test_an_image_too_large_for_its_format_is_refused(suffix: str, shape: tuple[int, int]) -> None:
    with pytest.raises(InputError, match=rf"output a\{suffix} "):
        write_image(f"a{suffix}", np.zeros(shape, np.uint8))
    assert os.listdir() == []


def test_checking_writes_nothing() -> None:
    check_writable("a.png", (7, 9, 3), np.uint8)
    assert os.listdir() == []


def fail_half_way(self: PIL.Image.Image, stream: Any, *_: Any, **__: Any) -> None:
    stream.write(b"half a picture")
    raise OSError(28, "No space left on device")


def test_a_failed_save_leaves_no_part_of_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PIL.Image.Image, "save", fail_half_way)
    with pytest.raises(InputError, match=r"output a\.png cannot be written: No space left"):
        write_image("a.png", PIXELS["RGB"])
    assert os.listdir() == []


def test_a_failed_save_leaves_the_old_file_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a.png").write_bytes(b"old")
    monkeypatch.setattr(PIL.Image.Image, "save", fail_half_way)
    with pytest.raises(InputError):
        write_image("a.png", PIXELS["RGB"])
    assert (os.listdir(), Path("a.png").read_bytes()) == (["a.png"], b"old")


def test_an_interrupted_save_leaves_no_part_of_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(self: PIL.Image.Image, stream: Any, *_: Any, **__: Any) -> None:
        stream.write(b"half a picture")
        raise KeyboardInterrupt

    monkeypatch.setattr(PIL.Image.Image, "save", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_image("a.png", PIXELS["RGB"])
    assert os.listdir() == []


@pytest.mark.skipif(os.name != "posix", reason="only POSIX has a umask")
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_permissions_follow_the_umask(mask: int) -> None:
    before = os.umask(mask)
    try:
        write_image("a.png", PIXELS["RGB"])
    finally:
        os.umask(before)
    assert os.stat("a.png").st_mode & 0o777 == 0o666 & ~mask


# Opacity, cropping, resizing


def box(weighted: np.ndarray) -> np.ndarray:
    """A blur by hand: each pixel and its neighbours along a row, the ends repeated."""
    padded = np.pad(weighted, ((0, 0), (1, 1), (0, 0)), mode="edge")
    return ((padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]) / 3).astype(np.float32)


def test_hidden_colour_does_not_bleed() -> None:
    pixels = np.array([[(255, 255, 0, 0), (0, 0, 200, 255), (0, 0, 200, 255)]], np.uint8)
    blurred = blur_with_alpha(pixels, box)
    assert blurred[0, :, :3].tolist() == [[0, 0, 200]] * 3


def test_opacity_is_blurred_and_kept() -> None:
    pixels = np.array([[(9, 0), (9, 255), (9, 255)]], np.uint8)
    assert blur_with_alpha(pixels, box)[0, :, 1].tolist() == [85, 170, 255]


def test_colour_is_weighted_by_its_opacity() -> None:
    pixels = np.array([[(100, 60), (200, 180), (200, 180)]], np.uint8)
    first = (2 * 100 * 60 + 200 * 180) / (2 * 60 + 180)
    assert blur_with_alpha(pixels, box)[0, 0].tolist() == [round(first), 100]


def test_what_is_wholly_hidden_stays_hidden() -> None:
    pixels = np.zeros((3, 4, 4), np.uint8)
    pixels[..., :3] = 255
    assert not blur_with_alpha(pixels, box)[..., 3].any()


@pytest.mark.parametrize("channels", [2, 4])
def test_an_opaque_image_is_blurred_as_if_it_had_no_opacity(channels: int) -> None:
    pixels = noise(8, 9, channels)
    pixels[..., -1] = 255
    plain = np.rint(box(pixels.astype(np.float32))).astype(np.uint8)
    np.testing.assert_array_equal(blur_with_alpha(pixels, box), plain)


def test_blurring_with_opacity_leaves_the_image_alone() -> None:
    pixels = noise(8, 9, 4)
    before = pixels.copy()
    blur_with_alpha(pixels, box)
    np.testing.assert_array_equal(pixels, before)


@pytest.mark.parametrize("shape", [(6, 9), (6, 9, 3)])
def test_crop_takes_the_middle(shape: tuple[int, ...]) -> None:
    image = Image("a", noise(*shape), notes=("kept",))
    cropped = crop(image, 5, 2)
    np.testing.assert_array_equal(cropped.pixels, image.pixels[2:4, 2:7])
    assert cropped.notes == ("kept",)


def test_a_crop_of_the_whole_image_changes_nothing() -> None:
    image = Image("a", noise(6, 9))
    np.testing.assert_array_equal(crop(image, 9, 6).pixels, image.pixels)


@pytest.mark.parametrize(("width", "height"), [(10, 6), (9, 7)])
def test_a_crop_larger_than_the_image_is_refused(width: int, height: int) -> None:
    with pytest.raises(InputError, match=f"crop {width}x{height} is larger .* 9x6"):
        crop(Image("a", noise(6, 9)), width, height)


@pytest.mark.parametrize("kind", PIXELS)
def test_resize_keeps_the_type_and_the_channels(kind: str) -> None:
    resized = resize(Image("a", PIXELS[kind]), 20, 11).pixels
    assert (resized.dtype, resized.shape) == (PIXELS[kind].dtype, (11, 20, *PIXELS[kind].shape[2:]))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_resize_keeps_a_flat_image_flat(dtype: Any) -> None:
    resized = resize(Image("a", np.full((6, 9, 3), 200, dtype)), 4, 13).pixels
    np.testing.assert_allclose(resized, 200, rtol=1e-6)


def test_resize_clips_what_the_filter_overshoots() -> None:
    edge = np.zeros((8, 8), np.uint8)
    edge[:, 4:] = 255
    resized = resize(Image("a", edge), 64, 8).pixels
    assert (resized[:, 0].max(), resized[:, -1].min()) == (0, 255)
    assert (np.diff(resized[0].astype(int)) >= -1).sum() > 50


def test_resize_follows_the_image() -> None:
    ramp = np.tile(np.arange(0, 240, 10, dtype=np.uint8), (8, 1))
    resized = resize(Image("a", ramp), 48, 8).pixels.astype(int)
    assert np.abs(resized[:, 4:-4:2] - ramp[:, 2:-2]).max() <= 3


def test_the_test_card_is_an_image_without_opacity() -> None:
    image = built_in_image()
    assert (image.name, image.alpha, image.pixels.shape) == ("test card", False, (540, 960, 3))
