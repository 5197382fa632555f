"""`blurbench blur - -o -`: an image through a pipe, and what no pipe can give or take."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from blurbench.blur import gaussian_blur
from blurbench.image import SUFFIXES, read_image
from helpers.command import Ran, run
from helpers.pictures import noise, save
from helpers.process import COMMAND, PATIENCE, in_terminal, posix, work_in

SIZE = ("--size", "5")
PILLOW = {".jpg": "JPEG", ".png": "PNG", ".tif": "TIFF", ".webp": "WEBP", ".bmp": "BMP"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder with a small image."""
    work_in(tmp_path, monkeypatch)


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """What gives the command its standard input."""
    feed(monkeypatch, Path("photo.png").read_bytes())
    return monkeypatch


def feed(patch: pytest.MonkeyPatch, content: bytes) -> None:
    patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def sent(ran: Ran) -> PIL.Image.Image:
    """The image on standard output."""
    return PIL.Image.open(io.BytesIO(ran.sent))


def is_refused(ran: Ran, *words: str) -> bool:
    """Whether one line says so, with these words, and nothing is on standard output."""
    one_line = ran.err.startswith("Error: ") and ran.err.count("\n") == 1
    return (ran.code, ran.sent, one_line) == (2, b"", True) and all(one in ran.err for one in words)


# What goes through


@pytest.mark.usefixtures("pipe")
def test_an_image_from_stdin_goes_to_stdout_as_from_file_to_file() -> None:
    ran = run("blur", "-", "-o", "-", *SIZE)
    assert (ran.code, ran.err) == (0, "")
    expected = gaussian_blur(read_image("photo.png").pixels, size=5)
    np.testing.assert_array_equal(np.asarray(sent(ran)), expected)


@pytest.mark.usefixtures("pipe")
def test_an_image_from_stdin_goes_to_a_file() -> None:
    assert run("blur", "-", "-o", "soft.tif", *SIZE).code == 0
    expected = gaussian_blur(read_image("photo.png").pixels, size=5)
    np.testing.assert_array_equal(read_image("soft.tif").pixels, expected)


def test_a_file_goes_to_stdout() -> None:
    ran = run("blur", "photo.png", "-o", "-", *SIZE)
    assert (ran.code, sent(ran).size) == (0, (32, 24))


@pytest.mark.parametrize("suffix", PILLOW)
def test_stdout_has_the_type_of_stdin(suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    save(f"a{suffix}", noise(9, 7, 3))
    feed(monkeypatch, Path(f"a{suffix}").read_bytes())
    assert sent(run("blur", "-", "-o", "-", *SIZE)).format == PILLOW[suffix]


def test_the_type_of_a_file_is_that_of_its_content() -> None:
    save("a.png", noise(9, 7, 3))
    Path("a.png").rename("a.jpg")
    assert sent(run("blur", "a.jpg", "-o", "-", *SIZE)).format == "PNG"


@pytest.mark.usefixtures("pipe")
@pytest.mark.parametrize("given", ["tif", ".TIF"])
def test_stdout_has_the_type_that_is_asked_for(given: str) -> None:
    assert sent(run("blur", "-", "-o", "-", *SIZE, "--format", given)).format == "TIFF"


def test_what_was_done_to_the_pixels_is_told_on_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    PIL.Image.new("1", (9, 7)).save("a.png")
    feed(monkeypatch, Path("a.png").read_bytes())
    ran = run("blur", "-", "-o", "-", *SIZE)
    assert ran.err == "Note: stdin: 1 bit a pixel, read as 8-bit grey.\n"
    assert sent(ran).mode == "L"


@pytest.mark.usefixtures("pipe")
def test_a_file_that_is_called_like_the_sign_can_still_be_named() -> None:
    PIL.Image.fromarray(noise(3, 2)).save("-", "PNG")
    assert run("blur", "./-", "-o", "soft.png", *SIZE).code == 0
    assert read_image("soft.png").pixels.shape == (3, 2)


@pytest.mark.usefixtures("pipe")
def test_nothing_is_left_between_the_streams(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "between").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "between"))
    run("blur", "-", "-o", "-", *SIZE)
    assert list((tmp_path / "between").iterdir()) == []


@posix
def test_a_real_pipe_carries_every_byte() -> None:
    line = [*COMMAND, "blur", "-", "-o", "-", *SIZE]
    given = Path("photo.png").read_bytes()
    done = subprocess.run(line, input=given, capture_output=True, timeout=PATIENCE)
    run("blur", "photo.png", "-o", "soft.png", *SIZE)
    assert (done.stdout, done.stderr) == (Path("soft.png").read_bytes(), b"")


# What is refused, in one line, with nothing on stdout


@pytest.mark.rest("processes")
@posix
def test_an_image_is_not_written_to_a_terminal() -> None:
    code, shown = in_terminal("blur", "photo.png", "-o", "-", *SIZE)
    assert code == 2
    assert shown.startswith("Error: output - is stdout, and that is a terminal: ")


def test_an_image_is_not_sent_where_nothing_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "__stdout__", None)
    assert is_refused(run("blur", "photo.png", "-o", "-", *SIZE), "output - ", "is closed")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stdin", [Terminal(), None], ids=["terminal", "closed"])
def test_nobody_waits_for_an_image_that_nothing_sends(
    stdin: io.StringIO | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", stdin)
    assert is_refused(run("blur", "-", "-o", "soft.png", *SIZE), "input - ", "nothing is piped")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "input - is empty"),
        (b"hello", "give --format png"),
        (b"\x89PNG\r\n\x1a\nhello", "image stdin.png"),
    ],
)
def test_what_is_no_image_is_refused(
    content: bytes, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(monkeypatch, content)
    assert is_refused(run("blur", "-", "-o", "-", *SIZE), words)


def test_a_type_that_is_read_and_not_written_has_to_be_changed_in_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    save("a.gif", noise(9, 7))
    feed(monkeypatch, Path("a.gif").read_bytes())
    assert is_refused(run("blur", "-", "-o", "-", *SIZE), "give --format png")


def test_a_type_that_cannot_hold_the_pixels_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    save("a.tif", noise(9, 7).astype(np.float32))
    feed(monkeypatch, Path("a.tif").read_bytes())
    ran = run("blur", "-", "-o", "-", *SIZE, "--format", "png")
    assert is_refused(ran, "output stdout.png cannot hold float32")


@pytest.mark.usefixtures("pipe")
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("- photo.png -o out", "input - is one image, and 2 are given"),
        ("- -o .", "input - has no name to have in folder ."),
        ("- -o new/", "input - has no name to have in folder new/"),
        ("photo.png a.png -o -", "output - is one image, and 2 are given"),
        (". -o -", "output - is one image, and . is a folder"),
        ("- -o - --format xyz", "--format xyz is unknown: use one of "),
        ("photo.png -o a.png --format png", "--format png is for -o -"),
        ("- -o - --memory 1GiB", "--memory and --dask are for one image, not -"),
        ("- -o a.zarr", "output a.zarr has an unknown type"),
        ("missing.png -o -", "image missing.png does not exist"),
    ],
)
def test_what_no_stream_can_be_is_refused(line: str, words: str) -> None:
    assert is_refused(run("blur", *line.split(), *SIZE), words)


def test_a_run_that_reads_its_image_again_takes_none_from_a_stream() -> None:
    assert is_refused(run("compare", "-"), "image - is no file")


def test_every_type_that_is_written_can_be_asked_for() -> None:
    for suffix in SUFFIXES:
        name = suffix.removeprefix(".")
        assert "unknown" not in run("blur", "photo.png", "-o", "-", *SIZE, "--format", name).err
