"""One training at a time in a run's folder."""

import contextlib
import fcntl
import os
import pathlib
import socket
from collections.abc import Iterator

from elf_keras.errors import InputError

LOCK = ".lock"


@contextlib.contextmanager
def locked(folder: pathlib.Path) -> Iterator[None]:
    """Keep other trainings out of a folder; the system lets go for the dead.

    Raises:
      InputError: where another process, here or on another machine, has it.
    """
    path = folder / LOCK
    handle = _opened(path)
    try:
        # Said to whoever comes next; a full disk is told of elsewhere.
        with contextlib.suppress(OSError):
            told = f"process {os.getpid()} on {socket.gethostname()}"
            os.ftruncate(handle, 0)
            os.write(handle, told.encode())
        yield
    finally:
        # While it is held: else it could be another one's by then.
        with contextlib.suppress(OSError):
            path.unlink()
        os.close(handle)


def _opened(path):
    """The locked file of this name; not one that its owner just removed."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _take(handle, path)
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), path.stat()):
                    return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _take(handle, path):
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.read(handle, 300).decode(errors="replace").strip()
        raise InputError(
            f"--workdir={path.parent} is in use by a training, "
            f"{holder or 'which did not say its name'}; wait until it has "
            "ended, or end it"
        ) from error
    except OSError:
        # A file system that has no locks; training goes on without.
        pass
