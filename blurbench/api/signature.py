"""Calls whose settings are told by name, and shown so by `help` and by notebooks."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from blurbench.study.options import Options
from blurbench.study.settings import Settings

Called = TypeVar("Called", bound=Callable[..., Any])

_ALIKE = {"backend": "backends", "method": "methods"}  # called otherwise in `Options`


def with_settings(*left_out: str) -> Callable[[Called], Called]:
    """Give a function the settings as keywords of its signature, in the place of `**settings`."""

    def decorate(function: Called) -> Called:
        own = inspect.signature(function)
        named = [one for one in own.parameters.values() if one.kind is not one.VAR_KEYWORD]
        keywords = [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=getattr(Options, _ALIKE.get(name, name), None),
                annotation=getattr(annotation, "__forward_arg__", annotation),
            )
            for name, annotation in Settings.__annotations__.items()
            if name not in left_out
        ]
        shown = own.replace(parameters=[*named, *keywords])
        function.__signature__ = shown  # type: ignore[attr-defined]
        return function

    return decorate


def check_keywords(function: Callable[..., Any], given: Mapping[str, Any]) -> None:
    """Raise TypeError where a function has no such keyword, with the one that may be meant."""
    known: Collection[str] = inspect.signature(function).parameters
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f": did you mean {near[0]}?" if near else ""
            raise TypeError(f"{function.__name__}() has no keyword {name!r}{hint}")
