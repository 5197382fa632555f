"""The exceptions that are meant: for what the user can mend, and for what cannot run here."""


class InputError(ValueError):
    """A value, file or array that cannot be used, said in one sentence with its remedy.

    The command line prints the sentence and exits with 2; anything else that is raised is a bug.
    """


class CannotRunError(RuntimeError):
    """A backend that was asked for cannot run, said in one sentence with the reason.

    The command line prints the sentence and exits with 3.
    """
