"""What is raced: who takes part, by which rules, and what is known of it from before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from blurbench.measure.judge import Rules
from blurbench.measure.rounds import Sample
from blurbench.measure.sampling import Stopwatch


@dataclass(frozen=True)
class Contender:
    """What is measured: `measure(loops)` gives the seconds that `loops` calls took together.

    `cost_s` is what one call takes, roughly, as it is timed; `launch_s` what it takes besides, and
    `untimed_s` what a measurement takes beside all its calls.
    """

    name: str
    measure: Stopwatch
    cost_s: float
    untimed_s: float = 0.0
    launch_s: float = 0.0

    @property
    def call_s(self) -> float:
        """What a call takes in all."""
        return self.cost_s + self.launch_s


class ContenderError(RuntimeError):
    """A contender raised while it was measured.

    Attributes:
        name: the contender's; `control` if its double could not be made or measured.
        error: what it raised.
    """

    def __init__(self, name: str, error: Exception) -> None:
        super().__init__(f"{name}: {error}")
        self.name, self.error = name, error


@dataclass(frozen=True)
class Contest:
    """Contenders that are warmed up, and how they are held against each other.

    Attributes:
        make_control: makes the double of a contender, with buffers of its own, warmed up; or
            gives None for a race without a control.
        pairs: the comparisons that matter, (first, second); a contender leaves when all of its
            own are decided beyond the margin of `same`. By default everyone against the
            reference, and whoever is proven slower beyond the margin leaves.
        fixtures: are measured in every round and judged by nobody.
        unranked: the verdict of each that cannot win, nor be the reference beside others.
        history: samples of this race that were taken earlier; it goes on from there.
        reference: whom the others are held against; by default the pilot decides.
    """

    contenders: Sequence[Contender]
    rules: Rules
    make_control: Callable[[str], Contender | None] = lambda reference: None
    pairs: Sequence[tuple[str, str]] | None = None
    fixtures: Sequence[Contender] = ()
    unranked: Mapping[str, str] = field(default_factory=dict)
    history: Sequence[Sample] = ()
    reference: str | None = None

    @property
    def names(self) -> list[str]:
        """The contenders', without the fixtures'."""
        return [one.name for one in self.contenders]
