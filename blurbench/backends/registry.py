"""Collects the backends: those shipped here, then those of other packages. Decides nothing."""

from __future__ import annotations

import functools
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from blurbench.backends.backend import Availability, Backend, Implementation
from blurbench.errors import InputError
from blurbench.names import BACKENDS, EXACT
from blurbench.synonyms import BACKEND, METHOD

KINDS = ("cpu", "gpu")  # of backends; a name for all of one
GROUP = "blurbench.backends"


@functools.cache
def backends() -> dict[str, Backend]:
    """Every backend by name; one that cannot be loaded says so when it is probed."""
    return collect(entry_points(group=GROUP))


def collect(others: Iterable[EntryPoint]) -> dict[str, Backend]:
    """The shipped backends and `others`, which cannot replace a shipped one or one another."""
    found: dict[str, Backend] = {
        name: import_module(f"blurbench.backends.{name}").backend for name in BACKENDS
    }
    for other in others:
        if other.name not in found:
            found[other.name] = _load(other)
    return found


def _load(entry: EntryPoint) -> Backend:
    try:
        backend = entry.load()
        if not isinstance(backend, Backend):
            raise TypeError(f"{entry.value} is not a blurbench Backend")
        return backend
    except Exception as error:  # whatever a stranger's module raises must not disturb the others
        text = " ".join(f"{type(error).__name__}: {error}".split())
        broken = Availability(
            reason=f"its package failed to load: {text}",
            remedy=f"mend or uninstall the package that provides {entry.value}",
        )
        return Backend(entry.name, "cpu", (), lambda: broken)


def find_backend(name: str) -> Backend:
    """The backend called `name`.

    Raises:
        InputError: there is none; the known ones are listed.
    """
    known = backends()
    try:
        return known[name]
    except (KeyError, TypeError):  # a list cannot even be looked for
        raise BACKEND.unknown(name, known) from None


def find_backends(names: Sequence[str]) -> list[Backend]:
    """Those that are named, each once; a kind names all of it, and no name all there are.

    Raises:
        InputError: a name is unknown.
    """
    known = backends()
    found: dict[str, Backend] = {}
    for name in names or known:
        if name in KINDS and name not in known:
            found.update((one.name, one) for one in known.values() if one.kind == name)
        else:
            found[name] = find_backend(name)
    return list(found.values())


def probe(backend: Backend, named: bool = True) -> Availability:
    """Whether the backend can run here, even if its own probe breaks.

    Args:
        named: whether somebody asks for it by name. Where nobody does, a software device is none.
    """
    try:
        state = backend.probe()
    except Exception as error:
        text = " ".join(str(error).split()) or type(error).__name__
        return Availability(f"its probe failed: {text}", "report it to its authors")
    if named or not (state.ok and state.software):
        return state
    remedy = f"--backend {backend.name} runs on {', '.join(state.devices)} all the same"
    return replace(state, reason="only software stands in for a GPU here", remedy=remedy)


def place_of(backend: Backend) -> Hashable:
    """Where the calling thread's work with it goes; None on a CPU, or where it cannot run."""
    if backend.lanes is None or not probe(backend).ok:
        return None
    return backend.lanes.place()


def known_methods() -> list[str]:
    """The methods of all backends, the usual ones first."""
    offered = (one.method for each in backends().values() for one in each.implementations)
    return list(dict.fromkeys([*EXACT, *offered]))


def check_method(method: str) -> None:
    """Raise InputError unless some backend offers the method."""
    known = known_methods()
    if method not in known:
        raise METHOD.unknown(method, known)


def find_implementation(backend: str, method: str) -> Implementation:
    """The implementation called `backend:method`.

    Raises:
        InputError: the backend or method is unknown, or the backend does not offer the method.
    """
    owner = find_backend(backend)
    check_method(method)
    found = owner.implementation(method)
    if found is None:
        offered = ", ".join(one.method for one in owner.implementations) or "no method"
        raise InputError(f"backend {backend!r} has no method {method!r}: it offers {offered}")
    return found
