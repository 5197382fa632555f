"""What a run is to be written to beside its folder, as its description keeps it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

STDOUT = "-"
SAVE = "save"  # the folder of the blurred images


@dataclass(frozen=True)
class Outputs:
    """Where a run is written to when it ends.

    Attributes:
        places: a file by kind (`csv`, `json`, `markdown`, `report`), `-` for standard output; and
            the folder of the blurred images.
        all_columns: whether the CSV has also the columns that are empty in every row.
    """

    places: Mapping[str, str] = field(default_factory=dict)
    all_columns: bool = False

    @property
    def texts(self) -> dict[str, str]:
        """The places of text."""
        return {kind: place for kind, place in self.places.items() if kind != SAVE}

    @property
    def on_stdout(self) -> bool:
        """Whether data takes standard output."""
        return STDOUT in self.places.values()

    def as_dict(self) -> dict[str, Any]:
        """As a description keeps them, wherever the command is gone on with."""
        outputs = {
            kind: place if place == STDOUT else Path(place).absolute().as_uri()
            for kind, place in self.places.items()
        }
        return {"outputs": outputs, "all_columns": self.all_columns}

    @classmethod
    def from_dict(cls, about: Mapping[str, Any]) -> Outputs:
        """Reads what `as_dict` wrote."""
        places = {
            kind: place if place == STDOUT else path_of(place)
            for kind, place in about.get("outputs", {}).items()
        }
        return cls(places, about.get("all_columns", False))

    def with_more(self, more: Outputs) -> Outputs:
        """What is asked for anew of one kind goes where it is told to go now."""
        return Outputs({**self.places, **more.places}, self.all_columns or more.all_columns)


def path_of(uri: str) -> str:
    """A file's name, which may hold bytes that no text can."""
    path = os.fsdecode(unquote_to_bytes(uri.removeprefix("file://")))
    return path.lstrip("/") if os.name == "nt" else path
