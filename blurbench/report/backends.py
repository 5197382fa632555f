"""The backends on the terminal."""

from __future__ import annotations

from rich.console import Console

from blurbench import host
from blurbench.backends.registry import backends, probe
from blurbench.extras import install
from blurbench.measure.threads import limit_threads
from blurbench.records.machine import cpu_name
from blurbench.report.console import say, say_unbroken
from blurbench.report.units import plural


def show_backends(console: Console) -> None:
    """A paragraph a backend: state, methods, versions, devices, remedy."""
    cpus = host.usable_cpus()
    say(console, f"{cpu_name()}, {plural(cpus, 'CPU')} usable")
    for name, backend in backends().items():
        state = probe(backend)
        console.print()
        say(console, f"{name}: {'available' if state.ok else 'cannot run'}", "bold")
        methods = ", ".join(
            f"{one.method} ({one.origin if one.exact else 'approximate'})"
            for one in backend.implementations
        )
        say(console, f"  methods   {methods or 'none'}")
        versions = ", ".join(f"{library} {version}" for library, version in state.versions.items())
        if versions:
            say(console, f"  versions  {versions}")
        if backend.kind == "cpu" and state.ok:
            say(console, f"  threads   {cpus}, where the library can be told")
        for number, device in enumerate(state.devices):
            say(console, f"  device {number}  {device}")
        if state.software:
            say(console, f"  software  no GPU: it runs where {name} is named")
        if not state.ok:
            say(console, f"  reason    {state.reason}")
            say_unbroken(console, f"  remedy    {state.remedy or 'none known'}", "cyan")
    with limit_threads(cpus) as pools:
        console.print()
        found = ", ".join(
            f"{library} {plural(count, 'thread')}" for library, count in pools.items()
        )
        if pools:
            say(console, f"Thread pools: {found}")
        else:
            say_unbroken(console, f"Thread pools cannot be set: {install('threads')}", "cyan")
