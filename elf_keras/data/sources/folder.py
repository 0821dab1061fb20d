"""A folder of images, one sub-folder per class: the user's own data.

Either `data_dir/SPLIT/CLASS/*` (`split_folders.NAMES`) or `data_dir/CLASS/*`.
In the second form everything is training, and there is no test split. Or
files anywhere in it, by a table of labels.
"""

import os
import pathlib

import numpy as np

from elf_keras import runs
from elf_keras.data import data_request, image_files, images, splits
from elf_keras.data.sources import (
    assembly,
    class_folders,
    copies,
    folder_tree,
    labelled_files,
    magnification,
    unreadable,
)
from elf_keras.errors import InputError

DEFAULT_SIZE = 32
# Photos are cut anew every epoch, from all their pixels.
LARGE_SIZE = 128
# Of this machine's memory, for the images of all splits.
MEMORY_SHARE = 0.25


def load(request: data_request.Request) -> splits.Splits:
    """Every image of a folder, as RGB at `request.image_size` (32).

    With a `magnification_limit` small images are read at fewer pixels, those
    of a run at the size that it recorded.
    A validation folder is used whole; without one, `validation_fraction` is
    cut from training. Files of other kinds are left out and counted, corrupt
    images skipped and named. Images are held in memory; `images_on="auto"`
    leaves them on disk from `LARGE_SIZE` pixels on, or where they would take
    more than `MEMORY_SHARE` of it. There only headers are read at first.

    Returns:
      Splits with images (examples, image_size, image_size, 3).

    Raises:
      InputError: no such folder or no class in it, a class without training
        image, over 1 % corrupt files.
    """
    root = request.folder(
        "a sub-folder per class, or train/ and test/ with one per class"
    )
    tree = folder_tree.Tree(root)
    found = _found(tree, request)
    total = sum(map(len, found.names.values()))
    size, notes = _size(root, found.names["train"], request)
    run = request.recorded
    # A run that recorded its splits was told of copies when it began.
    same = [] if run and run.split_of else copies.find(root, found)
    if run is None:
        notes = [*notes, *copies.notes(same, found)]
    read = _headers if on_disk(total, size, request) else _pixels
    parts, faults = {}, {}
    for split, names in found.names.items():
        everything, reasons = read(root, names, size)
        parts[split] = _sound(found, split, everything, reasons)
        faults |= {
            runs.legible(name): reason
            for name, reason in zip(names, reasons, strict=True)
            if reason
        }
    return assembly.assembled(
        parts,
        found.class_names,
        request,
        copies=copies.in_training(same),
        notes=[*found.notes, *notes],
        skipped=[*found.absent, *faults],
        left_out=[*tree.left_out, *unreadable.left_out(faults, total)],
    )


def _size(root, names, request):
    """Pixels of a side, and what is to be said of it."""
    size = request.image_size or DEFAULT_SIZE
    limit = request.magnification_limit
    if request.recorded and request.recorded.image_size:
        # Without a limit, a flag that differs is refused with the model.
        return (request.recorded.image_size if limit else size), []
    return magnification.limited([root / name for name in names], size, limit)


def on_disk(files: int, size: int, request: data_request.Request) -> bool:
    """Whether images stay on disk, see `load`."""
    if request.images_on != "auto":
        return request.images_on == "disk"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return size >= LARGE_SIZE or 3 * size**2 * files > MEMORY_SHARE * memory


def _pixels(root: pathlib.Path, names: list[str], size: int):
    return images.read_all([root / name for name in names], size)


def _headers(root: pathlib.Path, names: list[str], size: int):
    special, reasons = images.scan([root / name for name in names])
    return image_files.of(root, names, size=size, special=special), reasons


def _found(tree, request) -> class_folders.Found:
    if not request.labels:
        return class_folders.find(tree)
    found = labelled_files.find(tree, request.labels)
    # Its groups are what is alike, where nothing else is said of them.
    if found.groups and isinstance(request.validation_group, str):
        raise InputError(
            f"validation group {request.validation_group!r}: {request.labels} "
            "has a column of groups already; remove one of the two"
        )
    return found


def _sound(found, split, everything, reasons) -> splits.Examples:
    """The examples of a split that can be read."""
    labels = found.labels[split]
    good = np.array([not reason for reason in reasons], bool)
    _check_emptied(labels, reasons, split, found.class_names)
    names = tuple(map(runs.legible, found.names[split]))
    groups = found.groups and tuple(found.groups[split])
    examples = splits.Examples(everything, labels, names, groups)
    return examples.take(np.flatnonzero(good))


def _check_emptied(labels, reasons, split, class_names) -> None:
    good = np.array([not reason for reason in reasons], bool)
    emptied = np.setdiff1d(labels, labels[good])
    if emptied.size:
        names = splits.shown([class_names[label] for label in emptied])
        why = reasons[int(np.argmax(np.isin(labels, emptied)))]
        raise InputError(
            f"{split}: no image of {names} can be read ({why}); replace the "
            "files or drop the class"
        )
