"""Shared by all tests: the quick run and the rest, the implementations, and where a GPU is needed.

The quick run, the default, is for every commit. What is marked `rest(kind)`, and most of the cases
of what is marked `covering`, are left to `--checks rest`; the quick run's last line counts them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import settings

from blurbench.backends import gpu
from blurbench.measure.risks import Watch
from helpers.contract import EXACT_ON_CPU
from helpers.covering import PRODUCTS, generate
from helpers.planted import plant as plant
from helpers.simulated import clock as clock
from helpers.simulated import device as device

LEFT = pytest.StashKey[Counter[str]]()  # how many checks the quick run leaves out, by kind

# On a busy machine an example may take long; no test judges that.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(scope="session", autouse=True)
def _unwatched() -> Iterator[None]:
    """No session waits to see what else this machine does, nor tells of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("blurbench.study.session.Watch", partial(Watch, read=lambda: None))
        yield


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what is marked `gpu` where no GPU can be used, saying why and what mends it."""
    if item.get_closest_marker("gpu") is None:
        return
    state = gpu.probe()
    if not state.ok:
        pytest.skip(f"{state.reason}: {state.remedy}")


# Which checks run.


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--checks",
        choices=["quick", "rest", "all"],
        default="quick",
        help="quick: what runs before every commit; rest: what that leaves out; all: both",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LEFT] = Counter()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give tests their cases: of what is `covering`, and each exact `implementation` of the CPU."""
    mark = metafunc.definition.get_closest_marker("covering")
    if mark is not None:
        left = generate(metafunc, mark, metafunc.config.getoption("--checks"))
        metafunc.config.stash[LEFT][PRODUCTS] += left
    elif "implementation" in metafunc.fixturenames:
        metafunc.parametrize("implementation", EXACT_ON_CPU, ids=lambda one: one.name)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep what belongs to this run, of the borders and dtypes that an implementation has."""
    checks = config.getoption("--checks")
    kept = []
    for item in filter(_is_possible, items):
        mark = item.get_closest_marker("rest")
        if mark is not None and checks == "quick":
            config.stash[LEFT][mark.args[0]] += 1
        if checks in ("all", "quick" if mark is None else "rest"):
            kept.append(item)
    items[:] = kept


def _is_possible(item: pytest.Item) -> bool:
    call: Any = getattr(item, "callspec", None)
    asked = {} if call is None else call.params
    one = asked.get("implementation")
    if one is None:
        return True
    offered = {"border": one.borders, "dtype": one.dtypes}
    return all(asked.get(what, known[0]) in known for what, known in offered.items())


# What the quick run leaves out. Under pytest-xdist the workers know it, and each knows all of it.


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["left"] = dict(session.config.stash[LEFT])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    node.config.stash[LEFT] = Counter(getattr(node, "workeroutput", {}).get("left", {}))


@pytest.hookimpl(wrapper=True)
def pytest_unconfigure(config: pytest.Config) -> Iterator[None]:
    """The last line of all."""
    yield
    left = config.stash[LEFT]
    if config.getoption("--checks") == "quick" and left and not hasattr(config, "workerinput"):
        kinds = ", ".join(f"{count:,} of {kind}" for kind, count in left.most_common())
        print(f"Left to make test-all: {left.total():,} checks ({kinds}).")
