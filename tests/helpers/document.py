"""The files and the examples that a document shows."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCED = re.compile(r"^```\w+\n((?:#|/\*) (\S+).*?)^```", re.DOTALL | re.MULTILINE)
PYTHON = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def files_in(document: str) -> dict[str, str]:
    """Text by name, of the blocks of code whose first line is a comment that names a file."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return {name: code for code, name in FENCED.findall(text)}


def examples_in(document: str) -> list[str]:
    """The blocks of Python, in order."""
    return PYTHON.findall((ROOT / document).read_text(encoding="utf-8"))
