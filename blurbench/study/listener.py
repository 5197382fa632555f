"""Who is told how a measurement goes on."""

from __future__ import annotations

from typing import Self

from blurbench.measure.race import Ranking
from blurbench.records.journal import Run


class Listener:
    """Is told how a measurement goes on. This one ignores it all.

    It is entered when this process begins to measure, and left when nothing more is measured.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def asked(self) -> None:
        """The question is settled; nothing has run."""

    def begins(self, run: Run) -> None:
        """It is known what can run here."""

    def part(self, process: int, processes: int) -> None:
        """A process of its own begins its part."""

    def ends(self) -> None:
        """Nothing more is measured."""

    def budget(self, seconds: float) -> None:
        """At most this long will it take."""

    def stage(self, text: str) -> None:
        """What happens now."""

    def rounds(self, done: int, left_s: float) -> None:
        """A round was completed; so many seconds of the budget are left."""

    def ranking(self, ranking: Ranking) -> None:
        """Those that did best until now."""

    def points(self, done: int, total: int, text: str, left_s: float | None = None) -> None:
        """So many points are done, of a total or 0; the text says which one begins."""
