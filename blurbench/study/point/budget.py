"""The seconds of a point: how many there are, how many are spent."""

from __future__ import annotations

import time
from collections.abc import Mapping

from blurbench.study.point.admission import default_budget
from blurbench.study.point.request import PointRequest

PREPARING_S = 0.5  # about what copies, set-up and first calls take before a race


class Budget:
    """What was asked for, or what the calls need once that is known.

    Args:
        started: when this attempt began, by `time.perf_counter`.
        earlier_s: what earlier attempts of this process measured.

    Attributes:
        seconds: of all attempts together; 0 until it is settled.
        compiled_s: of what is spent, for compiling.
    """

    def __init__(self, request: PointRequest, started: float, earlier_s: float) -> None:
        self._request, self._started, self._earlier_s = request, started, earlier_s
        self.seconds = self.compiled_s = 0.0

    @property
    def estimating_s(self) -> float:
        """What estimates may take: even the smallest crop may cost more than one is worth."""
        return (self._request.budget or self._request.shortest) / 4

    @property
    def here_s(self) -> float:
        """Spent in this attempt."""
        return time.perf_counter() - self._started

    @property
    def spent_s(self) -> float:
        """Spent in all attempts."""
        return self._earlier_s + self.here_s

    @property
    def left_s(self) -> float:
        return self.seconds - self.spent_s

    def settle(self, costs: Mapping[str, float]) -> None:
        """Given what a call of each is expected to take."""
        asked = self._request
        if asked.budget:
            self.seconds = asked.budget + min(self.compiled_s, asked.spare)
        else:
            overhead_s = self.here_s + PREPARING_S
            self.seconds = default_budget(costs, asked.shortest, asked.longest, overhead_s)

    def stretch(self, costs: Mapping[str, float], aside_s: float) -> bool:
        """Leave what the race needs, whatever was spent before; whether that is more.

        Args:
            costs: what a call of each of those who race takes.
            aside_s: what is needed beside the race.
        """
        asked = self._request
        if asked.budget:
            return False
        overhead_s = self.here_s + aside_s
        needed = default_budget(costs, asked.shortest, asked.longest, overhead_s)
        if needed <= self.seconds:
            return False
        self.seconds = needed
        return True
