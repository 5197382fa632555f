"""What is refused, and in what words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from blurbench.errors import InputError


def refusal(attempt: Callable[..., object], *arguments: Any) -> str:
    """The message with which something is refused, which is one line."""
    with pytest.raises(InputError) as refused:
        attempt(*arguments)
    message = str(refused.value)
    assert len(message.splitlines()) == 1
    return message
