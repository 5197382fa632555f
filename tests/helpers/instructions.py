"""How many instructions a kernel executes, counted in its machine code.

A kernel's time goes into one loop. Of the ways through it the usual one is taken: it has the most
multiply-adds, and of these the fewest instructions, for what is rare (a border, a ragged end) only
adds to the work. An instruction is counted whether its predicate lets it through or not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

LINE = re.compile(r"^\s*/\*([0-9a-f]+)\*/\s+(@!?U?P\w+ )?([A-Z0-9_.]+)(.*);", re.MULTILINE)
LABEL = re.compile(r"^(\.L_x_\d+):", re.MULTILINE)
TARGET = re.compile(r"`\((\.L_x_\d+)\)")

Barred = Callable[[str], bool]  # what a way must not pass, by an instruction's name


@dataclass(frozen=True)
class Instruction:
    """One instruction, and the numbers of those that may follow it."""

    name: str
    followed_by: tuple[int, ...]


@dataclass(frozen=True, order=True)
class Way:
    """What a way through a loop takes; the greatest is the usual one."""

    multiply_adds: int
    minus_instructions: int  # the fewer, the greater

    @property
    def instructions(self) -> int:
        return -self.minus_instructions

    def after(self, name: str) -> Way:
        """This way, when an instruction comes before it."""
        return Way(self.multiply_adds + name.startswith("FFMA"), self.minus_instructions - 1)


def read(text: str) -> list[Instruction]:
    """The instructions of a kernel as nvdisasm writes it."""
    labels, lines = {}, []
    for row in text.splitlines():
        if found := LABEL.match(row):
            labels[found[1]] = len(lines)
        elif found := LINE.match(row):
            lines.append(found)
    return [
        Instruction(line[3], tuple(_next(number, line, labels)))
        for number, line in enumerate(lines)
    ]


def _next(number: int, line: re.Match[str], labels: dict[str, int]) -> Iterator[int]:
    predicate, name, operands = line[2], line[3], line[4]
    jump = TARGET.search(operands) if name.split(".")[0] == "BRA" else None
    always = not predicate and not re.match(r"\s*!?U?P\d", operands) and ".DIV" not in name
    if jump:
        yield labels[jump[1]]
    if not (always and (jump or name == "EXIT")):
        yield number + 1


def usual_way(code: list[Instruction], barred: Barred = lambda name: False) -> Way:
    """The usual way once through the loop with the most multiply-adds.

    Args:
        barred: what the way through that loop must not pass.
    """
    heads = {
        after
        for number, one in enumerate(code)
        for after in one.followed_by
        if one.name.startswith("BRA") and after <= number
    }
    ways = [(_way_round(code, head), head) for head in heads]
    _, loop = max((way, head) for way, head in ways if way is not None)
    found = _way_round(code, loop, barred)
    assert found is not None
    return found


def _way_round(
    code: list[Instruction], head: int, barred: Barred = lambda name: False
) -> Way | None:
    """The usual way from a loop's first instruction back to it."""
    known: dict[int, Way | None] = {}
    begun: set[int] = set()

    def best_after(number: int) -> Way | None:
        ways = (
            Way(0, 0) if after == head else known.get(after) for after in code[number].followed_by
        )
        best = max((way for way in ways if way is not None), default=None)
        return best and best.after(code[number].name)

    waiting = [head]
    while waiting:  # depth first; a way that comes to where it has been is none
        number = waiting[-1]
        if number in known or barred(code[number].name):
            known.setdefault(number, None)
            waiting.pop()
        elif number in begun:
            known[number] = best_after(number)
            waiting.pop()
        else:
            begun.add(number)
            for after in code[number].followed_by:
                if after not in begun and after < len(code):
                    waiting.append(after)
    return known[head]
