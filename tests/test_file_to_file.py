"""From file to file: type, depth, opacity, and what a file says of its pixels, are kept or told."""

from __future__ import annotations

import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from PIL.ExifTags import IFD, Base

from blurbench.blur import gaussian_blur
from blurbench.errors import InputError
from blurbench.extras import install
from blurbench.image import blur_with_alpha, check_writable, read_image, write_image
from blurbench.image.metadata import Metadata
from helpers import png_files
from helpers.command import QUICK, deny_gpu, measure_briefly, run
from helpers.pictures import noise, profile_of

EXTRA = "needs the extra images"
tifffile = pytest.importorskip("tifffile", reason=EXTRA)
imagecodecs = pytest.importorskip("imagecodecs", reason=EXTRA)

SIGMA = ("--sigma", "1.5")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def pixels_of(dtype: str, channels: int) -> np.ndarray:
    shape = (12, 16, channels)[: 3 if channels > 1 else 2]
    if dtype.startswith("float"):
        return (noise(*shape, dtype=np.uint16) / 65535 + 0.25).astype(dtype)
    return noise(*shape, dtype=dtype)


def load(path: str) -> np.ndarray:
    """The pixels of a file, by another library than that which wrote it."""
    content = Path(path).read_bytes()
    if path.endswith(".tif"):
        return imagecodecs.tiff_decode(content)
    if path.endswith(".png"):
        return imagecodecs.png_decode(content)
    kind, size, top, body = content.split(b"\n", 3)
    width, height = map(int, size.split())
    dtype = np.dtype("u2" if int(top) > 255 else "u1")
    found = np.frombuffer(body, dtype.newbyteorder(">")).astype(dtype)
    return found.reshape((height, width, 3)[: 2 if kind == b"P5" else 3])


# Types and depths

WRITTEN = [
    *((".png", dtype, channels) for dtype in ("uint8", "uint16") for channels in (1, 2, 3, 4)),
    *((".pgm", dtype, 1) for dtype in ("uint8", "uint16")),
    *((".ppm", dtype, 3) for dtype in ("uint8", "uint16")),
    *(
        (".tif", dtype, channels)
        for dtype in ("uint8", "uint16", "float16", "float32", "float64")
        for channels in (1, 2, 3, 4, 5)
    ),
]


@pytest.mark.parametrize(("suffix", "dtype", "channels"), WRITTEN)
def test_what_is_written_is_what_another_library_reads_and_we(
    suffix: str, dtype: str, channels: int
) -> None:
    pixels = pixels_of(dtype, channels)
    write_image(f"a{suffix}", pixels)
    ours, theirs = read_image(f"a{suffix}"), load(f"a{suffix}")
    assert (ours.alpha, ours.pixels.dtype, theirs.dtype) == (channels in (2, 4), dtype, dtype)
    np.testing.assert_array_equal(theirs, pixels)
    np.testing.assert_array_equal(ours.pixels, pixels)


@pytest.mark.parametrize(
    ("suffix", "dtype", "channels"),
    [
        (".png", "uint16", 3),
        (".png", "uint16", 1),
        (".ppm", "uint16", 3),
        (".tif", "uint16", 3),
        (".tif", "float64", 1),
        (".tif", "float16", 3),
        (".tif", "float32", 5),
    ],
)
def test_blur_keeps_the_type_and_the_depth(suffix: str, dtype: str, channels: int) -> None:
    pixels = pixels_of(dtype, channels)
    write_image(f"a{suffix}", pixels)
    assert run("blur", f"a{suffix}", "-o", f"b{suffix}", *SIGMA).code == 0
    expected = gaussian_blur(pixels, sigma=1.5)
    assert load(f"b{suffix}").dtype == expected.dtype
    np.testing.assert_array_equal(load(f"b{suffix}"), expected)


@pytest.mark.parametrize("dtype", ["uint16", "float32", "float64"])
@pytest.mark.parametrize("how", [(), ("--memory", "2GB")], ids=["whole", "tiles"])
def test_hidden_colour_does_not_bleed_at_any_depth(dtype: str, how: tuple[str, ...]) -> None:
    top = 1 if dtype.startswith("f") else np.iinfo(dtype).max
    pixels = np.zeros((20, 30, 4), dtype)
    pixels[:, :15] = [0, top, 0, 0]
    pixels[:, 15:] = [top, 0, 0, top]
    write_image("a.tif", pixels)
    assert run("blur", "a.tif", "-o", "b.tif", *SIGMA, *how).code == 0
    soft = load("b.tif").astype(float) / top
    seen = soft[..., 3] > 0.01
    np.testing.assert_allclose(soft[seen][:, :3], [[1, 0, 0]] * seen.sum(), atol=1e-6)


def test_float_opacity_is_weighted_in_the_precision_of_the_image() -> None:
    pixels = pixels_of("float64", 4)
    alone = pixels[..., 3:]
    expected = gaussian_blur(pixels[..., :3] * alone, sigma=1.5) / gaussian_blur(alone, sigma=1.5)
    found = blur_with_alpha(pixels, lambda weighted: gaussian_blur(weighted, sigma=1.5))
    np.testing.assert_allclose(found[..., :3], expected, rtol=1e-12)


def test_compare_saves_what_it_blurred_at_its_depth(monkeypatch: pytest.MonkeyPatch) -> None:
    write_image("a.png", pixels_of("uint16", 3))
    deny_gpu(monkeypatch)
    measure_briefly(monkeypatch)
    assert run("compare", "a.png", *QUICK, "--save", "soft").code == 0
    assert load("soft/numpy-separable.png").dtype == np.uint16


def test_channels_that_are_no_opacity_go_to_tiff_alone() -> None:
    metadata = Metadata(photometric="RGB", extrasamples=("UNSPECIFIED",))
    with pytest.raises(InputError, match=r"a\.png cannot hold 1 channels beside .*\.tif"):
        write_image("a.png", noise(7, 9, 4), metadata)
    write_image("a.tif", noise(7, 9, 4), metadata)
    assert not read_image("a.tif").alpha


@pytest.mark.parametrize(
    ("path", "dtype", "library"),
    [("a.png", "uint16", "imagecodecs"), ("a.tif", "float16", "tifffile")],
)
def test_what_a_light_installation_cannot_write_is_refused_before_it_is_blurred(
    path: str, dtype: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(InputError) as raised:
        check_writable(path, (7, 9, 3), dtype)
    said = f"output {path} of {dtype} in 3 channels needs {library}, which is not installed: "
    assert str(raised.value) == said + install("images")


# What a file says of its pixels

GAMMA = {b"gAMA": struct.pack(">I", 100000), b"cHRM": struct.pack(">8I", *range(1, 9))}
SPACES = {
    "gAMA and cHRM": GAMMA,
    "sRGB": {b"sRGB": b"\1"},
    "cICP": {b"cICP": bytes([9, 16, 0, 1])},
}


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("space", SPACES)
def test_the_colour_space_of_a_png_is_carried_to_png(space: str, bits: int) -> None:
    samples = noise(12, 16, 3, dtype=f"uint{bits}")
    content = png_files.encode(samples, bits, png_files.RGB, SPACES[space])
    Path("a.png").write_bytes(content)
    assert run("blur", "a.png", "-o", "b.png", *SIGMA).err == ""
    assert read_image("b.png").metadata.colour_space == SPACES[space]


def test_a_colour_space_that_is_lost_is_told() -> None:
    content = png_files.encode(noise(12, 16, 3), 8, png_files.RGB, GAMMA)
    Path("a.png").write_bytes(content)
    ran = run("blur", "a.png", "-o", "b.tif", *SIGMA)
    assert ran.err == "Note: a.png: its cHRM and gAMA cannot be kept in .tif.\n"


def test_srgb_is_what_is_assumed_and_its_loss_not_told() -> None:
    content = png_files.encode(noise(12, 16, 3), 8, png_files.RGB, {**GAMMA, b"sRGB": b"\0"})
    Path("a.png").write_bytes(content)
    assert run("blur", "a.png", "-o", "b.tif", *SIGMA).err == ""


def test_the_colour_space_of_an_avif_is_carried_to_png() -> None:
    values = noise(32, 48, 3, dtype=np.uint16) >> 6
    how = {"bitspersample": 10, "primaries": 9, "transfer": 16}
    Path("a.avif").write_bytes(imagecodecs.avif_encode(values, 90, **how))
    run("blur", "a.avif", "-o", "b.png", *SIGMA)
    assert read_image("b.png").metadata.colour_space == {b"cICP": bytes([9, 16, 0, 1])}


def with_profile(jp2: bytes, profile: bytes) -> bytes:
    """A JPEG 2000 file with a profile in the place of a number for its colour space."""
    start = jp2.index(b"colr") - 4
    (length,) = struct.unpack(">I", jp2[start : start + 4])
    box = struct.pack(">I", len(profile) + 11) + b"colr\2\0\0" + profile
    around = jp2.index(b"jp2h") - 4
    (whole,) = struct.unpack(">I", jp2[around : around + 4])
    head = jp2[:around] + struct.pack(">I", whole - length + len(box)) + jp2[around + 4 : start]
    return head + box + jp2[start + length :]


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_the_profile_of_a_jpeg_2000_file_is_carried_and_not_applied(dtype: str) -> None:
    pixels, profile = pixels_of(dtype, 3), imagecodecs.cms_profile("rgb", gamma=1.0)
    plain = imagecodecs.jpeg2k_encode(pixels, 0, codecformat="JP2", reversible=True)
    Path("a.jp2").write_bytes(with_profile(plain, profile))
    found = read_image("a.jp2")
    np.testing.assert_array_equal(found.pixels, pixels)
    assert found.metadata.icc_profile == profile


def test_profile_exif_and_resolution_are_carried_to_a_deep_png() -> None:
    exif = PIL.Image.Exif()
    exif[Base.Make], exif[IFD.Exif] = "Maker", {Base.ExposureTime: 0.125}
    metadata = Metadata(profile_of(b"RGB "), exif.tobytes(), (300.0, 200.0))
    assert write_image("a.png", noise(7, 9, 3, dtype=np.uint16), metadata) == ()
    found = read_image("a.png").metadata
    assert found.icc_profile == metadata.icc_profile
    assert found.dpi == pytest.approx((300, 200), rel=1e-3)
    with PIL.Image.open("a.png") as opened:
        assert opened.getexif().get_ifd(IFD.Exif)[Base.ExposureTime] == 0.125


def test_what_a_bitmap_cannot_keep_is_told() -> None:
    exif = PIL.Image.Exif()
    exif[Base.Make] = "Maker"
    PIL.Image.fromarray(noise(7, 9, 3)).save(
        "a.jpg", exif=exif.tobytes(), icc_profile=profile_of(b"RGB ")
    )
    ran = run("blur", "a.jpg", "-o", "b.bmp", *SIGMA)
    assert ran.err == "Note: a.jpg: its colour profile and EXIF cannot be kept in .bmp.\n"


def test_exif_goes_where_there_is_room_for_it() -> None:
    exif = PIL.Image.Exif()
    exif[Base.ImageDescription] = "x" * 70_000
    PIL.Image.fromarray(noise(7, 9, 3)).save("a.png", exif=exif)
    assert run("blur", "a.png", "-o", "b.png", *SIGMA).err == ""
    assert len(read_image("b.png").metadata.exif) > 70_000
    ran = run("blur", "a.png", "-o", "b.jpg", *SIGMA)
    assert ran.err == "Note: a.png: its EXIF of more than 64 KiB cannot be kept in .jpg.\n"


GEO: list[tuple[Any, ...]] = [
    (33550, 12, 3, (10.0, 10.0, 0.0), True),
    (33922, 12, 6, (0.0, 0.0, 0.0, 500000.0, 4600000.0, 0.0), True),
    (34735, 3, 8, (1, 1, 0, 1, 1024, 0, 1, 1), True),
    (34737, 2, 0, "WGS 84 / UTM zone 33N|", True),
    (42113, 2, 0, "-9999", True),
]


def save_map(path: str, dtype: str, *more: tuple[Any, ...]) -> None:
    tags = sorted([*GEO, *more])
    tifffile.imwrite(path, pixels_of(dtype, 1), extratags=tags, metadata=None)


def geo_of(path: str) -> dict[int, Any]:
    with tifffile.TiffFile(path) as tiff:
        tags = tiff.pages.first.tags
        return {code: tags[code].value for code, *_ in GEO if code in tags}


@pytest.mark.parametrize("how", [(), ("--memory", "2GB")], ids=["whole", "tiles"])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_the_tags_of_a_map_are_carried_from_tiff_to_tiff(dtype: str, how: tuple[str, ...]) -> None:
    save_map("a.tif", dtype)
    assert run("blur", "a.tif", "-o", "b.tif", *SIGMA, *how).code == 0
    assert geo_of("b.tif") == geo_of("a.tif")
    assert len(geo_of("b.tif")) == len(GEO)


@pytest.mark.parametrize("dtype", ["uint8", "float64"])
def test_the_no_data_value_is_told_with_the_image(dtype: str) -> None:
    save_map("a.tif", dtype)
    assert read_image("a.tif").nodata == -9999


def test_an_image_without_a_no_data_value_has_none() -> None:
    write_image("a.png", noise(7, 9))
    assert read_image("a.png").nodata is None


def test_the_tags_of_a_map_that_are_lost_are_told() -> None:
    save_map("a.tif", "uint8")
    ran = run("blur", "a.tif", "-o", "b.png", *SIGMA)
    assert ran.err == "Note: a.tif: its GeoTIFF tags cannot be kept in .png.\n"


@pytest.mark.parametrize("dtype", ["uint8", "float64"])
def test_a_map_that_is_turned_no_longer_lies_where_its_tags_say(dtype: str) -> None:
    save_map("a.tif", dtype, (274, 3, 1, 6, True))
    ran = run("blur", "a.tif", "-o", "b.tif", *SIGMA)
    assert "turned, so that its GeoTIFF tags are not kept" in ran.err
    assert set(geo_of("b.tif")) <= {42113}


def test_a_deep_tiff_keeps_its_profile_resolution_and_description() -> None:
    exif = PIL.Image.Exif()
    exif[Base.ImageDescription], exif[Base.Artist] = "Über den Dächern", "Somebody"
    metadata = Metadata(profile_of(b"RGB "), exif.tobytes(), (300.0, 200.0))
    assert write_image("a.tif", pixels_of("uint16", 3), metadata) == ()
    found = read_image("a.tif").metadata
    assert (found.icc_profile, found.dpi) == (metadata.icc_profile, metadata.dpi)
    with tifffile.TiffFile("a.tif") as tiff:
        assert tiff.pages.first.tags[Base.Artist].value == "Somebody"


@pytest.mark.parametrize("big", [False, True])
def test_what_a_deep_tiff_loses_of_its_exif_is_told(big: bool) -> None:
    exif = PIL.Image.Exif()
    exif[Base.Make], exif[IFD.Exif] = "Maker", {Base.ExposureTime: 0.125}
    picture = PIL.Image.fromarray(noise(7, 9, dtype=np.uint16))
    picture.save("a.tif", exif=exif.tobytes(), big_tiff=big)
    told = read_image("a.tif")
    lost = write_image("b.tif", pixels_of("uint16", 3), told.metadata)
    assert "its EXIF on exposure and place is not kept" in (*told.notes, *lost)
