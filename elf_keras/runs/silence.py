"""Standard error turned away from libraries that print past Python's logs."""

import contextlib
import os
import pathlib


@contextlib.contextmanager
def standard_error():
    """Send this process's standard error nowhere; errors still raise.

    C++ code writes to the file descriptor, so the descriptor is replaced.
    """
    kept = os.dup(2)
    with pathlib.Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
