"""Tables of texts: whole at any width, for what there is no room for is left out and told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from blurbench.report.console import is_wide, room_of, say, wrapped

_BRACKETS = re.compile(r" (\[[^]]*\]|\([^)]*\))$")


@dataclass(frozen=True)
class Brackets:
    """The part of a column that stands in brackets at the end of its texts: an interval."""

    column: str


@dataclass
class Table:
    """Columns of texts without lines, two blanks apart, or one where that makes them fit.

    Args:
        headers: the names of the columns.
        right: places of those that are aligned to the right, as figures are.
        extra: columns that wide terminals alone show, the least needed first.
        spare: what a narrow terminal does without, the least needed first; a line tells of it.
        prose: whether the last column is wrapped at words where there is no room for it.
    """

    headers: Sequence[str]
    right: Sequence[int] = ()
    extra: Sequence[str] = ()
    spare: Sequence[str | Brackets] = ()
    prose: bool = False
    _rows: list[tuple[Sequence[str], str]] = field(default_factory=list, init=False)

    def add_row(self, *texts: str, style: str = "") -> None:
        """A text for each column."""
        self._rows.append((texts, style))

    @property
    def texts(self) -> list[Sequence[str]]:
        """Those of each row, a text a column."""
        return [texts for texts, _ in self._rows]

    @property
    def width(self) -> int:
        """The width of all its columns together."""
        return max(map(cell_len, self._lines(0, 2)))

    def missing(self, console: Console) -> list[str]:
        """What a narrow terminal does without, in words."""
        gone, _ = self._fitted(console)
        return [_in_words(one) for one in self.spare[: max(0, gone - len(self.extra))]]

    def show(self, console: Console) -> None:
        """Print it, without trailing blanks, and what there was no room for."""
        _, lines = self._fitted(console)
        styles = ["bold", *(style for _, style in self._rows)]
        for line, style in zip(lines, styles, strict=True):
            for part in self._parts(console, line):
                console.print(Text(part, style=style), soft_wrap=True)
        missing = self.missing(console)
        if missing:
            text = f"Not shown in {console.width} columns: {', '.join(missing)} (| cat shows all)."
            say(console, text)

    def _fitted(self, console: Console) -> tuple[int, list[str]]:
        """How many of `extra` and `spare` are gone so that it fits, and the lines.

        A pipe has all but the extra ones. Names are never cut, however narrow the terminal.
        """
        first = 0 if is_wide(console) else len(self.extra)
        last = len(self.extra) + (len(self.spare) if console.is_terminal else 0)
        for gone in range(first, last + 1):
            for gap in (2,) if gone < len(self.extra) else (2, 1):
                lines = self._lines(gone, gap)
                if self.prose or max(map(cell_len, lines)) <= room_of(console):
                    return gone, lines
        return last, lines

    def _lines(self, gone: int, gap: int) -> list[str]:
        """The header and the rows, without the first so many of what can be done without."""
        left_out = [*self.extra, *self.spare][:gone]
        columns = []
        for place, header in enumerate(self.headers):
            if header in left_out:
                continue
            texts = [header, *(row[place] for row, _ in self._rows)]
            if Brackets(header) in left_out:
                texts = [_BRACKETS.sub("", text) for text in texts]
            columns.append(_aligned(texts, place in self.right))
        return [(" " * gap).join(cells).rstrip() for cells in zip(*columns, strict=True)]

    def _parts(self, console: Console, line: str) -> list[str]:
        """A line, or where it ends in prose those that it is wrapped to, below each other."""
        if not (self.prose and console.is_terminal):
            return [line]
        last = [self.headers[-1], *(row[-1] for row, _ in self._rows)]
        start = self.width - max(map(cell_len, last))
        head, prose = line[:start], line[start:]
        first, *others = wrapped(console, prose, max(1, console.width - start))
        return [f"{head}{first}".rstrip(), *(" " * start + other for other in others)]


def _aligned(texts: Sequence[str], right: bool) -> list[str]:
    width = max(map(cell_len, texts))
    blanks = [" " * (width - cell_len(text)) for text in texts]
    pairs = zip(blanks, texts, strict=True) if right else zip(texts, blanks, strict=True)
    return ["".join(pair) for pair in pairs]


def _in_words(one: str | Brackets) -> str:
    if isinstance(one, Brackets):
        return f"the interval of {_BRACKETS.sub('', one.column)}"
    return one
