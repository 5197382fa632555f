"""What a default comparison leaves on a terminal of 80 columns, with the answer last.

Planted backends come in as a stranger's would, and their clock is simulated.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

import blurbench
from blurbench.cli.main import main
from blurbench.measure.stats import Estimate
from blurbench.report.compare import WORDS
from blurbench.report.units import either, ratio
from helpers.pictures import save
from helpers.planted import SMALL, add_half, backend_of, failing_after, planted, raising, then
from helpers.process import plain
from helpers.simulated import Clock, FakeDevice, gpu_of

COLUMNS, LINES, ROWS = 80, 24, 12
METHODS = [f"method{number:02}" for number in range(20)]


class Screen(io.StringIO):
    """A terminal, for stdout."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class Beside(io.StringIO):
    """Stderr: it writes to the same screen, and shows no progress."""

    encoding = "utf-8"

    def __init__(self, screen: Screen) -> None:
        super().__init__()
        self._screen = screen

    def write(self, text: str) -> int:
        return self._screen.write(text)


def compare(*arguments: str, backend: str = "fake") -> tuple[int, list[str]]:
    """Compare; the exit code, and the lines on the screen."""
    command = ["blurbench", "compare", "small.png", "--backend", backend, "--threads", "1"]
    screen = Screen()
    with (
        mock.patch.object(sys, "argv", [*command, "--seed", "1", *arguments]),
        mock.patch.object(sys, "stdout", screen),
        mock.patch.object(sys, "stderr", Beside(screen)),
        pytest.raises(SystemExit) as stopped,
    ):
        main()
    code = stopped.value.code or 0
    assert isinstance(code, int)
    return code, plain(screen.getvalue()).splitlines()


def lines_of(*arguments: str, backend: str = "fake") -> list[str]:
    return compare(*arguments, backend=backend)[1]


def table(lines: list[str]) -> list[str]:
    """The rows of the first table."""
    start = next(n for n, line in enumerate(lines) if line.startswith("implementation "))
    return [line for line in lines[start + 1 : lines.index("", start)] if ":" in line]


def row(lines: list[str], name: str) -> str:
    return next(line for line in table(lines) if line.startswith(f"fake:{name} "))


def verdict(line: str) -> str:
    """What follows the error, which is the last figure."""
    return re.split(r"e-\d\d +| - +", line)[-1].strip()


def answer(lines: list[str]) -> list[str]:
    """All below the last empty line."""
    last = max(n for n, line in enumerate(lines) if not line)
    return lines[last + 1 :]


def words(lines: list[str]) -> str:
    """The lines as one, whose words are one blank apart."""
    return " ".join(" ".join(lines).split())


def below(lines: list[str]) -> str:
    """What stands between the first table and the answer."""
    after = lines[lines.index(table(lines)[-1]) :]
    return " ".join(after[: len(after) - len(answer(lines))])


def explained(lines: list[str]) -> set[str]:
    """The verdicts that are explained."""
    text = below(lines)
    return {word for word in WORDS if re.search(rf"[.;,] {word}(, [a-z, ]+)?: ", text)}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder with a small image, and a terminal of the usual width."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr("blurbench.study.run.find_risks", lambda *_, **__: [])
    save("small.png", SMALL.pixels)


@pytest.fixture
def many(plant, clock: Clock) -> None:
    """Twenty, of which each takes half as long again as the one before."""
    plant(
        backend_of(
            *(
                planted(name, clock.takes(0.002 * 1.5**number))
                for number, name in enumerate(METHODS)
            )
        )
    )


# How much there is.


@pytest.mark.usefixtures("many")
def test_at_most_twelve_rows_are_shown() -> None:
    assert 3 <= len(table(lines_of())) <= ROWS


@pytest.mark.usefixtures("many")
def test_all_of_it_fits_on_a_screen() -> None:
    assert len(lines_of()) <= LINES


def test_the_ranking_on_a_gpu_fits_on_it_too(plant, clock: Clock, device: FakeDevice) -> None:
    host = [planted(name, clock.takes(0.002 * 1.3**n)) for n, name in enumerate(METHODS[:9])]
    times = {"separable": 0.001, "fft": 0.004, "direct": 0.02, "box": 0.002, "dct": 0.003}
    there = {name: device.takes(seconds) for name, seconds in times.items()}
    plant(backend_of(*host), gpu_of(device, **there))
    assert len(lines_of(backend="fake,gpu")) <= LINES


@pytest.mark.usefixtures("many")
def test_one_line_says_how_many_rows_are_left_out_and_how_to_see_them() -> None:
    lines = lines_of()
    left = len(METHODS) - len(table(lines))
    told = [line for line in lines if line.startswith("... and ")]
    assert len(told) == 1
    assert re.fullmatch(rf"\.\.\. and {left} rows, .*x and more \(--all shows all\)", told[0])


@pytest.mark.usefixtures("many")
def test_all_shows_all_and_leaves_nothing_out() -> None:
    lines = lines_of("--all")
    assert len(table(lines)) == len(METHODS)
    assert not [line for line in lines if line.startswith("... and ")]


@pytest.mark.usefixtures("many")
def test_no_line_is_wider_than_the_terminal() -> None:
    assert [line for line in lines_of() if len(line) > COLUMNS] == []


@pytest.mark.usefixtures("many")
def test_no_line_of_the_table_ends_in_blanks() -> None:
    assert [line for line in table(lines_of("--all")) if line != line.rstrip()] == []


@pytest.mark.parametrize("status", ["wrong", "failed"])
def test_a_bad_row_is_shown_however_many_are_better(plant, clock: Clock, status: str) -> None:
    good = [planted(name, clock.takes(0.002 * 1.5**n)) for n, name in enumerate(METHODS)]
    spoil = {
        "wrong": then(clock.takes(0.5), add_half),
        "failed": raising(RuntimeError("worn out")),
    }
    plant(backend_of(*good, planted("bad", spoil[status])))
    lines = lines_of()
    assert row(lines, "bad").endswith(status)
    assert len(table(lines)) <= ROWS


def test_the_rows_that_the_answer_speaks_of_are_shown_however_many_are_better(
    plant, clock: Clock
) -> None:
    better = [planted(f"one{number}", clock.takes(0.002 * 1.05**number)) for number in range(20)]
    plant(backend_of(*better, *(planted(name, clock.takes(0.01)) for name in ("separable", "fft"))))
    lines = lines_of("--budget", "20")
    assert "its best, fake:fft, takes " in words(answer(lines))
    assert row(lines, "separable")
    assert row(lines, "fft")
    assert len(table(lines)) <= ROWS


def test_rows_that_are_out_for_one_reason_share_a_line(plant, clock: Clock) -> None:
    bad = [planted(name, then(clock.takes(seconds), add_half)) for name, seconds in SLOW]
    plant(backend_of(planted("good", clock.takes(0.002)), *bad))
    told = [line for line in lines_of() if "its error" in line]
    assert len(told) == 1
    assert told[0].startswith("fake:one, fake:two: ")


# The question.


def test_the_header_says_the_type_of_the_file_and_the_one_that_is_timed(
    plant, clock: Clock
) -> None:
    plant(backend_of(planted("one", clock.takes(0.002))))
    assert lines_of()[0].startswith("small.png: 16x16 uint8 timed as float32, ")


def test_the_header_says_one_type_where_both_are_the_same(plant, clock: Clock) -> None:
    plant(backend_of(planted("one", clock.takes(0.002))))
    assert lines_of("--dtype", "uint8")[0].startswith("small.png: 16x16 uint8, ")


def test_warnings_come_before_the_table(
    plant, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blurbench.study.run.find_risks", lambda *_, **__: ["it is hot"])
    plant(backend_of(planted("one", clock.takes(0.002))))
    lines = lines_of()
    assert lines.index("Warning: it is hot.") < lines.index(table(lines)[0])


# Verdicts.

SLOW = (("one", 0.004), ("two", 0.006))
STEADY = 0.002  # of noise
TIMES = {
    "fastest": {"one": (0.002, 0.01), "two": (0.004, 0.01)},
    "fastest here": {"one": (0.002, STEADY), "two": (0.00206, STEADY)},
    "likely fastest": {"one": (0.002, 0.3), "two": (0.0021, 0.3)},
    "tied": {"one": (0.002, STEADY), "two": (0.002, STEADY)},
    "far": {"one": (0.002, 0.01), "two": (40.0, 0.01)},
}


def plant_times(plant: Callable[..., None], clock: Clock, kind: str) -> None:
    plant(
        backend_of(
            *(planted(name, clock.takes(*takes)) for name, takes in TIMES[kind].items()),
        )
    )


@pytest.mark.parametrize("kind", ["fastest", "fastest here", "likely fastest", "tied"])
def test_the_first_row_claims_what_is_proven(plant, clock: Clock, kind: str) -> None:
    plant_times(plant, clock, kind)
    first = table(lines_of("--budget", "10"))[0]
    assert verdict(first) == kind


def test_what_is_only_predicted_and_far_is_called_far_slower(plant, clock: Clock) -> None:
    plant_times(plant, clock, "far")
    line = row(lines_of("--budget", "20"), "two")
    assert re.search(r" about \d+", line)
    assert line.endswith("far slower")


def test_what_ran_once_and_is_far_is_called_far_slower(plant, clock: Clock) -> None:
    plant(backend_of(planted("one", clock.takes(0.002)), planted("two", clock.takes(3.0))))
    assert row(lines_of("--budget", "20"), "two").endswith("far slower")


@pytest.mark.parametrize("kind", TIMES)
def test_the_verdicts_that_occur_are_explained_and_no_others(
    plant, clock: Clock, kind: str
) -> None:
    plant_times(plant, clock, kind)
    lines = lines_of("--budget", "20")
    assert explained(lines) == {verdict(line) for line in table(lines)}


@pytest.mark.parametrize("kind", TIMES)
def test_nothing_is_called_undecided_or_withheld(plant, clock: Clock, kind: str) -> None:
    plant_times(plant, clock, kind)
    text = "\n".join(lines_of("--budget", "20"))
    assert not re.search("undecided|withheld", text)


# The answer.


def test_the_answer_begins_with_a_sentence_that_names_the_winner(plant, clock: Clock) -> None:
    plant_times(plant, clock, "fastest")
    sentence = words(answer(lines_of()))
    assert re.match(r"fake:one ran 2\.0\dx \(1.* to .*\) faster than fake:two, ", sentence)


def test_the_call_gives_back_the_type_of_the_file() -> None:
    call = calls(lines_of("--rounds", "1", "--budget", "20", "--size", "5", backend="numpy"))[0]
    img = SMALL.pixels
    soft = eval(call, {"blurbench": blurbench, "img": img})
    assert call.startswith("blurbench.gaussian_blur(img, ")
    np.testing.assert_array_equal(soft, blurbench.gaussian_blur(img, size=5), strict=True)


def calls(lines: list[str]) -> list[str]:
    return [line.strip() for line in answer(lines) if line.startswith("  ")]


LIBRARIES = {"opencv": "cv2", "scipy": "scipy", "skimage": "skimage.filters"}


@pytest.mark.parametrize("channels", [(), (3,)], ids=["grey", "colour"])
@pytest.mark.parametrize("backend", LIBRARIES)
def test_the_call_of_the_best_library_is_the_same_blur(
    backend: str, channels: tuple[int, ...]
) -> None:
    module = pytest.importorskip(
        LIBRARIES[backend], reason=f"{backend} is missing: pip install '.[peers]'"
    )
    img = np.random.default_rng(1).integers(0, 256, (40, 30, *channels), dtype=np.uint8)
    save("small.png", img)
    lines = lines_of(
        *("--method", "separable", "--rounds", "1", "--budget", "20", "--size", "5"),
        backend=backend,
    )
    call = calls(lines)[1]
    own = call.partition(".")[0]
    soft = eval(call, {own: sys.modules[own], "img": img.astype("float32"), "_": module})
    expected = blurbench.gaussian_blur(img, size=5, dtype="float32")
    np.testing.assert_allclose(soft, expected, rtol=0, atol=2e-4)


def test_no_library_is_named_where_none_is_near(plant, clock: Clock) -> None:
    plant_times(plant, clock, "fastest")
    assert len(calls(lines_of())) == 1


@pytest.mark.parametrize(
    ("fft", "says"),
    [
        (0.004, "FFT does not pay at 15x15: its best, fake:fft, takes 2.0"),
        (0.001, "FFT pays at 15x15: its best, fake:fft, takes 0.5"),
        (0.002, "at 15x15, not proven: its best, fake:fft, takes "),
    ],
    ids=["slower", "faster", "equal"],
)
def test_the_answer_says_whether_fft_pays(plant, clock: Clock, fft: float, says: str) -> None:
    plant(backend_of(planted("separable", clock.takes(0.002)), planted("fft", clock.takes(fft))))
    assert says in words(answer(lines_of()))


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Estimate(0.5, None, None), "pays, not proven"),
        (Estimate(8.9, None, None), "pays not, not proven"),
        (Estimate(9.1, None, None), "pays not"),
        (Estimate(0.5, 0.4, 1.1), "pays, not proven"),
        (Estimate(0.5, 0.4, 0.6), "pays"),
    ],
)
def test_what_few_runs_say_is_not_proven_unless_it_is_far(found: Estimate, said: str) -> None:
    assert either(found, "pays not", "pays") == said


def test_an_interval_whose_ends_are_worlds_apart_is_not_shown() -> None:
    assert ratio(10.9, 1.59e-11, 5.31e12) == "10.9x"
    assert ratio(9.79, 1.42, 67.4) == "9.79x [1.42, 67.4]"


def test_the_answer_holds_the_best_on_the_cpu_against_the_best_on_the_gpu(
    plant, clock: Clock, device: FakeDevice
) -> None:
    plant(
        backend_of(planted("host", clock.takes(0.010)), planted("slow", clock.takes(0.020))),
        gpu_of(device, quick=device.takes(0.002), slow=device.takes(0.004)),
    )
    text = words(answer(lines_of("--budget", "60", backend="fake,gpu")))
    assert re.search(r"GPU pays end to end: gpu:quick takes 0\.[45]\d*x fake:host's time\.", text)
    assert re.search(
        r"With the data there gpu:quick takes 0\.(2|19)\d*x, paying from the first blur on\.", text
    )


def test_the_device_of_a_gpu_is_named_above_the_table(
    plant, clock: Clock, device: FakeDevice
) -> None:
    plant(backend_of(planted("host", clock.takes(0.01))), gpu_of(device, quick=device.takes(0.002)))
    lines = lines_of("--budget", "60", backend="fake,gpu")
    place = lines.index("Device of gpu: a fake")
    assert lines[place + 1] == ""
    assert lines[place + 2].startswith("implementation ")


def test_a_gpu_that_loses_on_the_way_there_is_told_not_to_pay(
    plant, clock: Clock, device: FakeDevice
) -> None:
    plant(
        backend_of(planted("host", clock.takes(0.003))),
        gpu_of(device, quick=device.takes(0.002)),
    )
    text = words(answer(lines_of("--budget", "60", backend="fake,gpu")))
    assert "GPU does not pay end to end: gpu:quick takes " in text


def test_software_that_stands_in_for_a_gpu_is_marked_and_told_nothing_of_a_gpu(
    plant, clock: Clock, device: FakeDevice
) -> None:
    device.software = True
    plant(
        backend_of(planted("host", clock.takes(0.010))),
        gpu_of(device, quick=device.takes(0.002)),
    )
    lines = lines_of("--budget", "60", backend="fake,gpu")
    assert "gpu:quick (software)" in words(table(lines))
    assert verdict(table(lines)[-1]) == "software"
    assert "GPU" not in words(answer(lines))
    assert "data there" not in words(answer(lines))


# Interruptions.


@pytest.mark.parametrize(
    ("seconds", "calls_until_then", "status"),
    [(0.05, 4, "interrupted"), (0.0025, 50, "unclear"), (0.0025, 110, "unclear")],
    ids=["while the dear are prepared", "in the pilot", "in the race"],
)
def test_what_is_known_is_shown_after_an_interruption(
    plant, clock: Clock, seconds: float, calls_until_then: int, status: str
) -> None:
    stopping = failing_after(calls_until_then, clock.takes(seconds), KeyboardInterrupt())
    plant(backend_of(planted("one", clock.takes(0.002)), planted("two", stopping)))
    code, lines = compare("--budget", "10")
    assert code == 130
    assert verdict(row(lines, "two")) == status
    first = row(lines, "one")
    assert re.search(r" (1\.9|2\.0)\d ms .*likely fastest$", first)
