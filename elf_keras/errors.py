"""The one exception that means: the user's input, not our code, is wrong."""


class InputError(ValueError):
    """Input that cannot be used; commands print it and exit with status 2.

    The message is one line: what came, what was expected, what to do.
    """
