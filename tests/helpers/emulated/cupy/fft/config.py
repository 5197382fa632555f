"""The cache of transforms' plans, which is always empty."""

from __future__ import annotations


class PlanCache:
    def clear(self) -> None: ...


def get_plan_cache(*_: int) -> PlanCache:
    return PlanCache()
