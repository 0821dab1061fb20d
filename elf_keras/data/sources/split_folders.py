"""Where a folder of images keeps its splits: by names that are usual."""

import re
import unicodedata
from collections.abc import Mapping

from elf_keras import runs
from elf_keras.data import splits
from elf_keras.data.sources.folder_tree import Tree
from elf_keras.errors import InputError

NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val"),
    "test": ("test", "testing", "eval", "evaluation"),
}
_SPLITS = {name: split for split, names in NAMES.items() for name in names}
_DEEPEST = 8
# Of training_set or val2017.
_FIRST_WORD = re.compile(r"[^\W\d_]+")


def split_of(name: str) -> str | None:
    """The split that a name stands for in any case, if it does for one."""
    return _SPLITS.get(name.strip().casefold())


def find(tree: Tree) -> tuple[dict[str, str], list[str]]:
    """The folder of each split, and notes; `train` alone may be the root.

    A folder is a split by its name and by folders in it. Beside other
    folders, one of such a name with images in itself is a class.

    Raises:
      InputError: where a split has two folders, training has none, or a
        folder alone holds the rest.
    """
    tree.check_opens()
    folders = tree.folders()
    named = {name: split for name in folders if (split := split_of(name))}
    for name in named:
        tree.check_opens(name)
    others = [name for name in folders if name not in named]
    held = {name: split for name, split in named.items() if tree.folders(name)}
    if not named:
        _refuse_wrapped(tree, others)
        _refuse_inside_classes(tree, others)
        _refuse_other_names(tree, others)
    if not named or (others and not held and len({*named.values()}) == 1):
        return {"train": ""}, _notes_on_classes(named)
    _refuse_doubles(tree, named)
    _require_train(tree, named, held)
    _refuse_nested(tree, held)
    for name in others:
        tree.leave_out(f"{name}/", "folder of no split")
    notes = []
    for name in named.keys() - held.keys():
        tree.leave_out_files(name)
        notes.append(f"{_quoted(name)} has no class folder and is no split.")
    return {split: name for name, split in held.items()}, sorted(notes)


def _notes_on_classes(named) -> list[str]:
    return [
        f"{_quoted(name)} is taken for a class, since it holds images itself "
        "beside other folders; a split holds class folders."
        for name in named
    ]


def _refuse_doubles(tree, named: Mapping[str, str]) -> None:
    for split in NAMES:
        doubles = [name for name, what in named.items() if what == split]
        if len(doubles) > 1:
            raise InputError(
                f"{_shown(tree)} holds {_listed(doubles)}, all of them for "
                f"{split}: keep one"
            )


def _require_train(tree, named, held) -> None:
    if "train" in held.values():
        return
    bare = [name for name in named if name not in held]
    if not held or "train" in named.values():
        raise InputError(
            f"{_shown(tree)}: class folders are missing in {_listed(bare)}; "
            "expected a sub-folder of images per class in each split, or give "
            "--labels=FILE.csv"
        )
    raise InputError(
        f"{_shown(tree)} holds {_listed([*held])} but no train folder: add "
        "train/ with a sub-folder per class"
    )


def _refuse_nested(tree, held) -> None:
    """Refuse splits within a split: they would pass for its classes."""
    for name in held:
        inner = tree.folders(name)
        if inner and all(map(split_of, inner)):
            raise InputError(
                f"{runs.legible(tree.path(name))} holds folders of splits, "
                f"{_listed(inner)}, in place of class folders; is it what "
                "--data_dir should be?"
            )


def _refuse_inside_classes(tree, folders) -> None:
    """Refuse cat/train and cat/test: test images would be trained on.

    One folder alone of such a name, in a class, is read as part of it.
    """
    for name in folders:
        inner = tree.folders(name)
        meant = {split_of(each) for each in inner}
        if None in meant:
            continue
        if any(tree.folders(f"{name}/{each}") for each in inner):
            _refuse_nested(tree, [name])
        if len(meant) > 1:
            raise InputError(
                f"{_shown(tree)}: the class {_quoted(name)} holds splits, "
                f"{_listed(inner)}; expected the split first, such as "
                f"{inner[0]}/{runs.legible(name)}, or --labels=FILE.csv"
            )


def _refuse_other_names(tree, folders) -> None:
    """Refuse training_set/ beside test_set/: they would pass for classes."""
    meant = {
        name: split_of(found[0])
        for name in folders
        if (found := _FIRST_WORD.match(name)) and split_of(found[0])
    }
    inner = [{*tree.folders(name)} for name in meant]
    if len({*meant.values()}) > 1 and set.intersection(*inner):
        raise InputError(
            f"{_shown(tree)} holds {_listed(meant)}, with the same folders in "
            "them: are they splits? name them train, validation and test, or "
            "give --labels=FILE.csv"
        )


def _refuse_wrapped(tree, folders) -> None:
    """Name the folder that is meant where one alone holds all the others."""
    place, inner = "", folders
    for _ in range(_DEEPEST):
        if len(inner) != 1 or split_of(inner[0]):
            break
        place = f"{place}/{inner[0]}".lstrip("/")
        inner = tree.folders(place)
    if place and inner:
        meant = runs.legible(tree.path(place))
        raise InputError(
            f"{_shown(tree)} holds only one folder, which holds "
            f"{_listed(inner)}: give --data_dir={meant}"
        )


def _shown(tree) -> str:
    return runs.legible(str(tree.root))


def _quoted(name) -> str:
    return repr(unicodedata.normalize("NFC", runs.legible(name)))


def _listed(names) -> str:
    return splits.shown([runs.legible(name) for name in sorted(names)])
