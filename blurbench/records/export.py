"""Rows and answers as text: RFC 4180 CSV and JSON, full precision, missing is empty or null."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def to_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], header: bool = True) -> str:
    """A table with LF line ends; floats as the shortest text that reads back the same."""
    lines = [dict(zip(columns, columns, strict=True))] if header else []
    return "".join(_line(columns, row) for row in [*lines, *rows])


def _line(columns: Sequence[str], row: Mapping[str, Any]) -> str:
    stream = io.StringIO()
    # With CR and LF for its own line end, the writer quotes values that hold either.
    writer = csv.DictWriter(stream, columns, lineterminator="\r\n", extrasaction="raise")
    writer.writerow({name: _cell(value) for name, value in row.items()})
    return stream.getvalue().removesuffix("\r\n") + "\n"


def to_json(answer: Mapping[str, Any]) -> str:
    """Indented JSON; what is not a finite number is null."""
    return json.dumps(_finite(answer), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _cell(value: Any) -> Any:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return printable(value)
    return value


def printable(text: str) -> str:
    """The text as UTF-8 can hold it: bytes of a file's name that are none are escaped."""
    return text.encode("utf-8", "backslashreplace").decode()


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value
