"""What `auto` chose, forgotten: a test may have changed the table, or what can run."""

from __future__ import annotations

from blurbench.blur import settle
from blurbench.choice.table import current


def forget_choices() -> None:
    """Choose anew from now on, by the table as it is now."""
    current.cache_clear()
    settle.cache_clear()
