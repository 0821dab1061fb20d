"""List files of published data sets: `path label` a line.

Read strictly: a list that is wrong in one line is not the published one.
"""

import errno
import os
import pathlib
import posixpath
import re
import unicodedata
from collections.abc import Sequence

import numpy as np

from elf_keras.data.sources import text_files
from elf_keras.errors import InputError

_LINE = re.compile(r"[ \t]*(.+?)[ \t]+([0-9]{1,9})[ \t]*")
# What a folder that is not there says.
_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)
_DRIVE = re.compile(r"[A-Za-z]:/")


def read(
    path: pathlib.Path, *, labels_below: int, taken: dict[str, str]
) -> tuple[list[str], np.ndarray]:
    """Names of a list relative to the data folder, and their int32 labels.

    Separators of Windows become ours. What is `taken`, file -> where it was
    listed before, grows by this list.

    Raises:
      InputError: with file and line, for a line that is not `path label`, an
        unknown label, a path outside the data folder, a file listed twice.
    """
    names, labels = [], []
    try:
        lines = text_files.read_text(path).split("\n")
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


def spelled(root: pathlib.Path, names: Sequence[str]) -> list[str | None]:
    """The names as the folder spells them, None where it has no such file.

    A name may be composed (NFC) in the list and decomposed (NFD) on the disk,
    or the other way. Each folder is listed once: a call per file takes minutes
    on networks.
    """
    folders = _Folders(root)
    found = [name if folders.has(name) else None for name in names]
    own = set(names)
    for place, name in enumerate(names):
        if found[place] is None and not name.isascii():
            other = folders.spelled(name)
            # One that is listed by its own name is another line's.
            found[place] = None if other in own else other
            own.add(other)
    return found


class _Folders:
    """Which files are below a folder; what was listed once is known."""

    def __init__(self, root: pathlib.Path):
        self.root = root
        self.held = {}

    def has(self, name: str) -> bool:
        folder, base = posixpath.split(name)
        return base in self._entries(folder, files=True)

    def spelled(self, name: str) -> str | None:
        """A file whose name is the same in NFC, if there is one."""
        place = ""
        *folders, base = name.split("/")
        for number, part in enumerate([*folders, base]):
            entries = self._entries(place, files=number == len(folders))
            wanted = unicodedata.normalize("NFC", part)
            own = [part] if part in entries else entries
            same = [
                each
                for each in own
                if unicodedata.normalize("NFC", each) == wanted
            ]
            if not same:
                return None
            place = posixpath.join(place, min(same))
        return place

    def _entries(self, folder, *, files):
        """Names in a folder: of the files, or of the folders."""
        if (folder, files) not in self.held:
            for kind in (True, False):
                self.held[folder, kind] = set()
            try:
                with os.scandir(self.root / folder) as entries:
                    for entry in entries:
                        self.held[folder, entry.is_file()].add(entry.name)
            except OSError as error:
                if error.errno not in _ABSENT:
                    raise
        return self.held[folder, files]


def _parsed(line: str, where: str, labels_below: int):
    match = _LINE.fullmatch(line)
    if match is None:
        raise InputError(
            f"{where}: {line[:80]!r} is not `path label` with a class number "
            "from 0; correct the line"
        )
    given, label = match[1], int(match[2])
    if label >= labels_below:
        raise InputError(
            f"{where}: label {label} is unknown, expected 0 to "
            f"{labels_below - 1}; is it a list of another data set?"
        )
    name = posixpath.normpath(given.replace("\\", "/"))
    outside = name.startswith(("/", "../")) or name == ".."
    if outside or _DRIVE.match(name):
        raise InputError(
            f"{where}: {given!r} lies outside the data folder; expected a "
            "path relative to --data_dir"
        )
    return name, label
