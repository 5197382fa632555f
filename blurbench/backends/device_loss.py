"""What an error on a GPU means: the device is lost, its memory is full, or neither."""

from __future__ import annotations

from collections.abc import Callable

from blurbench.backends.backend import Backend
from blurbench.backends.registry import probe
from blurbench.errors import CannotRunError, DeviceLostError, lacks_memory, text_of

TRIES = 2  # what went wrong earlier is told once, that a device is lost ever after


def loss_of(wait: Callable[[], object]) -> Exception | None:
    """Why the device is lost that `wait` waits for; None where it works.

    The libraries have no common word for it, but no work on such a device comes to an end.
    """
    found: Exception | None = None
    for _ in range(TRIES):
        try:
            wait()
        except DeviceLostError as lost:
            return lost
        except Exception as error:
            found = error
        else:
            return None
    return found if found is not None and not lacks_memory(found) else None


def meaning_of(error: Exception, backend: Backend) -> Exception:
    """What the calling thread met on a GPU: DeviceLostError, MemoryError, or the error itself."""
    if backend.lanes is None or not probe(backend).ok or isinstance(error, CannotRunError):
        return error
    lost = loss_of(backend.lanes.finish)
    if isinstance(lost, DeviceLostError):
        return lost
    if lost is not None:
        return DeviceLostError(lost_text(backend.name, error))
    if lacks_memory(error) and not isinstance(error, MemoryError):
        return MemoryError(text_of(error))
    return error


def lost_text(name: str, error: BaseException) -> str:
    """What is said of a device that is lost, in one line."""
    return (
        f"the device of {name} was lost ({text_of(error)}): begin again, and if that happens "
        "again, update its driver or use another backend"
    )
