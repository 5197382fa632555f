"""An implementation as the records of a run keep it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from blurbench.names import group_of
from blurbench.records.kinds import marked


@dataclass(frozen=True)
class Declared:
    """What a run keeps of an implementation, so that its records can be read anywhere.

    Attributes:
        kind: of what it runs on, one of `KINDS`.
    """

    backend: str
    method: str
    origin: str
    exact: bool
    kind: str
    own_kernel: bool = False

    @property
    def name(self) -> str:
        return f"{self.backend}:{self.method}"

    @property
    def label(self) -> str:
        """Its name as people read it."""
        return marked(self.name, self.kind)

    @property
    def group(self) -> str | None:
        """Of its method; None where that is not known."""
        return group_of(self.method, self.origin)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
