"""Converted weights in a folder of the user's: `~/.cache/elf_keras`.

A cache can only save time. One that cannot be written is none, and a file of
it with another checksum is none.
"""

import contextlib
import hashlib
import os
import pathlib

import numpy as np

from elf_keras import runs

_NUMBERS = "<f4"


def folder() -> pathlib.Path | None:
    """Return `ELF_KERAS_CACHE`, or the user's own cache, or None."""
    own = os.environ.get("ELF_KERAS_CACHE")
    if own:
        return pathlib.Path(own)
    # By its specification a relative one does not count.
    shared = pathlib.Path(os.environ.get("XDG_CACHE_HOME", ""))
    if shared.is_absolute():
        return shared / "elf_keras"
    with contextlib.suppress(RuntimeError):
        return pathlib.Path.home() / ".cache" / "elf_keras"
    return None


def read(name: str, sha256: str) -> np.ndarray | None:
    """Return the float32 numbers of a file of the cache, `(size,)`.

    Args:
      name: of the file.
      sha256: its checksum, in hexadecimal.

    Returns:
      None where it is missing, cannot be read, or is not that very file.
    """
    where = folder()
    with contextlib.suppress(OSError):
        data = (where / name).read_bytes() if where else b""
        if hashlib.sha256(data).hexdigest() == sha256:
            return np.frombuffer(data, _NUMBERS)
    return None


def write(name: str, numbers: np.ndarray) -> None:
    """Keep numbers as a file of the cache, whole or not at all."""
    where = folder()
    with contextlib.suppress(OSError):
        if where:
            with runs.replacing(where / name, size=numbers.nbytes) as path:
                path.write_bytes(numbers.astype(_NUMBERS).tobytes())
