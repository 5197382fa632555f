"""The exceptions that are meant: for what the user can mend, and for what cannot run here."""

LONGEST_TEXT = 500


class InputError(ValueError):
    """A value, file or array that cannot be used, said in one sentence with its remedy.

    The command line prints the sentence and exits with 2; anything else that is raised is a bug.
    """


class CannotRunError(RuntimeError):
    """A backend that was asked for cannot run, said in one sentence with the reason.

    The command line prints the sentence and exits with 3.
    """


class DeviceLostError(CannotRunError):
    """A device stopped working in the middle, and what lay on it is gone."""


class ProcessFailedError(RuntimeError):
    """A process of a run ended with an error: the text says which, unless it told that itself.

    Attributes:
        code: its exit code.
    """

    def __init__(self, code: int, text: str = "") -> None:
        super().__init__(text)
        self.code = code


def text_of(error: BaseException) -> str:
    """What an error says, in one line of bearable length."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + " ..."


def lacks_memory(error: BaseException) -> bool:
    """Whether host or device ran out of memory; the GPU libraries say so each in its own way."""
    if isinstance(error, MemoryError) or "OutOfMemory" in type(error).__name__:
        return True
    text = str(error).lower()
    return any(words in text for words in ("out of memory", "not enough memory", "alloc_failed"))
