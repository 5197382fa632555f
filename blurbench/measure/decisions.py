"""What a look at a race decides: who may leave, and whether there is anything left to find out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from blurbench.measure.contest import Contest
from blurbench.measure.judge import SLOWER, TIED, judge, rates_of, verdict_beyond
from blurbench.measure.rounds import CONTROL, Rounds
from blurbench.measure.stats import FIRST_LOOK


class Decisions:
    """Of one race, as far as its rounds go.

    Args:
        counts: in how many rounds each has run.

    Attributes:
        decided: who has what it raced for.
        control_is_known: whether the control has an interval, or there is no control.
    """

    def __init__(self, contest: Contest, rounds: Rounds, counts: Mapping[str, int]) -> None:
        self._contest, self._rules, self._names = contest, contest.rules, contest.names
        self._rounds, self._counts = rounds, counts
        self.decided: set[str] = set()
        self.control_is_known = False
        self._unclear = set(self._names)  # who has no verdict on the leader's lead yet
        self._leader: str | None = None  # at the latest look; needs no verdict while it leads

    def matter(self, racing: Sequence[str], reference: str) -> bool:
        """Whether more rounds of these may change what is said of the leader's lead."""
        unclear = self._unclear.intersection([*racing, reference]) - {self._leader}
        return bool(racing) and bool(unclear)

    def look(self, due: set[str], reference: str, has_control: bool) -> None:
        """Decide on those whose number of rounds allows it, and see who is unclear yet."""
        rates = rates_of(self._rounds, self._names, self._rules)
        control = self._rounds.ratio(CONTROL, reference, rates[CONTROL])
        alone = not has_control and self._counts[reference] >= FIRST_LOOK
        self.control_is_known = alone or control.low is not None
        if self._contest.pairs is not None:
            self._decide_pairs(due, self._contest.pairs)
        else:
            self._decide_alone(due, reference, rates)

    def _decide_pairs(self, due: set[str], pairs: Sequence[tuple[str, str]]) -> None:
        rate = self._rules.share(len(self._names))
        undecided = {
            name for pair in pairs if self._beyond(*pair, rate) == "undecided" for name in pair
        }
        self.decided |= due - undecided

    def _decide_alone(self, due: set[str], reference: str, rates: Mapping[str, float]) -> None:
        unranked = self._contest.unranked
        found = judge(self._rounds, self._names, reference, self._rules, unranked)
        verdicts = {name: one.verdict for name, one in found.standings.items()}
        for name in due - {reference}:
            beyond = self._beyond(name, reference, rates[name])
            if name in unranked:
                decided = beyond != "undecided"
            else:  # a failed control asks for more
                decided = SLOWER in (verdicts[name], beyond if found.control_passed else "")
            if decided:
                self.decided.add(name)
        settled = {name for name in due if verdicts[name] in (SLOWER, TIED)}
        self._unclear = (self._unclear - due) | (due - settled)
        self._leader = found.leader

    def _beyond(self, first: str, second: str, rate: float) -> str:
        return verdict_beyond(self._rounds.ratio(first, second, rate), self._rules.same)
