"""What people type: words of other libraries, what is forgotten, and what the help pages say."""

from __future__ import annotations

import io
import re
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from blurbench.backends.registry import backends, find_backends, known_methods
from blurbench.border import BORDERS, check_border
from blurbench.cli.main import cli, main
from blurbench.errors import InputError
from blurbench.kernel import GaussianKernel
from blurbench.names import DTYPES
from blurbench.report import progress
from blurbench.study.options import Options, chosen
from blurbench.study.session import Session
from blurbench.synonyms import BACKEND, BORDER, DTYPE, METHOD
from helpers.command import BRIEF, ONE, QUICK, Ran, deny_gpu, measure_briefly, run
from helpers.pictures import noise, save
from helpers.process import HIDE_CURSOR

BRIEFLY = ("--budget", "20", "--rounds", "1", *ONE)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder with a colour image, and no GPU."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)
    deny_gpu(monkeypatch)
    measure_briefly(monkeypatch)
    save("photo.png", noise(24, 32, 3))


def notes(ran: Ran) -> list[str]:
    return [line for line in ran.err.splitlines() if line.startswith("Note: ")]


# Words of other libraries.

WORDS = [
    *((BORDER, BORDERS, word, "nearest") for word in ("edge", "replicate", "BORDER_REPLICATE")),
    *((BORDER, BORDERS, word, "reflect") for word in ("symmetric", "Reflect", "grid-mirror")),
    *((BORDER, BORDERS, word, "mirror") for word in ("reflect101", "cv2.BORDER_REFLECT_101")),
    *((BORDER, BORDERS, word, "wrap") for word in ("circular", "periodic", "WRAP")),
    *((BORDER, BORDERS, word, "constant") for word in ("zero", "zeros", "black")),
    *((METHOD, known_methods(), word, "fft") for word in ("FFT", "fourier", "DFT")),
    *((METHOD, known_methods(), word, "direct") for word in ("2D", "dense")),
    *((METHOD, known_methods(), word, "separable") for word in ("1d", "sep")),
    (METHOD, known_methods(), "Extended-Box", "extended_box"),
    *((BACKEND, backends(), word, "opencv") for word in ("cv2", "OpenCV")),
    *((BACKEND, backends(), word, "skimage") for word in ("scikit-image", "sk-image")),
    *((BACKEND, backends(), word, "pyvips") for word in ("vips", "libvips")),
    (BACKEND, backends(), "PIL", "pillow"),
    (BACKEND, backends(), "pytorch", "torch"),
    *((DTYPE, DTYPES, word, "float64") for word in ("double", "FP64")),
    (DTYPE, DTYPES, "half", "float16"),
]


@pytest.mark.parametrize(
    ("vocabulary", "known", "word", "name"), WORDS, ids=[f"{one[0].what}-{one[2]}" for one in WORDS]
)
def test_a_word_of_another_library_is_understood(
    vocabulary: Any, known: Any, word: str, name: str
) -> None:
    assert vocabulary.find(word, known) == name


@pytest.mark.parametrize("vocabulary", [BORDER, METHOD, BACKEND, DTYPE], ids=lambda one: one.what)
def test_every_word_stands_for_something_that_there_is(vocabulary: Any) -> None:
    known = {"border": BORDERS, "method": known_methods(), "backend": backends(), "dtype": DTYPES}
    assert set(vocabulary.elsewhere.values()) <= set(known[vocabulary.what])


def test_python_code_is_told_the_right_word() -> None:
    with pytest.raises(InputError, match=r"'edge' is unknown.*; it is called nearest here"):
        check_border("edge")


def test_a_kind_names_all_of_it() -> None:
    kinds = [{one.kind for one in find_backends([kind])} for kind in ("cpu", "gpu")]
    assert kinds == [{"cpu"}, {"gpu"}]
    assert {one.name for one in find_backends(["cpu", "gpu", "scipy"])} == set(backends())


def test_a_kind_brings_no_approximation_along() -> None:
    assert all(one.exact for _, one in chosen(Options(backends=("cpu",))))


def test_a_kind_does_not_name_software_that_stands_in_for_a_gpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    soft = replace(backends()["scipy"].probe(), software=True)
    monkeypatch.setitem(backends(), "wgpu", replace(backends()["wgpu"], probe=lambda: soft))
    assert "software" in Session(Options(backends=("gpu",))).unavailable["wgpu"]


def test_the_backends_of_a_kind_are_compared() -> None:
    ran = run("compare", "photo.png", *BRIEF, "--backend", "CPU", "--method", "2D")
    rows = re.findall(r"^(\w+:\w+) +\d", ran.out, re.MULTILINE)
    assert (ran.code, sorted(rows)) == (0, ["numpy:direct", "scipy:direct"])


def test_a_kind_of_which_nothing_can_run_exits_with_3() -> None:
    ran = run("compare", "photo.png", *BRIEF, "--backend", "gpu")
    assert ran.code == 3
    assert "cupy: no NVIDIA driver" in ran.err


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (("--border", "edge"), ("--border", "nearest")),
        (("--border", "zero"), ("--border", "constant")),
        (("--method", "FFT"), ("--method", "fft")),
        (("--backend", "ndimage"), ("--backend", "scipy")),
    ],
)
def test_blur_takes_the_word_for_the_name(given: tuple[str, ...], named: tuple[str, ...]) -> None:
    for file, how in (("one.png", given), ("two.png", named)):
        assert run("blur", "photo.png", "-o", file, "--size", "9", *how).code == 0
    assert Path("one.png").read_bytes() == Path("two.png").read_bytes()


# One word for two borders.


@pytest.mark.parametrize(
    ("border", "words"),
    [
        ("reflect", "NumPy's and PyTorch's reflect is mirror here"),
        ("mirror", "libvips' and ImageMagick's is reflect here"),
        ("symmetric", "symmetric is called reflect here"),
        ("Replicate", "Replicate is called nearest here"),
    ],
)
def test_a_typed_border_that_others_call_so_is_explained(border: str, words: str) -> None:
    (note,) = notes(run("blur", "photo.png", "-o", "a.png", "--sigma", "1", "--border", border))
    assert words in note


def test_a_border_of_one_meaning_needs_no_word() -> None:
    assert notes(run("blur", "photo.png", "-o", "a.png", "--sigma", "1", "--border", "wrap")) == []


def test_the_border_of_the_default_needs_no_word() -> None:
    assert notes(run("compare", "photo.png", "--size", "5", *BRIEFLY)) == []


def test_a_comparison_explains_the_border_that_was_typed() -> None:
    ran = run("compare", "photo.png", "--size", "5", *BRIEFLY, "--border", "edge")
    assert (ran.code, notes(ran)) == (0, ["Note: border edge is called nearest here."])


def test_quiet_leaves_the_explanation_out() -> None:
    ran = run("compare", "photo.png", *QUICK, "--border", "edge", "--quiet")
    assert (ran.code, notes(ran)) == (0, [])


@pytest.mark.parametrize("size", ["9x9", "9X9"])
def test_a_size_may_be_given_as_a_square(size: str) -> None:
    for file, how in (("one.png", size), ("two.png", "9")):
        assert run("blur", "photo.png", "-o", file, "--size", how).code == 0
    assert Path("one.png").read_bytes() == Path("two.png").read_bytes()


# What cannot be meant.

REFUSED = [
    ("photo.png", "did you mean: blurbench compare photo.png"),
    ("photo.png --size 31", "did you mean: blurbench compare photo.png --size 31"),
    ("missing.png", "did you mean: blurbench compare missing.png"),
    ("comapre photo.png", "did you mean compare?"),
    ("Compare photo.png", "did you mean compare?"),
    ("sharpen", "use one of compare, sweep, crossover"),
    ("--size 31 photo.png", "write the command first, as in blurbench compare --size"),
    ("compare photo.png --method separable fft", "as in --method separable,fft"),
    ("compare photo.png --method separable, fft", "as in --method separable,fft"),
    ("compare photo.png --backend numpy cv2", "as in --backend numpy,cv2"),
    ("verify --method separable fft", "as in --method separable,fft"),
    ("accuracy --sigma 1 5", "as in --sigma 1,5"),
    ("sweep photo.png --sizes 3 5", "as in --sizes 3,5"),
    ("sweep photo.png --dtype uint8 float32", "as in --dtype uint8,float32"),
    ("compare --csv --budget 3", "--csv has no value: --budget is an option"),
    ("compare photo.png --out -q", "--out has no value: -q is an option"),
    ("compare photo.png --size 15x9", "--size 15x9 is not square: give one number"),
    ("compare photo.png --sizes 49", "sweep and crossover have it; did you mean --size?"),
    ("sweep photo.png --size 15", "did you mean --sizes?"),
    ("compare photo.png --xylophone", "see blurbench compare --help"),
    ("sweep --image-sizes 512:2048:512", "--image-sizes '512:2048:512' is not usable"),
    ("inspect --sigma 2 --shape 1080x1920", "give --image-size 1920x1080"),
    ("tune --explain --shape 1080x1920x3", "give --image-size 1920x1080x3"),
    ("compare photo.png --border repeat", "outermost pixel is nearest, the whole image wrap"),
    ("compare photo.png --border zero --cval 5", "border zero says 0 and cval 5"),
    ("compare photo.png --dtype float", "float32 in C, and float64 in Python"),
    ("compare photo.png --method iir", "deriche and vyv"),
    ("compare photo.png --dtype uint8,float32", "sweep takes more"),
    ("crossover photo.png --threads 1,2", "sweep takes more"),
    ("crossover photo.png --method fft", "name two methods of a backend"),
    ("show", "show needs DIR...: see blurbench show --help"),
    ("plot run", "plot needs -o: write -o PATH"),
    ("blur photo.png --sigma 1", "blur needs -o: write -o OUT"),
    ("compare photo.png --size 9,15", "--size 9,15 is several: give one; sweep --sizes takes more"),
    ("compare photo.png --budget 5s", "--budget '5s' is not usable: give a number, as in 2.5"),
    ("compare photo.png --seed x", "--seed 'x' is not usable: give a whole number, as in 2"),
    ("version", "did you mean blurbench --version?"),
    ("blur photo.png -o a.png --sigma 1 --method fft,dct", "a blur takes one: name one"),
    ("sweep photo.png --sizes", "--sizes has no value: write --sizes SIZES"),
    ("show nowhere", "folder nowhere holds no run: name one that --out has kept"),
    ("blur photo.png photo.png -o soft --sigma 1", "image photo.png is given twice: name it once"),
    ("blur photo.png -o soft.png --sigma 1 --backend gpu", "use one of cupy, cupyx, cuda"),
]


@pytest.mark.parametrize(("line", "words"), REFUSED, ids=[line for line, _ in REFUSED])
def test_what_cannot_be_meant_is_answered_with_what_may_be(line: str, words: str) -> None:
    ran = run(*line.split())
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1), ran.err
    assert words in ran.err


@pytest.mark.parametrize(
    "line",
    [
        "sweep photo.png --sizes 3 --backend numpy --rounds 1 --budget 20 --image-sizes 20x16",
        "tune --explain --size 3 --image-size 20x16",
    ],
    ids=lambda line: line.split()[0],
)
def test_width_comes_first_where_it_is_typed_and_where_it_is_shown(line: str) -> None:
    ran = run(*line.split())
    assert ran.code == 0, ran.err
    assert ("20x16" in ran.out, "16x20" in ran.out) == (True, False)


def test_a_file_that_is_called_like_a_method_is_a_file() -> None:
    Path("photo.png").rename("fft")
    assert run("compare", "--method", "separable", "fft", *BRIEF, "--backend", "numpy").code == 0


@pytest.mark.parametrize("line", ["photo.png --si", "compare --csv --budget 3 --si"])
def test_a_line_that_is_still_typed_is_not_answered(
    line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_BLURBENCH_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", f"blurbench {line}")
    monkeypatch.setenv("COMP_CWORD", str(len(line.split())))
    ran = run()
    assert (ran.code, ran.err) == (0, "")


# A kernel that cuts its Gaussian.


def test_the_effective_sigma_of_a_cut_kernel_is_told() -> None:
    kernel = GaussianKernel.from_size(9, 30)
    assert kernel.note == "size 9 cuts sigma 30 short: the effective sigma is 2.58"


@pytest.mark.parametrize(
    "kernel",
    [
        *(GaussianKernel.from_size(size) for size in (5, 7, 15, 101)),
        GaussianKernel.from_size(6, allow_even=True),
        *(GaussianKernel.from_sigma(sigma) for sigma in (0.8, 2.5, 40)),
    ],
    ids=lambda one: f"{one.size}-{one.sigma:g}",
)
def test_a_kernel_of_a_usual_size_is_not_cut(kernel: GaussianKernel) -> None:
    assert not kernel.is_cut


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("blur photo.png -o a.png --size 9 --sigma 30", "effective sigma is 2.58"),
        ("compare photo.png --size 9 --sigma 30", "effective sigma is 2.58"),
        ("sweep photo.png --sizes 9,11 --sigma 30 --out run", "sizes 9 to 11 cut sigma 30 short"),
    ],
)
def test_a_cut_kernel_is_warned_of(line: str, words: str) -> None:
    command, *others = line.split()
    (note,) = notes(run(command, *others, *(() if command == "blur" else BRIEFLY)))
    assert words in note


# Help.


def page(command: str) -> str:
    return run(*command.split(), "--help").out


@pytest.mark.parametrize("command", [*cli.commands, ""])
def test_a_help_page_fits_into_80_columns(command: str) -> None:
    assert max(map(len, page(command).splitlines())) <= 80


@pytest.mark.parametrize("command", cli.commands)
def test_the_first_page_cuts_no_summary(command: str) -> None:
    summary = " ".join(str(cli.commands[command].help).partition("\n\n")[0].split())
    assert f"{command} {summary}" in " ".join(page("").split())


NAMING = ("compare", "sweep", "crossover", "verify", "blur")


@pytest.mark.parametrize("command", NAMING)
def test_help_names_every_backend_and_method(command: str) -> None:
    words = set(re.findall(r"\w+", page(command)))
    assert {*backends(), *known_methods()} - words == set()


@pytest.mark.parametrize("command", ["compare", "sweep", "crossover", "verify", "inspect", "blur"])
def test_help_names_every_border(command: str) -> None:
    assert set(BORDERS) - set(re.findall(r"\w+", page(command))) == set()


@pytest.mark.parametrize("command", ["compare", "sweep", "crossover"])
def test_help_names_every_dtype(command: str) -> None:
    assert set(DTYPES) - set(re.findall(r"\w+", page(command))) == set()


COSTS = {
    "compare": "Takes 15 s",
    "sweep": "takes about 5 s",
    "crossover": "Takes 60 s",
    "inspect": "Takes a second or two",
    "accuracy": "Takes a few seconds",
    "verify": "Takes about five minutes",
    "backends": "Takes a few seconds",
    "tune": "Takes 160 s",
}


@pytest.mark.parametrize("command", COSTS)
def test_help_says_what_a_command_costs(command: str) -> None:
    assert COSTS[command] in " ".join(page(command).split())


# A terminal.


class Terminal(io.StringIO):
    """Stderr as a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def on_terminal(*arguments: str, columns: int = 80) -> tuple[int, Terminal]:
    """The exit code of a command whose stderr is a terminal, and that."""
    shown = Terminal()
    with (
        mock.patch.object(sys, "argv", ["blurbench", *arguments]),
        mock.patch.object(sys, "stderr", shown),
        mock.patch.dict("os.environ", {"COLUMNS": str(columns), "TERM": "xterm"}),
        pytest.raises(SystemExit) as stopped,
    ):
        main()
    return int(stopped.value.code or 0), shown


@pytest.mark.parametrize("line", ["compare --border torus", "compare --sizes 9", "sharpen it"])
def test_an_error_is_broken_between_words_on_a_narrow_terminal(line: str) -> None:
    code, shown = on_terminal(*line.split(), columns=60)
    lines = shown.getvalue().splitlines()
    assert (code, max(map(len, lines)) <= 60, len(lines) > 1) == (2, True, True)
    assert " ".join(lines) == run(*line.split()).err.strip()


def test_a_command_to_copy_is_whole_on_a_line_of_its_own() -> None:
    line = ("photo.png", "--size", "31", "--method", "separable,fft", "--border", "mirror")
    code, shown = on_terminal(*line, columns=60)
    *sentence, command = shown.getvalue().splitlines()
    assert (code, command) == (2, f"blurbench compare {' '.join(line)}")
    assert sentence == ["Error: photo.png is no command; did you mean:"]


def test_what_fits_on_a_line_stays_on_it() -> None:
    _, shown = on_terminal("photo.png", columns=80)
    said = "Error: photo.png is no command; did you mean: blurbench compare photo.png\n"
    assert shown.getvalue() == said


def test_the_time_left_is_that_of_the_cases_done(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 10.0, 20.0])  # the start, and a case after the other
    monkeypatch.setattr(progress, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    shown = Terminal()
    with mock.patch.object(sys, "stderr", shown), progress.piece_by_piece("x", 100.0) as advance:
        advance("first", 40.0)
        advance("second", 10.0)
    assert "20 s left" in shown.getvalue()


def test_no_bar_is_shown_beside_those_of_the_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def measure(*_: object) -> bool:
        assert isinstance(sys.stderr, Terminal)
        seen.append(sys.stderr.getvalue())
        return False

    monkeypatch.setattr("blurbench.study.run.measure_in_processes", measure)
    code, _ = on_terminal("compare", "photo.png", *QUICK, "--processes", "2")
    assert code == 130
    assert [HIDE_CURSOR in text for text in seen] == [False]


def test_a_sweep_in_processes_says_what_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blurbench.study.run.measure_in_processes", lambda *_: True)
    ran = run("sweep", "photo.png", "--sizes", "3,5", *ONE, "--processes", "2", "--out", "run")
    assert ran.out.startswith("photo.png: 32x24, 3 channels float32\n")


def test_a_baseline_that_does_not_compare_is_told_below_no_bar() -> None:
    assert run("compare", "photo.png", *QUICK, "--out", "before").code == 0
    again = ("compare", "photo.png", *BRIEFLY, "--size", "5", "--baseline", "before")
    code, shown = on_terminal(*again)
    assert code == 12
    assert HIDE_CURSOR not in shown.getvalue()


# Memory.


@pytest.mark.parametrize("command", ["compare photo.png", "blur photo.png -o soft.png"])
def test_the_kernel_is_named_where_it_is_what_does_not_fit_in_memory(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blurbench.host.available_memory", lambda: 2**30)
    ran = run(*command.split(), "--size", "20001", "--backend", "numpy", "--method", "direct")
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert re.search(r"size 20001 on an image of 32x24 needs \d+.*use a smaller kernel", ran.err)


def test_no_dense_taps_are_made_to_find_how_much_memory_a_blur_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run_out(self: GaussianKernel) -> None:
        raise MemoryError

    monkeypatch.setattr(GaussianKernel, "dense", run_out)
    assert run("compare", "photo.png", *BRIEFLY[:4], "--size", "1001").code == 0
