"""Whatever a user gives that cannot be used is refused in one line, before anything is done.

One table: each line is a command line, what has to be in its way, and the words that the line on
stderr must hold.
"""

from __future__ import annotations

import os
import struct
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from blurbench.cli.main import main

Make = Callable[[pytest.MonkeyPatch], None]


def _nothing(patch: pytest.MonkeyPatch) -> None:
    """Nothing is in the way but the arguments."""


@dataclass(frozen=True)
class Case:
    """A command line that must be refused.

    Attributes:
        name: what is wrong with it.
        line: its arguments; `photo.png` is a good image.
        words: what the message must name, separated by `|`.
        make: puts in the working folder what is to be stumbled over.
    """

    name: str
    line: tuple[str, ...]
    words: str
    make: Make = _nothing


def _on_both(name: str, arguments: str, words: str, make: Make = _nothing) -> list[Case]:
    """The same options, refused by `compare` and by `blur`."""
    given = tuple(arguments.split())
    return [
        Case(f"compare: {name}", ("compare", "photo.png", *given), words, make),
        Case(f"blur: {name}", ("blur", "photo.png", "-o", "soft.png", *given), words, make),
    ]


def _image(name: str, file: str, words: str, make: Make = _nothing) -> list[Case]:
    """An image that neither `compare` nor `blur` can use."""
    return [
        Case(f"compare: {name}", ("compare", file), f"{file}|{words}", make),
        Case(
            f"blur: {name}",
            ("blur", file, "-o", "soft.tif", "--sigma", "1"),
            f"{file}|{words}",
            make,
        ),
    ]


def _compare(name: str, arguments: str, words: str, make: Make = _nothing) -> list[Case]:
    given = tuple("" if part == "''" else part for part in arguments.split())
    return [Case(f"compare: {name}", ("compare", "photo.png", *given), words, make)]


def _blur(name: str, arguments: str, words: str, make: Make = _nothing) -> list[Case]:
    return [Case(f"blur: {name}", ("blur", *arguments.split()), words, make)]


def _folder(name: str) -> Make:
    return lambda patch: Path(name).mkdir()


def _file(name: str, content: bytes = b"") -> Make:
    def make(patch: pytest.MonkeyPatch) -> None:
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(content)

    return make


def _denied(name: str, make: Make) -> Make:
    """What `make` makes, not to be written to: not even by root, whom no permission stops."""

    def deny(patch: pytest.MonkeyPatch) -> None:
        make(patch)
        allowed = os.access
        patch.setattr(
            os, "access", lambda path, mode: Path(path).name != name and allowed(path, mode)
        )

    return deny


def _unreadable(name: str) -> Make:
    """A file that the system does not let be read: not even by root."""

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", name)

    def make(patch: pytest.MonkeyPatch) -> None:
        Path(name).write_bytes(b"")
        patch.setattr("blurbench.image.read.open", refuse, raising=False)

    return make


def _cut(name: str) -> Make:
    """An image file of which the second half is missing."""

    def make(patch: pytest.MonkeyPatch) -> None:
        noise = np.random.default_rng(1).integers(0, 256, (40, 50, 3), dtype=np.uint8)
        PIL.Image.fromarray(noise).save(name)
        whole = Path(name).read_bytes()
        Path(name).write_bytes(whole[: len(whole) // 2])

    return make


def _float_tiff(name: str, value: float) -> Make:
    def make(patch: pytest.MonkeyPatch) -> None:
        pixels = np.full((5, 6), 0.5, np.float32)
        pixels[2, 3] = value
        PIL.Image.fromarray(pixels).save(name)

    return make


def _png(name: str, width: int, height: int) -> Make:
    """A PNG header that claims a size, followed by no pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b""))
    return _file(name, b"\x89PNG\r\n\x1a\n" + header + pixels + chunk(b"IEND", b""))


def _little_memory(make: Make) -> Make:
    def shrink(patch: pytest.MonkeyPatch) -> None:
        make(patch)
        patch.setattr("blurbench.host.available_memory", lambda: 2**20)

    return shrink


CASES = [
    # The image.
    *_image("missing file", "missing.png", "does not exist"),
    *_image("folder", "pictures", "is a folder", _folder("pictures")),
    *_image("address", "https://example.com/x.png", "is an address: download it"),
    *_image("unreadable file", "u.png", "may not be read: change", _unreadable("u.png")),
    *(
        _image("pipe", "pipe.png", "is a pipe", lambda patch: os.mkfifo("pipe.png"))
        if hasattr(os, "mkfifo")
        else ()
    ),
    *_image("empty file", "empty.png", "image", _file("empty.png")),
    *_image("text renamed", "text.png", "image", _file("text.png", b"hello\n")),
    *_image("truncated JPEG", "cut.jpg", "truncated", _cut("cut.jpg")),
    *_image("truncated PNG", "cut.png", "truncated", _cut("cut.png")),
    *_image("no pixels", "none.png", "image", _png("none.png", 0, 5)),
    *_image("NaN pixels", "nan.tif", "NaN|replace", _float_tiff("nan.tif", np.nan)),
    *_image("infinite pixels", "inf.tif", "infinite|replace", _float_tiff("inf.tif", np.inf)),
    *(
        Case(
            f"{command}: a huge no-data value",
            (command, "dem.tif"),
            "dem.tif|-3.4028234663852886e+38|--nodata",
            _float_tiff("dem.tif", float(np.finfo(np.float32).min)),
        )
        for command in ("compare", "sweep", "crossover")
    ),
    *_image(
        "more than the memory",
        "vast.png",
        "60000x60000|GiB|free",
        _little_memory(_png("vast.png", 60000, 60000)),
    ),
    *_compare(
        "resized beyond the memory",
        "--resize 3000x2000",
        "3000x2000",
        _little_memory(_nothing),
    ),
    # The kernel.
    *_on_both("even size", "--size 4", "size 4|3 or 5"),
    *_on_both("size 0", "--size 0", "size 0|odd"),
    *_on_both("negative size", "--size -3", "size -3|odd"),
    *_on_both("fractional size", "--size 2.5", "--size|2.5|whole number"),
    *_on_both("size in words", "--size three", "--size|three|whole number"),
    *_on_both("size beyond the largest", "--size 99999999999", "99999999999|largest"),
    *_on_both("sigma 0", "--sigma 0", "sigma 0|above 0"),
    *_on_both("negative sigma", "--sigma -1", "sigma -1|above 0"),
    *_on_both("sigma NaN", "--sigma nan", "sigma nan|finite"),
    *_on_both("sigma infinite", "--sigma inf", "sigma inf|finite"),
    *_on_both("sigma in words", "--sigma wide", "--sigma|wide|number"),
    *_on_both("sigma beyond the largest", "--sigma 1e300", "1e+300|largest"),
    *_on_both("bad sigma beside a size", "--size 5 --sigma 0", "sigma 0|above 0"),
    *_blur("no kernel", "photo.png -o soft.png", "size|sigma"),
    # Names.
    *_on_both("unknown backend", "--sigma 1 --backend opengl", "opengl|numpy|scipy|cupy|cupyx"),
    *_on_both("unknown method", "--sigma 1 --method magic", "magic|direct|separable|fft"),
    *_compare("unknown name among known", "--method fft,magic", "magic|direct|separable|fft"),
    *_compare("unknown backend among known", "--backend numpy,opengl", "opengl|numpy|scipy"),
    *_on_both(
        "unknown border",
        "--sigma 1 --border torus",
        "torus|reflect|mirror|nearest|wrap|constant",
    ),
    *_on_both("border value NaN", "--sigma 1 --border constant --cval nan", "nan|finite"),
    *_blur(
        "border value beyond the arithmetic",
        "photo.png -o soft.png --sigma 2 --method fft --border constant --cval 1e12",
        "border value 1000000000000.0|uint8|16777216",
    ),
    *_compare(
        "border value beyond the arithmetic",
        "--border constant --cval 1e300",
        "border value 1e+300|float32|3.4028235e+38",
    ),
    *_on_both("border value in words", "--sigma 1 --border constant --cval dark", "--cval|dark"),
    *_compare("unknown dtype", "--dtype int8", "int8|uint8|uint16|float32|float64"),
    *_compare("unknown cache", "--cache warm", "warm|hot|cold"),
    *_compare(
        "dtype that cannot hold the image",
        "--dtype uint8",
        "uint8|uint16|float32",
        lambda patch: PIL.Image.fromarray(np.zeros((5, 6), np.uint16)).save("photo.png"),
    ),
    # Numbers.
    *_compare("budget 0", "--budget 0", "--budget 0|1"),
    *_compare("negative budget", "--budget -5", "--budget -5|1"),
    *_compare("budget NaN", "--budget nan", "--budget nan|1"),
    *_compare("budget infinite", "--budget inf", "--budget inf"),
    *_compare("budget in words", "--budget soon", "--budget|soon"),
    *_compare("no threads", "--threads 0", "--threads 0|1"),
    *_compare("negative threads", "--threads -2", "--threads -2|1"),
    *_compare("threads beyond any machine", "--threads 99999999999999999999", "threads|999"),
    *_compare("threads in words", "--threads all", "--threads|all"),
    *_compare("no rounds", "--rounds 0", "--rounds 0|1"),
    *_compare("fractional rounds", "--rounds 1.5", "--rounds|1.5"),
    *_compare("negative sameness", "--same -1%", "--same -1%|0"),
    *_compare("negative seed", "--seed -1", "--seed -1|0"),
    *_compare("negative device", "--device -1", "--device -1|0"),
    # Extents.
    *_compare("crop larger than the image", "--crop 9x5", "9x5|8x6"),
    *_compare("crop in one number", "--crop 4", "--crop|4|1920x1080"),
    *_compare("crop in words", "--crop half", "--crop|half|1920x1080"),
    *_compare("crop of no width", "--crop 0x4", "--crop|0x4"),
    *_compare("negative crop", "--crop -4x4", "--crop|-4x4"),
    *_compare("fractional crop", "--crop 3.5x4", "--crop|3.5x4"),
    *_compare("crop in superscript", "--crop ²x3", "--crop|²x3"),
    *_compare("malformed resize", "--resize 4x", "--resize|4x"),
    # Places to write to.
    *(
        case
        for option in ("--csv", "--json", "--markdown")
        for case in (
            *_compare(
                f"{option} into a missing folder", f"{option} nowhere/x", f"{option}|nowhere"
            ),
            *_compare(
                f"{option} onto a folder", f"{option} taken", f"{option}|taken", _folder("taken")
            ),
            *_compare(
                f"{option} onto an unwritable file",
                f"{option} kept.txt",
                f"{option}|kept.txt",
                _denied("kept.txt", _file("kept.txt", b"old")),
            ),
            *_compare(
                f"{option} into an unwritable folder",
                f"{option} closed/x",
                f"{option}|closed",
                _denied("closed", _folder("closed")),
            ),
        )
    ),
    *_compare("two exports to stdout", "--csv - --json -", "--csv|--json|stdout"),
    *_compare("--out onto a file", "--out taken", "taken|file", _file("taken")),
    *_compare("--out onto a run", "--out run", "run|already", _file("run/run.json", b"{}")),
    *_compare(
        "--out into an unwritable folder",
        "--out closed/run",
        "closed",
        _denied("closed", _folder("closed")),
    ),
    *_compare("--out with no name", "--out ''", "--out"),
    *_compare("--save onto a file", "--save taken", "--save|taken|file", _file("taken")),
    *_compare("--save with no name", "--save ''", "--save"),
    *_blur("no output", "photo.png --sigma 1", "blur needs -o"),
    *_blur("output of no type", "photo.png -o soft --sigma 1", "soft|.png|.tif"),
    *_blur("output of unknown type", "photo.png -o soft.xyz --sigma 1", "soft.xyz|.png|.tif"),
    *_blur("output in a missing folder", "photo.png -o nowhere/x.png --sigma 1", "nowhere"),
    *_blur(
        "output onto a folder",
        "photo.png -o taken.png --sigma 1",
        "taken.png",
        _folder("taken.png"),
    ),
    *_blur(
        "output in an unwritable folder",
        "photo.png -o closed/x.png --sigma 1",
        "closed",
        _denied("closed", _folder("closed")),
    ),
    *_blur(
        "output that cannot hold the pixels",
        "photo.png -o soft.jpg --sigma 1",
        "soft.jpg|uint16|.png|.tif",
        lambda patch: PIL.Image.fromarray(np.zeros((5, 6), np.uint16)).save("photo.png"),
    ),
    *_blur(
        "output that cannot hold opacity",
        "photo.png -o soft.bmp --sigma 1",
        "soft.bmp|alpha|.png|.webp",
        lambda patch: PIL.Image.new("RGBA", (6, 5)).save("photo.png"),
    ),
    # The command line itself.
    *_compare("unknown option", "--sise 3", "--sise"),
    *_compare("option without its value", "--size", "--size"),
    *_compare("two images", "other.png", "other.png"),
    Case("crossover: two images", ("crossover", "a.png", "b.png"), "one image|a.png and b.png"),
    Case("unknown command", ("sharpen", "photo.png"), "sharpen"),
    Case("verify: unknown backend", ("verify", "--backend", "opengl"), "opengl|numpy|scipy"),
    Case("verify: unknown method", ("verify", "--method", "magic"), "magic|direct|separable"),
]


def _listing(folder: Path) -> dict[str, bytes | None]:
    """Every path below the folder, with the content of the files."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def _must_not_run(*_: object, **__: object) -> None:
    pytest.fail("the work began before the input was refused")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input_is_refused_in_one_line_before_anything_is_done(
    case: Case,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    PIL.Image.fromarray(np.arange(48, dtype=np.uint8).reshape(6, 8)).save("photo.png")
    case.make(monkeypatch)
    monkeypatch.setattr("blurbench.study.run.measure_here", _must_not_run)
    monkeypatch.setattr("blurbench.study.verify.verify", _must_not_run)
    monkeypatch.setattr("blurbench.folders.batch.blur_file_pixels", _must_not_run)
    monkeypatch.setattr(sys, "argv", ["blurbench", *case.line])
    before = _listing(tmp_path)

    with pytest.raises(SystemExit) as stopped:
        main()

    out, err = capsys.readouterr()
    assert (stopped.value.code, out, err.count("\n")) == (2, "", 1), err
    assert err.startswith("Error: ")
    assert err.endswith("\n")
    assert [word for word in case.words.split("|") if word not in err] == [], err
    assert "Traceback" not in err
    assert "Usage:" not in err
    assert _listing(tmp_path) == before
