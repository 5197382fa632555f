"""The registry: the shipped backends, those of other packages, and what is said of unknown ones."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from types import ModuleType

import numpy as np
import pytest

import blurbench
from blurbench.backends import registry
from blurbench.backends.backend import Availability, Backend, Implementation, devices_of
from blurbench.backends.registry import (
    GROUP,
    check_method,
    collect,
    find_backend,
    find_implementation,
    probe,
)
from blurbench.names import APPROXIMATIONS, BACKENDS, EXACT, METHODS, ON_CPU, ON_GPU
from helpers.refused import refusal

COMMON = ("direct", "separable", "fft", "banded", "dct")
OFFERED = {
    "numpy": (*COMMON, *APPROXIMATIONS),
    "scipy": ("direct", "separable", "fft", "dct"),
    "cupy": (*COMMON, "box", "extended_box", "multirate"),
    "cupyx": ("direct", "separable", "fft"),
    "numba": ("direct", "separable", *APPROXIMATIONS),
    "cuda": ("direct", "separable", "fft"),
    **dict.fromkeys(("torch", "torch_gpu"), ("direct", "separable")),
    "wgpu": ("direct", "separable", "fft"),
    "opencv_ocl": ("direct", "separable"),
    "opencv": ("direct", "separable", "fft"),
    **dict.fromkeys(("pyvips", "halide"), ("direct", "separable")),
    **dict.fromkeys(("skimage", "cucim"), ("separable",)),
    "pillow": ("extended_box",),
}


def own(name: str, *methods: str) -> Backend:
    """A backend of another package, whose methods are all NumPy's separable one."""
    shipped = find_implementation("numpy", "separable")
    implementations = tuple(
        Implementation(
            name, method, "ours", shipped.prepare, shipped.multiply_adds, shipped.work_bytes
        )
        for method in methods
    )
    return Backend(name, "cpu", implementations, Availability)


Offer = Callable[..., EntryPoint]


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch) -> Offer:
    """Makes the entry point of a package that offers something under a name."""

    def make(name: str, offered: object) -> EntryPoint:
        module = ModuleType(f"package_of_{name}")
        module.backend = offered  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return EntryPoint(name, f"{module.__name__}:backend", GROUP)

    return make


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Makes entry points those of the installed packages, for as long as a test runs."""

    def put(*entries: EntryPoint) -> None:
        monkeypatch.setattr(registry, "entry_points", lambda group: entries)
        registry.backends.cache_clear()

    yield put
    registry.backends.cache_clear()


# The shipped backends.


def test_each_shipped_backend_bears_the_name_it_is_listed_under() -> None:
    assert [backend.name for backend in collect([]).values()] == list(BACKENDS)


@pytest.mark.parametrize(("name", "methods"), OFFERED.items())
def test_a_shipped_backend_loses_none_of_its_methods(name: str, methods: tuple[str, ...]) -> None:
    assert {one.method for one in collect([])[name].implementations} >= set(methods)


def test_the_methods_that_are_offered_are_those_that_are_listed() -> None:
    every = [one for backend in collect([]).values() for one in backend.implementations]
    assert {one.method for one in every if one.exact} == set(EXACT)
    assert {one.method for one in every if not one.exact} == set(APPROXIMATIONS)


def test_the_librarys_own_filters_are_declared_as_such() -> None:
    found = {
        one.name
        for backend in collect([]).values()
        for one in backend.implementations
        if one.origin == "library" and backend.name in OFFERED
    }
    twins = ("scipy", "cupyx", "torch", "torch_gpu", "opencv", "opencv_ocl", "pyvips", "halide")
    filters = {f"{backend}:{method}" for backend in twins for method in ("direct", "separable")}
    others = {"opencv:fft", "cucim:separable", "skimage:separable", "pillow:extended_box"}
    assert found == filters | others


def test_backends_are_of_the_kind_that_they_are_listed_under() -> None:
    kinds = {name: backend.kind for name, backend in collect([]).items()}
    assert kinds == dict.fromkeys(ON_CPU, "cpu") | dict.fromkeys(ON_GPU, "gpu")


@pytest.mark.parametrize("name", ["numpy", "scipy"])
def test_the_backends_of_the_cpu_run_everywhere(name: str) -> None:
    assert find_backend(name).probe().ok


@pytest.mark.parametrize("name", ["numpy", "scipy"])
def test_the_backends_of_the_cpu_tell_their_librarys_version(name: str) -> None:
    assert find_backend(name).probe().versions == {name: sys.modules[name].__version__}


@pytest.mark.parametrize(
    "name", [one.name for backend in collect([]).values() for one in backend.implementations]
)
def test_an_implementation_is_found_by_backend_and_method(name: str) -> None:
    assert find_implementation(*name.split(":")).name == name


# The backends of other packages.


def test_a_backend_of_another_package_is_listed_after_the_shipped_ones(offer: Offer) -> None:
    assert list(collect([offer("third", own("third", "fft"))])) == [*BACKENDS, "third"]


def test_a_backend_of_another_package_blurs(offer: Offer, install: Callable[..., None]) -> None:
    install(offer("third", own("third", "separable")))
    image = np.arange(20, dtype=np.float32).reshape(4, 5)
    expected = blurbench.gaussian_blur(image, size=3, backend="numpy")
    assert np.array_equal(blurbench.gaussian_blur(image, size=3, backend="third"), expected)


def test_a_method_of_another_package_becomes_known(
    offer: Offer, install: Callable[..., None]
) -> None:
    install(offer("third", own("third", "magic")))
    assert find_implementation("third", "magic").name == "third:magic"


def test_a_shipped_backend_cannot_be_replaced(offer: Offer) -> None:
    assert collect([offer("scipy", own("scipy", "fft"))]) == collect([])


def test_the_first_of_two_packages_keeps_a_name(offer: Offer) -> None:
    first = own("third", "fft")
    entries = [offer("third", first), EntryPoint("third", "elsewhere:backend", GROUP)]
    assert collect(entries)["third"] is first


class Broken:
    """An entry point whose package cannot be loaded."""

    name, value = "third", "package_of_third:backend"

    def __init__(self, error: Exception) -> None:
        self._error = error

    def load(self) -> object:
        raise self._error


ERRORS = [
    ImportError("No module named 'fast_filters'"),
    AttributeError("module 'package_of_third' has no attribute 'backend'"),
    RuntimeError("no licence was found"),
    OSError("libfast.so: cannot open shared object file"),
    ImportError("\nFailed to load.\n\n  1. Reinstall it.\n  2. Try again."),
    ValueError(),
]

each_error = pytest.mark.parametrize("error", ERRORS, ids=repr)


@each_error
def test_a_package_that_fails_to_load_is_listed_as_unusable(error: Exception) -> None:
    assert not collect([Broken(error)])["third"].probe().ok


@each_error
def test_a_package_that_fails_to_load_leaves_the_shipped_backends_alone(error: Exception) -> None:
    found = collect([Broken(error)])
    assert {name: found[name] for name in BACKENDS} == collect([])


@each_error
def test_a_package_that_fails_to_load_leaves_the_next_package_alone(
    error: Exception, offer: Offer
) -> None:
    next_one = own("fourth", "fft")
    assert collect([Broken(error), offer("fourth", next_one)])["fourth"] is next_one


@each_error
def test_the_reason_names_the_kind_of_error(error: Exception) -> None:
    assert type(error).__name__ in (collect([Broken(error)])["third"].probe().reason or "")


@each_error
def test_the_reason_is_one_line(error: Exception) -> None:
    reason = collect([Broken(error)])["third"].probe().reason or ""
    assert len(reason.splitlines()) == 1


def test_the_reason_holds_what_the_error_says() -> None:
    reason = collect([Broken(RuntimeError("no licence was found"))])["third"].probe().reason
    assert "no licence was found" in (reason or "")


def test_the_remedy_names_where_the_package_is_found() -> None:
    remedy = collect([Broken(ImportError("broken"))])["third"].probe().remedy
    assert "package_of_third:backend" in (remedy or "")


def test_a_module_that_does_not_exist_is_a_package_that_fails_to_load() -> None:
    entry = EntryPoint("third", "no_such_package_anywhere:backend", GROUP)
    assert "no_such_package_anywhere" in (collect([entry])["third"].probe().reason or "")


@pytest.mark.parametrize(
    "offered", [object(), None, Backend, "numpy"], ids=["object", "None", "class", "text"]
)
def test_what_is_not_a_backend_is_listed_with_the_reason(offered: object, offer: Offer) -> None:
    state = collect([offer("third", offered)])["third"].probe()
    assert "package_of_third:backend is not a blurbench Backend" in (state.reason or "")


def test_a_package_that_fails_to_load_offers_no_methods() -> None:
    assert collect([Broken(ImportError("broken"))])["third"].implementations == ()


def test_asking_a_package_that_failed_to_load_for_a_method_says_that_it_has_none(
    install: Callable[..., None],
) -> None:
    install(EntryPoint("third", "no_such_package_anywhere:backend", GROUP))
    message = refusal(lambda: find_implementation("third", "fft"))
    assert "backend 'third' has no method 'fft': it offers no method" in message


def test_a_probe_that_breaks_says_so_in_one_line() -> None:
    def fail() -> Availability:
        raise OSError("first line\n  second line")

    state = probe(Backend("third", "cpu", (), fail))
    assert state.reason == "its probe failed: first line second line"


def test_a_probe_that_breaks_has_a_remedy() -> None:
    def fail() -> Availability:
        raise KeyError

    assert probe(Backend("third", "cpu", (), fail)).remedy


def test_a_backend_that_cannot_run_is_refused_with_reason_and_remedy(
    offer: Offer, install: Callable[..., None]
) -> None:
    closed = Availability(reason="the door is closed", remedy="open the door")
    usable = own("third", "separable")
    install(offer("third", Backend("third", "cpu", usable.implementations, lambda: closed)))
    with pytest.raises(RuntimeError, match=r"'third'.*the door is closed.*open the door"):
        blurbench.gaussian_blur(np.zeros((4, 4), np.float32), size=3, backend="third")


# What is not known.


def test_an_unknown_backend_is_refused_with_the_known_ones() -> None:
    message = refusal(lambda: find_backend("opengl"))
    assert [word for word in ("'opengl'", *BACKENDS) if word not in message] == [], message


def test_an_unknown_backend_is_refused_with_those_of_other_packages_too(
    offer: Offer, install: Callable[..., None]
) -> None:
    install(offer("third", own("third", "fft")))
    assert refusal(lambda: find_backend("opengl")).endswith("wgpu, opencv_ocl, third")


@pytest.mark.parametrize(
    "ask", [lambda: check_method("magic"), lambda: find_implementation("numpy", "magic")]
)
def test_an_unknown_method_is_refused_with_the_known_ones(ask: Callable[[], object]) -> None:
    message = refusal(ask)
    assert [word for word in ("'magic'", *EXACT) if word not in message] == [], message


def test_an_unknown_method_is_refused_with_those_of_other_packages_too(
    offer: Offer, install: Callable[..., None]
) -> None:
    install(offer("third", own("third", "fft", "fog")))
    listed = refusal(lambda: check_method("magic")).partition("use one of ")[2]
    assert listed.split(", ") == [*METHODS, "fog"]


def test_a_combination_that_does_not_exist_is_refused_with_what_the_backend_offers(
    offer: Offer, install: Callable[..., None]
) -> None:
    install(offer("third", own("third", "fft", "banded")))
    message = refusal(lambda: find_implementation("third", "direct"))
    assert message == "backend 'third' has no method 'direct': it offers fft, banded"


def test_each_method_that_a_backend_offers_is_known() -> None:
    offered = {one.method for each in registry.backends().values() for one in each.implementations}
    assert offered >= {"direct", "separable", "fft", "banded", "dct", "box", "deriche"}
    for method in offered:
        check_method(method)


def test_devices_that_several_backends_name_are_named_once() -> None:
    twins = Availability(devices=("one card", "one card"))
    assert devices_of([twins, Availability(), twins]) == ["one card", "one card"]
