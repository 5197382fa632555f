"""Every kind of file is read right or refused: held against files of other writers.

Each cell is read in a full installation, and in a light one, without the extra `images`. What is
refused in a full one, though it is a picture, are `REFUSED_BY_ALL` and the kinds of TIFF without
anything right to read. docs/images.md tells users of both.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from PIL.PngImagePlugin import PngInfo

from blurbench.errors import InputError
from blurbench.extras import install
from blurbench.image import read_image
from helpers import png_files
from helpers.covering import covering
from helpers.pictures import noise
from helpers.tiff_kinds import KINDS, Kind

EXTRA = "needs the extra images"
tifffile = pytest.importorskip("tifffile", reason=EXTRA)
imagecodecs = pytest.importorskip("imagecodecs", reason=EXTRA)

INSTALLED = ["full", "light"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(path: str, installed: str) -> Any:
    """Read a file, in a light installation as if the libraries of the extra were not there."""
    with pytest.MonkeyPatch.context() as patch:
        if installed == "light":
            for library in ("tifffile", "imagecodecs"):
                patch.setitem(sys.modules, library, None)
        return read_image(path)


def refusal(path: str, installed: str) -> str:
    with pytest.raises(InputError) as raised:
        read(path, installed)
    assert str(raised.value).startswith(f"image {path} ")
    assert "\n" not in str(raised.value)
    return str(raised.value)


def assert_right(found: Any, right: np.ndarray, alpha: bool = False, within: float = 0) -> None:
    """The file was read as these pixels, of their type and shape."""
    assert (found.pixels.dtype, found.pixels.shape) == (right.dtype, right.shape)
    assert found.alpha == alpha
    np.testing.assert_allclose(found.pixels.astype(float), right.astype(float), rtol=0, atol=within)


def check(path: str, installed: str, light: bool, expected: tuple[Any, ...]) -> None:
    """A file is read right, or refused where only the extra reads it."""
    if installed == "full" or light:
        assert_right(read(path, installed), *expected)
    else:
        assert refusal(path, installed).endswith(f"which is not installed: {install('images')}")


# TIFF, written by tifffile

PACKINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "zlib": {"compression": "zlib"},
    "predicted": {"compression": "zlib", "predictor": True},
    "lzw": {"compression": "lzw"},
}
LAYOUTS: dict[str, dict[str, Any]] = {
    "strips": {"rowsperstrip": 8},
    "tiles": {"tile": (16, 32)},
}


def write_tiff(kind: Kind, planes: str, layout: str, packing: str, head: str) -> None:
    pixels, options = kind.stored, dict(kind.options)
    if pixels.ndim == 3:
        options["planarconfig"] = planes
        pixels = np.moveaxis(pixels, 2, 0) if planes == "separate" else pixels
    order, _, big = head.partition(" ")
    if kind.packed:  # which tifffile writes wrong in the other byte order, and does not compress
        order, big = "<", ""
    elif kind.stored.dtype.kind == "c":  # which no predictor is for
        options |= LAYOUTS[layout]
    else:
        options |= LAYOUTS[layout] | PACKINGS[packing]
    tifffile.imwrite("a.tif", pixels, metadata=None, byteorder=order, bigtiff=bool(big), **options)


def misread_by_pillow(kind: Kind, planes: str, packing: str, head: str) -> bool:
    """Whether a kind that it knows lies in a file as it does not."""
    if kind.packed:
        return False
    deep = kind.stored.dtype.itemsize > 1 and kind.stored.dtype != np.uint16
    unread = kind.stored.shape[2:] == (2,) or kind.options.get("extrasamples") == ["assocalpha"]
    separate = planes == "separate" and unread
    return head == "> big" or (head == ">" and packing != "plain" and deep) or separate


@covering(
    kind=list(KINDS.values()),
    planes=["contig", "separate"],
    layout=list(LAYOUTS),
    packing=list(PACKINGS),
    head=["<", ">", "> big"],
    installed=INSTALLED,
)
def test_a_tiff_file_is_read_right_or_refused(
    kind: Kind, planes: str, layout: str, packing: str, head: str, installed: str
) -> None:
    write_tiff(kind, planes, layout, packing, head)
    if kind.right is None:
        refusal("a.tif", installed)
        return
    light = kind.light and not misread_by_pillow(kind, planes, packing, head)
    within = kind.within if kind.right.dtype.kind != "f" else 1e-12
    check("a.tif", installed, light, (kind.right, kind.alpha, within))


@pytest.mark.parametrize("installed", INSTALLED)
@pytest.mark.parametrize("kind", ["int16 grey", "int32 grey", "float32 grey", "uint16 grey"])
def test_packed_numbers_in_the_byte_order_of_motorola_are_not_misread(
    kind: str, installed: str
) -> None:
    write_tiff(KINDS[kind], "contig", "strips", "zlib", ">")
    check("a.tif", installed, kind == "uint16 grey", (KINDS[kind].right,))


@pytest.mark.parametrize("installed", INSTALLED)
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_palette_in_a_tiff_becomes_its_colours(bits: int, installed: str) -> None:
    pixels = noise(7, 9, 3) // 128 * 255
    PIL.Image.fromarray(pixels).convert("P", palette=PIL.Image.Palette.ADAPTIVE).save("a.tif")
    assert_right(read("a.tif", installed), pixels)


def test_a_preview_is_not_taken_for_the_image() -> None:
    tifffile.imwrite("a.tif", noise(7, 9), subfiletype=1)
    assert "begins with a preview" in refusal("a.tif", "full")


def test_colour_that_shines_without_opacity_is_refused() -> None:
    pixels = np.zeros((7, 9, 4), np.float32)
    pixels[..., 0] = 1
    options = {"photometric": "rgb", "extrasamples": ["assocalpha"]}
    tifffile.imwrite("a.tif", pixels, **options)
    assert "premultiplied colour where its opacity is 0" in refusal("a.tif", "full")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_deep_tiff_is_turned_as_a_shallow_one_is(orientation: int) -> None:
    shallow, tag = noise(6, 9, 3), (274, 3, 1, orientation, True)
    for name, pixels in [("8.tif", shallow), ("16.tif", shallow.astype(np.uint16))]:
        tifffile.imwrite(name, pixels, photometric="rgb", extratags=[tag], metadata=None)
    expected = read_image("8.tif")
    found = read_image("16.tif")
    np.testing.assert_array_equal(found.pixels, expected.pixels)
    assert found.notes == expected.notes


# PNG, written by hand


@dataclass(frozen=True)
class Png:
    """A kind of PNG file: what is stored, and what is right to read of it."""

    name: str
    samples: np.ndarray
    bits: int
    colour: int
    right: np.ndarray
    said: dict[bytes, bytes]
    light: bool


def png_kinds() -> list[Png]:
    return [
        *(_grey(bits, keyed) for bits in (1, 2, 4, 8, 16) for keyed in (False, True)),
        *(_colour(bits, keyed) for bits in (8, 16) for keyed in (False, True)),
        *(_with_opacity(bits, channels) for bits in (8, 16) for channels in (2, 4)),
        *(_palette(bits, keyed) for bits in (1, 2, 4, 8) for keyed in (False, True)),
    ]


def _grey(bits: int, keyed: bool) -> Png:
    dtype = np.dtype(np.uint8 if bits <= 8 else np.uint16)
    samples = noise(11, 13, dtype=np.uint16) >> (16 - bits)
    full = (samples.astype(np.uint32) * (np.iinfo(dtype).max // (2**bits - 1))).astype(dtype)
    if not keyed:
        return Png(f"{bits}-bit grey", samples, bits, png_files.GREY, full, {}, light=True)
    key = int(samples[2, 3]) if bits > 4 else 1
    opacity = np.where(samples == key, 0, np.iinfo(dtype).max).astype(dtype)
    right, said = np.dstack([full, opacity]), {b"tRNS": key.to_bytes(2, "big")}
    light = bits in (1, 8)
    return Png(f"{bits}-bit grey with a key", samples, bits, png_files.GREY, right, said, light)


def _colour(bits: int, keyed: bool) -> Png:
    samples = noise(11, 13, 3, dtype=f"uint{bits}")
    if not keyed:
        return Png(f"{bits}-bit RGB", samples, bits, png_files.RGB, samples, {}, light=bits == 8)
    key = samples[2, 3]
    opaque = np.iinfo(samples.dtype).max
    opacity = np.where((samples == key).all(axis=2), 0, opaque).astype(samples.dtype)
    right, said = np.dstack([samples, opacity]), {b"tRNS": key.astype(">u2").tobytes()}
    name = f"{bits}-bit RGB with a key"
    return Png(name, samples, bits, png_files.RGB, right, said, light=bits == 8)


def _with_opacity(bits: int, channels: int) -> Png:
    samples = noise(11, 13, channels, dtype=f"uint{bits}")
    colour = png_files.GREY_ALPHA if channels == 2 else png_files.RGB_ALPHA
    name = f"{bits}-bit {'grey' if channels == 2 else 'RGB'} with opacity"
    return Png(name, samples, bits, colour, samples, {}, light=bits == 8)


def _palette(bits: int, keyed: bool) -> Png:
    samples = noise(11, 13, dtype=np.uint16) >> (16 - bits)
    colours = noise(2**bits, 3)
    said = {b"PLTE": colours.tobytes()}
    right, name = colours[samples], f"{bits}-bit palette"
    if keyed:
        opacity = noise(2**bits)[::-1]
        said[b"tRNS"] = opacity.tobytes()
        right, name = np.dstack([right, opacity[samples]]), f"{name} with opacity"
    return Png(name, samples, bits, png_files.PALETTE, right, said, light=True)


@covering(kind=png_kinds(), interlaced=[False, True], installed=INSTALLED)
def test_a_png_file_is_read_right_or_refused(kind: Png, interlaced: bool, installed: str) -> None:
    content = png_files.encode(
        kind.samples, kind.bits, kind.colour, kind.said, interlaced=interlaced
    )
    Path("a.png").write_bytes(content)
    alpha = kind.right.ndim == 3 and kind.right.shape[2] in (2, 4)
    check("a.png", installed, kind.light, (kind.right, alpha))


def test_a_png_file_is_read_however_long_its_text_is() -> None:
    text = PngInfo()
    text.add_text("Comment", "x" * 5_000_000, zip=True)
    PIL.Image.fromarray(noise(7, 9)).save("a.png", pnginfo=text)
    assert_right(read_image("a.png"), noise(7, 9))


# JPEG 2000 and AVIF, written by imagecodecs


def stretched(values: np.ndarray, bits: int) -> np.ndarray:
    """Values of so many bits over the whole range of their type."""
    return np.rint(values * (np.iinfo(values.dtype).max / (2**bits - 1))).astype(values.dtype)


def few_bits(bits: int, channels: int) -> np.ndarray:
    dtype = np.uint8 if bits <= 8 else np.uint16
    shape = (35, 50, channels)[: 3 if channels > 1 else 2]
    return (noise(*shape, dtype=np.uint16) >> (16 - bits)).astype(dtype)


@covering(
    strength=3,
    channels=[1, 2, 3, 4],
    bits=[8, 10, 12, 16],
    container=["JP2", "J2K"],
    installed=INSTALLED,
)
def test_a_jpeg_2000_file_is_read_right_or_refused(
    channels: int, bits: int, container: str, installed: str
) -> None:
    values = few_bits(bits, channels)
    how = {"codecformat": container, "reversible": True, "bitspersample": bits}
    Path("a.jp2").write_bytes(imagecodecs.jpeg2k_encode(values, 0, **how))
    light = bits == 8 or (bits, channels) == (16, 1)
    check("a.jp2", installed, light, (stretched(values, bits), channels in (2, 4)))


@pytest.mark.parametrize("installed", INSTALLED)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("bits", [8, 10, 12])
def test_an_avif_file_is_read_right_or_refused(bits: int, channels: int, installed: str) -> None:
    ramp = np.add.outer(np.arange(32), np.arange(48)) / 78 * (2**bits - 1)
    planes = [ramp, ramp[::-1], ramp[:, ::-1], ramp[::-1, ::-1]][:channels]
    values = np.squeeze(np.rint(np.dstack(planes)).astype(np.uint8 if bits == 8 else np.uint16))
    Path("a.avif").write_bytes(imagecodecs.avif_encode(values, 100, bitspersample=bits))
    right = stretched(values, bits)
    if (bits, channels) == (8, 2):  # Pillow makes colour of grey that has opacity
        right = right[..., [0, 0, 0, 1]]
    within = 2 if bits == 8 else 2 * 65535 / (2**bits - 1)
    check("a.avif", installed, bits == 8, (right, channels in (2, 4), within))


# PNM, written by hand


@covering(
    strength=3,
    channels=[1, 3],
    top=[255, 100, 1023, 65535],
    digits=[False, True],
    installed=INSTALLED,
)
def test_a_pnm_file_is_read_right_or_refused(
    channels: int, top: int, digits: bool, installed: str
) -> None:
    shape = (5, 7, channels)[: 3 if channels > 1 else 2]
    values = noise(*shape, dtype=np.uint16) % np.uint32(top + 1)
    kind = {(1, False): "P5", (3, False): "P6", (1, True): "P2", (3, True): "P3"}[channels, digits]
    stored = values.astype(">u2" if top > 255 else np.uint8)
    body = " ".join(map(str, values.flat)).encode() if digits else stored.tobytes()
    Path("a.ppm").write_bytes(f"{kind} # made\n7 5\n{top}\n".encode() + body)
    if digits and channels == 3 and top > 255:
        assert "written in digits: convert it" in refusal("a.ppm", installed)
        return
    largest = 65535 if top > 255 else 255
    right = np.rint(values * largest / top).astype(np.uint16 if top > 255 else np.uint8)
    check("a.ppm", installed, True, (right,))


# What no installation reads, and says so


def sgi() -> bytes:
    """An SGI file of 16 bits a channel."""
    header = b"\x01\xda\0\x02\0\3" + b"".join(n.to_bytes(2, "big") for n in (9, 7, 3))
    return header.ljust(512, b"\0") + noise(3, 7, 9, dtype=np.uint16).astype(">u2").tobytes()


def fits() -> bytes:
    """A FITS file of 16 bits."""
    cards = ["SIMPLE  = T", "BITPIX  = 16", "NAXIS   = 2", "NAXIS1  = 9", "NAXIS2  = 7", "END"]
    cards = [card.replace("= ", "=" + " " * 20) if "=" in card else card for card in cards]
    header = "".join(card.ljust(80) for card in cards).encode().ljust(2880)
    return header + noise(7, 9, dtype=np.uint16).astype(">u2").tobytes().ljust(2880, b"\0")


def lab() -> bytes:
    content = io.BytesIO()
    PIL.Image.new("LAB", (9, 7)).save(content, "TIFF")
    return content.getvalue()


def signed_jpeg_2000() -> bytes:
    content: bytes = imagecodecs.jpeg2k_encode(noise(7, 9).astype(np.int16) - 128, 0)
    return content


def deep_jpeg() -> bytes:
    content: bytes = imagecodecs.jpeg8_encode(noise(7, 9, dtype=np.uint16) >> 4, bitspersample=12)
    return content


def jpeg_xl(*, container: bool) -> bytes:
    content: bytes = imagecodecs.jpegxl_encode(noise(7, 9), usecontainer=container)
    return content


REFUSED_BY_ALL: dict[str, tuple[Callable[[], bytes], str]] = {
    "a.sgi": (sgi, "16 bits a channel, of which Pillow keeps 8: convert it to PNG or TIFF"),
    "a.fits": (fits, "of which Pillow is not sure in FITS: convert it to PNG or TIFF"),
    "lab.tif": (lab, "has mode LAB: convert it to RGB or grey first"),
    "a.jp2": (
        signed_jpeg_2000,
        "holds 16-bit values from -126 to 122: convert it to 16 bits or float",
    ),
    "a.jpg": (deep_jpeg, "is JPEG of 12 bits, which is not read: convert it to PNG or TIFF"),
    "a.jxl": (partial(jpeg_xl, container=False), "is JPEG XL, which is not read: convert it"),
    "box.jxl": (partial(jpeg_xl, container=True), "is JPEG XL, which is not read: convert it"),
    "a.heic": (lambda: b"\0\0\0\x18ftypheic", "is HEIF, which is not read: convert it"),
    "a.exr": (lambda: b"v/1\x01\2\0\0\0", "is OpenEXR, which is not read: convert it"),
    "a.svg": (lambda: b'<?xml version="1.0"?>\n<svg/>', "is SVG, which is not read: convert it"),
    "a.txt": (lambda: b"text", "is no image, or of no type that is read: convert it"),
    "a.png": (bytes, "is an empty file"),
}


@pytest.mark.parametrize("path", REFUSED_BY_ALL)
def test_what_no_reader_is_trusted_with_is_refused_with_what_to_do(path: str) -> None:
    write, said = REFUSED_BY_ALL[path]
    Path(path).write_bytes(write())
    assert said in refusal(path, "full")


def test_a_broken_deep_file_is_refused_in_one_line() -> None:
    content = png_files.encode(noise(60, 90, 3, dtype=np.uint16), 16, png_files.RGB)
    Path("a.png").write_bytes(content[: len(content) // 2])
    assert "cannot be read: " in refusal("a.png", "full")
