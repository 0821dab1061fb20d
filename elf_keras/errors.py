"""The exceptions that commands answer with one line and their status."""


class InputError(ValueError):
    """Input that cannot be used; commands print it and exit with status 2.

    The message is one line: what came, what was expected, what to do.
    """


class WorkerLostError(RuntimeError):
    """Another worker of the training is gone; all must be started again.

    Attributes:
      status: EX_TEMPFAIL of sysexits.h: start the same command again.
    """

    status = 75
