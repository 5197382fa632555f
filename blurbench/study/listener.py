"""Who is told how a measurement goes on."""

from __future__ import annotations

from blurbench.measure.race import Ranking
from blurbench.problem import Problem


class Listener:
    """Is told how a measurement goes on. This one ignores it all."""

    def header(self, problem: Problem) -> None:
        """The question is settled; nothing has run."""

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
