"""Folders that all processes of one run of the tests share: made once."""

import fcntl
import os
import pathlib
import tempfile
from collections.abc import Callable

# Told by tests/conftest.py; without it, a folder of this process alone.
VARIABLE = "ELF_KERAS_TESTS_SHARED"


def folder(name: str, make: Callable[[pathlib.Path], None]) -> pathlib.Path:
    """The folder of that name, for reading; who asks first calls `make`.

    `make` fills an empty folder. What fails is not kept.
    """
    place = _root() / name
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            half = pathlib.Path(tempfile.mkdtemp(dir=_root()))
            make(half)
            half.rename(place)
    return place


def _root():
    if VARIABLE not in os.environ:
        os.environ[VARIABLE] = tempfile.mkdtemp(prefix="elf_keras_tests_")
    return pathlib.Path(os.environ[VARIABLE])
