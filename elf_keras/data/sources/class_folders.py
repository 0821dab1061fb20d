"""The classes of a folder of images, a folder each, and their files."""

import dataclasses
import itertools
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from elf_keras import runs
from elf_keras.data import image_formats, splits
from elf_keras.data.sources import split_folders
from elf_keras.data.sources.folder_tree import Tree
from elf_keras.errors import InputError


@dataclasses.dataclass(frozen=True, eq=False)
class Found:
    """The image files of a folder, by split.

    Names are relative to the folder, as the system spells them.
    """

    class_names: tuple[str, ...]
    names: dict[str, list[str]]  # split -> files
    labels: dict[str, np.ndarray]  # split -> int32, one a file
    groups: dict[str, list[str]] | None = None  # split -> one a file
    notes: Sequence[str] = ()
    absent: Sequence[str] = ()  # files that should be there, legible


def find(tree: Tree) -> Found:
    """Files by split and class; classes are those of training.

    Raises:
      InputError: without splits or classes, or where another split has a
        class that training has not.
    """
    folders, notes = split_folders.find(tree)
    tree.leave_out_files()
    places = {
        split: _class_folders(tree, folder) for split, folder in folders.items()
    }
    classes = ordered(places["train"])
    check_several(classes, tree.path(folders["train"]))
    names, labels = {}, {}
    for split in sorted(folders, key=[*split_folders.NAMES].index):
        images = _images(tree, folders[split], places[split])
        seen = [name for name, files in images.items() if files]
        refuse_unknown(seen, classes, split)
        members = [images.get(name, []) for name in classes]
        names[split] = [*itertools.chain(*members)]
        numbers = np.arange(len(classes), dtype=np.int32)
        labels[split] = np.repeat(numbers, [*map(len, members)])
    notes = [*notes, *_notes(tree, folders, names)]
    return Found(classes, names, labels, notes=notes)


def class_name(name: str) -> str:
    """A name as one class is known by, however a system spells it."""
    return unicodedata.normalize("NFC", runs.legible(name))


def ordered(names: Iterable[str]) -> tuple[str, ...]:
    """Class names, sorted, as numbers where all are."""
    names = list(names)
    if all(name.isdecimal() for name in names):
        return tuple(sorted(names, key=lambda name: (int(name), name)))
    return tuple(sorted(names))


def check_several(class_names: Sequence[str], where: str) -> None:
    """Raise InputError for fewer classes than two."""
    where = runs.legible(where)
    if not class_names:
        raise InputError(
            f"{where} has no class folder: expected a sub-folder of images "
            "per class, or --labels=FILE.csv"
        )
    if len(class_names) == 1:
        raise InputError(
            f"{where} has only one class, {class_names[0]!r}: expected two or "
            "more; is --data_dir the folder that holds the class folders? "
            "Labels that are in a table are given by --labels=FILE.csv"
        )


def refuse_unknown(
    names: Iterable[str], class_names: Sequence[str], split: str
) -> None:
    """Raise InputError for classes with images in another split alone."""
    odd = sorted({*names} - {*class_names})
    if odd:
        raise InputError(
            f"{split} has classes without training image: {splits.shown(odd)}; "
            f"add images of them to train, or take them out of {split}"
        )


def _images(tree, folder, places) -> dict[str, list[str]]:
    """Class name -> its image files in a split's folder."""
    if folder:
        tree.leave_out_files(folder)
    images = dict(zip(places, tree.images([*places.values()]), strict=True))
    if not any(images.values()):
        unread = image_formats.unread(tree.left_out)
        told = f" that can be read ({unread})" if unread else ""
        raise InputError(
            f"{runs.legible(tree.path(folder))} has class folders without any "
            f"image file{told}; add images, or remove the folder"
        )
    return images


def _class_folders(tree, folder) -> Mapping[str, str]:
    """Class name -> its folder."""
    found = {}
    for name in tree.folders(folder):
        known = class_name(name)
        path = f"{folder}/{name}" if folder else name
        if known in found:
            raise InputError(
                f"{runs.legible(tree.path(folder))} holds two folders of one "
                f"name, {ascii(found[known])} and {ascii(path)}: join them"
            )
        found[known] = path
    return found


def _notes(tree, folders, names):
    notes = []
    if "validation" in folders:
        notes.append(
            f"The folder {runs.legible(folders['validation'])!r} is used whole "
            "for validation; nothing is cut from training."
        )
    if tree.linked:
        notes += _overlaps(tree, names)
    return notes


def _overlaps(tree, names):
    """A sentence on each two splits that have files in common, by links."""
    for one, other in (
        ("train", "validation"),
        ("train", "test"),
        ("validation", "test"),
    ):
        shared = tree.shared(names.get(other, ()), names.get(one, ()))
        if shared:
            yield (
                f"{len(shared)} files of {other} are links to files of {one}, "
                "or the other way round: "
                f"{splits.shown([runs.legible(n) for n in shared])}."
            )
