"""Image files that are byte for byte another one.

In test or validation a copy of a training image is known already: scores are
too high. So no cut parts copies. Under two classes one of the labels is wrong.
"""

import hashlib
import os
import pathlib
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from elf_keras import runs
from elf_keras.data.sources.class_folders import Found

# Of two files of one size, these differ but for copies and empty borders.
_LAST = 64


class File(NamedTuple):
    """One of several files of the same bytes; its name is legible."""

    split: str
    label: int
    name: str


def find(root: pathlib.Path, found: Found) -> list[list[File]]:
    """The files of all splits that hold the same bytes, group by group."""
    files, paths = [], []
    for split, names in found.names.items():
        for name, label in zip(names, found.labels[split], strict=True):
            files.append(File(split, label, runs.legible(name)))
            paths.append(root / name)
    return [[files[number] for number in group] for group in groups(paths)]


def in_training(same: Sequence[Sequence[File]]) -> list[list[str]]:
    """Names of the training images that are copies of each other."""
    named = [
        [file.name for file in group if file.split == "train"] for group in same
    ]
    return [names for names in named if len(names) > 1]


def notes(same: Sequence[Sequence[File]], found: Found) -> list[str]:
    """What a user should know of the copies that `find` found."""
    told = [
        _known(same, split, len(found.names[split]))
        for split in ("validation", "test")
        if split in found.names
    ]
    return [note for note in [*told, _two_classes(same)] if note]


def groups(paths: Sequence[pathlib.Path]) -> list[list[int]]:
    """Which files hold the same bytes, by number; files without any drop out.

    Only what is alike in size and end is read whole.
    """
    found = [[*range(len(paths))]]
    for key in (_size, _end, _digest):
        found = [*_parted(found, paths, key)]
    return found


def _parted(
    found: Iterable[list[int]], paths: Sequence[pathlib.Path], key: Callable
):
    for members in found:
        parts = {}
        for number in members:
            try:
                parts.setdefault(key(paths[number]), []).append(number)
            except OSError:
                continue  # why is told where it is read
        parts.pop(0, None)
        yield from (part for part in parts.values() if len(part) > 1)


def _size(path):
    return path.stat().st_size


def _end(path):
    with path.open("rb") as file:
        file.seek(max(os.fstat(file.fileno()).st_size - _LAST, 0))
        return file.read()


def _digest(path):
    return hashlib.sha256(path.read_bytes()).digest()


def _known(same, split, total) -> str:
    """Of a split's copies of training images; nothing where there are none."""
    pairs = [
        (file.name, trained[0])
        for group in same
        if (trained := [file.name for file in group if file.split == "train"])
        for file in group
        if file.split == split
    ]
    if not pairs:
        return ""
    return (
        f"{len(pairs)} of {total} {split} images are copies, byte for byte, of "
        f"training images, such as {pairs[0][0]!r} of {pairs[0][1]!r}: they "
        f"make scores on {split} too high; remove them from one of the two."
    )


def _two_classes(same) -> str:
    """Of images under several classes; nothing where there are none."""
    mixed = [group for group in same if len({file.label for file in group}) > 1]
    if not mixed:
        return ""
    first, *rest = mixed[0]
    other = next(file.name for file in rest if file.label != first.label)
    return (
        f"{sum(map(len, mixed))} files hold an image that stands under several "
        f"classes, such as {first.name!r} and {other!r}: one label is wrong; "
        "remove that file."
    )
