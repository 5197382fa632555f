"""The library's face: `gaussian_blur`, `prepare`, the plans that are kept, and the import."""

from __future__ import annotations

import importlib.resources
import os
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.ndimage

import blurbench
from blurbench import BORDERS, InputError, gaussian_blur, plan_cache, prepare
from blurbench.backends.backend import Availability, Implementation
from blurbench.backends.registry import backends
from blurbench.cache import IdleCache

DTYPES = ("uint8", "uint16", "float16", "float32", "float64")
IMPLEMENTATIONS = [(b, m) for b in ("numpy", "scipy") for m in ("direct", "separable", "fft")]
REASON, REMEDY = "no NVIDIA driver was found on this machine", "install the NVIDIA driver"


def noise(shape: tuple[int, ...], dtype: str = "float64", seed: int = 8) -> np.ndarray:
    """Uniform noise over the range of an integer type, or between 0 and 1."""
    rng, kind = np.random.default_rng(seed), np.dtype(dtype)
    if kind.kind == "f":
        return rng.random(shape).astype(kind)
    return rng.integers(0, np.iinfo(kind).max, shape, dtype=kind, endpoint=True)


def reference(image: np.ndarray, sigma: float, **how: Any) -> np.ndarray:
    """SciPy's blur in float64, of rows and columns only."""
    sigmas = (sigma, sigma, 0)[: image.ndim]
    return scipy.ndimage.gaussian_filter(image.astype(np.float64), sigmas, **how)


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    """No test finds the plans of another."""
    plan_cache.clear()
    yield
    plan_cache.clear()


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Collects the problem of every plan that the backend `scipy` makes."""
    made: list[Any] = []

    def watch(one: Implementation) -> Implementation:
        def prepare_and_tell(problem: Any) -> Any:
            made.append(problem)
            return one.prepare(problem)

        return replace(one, prepare=prepare_and_tell)

    owner = backends()["scipy"]
    watched = replace(owner, implementations=tuple(map(watch, owner.implementations)))
    monkeypatch.setitem(backends(), "scipy", watched)
    return made


# What comes back


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 3), (9, 7, 1), (1, 7), (9, 1, 2), (1, 1)])
def test_the_same_shape_and_dtype_come_back(shape: tuple[int, ...], dtype: str) -> None:
    soft = gaussian_blur(noise(shape, dtype), sigma=1)
    assert (soft.shape, soft.dtype) == (shape, np.dtype(dtype))


@pytest.mark.parametrize("sigma", [0.3, 1, 2.5, 7])
@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 3)])
def test_float64_is_blurred_as_scipy_does(shape: tuple[int, ...], sigma: float) -> None:
    image = noise(shape)
    soft = gaussian_blur(image, sigma=sigma)
    np.testing.assert_allclose(soft, reference(image, sigma), rtol=0, atol=1e-13)


@pytest.mark.parametrize("truncate", [0.5, 2, 3.3, 6.0])
def test_truncate_cuts_where_scipy_cuts(truncate: float) -> None:
    image = noise((20, 30))
    soft = gaussian_blur(image, sigma=2, truncate=truncate)
    expected = reference(image, 2, truncate=truncate)
    np.testing.assert_allclose(soft, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("sigma", [1.5, 6], ids=["inside", "beyond the image"])
def test_borders_are_those_of_scipy(border: str, sigma: float) -> None:
    image = noise((13, 18, 2))
    soft = gaussian_blur(image, sigma=sigma, border=border, cval=0.7)
    expected = reference(image, sigma, mode=border, cval=0.7)
    np.testing.assert_allclose(soft, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize(("backend", "method"), IMPLEMENTATIONS)
@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_implementation_gives_the_same_image(
    backend: str, method: str, border: str, dtype: str
) -> None:
    image = noise((21, 17, 3), dtype)
    how = {"size": 9, "border": border, "cval": 0.4, "backend": backend, "method": method}
    soft = gaussian_blur(image, **how)
    sigma = 0.15 * 9 + 0.35
    expected = reference(image, sigma, mode=border, cval=0.4, radius=4)
    rounding = {"uint8": 0.5, "uint16": 0.5, "float16": 2**-11 * float(image.max())}
    allowed = rounding.get(dtype, 0.0) + (1e-13 if dtype == "float64" else 1e-6) * float(
        image.max()
    )
    assert np.abs(soft.astype(np.float64) - expected).max() <= allowed


def test_integers_are_rounded_to_nearest() -> None:
    image = np.zeros((1, 5), np.uint8)
    image[0, 2] = 255
    weights = np.exp(-0.5 * np.arange(-2, 3) ** 2 / 0.9**2)
    expected = np.rint(255 * weights / weights.sum())
    soft = gaussian_blur(np.repeat(image, 9, axis=0), size=5, sigma=0.9)
    assert soft[4].tolist() == expected.tolist()


@pytest.mark.parametrize("value", [0, 1, 254, 255])
def test_a_flat_image_stays_flat(value: int) -> None:
    image = np.full((9, 8, 3), value, np.uint8)
    np.testing.assert_array_equal(gaussian_blur(image, sigma=3), image)


def test_values_keep_their_own_units() -> None:
    image = noise((9, 8), "float32") * np.float32(5000) - np.float32(300)
    soft = gaussian_blur(image, sigma=1)
    assert 0 < soft.mean() / image.mean() < 2


@pytest.mark.parametrize(
    ("name", "further"),
    [
        ("scipy:separable", 0),
        ("numpy:separable", 0),
        ("opencv:separable", 0),
        ("scipy:direct", 0),
        ("numpy:direct", 31),
        ("numpy:banded", 31),
    ],
)
def test_a_pixel_that_is_not_a_number_spreads_as_far_as_is_said(name: str, further: int) -> None:
    image, (backend, method) = noise((120, 130)), name.split(":")
    image[61, 64] = np.nan
    soft = gaussian_blur(image, size=13, backend=backend, method=method)
    rows, columns = np.nonzero(~np.isfinite(soft))
    reach = max(abs(rows - 61).max(), abs(columns - 64).max())
    assert 6 <= reach <= 6 + further


def test_channels_do_not_mix() -> None:
    image = noise((12, 11, 3))
    soft = gaussian_blur(image, sigma=2)
    alone = [gaussian_blur(image[..., c], sigma=2) for c in range(3)]
    np.testing.assert_allclose(soft, np.stack(alone, axis=2), rtol=0, atol=1e-15)


def test_the_image_is_left_as_it_was() -> None:
    image = noise((9, 8), "uint8")
    before = image.copy()
    gaussian_blur(image, sigma=2)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize(("backend", "method"), IMPLEMENTATIONS)
def test_a_result_is_not_changed_by_the_next_call(backend: str, method: str) -> None:
    how = {"sigma": 1, "backend": backend, "method": method}
    first = gaussian_blur(noise((9, 8), seed=1), **how)
    before = first.copy()
    gaussian_blur(noise((9, 8), seed=2), **how)
    np.testing.assert_array_equal(first, before)


# What is given


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_other_byte_order_is_taken_and_the_native_one_comes_back(dtype: str) -> None:
    image = noise((9, 8), dtype)
    swapped = image.astype(image.dtype.newbyteorder("S"))
    soft = gaussian_blur(swapped, sigma=1)
    assert soft.dtype == image.dtype
    np.testing.assert_array_equal(soft, gaussian_blur(image, sigma=1))


@pytest.mark.parametrize(("backend", "method"), IMPLEMENTATIONS)
@pytest.mark.parametrize(
    "view",
    [
        lambda image: image[::2, ::3],
        lambda image: image[::-1, ::-1],
        lambda image: np.asfortranarray(image),
        lambda image: image.transpose(1, 0, 2),
        lambda image: image[..., 1],
        lambda image: np.broadcast_to(image[:1], image.shape),
    ],
    ids=["strided", "reversed", "Fortran", "transposed", "one channel", "broadcast"],
)
def test_views_are_blurred_like_copies(view: Any, backend: str, method: str) -> None:
    image = view(noise((14, 15, 3), "float32"))
    how = {"sigma": 1, "backend": backend, "method": method}
    copied = gaussian_blur(np.ascontiguousarray(image), **how)
    np.testing.assert_array_equal(gaussian_blur(image, **how), copied)


def test_an_image_that_cannot_be_written_to_is_taken() -> None:
    image = noise((9, 8))
    image.flags.writeable = False
    assert gaussian_blur(image, sigma=1).flags.writeable


def test_lists_of_floats_are_taken_as_float64() -> None:
    rows = [[0.0, 1.0, 4.0], [2.0, 3.0, 5.0]]
    soft = gaussian_blur(rows, sigma=1)
    assert soft.dtype == np.float64
    np.testing.assert_array_equal(soft, gaussian_blur(np.array(rows), sigma=1))


@pytest.mark.parametrize(
    ("own", "wanted"),
    [
        ("uint8", "uint8"),
        ("uint8", "uint16"),
        ("uint8", "float32"),
        ("uint8", "float64"),
        ("uint16", "float32"),
        ("uint16", "float64"),
        ("float32", "float64"),
        ("float64", "float32"),
    ],
)
def test_dtype_converts_first(own: str, wanted: str) -> None:
    image = noise((9, 8), own)
    soft = gaussian_blur(image, sigma=1, dtype=wanted)
    assert soft.dtype == np.dtype(wanted)
    np.testing.assert_array_equal(soft, gaussian_blur(image.astype(wanted), sigma=1))


@pytest.mark.parametrize("wanted", [np.float32, "float32", np.dtype("float32"), np.dtype(">f4")])
def test_dtype_is_named_in_any_way_that_numpy_knows(wanted: Any) -> None:
    assert gaussian_blur(noise((9, 8), "uint8"), sigma=1, dtype=wanted).dtype == np.float32


@pytest.mark.parametrize(
    ("own", "wanted"),
    [("uint16", "uint8"), ("float32", "uint8"), ("float64", "uint16"), ("float32", "uint16")],
)
def test_a_dtype_that_would_lose_values_is_refused(own: str, wanted: str) -> None:
    with pytest.raises(InputError, match=f"dtype {wanted} cannot hold every {own} value"):
        gaussian_blur(noise((9, 8), own), sigma=1, dtype=wanted)


@pytest.mark.parametrize("wanted", ["int32", "complex64", "bool"])
def test_a_dtype_that_cannot_be_blurred_is_refused_with_those_that_can(wanted: str) -> None:
    with pytest.raises(InputError, match=f"{wanted} .*uint8, uint16, float16, float32, float64"):
        gaussian_blur(noise((9, 8), "uint8"), sigma=1, dtype=wanted)


@pytest.mark.parametrize("own", ["int64", "int8", "uint32", "complex128", "bool", "U1"])
def test_an_image_of_another_dtype_is_refused(own: str) -> None:
    with pytest.raises(InputError, match="uint8, uint16, float16, float32, float64"):
        gaussian_blur(np.ones((9, 8)).astype(own), sigma=1)


@pytest.mark.parametrize("shape", [(), (5,), (2, 3, 4, 5), (0, 5), (5, 0), (5, 5, 0)])
def test_an_image_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="shape"):
        gaussian_blur(np.ones(shape), sigma=1)


# The kernel and the names


def test_size_alone_takes_the_sigma_of_opencv() -> None:
    image = noise((20, 30))
    expected = reference(image, 0.15 * 7 + 0.35, radius=3)
    np.testing.assert_allclose(gaussian_blur(image, size=7), expected, rtol=0, atol=1e-13)


def test_size_and_sigma_together_cut_at_the_size() -> None:
    image = noise((20, 30))
    soft = gaussian_blur(image, size=7, sigma=2.5)
    np.testing.assert_allclose(soft, reference(image, 2.5, radius=3), rtol=0, atol=1e-13)


def test_rows_that_differ_in_length_are_refused() -> None:
    with pytest.raises(InputError, match="image is a list, which is no array"):
        gaussian_blur([[1.0, 2.0], [3.0]], sigma=1)


def test_size_1_changes_nothing() -> None:
    image = noise((9, 8, 3), "float32")
    np.testing.assert_array_equal(gaussian_blur(image, size=1), image)


BAD_ARGUMENTS: list[tuple[dict[str, Any], str]] = [
    ({}, "pass sigma, size or both"),
    ({"size": 4}, "size 4 is even.*use 3 or 5"),
    ({"size": 0}, "size 0 "),
    ({"size": -3}, "size -3 "),
    ({"size": 5.0}, "size 5.0 is not a whole number"),
    ({"size": "5"}, "size '5' is not a whole number"),
    ({"size": True}, "size True is not a whole number"),
    ({"sigma": 0}, "sigma 0 "),
    ({"sigma": -1.0}, "sigma -1 "),
    ({"sigma": float("nan")}, "sigma nan "),
    ({"sigma": float("inf")}, "sigma inf "),
    ({"sigma": "wide"}, "sigma 'wide' is not a number"),
    ({"sigma": (1, 2)}, r"sigma \(1, 2\) is not a number"),
    ({"sigma": [1, 2]}, r"sigma \[1, 2\] is not a number"),
    ({"sigma": 1, "truncate": 0}, "truncate 0 "),
    ({"sigma": 1, "truncate": float("nan")}, "truncate nan "),
    ({"sigma": 1, "border": "edge"}, "border 'edge' is unknown: .*reflect.*constant"),
    ({"sigma": 1, "border": None}, "border None is unknown: .*reflect.*constant"),
    ({"sigma": 1, "cval": float("nan")}, "border value nan "),
    ({"sigma": 1, "cval": "dark"}, "border value '?dark'? "),
    ({"sigma": 1, "border": ["wrap"]}, r"border \['wrap'\] is unknown: .*reflect.*constant"),
    ({"sigma": 1, "cval": [0]}, r"border value \[0\] is not a number"),
    ({"sigma": 1, "cval": np.array(1.0)}, r"border value array\(1\.\) is not a number"),
    ({"sigma": 1, "cval": 10**400}, "border value is too large a number"),
    ({"sigma": 1, "threads": [1]}, r"threads \[1\] is out of range"),
    ({"sigma": 1, "threads": True}, "threads True is out of range"),
    ({"sigma": 1, "threads": "2"}, "threads '2' is out of range"),
    ({"sigma": 1, "method": "auto", "threads": [1]}, r"threads \[1\] is out of range"),
    ({"sigma": 1, "method": "auto", "tolerance": "1%"}, "tolerance '1%' is not a number"),
    ({"sigma": 1, "method": "auto", "tolerance": [1]}, r"tolerance \[1\] is not a number"),
    ({"sigma": 1, "method": "auto", "tolerance": True}, "tolerance True is not a number"),
    ({"sigma": 1, "method": ["fft"]}, r"method \['fft'\] is unknown: .*separable"),
    ({"sigma": 1, "backend": ["scipy"]}, r"backend \['scipy'\] is unknown: .*numpy"),
    ({"sigma": 1, "dtype": "f4,(2"}, "dtype 'f4,.*' is not usable: convert to"),
    ({"sigma": 1, "method": "magic"}, "method 'magic' is unknown: .*separable"),
    ({"sigma": 1, "method": "dct", "border": "wrap"}, "'wrap' .* dct of scipy: use reflect or mi"),
    ({"sigma": 1, "backend": "opengl"}, "backend 'opengl' is unknown: .*scipy"),
    ({"sigma": 1, "dtype": "float99"}, "dtype 'float99' is not usable"),
]


@pytest.mark.parametrize(("arguments", "words"), BAD_ARGUMENTS, ids=lambda value: str(value)[:80])
def test_what_cannot_be_used_is_refused_by_name(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        gaussian_blur(noise((9, 8)), **arguments)


@pytest.mark.parametrize(("arguments", "words"), BAD_ARGUMENTS, ids=lambda value: str(value)[:80])
def test_prepare_refuses_the_same(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        prepare((9, 8), **arguments)


@pytest.mark.parametrize(
    "shape",
    [(), (5,), (2, 3, 4, 5), (0, 5), (-4, 5), (4.5, 5), None, 3, (True, True), (2**40, 2**40)],
)
def test_prepare_refuses_another_shape(shape: Any) -> None:
    with pytest.raises(InputError, match="shape"):
        prepare(shape, sigma=1)


@pytest.mark.parametrize("threads", [0, -1, 1.5])
def test_prepare_refuses_threads_that_are_none(threads: Any) -> None:
    with pytest.raises(InputError, match="threads"):
        prepare((9, 8), sigma=1, method="fft", threads=threads)


def test_a_size_given_as_a_float_is_refused_after_its_equal_was_taken() -> None:
    image = noise((9, 8))
    gaussian_blur(image, size=5)
    with pytest.raises(InputError):
        gaussian_blur(image, size=5.0)


def test_threads_given_as_a_float_are_refused_after_their_equal_was_taken() -> None:
    image = noise((9, 8))
    gaussian_blur(image, size=5, threads=2)
    with pytest.raises(InputError, match=r"threads 2\.0"):
        gaussian_blur(image, size=5, threads=2.0)


def test_an_input_error_is_a_value_error() -> None:
    assert issubclass(InputError, ValueError)


# Plans


def test_a_plan_blurs_image_after_image() -> None:
    images = [noise((9, 8), "float32", seed) for seed in range(3)]
    plan = prepare((9, 8), sigma=1, method="fft")
    for image in images:
        np.testing.assert_array_equal(plan(image), gaussian_blur(image, sigma=1, method="fft"))


@pytest.mark.parametrize(("backend", "method"), IMPLEMENTATIONS)
def test_a_plan_writes_into_out(backend: str, method: str) -> None:
    image = noise((9, 8, 3), "uint8")
    plan = prepare(image.shape, sigma=1, backend=backend, method=method, dtype="uint8")
    out = np.empty_like(image)
    assert plan(image, out) is out
    np.testing.assert_array_equal(out, plan(image))


@pytest.mark.parametrize(("backend", "method"), IMPLEMENTATIONS)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_out_may_be_the_image(backend: str, method: str, dtype: str) -> None:
    image = noise((40, 30, 3), dtype)
    plan = prepare(image.shape, sigma=1, backend=backend, method=method, dtype=dtype)
    expected = plan(image)
    np.testing.assert_array_equal(plan(image, image), expected)


@pytest.mark.parametrize(
    "image",
    [np.ones((8, 9), np.float32), np.ones((9, 8)), np.ones((9, 8, 1), np.float32)],
    ids=["shape", "dtype", "channels"],
)
def test_a_plan_refuses_an_image_that_it_was_not_made_for(image: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"made for float32 \(9, 8\)"):
        prepare((9, 8), sigma=1)(image)


def test_a_plan_refuses_another_out() -> None:
    with pytest.raises(InputError, match="out is float64"):
        prepare((9, 8), sigma=1)(np.ones((9, 8), np.float32), np.ones((9, 8)))


def test_a_second_call_makes_no_new_plan(prepared: list[Any]) -> None:
    for seed in range(3):
        gaussian_blur(noise((9, 8), seed=seed), sigma=1)
    assert len(prepared) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"sigma": 2},
        {"size": 5},
        {"truncate": 3.0},
        {"border": "wrap"},
        {"border": "constant", "cval": 3.0},
        {"method": "fft"},
        {"dtype": "float32"},
    ],
    ids=str,
)
def test_another_question_gets_a_plan_of_its_own(
    change: dict[str, Any], prepared: list[Any]
) -> None:
    gaussian_blur(noise((9, 8)), sigma=1)
    gaussian_blur(noise((9, 8)), **{"sigma": 1, **change})
    assert len(prepared) == 2


def test_another_shape_gets_a_plan_of_its_own(prepared: list[Any]) -> None:
    gaussian_blur(noise((9, 8)), sigma=1)
    gaussian_blur(noise((8, 9)), sigma=1)
    assert [problem.shape for problem in prepared] == [(9, 8), (8, 9)]


def test_plans_are_made_anew_after_clear(prepared: list[Any]) -> None:
    gaussian_blur(noise((9, 8)), sigma=1)
    plan_cache.clear()
    gaussian_blur(noise((9, 8)), sigma=1)
    assert len(prepared) == 2


def test_clear_lets_go_of_all_memory() -> None:
    gaussian_blur(noise((40, 50)), sigma=1)
    held = plan_cache.nbytes
    plan_cache.clear()
    assert held > plan_cache.nbytes == 0


@pytest.mark.parametrize(("backend", "method"), IMPLEMENTATIONS)
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_a_plan_counts_the_memory_that_it_holds(backend: str, method: str, dtype: str) -> None:
    how = {"backend": backend, "method": method, "dtype": dtype, "border": "mirror"}
    held = []
    for _ in range(3):  # what is imported, cached or kept for reuse is not the plan's
        mapped = address_space()
        tracemalloc.start()
        try:
            plan = prepare((1000, 20), size=301, **how)
            held.append(max(tracemalloc.get_traced_memory()[0], address_space() - mapped))
        finally:
            tracemalloc.stop()
        counted = plan.nbytes
        del plan
    assert counted >= 0.9 * min(held) - 2**18


def address_space() -> int:
    """Bytes of memory that this process has mapped; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


# The cache by itself


def plan_of(nbytes: int) -> SimpleNamespace:
    return SimpleNamespace(nbytes=nbytes)


def borrowed(cache: IdleCache, key: str, nbytes: int = 10) -> Any:
    """Borrow and give back; the plan that was lent."""
    with cache.borrow(key, lambda: plan_of(nbytes)) as plan:
        return plan


def test_the_cache_lends_the_same_plan_again() -> None:
    cache = IdleCache(100)
    assert borrowed(cache, "a") is borrowed(cache, "a")


def test_a_borrowed_plan_is_not_lent_twice() -> None:
    cache = IdleCache(100)
    with cache.borrow("a", lambda: plan_of(10)) as one:
        assert borrowed(cache, "a") is not one


def test_the_cache_holds_no_more_than_its_bytes() -> None:
    cache = IdleCache(35)
    for key in "abcdef":
        borrowed(cache, key)
        assert cache.nbytes <= 35


def test_the_oldest_plan_goes_first() -> None:
    cache = IdleCache(30)
    first = {key: borrowed(cache, key) for key in "abc"}
    borrowed(cache, "a")  # now b is the oldest
    borrowed(cache, "d")
    assert borrowed(cache, "a") is first["a"]
    assert borrowed(cache, "c") is first["c"]
    assert borrowed(cache, "b") is not first["b"]


def test_a_plan_larger_than_the_cache_is_lent_and_not_kept() -> None:
    cache = IdleCache(5)
    big = borrowed(cache, "a", 10)
    assert (big.nbytes, cache.nbytes) == (10, 0)
    assert borrowed(cache, "a", 10) is not big


def test_a_plan_is_given_back_after_an_error() -> None:
    cache = IdleCache(100)
    lent = borrowed(cache, "a")
    with pytest.raises(RuntimeError), cache.borrow("a", lambda: plan_of(10)):
        raise RuntimeError
    assert borrowed(cache, "a") is lent


def test_a_plan_that_cannot_be_made_leaves_the_cache_as_it_was() -> None:
    cache = IdleCache(100)

    def fail() -> Any:
        raise InputError("no")

    with pytest.raises(InputError), cache.borrow("a", fail):
        pytest.fail("there is no plan to use")
    assert cache.nbytes == 0


def test_clearing_while_a_plan_is_lent_keeps_the_count_right() -> None:
    cache = IdleCache(100)
    with cache.borrow("a", lambda: plan_of(10)):
        cache.clear()
    assert cache.nbytes == 10
    cache.clear()
    assert cache.nbytes == 0


def test_no_plan_is_ever_lent_to_two_threads() -> None:
    cache, clashes, together = IdleCache(200), [], threading.Barrier(8)

    def hammer(number: int) -> None:
        together.wait()
        for turn in range(300):
            with cache.borrow(f"{(number + turn) % 3}", lambda: SimpleNamespace(nbytes=10)) as plan:
                if getattr(plan, "lent", False):
                    clashes.append(plan)
                plan.lent = True
                plan.lent = False

    run_in_threads(hammer)
    assert clashes == []
    assert 0 < cache.nbytes <= 200


def run_in_threads(work: Any, threads: int = 8) -> None:
    """Run `work(number)` in so many threads; an error in one is raised here."""
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work, number) for number in range(threads)]:
            done.result()


@pytest.mark.parametrize(("backend", "method"), IMPLEMENTATIONS)
def test_eight_threads_with_one_problem_get_right_results(backend: str, method: str) -> None:
    how = {"sigma": 1.5, "backend": backend, "method": method}
    images = [noise((24, 20), "float32", seed) for seed in range(8)]
    expected = [gaussian_blur(image, **how) for image in images]
    together = threading.Barrier(8)

    def hammer(number: int) -> None:
        together.wait()
        for _ in range(15):
            soft = gaussian_blur(images[number], **how)
            np.testing.assert_array_equal(soft, expected[number])

    run_in_threads(hammer)


def test_eight_threads_with_many_problems_get_right_results() -> None:
    questions = [
        (noise((10 + n, 20 - n), dtype, n), {"size": 2 * n + 1, "backend": b, "method": m})
        for n, (b, m) in enumerate(IMPLEMENTATIONS)
        for dtype in ("uint8", "float32")
    ]
    expected = [gaussian_blur(image, **how) for image, how in questions]
    together = threading.Barrier(8)

    def hammer(number: int) -> None:
        together.wait()
        for turn in range(40):
            at = (5 * number + turn) % len(questions)
            image, how = questions[at]
            np.testing.assert_array_equal(gaussian_blur(image, **how), expected[at])

    run_in_threads(hammer)


# GPUs


class DeviceArray:
    """Looks like an array of CuPy."""

    dtype = np.dtype("float32")
    shape = (9, 8)


DeviceArray.__module__ = "cupy"


@pytest.mark.parametrize("backend", ["numpy", "scipy"])
def test_an_array_on_the_device_is_refused_by_a_cpu_backend(backend: str) -> None:
    with pytest.raises(InputError, match=rf"'{backend}': use backend='cupy', or image\.get\(\)"):
        gaussian_blur(DeviceArray(), sigma=1, backend=backend)


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = Availability(REASON, REMEDY)
    for name in ("cupy", "cupyx"):
        monkeypatch.setitem(backends(), name, replace(backends()[name], probe=lambda: absent))


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize("backend", ["cupy", "cupyx"])
def test_a_backend_that_cannot_run_says_why_and_what_mends_it(backend: str) -> None:
    with pytest.raises(RuntimeError, match=f"'{backend}' cannot run here: {REASON}; {REMEDY}"):
        gaussian_blur(noise((9, 8)), sigma=1, backend=backend)


@pytest.mark.usefixtures("no_gpu")
def test_prepare_on_a_backend_that_cannot_run_says_why() -> None:
    with pytest.raises(RuntimeError, match=REASON):
        prepare((9, 8), sigma=1, backend="cupy")


@pytest.mark.usefixtures("no_gpu")
def test_a_bad_argument_is_told_before_a_missing_gpu() -> None:
    with pytest.raises(InputError, match="size 4 is even"):
        gaussian_blur(noise((9, 8)), size=4, backend="cupy")


# The package


def in_a_new_process(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


def test_importing_the_package_imports_no_heavy_library() -> None:
    heavy = {"numpy", "scipy", "cupy", "PIL", "rich", "matplotlib", "click"}
    loaded = in_a_new_process("import sys, blurbench; print(*sys.modules)")
    assert heavy & set(loaded.split()) == set()


def test_a_name_is_imported_from_where_it_lives() -> None:
    code = "import sys, blurbench; blurbench.Problem; print('blurbench.plan' in sys.modules)"
    assert in_a_new_process(code) == "False"


@pytest.mark.parametrize("name", blurbench.__all__)
def test_every_public_name_can_be_used_and_is_listed(name: str) -> None:
    assert getattr(blurbench, name) is not None
    assert name in dir(blurbench)


def test_every_name_is_listed_once() -> None:
    for name in blurbench.__all__:
        getattr(blurbench, name)
    listed = dir(blurbench)
    assert sorted(set(listed)) == listed


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'blurbench' has no attribute 'box_blur'"):
        blurbench.box_blur  # noqa: B018


def test_an_unknown_name_cannot_be_imported() -> None:
    with pytest.raises(ImportError, match="box_blur"):
        from blurbench import box_blur  # noqa: F401


def test_the_package_is_marked_as_typed() -> None:
    assert importlib.resources.files("blurbench").joinpath("py.typed").is_file()


def test_the_example_of_the_package_runs() -> None:
    image = noise((20, 30), "float32")
    assert blurbench.gaussian_blur(image, size=15).shape == image.shape
    plan = blurbench.prepare(image.shape, sigma=2.5, method="fft")
    assert [plan(frame).shape for frame in (image, image)] == [image.shape] * 2
