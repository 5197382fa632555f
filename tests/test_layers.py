"""The shape of the package: which way imports go, and what a class or a function may look like."""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TypeVar

import pytest

import blurbench

ROOT = Path(blurbench.__file__).parent

# From top to bottom; a name is a folder or a file of the package.
FLOORS = [
    {"__main__", "cli"},
    {"api"},
    {"report"},
    {"inspect", "tune"},
    {"study", "folders", "large"},
    {"blur", "recipe"},
    {"analysis"},
    {"choice"},
    {"records"},
    {"backends"},
    {"methods"},
    {"measure"},
    {"plan", "problem", "adjoint", "image", "lost", "nodata", "testcard", "kernel", "border"}
    | {"splines", "names", "version", "host", "errors", "extras", "cache", "files", "forks"}
    | {"synonyms", "memory"},
]
ARRAY_LIBRARIES = {"numpy", "scipy", "cupy", "cupyx"}
HEAVY = ARRAY_LIBRARIES | {"PIL", "rich", "matplotlib"}
FILES = sorted(ROOT.rglob("*.py"))
TOOLS = Path(__file__).parents[1] / "tools"

MANY_PARAMETERS = 7
# Called with keywords, or by options: what a user can ask of a blur is a parameter of its own.
FACES = {"blur.prepare", "blur.gaussian_blur", "cli.blur.blur"}

Node = TypeVar("Node", bound=ast.AST)


def module_name(file: Path) -> str:
    """`blurbench.cli.main` for cli/main.py, `blurbench.cli` for cli/__init__.py."""
    parts = file.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(file): file for file in FILES}


def part_of(module: str) -> str:
    """The folder or file of the package that a module belongs to; empty for the package."""
    return module.removeprefix("blurbench").removeprefix(".").partition(".")[0]


def floor_of(module: str) -> int:
    """0 for the top; the package itself, which holds only its version, is below all."""
    part = part_of(module)
    if part == "":
        return len(FLOORS)
    return next(number for number, names in enumerate(FLOORS) if part in names)


def imported(file: Path, *, at_import: bool = False) -> Iterator[str]:
    """The modules that a file imports, by full name.

    Imports for type checkers alone count, unless `at_import`: then only what runs when the
    module is imported does.
    """
    pending: list[ast.AST] = [ast.parse(file.read_text("utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from names_in(node)
        elif isinstance(node, ast.Call) and called_name(node) == "import_module":
            yield from (str(one.value) for one in node.args if isinstance(one, ast.Constant))
        if at_import and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if at_import and isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            pending += node.orelse
            continue
        pending += ast.iter_child_nodes(node)


def names_in(node: ast.ImportFrom) -> Iterator[str]:
    assert node.level == 0, "imports are absolute"
    assert node.module is not None
    for alias in node.names:
        full = f"{node.module}.{alias.name}"
        yield full if full in MODULES else node.module


def called_name(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def nodes_of(file: Path, kind: type[Node]) -> Iterator[Node]:
    return (one for one in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(one, kind))


def parameters(function: ast.FunctionDef) -> int:
    """How many a function takes, beside `self` and `cls`."""
    given = function.args
    names = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def own(names: Iterator[str]) -> set[str]:
    return {name for name in names if name.partition(".")[0] == "blurbench"}


def roots(names: Iterator[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def within(part: str) -> list[str]:
    """The modules of a folder or file of the package."""
    return [module for module in MODULES if part_of(module) == part]


def test_every_part_of_the_package_has_a_floor() -> None:
    placed = set().union(*FLOORS) | {""}
    assert {part_of(module) for module in MODULES} == placed


@pytest.mark.parametrize("module", [name for name in MODULES if name != "blurbench"])
def test_a_module_imports_only_from_its_own_floor_and_those_below(module: str) -> None:
    above = {name for name in own(imported(MODULES[module])) if floor_of(name) < floor_of(module)}
    assert above == set()


def test_modules_import_one_another_in_no_circle() -> None:
    """Imports anywhere in a file count: inside functions, and for type checkers alone."""
    graph = {module: own(imported(file)) - {module} for module, file in MODULES.items()}
    TopologicalSorter(graph).prepare()


def test_no_two_classes_have_the_same_name() -> None:
    homes: defaultdict[str, list[str]] = defaultdict(list)
    for file in [*FILES, *sorted(TOOLS.rglob("*.py"))]:
        for node in nodes_of(file, ast.ClassDef):
            homes[node.name].append(file.name)
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}


def test_only_the_faces_of_the_package_take_many_parameters() -> None:
    found = {
        f"{module.removeprefix('blurbench.')}.{function.name}"
        for module, file in MODULES.items()
        for function in nodes_of(file, ast.FunctionDef)
        if parameters(function) > MANY_PARAMETERS
    }
    assert found - FACES == set()


@pytest.mark.parametrize("module", within("measure"))
def test_measure_knows_neither_methods_nor_backends(module: str) -> None:
    parts = {part_of(name) for name in own(imported(MODULES[module]))}
    assert parts <= {"measure", "host", ""}


@pytest.mark.parametrize("module", within("analysis"))
def test_what_reads_records_imports_no_backend(module: str) -> None:
    parts = {part_of(name) for name in own(imported(MODULES[module]))}
    assert parts & {"backends", "methods", "choice"} == set()


@pytest.mark.parametrize("module", within("methods"))
def test_methods_import_no_array_library(module: str) -> None:
    assert roots(imported(MODULES[module])) & ARRAY_LIBRARIES == set()


@pytest.mark.parametrize("module", within("cli"))
def test_the_command_line_imports_only_click_to_start_with(module: str) -> None:
    names = set(imported(MODULES[module], at_import=True))
    others = {
        name
        for name in names
        if name.partition(".")[0] not in sys.stdlib_module_names | {"click"}
        and name not in ("blurbench.errors", "blurbench.names", "blurbench.version")
        and part_of(name) != "cli"
    }
    assert others == set()


def test_the_package_imports_only_the_standard_library_to_start_with() -> None:
    names = set(imported(MODULES["blurbench"], at_import=True)) - {"blurbench.version"}
    assert roots(iter(names)) <= sys.stdlib_module_names


@pytest.mark.parametrize("module", within("backends"))
def test_no_backend_imports_cupy_before_it_is_probed(module: str) -> None:
    assert roots(imported(MODULES[module], at_import=True)) & {"cupy", "cupyx"} == set()


@pytest.mark.parametrize("module", within("records") + within("measure"))
def test_records_and_measure_import_nothing_heavy(module: str) -> None:
    assert roots(imported(MODULES[module])) & HEAVY == set()


def test_no_test_imports_another() -> None:
    files = sorted(Path(__file__).parent.glob("test_*.py"))
    tests = {file.stem for file in files} | {"conftest"}
    found = {file.stem: roots(imported(file)) & tests for file in files}
    assert {name: others for name, others in found.items() if others} == {}


@pytest.mark.parametrize(
    ("code", "at_import", "expected"),
    [
        ("from blurbench.cli import main", False, {"blurbench.cli.main"}),
        ("from blurbench import __version__, host", False, {"blurbench", "blurbench.host"}),
        ("def f():\n    import numpy.fft", False, {"numpy.fft"}),
        ("def f():\n    import numpy.fft", True, set()),
        ("if TYPE_CHECKING:\n    import numpy", False, {"numpy"}),
        ("if TYPE_CHECKING:\n    import numpy", True, set()),
        ("class A:\n    import numpy", True, {"numpy"}),
        ("try:\n    import cupy\nexcept ImportError:\n    pass", True, {"cupy"}),
        ("import_module('cupy')", True, {"cupy"}),
        ("importlib.import_module('cupy.fft')", False, {"cupy.fft"}),
    ],
)
def test_no_way_to_import_is_overlooked(
    code: str, at_import: bool, expected: set[str], tmp_path: Path
) -> None:
    file = tmp_path / "module.py"
    file.write_text(code, "utf-8")
    assert set(imported(file, at_import=at_import)) == expected
