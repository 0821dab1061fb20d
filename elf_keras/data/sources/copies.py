"""Image files that are byte for byte another one.

In test or validation a copy of a training image is known already: scores are
too high. Under two classes one of the labels is wrong.
"""

import hashlib
import os
import pathlib
from collections.abc import Callable, Iterable, Sequence

from elf_keras import runs
from elf_keras.data.sources.class_folders import Found

# Of two files of one size, these differ but for copies and empty borders.
_LAST = 64


def notes(root: pathlib.Path, found: Found) -> list[str]:
    """What a user should know of the copies among some files."""
    files = [
        (split, label, runs.legible(name), root / name)
        for split, names in found.names.items()
        for name, label in zip(names, found.labels[split], strict=True)
    ]
    same = [
        [files[number] for number in group]
        for group in groups([path for *_, path in files])
    ]
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
        (name, trained[0])
        for group in same
        if (trained := [name for own, _, name, _ in group if own == "train"])
        for own, _, name, _ in group
        if own == split
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
    mixed = [
        group for group in same if len({label for _, label, *_ in group}) > 1
    ]
    if not mixed:
        return ""
    (_, first, name, _), *rest = mixed[0]
    other = next(name for _, label, name, _ in rest if label != first)
    return (
        f"{sum(map(len, mixed))} files hold an image that stands under several "
        f"classes, such as {name!r} and {other!r}: one label is wrong; remove "
        "that file."
    )
