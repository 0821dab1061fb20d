"""Standard streams as they come: closed, left by their reader, ASCII alone.

What a command says is not what it is for: words that cannot be told end no
training.
"""

import io
import os
import sys


def prepare(*, answers: bool = False) -> None:
    """Make standard output and error safe to print to.

    A closed one swallows what is printed, as does one that its reader left; a
    character that it cannot take is printed as an escape.

    Args:
      answers: what is printed is all that the command is for, so that it may
        end where the reader of standard output left: BrokenPipeError.
    """
    _open_closed()
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        # What a notebook or a test put in its place is theirs.
        if stream is not getattr(sys, f"__{name}__"):
            continue
        if answers and name == "stdout":
            stream.reconfigure(errors="backslashreplace")
        else:
            setattr(sys, name, _lasting(stream, _GONE[name]))


class _Lasting(io.FileIO):
    """A descriptor that goes on to nowhere once it cannot be written to."""

    def __init__(self, number: int, gone: type[OSError]):
        super().__init__(number, "w", closefd=False)
        self._gone = gone

    def write(self, content) -> int:
        """Write; there is no error of the kinds that mean it is gone."""
        try:
            return super().write(content)
        except self._gone:
            _to_nowhere(self.fileno())
            return len(content)


# A table that did not reach its file is an error, a note is not.
_GONE = {"stdout": BrokenPipeError, "stderr": OSError}


def _lasting(stream, gone):
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Lasting(stream.fileno(), gone)),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def _open_closed():
    """Give descriptors 0 to 2 a place before a file of ours gets one."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            _to_nowhere(number)
        if getattr(sys, name) is None and name != "stdin":
            stream = open(  # noqa: PTH123, SIM115
                number, "w", errors="backslashreplace", closefd=False
            )
            setattr(sys, name, stream)


def _to_nowhere(number):
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere == number:
        # It was the lowest free one; children are to have it, too.
        os.set_inheritable(number, True)
    else:
        os.dup2(nowhere, number)
        os.close(nowhere)
