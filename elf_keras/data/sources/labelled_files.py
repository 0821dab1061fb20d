"""The files of a folder that a table of labels lists."""

import pathlib
import posixpath
import unicodedata
from collections.abc import Sequence

import numpy as np

from elf_keras import runs
from elf_keras.data import image_formats, splits
from elf_keras.data.sources import class_folders, label_table
from elf_keras.data.sources.class_folders import Found
from elf_keras.data.sources.folder_tree import Tree
from elf_keras.data.sources.label_table import Row, Table
from elf_keras.errors import InputError

MOST_MISSING = 0.01
UNLISTED = "not in the table of labels"


def find(tree: Tree, path: pathlib.Path) -> Found:
    """Files by split and class; without a column of splits all is training.

    What else the folder holds is left out.

    Raises:
      InputError: with file and line, for a table that cannot be read, a path
        outside the folder, a file listed twice; for over 1 % of files missing.
    """
    table = label_table.read(path)
    files = tree.images([""])[0]
    located = _located(table, tree, [*files, *tree.names_left_out()])
    absent = [row for row in table.rows if row not in located]
    _check_missing(absent, table, tree)
    _check_twice(located)
    tree.take([*located.values(), *_own_name(table.path, tree)])
    used = set(located.values())
    for name in files:
        if name not in used:
            tree.leave_out(name, UNLISTED)
    unread = {*tree.names_left_out()}
    rows = {row: name for row, name in located.items() if name not in unread}
    names = [runs.legible(row.path) for row in absent]
    notes = []
    if names:
        missing = splits.shown(names)
        notes.append(f"{len(names)} listed files are missing: {missing}.")
    return _found(rows, table, names, notes, tree)


def _located(table: Table, tree: Tree, names: Sequence[str]) -> dict[Row, str]:
    """Row -> its file, as the system spells it; none for missing ones."""
    known = {runs.legible(name): name for name in names}
    spelled = {unicodedata.normalize("NFC", name): name for name in known}
    found = {}
    for row in table.rows:
        if row.path in known:
            found[row] = known[row.path]
            continue
        path = _inside(row, tree)
        name = known.get(spelled.get(unicodedata.normalize("NFC", path)), path)
        if name in known or tree.is_file(name):
            found[row] = name
    return found


def _inside(row: Row, tree: Tree) -> str:
    """A path relative to the data folder, with `/` between."""
    path = row.path.replace("\\", "/")
    for root in (str(tree.root), str(tree.root.resolve())):
        path = path.removeprefix(f"{root}/")
    path = posixpath.normpath(path)
    if path.startswith(("/", "../")) or path in ("..", ".") or path[1:2] == ":":
        raise InputError(
            f"{row.where}: {row.path!r} lies outside the data folder; expected "
            "a path relative to --data_dir"
        )
    return path


def _check_missing(absent: Sequence[Row], table: Table, tree: Tree) -> None:
    root = runs.legible(str(tree.root))
    if absent and absent[0] == table.rows[0] and not table.header:
        raise InputError(
            f"{absent[0].where}: {absent[0].path!r} is neither a file in "
            f"{root} nor a header; expected columns such as path,label"
        )
    if len(absent) > MOST_MISSING * len(table.rows):
        raise InputError(
            f"{len(absent)} of {len(table.rows)} files that {table.path} lists "
            f"are missing in {root}: {splits.shown([x.path for x in absent])}; "
            "paths are relative to --data_dir"
        )


def _check_twice(located: dict[Row, str]) -> None:
    seen = {}
    for row, name in located.items():
        if name in seen:
            raise InputError(
                f"{row.where}: {row.path!r} is a duplicate, listed before in "
                f"{seen[name]}; remove one of the two lines"
            )
        seen[name] = row.where


def _own_name(path, tree) -> list[str]:
    """The table's name where it lies in the data folder."""
    root, path = tree.root.resolve(), path.resolve()
    inside = path.is_relative_to(root)
    return [path.relative_to(root).as_posix()] if inside else []


def _found(rows, table, absent, notes, tree) -> Found:
    parts = {split: {} for split in ("train", "validation", "test")}
    for row, name in rows.items():
        parts[row.split][row] = name
    parts = {split: part for split, part in parts.items() if part}
    if "train" not in parts:
        unread = image_formats.unread(tree.left_out)
        raise InputError(
            f"{table.path} lists no image for train that can be read: add some"
            + (f"; {unread}" if unread else "")
        )
    # Also those whose files are missing or cannot be read: a class that goes
    # unsaid is one that is never answered.
    classes = class_folders.ordered(
        {row.label for row in table.rows if row.split == "train"}
    )
    class_folders.check_several(classes, str(table.path))
    names, labels, groups = {}, {}, {}
    for split, part in parts.items():
        found = {row.label for row in part}
        class_folders.refuse_unknown(found, classes, split)
        names[split], labels[split], groups[split] = _columns(part, classes)
    if "validation" in parts:
        notes.append(
            f"Validation is as {table.path.name} says; nothing is cut from "
            "training."
        )
    return Found(
        classes,
        names,
        labels,
        groups if table.grouped else None,
        notes,
        absent,
    )


def _columns(part: dict[Row, str], classes: Sequence[str]):
    """Names, labels and groups, class by class, as folders of them come."""
    place = {name: label for label, name in enumerate(classes)}
    pairs = sorted(
        part.items(),
        key=lambda pair: (place[pair[0].label], pair[1].split("/")),
    )
    return (
        [name for _, name in pairs],
        np.array([place[row.label] for row, _ in pairs], np.int32),
        # Without a group a file is one of its own.
        [row.group or row.where for row, _ in pairs],
    )
