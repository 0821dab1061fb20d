"""Where a folder of images keeps its splits, its classes and its files."""

import pathlib

import numpy as np

from elf_keras.data import splits
from elf_keras.errors import InputError

EXTENSIONS = (
    *(".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp"),
    *(".tif", ".tiff", ".ppm", ".pgm"),
)
SPLIT_FOLDERS = {
    "train": ("train",),
    "validation": ("validation", "val"),
    "test": ("test",),
}


def split_folders(data_dir: pathlib.Path | None) -> dict[str, pathlib.Path]:
    """The folder of each split; all is training where there are none.

    Raises:
      InputError: without such a folder, or without one for training.
    """
    if data_dir is None or not data_dir.is_dir():
        raise InputError(
            f"data folder {data_dir}: no such folder; give --data_dir with a "
            "sub-folder per class, or train/ and test/ with one per class"
        )
    found = {}
    for split, names in SPLIT_FOLDERS.items():
        # A folder that holds images itself is a class of that name.
        held = [n for n in names if _subfolders(data_dir / n)]
        if len(held) > 1:
            raise InputError(f"{data_dir} holds {' and '.join(held)}: keep one")
        if held:
            found[split] = data_dir / held[0]
    if found and "train" not in found:
        raise InputError(
            f"{data_dir} holds {', '.join(found)} but no train folder: add "
            "train/ with a sub-folder per class"
        )
    return found or {"train": data_dir}


def class_names_of(folders: dict[str, pathlib.Path]) -> tuple[str, ...]:
    """Class names, sorted, as numbers where all are; the same in each split.

    Raises:
      InputError: without any, or where the splits differ.
    """
    names = _subfolders(folders["train"])
    if not names:
        raise InputError(
            f"{folders['train']} has no class folder: expected a sub-folder "
            "of images per class"
        )
    for split, folder in folders.items():
        odd = sorted(set(names) ^ set(_subfolders(folder)))
        if odd:
            raise InputError(
                f"train and {split} have different classes: "
                f"{splits.shown(odd)} in one only; give both the same folders"
            )
    if all(name.isdecimal() for name in names):
        return tuple(sorted(names, key=lambda name: (int(name), name)))
    return tuple(sorted(names))


def image_files_of(
    folder: pathlib.Path, class_names: tuple[str, ...]
) -> tuple[list[pathlib.Path], np.ndarray]:
    """The image files of a split's folder, class by class, and their labels.

    Raises:
      InputError: without any.
    """
    paths, labels = [], []
    for label, name in enumerate(class_names):
        members = sorted(
            path
            for path in (folder / name).rglob("*")
            if path.suffix.lower() in EXTENSIONS
            and not any(
                part.startswith(".") for part in path.relative_to(folder).parts
            )
            and path.is_file()
        )
        paths += members
        labels += [label] * len(members)
    if not paths:
        raise InputError(
            f"{folder} has class folders without any image file; add images, "
            "or remove the folder"
        )
    return paths, np.array(labels, np.int32)


def _subfolders(folder: pathlib.Path) -> list[str]:
    if not folder.is_dir():
        return []
    return [
        entry.name
        for entry in folder.iterdir()
        if entry.is_dir() and not entry.name.startswith((".", "__"))
    ]
