"""What a page of `blurbench report` holds, read as a browser would."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Any

from blurbench.records.journal import Log
from blurbench.report.page.build import build_page

VOID = {"br", "input", "link", "meta"}


class Page(HTMLParser):
    """Elements, texts and data of a page.

    Attributes:
        elements: tag and attributes of each, in order.
        texts: of the elements, those of a tag together.
    """

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self._open[-1] if self._open else "", []).append(data)

    @property
    def data(self) -> dict[str, Any]:
        """Tables and charts."""
        found = next(text for text in self.texts["script"] if text.lstrip().startswith("{"))
        document: dict[str, Any] = json.loads(found)
        return document

    def rows(self, table: str) -> list[dict[str, Any]]:
        found = self.data["tables"][table]
        values = [
            [one["values"][place] for place in one["places"]]
            if "places" in one
            else one["values"] * (found["count"] // len(one["values"]))
            for one in found["packed"]
        ]
        return [dict(zip(found["columns"], row, strict=True)) for row in zip(*values, strict=True)]

    def charts(self, name: str) -> list[dict[str, Any]]:
        return [one for one in self.data["charts"] if one["name"] == name]


def page_of(*logs: Log) -> Page:
    return Page(build_page(logs))


def fields_of(spec: Any) -> set[str]:
    """The columns that a chart's specification names."""
    if isinstance(spec, dict):
        own = {spec["field"]} if isinstance(spec.get("field"), str) else set()
        return own.union(*(fields_of(one) for one in spec.values()))
    if isinstance(spec, Sequence) and not isinstance(spec, str):
        return set().union(*(fields_of(one) for one in spec))
    return set()
