"""The one exception that means: the user can mend this."""


class InputError(ValueError):
    """A value, file or array that cannot be used, said in one sentence with its remedy.

    The command line prints the sentence and exits with 2; anything else that is raised is a bug.
    """
