"""What implementations run on, and the one way in which their names are shown."""

from __future__ import annotations

CPU, GPU, SOFTWARE = KINDS = ("cpu", "gpu", "software")  # the last stands in for a GPU
YARDSTICK = "yardstick"  # the fixed work that times of different processes are divided by


def marked(name: str, kind: str) -> str:
    """A name as people read it, marked where software stands in for a GPU."""
    return f"{name} ({SOFTWARE})" if kind == SOFTWARE else name
