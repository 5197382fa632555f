"""A person's own blur: how it is called, what of it is a row, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from blurbench.backends.own_blur import own_blurs
from blurbench.backends.registry import backends
from blurbench.errors import InputError
from blurbench.kernel import GaussianKernel
from blurbench.plan import Plan
from blurbench.problem import Problem

KERNEL = GaussianKernel.from_size(5)
IMAGE = np.arange(42, dtype=np.float32).reshape(6, 7)


def planned(made: Callable[..., Any], **changes: Any) -> Plan:
    """The plan of a function or class for an image of 6x7."""
    (own,) = own_blurs([made])
    dtype = np.dtype(changes.pop("dtype", np.float32))
    return own.implementation.prepare(Problem(KERNEL, (6, 7), dtype, **changes))


def refusal(given: Any) -> str:
    with pytest.raises(InputError) as refused:
        own_blurs([given])
    text = str(refused.value)
    assert "\n" not in text
    return text


# What it is told.


def test_a_function_gets_the_image_and_the_taps_of_all_others() -> None:
    told: list[Any] = []

    def blur(image: Any, taps: Any) -> Any:
        told.extend([image, taps])
        return image

    planned(blur)(IMAGE)
    np.testing.assert_array_equal(told[0], IMAGE)
    np.testing.assert_array_equal(told[1], KERNEL.taps)
    assert told[1].dtype == np.float64


def test_a_function_is_told_the_settings_of_which_it_has_parameters() -> None:
    told: dict[str, Any] = {}

    def blur(image: Any, taps: Any, threads: int, border: str = "wrap", *, cval: float) -> Any:
        told.update(threads=threads, border=border, cval=cval)
        return image

    planned(blur, border="constant", cval=2.0, threads=3)(IMAGE)
    assert told == {"threads": 3, "border": "constant", "cval": 2.0}


def test_a_class_is_made_once_and_called_for_each_image() -> None:
    made: list[Any] = []

    class Blur:
        def __init__(self, taps: Any, shape: Any, dtype: Any, border: str) -> None:
            made.append((len(taps), shape, dtype, border))

        def __call__(self, image: Any) -> Any:
            return image + 1

    plan = planned(Blur, border="mirror")
    results = [plan(IMAGE), plan(IMAGE + 1)]
    assert made == [(5, (6, 7), np.float32, "mirror")]
    np.testing.assert_array_equal(results, [IMAGE + 1, IMAGE + 2])


def test_what_fills_out_need_return_nothing() -> None:
    def blur(image: Any, taps: Any, out: NDArray[Any]) -> None:
        out[...] = 2 * image

    out = np.empty_like(IMAGE)
    assert planned(blur)(IMAGE, out) is out
    np.testing.assert_array_equal(out, 2 * IMAGE)


# What becomes of its result.


def test_a_result_is_never_a_view_of_its_buffers() -> None:
    kept = np.zeros((6, 7), np.float32)

    def blur(image: Any, taps: Any) -> Any:
        kept[...] = image
        return kept

    assert not np.shares_memory(planned(blur)(IMAGE), kept)


def test_float_results_of_integer_images_are_rounded_and_clipped() -> None:
    def blur(image: Any, taps: Any) -> Any:
        return np.full((6, 7), 3.6, np.float32) if image[0, 0] == 0 else image + 1e3

    dark, light = np.zeros((6, 7), np.uint8), np.full((6, 7), 9, np.uint8)
    plan = planned(blur, dtype=np.uint8)
    assert (plan(dark).dtype, plan(dark)[0, 0], plan(light)[0, 0]) == (np.uint8, 4, 255)


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (None, "it returned nothing: return the blurred image, a NumPy array"),
        ([1.0], "it returned a list: return the blurred image, a NumPy array"),
        (
            np.zeros((7, 6)),
            r"it returned an array of shape \(7, 6\): that of the image is \(6, 7\)",
        ),
        (np.zeros((6, 7), complex), "it returned complex128: return float32"),
    ],
)
def test_a_result_that_is_no_image_is_said_to_be_none(result: Any, said: str) -> None:
    with pytest.raises(RuntimeError, match=f"^{said}$"):
        planned(lambda image, taps: result)(IMAGE)


def test_a_blur_that_writes_into_its_image_is_refused_and_leaves_it_as_it_was() -> None:
    def blur(image: Any, taps: Any) -> Any:
        image += 1
        return image

    image = IMAGE.copy()
    with pytest.raises(RuntimeError, match="it writes into the image that it is given"):
        planned(blur)(image)
    np.testing.assert_array_equal(image, IMAGE)


def test_an_image_may_hold_what_is_no_number() -> None:
    image = IMAGE.copy()
    image[0, 0] = np.nan
    assert np.isnan(planned(lambda image, taps: image)(image)[0, 0])


# What it raises.


def test_an_error_is_told_with_the_line_of_its_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "def inner(image):\n    return image.nothing\n\ndef blur(i, t):\n    inner(i)\n"
    )
    (own,) = own_blurs([f"{file}:blur"])
    plan = own.implementation.prepare(Problem(KERNEL, (6, 7), np.dtype(np.float32)))
    with pytest.raises(RuntimeError, match=r"^AttributeError: .* 'nothing' \(mine.py:2\)$"):
        plan(IMAGE)


def test_code_that_ends_the_program_ends_its_row_alone() -> None:
    def blur(image: Any, taps: Any) -> Any:
        raise SystemExit("done")

    with pytest.raises(RuntimeError, match="SystemExit: done"):
        planned(blur)(IMAGE)


@pytest.mark.parametrize("error", [InputError("float64 alone"), MemoryError("no room")])
def test_what_cannot_be_done_may_be_said(error: Exception) -> None:
    def blur(image: Any, taps: Any) -> Any:
        raise error

    with pytest.raises(type(error), match=str(error)):
        planned(blur)(IMAGE)


# What is refused before anything runs.


class NotCalled:
    def __init__(self, taps: Any, shape: Any, dtype: Any) -> None: ...


class CalledWithMore(NotCalled):
    def __call__(self, image: Any, sigma: float) -> Any: ...


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (lambda image: image, r"(image, taps): too many positional arguments"),
        (lambda image, taps, sigma: image, "missing a required argument: 'sigma'"),
        (NotCalled, "the class has no __call__: give it __call__(self, image)"),
        (CalledWithMore, ".__call__(image): missing a required argument: 'sigma'"),
    ],
)
def test_what_cannot_be_called_is_refused_with_how_it_would_be(
    made: Callable[..., Any], reason: str
) -> None:
    assert reason in refusal(made)


@pytest.mark.parametrize(
    ("text", "given", "said"),
    [
        ("", "other.py:blur", "there is no file"),
        ("", "mine.py", "names no function: give FILE.py:NAME or package.module:NAME"),
        ("def soft(i, t): ...", "mine.py:blur", "mine.py has no blur: it has soft"),
        ("import math", "mine.py:blur", "mine.py has no blur: it has no function"),
        ("blur = 3", "mine.py:blur", "its type is int: name a function blur(image, taps)"),
        ("x = 1\ny = x / 0", "mine.py:blur", "ZeroDivisionError: division by zero (mine.py:2)"),
        ("def blur(", "mine.py:blur", "SyntaxError: '(' was never closed (mine.py, line 1)"),
        ("import not_there", "mine.py:blur", "No module named 'not_there' (mine.py:1)"),
        ("raise SystemExit", "mine.py:blur", "cannot be loaded: SystemExit (mine.py:1)"),
        ("", "not_there.mine:blur", "there is no module not_there.mine"),
    ],
)
def test_what_cannot_be_loaded_is_refused_in_one_line(
    text: str, given: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(text)
    assert said in refusal(given)


@pytest.mark.parametrize("name", ["opencv", "cpu"])
def test_a_file_that_is_called_like_a_backend_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / f"{name}.py").write_text("def blur(image, taps): ...")
    assert f"called as backend {name} is: rename its file" in refusal(f"{tmp_path}/{name}.py:blur")


def test_two_of_one_name_are_refused() -> None:
    def blur(image: Any, taps: Any) -> Any: ...

    with pytest.raises(InputError, match="two own blurs would be called test_own:blur"):
        own_blurs([blur, blur])


# What it may be.


def test_a_module_beside_others_is_named_by_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    package = Path("own_package")
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "kernels.py").write_text("def blur(image, taps): return image")
    (own,) = own_blurs(["own_package.kernels:blur"])
    assert own.implementation.name == "kernels:blur"


def test_a_file_may_import_what_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "own_neighbour.py").write_text("def blur(image, taps): return image")
    (tmp_path / "mine.py").write_text("from own_neighbour import blur")
    (own,) = own_blurs([f"{tmp_path}/mine.py:blur"])
    assert own.implementation.name == "mine:blur"


def test_compiled_code_gets_image_and_taps_alone() -> None:
    (own,) = own_blurs([max])  # which does not tell its parameters
    assert (own.code.settings, own.code.fills) == ((), False)


def test_it_is_listed_nowhere_so_auto_never_takes_it() -> None:
    own_blurs([lambda image, taps: image])
    assert "test_own" not in backends()
