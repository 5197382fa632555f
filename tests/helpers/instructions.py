"""How many instructions a kernel executes, counted in its machine code.

A kernel's time goes into one loop, or it has none. Of the ways through either the usual one is
taken: it has the most of what the kernel is for (multiply-adds, or stores), and of these the fewest
instructions, for what is rare (a border, a ragged end) only adds to the work. An instruction is
counted whether its predicate lets it through or not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

LINE = re.compile(r"^\s*/\*([0-9a-f]+)\*/\s+(@!?U?P\w+ )?([A-Z0-9_.]+)(.*);", re.MULTILINE)
LABEL = re.compile(r"^(\.L_x_\d+):", re.MULTILINE)
TARGET = re.compile(r"`\((\.L_x_\d+)\)")

FLOATING = ("FFMA", "FADD", "FMUL")
END = -1  # what follows an instruction that ends the kernel

Barred = Callable[[str], bool]  # what a way must not pass, by an instruction's name


@dataclass(frozen=True)
class Instruction:
    """One instruction, and the numbers of those that may follow it."""

    name: str
    followed_by: tuple[int, ...]


@dataclass(frozen=True, order=True)
class Way:
    """What a way through a kernel, or round a loop, takes; the greatest is the usual one."""

    sought: int = 0  # of the instructions that the kernel is for
    minus_instructions: int = 0  # the fewer, the greater
    floating: int = field(default=0, compare=False)  # additions, multiplications, and both

    @property
    def instructions(self) -> int:
        return -self.minus_instructions

    def after(self, name: str, sought: str) -> Way:
        """This way, when an instruction comes before it."""
        return Way(
            self.sought + name.startswith(sought),
            self.minus_instructions - 1,
            self.floating + name.startswith(FLOATING),
        )


def read(text: str) -> list[Instruction]:
    """The instructions of a kernel as nvdisasm writes it."""
    labels: dict[str, int] = {}
    lines: list[re.Match[str]] = []
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
    if name == "EXIT":
        yield END
    if not (always and (jump or name == "EXIT")):
        yield number + 1


def usual_way(
    code: list[Instruction], barred: Barred = lambda name: False, sought: str = "FFMA"
) -> Way:
    """The usual way once through the loop that has most of what is sought.

    Args:
        barred: what the way through that loop must not pass.
        sought: how the names of the instructions begin that the loop is for.
    """
    heads = {
        after
        for number, one in enumerate(code)
        for after in one.followed_by
        if one.name.startswith("BRA") and after <= number
    }
    ways = [(_way(code, head, head, sought), head) for head in heads]
    _, loop = max((way, head) for way, head in ways if way is not None)
    found = _way(code, loop, loop, sought, barred)
    assert found is not None
    return found


def way_through(code: list[Instruction], sought: str = "STG") -> Way:
    """The usual way through a kernel without loops, from its first instruction to its end."""
    found = _way(code, 0, END, sought)
    assert found is not None
    return found


def _way(
    code: list[Instruction],
    first: int,
    last: int,
    sought: str,
    barred: Barred = lambda name: False,
) -> Way | None:
    """The usual way from an instruction to before another, which may be the same."""
    known: dict[int, Way | None] = {}
    begun: set[int] = set()

    def best_after(number: int) -> Way | None:
        ways = (Way() if after == last else known.get(after) for after in code[number].followed_by)
        best = max((way for way in ways if way is not None), default=None)
        return best and best.after(code[number].name, sought)

    waiting = [first]
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
                if after not in begun and 0 <= after < len(code):
                    waiting.append(after)
    return known[first]
