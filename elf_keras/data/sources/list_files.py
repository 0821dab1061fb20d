"""List files of published data sets: `path label` a line.

Read strictly: a list that is wrong in one line is not the published one.
"""

import os
import pathlib
import posixpath

import numpy as np

from elf_keras.data import splits
from elf_keras.errors import InputError


def read(
    path: pathlib.Path, *, labels_below: int, taken: dict[str, str]
) -> tuple[list[str], np.ndarray]:
    """Names of a list relative to the data folder, and their int32 labels.

    What is `taken`, file -> where it was listed before, grows by this list.

    Raises:
      InputError: with file and line, for a line that is not `path label`, an
        unknown label, a path outside the data folder, a file listed twice.
    """
    names, labels = [], []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise InputError(
            f"no list {path}: put the published lists there, or give "
            "--list_dir with the folder that holds them"
        ) from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"{path.name} line {number}"
        name, label = _parsed(line, where, labels_below)
        if name in taken:
            raise InputError(
                f"{where}: {name!r} is a duplicate, listed before in "
                f"{taken[name]}; remove one of the two lines"
            )
        taken[name] = where
        names.append(name)
        labels.append(label)
    if not names:
        raise InputError(f"{path} lists no image: expected `path label` a line")
    return names, np.array(labels, np.int32)


def missing(root: pathlib.Path, names: list[str]) -> list[str]:
    """The names that are no files below a folder, in their order.

    Each folder is listed once: a call per file takes minutes on networks.
    """
    present = {}
    for folder in {posixpath.dirname(name) for name in names}:
        try:
            with os.scandir(root / folder) as entries:
                present[folder] = {e.name for e in entries if e.is_file()}
        except (FileNotFoundError, NotADirectoryError):
            present[folder] = set()
    return [
        name
        for name in names
        if posixpath.basename(name) not in present[posixpath.dirname(name)]
    ]


def _parsed(line: str, where: str, labels_below: int):
    words = line.rsplit(maxsplit=1)
    if len(words) != 2 or not words[1].isascii() or not words[1].isdigit():
        raise InputError(
            f"{where}: {line[:80]!r} is not `path label` with a class number "
            "from 0; mend the line"
        )
    given, label = words[0].strip(), int(words[1])
    if label >= labels_below:
        raise InputError(
            f"{where}: label {label} is unknown, expected 0 to "
            f"{labels_below - 1}; is it a list of another data set?"
        )
    name = posixpath.normpath(given)
    outside = name.startswith(("/", "../")) or name == ".."
    if outside or set(name) & set("\\\0"):
        raise InputError(
            f"{where}: {given!r} lies outside the data folder; expected a "
            "path relative to --data_dir"
        )
    return name, label


def shown_missing(absent: list[str]) -> str:
    """How many files are missing, and the first few of them."""
    return f"{len(absent)} listed files are missing: {splits.shown(absent)}"
